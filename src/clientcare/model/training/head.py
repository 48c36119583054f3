"""Fitting one question: its members on past snapshots, their judgement out of time, and how much each
counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clientcare.model.members.base import Floats, Member, share_of
from clientcare.model.members.by_standing import ByStanding
from clientcare.model.members.registry import full_weight_of, halfway_of
from clientcare.model.members.rules import BaseRate
from clientcare.model.members.terms import AGE, OfTerms
from clientcare.model.training.blend import LEAST, Blend, yielding_weights
from clientcare.model.training.judgement import (
    LEAST_SHARE,
    PROBABILITY,
    SIMPLE,
    Evidence,
    Verdict,
    divided,
    losses,
)
from clientcare.model.training.judgement import judge as judge_dates
from clientcare.model.training.question import Question
from clientcare.model.training.rows import Rows

LEVEL_SHARE = 0.5
"""The lifetime member's share in the level: more than the probability members' share in the ranking. On simulated buyers
in a rhythm its level was as right as the rhythm member's, on real ones it held better."""
FAIR_WEIGHT = 0.2
"""Where the probability members weigh less of the blend than this, the level leans on them less in proportion."""
APART_HALFWAY = 150.0
"""Leavers at which a learner that looks at the bound apart counts half beside the term member. On ten simulated dates of 60
buyers (some 20 leavers) the ridge at its full weight cost 2 points of log loss, at a tenth nothing; of 300 it made no
difference."""
OLDER_BUYERS = 4_000
"""Dates before the newest are judged on so many buyers at most: enough to tell a hundredth of log loss."""
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


@dataclass(frozen=True, eq=False)
class PastAnswer:
    """What the question's answer would have been at a past date, and what came.

    Attributes
    ----------
    date : int
        Microseconds.
    outcome, probability : float64 arrays of shape (n_buyers,)
    """

    date: int
    outcome: Floats
    probability: Floats


@dataclass(frozen=True, eq=False)
class Head:
    """A fitted question: the blend, and what is known about how good it and its rivals are.

    ``past`` holds, the newest first, what the members, weighed as they are now, would have answered at each judged date.
    """

    blend: Blend
    candidates: pd.DataFrame
    validation: pd.DataFrame | None
    verdict: Verdict
    past: tuple[PastAnswer, ...] = ()


def fit_head(question: Question, judge: bool = True, verdict: Verdict | None = None) -> Head:
    """Fit the members as of now; judge them at past dates whose outcome is known.

    Each judgement is a fit of its own, as of that date, which saw nothing after it. ``verdict`` is what stands where
    nothing could be judged: what was found on another question about the same buyers.
    """
    evidence = _evidence(question) if judge else []
    members, weights = _fit_members(question, question.as_of)
    verdict = verdict or Verdict()
    if evidence:
        verdict = judge_dates([one.evidence for one in evidence]).or_else(verdict)
    weights = verdict.applied(weights)
    blend = _for_everybody(question, _settled(question, members, weights, verdict.level))
    if not evidence:
        return Head(blend, pd.DataFrame(columns=list(CANDIDATE_COLUMNS)), None, verdict)
    candidates, validation = _candidates(question, evidence[0], verdict.rhythm)
    total = sum(blend.weights.values())
    shares = {name: weight / total for name, weight in blend.weights.items()}
    candidates.insert(2, "weight", [shares.get(name, np.nan) for name in candidates["candidate"]])
    candidates.loc[candidates["candidate"] == "blend", "weight"] = 1.0
    past = tuple(_answered(one.evidence, verdict) for one in evidence)
    return Head(blend, candidates, validation, verdict, tuple(one for one in past if one is not None))


def _fit_members(question: Question, as_of: int) -> tuple[dict[str, Member], dict[str, float]]:
    """The members as they would have been fitted at a date, and their weights."""
    rows, y = question.rows, question.outcome
    known = ~np.isnan(y) & (rows.date + question.span_us <= as_of)
    dates = np.unique(rows.date[known])[-question.n_snapshots :]
    train = np.flatnonzero(known & np.isin(rows.date, dates))
    now = np.flatnonzero(rows.date == as_of)
    outcome = y[train]
    members: dict[str, Member] = {}
    for name, member in question.members().items():
        member.columns_, member.classes_ = rows.names, np.array([False, True])
        if isinstance(member, OfTerms):
            if question.bound is None or not question.bound.teach(member, as_of):
                continue
            member._place(rows.names)
        elif not member._needs_outcome:
            member._fit(question.take(now).X, np.empty(0))
        elif 0 < outcome.sum() < len(outcome):
            with question.seen():
                member._fit_some(rows.X, train, outcome)
        else:
            continue
        if getattr(member, "usable_", True):
            members[name] = member
    weights = _weights(members, rows, train, outcome)
    weights = _divided_by_belief(question, as_of, weights, members)
    if not any(members[name]._knows_all for name in weights):
        members["base_rate"] = BaseRate().fit_share(int(outcome.sum()), len(outcome))
        weights["base_rate"] = LEAST if weights else 1.0
    return members, weights


def _divided_by_belief(
    question: Question, as_of: int, weights: dict[str, float], members: Mapping[str, Member]
) -> dict[str, float]:
    """Weights in which the term member shares its place with the two numbers, as far as past dates spoke against it.

    It is itself drawn towards a level each for ends and for the rest; where nothing could be compared it keeps its place.
    """
    if "term" not in weights or "two_numbers" not in members or question.bound is None:
        return weights

    def both() -> tuple[Member, Member]:
        made = question.members()
        return made["term"], made["two_numbers"]

    belief = min(1.0, 2 * question.bound.belief(both, as_of))
    shares = {"term": belief, "two_numbers": 1 - belief}
    full = weights["term"]
    return {**weights, **{name: max(share, LEAST_SHARE) * full for name, share in shares.items()}}


def _settled(
    question: Question, members: Mapping[str, Member], weights: Mapping[str, float], believed: float
) -> Blend:
    """The blend at the level of the buyers known now."""
    blend = Blend(members, weights)
    now = np.flatnonzero(question.rows.date == question.as_of)
    return blend.settle(question.take(now).X, "lifetime", believed * _level_share(blend))


def _level_share(blend: Blend) -> float:
    """The lifetime member's share in the level, where it is believed; less where the probability members hardly count."""
    counted = {name: weight for name, weight in blend.weights.items() if full_weight_of(name) > 0}
    learned = sum(weight for name, weight in counted.items() if name not in PROBABILITY)
    without_outcomes = sum(counted.values()) - learned
    full = sum(full_weight_of(name) for name in counted if name not in PROBABILITY)
    share = 1 - (1 - LEVEL_SHARE) * (learned / full if full else 1.0)
    return share * min(1.0, without_outcomes / max(learned + without_outcomes, LEAST) / FAIR_WEIGHT)


def _for_everybody(question: Question, blend: Blend) -> Blend:
    """The blend, the share seen so far beside it where no member learned from outcomes.

    The probability model knows nothing of buyers without a purchase or under contract. The share answers
    for them; for all others it counts as good as nothing.
    """
    if any(member._needs_outcome and member._knows_all for member in blend.members.values()):
        return blend
    seen = question.outcome[
        ~np.isnan(question.outcome) & (question.rows.date + question.span_us <= question.as_of)
    ]
    members = {**blend.members, "base_rate": BaseRate().fit_share(int(seen.sum()), len(seen))}
    return Blend(members, {**blend.weights, "base_rate": LEAST}, blend.shift)


def _weights(
    members: Mapping[str, Member], rows: Rows, train: NDArray[np.int64], outcome: Floats
) -> dict[str, float]:
    counted = {name: half for name in members if (half := halfway_of(name)) is not None}
    for_all = {name: half for name, half in counted.items() if members[name]._knows_all}
    if for_all and not any(name in for_all for name in PROBABILITY):
        counted[min(for_all, key=lambda name: for_all[name])] = 0.0
    counts, buyer = np.ones(len(train), dtype=bool), rows.buyer[train]
    if _apart(members):
        counts = _under_contract(rows)[train]
    if "term" in members:
        counted |= {name: APART_HALFWAY for name in counted if isinstance(members[name], ByStanding)}
    n_with = len(np.unique(buyer[(outcome > 0.5) & counts]))
    n_without = len(np.unique(buyer[(outcome < 0.5) & counts]))
    weights = yielding_weights(len(np.unique(buyer)), min(n_with, n_without), counted)
    least = LEAST_SHARE if "term" in members else 0.0  # of who is not bound only these know
    weights = {name: max(weight, least) for name, weight in weights.items()}
    return {name: full_weight_of(name) * weight for name, weight in weights.items() if weight > 0}


def _apart(members: Mapping[str, Member]) -> bool:
    """Whether learners look at the bound apart from the others: the business is one of terms."""
    return any(isinstance(member, ByStanding) for member in members.values())


def _under_contract(rows: Rows) -> NDArray[np.bool_]:
    known = rows.X[:, rows.names.index(AGE)] if AGE in rows.names else np.full(len(rows), np.nan)
    return np.isfinite(known)


@dataclass(frozen=True, eq=False)
class _Judged:
    """One past date: its rows, the members fitted as of it, and what they said."""

    rows: NDArray[np.int64]
    log_odds: dict[str, Floats]
    members: dict[str, Member]
    evidence: Evidence


def _evidence(question: Question) -> list[_Judged]:
    """The newest date with a known outcome, and those a whole outcome before each other, newest first."""
    known = question.rows.date + question.span_us <= question.as_of
    dates = np.unique(question.rows.date[known & ~np.isnan(question.outcome)])
    found: list[_Judged] = []
    latest = question.as_of
    for _ in range(question.n_judged):
        dates = dates[dates <= latest - question.span_us]
        if not len(dates):
            break
        latest = int(dates[-1])
        judged = _judged(question if not found else _thinned(question), latest)
        if judged is None:
            break
        found.append(judged)
    return found


def _thinned(question: Question) -> Question:
    """The question asked of some of the buyers: every second, third ... of them."""
    every = max(1, -(-(int(question.rows.buyer.max(initial=0)) + 1) // OLDER_BUYERS))
    if every == 1:
        return question
    rows = np.flatnonzero(question.rows.buyer % every == 0)
    return replace(question, rows=question.rows.take(rows), outcome=question.outcome[rows])


def _judged(question: Question, date: int) -> _Judged | None:
    """Members fitted as of a past date, beside what came; None where nothing was there to be judged.

    In a business of terms the bound are judged alone: the long gone have a sure answer, and would carry any verdict.
    """
    members, weights = _fit_members(question, date)
    test = np.flatnonzero((question.rows.date == date) & ~np.isnan(question.outcome))
    rule = SIMPLE
    if _apart(members) and (bound := _under_contract(question.rows.take(test))).any():
        test, rule = test[bound], "two_numbers"
    if len(test) == 0 or set(members) == {"base_rate"}:
        return None
    X = question.take(test).X
    log_odds = {name: member._log_odds(X) for name, member in members.items()}
    log_odds = {name: values for name, values in log_odds.items() if not np.isnan(values).all()}
    members = {name: member for name, member in members.items() if name in log_odds}
    weights = {name: weight for name, weight in weights.items() if name in log_odds}
    if not sum(weights.values()) > 0:
        return None
    said = {name: share_of(values) for name, values in log_odds.items()}

    def blended(counted: Mapping[str, float], believed: float) -> Floats:
        blend = Blend(members, counted)
        own = {name: said[name] for name in blend.members}
        return blend.settle_on(own, "lifetime", believed * _level_share(blend)).of_members(own)

    evidence = Evidence(date, question.outcome[test], said, weights, blended, rule)
    return _Judged(test, log_odds, members, evidence)


def _answered(evidence: Evidence, verdict: Verdict) -> PastAnswer | None:
    """What the members would have said together at a past date, weighed as they are now."""
    weights = verdict.applied({name: w for name, w in evidence.weights.items() if name in evidence.said})
    weights = {name: weight for name, weight in weights.items() if name in evidence.said}
    if not sum(weights.values()) > 0:
        return None
    return PastAnswer(evidence.date, evidence.outcome, evidence.blended(weights, verdict.level))


def _candidates(question: Question, judged: _Judged, rhythm: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Log loss of each candidate at a past date, with bootstrap standard errors; and what the blend said there."""
    y, said = judged.evidence.outcome, dict(judged.evidence.said)
    weights = divided(judged.evidence.weights, np.nan_to_num(rhythm))
    blend = Blend(judged.members, weights)
    said["blend"] = judged.evidence.blended(weights, 1.0)
    spread = blend.spread_of({name: judged.log_odds[name] for name in blend.members})
    lost = {name: losses(y, p) for name, p in said.items()}
    reference = lost.get("recency", losses(y, np.full(len(y), 0.5)))
    draws = _draws(len(y))
    rows = []
    for name, loss in lost.items():
        rows.append(
            {
                "target": question.name,
                "candidate": name,
                "as_of": pd.Timestamp(judged.evidence.date, unit="us"),
                "n_buyers": len(y),
                "base_rate": float(y.mean()),
                "log_loss": float(loss.mean()),
                "log_loss_se": float((draws @ loss / len(y)).std()),
                "gain_over_recency": float((reference - loss).mean()),
                "gain_over_recency_se": float((draws @ (reference - loss) / len(y)).std()),
                "gain_over_blend": float((lost["blend"] - loss).mean()),
                "gain_over_blend_se": float((draws @ (lost["blend"] - loss) / len(y)).std()),
            }
        )
    table = pd.DataFrame(rows).sort_values("log_loss", kind="stable", ignore_index=True)
    validation = pd.DataFrame(
        {
            "row": judged.rows,
            "outcome": y,
            "probability": said["blend"],
            "spread": spread,
            "unsure": blend.unsure(question.rows.take(judged.rows).X),
        }
    )
    return table, validation


def _draws(n_buyers: int) -> Floats:
    """How often each buyer is drawn in each resample; always the same for the same number."""
    rng = np.random.default_rng(n_buyers)
    draws = np.empty((N_RESAMPLES, n_buyers))
    for draw in draws:
        draw[:] = np.bincount(rng.integers(0, n_buyers, n_buyers), minlength=n_buyers)
    return draws
