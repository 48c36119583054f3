"""Status: what a buyer is now, as facts tell it, without any model: active, quiet or gone, and since when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clientcare.facts.purchase_rows import is_purchase
from clientcare.facts.terms import FOREVER, stops_at
from clientcare.history.histories import Histories, require_histories
from clientcare.history.population import known_buyers
from clientcare.outcomes.paying import ever_paid
from clientcare.outcomes.stated_status import StatedStatus
from clientcare.window import (
    MICROSECONDS_A_DAY,
    Days,
    Moment,
    day_number,
    microseconds,
    parse_days,
    parse_moments,
)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Rhythm = tuple[float, float, float]
"""The base's usual gap in days, and the variances of log gaps within and between buyers."""

STATUSES = ("active", "quiet", "gone")

ACTIVE_GAPS = 2.0
"""Who buys at random stays away twice the usual gap one time in four: no silence worth a word."""
SILENCES = (2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 32.0, 48.0, 64.0)
"""Lengths of silence, in own usual gaps, whose ends are counted; steps of a half to a third keep each well filled."""
DAYS_AFTER_END = (7.0, 30.0, 60.0, 90.0, 180.0, 365.0)
"""Days after the end of the last term, at which it is counted how many came back."""
LEAST_CHANCE = 0.1
"""Of silences as long as that, one in ten was followed by a purchase: with less, a buyer counts as gone."""
ENOUGH_SILENCES = 30
"""A share counted on fewer has a standard error above half of a tenth; it is pooled with its neighbours. A base that has
fewer in all is filled up with silences of which one in k ended after k usual gaps: within the range of five public
ledgers (.21 to .91 after two gaps, .07 to .70 after six, .02 to .47 after twelve). Two silences prove nothing."""
WORTH_OF_NEIGHBOUR = 2.0
"""The share before a thin tail is worth two silences: of a practice with monthly and yearly patients eight long silences
that nobody came back from then say "gone", where pooling them with 55 short ones said "quiet" for ever."""
USUAL_RETURN, WORTH_OF_USUAL = 0.05, 20.0
"""What is thought of returns after the end of a last term before any were counted: one in twenty, worth twenty ends. So a
single buyer won back, however few ended, leaves the chance under one in ten (2 of 21) and makes nobody else "quiet"."""
LEAST_PRIOR, MOST_PRIOR = 0.25, 10.0
"""The base's usual gap is worth so many gaps of a buyer's own: at least a trace, at most what ten gaps outvote by half."""
GRACE_SHARE, LEAST_GRACE, MOST_GRACE = 0.1, 7, 45
"""A renewal is often signed late: a tenth of the term, from a week to a month and a half."""
FOREVER_DAY = np.int64(10_000_000)


@dataclass(frozen=True)
class StatusRule:
    """The rule that tells active, quiet and gone apart, with what was counted on a base's own past.

    Attributes
    ----------
    gap_days : float
        The base's usual days between purchases: the median over buyers of their own; NaN where nobody bought twice.
    within, between : float
        Variance of the logs of gaps around each buyer's own mean, and of these means between buyers.
    second_days : float
        The usual days from a first purchase to a second.
    horizon_days : int
        Within how many days a return counts.
    gone_after_gaps : float
        From so many own usual gaps of silence on fewer than one in ten came back; infinite where that was never so.
    gone_after_end_days : float
        The same for the days after the end of the last contract.
    chances : tuple of float
        The chance of return for each length of :data:`SILENCES`; NaN where nobody bought twice.
    n_silences : int
        How many silences were counted.
    """

    gap_days: float
    within: float
    between: float
    second_days: float
    horizon_days: int
    gone_after_gaps: float
    gone_after_end_days: float
    chances: tuple[float, ...]
    n_silences: int

    @classmethod
    def learn(cls, histories: Histories, as_of: pd.Timestamp, horizon_days: int | None = None) -> Self:
        """Count the silences of a base before a date.

        Parameters
        ----------
        histories : Histories
        as_of : Timestamp
            Exclusive: nothing at or after it is seen.
        horizon_days : int, optional
            Within how many days a return counts; default three usual gaps of the base, at least 30 days.
        """
        facts = _Facts.known(histories, as_of)
        rhythm, second = facts.base_rhythm(), facts.usual_second_days()
        gap = rhythm[0]
        if horizon_days is None:
            horizon_days = max(30, int(np.ceil(3 * gap))) if np.isfinite(gap) else 90
        tried, returned = facts.silences(rhythm, horizon_days)
        chances = _with_usual_silences(_monotone(returned, tried), tried[0], np.isfinite(gap))
        ended, renewed = facts.ended_terms(horizon_days)
        after_end = _monotone(renewed, ended, USUAL_RETURN, WORTH_OF_USUAL)
        return cls(
            *rhythm,
            second,
            horizon_days,
            _first_below(SILENCES, chances),
            _first_below(DAYS_AFTER_END, after_end) if ended.sum() else 0.0,
            tuple(float(chance) for chance in chances),
            int(tried[0]) if len(tried) else 0,
        )

    def get_state(self) -> dict[str, Any]:
        """Everything as numbers."""
        return asdict(self) | {"chances": list(self.chances)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """The rule that :meth:`get_state` told of."""
        return cls(**{**state, "chances": tuple(state["chances"])})

    def told(self, histories: Histories, as_of: pd.Timestamp, gone_after: int | None = None) -> pd.DataFrame:
        """The status of each buyer known at a date, with the counts that a stage must not contradict.

        A buyer's row depends on their own history and on the rule alone. What the user states (``status`` with
        ``status_at`` in the table of buyers) takes the rule's place from its date on, until a later purchase.

        Parameters
        ----------
        histories : Histories
        as_of : Timestamp
        gone_after : int, optional
            Days of silence after which a buyer counts as gone, where the user knows better than the base's past.

        Returns
        -------
        DataFrame indexed by buyer_id
            ``status``, ``status_since`` (the day from which it holds; for the living the first day of the present
            stretch: who returned after having been gone began anew), ``n_purchases``, ``had_contract``,
            ``under_contract``, ``is_new``.
        """
        facts = _Facts.known(histories, as_of)
        known = known_buyers(histories, as_of)
        usual = facts.usual_gaps((self.gap_days, self.within, self.between))
        quiet_days = np.where(np.isfinite(usual), ACTIVE_GAPS * usual, self.horizon_days)
        gone_days = np.where(np.isfinite(usual), self.gone_after_gaps * usual, np.inf)
        after_end = self.gone_after_end_days
        if gone_after is not None:
            gone_days, after_end = np.full(len(usual), float(gone_after)), float(gone_after)
        # of silence within a term that has ended the contract speaks: purchases before its end allow the own rhythm alone
        lasts = facts.stretches(gone_days, after_end, gone_days if gone_after is not None else quiet_days)
        stays = facts.stretches(np.minimum(quiet_days, gone_days), 0.0)
        today = day_number(as_of)
        status = np.where(today <= stays.until, "active", np.where(today <= lasts.until, "quiet", "gone"))
        since = np.where(
            status == "active", lasts.start, np.where(status == "quiet", stays.until + 1, lasts.until + 1)
        )
        if (own := StatedStatus.known(histories, as_of)) is not None:
            last = np.full(facts.n_buyers, -1, dtype=np.int64)
            last[facts.buyer] = facts.day  # days ascend within a buyer, the last one stays
            status, since = own.over(status, since, last, facts.under_contract, as_of)
        return pd.DataFrame(
            {
                "status": pd.Categorical(status[known], categories=list(STATUSES)),
                "status_since": _dates(np.minimum(since, today)[known]),
                "n_purchases": facts.n_purchases[known],
                "had_contract": facts.had_contract[known],
                "under_contract": facts.under_contract[known],
                "is_new": facts.is_new(self.second_days, self.horizon_days)[known],
            },
            index=histories.buyer_ids.take(known).rename("buyer_id"),
        )


def status_table(
    histories: Histories, dates: Moment | Iterable[Moment], gone_after: Days | None = None
) -> pd.DataFrame:
    """Who is active, quiet or gone, date by date, as was known then.

    The rule, in this order: *active*, with a contract in force or one that ended less than the grace ago (a tenth of the
    term, 7 to 45 days), or silent no longer than twice the own usual gap (drawn towards the base's by two gaps' worth);
    then by the chance of return, counted on the base's own silences before each date: *quiet*, where of silences as long,
    in own usual gaps, at least one in ten was followed by a purchase within three usual gaps of the base; *gone*.

    Your own statuses (``status``: active, quiet, gone, lost, paused ..., with ``status_at`` in the table of buyers) count
    from their date on, until a later purchase; nobody under contract is gone.

    Parameters
    ----------
    histories : Histories
    dates : date, or several
    gone_after : days, optional
        Days of silence after which a buyer counts as gone, instead of what the base's past says.

    Returns
    -------
    DataFrame indexed by (``as_of``, ``buyer_id``)
        ``status`` and ``status_since``: for the living the day on which their present stretch began.

    Raises
    ------
    OptionError
        Where a date or ``gone_after`` makes no sense.

    Examples
    --------
    >>> days = ["2024-01-05", "2024-02-04", "2024-03-06", "2024-04-05"]
    >>> orders = pd.DataFrame({"buyer_id": ["a"] * 4 + ["b"], "timestamp": [*days, "2024-01-07"], "amount": 5.0})
    >>> told = status_table(Histories(orders), ["2024-01-20", "2024-04-10"], gone_after=60)
    >>> told["status"].tolist()
    ['active', 'active', 'active', 'gone']
    """
    require_histories(histories, "status_table")
    moments, _ = parse_moments(dates, histories.timezone)
    days = None if gone_after is None else parse_days(gone_after, "gone_after")
    tables = {
        moment: StatusRule.learn(histories, moment).told(histories, moment, days)[["status", "status_since"]]
        for moment in moments
    }
    return pd.concat(tables, names=["as_of", "buyer_id"])


@dataclass(frozen=True, eq=False)
class _Stretches:
    """The last unbroken stretch of each buyer, in days since 1970: its first day, and the last day that it covers."""

    start: Ints
    until: Ints


@dataclass(frozen=True, eq=False)
class _Facts:
    """Purchase days and terms as known before a date; arrays by row, positions of buyers."""

    n_buyers: int
    today: int
    buyer: Ints
    day: Ints
    term_buyer: Ints
    term_start: Ints
    term_stop: Ints
    term_grace: Ints
    priced: Bools

    @classmethod
    def known(cls, histories: Histories, as_of: pd.Timestamp) -> Self:
        """What was known of all buyers before a date."""
        moment, n = microseconds(as_of), len(histories.buyer_ids)
        none = np.zeros(0, dtype=np.int64)
        buyer, day = none, none
        transactions = histories.events("transactions")
        if transactions is not None:
            known = transactions.before(moment)
            rows = is_purchase(known)
            buyer, day = known.buyer[rows].astype(np.int64), known.day[rows].astype(np.int64)
            new = np.ones(len(buyer), dtype=bool)
            new[1:] = (buyer[1:] != buyer[:-1]) | (day[1:] != day[:-1])
            buyer, day = buyer[new], day[new]
        terms = (none, none, none, none)
        contracts = histories.events("contracts")
        if contracts is not None:
            known = contracts.before(moment)
            stop = stops_at(known, moment)
            begun = stop > known.time
            terms = _terms(known.buyer[begun], known.time[begun], stop[begun])
        return cls(n, day_number(as_of), buyer, day, *terms, ever_paid(histories, moment))

    @property
    def _last(self) -> Bools:
        """Which purchase days are their buyer's last."""
        last = np.ones(len(self.buyer), dtype=bool)
        last[:-1] = self.buyer[1:] != self.buyer[:-1]
        return last

    @property
    def _gaps(self) -> tuple[Ints, Ints]:
        """Buyer and length of each gap."""
        same = self.buyer[1:] == self.buyer[:-1]
        return self.buyer[1:][same], (self.day[1:] - self.day[:-1])[same]

    @property
    def n_purchases(self) -> Ints:
        """Purchase days of each buyer."""
        return np.bincount(self.buyer, minlength=self.n_buyers)

    @property
    def had_contract(self) -> Bools:
        """Whether a term ever began."""
        return np.bincount(self.term_buyer, minlength=self.n_buyers) > 0

    @property
    def under_contract(self) -> Bools:
        """Whether a term is in force."""
        running = self.term_stop >= self.today
        return np.bincount(self.term_buyer[running], minlength=self.n_buyers) > 0

    def own_log_gaps(self) -> tuple[Floats, Floats, Floats]:
        """Number, mean and sum of squares around it of the logs of each buyer's gaps; mean 0 without any."""
        buyer, gap = self._gaps
        log_gap = np.log(gap.astype(np.float64))
        n = np.bincount(buyer, minlength=self.n_buyers).astype(np.float64)
        mean = np.bincount(buyer, log_gap, self.n_buyers) / np.maximum(n, 1)
        around = np.bincount(buyer, (log_gap - mean[buyer]) ** 2, self.n_buyers)
        return n, np.asarray(mean), np.asarray(around)

    def base_rhythm(self) -> Rhythm:
        """The median over buyers of their own usual gap, and the variances of the logs within and between buyers."""
        n, mean, around = self.own_log_gaps()
        seen = n > 0
        if not seen.any():
            return float("nan"), 0.0, 0.0
        free = float(np.sum(n[seen] - 1))
        within = float(around.sum()) / free if free > 0 else 0.0
        return float(np.exp(np.median(mean[seen]))), within, float(np.var(mean[seen]))

    def usual_second_days(self) -> float:
        """The usual days from the first purchase to the second; NaN where nobody bought twice."""
        first = np.ones(len(self.buyer), dtype=bool)
        first[1:] = self.buyer[1:] != self.buyer[:-1]
        seconds = first[:-1] & (self.buyer[1:] == self.buyer[:-1])
        days = (self.day[1:] - self.day[:-1])[seconds]
        return float(np.median(days)) if len(days) else float("nan")

    def usual_gaps(self, rhythm: Rhythm) -> Floats:
        """Each buyer's own usual gap, drawn towards the base's as far as few and uneven gaps were seen.

        ``log usual = (n m + k log base) / (n + k)`` with n gaps of mean log m, and ``k = s2 / t2``: the variance of the
        buyer's own log gaps (one gap's worth of the base's mixed in) over the variance between buyers. Who keeps time is
        believed sooner. NaN where the base has no rhythm.
        """
        base, within, between = rhythm
        n, mean, around = self.own_log_gaps()
        if not np.isfinite(base):
            return np.full(self.n_buyers, np.nan)
        own = (around + within) / np.maximum(n, 1)
        worth = np.clip(own / max(between, 1e-9), LEAST_PRIOR, MOST_PRIOR)
        return np.asarray(np.exp((n * mean + worth * np.log(base)) / (n + worth)))

    def silences(self, rhythm: Rhythm, horizon_days: int) -> tuple[Floats, Floats]:
        """For each length of silence how many were reached and watched for a horizon, and how many of them ended in it."""
        tried, returned = np.zeros(len(SILENCES)), np.zeros(len(SILENCES))
        if not len(self.buyer) or not np.isfinite(rhythm[0]):
            return tried, returned
        usual = self.usual_gaps(rhythm)[self.buyer]
        following = np.append(self.day[1:], FOREVER_DAY)
        following = np.where(self._last, FOREVER_DAY, following)
        for place, length in enumerate(SILENCES):
            reached = self.day + np.ceil(length * usual)
            watched = (reached < following) & (reached + horizon_days <= self.today)
            tried[place] = watched.sum()
            returned[place] = (watched & (following <= reached + horizon_days)).sum()
        return tried, returned

    def ended_terms(self, horizon_days: int) -> tuple[Floats, Floats]:
        """The same for the days since a last term ended."""
        tried, returned = np.zeros(len(DAYS_AFTER_END)), np.zeros(len(DAYS_AFTER_END))
        order = np.lexsort((self.term_stop, self.term_start, self.term_buyer))
        buyer, start, stop = self.term_buyer[order], self.term_start[order], self.term_stop[order]
        following = np.where(
            np.append(buyer[1:] == buyer[:-1], False), np.append(start[1:], FOREVER_DAY), FOREVER_DAY
        )
        for place, days in enumerate(DAYS_AFTER_END[: len(tried) if len(buyer) else 0]):
            reached = stop + int(days)
            watched = (reached < following) & (reached + horizon_days <= self.today)
            tried[place] = watched.sum()
            returned[place] = (watched & (following <= reached + horizon_days)).sum()
        return tried, returned

    def stretches(
        self, days_after_purchase: Floats, days_after_end: float, days_before_end: Floats | None = None
    ) -> _Stretches:
        """The last stretch of each buyer: purchases last so many days, terms until their end, its grace and so on.

        Purchases made before the end of a term may be given fewer days.
        """
        lasting = np.minimum(days_after_purchase, float(FOREVER_DAY))[self.buyer]
        if days_before_end is not None:
            last_stop = np.full(self.n_buyers, -FOREVER_DAY)
            np.maximum.at(last_stop, self.term_buyer, self.term_stop)
            bound = self.day < last_stop[self.buyer]
            lasting = np.where(bound, np.minimum(lasting, days_before_end[self.buyer]), lasting)
        over = np.minimum(
            np.maximum(self.term_grace, np.minimum(days_after_end, float(FOREVER_DAY))), float(FOREVER_DAY)
        )
        buyer = np.concatenate([self.buyer, self.term_buyer])
        start = np.concatenate([self.day, self.term_start])
        until = np.concatenate([self.day + np.floor(lasting), self.term_stop + over]).astype(np.int64)
        order = np.lexsort((until, start, buyer))
        buyer, start, until = buyer[order], start[order], np.minimum(until[order], FOREVER_DAY)
        stride = (
            4 * FOREVER_DAY
        )  # keeps buyers apart while the furthest day covered so far runs along the rows
        covered = np.maximum.accumulate(until + buyer * stride) - buyer * stride if len(buyer) else until
        first = np.ones(len(buyer), dtype=bool)
        first[1:] = (buyer[1:] != buyer[:-1]) | (start[1:] > covered[:-1] + 1)
        begun = np.zeros(self.n_buyers, dtype=np.int64)
        last = np.full(self.n_buyers, -FOREVER_DAY)
        begun[buyer[first]] = start[first]  # rows ascend, the last stretch stays
        last[buyer] = covered
        return _Stretches(begun, last)

    def is_new(self, second_days: float, horizon_days: int) -> Bools:
        """One purchase day or a first term, younger than is usual for a second or half a term; or never paid anything."""
        n_terms = np.bincount(self.term_buyer, minlength=self.n_buyers)
        first = np.full(self.n_buyers, FOREVER_DAY)
        np.minimum.at(first, self.buyer, self.day)
        np.minimum.at(first, self.term_buyer, self.term_start)
        age = self.today - first
        bought_once = (self.n_purchases == 1) & (n_terms == 0)
        young_purchase = bought_once & (age < (second_days if np.isfinite(second_days) else horizon_days / 2))
        half_term = np.full(self.n_buyers, horizon_days / 2)
        length = np.where(self.term_stop >= FOREVER_DAY, horizon_days, self.term_stop - self.term_start)
        half_term[self.term_buyer] = length / 2
        young_term = (n_terms == 1) & (self.n_purchases <= 1) & (age < half_term)
        return np.asarray(young_purchase | young_term | ~self.priced)


def _terms(buyer: NDArray[Any], start: NDArray[Any], stop: NDArray[Any]) -> tuple[Ints, Ints, Ints, Ints]:
    """Buyer, first day, last day and grace of terms, in days."""
    first = start.astype(np.int64) // MICROSECONDS_A_DAY
    endless = stop == FOREVER
    last = np.where(
        endless, FOREVER_DAY, (np.where(endless, 0, stop) + MICROSECONDS_A_DAY - 1) // MICROSECONDS_A_DAY
    )
    grace = np.clip(GRACE_SHARE * (last - first), LEAST_GRACE, MOST_GRACE).astype(np.int64)
    return buyer.astype(np.int64), first, last.astype(np.int64), np.where(endless, 0, grace)


def _monotone(returned: Floats, tried: Floats, usual: float = 0.0, worth: float = 0.0) -> Floats:
    """Shares that never rise with the length; NaN where nothing at all was counted.

    Each rests on enough silences, or is pooled with its neighbours. A tail that is too thin for that is not drowned in the
    many short silences before it: it is drawn towards their share by :data:`WORTH_OF_NEIGHBOUR` silences. Lengths that
    were never watched halve the chance with each step, so that no silence is "quiet" for ever. Every share is drawn
    towards the usual one by ``worth`` cases.
    """
    seen = int(np.count_nonzero(tried))
    if not seen:
        return np.full(len(tried), np.nan)
    pooled: list[list[float]] = []
    for came, n in zip(returned[:seen], tried[:seen], strict=True):
        if pooled and pooled[-1][1] < ENOUGH_SILENCES:
            pooled[-1] = [pooled[-1][0] + came, pooled[-1][1] + n, pooled[-1][2] + 1]
        else:
            pooled.append([came, n, 1])
        while len(pooled) > 1 and pooled[-1][0] * pooled[-2][1] > pooled[-2][0] * pooled[-1][1]:
            came, n, width = pooled.pop()
            pooled[-1] = [pooled[-1][0] + came, pooled[-1][1] + n, pooled[-1][2] + width]
    shares = [came / n for came, n, width in pooled for _ in range(int(width))]
    came, n, width = pooled[-1]
    if len(pooled) > 1 and n < ENOUGH_SILENCES:
        neighbour = pooled[-2][0] / pooled[-2][1]
        drawn = (came + WORTH_OF_NEIGHBOUR * neighbour) / (n + WORTH_OF_NEIGHBOUR)
        shares[-int(width) :] = [drawn] * int(width)
    if worth:
        counts = [n for _, n, width in pooled for _ in range(int(width))]
        shares = [(one * n + worth * usual) / (n + worth) for one, n in zip(shares, counts, strict=True)]
        shares = list(np.minimum.accumulate(shares))
    for _ in range(seen, len(tried)):
        shares.append(shares[-1] / 2)
    return np.asarray(shares, dtype=np.float64)


def _with_usual_silences(chances: Floats, n_silences: float, has_rhythm: bool) -> Floats:
    """Chances of a base of few silences, filled up to enough of them with silences that ended as is usual elsewhere."""
    missing = max(ENOUGH_SILENCES - n_silences, 0.0) if has_rhythm else 0.0
    if not missing:
        return chances
    usual = 1.0 / np.asarray(SILENCES)
    return np.asarray((n_silences * np.nan_to_num(chances) + missing * usual) / (n_silences + missing))


def _first_below(lengths: tuple[float, ...], chances: Floats) -> float:
    below = [length for length, chance in zip(lengths, chances, strict=True) if chance < LEAST_CHANCE]
    return min(below, default=float("inf"))


def _dates(days: Ints) -> NDArray[np.datetime64]:
    return days.astype("datetime64[D]").astype("datetime64[us]")
