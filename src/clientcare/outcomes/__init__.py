"""What came after: who churned, who was a client, and over which horizon to ask."""

from clientcare.outcomes.churn import ChurnDefinition
from clientcare.outcomes.client import ClientDefinition
from clientcare.outcomes.horizon import HorizonSuggestion, suggest_horizon
from clientcare.outcomes.stage import STAGES, stage_of

__all__ = [
    "STAGES",
    "ChurnDefinition",
    "ClientDefinition",
    "HorizonSuggestion",
    "stage_of",
    "suggest_horizon",
]
