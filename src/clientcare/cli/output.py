"""What a verb prints: tables for people, one JSON object a line for pipelines, and the files it writes."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from clientcare.durable import replacing
from clientcare.exceptions import OptionError, SourceError
from clientcare.places import require_plain_place
from clientcare.scoring.export import csv_text
from clientcare.scoring.publish import PRIVATE
from clientcare.scoring.workbook import workbook_bytes

_WIDTH = 140
DECIMALS_IN_CSV = 6
ASIDE = ".clientcare-"
"""How the name begins under which a file is written before it takes its place."""
FORMATS = ("table", "csv", "json", "markdown")


def add_output_options(parser: argparse.ArgumentParser, out: str | None = None) -> None:
    """``--json`` and ``--format`` everywhere, ``--out`` where a verb writes a table."""
    parser.add_argument("--json", action="store_true", help="print one JSON object a line instead of tables")
    parser.add_argument(
        "--format",
        choices=FORMATS,
        help="how tables are printed: table (default), csv, json (as --json) or markdown; with csv and markdown "
        "sentences go to the error stream",
    )
    if out is not None:
        parser.add_argument("--out", metavar="FILE", help=out)


class Voice:
    """Says each result once, in the form the caller asked for.

    Parameters
    ----------
    form : {"table", "csv", "json", "markdown"}
    """

    def __init__(self, form: str = "table") -> None:
        self._form = form

    @classmethod
    def of(cls, options: argparse.Namespace) -> Voice:
        """In the form that the options ask for."""
        asked = getattr(options, "format", None)
        if options.json and asked not in (None, "json"):
            raise OptionError("--json and --format say different things. Give one of them.")
        return cls("json" if options.json else asked or "table")

    @property
    def for_people(self) -> bool:
        """Whether somebody reads what is printed, so that sentences may stand around tables."""
        return self._form == "table"

    @property
    def as_json(self) -> bool:
        """Whether a program reads it, one object a line."""
        return self._form == "json"

    def say(self, event: str, words: str, **facts: Any) -> None:
        """A sentence for people; an event with its facts for pipelines."""
        if self.as_json:
            print(json.dumps({"event": event, **{name: _plain(value) for name, value in facts.items()}}))
        else:
            print(words, file=sys.stdout if self.for_people else sys.stderr)

    def progress(self, done: Any) -> None:
        """How far a batch job is, on the error stream; a line of its own as JSON, one rewritten line for people."""
        facts = {name: _plain(value) for name, value in vars(done).items()}
        if self.as_json:
            print(json.dumps({"event": "progress", **facts}), file=sys.stderr)
        else:
            words = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in facts.items())
            print(f"\r{words:<{_WIDTH}}", end="", file=sys.stderr, flush=True)

    def show(self, event: str, title: str, table: pd.DataFrame, rows: int | None = None) -> None:
        """A table under its title; as JSON, CSV or Markdown the whole table, one record a row."""
        if self.as_json:
            records = table.reset_index() if _has_named_index(table) else table
            print(json.dumps({"event": event, "rows": [_record(row) for row in records.to_dict("records")]}))
        elif self._form == "csv":
            print(_csv(table), end="")
        elif self._form == "markdown":
            print(f"\n{_markdown(table.reset_index() if _has_named_index(table) else table)}")
        else:
            print(f"\n{title}\n{_for_people(table, rows)}")


def _csv(table: pd.DataFrame) -> str:
    """A table as CSV, numbers to the sixth decimal: a cent of a million, and files that differ where it matters."""
    rounded = table.assign(**{
        str(name): table[name].round(DECIMALS_IN_CSV) for name in table.columns[[kind.kind == "f" for kind in table.dtypes]]
    }) if all(isinstance(name, str) for name in table.columns) else table  # fmt: skip
    return csv_text(rounded, index=_has_named_index(table))


def _for_people(table: pd.DataFrame, rows: int | None) -> str:
    """The first rows as wide as a page, and how many more there are."""
    shown = table if rows is None else table.head(rows)
    text = shown.to_string(index=_has_named_index(table), max_colwidth=80, line_width=_WIDTH)
    return text + (f"\n... {len(table) - len(shown):,} more rows" if len(shown) < len(table) else "")


def _markdown(table: pd.DataFrame) -> str:
    """A table of pipes; numbers to the right, and nothing in a cell that would end it or become markup."""
    numeric = [pd.api.types.is_numeric_dtype(kind) for kind in table.dtypes]
    lines = [
        [_markdown_cell(name) for name in table.columns],
        ["--:" if number else "---" for number in numeric],
        *([_markdown_cell(value) for value in row] for row in table.itertuples(index=False)),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _markdown_cell(value: Any) -> str:
    plain = _plain(value)
    text = "" if plain is None else f"{plain:.6g}" if isinstance(plain, float) else str(plain)
    text = "".join(char if char.isprintable() else " " for char in text)
    for char, mark in (("\\", "\\\\"), ("|", "\\|"), ("<", "&lt;"), ("`", "\\`"), ("[", "\\["), ("*", "\\*")):
        text = text.replace(char, mark)
    return text


def write_table(
    table: pd.DataFrame,
    out: str,
    about: Mapping[str, Any] | None = None,
    sheets: Mapping[str, pd.DataFrame] | None = None,
) -> None:
    """Write to ``.parquet``, ``.csv`` or ``.xlsx``: aside first, then in one step to its place.

    In CSV and workbooks a text that a spreadsheet would run as a formula is given a leading apostrophe. What is told
    ``about`` a table goes into the metadata of a Parquet file, under ``clientcare``.

    Parameters
    ----------
    table : DataFrame
    out : str
    about : mapping, optional
    sheets : mapping of name to DataFrame, optional
        What a workbook holds in place of the one table.

    Raises
    ------
    OptionError
        For another ending.
    SourceError
        Where the place cannot be written.
    """
    target = Path(out)
    if target.suffix not in {".parquet", ".csv", ".xlsx"}:
        raise OptionError("--out: the name must end in .parquet, .csv or .xlsx, which says the format.")
    workbook = workbook_bytes(sheets or {target.stem: table}) if target.suffix == ".xlsx" else b""
    require_plain_place("--out", target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as cause:
        raise SourceError(f"--out: cannot be written ({os.strerror(cause.errno or 0)}).") from cause
    with replacing(target, PRIVATE, prefix=ASIDE) as file:
        if target.suffix == ".parquet":
            _write_parquet(table, file, about)
        elif workbook:
            file.write(workbook)
        else:
            file.write(_csv(table).encode())


def _write_parquet(table: pd.DataFrame, file: BinaryIO, about: Mapping[str, Any] | None) -> None:
    rows = pa.Table.from_pandas(table)
    if about:
        told = {b"clientcare": json.dumps(about, allow_nan=False).encode()}
        rows = rows.replace_schema_metadata({**(rows.schema.metadata or {}), **told})
    pq.write_table(rows, file)


def write_json(place: Path, text: str) -> None:
    """Write a small JSON: aside first, then in one step to its place."""
    with replacing(place, PRIVATE, prefix=ASIDE) as file:
        file.write(text.encode() + b"\n")


def is_terminal() -> bool:
    """Whether a person is watching, so that progress is worth showing."""
    return sys.stderr.isatty()


def _has_named_index(table: pd.DataFrame) -> bool:
    return not isinstance(table.index, pd.RangeIndex)


def _record(row: dict[Any, Any]) -> dict[str, Any]:
    return {str(name): _plain(value) for name, value in row.items()}


def _plain(value: Any) -> Any:
    """A value as JSON knows it; unknown is null."""
    if isinstance(value, dict):
        return _record(value)
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_plain(one) for one in value]
    if isinstance(value, np.generic):
        value = value.item()
    if (
        value is None
        or value is pd.NaT
        or value is pd.NA
        or (isinstance(value, float) and not np.isfinite(value))
    ):
        return None
    return value if isinstance(value, (bool, int, float, str)) else str(value)
