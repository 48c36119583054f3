"""What a backtest needs to know of each buyer at a date besides the scores: active or not, and worth
how much.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from clientcare.facts.terms import rows_in_force
from clientcare.history.histories import Histories
from clientcare.history.population import known_buyers
from clientcare.outcomes.status import StatusRule
from clientcare.window import MICROSECONDS_A_DAY, microseconds

DAYS_OF_VALUE = 365


def standing_at(histories: Histories, as_of: pd.Timestamp, horizon_days: int) -> pd.DataFrame:
    """Who is active, and what each buyer brought in the year before.

    Parameters
    ----------
    histories : Histories
    as_of : Timestamp
    horizon_days : int

    Returns
    -------
    DataFrame indexed by buyer_id, the buyers known at ``as_of``
        ``active``: bought within ``horizon_days`` before ``as_of``, or a contract is in force, as far
        as was known then. ``here``: not gone, by the rule over facts.
        ``value``: net spend of the 365 days before ``as_of``, plus twelve months of
        each contract in force; where no amounts are known at all, the number of purchases. Never below 0.
    """
    known = known_buyers(histories, as_of)
    n_buyers = len(histories.buyer_ids)
    active, value = np.zeros(n_buyers, dtype=bool), np.zeros(n_buyers)
    moment = microseconds(as_of)
    transactions, contracts = histories.events("transactions"), histories.events("contracts")
    if transactions is not None:
        past = transactions.before(moment)
        amount = past.columns.get("amount", np.full(past.n_rows, np.nan))
        recent = past.time >= moment - horizon_days * MICROSECONDS_A_DAY
        active[past.buyer[recent & ~(amount <= 0)]] = True
        worth = np.where(amount > 0, 1.0, 0.0) if np.isnan(amount).all() else np.nan_to_num(amount)
        worth = np.ones(past.n_rows) if np.isnan(amount).all() else worth
        this_year = past.time >= moment - DAYS_OF_VALUE * MICROSECONDS_A_DAY
        value += np.bincount(past.buyer[this_year], worth[this_year], minlength=n_buyers)
    if contracts is not None:
        past = contracts.before(moment)
        running = rows_in_force(past, moment)
        monthly = np.nan_to_num(past.columns.get("amount", np.ones(past.n_rows)))
        active[past.buyer[running]] = True
        value += 12 * np.bincount(past.buyer[running], monthly[running], minlength=n_buyers)
    past_alone = histories.until(as_of)
    status = StatusRule.learn(past_alone, as_of).told(past_alone, as_of)["status"]
    buyers = histories.buyer_ids.take(known)
    here = status.reindex(buyers).ne("gone").to_numpy()
    return pd.DataFrame(
        {"active": active[known], "here": here, "value": value[known].clip(min=0)}, index=buyers
    )
