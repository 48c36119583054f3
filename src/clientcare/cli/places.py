"""Every place that a verb writes to is looked at before the verb begins."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from clientcare.cli.output import ASIDE
from clientcare.cli.tables import TABLES, files_named
from clientcare.exceptions import SourceError
from clientcare.history.sources.databases import is_address
from clientcare.places import require_no_input, require_plain_place
from clientcare.scoring.companions import (
    MANIFEST_KEYS,
    OUTLOOK_KEYS,
    manifest_beside,
    outlook_beside,
    require_companion_place,
)
from clientcare.scoring.outputs import CsvFile, ParquetFolder, output_of

_SIMULATED = ("transactions", "interactions", "contracts", "buyers", "truth")
_NO_FILES = {"verb", "run", "column", "out", "set_aside", "format", "form", "shell", *TABLES}
"""Options that name no file to read, or whose files are found by other means."""


def require_places(options: argparse.Namespace) -> None:
    """Refuse a place that is no plain file, or is an input of the same run; nothing has been read yet.

    Raises
    ------
    OptionError, SourceError
    """
    targets = list(_targets(options))
    if not targets:
        return
    for name, target, folder in targets:
        require_plain_place(name, target, folder)
        _require_parents(name, target)
    companions = list(_companions(options))
    for target, keys, prefix in companions:
        require_companion_place("--out", target, keys, prefix)
    written = [*((name, target) for name, target, _ in targets), *(("--out", one) for one, *_ in companions)]
    inputs = [*files_named(options), *_other_inputs(options)]
    for number, (name, target) in enumerate(written):
        require_no_input(name, target, inputs)
        require_no_input(name, target, [(f"the output {other}", place) for other, place in written[:number]])


def _targets(options: argparse.Namespace) -> Iterator[tuple[str, Path, bool]]:
    """Name and path of everything that will be written, and whether it is a folder."""
    out = getattr(options, "out", None)
    if options.verb == "fit":
        yield "--model", Path(options.model), False
    for pair in getattr(options, "set_aside", None) or []:
        if pair.partition("=")[2]:
            yield "--set-aside", Path(pair.partition("=")[2]), False
    if not out or is_address(out) or getattr(options, "catalogue", False):
        return
    if options.verb in ("demo", "simulate"):
        yield from (("--out", Path(out) / name, False) for name in _in_folder(options))
        return
    if getattr(options, "in_parts", False):
        output = output_of(out)
        yield "--out", output.place, isinstance(output, ParquetFolder)
        return
    yield "--out", Path(out), False


def _companions(options: argparse.Namespace) -> Iterator[tuple[Path, frozenset[str], str]]:
    """What is written beside a book: where, the entries that one of ours has, and how its name aside begins."""
    out = getattr(options, "out", None)
    if options.verb != "score" or not out or is_address(out):
        return
    book = output_of(out) if options.in_parts else None
    if isinstance(book, CsvFile):
        yield manifest_beside(book.place), MANIFEST_KEYS, "."
    yield outlook_beside(Path(out) if book is None else book.place), OUTLOOK_KEYS, ASIDE


def _in_folder(options: argparse.Namespace) -> list[str]:
    """The files that a verb with a folder writes into it."""
    if options.verb == "demo":
        return ["book.parquet", "book.csv"]
    return [f"{name}.{options.form}" for name in _SIMULATED]


def _require_parents(name: str, target: Path) -> None:
    """A place below something that is no folder can never be written."""
    for parent in target.absolute().parents:
        try:
            if not parent.exists():
                continue
        except (OSError, ValueError):
            raise SourceError(f"{name}: {target.name!r} lies where nothing can be looked at.") from None
        if not parent.is_dir():
            raise SourceError(f"{name}: {parent.name!r} is no folder. Name a place in a folder.")
        return


def _other_inputs(options: argparse.Namespace) -> list[tuple[str, Path]]:
    """Whatever else the options name that is there: a model, a book, arms, a configuration."""
    return [
        (
            name.replace("_", "-")
            if name in ("book", "files", "old", "new")
            else f"--{name.replace('_', '-')}",
            Path(one),
        )
        for name, value in vars(options).items()
        if name not in _NO_FILES and not (name == "model" and options.verb == "fit")
        for one in _paths(value)
    ]


def _paths(value: Any) -> Iterator[str]:
    """The texts of an option that are the names of something there; ``TABLE=FILE`` for its file."""
    for text in value if isinstance(value, (list, tuple)) else [value]:
        for one in {text, text.partition("=")[2]} if isinstance(text, str) else ():
            try:
                if one and Path(one).exists():
                    yield one
            except (OSError, ValueError):
                continue
