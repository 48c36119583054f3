"""What a reader should know before believing a model: plain sentences from its own judgement."""

from __future__ import annotations

import pandas as pd

from clientcare.model.training.blend import Blend
from clientcare.model.training.head import Head

RULES = {
    "recency": "recency",
    "two_numbers": "two numbers (the share of leavers where a term ends within the horizon, and of the others)",
}
"""The simple rules, and how a reader is told of them."""
BIASED = 1 / 3
"""Expected and seen differ by more than a third of what was seen: more than a plan can bear."""
BEYOND_CHANCE = 1.96


def judgement(head: Head, about: str) -> list[str]:
    """Does the blend beat the best simple rule at the newest complete outcome, and is its level right.

    Nothing where that could not be judged. Where people are bound, those under contract are spoken of, and the two numbers
    of terms are among the rules.
    """
    if not len(head.candidates):
        return []
    figures = {str(row["candidate"]): row for row in head.candidates.to_dict("records")}
    rules = [name for name in ("recency", head.verdict.rule) if name in figures]
    if not rules:
        return []
    best = min(rules, key=lambda name: float(figures[name]["log_loss"]))
    gain, error = -float(figures[best]["gain_over_blend"]), float(figures[best]["gain_over_blend_se"])
    date = f"{pd.Timestamp(figures['blend']['as_of']):%Y-%m-%d}"
    whom = "" if head.verdict.rule == "recency" else " of those under contract"
    if gain <= 0:
        said = f"On {about}{whom} the model does not beat {RULES[best]} as of {date} (log loss {-gain:.4f} higher)."
    else:
        doubt = "" if gain > 2 * error else ", which may be chance"
        said = (
            f"On {about}{whom} the model beats {RULES[best]} as of {date} by {gain:.4f} in log loss{doubt}."
        )
    return [said, *_bias(head, about, date)]


def _bias(head: Head, about: str, date: str) -> list[str]:
    """A sentence where expected and seen differ by more than a third, and by more than chance."""
    if head.validation is None:
        return []
    known = head.validation[head.validation["probability"].notna()]
    expected, seen = float(known["probability"].sum()), float(known["outcome"].sum())
    noise = BEYOND_CHANCE * float((known["probability"] * (1 - known["probability"])).sum()) ** 0.5
    if abs(expected - seen) <= max(BIASED * seen, noise):
        return []
    return [
        f"On {about} the level was off as of {date}: {expected:,.1f} of {len(known):,} expected, {seen:,.0f} came."
    ]


def standing_in(blend: Blend) -> str:
    """What answers where no outcome was ever complete."""
    return "the probability model" if "lifetime" in blend.members else "a share counted so far"
