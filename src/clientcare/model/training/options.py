"""Which parameters of a model make sense."""

from __future__ import annotations

from typing import Any

from clientcare.arguments import is_one_of, require_seed
from clientcare.exceptions import OptionError
from clientcare.model.training.snapshots import EFFORTS
from clientcare.outcomes import ClientDefinition


def check_options(model: Any) -> None:
    """Refuse parameters that make no sense.

    Raises
    ------
    OptionError
    """
    if not is_one_of(model.effort, EFFORTS):
        raise OptionError(f"RelationshipModel: effort must be one of {', '.join(EFFORTS)}.")
    if model.client is not None and not isinstance(model.client, ClientDefinition):
        raise OptionError("RelationshipModel: client must be a ClientDefinition, or None for the usual one.")
    if model.estimator is not None and (
        isinstance(model.estimator, type) or not hasattr(model.estimator, "get_params")
    ):
        raise OptionError(
            "RelationshipModel: estimator must be a scikit-learn classifier, made but not fitted: "
            "HistGradientBoostingClassifier(), not its class or name."
        )
    require_seed("RelationshipModel: random_state", model.random_state)
    if model.keep_levels not in (None, True, False) and not (
        isinstance(model.keep_levels, (list, tuple))
        and all(isinstance(one, str) for one in model.keep_levels)
    ):
        raise OptionError(
            "RelationshipModel: keep_levels must be True, None, or a list of attributes: ['plan', 'region']."
        )
