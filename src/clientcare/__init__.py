"""clientcare: who is a dependent client, who a one-time customer, who is about to leave, and which care is due.

Everything a notebook or a pipeline needs is named here and loaded on first use, so that ``import clientcare`` costs
little more than ``import pandas``.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_FACE = {
    "Histories": "clientcare.history",
    "read_histories": "clientcare.history",
    "feature_table": "clientcare.features",
    "write_feature_table": "clientcare.features",
    "feature_catalogue": "clientcare.features",
    "ChurnDefinition": "clientcare.outcomes",
    "ClientDefinition": "clientcare.outcomes",
    "suggest_horizon": "clientcare.outcomes",
    "RelationshipModel": "clientcare.model",
    "load_model": "clientcare.model",
    "backtest": "clientcare.evaluation",
    "care_report": "clientcare.care",
    "care_plan": "clientcare.care",
    "care_effect": "clientcare.care",
    "plan_holdout": "clientcare.care",
    "score_dataset": "clientcare.scoring",
    "compare_scores": "clientcare.scoring",
    "write_report": "clientcare.report",
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
    "outcomes",
    "report",
    "scoring",
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
    return sorted({*globals(), *__all__})
