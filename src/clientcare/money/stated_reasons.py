"""Why buyers left, in the words that were written down: at the contract, or in the last they had to say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clientcare.facts.contacts import Contacts
from clientcare.facts.terms import stops_at
from clientcare.history import Histories
from clientcare.window import MICROSECONDS_A_DAY, microseconds

LAST_WORD_DAYS = 90
"""What a buyer spoke of within a quarter before leaving counts as the last word; earlier it was about something else."""
ABOUT_THE_LOSS_DAYS = 45
"""A contract ended so near to the day from which a buyer counts as gone is the one that was left."""


def stated_reasons(known: Histories, left_at: pd.Series[Any]) -> pd.DataFrame:
    """The reason that is written down for each loss, and where.

    Parameters
    ----------
    known : Histories
        Cut at the date of asking.
    left_at : Series of moments, index ``buyer_id``

    Returns
    -------
    DataFrame, index as ``left_at``
        ``stated_reason`` (None where none is written down) and ``stated_in``: ``contract`` (its ``cancel_reason``) or
        ``last contact`` (the ``topic`` of the last that the buyer took part in, within 90 days before).

    Examples
    --------
    >>> terms = pd.DataFrame({"buyer_id": ["a"], "start": ["2023-01-01"], "cancelled_at": ["2023-06-01"],
    ...                       "cancel_reason": ["price"]})
    >>> histories = Histories(contracts=terms, observed_until="2024-01-01")
    >>> stated_reasons(histories, pd.Series([pd.Timestamp("2023-06-01")], index=["a"])).iloc[0].tolist()
    ['price', 'contract']
    """
    buyer = known.buyer_ids.get_indexer(left_at.index)
    left = left_at.to_numpy(dtype="datetime64[us]").astype(np.int64)
    by_contract, by_contact = _of_contracts(known, buyer, left), _of_contacts(known, buyer, left)
    stated = [
        (one, "contract") if one is not None else (other, None if other is None else "last contact")
        for one, other in zip(by_contract, by_contact, strict=True)
    ]
    return pd.DataFrame(stated, index=left_at.index, columns=["stated_reason", "stated_in"], dtype=object)


def _of_contracts(known: Histories, buyer: NDArray[Any], left: NDArray[np.int64]) -> NDArray[np.object_]:
    """The reason at the contract that ended last, about the day of the loss."""
    found = np.full(len(buyer), None, dtype=object)
    terms = known.events("contracts")
    if terms is None or "cancel_reason" not in terms.columns:
        return found
    codes, words, stop = terms.columns["cancel_reason"], terms.levels["cancel_reason"], stops_at(terms)
    near = ABOUT_THE_LOSS_DAYS * MICROSECONDS_A_DAY
    for place, (one, day) in enumerate(zip(buyer, left, strict=True)):
        rows = np.arange(terms.offsets[one], terms.offsets[one + 1])
        rows = rows[(codes[rows] >= 0) & (np.abs(stop[rows] - day) <= near)]
        if len(rows):
            found[place] = words[codes[rows[np.argmax(stop[rows])]]]
    return found


def _of_contacts(known: Histories, buyer: NDArray[Any], left: NDArray[np.int64]) -> NDArray[np.object_]:
    """What the last contact that the buyer took part in was about."""
    found = np.full(len(buyer), None, dtype=object)
    contacts = Contacts.known(known, microseconds(known.observed_until))
    if contacts is None or "topic" not in contacts.events.columns:
        return found
    events, spoke = contacts.events, contacts.voiced
    codes, words = events.columns["topic"], events.levels["topic"]
    for place, (one, day) in enumerate(zip(buyer, left, strict=True)):
        rows = np.arange(events.offsets[one], events.offsets[one + 1])
        since = day - LAST_WORD_DAYS * MICROSECONDS_A_DAY
        rows = rows[spoke[rows] & (events.time[rows] >= since) & (events.time[rows] <= day)]
        if len(rows) and codes[rows[-1]] >= 0:
            found[place] = words[codes[rows[-1]]]
    return found
