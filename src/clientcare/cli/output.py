"""What a verb prints: tables for people, one JSON object a line for pipelines, and the files it writes."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from clientcare.durable import replacing
from clientcare.exceptions import OptionError, SourceError
from clientcare.places import require_plain_place
from clientcare.scoring.export import csv_text
from clientcare.scoring.publish import PRIVATE

_WIDTH = 140


def add_output_options(parser: argparse.ArgumentParser, out: str | None = None) -> None:
    """``--json`` everywhere, ``--out`` where a verb writes a table."""
    parser.add_argument("--json", action="store_true", help="print one JSON object a line instead of tables")
    if out is not None:
        parser.add_argument("--out", metavar="FILE", help=out)


class Voice:
    """Says each result once, in the form the caller asked for."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json

    def say(self, event: str, words: str, **facts: Any) -> None:
        """A sentence for people; an event with its facts for pipelines."""
        if self._as_json:
            print(json.dumps({"event": event, **{name: _plain(value) for name, value in facts.items()}}))
        else:
            print(words)

    def progress(self, done: Any) -> None:
        """How far a batch job is, on the error stream; a line of its own as JSON, one rewritten line for people."""
        facts = {name: _plain(value) for name, value in vars(done).items()}
        if self._as_json:
            print(json.dumps({"event": "progress", **facts}), file=sys.stderr)
        else:
            words = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in facts.items())
            print(f"\r{words:<{_WIDTH}}", end="", file=sys.stderr, flush=True)

    def show(self, event: str, title: str, table: pd.DataFrame, rows: int | None = None) -> None:
        """A table under its title; as JSON the whole table, one record a row."""
        if self._as_json:
            records = table.reset_index() if _has_named_index(table) else table
            print(json.dumps({"event": event, "rows": [_record(row) for row in records.to_dict("records")]}))
            return
        shown = table if rows is None else table.head(rows)
        text = shown.to_string(index=_has_named_index(table), max_colwidth=80, line_width=_WIDTH)
        more = f"\n... {len(table) - len(shown):,} more rows" if len(shown) < len(table) else ""
        print(f"\n{title}\n{text}{more}")


def write_table(table: pd.DataFrame, out: str) -> None:
    """Write to ``.parquet`` or ``.csv``: aside first, then in one step to its place.

    In CSV a text that a spreadsheet would run as a formula is given a leading apostrophe.

    Raises
    ------
    OptionError
        For another ending.
    SourceError
        Where the place cannot be written.
    """
    target = Path(out)
    if target.suffix not in {".parquet", ".csv"}:
        raise OptionError("--out: the name must end in .parquet or .csv, which says the format.")
    require_plain_place("--out", target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as cause:
        raise SourceError(f"--out: cannot be written ({os.strerror(cause.errno or 0)}).") from cause
    with replacing(target, PRIVATE, prefix=".clientcare-") as file:
        if target.suffix == ".parquet":
            table.to_parquet(file)
        else:
            file.write(csv_text(table, index=_has_named_index(table)).encode())


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
