"""The relationship model and the members it is made of."""

from clientcare.model.loading import load_model
from clientcare.model.members.buyer_types import RhythmMember
from clientcare.model.members.linear import RidgeLogistic
from clientcare.model.members.pareto_nbd import LifetimeMember
from clientcare.model.members.rules import BaseRate, OverdueRule, RecencyRule
from clientcare.model.members.trees import ShallowBoosting
from clientcare.model.reasons.explanation import Explanation
from clientcare.model.relationship import RelationshipModel

__all__ = [
    "BaseRate",
    "Explanation",
    "LifetimeMember",
    "OverdueRule",
    "RecencyRule",
    "RelationshipModel",
    "RhythmMember",
    "RidgeLogistic",
    "ShallowBoosting",
    "load_model",
]
