"""Text files as they are packed: plain, gz, bz2, zst, or one alone in a zip."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa

from clientcare.exceptions import SourceError

TEXT_ENDS = (".csv", ".tsv", ".txt")
ZIP = ".zip"


def text_stream(file: Path) -> Any:
    """The unpacked bytes of a file, read from its beginning.

    Raises
    ------
    SourceError
        Where a zip holds no text file, or several.
    OSError
        Where the file cannot be opened.
    """
    if is_zip(file):
        return pa.PythonFile(_only_member(file), mode="r")
    return pa.input_stream(str(file), compression="detect")


def csv_input(file: Path) -> Any:
    """What arrow's CSV readers take for a file: its path, which they unpack themselves, or the stream of a zip."""
    return text_stream(file) if is_zip(file) else file


def is_zip(file: Path) -> bool:
    """Whether a file is a zip by its name."""
    return file.name.lower().endswith(ZIP)


def _only_member(file: Path) -> Any:
    try:
        archive = zipfile.ZipFile(file)
        names = [name for name in archive.namelist() if _is_text_file(name)]
        if len(names) == 1:
            return archive.open(names[0])
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError) as cause:  # damaged, under a password
        raise SourceError(
            f"{file.name!r} cannot be unpacked ({type(cause).__name__}): damaged, or under a password."
        ) from None
    raise SourceError(
        f"{file.name!r} holds {len(names)} CSV files. Unpack it, and name the files, or the folder, that make the table."
    )


def _is_text_file(name: str) -> bool:
    parts = name.split("/")
    hidden = any(part.startswith((".", "__MACOSX")) for part in parts)
    return not hidden and name.lower().endswith(TEXT_ENDS)
