"""Over which horizon to ask who leaves: read from the rhythm of the buyers, with the evidence for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clientcare.arguments import is_number
from clientcare.exceptions import NotEnoughDataError, OptionError
from clientcare.facts.billing import CYCLES
from clientcare.facts.events import EventTable
from clientcare.facts.purchase_rows import is_purchase
from clientcare.facts.terms import stops_at
from clientcare.history.histories import Histories, require_histories
from clientcare.history.population import known_buyers
from clientcare.window import MICROSECONDS_A_DAY, UNKNOWN_TIME, Moment, microseconds

FloatArray = NDArray[np.float64]

NATURAL_DAYS = (7, 14, 30, 60, 90, 120, 180, 270, 365, 545, 730, 1095)
"""Horizons that people plan in: a week to three years."""

MIN_REPEAT_BUYERS = 5
"""Below so many buyers with a second purchase day no rhythm is read."""

MIN_SHARE_AT_RISK = 0.05
"""Silences so long that fewer voices than this share are left say nothing about returning."""

MIN_SHARE_UNDER_CONTRACT = 0.5
"""Where so many buyers have had a contract, its term is their rhythm, and what they buy beside is not."""

MIN_SHARE_ON_CYCLE = 0.8
"""Where so many gaps are a month (a quarter, half a year, a year) long, the base pays on a billing cycle."""

LATE_DAYS = 2
"""A weekend moves a payment by at most so many days."""

LEAVERS_WANTED = 0.05
"""An open-ended contract can be left any day: within the horizon one in twenty has left, enough to tell who."""

LEAST_OPEN_DAYS, MOST_OPEN_DAYS = 30, 365
"""A month is the least in which care can act; beyond a year nobody plans with a contract that can be left any day."""

LONGEST_ON_CYCLE = 0.99
"""The horizon holds this share of the gaps on the cycle: a weekend on the 1st may move two payments apart."""

SHORTEST = 0.97
"""The shortest quarter, half year and year are this share of the longest; the shortest month is three days less."""

_QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)


@dataclass(frozen=True)
class HorizonSuggestion:
    """A horizon for churn, and why.

    Attributes
    ----------
    days : int
        The horizon in days.
    basis : {"purchases", "contracts"}
        What it was read from.
    rhythm_days : float
        The silence, in days, within which ``coverage`` of all returns came; for contracts the usual term; for open-ended
        contracts the days within which one in twenty has left (infinite: nobody has).
    wanted_days : int
        The natural horizon that covers ``rhythm_days``. Larger than ``days`` where the observed stretch is
        too short for it (``is_shortened``).
    observed_days : int
        Length of the observed stretch.
    coverage : float
        The share of returns that the rhythm is to cover.
    evidence : DataFrame, indexed by ``silence_days``
        ``gaps_within``: share of all gaps between purchase days no longer than that. ``buyers_within``: share
        of repeat buyers whose usual (median) gap is no longer. ``returned_within``: share of all returns that
        came within that silence, each buyer one voice, buyers still silent counted as censored.
        ``chance_of_return``: of those silent for so long, the share who came back later, as far as the data
        reach; with that horizon it is the rate of false alarms to expect. ``n_still_silent``: how many
        silences lasted at least so long. NaN where nothing of that length could be seen. For contracts:
        ``contracts_within``, the share of scheduled terms no longer. For open-ended contracts: ``left_within``, the share
        expected to leave within so many days.
    gap_quantiles : DataFrame, indexed by ``quantile``
        Quantiles in days of ``all_gaps``, and of the repeat buyers' ``usual_gap``.
    """

    days: int
    basis: str
    rhythm_days: float
    wanted_days: int
    observed_days: int
    coverage: float
    evidence: pd.DataFrame = field(repr=False, compare=False)
    gap_quantiles: pd.DataFrame = field(repr=False, compare=False)

    @property
    def horizon(self) -> str:
        """The horizon as the definitions take it, ``"90D"``."""
        return f"{self.days}D"

    @property
    def is_shortened(self) -> bool:
        """Whether the observed stretch allowed only a shorter horizon than the rhythm asks for."""
        return self.days < self.wanted_days

    @property
    def false_alarm_rate(self) -> float:
        """Of buyers silent for the whole horizon, the share expected back later; NaN if unseen."""
        if "chance_of_return" not in self.evidence:
            return float("nan")
        return float(self.evidence["chance_of_return"].get(self.days, np.nan))

    def __repr__(self) -> str:
        if self.basis == "contracts" and "left_within" in self.evidence:
            share = self.evidence["left_within"].get(self.days, np.nan)
            reason = f"an open-ended contract can be left any day, {share:.0%} are within so many"
        elif self.basis == "contracts":
            reason = f"the usual term of a contract is {self.rhythm_days:.0f} days"
        else:
            reason = f"{self.coverage:.0%} of the buyers who return do so within {self.rhythm_days:.0f} days"
        sentence = f"{self.days} days: {reason}."
        if self.is_shortened:
            sentence += (
                f" That asks for {self.wanted_days} days, but {self.observed_days} observed days leave room "
                "for no more (one horizon of history, one to learn from, two to test on)."
            )
        if not np.isnan(self.false_alarm_rate):
            sentence += f" Of buyers silent that long, {self.false_alarm_rate:.0%} came back later."
        return sentence

    def _repr_html_(self) -> str:
        shown = self.evidence.loc[self.evidence.index <= max(2 * self.wanted_days, self.days)].round(3)
        return f"<p>{escape(repr(self))}</p>{shown.to_html()}"


def suggest_horizon(
    histories: Histories, coverage: float = 0.8, *, as_of: Moment | None = None
) -> HorizonSuggestion:
    """The horizon that fits the rhythm of these buyers, with the evidence for it.

    The shortest natural horizon (:data:`NATURAL_DAYS`) within which ``coverage`` of all returns to a purchase
    came, each buyer having one voice however often they buy. How long silences last is estimated as in
    survival analysis (Kaplan-Meier): the silence after a buyer's last purchase has not ended yet, and counts
    as censored. Where purchases follow a billing cycle (a month, a quarter, half a year, a year), the horizon
    is whole cycles, so that it never falls between two payments. The horizon is at most a quarter of the
    observed stretch (one cycle at least), so that there is as much again to look back on, to learn from, and
    two more to test on. Where nobody's purchases repeat, the usual term of the contracts takes their place. Open-ended
    contracts have no term: the shortest natural horizon, a month to a year, within which one in twenty leaves; whole cycles
    where their bills follow one.

    Parameters
    ----------
    histories : Histories
        The facts.
    coverage : float, between 0.5 and 0.99
        A higher share asks for a longer horizon and gives fewer false alarms.
    as_of : date, optional
        Nothing at or after it is looked at; default: all that was observed.

    Returns
    -------
    HorizonSuggestion
        ``.days``, ``.horizon``, ``.evidence``; printed, it says its reason in a sentence.

    Raises
    ------
    NotEnoughDataError
        Where fewer than five buyers purchased on a second day and there are no contracts, or fewer than four weeks were
        observed.

    References
    ----------
    Kaplan and Meier (1958), "Nonparametric estimation from incomplete observations", Journal of the American
    Statistical Association 53(282), 457-481.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from clientcare.history import Histories
    >>> days = np.arange(0, 360, 20)
    >>> transactions = pd.DataFrame({
    ...     "buyer_id": np.repeat(np.arange(6), len(days)),
    ...     "timestamp": pd.Timestamp("2023-01-01") + pd.to_timedelta(np.tile(days, 6), "D"),
    ...     "amount": 10.0,
    ... })
    >>> suggest_horizon(Histories(transactions))
    30 days: 80% of the buyers who return do so within 20 days.
    """
    require_histories(histories, "suggest_horizon")
    if as_of is not None:
        histories = histories.until(as_of)
    if not (is_number(coverage) and 0.5 <= coverage <= 0.99):
        raise OptionError("suggest_horizon: coverage must lie between 0.5 and 0.99.")
    observed_days = (histories.observed_until - histories.observed_from).days
    if observed_days < 4 * NATURAL_DAYS[0]:
        raise NotEnoughDataError(
            f"suggest_horizon: {observed_days} days were observed, which holds no horizon of a week with one "
            "to look back on, one to learn from and two to test on.\n"
            "Gather at least 28 days, or state the horizon yourself: ChurnDefinition(horizon='7D')."
        )
    terms, n_open = _contract_terms(histories)
    bound = _share_under_contract(histories) >= MIN_SHARE_UNDER_CONTRACT
    silences = _silences(histories)
    if silences.n_repeat_buyers >= MIN_REPEAT_BUYERS and not (bound and (len(terms) or n_open)):
        return _from_purchases(silences, observed_days, coverage)
    if n_open > len(terms):
        return _from_open_ended(histories, observed_days, coverage)
    if len(terms):
        return _from_contracts(terms, observed_days, coverage)
    raise NotEnoughDataError(
        f"suggest_horizon: only {silences.n_repeat_buyers} buyers purchased on a second day, and no "
        "contract states a term; these histories have no rhythm to read.\n"
        "State the horizon yourself: ChurnDefinition(horizon='90D')."
    )


@dataclass(frozen=True)
class _Silences:
    """Every stretch between a purchase day and the next, or the end of observation where none followed."""

    days: NDArray[np.int64]
    ended: NDArray[np.bool_]
    weight: NDArray[Any]
    usual_gap: FloatArray

    @property
    def n_repeat_buyers(self) -> int:
        return len(self.usual_gap)


def _silences(histories: Histories) -> _Silences:
    transactions = histories.events("transactions")
    if transactions is None:
        nothing = np.zeros(0)
        return _Silences(nothing.astype(np.int64), nothing.astype(bool), nothing, nothing)
    until = microseconds(histories.observed_until)
    buyer, day = _distinct_days(transactions, is_purchase(transactions) & (transactions.time < until))
    ended = np.zeros(len(buyer), dtype=bool)
    ended[:-1] = buyer[1:] == buyer[:-1]
    last_day = (until - 1) // MICROSECONDS_A_DAY
    following = np.where(ended, np.roll(day, -1), last_day)
    n_silences = np.bincount(buyer, minlength=len(histories.buyer_ids))
    usual_gap = pd.Series(following[ended] - day[ended]).groupby(buyer[ended]).median()
    weight = 1.0 / n_silences[buyer]
    return _Silences(following - day, ended, weight, usual_gap.to_numpy().astype(np.float64))


def _distinct_days(events: EventTable, rows: Any) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Buyer and day of some events, each pair once."""
    buyer, day = events.buyer[rows].astype(np.int64), events.day[rows].astype(np.int64)
    new = np.ones(len(buyer), dtype=bool)
    new[1:] = (buyer[1:] != buyer[:-1]) | (day[1:] != day[:-1])
    return buyer[new], day[new]


def _from_purchases(silences: _Silences, observed_days: int, coverage: float) -> HorizonSuggestion:
    still_silent = _kaplan_meier(silences)
    returned = 1.0 - still_silent
    come_back = np.full(len(returned), np.nan)
    np.divide(still_silent - still_silent[-1], still_silent, out=come_back, where=still_silent > 0)
    rhythm = int(np.searchsorted(returned, coverage * returned[-1] - 1e-12))
    gaps = silences.days[silences.ended]
    cycle = _billing_cycle(gaps)
    if cycle is not None and 3 * cycle > observed_days:  # no cycle to look back on and one to judge by
        cycle = None
    if cycle is None:
        days, wanted = _natural(rhythm, observed_days)
    else:
        days, wanted = _whole_cycles(rhythm, cycle, observed_days, _longest_on_cycle(gaps, cycle))
    shown = np.unique([*NATURAL_DAYS, days])
    shown = shown[shown < max(observed_days, days + 1)]
    at = np.minimum(shown, len(still_silent) - 1)
    evidence = pd.DataFrame(
        {
            "gaps_within": _share_within(gaps, shown),
            "buyers_within": _share_within(silences.usual_gap, shown),
            "returned_within": returned[at] / returned[-1],
            "chance_of_return": come_back[at],
            "n_still_silent": len(silences.days) - np.searchsorted(np.sort(silences.days), shown),
        },
        index=pd.Index(shown, name="silence_days"),
    )
    unseen = shown > silences.days.max()
    evidence.loc[unseen, ["returned_within", "chance_of_return"]] = np.nan
    quantiles = pd.DataFrame(
        {
            "all_gaps": np.quantile(gaps, _QUANTILES),
            "usual_gap": np.quantile(silences.usual_gap, _QUANTILES),
        },
        index=pd.Index(_QUANTILES, name="quantile"),
    )
    return HorizonSuggestion(
        days, "purchases", float(rhythm), wanted, observed_days, coverage, evidence, quantiles
    )


def _kaplan_meier(silences: _Silences) -> FloatArray:
    """Chance that a silence lasts longer than t days, t = 0, 1, 2 ...; each buyer has one voice.

    A silence of d days that ended counts as a return at d; one still going on after d days was at risk at d
    and says nothing beyond.
    """
    longest = int(silences.days.max())
    returns = np.bincount(silences.days, silences.weight * silences.ended, longest + 1)
    leaving = np.bincount(silences.days, silences.weight, longest + 1)
    at_risk = np.cumsum(leaving[::-1])[::-1]
    hazard = np.divide(
        returns, at_risk, out=np.zeros_like(returns), where=at_risk >= MIN_SHARE_AT_RISK * at_risk[0]
    )
    return np.asarray(np.cumprod(1.0 - np.minimum(hazard, 1.0)))


def _from_contracts(terms: FloatArray, observed_days: int, coverage: float) -> HorizonSuggestion:
    usual = float(np.median(terms))
    days, wanted = _natural(usual, observed_days)
    shown = np.unique([*NATURAL_DAYS, days])
    evidence = pd.DataFrame(
        {"contracts_within": _share_within(terms, shown)}, index=pd.Index(shown, name="silence_days")
    )
    quantiles = pd.DataFrame(
        {"contract_term": np.quantile(terms, _QUANTILES)}, index=pd.Index(_QUANTILES, name="quantile")
    )
    return HorizonSuggestion(days, "contracts", usual, wanted, observed_days, coverage, evidence, quantiles)


def _from_open_ended(histories: Histories, observed_days: int, coverage: float) -> HorizonSuggestion:
    """From how fast open-ended contracts are left, in whole billing cycles where their bills follow one."""
    rate = _leaving_rate(histories)
    rhythm = -np.log1p(-LEAVERS_WANTED) / rate if rate > 0 else np.inf
    asked = float(np.clip(rhythm, LEAST_OPEN_DAYS, MOST_OPEN_DAYS))
    bills = histories.bills
    gaps = np.zeros(0, dtype=np.int64)
    if bills is not None:
        buyer, day = _distinct_days(bills, np.ones(bills.n_rows, dtype=bool))
        gaps = np.diff(day)[buyer[1:] == buyer[:-1]]
    cycle = _billing_cycle(gaps)
    if cycle is None:
        days, wanted = _natural(asked, observed_days)
    else:
        days, wanted = _whole_cycles(asked, cycle, observed_days, _longest_on_cycle(gaps, cycle))
    shown = np.unique([*NATURAL_DAYS, days])
    evidence = pd.DataFrame(
        {"left_within": -np.expm1(-rate * shown)}, index=pd.Index(shown, name="silence_days")
    )
    quantiles = pd.DataFrame(index=pd.Index(_QUANTILES, name="quantile"))
    return HorizonSuggestion(
        days, "contracts", float(rhythm), wanted, observed_days, coverage, evidence, quantiles
    )


def _leaving_rate(histories: Histories) -> float:
    """Contracts that stopped within the observed stretch, over the days on which one was in force in it."""
    contracts = histories.events("contracts")
    assert contracts is not None
    first, last = microseconds(histories.observed_from), microseconds(histories.observed_until)
    stop = stops_at(contracts, last)
    stopped = int(np.count_nonzero((stop > first) & (stop <= last) & (stop > contracts.time)))
    inside = np.maximum(np.minimum(stop, last) - np.maximum(contracts.time, first), 0)
    days = float((inside / MICROSECONDS_A_DAY).sum())
    return stopped / days if days > 0 else 0.0


def _contract_terms(histories: Histories) -> tuple[FloatArray, int]:
    """The lengths in days of the terms that have an end, and how many have none."""
    contracts = histories.events("contracts")
    if contracts is None:
        return np.zeros(0), 0
    end = contracts.columns.get("end", np.full(contracts.n_rows, UNKNOWN_TIME))
    rows = (end != UNKNOWN_TIME) & (end > contracts.time)
    lengths = (end[rows] - contracts.time[rows]) / MICROSECONDS_A_DAY
    return np.asarray(lengths, dtype=np.float64), int(np.count_nonzero(end == UNKNOWN_TIME))


def _share_under_contract(histories: Histories) -> float:
    """Share of the buyers known by now who ever had a contract."""
    contracts = histories.events("contracts")
    known = known_buyers(histories, histories.observed_until)
    if contracts is None or not len(known):
        return 0.0
    return float(np.mean(np.diff(contracts.offsets)[known] > 0))


def _natural(rhythm_days: float, observed_days: int) -> tuple[int, int]:
    """The natural horizon that the observed stretch has room for, and the one the rhythm asks for.

    A rhythm one day over a natural length (a year of 366 days, a month of 31) does not ask for the next.
    """
    slack = 1.05 * np.asarray(NATURAL_DAYS)
    wanted = NATURAL_DAYS[min(int(np.searchsorted(slack, rhythm_days)), len(NATURAL_DAYS) - 1)]
    room = [days for days in NATURAL_DAYS if days <= max(observed_days // 4, NATURAL_DAYS[0])]
    return min(wanted, room[-1]), wanted


def _billing_cycle(gaps: NDArray[np.int64]) -> int | None:
    """The most days in the cycle on which nearly all purchases follow each other, None where they follow none."""
    for _, most_days in CYCLES:
        on_cycle = (gaps >= min(SHORTEST * most_days, most_days - 3) - LATE_DAYS) & (
            gaps <= most_days + LATE_DAYS
        )
        if len(gaps) and on_cycle.mean() >= MIN_SHARE_ON_CYCLE:
            return most_days
    return None


def _longest_on_cycle(gaps: NDArray[np.int64], cycle: int) -> int:
    """The longest silence between two payments that both keep to the cycle."""
    return int(np.quantile(gaps[gaps <= cycle + LATE_DAYS], LONGEST_ON_CYCLE, method="higher"))


def _whole_cycles(rhythm_days: float, cycle: int, observed_days: int, longest: int) -> tuple[int, int]:
    """Whole billing cycles that cover a rhythm, as many as there is room for, and as many as it asks for.

    A shorter horizon would fall between two payments on some days, and call everybody gone; so would a cycle where payments
    that a weekend moves lie further apart.
    """
    least = int(np.ceil(longest / cycle))
    wanted = max(int(np.ceil((rhythm_days - LATE_DAYS) / cycle)), least)
    room = max(observed_days // 4 // cycle, least)
    return min(wanted, room) * cycle, wanted * cycle


def _share_within(values: Any, limits: NDArray[np.int64]) -> FloatArray:
    return np.searchsorted(np.sort(np.asarray(values)), limits, side="right") / max(len(values), 1)
