"""Attributes that say who is here at the export: flags, stages, scores and sums of today.

An attribute that holds at every date says of the present hardly more than of the beginnings of the same buyers. One
that was worked out of the present is known from it: the days since the last purchase, what was bought in the last year or in
all, whether a contract runs. How far an attribute is known from such a figure is measured, and held against how far it is
known from the buyer's first day and first purchase, which may be told of a buyer at any date.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clientcare.facts.events import EventTable
from clientcare.facts.terms import rows_in_force
from clientcare.window import MICROSECONDS_A_DAY, UNKNOWN_TIME

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LEAST_BUYERS = 40
"""Fewer buyers cannot tell a flag of today from a trait that goes with buying."""
SAME_ORDER = 0.9
"""Numbers that put buyers in the order of a figure so nearly (rank correlation) come out of it."""
KNOWN_FROM_IT = 0.5
"""Share of the differences in an attribute that a figure explains, where it was worked out of it.

Of 20 traits of complete_journey, ravenstack_saas and four simulated businesses none reached a tenth.
"""
CHANCE = 2.0
"""Over the root of the number of buyers: how much more few of them must show, of two dozen figures by luck."""
NAMED_ORDER, NAMED_KNOWN = 0.5, 0.25
"""What is called active, stage, recency or lifetime value is believed to be so at half the evidence."""
LEAVING = 0.25
"""Share of leaving in the last window that an attribute explains: four times what a trait that decides it does (0.06)."""
NAMED_LEAVING = 0.1
BEGINNING = 3.0
"""A flag of today explains leaving at the end so many times as well as it explains staying away at the beginning."""
IN_A_BIN = 8
"""Buyers next to each other in the order of a figure, within whom an attribute may differ or not."""
MOST_LEVELS = 0.5
"""Levels for more than half of the buyers are names, which nothing explains."""
WINDOWS = (30, 60, 90, 180, 365)
"""Days over which exports count: a month, a quarter, half a year, a year."""
NAMES = re.compile(
    r"(^|_)((is_?)?(in)?(active|aktiv|actif|activo|attivo)|lapsed|dormant|sleeping|at_risk|lifecycle|life_cycle|"
    r"rfm|recency|frequency|monetary|ltv|clv|cltv|lifetime|days_since|tage_seit|last_?\d+|l\d+[dmwy]|[lm]tm|ytd|mtd|"
    r"churn\w*|leaving|kuendigung\w*|retention|engagement|health|unsubscribed|kundenstatus|customer_status|kundenstand|stage|winback)(_|$|\d)",
    re.IGNORECASE,
)
"""What columns of the present state are called."""
OF_TODAY = "of_today_"
"""How the rule of such a finding begins."""
PERHAPS_OF_TODAY = "perhaps_of_today_"
"""The same where it may be a trait."""
NO_FEATURES = frozenset({"referred_by", "parent_id", "status", "status_at", "share_of_wallet"})
"""Columns with a meaning of their own at the door."""
FORMS = ("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d")
"""Dates as texts that are no attribute of dates, for want of one sure form."""


@dataclass(frozen=True)
class OfToday:
    """An attribute of today: its name, how that was seen, and whether it is sure enough to be left out.

    Sure is a number in the order of a figure of today, and what is also called so. What only goes with who is here may be a
    trait that decides it; nothing but the rows to come could tell, and these may decide nothing about past dates.
    """

    name: str
    evidence: str
    sure: bool

    @property
    def rule(self) -> str:
        """The rule of the finding."""
        return f"{OF_TODAY if self.sure else PERHAPS_OF_TODAY}{self.name}"

    @property
    def action(self) -> str:
        """What becomes of it, with the evidence."""
        if self.sure:
            return f"no feature: {self.evidence}, so it tells past dates what came later"
        return (
            f"kept as a feature: {self.evidence}; where it was told at the export, "
            f'leave it out with columns={{"buyers": {{"{self.name}": None}}}}'
        )


@dataclass(frozen=True, eq=False)
class _Figures:
    """What an export could have stated of each buyer, and what could be told at the beginning; NaN where it is not known."""

    present: dict[str, Floats]
    first: list[Floats]
    left: Floats
    stayed_away: Floats


def of_today_said(names: Sequence[str]) -> list[str]:
    """What heads everything where attributes of today were given.

    Examples
    --------
    >>> of_today_said([])
    []
    """
    if not names:
        return []
    listed = ", ".join(names)
    follow, features = ("follow", "are no features") if len(names) > 1 else ("follows", "is no feature")
    return [
        f"buyers: {listed} {follow} from who is here at the export and {features}: at past dates nobody knew. "
        f"What held at every date is learned from with lasting_attributes={list(names)!r}."
    ]


def attributes_of_today(
    attributes: pd.DataFrame,
    events: Mapping[str, EventTable],
    until: int,
    lasting: frozenset[str] = frozenset(),
) -> list[OfToday]:
    """The attributes that follow from the state of the tables at the export.

    Parameters
    ----------
    attributes : DataFrame of shape (n_buyers, n_attributes)
    events : mapping of table to EventTable
        The facts of the same buyers.
    until : int
        The end of the observed stretch, in microseconds.
    lasting : frozenset of str
        Attributes that the caller says held at every date.
    """
    asked = [str(name) for name in attributes.columns if str(name) not in lasting]
    if len(attributes) < LEAST_BUYERS or not asked:
        return []
    figures = _figures(events, until, len(attributes))
    found = []
    for name in asked:
        evidence, in_order = _evidence(name, attributes[name], figures)
        if evidence:
            found.append(OfToday(name, evidence, in_order or bool(NAMES.search(name))))
    return found


def _evidence(name: str, values: pd.Series[Any], figures: _Figures) -> tuple[str, bool]:
    """How an attribute is seen to be one of today, empty where it is not; and whether by the order of its numbers."""
    named, luck = bool(NAMES.search(name)), CHANCE / float(np.sqrt(len(values)))
    numbers, levels = _as_numbers(values), _as_levels(values)
    if numbers is not None:
        known, figure = _best({key: _order(numbers, one) for key, one in figures.present.items()})
        innocent = max((_order(numbers, one) for one in figures.first), default=0.0)
        if known >= (NAMED_ORDER + luck if named else SAME_ORDER) and 1.0 - known < 0.5 * (1.0 - innocent):
            return f"it puts buyers in the order of {figure} (rank correlation {known:.2f})", True
    for own, what in ((levels, "it is"), (_as_missing(values), "whether it is filled is")):
        if own is None:
            continue
        known, figure = _best({key: _explained(own, one) for key, one in figures.present.items()})
        innocent = max((_explained(own, one) for one in figures.first), default=0.0)
        if known >= (NAMED_KNOWN if named else KNOWN_FROM_IT) + luck and 1.0 - known < 0.5 * (1.0 - innocent):
            return f"{what} known from {figure} to {known:.0%}", False
        at_the_end, at_first = _pairs(figures.left, own), _pairs(figures.stayed_away, own)
        if at_the_end >= (NAMED_LEAVING if named else LEAVING) + luck and at_the_end > BEGINNING * max(
            at_first, 0.0
        ):
            return (
                f"it explains {at_the_end:.0%} of who left in the last window before the export, and "
                f"{max(at_first, 0.0):.0%} of who stayed away at the beginning",
                False,
            )
    return "", False


def _best(measured: Mapping[str, float]) -> tuple[float, str]:
    figure = max(measured, key=lambda key: measured[key])
    return measured[figure], figure


def _as_numbers(values: pd.Series[Any]) -> Floats | None:
    """Numbers and dates as numbers that can be put in order; None where there are no three of them."""
    kind = values.dtype.kind
    if kind == "M":
        moments = values.to_numpy().astype("datetime64[us]").view(np.int64)
        own = np.where(moments == UNKNOWN_TIME, np.nan, moments / MICROSECONDS_A_DAY)
    elif kind in "fiu":
        own = values.to_numpy(dtype=np.float64)
    elif isinstance(values.dtype, pd.CategoricalDtype):
        own = _dates_of(values)
    else:
        return None
    told = own[~np.isnan(own)]
    return own if len(told) >= LEAST_BUYERS and len(np.unique(told)) > 2 else None


def _dates_of(values: pd.Series[Any]) -> Floats:
    """Texts as days where nine in ten are dates of one form; else nothing."""
    levels = pd.Series(np.asarray(values.cat.categories, dtype=object))
    for form in FORMS if len(levels) > 2 else ():
        days = pd.to_datetime(levels, format=form, errors="coerce")
        if days.notna().mean() >= 0.9:
            moments = days.to_numpy().astype("datetime64[us]").view(np.int64)
            each = np.where(days.isna(), np.nan, moments / MICROSECONDS_A_DAY)
            return np.append(each, np.nan)[values.cat.codes.to_numpy()]
    return np.full(len(values), np.nan)


def _as_levels(values: pd.Series[Any]) -> Ints | None:
    """Codes of what an attribute says, -1 where unknown; None where hardly two buyers share one."""
    codes, levels = pd.factorize(values)
    told = int(np.count_nonzero(codes >= 0))
    if told < LEAST_BUYERS or not 2 <= len(levels) <= MOST_LEVELS * told:
        return None
    return codes.astype(np.int64)


def _as_missing(values: pd.Series[Any]) -> Ints | None:
    """Whether it is filled; None where it nearly always is, or nearly never."""
    missing = values.isna().to_numpy()
    return missing.astype(np.int64) if 0.05 <= missing.mean() <= 0.95 else None


def _order(own: Floats, figure: Floats) -> float:
    """Rank correlation, whatever its sign; zero where too few are known."""
    told = ~np.isnan(own) & ~np.isnan(figure)
    if np.count_nonzero(told) < LEAST_BUYERS:
        return 0.0
    ranks = [pd.Series(one[told]).rank().to_numpy() for one in (own, figure)]
    if any(np.ptp(one) == 0 for one in ranks):
        return 0.0
    return float(abs(np.corrcoef(ranks[0], ranks[1])[0, 1]))


def _explained(codes: Ints, figure: Floats) -> float:
    """Share of the differences between buyers in an attribute that vanish among neighbours in the order of a figure."""
    told = (codes >= 0) & ~np.isnan(figure)
    if np.count_nonzero(told) < LEAST_BUYERS:
        return 0.0
    by_figure = np.argsort(figure[told], kind="stable")
    values = figure[told][by_figure]
    place = np.arange(len(values))
    first_alike = np.maximum.accumulate(np.where(np.append(True, values[1:] != values[:-1]), place, 0))
    return _like(codes[told][by_figure], first_alike // IN_A_BIN)


def _pairs(outcome: Floats, codes: Ints) -> float:
    """Share of the differences between buyers in an outcome that vanish among those of whom an attribute says the same."""
    told = (codes >= 0) & ~np.isnan(outcome)
    if np.count_nonzero(told) < LEAST_BUYERS:
        return 0.0
    return _like(outcome[told].astype(np.int64), codes[told])


def _like(values: Ints, group: Ints) -> float:
    """One less the chance that two of a group differ, over the chance that any two do."""
    apart = _differ(values, np.zeros(len(values), dtype=np.int64))
    return 1.0 - _differ(values, group) / apart if apart > 0 else 0.0


def _differ(values: Ints, group: Ints) -> float:
    """The chance that two of one group differ, each pair counted once and each buyer alike; groups of one say nothing."""
    _, group = np.unique(group, return_inverse=True)
    size = np.bincount(group)
    pairs, n_same = np.unique(np.stack([group, values]), axis=1, return_counts=True)
    same = np.bincount(pairs[0], n_same * (n_same - 1), minlength=len(size))
    several = size > 1
    if not several.any():
        return 1.0
    share = 1.0 - same[several] / (size[several] * (size[several] - 1.0))
    return float(np.average(share, weights=size[several]))


def _figures(events: Mapping[str, EventTable], until: int, n_buyers: int) -> _Figures:
    """All that may be told of the present, and of the beginning."""
    end = until // MICROSECONDS_A_DAY
    present: dict[str, Floats] = {}
    first: list[Floats] = []
    for name, table in events.items():
        if table.n_rows:
            words = {"transactions": "purchase", "interactions": "contact", "contracts": "contract"}.get(
                name, name
            )
            present |= _of_table(table, words, end, n_buyers)
            first += _of_first(table, n_buyers)
    terms = events.get("contracts")
    if terms is not None and terms.n_rows:
        bound = np.zeros(n_buyers)
        bound[terms.buyer[rows_in_force(terms, until)]] = 1.0
        present["whether a contract runs"] = bound
    left, away = _ends_and_beginnings(events, end, n_buyers)
    return _Figures(present, first, left, away)


def _of_table(table: EventTable, words: str, end: int, n_buyers: int) -> dict[str, Floats]:
    day = table.day.astype(np.float64)
    n = np.bincount(table.buyer, minlength=n_buyers).astype(np.float64)
    last, begin = np.full(n_buyers, np.nan), np.full(n_buyers, np.nan)
    np.fmax.at(last, table.buyer, day)
    np.fmin.at(begin, table.buyer, day)
    stretch = last - begin
    several = n > 1
    found = {
        f"the days since the last {words}": end - last,
        f"the number of {words}s": n,
        f"the days from the first {words} to the last": np.where(several, stretch, np.nan),
        f"the usual gap between {words}s": np.where(several, stretch / np.maximum(n - 1, 1), np.nan),
    }
    amount = table.columns.get("amount")
    money = None if amount is None or np.isnan(amount).all() else np.nan_to_num(amount)
    if money is not None and words == "purchase":
        total = np.bincount(table.buyer, money, minlength=n_buyers)
        most = np.full(n_buyers, np.nan)
        np.fmax.at(most, table.buyer, money)
        found |= {
            "what was spent": np.where(n > 0, total, np.nan),
            "the largest purchase": np.where(several, most, np.nan),
            "the mean purchase": np.where(several, total / np.maximum(n, 1), np.nan),
        }
    for days in WINDOWS:
        late = table.day >= end - days
        count = np.bincount(table.buyer[late], minlength=n_buyers).astype(np.float64)
        found[f"the {words}s of the last {days} days"] = count
        if money is not None and words == "purchase":
            spent = np.bincount(table.buyer[late], money[late], minlength=n_buyers)
            found[f"what was spent in the last {days} days"] = spent
    return found


def _of_first(table: EventTable, n_buyers: int) -> list[Floats]:
    """The first day, and the first amount, of each buyer."""
    begin, amount = np.full(n_buyers, np.nan), np.full(n_buyers, np.nan)
    start = np.flatnonzero(np.append(True, table.buyer[1:] != table.buyer[:-1]))
    begin[table.buyer[start]] = table.day[start]
    if "amount" in table.columns:
        amount[table.buyer[start]] = table.columns["amount"][start]
    return [begin, amount]


def _ends_and_beginnings(events: Mapping[str, EventTable], end: int, n_buyers: int) -> tuple[Floats, Floats]:
    """Of those here in the window before the last, who left in the last; and who stayed away right after the first day.

    A window is an eighth of the observed stretch, a month to half a year; NaN for who is in neither question.
    """
    table = events.get("transactions")
    nobody = np.full(n_buyers, np.nan)
    if table is None or not table.n_rows:
        return nobody, nobody
    window = int(np.clip((end - int(table.day.min())) // 8, 30, 180))
    here, late = np.zeros(n_buyers, dtype=bool), np.zeros(n_buyers, dtype=bool)
    here[table.buyer[(table.day < end - window) & (table.day >= end - 2 * window)]] = True
    late[table.buyer[table.day >= end - window]] = True
    left = np.where(here, (~late).astype(np.float64), np.nan)
    begin = _of_first(table, n_buyers)[0]
    again = np.zeros(n_buyers, dtype=bool)
    since = table.day - begin[table.buyer]
    again[table.buyer[(since > 0) & (since <= window)]] = True
    away = np.where(begin <= end - 2 * window, (~again).astype(np.float64), np.nan)
    return left, away
