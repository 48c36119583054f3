"""The floor under every model of buying and leaving: maximum likelihood on distinct rows, boundaries named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from clientcare.btyd.fitting import Floats, Optimum, find_optimum
from clientcare.btyd.forecasts import ForecastingModel
from clientcare.btyd.objective import TableLikelihood
from clientcare.btyd.table import Rows, require_rows
from clientcare.exceptions import NotEnoughDataError, OptionError

_FEW_ROWS = 1_000
_SKETCH_ROWS = 8_192
_CURVE_ROWS = 65_536
NO_DROPOUT = "no drop-out: plain NBD"
NO_REPEATS = "no repeat purchase: purchase rate zero"
ONE_DROPOUT = "no spread of drop-out: its two parameters without bound"
ALIKE = "covariates that cannot be told apart, or parameters without bound"
ONE_RATE = "no spread of purchase rates: r and alpha without bound"


class BuyingModel(ForecastingModel):
    """A model of how often buyers buy and when they leave; the base of all of them."""

    _time_names: ClassVar[frozenset[str]] = frozenset({"alpha", "beta"})

    def _starts(self, rate: float) -> list[dict[str, float]]:
        """Points to start from, time counted in mean ages, ``rate`` = purchases a mean age."""
        raise NotImplementedError

    def _plain(self) -> BuyingModel | None:
        """The model that this one becomes where nobody leaves."""
        return None

    def _without_dropout(self, alpha: float) -> dict[str, float]:
        """The drop-out parameters where nobody leaves."""
        return {}

    def _leaves_seldom(self, p: Mapping[str, float]) -> bool:
        """Whether so few leave that the model may be its plain NBD; time counted in mean ages."""
        return False

    def _leaves_alike(self, p: Mapping[str, float]) -> bool:
        """Whether all buyers leave at one rate, as far as the table can tell; time counted in mean ages."""
        return False

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Fit by maximum likelihood.

        Parameters
        ----------
        X : DataFrame or array of shape (n_buyers, >= 3)
            The table of :func:`purchase_summary`: columns by name in any order, or by position
            ``n_repeat_purchases``, ``days_first_to_last_purchase``, ``days_since_first_purchase``.
            Time may be in any unit; parameters and horizons are then in it.
        y : ignored
        sample_weight : array of shape (n_buyers,), optional
            How many buyers a row stands for.

        Raises
        ------
        SchemaError, BadRowsError
            Where the table cannot be used; see the rules in the message.
        NotEnoughDataError
            Where there are fewer buyers than parameters.
        """
        asker = f"{type(self).__name__}.fit"
        self._check_options()
        rows = self._read(X, asker, sample_weight)
        require_rows(len(rows), asker)
        self._note_columns(X)
        self._fit_rows(rows)
        return self

    def _fit_rows(self, rows: Rows) -> None:
        n_buyers = float(rows.weight.sum())
        needed = len(self._names) + self._n_coefficients()
        if n_buyers < needed:
            raise NotEnoughDataError(
                f"{type(self).__name__}.fit: {n_buyers:g} buyers (n_samples = {len(rows)}) cannot "
                f"tell {needed} parameters.\n"
                f"Give {needed} buyers or more; some hundreds before a forecast means much."
            )
        if not rows.age.any():
            raise NotEnoughDataError(
                f"{type(self).__name__}.fit: no time has passed since any first purchase; nothing was observed."
            )
        merged, _ = rows.take(rows.weight > 0).distinct() if (rows.weight == 0).any() else rows.distinct()
        unit = float(merged.weight @ merged.age / n_buyers)
        scaled, spread = self._standardised(merged.scaled(unit))
        repeats = float(scaled.weight @ scaled.x)
        self.boundary_: str | None = None
        if repeats == 0 and not self.penalty:
            self._accept_no_repeats(unit, n_buyers)
            return
        optimum = self._optimum(scaled, repeats)
        self._accept(optimum, scaled, unit, n_buyers, spread)
        self._name_boundary(merged, unit)

    def _standardised(self, rows: Rows) -> tuple[Rows, dict[str, Floats]]:
        """Covariates divided by their spread, so that their unit does not matter to the search."""
        spread: dict[str, Floats] = {}
        scaled: dict[str, Any] = {}
        named = (
            ("purchase", rows.purchase_z, self.purchase_covariates),
            ("dropout", rows.dropout_z, self.dropout_covariates),
        )
        for kind, z, names in named:
            if z is None:
                continue
            mean = np.average(z, weights=rows.weight, axis=0)
            spread[kind] = np.sqrt(np.average((z - mean) ** 2, weights=rows.weight, axis=0))
            constant = spread[kind] <= 1e-12 * (1 + np.abs(mean))
            if constant.any():
                raise OptionError(
                    f"{type(self).__name__}.fit: {kind}_covariates: {names[int(constant.argmax())]!r} has the same value "
                    "for every buyer. Leave it out."
                )
            scaled[f"{kind}_z"] = z / spread[kind]
        return replace(rows, **scaled), spread

    def _optimum(self, scaled: Rows, repeats: float) -> Optimum:
        rate = max(repeats, 0.5) / float(scaled.weight @ scaled.age)
        starts = [
            np.concatenate([np.log([start[name] for name in self._names]), np.zeros(self._n_coefficients())])
            for start in self._starts(rate)
        ]
        n = len(scaled)
        sizes = [size for size in (_SKETCH_ROWS, _CURVE_ROWS) if n >= 3 * size]
        levels = [TableLikelihood(self, _every(scaled, size)) for size in sizes] + [
            TableLikelihood(self, scaled)
        ]
        return find_optimum(levels, starts, thorough=n < _FEW_ROWS)

    def _accept(
        self, optimum: Optimum, scaled: Rows, unit: float, n_buyers: float, spread: dict[str, Floats]
    ) -> None:
        """Turn the optimum into parameters in the unit of the table."""
        n_names = len(self._names)
        theta = optimum.theta
        natural = dict(zip(self._names, (float(v) for v in np.exp(theta[:n_names])), strict=True))
        coefficients = self._split(theta[n_names:]) if self._n_coefficients() else []
        scales = [np.ones(n_names)]
        for i, (_, kind, _) in enumerate(self._links if coefficients else ()):
            if len(coefficients[i]):
                coefficients[i] = coefficients[i] / spread[kind]
                scales.append(1 / spread[kind])
        for name in self._time_names & set(self._names):
            natural[name] *= unit
        scale = np.concatenate(scales)
        covariance = optimum.covariance(n_buyers) * np.outer(scale, scale)
        penalty = float(self.penalty) / 2 * float(theta @ theta)
        log_likelihood = -(optimum.value * n_buyers - penalty) - float(scaled.weight @ scaled.x) * np.log(
            unit
        )
        self._set(natural, covariance, log_likelihood, n_buyers, coefficients)

    def _set(
        self,
        natural: Mapping[str, float],
        covariance: Floats,
        log_likelihood: float,
        n_buyers: float,
        coefficients: Sequence[Floats] = (),
    ) -> None:
        super()._set(natural, covariance, log_likelihood, n_buyers)
        self.coefficients_ = list(coefficients)
        errors = np.sqrt(np.maximum(np.diag(covariance), 0.0))
        self.coefficient_table_ = self._coefficient_table(errors[len(self._names) :])

    def _coefficient_table(self, errors: Floats) -> pd.DataFrame:
        rows = []
        names = {"purchase": self.purchase_covariates, "dropout": self.dropout_covariates}
        for (parameter, kind, _), values in zip(self._links, self.coefficients_, strict=False):
            rows += [(kind, parameter, name, value) for name, value in zip(names[kind], values, strict=True)]
        table = pd.DataFrame(rows, columns=["acts_on", "parameter", "covariate", "coefficient"])
        table["standard_error"] = errors if len(rows) else np.zeros(0)
        return table

    def _accept_no_repeats(self, unit: float, n_buyers: float) -> None:
        natural = dict.fromkeys(self._names, 1.0) | {"r": 0.0, "alpha": unit} | self._without_dropout(unit)
        n = len(self._names) + self._n_coefficients()
        coefficients = self._split(np.zeros(self._n_coefficients())) if self._n_coefficients() else []
        self._set(natural, np.full((n, n), np.nan), 0.0, n_buyers, coefficients)
        self.boundary_ = NO_REPEATS

    def _name_boundary(self, rows: Rows, unit: float) -> None:
        """Recognise an optimum at the edge, and take its limit where the limit is a simpler model."""
        in_ages = {n: v / unit if n in self._time_names else v for n, v in self.parameters_.items()}
        if in_ages["r"] > 1e4:
            self.boundary_ = ONE_RATE
        elif self._leaves_alike(in_ages):
            self.boundary_ = ONE_DROPOUT
        elif self._n_coefficients() and np.isnan(self.covariance_).any():
            self.boundary_ = ALIKE
        plain = self._plain()
        if plain is None or self.penalty or self._n_coefficients():
            return
        if not (self._leaves_seldom(in_ages) or np.isnan(self.covariance_).any()):
            return
        plain._fit_rows(rows)
        if self.log_likelihood_ > plain.log_likelihood_ + 1e-3:
            return
        covariance = np.full((len(self._names),) * 2, np.nan)
        covariance[:2, :2] = plain.covariance_
        natural = {**plain.parameters_, **self._without_dropout(plain.parameters_["alpha"])}
        self._set(natural, covariance, plain.log_likelihood_, self.n_buyers_)
        self.boundary_ = NO_DROPOUT if plain.boundary_ is None else f"{NO_DROPOUT}; {plain.boundary_}"


def _every(rows: Rows, wanted: int) -> Rows:
    """A systematic sample of distinct rows; they are in the order of a hash, so it is as good as random."""
    return rows.take(np.arange(0, len(rows), max(1, len(rows) // wanted)))
