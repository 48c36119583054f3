"""Files that are read whole: workbooks and JSON."""

from __future__ import annotations

import json
import os
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from clientcare.exceptions import MissingExtraError, SourceError


@dataclass(frozen=True)
class WholeForm:
    """A form of file that is read whole.

    Attributes
    ----------
    ends : tuple of str
        How names of such files end, in small letters.
    what : str
        What it is called in a message.
    read : callable
        From the file to a frame of records; anything wrong with the file is one of :data:`TROUBLES`.
    package : str or None
        What must be installed to read it; None: nothing more.
    """

    ends: tuple[str, ...]
    what: str
    read: Callable[[Path], pd.DataFrame]
    package: str | None = None


TROUBLES = (ValueError, KeyError, OSError, TypeError, zipfile.BadZipFile, pa.ArrowException)
"""What readers raise of a file that is damaged or another than its name says."""


def read_whole(table: str, file: Path) -> pa.Table:
    """A workbook's first sheet, or the records of a JSON file.

    Cells of a workbook are what the workbook says they are: numbers, dates, texts. A column that mixes them is text.

    Raises
    ------
    SourceError
        Where the file cannot be read as what its name says.
    MissingExtraError
        Where a workbook is given and ``openpyxl`` (``xlrd`` for ``.xls``) is not installed.
    """
    form = next(form for form in FORMS if file.name.lower().endswith(form.ends))
    if form.package is not None and find_spec(form.package) is None:
        raise MissingExtraError.of(form.package, "excel", "Reading a workbook")
    try:
        return pa.Table.from_pandas(_plain(form.read(file)), preserve_index=False)
    except TROUBLES as cause:
        trouble = type(cause).__name__
    raise SourceError(
        f"{table}: {file.name!r} cannot be read as {form.what} ({trouble}): damaged, or no table of records."
    )


def _first_sheet(file: Path) -> pd.DataFrame:
    """Empty cells alone are missing: what "n/a" means is asked at the door, as of every other file."""
    return pd.read_excel(file, sheet_name=0, dtype=object, keep_default_na=False, na_values=[""])


def _first_old_sheet(file: Path) -> pd.DataFrame:
    """By the reader itself: pandas is about to let go of it."""
    import xlrd

    try:
        with open(os.devnull, "w") as silent, xlrd.open_workbook(str(file), logfile=silent) as book:
            sheet = book.sheet_by_index(0)
            rows = [[_old_cell(cell, book.datemode) for cell in sheet.row(n)] for n in range(sheet.nrows)]
    except (xlrd.XLRDError, xlrd.compdoc.CompDocError, struct.error, AssertionError) as cause:
        raise ValueError(type(cause).__name__) from None
    if not rows:
        raise ValueError("no rows")
    return pd.DataFrame(rows[1:], columns=[str(name) for name in rows[0]], dtype=object)


def _old_cell(cell: Any, datemode: int) -> Any:
    import xlrd

    if cell.ctype == xlrd.XL_CELL_DATE:
        return xlrd.xldate_as_datetime(cell.value, datemode)
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return bool(cell.value)
    return None if cell.ctype in (xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK, xlrd.XL_CELL_ERROR) else cell.value


def _records(file: Path) -> pd.DataFrame:
    records = json.loads(file.read_text(encoding="utf-8-sig"))
    if not isinstance(records, list):
        raise TypeError("no list of records")
    return pd.DataFrame.from_records(records)


def _records_by_line(file: Path) -> pd.DataFrame:
    lines = file.read_text(encoding="utf-8-sig").splitlines()
    return pd.DataFrame.from_records([json.loads(line) for line in lines if line.strip()])


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Every column of one type; texts where cells are of several."""
    return pd.DataFrame({str(name): _of_one_type(frame[name]) for name in frame.columns})


def _of_one_type(cells: pd.Series[Any]) -> pd.Series[Any]:
    if cells.dtype != object:
        return cells
    typed = cells.infer_objects()
    if typed.dtype != object or pd.api.types.infer_dtype(typed, skipna=True) in (
        "string",
        "empty",
        "date",
        "datetime",
    ):
        return typed
    whole = cells.map(lambda cell: isinstance(cell, float) and cell.is_integer())
    texts = cells.where(~whole, cells[whole].astype("int64").astype(object)) if whole.any() else cells
    return texts.map(lambda cell: None if pd.isna(cell) else str(cell))


FORMS = (
    WholeForm((".xlsx", ".xlsm"), "a workbook", _first_sheet, "openpyxl"),
    WholeForm((".xls",), "a workbook", _first_old_sheet, "xlrd"),
    WholeForm((".jsonl", ".ndjson"), "JSON", _records_by_line),
    WholeForm((".json",), "JSON", _records),
)
"""A new form is a new row."""
WHOLE_ENDS = tuple(end for form in FORMS for end in form.ends)
