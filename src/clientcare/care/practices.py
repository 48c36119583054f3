"""What is asked of the practices of care: their measures of every buyer, who is in care, who looks after whom.

Every score runs from 0 to 100 and is NaN where the histories cannot show it: unknown is not bad care. A table of
interactions that holds no care by the seller at all (tickets or campaigns alone) cannot show what the seller does.
All of them speak of a period ``[as_of - period, as_of)`` and see only what was known just before ``as_of``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from clientcare.arguments import is_whole
from clientcare.care.cadence import cadence_by_buyer
from clientcare.care.measures import (
    MEASURES,
    PRACTICES,
    RENEWAL_DAYS_AHEAD,
    WHOLE,
    beyond,
    communicated,
    deepening,
    n_between,
    proactive,
    two_way,
    word_of_mouth,
)
from clientcare.care.service_measure import service
from clientcare.care.stretches import Period
from clientcare.exceptions import OptionError
from clientcare.facts.contacts import Bools, Contacts
from clientcare.history.histories import Histories, require_histories
from clientcare.history.population import cared_for
from clientcare.outcomes.buying import Buying
from clientcare.outcomes.care_tie import tied_by_contact
from clientcare.outcomes.status import status_table
from clientcare.window import MICROSECONDS_A_DAY, Moment, day_number, microseconds, parse_moment

__all__ = [
    "MEASURES",
    "PRACTICES",
    "RENEWAL_DAYS_AHEAD",
    "WHOLE",
    "Period",
    "care_practices",
    "in_care",
    "in_relation",
    "last_owner",
    "n_between",
]

MOST_DAYS = 36_500
"""No period is longer: a hundred years."""


def care_practices(
    histories: Histories, as_of: Moment, period_days: int = 90, cadence_days: int = 30
) -> pd.DataFrame:
    """The seven measures of every known buyer, with the counts behind them; of everybody in contact, where only
    interactions were given.

    Parameters
    ----------
    histories : Histories
        Any of its tables may be missing.
    as_of : date
        Exclusive: only what was known before it is used.
    period_days, cadence_days : int
        The stretch looked at, and how often a buyer should at least hear from the seller, where nothing else was agreed
        (``cadence_days`` in the buyers' table) and the buyer without a contract does not buy less often.

    Returns
    -------
    DataFrame of shape (n_buyers known, 7 + counts), index ``buyer_id``
        One column a measure (:data:`MEASURES`, 0 to 100, NaN where it cannot be seen), and the counts
        (``n_...``) and sums behind. The formulas stand with the functions of
        :mod:`clientcare.care.measures`.
    """
    require_histories(histories, "care_practices")
    as_of = parse_moment(as_of, histories.timezone)
    histories = histories.until(as_of)
    for name, days in (("period_days", period_days), ("cadence_days", cadence_days)):
        if not (is_whole(days, least=1) and days <= MOST_DAYS):
            raise OptionError(
                f"care_practices: {name} must be a whole number of days from 1 to {MOST_DAYS:,}."
            )
    period = Period.ending(histories, as_of, period_days, cadence_days)
    buying, contacts = Buying.known(histories, period.as_of), Contacts.known(histories, period.as_of)
    period = replace(period, cadence_days=cadence_by_buyer(histories, buying, cadence_days))
    columns: dict[str, Any] = {}
    for measure in (communicated, proactive, deepening, service, beyond, two_way):
        columns |= measure(buying, contacts, period)
    columns |= word_of_mouth(buying, contacts, histories)
    table = pd.DataFrame(columns, index=histories.buyer_ids).iloc[cared_for(histories, as_of)]
    counts = [name for name in table if name not in MEASURES]
    return table[[*MEASURES, *counts]]


def in_relation(histories: Histories, as_of: pd.Timestamp, period_days: int = 90) -> pd.Index:
    """The known buyers who were in relation at any moment of the period: active or quiet when it began or when it
    ended, or come within it.

    Who left within the period is among them, with what was and was not done until then; who was gone before is not.
    """
    start = as_of - pd.Timedelta(days=period_days)
    index = histories.buyer_ids
    here = np.zeros(len(index), dtype=bool)
    for moment in (start, as_of):
        told = status_table(histories, moment)["status"].droplevel("as_of")
        here[index.get_indexer(told.index[(told != "gone").to_numpy(dtype=bool)])] = True
    buying = Buying.known(histories, microseconds(as_of))
    here |= buying.since_day >= day_number(start)
    if buying.first_contact_day is not None:
        here |= _in_contact(histories, as_of, period_days)
    known = cared_for(histories, as_of)
    return index.take(known[here[known]])


def _in_contact(histories: Histories, as_of: pd.Timestamp, period_days: int) -> Bools:
    """Who was in contact within the period or the year before it; shape (n_buyers,)."""
    contacts = Contacts.known(histories, microseconds(as_of))
    if contacts is None:
        return np.zeros(len(histories.buyer_ids), dtype=bool)
    last = contacts.last_time(contacts.kept)
    return np.asarray(last >= microseconds(as_of) - (period_days + 365) * MICROSECONDS_A_DAY)


def in_care(histories: Histories, as_of: pd.Timestamp, period_days: int = 90) -> pd.Series[Any]:
    """Whether a buyer could say "I am in their care": a two-way contact within the period, or a contract in
    force.

    Returns
    -------
    Series of float (1, 0, NaN), index ``buyer_id`` of the known buyers
        NaN where no two-way contact was ever recorded of anybody and the buyer never had a contract.
    """
    moment = microseconds(as_of)
    buying, contacts = Buying.known(histories, moment), Contacts.known(histories, moment)
    seen = np.where(np.isnan(buying.bond_day), np.nan, buying.bound.astype(np.float64))
    if contacts is not None:
        recent = contacts.care & (contacts.time >= moment - period_days * MICROSECONDS_A_DAY)
        tied = tied_by_contact(contacts, recent)
        if contacts.shows_care or contacts.exchanges.any():
            seen = np.fmax(seen, tied.astype(np.float64))
    return pd.Series(seen, index=histories.buyer_ids, name="in_care").iloc[cared_for(histories, as_of)]


def last_owner(histories: Histories, as_of: int) -> pd.Series[Any]:
    """Who looks after each buyer: the ``owner`` of the buyers' table, else of their latest known contact;
    None if unknown.
    """
    owner = pd.Series(
        [None] * len(histories.buyer_ids), index=histories.buyer_ids, dtype=object, name="owner"
    )
    contacts = Contacts.known(histories, as_of)
    if contacts is not None and "owner" in contacts.events.levels:
        codes = contacts.events.columns["owner"]
        rows = codes >= 0
        values = owner.to_numpy(copy=True)
        values[contacts.buyer[rows]] = contacts.events.levels["owner"][codes[rows]]
        owner = pd.Series(values, index=owner.index, dtype=object, name="owner")
    if histories.buyers is not None and "owner" in histories.buyers:
        stated = histories.buyers["owner"].reindex(histories.buyer_ids).astype(object)
        owner = stated.where(stated.notna(), owner)
    return owner.rename("owner")
