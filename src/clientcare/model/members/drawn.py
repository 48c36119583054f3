"""Logistic regression drawn towards what is to be expected, as far as the rows do not say that effects are larger."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from clientcare.model.members.base import Floats, share_of

SCALES = (0.1, 0.3, 1.0, 3.0)
"""Times which the variance of effects may be the usual one; the rows say which."""
N_STEPS = 50
MOST_HALVINGS = 12
ENOUGH = 1e-9


@dataclass(frozen=True, eq=False)
class Drawn:
    """Coefficients, and how sure they are.

    Attributes
    ----------
    coefficients : float64 array of shape (n_terms,)
    covariance : float64 array of shape (n_terms, n_terms)
    """

    coefficients: Floats
    covariance: Floats


def fit_drawn_logistic(
    Z: Floats, y: Floats, weight: float, mean: Floats, variance: Floats, scaled: Floats
) -> Drawn:
    """The mean of the fits under several priors, each counting as the rows make it likely.

    Each coefficient has a normal prior. Of those that are ``scaled``, the variance is multiplied with each of
    :data:`SCALES`; the marginal likelihood, by Laplace's approximation, weighs them.

    Parameters
    ----------
    Z : float64 array of shape (n_rows, n_terms)
    y : float64 array of shape (n_rows,), 0 or 1
    weight : float
        Of each row: less than 1 where one outcome is seen in several.
    mean, variance : float64 arrays of shape (n_terms,)
        Of the priors.
    scaled : bool array of shape (n_terms,)

    Examples
    --------
    >>> Z = np.column_stack([np.ones(200), np.repeat([0.0, 1.0], 100)])
    >>> y = np.r_[np.arange(100) < 10, np.arange(100) < 40].astype(float)
    >>> prior = np.zeros(2), np.array([1.0, 0.2]), np.array([False, True])
    >>> fit_drawn_logistic(Z, y, 1.0, *prior).coefficients.round(1).tolist()
    [-1.8, 1.3]
    >>> fit_drawn_logistic(Z[:0], y[:0], 1.0, *prior).coefficients.tolist()
    [0.0, 0.0]
    """
    found, evidence, start = [], [], mean
    with threadpool_limits(1):  # sums in another order are other sums
        for scale in SCALES:
            precision = 1.0 / np.where(scaled, variance * scale, variance)
            start, covariance, log_evidence = _fitted(Z, y, weight, mean, precision, start)
            found.append((start, covariance))
            evidence.append(log_evidence)
    shares = np.exp(np.array(evidence) - max(evidence))
    shares /= shares.sum()
    coefficients = np.zeros(len(mean))
    for share, (one, _) in zip(shares, found, strict=True):
        coefficients += share * one
    spread = np.zeros((len(mean), len(mean)))
    for share, (one, covariance) in zip(shares, found, strict=True):
        off = one - coefficients
        spread += share * (covariance + np.outer(off, off))
    return Drawn(coefficients, spread)


def _fitted(
    Z: Floats, y: Floats, weight: float, mean: Floats, precision: Floats, start: Floats
) -> tuple[Floats, Floats, float]:
    """The likeliest coefficients by Newton's method, their covariance there, and the log of the evidence."""
    beta, loss = start, _loss(Z, y, weight, start - mean, precision, start)
    for _ in range(N_STEPS):
        p = share_of(Z @ beta)
        gradient = weight * (Z.T @ (p - y)) + precision * (beta - mean)
        step = np.linalg.solve(_curvature(Z, p, weight, precision), gradient)
        if float(step @ gradient) < ENOUGH * max(1.0, loss):
            break
        length, lower = 1.0, np.inf
        for _ in range(MOST_HALVINGS):
            moved = beta - length * step
            lower = _loss(Z, y, weight, moved - mean, precision, moved)
            if lower < loss:
                break
            length /= 2
        if not lower < loss:
            break
        beta, loss = moved, lower
    curvature = _curvature(Z, share_of(Z @ beta), weight, precision)
    evidence = -loss + (float(np.log(precision).sum()) - float(np.linalg.slogdet(curvature)[1])) / 2
    return beta, np.asarray(np.linalg.inv(curvature), dtype=np.float64), evidence


def _curvature(Z: Floats, p: Floats, weight: float, precision: Floats) -> Floats:
    return np.asarray((Z * (weight * p * (1 - p))[:, None]).T @ Z + np.diag(precision))


def _loss(Z: Floats, y: Floats, weight: float, off: Floats, precision: Floats, beta: Floats) -> float:
    log_odds = Z @ beta
    return float(weight * (np.logaddexp(0.0, log_odds) - y * log_odds).sum() + off @ (precision * off) / 2)
