"""Fitting one question: its members on past snapshots, their judgement out of time, and how much each
counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtr

from clientcare.model.members.base import Floats, Member, log_odds_of, share_of
from clientcare.model.members.rules import BaseRate
from clientcare.model.training.blend import LEAST, Blend, shift_to, yielding_weights

PROBABILITY = ("lifetime", "rhythm")
"""The members that need no past outcomes; between them they have one weight."""
HALFWAY: dict[str, float] = {"lifetime": 0.0, "rhythm": 0.0, "linear": 30.0, "trees": 100.0}
"""Buyers of the rarer outcome at which a member counts half (see yielding_weights)."""
FULL: dict[str, float] = {"lifetime": 0.7, "rhythm": 0.7, "linear": 1.15, "trees": 1.15}
"""How much a member counts in the mean where all know enough."""
LEVEL_SHARE = 0.5
"""The lifetime member's share in the level: more than the probability members' share in the ranking. On simulated buyers
in a rhythm its level was as right as the rhythm member's, on real ones it held better."""
FAIR_WEIGHT = 0.2
"""Where the probability members weigh less of the blend than this, the level leans on them less in proportion."""
DOUBT = 0.5
"""Standard errors by which one must lead the other to be believed: the blend the probability members, for the learned
members to keep their full weight; the rhythm the lifetime member, to take half of its place."""
RULES = ("recency", "overdue")
LEAST_SHARE = 1e-3
CLEARLY = 2.0
SCALE = 0.05
N_RESAMPLES = 200

CANDIDATE_COLUMNS = (
    "target",
    "candidate",
    "weight",
    "as_of",
    "n_buyers",
    "base_rate",
    "log_loss",
    "log_loss_se",
    "gain_over_recency",
    "gain_over_recency_se",
    "gain_over_blend",
    "gain_over_blend_se",
)

Members = Callable[[], dict[str, Member]]


@dataclass(frozen=True, eq=False)
class Rows:
    """Buyers at past snapshots.

    Attributes
    ----------
    X : float64 array of shape (n_rows, n_columns)
    names : list of str
        The columns of X.
    date : int64 array of shape (n_rows,)
        Microseconds of each row's snapshot.
    buyer : int64 array of shape (n_rows,)
        The same number for the same buyer.
    """

    X: Floats
    names: list[str]
    date: NDArray[np.int64]
    buyer: NDArray[np.int64]

    def take(self, rows: NDArray[np.int64]) -> Rows:
        """Some of the rows, in their order."""
        return Rows(self.X.T.take(rows, axis=1).T, self.names, self.date[rows], self.buyer[rows])

    def __len__(self) -> int:
        return len(self.X)


@dataclass(frozen=True, eq=False)
class Question:
    """What one head is asked.

    Attributes
    ----------
    name : str
        churn, patronage, care_tie or client.
    rows : Rows
        All rows of past snapshots whose outcome is known, and of the present.
    outcome : float64 array of shape (n_rows,)
        1, 0, or NaN where it is not known.
    span_us : int
        How long after a row's date its outcome is known, in microseconds.
    as_of : int
        Now, in microseconds.
    n_snapshots : int
        How many past snapshots are pooled.
    members : callable
        Makes the unfitted members by name.
    """

    name: str
    rows: Rows
    outcome: Floats
    span_us: int
    as_of: int
    n_snapshots: int
    members: Members


@dataclass(frozen=True)
class Verdict:
    """What one past date says of how far the members can be believed.

    Attributes
    ----------
    earned : float, 0 to 1
        What the learned members keep of their weight, because together with them the probability members did better than
        alone. NaN: could not be judged.
    rhythm : float, 0 to 1
        The rhythm member's share of the weight that the probability members have. NaN: could not be judged.
    """

    earned: float = 1.0
    rhythm: float = 0.0

    @property
    def doubt(self) -> float:
        """0 where buyers were as the plainest model supposes, 1 where they clearly were not."""
        return max(self.earned, min(2 * self.rhythm - 1, 1.0), 0.0)

    def or_else(self, other: Verdict) -> Verdict:
        """The verdict; the other one where it is not known."""
        return Verdict(
            other.earned if np.isnan(self.earned) else self.earned,
            other.rhythm if np.isnan(self.rhythm) else self.rhythm,
        )

    def applied(self, weights: Mapping[str, float]) -> dict[str, float]:
        """The members' weights; a probability member alone keeps the weight of both."""
        shared = divided(weights, self.rhythm)
        if not any(name in shared for name in PROBABILITY):
            return shared
        return {
            name: weight * (1.0 if name in PROBABILITY else max(self.earned, LEAST_SHARE))
            for name, weight in shared.items()
        }


def divided(weights: Mapping[str, float], rhythm: float) -> dict[str, float]:
    """Weights in which the two probability members share the place of one."""
    if not all(name in weights for name in PROBABILITY):
        return dict(weights)
    shares = {"lifetime": max(1 - rhythm, LEAST_SHARE), "rhythm": rhythm if rhythm >= LEAST_SHARE else 0.0}
    return {name: weight * shares.get(name, 1.0) for name, weight in weights.items()}


@dataclass(frozen=True, eq=False)
class Head:
    """A fitted question: the blend, and what is known about how good it and its rivals are."""

    blend: Blend
    candidates: pd.DataFrame
    validation: pd.DataFrame | None
    verdict: Verdict


def fit_head(question: Question, judge: bool = True, verdict: Verdict | None = None) -> Head:
    """Fit the members as of now; judge them at the newest snapshot whose outcome is known.

    The judgement is a fit of its own, as of that snapshot, which saw nothing after it. ``verdict`` is
    what stands where nothing could be judged as of that snapshot: what was found on another question about the
    same buyers.
    """
    past = question.rows.date + question.span_us <= question.as_of
    dates = np.unique(question.rows.date[past & ~np.isnan(question.outcome)])
    judged = _judge(question, int(dates[-1])) if len(dates) and judge else None
    members, weights = _fit_members(question, question.as_of)
    verdict = verdict or Verdict()
    if judged is not None:
        weights = _after_judgement(weights, members, judged[0])
        verdict = judged[2].or_else(verdict)
    weights = verdict.applied(weights)
    blend = _for_everybody(question, _settled(question, question.as_of, members, weights))
    candidates = pd.DataFrame(columns=list(CANDIDATE_COLUMNS)) if judged is None else judged[0]
    if len(candidates):
        total = sum(blend.weights.values())
        shares = {name: weight / total for name, weight in blend.weights.items()}
        candidates.insert(2, "weight", [shares.get(name, np.nan) for name in candidates["candidate"]])
        candidates.loc[candidates["candidate"] == "blend", "weight"] = 1.0
    return Head(blend, candidates, None if judged is None else judged[1], verdict)


def _fit_members(question: Question, as_of: int) -> tuple[dict[str, Member], dict[str, float]]:
    """The members as they would have been fitted at a date, and their weights."""
    rows, y = question.rows, question.outcome
    known = ~np.isnan(y) & (rows.date + question.span_us <= as_of)
    dates = np.unique(rows.date[known])[-question.n_snapshots :]
    train = np.flatnonzero(known & np.isin(rows.date, dates))
    now = np.flatnonzero(rows.date == as_of)
    learned, outcome = rows.take(train), y[train]
    members: dict[str, Member] = {}
    for name, member in question.members().items():
        member.columns_, member.classes_ = rows.names, np.array([False, True])
        if not member._needs_outcome:
            member._fit(rows.take(now).X, np.empty(0))
        elif 0 < outcome.sum() < len(outcome):
            member._fit(learned.X, outcome)
        else:
            continue
        if getattr(member, "usable_", True):
            members[name] = member
    weights = _weights(members, learned, outcome)
    if not weights:
        members["base_rate"] = BaseRate().fit_share(int(outcome.sum()), len(outcome))
        weights = {"base_rate": 1.0}
    return members, weights


def _settled(
    question: Question, as_of: int, members: Mapping[str, Member], weights: Mapping[str, float]
) -> Blend:
    """The blend at the level of the buyers known at a date."""
    blend = Blend(members, weights)
    learned = sum(weight for name, weight in blend.weights.items() if name not in PROBABILITY)
    without_outcomes = sum(blend.weights.values()) - learned
    full = sum(FULL.get(name, 0.0) for name in blend.members if name not in PROBABILITY)
    share = 1 - (1 - LEVEL_SHARE) * (learned / full if full else 1.0)
    share *= min(1.0, without_outcomes / (learned + without_outcomes) / FAIR_WEIGHT)
    now = np.flatnonzero(question.rows.date == as_of)
    return blend.settle(question.rows.take(now).X, "lifetime", share)


def _for_everybody(question: Question, blend: Blend) -> Blend:
    """The blend, the share seen so far beside it where no member learned from outcomes.

    The probability model knows nothing of buyers without a purchase or under contract. The share answers
    for them; for all others it counts as good as nothing.
    """
    if any(member._needs_outcome for member in blend.members.values()):
        return blend
    seen = question.outcome[
        ~np.isnan(question.outcome) & (question.rows.date + question.span_us <= question.as_of)
    ]
    members = {**blend.members, "base_rate": BaseRate().fit_share(int(seen.sum()), len(seen))}
    return Blend(members, {**blend.weights, "base_rate": LEAST}, blend.shift)


def _weights(members: Mapping[str, Member], rows: Rows, outcome: Floats) -> dict[str, float]:
    counted = {name: HALFWAY[name] for name in members if name in HALFWAY}
    if counted and not any(name in counted for name in PROBABILITY):
        counted[min(counted, key=lambda name: counted[name])] = 0.0
    n_with = len(np.unique(rows.buyer[outcome > 0.5]))
    n_without = len(np.unique(rows.buyer[outcome < 0.5]))
    weights = yielding_weights(len(np.unique(rows.buyer)), min(n_with, n_without), counted)
    return {name: FULL[name] * weight for name, weight in weights.items() if weight > 0}


def _judge(question: Question, as_of: int) -> tuple[pd.DataFrame, pd.DataFrame, Verdict] | None:
    """Log loss of each candidate at a past date, with bootstrap standard errors over buyers; what the blend said there;
    and how far the members can be believed.
    """
    members, weights = _fit_members(question, as_of)
    test = np.flatnonzero((question.rows.date == as_of) & ~np.isnan(question.outcome))
    y, X = question.outcome[test], question.rows.take(test).X
    if len(y) == 0 or set(members) == {"base_rate"}:
        return None
    log_odds = {name: member._log_odds(X) for name, member in members.items()}
    said = {name: share_of(values) for name, values in log_odds.items()}
    rhythm = _rhythm_share(y, said) if all(name in said for name in PROBABILITY) else np.nan
    weights = divided(weights, np.nan_to_num(rhythm))
    blend = _settled(question, as_of, members, weights)
    said["blend"] = blend.probability(X)
    spread = blend.spread_of({name: log_odds[name] for name in blend.members})
    losses = {name: _losses(y, p) for name, p in said.items()}
    reference = losses.get("recency", _losses(y, np.full(len(y), 0.5)))
    draws = _draws(len(y))
    rows = []
    for name, loss in losses.items():
        rows.append(
            {
                "target": question.name,
                "candidate": name,
                "as_of": pd.Timestamp(as_of, unit="us"),
                "n_buyers": len(y),
                "base_rate": float(y.mean()),
                "log_loss": float(loss.mean()),
                "log_loss_se": float((draws @ loss / len(y)).std()),
                "gain_over_recency": float((reference - loss).mean()),
                "gain_over_recency_se": float((draws @ (reference - loss) / len(y)).std()),
                "gain_over_blend": float((losses["blend"] - loss).mean()),
                "gain_over_blend_se": float((draws @ (losses["blend"] - loss) / len(y)).std()),
            }
        )
    table = pd.DataFrame(rows).sort_values("log_loss", kind="stable", ignore_index=True)
    validation = pd.DataFrame({"row": test, "outcome": y, "probability": said["blend"], "spread": spread})
    earned = np.nan
    belief = divided({name: 1.0 for name in PROBABILITY if name in blend.members}, np.nan_to_num(rhythm))
    if belief and len(belief) < len(blend.members):
        parts = [share * _earned(y, said[name], said["blend"]) for name, share in belief.items()]
        earned = float(sum(parts) / sum(belief.values()))
    return table, validation, Verdict(earned, rhythm)


def _earned(y: Floats, probability: Floats, blend: Floats) -> float:
    """How much of their weight the learned members keep, after one past date: 1 where the blend was ahead.

    With z the blend's lead over a probability member, the share is 2 Phi(z - 1/2), at most 1: where the world is one
    that it knows, learning from few outcomes only adds noise, and the learned members yield. Of two probability members
    each counts as far as it is believed.
    """
    return float(min(1.0, 2 * ndtr(_lead(y, blend, probability) - DOUBT)))


def _rhythm_share(y: Floats, said: Mapping[str, Floats]) -> float:
    """The rhythm member's share beside the lifetime member, after one past date: Phi(z - 1/2), z its lead; NaN where all
    had one outcome.
    """
    if not 0 < y.sum() < len(y):
        return np.nan
    lead = _lead(y, said["rhythm"], said["lifetime"])
    return float(ndtr(lead - DOUBT)) if np.isfinite(lead) else 0.0


def _lead(y: Floats, first: Floats, second: Floats) -> float:
    """By how many of its own standard errors the first did better than the second; infinite where they are the same.

    Both are first brought to the level that was observed, because the level of one date says little about
    the next (a season may have been missed by all); what is compared is who comes before whom, and how
    sharply.
    """
    known = np.isfinite(first) & np.isfinite(second)
    share = float(y[known].mean()) if known.any() else 0.0
    if not 0 < share < 1:
        return np.inf
    y, losses = y[known], []
    for said in (first[known], second[known]):
        losses.append(_losses(y, share_of(log_odds_of(said, 1e-6) + shift_to(said, share))))
    lead = losses[1] - losses[0]
    error = float(lead.std()) / np.sqrt(len(lead))
    return float(lead.mean()) / error if error > 0 else np.inf


def _after_judgement(
    weights: dict[str, float], members: Mapping[str, Member], candidates: pd.DataFrame
) -> dict[str, float]:
    """Weights after the judgement: a member far behind the best counts little; a member close to it as
    before.

    Each weight is multiplied by exp(-(its log loss - the best member's) / 0.05). Differences of a
    hundredth, which one date cannot tell from chance, hardly matter; a member that does not fit the
    business at all is left out in effect. Where the recency rule beat the blend beyond chance, it
    stands alone.
    """
    figures = {str(row["candidate"]): row for row in candidates.to_dict("records")}
    recency = figures.get("recency") if "recency" in members else None
    if recency is not None and recency["gain_over_blend"] > CLEARLY * recency["gain_over_blend_se"]:
        return {"recency": 1.0}
    losses = {name: float(figures[name]["log_loss"]) for name in weights if name in figures}
    if not losses:
        return weights
    best = min(losses.values())
    return {
        name: weight * float(np.exp(-(losses.get(name, best) - best) / SCALE))
        for name, weight in weights.items()
    }


def _losses(y: Floats, probability: Floats) -> Floats:
    p = np.clip(np.where(np.isnan(probability), y.mean(), probability), 1e-5, 1 - 1e-5)
    return np.asarray(-np.where(y > 0.5, np.log(p), np.log1p(-p)))


def _draws(n_buyers: int) -> Floats:
    """How often each buyer is drawn in each resample; always the same for the same number."""
    rng = np.random.default_rng(n_buyers)
    draws = np.empty((N_RESAMPLES, n_buyers))
    for draw in draws:
        draw[:] = np.bincount(rng.integers(0, n_buyers, n_buyers), minlength=n_buyers)
    return draws
