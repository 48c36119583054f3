"""Whether a model of buying should be believed here: counts, the course of time, and a forecast set beside what came."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import gammaincc

from clientcare.btyd.base import BuyingModel
from clientcare.btyd.summary import purchase_days, purchase_summary
from clientcare.btyd.table import AGE, COUNT, distinct_rows
from clientcare.exceptions import NotEnoughDataError, NotObservedError, OptionError
from clientcare.history.histories import Histories
from clientcare.window import MICROSECONDS_A_DAY, Days, Moment, day_number, parse_days, parse_moment

_TOLERATED_SHARE = 0.02
_TOLERATED_BIAS = 0.10


@dataclass(frozen=True)
class Check:
    """A table, what it measures, and a verdict.

    Attributes
    ----------
    table : DataFrame
        Observed beside expected, ready to plot.
    figures : dict of name to number
    believable : bool
    verdict : str
        One sentence.
    """

    table: pd.DataFrame
    figures: dict[str, float]
    believable: bool
    verdict: str


def check_frequency(model: BuyingModel, X: Any, max_count: int = 7) -> Check:
    """How many buyers bought again 0, 1, 2 ... times, beside what the model expects of new buyers of their age.

    Parameters
    ----------
    model : fitted model of buying
    X : DataFrame
        The table it was fitted on, or one of other buyers.
    max_count : int
        This number and above are one row.

    Returns
    -------
    Check
        ``table`` has ``observed`` and ``expected`` per number of purchases. Believable where chance explains the
        difference (p >= 0.01), or where at most two per cent of the buyers stand in a wrong row: with many buyers any
        model fails the first.

    Examples
    --------
    >>> from clientcare.btyd import BGNBD
    >>> model = BGNBD.from_parameters(r=0.243, alpha=30.9, a=0.793, b=2.426)
    >>> check_frequency(model, model.simulate(2000, 270, 84)).believable
    True
    """
    if max_count < 1:
        raise OptionError("check_frequency: max_count must be 1 or more.")
    rows = model._read(X, "check_frequency")
    if rows.purchase_z is not None or rows.dropout_z is not None:
        raise OptionError("check_frequency: not for models with covariates; check_forecast takes them.")
    first, kind = distinct_rows([rows.age])
    weight = np.bincount(kind)
    ages = rows.age[first]
    expected = [float(weight @ model.prob_n_purchases_new(ages, n)) for n in range(max_count)]
    expected.append(max(len(rows) - sum(expected), 0.0))
    observed = np.bincount(np.minimum(rows.x, max_count).astype(np.int64), minlength=max_count + 1)
    labels = [str(n) for n in range(max_count)] + [f"{max_count}+"]
    table = pd.DataFrame({"observed": observed, "expected": expected}, index=pd.Index(labels, name=COUNT))
    chi_square, freedom = _chi_square(table, len(model._names))
    p_value = float(gammaincc(freedom / 2, chi_square / 2)) if freedom > 0 else float("nan")
    share = float(np.abs(table["observed"] - table["expected"]).sum() / 2 / len(rows))
    believable = share <= _TOLERATED_SHARE or (np.isfinite(p_value) and p_value >= 0.01)
    verdict = (
        f"{share:.1%} of the buyers stand in a row where {type(model).__name__} does not expect them "
        f"(chi-square {chi_square:.1f} at {freedom} degrees of freedom): {_words(believable)}."
    )
    figures = {"share_misplaced": share, "chi_square": chi_square, "degrees": freedom, "p_value": p_value}
    return Check(table, figures, bool(believable), verdict)


def check_forecast(model: BuyingModel, X: Any, horizon: Any, n_purchases: Any, n_groups: int = 10) -> Check:
    """A forecast beside what came: by groups of expected purchases.

    Parameters
    ----------
    model : fitted model of buying
    X : table as of the start of the horizon
    horizon : number or text
    n_purchases : array of shape (n_buyers,)
        What each buyer bought in the horizon, in the order of ``X``.
    n_groups : int
        Groups of equal size, lowest expected purchases first.

    Returns
    -------
    Check
        ``table``: ``n_buyers``, ``expected_purchases``, ``purchases`` (means), ``expected_no_purchase``,
        ``no_purchase`` (shares). Believable where the total is off by at most ten per cent or by chance (two standard
        errors), and the Brier score of P(no purchase) beats the base rate.
    """
    came = np.asarray(n_purchases, dtype=np.float64)
    expected = np.asarray(model.expected_purchases(X, horizon))
    none = np.asarray(model.predict_no_purchase(X, horizon))
    if came.shape != expected.shape or not np.isfinite(came).all() or (came < 0).any():
        raise OptionError("check_forecast: n_purchases needs one number >= 0 for each row of X.")
    if len(came) < 2 * n_groups or n_groups < 1:
        raise NotEnoughDataError(f"check_forecast: {len(came)} buyers are too few for {n_groups} groups.")
    group = np.empty(len(came), dtype=np.int64)
    group[np.argsort(expected, kind="stable")] = np.arange(len(came)) * n_groups // len(came)
    silent = came == 0
    columns = {
        "expected_purchases": expected,
        "purchases": came,
        "expected_no_purchase": none,
        "no_purchase": silent,
    }
    table = pd.DataFrame({"group": group, **columns}).groupby("group").mean()
    table.insert(0, "n_buyers", np.bincount(group))
    error = np.sqrt(len(came) * np.var(came - expected))
    difference = float(expected.sum() - came.sum())
    bias = difference / came.sum() if came.sum() else float("inf") if difference else 0.0
    brier = float(np.mean((none - silent) ** 2))
    base = float(silent.mean() * (1 - silent.mean()))
    near = abs(bias) <= _TOLERATED_BIAS or abs(difference) <= 2 * error
    believable = bool(near and brier < base)
    verdict = (
        f"{type(model).__name__} expects {expected.sum():,.0f} purchases, {came.sum():,.0f} came ({bias:+.0%}); "
        f"Brier score of no purchase {brier:.3f}, base rate {base:.3f}: {_words(believable)}."
    )
    figures = {
        "bias": bias,
        "z": difference / error if error else 0.0,
        "brier": brier,
        "brier_base_rate": base,
    }
    return Check(table, figures, believable, verdict)


def check_tracking(
    model: BuyingModel, histories: Histories, as_of: Moment, until: Moment | None = None, step: Days = "7D"
) -> Check:
    """Repeat purchases over time, beside what the model expects of the buyers who had first bought by ``as_of``.

    Parameters
    ----------
    model : fitted on ``purchase_summary(histories, as_of)``
    histories : Histories
    as_of : date
        Up to here the model has seen; what comes after is a forecast.
    until : date, optional
        Default: all that was observed.
    step : days a row

    Returns
    -------
    Check
        ``table``: ``repeat_purchases``, ``expected``, both cumulated too, and ``seen`` (whether the model saw that
        row); index ``until``, the end of each row (exclusive). Believable where the cumulated totals differ by at most
        ten per cent at ``as_of``, and at the end.
    """
    start = parse_moment(as_of, histories.timezone)
    stop = histories.observed_until if until is None else parse_moment(until, histories.timezone, "until")
    if stop > histories.observed_until or stop < start:
        raise NotObservedError(
            f"check_tracking: until must lie between as_of {start:%Y-%m-%d} and the end of what was observed, "
            f"{histories.observed_until:%Y-%m-%d}."
        )
    known = purchase_summary(histories, start)
    if known.empty:
        raise NotEnoughDataError("check_tracking: nobody had bought by as_of.")
    first_day = day_number(start) - known[AGE].to_numpy()
    days = parse_days(step, "step")
    ends = np.arange(int(first_day.min()) + days, day_number(stop) + 1, days)
    if not len(ends):
        raise NotEnoughDataError("check_tracking: less than one step between the first purchase and the end.")
    observed = _repeats_before(histories, ends, set(known.index))
    cohorts, sizes = np.unique(first_day, return_counts=True)
    expected = [
        float(sizes @ model.expected_purchases_new(np.maximum(end - cohorts, 0).astype(np.float64)))
        for end in ends
    ]
    dates = pd.to_datetime(ends, unit="D").rename("until")
    table = pd.DataFrame(
        {"repeat_purchases_cumulated": observed, "expected_cumulated": expected}, index=dates
    )
    table.insert(0, "repeat_purchases", np.diff(observed, prepend=0))
    table.insert(1, "expected", np.diff(expected, prepend=0.0))
    table["seen"] = ends <= day_number(start)
    last_seen = int(table["seen"].to_numpy().sum()) - 1
    in_sample = _bias(expected[last_seen], observed[last_seen]) if last_seen >= 0 else float("nan")
    at_end = _bias(expected[-1], observed[-1])
    believable = bool(abs(at_end) <= _TOLERATED_BIAS and not abs(in_sample) > _TOLERATED_BIAS)
    verdict = (
        f"{type(model).__name__} is off by {in_sample:+.0%} in the stretch it saw and by {at_end:+.0%} at the end: "
        f"{_words(believable)}."
    )
    return Check(table, {"bias_seen": in_sample, "bias_at_end": at_end}, believable, verdict)


def _repeats_before(histories: Histories, ends: Any, buyers: set[Any]) -> list[int]:
    """Repeat purchase days of some buyers before each of several days."""
    events = histories.events("transactions")
    assert events is not None
    buyer, day, _ = purchase_days(events, int(ends[-1]) * MICROSECONDS_A_DAY)
    again = np.concatenate([[False], buyer[1:] == buyer[:-1]])
    counted = histories.buyer_ids.isin(buyers)[buyer]
    repeat = np.sort(day[again & counted])
    return [int(n) for n in np.searchsorted(repeat, ends)]


def _bias(expected: float, observed: float) -> float:
    return expected / observed - 1 if observed else float("inf") if expected > 0.5 else 0.0


def _chi_square(table: pd.DataFrame, n_parameters: int) -> tuple[float, int]:
    """Rows with few expected buyers are joined with the row before."""
    observed: list[float] = []
    expected: list[float] = []
    for seen, hoped in zip(table["observed"], table["expected"], strict=True):
        if expected and (hoped < 5 or expected[-1] < 5):
            observed[-1] += seen
            expected[-1] += hoped
        else:
            observed.append(float(seen))
            expected.append(float(hoped))
    o, e = np.array(observed), np.maximum(np.array(expected), 1e-12)
    return float(((o - e) ** 2 / e).sum()), max(len(o) - 1 - n_parameters, 0)


def _words(believable: bool) -> str:
    return "to be believed here" if believable else "not to be believed here"
