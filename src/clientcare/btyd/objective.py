"""The likelihood of a table as a function of the parameters' logarithms: what the search for the optimum climbs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from clientcare.btyd.fitting import Floats
from clientcare.btyd.forecasts import CHUNK, ForecastingModel, Parameters, Terms
from clientcare.btyd.table import Rows


class TableLikelihood:
    """Mean negative log-likelihood of a table, penalty included; value, gradient and, where known, curvature.

    Parameters
    ----------
    model : the model whose terms are summed, with its penalty and its covariates
    rows : Rows
        Distinct rows with weights. What depends on the number of purchases alone is worked out once for each number.
    """

    def __init__(self, model: ForecastingModel, rows: Rows) -> None:
        self._model = model
        self._rows = rows
        self._chunks = [rows.take(slice(i, i + CHUNK)) for i in range(0, len(rows), CHUNK)]
        self._total = float(rows.weight.sum())
        self._plain = model._n_coefficients() == 0

    def __call__(self, theta: Floats) -> tuple[float, Floats]:
        """Value and gradient; 1e300 and no slope where the value is not finite."""
        model, names = self._model, self._model._names
        value, gradient = 0.0, np.zeros(len(theta))
        natural = self._natural(theta)
        if self._plain:
            ll, by = model._count_terms(natural, self._rows.levels[0])
            value += _dot(self._rows.level_weight, ll)
            for name, derivative in by.items():
                gradient[names.index(name)] += _dot(self._rows.level_weight, derivative)
        for chunk in self._chunks:
            p = natural if self._plain else self._by_row(natural, theta, chunk)
            ll, by = model._time_terms(p, chunk)
            if not self._plain:
                ll, by = _added((ll, by), model._count_terms(p, chunk.x))
            value += _dot(chunk.weight, ll)
            for name, derivative in by.items():
                gradient[names.index(name)] += _dot(chunk.weight, derivative)
            if not self._plain:
                gradient[len(names) :] += self._coefficient_gradient(by, chunk)
        penalty = float(model.penalty)
        value = (penalty / 2 * float(theta @ theta) - value) / self._total
        gradient = (penalty * theta - gradient) / self._total
        return (value, gradient) if np.isfinite(value) else (1e300, np.zeros(len(theta)))

    def curvature(self, theta: Floats) -> Floats | None:
        """Second derivatives; None where the model does not give them."""
        if not self._plain:
            return None
        natural = self._natural(theta)
        counted = self._model._count_curvature(natural, self._rows.levels[0])
        if counted is None:
            return None
        matrix = np.zeros((len(theta), len(theta)))
        self._add(matrix, counted, self._rows.level_weight)
        for chunk in self._chunks:
            self._add(matrix, self._model._time_curvature(natural, chunk), chunk.weight)
        return np.asarray((float(self._model.penalty) * np.eye(len(theta)) - matrix) / self._total)

    def _add(self, matrix: Floats, second: Mapping[tuple[str, str], Floats], weight: Floats) -> None:
        for (one, other), derivative in second.items():
            i, j = self._model._names.index(one), self._model._names.index(other)
            matrix[i, j] += (share := _dot(weight, derivative))
            if i != j:
                matrix[j, i] += share

    def _natural(self, theta: Floats) -> Parameters:
        names = self._model._names
        return dict(zip(names, np.exp(theta[: len(names)]), strict=True))

    def _by_row(self, natural: Parameters, theta: Floats, rows: Rows) -> Parameters:
        coefficients = self._model._split(theta[len(self._model._names) :])
        return self._model._with_covariates(natural, coefficients, rows)

    def _coefficient_gradient(self, by: Mapping[str, Floats], rows: Rows) -> Floats:
        parts = []
        for name, kind, sign in self._model._links:
            z = rows.purchase_z if kind == "purchase" else rows.dropout_z
            if z is not None:
                parts.append(sign * np.einsum("i,ij->j", rows.weight * by[name], z))
        return np.concatenate(parts)


def _dot(weight: Floats, values: Any) -> float:
    return float(np.dot(weight, values if np.ndim(values) else np.full(len(weight), values)))


def _added(first: Terms, second: Terms) -> Terms:
    by = dict(first[1])
    for name, derivative in second[1].items():
        by[name] = by[name] + derivative if name in by else derivative
    return first[0] + second[0], by
