"""The true probabilities in a simulated shop, by Bayes' rule from the process that made it.

Whoever knows the process, but sees only what a seller sees, cannot do better than these.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.special import gammaln, logsumexp

from clientcare.datasets.buyer_types import ANSWERED_SHARE, BuyerType
from clientcare.datasets.clocks import FloatArray, IntArray
from clientcare.datasets.shop_world import ShopWorld, contacts_a_day, purchase_steps
from clientcare.exceptions import OptionError

KNOWING = ("history", "parameters", "state")

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(64)
_NODES, _WEIGHTS = (_NODES + 1) / 2, _WEIGHTS / 2
_CHUNK = 20_000


@dataclass(frozen=True)
class ShopView:
    """What is known at a date of the buyers known then, and what follows from it.

    Attributes
    ----------
    world : ShopWorld
    as_of : float, days
    buyers : int array of shape (n,)
        Positions of the buyers asked about, all acquired before ``as_of``.
    knowing : {"history", "parameters", "state"}
        ``"history"``: purchases, contacts and care seen before ``as_of``, and the laws of the population.
        ``"parameters"``: also each buyer's own type and rates. ``"state"``: also whether they have left.
    """

    world: ShopWorld
    as_of: float
    buyers: IntArray
    knowing: str

    def __post_init__(self) -> None:
        if self.knowing not in KNOWING:
            raise OptionError(f"knowing must be one of {', '.join(KNOWING)}.")

    def churn_risk(self, horizon_days: float) -> FloatArray:
        """Probability of no purchase in [as_of, as_of + horizon); shape (n,)."""
        risks = [
            replace(self, buyers=self.buyers[start : start + _CHUNK])._churn_risk(horizon_days)
            for start in range(0, len(self.buyers), _CHUNK)
        ]
        return np.concatenate(risks) if risks else np.zeros(0)

    def _churn_risk(self, horizon_days: float) -> FloatArray:
        parts = [self._log_parts(position, horizon_days) for position in self._types_to_weigh()]
        gone, here, silent = (logsumexp([part[name] for part in parts], axis=0) for name in range(3))
        if self.knowing == "state":
            has_left = self.world.left[self.buyers] < self.as_of
            return np.where(has_left, 1.0, np.exp(np.minimum(silent - here, 0.0)))
        ratio = np.logaddexp(gone, silent) - np.logaddexp(gone, here)
        return np.asarray(np.exp(np.minimum(ratio, 0.0)))

    def _types_to_weigh(self) -> list[int]:
        return list(range(len(self.world.types)))

    def _log_parts(self, position: int, horizon_days: float) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Log likelihoods under one type: left before as_of, still here, still here and silent over the
        horizon.

        "Nothing until the end of the horizon" is itself a history, so the last is the same likelihood called
        once more.
        """
        one = self.world.types[position]
        prior = self._log_prior(position) + self._log_contacts(one) + self._log_gaps(one)
        since, until = self.last_sign, np.full(len(self.buyers), self.as_of)
        rate = sum(one.contacts_a_year.values()) / 365.25

        past, width = self._panels(since, until)
        silence_of_contacts = -rate * (past - self.world.acquired[self.buyers, None])
        gone = self._log_buying(one, past) + self._log_leaving(one, past) + silence_of_contacts + width

        future, width = self._panels(until, until + horizon_days)
        leaves = logsumexp(self._log_buying(one, future) + self._log_leaving(one, future) + width, axis=1)
        end = until + horizon_days
        stays = self._log_buying(one, end) + self._log_staying(one, end)
        contact_free = -rate * (until - self.world.acquired[self.buyers])
        here = self._log_buying(one, until) + self._log_staying(one, until) + contact_free
        silent = np.logaddexp(leaves, stays) + contact_free
        return prior + logsumexp(gone, axis=1), prior + here, prior + silent

    def _panels(self, since: FloatArray, until: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Where to evaluate an integral over [since, until), and the log weight of each moment; both (n, m).

        Clocks change their speed when a contact begins or stops to work: each smooth piece is a panel of
        its own, with the moments crowded at its beginning, where most of the mass of a regular buyer lies.
        """
        clock = self.world.leaving_clock
        begins = clock.contacted_at[self.buyers]
        edges = np.concatenate([begins, begins + clock.stretch_days], axis=1)
        edges = np.where(np.isnan(edges), since[:, None], np.clip(edges, since[:, None], until[:, None]))
        edges = np.sort(np.column_stack([since, edges, until]), axis=1)
        moments, weights = [], []
        for panel in range(edges.shape[1] - 1):
            length = edges[:, panel + 1] - edges[:, panel]
            if not length.any():
                continue
            moments.append(edges[:, panel, None] + length[:, None] * _NODES**3)
            weights.append(np.log(np.maximum(length[:, None] * 3 * _NODES**2 * _WEIGHTS, 1e-300)))
        return np.concatenate(moments, axis=1), np.concatenate(weights, axis=1)

    @cached_property
    def last_sign(self) -> FloatArray:
        """The last moment before as_of at which each buyer showed to be there; shape (n,)."""
        n_buyers = self.world.n_buyers
        last = np.maximum(
            self.world.purchases.before(self.as_of).last_day(n_buyers),
            self.world.contacts.before(self.as_of).last_day(n_buyers),
        )
        return np.asarray(last[self.buyers])

    @cached_property
    def n_repeat(self) -> IntArray:
        """Repeat purchases before as_of; shape (n,)."""
        return self.world.purchases.before(self.as_of).count(self.world.n_buyers)[self.buyers] - 1

    @cached_property
    def _shown_at_last(self) -> FloatArray:
        """What the buying clock showed at the last purchase, from the first one on; shape (n,)."""
        last = self.world.purchases.before(self.as_of).last_day(self.world.n_buyers)[self.buyers]
        return self._since_first(last)

    @cached_property
    def _sum_log_gaps(self) -> FloatArray:
        """Sum of the logs of all gaps between purchases, on the buying clock; shape (n,)."""
        past = self.world.purchases.before(self.as_of)
        shown = self.world.buying_clock.elapsed(past.buyer, past.day)
        same = past.buyer[1:] == past.buyer[:-1]
        gaps = np.maximum(np.diff(shown)[same], 1e-12)
        sums: FloatArray = np.bincount(past.buyer[1:][same], np.log(gaps), self.world.n_buyers).astype(
            np.float64
        )
        return sums[self.buyers]

    def _since_first(self, moments: FloatArray) -> FloatArray:
        clock = self.world.buying_clock
        begin = clock.elapsed(self.buyers, self.world.acquired[self.buyers])
        return clock.elapsed(self.buyers, moments) - (begin[:, None] if moments.ndim == 2 else begin)

    def _staying(self, moments: FloatArray) -> FloatArray:
        clock = self.world.leaving_clock
        begin = clock.elapsed(self.buyers, self.world.acquired[self.buyers])
        return clock.elapsed(self.buyers, moments) - (begin[:, None] if moments.ndim == 2 else begin)

    def _log_prior(self, position: int) -> FloatArray:
        if self.knowing == "history":
            return np.full(len(self.buyers), np.log(max(self.world.types[position].share, 1e-300)))
        return np.where(self.world.type_of[self.buyers] == position, 0.0, -np.inf)

    def _log_gaps(self, one: BuyerType) -> FloatArray:
        return (one.phases - 1) * self._sum_log_gaps - self.n_repeat * gammaln(one.phases)

    def _log_contacts(self, one: BuyerType) -> FloatArray:
        """Log likelihood of the contacts seen, but for the silence between them; shape (n,)."""
        seen = self.world.contacts.before(self.as_of)
        total = np.zeros(self.world.n_buyers)
        for code, kind in enumerate(self.world.contact_kinds):
            rate = one.contacts_a_year.get(kind, 0.0) / 365.25
            count = np.bincount(seen.buyer[seen.kind == code], minlength=self.world.n_buyers)
            total += count * np.log(max(rate, 1e-300))
        return np.asarray(total[self.buyers])

    def _log_buying(self, one: BuyerType, until: FloatArray) -> FloatArray:
        """Log likelihood of the purchases seen and none after, while staying; shape of ``until``."""
        wide = until.ndim == 2

        def fit(values: FloatArray) -> FloatArray:
            return values[:, None] if wide else values

        shown = self._since_first(until)
        idle = np.log(np.maximum(shown - fit(self._shown_at_last), 1e-12))
        n_steps = fit((one.phases * self.n_repeat).astype(np.float64))
        if self.knowing == "history":
            shape, scale = one.step_shape, one.step_scale_days
            constant = shape * np.log(scale) - gammaln(shape)
            terms = [
                done * idle - gammaln(done + 1) + gammaln(shape + n_steps + done)
                - (shape + n_steps + done) * np.log(scale + shown)
                for done in range(one.phases)
            ]  # fmt: skip
            return np.asarray(constant + logsumexp(terms, axis=0))
        rate = fit(self.world.steps_a_day[self.buyers])
        terms = [done * (np.log(rate) + idle) - gammaln(done + 1) for done in range(one.phases)]
        return np.asarray(n_steps * np.log(rate) - rate * shown + logsumexp(terms, axis=0))

    def _log_leaving(self, one: BuyerType, at: FloatArray) -> FloatArray:
        """Log density of leaving at some moments; shape (n, m)."""
        stayed = self._staying(at)
        speed = np.log(self.world.leaving_clock.speed_at(self.buyers, at))
        if self.knowing == "history":
            shape, scale = one.leaving_shape, one.leaving_scale_days
            late = (shape + 1) * np.log(scale + stayed)
            return np.asarray(speed + np.log(shape) + shape * np.log(scale) - late)
        rate = self.world.leaving_a_day[self.buyers, None]
        return speed + np.log(rate) - rate * stayed

    def _log_staying(self, one: BuyerType, until: FloatArray) -> FloatArray:
        """Log probability of staying until some moments; shape (n,)."""
        stayed = self._staying(until)
        if self.knowing == "history":
            scale = one.leaving_scale_days
            return np.asarray(one.leaving_shape * (np.log(scale) - np.log(scale + stayed)))
        return -self.world.leaving_a_day[self.buyers] * stayed

    def client_probability(
        self,
        horizon_days: int,
        periods: int,
        min_periods: int,
        needs_tie: bool,
        n_paths: int,
        random_state: int,
    ) -> FloatArray:
        """Probability of buying in enough parts of the horizon, and of contacts in as many where a care tie is
        needed; shape (n,).

        The mean over ``n_paths`` futures of each buyer, drawn from what is known of them.
        """
        rng = np.random.default_rng(random_state)
        means = []
        size = max(1, 400_000 // n_paths)
        for start in range(0, len(self.buyers), size):
            part = replace(self, buyers=self.buyers[start : start + size])
            future = part._draw_futures(n_paths, rng)
            kept = _patronage(part, future, horizon_days, periods, min_periods, rng)
            if needs_tie:
                kept = kept * _recurring_tie(part, future, horizon_days, periods, min_periods)
            means.append(kept.reshape(-1, n_paths).mean(axis=1))
        return np.concatenate(means) if means else np.zeros(0)

    def _draw_futures(self, n_paths: int, rng: np.random.Generator) -> _Futures:
        """Draw type, presence, rates and steps done from their posterior, for each buyer and path."""
        parts = [self._log_parts(position, 1.0) for position in self._types_to_weigh()]
        logs = np.stack([part[1] for part in parts] + [logsumexp([part[0] for part in parts], axis=0)])
        if self.knowing == "state":
            has_left = self.world.left[self.buyers] < self.as_of
            logs[-1] = np.where(has_left, 1e6, -np.inf)
        chances = np.exp(logs - logsumexp(logs, axis=0)).T
        picked = (rng.random((len(self.buyers), n_paths, 1)) > np.cumsum(chances, axis=1)[:, None, :-1]).sum(
            axis=2
        )
        row = np.repeat(np.arange(len(self.buyers)), n_paths)
        kind = picked.ravel()
        here = kind < len(self.world.types)
        kind = np.where(here, kind, 0)
        steps, done = self._draw_steps(row, kind, rng)
        return _Futures(
            row, here, kind, steps, done, self._draw_leaving(row, kind, rng), self._tie_rates()[kind]
        )

    def _draw_steps(
        self, row: IntArray, kind: IntArray, rng: np.random.Generator
    ) -> tuple[FloatArray, IntArray]:
        """Rate of steps, and steps done since the last purchase, of buyers who are still there."""
        now = self._since_first(np.full(len(self.buyers), self.as_of))
        idle = np.maximum(now - self._shown_at_last, 1e-12)
        rate = np.empty(len(row))
        done = np.zeros(len(row), dtype=np.int64)
        for position, one in enumerate(self.world.types):
            mine = np.flatnonzero(kind == position)
            at = row[mine]
            n_steps = one.phases * self.n_repeat[at]
            own = self.world.steps_a_day[self.buyers[at]]
            shape, scale = one.step_shape, one.step_scale_days
            logs = np.stack(
                [
                    step * np.log(idle[at]) - gammaln(step + 1)
                    + (gammaln(shape + n_steps + step) - (shape + n_steps + step) * np.log(scale + now[at])
                       if self.knowing == "history" else step * np.log(own))
                    for step in range(one.phases)
                ]
            )  # fmt: skip
            chances = np.cumsum(np.exp(logs - logsumexp(logs, axis=0)), axis=0)
            done[mine] = (rng.random(len(mine)) > chances[:-1]).sum(axis=0)
            drawn = rng.gamma(shape + n_steps + done[mine]) / (scale + now[at])
            rate[mine] = drawn if self.knowing == "history" else own
        return rate, done

    def _draw_leaving(self, row: IntArray, kind: IntArray, rng: np.random.Generator) -> FloatArray:
        """The moment at which each path leaves, given that it is still there at as_of."""
        now = self._staying(np.full(len(self.buyers), self.as_of))
        shapes = np.array([one.leaving_shape for one in self.world.types])[kind]
        scales = np.array([one.leaving_scale_days for one in self.world.types])[kind]
        drawn = rng.gamma(shapes) / (scales + now[row])
        rate = drawn if self.knowing == "history" else self.world.leaving_a_day[self.buyers[row]]
        clock, buyers = self.world.leaving_clock, self.buyers[row]
        shown = clock.elapsed(buyers, np.full(len(row), self.as_of)) + rng.exponential(size=len(row)) / rate
        return clock.moment(buyers, shown)

    def _tie_rates(self) -> FloatArray:
        """How often a day each type makes a two-way contact; shape (n_types,)."""
        rates = np.zeros(len(self.world.types))
        for kind in self.world.contact_kinds:
            rates += contacts_a_day(self.world, kind) * ANSWERED_SHARE.get(kind, 1.0)
        return rates


@dataclass(frozen=True)
class _Futures:
    """Drawn futures, one a buyer and path, paths of a buyer side by side."""

    row: IntArray
    here: np.ndarray
    kind: IntArray
    steps_a_day: FloatArray
    done: IntArray
    leaves: FloatArray
    tie_rate: FloatArray

    def stay_days(self, view: ShopView, horizon_days: float) -> FloatArray:
        """How long each path stays within the horizon."""
        return np.where(self.here, np.clip(self.leaves - view.as_of, 0.0, horizon_days), 0.0)


def _recurring_tie(
    view: ShopView, future: _Futures, horizon_days: int, periods: int, min_periods: int
) -> FloatArray:
    """Probability of a two-way contact in enough parts of the horizon, as long as each path stays."""
    stay, width = future.stay_days(view, horizon_days), horizon_days / periods
    chance = np.zeros(
        (periods + 1, len(stay))
    )  # of so many parts with a contact, among those looked at so far
    chance[0] = 1.0
    for part in range(periods):
        some = 1.0 - np.exp(-future.tie_rate * np.clip(stay - part * width, 0.0, width))
        chance[1:] = chance[1:] * (1.0 - some) + chance[:-1] * some
        chance[0] *= 1.0 - some
    return np.asarray(chance[min_periods:].sum(axis=0))


def _patronage(
    view: ShopView,
    future: _Futures,
    horizon_days: int,
    periods: int,
    min_periods: int,
    rng: np.random.Generator,
) -> FloatArray:
    """Whether each path buys in enough parts of the horizon."""
    clock, buyers = view.world.buying_clock, view.buyers[future.row]
    begin = clock.elapsed(buyers, np.full(len(buyers), view.as_of))
    end = clock.elapsed(buyers, view.as_of + future.stay_days(view, horizon_days))
    phases = np.array([one.phases for one in view.world.types], dtype=np.int64)[future.kind]
    path, shown = purchase_steps(rng, future.steps_a_day, phases, end - begin, future.done)
    day = clock.moment(buyers[path], begin[path] + shown)
    into = np.floor(day - view.as_of).astype(np.int64)
    part = np.clip(into * periods // horizon_days, 0, periods - 1)
    seen = np.zeros((len(buyers), periods), dtype=bool)
    seen[path, part] = True
    return np.asarray(seen.sum(axis=1) >= min_periods, dtype=np.float64)
