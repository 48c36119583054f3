"""Who a row is about: ids of buyers, whole numbers or texts, never guessed and never merged.

Text stays text, "00004" as well as " 4". Whole numbers stay whole numbers, also where a table with missing
ids keeps them as decimals. Where one table numbers its buyers and another names them, all are read as text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from clientcare.exceptions import SchemaError
from clientcare.history.door.cells import truth
from clientcare.history.door.intake import Cells, as_numpy, dictionary_of, is_text
from clientcare.history.door.quality import Mask, first_true

LARGEST_EXACT = 2**53
LARGEST = 2**63
NO_ID = (
    "",
    "null",
    r"\n",
    "nan",
    "none",
    "nat",
    "n/a",
    "#n/a",
    "<na>",
    "<null>",
    "(null)",
    "nil",
    "undefined",
    "-",
    "--",
    "---",
    "?",
    "n.a.",
    "k.a.",
)
"""Words with which databases and programs write that there is nothing: no buyer of that name."""


@dataclass(frozen=True)
class Ids:
    """The ids of a column, each distinct one once.

    Attributes
    ----------
    codes : int64 array of shape (n_rows,)
        Position in ``values``; -1 where there is no id.
    values : int64 array or arrow array of texts
        The distinct ids, in the order met.
    padded : bool array of shape (n_rows,)
        Ids that begin or end with a blank.
    """

    codes: NDArray[np.int64]
    values: Any
    padded: Mask

    @property
    def are_numbers(self) -> bool:
        """Whether the ids are whole numbers."""
        return isinstance(self.values, np.ndarray)

    def as_texts(self) -> Ids:
        """The same ids as texts."""
        if not self.are_numbers:
            return self
        return Ids(self.codes, pa.array(self.values).cast(pa.large_string()), self.padded)

    def positions_in(self, buyer_ids: pd.Index) -> NDArray[np.int64]:
        """Where each row's id stands in the ids of all buyers; -1 where it does not."""
        if len(self.values) == 0:
            return np.full(len(self.codes), -1, dtype=np.int64)
        if self.are_numbers:
            known = np.asarray(buyer_ids, dtype=np.int64)
            where = pd.Index(known).get_indexer(pd.Index(self.values)).astype(np.int64)
        else:
            known = pa.array(buyer_ids.to_numpy(dtype=object), pa.large_string())
            where = as_numpy(pc.fill_null(pc.index_in(self.values, value_set=known), -1)).astype(np.int64)
        return np.append(where, -1)[self.codes]


def read_ids(cells: Cells, place: str) -> Ids:
    """Ids of a column.

    Raises
    ------
    SchemaError
        Where the column mixes numbers and texts, or holds what cannot be an id.
    """
    if isinstance(cells, np.ndarray):
        cells = _of_one_kind(cells, place)
    kind = cells.type
    if pa.types.is_null(kind):
        return _from_texts(cells.cast(pa.large_string()))
    if is_text(kind):
        return _from_texts(cells)
    if pa.types.is_floating(kind):
        cells = _whole(cells, place)
    elif pa.types.is_decimal(kind):
        cells = _whole(cells.cast(pa.float64()), place)
    elif not pa.types.is_integer(kind):
        raise SchemaError(f"{place}: cells of type {kind} cannot be ids. Give whole numbers or texts.")
    if pa.types.is_uint64(cells.type) and (pc.max(cells).as_py() or 0) > np.iinfo(np.int64).max:
        return _from_texts(cells.cast(pa.large_string()))
    return _from_numbers(cells)


def same_kind(columns: Sequence[Ids]) -> tuple[list[Ids], bool]:
    """All ids as whole numbers or all as texts, and whether numbers had to become texts.

    A column without a single id is of any kind.
    """
    filled = [ids for ids in columns if len(ids.values)]
    if all(ids.are_numbers for ids in filled):
        empty = np.empty(0, dtype=np.int64)
        numbers = [
            ids if ids.are_numbers or not filled else Ids(ids.codes, empty, ids.padded) for ids in columns
        ]
        return numbers, False
    return [ids.as_texts() for ids in columns], any(ids.are_numbers for ids in filled)


def all_ids(columns: Sequence[tuple[Ids, Mask]]) -> pd.Index:
    """The sorted distinct ids of the rows kept, named ``buyer_id``."""
    used = [_used(ids, kept) for ids, kept in columns]
    if all(isinstance(values, np.ndarray) for values in used):
        numbers: pd.Index = pd.Index(np.unique(np.concatenate(used)), name="buyer_id")
        return numbers
    distinct = pc.unique(pa.concat_arrays([values for values in used if not isinstance(values, np.ndarray)]))
    ordered = distinct.take(pc.sort_indices(distinct))
    texts: pd.Index = pd.Index(as_numpy(ordered), name="buyer_id")
    return texts


def _used(ids: Ids, kept: Mask) -> Any:
    seen = np.zeros(len(ids.values) + 1, dtype=bool)
    seen[ids.codes[kept]] = True
    return ids.values[seen[:-1]] if ids.are_numbers else ids.values.filter(pa.array(seen[:-1]))


def _of_one_kind(cells: NDArray[np.object_], place: str) -> pa.ChunkedArray:
    missing = np.asarray(pd.isna(cells))
    texts = np.array([isinstance(cell, str) for cell in cells], dtype=bool)
    numbers = np.array([_is_whole(cell) for cell in cells], dtype=bool) & ~missing
    others = ~missing & ~texts & ~numbers
    if texts.any() and (numbers.any() or others.any()):
        n_others = np.count_nonzero(numbers | others)
        few = numbers | others if n_others <= np.count_nonzero(texts) else texts
        rows = ", ".join(str(row) for row in first_true(few))
        raise SchemaError(
            f"{place}: {np.count_nonzero(texts):,} texts and {n_others:,} other cells in one column "
            f"(first row numbers of the fewer: {rows}), so 1 and '1' may be two buyers or one.\n"
            "Make all ids text or all whole numbers before they come to the door."
        )
    strange = others & ~np.array([isinstance(cell, UUID) for cell in cells], dtype=bool)
    if strange.any() or (others.any() and numbers.any()):
        odd = strange if strange.any() else others
        rows = ", ".join(str(row) for row in first_true(odd))
        raise SchemaError(
            f"{place}: {np.count_nonzero(odd):,} cells cannot be ids (first row numbers: {rows}). "
            "Give whole numbers or texts."
        )
    if numbers.any():
        whole = [None if gone else int(cell) for cell, gone in zip(cells, missing, strict=True)]
        if all(one is None or abs(one) < LARGEST for one in whole):
            return pa.chunked_array([pa.array(whole, type=pa.int64())])
        cells = np.array(whole, dtype=object)
    names = [None if gone else str(cell) for cell, gone in zip(cells, missing, strict=True)]
    return pa.chunked_array([pa.array(names, type=pa.large_string())])


def _is_whole(cell: object) -> bool:
    if isinstance(cell, (bool, np.bool_)):
        return False
    return isinstance(cell, (int, np.integer)) or (
        isinstance(cell, (float, np.floating)) and float(cell).is_integer()
    )


def _whole(cells: pa.ChunkedArray, place: str) -> pa.ChunkedArray:
    values = np.array(cells.cast(pa.float64()).to_numpy(), dtype=np.float64)
    missing = np.isnan(values)
    with np.errstate(invalid="ignore"):
        broken = ~missing & ((np.floor(values) != values) | (np.abs(values) >= LARGEST_EXACT))
    if broken.any():
        rows = ", ".join(str(row) for row in first_true(broken))
        raise SchemaError(
            f"{place}: {np.count_nonzero(broken):,} ids are decimals that are no exact whole numbers "
            f"(first row numbers: {rows}).\nGive whole numbers or texts; read the file with ids as text."
        )
    whole = np.where(missing, 0, values).astype(np.int64)
    return pa.chunked_array([pa.array(whole, mask=missing)])


def _from_numbers(cells: pa.ChunkedArray) -> Ids:
    missing = truth(pc.is_null(cells))
    numbers = as_numpy(pc.fill_null(cells.cast(pa.int64()), 0))
    codes, values = pd.factorize(numbers)
    codes = np.where(missing, -1, codes).astype(np.int64)
    return Ids(codes, np.asarray(values, dtype=np.int64), np.zeros(len(codes), dtype=bool))


def _from_texts(cells: pa.ChunkedArray) -> Ids:
    coded = dictionary_of(cells)
    values = coded.dictionary
    trimmed = pc.utf8_trim_whitespace(values)
    nothing = pc.is_in(pc.utf8_lower(trimmed), value_set=pa.array(NO_ID, trimmed.type))
    blank = np.append(truth(nothing), False)
    padded = np.append(truth(pc.not_equal(trimmed, values)), False) & ~blank
    codes = as_numpy(coded.indices.fill_null(-1)).astype(np.int64)
    return Ids(np.where(blank[codes], -1, codes), values, padded[codes])
