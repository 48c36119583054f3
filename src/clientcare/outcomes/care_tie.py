"""The care tie: was there a two-way bond between seller and buyer, and could one be seen?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from clientcare.facts.contacts import Bools, Contacts
from clientcare.facts.events import Array
from clientcare.history.histories import Histories
from clientcare.history.population import in_force
from clientcare.outcomes.seen import BoolArray, in_horizon
from clientcare.window import Window, microseconds


def care_tie(histories: Histories, window: Window) -> pd.Series[bool]:
    """Whether each buyer had a care tie within the horizon; all buyers of the histories, NA where it cannot
    be seen.

    A tie is a contract in force at the end of the horizon, or at least one two-way exchange within it (see
    :attr:`clientcare.facts.contacts.Contacts.exchanges`), or at least one contact from each side. It can be
    seen for every buyer where two-way contacts were recorded at all before the horizon's end, and otherwise
    for the buyers who ever had a contract.

    Returns
    -------
    Series of the nullable type ``boolean``, shape (n_buyers,), named ``care_tie``
    """
    end = microseconds(window.end)
    bound = in_force(histories, window.end)
    visible = _ever_had_contract(histories, end)
    contacts = Contacts.known(histories, end)
    if contacts is not None:
        visible = visible | _exchanges_are_recorded(contacts)
        bound = bound | tied_by_contact(contacts, in_horizon(contacts.events, window))
    tie = pd.array(bound, dtype="boolean")
    tie[~(visible | bound)] = pd.NA
    return pd.Series(tie, name="care_tie")


def last_exchange_day(histories: Histories, moment: pd.Timestamp) -> Array:
    """The day (since 1970-01-01) of each buyer's last two-way exchange before a moment; -1 where none is known.

    Shape (n_buyers,).
    """
    last = np.full(len(histories.buyer_ids), -1, dtype=np.int64)
    contacts = Contacts.known(histories, microseconds(moment))
    if contacts is not None:
        rows = contacts.exchanges
        last[contacts.buyer[rows]] = contacts.events.day[
            rows
        ]  # rows ascend in time within a buyer, the last one stays
    return last


def tied_by_contact(contacts: Contacts, rows: Bools) -> BoolArray:
    """Whether each buyer had an exchange, or a contact from each side, among some contacts; shape (n_buyers,).

    What a buyer said counts, answered or not; what a seller sent counts unless it is known to have had no answer.
    """

    def had(mask: Bools) -> BoolArray:
        return contacts.count(mask & rows) > 0

    from_buyer = had(contacts.care & contacts.inbound)
    from_seller = had(contacts.care & contacts.outbound & (contacts.answered != 0))
    return had(contacts.exchanges) | (from_buyer & from_seller)


def _exchanges_are_recorded(contacts: Contacts) -> bool:
    """Whether any buyer at all could be seen to have a tie; a table of campaigns alone shows none."""
    return bool(tied_by_contact(contacts, np.ones(contacts.events.n_rows, dtype=bool)).any())


def _ever_had_contract(histories: Histories, moment: int) -> BoolArray:
    had = np.zeros(len(histories.buyer_ids), dtype=bool)
    contracts = histories.events("contracts")
    if contracts is not None:
        had[contracts.buyer[contracts.time < moment]] = True
    return had
