"""Where something may be written: a new name, a regular file, or a folder of our own; never an input of the same run.

One check for every verb and every function that writes. It is asked before anything is read, so that a wrong place
costs no work, and again where the writing begins.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from clientcare.exceptions import OptionError, SourceError

_KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def require_plain_place(name: str, place: Path, folder: bool | None = False) -> None:
    """Refuse a place whose taking would destroy something that is no file of a user's.

    Parameters
    ----------
    name : str
        Of the option or argument, for the message.
    place : Path
        The target.
    folder : bool or None
        Whether a folder may stand there (True), a file (False), or either (None).

    Raises
    ------
    SourceError
        For a named pipe, socket, device or symbolic link, or a path that the system does not take.
    OptionError
        Where a folder stands in the place of a file, or a file in that of a folder.

    Examples
    --------
    >>> require_plain_place("--out", Path("no-such-file.csv"))
    """
    try:
        str(place).encode("utf-8")  # other programs would have to read the name
        mode = os.lstat(place).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return
    except (OSError, ValueError) as cause:
        reason = getattr(cause, "strerror", None) or "not a path that this system takes"
        raise SourceError(
            f"{name}: {place.name!r} cannot be looked at ({reason}). Name another place."
        ) from None
    kind = stat.S_IFMT(mode)
    if kind in _KINDS:
        raise SourceError(
            f"{name}: {place.name!r} is {_KINDS[kind]}, and would be replaced by a file.\n"
            "Name a new file, or one that may be written over."
        )
    if kind == stat.S_IFLNK:
        raise SourceError(f"{name}: {place.name!r} is a symbolic link. Name the place it leads to.")
    if kind == stat.S_IFDIR and folder is False:
        raise OptionError(f"{name}: {place.name!r} is a folder. Name a file in it.")
    if kind == stat.S_IFREG and folder is True:
        raise OptionError(f"{name}: {place.name!r} is a file. Name a folder.")


def require_no_input(name: str, place: Path, inputs: Iterable[tuple[str, Path]]) -> None:
    """Refuse an output that is an input of the same run (under whatever name), or a folder that holds one.

    Parameters
    ----------
    name : str
        Of the option or argument.
    place : Path
        The target.
    inputs : iterable of (str, Path)
        What each input is, and where it lies.

    Raises
    ------
    OptionError

    Examples
    --------
    >>> require_no_input("--out", Path("book.csv"), [("transactions", Path("orders.csv"))])
    """
    target = _resolved(place)
    for what, source in inputs:
        here = _resolved(source)
        if here == target or _same_file(here, target) or (target in here.parents and target.is_dir()):
            raise OptionError(
                f"{name}: {place.name!r} is, or holds, a file of {what}, and would be replaced.\n"
                "Name another place, one that the sources do not take in."
            )


def _resolved(place: Path) -> Path:
    """The place itself, whatever links and dots lead to it."""
    try:
        return place.expanduser().resolve()
    except (OSError, RuntimeError, ValueError):
        return place.absolute()


def _same_file(first: Path, second: Path) -> bool:
    """Whether two names are one file: a hard link, or another spelling where capitals do not count."""
    try:
        return os.path.samefile(first, second)
    except (OSError, ValueError):
        return False
