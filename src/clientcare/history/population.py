"""Buyers at a date: whom a snapshot speaks of, and who had a contract in force."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clientcare.facts.terms import rows_in_force
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
        transactions = transactions.before(moment) if "amount" in transactions.known_from else transactions
        past = (transactions.time if transactions.known is None else transactions.known) < moment
        amount = transactions.columns.get("amount")
        bought = past if amount is None else past & ~(amount <= 0)
        known[transactions.buyer[bought]] = True
    contracts = histories.events("contracts")
    if contracts is not None:
        past = (contracts.time if contracts.known is None else contracts.known) < moment
        known[contracts.buyer[past]] = True
    return np.flatnonzero(known)


def cared_for(histories: Histories, as_of: pd.Timestamp) -> NDArray[np.int64]:
    """Positions of those whom care can speak of at a date, ascending: the buyers known.

    Where only interactions were given, as a CRM exports them, whoever was in contact before the date: nobody can be
    called a buyer then, and all that contacts can tell is told.
    """
    contacts = histories.events("interactions")
    if (
        contacts is None
        or histories.events("transactions") is not None
        or histories.events("contracts") is not None
    ):
        return known_buyers(histories, as_of)
    return np.unique(contacts.before(microseconds(as_of)).buyer).astype(np.int64)


def in_force(
    histories: Histories, moment: pd.Timestamp, known_at: pd.Timestamp | None = None
) -> NDArray[np.bool_]:
    """Which buyers had a contract in force just before a moment, as far as was known at another.

    Parameters
    ----------
    histories : Histories
        Histories with or without contracts.
    moment : Timestamp without a zone
        The moment asked about, exclusive: what was in force just before it.
    known_at : Timestamp without a zone, optional
        Only contracts and cancellations known strictly before it count. Default: all that is known by now.

    Returns
    -------
    bool array of shape (n_buyers,), by position in ``histories.buyer_ids``
        All False where there are no contracts.

    Examples
    --------
    >>> from clientcare.history import Histories
    >>> term = {"buyer_id": "a", "start": "2024-01-01", "end": "2024-12-31", "cancelled_at": "2024-06-15"}
    >>> histories = Histories(contracts=pd.DataFrame([term]))
    >>> in_force(histories, pd.Timestamp("2024-08-01"), known_at=pd.Timestamp("2024-06-01"))
    array([ True])
    >>> in_force(histories, pd.Timestamp("2024-08-01"), known_at=pd.Timestamp("2024-07-01"))
    array([False])
    """
    bound = np.zeros(len(histories.buyer_ids), dtype=bool)
    contracts = histories.events("contracts")
    if contracts is not None:
        rows = rows_in_force(
            contracts, microseconds(moment), None if known_at is None else microseconds(known_at)
        )
        bound[contracts.buyer[rows]] = True
    return bound
