"""Who was a client before leaving: the definition of a client, asked of the last client horizon of each relation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clientcare.facts.contacts import Bools, Contacts, Ints
from clientcare.facts.events import EventTable
from clientcare.facts.purchase_rows import is_purchase
from clientcare.facts.reliance import signs_known
from clientcare.facts.term_lines import renews, stop_days
from clientcare.history.histories import Histories
from clientcare.outcomes.care_tie import exchanges_are_recorded, one_sided
from clientcare.outcomes.client import ClientDefinition
from clientcare.outcomes.dependence import DependenceRule
from clientcare.window import day_number, microseconds


def were_clients(
    histories: Histories, as_of: pd.Timestamp, definition: ClientDefinition, rule: DependenceRule
) -> NDArray[np.bool_]:
    """Whether each buyer was a client in the last client horizon of their relation; shape (n_buyers,).

    A relation lasts until the last purchase, or the end of the last term. Over the client horizon up to then the same is
    asked as of those who are here: a tie that recurs and takes two, and, where enough signs were seen, a dependence of at
    least ``min_dependence``. Where no tie could be seen, who kept buying and depended was a client; where contracts alone
    are recorded, who had renewed. With dates and amounts alone there is nothing to call anybody a former client by.

    Parameters
    ----------
    histories : Histories
    as_of : Timestamp
        Nothing at or after it is seen.
    definition : ClientDefinition
        With its horizon stated.
    rule : DependenceRule
        Of the whole base.

    Examples
    --------
    >>> days = pd.date_range("2023-01-01", periods=12, freq="30D")
    >>> orders = pd.DataFrame({"buyer_id": ["ann"] * 12 + ["bob"] * 12, "timestamp": [*days, *days], "amount": 9.0,
    ...                        "category": ["tea", "rice", "oil"] * 4 + ["tea"] * 12})
    >>> histories, now = Histories(orders, observed_until="2026-01-01"), pd.Timestamp("2026-01-01")
    >>> were_clients(histories, now, ClientDefinition("180D"), DependenceRule.learn(histories, now)).tolist()
    [True, False]
    """
    moment, n = microseconds(as_of), len(histories.buyer_ids)
    signs = signs_known(histories, moment)
    last = np.minimum(_last_day(n, signs.transactions, signs.contracts), day_number(as_of) - 1)
    signs = replace(signs, until=last + 1)
    index, enough = rule.index(signs)
    contacts = signs.contacts
    if definition.care_tie == "ignored":
        return np.zeros(n, dtype=bool)
    if contacts is not None and exchanges_are_recorded(contacts):
        tied = _parts_met(contacts, last, definition) >= definition.min_periods
        return np.asarray(tied & (~enough | (index >= definition.min_dependence)))
    bound = np.zeros(n, dtype=bool)
    renewed = bound.copy()
    if signs.contracts is not None:
        bound[signs.contracts.buyer] = True
        renewed[signs.contracts.buyer[renews(signs.contracts)]] = True
    depended = np.isfinite(index) & rule.stands_in(signs, definition.min_dependence)
    recurred = _parts_bought(n, signs.transactions, last, definition) >= definition.min_periods
    return np.asarray(np.where(bound, renewed, depended & recurred))


def _last_day(n_buyers: int, transactions: EventTable | None, contracts: EventTable | None) -> Ints:
    """The last day of each relation: of the last purchase, or of the last term; -1 without either."""
    last = np.full(n_buyers, -1, dtype=np.int64)
    if transactions is not None:
        rows = is_purchase(transactions)
        np.maximum.at(last, transactions.buyer[rows], transactions.day[rows].astype(np.int64))
    if contracts is not None:
        np.maximum.at(last, contracts.buyer, stop_days(contracts) - 1)
    return last


def _parts(buyer: Ints, day: Ints, last: Ints, definition: ClientDefinition) -> Bools:
    """In which parts of the horizon that ends with each buyer's last day something lies; shape (n_buyers, n_parts)."""
    back = last[buyer] - day
    inside = (back >= 0) & (back < definition.horizon_days)
    seen = np.zeros((len(last), definition.periods), dtype=bool)
    seen[buyer[inside], back[inside] * definition.periods // definition.horizon_days] = True
    return seen


def _parts_bought(
    n_buyers: int, transactions: EventTable | None, last: Ints, definition: ClientDefinition
) -> Ints:
    if transactions is None:
        return np.zeros(n_buyers, dtype=np.int64)
    rows = is_purchase(transactions)
    day = transactions.day[rows].astype(np.int64)
    return np.asarray(_parts(transactions.buyer[rows].astype(np.int64), day, last, definition).sum(axis=1))


def _parts_met(contacts: Contacts, last: Ints, definition: ClientDefinition) -> Ints:
    """In how many parts both sides met."""

    def had(rows: Bools) -> Bools:
        day = contacts.events.day[rows].astype(np.int64)
        return _parts(contacts.buyer[rows].astype(np.int64), day, last, definition)

    from_buyer, from_seller = one_sided(contacts)
    return np.asarray((had(contacts.exchanges) | (had(from_buyer) & had(from_seller))).sum(axis=1))
