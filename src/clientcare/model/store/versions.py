"""What becomes of model files of older versions: each is brought forward step by step, or refused by name.

========  =====================================================================================================
version   what it holds otherwise
========  =====================================================================================================
6         what is usual of clients
5         how far past dates were off, and what the base did before them
4         the rule of dependence; the definition of a client names the least
3         levels of attributes are digests unless they were allowed to be kept; ``(other)`` for the rare ones
2         levels of attributes as they are written; rare ones have no flag
1         was never released; refused
========  =====================================================================================================

Where a further version comes: raise :data:`SCHEMA_VERSION`, and give ``STEPS`` the function that makes its state of
the state before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from clientcare.exceptions import ModelFileError
from clientcare.model.store.fingerprint import fingerprint
from clientcare.model.training.trust import Trust

SCHEMA_VERSION = 6

State = dict[str, Any]


def _with_kept_levels(state: State) -> State:
    """From 2 to 3: what stood in the file as written may go on standing there."""
    encoding = state["learned"]["encoding"]
    encoding = {**encoding, "kept": list(encoding["levels"]), "others": []}
    params = {**state["params"], "keep_levels": True}
    return {**state, "params": params, "learned": {**state["learned"], "encoding": encoding}}


def _without_dependence(state: State) -> State:
    """From 3 to 4: what was learned before dependence was asked for goes on not asking for it."""
    client = {**state["learned"]["client"], "min_dependence": 0}
    rule = {"seen": [], "mean": float("nan")}
    return {
        **state,
        "learned": {**state["learned"], "client": client, "dependence": rule, "by_dependence": False},
    }


def _with_trust(state: State) -> State:
    """From 4 to 5: nothing is known of how far past dates were off, or of what came before them."""
    unknown = {"trust": Trust.earned([]).get_state(), "pulse": {"least": {}, "most": {}, "horizon_days": 1}}
    return {**state, "learned": {**state["learned"], **unknown}}


def _without_usual_client(state: State) -> State:
    """From 5 to 6: nothing is known of the usual client; everybody is compared with the usual buyer."""
    learned = state["learned"]
    return {**state, "learned": {**learned, "usual_client": np.full(len(learned["usual"]), np.nan)}}


STEPS: dict[int, Callable[[State], State]] = {
    2: _with_kept_levels,
    3: _without_dependence,
    4: _with_trust,
    5: _without_usual_client,
}
"""What makes of a version's state that of the next."""


def oldest() -> int:
    """The oldest version that steps lead from to ours.

    Examples
    --------
    >>> oldest()
    2
    """
    version = SCHEMA_VERSION
    while version - 1 in STEPS:
        version -= 1
    return version


def brought_forward(state: State, version: int) -> State:
    """The state of our version that a state of an older one becomes; it has a new name where it was changed.

    Raises
    ------
    ModelFileError
        Where it is not the state of that version.
    """
    for step in range(version, SCHEMA_VERSION):
        try:
            state = STEPS[step](state)
        except (LookupError, TypeError, AttributeError, ValueError) as cause:
            raise ModelFileError(
                f"model file: its state is not that of format version {version}, which it says it is.\n"
                "Fit the model again from its histories, and save it."
            ) from cause
    return state if version == SCHEMA_VERSION else {**state, "model_id": fingerprint(state["learned"])}
