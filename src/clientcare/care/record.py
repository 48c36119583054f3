"""How much of what a measure rests on was written down in a period, against the one before.

A score that rests on much less than before cannot be compared: it is at most what it was. Which rows were left out, the bad
ones or any, no software can know; that many were, it can say.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

RECORDED: Mapping[str, Mapping[str, str]] = {
    "service": {
        "n_rated": "ratings",
        "n_answers_recorded": "answers",
        "n_timed": "times of answers",
        "n_trouble": "complaints and tickets",
    },
    "proactive": {"n_outcomes": "outcomes of check-ins"},
    "communicated": {"n_outcomes": "outcomes of check-ins"},
    "two_way": {"n_outcomes": "outcomes of check-ins"},
}
"""The counts that each measure rests on, and what they are called."""

FEWEST_BEFORE = 10
"""Fewer records in the period before tell nothing of how much is usual."""

MUCH_LESS = 0.5
"""Half of what it was, and less than chance explains (two standard errors of a difference of counts)."""


def recorded_less(buyers: pd.DataFrame, before: pd.DataFrame | None, measure: str) -> tuple[float, str]:
    """The share of the period before that was recorded, of what fell most, and what to say where it fell much; else empty.

    Parameters
    ----------
    buyers, before : DataFrame
        The counts by buyer of the period and of the one before.
    measure : str

    Examples
    --------
    >>> now, then = pd.DataFrame({"n_rated": [1, 0]}), pd.DataFrame({"n_rated": [12, 8]})
    >>> recorded_less(now, then, "service")
    (0.05, '1 ratings recorded, 20 in the period before: at most what it was')
    """
    found = []
    for name, words in RECORDED.get(measure, {}).items():
        if before is None or name not in before or name not in buyers:
            continue
        now, then = float(buyers[name].sum()), float(before[name].sum())
        if then >= FEWEST_BEFORE:
            found.append((now / then, now, then, words))
    if not found:
        return np.nan, ""
    share, now, then, words = min(found)
    if share >= MUCH_LESS or then - now <= 2 * np.sqrt(now + then):
        return share, ""
    return share, f"{now:,.0f} {words} recorded, {then:,.0f} in the period before: at most what it was"
