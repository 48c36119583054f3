"""Which transactions are purchases: the one rule."""

from __future__ import annotations

import numpy as np

from clientcare.facts.contacts import Bools
from clientcare.facts.events import EventTable


def is_purchase(transactions: EventTable) -> Bools:
    """Which transactions are purchases: an amount above zero, or an unknown amount; shape (n_rows,)."""
    amount = transactions.columns.get("amount")
    return np.ones(transactions.n_rows, dtype=bool) if amount is None else ~(amount <= 0)
