"""Cells read as numbers, yes or no, and coded texts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from numbers import Number
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from clientcare.exceptions import SchemaError
from clientcare.history.door.dates import MISSING_WORDS
from clientcare.history.door.intake import Cells, as_numpy, dictionary_of, is_text
from clientcare.history.door.quality import Mask, first_true
from clientcare.history.door.scope import is_part, judges_a_column

Numbers = NDArray[np.float64]
Codes = NDArray[np.int32]
Levels = NDArray[np.object_]

MONEY_SIGNS = "$€£¥₹₽₩₺₫₴₪฿¢₦₱"
ANY_MARK = rf"(?:[^\W\d_]{{1,3}}\.?)?[{MONEY_SIGNS}]?"
"""Letters or a sign for a currency, before or behind a number."""
CODES = (
    *(
        "EUR",
        "USD",
        "GBP",
        "JPY",
        "CHF",
        "SEK",
        "NOK",
        "DKK",
        "ISK",
        "PLN",
        "CZK",
        "HUF",
        "RON",
        "BGN",
        "TRY",
        "UAH",
    ),
    *(
        "RUB",
        "CNY",
        "INR",
        "AUD",
        "NZD",
        "CAD",
        "SGD",
        "HKD",
        "KRW",
        "THB",
        "IDR",
        "MYR",
        "PHP",
        "VND",
        "TWD",
        "ILS",
    ),
    *("AED", "SAR", "EGP", "NGN", "KES", "MAD", "ZAR", "BRL", "MXN", "ARS", "CLP", "COP", "PEN"),
)
SIGN_OF = {"€": "EUR", "$": "USD", "£": "GBP", "¥": "JPY", "₹": "INR", "₽": "RUB", "₩": "KRW", "₺": "TRY"} | {
    "₫": "VND", "₴": "UAH", "₪": "ILS", "฿": "THB", "₱": "PHP", "₦": "NGN"
}  # fmt: skip
"""What a sign stands for where no letters beside it say otherwise."""
CURRENCY = rf"(?P<code>\b(?:{'|'.join(CODES)})\b)|(?P<sign>[{''.join(SIGN_OF)}])"
FEW = 0.01
"""A share of cells above which a second way of writing is no slip of the pen."""
MANY = 0.1
"""The same in a part of a table, which may hold more than its share: the whole was asked before it was split."""

YES = ("true", "yes", "y", "t", "1", "1.0")
NO = ("false", "no", "n", "f", "0", "0.0")


def read_numbers(cells: Cells, place: str, decimal: str | None = None) -> tuple[Numbers, Mask]:
    """Numbers (NaN = unknown), and which cells hold something that is no number; both of shape (n_rows,).

    Parameters
    ----------
    cells : column
        Numbers, or texts of numbers.
    place : str
        How a message calls the column.
    decimal : "." or ",", optional
        What parts the decimals in texts; where it is stated, thousands and currency signs are read over.

    Raises
    ------
    SchemaError
        Where the column holds dates or the like, or more than half of its texts are no numbers, or numbers are
        written with signs and no ``decimal`` is stated.
    """
    if isinstance(cells, np.ndarray):
        return _coerced(pd.Series(cells), pd.isna(cells), place, decimal)
    kind = cells.type
    if pa.types.is_null(kind):
        return np.full(len(cells), np.nan), np.zeros(len(cells), dtype=bool)
    if is_text(kind):
        return _numbers_of_texts(cells, place, decimal)
    if not (_is_number(kind) or pa.types.is_boolean(kind)):
        raise SchemaError(f"{place}: cells of type {kind}, not numbers. Turn the column into numbers first.")
    numbers = np.asarray(cells.cast(pa.float64(), safe=False).to_numpy(), dtype=np.float64) + 0.0
    return numbers, np.zeros(len(cells), dtype=bool)


def read_flags(
    cells: Cells, place: str, yes_words: Sequence[str] = (), no_words: Sequence[str] = ()
) -> tuple[Numbers, Mask]:
    """Yes (1), no (0) or unknown (NaN), and which cells are none of them; both of shape (n_rows,).

    ``yes_words`` and ``no_words`` say the same in the trade of the column.
    """
    if not isinstance(cells, np.ndarray) and (_is_number(cells.type) or pa.types.is_boolean(cells.type)):
        flags, unreadable = read_numbers(cells, place)
        odd = ~np.isnan(flags) & (flags != 0) & (flags != 1)
        return np.where(odd, np.nan, flags), unreadable | odd
    texts = read_texts(cells, place)
    lower = pc.utf8_lower(pc.utf8_trim_whitespace(texts))
    yes, no = (
        truth(pc.is_in(lower, value_set=pa.array(words, pa.large_string())))
        for words in ((*YES, *yes_words), (*NO, *no_words))
    )
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
    if not holds_single_values(kind):
        raise SchemaError(f"{place}: cells of type {kind}, not texts. Turn the column into texts first.")
    if not is_text(kind):
        cells = pc.cast(cells, pa.large_string())
    return pc.if_else(pc.equal(cells, ""), pa.scalar(None, pa.large_string()), cells)


def currencies_written(texts: pa.ChunkedArray) -> NDArray[np.object_] | None:
    """The currency whose letters or sign stand beside the number in each cell, None where there is none; None for all alike.

    Examples
    --------
    >>> currencies_written(pa.chunked_array([["5.00 EUR", "$7", "8"]])).tolist()
    ['EUR', 'USD', None]
    """
    marked = truth(pc.match_substring_regex(texts, f"[{''.join(SIGN_OF)}]|[A-Za-z]{{3}}"))
    if not marked.any():
        return None
    coded = dictionary_of(texts.cast(pa.large_string()))
    distinct = pd.Series(coded.dictionary.to_pylist(), dtype=object)
    found = distinct.where(distinct.str.contains(r"\d", regex=True)).str.upper().str.extract(CURRENCY)
    code, sign = found["code"].to_numpy(dtype=object), found["sign"].map(SIGN_OF).to_numpy(dtype=object)
    told = np.where(pd.notna(code), code, sign)
    told[pd.isna(told)] = None
    if pd.isna(told).all():
        return None
    every: NDArray[np.object_] = np.concatenate([told, [None]])
    return every.take(as_numpy(coded.indices.fill_null(-1)))


def holds_single_values(kind: pa.DataType) -> bool:
    """Whether cells of a type are texts, numbers, dates and the like; not lists, records or bytes."""
    odd = pa.types.is_nested(kind) or isinstance(kind, pa.BaseExtensionType)
    return not (odd or pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


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


def _numbers_of_texts(texts: pa.ChunkedArray, place: str, decimal: str | None) -> tuple[Numbers, Mask]:
    try:
        numbers = np.asarray(texts.cast(pa.float64()).to_numpy(), dtype=np.float64) + 0.0
    except pa.ArrowInvalid:
        pass
    else:
        if decimal != ",":
            return numbers, np.zeros(len(numbers), dtype=bool)
    trimmed = pc.utf8_trim_whitespace(texts)
    missing = truth(pc.is_in(pc.utf8_lower(trimmed), value_set=pa.array(MISSING_WORDS, pa.large_string())))
    missing |= truth(pc.is_null(texts))
    return _coerced(pd.Series(trimmed.to_numpy(), dtype=object), missing, place, decimal)


def _coerced(column: pd.Series[Any], missing: Mask, place: str, decimal: str | None) -> tuple[Numbers, Mask]:
    if pd.api.types.infer_dtype(column, skipna=True) == "complex" or column.dtype.kind == "c":
        raise SchemaError(f"{place}: complex numbers. Give the real ones.")
    if column.dtype == object:
        column = column.where(column.map(_is_single), "?")
    if decimal is not None:
        plain = column.map(written_number(column, decimal))
        column = plain.where(plain.notna() | (column.map(_is_str) & (decimal == ",")), column)
    numbers = np.array(pd.to_numeric(column, errors="coerce"), dtype=np.float64) + 0.0
    unreadable = ~missing & np.isnan(numbers)
    n_told, n_unreadable = int(np.count_nonzero(~missing)), int(np.count_nonzero(unreadable))
    signed = unreadable.copy()
    judges = judges_a_column(n_told)
    if decimal is None and n_unreadable > (FEW if not is_part() else MANY) * n_told and judges:
        odd = column[unreadable]
        signed[unreadable] = odd.map(written_number(odd, ".") | written_number(odd, ",")).notna()
        if np.count_nonzero(signed) > (FEW if not is_part() else MANY) * n_told:
            raise _written_by_people(place, int(np.count_nonzero(signed)), n_told, signed)
    if 2 * n_unreadable > n_told and judges:
        raise _no_numbers(place, n_unreadable, n_told, unreadable)
    return numbers, unreadable


def refuse_how_written(place: str, parts: Iterable[pa.ChunkedArray]) -> None:
    """Refuse a column of numbers, given in parts, as the whole of it would be refused where no ``decimal`` is stated.

    Raises
    ------
    SchemaError
        Where more than a hundredth is written with a decimal comma, thousands or signs, or most cells are no numbers.
    """
    n_told = n_signed = n_unreadable = 0
    for texts in parts:
        trimmed = pc.utf8_trim_whitespace(texts.cast(pa.large_string()))
        missing = truth(
            pc.is_in(pc.utf8_lower(trimmed), value_set=pa.array(MISSING_WORDS, pa.large_string()))
        )
        missing |= truth(pc.is_null(texts))
        n_told += int(np.count_nonzero(~missing))
        try:
            texts.cast(pa.float64())
        except pa.ArrowInvalid:
            column = pd.Series(trimmed.to_numpy(), dtype=object)
            unreadable = ~missing & np.isnan(
                np.array(pd.to_numeric(column, errors="coerce"), dtype=np.float64)
            )
            odd = column[unreadable]
            n_unreadable += int(np.count_nonzero(unreadable))
            n_signed += int(odd.map(written_number(odd, ".") | written_number(odd, ",")).notna().sum())
    if n_signed > FEW * n_told:
        raise _written_by_people(place, n_signed, n_told)
    if 2 * n_unreadable > n_told:
        raise _no_numbers(place, n_unreadable, n_told)


def _written_by_people(place: str, n: int, n_told: int, rows: Mask | None = None) -> SchemaError:
    return SchemaError(
        f"{place}: {n:,} of {n_told:,} numbers are written with a decimal comma, thousands or currency signs{_at(rows)}.\n"
        "Say which sign stands before the decimals: Histories(..., decimal=',') or decimal='.'."
    )


def _no_numbers(place: str, n: int, n_told: int, rows: Mask | None = None) -> SchemaError:
    return SchemaError(
        f"{place}: {n:,} of {n_told:,} texts are no numbers{_at(rows)}.\n"
        "Write plain numbers such as 1234.5, or map another column."
    )


def _at(rows: Mask | None) -> str:
    return "" if rows is None else f" (first row numbers: {_rows(rows)})"


def written_number(texts: pd.Series[Any], decimal: str) -> dict[str, str]:
    """What the distinct texts that are numbers written by people say, as plain numbers.

    Thousands stand in groups of three parted by a point, a comma (whichever does not part the decimals), a blank
    or an apostrophe; a currency may stand before or behind; below zero is a minus before or behind, or brackets.

    Examples
    --------
    >>> written_number(pd.Series(["1.234,50 EUR", "(12,5)", "about 3"]), decimal=",")
    {'1.234,50 EUR': '1234.50', '(12,5)': '-12.5'}
    """
    other = "." if decimal == "," else ","
    parts = rf"[{other}'\u2019\s\u00a0\u202f]"
    digits = rf"(?P<whole>\d{{1,3}}(?:{parts}\d{{3}})+|\d+)?(?:[{decimal}](?P<part>\d+))?"
    minus = r"[-\u2212]"
    front = rf"(?P<bracket>\()?(?P<first>{minus})?\+?\s*{ANY_MARK}\s*(?P<second>{minus})?\s*"
    behind = rf"\s*{ANY_MARK}\s*(?P<last>{minus})?\)?"
    distinct = pd.Series([text for text in texts.unique() if _is_str(text)], dtype=object)
    if distinct.empty:
        return {}
    found = distinct.str.strip().str.extract(f"^{front}{digits}{behind}$")
    told = found["whole"].notna() | found["part"].notna()
    below = found[["bracket", "first", "second", "last"]].notna().any(axis=1)
    whole = found["whole"].fillna("0").str.replace(r"\D", "", regex=True)
    plain = below.map({True: "-", False: ""}) + whole + "." + found["part"].fillna("0")
    return dict(zip(distinct[told], plain[told], strict=True))


def _is_single(cell: object) -> bool:
    return isinstance(cell, (str, Number, np.generic))


def _is_str(cell: object) -> bool:
    return isinstance(cell, str)


def _rows(found: Mask) -> str:
    return ", ".join(str(row) for row in first_true(found))


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))
