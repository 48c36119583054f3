"""Files that are not what their names say: told by their first bytes, before anything is read into them."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

from clientcare.exceptions import SourceError

_GZIP = b"\x1f\x8b"
_OTHERS = (
    (b"PAR1", "a Parquet file. End its name in .parquet"),
    (b"PK\x03\x04", "a workbook or a zip. End its name in .xlsx or .zip, or save the sheet as CSV"),
    (b"%PDF", "a PDF. Export the table as CSV"),
)
_WEB = (b"<!doctype html", b"<html", b"<?xml")


def require_as_named(table: str, file: Path) -> None:
    """Refuse a text file by name that is something else: packed, Parquet, a workbook, a web page.

    Raises
    ------
    SourceError
    """
    try:
        with file.open("rb") as stream:
            start = stream.read(64)
    except OSError:
        return  # told where it is opened
    name = file.name.lower()
    if name.endswith((".gz", ".zip")):
        if name.endswith(".gz") and start and not start.startswith(_GZIP):
            raise SourceError(
                f"{table}: {file.name!r} is not packed with gzip, though its name ends in .gz.\nTake the ending off."
            )
        return
    if start.startswith(_GZIP):
        raise SourceError(
            f"{table}: {file.name!r} is packed with gzip, which its name does not say.\nEnd its name in .gz, or unpack it."
        )
    for mark, what in _OTHERS:
        if start.startswith(mark):
            raise SourceError(f"{table}: {file.name!r} is {what}.")
    if start.lstrip().lower().startswith(_WEB):
        raise SourceError(
            f"{table}: {file.name!r} is a web page and no table, as a download behind a sign-in is.\nFetch the file again."
        )


def why_not_opened(file: Path) -> str:
    """What ails a packed file; empty where nothing more can be said."""
    if not file.name.lower().endswith(".gz"):
        return ""
    try:
        with gzip.open(file) as stream:
            while stream.read(1 << 20):
                pass
    except EOFError:
        return "it is cut short: what was packed does not end. Fetch it again"
    except (OSError, zlib.error):
        return "it is damaged: what was packed cannot be unpacked. Fetch it again"
    return ""
