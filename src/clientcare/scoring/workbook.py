"""Tables as sheets of a workbook: texts that a spreadsheet would run are guarded, ids stay as they are, bytes repeat."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping
from datetime import datetime
from importlib.util import find_spec
from io import BytesIO

import pandas as pd

from clientcare.exceptions import MissingExtraError, OptionError
from clientcare.scoring.export import guard_formulas

MOST_ROWS = 1_048_575
"""Rows of a sheet below its header."""
NOT_IN_A_WORKBOOK = r"[\x00-\x08\x0b\x0c\x0e-\x1f]"
"""Control characters, which the form of a workbook has no place for."""
LONGEST_NAME = 31
"""Signs of the name of a sheet."""
_THEN = datetime(2000, 1, 1)
"""The date of every workbook, so that the same tables are the same bytes."""


def workbook_bytes(sheets: Mapping[str, pd.DataFrame]) -> bytes:
    """A workbook of some tables.

    Parameters
    ----------
    sheets : mapping of name to table
        An index with a name becomes the first column.

    Raises
    ------
    MissingExtraError
        Where ``openpyxl`` is not installed.
    OptionError
        Where a table has more rows than a sheet holds.

    Examples
    --------
    >>> from io import BytesIO
    >>> written = workbook_bytes({"book": pd.DataFrame({"note": ["=1+1"]})})
    >>> pd.read_excel(BytesIO(written))["note"].tolist()
    ["'=1+1"]
    """
    if find_spec("openpyxl") is None:
        raise MissingExtraError.of("openpyxl", "excel", "Writing a workbook")
    for table in sheets.values():
        if len(table) > MOST_ROWS:
            raise OptionError(
                f"a sheet of a workbook holds {MOST_ROWS:,} rows, and the table has {len(table):,}. Write .parquet or .csv."
            )
    stream = BytesIO()
    with pd.ExcelWriter(stream, engine="openpyxl") as writer:
        for name, table in zip(_sheet_names(sheets), sheets.values(), strict=True):
            named = not isinstance(table.index, pd.RangeIndex)
            _writable(guard_formulas(table)).to_excel(writer, sheet_name=name, index=named, merge_cells=False)
        writer.book.properties.created = writer.book.properties.modified = _THEN
    return _undated(stream.getvalue())


def by_owner(plan: pd.DataFrame, whole: str = "plan") -> dict[str, pd.DataFrame]:
    """A care plan as sheets: the whole, and the actions of each owner."""
    sheets = {whole: plan}
    if "owner" in plan:
        sheets |= {str(owner): own for owner, own in plan.groupby("owner", sort=True, observed=True)}
    return sheets if len(sheets) > 2 else {whole: plan}


def _writable(table: pd.DataFrame) -> pd.DataFrame:
    """The table with a sign that shows in place of those that no workbook can hold."""

    def plain(cell: object) -> object:
        return re.sub(NOT_IN_A_WORKBOOK, "\N{REPLACEMENT CHARACTER}", cell) if isinstance(cell, str) else cell

    written = table.copy(deep=False)
    for place, kind in enumerate(table.dtypes):
        if (
            pd.api.types.is_object_dtype(kind)
            or pd.api.types.is_string_dtype(kind)
            or isinstance(kind, pd.CategoricalDtype)
        ):
            written.isetitem(place, table.iloc[:, place].astype(object).map(plain).array)
    if not isinstance(table.index, (pd.RangeIndex, pd.MultiIndex)) and not pd.api.types.is_numeric_dtype(
        table.index
    ):
        written.index = table.index.map(plain)
    return written


def _sheet_names(names: Mapping[str, object]) -> list[str]:
    """Names as sheets may have them: short, without the signs that are not allowed, each once."""
    found: list[str] = []
    for name in names:
        plain = re.sub(r"[\[\]:*?/\\\x00-\x1f]", " ", name).strip(" '")[:LONGEST_NAME] or "sheet"
        one, number = plain, 1
        while one.lower() in {other.lower() for other in found}:
            number += 1
            one = f"{plain[: LONGEST_NAME - len(str(number)) - 1]} {number}"
        found.append(one)
    return found


def _undated(written: bytes) -> bytes:
    """The same archive, its members without the time of writing."""
    stream = BytesIO()
    with zipfile.ZipFile(BytesIO(written)) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            member = old.read(name)
            if name == "docProps/core.xml":  # the writer states when it saved, whatever it was told
                member = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", b"2000-01-01T00:00:00Z", member)
            new.writestr(zipfile.ZipInfo(name, (2000, 1, 1, 0, 0, 0)), member, zipfile.ZIP_DEFLATED)
    return stream.getvalue()
