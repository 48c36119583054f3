"""Logistic regression with a ridge: Newton's method on few rows, and on many rows steps along the exact slope,
bent by the curvature of few. The same bits every time.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from threadpoolctl import threadpool_limits

from clientcare.model.members.base import log_odds_of, share_of

Floats = NDArray[np.float64]

ROWS_FOR_CURVATURE = 8_000
"""The curvature of so many rows stands for that of all: a Newton step costs rows x terms squared, and with some
200 terms these many tell it to about a third, which the further steps make good.
"""
MEMORY = 10
"""So many former steps correct the curvature of the few."""
CLOSE_ENOUGH = 1e-9
"""It ends where a further step is expected to lower the loss by less than half of this share."""

ROUGHLY = 1e-5
"""Where the few rows alone are left: all rows go on from there, and have the last word."""


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
        At most so many Newton steps, or twice as many of the cheaper ones.

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
    with threadpool_limits(1):  # sums in another order are other sums
        if n_rows <= 2 * ROWS_FOR_CURVATURE:
            beta = _newton(Z, y, weight, ridge, beta, n_steps)[0]
        else:
            beta = _descend(Z, y, weight, ridge, beta, 2 * n_steps)
    return float(beta[0]), beta[1:]


def _newton(
    Z: Floats,
    y: Floats,
    weight: Floats,
    ridge: Floats,
    beta: Floats,
    n_steps: int,
    enough: float = CLOSE_ENOUGH,
) -> tuple[Floats, tuple[Floats, bool]]:
    """Coefficients, and the factor of the last curvature that was looked at."""
    log_odds = beta[0] + Z @ beta[1:]
    loss = _loss(log_odds, y, weight, beta, ridge)
    for _ in range(n_steps):
        gradient, curve = _slope(Z, log_odds, y, weight, beta, ridge)
        factor = cho_factor(_hessian(Z, curve, ridge), lower=True)
        step = cho_solve(factor, gradient)
        if float(step @ gradient) < enough * max(1.0, loss):
            break
        beta, log_odds, new_loss = _walk(Z, log_odds, y, weight, beta, ridge, step, loss)
        if not new_loss < loss:
            break
        loss = new_loss
    return beta, factor


def _descend(Z: Floats, y: Floats, weight: Floats, ridge: Floats, beta: Floats, n_steps: int) -> Floats:
    """L-BFGS with the exact slope, begun at the solution of a few rows and bent by their curvature.

    The few are drawn at random, always the same of the same number of rows.
    """
    few = np.sort(np.random.default_rng(len(y)).permutation(len(y))[:ROWS_FOR_CURVATURE])
    heavier = weight[few] * (weight.sum() / max(weight[few].sum(), 1e-300))
    beta, factor = _newton(Z.T.take(few, axis=1).T, y[few], heavier, ridge, beta, n_steps, ROUGHLY)
    log_odds = beta[0] + Z @ beta[1:]
    loss = _loss(log_odds, y, weight, beta, ridge)
    gradient, _ = _slope(Z, log_odds, y, weight, beta, ridge)
    steps: list[tuple[Floats, Floats, float]] = []
    for _ in range(n_steps):
        step = _bent(gradient, steps, factor)
        if float(step @ gradient) < CLOSE_ENOUGH * max(1.0, loss):
            break
        before, former = beta, gradient
        beta, log_odds, new_loss = _walk(Z, log_odds, y, weight, beta, ridge, step, loss)
        if not new_loss < loss:
            break
        loss = new_loss
        gradient, _ = _slope(Z, log_odds, y, weight, beta, ridge)
        moved, turned = beta - before, gradient - former
        steps = [*steps, (moved, turned, 1.0 / float(moved @ turned))][-MEMORY:]
    return beta


def _bent(gradient: Floats, steps: list[tuple[Floats, Floats, float]], factor: tuple[Floats, bool]) -> Floats:
    """The slope times the inverse curvature, as the few rows and the former steps know it (Nocedal & Wright, 7.4)."""
    left, shares = gradient, []
    for moved, turned, scale in reversed(steps):
        shares.append(scale * float(moved @ left))
        left = left - shares[-1] * turned
    step = cho_solve(factor, left)
    for (moved, turned, scale), share in zip(steps, reversed(shares), strict=True):
        step = step + (share - scale * float(turned @ step)) * moved
    return np.asarray(step)


def _slope(
    Z: Floats, log_odds: Floats, y: Floats, weight: Floats, beta: Floats, ridge: Floats
) -> tuple[Floats, Floats]:
    """Gradient of the loss, and how much each row bends it."""
    p = share_of(log_odds)
    residual = weight * (p - y)
    return np.concatenate([[residual.sum()], Z.T @ residual]) + ridge * beta, weight * p * (1 - p)


def _hessian(Z: Floats, curve: Floats, ridge: Floats) -> Floats:
    hessian = np.empty((len(ridge), len(ridge)))
    weighted = Z * curve[:, None]
    hessian[0, 0] = curve.sum()
    hessian[0, 1:] = hessian[1:, 0] = weighted.sum(axis=0)
    hessian[1:, 1:] = Z.T @ weighted
    hessian[np.diag_indices_from(hessian)] += ridge + 1e-8
    return hessian


def _walk(
    Z: Floats,
    log_odds: Floats,
    y: Floats,
    weight: Floats,
    beta: Floats,
    ridge: Floats,
    step: Floats,
    loss: float,
) -> tuple[Floats, Floats, float]:
    """Go along the step, half as far each time the loss does not fall: coefficients, log-odds and loss there.

    Log-odds change in proportion, so that however often it is tried the rows are read once.
    """
    change = step[0] + Z @ step[1:]
    length = 1.0
    for _ in range(12):
        tried, there = beta - length * step, log_odds - length * change
        new_loss = _loss(there, y, weight, tried, ridge)
        if new_loss < loss:
            return tried, there, new_loss
        length /= 2
    return beta, log_odds, loss


def _loss(log_odds: Floats, y: Floats, weight: Floats, beta: Floats, ridge: Floats) -> float:
    losses = np.logaddexp(0.0, log_odds) - y * log_odds
    return float(weight @ losses + ridge @ beta**2 / 2)
