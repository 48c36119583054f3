"""How a text file is laid out: its encoding, what parts the cells, and the lines above the header."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa

from clientcare.exceptions import SourceError
from clientcare.history.sources.files import CSV_ENDS, DELIMITERS, read_file

MOST_BYTES = 1 << 20
"""So much of a file is looked at: some ten thousand lines, read in a fraction of a second."""
MOST_TITLE_LINES = 20
"""A header is looked for in so many lines; reports of banks and shops put fewer than ten above it."""
N_ROWS = 5_000
"""So many rows of a table show how its cells are written."""


@dataclass(frozen=True, eq=False)
class Layout:
    """One file as it lies there.

    Attributes
    ----------
    file : Path
    rows : DataFrame of texts
        The first rows under the file's own names; an empty cell is missing.
    encoding : str
        ``"utf-8"`` where nothing else was found; empty for files that are no text.
    delimiter : str
        Empty for files that are no text.
    skip_lines : int
        Lines above the header: titles, a date of export.
    total_row : bool
        Whether the last row adds up the others ("Total", "Summe").
    """

    file: Path
    rows: pd.DataFrame
    encoding: str = ""
    delimiter: str = ""
    skip_lines: int = 0
    total_row: bool = False


def layout_of(file: Path) -> Layout:
    """What a file is like, judged by its first megabyte.

    Raises
    ------
    SourceError
        Where it cannot be opened, is empty, or is no table.
    """
    if not file.name.lower().endswith(CSV_ENDS):
        table = read_file("init", file).table.slice(0, N_ROWS)
        return Layout(file, table.to_pandas())
    raw = _first_bytes(file)
    encoding = _encoding_of(raw)
    lines = _whole_lines(raw.decode(encoding, errors="replace").lstrip("\ufeff"), len(raw) == MOST_BYTES)
    if not any(line.strip() for line in lines):
        raise SourceError(f"{file.name!r} is empty: not even a header.")
    declared = lines[0].strip().lower().removeprefix("sep=") if lines[0].lower().startswith("sep=") else ""
    delimiter = declared if len(declared) == 1 else _delimiter_of(lines)
    start = _header_line(lines, delimiter)
    cells = list(csv.reader(lines[start : start + N_ROWS], delimiter=delimiter))
    header = [name.strip() for name in cells[0]]
    body = [row for row in cells[1:] if len(row) == len(header)]
    rows = pd.DataFrame(body, columns=_told_apart(header), dtype="object").replace("", None)
    return Layout(file, rows, encoding, delimiter, start, _ends_in_total(rows))


def _first_bytes(file: Path) -> bytes:
    try:
        with pa.input_stream(str(file), compression="detect") as stream:
            return bytes(stream.read(MOST_BYTES))
    except OSError as cause:
        raise SourceError(f"{file.name!r} cannot be opened ({type(cause).__name__}).") from cause


def _encoding_of(raw: bytes) -> str:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    try:
        raw[: raw.rfind(b"\n") + 1 or None].decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"  # what spreadsheets of the West write; latin-1 is its part that shares all letters
    return "utf-8"


def _whole_lines(text: str, cut: bool) -> list[str]:
    lines = text.splitlines()
    return lines[:-1] if cut and len(lines) > 1 else lines


def _delimiter_of(lines: list[str]) -> str:
    """What parts most lines into the same number of cells, and that number the largest."""

    def steadiness(delimiter: str) -> tuple[int, int]:
        counts = Counter(len(row) for row in csv.reader(lines[:500], delimiter=delimiter) if row)
        n_cells, n_lines = max(counts.items(), key=lambda pair: (pair[0] > 1, pair[1]))
        return (n_lines if n_cells > 1 else 0), n_cells

    return max(DELIMITERS, key=steadiness)


def _header_line(lines: list[str], delimiter: str) -> int:
    """The first line with as many cells as most lines have, most of them filled; lines above it are titles."""
    rows = list(csv.reader(lines[:500], delimiter=delimiter))
    usual = Counter(len(row) for row in rows if row).most_common(1)[0][0]
    wide = [place for place, row in enumerate(rows[:MOST_TITLE_LINES]) if len(row) == usual]
    named = (place for place in wide if 2 * sum(bool(cell.strip()) for cell in rows[place]) > usual)
    return next(named, wide[0] if wide else 0)


def _told_apart(header: list[str]) -> list[str]:
    seen: Counter[str] = Counter()
    names = []
    for name in header:
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return names


def _ends_in_total(rows: pd.DataFrame) -> bool:
    words = ("total", "grand total", "sum", "summe", "gesamt", "totale", "totaal", "importe total")
    return bool(len(rows)) and any(str(cell).strip().lower().rstrip(":") in words for cell in rows.iloc[-1])
