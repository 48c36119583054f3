"""Effect: does care work, for whom, and how to prove it."""

from clientcare.effect.effect import CareEffect, care_effect
from clientcare.effect.holdout import HoldoutPlan, HoldoutResult, plan_holdout
from clientcare.effect.profit import ExpectedMaximumProfit, ProfitCurve, empc, profit_curve

__all__ = [
    "CareEffect",
    "ExpectedMaximumProfit",
    "HoldoutPlan",
    "HoldoutResult",
    "ProfitCurve",
    "care_effect",
    "empc",
    "plan_holdout",
    "profit_curve",
]
