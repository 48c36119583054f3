"""BG/BB: buying at whole opportunities (a yearly gift, a weekly market), not at any moment."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from scipy.special import betaln, gammaln, psi
from sklearn.utils.validation import check_is_fitted

from clientcare.btyd.fitting import Floats, find_optimum
from clientcare.btyd.likelihood import LikelihoodModel
from clientcare.btyd.nbd import active_parts
from clientcare.btyd.table import (
    distinct_rows,
    merged_weight,
    read_columns,
    read_weight,
    refuse,
    require_rows,
)
from clientcare.exceptions import NotEnoughDataError, OptionError

PURCHASES = "n_repeat_purchases"
LAST = "last_purchase_opportunity"
OPPORTUNITIES = "n_opportunities"


class BGBB(LikelihoodModel):
    """At each opportunity a buyer leaves for good with chance Beta(gamma, delta), or else buys with Beta(alpha, beta).

    Parameters
    ----------
    penalty : float, default 0.0
        Nats taken for each half squared log-distance of a parameter from 1.

    Attributes
    ----------
    alpha_, beta_, gamma_, delta_ : float
    boundary_ : str or None
    log_likelihood_, aic_, bic_, standard_errors_, covariance_

    Notes
    -----
    Tables have the columns ``n_repeat_purchases``, ``last_purchase_opportunity`` (0 without one) and
    ``n_opportunities`` after the first purchase; arrays these three by position. Horizons count opportunities.

    References
    ----------
    Fader, Hardie and Shang (2010), Customer-base analysis in a discrete-time noncontractual setting, Marketing Science
    29, 1086-1108.

    Examples
    --------
    >>> model = BGBB.from_parameters(alpha=1.204, beta=0.750, gamma=0.657, delta=2.783)
    >>> model.expected_purchases([[6, 6, 6], [0, 0, 6]], 5).round(2)
    array([3.75, 0.07])
    """

    _names = ("alpha", "beta", "gamma", "delta")

    def __init__(self, penalty: float = 0.0) -> None:
        self.penalty = penalty

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Fit by maximum likelihood.

        Parameters
        ----------
        X : DataFrame or array of shape (n_buyers, 3)
        y : ignored
        sample_weight : array, optional
            How many buyers a row stands for.

        Raises
        ------
        BadRowsError
            Where purchases are more than opportunities up to the last, or numbers are negative or not whole.
        NotEnoughDataError
            Where there are fewer than four buyers, or nobody bought again.
        """
        asker = f"{type(self).__name__}.fit"
        self._check_options()
        x, last, n = self._read(X, asker)
        require_rows(len(x), asker)
        weight = read_weight(sample_weight, len(x), asker)
        if weight.sum() < len(self._names) or not weight @ x:
            raise NotEnoughDataError(
                f"{asker}: n_samples = {len(x)} with {int(x.sum()):,} repeat purchases cannot tell 4 parameters."
            )
        self._note_columns(X)
        first, kind = distinct_rows([x, last, n])
        x, last, n, weight = x[first], last[first], n[first], merged_weight(kind, weight)
        total = float(weight.sum())

        def objective(theta: Floats) -> tuple[float, Floats]:
            ll, by = _log_likelihood(np.exp(theta), x, last, n)
            gradient = np.array([float(weight @ slope) for slope in by])
            loss = float(self.penalty) / 2 * float(theta @ theta)
            return (loss - float(weight @ ll)) / total, (float(self.penalty) * theta - gradient) / total

        starts = [np.log([1.0, 1.0, 0.7, 2.0]), np.log([1.0, 3.0, 0.1, 2.0])]
        optimum = find_optimum([objective], starts, thorough=True)
        natural = dict(zip(self._names, np.exp(optimum.theta), strict=True))
        covariance = optimum.covariance(total)
        loss = float(self.penalty) / 2 * float(optimum.theta @ optimum.theta)
        self._set(natural, covariance, loss - optimum.value * total, total)
        self.boundary_ = self._edge()
        return self

    def _edge(self) -> str | None:
        p = self.parameters_
        if p["gamma"] / (p["gamma"] + p["delta"]) < 1e-4:
            return "no drop-out: plain beta-binomial"
        if p["gamma"] + p["delta"] > 1e4:
            return "no spread of drop-out: gamma and delta without bound"
        return "no spread of buying: alpha and beta without bound" if p["alpha"] + p["beta"] > 1e4 else None

    def _read(self, X: Any, asker: str) -> tuple[Floats, Floats, Floats]:
        columns = read_columns(X, (PURCHASES, LAST, OPPORTUNITIES), asker)
        x, last, n = columns[PURCHASES], columns[LAST], columns[OPPORTUNITIES]
        for name, values in columns.items():
            sound = np.isfinite(values) & (values >= 0) & (values == np.floor(values))
            refuse(asker, name, "a whole number >= 0 (Negative values in data are refused)", ~sound)
        refuse(asker, LAST, f"not above {OPPORTUNITIES}", last > n)
        refuse(
            asker,
            PURCHASES,
            f"not above {LAST}, and 0 only where that is 0",
            (x > last) | ((x == 0) != (last == 0)),
        )
        return x, last, n

    def score_samples(self, X: Any) -> Any:
        """Log-likelihood of each buyer's history; shape (n_buyers,)."""
        return self._each("score_samples", X, lambda p, x, last, n: _log_likelihood(p, x, last, n)[0])

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Mean log-likelihood of a table."""
        return float(np.average(np.asarray(self.score_samples(X)), weights=sample_weight))

    def p_alive(self, X: Any) -> Any:
        """Probability to be there at the next opportunity; no statement about buying. Shape (n_buyers,)."""

        def alive(p: Floats, x: Floats, last: Floats, n: Floats) -> Floats:
            return _there(p, x, last, n) * np.exp(_stays(p, n, 1))

        return self._each("p_alive", X, alive)

    def predict_no_purchase(self, X: Any, horizon: int) -> Any:
        """Probability to buy at none of the coming opportunities; shape (n_buyers,)."""
        m = self._opportunities(horizon, "predict_no_purchase")

        def none(p: Floats, x: Floats, last: Floats, n: Floats) -> Floats:
            return np.asarray(
                np.exp(_log_likelihood(p, x, last, n + m)[0] - _log_likelihood(p, x, last, n)[0])
            )

        return self._each("predict_no_purchase", X, none)

    def expected_purchases(self, X: Any, horizon: int) -> Any:
        """Expected purchases at the coming opportunities; shape (n_buyers,)."""
        m = self._opportunities(horizon, "expected_purchases")

        def expected(p: Floats, x: Floats, last: Floats, n: Floats) -> Floats:
            buys = (p[0] + x) / (p[0] + p[1] + n)
            return np.asarray(
                _there(p, x, last, n) * buys * _total(np.exp(_stays(p, n, j)) for j in range(1, m + 1))
            )

        return self._each("expected_purchases", X, expected)

    def prob_n_purchases(self, X: Any, horizon: int, n: int) -> Any:
        """Probability of exactly ``n`` purchases at the coming opportunities; shape (n_buyers,)."""
        m = self._opportunities(horizon, "prob_n_purchases")
        if isinstance(n, bool) or n != int(n) or n < 0:
            raise OptionError("BGBB.prob_n_purchases: n must be a whole number >= 0.")

        def exactly(p: Floats, x: Floats, last: Floats, seen: Floats) -> Floats:
            there = _there(p, x, last, seen)
            alpha, beta = p[0] + x, p[1] + seen - x
            total = np.where(n == 0, 1 - there, 0.0)
            for d in range(n, m + 1):
                log_stay = _stays(p, seen, d)
                leaves = 1.0 if d == m else -np.expm1(_stays(p, seen, d + 1) - log_stay)
                choose = gammaln(d + 1.0) - gammaln(n + 1.0) - gammaln(d - n + 1.0)
                log_buys = choose + betaln(alpha + n, beta + d - n) - betaln(alpha, beta)
                total = total + there * np.exp(log_stay + log_buys) * leaves
            return total

        return self._each("prob_n_purchases", X, exactly)

    def prob_n_purchases_new(self, horizon: int, n: int) -> float:
        """Probability of exactly ``n`` purchases of a new buyer over the coming opportunities."""
        return float(np.asarray(self.prob_n_purchases(np.zeros((1, 3)), horizon, n))[0])

    def prob_active_in_parts(self, X: Any, horizon: int, n_parts: int, min_parts: int) -> Any:
        """Probability to buy in at least ``min_parts`` of ``n_parts`` equal parts of the coming opportunities.

        Raises
        ------
        OptionError
            Where the opportunities cannot be cut into so many equal parts.
        """
        m = self._opportunities(horizon, "prob_active_in_parts")
        if not 1 <= min_parts <= n_parts <= 24 or m % n_parts:
            raise OptionError(
                "BGBB.prob_active_in_parts: need 1 <= min_parts <= n_parts <= 24, and a horizon that n_parts divides."
            )
        g = m // n_parts

        def active(p: Floats, x: Floats, last: Floats, n: Floats) -> Floats:
            alpha, beta = p[0] + x, p[1] + n - x
            total = np.zeros(len(x))
            for (i, j), weight in active_parts(n_parts, min_parts, last_is_whole=True).items():
                for d in range(1, g + 1):
                    buys = betaln(alpha + 1, beta + i * g + d - 1) - betaln(alpha, beta)
                    total += weight * np.exp(buys + _stays(p, n, (i + j) * g + d))
            return np.clip(_there(p, x, last, n) * total, 0.0, 1.0)

        return self._each("prob_active_in_parts", X, active)

    def simulate(self, n_buyers: int, n_opportunities: int, random_state: int = 0) -> pd.DataFrame:
        """Draw buyers watched for a number of opportunities, as the table the model fits."""
        check_is_fitted(self, "parameters_")
        rng = np.random.default_rng(random_state)
        alpha, beta, gamma, delta = self.parameters_.values()
        leaves = rng.beta(gamma, delta, n_buyers) if gamma > 0 else np.full(n_buyers, 1e-300)
        buys = rng.random((n_buyers, n_opportunities)) < rng.beta(alpha, beta, n_buyers)[:, None]
        stays = np.floor(rng.exponential(size=n_buyers) / -np.log1p(-np.minimum(leaves, 1 - 1e-15)))
        step = np.arange(1, n_opportunities + 1)
        buys &= step[None, :] <= stays[:, None]
        return pd.DataFrame(
            {PURCHASES: buys.sum(axis=1), LAST: (buys * step).max(axis=1), OPPORTUNITIES: n_opportunities}
        )

    def _opportunities(self, horizon: Any, name: str) -> int:
        if np.ndim(horizon) or not np.isfinite(horizon) or horizon < 0 or horizon != int(horizon):
            raise OptionError(f"BGBB.{name}: horizon must be a whole number of opportunities, not negative.")
        return int(horizon)

    def _each(self, name: str, X: Any, forecast: Any) -> Any:
        check_is_fitted(self, "parameters_")
        asker = f"{type(self).__name__}.{name}"
        self._check_width(X, asker)
        x, last, n = self._read(X, asker)
        first, kind = distinct_rows([x, last, n])
        p = np.maximum(np.array([self.parameters_[name] for name in self._names]), 1e-300)
        values = np.clip(forecast(p, x[first], last[first], n[first]), -np.inf, np.inf)[kind]
        return pd.Series(values, index=X.index, name=name) if isinstance(X, pd.DataFrame) else values


def _log_likelihood(p: Floats, x: Floats, last: Floats, n: Floats) -> tuple[Floats, list[Floats]]:
    """Still there after all n, or left after opportunity t for some t from the last purchase on."""
    alpha, beta, gamma, delta = p
    base = betaln(alpha, beta) + betaln(gamma, delta)
    logs = [betaln(alpha + x, beta + n - x) + betaln(gamma, delta + n) - base]
    slopes = [_slopes(p, x, n, 0.0, n)]
    for i in range(int((n - last).max(initial=0))):
        seen = last + i
        inside = seen < n
        seen = np.where(inside, seen, last)
        log = betaln(alpha + x, beta + seen - x) + betaln(gamma + 1, delta + seen) - base
        logs.append(np.where(inside, log, -np.inf))
        slopes.append(_slopes(p, x, seen, 1.0, seen))
    top = np.max(logs, axis=0)
    shares = np.exp(np.array(logs) - top)
    total = shares.sum(axis=0)
    by = [(shares * np.array([s[i] for s in slopes])).sum(axis=0) / total for i in range(4)]
    return top + np.log(total), by


def _slopes(p: Floats, x: Floats, seen: Floats, left: float, stayed: Floats) -> list[Floats]:
    alpha, beta, gamma, delta = p
    buy, leave = (
        psi(alpha + beta) - psi(alpha + beta + seen),
        psi(gamma + delta) - psi(gamma + delta + left + stayed),
    )
    return [
        alpha * (psi(alpha + x) - psi(alpha) + buy),
        beta * (psi(beta + seen - x) - psi(beta) + buy),
        gamma * (psi(gamma + left) - psi(gamma) + leave),
        delta * (psi(delta + stayed) - psi(delta) + leave),
    ]


def _there(p: Floats, x: Floats, last: Floats, n: Floats) -> Floats:
    """Probability to be there after all n opportunities seen."""
    alpha, beta, gamma, delta = p
    stayed = (
        betaln(alpha + x, beta + n - x)
        + betaln(gamma, delta + n)
        - betaln(alpha, beta)
        - betaln(gamma, delta)
    )
    return np.asarray(np.exp(stayed - _log_likelihood(p, x, last, n)[0]))


def _stays(p: Floats, n: Floats, more: int) -> Floats:
    """ln E[(1 - leave)^more] of a buyer who is there after n."""
    return np.asarray(betaln(p[2], p[3] + n + more) - betaln(p[2], p[3] + n))


def _total(terms: Any) -> Any:
    total: Any = 0.0
    for term in terms:
        total = total + term
    return total
