"""How good a probability was, once the outcome is known; every measure with an interval from
resampling buyers.

All measures take an outcome (0 or 1), a probability and optional counts (how often each buyer was
drawn in a resample), one entry a buyer. The first argument of each is the outcome.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from clientcare.exceptions import InputError

Floats = NDArray[np.float64]
SMALLEST_PROBABILITY = 1e-5
"""Probabilities are kept this far from 0 and 1 before their logarithm is taken."""


def log_loss(outcome: ArrayLike, probability: ArrayLike, counts: ArrayLike | None = None) -> float:
    """Mean of -log(probability given to what happened); 0 is perfect, 0.693 is a coin.

    Examples
    --------
    >>> round(log_loss([1, 0], [0.5, 0.5]), 3)
    0.693
    """
    y, p, w = _checked(outcome, probability, counts)
    return float(np.sum(w * log_losses(y, p)) / np.sum(w))


def log_losses(outcome: Floats, probability: Floats) -> Floats:
    """The log loss of each buyer; shape (n_buyers,)."""
    p = np.clip(probability, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)
    return np.asarray(-np.where(outcome > 0.5, np.log(p), np.log1p(-p)))


def brier(outcome: ArrayLike, probability: ArrayLike, counts: ArrayLike | None = None) -> float:
    """Mean squared distance between probability and outcome; 0 is perfect.

    Examples
    --------
    >>> brier([1, 0], [0.5, 0.5])
    0.25
    """
    y, p, w = _checked(outcome, probability, counts)
    return float(np.sum(w * (p - y) ** 2) / np.sum(w))


def bias(outcome: ArrayLike, probability: ArrayLike, counts: ArrayLike | None = None) -> float:
    """Mean predicted less observed share: above 0, the level was called too high.

    Examples
    --------
    >>> bias([1, 0], [0.75, 0.75])
    0.25
    """
    y, p, w = _checked(outcome, probability, counts)
    return float(np.sum(w * (p - y)) / np.sum(w))


def auc(outcome: ArrayLike, probability: ArrayLike, counts: ArrayLike | None = None) -> float:
    """Chance that a buyer with the outcome was given the higher probability than one without; ties
    count half.

    NaN where all outcomes are the same.

    Examples
    --------
    >>> auc([0, 1, 1], [0.1, 0.1, 0.9])
    0.75
    """
    y, p, w = _checked(outcome, probability, counts)
    return _auc_of(_Ranking(p), y, w)


def average_precision(outcome: ArrayLike, probability: ArrayLike, counts: ArrayLike | None = None) -> float:
    """Mean share of true positives among the buyers ranked at least as high as each of them; NaN without any.

    Examples
    --------
    >>> average_precision([1, 0, 1], [0.9, 0.5, 0.1])
    0.8333333333333333
    """
    y, p, w = _checked(outcome, probability, counts)
    return _average_precision_of(_Ranking(p), y, w)


def calibration_error(
    outcome: ArrayLike, probability: ArrayLike, counts: ArrayLike | None = None, n_bins: int = 10
) -> float:
    """Expected calibration error over bins of equal count: sum of share x abs(observed - mean predicted).

    Buyers of one probability who lie across the edge of two bins are shared out in proportion, so that their
    order does not matter.

    Perfect predictions do not score 0: with 2,000 buyers, below 0.02 is chance
    (:func:`calibration_error_by_chance`).

    Examples
    --------
    >>> calibration_error([0, 0, 1, 1], [0.25, 0.25, 0.75, 0.75], n_bins=2)
    0.25
    """
    y, p, w = _checked(outcome, probability, counts)
    return _calibration_error_of(_Bins(p, n_bins), y - p, w)


def calibration_error_by_chance(
    probability: ArrayLike, n_bins: int = 10, n_draws: int = 50, random_state: int = 0
) -> float:
    """What calibration_error a perfectly calibrated set of such probabilities would score on average."""
    p = np.asarray(probability, dtype=np.float64)
    bins, rng = _Bins(p, n_bins), np.random.default_rng(random_state)
    ones = np.ones_like(p)
    draws = [_calibration_error_of(bins, (rng.random(len(p)) < p) - p, ones) for _ in range(n_draws)]
    return float(np.mean(draws))


def lift(
    outcome: ArrayLike, probability: ArrayLike, counts: ArrayLike | None = None, share: float = 0.1
) -> float:
    """How many times more frequent the outcome is among the top tenth than among all; NaN where it
    never happened.

    Examples
    --------
    >>> lift([1, 0, 0, 0], [0.9, 0.5, 0.2, 0.1], share=0.25)
    4.0
    """
    y, p, w = _checked(outcome, probability, counts)
    total = float(np.sum(w * y))
    if total == 0:
        return float("nan")
    return _caught_at_top(_Ranking(p), y, w, share) / share / total


def lost_value_caught(
    outcome: ArrayLike,
    probability: ArrayLike,
    value: ArrayLike,
    counts: ArrayLike | None = None,
    share: float = 0.1,
) -> float:
    """Share of the value of the buyers who left that stood in the tenth with the highest probability x value.

    Parameters
    ----------
    outcome, probability : array of shape (n_buyers,)
        Whether a buyer left, and the risk that was given.
    value : array of shape (n_buyers,)
        What was at stake, in any unit, never negative; NaN counts as nothing.

    Returns
    -------
    float between 0 and 1, NaN where nothing was lost

    Examples
    --------
    >>> lost_value_caught([1, 1, 0, 0], [0.9, 0.5, 0.1, 0.1], [30.0, 10.0, 5.0, 5.0], share=0.25)
    0.75
    """
    y, p, w = _checked(outcome, probability, counts)
    worth = np.nan_to_num(np.asarray(value, dtype=np.float64)).clip(min=0)
    total = float(np.sum(w * y * worth))
    if total == 0:
        return float("nan")
    return _caught_at_top(_Ranking(p * worth), y * worth, w, share) / total


MEASURES: dict[str, str] = {
    "auc": "higher",
    "average_precision": "higher",
    "log_loss": "lower",
    "brier": "lower",
    "calibration_error": "lower",
    "bias": "zero",
    "lift_at_10": "higher",
    "lost_value_caught_at_10": "higher",
}
"""The measures of a backtest, and which way is better."""


def measure(
    outcome: ArrayLike,
    probability: ArrayLike,
    value: ArrayLike | None = None,
    *,
    draws: NDArray[np.int64] | None = None,
    confidence: float = 0.9,
) -> dict[str, float]:
    """All measures of one set of probabilities, each with ``_low`` and ``_high`` where resamples are given.

    Parameters
    ----------
    outcome, probability : array of shape (n_buyers,)
    value : array of shape (n_buyers,), optional
        What a buyer is worth, for ``lost_value_caught_at_10``; NaN measures without it.
    draws : int array of shape (n_resamples, n_buyers), optional
        How often each buyer is in each resample (:func:`resample_buyers`).
    confidence : float
        The share of resamples between low and high.

    Returns
    -------
    dict of name to float
    """
    y, p, w = _checked(outcome, probability, None)
    functions = _prepared(y, p, None if value is None else np.asarray(value, dtype=np.float64))
    found = {name: function(w) for name, function in functions.items()}
    if draws is None:
        return found
    for name, function in functions.items():
        resampled = np.array([function(draw.astype(np.float64)) for draw in draws])
        found[f"{name}_low"], found[f"{name}_high"] = interval(resampled, confidence)
    return found


def interval(resampled: Floats, confidence: float = 0.9) -> tuple[float, float]:
    """The central share of resampled figures; NaN where all are NaN."""
    resampled = resampled[~np.isnan(resampled)]
    if len(resampled) == 0:
        return float("nan"), float("nan")
    low, high = np.quantile(resampled, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def resample_buyers(n_buyers: int, n_resamples: int, random_state: int = 0) -> NDArray[np.int64]:
    """How often each buyer is drawn when as many buyers are drawn with replacement; shape
    (n_resamples, n_buyers).
    """
    rng = np.random.default_rng(random_state)
    draws = np.empty((n_resamples, n_buyers), dtype=np.int64)
    for row in draws:
        row[:] = np.bincount(rng.integers(0, n_buyers, n_buyers), minlength=n_buyers)
    return draws


class _Ranking:
    """Buyers from the highest probability to the lowest, ties together."""

    def __init__(self, score: Floats) -> None:
        self.order = np.argsort(-score, kind="stable")
        ranked = score[self.order]
        self.last_of_tie = np.flatnonzero(np.concatenate([ranked[1:] != ranked[:-1], [True]]))

    def cumulated(self, values: Floats) -> Floats:
        """Sums from the top, 0 first, then at the end of each tie."""
        return np.concatenate([[0.0], np.cumsum(values[self.order])[self.last_of_tie]])


class _Bins:
    """Equal-count bins of ascending probability."""

    def __init__(self, probability: Floats, n_bins: int) -> None:
        self.ranking = _Ranking(-probability)
        self.n_bins = min(n_bins, len(probability))

    def sums(self, values: Floats, w: Floats) -> Floats:
        """Sum of w x values in each bin; a tie at an edge counts in proportion."""
        everyone, total = self.ranking.cumulated(w), self.ranking.cumulated(w * values)
        edges = np.floor(np.arange(self.n_bins + 1) * everyone[-1] / self.n_bins)
        edges[-1] = everyone[-1]
        return np.diff(np.interp(edges, everyone, total))


def _prepared(y: Floats, p: Floats, value: Floats | None) -> dict[str, Callable[[Floats], float]]:
    ranking, bins = _Ranking(p), _Bins(p, 10)
    losses, squares, gaps = log_losses(y, p), (p - y) ** 2, p - y
    functions: dict[str, Callable[[Floats], float]] = {
        "auc": lambda w: _auc_of(ranking, y, w),
        "average_precision": lambda w: _average_precision_of(ranking, y, w),
        "log_loss": lambda w: float(np.sum(w * losses) / np.sum(w)),
        "brier": lambda w: float(np.sum(w * squares) / np.sum(w)),
        "calibration_error": lambda w: _calibration_error_of(bins, gaps, w),
        "bias": lambda w: float(np.sum(w * gaps) / np.sum(w)),
        "lift_at_10": lambda w: _ratio(_caught_at_top(ranking, y, w, 0.1) / 0.1, float(np.sum(w * y))),
    }
    if value is not None:
        worth = np.nan_to_num(value).clip(min=0)
        by_loss, lost = _Ranking(p * worth), y * worth
        functions["lost_value_caught_at_10"] = lambda w: _ratio(
            _caught_at_top(by_loss, lost, w, 0.1), float(np.sum(w * lost))
        )
    return functions


def _auc_of(ranking: _Ranking, y: Floats, w: Floats) -> float:
    positive = np.cumsum((w * y)[ranking.order])[ranking.last_of_tie]
    everyone = np.cumsum(w[ranking.order])[ranking.last_of_tie]
    negative = everyone - positive
    if positive[-1] == 0 or negative[-1] == 0:
        return float("nan")
    new_positive, new_negative = np.diff(positive, prepend=0.0), np.diff(negative, prepend=0.0)
    above = positive - new_positive
    return float(np.sum(new_negative * (above + new_positive / 2)) / positive[-1] / negative[-1])


def _average_precision_of(ranking: _Ranking, y: Floats, w: Floats) -> float:
    positive = np.cumsum((w * y)[ranking.order])[ranking.last_of_tie]
    everyone = np.cumsum(w[ranking.order])[ranking.last_of_tie]
    if positive[-1] == 0:
        return float("nan")
    gained = np.diff(positive, prepend=0.0)
    precision = np.divide(positive, everyone, out=np.zeros_like(positive), where=everyone > 0)
    return float(np.sum(gained * precision) / positive[-1])


def _calibration_error_of(bins: _Bins, gaps: Floats, w: Floats) -> float:
    return float(np.sum(np.abs(bins.sums(gaps, w))) / np.sum(w))


def _caught_at_top(ranking: _Ranking, worth: Floats, w: Floats, share: float) -> float:
    """The worth within the top share of all buyers; a tie at the edge counts in proportion."""
    everyone, caught = ranking.cumulated(w), ranking.cumulated(w * worth)
    return float(np.interp(share * everyone[-1], everyone, caught))


def _ratio(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator > 0 else float("nan")


def _checked(
    outcome: ArrayLike, probability: ArrayLike, counts: ArrayLike | None
) -> tuple[Floats, Floats, Floats]:
    y = _numbers(outcome, "outcome")
    p = _numbers(probability, "probability")
    w = np.ones(len(y)) if counts is None else _numbers(counts, "counts")
    if not len(y) == len(p) == len(w):
        raise InputError(f"outcome, probability and counts differ in length: {len(y)}, {len(p)}, {len(w)}.")
    if len(y) == 0:
        raise InputError("no buyer to measure: outcome is empty.")
    n_strange = int(np.sum((y != 0) & (y != 1)))
    if n_strange:
        raise InputError(f"outcome: {n_strange:,} of {len(y):,} values are neither 0 nor 1.")
    n_outside = int(np.sum(~((p >= 0) & (p <= 1))))
    if n_outside:
        raise InputError(f"probability: {n_outside:,} of {len(p):,} values are NaN or outside 0 to 1.")
    return y, p, w


def _numbers(values: Any, name: str) -> Floats:
    if isinstance(values, pd.Series):
        values = values.to_numpy()
    try:
        array = np.asarray(values, dtype=np.float64)
    except (ValueError, TypeError) as cause:
        raise InputError(f"{name}: not numbers. Give one number a buyer.") from cause
    if array.ndim != 1:
        raise InputError(f"{name}: one value a buyer is needed, found an array of shape {array.shape}.")
    return array
