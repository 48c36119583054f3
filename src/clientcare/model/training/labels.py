"""The user's own list of who is a client, checked."""

from __future__ import annotations

from typing import Any

import pandas as pd

from clientcare.exceptions import InputError


def own_labels(labels: Any, asker: str = "RelationshipModel.fit") -> pd.Series[Any]:
    """The user's list, checked; refused where it names a buyer twice or holds anything but True and False."""
    if not isinstance(labels, pd.Series) or labels.index.nlevels != 1:
        raise InputError(f"{asker}: labels must be a Series of bool indexed by buyer_id.")
    if labels.index.has_duplicates:
        n = int(labels.index.duplicated().sum())
        raise InputError(f"{asker}: labels name {n:,} buyers more than once.")
    strange = ~labels.dropna().isin([True, False])
    if strange.any():
        raise InputError(f"{asker}: {int(strange.sum()):,} labels are neither True nor False.")
    return labels.astype("Float64")


def require_some_named(labels: pd.Series[Any], buyers: pd.Index, asker: str) -> None:
    """Refuse a list that names nobody: its ids are of another kind, and it would be passed over in silence."""
    if len(labels) and len(buyers) and not labels.index.isin(buyers).any():
        raise InputError(
            f"{asker}: the {len(labels):,} labels name none of the {len(buyers):,} buyers.\n"
            "Index the labels by buyer_id, of the same kind as histories.buyer_ids."
        )
