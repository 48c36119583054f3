"""Cells read as numbers, yes or no, and coded texts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from clientcare.exceptions import SchemaError
from clientcare.history.dates import MISSING_WORDS
from clientcare.history.intake import Cells, as_numpy, dictionary_of, is_text
from clientcare.history.quality import Mask, first_true

Numbers = NDArray[np.float64]
Codes = NDArray[np.int32]
Levels = NDArray[np.object_]

YES = ("true", "yes", "y", "t", "1", "1.0")
NO = ("false", "no", "n", "f", "0", "0.0")


def read_numbers(cells: Cells, place: str) -> tuple[Numbers, Mask]:
    """Numbers (NaN = unknown), and which cells hold something that is no number; both of shape (n_rows,).

    Raises
    ------
    SchemaError
        Where the column holds dates or the like, or more than half of its texts are no numbers.
    """
    if isinstance(cells, np.ndarray):
        return _coerced(pd.Series(cells), pd.isna(cells), place)
    kind = cells.type
    if pa.types.is_null(kind):
        return np.full(len(cells), np.nan), np.zeros(len(cells), dtype=bool)
    if is_text(kind):
        return _numbers_of_texts(cells, place)
    if not (_is_number(kind) or pa.types.is_boolean(kind)):
        raise SchemaError(f"{place}: cells of type {kind}, not numbers. Turn the column into numbers first.")
    numbers = np.asarray(cells.cast(pa.float64()).to_numpy(), dtype=np.float64) + 0.0
    return numbers, np.zeros(len(cells), dtype=bool)


def read_flags(cells: Cells, place: str) -> tuple[Numbers, Mask]:
    """Yes (1), no (0) or unknown (NaN), and which cells are none of them; both of shape (n_rows,)."""
    if not isinstance(cells, np.ndarray) and (_is_number(cells.type) or pa.types.is_boolean(cells.type)):
        flags, unreadable = read_numbers(cells, place)
        odd = ~np.isnan(flags) & (flags != 0) & (flags != 1)
        return np.where(odd, np.nan, flags), unreadable | odd
    texts = read_texts(cells, place)
    lower = pc.utf8_lower(pc.utf8_trim_whitespace(texts))
    yes, no = (truth(pc.is_in(lower, value_set=pa.array(words, pa.large_string()))) for words in (YES, NO))
    missing = truth(pc.is_in(lower, value_set=pa.array(MISSING_WORDS, pa.large_string())))
    missing |= truth(pc.is_null(lower))
    return np.where(yes, 1.0, np.where(no, 0.0, np.nan)), ~(yes | no | missing)


def read_texts(cells: Cells, place: str) -> pa.ChunkedArray:
    """Cells as texts; an empty text is unknown. Whole numbers kept as decimals lose their point.

    Raises
    ------
    SchemaError
        Where cells are no single values.
    """
    if isinstance(cells, np.ndarray):
        missing = pd.isna(cells)
        texts = [None if gone else str(cell) for cell, gone in zip(cells, missing, strict=True)]
        cells = pa.chunked_array([pa.array(texts, type=pa.large_string())])
    kind = cells.type
    if pa.types.is_floating(kind):
        whole = pc.or_kleene(pc.is_null(cells, nan_is_null=True), pc.equal(pc.floor(cells), cells))
        if pc.all(whole).as_py() is not False:
            cells = pc.if_else(pc.is_nan(cells), None, cells)
            cells = pc.cast(cells, pa.int64(), safe=False)
    if pa.types.is_nested(kind) or isinstance(kind, pa.BaseExtensionType):
        raise SchemaError(f"{place}: cells of type {kind}, not texts. Turn the column into texts first.")
    if not is_text(kind):
        cells = pc.cast(cells, pa.large_string())
    return pc.if_else(pc.equal(cells, ""), pa.scalar(None, pa.large_string()), cells)


def encode(texts: pa.ChunkedArray) -> tuple[Codes, Levels]:
    """Texts as codes into the sorted distinct texts; -1 where unknown."""
    coded = dictionary_of(texts)
    codes = as_numpy(coded.indices.fill_null(-1)).astype(np.int32)
    order = as_numpy(pc.sort_indices(coded.dictionary)).astype(np.int64)
    rank = np.empty(len(order) + 1, dtype=np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    rank[-1] = -1
    levels = as_numpy(coded.dictionary).astype(object)[order]
    return rank[codes], levels


def truth(mask: pa.ChunkedArray) -> Mask:
    """An arrow mask as a numpy one; unknown is False."""
    return np.array(as_numpy(pc.fill_null(mask, False)), dtype=bool)


def _numbers_of_texts(texts: pa.ChunkedArray, place: str) -> tuple[Numbers, Mask]:
    try:
        numbers = np.asarray(texts.cast(pa.float64()).to_numpy(), dtype=np.float64) + 0.0
    except pa.ArrowInvalid:
        pass
    else:
        return numbers, np.zeros(len(numbers), dtype=bool)
    trimmed = pc.utf8_trim_whitespace(texts)
    missing = truth(pc.is_in(pc.utf8_lower(trimmed), value_set=pa.array(MISSING_WORDS, pa.large_string())))
    missing |= truth(pc.is_null(texts))
    return _coerced(pd.Series(trimmed.to_numpy(), dtype=object), missing, place)


def _coerced(column: pd.Series[Any], missing: Mask, place: str) -> tuple[Numbers, Mask]:
    if pd.api.types.infer_dtype(column, skipna=True) == "complex" or column.dtype.kind == "c":
        raise SchemaError(f"{place}: complex numbers. Give the real ones.")
    numbers = np.array(pd.to_numeric(column, errors="coerce"), dtype=np.float64) + 0.0
    unreadable = ~missing & np.isnan(numbers)
    if 2 * np.count_nonzero(unreadable) > np.count_nonzero(~missing):
        rows = ", ".join(str(row) for row in first_true(unreadable))
        raise SchemaError(
            f"{place}: {np.count_nonzero(unreadable):,} texts are no numbers (first row numbers: {rows}).\n"
            "Write numbers with a decimal point and without currency or thousands signs."
        )
    return numbers, unreadable


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))
