"""CSV that no spreadsheet runs: texts that would start a formula get an apostrophe in front, and lose it when
read back.

A text is guarded where its first character, after any apostrophes of its own, is one that starts a formula
(OWASP ASVS 1.2.10): ``= + - @``, their full-width forms, a tab, a line break or NUL. Exactly one apostrophe
is put in front of it and exactly one is taken away again, so every text comes back as it was, ``'=1``
included. Numbers are never touched.
"""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from clientcare.exceptions import SourceError

_STARTS = "=+\\-@\\t\\r\\n\\x00\uff1d\uff0b\uff0d\uff20"
_INVISIBLE = (
    " \u00a0\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e"
    "\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0"
)
"""Blanks and signs of no width, which a spreadsheet may drop before it looks at what comes first."""
_COULD_RUN = re.compile(f"^'*[{_INVISIBLE}]*[{_STARTS}]")
_GUARDED = re.compile(f"^'+[{_INVISIBLE}]*[{_STARTS}]")


def guard_text(text: str) -> str:
    """One text as it may stand in a CSV file.

    Examples
    --------
    >>> guard_text("=1+1"), guard_text("'=1+1"), guard_text("ann")
    ("'=1+1", "''=1+1", 'ann')
    """
    return f"'{text}" if _COULD_RUN.match(text) else text


def unguard_text(text: str) -> str:
    """The text behind a guarded one.

    Examples
    --------
    >>> unguard_text("'=1+1"), unguard_text("'tis"), unguard_text("''=1+1")
    ('=1+1', "'tis", "'=1+1")
    """
    return text[1:] if _GUARDED.match(text) else text


def guard_formulas(table: pd.DataFrame) -> pd.DataFrame:
    """A copy of a table whose texts, index and column names included, cannot start a formula.

    Examples
    --------
    >>> guard_formulas(pd.DataFrame({"note": ["=cmd", "fine"], "amount": [-1.0, 2.0]})).to_dict("list")
    {'note': ["'=cmd", 'fine'], 'amount': [-1.0, 2.0]}
    """
    return _mapped(table, guard_text)


def csv_text(table: pd.DataFrame, index: bool) -> str:
    r"""A table as CSV whose texts start no formula and keep to their cells, line breaks of any kind in them included.

    Examples
    --------
    >>> csv_text(pd.DataFrame({"id": ["a\r=1"], "n": [2]}), index=False)
    '"id","n"\n"a\r=1",2\n'
    """
    guarded = guard_formulas(table)
    text = str(guarded.to_csv(None, index=index))
    if "\r" in text:  # the writer quotes a line feed in a cell, but not a carriage return
        text = str(guarded.to_csv(None, index=index, quoting=csv.QUOTE_NONNUMERIC))
    require_rows(text, len(table))
    return text


def require_rows(text: str, n_rows: int, header: bool = True) -> None:
    """Count the rows of CSV as a reader would, before it is put anywhere.

    Raises
    ------
    SourceError
        Where a cell broke its row.
    """
    try:
        found = sum(1 for row in csv.reader(io.StringIO(text, newline="")) if row) - int(header)
    except csv.Error:  # a cell of more than 131,072 characters, which the reader does not take
        return
    if found != n_rows:
        raise SourceError(
            f"CSV: {n_rows:,} rows would be read back as {found:,}, because of a character in a text. Nothing was written.\n"
            "Write Parquet instead: end the name in .parquet."
        )


def unguard_formulas(table: pd.DataFrame) -> pd.DataFrame:
    """The table behind a guarded one."""
    return _mapped(table, unguard_text)


def guard_batch(table: pa.Table) -> pa.Table:
    """The arrow form of :func:`guard_formulas`: texts of every column."""
    for number, field in enumerate(table.schema):
        if pa.types.is_string(field.type) or pa.types.is_large_string(field.type):
            table = table.set_column(number, field, _guarded_column(table.column(number)))
    return table


def _guarded_column(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    could_run = pc.fill_null(pc.match_substring_regex(texts, _COULD_RUN.pattern), False)
    if not pc.any(could_run).as_py():
        return texts
    marked = pc.binary_join_element_wise(pa.scalar("'", texts.type), texts, pa.scalar("", texts.type))
    return pc.if_else(could_run, marked, texts)


def _mapped(table: pd.DataFrame, change: Any) -> pd.DataFrame:
    changed = table.copy()
    for position in range(changed.shape[1]):
        column = changed.iloc[:, position]
        if pd.api.types.is_object_dtype(column.dtype) or isinstance(
            column.dtype, (pd.StringDtype, pd.CategoricalDtype)
        ):
            changed.isetitem(position, _changed(column, change).array)
    if (
        isinstance(changed.index, pd.MultiIndex)
        or changed.index.dtype.kind in "OT"
        or _is_text(changed.index)
    ):
        changed.index = changed.index.map(lambda key: _each(key, change))
    changed.columns = changed.columns.map(lambda key: _each(key, change))
    changed.index.names, changed.columns.names = table.index.names, table.columns.names
    return changed


def _changed(column: pd.Series[Any], change: Any) -> pd.Series[Any]:
    cells = [change(cell) if isinstance(cell, str) else cell for cell in column]
    kind = column.dtype if isinstance(column.dtype, pd.StringDtype) else object
    return pd.Series(cells, index=column.index, dtype=kind, name=column.name)


def _is_text(index: pd.Index) -> bool:
    return isinstance(index.dtype, (pd.StringDtype, pd.CategoricalDtype))


def _each(key: Any, change: Any) -> Any:
    if isinstance(key, tuple):
        return tuple(_each(part, change) for part in key)
    return change(key) if isinstance(key, str) else key
