"""What a fitted model of buying can be asked: for known buyers, for new ones, with intervals; and to draw buyers.

A model gives the terms of its log-likelihood and its forecasts for a buyer who is still there. All else is here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from clientcare.btyd.fitting import Floats
from clientcare.btyd.likelihood import LikelihoodModel
from clientcare.btyd.quadrature import legendre
from clientcare.btyd.simulation import DrawnPurchases, simulated_log, simulated_summary
from clientcare.btyd.table import Rows, read_horizon, read_rows
from clientcare.exceptions import OptionError
from clientcare.window import Moment

Parameters = dict[str, Any]
"""Name to a number, or to one number a row where there are covariates."""
Terms = tuple[Floats, dict[str, Floats]]
"""A log-likelihood, and its derivatives by the logarithm of each parameter."""
Curvature = dict[tuple[str, str], Floats]
"""Second derivatives by the logarithms of two parameters, each pair once; zero where a pair is left out."""

CHUNK = 8192


class ForecastingModel(LikelihoodModel):
    """A model of how often buyers buy and when they leave, once its parameters are known."""

    _links: ClassVar[tuple[tuple[str, str, int], ...]] = ()
    _exact_sum: bool = False
    purchase_covariates: Sequence[str] = ()
    dropout_covariates: Sequence[str] = ()
    coefficients_: list[Floats]

    # ---- what each model says ----

    def _count_terms(self, p: Parameters, x: Floats) -> Terms:
        raise NotImplementedError

    def _time_terms(self, p: Parameters, rows: Rows) -> Terms:
        raise NotImplementedError

    def _count_curvature(self, p: Parameters, x: Floats) -> Curvature | None:
        """Second derivatives of the count terms; None where differences of the gradient must do."""
        return None

    def _time_curvature(self, p: Parameters, rows: Rows) -> Curvature:
        raise NotImplementedError

    def _alive(self, p: Parameters, rows: Rows) -> Floats:
        raise NotImplementedError

    def _none_if_alive(self, p: Parameters, rows: Rows, horizon: Floats) -> Floats:
        raise NotImplementedError

    def _expected_if_alive(self, p: Parameters, rows: Rows, horizon: Floats) -> Floats:
        raise NotImplementedError

    def _n_if_alive(self, p: Parameters, rows: Rows, horizon: Floats, n: int) -> Floats:
        raise NotImplementedError

    def _parts_if_alive(
        self, p: Parameters, rows: Rows, part: Floats, n_parts: int, min_parts: int
    ) -> Floats:
        raise NotImplementedError

    # ---- likelihood of a table ----

    def score_samples(self, X: Any) -> Any:
        """Log-likelihood of each buyer's history; shape (n_buyers,).

        A density where buyers bought again: it depends on the unit of time, by -n_repeat_purchases * log(unit).
        """

        def terms(p: Parameters, rows: Rows, _: Floats) -> Floats:
            return self._time_terms(p, rows)[0] + self._count_terms(p, rows.x)[0]

        return self._evaluate("score_samples", terms, X, 0.0, exact_sum=True)

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Mean log-likelihood of a table, for comparing models on buyers not fitted."""
        return float(np.average(np.asarray(self.score_samples(X)), weights=sample_weight))

    # ---- forecasts ----

    def predict_no_purchase(self, X: Any, horizon: Any) -> Any:
        """Probability that a buyer buys nothing in the coming horizon: the churn answer.

        Parameters
        ----------
        X : DataFrame or array of shape (n_buyers, >= 3)
        horizon : number, text such as '90D', or array of shape (n_buyers,)
            In the unit of the table (days).

        Returns
        -------
        Series (for a DataFrame) or array of shape (n_buyers,), 0 to 1

        Raises
        ------
        OptionError
            Where the horizon is negative, NaN or infinite.
        """

        def none(p: Parameters, rows: Rows, h: Floats) -> Floats:
            alive = self._alive(p, rows)
            return np.asarray(np.clip(1 - alive + alive * self._none_if_alive(p, rows, h), 0.0, 1.0))

        return self._evaluate("predict_no_purchase", none, X, horizon)

    def expected_purchases(self, X: Any, horizon: Any) -> Any:
        """Expected number of purchases in the coming horizon; shape (n_buyers,)."""

        def expected(p: Parameters, rows: Rows, h: Floats) -> Floats:
            return self._alive(p, rows) * np.maximum(self._expected_if_alive(p, rows, h), 0.0)

        return self._evaluate("expected_purchases", expected, X, horizon)

    def prob_n_purchases(self, X: Any, horizon: Any, n: int) -> Any:
        """Probability of exactly ``n`` purchases in the coming horizon; shape (n_buyers,)."""
        if isinstance(n, bool) or int(n) != n or n < 0:
            raise OptionError(f"{type(self).__name__}.prob_n_purchases: n must be a whole number >= 0.")

        def exactly(p: Parameters, rows: Rows, h: Floats) -> Floats:
            alive = self._alive(p, rows)
            if n == 0:
                return np.asarray(1 - alive + alive * self._none_if_alive(p, rows, h))
            return alive * np.maximum(self._n_if_alive(p, rows, h, int(n)), 0.0)

        return self._evaluate("prob_n_purchases", exactly, X, horizon)

    def prob_active_in_parts(self, X: Any, horizon: Any, n_parts: int, min_parts: int) -> Any:
        """Probability to buy in at least ``min_parts`` of ``n_parts`` equal parts of the coming horizon.

        Recurring buying: with 3 and 2 it is the client's patronage over thirds of the horizon. Shape (n_buyers,).

        Raises
        ------
        OptionError
            Where not 1 <= min_parts <= n_parts <= 24.
        """
        if not 1 <= min_parts <= n_parts <= 24:
            raise OptionError(
                f"{type(self).__name__}.prob_active_in_parts: need 1 <= min_parts <= n_parts <= 24, "
                f"found min_parts {min_parts} and n_parts {n_parts}."
            )

        def active(p: Parameters, rows: Rows, h: Floats) -> Floats:
            alive = self._alive(p, rows)
            return np.asarray(
                np.clip(
                    alive * self._parts_if_alive(p, rows, h / n_parts, int(n_parts), int(min_parts)), 0.0, 1.0
                )
            )

        return self._evaluate("prob_active_in_parts", active, X, horizon)

    def p_alive(self, X: Any) -> Any:
        """Probability that a buyer has not left for good; shape (n_buyers,).

        Not a churn score: it is no statement about any horizon, a buyer may be alive and buy once in ten years, and a
        BG/NBD calls every one-time buyer alive. For churn ask :meth:`predict_no_purchase`.
        """
        return self._evaluate("p_alive", lambda p, rows, _: self._alive(p, rows), X, 0.0)

    def next_purchase_quantile(self, X: Any, quantile: float = 0.5) -> Any:
        """Time from now by which the next purchase has come with a given probability; shape (n_buyers,).

        Infinite where that probability is never reached, because the buyer may have left.
        """
        if not 0 < quantile < 1:
            raise OptionError(
                f"{type(self).__name__}.next_purchase_quantile: quantile must lie between 0 and 1."
            )

        def solve(p: Parameters, rows: Rows, _: Floats) -> Floats:
            alive = self._alive(p, rows)

            def bought(t: Floats) -> Floats:
                return np.asarray(alive * (1 - self._none_if_alive(p, rows, t)))

            return _solve_time(bought, float(quantile), rows.age + np.asarray(p["alpha"]))

        return self._evaluate("next_purchase_quantile", solve, X, 0.0)

    def discounted_purchases(
        self, X: Any, yearly_rate: float, horizon: Any = None, unit_days: float = 1.0
    ) -> Any:
        """Expected purchases to come, each discounted to now; shape (n_buyers,).

        Parameters
        ----------
        X : table
        yearly_rate : float
            0.1 = ten per cent a year.
        horizon : optional
            None for all time to come (needs a rate above zero).
        unit_days : float
            Days in the unit of the table: 1 for days, 7 for weeks.

        Notes
        -----
        The integral of exp(-d t) dE[X(t)] = exp(-d H) E[X(H)] + d int_0^H exp(-d t) E[X(t)] dt, on the logarithm of
        time. For the Pareto/NBD and all time to come it is the DERT of Fader, Hardie and Lee (2005).
        """
        if not (np.isfinite(yearly_rate) and (yearly_rate > 0 or (yearly_rate == 0 and horizon is not None))):
            raise OptionError(
                f"{type(self).__name__}.discounted_purchases: yearly_rate must be above 0 (or 0 with a horizon)."
            )
        rate = float(np.log1p(yearly_rate)) * unit_days / 365.25

        def discounted(p: Parameters, rows: Rows, h: Floats) -> Floats:
            end = np.full(len(rows), 40 / rate) if horizon is None else h

            def bought(t: Floats) -> Floats:
                return np.maximum(self._expected_if_alive(p, rows, t), 0.0)

            total = np.exp(-rate * end) * bought(end)
            scale = rows.age + np.asarray(p["alpha"])
            stop = np.log1p(end / scale)
            for node, weight in zip(*legendre(40), strict=True) if rate else ():
                t = scale * np.expm1(stop * node)
                step = weight * stop * (scale + t)
                total += rate * step * np.exp(-rate * t) * bought(t)
            return np.asarray(self._alive(p, rows) * total)

        return self._evaluate("discounted_purchases", discounted, X, 0.0 if horizon is None else horizon)

    # ---- new buyers ----

    def expected_purchases_new(self, horizon: Any) -> NDArray[np.float64]:
        """Expected repeat purchases of a buyer from the first purchase on; one number a horizon."""
        horizons = self._new_horizons(horizon, "expected_purchases_new")
        return np.asarray(self.expected_purchases(np.zeros((len(horizons), 3)), horizons))

    def prob_n_purchases_new(self, horizon: Any, n: int) -> NDArray[np.float64]:
        """Probability of exactly ``n`` repeat purchases of a new buyer; one number a horizon."""
        horizons = self._new_horizons(horizon, "prob_n_purchases_new")
        return np.asarray(self.prob_n_purchases(np.zeros((len(horizons), 3)), horizons, n))

    def _new_horizons(self, horizon: Any, name: str) -> Floats:
        asker = f"{type(self).__name__}.{name}"
        if self._n_coefficients():
            raise OptionError(
                f"{asker}: a new buyer of a model with covariates has covariates too. Give rows with zeros and the "
                f"covariates to {name.removesuffix('_new')}."
            )
        several = isinstance(horizon, (list, tuple, np.ndarray, pd.Series, pd.Index))
        return read_horizon(horizon, np.size(horizon) if several else 1, asker)

    def _logs(self) -> Floats:
        return np.concatenate([super()._logs(), *self.coefficients_])

    def _with_logs(self, theta: Floats) -> Self:
        n_names = len(self._names)
        model = super()._with_logs(theta[:n_names])
        model.coefficients_ = self._split(theta[n_names:]) if len(theta) > n_names else []
        return model

    # ---- simulation ----

    def _draw(self, rng: np.random.Generator, watched: Floats) -> DrawnPurchases:
        raise NotImplementedError

    def simulate(
        self,
        n_buyers: int,
        days: float,
        acquisition_days: float = 0.0,
        holdout_days: float = 0.0,
        random_state: int = 0,
    ) -> pd.DataFrame:
        """Draw buyers from the model, as the table it fits.

        Parameters
        ----------
        n_buyers : int
        days : float
            How long the seller is watched, in the unit of the parameters.
        acquisition_days : float
            First purchases fall evenly into that first stretch; 0 = all at the start.
        holdout_days : float
            Also count what is bought in the stretch after: column ``n_holdout_purchases``.
        random_state : int

        Returns
        -------
        DataFrame of shape (n_buyers, 4 or 5), index ``buyer_id``
        """
        check_is_fitted(self, "parameters_")
        return simulated_summary(self, n_buyers, days, acquisition_days, holdout_days, random_state)

    def simulate_log(
        self,
        n_buyers: int,
        days: float,
        acquisition_days: float = 0.0,
        start: Moment = "2024-01-01",
        random_state: int = 0,
    ) -> pd.DataFrame:
        """Draw every purchase, the first ones included: ``buyer_id`` and ``timestamp``, for ``Histories``."""
        check_is_fitted(self, "parameters_")
        return simulated_log(self, n_buyers, days, acquisition_days, start, random_state)

    # ---- plumbing ----

    def _evaluate(
        self,
        name: str,
        forecast: Callable[[Parameters, Rows, Floats], Floats],
        X: Any,
        horizon: Any,
        exact_sum: bool = False,
    ) -> Any:
        """A forecast for each row, computed once for each distinct row."""
        check_is_fitted(self, "parameters_")
        asker = f"{type(self).__name__}.{name}"
        self._check_width(X, asker)
        rows = self._read(X, asker)
        if not exact_sum:
            rows = Rows(rows.x, rows.t_x, rows.age, rows.weight, None, rows.purchase_z, rows.dropout_z)
        h = read_horizon(horizon, len(rows), asker)
        kind = None
        if len(rows) > 4096 and np.ndim(horizon) == 0:
            rows, kind = rows.distinct()
            h = h[: len(rows)]
        values = np.empty(len(rows))
        for first in range(0, len(rows), CHUNK):
            part = slice(first, first + CHUNK)
            chunk = rows.take(part)
            values[part] = forecast(self._parameters_of(chunk), chunk, h[part])
        if kind is not None:
            values = values[kind]
        if isinstance(X, pd.DataFrame):
            return pd.Series(values, index=X.index, name=name)
        return values

    def _parameters_of(self, rows: Rows) -> Parameters:
        tiny = {n: max(v, 1e-300) for n, v in self.parameters_.items()}
        p = self._with_covariates(tiny, self.coefficients_, rows) if self.coefficients_ else tiny
        return {
            name: np.broadcast_to(np.asarray(value, dtype=np.float64), (len(rows),))
            for name, value in p.items()
        }

    def _read(self, X: Any, asker: str, sample_weight: Any = None) -> Rows:
        return read_rows(
            X, asker, sample_weight, self.purchase_covariates, self.dropout_covariates, self._exact_sum
        )

    def _n_coefficients(self) -> int:
        sizes = {"purchase": len(self.purchase_covariates), "dropout": len(self.dropout_covariates)}
        return sum(sizes[kind] for _, kind, _ in self._links)

    def _split(self, coefficients: Floats) -> list[Floats]:
        """The coefficients of each link, in order."""
        sizes = {"purchase": len(self.purchase_covariates), "dropout": len(self.dropout_covariates)}
        ends = np.cumsum([sizes[kind] for _, kind, _ in self._links])
        return np.split(coefficients, ends[:-1])

    def _with_covariates(self, p: Parameters, coefficients: list[Floats], rows: Rows) -> Parameters:
        """The parameters of each row: name * exp(sign * z'coefficient)."""
        p = dict(p)
        for (name, kind, sign), coefficient in zip(self._links, coefficients, strict=True):
            z = rows.purchase_z if kind == "purchase" else rows.dropout_z
            if z is not None:
                p[name] = p[name] * np.exp(sign * np.einsum("ij,j->i", z, coefficient))
        return p


def _solve_time(bought: Callable[[Floats], Floats], quantile: float, scale: Floats) -> Floats:
    """The time at which a growing probability reaches a quantile, by bisection on its logarithm; inf where never."""
    high = np.full(len(scale), np.log1p(1e9))
    never = bought(scale * np.expm1(high)) < quantile
    low = np.zeros(len(scale))
    for _ in range(60):
        middle = (low + high) / 2
        over = bought(scale * np.expm1(middle)) >= quantile
        high = np.where(over, middle, high)
        low = np.where(over, low, middle)
    return np.where(never, np.inf, scale * np.expm1(high))
