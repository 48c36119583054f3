"""Static attributes of buyers as columns: what the ``buyers`` table says, as it is given."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from clientcare.features.snapshot import Snapshot

PREFIX = "buyer_"
LINKS = frozenset({"referred_by"})
"""Columns that point to another buyer: no attribute to learn from."""
DATED_STATUS = ("status", "status_at")
"""A status that the user states from a date on: told by the status of the book, no attribute that held at every date."""


def static_columns(at: Snapshot, attributes: pd.DataFrame | None) -> Iterator[tuple[str, Any]]:
    """Name and values of each attribute, prefixed with ``buyer_``.

    ``attributes`` are those of the snapshot's histories, as they are known at the latest date of the table.

    Numbers stay numbers and truth values become 0 and 1 (float64, NaN = unknown). A date becomes
    ``days_since_buyer_<name>``, NaN where it is unknown or not before ``as_of``. Everything else stays a text
    (pandas ``category``, its categories sorted; missing = unknown).
    """
    if attributes is None:
        return
    buyers = attributes
    stated = set(DATED_STATUS) if set(DATED_STATUS) <= set(buyers.columns) else set()
    for name in [name for name in buyers.columns if name not in LINKS | stated]:
        values = buyers[name].iloc[at.buyers]
        if pd.api.types.is_datetime64_any_dtype(values.dtype):
            yield f"days_since_{PREFIX}{name}", _days_since(values, at)
        elif pd.api.types.is_bool_dtype(values.dtype) or pd.api.types.is_numeric_dtype(values.dtype):
            yield f"{PREFIX}{name}", values.to_numpy(dtype=np.float64, na_value=np.nan)
        else:
            texts = buyers[name].dropna().astype(str)
            kept = values.astype(object).where(values.notna(), None).map(str, na_action="ignore")
            categories = pd.Index(sorted(texts.unique()), dtype=object)
            yield f"{PREFIX}{name}", pd.Categorical(kept.to_list(), categories=categories)


def _days_since(values: pd.Series[Any], at: Snapshot) -> Any:
    naive = (
        values.dt.tz_convert(at.histories.timezone or "UTC").dt.tz_localize(None) if values.dt.tz else values
    )
    days = (at.as_of.normalize() - naive.dt.normalize()).dt.days.to_numpy(dtype=np.float64, na_value=np.nan)
    return np.where(naive.to_numpy() < np.datetime64(at.as_of), days, np.nan)
