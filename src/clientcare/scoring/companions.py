"""Small files that lie beside a book: what they are called, and whether one that is there is of ours."""

from __future__ import annotations

import json
import os
from pathlib import Path

from clientcare.durable import name_aside
from clientcare.exceptions import SourceError
from clientcare.places import require_plain_place

OUTLOOK_KEYS = frozenset({"as_of", "horizon_days", "n_buyers", "figures"})
"""Entries that every outlook of ours has."""
MANIFEST_KEYS = frozenset({"format", "job", "n_buyers", "parts"})
"""Entries that every manifest of ours has."""


def outlook_beside(book: Path) -> Path:
    """Where the outlook of a book lies.

    Examples
    --------
    >>> outlook_beside(Path("book.csv")).name
    'book.outlook.json'
    """
    return book.with_suffix(".outlook.json")


def manifest_beside(book: Path) -> Path:
    """Where the manifest of a book in CSV lies.

    Examples
    --------
    >>> manifest_beside(Path("book.csv")).name
    'book.csv.manifest.json'
    """
    return book.with_name(f"{book.name}.manifest.json")


def require_companion_place(name: str, place: Path, keys: frozenset[str], prefix: str = ".") -> None:
    """Refuse a place beside an output where anything stands that no run of ours wrote there.

    Parameters
    ----------
    name : str
        Of the option or argument that the companion follows from, for the message.
    place : Path
        The companion.
    keys : frozenset of str
        The entries that one of ours has.
    prefix : str
        How the name begins under which it is written aside.

    Raises
    ------
    SourceError, OptionError

    Examples
    --------
    >>> require_companion_place("--out", Path("no-such.outlook.json"), OUTLOOK_KEYS)
    """
    require_plain_place(name, place)
    try:
        os.lstat(name_aside(place, prefix))
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as cause:
        raise SourceError(
            f"{name}: {place.name!r}, which is written beside it, cannot be written ({cause.strerror}).\n"
            "Name another place."
        ) from None
    if os.path.lexists(place) and not _is_of_ours(place, keys):
        raise SourceError(
            f"{name}: {place.name!r}, which is written beside it, is there and no file of ours.\n"
            "Move it, or name another place."
        )


def _is_of_ours(place: Path, keys: frozenset[str]) -> bool:
    """Whether a file is JSON with the entries that ours have."""
    try:
        told = json.loads(place.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(told, dict) and keys <= set(told)
