"""clientcare: who is a dependent client, who a one-time customer, who is about to leave, and which care is due.

Everything a notebook or a pipeline needs is named here and loaded on first use, so that ``import clientcare`` costs
little more than ``import pandas``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # what type checkers and editors see; nothing of it is loaded before it is used
    from clientcare import btyd as btyd
    from clientcare import care as care
    from clientcare import datasets as datasets
    from clientcare import evaluation as evaluation
    from clientcare import exceptions as exceptions
    from clientcare import features as features
    from clientcare import history as history
    from clientcare import model as model
    from clientcare import money as money
    from clientcare import outcomes as outcomes
    from clientcare import report as report
    from clientcare import scoring as scoring
    from clientcare import spark as spark
    from clientcare.care import care_effect as care_effect
    from clientcare.care import care_plan as care_plan
    from clientcare.care import care_report as care_report
    from clientcare.care import plan_holdout as plan_holdout
    from clientcare.datasets import simulate_histories as simulate_histories
    from clientcare.evaluation import SnapshotSplit as SnapshotSplit
    from clientcare.evaluation.backtest import backtest as backtest
    from clientcare.features import feature_catalogue as feature_catalogue
    from clientcare.features import feature_table as feature_table
    from clientcare.features import write_feature_table as write_feature_table
    from clientcare.history import Histories as Histories
    from clientcare.history import guess_options as guess_options
    from clientcare.history import read_histories as read_histories
    from clientcare.model import RelationshipModel as RelationshipModel
    from clientcare.model import load_model as load_model
    from clientcare.money import buyer_value as buyer_value
    from clientcare.money import loss_book as loss_book
    from clientcare.money import renewals as renewals
    from clientcare.money import revenue as revenue
    from clientcare.outcomes import ChurnDefinition as ChurnDefinition
    from clientcare.outcomes import ClientDefinition as ClientDefinition
    from clientcare.outcomes import status_table as status_table
    from clientcare.outcomes import suggest_horizon as suggest_horizon
    from clientcare.report import write_report as write_report
    from clientcare.scoring import compare_scores as compare_scores
    from clientcare.scoring import sample_histories as sample_histories
    from clientcare.scoring import score_dataset as score_dataset

__version__ = "0.1.0"

_FACE = {
    "Histories": "clientcare.history",
    "read_histories": "clientcare.history",
    "guess_options": "clientcare.history",
    "feature_table": "clientcare.features",
    "write_feature_table": "clientcare.features",
    "feature_catalogue": "clientcare.features",
    "ChurnDefinition": "clientcare.outcomes",
    "ClientDefinition": "clientcare.outcomes",
    "suggest_horizon": "clientcare.outcomes",
    "status_table": "clientcare.outcomes",
    "RelationshipModel": "clientcare.model",
    "load_model": "clientcare.model",
    "backtest": "clientcare.evaluation",
    "SnapshotSplit": "clientcare.evaluation",
    "care_report": "clientcare.care",
    "care_plan": "clientcare.care",
    "care_effect": "clientcare.care",
    "plan_holdout": "clientcare.care",
    "renewals": "clientcare.money",
    "loss_book": "clientcare.money",
    "buyer_value": "clientcare.money",
    "revenue": "clientcare.money",
    "sample_histories": "clientcare.scoring",
    "score_dataset": "clientcare.scoring",
    "compare_scores": "clientcare.scoring",
    "write_report": "clientcare.report",
    "simulate_histories": "clientcare.datasets",
}
_ROOMS = (
    "btyd",
    "care",
    "datasets",
    "evaluation",
    "exceptions",
    "features",
    "history",
    "model",
    "money",
    "outcomes",
    "report",
    "scoring",
    "spark",
)

__all__ = ["__version__", *_FACE, *_ROOMS]


def __getattr__(name: str) -> Any:
    if name in _FACE:
        value = getattr(import_module(_FACE[name]), name)
    elif name in _ROOMS:
        value = import_module(f"clientcare.{name}")
    else:
        raise AttributeError(f"module 'clientcare' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
