"""What became of the money: opening, new, expansion, contraction, lost, won back, closing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from clientcare.arguments import require_one_of
from clientcare.exceptions import NotEnoughDataError
from clientcare.facts.events import EventTable
from clientcare.history import Histories, require_histories
from clientcare.money.groups import group_of_buyers, refuse_several_currencies
from clientcare.money.holdings import CENTS, Holdings, Ints, holdings_of
from clientcare.money.movements import KINDS, Flags, kinds_of_buyers, split_moves
from clientcare.money.periods import Periods, periods_of
from clientcare.window import Days, parse_days

SOURCES = ("contracts", "purchases", "both")
MONEY = ("opening", *KINDS, "moved", "closing")
HEADS = ("n_opening", "n_new", "n_lost", "n_won_back", "n_closing")


def revenue(
    histories: Histories,
    periods: str = "ME",
    by: Any = None,
    *,
    source: str | None = None,
    trailing: Days | None = None,
) -> pd.DataFrame:
    """What became of the money, period by period, adding up to the cent.

    In every row ``closing = opening + new + expansion + contraction + lost + won_back + moved``, what was lost being
    below zero, and each closing is the next opening. A contract counts with its amount a month as in force at the end
    of the period; what was bought counts with the money of the period, returns taken off. Where both are counted, a
    contract stands with its amount for the whole period, and payments that belong to a contract are left out: the
    same money once.

    Everything is told as it was known at the end of each period. A row that was recorded later counts in the period
    in which it became known, so that no past row ever changes.

    Parameters
    ----------
    histories : Histories
    periods : {"ME", "QE", "YE"}
        Months, quarters or years of the calendar. They begin with the first whole one after a stated ``observed_from``
        (whoever brought money before is in its opening), else with the first record.
    by : str or Series, optional
        ``"plan"`` (of contracts), ``"owner"``, ``"cohort"`` (the year of the first money), an attribute of the buyers,
        or a Series with a label for each buyer, for instance ``book["relationship"]``; a measurement, for instance
        ``book["dependence"]``, is told by thirds.
    source : {"contracts", "purchases", "both"}, optional
        Default: whatever the histories hold.
    trailing : days, optional
        Purchases are counted over so many days up to each end, in place of the period: ``"365D"`` where people buy or
        pay once a year, who would be lost and won back otherwise. A contract then stands for as many months.

    Returns
    -------
    DataFrame of shape (n_periods, 17), or (n_groups * n_periods, 17), index ``period`` (its last day) or (group, period)
        The money as above; ``gross_retention`` (opening less contraction and lost, over opening), ``net_retention``
        (expansion too) and ``logo_retention`` (buyers kept, over those at the opening), NaN where nothing was there;
        the counts ``n_opening``, ``n_new``, ``n_lost``, ``n_won_back``, ``n_closing``; ``complete`` (False for a last
        period that is not observed to its end). ``moved`` is money of a buyer that changed plans: zero over all groups.
        Counts of buyers are of those who have money in the group.

    Raises
    ------
    OptionError
        Where an argument makes no sense, or the buyers' attribute ``currency`` has several values and money is not
        told by it.
    NotEnoughDataError
        Where there is neither a contract nor a purchase to count.

    Examples
    --------
    >>> import pandas as pd
    >>> import clientcare as cc
    >>> contracts = pd.DataFrame({
    ...     "buyer_id": ["a", "a", "b", "c"],
    ...     "start": ["2024-01-01", "2024-03-15", "2024-01-10", "2024-02-05"],
    ...     "end": ["2024-03-14", None, "2024-02-20", None],
    ...     "amount": [100.0, 120.0, 50.0, 80.5],
    ... })
    >>> histories = cc.Histories(contracts=contracts, observed_until="2024-04-01")
    >>> cc.revenue(histories)[["opening", "new", "expansion", "lost", "closing"]]
                opening    new  expansion  lost  closing
    period
    2024-01-31      0.0  150.0        0.0   0.0    150.0
    2024-02-29    150.0   80.5        0.0 -50.0    180.5
    2024-03-31    180.5    0.0       20.0   0.0    200.5
    """
    require_histories(histories, "revenue")
    refuse_several_currencies(histories, by)
    days = None if trailing is None else parse_days(trailing, "trailing")
    counted = _source(histories, source)
    span = periods_of(histories, periods)
    months = 1 if counted == "contracts" else span.months
    if days is not None and counted == "both":
        months = max(1, round(days / 365.25 * 12))
    by_plan = isinstance(by, str) and by == "plan"
    held = holdings_of(histories, counted, by_plan, months, days)
    if by is None:
        group, names, what = np.zeros(len(held.buyer), dtype=np.int64), [""], ""
    elif by_plan:
        group, names, what = held.plan, held.plans, "plan"
    else:
        of_buyer, names, what = group_of_buyers(histories, by, held.first_paid(), span)
        group = of_buyer[held.buyer]
    table = _table(held, span, group, len(names))
    table["complete"] = np.repeat(span.complete, len(names))
    if by is None:
        return table.set_index(span.labels)
    table.index = pd.MultiIndex.from_product([span.labels, names], names=["period", what])
    used = sorted({names[code] for code in np.unique(group)})
    table = table.swaplevel().sort_index()
    return table[table.index.get_level_values(0).isin(used)]


def _source(histories: Histories, source: str | None) -> str:
    """What is counted: what was asked for, or whatever is there."""
    if source is not None:
        require_one_of("source", source, SOURCES)
    there = {
        name
        for name, table in (("contracts", "contracts"), ("purchases", "transactions"))
        if (events := histories.events(table)) is not None and _has_amounts(events)
    }
    asked = set(SOURCES[:2]) if source in (None, "both") else {source}
    found = asked & there
    if not found:
        raise NotEnoughDataError(
            f"revenue: no amounts of {' or '.join(sorted(str(one) for one in asked))} are known.\n"
            "Give transactions or contracts with a column 'amount' (of a contract: a month)."
        )
    return "both" if len(found) == 2 else str(found.pop())


def _has_amounts(events: EventTable) -> bool:
    amount = events.columns.get("amount")
    return amount is not None and not bool(np.isnan(amount).all())


@dataclass
class _Ends:
    """Where buyers stand at one end."""

    cents: Ints
    buyer: Ints
    here: Flags

    @classmethod
    def of(cls, held: Holdings, cents: Ints, bound: Flags, paid: Flags) -> _Ends:
        total = np.zeros(held.n_buyers, dtype=np.int64)
        np.add.at(total, held.buyer, cents)
        return cls(cents, total, (total > 0) | (bound & paid))


def _table(held: Holdings, span: Periods, group: Ints, n_groups: int) -> pd.DataFrame:
    """Money and counts, one row a period and group, periods outside."""
    first_paid = held.first_paid()
    money = {name: np.zeros((len(span.labels), n_groups), dtype=np.int64) for name in MONEY}
    heads = {name: np.zeros((len(span.labels), n_groups), dtype=np.int64) for name in HEADS}
    before: _Ends | None = None
    for place, (cents, bound) in enumerate(held.at_ends(span)):
        after = _Ends.of(held, cents, bound, first_paid < span.bounds[place])
        if before is not None:
            known = first_paid < span.bounds[place - 1]
            _count(money, heads, place - 1, held, group, before, after, known)
        before = after
    table = pd.DataFrame({name: values.ravel() / CENTS for name, values in money.items()})
    opening, kept = table["opening"], table["contraction"] + table["lost"]
    with np.errstate(invalid="ignore", divide="ignore"):
        base = opening.where(opening > 0)
        table["gross_retention"] = (opening + kept) / base
        table["net_retention"] = (opening + kept + table["expansion"]) / base
        n_opening = pd.Series(heads["n_opening"].ravel())
        lost = heads["n_lost"].ravel()
        table["logo_retention"] = (n_opening - lost) / n_opening.where(n_opening > 0)
    return table.assign(**{name: values.ravel() for name, values in heads.items()})


def _count(
    money: dict[str, Ints],
    heads: dict[str, Ints],
    row: int,
    held: Holdings,
    group: Ints,
    before: _Ends,
    after: _Ends,
    known: Flags,
) -> None:
    """Fill the row of one period."""
    kind = kinds_of_buyers(before.buyer, after.buyer, before.here, after.here, known)
    own, moved = split_moves(after.cents - before.cents, held.buyer, held.n_buyers)
    np.add.at(money["opening"][row], group, before.cents)
    np.add.at(money["closing"][row], group, after.cents)
    np.add.at(money["moved"][row], group, moved)
    for place, name in enumerate(KINDS):
        units = kind[held.buyer] == place
        np.add.at(money[name][row], group[units], own[units])
    alone = np.bincount(held.buyer, minlength=held.n_buyers)[held.buyer] == 1
    was = before.here[held.buyer] & ((before.cents != 0) | alone)
    now = after.here[held.buyer] & ((after.cents != 0) | alone)
    pairs = {
        "n_opening": was,
        "n_new": now & (kind[held.buyer] == KINDS.index("new")),
        "n_lost": was & (kind[held.buyer] == KINDS.index("lost")),
        "n_won_back": now & (kind[held.buyer] == KINDS.index("won_back")),
        "n_closing": now,
    }
    for name, units in pairs.items():
        np.add.at(heads[name][row], group[units], 1)
