"""Effect: does care work, for whom, and how to prove it."""

from clientcare.effect.compliers import ComplierEffect
from clientcare.effect.effect import care_effect, effect_in_table
from clientcare.effect.found import CareEffect
from clientcare.effect.holdout import HoldoutPlan, HoldoutResult, plan_holdout
from clientcare.effect.profit import ExpectedMaximumProfit, ProfitCurve, empc, profit_curve

__all__ = [
    "CareEffect",
    "ComplierEffect",
    "ExpectedMaximumProfit",
    "HoldoutPlan",
    "HoldoutResult",
    "ProfitCurve",
    "care_effect",
    "effect_in_table",
    "empc",
    "plan_holdout",
    "profit_curve",
]
