"""The members of the model, in one list: whatever a member needs besides stands in its own class.

A class says under which name it stands in a blend, which questions it answers, what it learns from, how it is made for a
question, and how much it counts. Its codec is that of :class:`~clientcare.model.members.base.Member`.
"""

from __future__ import annotations

from typing import Any

from sklearn.base import clone

from clientcare.model.members.base import Asked, Member
from clientcare.model.members.buyer_types import RhythmMember
from clientcare.model.members.by_standing import LEARNERS, ByStanding
from clientcare.model.members.linear import RidgeLogistic
from clientcare.model.members.outside import OutsideLearner
from clientcare.model.members.pareto_nbd import LifetimeMember
from clientcare.model.members.rules import BaseRate, OverdueRule, RecencyRule
from clientcare.model.members.terms import TermMember, TwoNumbers
from clientcare.model.members.trees import ShallowBoosting

MEMBERS: tuple[type[Member], ...] = (
    RecencyRule,
    OverdueRule,
    LifetimeMember,
    RhythmMember,
    RidgeLogistic,
    ShallowBoosting,
    TwoNumbers,
    TermMember,
    ByStanding,
    BaseRate,
)
"""All members, in the order in which they are asked."""
KINDS: dict[str, type[Member]] = {kind.__name__: kind for kind in MEMBERS}
"""The members that a model file may hold."""
BY_NAME: dict[str, type[Member]] = {kind._name: kind for kind in MEMBERS if kind._name}
"""The members by their names in a blend."""


def members_for(asked: Asked, estimator: Any = None, by_phase: bool = False) -> dict[str, Member]:
    """The unfitted members that answer a question, by name; an estimator from outside takes the place of the trees.

    ``by_phase``: most buyers are under contract and terms have ends, so that learners look at the bound apart.

    Examples
    --------
    >>> list(members_for(Asked("client", 180)))
    ['recency', 'overdue', 'linear', 'trees']
    """
    members = {kind._name: kind._for(asked) for kind in MEMBERS if asked.question in kind._answers}
    if by_phase:
        for name, member in members.items():
            if (kind := type(member).__name__) in LEARNERS:
                members[name] = ByStanding(kind, member.get_params(deep=False), asked.horizon_days)
    if estimator is not None:
        members[ShallowBoosting._name] = OutsideLearner(clone(estimator))
    return members


def halfway_of(name: str) -> float | None:
    """Buyers of the rarer outcome at which a member counts half; None where it is only judged."""
    kind = BY_NAME.get(name)
    return None if kind is None else kind._halfway


def full_weight_of(name: str) -> float:
    """How much a member counts in the mean where all know enough; 0 where it is only judged."""
    kind = BY_NAME.get(name)
    return 0.0 if kind is None or kind._halfway is None else kind._full
