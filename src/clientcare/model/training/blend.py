"""One question, several members: the mean of their probabilities, and what each part of it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from scipy.optimize import brentq

from clientcare.model.members.base import Floats, Groups, Member, log_odds_of, share_of
from clientcare.model.members.pareto_nbd import ProbabilityMember

LEAST = 1e-9
FURTHEST = 3.0
"""In log-odds; a twentieth of the odds."""
MOSTLY = 0.9


@dataclass(frozen=True, eq=False)
class Answer:
    """What a blend says of some buyers, and what that is made of.

    Attributes
    ----------
    probability : float64 array of shape (n_rows,)
        NaN where no member knows a buyer.
    spread : float64 array of shape (n_rows,)
        How far apart the members' log-odds are.
    usual : float
        Log-odds of the usual buyer: the blend of where each member starts.
    start : float64 array of shape (n_rows,)
        Log-odds before anything is known of the buyer but which members can know them.
    parts : float64 array of shape (n_rows, n_groups)
        ``start + parts.sum(axis=1)`` is the blend's log-odds, before its shift.
    """

    probability: Floats
    spread: Floats
    usual: float
    start: Floats
    parts: Floats


class Blend:
    """Weighted mean of the members' probabilities; a member that does not know a buyer is left out for
    that buyer.

    Probabilities are averaged, not log-odds: one overconfident member then does less harm.

    Parameters
    ----------
    members : mapping of name to fitted Member
    weights : mapping of name to float
        Not negative, of any sum above zero.
    shift : float
        Added to the log-odds of the mean, the same for every buyer: see :meth:`settle`.
    """

    def __init__(
        self, members: Mapping[str, Member], weights: Mapping[str, float], shift: float = 0.0
    ) -> None:
        self.members = {name: member for name, member in members.items() if weights.get(name, 0.0) > 0}
        self.weights = {name: float(weights[name]) for name in self.members}
        self.shift = float(shift)

    def settle(self, X: Floats, anchor: str, share: float) -> Self:
        """Let one member have a larger say in the level than in who comes before whom.

        Members that learned from outcomes carry the level of the past into the future; a probability model
        ages every buyer to the present. The shift brings the mean over the given buyers to ``share`` x the
        anchor's mean + (1 - share) x the mean of the others.

        Parameters
        ----------
        X : float64 array of shape (n_rows, n_columns)
            The buyers as they stand now.
        anchor : str
            The member whose level counts more. Nothing is shifted where it is not in the blend, or
            alone in it.
        share : float
            0 to 1.
        """
        return self.settle_on(self.member_probabilities(X), anchor, share)

    def settle_on(self, said: Mapping[str, Floats], anchor: str, share: float) -> Self:
        """The same, given what each member says of the buyers."""
        self.shift = 0.0
        if anchor not in self.members or len(self.members) == 1:
            return self
        known = np.all([np.isfinite(p) for p in said.values()], axis=0)
        if not known.any() or known.mean() < MOSTLY:
            return self
        anchored = float(said[anchor][known].mean())
        rest = {name: p for name, p in said.items() if name != anchor}
        others = sum(self.weights[name] * float(p[known].mean()) for name, p in rest.items())
        others /= sum(self.weights[name] for name in rest)
        self.shift = shift_to(self._mean(said)[known], share * anchored + (1 - share) * others)
        return self

    def probability(self, X: Floats) -> Floats:
        """Probability of the outcome, shape (n_rows,); NaN where no member knows a buyer."""
        return self.of_members(self.member_probabilities(X))

    def of_members(self, said: Mapping[str, Floats]) -> Floats:
        """The same, given what each member says of the buyers."""
        return self._at_level(self._mean(said))

    def _at_level(self, mean: Floats) -> Floats:
        return mean if self.shift == 0 else share_of(log_odds_of(mean, LEAST) + self.shift)

    def member_probabilities(self, X: Floats) -> dict[str, Floats]:
        """What each member says; NaN where it does not know a buyer."""
        return {name: share_of(member._log_odds(X)) for name, member in self.members.items()}

    def unsure(self, X: Floats) -> Floats:
        """Standard deviation of a buyer's log-odds, where a member says it itself; NaN elsewhere."""
        told = np.full(len(X), np.nan)
        for member in self.members.values():
            told = np.fmin(told, member._unsure(X))
        return told

    def spread_of(self, log_odds: Mapping[str, Floats]) -> Floats:
        """How far apart the members are: the weighted spread of their log-odds; shape (n_rows,).

        A member further than ``FURTHEST`` from the blended probability counts as being there: the mean of
        probabilities hardly moves between one in a thousand and one in a million, nor may its interval.
        """
        centre = log_odds_of(self._mean({name: share_of(values) for name, values in log_odds.items()}), LEAST)
        near = {
            name: np.clip(values, centre - FURTHEST, centre + FURTHEST) for name, values in log_odds.items()
        }
        total, weight = self._sums(near)
        with np.errstate(invalid="ignore"):
            mean = total / weight
        squares, _ = self._sums({name: (values - mean) ** 2 for name, values in near.items()})
        return np.asarray(np.sqrt(squares / np.maximum(weight, LEAST)))

    def _mean(self, probabilities: Mapping[str, Floats]) -> Floats:
        total, weight = self._sums(probabilities)
        with np.errstate(invalid="ignore"):
            return np.asarray(total / weight)

    def _sums(self, probabilities: Mapping[str, Floats]) -> tuple[Floats, Floats]:
        n_rows = len(next(iter(probabilities.values())))
        total, weight = np.zeros(n_rows), np.zeros(n_rows)
        for name, probability in probabilities.items():
            known = ~np.isnan(probability)
            total += np.where(known, probability, 0.0) * self.weights[name]
            weight += known * self.weights[name]
        return total, weight

    def split(self, X: Floats, groups: Groups, n_groups: int) -> Answer:
        """The probability, how sure it is, and what it is made of; each member is asked once.

        Each member splits its own log-odds exactly: l_m = b_m + sum of parts. With p the blend, q the
        blend of the members' starts, p - q = sum of w_m (s(l_m) - s(b_m)) = sum of w_m k_m (l_m -
        b_m), where k_m > 0 is the slope of the logistic curve s between b_m and l_m; likewise logit p
        - logit q = (p - q) / k. So the parts of member m enter with the weight w_m k_m / k, which is
        never negative, and all parts add up to logit p - logit q.
        """
        splits = {name: member._split(X, groups, n_groups) for name, member in self.members.items()}
        ends = {name: split.log_odds for name, split in splits.items()}
        starts = {name: float(share_of(np.array([split.start]))[0]) for name, split in splits.items()}
        mean = self._mean({name: share_of(end) for name, end in ends.items()})
        _, weight = self._sums(ends)
        q = np.zeros(len(X))
        for name, end in ends.items():
            q += np.where(np.isnan(end), 0.0, starts[name] * self.weights[name] / weight)
        start = log_odds_of(q, LEAST)
        slope = _slope(start, log_odds_of(mean, LEAST))
        total = np.zeros((len(X), n_groups), order="F")
        for name, split in splits.items():
            known = ~np.isnan(split.log_odds)
            share = self.weights[name] / weight * _slope(np.full(len(X), split.start), split.log_odds) / slope
            share[~known] = 0.0
            for group in np.flatnonzero(split.parts.any(axis=0)):
                part = share * split.parts[:, group]
                if not known.all():
                    part[~known] = 0.0
                total[:, group] += part
        usual = sum(self.weights[name] * starts[name] for name in starts) / sum(self.weights.values())
        return Answer(
            self._at_level(mean), self.spread_of(ends), float(log_odds_of(usual, LEAST)), start, total
        )

    def get_state(self) -> dict[str, Any]:
        """Members and weights."""
        members = {name: [type(member).__name__, member.get_state()] for name, member in self.members.items()}
        return {"members": members, "weights": dict(self.weights), "shift": self.shift}

    @classmethod
    def from_state(cls, state: dict[str, Any], kinds: Mapping[str, type[Member]]) -> Blend:
        """The blend that :meth:`get_state` told of."""
        members = {name: kinds[kind].from_state(inner) for name, (kind, inner) in state["members"].items()}
        return cls(members, state["weights"], state["shift"])


def shift_to(probability: Floats, mean: float, farthest: float = 6.0) -> float:
    """What to add to all log-odds so that the mean probability becomes ``mean``; 0 where nothing does.

    Examples
    --------
    >>> round(shift_to(np.array([0.5, 0.5]), 0.75), 6)
    1.098612
    """
    log_odds = log_odds_of(probability, LEAST)

    def missing(shift: float) -> float:
        return float(share_of(log_odds + shift).mean()) - mean

    inside = missing(-farthest) < 0 < missing(farthest)
    return float(brentq(missing, -farthest, farthest, xtol=1e-10)) if inside else 0.0


def _slope(start: Floats, end: Floats) -> Floats:
    """Slope of the logistic curve between two log-odds, and at the point where they meet."""
    apart = end - start
    near = np.abs(apart) < 1e-6
    with np.errstate(invalid="ignore", divide="ignore"):
        between = (share_of(end) - share_of(start)) / apart
    middle = share_of((start + end) / 2)
    return np.asarray(np.where(near, middle * (1 - middle), between).clip(min=1e-300))


def yielding_weights(n_buyers: int, n_rarer: int, halfway: Mapping[str, float]) -> dict[str, float]:
    """How much each member counts, given how many buyers of the rarer outcome it could learn from.

    A member with ``halfway = 0`` needs no outcomes and counts fully; another counts ``n / (n +
    halfway)``, n being the buyers of the rarer outcome: half at ``halfway``, and nearly fully with many.

    Examples
    --------
    >>> yielding_weights(1000, 100, {"lifetime": 0, "linear": 20, "trees": 100})
    {'lifetime': 1.0, 'linear': 0.8333333333333334, 'trees': 0.5}
    """
    n = min(n_rarer, n_buyers)
    return {name: 1.0 if half == 0 else n / (n + half) for name, half in halfway.items()}


def expected_purchases(blend: Blend, X: Floats) -> Floats | None:
    """What the probability members of a blend expect of each buyer, by their weights; None where it has none.

    NaN where they do not know a buyer.
    """
    members = {name: m for name, m in blend.members.items() if isinstance(m, ProbabilityMember)}
    if not members:
        return None
    total = sum(blend.weights[name] * member.expected_purchases(X) for name, member in members.items())
    return np.asarray(total / sum(blend.weights[name] for name in members))
