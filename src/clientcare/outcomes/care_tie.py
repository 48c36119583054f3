"""The care tie: was there a two-way bond between seller and buyer, and could one be seen?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from clientcare.facts.contacts import Bools, Contacts
from clientcare.facts.term_lines import renews
from clientcare.facts.terms import FOREVER, stops_at
from clientcare.history.histories import Histories
from clientcare.history.population import in_force
from clientcare.outcomes.seen import BoolArray, parts_with
from clientcare.window import Window, microseconds


def care_tie(histories: Histories, window: Window, n_parts: int, min_parts: int) -> pd.Series[bool]:
    """Whether each buyer had a care tie within the horizon; all buyers of the histories, NA where it cannot
    be seen.

    A tie recurs and takes two: in at least ``min_parts`` of the horizon's ``n_parts`` equal parts there is a two-way
    exchange (see :attr:`clientcare.facts.contacts.Contacts.exchanges`), or a contact from each side. A contract is no
    tie. Only where no exchange is recorded at all do contracts speak, of the buyers who ever had one: see
    :func:`stays_bound`.

    Parameters
    ----------
    histories : Histories
    window : Window
    n_parts, min_parts : int

    Returns
    -------
    Series of the nullable type ``boolean``, shape (n_buyers,), named ``care_tie``
    """
    end = microseconds(window.end)
    contacts = Contacts.known(histories, end)
    if contacts is not None and exchanges_are_recorded(contacts):
        recurring = _parts_with_tie(contacts, window, n_parts).sum(axis=1) >= min_parts
        return pd.Series(pd.array(recurring, dtype="boolean"), name="care_tie")
    tie = pd.array(stays_bound(histories, window), dtype="boolean")
    tie[~_ever_had_contract(histories, end)] = pd.NA
    return pd.Series(tie, name="care_tie")


def stays_bound(histories: Histories, window: Window) -> BoolArray:
    """Who is under contract at the horizon's end, and has stayed of their own will; shape (n_buyers,).

    That is, has renewed at least once (see :func:`clientcare.facts.term_lines.renews`), or has kept a contract
    without an end, which can be left any day, for the whole horizon.
    """
    contracts = histories.events("contracts")
    stayed = np.zeros(len(histories.buyer_ids), dtype=bool)
    if contracts is None:
        return stayed
    end = microseconds(window.end)
    known = contracts.before(end)
    stayed[known.buyer[renews(known)]] = True
    endless = (stops_at(known, end) == FOREVER) & (known.time < microseconds(window.as_of))
    stayed[known.buyer[endless]] = True
    return np.asarray(stayed & in_force(histories, window.end))


def tied_by_contact(contacts: Contacts, rows: Bools) -> BoolArray:
    """Whether each buyer had an exchange, or a contact from each side, among some contacts; shape (n_buyers,)."""
    from_buyer, from_seller = one_sided(contacts)

    def had(mask: Bools) -> BoolArray:
        return contacts.count(mask & rows) > 0

    return had(contacts.exchanges) | (had(from_buyer) & had(from_seller))


def one_sided(contacts: Contacts) -> tuple[Bools, Bools]:
    """Which contacts came from the buyer and which from the seller, and are not known to have missed the other side.

    What a buyer said counts, answered or not; what a seller sent counts unless it is known to have had no answer.
    """
    return contacts.care & contacts.inbound, contacts.care & contacts.outbound & (contacts.answered != 0)


def _parts_with_tie(contacts: Contacts, window: Window, n_parts: int) -> BoolArray:
    """In which parts of the horizon each buyer had an exchange, or a contact from each side."""
    from_buyer, from_seller = one_sided(contacts)

    def had(rows: Bools) -> BoolArray:
        return parts_with(contacts.events, rows, window, n_parts)

    return np.asarray(had(contacts.exchanges) | (had(from_buyer) & had(from_seller)))


def exchanges_are_recorded(contacts: Contacts) -> bool:
    """Whether any buyer at all could be seen to have a tie; a table of campaigns alone shows none."""
    return bool(tied_by_contact(contacts, np.ones(contacts.events.n_rows, dtype=bool)).any())


def _ever_had_contract(histories: Histories, moment: int) -> BoolArray:
    had = np.zeros(len(histories.buyer_ids), dtype=bool)
    contracts = histories.events("contracts")
    if contracts is not None:
        had[contracts.buyer[contracts.time < moment]] = True
    return had
