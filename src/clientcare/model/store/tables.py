"""Small tables in a model file and on its card."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from clientcare.model.members.forms import refuse
from clientcare.window import microseconds, timestamp_of


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


def require_same_card(own: Any, written: Any) -> None:
    """Refuse a file whose card tells of another model than the one in it.

    Raises
    ------
    ModelFileError
    """
    if not same_card(own, written):
        raise refuse("card", "says another thing than the model")
