"""Finding the top of a likelihood: a sketch on a sample, Newton steps on all rows, the curvature there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

Floats = NDArray[Any]
Objective = Callable[[Floats], tuple[float, Floats]]

BOUND = 16.0
"""Parameters are sought within exp(-16) .. exp(16), time counted in mean ages: beyond it nothing can be told apart."""
_SMALLEST_STEP = 1e-9


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


def sketch(objective: Objective, starts: Sequence[Floats], thorough: bool = False) -> Floats:
    """A bounded quasi-Newton search from the best of several starts; ``thorough``: from each, keeping the best end."""
    ranked = sorted(starts, key=lambda start: objective(start)[0]) if len(starts) > 1 else list(starts)
    ends = [_descend(objective, start) for start in (ranked if thorough else ranked[:1])]
    return min(ends, key=lambda end: objective(end)[0]) if len(ends) > 1 else ends[0]


def _descend(objective: Objective, start: Floats) -> Floats:
    found = minimize(
        objective,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=[(-BOUND, BOUND)] * len(start),
        options={"maxiter": 1000, "maxfun": 3000, "ftol": 1e-15, "gtol": 1e-8, "maxcor": 12, "maxls": 40},
    )
    return np.asarray(found.x, dtype=np.float64)


def curvature(objective: Objective, theta: Floats, step: float = 1e-5) -> Floats:
    """Second derivatives, from differences of the exact gradient."""
    n = len(theta)
    here = objective(theta)[1]
    matrix = np.empty((n, n))
    for i in range(n):
        shift = np.zeros(n)
        shift[i] = step
        matrix[i] = (objective(theta + shift)[1] - here) / step
    return (matrix + matrix.T) / 2


def is_peak(matrix: Floats) -> bool:
    """Whether a curvature is positive in every direction, clearly."""
    if not np.isfinite(matrix).all():
        return False
    values = np.linalg.eigvalsh(matrix)
    return bool(values[0] > 1e-9 * max(values[-1], 1e-12) and values[0] > 1e-12)


def climb(
    objective: Objective, theta: Floats, matrix: Floats, rounds: int = 25
) -> tuple[Floats, float, bool]:
    """Newton steps with a given curvature, mended on the way (BFGS); tells whether they came to rest."""
    inverse = np.linalg.inv(matrix)
    value, gradient = objective(theta)
    before = np.inf
    for _ in range(rounds):
        move = -inverse @ gradient
        longest = float(np.abs(move).max())
        if longest < _SMALLEST_STEP or (longest < 1e-6 and longest >= before):
            return theta, value, True
        before = longest
        move *= min(1.0, 0.7 / longest)
        for _ in range(6):
            next_value, next_gradient = objective(theta + move)
            if next_value <= value + 1e-12 * (1 + abs(value)):
                break
            move /= 3
        else:
            return theta, value, longest < 1e-6
        change = next_gradient - gradient
        theta, value, gradient = theta + move, next_value, next_gradient
        product = float(move @ change)
        if product > 0:
            left = np.eye(len(move)) - np.outer(move, change) / product
            inverse = left @ inverse @ left.T + np.outer(move, move) / product
    return theta, value, False


def find_optimum(levels: Sequence[Objective], starts: Sequence[Floats], thorough: bool = False) -> Optimum:
    """The optimum over all rows, by way of samples of growing size.

    Parameters
    ----------
    levels : objectives
        Over samples of growing size; the last over all rows, which may be the only one. Of three, the middle one gives
        the curvature at the end too.
    starts : points to start from
    thorough : bool
        Search from each start. Done anyway where the end of the best one is no clear peak: few buyers can leave several
        hills, and one of them may run off to the edge.
    """
    theta = sketch(levels[0], starts, thorough)
    matrix = curvature(levels[0], theta)
    if not thorough and not is_peak(matrix) and len(starts) > 1:
        theta = sketch(levels[0], [theta, *starts], thorough=True)
        matrix = curvature(levels[0], theta)
    for objective in levels:
        rested = False
        if is_peak(matrix):
            climbed, _, rested = climb(objective, theta, matrix)
        if rested:
            theta = climbed
        elif objective is not levels[0]:
            theta = sketch(objective, [theta])
        if objective is not levels[0] and not (objective is levels[-1] and len(levels) > 2):
            matrix = curvature(objective, theta)
    if len(levels) > 2:
        matrix = curvature(levels[1], theta)
    elif is_peak(matrix):
        theta, _, _ = climb(levels[-1], theta, matrix)
    return Optimum(theta, levels[-1](theta)[0], matrix if is_peak(matrix) else None)
