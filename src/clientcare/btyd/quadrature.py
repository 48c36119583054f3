"""Sums that stand for integrals: the leaving integral of the Pareto/NBD, and rules for Beta and Gamma weights.

The Pareto/NBD likelihood is usually written with the Gauss hypergeometric function, which overflows for long histories.
The same number is the integral of a positive, log-concave function of time; taken on the logarithm of time with
Gauss-Legendre nodes it can neither overflow nor cancel, and its gradient comes from the same nodes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[Any]

_NEGLIGIBLE = 32.0
"""The integrand is left out where it is below exp(-32) of its start: 1e-14 of the whole."""
_CHUNK = 8192


@lru_cache(maxsize=16)
def legendre(n: int) -> tuple[Floats, Floats]:
    """Gauss-Legendre nodes and weights on [0, 1]."""
    nodes, weights = np.polynomial.legendre.leggauss(n)
    return (nodes + 1) / 2, weights / 2


@dataclass(frozen=True)
class LeavingIntegral:
    """The integral and the means that its gradient needs; every array of shape (n_rows,).

    ``log_value`` is the log of ``int (alpha+y)^-R (beta+y)^-(s+1) dy`` over [start, end], relative to
    ``(alpha+start)^-R (beta+start)^-s``. The means are taken over y with the integrand as density:
    ``log_alpha`` of ln((alpha+y)/(alpha+start)), ``log_beta`` likewise, ``per_alpha`` of 1/(alpha+y), ``per_beta``.
    """

    log_value: Floats
    log_alpha: Floats
    log_beta: Floats
    per_alpha: Floats
    per_beta: Floats


def leaving_integral(
    shape: Floats, alpha: Floats, s: Floats, beta: Floats, start: Floats, end: Floats, means: bool = False
) -> LeavingIntegral:
    """Integrate ``(alpha+y)^-R (beta+y)^-(s+1)`` over [start, end], per row.

    With m the smaller of alpha and beta and M the larger, and q = ln((m+y)/(m+start)), the integrand is
    exp(-c1 q - c2 D(q)), D(q) = ln((M+y)/(M+start)): log-concave, and analytic within a distance pi of the real line.

    Parameters
    ----------
    shape, alpha, s, beta, start, end : arrays of shape (n_rows,)
        R = r + x; ``start <= end``; the others positive.
    means : bool
        Whether the means for the gradient are wanted.
    """
    alpha_smaller = alpha <= beta
    small, large = np.minimum(alpha, beta), np.maximum(alpha, beta)
    c1 = np.where(alpha_smaller, shape - 1, s)
    c2 = np.where(alpha_smaller, s + 1, shape)
    omega = (small + start) / (large + start)
    stop = _effective_end(c1, c2, omega, np.log1p((end - start) / (small + start)))
    with np.errstate(over="ignore"):
        decay = c1 * stop + c2 * np.log1p(omega * np.expm1(stop))
    n_rows = len(stop)
    value, mean_q, mean_d, mean_eq, mean_ed = (np.zeros(n_rows) for _ in range(5))
    size = np.maximum(np.abs(decay) / 4, stop)
    classes = np.digitize(size, [0.5, 2.0, 5.0, 10.0, 25.0])
    for code, n_nodes in enumerate((6, 10, 16, 24, 40, 96)):
        rows = np.flatnonzero(classes == code)
        for first in range(0, len(rows), _CHUNK):
            part = rows[first : first + _CHUNK]
            sums = _sum_nodes(c1[part], c2[part], omega[part], stop[part], n_nodes, means)
            value[part] = sums[0]
            if means:
                mean_q[part], mean_d[part], mean_eq[part], mean_ed[part] = sums[1:]
    with np.errstate(divide="ignore"):
        log_value = np.log(stop) + np.log(value) + np.log((small + start) / (beta + start))
    if not means:
        return LeavingIntegral(log_value, mean_q, mean_d, mean_eq, mean_ed)
    per_small, per_large = mean_eq / (small + start), mean_ed / (large + start)
    return LeavingIntegral(
        log_value,
        np.where(alpha_smaller, mean_q, mean_d),
        np.where(alpha_smaller, mean_d, mean_q),
        np.where(alpha_smaller, per_small, per_large),
        np.where(alpha_smaller, per_large, per_small),
    )


def _effective_end(c1: Floats, c2: Floats, omega: Floats, end: Floats) -> Floats:
    """Where the integrand has become negligible, or the end; Newton from above on a convex function."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        slope = c1 + c2 * omega
        stop = np.where(slope > 0, np.minimum(end, _NEGLIGIBLE / slope), end)
        rows = np.flatnonzero(slope > 0)
        for _ in range(40):
            grown = np.expm1(stop[rows]) * omega[rows]
            decay = c1[rows] * stop[rows] + c2[rows] * np.log1p(grown)
            far = decay > 1.5 * _NEGLIGIBLE
            if not far.any():
                break
            rows, grown, decay = rows[far], grown[far], decay[far]
            fall = c1[rows] + c2[rows] * (grown + omega[rows]) / (1 + grown)
            stop[rows] -= (decay - _NEGLIGIBLE) / fall
    return stop


def _sum_nodes(
    c1: Floats, c2: Floats, omega: Floats, stop: Floats, n_nodes: int, means: bool
) -> tuple[Floats, ...]:
    """The integral over [0, stop] divided by stop, and the means of q, D, exp(-q), exp(-D)."""
    nodes, weights = legendre(n_nodes)
    total, q_sum, d_sum, eq_sum, ed_sum = (np.zeros(len(stop)) for _ in range(5))
    q, grown, ratio, density = (np.empty(len(stop)) for _ in range(4))
    for node, weight in zip(nodes, weights, strict=True):
        np.multiply(stop, node, out=q)
        np.expm1(q, out=grown)
        np.multiply(omega, grown, out=ratio)
        d = np.log1p(ratio)
        np.multiply(c1, q, out=density)
        density += c2 * d
        np.negative(density, out=density)
        np.exp(density, out=density)
        density *= weight
        total += density
        if means:
            q *= density
            q_sum += q
            d *= density
            d_sum += d
            grown += 1
            eq_sum += density / grown
            ratio += 1
            ed_sum += density / ratio
    if not means:
        return (total,)
    return total, q_sum / total, d_sum / total, eq_sum / total, ed_sum / total


def beta_rule(a: Floats, b: Floats, n_nodes: int) -> tuple[Floats, Floats]:
    """Nodes and weights for the mean under Beta(a, b), one rule a row; both of shape (n_rows, n_nodes).

    References
    ----------
    Golub and Welsch (1969), Calculation of Gauss quadrature rules, Mathematics of Computation 23, 221-230.
    """
    high, low = b[:, None] - 1, a[:, None] - 1
    n = np.arange(n_nodes)[None, :]
    both = high + low
    with np.errstate(divide="ignore", invalid="ignore"):
        diagonal = (low**2 - high**2) / ((2 * n + both) * (2 * n + both + 2))
        diagonal[:, 0] = ((low - high) / (both + 2))[:, 0]
        k = n[:, 1:]
        step = 4 * k * (k + high) * (k + low) * (k + both)
        step = step / ((2 * k + both) ** 2 * (2 * k + both + 1) * (2 * k + both - 1))
        if n_nodes > 1:
            step[:, 0] = (4 * (1 + high) * (1 + low) / ((2 + both) ** 2 * (3 + both)))[:, 0]
    nodes, weights = _golub_welsch(diagonal, step)
    return np.clip((nodes + 1) / 2, 0.0, 1.0), weights


def gamma_rule(shape: Floats, n_nodes: int) -> tuple[Floats, Floats]:
    """Nodes and weights for the mean under Gamma(shape, 1), one rule a row; both of shape (n_rows, n_nodes)."""
    n = np.arange(n_nodes)[None, :]
    k = n[:, 1:]
    nodes, weights = _golub_welsch(2 * n + shape[:, None], k * (k + shape[:, None] - 1))
    return np.maximum(nodes, 0.0), weights


def _golub_welsch(diagonal: Floats, squared_steps: Floats) -> tuple[Floats, Floats]:
    n_rows, n_nodes = diagonal.shape
    matrix = np.zeros((n_rows, n_nodes, n_nodes))
    i = np.arange(n_nodes)
    matrix[:, i, i] = diagonal
    matrix[:, i[1:], i[:-1]] = np.sqrt(np.maximum(squared_steps, 0.0))
    nodes, vectors = np.linalg.eigh(matrix)
    return nodes, vectors[:, 0, :] ** 2
