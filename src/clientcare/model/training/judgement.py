"""How far each member is believed, after several past dates: softly, and never all or nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.special import ndtr

from clientcare.model.members.base import Floats, log_odds_of, share_of
from clientcare.model.training.blend import shift_to

PROBABILITY = ("lifetime", "rhythm")
"""The members that need no past outcomes; between them they have one weight."""
SIMPLE = "recency"
"""The simple rule that is mixed in where past dates ask for it."""
DOUBT = 0.5
"""Standard errors by which one must lead the other to be believed: the blend the probability members, for the learned
members to keep their full weight; the rhythm the lifetime member, to take half of its place."""
LEAST_SHARE = 1e-3
LEAST_EARNED = 0.2
"""Of the learned members' weight so much stays, whatever one date says. On 102 question-dates of seven sets, whole and cut
to 200 buyers, a fifth lost at most 1.6 points on whole sets where nothing at all lost 4.1, and was ahead in the mean."""
STEEPNESS = 4.0
"""A member whose log loss is a tenth above the best one's keeps exp(-0.4) of its weight. Losses are compared as ratios: a
difference of .05 is nothing where losses are .6, and everything where they are .1."""
OLDER = 0.5
"""Each further date back counts half: it could teach from fewer snapshots, and the business was another."""
FEW_LEAVERS = 30.0
"""Under contract so many leavers of a date make its log losses count half: with five, differences of a tenth are chance."""
FARTHEST_LEAD = 6.0
"""A lead of more standard errors than this is not more convincing: errors shared by all buyers of a date are not in them."""
MIXTURES = np.linspace(0.0, 1.0, 11)
SIMPLE_MUST_GAIN = 0.02
"""What the whole weight of the simple rule must gain, as a share of the log loss, to be worth its dullness."""

Asked = Callable[[Mapping[str, float], float], Floats]


@dataclass(frozen=True, eq=False)
class Evidence:
    """One past date: what members fitted as of it said of its buyers, and what came.

    Attributes
    ----------
    date : int
        Microseconds.
    outcome : float64 array of shape (n_buyers,)
    said : dict of name to float64 array of shape (n_buyers,)
        Probabilities.
    weights : dict of name to float
        Of the members before any judgement.
    blended : callable
        Takes weights and how far the level of the lifetime member is believed; returns what the members together say, at
        the level they would have had.
    rule : str
        The simple rule that the members must beat.
    """

    date: int
    outcome: Floats
    said: Mapping[str, Floats]
    weights: Mapping[str, float]
    blended: Asked
    rule: str = SIMPLE

    @property
    def tells(self) -> bool:
        """Whether both outcomes came: where all had the same, nothing is told apart."""
        return bool(0 < self.outcome.sum() < len(self.outcome))


@dataclass(frozen=True)
class Verdict:
    """What past dates say of how far the members can be believed.

    Attributes
    ----------
    earned : float, 0 to 1
        What the learned members keep of their weight, because together with them the probability members did better than
        alone. NaN: could not be judged.
    rhythm : float, 0 to 1
        The rhythm member's share of the weight that the probability members have. NaN: could not be judged.
    kept : mapping of name to float, 0 to 1
        What each member keeps of its weight for its own log loss.
    simple : float, 0 to 1
        The simple rule's share in the answer; below one half after one date, below seven eighths after three.
    rule : str
        Its name: ``recency`` where people buy, ``two_numbers`` where they are bound.
    """

    earned: float = 1.0
    rhythm: float = 0.0
    kept: Mapping[str, float] = field(default_factory=dict)
    simple: float = 0.0
    rule: str = SIMPLE

    @property
    def level(self) -> float:
        """How far the lifetime member's level is believed: less where it was far behind, or the simple rule has a part.

        The square root, because its level held where its ranking did not (on a year that ends in a season, for instance).
        """
        return float(np.sqrt(self.kept.get("lifetime", 1.0)) * (1 - self.simple))

    @property
    def doubt(self) -> float:
        """0 where buyers were as the plainest model supposes, 1 where they clearly were not."""
        return max(self.earned, min(2 * self.rhythm - 1, 1.0), 0.0)

    def or_else(self, other: Verdict) -> Verdict:
        """The verdict; of the other one what is not known."""
        return Verdict(
            other.earned if np.isnan(self.earned) else self.earned,
            other.rhythm if np.isnan(self.rhythm) else self.rhythm,
            self.kept,
            self.simple,
            self.rule,
        )

    def weighed(self, weights: Mapping[str, float]) -> dict[str, float]:
        """The weights that members keep for their own log loss."""
        return {name: weight * self.kept.get(name, 1.0) for name, weight in weights.items()}

    def applied(self, weights: Mapping[str, float]) -> dict[str, float]:
        """The members' weights; a probability member alone keeps the weight of both."""
        shared = divided(self.weighed(weights), self.rhythm)
        if any(name in shared for name in PROBABILITY):
            shared = {
                name: weight * (1.0 if name in PROBABILITY else max(self.earned, LEAST_EARNED))
                for name, weight in shared.items()
            }
        if self.simple > 0:
            added = sum(shared.values()) * self.simple / (1 - self.simple)
            shared[self.rule] = shared.get(self.rule, 0.0) + added
        return shared


def divided(weights: Mapping[str, float], rhythm: float) -> dict[str, float]:
    """Weights in which the two probability members share the place of one."""
    if not all(name in weights for name in PROBABILITY):
        return dict(weights)
    shares = {"lifetime": max(1 - rhythm, LEAST_SHARE), "rhythm": rhythm if rhythm >= LEAST_SHARE else 0.0}
    return {name: weight * shares.get(name, 1.0) for name, weight in weights.items()}


def judge(evidence: Sequence[Evidence]) -> Verdict:
    """The verdict of past dates, the newest first, each further one counting half.

    Level and ranking are judged apart. Who leads whom (``rhythm``, ``earned``, ``simple``) is read off after each has been
    brought to the level that came, because all members may have missed it together; what each keeps (``kept``) is read off
    its whole log loss. What the learned members earned is read off the newest date alone: older ones taught them less.
    """
    telling = [one for one in evidence if one.tells]
    if not telling:
        return Verdict(np.nan, np.nan)
    age = np.power(OLDER, np.arange(len(telling), dtype=np.float64))
    rhythm = _mean([_rhythm_lead(one) for one in telling], age)
    share = float(ndtr(rhythm - DOUBT)) if np.isfinite(rhythm) else np.nan
    kept = _kept(telling, age)
    earned_now = _earned_at(telling[0], np.nan_to_num(share), kept)
    verdict = Verdict(earned_now, share, kept, rule=telling[0].rule)
    return replace(verdict, simple=_simple_share(telling, age, verdict.or_else(Verdict())))


def _mean(values: Sequence[float], weights: Floats) -> float:
    known = np.isfinite(values)
    return float(np.average(np.asarray(values)[known], weights=weights[known])) if known.any() else np.nan


def _rhythm_lead(one: Evidence) -> float:
    """By how many standard errors the rhythm member led the lifetime member; NaN where one is not there."""
    if not all(name in one.said for name in PROBABILITY):
        return np.nan
    found = lead(one.outcome, one.said["rhythm"], one.said["lifetime"])
    return float(np.clip(found, -FARTHEST_LEAD, FARTHEST_LEAD)) if np.isfinite(found) else -FARTHEST_LEAD


def _earned_at(one: Evidence, rhythm: float, kept: Mapping[str, float]) -> float:
    """What the learned members earned at one date over the probability members, each as far as it is believed."""
    weights = divided(Verdict(kept=kept).weighed(one.weights), rhythm)
    belief = divided({name: 1.0 for name in PROBABILITY if weights.get(name, 0.0) > 0}, rhythm)
    if not belief or len(belief) == sum(weight > 0 for weight in weights.values()):
        return np.nan
    blend = one.blended(weights, Verdict(kept=kept).level)
    parts = [share * earned(one.outcome, one.said[name], blend) for name, share in belief.items()]
    return float(sum(parts) / sum(belief.values()))


def _kept(evidence: Sequence[Evidence], age: Floats) -> dict[str, float]:
    """What each member keeps of its weight: exp(-4 (loss / best loss - 1)), the exponent averaged over dates."""
    behind: dict[str, list[float]] = {}
    for at, one in enumerate(evidence):
        loss = {name: float(losses(one.outcome, said).mean()) for name, said in one.said.items()}
        best = min(loss[name] for name in one.weights if name in loss)
        for name, value in loss.items():
            lag = value / max(best, 1e-9) - 1
            behind.setdefault(name, [np.nan] * len(evidence))[at] = lag * _telling_share(one)
    return {
        name: float(np.exp(-STEEPNESS * max(_mean(values, age), 0.0)))
        for name, values in behind.items()
        if name != evidence[0].rule
    }


def _telling_share(one: Evidence) -> float:
    """How far the log losses of one date are believed: of those under contract few leave, and chance ranks the members."""
    if one.rule == SIMPLE:
        return 1.0
    n_rarer = float(min(one.outcome.sum(), len(one.outcome) - one.outcome.sum()))
    return n_rarer / (n_rarer + FEW_LEAVERS)


def _simple_share(evidence: Sequence[Evidence], age: Floats, verdict: Verdict) -> float:
    """How much of the answer the simple rule has: the mixture with the least log loss, at the level that came.

    It must gain to be let in at all, and after n dates has at most 1 - 0.5^n: one date's shared error passes for
    evidence, and a mean of both was never far behind the better one.
    """
    costs, dates = np.zeros(len(MIXTURES)), 0.0
    for one, counts in zip(evidence, age, strict=True):
        weights = verdict.applied({name: weight for name, weight in one.weights.items() if name in one.said})
        if one.rule not in one.said or not sum(weights.values()) > 0:
            continue
        blend, rule = (
            at_level_of(one.outcome, p) for p in (one.blended(weights, verdict.level), one.said[one.rule])
        )
        mixed = np.array([losses(one.outcome, (1 - g) * blend + g * rule).mean() for g in MIXTURES])
        costs += counts * (mixed / mixed.min() - 1)
        dates += counts
    if not dates:
        return 0.0
    best = MIXTURES[int(np.argmin(costs / dates + SIMPLE_MUST_GAIN * MIXTURES))]
    believed = max(map(_telling_share, evidence))
    return float(min(best * believed, 1 - 0.5 ** len(evidence)))


def earned(y: Floats, probability: Floats, blend: Floats) -> float:
    """How much of their weight the learned members keep, after one past date: 1 where the blend was ahead.

    With z the blend's lead over a probability member, the share is 2 Phi(z - 1/2), at most 1: where the world is one
    that it knows, learning from few outcomes only adds noise, and the learned members yield.
    """
    return float(min(1.0, 2 * ndtr(lead(y, blend, probability) - DOUBT)))


def lead(y: Floats, first: Floats, second: Floats) -> float:
    """By how many of its own standard errors the first did better than the second; infinite where they are the same.

    Both are first brought to the level that was observed, because the level of one date says little about
    the next (a season may have been missed by all); what is compared is who comes before whom, and how
    sharply.
    """
    known = np.isfinite(first) & np.isfinite(second)
    if not known.any() or not 0 < y[known].mean() < 1:
        return np.inf
    y = y[known]
    apart = losses(y, at_level_of(y, second[known])) - losses(y, at_level_of(y, first[known]))
    error = float(apart.std()) / np.sqrt(len(apart))
    return float(apart.mean()) / error if error > 0 else np.inf


def at_level_of(y: Floats, probability: Floats) -> Floats:
    """Probabilities brought to the share that came; what is unknown is that share."""
    share = float(np.mean(y))
    known = np.where(np.isnan(probability), share, probability)
    return share_of(log_odds_of(known, 1e-6) + shift_to(known, share))


def losses(y: Floats, probability: Floats) -> Floats:
    """Log loss of each row; what is unknown counts as the share that came."""
    p = np.clip(np.where(np.isnan(probability), y.mean(), probability), 1e-5, 1 - 1e-5)
    return np.asarray(-np.where(y > 0.5, np.log(p), np.log1p(-p)))
