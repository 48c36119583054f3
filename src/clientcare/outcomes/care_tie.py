"""The care tie: was there a two-way bond between seller and buyer, and could one be seen?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from clientcare.facts.events import Array, EventTable
from clientcare.facts.term_lines import renews
from clientcare.facts.terms import FOREVER, stops_at
from clientcare.history.histories import Histories
from clientcare.history.population import in_force
from clientcare.outcomes.seen import BoolArray, parts_with
from clientcare.window import Window, microseconds

SELLING_KINDS = ("campaign", "invoice", "usage")
"""Kinds that never make a tie: to be sent an offer or a bill, or to log in, is no bond of care, answered or
not."""

FACE_TO_FACE_KINDS = (
    "advice", "call", "check_in", "meeting", "onboarding", "renewal_talk", "training", "visit",
)  # fmt: skip
"""Kinds that are two-way by their nature once they are known to have been kept."""


def care_tie(histories: Histories, window: Window, n_parts: int, min_parts: int) -> pd.Series[bool]:
    """Whether each buyer had a care tie within the horizon; all buyers of the histories, NA where it cannot
    be seen.

    A tie recurs and takes two: in at least ``min_parts`` of the horizon's ``n_parts`` equal parts there is a two-way
    exchange (see :func:`two_way_exchanges`), or a contact from each side. A contract is no tie. Only where no
    exchange is recorded at all do contracts speak, of the buyers who ever had one: see :func:`stays_bound`.

    Parameters
    ----------
    histories : Histories
    window : Window
    n_parts, min_parts : int

    Returns
    -------
    Series of the nullable type ``boolean``, shape (n_buyers,), named ``care_tie``
    """
    interactions = histories.events("interactions")
    known = None if interactions is None else interactions.before(microseconds(window.end))
    if known is not None and _exchanges_are_recorded(known):
        recurring = _parts_with_tie(known, window, n_parts).sum(axis=1) >= min_parts
        return pd.Series(pd.array(recurring, dtype="boolean"), name="care_tie")
    tie = pd.array(stays_bound(histories, window), dtype="boolean")
    tie[~_ever_had_contract(histories, microseconds(window.end))] = pd.NA
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


def two_way_exchanges(interactions: EventTable) -> BoolArray:
    """Which contacts are an exchange in themselves, as far as is known; shape (n_rows,).

    Of contacts that took place (neither missed nor only scheduled) and do not sell (:data:`SELLING_KINDS`):

    - a mutual contact;
    - one that was answered, by whichever side it was addressed to, or resolved;
    - a check-in, meeting, call, visit, training ... known to have been kept, and not known to be unanswered;
    - feedback, or any contact that the buyer rated;
    - a referral the buyer made (asking for one is outbound and needs an answer).
    """
    outbound = _is(interactions, "direction", ("outbound",))
    answered = _number(interactions, "answered")
    replied = (answered == 1) | (_number(interactions, "resolved") == 1)
    for hours in ("response_hours", "resolution_hours"):
        replied |= (answered != 0) & ~np.isnan(_number(interactions, hours))
    kept = _is(interactions, "status", ("kept",)) & _is(interactions, "kind", FACE_TO_FACE_KINDS)
    voice = _is(interactions, "kind", ("feedback", "referral")) & ~outbound
    rated = ~np.isnan(_number(interactions, "satisfaction"))
    mutual = _is(interactions, "direction", ("mutual",))
    exchange = mutual | replied | (kept & (answered != 0)) | voice | rated
    return np.asarray(_is_contact(interactions) & exchange)


def last_exchange_day(histories: Histories, moment: pd.Timestamp) -> Array:
    """The day (since 1970-01-01) of each buyer's last two-way exchange before a moment; -1 where none is known.

    Shape (n_buyers,).
    """
    last = np.full(len(histories.buyer_ids), -1, dtype=np.int64)
    interactions = histories.events("interactions")
    if interactions is not None:
        known = interactions.before(microseconds(moment))
        rows = two_way_exchanges(known)
        last[known.buyer[rows]] = known.day[rows]  # rows ascend in time within a buyer, the last one stays
    return last


def one_sided_contacts(interactions: EventTable, direction: str) -> BoolArray:
    """Which contacts came from one side, and are not known to have missed the other; shape (n_rows,).

    What a buyer said counts, answered or not; what a seller sent counts unless it is known to have had no
    answer.
    """
    missed = (_number(interactions, "answered") == 0) & (direction == "outbound")
    return np.asarray(_is_contact(interactions) & _is(interactions, "direction", (direction,)) & ~missed)


def _parts_with_tie(interactions: EventTable, window: Window, n_parts: int) -> BoolArray:
    """In which parts of the horizon each buyer had an exchange, or a contact from each side."""

    def had(rows: BoolArray) -> BoolArray:
        return parts_with(interactions, rows, window, n_parts)

    both = had(one_sided_contacts(interactions, "inbound")) & had(
        one_sided_contacts(interactions, "outbound")
    )
    return np.asarray(had(two_way_exchanges(interactions)) | both)


def _exchanges_are_recorded(interactions: EventTable) -> bool:
    """Whether any buyer at all could be seen to have a tie; a table of campaigns alone shows none."""

    def had(rows: BoolArray) -> BoolArray:
        return np.bincount(interactions.buyer[rows], minlength=interactions.n_buyers) > 0

    both = had(one_sided_contacts(interactions, "inbound")) & had(
        one_sided_contacts(interactions, "outbound")
    )
    return bool(two_way_exchanges(interactions).any() or both.any())


def _ever_had_contract(histories: Histories, moment: int) -> BoolArray:
    had = np.zeros(len(histories.buyer_ids), dtype=bool)
    contracts = histories.events("contracts")
    if contracts is not None:
        had[contracts.buyer[contracts.time < moment]] = True
    return had


def _is_contact(interactions: EventTable) -> BoolArray:
    did_not_happen = _is(interactions, "status", ("missed", "scheduled"))
    return np.asarray(~did_not_happen & ~_is(interactions, "kind", SELLING_KINDS))


def _is(events: EventTable, column: str, texts: tuple[str, ...]) -> BoolArray:
    """Rows whose coded column holds one of some texts; nowhere where there is no such column."""
    codes = events.columns.get(column)
    if codes is None:
        return np.zeros(events.n_rows, dtype=bool)
    wanted = np.isin(np.asarray(events.levels[column], dtype=object).astype(str), texts)
    return np.append(wanted, False)[codes]


def _number(events: EventTable, column: str) -> Array:
    """A column of numbers; NaN throughout where there is no such column."""
    values = events.columns.get(column)
    return np.full(events.n_rows, np.nan) if values is None else values
