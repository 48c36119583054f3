"""Whom a snapshot speaks of: the buyers known at a date."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clientcare.history.histories import Histories
from clientcare.window import microseconds


def known_buyers(histories: Histories, as_of: pd.Timestamp) -> NDArray[np.int64]:
    """Positions in ``histories.buyer_ids`` of the buyers known at a date, ascending.

    A buyer is known who bought at least once before ``as_of`` (an amount above zero, or an unknown amount),
    or whose contract was known and had started by then. Being in contact alone makes nobody a buyer.

    Parameters
    ----------
    histories : Histories
        Histories of any buyers.
    as_of : Timestamp without a zone
        The moment of asking, exclusive.

    Returns
    -------
    int64 array of shape (n_buyers known,)
    """
    moment = microseconds(as_of)
    known = np.zeros(len(histories.buyer_ids), dtype=bool)
    transactions = histories.events("transactions")
    if transactions is not None:
        past = (transactions.time if transactions.known is None else transactions.known) < moment
        amount = transactions.columns.get("amount")
        bought = past if amount is None else past & ~(amount <= 0)
        known[transactions.buyer[bought]] = True
    contracts = histories.events("contracts")
    if contracts is not None:
        past = (contracts.time if contracts.known is None else contracts.known) < moment
        known[contracts.buyer[past]] = True
    return np.flatnonzero(known)
