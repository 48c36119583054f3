"""The form of a whole model: everything that its scores depend on fits together before anything is built from it."""

from __future__ import annotations

from typing import Any

from clientcare.exceptions import ClientcareError
from clientcare.model.members.forms import (
    MOST_DAYS,
    array,
    flag,
    mapping,
    plain,
    refuse,
    same,
    text,
    texts,
    whole,
)
from clientcare.model.members.registry import KINDS
from clientcare.model.store.fingerprint import fingerprint
from clientcare.model.store.valid.training import (
    MOST_MONEY,
    check_amounts,
    check_blend,
    check_dependence,
    check_encoding,
    check_interval,
    check_level,
    check_rhythm,
    check_status,
    check_table,
)
from clientcare.model.training.snapshots import EFFORTS
from clientcare.outcomes import ChurnDefinition, ClientDefinition
from clientcare.window import parse_days

TABLES = ("transactions", "interactions", "contracts", "buyers")
HEADS = ("churn", "patronage", "care_tie", "client")
STATE = ("learned", "params", "as_of", "n_buyers", "candidates", "training", "says", "model_id")
_TRAINING = ("target", "as_of", "n_buyers", "base_rate")
_CANDIDATES = ("target", "candidate", "weight", "as_of", "n_buyers", "base_rate", "log_loss")
_FLAGS = (
    "sees_all_ties",
    "owns_client_head",
    "by_own_labels",
    "patronage_from_churn",
    "learned_outcomes",
    "by_dependence",
)
_FORMS = {
    "churn", "client", "encoding", "heads", "levels", "interval", "amounts", "rhythm", "usual", "usual_client", "tables",
    "status", "dependence", *_FLAGS,
}  # fmt: skip


def check_name(state: Any) -> None:
    """The model's name is the fingerprint of what it learned: one changed number is another model.

    Raises
    ------
    ModelFileError
    """
    state = mapping(state, "state")
    if "learned" not in state or fingerprint(state["learned"]) != state.get("model_id"):
        raise refuse("model_id", "is not the fingerprint of what the model learned")


def check_state(
    state: Any,
    learned_names: tuple[str, ...],
    param_names: tuple[str, ...],
) -> None:
    """Everything that a model file must hold, each in its form.

    Parameters
    ----------
    state : anything
        As it was read.
    learned_names, param_names : tuple of str
        What a model keeps of what it learned, and its parameters.

    Raises
    ------
    ModelFileError
    """
    state = mapping(state, "state", STATE)
    params = mapping(state["params"], "params", param_names)
    whole(state["as_of"], "as_of", -(1 << 52), 1 << 52)
    whole(state["n_buyers"], "n_buyers", 0)
    check_table(state["candidates"], "candidates", _CANDIDATES)
    check_table(state["training"], "training", _TRAINING)
    texts(state["says"], "says", distinct=False)
    text(state["model_id"], "model_id")
    learned = mapping(state["learned"], "learned", learned_names)
    horizon_days = _check_definitions(learned)
    _check_params(params, horizon_days)
    _check_learned(learned, horizon_days)


def _check_params(params: dict[str, Any], horizon_days: int) -> None:
    text(params["effort"], "params.effort", EFFORTS)
    whole(params["random_state"], "params.random_state", 0, 1 << 32)
    try:
        asked = parse_days(text(params["horizon"], "params.horizon"))
    except ClientcareError:
        raise refuse("params.horizon", "is no length of time") from None
    same(asked, horizon_days, "params.horizon")
    for name in set(params) - {"effort", "random_state", "horizon"}:
        plain(params[name], f"params.{name}")


def _check_definitions(learned: dict[str, Any]) -> int:
    """What is asked: a churn and a client definition that their own classes take; the churn horizon in days."""
    for name, read in (("churn", ChurnDefinition.from_dict), ("client", ClientDefinition.from_dict)):
        values = mapping(learned[name], f"learned.{name}")
        whole(values.get("horizon_days"), f"learned.{name}.horizon_days", 1, MOST_DAYS)
        plain(values, f"learned.{name}")
        try:
            back = read(values).to_dict()
        except (ClientcareError, TypeError, ValueError, LookupError):
            raise refuse(f"learned.{name}", "describes no definition of ours") from None
        same(back, values, f"learned.{name}")
    return int(learned["churn"]["horizon_days"])


def _check_learned(learned: dict[str, Any], horizon_days: int) -> None:
    names = check_encoding(learned["encoding"], "learned.encoding")
    heads = mapping(learned["heads"], "learned.heads")
    if not {"churn", "patronage"} <= set(heads) <= set(HEADS):
        raise refuse("learned.heads", "asks other questions than ours")
    for name, blend in heads.items():
        check_blend(blend, KINDS, names, f"learned.heads.{name}")
    for name, level in mapping(learned["levels"], "learned.levels", ("churn", "patronage")).items():
        check_level(level, f"learned.levels.{name}")
    check_interval(learned["interval"], "learned.interval")
    check_amounts(learned["amounts"], names, horizon_days, "learned.amounts")
    check_rhythm(learned["rhythm"], "learned.rhythm")
    for usual in ("usual", "usual_client"):
        array(learned[usual], f"learned.{usual}", "f", (len(names),), -MOST_MONEY, MOST_MONEY, unknown=True)
    texts(learned["tables"], "learned.tables", TABLES)
    for name in _FLAGS:
        flag(learned[name], f"learned.{name}")
    same(learned["owns_client_head"], "client" in heads, "learned.owns_client_head")
    if learned["by_own_labels"] and "client" not in heads:
        raise refuse("learned.by_own_labels", "is true of a model that learned from no list")
    check_status(learned["status"], "learned.status")
    check_dependence(learned["dependence"], "learned.dependence")
    for name in set(learned) - _FORMS:
        plain(learned[name], f"learned.{name}")
