"""Logistic regression with a ridge, by Newton's method: few columns, many rows, the same bits every time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from clientcare.model.members.base import log_odds_of, share_of

Floats = NDArray[np.float64]


def fit_ridge_logistic(
    Z: Floats, y: Floats, penalty: float, weight: Floats | None = None, n_steps: int = 30
) -> tuple[float, Floats]:
    """Minimise the sum of log losses + penalty / 2 x the squared length of the coefficients.

    The intercept is not penalised. With scikit-learn's ``C``, ``penalty = 1 / C``.

    Parameters
    ----------
    Z : float64 array of shape (n_rows, n_terms)
        Finite; best standardised, as one penalty holds for all terms.
    y : float64 array of shape (n_rows,), 0 or 1
    penalty : float
    weight : float64 array of shape (n_rows,), optional
    n_steps : int
        At most so many Newton steps.

    Returns
    -------
    intercept : float
    coefficients : float64 array of shape (n_terms,)
    """
    n_rows, n_terms = Z.shape
    weight = np.ones(n_rows) if weight is None else weight
    level = float(np.average(y, weights=weight))
    ridge = np.full(n_terms + 1, penalty)
    ridge[0] = 1e-9
    beta = np.zeros(n_terms + 1)
    beta[0] = float(log_odds_of(level, 0.5 / (n_rows + 1)))
    loss = _loss(Z, y, weight, beta, ridge)
    for _ in range(n_steps):
        p = share_of(beta[0] + Z @ beta[1:])
        residual, curve = weight * (p - y), weight * p * (1 - p)
        gradient = np.concatenate([[residual.sum()], Z.T @ residual]) + ridge * beta
        step = cho_solve(cho_factor(_hessian(Z, curve, ridge), lower=True), gradient)
        if float(step @ gradient) < 1e-9 * max(1.0, loss):
            break
        beta, loss, better = _walk(Z, y, weight, beta, ridge, step, loss)
        if not better:
            break
    return float(beta[0]), beta[1:]


def _hessian(Z: Floats, curve: Floats, ridge: Floats) -> Floats:
    hessian = np.empty((len(ridge), len(ridge)))
    weighted = Z * curve[:, None]
    hessian[0, 0] = curve.sum()
    hessian[0, 1:] = hessian[1:, 0] = weighted.sum(axis=0)
    hessian[1:, 1:] = Z.T @ weighted
    hessian[np.diag_indices_from(hessian)] += ridge + 1e-8
    return hessian


def _walk(
    Z: Floats, y: Floats, weight: Floats, beta: Floats, ridge: Floats, step: Floats, loss: float
) -> tuple[Floats, float, bool]:
    """Go along the Newton step, half as far each time the loss does not fall."""
    length = 1.0
    for _ in range(12):
        tried = beta - length * step
        new_loss = _loss(Z, y, weight, tried, ridge)
        if new_loss < loss:
            return tried, new_loss, True
        length /= 2
    return beta, loss, False


def _loss(Z: Floats, y: Floats, weight: Floats, beta: Floats, ridge: Floats) -> float:
    log_odds = beta[0] + Z @ beta[1:]
    losses = np.logaddexp(0.0, log_odds) - y * log_odds
    return float(weight @ losses + ridge @ beta**2 / 2)
