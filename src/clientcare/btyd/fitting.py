"""Finding the top of a likelihood: a sketch on a sample, Newton steps on all rows, the curvature there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

Floats = NDArray[Any]
Objective = Callable[[Floats], tuple[float, Floats]]

BOUND = 16.0
"""Parameters are sought within exp(-16) .. exp(16), time counted in mean ages: beyond it nothing can be told apart."""
_SMALL_STEP = 1e-6
_ROUGH_SLOPE = 1e-3
"""A first look need not come nearer: Newton steps follow, or a closer look where there is no clear peak."""


@runtime_checkable
class Curved(Protocol):
    """An objective that may know its second derivatives; None where it does not."""

    def curvature(self, theta: Floats, /) -> Floats | None:
        """Second derivatives at a point, or None."""


@dataclass(frozen=True)
class Optimum:
    """Where the objective (mean negative log-likelihood) is least; ``curvature`` is None where it is flat there."""

    theta: Floats
    value: float
    curvature: Floats | None

    def covariance(self, n_buyers: float) -> Floats:
        """Of the parameters sought; NaN where it is flat."""
        if self.curvature is None:
            return np.full((len(self.theta),) * 2, np.nan)
        return np.asarray(np.linalg.inv(self.curvature * n_buyers))


def sketch(
    objective: Objective, starts: Sequence[Floats], thorough: bool = False, slope: float = 1e-8
) -> Floats:
    """A bounded quasi-Newton search from the best of several starts; ``thorough``: from each, keeping the best end.

    It ends where no derivative is above ``slope``.
    """
    ranked = sorted(starts, key=lambda start: objective(start)[0]) if len(starts) > 1 else list(starts)
    ends = [_descend(objective, start, slope) for start in (ranked if thorough else ranked[:1])]
    return min(ends, key=lambda end: objective(end)[0]) if len(ends) > 1 else ends[0]


def _descend(objective: Objective, start: Floats, slope: float) -> Floats:
    found = minimize(
        objective,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=[(-BOUND, BOUND)] * len(start),
        options={"maxiter": 1000, "maxfun": 3000, "ftol": 1e-15, "gtol": slope, "maxcor": 12, "maxls": 40},
    )
    return np.asarray(found.x, dtype=np.float64)


def curvature(objective: Objective, theta: Floats, step: float = 1e-5) -> Floats:
    """Second derivatives: the objective's own, or from differences of its exact gradient."""
    exact = exact_curvature(objective, theta)
    if exact is not None:
        return exact
    n = len(theta)
    here = objective(theta)[1]
    matrix = np.empty((n, n))
    for i in range(n):
        shift = np.zeros(n)
        shift[i] = step
        matrix[i] = (objective(theta + shift)[1] - here) / step
    return (matrix + matrix.T) / 2


def exact_curvature(objective: Objective, theta: Floats) -> Floats | None:
    """Second derivatives where the objective knows them."""
    return objective.curvature(theta) if isinstance(objective, Curved) else None


def is_peak(matrix: Floats) -> bool:
    """Whether a curvature is positive in every direction, clearly."""
    if not np.isfinite(matrix).all():
        return False
    values = np.linalg.eigvalsh(matrix)
    return bool(values[0] > 1e-9 * max(values[-1], 1e-12) and values[0] > 1e-12)


def climb(
    objective: Objective, theta: Floats, matrix: Floats, rounds: int = 25
) -> tuple[Floats, float | None]:
    """Newton steps with a given curvature, mended on the way (BFGS): where they came to rest, and the value there.

    A last step below 1e-6 is taken without looking again: what it leaves is smaller by the order of the step. The value
    is None where they did not come to rest.
    """
    inverse = np.linalg.inv(matrix)
    value, gradient = objective(theta)
    for _ in range(rounds):
        move = -inverse @ gradient
        longest = float(np.abs(move).max())
        if longest < _SMALL_STEP:
            return theta + move, value
        move *= min(1.0, 0.7 / longest)
        for _ in range(6):
            next_value, next_gradient = objective(theta + move)
            if next_value <= value + 1e-12 * (1 + abs(value)):
                break
            move /= 3
        else:
            return theta, None
        change = next_gradient - gradient
        theta, value, gradient = theta + move, next_value, next_gradient
        product = float(move @ change)
        if product > 0:
            left = np.eye(len(move)) - np.outer(move, change) / product
            inverse = left @ inverse @ left.T + np.outer(move, move) / product
    return theta, None


def find_optimum(levels: Sequence[Objective], starts: Sequence[Floats], thorough: bool = False) -> Optimum:
    """The optimum over all rows, by way of samples of growing size.

    Parameters
    ----------
    levels : objectives
        Over samples of growing size; the last over all rows, which may be the only one.
    starts : points to start from
    thorough : bool
        Search from each start. Done anyway where the end of the best one is no clear peak: few buyers can leave several
        hills, and one of them may run off to the edge.
    """
    theta = sketch(levels[0], starts, thorough, slope=1e-8 if thorough else _ROUGH_SLOPE)
    matrix = curvature(levels[0], theta)
    if not thorough and not is_peak(matrix):
        theta = sketch(levels[0], [theta, *starts], thorough=True)
        matrix = curvature(levels[0], theta)
    value: float | None = None
    for objective in levels:
        exact = None if objective is levels[0] else exact_curvature(objective, theta)
        matrix = matrix if exact is None else exact
        climbed, value = climb(objective, theta, matrix) if is_peak(matrix) else (theta, None)
        theta = sketch(objective, [theta]) if value is None else climbed
        matrix = curvature(objective, theta)
    value = levels[-1](theta)[0] if value is None else value
    return Optimum(theta, value, matrix if is_peak(matrix) else None)
