"""What came after: who churned, who was a client, and over which horizon to ask."""

from clientcare.outcomes.churn import ChurnDefinition
from clientcare.outcomes.client import ClientDefinition
from clientcare.outcomes.dependence import DependenceRule
from clientcare.outcomes.horizon import HorizonSuggestion, suggest_horizon
from clientcare.outcomes.stage import STAGES, stage_of
from clientcare.outcomes.status import STATUSES, StatusRule, status_table

__all__ = [
    "STAGES",
    "STATUSES",
    "ChurnDefinition",
    "ClientDefinition",
    "DependenceRule",
    "HorizonSuggestion",
    "StatusRule",
    "stage_of",
    "status_table",
    "suggest_horizon",
]
