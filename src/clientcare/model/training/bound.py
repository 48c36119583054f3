"""Those under contract at many past dates: what the members of terms learn from, and how far they can be believed.

The common snapshots are few and close to the present; a term is a year. So these members learn from monthly dates of
their own, over the whole of the longest usual term and a year, from those who could still leave and from them alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtr

from clientcare.facts.events import EventTable
from clientcare.history.histories import Histories
from clientcare.history.population import known_buyers
from clientcare.model.members.base import Floats, Member, share_of
from clientcare.model.members.terms import STEP_DAYS
from clientcare.model.training.encoding import Encoding
from clientcare.model.training.rows import Rows
from clientcare.model.training.term_facts import GROUPS, NUMBERS, term_facts
from clientcare.window import MICROSECONDS_A_DAY, UNKNOWN_TIME, microseconds

MOST_MONTHS = 36
"""Three years of monthly dates: terms are seldom longer, and what is older tells of another business."""
LEAST_DAYS_BEFORE = 14
"""Of observed history before a date."""
USUAL_SHARE = 0.9
"""Nine of ten terms are no longer than the longest usual one."""
LEAST_REACH_DAYS, MOST_REACH_DAYS = 365, 550
"""A year holds every season and, of most terms, every phase; a year and a half is as much as is held at once."""
MOSTLY = 0.5
MOST_ROWS = 400_000
"""Of past rows: of more buyers, every so many dates are left out, the latest kept."""
MOST_DATES_JUDGED = 4
"""Dates on which a member is compared with the rule, an outcome apart."""
LEAST_DATES_BEFORE = 3
"""A member that was fitted on fewer dates tells little of itself."""
LEAST_LOSS = 1e-5


@dataclass(frozen=True, eq=False)
class Bound:
    """Those under contract at past dates and what became of them.

    Attributes
    ----------
    rows : Rows
        With the columns of terms alone.
    outcome : float64 array of shape (n_rows,)
        NaN where it is not known.
    span_us : int
        How long after a date its outcome is known.
    """

    rows: Rows
    outcome: Floats
    span_us: int

    def known_by(self, as_of: int) -> NDArray[np.int64]:
        """The rows whose outcome was known at a date."""
        known = ~np.isnan(self.outcome) & (self.rows.date + self.span_us <= as_of)
        return np.flatnonzero(known)

    def teach(self, member: Member, as_of: int) -> bool:
        """Fit a member on what was known at a date; whether there was anything to learn from."""
        rows = self.known_by(as_of)
        if not len(rows):
            return False
        taken = self.rows.take(rows)
        member.columns_, member.classes_ = taken.names, np.array([False, True])
        member._fit(taken.X, self.outcome[rows])
        return True

    def belief(self, make: Callable[[], tuple[Member, Member]], as_of: int) -> float:
        """How far a member is believed beside a simple rule, by up to four past dates: Phi(z), z its lead in errors.

        Each is fitted anew as of each date. One half where nothing could be compared.
        """
        leads = []
        for date in self._dates_apart(as_of):
            if len(np.unique(self.rows.date[self.known_by(date)])) < LEAST_DATES_BEFORE:
                continue
            member, rule = make()
            self.teach(member, date)
            self.teach(rule, date)
            known = self.known_by(as_of)
            test = known[self.rows.date[known] == date]
            X, y = self.rows.take(test).X, self.outcome[test]
            ours, simple = (losses(y, share_of(one._log_odds(X))) for one in (member, rule))
            leads.append(simple - ours)
        return _believed(leads)

    def _dates_apart(self, as_of: int) -> list[int]:
        """The newest dates whose outcome is known, an outcome apart."""
        chosen: list[int] = []
        for date in np.unique(self.rows.date[self.known_by(as_of)])[::-1].tolist():
            if not chosen or date + self.span_us <= chosen[-1]:
                chosen.append(date)
        return chosen[:MOST_DATES_JUDGED]


def _believed(leads: list[Floats]) -> float:
    """Phi of the lead over its error: that of the buyers within the dates, and that of the dates among themselves."""
    if not leads:
        return 0.5
    n_rows = sum(map(len, leads))
    mean = float(sum(lead.sum() for lead in leads)) / n_rows
    within = float(np.concatenate(leads).var()) / n_rows
    of_dates = np.array([lead.mean() for lead in leads])
    between = float(of_dates.var(ddof=1)) / len(leads) if len(leads) > 1 else mean**2
    error = np.sqrt(within + between)
    return float(ndtr(mean / error)) if error > 0 else 0.5


def losses(y: Floats, probability: Floats) -> Floats:
    """The log loss of each row."""
    p = np.clip(probability, LEAST_LOSS, 1 - LEAST_LOSS)
    return np.asarray(-np.where(y > 0.5, np.log(p), np.log1p(-p)))


def bound_rows(histories: Histories, as_of: pd.Timestamp, encoding: Encoding) -> Rows | None:
    """Those under contract at monthly dates before ``as_of``; None where nobody ever was.

    All dates stand on as_of's day of the month, so that terms that begin and end by the calendar are as far on there as now.
    """
    dates = past_dates(histories, as_of)
    parts = [(date, term_facts(histories, date)) for date in dates]
    parts = [(date, facts) for date, facts in parts if len(facts)]
    while sum(len(facts) for _, facts in parts) > MOST_ROWS and len(parts) > 2:
        parts = parts[::2]
    if not parts:
        return None
    told = encoding.only([*NUMBERS, *GROUPS])
    X = np.asfortranarray(np.concatenate([told.transform(facts) for _, facts in parts]))
    date = np.concatenate([np.full(len(facts), microseconds(date)) for date, facts in parts])
    buyer = np.concatenate([histories.buyer_ids.get_indexer(facts.index) for _, facts in parts])
    return Rows(X, told.names, date, buyer.astype(np.int64))


def past_dates(histories: Histories, as_of: pd.Timestamp) -> list[pd.Timestamp]:
    """Monthly dates before ``as_of`` over the longest usual term and a year, newest first."""
    contracts = histories.events("contracts")
    if contracts is None:
        return []
    longest = longest_usual_term(contracts.before(microseconds(as_of)))
    n_months = min(MOST_MONTHS, int(np.ceil((longest + 365) / STEP_DAYS)) + 1)
    earliest = histories.observed_from + pd.Timedelta(days=LEAST_DAYS_BEFORE)
    dates = [as_of - pd.DateOffset(months=month) for month in range(1, n_months + 1)]
    return [date for date in dates if date >= earliest]


def longest_usual_term(contracts: EventTable) -> float:
    """Scheduled days that nine of ten terms with an end do not exceed; 0 where none has one."""
    ended = contracts.columns["end"] != UNKNOWN_TIME
    lengths = (contracts.columns["end"][ended] - contracts.time[ended]) / MICROSECONDS_A_DAY
    return float(np.quantile(lengths, USUAL_SHARE, method="higher")) if len(lengths) else 0.0


def mostly_bound(histories: Histories, as_of: pd.Timestamp) -> bool:
    """Whether at least half of the buyers known ever had a contract: the business is one of terms."""
    contracts = histories.events("contracts")
    if contracts is None:
        return False
    n_bound = len(np.unique(contracts.before(microseconds(as_of)).buyer))
    return n_bound >= len(known_buyers(histories, as_of)) / 2


def reach_of_terms(histories: Histories, as_of: pd.Timestamp) -> int:
    """Days back over which past dates are spread, so that every phase of a term is among them, and every season.

    0 where most buyers never had a contract, or most contracts have no end.
    """
    contracts = histories.events("contracts")
    if contracts is None or not mostly_bound(histories, as_of):
        return 0
    known = contracts.before(microseconds(as_of))
    if (known.columns["end"] != UNKNOWN_TIME).mean() < MOSTLY:
        return 0
    longest = longest_usual_term(known)
    return int(np.clip(longest, LEAST_REACH_DAYS, MOST_REACH_DAYS)) if longest > 0 else 0


def outcomes_of(rows: Rows, histories: Histories, span_days: int, label: Callable[..., pd.Series]) -> Floats:
    """What became of rows within a span, as a definition labels it; NaN where it was not observed whole."""
    outcome = np.full(len(rows), np.nan)
    for date in np.unique(rows.date):
        moment = pd.Timestamp(int(date), unit="us")
        if moment + pd.Timedelta(days=span_days) > histories.observed_until:
            continue
        here = np.flatnonzero(rows.date == date)
        seen = label(histories, moment).astype("Float64").reindex(histories.buyer_ids.take(rows.buyer[here]))
        outcome[here] = seen.to_numpy(dtype=np.float64, na_value=np.nan)
    return outcome
