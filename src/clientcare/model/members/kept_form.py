"""The form of a member in a model file: its kind, its options, its columns; the rest its own class looks at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from clientcare.model.members.base import Member
from clientcare.model.members.forms import MOST_DAYS, items, mapping, plain, refuse, text, texts, whole

MOST_PARTS = 24
"""Of a horizon that somebody may be asked to have bought in."""


def check_kept(
    name: str, state: Any, kinds: Mapping[str, type[Member]], names: list[str], where: str
) -> None:
    """One member of a blend: its kind, its options, and what it learned over the model's columns.

    Raises
    ------
    ModelFileError
    """
    kind, inner = items(state, where, 2)
    kind = text(kind, f"{where} ({name})", kinds)
    parts = mapping(inner, where, ("params", "fitted"))
    params = mapping(parts["params"], f"{where}.params", kinds[kind]._get_param_names())
    plain(params, f"{where}.params")
    _check_params(params, f"{where}.params")
    fitted = dict(mapping(parts["fitted"], f"{where}.fitted"))
    classes = fitted.pop("classes_", None)
    if not isinstance(classes, np.ndarray) or classes.dtype != bool or classes.tolist() != [False, True]:
        raise refuse(where, "tells other outcomes apart than yes and no")
    columns = texts(fitted.pop("columns_", None), f"{where}.columns_")
    if columns and columns != names:
        raise refuse(where, "was learned over other columns than the model's")
    if not columns and kind != "BaseRate":
        raise refuse(where, "was learned over no columns")
    kinds[kind]._check_fitted(params, fitted, names, where)


def _check_params(params: dict[str, Any], where: str) -> None:
    """Options that how long a loop runs depends on."""
    for name in ("horizon_days", "rhythm_days"):
        if name in params:
            whole(params[name], f"{where}.{name}", 1, MOST_DAYS)
    if "periods" in params:
        periods = whole(params["periods"], f"{where}.periods", 0, MOST_PARTS)
        whole(params["min_periods"], f"{where}.min_periods", min(periods, 1), periods)
