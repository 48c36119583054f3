"""The relationship model and the members it is made of."""

from clientcare.model.lifetime import LifetimeMember
from clientcare.model.linear import RidgeLogistic
from clientcare.model.reasons import Explanation
from clientcare.model.relationship import RelationshipModel, load_model
from clientcare.model.rhythm_member import RhythmMember
from clientcare.model.rules import BaseRate, OverdueRule, RecencyRule
from clientcare.model.trees import ShallowBoosting

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
