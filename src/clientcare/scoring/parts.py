"""Scoring in parts: the two functions with which any engine scores what no machine holds.

``partition`` says which part a buyer belongs to, ``score_partition`` scores all rows of one part. Spark,
Dask and :func:`score_dataset` are shuffles around these two.
"""

from __future__ import annotations

import warnings
from typing import Any, Unpack

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from clientcare.exceptions import BeyondDataWarning, NotEnoughDataError, OptionError
from clientcare.history import Histories
from clientcare.history.door.schema import ColumnMap
from clientcare.history.door.scope import ATTRIBUTE_KINDS, part_of_a_table
from clientcare.history.options import DoorOptions, shows_door_options
from clientcare.window import Moment

DATED = ("transactions", "interactions", "contracts")


def partition(buyer_ids: Any, n_partitions: int) -> NDArray[np.int64]:
    """The part of each row: the same buyer, the same part, in every table, process and run.

    Parameters
    ----------
    buyer_ids : Series or array of shape (n_rows,)
        Whole numbers or texts; 7, 7.0 and "7" are the same buyer here.
    n_partitions : int

    Returns
    -------
    int64 array of shape (n_rows,), from 0 to n_partitions - 1
        A missing id is in part 0.

    Examples
    --------
    >>> partition(pd.Series(["ann", "ben", "ann"]), 4).tolist()
    [2, 3, 2]
    """
    if n_partitions < 1:
        raise OptionError("n_partitions: must be one or more.")
    ids = pd.Series(buyer_ids)
    if pd.api.types.is_numeric_dtype(ids.dtype):
        ids = ids.astype("Int64")
    missing = ids.isna().to_numpy()
    texts = ids.astype("string").fillna("").astype(object).to_numpy()
    hashes = pd.util.hash_array(texts, categorize=True)
    return np.where(missing, 0, (hashes % np.uint64(n_partitions)).astype(np.int64))


@shows_door_options
def score_partition(
    model: Any,
    transactions: Any = None,
    interactions: Any = None,
    contracts: Any = None,
    buyers: Any = None,
    *,
    as_of: Moment,
    columns: ColumnMap | None = None,
    **door: Unpack[DoorOptions],
) -> pd.DataFrame:
    """The book of the buyers in some tables, as ``model.score`` would make it; a part without buyers has no rows.

    Parameters
    ----------
    model : fitted model
        Anything with ``score(histories, as_of)`` that judges each buyer by that buyer alone.
    transactions, interactions, contracts, buyers : table, optional
        All rows of the buyers of one part.
    as_of : date
    columns : mapping, optional
        As for :class:`Histories`.
    **door
        Further options of :class:`Histories`; the signature names them.

    Returns
    -------
    DataFrame indexed by buyer_id
    """
    histories = open_partition(transactions, interactions, contracts, buyers, columns=columns, **door)
    if histories is None:
        return pd.DataFrame()
    return score_one_part(model, histories, as_of)


def score_one_part(
    model: Any, histories: Histories, as_of: Moment, labels: pd.Series[Any] | None = None
) -> pd.DataFrame:
    """The book of a part; where the part ends says nothing of where the data end, so nobody is warned of it."""
    own = {} if labels is None else labels_of_part(labels, histories.buyer_ids)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BeyondDataWarning)
        return model.score(histories, as_of=as_of, **own)  # type: ignore[no-any-return]


def labels_of_part(labels: pd.Series[Any], buyers: pd.Index) -> dict[str, pd.Series[Any]]:
    """The option ``labels`` for the buyers of a part, none where the list names nobody in it; 7 and "7" are the same buyer.

    Examples
    --------
    >>> labels_of_part(pd.Series({"7": True, "8": False}), pd.Index([6, 7]))["labels"].to_dict()
    {7: True}
    """
    texts = pd.Index(buyers.astype(str))
    own = labels.set_axis(labels.index.astype(str))
    named = texts.isin(own.index)
    return {"labels": own.reindex(texts[named]).set_axis(buyers[named])} if named.any() else {}


def open_partition(
    transactions: Any = None, interactions: Any = None, contracts: Any = None, buyers: Any = None, **door: Any
) -> Histories | None:
    """The histories of one part; None where no row of it can be used.

    What the door decides by looking at a whole table (rows years after all others) is decided before the
    split.
    """
    tables = {"transactions": transactions, "interactions": interactions, "contracts": contracts}
    if not any(table is not None and n_rows_of(table) for table in tables.values()):
        return None
    try:
        with part_of_a_table(door.pop(ATTRIBUTE_KINDS, None)):
            return Histories(**tables, buyers=buyers, **{"isolated_dates": "keep", **door})
    except NotEnoughDataError:
        return None


def n_rows_of(table: Any) -> int:
    """Rows of a table of any make."""
    return int(table.num_rows) if isinstance(table, pa.Table) else len(table)


def as_arrow(book: pd.DataFrame, id_type: pa.DataType) -> pa.Table:
    """A book with column types that depend on no row: texts, floats, whole numbers and moments."""
    frame = book.copy(deep=False)
    fields = [pa.field("buyer_id", id_type)]
    for position, name in enumerate(frame.columns):
        column = frame.iloc[:, position]
        kind = _arrow_type(column.dtype)
        if kind == pa.string():
            frame.isetitem(position, column.astype(object).where(column.notna(), None).array)
        fields.append(pa.field(str(name), kind))
    ordered = pa.schema([*fields[1:], fields[0]])
    frame.index = frame.index.astype(np.int64 if id_type == pa.int64() else object).rename("buyer_id")
    return pa.Table.from_pandas(frame, schema=ordered, preserve_index=True)


def _arrow_type(kind: Any) -> pa.DataType:
    if pd.api.types.is_datetime64_any_dtype(kind):
        return pa.timestamp("us")
    if pd.api.types.is_bool_dtype(kind):
        return pa.bool_()
    if pd.api.types.is_integer_dtype(kind):
        return pa.int64()
    if pd.api.types.is_float_dtype(kind):
        return pa.float64()
    return pa.string()
