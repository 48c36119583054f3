"""Care: who is under it, what is due, what it does, and whom to care for next."""

from clientcare.care.health import HealthScore, TierWarning, health_facts
from clientcare.care.plan import care_plan
from clientcare.care.practices import care_practices
from clientcare.care.report_card import CareReport, care_report
from clientcare.care.warning import EarlyWarning, early_warning, warn_with_model
from clientcare.effect.effect import care_effect
from clientcare.effect.found import CareEffect
from clientcare.effect.holdout import HoldoutPlan, HoldoutResult, plan_holdout
from clientcare.effect.profit import ExpectedMaximumProfit, ProfitCurve, empc, profit_curve

__all__ = [
    "CareEffect",
    "CareReport",
    "EarlyWarning",
    "ExpectedMaximumProfit",
    "HealthScore",
    "HoldoutPlan",
    "HoldoutResult",
    "ProfitCurve",
    "TierWarning",
    "care_effect",
    "care_plan",
    "care_practices",
    "care_report",
    "early_warning",
    "empc",
    "health_facts",
    "plan_holdout",
    "profit_curve",
    "warn_with_model",
]
