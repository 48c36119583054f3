"""Small tables and lists on their way in and out of a model."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pandas as pd

from clientcare.arguments import listed
from clientcare.exceptions import InputError
from clientcare.history.histories import Histories
from clientcare.history.population import known_buyers
from clientcare.model.members.base import Floats
from clientcare.window import microseconds, timestamp_of


def columns_by_name(X: Floats, names: list[str]) -> Callable[[str], Floats]:
    """A function from a column's name to its values; all NaN for a column that is not there."""
    place = {name: number for number, name in enumerate(names)}
    unknown = np.full(len(X), np.nan)
    return lambda name: X[:, place[name]] if name in place else unknown


def known_ids(past: Histories, moment: pd.Timestamp, buyers: Iterable[Any] | str | int) -> pd.Index:
    """The buyers asked for (a list, or one id), in the order of the histories; refused where some are not known."""
    asked = pd.Index(listed("explain: buyers", buyers, "buyer ids")).unique()
    if len(asked) == 0:
        raise InputError("explain: an empty list. Ask for at least one buyer, or for all: buyers=None.")
    places = past.buyer_ids.get_indexer(asked)
    known = np.zeros(len(past.buyer_ids) + 1, dtype=bool)  # the last stands for who is not there: place -1
    known[known_buyers(past, moment)] = True
    n_unknown = int(np.count_nonzero(~known[places]))
    if n_unknown:
        raise InputError(
            f"explain: {n_unknown:,} of {len(asked):,} buyers asked for are not known at {moment:%Y-%m-%d}.\n"
            "Ask for buyers in the index of score(histories, as_of)."
        )
    return past.buyer_ids.take(np.sort(places))


def table_state(table: pd.DataFrame) -> dict[str, Any]:
    """A small table as lists; moments as microseconds."""
    columns = {}
    for name in table.columns:
        values = table[name]
        if pd.api.types.is_datetime64_any_dtype(values.dtype):
            columns[str(name)] = [microseconds(value) for value in values]
        else:
            columns[str(name)] = [
                value.item() if isinstance(value, np.generic) else value for value in values
            ]
    return columns


def table_of(columns: dict[str, Any]) -> pd.DataFrame:
    """The table that table_state told of."""
    table = pd.DataFrame(columns)
    if "as_of" in table:
        table["as_of"] = [timestamp_of(value) for value in table["as_of"]]
    return table


def same_card(first: Any, second: Any) -> bool:
    """Whether two cards say the same; what is not known is the same as what is not known.

    Examples
    --------
    >>> same_card({"gain": float("nan"), "says": ("a",)}, {"gain": float("nan"), "says": ["a"]})
    True
    """
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(same_card(first[name], second[name]) for name in first)
    if isinstance(first, (list, tuple)) and isinstance(second, (list, tuple)):
        return len(first) == len(second) and all(map(same_card, first, second))
    both_unknown = first != first and second != second
    return bool(both_unknown or (type(first) is type(second) and first == second))


def plain_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table as plain values, for a card."""
    rows = table.copy()
    if "as_of" in rows:
        rows["as_of"] = pd.to_datetime(rows["as_of"]).dt.strftime("%Y-%m-%d")
    numbers = rows.select_dtypes("number").columns
    rows[numbers] = rows[numbers].astype(float).round(5)
    return [
        {str(name): (None if value != value else value) for name, value in row.items()}
        for row in rows.to_dict("records")
    ]


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
