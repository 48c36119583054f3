"""Gamma-Gamma: what a purchase is worth, where buyers differ and their own purchases vary."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from scipy.special import gammaln, psi
from sklearn.utils.validation import check_is_fitted

from clientcare.btyd.fitting import Floats, find_optimum
from clientcare.btyd.likelihood import LikelihoodModel
from clientcare.btyd.table import (
    COUNT,
    SPEND,
    distinct_rows,
    merged_weight,
    read_columns,
    read_weight,
    refuse,
    require_rows,
)
from clientcare.exceptions import NotEnoughDataError


class GammaGamma(LikelihoodModel):
    """Amounts Gamma(p, nu) around each buyer's mean, with nu ~ Gamma(q, v) over buyers; free of how often they buy.

    Parameters
    ----------
    penalty : float, default 0.0
        Nats taken for each half squared log-distance of a parameter from 1, money counted in mean amounts.

    Attributes
    ----------
    p_, q_, v_ : float
        ``v_`` in the currency of the table.
    boundary_ : str or None
        Says so where the mean over buyers is without bound (q <= 1).
    log_likelihood_, aic_, bic_, standard_errors_, covariance_, n_buyers_

    Notes
    -----
    Rows without a repeat purchase, or without a known amount, say nothing about amounts and are left out of the fit;
    ``n_buyers_`` counts those that were used. The model takes amounts and frequency to be unrelated: check that their
    correlation is small.

    References
    ----------
    Fader and Hardie (2013), The Gamma-Gamma model of monetary value.

    Examples
    --------
    >>> model = GammaGamma.from_parameters(p=6.25, q=3.74, v=15.44)
    >>> model.expected_amount([[0, float("nan")], [4, 50.0]]).round(2)
    array([35.22, 48.54])
    """

    _names = ("p", "q", "v")

    def __init__(self, penalty: float = 0.0) -> None:
        self.penalty = penalty

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Fit by maximum likelihood.

        Parameters
        ----------
        X : DataFrame with ``n_repeat_purchases`` and ``mean_purchase_amount``, or array
            An array of two columns holds these two; a wider one is read as the table of :func:`purchase_summary`.
        y : ignored
        sample_weight : array of shape (n_buyers,), optional

        Raises
        ------
        BadRowsError
            Where a mean amount of repeat purchases is zero, negative or infinite.
        NotEnoughDataError
            Where fewer than three buyers have a repeat purchase of known amount.
        """
        asker = f"{type(self).__name__}.fit"
        self._check_options()
        x, mean = self._read(X, asker)
        require_rows(len(x), asker)
        weight = read_weight(sample_weight, len(x), asker)
        used = (x > 0) & ~np.isnan(mean) & (weight > 0)
        if used.sum() < 3:
            raise NotEnoughDataError(
                f"{asker}: {int(used.sum())} of n_samples = {len(x)} buyers have a repeat purchase of known "
                "amount; give 3 or more."
            )
        self._note_columns(X)
        x, mean, weight = x[used], mean[used], weight[used]
        first, kind = distinct_rows([x, mean])
        x, mean, weight = x[first], mean[first], merged_weight(kind, weight)
        total = float(weight.sum())
        unit = float(weight @ mean / total)
        optimum = find_optimum(
            [self._objective(x, mean / unit, weight)], [np.log([5.0, 4.0, 0.6]), np.log([1.0, 2.0, 1.0])]
        )
        natural = dict(zip(self._names, np.exp(optimum.theta), strict=True))
        natural["v"] *= unit
        covariance = optimum.covariance(total)
        loss = float(self.penalty) / 2 * float(optimum.theta @ optimum.theta)
        self._set(natural, covariance, loss - optimum.value * total - total * np.log(unit), total)
        self.boundary_ = "no finite mean over buyers: q <= 1" if self.parameters_["q"] <= 1 else None
        if self.boundary_ is None and optimum.curvature is None:
            self.boundary_ = "no spread of mean amounts or of amounts: parameters without bound"
        return self

    def _read(self, X: Any, asker: str) -> tuple[Floats, Floats]:
        if isinstance(X, pd.DataFrame) or np.asarray(X).ndim != 2 or np.asarray(X).shape[1] < 4:
            columns = read_columns(X, (COUNT, SPEND), asker)
        else:
            columns = read_columns(X, (COUNT, "second", "third", SPEND), asker)
        x, mean = columns[COUNT], columns[SPEND]
        refuse(
            asker,
            COUNT,
            "a whole number >= 0 (Negative values in data are refused)",
            ~(np.isfinite(x) & (x >= 0) & (x == np.floor(x))),
        )
        refuse(
            asker,
            SPEND,
            f"above 0 and finite, or unknown, where {COUNT} is above 0",
            (x > 0) & ((mean <= 0) | np.isinf(mean)),
        )
        return x, mean

    def _objective(self, x: Floats, mean: Floats, weight: Floats) -> Any:
        total = float(weight.sum())
        constant = x * (np.log(mean) + np.log(x))

        def objective(theta: Floats) -> tuple[float, Floats]:
            p, q, v = np.exp(theta)
            shape, scale = p * x, np.log(x * mean + v)
            ll = gammaln(shape + q) - gammaln(shape) - gammaln(q) + q * np.log(v) - (shape + q) * scale
            ll += p * constant - np.log(mean)
            gradient = np.array(
                [
                    p * float(weight @ (x * (psi(shape + q) - psi(shape) - scale) + constant)),
                    q * float(weight @ (psi(shape + q) - psi(q) + np.log(v) - scale)),
                    float(weight @ (q - (shape + q) * v / (x * mean + v))),
                ]
            )
            loss = float(self.penalty) / 2 * float(theta @ theta)
            return (loss - float(weight @ ll)) / total, (float(self.penalty) * theta - gradient) / total

        return objective

    def expected_amount(self, X: Any) -> Any:
        """Expected mean amount of a buyer's purchases: their own, drawn towards that of all; shape (n_buyers,).

        A buyer without a repeat purchase, or of unknown amounts, has the mean over all buyers (infinite for q <= 1).
        """
        check_is_fitted(self, "parameters_")
        x, mean = self._read(X, f"{type(self).__name__}.expected_amount")
        p, q, v = (self.parameters_[name] for name in self._names)
        known = (x > 0) & ~np.isnan(mean)
        x, mean = np.where(known, x, 0.0), np.where(known, mean, 0.0)
        below = p * x + q - 1
        values = np.divide(p * (v + x * mean), below, out=np.full(len(x), np.inf), where=below > 0)
        return (
            pd.Series(values, index=X.index, name="expected_amount")
            if isinstance(X, pd.DataFrame)
            else values
        )

    def simulate(self, n_repeat_purchases: Any, random_state: int = 0) -> pd.DataFrame:
        """Draw the mean amounts of buyers with given numbers of repeat purchases; NaN for none."""
        check_is_fitted(self, "parameters_")
        rng = np.random.default_rng(random_state)
        x = np.asarray(n_repeat_purchases, dtype=np.float64)
        nu = rng.gamma(self.parameters_["q"], size=len(x)) / self.parameters_["v"]
        drawn = rng.gamma(np.maximum(x, 1) * self.parameters_["p"]) / (nu * np.maximum(x, 1))
        return pd.DataFrame({COUNT: x.astype(np.int64), SPEND: np.where(x > 0, drawn, np.nan)})
