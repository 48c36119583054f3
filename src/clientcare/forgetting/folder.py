"""Everything in a folder that a buyer may be in: found, rewritten aside, and put in place together."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from clientcare.arguments import path_of
from clientcare.durable import PARTIAL, cannot_write, only_writer, replacing
from clientcare.exceptions import InputError, OutputLockedError, SourceError
from clientcare.forgetting.page import names_in_page, without_in_page
from clientcare.forgetting.tables import (
    NotOurs,
    names_in_parquet,
    names_whole,
    without_in_csv,
    without_in_json,
    without_in_parquet,
)
from clientcare.scoring.outputs import MANIFEST
from clientcare.scoring.publish import beside

_WAYS: dict[str, tuple[str, Callable[[bytes, str], tuple[bytes, int]]]] = {
    ".parquet": ("Parquet", without_in_parquet),
    ".csv": ("CSV", without_in_csv),
    ".json": ("JSON", without_in_json),
    ".jsonl": ("JSON", without_in_json),
    ".html": ("page", without_in_page),
}
_PACKED = (".gz", ".zip", ".xz", ".bz2", ".zst", ".7z", ".xlsx", ".pdf")
_MODEL = ".clientcare"
"""A model file holds no buyer."""
_MANIFEST_END = ".manifest.json"
MOST_BYTES = 4 << 30
"""A larger file is told, not read: it would have to be held in memory whole."""


@dataclass(frozen=True)
class Forgotten:
    """What was done to forget a buyer.

    Attributes
    ----------
    changed : DataFrame
        ``file`` (from the folder on), ``form``, ``n_gone``: rows and other pieces taken out.
    unreached : DataFrame
        ``file`` and ``why``: what may still hold the buyer.
    n_files : int
        How many files were looked at.
    """

    changed: pd.DataFrame
    unreached: pd.DataFrame
    n_files: int

    def __repr__(self) -> str:
        n_gone = int(self.changed["n_gone"].sum())
        said = f"Forgotten in {len(self.changed):,} of {self.n_files:,} files ({n_gone:,} entries)."
        left = [f"Not reached: {row.file}: {row.why}." for row in self.unreached.itertuples()]
        return "\n".join([said, *left])


def forget_buyer(buyer_id: Any, folder: str | os.PathLike[str]) -> Forgotten:
    """Take a buyer out of the books, plans, feature files, arms and pages in a folder and all folders below.

    All files are rewritten aside first; where one cannot be, none is changed. Then they take their places one after the
    other, each in one step. A run that is cut off in between is finished by the next one.

    Parameters
    ----------
    buyer_id : str or int
        As the books write it.
    folder : path

    Returns
    -------
    Forgotten
        With what could not be reached: tables of facts, packed files, what is being written, texts that name the buyer.

    Raises
    ------
    InputError
        Where the id is no id.
    SourceError
        Where there is no such folder, or a file cannot be rewritten; nothing was changed then.

    Examples
    --------
    >>> import tempfile
    >>> place = Path(tempfile.mkdtemp())
    >>> pd.DataFrame({"buyer_id": ["ann", "bob"], "churn_risk": [0.1, 0.2]}).to_csv(place / "book.csv", index=False)
    >>> forget_buyer("ann", place)
    Forgotten in 1 of 1 files (1 entries).
    >>> pd.read_csv(place / "book.csv")["buyer_id"].tolist()
    ['bob']
    """
    buyer = str(buyer_id)
    if isinstance(buyer_id, bool) or not isinstance(buyer_id, (str, int)) or not buyer.strip():
        raise InputError("forget: the id must be a text or a whole number that is not empty.")
    root = path_of("forget: folder", folder)
    if not root.is_dir():
        raise SourceError(f"forget: {root.name!r} is no folder that is there. Check the path.")
    changes: dict[Path, tuple[bytes, str, int]] = {}
    unreached: list[tuple[str, str]] = []
    n_files = 0
    for file in _files(root, unreached):
        n_files += 1
        try:
            changed = _looked_at(file, buyer)
        except NotOurs as why:
            unreached.append((_said(file, root), str(why)))
            continue
        if changed is not None:
            changes[file] = changed
    for file in list(changes):
        _follow_manifests(file, changes)
    _put_in_place(changes)
    unreached += _still_named(changes, root, buyer)
    table = [(_said(file, root), form, n_gone) for file, (_, form, n_gone) in sorted(changes.items())]
    return Forgotten(
        pd.DataFrame(table, columns=["file", "form", "n_gone"]),
        pd.DataFrame(sorted(set(unreached)), columns=["file", "why"]),
        n_files,
    )


def _files(root: Path, unreached: list[tuple[str, str]]) -> Iterator[Path]:
    """Every regular file below; what cannot be entered or is a link is told."""

    def told(error: OSError) -> None:
        unreached.append((_said(Path(error.filename or root), root), "cannot be looked into"))

    for at, folders, names in os.walk(root, onerror=told):
        for name in sorted([*folders, *names]):
            path = Path(at) / name
            mode = os.lstat(path).st_mode
            if stat.S_ISLNK(mode):
                unreached.append((_said(path, root), "is a link: look where it leads to"))
            elif stat.S_ISREG(mode) and not name.endswith((".lock", _MANIFEST_END)) and name != MANIFEST:
                yield path


def _looked_at(file: Path, buyer: str) -> tuple[bytes, str, int] | None:
    """The new content of a file that holds the buyer; None for one that does not.

    Raises
    ------
    NotOurs
        Where it holds, or may hold, the buyer and is not changed.
    """
    try:
        if file.stat().st_size > MOST_BYTES:
            raise NotOurs("is too large to be rewritten in memory")
        content = file.read_bytes()
    except OSError:
        raise NotOurs("cannot be read") from None
    form, way = _WAYS.get(file.suffix.lower(), ("", None))
    if way is None:
        if file.suffix.lower() in _PACKED:
            raise NotOurs("is packed, and was not looked into")
        if file.name.endswith(PARTIAL):
            raise NotOurs("is half written: the next run that writes there removes it")
        if file.suffix != _MODEL and _in_bytes(content, buyer):
            raise NotOurs("names the buyer, and is of no form that can be changed")
        return None
    try:
        new, n_gone = way(content, buyer)
    except NotOurs:
        if _names(content, form, buyer):
            raise
        return None
    except (ValueError, TypeError, LookupError, pa.ArrowException):
        raise NotOurs(f"is no {form} that can be read") from None
    if n_gone == 0:
        if _names(content, form, buyer):
            raise NotOurs("names the buyer within a text")
        return None
    return new, form, n_gone


def _names(content: bytes, form: str, buyer: str) -> bool:
    """Whether a content of a form names the buyer anywhere."""
    if form == "page":
        return names_in_page(content, buyer)
    if form == "Parquet":
        return names_in_parquet(content, buyer)
    return names_whole(content.decode("utf-8", "replace"), buyer)


def _in_bytes(content: bytes, buyer: str) -> bool:
    """Of a text by whole words; of anything else only ids that are too long to stand there by chance."""
    if b"\0" in content:
        return len(buyer) >= 6 and buyer.encode("utf-8", "replace") in content
    return names_whole(content.decode("utf-8", "replace"), buyer)


def _follow_manifests(file: Path, changes: dict[Path, tuple[bytes, str, int]]) -> None:
    """The manifest of a book says how many buyers and which bytes: it is written anew with the book."""
    content, _, n_gone = changes[file]
    digest = hashlib.sha256(content).hexdigest()
    own = file.with_name(f"{file.name}{_MANIFEST_END}")
    of_folder = file.with_name(MANIFEST)
    for manifest in (own, of_folder):
        if not manifest.is_file():
            continue
        held = changes.get(manifest, (manifest.read_bytes(), "manifest", 0))[0]
        with contextlib.suppress(ValueError, TypeError, KeyError):
            facts = json.loads(held)
            facts["n_buyers"] -= n_gone
            if manifest == own:
                facts["sha256"] = digest
            for one in facts.get("files", []):
                if one.get("file") == file.name:
                    one |= {"sha256": digest, "n_rows": one["n_rows"] - n_gone}
            facts["parts"] = []  # they told of the bytes before
            changes[manifest] = (json.dumps(facts, indent=1, sort_keys=True).encode(), "manifest", 0)


def _put_in_place(changes: dict[Path, tuple[bytes, str, int]]) -> None:
    """Write all aside, then let them take their places; the locks of their outputs are held meanwhile."""
    with contextlib.ExitStack() as held:
        for place in sorted({_output_of(file) for file in changes}):
            try:
                held.enter_context(only_writer(beside(place, "lock"), place.name))
            except OutputLockedError:
                raise OutputLockedError(
                    f"forget: {place.name} is being written by a job; nothing was changed. Start again when it has ended."
                ) from None
        with contextlib.ExitStack() as aside:
            for file, (content, _, _) in sorted(changes.items()):
                try:
                    mode = stat.S_IMODE(file.stat().st_mode)
                except OSError as cause:
                    raise cannot_write(file, cause) from cause
                stream = aside.enter_context(replacing(file, mode))
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())


def _output_of(file: Path) -> Path:
    """The output that a file belongs to: its folder where that is a book, else itself."""
    if (file.parent / MANIFEST).is_file():
        return file.parent
    return file.with_name(file.name.removesuffix(_MANIFEST_END))


def _still_named(
    changes: dict[Path, tuple[bytes, str, int]], root: Path, buyer: str
) -> Iterator[tuple[str, str]]:
    """Files that were changed and still name the buyer within a text."""
    for file, (content, form, _) in changes.items():
        if form != "manifest" and _names(content, form, buyer):
            yield _said(file, root), "still names the buyer within a text: write it anew"


def _said(file: Path, root: Path) -> str:
    try:
        return str(file.relative_to(root))
    except ValueError:
        return file.name
