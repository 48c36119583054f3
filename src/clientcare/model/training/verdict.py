"""What a reader should know before believing a model: plain sentences from its own judgement."""

from __future__ import annotations

import pandas as pd

from clientcare.model.training.blend import Blend
from clientcare.model.training.head import Head


def judgement(head: Head, about: str) -> list[str]:
    """Does the blend beat recency at the newest complete outcome; nothing where that could not be judged."""
    if not len(head.candidates):
        return []
    figures = {str(row["candidate"]): row for row in head.candidates.to_dict("records")}
    if "recency" not in figures:
        return []
    blend = figures["blend"]
    gain, error = float(blend["gain_over_recency"]), float(blend["gain_over_recency_se"])
    date = f"{pd.Timestamp(blend['as_of']):%Y-%m-%d}"
    if gain <= 0:
        return [f"On {about} the model does not beat recency as of {date} (log loss {-gain:.4f} higher)."]
    doubt = "" if gain > 2 * error else ", which may be chance"
    return [f"On {about} the model beats recency as of {date} by {gain:.4f} in log loss{doubt}."]


def standing_in(blend: Blend) -> str:
    """What answers where no outcome was ever complete."""
    return "the probability model" if "lifetime" in blend.members else "a share counted so far"
