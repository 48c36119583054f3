"""Pareto/NBD: buyers buy at their own rate until they leave, at a rate of their own, at any moment."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.special import betaln, expit, gammaln, psi

from clientcare.btyd.base import BuyingModel
from clientcare.btyd.fitting import Floats
from clientcare.btyd.forecasts import Parameters, Terms
from clientcare.btyd.nbd import NBD, active_parts
from clientcare.btyd.quadrature import leaving_integral, legendre
from clientcare.btyd.simulation import DrawnPurchases, uniform_purchases
from clientcare.btyd.table import Rows


class ParetoNBD(BuyingModel):
    """Poisson buying with Gamma(r, alpha) rates, until an exponential lifetime with a Gamma(s, beta) rate ends.

    Parameters
    ----------
    penalty : float, default 0.0
        Nats, see :class:`NBD`; 0 is maximum likelihood.
    purchase_covariates, dropout_covariates : sequence of str
        Static numeric columns: alpha = alpha0 exp(-z'c), beta = beta0 exp(-z'd).

    Attributes
    ----------
    r_, alpha_, s_, beta_ : float
        ``alpha_`` and ``beta_`` in the unit of the table's time.
    boundary_ : str or None
        The simpler model that the optimum turned out to be, if it lies at the edge.
    log_likelihood_, aic_, bic_, standard_errors_, covariance_, coefficient_table_

    Notes
    -----
    The likelihood is A (1 + s I), where I integrates over the moment of leaving; see
    :mod:`clientcare.btyd.quadrature` for why it is taken that way and not by the hypergeometric function.

    References
    ----------
    Schmittlein, Morrison and Colombo (1987), Counting your customers, Management Science 33, 1-24.
    Fader and Hardie (2005), A note on deriving the Pareto/NBD model and related expressions.
    Fader and Hardie (2007), Incorporating time-invariant covariates into the Pareto/NBD and BG/NBD models.

    Examples
    --------
    >>> model = ParetoNBD.from_parameters(r=0.553, alpha=10.578, s=0.606, beta=11.669)
    >>> model.predict_no_purchase([[2, 30.43, 38.86], [0, 0, 38.86]], 39).round(4)
    array([0.4081, 0.9307])
    """

    _names = ("r", "alpha", "s", "beta")
    _links = (("alpha", "purchase", -1), ("beta", "dropout", -1))

    def __init__(
        self,
        penalty: float = 0.0,
        purchase_covariates: tuple[str, ...] = (),
        dropout_covariates: tuple[str, ...] = (),
    ) -> None:
        self.penalty = penalty
        self.purchase_covariates = purchase_covariates
        self.dropout_covariates = dropout_covariates

    def _starts(self, rate: float) -> list[dict[str, float]]:
        return [
            {"r": 0.5, "alpha": 0.25 / rate, "s": 0.6, "beta": 0.4},
            {"r": 1.0, "alpha": 0.7 / rate, "s": 0.3, "beta": 1.0},
            {"r": 2.0, "alpha": 1.8 / rate, "s": 0.05, "beta": 1.0},
        ]

    def _plain(self) -> BuyingModel | None:
        return NBD()

    def _without_dropout(self, alpha: float) -> dict[str, float]:
        return {"s": 0.0, "beta": alpha}

    def _leaves_seldom(self, p: Mapping[str, float]) -> bool:
        return bool(p["s"] * np.log1p(1 / p["beta"]) < 3e-3)

    def _leaves_alike(self, p: Mapping[str, float]) -> bool:
        return p["s"] > 1e4

    def _draw(self, rng: np.random.Generator, watched: Floats) -> DrawnPurchases:
        r, alpha, s, beta = (self.parameters_[name] for name in self._names)
        rate = rng.gamma(r, size=len(watched)) / alpha
        with np.errstate(divide="ignore", over="ignore"):
            lifetime = rng.exponential(size=len(watched)) / (rng.gamma(s, size=len(watched)) / beta)
        return uniform_purchases(rng, rate, np.minimum(lifetime, watched))

    def _count_terms(self, p: Parameters, x: Floats) -> Terms:
        r = p["r"]
        return gammaln(r + x) - gammaln(r), {"r": r * (psi(r + x) - psi(r))}

    def _time_terms(self, p: Parameters, rows: Rows) -> Terms:
        r, alpha, s, beta = p["r"], p["alpha"], p["s"], p["beta"]
        shape = r + rows.x
        full = np.zeros(len(rows))
        integral = leaving_integral(
            shape, alpha + full, s + full, beta + full, rows.t_x, rows.age, means=True
        )
        longer_a = np.log1p((rows.age - rows.t_x) / (alpha + rows.t_x))
        longer_b = np.log1p((rows.age - rows.t_x) / (beta + rows.t_x))
        odds = np.log(s) + integral.log_value + shape * longer_a + s * longer_b
        left = expit(odds)
        stay = 1 - left
        bought = np.log1p(rows.t_x / alpha)
        lived = np.log1p(rows.t_x / beta)
        softplus = np.maximum(odds, 0.0) + np.log1p(np.exp(-np.abs(odds)))
        ll = softplus - shape * (bought + longer_a) - s * (lived + longer_b) - rows.x * np.log(alpha)
        by_r = -bought - stay * longer_a - left * integral.log_alpha
        by_alpha = r / alpha - shape * (stay / (alpha + rows.age) + left * integral.per_alpha)
        by_s = -lived - stay * longer_b - left * (integral.log_beta - 1 / s)
        by_beta = s / beta - stay * s / (beta + rows.age) - left * (s + 1) * integral.per_beta
        return ll, {"r": r * by_r, "alpha": alpha * by_alpha, "s": s * by_s, "beta": beta * by_beta}

    def _alive(self, p: Parameters, rows: Rows) -> Floats:
        r, alpha, s, beta = p["r"], p["alpha"], p["s"], p["beta"]
        shape = r + rows.x
        integral = leaving_integral(shape, alpha, s, beta, rows.t_x, rows.age)
        silent = rows.age - rows.t_x
        odds = np.log(s) + integral.log_value
        odds += shape * np.log1p(silent / (alpha + rows.t_x)) + s * np.log1p(silent / (beta + rows.t_x))
        return np.asarray(expit(-odds))

    def _none_if_alive(self, p: Parameters, rows: Rows, horizon: Floats) -> Floats:
        """Nothing bought and still there at the end, or left before buying."""
        shape, s = p["r"] + rows.x, p["s"]
        rate, leave = p["alpha"] + rows.age, p["beta"] + rows.age
        left = s * np.exp(leaving_integral(shape, rate, s, leave, np.zeros(len(rows)), horizon).log_value)
        return np.asarray(np.exp(-shape * np.log1p(horizon / rate) - s * np.log1p(horizon / leave)) + left)

    def _expected_if_alive(self, p: Parameters, rows: Rows, horizon: Floats) -> Floats:
        """(R / A) int_0^H (B / (B + t))^s dt, with no special case at s = 1."""
        s, leave = p["s"], p["beta"] + rows.age
        longer = np.log1p(horizon / leave)
        small = (1 - s) * longer
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            lived = leave * longer * np.where(np.abs(small) < 1e-12, 1.0, np.expm1(small) / small)
        return np.asarray((p["r"] + rows.x) / (p["alpha"] + rows.age) * lived)

    def _n_if_alive(self, p: Parameters, rows: Rows, horizon: Floats, n: int) -> Floats:
        """n purchases and still there at the end, or n purchases before leaving at y; over y by quadrature."""
        shape, s = p["r"] + rows.x, p["s"]
        rate, leave = p["alpha"] + rows.age, p["beta"] + rows.age
        with np.errstate(divide="ignore"):
            choose = -np.log(float(n)) - betaln(shape, float(n))

            def bought(t: Floats) -> Floats:
                return np.asarray(choose + n * np.log(t / (rate + t)) - shape * np.log1p(t / rate))

            total = np.exp(bought(horizon) - s * np.log1p(horizon / leave))
            stop = np.log1p(horizon / leave)
            for node, weight in zip(*legendre(64), strict=True):
                q = stop * node
                total += weight * stop * s * np.exp(bought(leave * np.expm1(q)) - s * q)
        return np.asarray(total)

    def _parts_if_alive(
        self, p: Parameters, rows: Rows, part: Floats, n_parts: int, min_parts: int
    ) -> Floats:
        """The first purchase of the completing part falls at y: one integral over y, the rest in closed form."""
        shape, s = p["r"] + rows.x, p["s"]
        rate, leave = p["alpha"] + rows.age, p["beta"] + rows.age
        weights = active_parts(n_parts, min_parts, last_is_whole=True)
        stop = np.minimum(np.log1p(part / rate), 36 / shape)
        total = np.zeros(len(rows))
        for node, node_weight in zip(*legendre(24), strict=True):
            y = rate * np.expm1(stop * node)
            inner = np.zeros(len(rows))
            for (i, j), weight in weights.items():
                bought = -(shape + 1) * np.log1p((i * part + y) / rate)
                inner += weight * np.exp(bought - s * np.log1p(((i + j) * part + y) / leave))
            total += node_weight * stop * (rate + y) * shape / rate * inner
        return total
