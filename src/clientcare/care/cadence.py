"""How long each buyer may go without a contact: the own agreement, the own rhythm, else the firm's cadence."""

from __future__ import annotations

import numpy as np
import pandas as pd

from clientcare.facts.contacts import Floats
from clientcare.history.histories import Histories
from clientcare.outcomes.buying import Buying

ATTRIBUTE = "cadence_days"
"""The column of the buyers' table that says how often a buyer is to be contacted."""


def cadence_by_buyer(histories: Histories, buying: Buying, firm_days: int) -> Floats:
    """Days that each buyer may at most go without a contact; shape (n_buyers,).

    What was agreed (``cadence_days`` in the buyers' table) stands first. Who has no contract in force and buys less
    often than the firm's cadence is due once in the own usual gap: a yearly patient is not due monthly. All others
    are due once in the firm's cadence.

    Parameters
    ----------
    histories : Histories
    buying : Buying
        What is known at the moment asked of.
    firm_days : int
        The firm's cadence.
    """
    own = np.where(buying.bound, np.nan, buying.usual_gap_days)
    days = np.fmax(own, float(firm_days))
    if histories.buyers is not None and ATTRIBUTE in histories.buyers:
        agreed = pd.to_numeric(histories.buyers[ATTRIBUTE], errors="coerce").reindex(histories.buyer_ids)
        stated = agreed.to_numpy(dtype=np.float64, na_value=np.nan)
        days = np.where(stated > 0, stated, days)
    return np.asarray(days)
