"""The book: one row a buyer, what the model says of the relationship."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clientcare.model.member import Floats
from clientcare.outcomes import STAGES

COLUMNS = (
    "relationship",
    "client_probability",
    "stage",
    "evidence",
    "churn_risk",
    "churn_risk_low",
    "churn_risk_high",
    "expected_purchases",
    "next_purchase_due",
    "expected_spend",
    "overdue_ratio",
    "reason_1",
    "reason_2",
    "reason_3",
    "as_of",
    "horizon_days",
    "model_id",
)
RELATIONSHIPS = ("client", "customer")
LATEST_DUE_DAYS = 36_500.0


def make_book(columns: Mapping[str, Any], buyers: pd.Index) -> pd.DataFrame:
    """The book's columns in their order; numbers and texts are made elsewhere.

    Parameters
    ----------
    columns : mapping of name to array of shape (n_buyers,) or a single value
    buyers : Index named ``buyer_id``

    Returns
    -------
    DataFrame of shape (n_buyers, 17)
    """
    book = pd.DataFrame(index=buyers.rename("buyer_id"))
    for name in COLUMNS:
        book[name] = columns[name]
    return book


def relationship_of(client_probability: Floats) -> pd.Categorical[str]:
    """Client where that is at least as likely as not."""
    codes = np.where(client_probability >= 0.5, 0, 1)
    return pd.Categorical.from_codes(codes, categories=pd.Index(RELATIONSHIPS))


def stage_from(client: Floats, patronage: Floats, care_tie: Floats) -> pd.Categorical[str]:
    """The likeliest cell of the truth table that agrees with the two-way class.

    Parameters
    ----------
    client, patronage, care_tie : float64 arrays of shape (n_buyers,)
        Probabilities; ``care_tie`` is NaN where no tie can be seen.
    """
    codes = np.full(len(client), 3)
    codes[care_tie >= 0.5] = 2
    codes[patronage >= 0.5] = 1
    codes[client >= 0.5] = 0
    return pd.Categorical.from_codes(codes, categories=pd.Index(STAGES))


def next_due(as_of: pd.Timestamp, silence_days: Floats, usual_gap_days: Floats) -> NDArray[np.datetime64]:
    """The last purchase plus the buyer's usual gap, as a date; NaT where no gap has been seen.

    A date before ``as_of`` says that the purchase is overdue.
    """
    ahead = np.round(usual_gap_days - silence_days)
    known = np.isfinite(ahead)
    days = np.clip(np.where(known, ahead, 0.0), -LATEST_DUE_DAYS, LATEST_DUE_DAYS).astype(np.int64)
    dates = np.datetime64(as_of.normalize(), "us") + days.astype("timedelta64[D]").astype("timedelta64[us]")
    return np.where(known, dates, np.datetime64("NaT", "us"))
