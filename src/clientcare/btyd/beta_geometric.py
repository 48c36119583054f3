"""The Beta-geometric family: a buyer may leave after each purchase, with a probability of their own.

BG/NBD and MBG/NBD (k = 1) and their forms for regular buyers, BG/CNBD-k and MBG/CNBD-k, whose gaps are Erlang-k. The
two lines differ in one thing: whether one may leave right after the first purchase (M) or not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

import numpy as np
from scipy.special import betainc, betaln, expit, gammaln, polygamma, psi

from clientcare.btyd.base import BuyingModel
from clientcare.btyd.fitting import Floats
from clientcare.btyd.forecasts import Curvature, Parameters, Terms
from clientcare.btyd.nbd import NBD, active_parts, rate_curvature, time_curvature
from clientcare.btyd.quadrature import beta_rule, gamma_rule
from clientcare.btyd.simulation import DrawnPurchases, purchases_until_leaving
from clientcare.btyd.table import GAPS, Rows
from clientcare.exceptions import OptionError, SchemaError


class BetaGeometricModel(BuyingModel):
    """Gamma(r, alpha) rates, Erlang-k gaps, drop-out probability Beta(a, b) after each purchase."""

    _names = ("r", "alpha", "a", "b")
    _time_names = frozenset({"alpha"})
    _links = (("alpha", "purchase", -1), ("a", "dropout", 1), ("b", "dropout", 1))
    _leaves_at_once: ClassVar[bool] = False

    def __init__(
        self,
        penalty: float = 0.0,
        purchase_covariates: tuple[str, ...] = (),
        dropout_covariates: tuple[str, ...] = (),
    ) -> None:
        self.penalty = penalty
        self.purchase_covariates = purchase_covariates
        self.dropout_covariates = dropout_covariates

    @property
    def _k(self) -> int:
        return 1

    def _starts(self, rate: float) -> list[dict[str, float]]:
        r = self._k * rate
        return [
            {"r": 0.5, "alpha": 0.3 / r, "a": 0.8, "b": 2.5},
            {"r": 1.0, "alpha": 0.8 / r, "a": 0.3, "b": 1.5},
            {"r": 2.0, "alpha": 1.8 / r, "a": 0.05, "b": 1.0},
            {"r": 1.0, "alpha": 0.5 / r, "a": 0.08, "b": 0.12},
        ]

    def _plain(self) -> BuyingModel | None:
        return NBD()

    def _without_dropout(self, alpha: float) -> dict[str, float]:
        return {"a": 0.0, "b": 1.0}

    def _leaves_seldom(self, p: Mapping[str, float]) -> bool:
        return p["a"] / (p["a"] + p["b"]) < 1e-3

    def _leaves_alike(self, p: Mapping[str, float]) -> bool:
        return p["a"] + p["b"] > 1e4

    def _draw(self, rng: np.random.Generator, watched: Floats) -> DrawnPurchases:
        r, alpha, a, b = (self.parameters_[name] for name in self._names)
        rate = rng.gamma(r, size=len(watched)) / alpha
        leave = rng.beta(a, b, size=len(watched)) if a > 0 else np.zeros(len(watched))
        return purchases_until_leaving(rng, rate, leave, watched, self._k, self._leaves_at_once)

    def _count_terms(self, p: Parameters, x: Floats) -> Terms:
        r, a, b, k = p["r"], p["a"], p["b"], self._k
        stays = b + x + self._leaves_at_once
        both, both_first = psi(a + stays), psi(a + b)
        ll = gammaln(r + k * x) - gammaln(r) + betaln(a, stays) - betaln(a, b) - x * gammaln(float(k))
        return ll, {
            "r": r * (psi(r + k * x) - psi(r)),
            "a": a * (both_first - both),
            "b": b * (psi(stays) - both - psi(b) + both_first),
        }

    def _log_odds_left(self, p: Parameters, rows: Rows) -> tuple[Floats, Floats, Floats]:
        """Log odds of having left, ln((alpha+T)/(alpha+t_x)), and the phase sum S."""
        shape = p["r"] + self._k * rows.x
        silent = rows.age - rows.t_x
        longer = np.log1p(silent / (p["alpha"] + rows.t_x))
        odds = shape * longer + self._log_odds_once(p, rows)
        if self._k == 1:
            return odds, longer, np.ones(1)
        phases = self._phases(shape, silent / (p["alpha"] + rows.age)).sum(axis=0)
        return odds - np.log(phases), longer, phases

    def _log_odds_once(self, p: Parameters, rows: Rows) -> Floats:
        """ln(a / (b' - 1)), the odds of leaving at the last purchase; none for whom there was no chance to leave."""
        with np.errstate(divide="ignore"):
            return self._by_count(lambda x: np.log(p["a"] / self._once(p, x)), p, rows)

    def _odds_by_b(self, p: Parameters, rows: Rows) -> Floats:
        """Derivative of these log odds by ln b."""
        return self._by_count(lambda x: -p["b"] / self._once(p, x), p, rows)

    def _once(self, p: Parameters, x: Floats) -> Floats:
        """b' - 1; infinite where there was no chance to leave."""
        if self._leaves_at_once:
            return np.asarray(p["b"] + x)
        return np.where(x > 0, p["b"] + x - 1, np.inf)

    def _by_count(self, function: Callable[[Floats], Floats], p: Parameters, rows: Rows) -> Floats:
        """A function of the number of purchases: once for each number where all buyers have the same a and b."""
        if np.ndim(p["a"]) or np.ndim(p["b"]):
            return function(rows.x)
        values, codes = rows.levels
        return function(values)[codes]

    def _phases(self, shape: Floats, share: Floats) -> Floats:
        """(shape)_j / j! share^j for j < k: weights of the phase reached since the last purchase; (k, n_rows)."""
        weights = np.ones((self._k, len(share)))
        for j in range(1, self._k):
            weights[j] = weights[j - 1] * (shape + j - 1) / j * share
        return weights

    def _time_terms(self, p: Parameters, rows: Rows) -> Terms:
        r, alpha, k = p["r"], p["alpha"], self._k
        shape, end = r + k * rows.x, alpha + rows.age
        odds, longer, phases = self._log_odds_left(p, rows)
        smaller = np.exp(-np.abs(odds))
        whole = 1 + smaller
        left = np.where(odds > 0, 1.0, smaller) / whole
        kept = np.log(alpha / end)
        ll = np.maximum(odds, 0.0) + np.log(whole) + r * kept - k * rows.x * np.log(end)
        by_r = kept + left * longer
        by_alpha = r - alpha * shape * ((1 - left) / end + left / (alpha + rows.t_x))
        if k > 1:
            ll, by_r, by_alpha = self._add_phases(p, rows, phases, left, ll, by_r, by_alpha)
        return ll, {"r": r * by_r, "alpha": by_alpha, "a": left, "b": left * self._odds_by_b(p, rows)}

    def _count_curvature(self, p: Parameters, x: Floats) -> Curvature | None:
        if self._k > 1:
            return None
        a, b = p["a"], p["b"]
        stays = b + x + self._leaves_at_once
        by_both = polygamma(1, a + b) - polygamma(1, a + stays)
        by_stays = polygamma(1, stays) - polygamma(1, b)
        first = self._count_terms(p, x)[1]
        return {
            ("r", "r"): rate_curvature(p["r"], x),
            ("a", "a"): first["a"] + a**2 * by_both,
            ("a", "b"): a * b * by_both,
            ("b", "b"): first["b"] + b**2 * (by_both + by_stays),
        }

    def _time_curvature(self, p: Parameters, rows: Rows) -> Curvature:
        """Of what is so without leaving, plus that of ln(1 + odds of having left); for k = 1."""
        r, shape = p["r"], p["r"] + rows.x
        odds, longer, _ = self._log_odds_left(p, rows)
        left = expit(odds)
        doubt = left * (1 - left)
        tail, end = p["alpha"] / (p["alpha"] + rows.t_x), p["alpha"] / (p["alpha"] + rows.age)
        by_r, by_alpha, by_b = r * longer, shape * (end - tail), self._odds_by_b(p, rows)
        plain = time_curvature(p, rows)
        return {
            ("r", "r"): plain["r", "r"] + by_r * (left + doubt * by_r),
            ("r", "alpha"): plain["r", "alpha"] + left * r * (end - tail) + doubt * by_r * by_alpha,
            ("r", "a"): doubt * by_r,
            ("r", "b"): doubt * by_r * by_b,
            ("alpha", "alpha"): plain["alpha", "alpha"]
            + left * shape * (end - tail) * (1 - end - tail)
            + doubt * by_alpha**2,
            ("alpha", "a"): doubt * by_alpha,
            ("alpha", "b"): doubt * by_alpha * by_b,
            ("a", "a"): doubt,
            ("a", "b"): doubt * by_b,
            ("b", "b"): by_b * (left * (1 + by_b) + doubt * by_b),
        }

    def _add_phases(
        self,
        p: Parameters,
        rows: Rows,
        phases: Floats,
        left: Floats,
        ll: Floats,
        by_r: Floats,
        by_alpha: Floats,
    ) -> tuple[Floats, Floats, Floats]:
        """What gaps more regular than random add: the phase sum, and the gaps themselves."""
        shape, end = p["r"] + self._k * rows.x, p["alpha"] + rows.age
        weights = self._phases(shape, (rows.age - rows.t_x) / end)
        inverse_sum = np.zeros(len(rows))
        in_r, in_alpha = np.zeros(len(rows)), np.zeros(len(rows))
        for j in range(1, self._k):
            inverse_sum = inverse_sum + 1 / (shape + j - 1)
            in_r += weights[j] * inverse_sum
            in_alpha -= j * weights[j]
        ll = ll + np.log(phases)
        if rows.log_gaps is not None:
            ll = ll + (self._k - 1) * rows.log_gaps
        stay = (1 - left) / phases
        return ll, by_r + stay * in_r, by_alpha + stay * in_alpha * p["alpha"] / end

    def _alive(self, p: Parameters, rows: Rows) -> Floats:
        return np.asarray(expit(-self._log_odds_left(p, rows)[0]))

    def _phase_share(self, p: Parameters, rows: Rows) -> Floats:
        weights = self._phases(p["r"] + self._k * rows.x, (rows.age - rows.t_x) / (p["alpha"] + rows.age))
        return np.asarray(weights / weights.sum(axis=0))

    def _reach(self, p: Parameters, rows: Rows, horizon: Floats, n: int) -> Floats:
        """Probability that the n-th purchase falls into the horizon, leaving aside; n >= 1."""
        shape, rate = p["r"] + self._k * rows.x, p["alpha"] + rows.age
        if self._k == 1 and n == 1:
            return np.asarray(-np.expm1(-shape * np.log1p(horizon / rate)))
        share = horizon / (rate + horizon)
        if self._k == 1:
            return np.asarray(betainc(n, shape, share))
        total = np.zeros(len(rows))
        for j, weight in enumerate(self._phase_share(p, rows)):
            total += weight * betainc(n * self._k - j, shape + j, share)
        return total

    def _stays(self, p: Parameters, rows: Rows, n: int) -> Floats:
        """E[(1 - p)^n] of a buyer who is there."""
        stays = p["b"] + rows.x + self._leaves_at_once
        return np.asarray(np.exp(betaln(p["a"], stays + n) - betaln(p["a"], stays)))

    def _none_if_alive(self, p: Parameters, rows: Rows, horizon: Floats) -> Floats:
        if self._k == 1:
            return np.asarray(np.exp(-(p["r"] + rows.x) * np.log1p(horizon / (p["alpha"] + rows.age))))
        return 1 - self._reach(p, rows, horizon, 1)

    def _n_if_alive(self, p: Parameters, rows: Rows, horizon: Floats, n: int) -> Floats:
        at_least = self._stays(p, rows, n - 1) * self._reach(p, rows, horizon, n)
        return np.asarray(at_least - self._stays(p, rows, n) * self._reach(p, rows, horizon, n + 1))

    def _expected_if_alive(self, p: Parameters, rows: Rows, horizon: Floats) -> Floats:
        if self._k > 1:
            total = np.empty(len(rows))
            everybody = np.ones(len(rows), dtype=bool)
            for some, n in _by_difficulty(everybody, horizon / (p["alpha"] + rows.age), p["r"] + rows.x):
                part = {name: values[some] for name, values in p.items()}
                total[some] = self._expected_regular(part, rows.take(some), horizon[some], n)
            return total
        shape, rate = p["r"] + rows.x, p["alpha"] + rows.age
        stays = p["b"] + rows.x + self._leaves_at_once
        return expected_with_dropout(shape, rate, p["a"], stays, horizon)

    def _expected_regular(self, p: Parameters, rows: Rows, horizon: Floats, n_nodes: int) -> Floats:
        """E[(1 - (1-p)^N) / p], N = whole gaps completed; over p by a rule, over rate and phases in closed form.

        With M phases completed from phase j, N = floor((j + M) / k); the mean over every k-th count is a mean over the
        k-th roots of one of the negative binomial's generating function.
        """
        k = self._k
        nodes, weights = _rule_by_row(p["a"], p["b"] + rows.x + self._leaves_at_once, n_nodes)
        leave = np.clip(nodes, 1e-7, 1 - 1e-9)
        stays = (1 - leave) ** (1 / k)
        turns = np.exp(2j * np.pi * np.arange(k) / k)
        longer = (horizon / (p["alpha"] + rows.age))[:, None]
        logs = [np.log1p(longer * (1 - stays * turn)) for turn in turns]
        total = np.zeros(len(rows))
        for start, phase_weight in enumerate(self._phase_share(p, rows)):
            shape = (p["r"] + k * rows.x + start)[:, None]
            generated = [np.exp(-shape * log) for log in logs]
            kept = np.zeros_like(leave)
            for end in range(k):
                cycle = sum(g * turn ** (start - end) for g, turn in zip(generated, turns, strict=True))
                kept += stays ** (start - end) * np.real(cycle) / k
            total += phase_weight * np.einsum("ij,ij->i", weights, (1 - kept) / leave)
        return total

    def _parts_if_alive(
        self, p: Parameters, rows: Rows, part: Floats, n_parts: int, min_parts: int
    ) -> Floats:
        if self._k > 1:
            return self._regular_parts(p, rows, part, n_parts, min_parts)
        nodes, weights = _rule_by_row(p["a"], p["b"] + rows.x + self._leaves_at_once, 32)
        shape, rate = p["r"] + rows.x, p["alpha"] + rows.age
        total = np.zeros(len(rows))
        for (i, j), weight in active_parts(n_parts, min_parts, last_is_whole=False).items():
            power = np.exp(-shape[:, None] * np.log1p((part / rate)[:, None] * (i + j * nodes)))
            total += weight * np.einsum("ij,ij->i", weights, power)
        return total

    def _regular_parts(
        self,
        p: Parameters,
        rows: Rows,
        part: Floats,
        n_parts: int,
        min_parts: int,
    ) -> Floats:
        """Erlang gaps: walk through the parts over the phases, for nodes of rate and drop-out probability."""
        k = self._k
        total = np.zeros(len(rows))
        longer = part / (p["alpha"] + rows.age)
        shares = self._phase_share(p, rows)
        classes = np.digitize(longer * n_parts, [0.5, 2.0, 6.0, 20.0])
        for code, n_nodes in enumerate((12, 24, 48, 96, 192)):
            some = np.flatnonzero(classes == code)
            stays = p["b"] + rows.x + self._leaves_at_once
            nodes, weights = _rule_by_row(p["a"][some], stays[some], 16 if code == 0 else 48)
            for start in range(k if len(some) else 0):
                shape = (p["r"] + k * rows.x + start)[some]
                rates, rate_weights = _gamma_rule_by_row(shape, n_nodes)
                mean = rates * longer[some, None]
                for q, q_weight in zip(nodes.T, weights.T, strict=True):
                    reached = _walk(mean, q[:, None], k, start, n_parts, min_parts)
                    total[some] += shares[start, some] * q_weight * (rate_weights * reached).sum(axis=1)
        return total


def _walk(mean: Floats, leave: Floats, k: int, start: int, n_parts: int, min_parts: int) -> Floats:
    """Probability to buy in ``min_parts`` of the parts, from phase ``start``, ``mean`` phases a part.

    Sums over every k-th Poisson count are means over the k-th roots of one.
    """
    chance = [np.exp(-mean)]
    for n in range(1, k):
        chance.append(chance[-1] * mean / n)
    stays = np.maximum(1 - leave, 1e-9) ** (1 / k)
    turns = np.exp(2j * np.pi * np.arange(k) / k)
    grown = [np.exp(mean * (stays * turn - 1)) for turn in turns]
    bought = [[np.zeros_like(mean) for _ in range(k)] for _ in range(k)]
    for i in range(k):
        for j in range(k):
            cycle = sum(g * turn ** (i - j) for g, turn in zip(grown, turns, strict=True)).real / k
            any_number = cycle * stays ** (i - j)
            bought[i][j] = np.maximum(any_number - (chance[j - i] if j >= i else 0.0), 0.0)
    any_bought = [1 - sum(chance[: k - i]) for i in range(k)]
    state = {(0, start): np.ones_like(mean)}
    reached = np.zeros_like(mean)
    for _ in range(n_parts):
        following: dict[tuple[int, int], Floats] = {}
        for (count, i), here in state.items():
            for j in range(i, k):
                _add(following, (count, j), here * chance[j - i])
            if count + 1 == min_parts:
                reached += here * any_bought[i]
            else:
                for j in range(k):
                    _add(following, (count + 1, j), here * bought[i][j])
        state = following
    return reached


def _add(state: dict[tuple[int, int], Floats], key: tuple[int, int], value: Floats) -> None:
    state[key] = state[key] + value if key in state else value


def expected_with_dropout(shape: Floats, rate: Floats, a: Floats, stays: Floats, horizon: Floats) -> Floats:
    """E[(1 - e^(-lambda p t)) / p] for lambda ~ Gamma(shape, rate) and p ~ Beta(a, stays), independent.

    It is c / (a-1) [1 - (1-z)^(a-1) 2F1(c-R, a-1; c; z)], c = a + stays - 1, z = t / (rate + t). After Euler's
    transformation the coefficients stay small for any number of purchases; 1 / (a-1) is divided out term by term, so
    that a = 1 is no special case. Long horizons and extreme parameters go by a Gauss-Jacobi rule.
    """
    z = horizon / (rate + horizon)
    c = a + stays - 1
    by_series = (z <= 0.9) & (c - shape > -4) & (a < 30) & (np.abs(c - shape) < 60) & (c > -0.999)
    total = np.empty(len(z))
    if by_series.any():
        total[by_series] = _series(*(v[by_series] for v in (shape, a, c, z)))
    for rows_left, n_nodes in _by_difficulty(~by_series, horizon / rate, shape):
        nodes, weights = _rule_by_row(a[rows_left], stays[rows_left], n_nodes)
        longer = np.log1p(nodes * (horizon / rate)[rows_left, None])
        with np.errstate(divide="ignore", invalid="ignore"):
            part = -np.expm1(-shape[rows_left, None] * longer) / nodes
        part = np.where(nodes > 0, part, (shape * horizon / rate)[rows_left, None])
        total[rows_left] = (weights * part).sum(axis=1)
    return total


def _by_difficulty(wanted: Floats, longer: Floats, shape: Floats) -> list[tuple[Floats, int]]:
    hard = wanted & (longer * np.maximum(1.0, np.minimum(shape, 30) / 30) > 60)
    groups = [(np.flatnonzero(wanted & ~hard), 64), (np.flatnonzero(hard), 200)]
    return [(rows, n) for rows, n in groups if len(rows)]


def _series(shape: Floats, a: Floats, c: Floats, z: Floats) -> Floats:
    log_rest = np.log1p(-z)
    small = (a - 1) * log_rest
    with np.errstate(divide="ignore", invalid="ignore"):
        grown = np.where(np.abs(small) < 1e-12, log_rest, np.expm1(small) / (a - 1))
    term = (c - shape) * z
    total = term.copy()
    n_terms = 30 + int(np.ceil(np.log(1e-15) / np.log(max(float(z.max()), 1e-3)))) * 2
    for n in range(1, n_terms):
        term = term * ((c - shape + n) * (a + n - 1) / ((c + n) * (n + 1)) * z)
        total += term
        if n % 8 == 0 and np.abs(term).max() < 1e-15 * max(np.abs(total).max(), 1e-300):
            break
    return np.asarray(-(c * grown + total + (a - 1) * grown * total))


def _rule_by_row(a: Floats, b: Floats, n_nodes: int) -> tuple[Floats, Floats]:
    """A Beta rule for each row, worked out once for each distinct pair."""
    pairs, inverse = np.unique(np.column_stack([a, b]), axis=0, return_inverse=True)
    nodes, weights = beta_rule(pairs[:, 0], pairs[:, 1], n_nodes)
    inverse = inverse.reshape(-1)
    return nodes[inverse], weights[inverse]


def _gamma_rule_by_row(shape: Floats, n_nodes: int) -> tuple[Floats, Floats]:
    """A Gamma rule for each row, worked out once for each distinct shape."""
    shapes, inverse = np.unique(shape, return_inverse=True)
    nodes, weights = gamma_rule(shapes, n_nodes)
    return nodes[inverse.reshape(-1)], weights[inverse.reshape(-1)]


def choose_k(k: int | str, has_gaps: bool, asker: str) -> list[int]:
    """The numbers of phases to try.

    Raises
    ------
    OptionError, SchemaError
    """
    if k == "auto":
        wanted = [1, 2, 3, 4]
    elif isinstance(k, (int, np.integer)) and not isinstance(k, bool) and 1 <= k <= 20:
        wanted = [int(k)]
    else:
        raise OptionError(f"{asker}: k must be 'auto' or a whole number from 1 to 20.")
    if wanted != [1] and not has_gaps:
        raise SchemaError(
            f"{asker}: regularity shows in the gaps, and there is no column {GAPS!r} (natural log, summed over gaps).\n"
            "Take the table of purchase_summary(histories, as_of), which has it, or set k=1."
        )
    return wanted
