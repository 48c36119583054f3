"""What lies where a book goes, before a new one takes its place: a source that broke must not empty last night's book."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from clientcare.exceptions import InputError
from clientcare.scoring.outputs import MANIFEST

SHRUNK = 0.5
"""From one night to the next no base loses half of its buyers; a source that was cut off does."""


def n_buyers_there(place: Path) -> int | None:
    """How many buyers the book at a place holds; None where there is none that can be read.

    Examples
    --------
    >>> n_buyers_there(Path("no-such-book.parquet")) is None
    True
    """
    try:
        if place.is_dir():
            return int(json.loads((place / MANIFEST).read_bytes())["n_buyers"])
        if place.suffix.lower() == ".parquet":
            return int(pq.read_metadata(place).num_rows)
        if place.suffix.lower() == ".csv":
            with open(place, encoding="utf-8", newline="") as file:
                return max(sum(1 for _ in csv.reader(file)) - 1, 0)
    except (OSError, ValueError, KeyError, TypeError, csv.Error, pa.ArrowException):
        return None
    return None


def require_not_emptied(n_before: int | None, n_buyers: int, allow_empty: bool) -> None:
    """Refuse to publish nothing over a book that holds somebody.

    Raises
    ------
    InputError
    """
    if n_before and not n_buyers and not allow_empty:
        raise InputError(
            f"out: the new book holds nobody, and the one that is there holds {n_before:,} buyers. Nothing was published.\n"
            "Look at the sources. Where it is so: --allow-empty, in Python allow_empty=True."
        )


def shrunk_said(n_before: int | None, n_buyers: int) -> list[str]:
    """What heads everything where a book lost half of its buyers or more.

    Examples
    --------
    >>> shrunk_said(1000, 400)
    ['The book that was there held 1,000 buyers, the new one holds 400: look whether a source was cut off.']
    >>> shrunk_said(1000, 900), shrunk_said(None, 5)
    ([], [])
    """
    if not n_before or n_buyers > SHRUNK * n_before:
        return []
    return [
        f"The book that was there held {n_before:,} buyers, the new one holds {n_buyers:,}: "
        "look whether a source was cut off."
    ]
