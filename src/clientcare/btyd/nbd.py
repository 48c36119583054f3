"""NBD: buyers differ in how often they buy, and nobody ever leaves."""

from __future__ import annotations

from math import comb
from typing import Any

import numpy as np
from scipy.special import betainc, gammaln, polygamma, psi

from clientcare.btyd.base import BuyingModel
from clientcare.btyd.fitting import Floats
from clientcare.btyd.forecasts import Curvature, Parameters, Terms
from clientcare.btyd.simulation import DrawnPurchases, uniform_purchases
from clientcare.btyd.table import Rows


class NBD(BuyingModel):
    """Poisson buying with Gamma(r, alpha) rates, no leaving: the plain model that the others must beat.

    Parameters
    ----------
    penalty : float, default 0.0
        Nats taken from the log-likelihood for each half squared log-distance of a parameter from 1 (time counted in
        mean ages of the table): 1.0 weighs like one buyer who knows each log-parameter with variance one. It is free
        of the time unit. 0 is maximum likelihood.
    purchase_covariates : sequence of str
        Columns (static, numeric) that multiply the purchase rate by exp(z'coefficient).

    Attributes
    ----------
    r_, alpha_ : float
        Shape, and rate in the unit of the table's time.
    log_likelihood_, aic_, bic_, standard_errors_, covariance_, boundary_

    References
    ----------
    Ehrenberg (1959), The pattern of consumer purchases, Applied Statistics 8, 26-41.

    Examples
    --------
    >>> model = NBD.from_parameters(r=0.5, alpha=10.0)
    >>> model.predict_no_purchase([[0, 0, 30]], 10).round(4)
    array([0.8944])
    """

    _names = ("r", "alpha")
    _time_names = frozenset({"alpha"})
    _links = (("alpha", "purchase", -1),)

    def __init__(self, penalty: float = 0.0, purchase_covariates: tuple[str, ...] = ()) -> None:
        self.penalty = penalty
        self.purchase_covariates = purchase_covariates

    def _starts(self, rate: float) -> list[dict[str, float]]:
        return [{"r": 0.5, "alpha": 0.5 / rate}, {"r": 3.0, "alpha": 3.0 / rate}]

    def _count_terms(self, p: Parameters, x: Floats) -> Terms:
        r = p["r"]
        return gammaln(r + x) - gammaln(r), {"r": r * (psi(r + x) - psi(r))}

    def _count_curvature(self, p: Parameters, x: Floats) -> Curvature | None:
        return {("r", "r"): rate_curvature(p["r"], x)}

    def _time_curvature(self, p: Parameters, rows: Rows) -> Curvature:
        return time_curvature(p, rows)

    def _time_terms(self, p: Parameters, rows: Rows) -> Terms:
        r, alpha = p["r"], p["alpha"]
        shape, end = r + rows.x, alpha + rows.age
        kept = np.log(alpha / end)
        return r * kept - rows.x * np.log(end), {"r": r * kept, "alpha": r - shape * alpha / end}

    def _alive(self, p: Parameters, rows: Rows) -> Floats:
        return np.ones(len(rows))

    def _none_if_alive(self, p: Parameters, rows: Rows, horizon: Floats) -> Floats:
        return _power(p["alpha"] + rows.age, horizon, p["r"] + rows.x)

    def _expected_if_alive(self, p: Parameters, rows: Rows, horizon: Floats) -> Floats:
        return np.asarray((p["r"] + rows.x) * horizon / (p["alpha"] + rows.age))

    def _n_if_alive(self, p: Parameters, rows: Rows, horizon: Floats, n: int) -> Floats:
        shape = p["r"] + rows.x
        share = horizon / (p["alpha"] + rows.age + horizon)
        return np.asarray(betainc(n, shape, share) - betainc(n + 1, shape, share))

    def _parts_if_alive(
        self, p: Parameters, rows: Rows, part: Floats, n_parts: int, min_parts: int
    ) -> Floats:
        rate, shape = p["alpha"] + rows.age, p["r"] + rows.x
        total = np.zeros(len(rows))
        for (i, _), weight in active_parts(n_parts, min_parts, last_is_whole=False).items():
            total += weight * _power(rate, i * part, shape)
        return total

    def _draw(self, rng: np.random.Generator, watched: Floats) -> DrawnPurchases:
        rate = rng.gamma(self.parameters_["r"], size=len(watched)) / self.parameters_["alpha"]
        return uniform_purchases(rng, rate, watched)


def rate_curvature(r: Any, n: Floats) -> Floats:
    """Second derivative of ln G(r + n) - ln G(r) by ln r."""
    return np.asarray(r * (psi(r + n) - psi(r)) + r**2 * (polygamma(1, r + n) - polygamma(1, r)))


def time_curvature(p: Parameters, rows: Rows) -> Curvature:
    """Second derivatives of r ln(alpha) - (r + x) ln(alpha + T)."""
    r, kept = p["r"], p["alpha"] / (p["alpha"] + rows.age)
    return {
        ("r", "r"): r * np.log(kept),
        ("r", "alpha"): r * (1 - kept),
        ("alpha", "alpha"): -(r + rows.x) * kept * (1 - kept),
    }


def _power(rate: Floats, time: Floats, shape: Floats) -> Floats:
    """(rate / (rate + time)) ** shape, without a loss near one."""
    return np.asarray(np.exp(-shape * np.log1p(time / rate)))


def active_parts(n_parts: int, min_parts: int, last_is_whole: bool) -> dict[tuple[int, int], float]:
    """Weights of u^i v^j in the probability to buy in at least ``min_parts`` of ``n_parts`` parts.

    u is the probability of no purchase in a part, v of being there at its end. The part that completes the count is
    reached after n parts, min_parts - 1 of them with purchases: sum_n C(n, min_parts-1) (v-u)^(min_parts-1)
    u^(n-min_parts+1), times the probability of any purchase in a part: 1 - u (``last_is_whole`` leaves this factor
    out).
    """
    weights: dict[tuple[int, int], float] = {}
    before = min_parts - 1
    for n in range(before, n_parts):
        for i in range(before + 1):
            weight = comb(n, before) * comb(before, i) * (-1.0) ** i
            key = (n - before + i, before - i)
            weights[key] = weights.get(key, 0.0) + weight
            if not last_is_whole:
                key = (key[0] + 1, key[1])
                weights[key] = weights.get(key, 0.0) - weight
    return weights
