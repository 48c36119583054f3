"""Why buyers stand in another stage than in the book before: the first cause that the two rows tell."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from clientcare.book import OWN_LIST

NEAR_BORDER = 0.05
"""Chances on both sides of one half and no further from it than this are the same to within their own error."""
MUCH_DEPENDENCE = 5.0
"""Points of dependence beyond which its signs have changed, and are not only a day older."""

CAUSES = (
    "your own list changed",
    "gone",
    "came back",
    "no longer new",
    "another model",
    "the class, close to the border",
    "dependence moved",
    "the class, by its probability",
    "still here: what is expected to go on",
)
"""In the order in which they are asked."""


def causes_of_moves(old: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """Counts of the buyers of two books who stand in another stage, by old stage, new stage and cause.

    Parameters
    ----------
    old, new : DataFrame indexed by buyer_id
        Books. Columns that a book of an older version lacks tell nothing.

    Returns
    -------
    DataFrame
        ``old``, ``new``, ``cause`` (one of :data:`CAUSES`), ``n_buyers``; the most first.

    Examples
    --------
    >>> old = pd.DataFrame({"stage": ["repeat customer"] * 2, "status": ["quiet", "active"],
    ...                     "client_probability": [0.1, 0.49]}, index=["a", "b"])
    >>> new = pd.DataFrame({"stage": ["former customer", "dependent client"], "status": ["gone", "active"],
    ...                     "client_probability": [0.1, 0.51]}, index=["a", "b"])
    >>> causes_of_moves(old, new)["cause"].tolist()
    ['the class, close to the border', 'gone']
    """
    both = old.index.intersection(new.index)
    columns = ["old", "new", "cause", "n_buyers"]
    if "stage" not in old or "stage" not in new or not len(both):
        return pd.DataFrame(columns=columns)
    before, after = old.loc[both], new.loc[both]
    from_stage, to_stage = _texts(before, "stage"), _texts(after, "stage")
    moved = from_stage != to_stage
    cause = np.select(_asked(before, after), list(CAUSES[:-1]), CAUSES[-1])
    told = pd.DataFrame({"old": from_stage[moved], "new": to_stage[moved], "cause": cause[moved]})
    counted = (
        told.groupby(["old", "new", "cause"], as_index=False).size().rename(columns={"size": "n_buyers"})
    )
    return counted.sort_values(
        ["n_buyers", "old", "new", "cause"], ascending=[False, True, True, True], ignore_index=True
    )[columns]


def _asked(before: pd.DataFrame, after: pd.DataFrame) -> list[Any]:
    """For each cause but the last, whether it is a buyer's."""
    was_gone, is_gone = _texts(before, "status") == "gone", _texts(after, "status") == "gone"
    listed = [np.char.endswith(_texts(one, "evidence").astype(str), OWN_LIST) for one in (before, after)]
    chances = [_numbers(one, "client_probability") for one in (before, after)]
    crossed = (chances[0] >= 0.5) != (chances[1] >= 0.5)
    near = np.maximum(np.abs(chances[0] - 0.5), np.abs(chances[1] - 0.5)) <= NEAR_BORDER
    depends = np.abs(_numbers(after, "dependence") - _numbers(before, "dependence"))
    return [
        (listed[0] != listed[1]) | (listed[0] & listed[1] & crossed),
        is_gone & ~was_gone,
        was_gone & ~is_gone,
        _texts(before, "stage") == "new buyer",
        _texts(before, "model_id") != _texts(after, "model_id"),
        crossed & near,
        crossed & (depends > MUCH_DEPENDENCE),
        crossed,
    ]


def _texts(book: pd.DataFrame, name: str) -> Any:
    return (
        book[name].astype(str).to_numpy(dtype=object)
        if name in book
        else np.full(len(book), "", dtype=object)
    )


def _numbers(book: pd.DataFrame, name: str) -> Any:
    return book[name].to_numpy(dtype=np.float64) if name in book else np.full(len(book), np.nan)
