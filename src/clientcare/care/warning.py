"""Nobody should be surprised: how early buyers who left were warned of, how many never were, and the price
of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from clientcare.arguments import is_number, listed
from clientcare.book import churn_risk_of
from clientcare.care.practices import RENEWAL_DAYS_AHEAD, n_between
from clientcare.exceptions import InputError, NotEnoughDataError, OptionError
from clientcare.facts.contacts import Bools, Contacts, Floats, Ints
from clientcare.facts.events import EventTable
from clientcare.history.histories import Histories, require_histories
from clientcare.outcomes.buying import Buying, actual_end_day, scheduled_end_day
from clientcare.progress import ProgressBar
from clientcare.window import (
    MICROSECONDS_A_DAY,
    Days,
    Moment,
    day_number,
    microseconds,
    parse_days,
    parse_moments,
)

MOST_MISSED = 0.25
"""A line that is never reached by more than a quarter of the leavers is no warning."""


@dataclass(frozen=True, eq=False, repr=False)
class EarlyWarning:
    """What :func:`early_warning` found.

    Attributes
    ----------
    lines : DataFrame, index (``rule``, ``line``)
        ``n_leavers``, ``n_warned``, ``surprise_rate`` (share of leavers never warned of),
        ``median_lead_days`` and its quartiles ``lead_days_25``, ``lead_days_75`` (of the leavers warned of),
        ``n_true_alarms``, ``n_false_alarms``, ``false_per_true``, ``share_warned`` (of the rows of buyers
        still there). NaN where nobody left or nobody was warned of.
    leavers : DataFrame
        One row a leaving and line: ``buyer_id``, ``left_on``, ``first_warning``, ``lead_days`` of the risk
        given.
    lapsed : dict
        Contracts that ended without a successor: ``n_lapsed``, ``n_without_talk``, ``share_without_talk``
        (NaN where talks are not recorded).
    horizon_days : int
    """

    lines: pd.DataFrame
    leavers: pd.DataFrame
    lapsed: dict[str, float]
    horizon_days: int

    def chosen_line(self, most_missed: float = MOST_MISSED) -> tuple[float, str]:
        """The line to warn at, and what it was worth at the dates looked at, in a sentence.

        The highest line at which no more than ``most_missed`` of the leavers were never warned of: of the lines
        that find enough, the one with the fewest false alarms. Where none finds enough, the line that finds most.

        Parameters
        ----------
        most_missed : float, default 0.25

        Raises
        ------
        NotEnoughDataError
            Where nobody left at the dates looked at.
        """
        found = self.lines.loc["risk"]
        missed = found["surprise_rate"]
        if missed.isna().all():
            raise NotEnoughDataError(
                "early_warning: nobody left at the dates looked at, no line can be chosen. State one."
            )
        lines = np.asarray(found.index, dtype=np.float64)
        enough = lines[(missed <= most_missed).to_numpy()]
        line = float(enough.max() if len(enough) else lines[int(missed.to_numpy().argmin())])
        at = found.loc[line]
        lead = (
            ""
            if np.isnan(at["median_lead_days"])
            else f", half of them {at['median_lead_days']:.0f} days ahead"
        )
        return line, (
            f"at past dates it warned of {at['n_warned']:,.0f} of {at['n_leavers']:,.0f} who left{lead}, with "
            f"{at['n_false_alarms']:,.0f} false alarms beside {at['n_true_alarms']:,.0f} true ones."
        )

    def __repr__(self) -> str:
        text = f"Early warning, horizon {self.horizon_days} days\n{self.lines.round(3).to_string()}"
        if self.lapsed["n_lapsed"]:
            text += (
                f"\n{self.lapsed['n_without_talk']:,.0f} of {self.lapsed['n_lapsed']:,.0f} contracts "
                f"that lapsed had no talk in the {RENEWAL_DAYS_AHEAD} days before."
            )
        return text


def early_warning(
    risks: pd.Series[Any] | pd.DataFrame,
    histories: Histories,
    *,
    lines: Sequence[float] = (0.3, 0.5, 0.7),
    horizon: Days = "90D",
) -> EarlyWarning:
    """How early, how often and how rightly a risk over a line warned of buyers who left.

    A buyer without contracts leaves on the day on which nothing has been bought for a whole horizon: last
    purchase plus horizon; with contracts, on the last day covered, where no other term and no purchase
    follows within the horizon. A leaving counts where it falls between the first date scored and the end of
    the data, and at least one date was scored within two horizons before it. It was warned of if the risk
    stood at or over the line at one of those dates; lead time: days from the first of them.

    Rows of buyers who have left already are left aside: a warning of them is neither true nor false, but
    late.

    An alarm is a run of consecutive dates at or over the line. It is true if the buyer leaves within the
    horizon after any of its dates, and counts only where that horizon was observed. The recency rule stands
    beside: at each date it warns of as many buyers as the line does, those with the longest silence.

    Parameters
    ----------
    risks : Series or DataFrame with ``churn_risk``, index (``as_of``, ``buyer_id``)
        Risks as they were given at past dates, each by a model that knew nothing later. A health score
        serves as ``1 - health / 100``.
    histories : Histories
        What happened, up to ``observed_until``.
    lines : sequence of float
        The risks from which on to warn.
    horizon : days
        What the risk speaks of.

    Returns
    -------
    EarlyWarning

    Raises
    ------
    InputError
        Where the index is not (``as_of``, ``buyer_id``) or a buyer is unknown.
    NotEnoughDataError
        Where no date scored has its horizon observed.
    """
    require_histories(histories, "early_warning")
    scored = _Scored.of(risks, histories, parse_days(horizon), lines)
    silent, here = _days_silent(histories, scored)
    if not here.any():
        raise NotEnoughDataError("early_warning: all buyers scored had left already. Score earlier dates.")
    scored, recency = scored.only(here), silent[here]
    leavings = _leavings(histories, scored)
    rows, leavers = [], []
    for line in lines:
        warned = scored.risk >= line
        for rule, alarm in (("risk", warned), ("recency", _as_many(recency, warned, scored.date))):
            figures, warnings_given = _judge(alarm, scored, leavings)
            rows.append({"rule": rule, "line": line, **figures})
            if rule == "risk":
                leavers.append(warnings_given.assign(line=line))
    return EarlyWarning(
        lines=pd.DataFrame(rows).set_index(["rule", "line"]).sort_index(ascending=[False, True]),
        leavers=_named(pd.concat(leavers, ignore_index=True), histories),
        lapsed=_lapsed(histories, scored),
        horizon_days=scored.horizon,
    )


def warn_with_model(
    model: Any,
    histories: Histories,
    as_of: Iterable[Moment],
    *,
    lines: Sequence[float] = (0.3, 0.5, 0.7),
    horizon: Days | None = None,
) -> EarlyWarning:
    """Early warning of a model fitted once, before the first date, and asked at each of them.

    Parameters
    ----------
    model : RelationshipModel
        Fitted on what was known before the first date; the model given is not changed.
    histories : Histories
        All that is known by now.
    as_of : dates
        At least one horizon before the end of the data, best a month apart.
    lines : sequence of float
        The risks from which on to warn.
    horizon : days, optional
        Default: the model's own.
    """
    from copy import deepcopy

    moments, _ = parse_moments(as_of, histories.timezone)
    fitted = deepcopy(model).fit(histories, as_of=moments[0])
    risks = {}
    with ProgressBar("Warnings", n_steps=len(moments)) as bar:
        for place, moment in enumerate(moments):
            bar.at(place, f"as of {moment:%Y-%m-%d}")
            risks[moment] = fitted.score(histories, as_of=moment)["churn_risk"]
    table = pd.concat(risks, names=["as_of", "buyer_id"])
    own = horizon if horizon is not None else getattr(model, "horizon", "90D")
    return early_warning(table, histories, lines=lines, horizon=own)


@dataclass(frozen=True, eq=False)
class _Scored:
    """The risks as arrays, sorted by buyer and date; days count from 1970-01-01."""

    buyer: Ints
    date: Ints
    risk: Floats
    horizon: int
    until: int
    moments: Ints

    @classmethod
    def of(
        cls, risks: pd.Series[Any] | pd.DataFrame, histories: Histories, horizon: int, lines: Sequence[float]
    ) -> _Scored:
        column: Any = risks
        if isinstance(risks, pd.DataFrame):
            column = risks.get("churn_risk")
        if not isinstance(column, pd.Series) or column.index.nlevels != 2:
            raise InputError(
                "early_warning: risks need an index of (as_of, buyer_id), one row a date and buyer."
            )
        lines = listed("early_warning: lines", lines, "churn risks")
        if not lines or not all(is_number(line) and 0 < line < 1 for line in lines):
            raise OptionError("early_warning: lines are churn risks, between 0 and 1.")
        buyer = histories.buyer_ids.get_indexer(column.index.get_level_values(1))
        if (buyer < 0).any():
            raise InputError(
                f"early_warning: {int((buyer < 0).sum()):,} rows are of buyers not in the histories."
            )
        date = column.index.get_level_values(0).to_numpy().astype("datetime64[D]").astype(np.int64)
        until = day_number(histories.observed_until)
        order = np.lexsort((date, buyer))
        if not (date + horizon <= until).any():
            raise NotEnoughDataError(
                f"early_warning: no date scored lies {horizon} days or more before "
                f"{histories.observed_until:%Y-%m-%d}, where the data ends.\nScore earlier dates, or shorten the horizon."
            )
        risk = churn_risk_of(column.to_frame("churn_risk"), "early_warning")[order]
        return cls(buyer[order], date[order], risk, horizon, until, np.unique(date))

    def only(self, rows: Bools) -> _Scored:
        """Some of the rows."""
        return replace(self, buyer=self.buyer[rows], date=self.date[rows], risk=self.risk[rows])


def _leavings(histories: Histories, scored: _Scored) -> pd.DataFrame:
    """Buyer and day of each leaving between the first date scored and the end of the data."""
    end = microseconds(histories.observed_until)
    buying = Buying.known(histories, end)
    buyer, day = buying.purchase_days
    start, stop, owner, by_contract = [day], [day], [buyer], [np.zeros(len(day), dtype=bool)]
    if buying.contracts is not None:
        contracts = buying.contracts
        start.append(contracts.day.astype(np.int64))
        stop.append(np.minimum(actual_end_day(contracts), scored.until + 10**6).astype(np.int64))
        owner.append(contracts.buyer.astype(np.int64))
        by_contract.append(np.ones(contracts.n_rows, dtype=bool))
    spans = pd.DataFrame(
        {
            "buyer": np.concatenate(owner),
            "start": np.concatenate(start),
            "stop": np.concatenate(stop),
            "bond": np.concatenate(by_contract),
        }
    ).sort_values(["buyer", "start", "stop"], kind="stable", ignore_index=True)
    reach = spans.groupby("buyer")["stop"].cummax()
    following = spans["start"].shift(-1).where(spans["buyer"].shift(-1) == spans["buyer"])
    bond_reach = spans["stop"].where(spans["bond"]).groupby(spans["buyer"]).cummax()
    by_bond = (bond_reach == reach).to_numpy()
    silent_from = reach + scored.horizon
    gone = (following.isna() | (following > silent_from)) & (silent_from <= scored.until)
    left_on = np.where(by_bond, reach + 1, silent_from)
    found = spans.loc[gone, ["buyer"]].assign(left_on=left_on[gone.to_numpy()])
    inside = (found["left_on"] > scored.moments[0]) & (found["left_on"] <= scored.until)
    chosen: pd.DataFrame = found[inside].reset_index(drop=True)
    return chosen


def _judge(alarm: Bools, scored: _Scored, leavings: pd.DataFrame) -> tuple[dict[str, float], pd.DataFrame]:
    """The figures of one rule at one line, and the first warning of each leaving."""
    span = np.int64(1) << 32
    keys = scored.buyer * span + scored.date
    left_buyer = leavings["buyer"].to_numpy(dtype=np.int64)
    left_on = leavings["left_on"].to_numpy(dtype=np.int64)
    low = np.searchsorted(keys, left_buyer * span + left_on - 2 * scored.horizon, side="left")
    high = np.searchsorted(keys, left_buyer * span + left_on, side="left")
    seen = high > low
    first = _first_true(alarm)
    where = np.where(seen, first[np.minimum(low, len(first) - 1)], len(alarm))
    warned = seen & (where < high)
    lead = np.where(warned, left_on - scored.date[np.minimum(where, len(alarm) - 1)], np.nan)
    n_true, n_false = _alarms(alarm, scored, left_buyer, left_on)
    quartiles = np.quantile(lead[warned], [0.25, 0.5, 0.75]) if warned.any() else np.full(3, np.nan)
    figures = {
        "n_leavers": float(seen.sum()),
        "n_warned": float(warned.sum()),
        "surprise_rate": float(1 - warned.sum() / seen.sum()) if seen.any() else np.nan,
        "median_lead_days": float(quartiles[1]),
        "lead_days_25": float(quartiles[0]),
        "lead_days_75": float(quartiles[2]),
        "n_true_alarms": n_true,
        "n_false_alarms": n_false,
        "false_per_true": n_false / n_true if n_true else np.nan,
        "share_warned": float(alarm.mean()),
    }
    table = pd.DataFrame({"buyer": left_buyer, "left_on": left_on, "lead_days": lead})[seen]
    return figures, table


def _first_true(alarm: Bools) -> Ints:
    """For each row the place of the first true at or after it; the length where none is."""
    place = np.where(alarm, np.arange(len(alarm)), len(alarm))
    return np.asarray(np.minimum.accumulate(place[::-1])[::-1])


def _alarms(alarm: Bools, scored: _Scored, left_buyer: Ints, left_on: Ints) -> tuple[float, float]:
    """Runs of warned dates that came true, and those that did not, among those whose horizon was observed."""
    span = np.int64(1) << 32
    leaving = np.sort(left_buyer * span + left_on)
    keys = scored.buyer * span + scored.date
    next_one = np.searchsorted(leaving, keys, side="right")
    ahead = np.append(leaving, np.iinfo(np.int64).max)[next_one]
    comes_true = ahead <= keys + scored.horizon
    judged = alarm & (scored.date + scored.horizon <= scored.until)
    begins = judged.copy()
    begins[1:] &= ~(judged[:-1] & (scored.buyer[1:] == scored.buyer[:-1]))
    run = np.cumsum(begins)[judged] - 1
    true_runs = np.bincount(run, weights=comes_true[judged], minlength=int(begins.sum())) > 0
    return float(true_runs.sum()), float((~true_runs).sum())


def _days_silent(histories: Histories, scored: _Scored) -> tuple[Floats, Bools]:
    """Days since the last sign of patronage (a purchase, or a day under contract) at each row, and who has
    not left yet.

    Left: nothing bought for a whole horizon; or, where a contract was the last sign, that contract is over.
    """
    silent = np.full(len(scored.date), np.inf)
    here = np.zeros(len(scored.date), dtype=bool)
    for date in scored.moments:
        at = Buying.known(histories, int(date) * MICROSECONDS_A_DAY)
        last, allowed = at.last_day, np.full(at.n_buyers, float(scored.horizon))
        if at.contracts is not None:
            ended = np.full(at.n_buyers, np.nan)
            np.fmax.at(ended, at.contracts.buyer, np.minimum(actual_end_day(at.contracts), date))
            allowed = np.where(ended >= np.nan_to_num(last, nan=-np.inf), 1.0, allowed)
            last = np.fmax(last, ended)
        rows = scored.date == date
        silent[rows] = np.nan_to_num(date - last[scored.buyer[rows]], nan=np.inf)
        here[rows] = silent[rows] < allowed[scored.buyer[rows]]
    return silent, here


def _as_many(silent: Floats, warned: Bools, date: Ints) -> Bools:
    """At each date the buyers with the longest silence, as many as were warned of; ties by position."""
    order = np.lexsort((np.arange(len(silent)), -silent, date))
    first = np.concatenate([[True], date[order][1:] != date[order][:-1]])
    begin = np.flatnonzero(first)[np.cumsum(first) - 1]
    rank = np.arange(len(silent)) - begin
    _, code = np.unique(date, return_inverse=True)
    many = np.bincount(code, weights=warned)
    chosen = np.zeros(len(silent), dtype=bool)
    chosen[order] = rank < many[code[order]]
    return chosen


def _lapsed(histories: Histories, scored: _Scored) -> dict[str, float]:
    """Contracts that ended without a successor between the first date scored and the end of the data, and
    their talks.
    """
    contracts = histories.events("contracts")
    if contracts is None:
        return {"n_lapsed": 0.0, "n_without_talk": np.nan, "share_without_talk": np.nan}
    end = microseconds(histories.observed_until)
    contracts = contracts.before(end)
    last = _last_terms(contracts)
    ends = actual_end_day(contracts)[last]
    inside = (
        (ends >= scored.moments[0]) & (ends < scored.until) & (ends == scheduled_end_day(contracts)[last])
    )
    buyer, ends = contracts.buyer[last][inside], ends[inside]
    contacts = Contacts.known(histories, end)
    if contacts is None or not contacts.shows_care:
        return {"n_lapsed": float(len(ends)), "n_without_talk": np.nan, "share_without_talk": np.nan}
    talks = contacts.renewal_talks
    without = float((n_between(buyer, ends - RENEWAL_DAYS_AHEAD, ends, contacts, talks) == 0).sum())
    share = without / len(ends) if len(ends) else np.nan
    return {"n_lapsed": float(len(ends)), "n_without_talk": without, "share_without_talk": share}


def _last_terms(contracts: EventTable) -> Ints:
    """The row of each buyer's term that ends last."""
    order = np.lexsort((actual_end_day(contracts), contracts.buyer))
    buyer = contracts.buyer[order]
    return np.asarray(order[np.concatenate([buyer[1:] != buyer[:-1], [True]])] if len(order) else order)


def _named(table: pd.DataFrame, histories: Histories) -> pd.DataFrame:
    """Ids and dates in place of positions and day counts."""
    left_on = table["left_on"].to_numpy(dtype=np.int64)
    days = left_on * np.int64(MICROSECONDS_A_DAY)
    lead = pd.to_timedelta(table["lead_days"], unit="D")
    named = pd.DataFrame(
        {
            "buyer_id": histories.buyer_ids.take(table["buyer"].to_numpy()),
            "line": table["line"].to_numpy(),
            "left_on": days.view("datetime64[us]"),
            "lead_days": table["lead_days"].to_numpy(),
        }
    )
    named["first_warning"] = named["left_on"] - lead.to_numpy()
    return named[["buyer_id", "line", "left_on", "first_warning", "lead_days"]]
