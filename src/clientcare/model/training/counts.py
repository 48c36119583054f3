"""How many purchases to expect: a Poisson regression on a few columns."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from clientcare.model.members.base import Floats
from clientcare.model.members.design import Design

RIDGE = 0.001
"""Penalty a row: next to nothing where rows are many, enough that no coefficient of a column without variation runs away."""
FEWEST_ROWS = 20
"""Rows, and purchases in them, below which the mean alone is told."""
MOST_LOG_COUNT = 8.0
"""No buyer is expected to buy more often than e^8, some 3,000 times, within a horizon."""


class Counts:
    """A Poisson regression of purchases on a few features; the mean alone where there is too little to
    learn.
    """

    def __init__(self) -> None:
        self.mean, self.intercept, self.coefficients = 0.0, 0.0, np.zeros(0)
        self.design: Design | None = None

    def fit(self, X: Floats, counts: Floats) -> Self:
        """Learn; the total over the rows is kept."""
        self.mean = float(counts.mean()) if len(counts) else 0.0
        if len(counts) >= FEWEST_ROWS and counts.sum() >= FEWEST_ROWS:
            self.design = Design().fit(X)
            Z = self.design.transform(X)
            self.intercept, self.coefficients = _fit_poisson(Z, counts, RIDGE * len(Z))
        return self

    def expected(self, X: Floats) -> Floats:
        """Expected counts; shape (n_rows,)."""
        if self.design is None:
            return np.full(len(X), self.mean)
        said, _ = self.design.weigh(X, self.coefficients)
        return np.asarray(np.exp(np.minimum(self.intercept + said, MOST_LOG_COUNT)))

    def get_state(self) -> dict[str, Any]:
        """Everything learned."""
        return dict(vars(self)) | {"design": None if self.design is None else self.design.get_state()}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """The regression that :meth:`get_state` told of."""
        counts = cls()
        for name, value in state.items():
            setattr(counts, name, value)
        counts.design = None if state["design"] is None else Design.from_state(state["design"])
        return counts


def _fit_poisson(Z: Floats, y: Floats, penalty: float, n_steps: int = 50) -> tuple[float, Floats]:
    """Poisson regression with a ridge, by damped Newton steps; the total over the rows is kept."""
    beta = np.zeros(Z.shape[1] + 1)
    beta[0] = np.log(max(float(y.mean()), 1e-3))
    full = np.column_stack([np.ones(len(Z)), Z])
    ridge = np.full(len(beta), penalty)
    ridge[0] = 0.0

    def loss(b: Floats) -> float:
        eta = np.minimum(full @ b, 20.0)
        return float(np.sum(np.exp(eta) - y * eta) + ridge @ b**2 / 2)

    now = loss(beta)
    for _ in range(n_steps):
        mean = np.exp(np.minimum(full @ beta, 20.0))
        gradient = full.T @ (mean - y) + ridge * beta
        hessian = full.T @ (full * mean[:, None]) + np.diag(ridge + 1e-8)
        step, length = np.linalg.solve(hessian, gradient), 1.0
        while length > 1e-4 and loss(beta - length * step) > now:
            length /= 2
        beta = beta - length * step
        before, now = now, loss(beta)
        if before - now < 1e-8 * max(1.0, abs(now)):
            break
    return float(beta[0]), beta[1:]
