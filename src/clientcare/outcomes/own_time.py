"""How long the parts are over which a client is told from a customer: the time of the base, not of the question."""

from __future__ import annotations

import numpy as np
import pandas as pd

from clientcare.history.histories import Histories
from clientcare.history.population import known_buyers
from clientcare.outcomes.status import StatusRule

LEAST_PART_DAYS = 60
"""Three parts make half a year then: what is told in weeks is an episode, not a relationship."""
MOST_PART_DAYS = 730
"""A gap of more than two years is no rhythm that a base of living buyers shows."""
MOSTLY_BOUND = 0.5
"""Where so many of the base have had a contract, what they buy beside it is not their rhythm."""


def usual_gap_days(histories: Histories, as_of: pd.Timestamp) -> float:
    """The usual days between purchases of a base, as known at a date; NaN where nobody bought twice."""
    return StatusRule.learn(histories, as_of).gap_days


def part_days(histories: Histories, as_of: pd.Timestamp) -> int:
    """Days of a part that holds at least one usual gap of the base, as known at a date.

    A contract is in force on every day of its term, so that no term need fit into a part: of a base that is mostly under
    contract parts have the least length.

    Examples
    --------
    >>> visits = pd.to_datetime(["2020-03-01", "2021-03-03", "2022-03-01", "2023-03-08"])
    >>> patients = pd.DataFrame({"buyer_id": "ann", "timestamp": visits, "amount": 90.0})
    >>> part_days(Histories(patients), pd.Timestamp("2023-06-01"))
    368
    """
    known = known_buyers(histories, as_of)
    contracts = histories.events("contracts")
    if contracts is not None and len(known):
        had = np.diff(contracts.offsets)[known] > 0
        if had.mean() >= MOSTLY_BOUND:
            return LEAST_PART_DAYS
    gap = usual_gap_days(histories, as_of)
    if not np.isfinite(gap):
        return LEAST_PART_DAYS
    return int(np.clip(np.ceil(gap), LEAST_PART_DAYS, MOST_PART_DAYS))
