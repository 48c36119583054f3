"""The model file: numbers, names and a card, in a zip that any tool opens and that cannot run anything.

Five members, these names, this order, nothing else::

    manifest.json   format and its version, library versions, size and SHA-256 of each other member
    card.json       the model card: what was learned, from when to when, how well it did
    card.txt        the same card for people
    state.json      the model's parameters: plain values, lists, and places in arrays.bin
    arrays.bin      all arrays, one after the other, little-endian

The comment at the end of the zip is the SHA-256 of every byte before it. Why no pickle and no skops:
``docs/decisions/model-file.md``.
"""

from __future__ import annotations

import os
import platform
import stat
import struct
import zipfile
import zlib
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any, BinaryIO

from numpy.typing import NDArray

from clientcare.arguments import path_of
from clientcare.durable import replacing
from clientcare.exceptions import ModelFileError
from clientcare.model.store import versions
from clientcare.model.store.archive import (
    MAX_BYTES,
    MEMBERS,
    chunks_of,
    require_checksum,
    require_layout,
    require_limits,
    require_seal,
    require_small_directory,
    sealed_zip,
    sha256_of,
)
from clientcare.model.store.card_text import card_lines
from clientcare.model.store.codec import Refused, arrays_of, decoded, encoded, json_bytes, parsed

FORMAT = "clientcare model"

_LIBRARIES = ("clientcare", "numpy", "pandas", "scikit-learn", "scipy")

State = Mapping[str, Any]


def write_model_file(path: str | os.PathLike[str], state: State, card: Mapping[str, Any]) -> None:
    """Write a model in one step: the target is the old file or the whole new one, never a part.

    Parameters
    ----------
    path : path
        Where to. By custom the name ends in ``.clientcare``.
    state : mapping
        Nested dicts (text keys), lists and tuples of None, bool, int, float, str and numpy arrays (bool,
        integers, float32, float64, or text of fixed width). Floats keep every bit; NaN and infinities are
        allowed. Anything else is refused, so that a model cannot carry code or tables by accident.
    card : mapping
        The model card: plain values, dicts and lists only. No buyer's data belongs in it.

    Raises
    ------
    ModelFileError
        Where the state holds something that has no place in a model file.
    SourceError
        Where the place cannot be written to.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> file = Path(tempfile.mkdtemp()) / "model.clientcare"
    >>> write_model_file(file, {"rate": 0.1, "weights": np.arange(3.0)}, {"horizon_days": 90})
    >>> state, card = read_model_file(file)
    >>> state["rate"], state["weights"].tolist(), card
    (0.1, [0.0, 1.0, 2.0], {'horizon_days': 90})
    """
    target = path_of("model file", path)
    arrays: list[NDArray[Any]] = []
    places: list[dict[str, Any]] = []
    values = encoded(state, arrays, places, "state")
    plain_card = encoded(card, None, None, "card")
    parts = {
        "card.json": json_bytes(plain_card, indent=1),
        "card.txt": _for_people(plain_card),
        "state.json": json_bytes({"arrays": places, "values": values}),
        "arrays.bin": b"".join(array.tobytes() for array in arrays),
    }
    for name, content in parts.items():
        if len(content) > MAX_BYTES[name]:
            raise ModelFileError(
                f"model file: {name} would take {len(content):,} bytes, more than the "
                f"{MAX_BYTES[name]:,} that are read back.\n"
                "Keep long lists of numbers in arrays, and no tables of buyers in a model."
            )
    manifest = {
        "format": FORMAT,
        "schema_version": versions.SCHEMA_VERSION,
        "libraries": library_versions(),
        "members": {name: {"size": len(part), "sha256": sha256_of(part)} for name, part in parts.items()},
    }
    sealed = sealed_zip({"manifest.json": json_bytes(manifest, indent=1), **parts})
    with replacing(target) as file:
        file.write(sealed)


def read_model_file(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read and check a model file; nothing in it can run.

    Returns
    -------
    state, card : dict, dict
        As they were given to :func:`write_model_file`; arrays are new, C-contiguous and writable.

    Raises
    ------
    ModelFileError
        Where there is no such file, it is damaged, it is none of ours, it was written by a newer
        clientcare, or it is larger than its limits.
    """
    _, state, card = read_with_version(path)
    return state, card


def read_with_version(path: str | os.PathLike[str]) -> tuple[int, dict[str, Any], dict[str, Any]]:
    """The version of a model file's format, its state as of that version, and its card.

    Raises
    ------
    ModelFileError
        As :func:`read_model_file`.
    """
    path = path_of("model file", path)
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (OSError, ValueError) as cause:
        reason = getattr(cause, "strerror", None) or "not a path"
        raise ModelFileError(
            f"model file {path.name!r}: cannot be opened ({reason}). Check the path."
        ) from cause
    try:
        try:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise Refused("it is not a regular file")
            with os.fdopen(handle, "rb", closefd=False) as file:
                return _checked_content(file, os.fstat(handle).st_size)
        except Refused as refusal:
            raise ModelFileError(
                f"model file {path.name!r}: {refusal}.\nSave the model again, or fetch the file again."
            ) from None
        except _DAMAGE as cause:
            raise ModelFileError(
                f"model file {path.name!r}: damaged ({type(cause).__name__}).\nSave the model again, "
                "or fetch the file again."
            ) from None
    finally:
        os.close(handle)


_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    RuntimeError,
)
"""What the standard library raises on bytes that are no zip or no JSON."""


def _checked_content(file: BinaryIO, n_bytes: int) -> tuple[int, dict[str, Any], dict[str, Any]]:
    require_seal(file, n_bytes)
    require_small_directory(file, n_bytes)
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        if not members or members[0].filename != MEMBERS[0]:
            raise Refused("it has no manifest")
        require_limits(members[0])
        manifest = parsed(b"".join(chunks_of(archive, members[0])))
        _require_version(manifest)
        require_layout(file, members)
        version = int(manifest["schema_version"])
        for member in members[1:]:
            require_checksum(archive, member, manifest)
        written = parsed(archive.read("card.json"))
        if version == versions.SCHEMA_VERSION and archive.read("card.txt") != _for_people(written):
            raise Refused("its card for people says another thing than its card")
        card = decoded(written, [])
        state = parsed(archive.read("state.json"))
        if type(state) is not dict or set(state) != {"arrays", "values"} or type(state["arrays"]) is not list:
            raise Refused("its state has another form")
        arrays = arrays_of(state["arrays"], b"".join(chunks_of(archive, archive.getinfo("arrays.bin"))))
        values = decoded(state["values"], arrays)
    if type(values) is not dict or type(card) is not dict:
        raise Refused("its state or card has another form")
    return version, values, card


def _for_people(card: Any) -> bytes:
    """The card as text, of the card as it stands in the file."""
    if type(card) is not dict:
        raise Refused("its state or card has another form")
    return ("\n".join(card_lines(card)) + "\n").encode("utf-8", "replace")


def _require_version(manifest: Any) -> None:
    """A version that we write, or that steps lead from to ours."""
    if type(manifest) is not dict or manifest.get("format") != FORMAT:
        raise Refused("it is no clientcare model")
    if set(manifest) != {"format", "schema_version", "libraries", "members"}:
        raise Refused("its manifest says more or less than it should")
    libraries = manifest["libraries"]
    if type(libraries) is not dict or not all(type(one) is str for one in libraries.values()):
        raise Refused("its manifest names no libraries")
    found = manifest["schema_version"]
    if type(found) is not int or found < 1:
        raise Refused("it states no version of its format")
    if versions.oldest() <= found <= versions.SCHEMA_VERSION:
        return
    writer = libraries.get("clientcare", "unknown")[:40]
    ours = library_versions()["clientcare"]
    if found > versions.SCHEMA_VERSION:
        mend, read = "upgrade clientcare to load it", f"up to version {versions.SCHEMA_VERSION}"
    else:
        mend = f"load it with clientcare {writer}, or fit the model again from its histories"
        read = f"from version {versions.oldest()} on"
    raise Refused(
        f"written in format version {found} by clientcare {writer}, and this clientcare ({ours}) reads {read}; {mend}"
    )


def library_versions() -> dict[str, str]:
    """Versions of Python, of this package and of those it computes with."""
    found = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "unknown"
    return found
