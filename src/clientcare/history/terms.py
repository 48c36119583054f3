"""Contracts in force: who was bound at a moment, as far as was known then.

A term runs over [start, end). A cancellation given before the moment of knowing ends it earlier; one given
later is not known yet, so the term counts as running to its scheduled end. Several terms at once, and
renewals as further rows, make a buyer bound while any of them runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clientcare.history.events import EventTable
from clientcare.window import UNKNOWN_TIME, microseconds

if TYPE_CHECKING:
    from clientcare.history.histories import Histories

FOREVER = np.iinfo(np.int64).max
"""The end of a term that has none."""


def in_force(
    histories: Histories, moment: pd.Timestamp, known_at: pd.Timestamp | None = None
) -> NDArray[np.bool_]:
    """Which buyers had a contract in force at a moment, as far as was known at another.

    Parameters
    ----------
    histories : Histories
        Histories with or without contracts.
    moment : Timestamp without a zone
        The moment asked about: a term that starts then is in force, one that ends then is not.
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


def rows_in_force(contracts: EventTable, moment: int, known_at: int | None = None) -> NDArray[np.bool_]:
    """Which terms were in force at a moment (microseconds), as far as was known; shape (n_rows,)."""
    running = (contracts.time <= moment) & (moment < last_moment(contracts, known_at))
    if known_at is None:
        return running
    known = contracts.time if contracts.known is None else contracts.known
    return running & (known < known_at)


def last_moment(contracts: EventTable, known_at: int | None = None) -> NDArray[np.int64]:
    """When each term stops, in microseconds: its end or an earlier cancellation; ``FOREVER`` for an open end.

    Shape (n_rows,). Cancellations given at or after ``known_at`` are left out.
    """
    end = _or_forever(contracts.columns["end"])
    cancelled = _or_forever(contracts.columns["cancelled_at"])
    if known_at is not None:
        cancelled = np.where(cancelled < known_at, cancelled, FOREVER)
    return np.minimum(end, cancelled)


def _or_forever(moments: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.where(moments == UNKNOWN_TIME, FOREVER, moments)
