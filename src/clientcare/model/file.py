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

import hashlib
import io
import json
import math
import os
import platform
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from clientcare.arguments import path_of
from clientcare.durable import replacing
from clientcare.exceptions import ModelFileError

SCHEMA_VERSION = 2
FORMAT = "clientcare model"
MEMBERS = ("manifest.json", "card.json", "card.txt", "state.json", "arrays.bin")
MAX_BYTES = {
    "manifest.json": 64 << 10,
    "card.json": 1 << 20,
    "card.txt": 2 << 20,
    "state.json": 4 << 20,
    "arrays.bin": 1 << 30,
}
MAX_RATIO = 100
MAX_DEPTH = 50
MAX_ARRAYS = 20_000

_SEAL = b"clientcare sha256 "
_SEAL_BYTES = len(_SEAL) + 64
_END = struct.Struct("<4s4H2LH")
_PLAIN = re.compile(r"^(?:\|b1|\|[iu]1|<[iu](?:2|4|8)|<f(?:4|8)|<U[1-9][0-9]{0,4})$")
_STRINGS = re.compile(rb'"(?:[^"\\]++|\\(?:.|\Z))*+(?:"|\Z)', re.DOTALL)
_LIBRARIES = ("clientcare", "numpy", "pandas", "scikit-learn", "scipy")
_CHUNK = 1 << 20

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
    >>> file = Path(tempfile.mkdtemp()) / "model.clientcare"
    >>> write_model_file(file, {"rate": 0.1, "weights": np.arange(3.0)}, {"horizon_days": 90})
    >>> state, card = read_model_file(file)
    >>> state["rate"], state["weights"].tolist(), card
    (0.1, [0.0, 1.0, 2.0], {'horizon_days': 90})
    """
    target = path_of("model file", path)
    arrays: list[NDArray[Any]] = []
    places: list[dict[str, Any]] = []
    values = _encoded(state, arrays, places, "state")
    plain_card = _encoded(card, None, None, "card")
    parts = {
        "card.json": _json_bytes(plain_card, indent=1),
        "card.txt": ("\n".join(_card_lines(card)) + "\n").encode("utf-8", "replace"),
        "state.json": _json_bytes({"arrays": places, "values": values}),
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
        "schema_version": SCHEMA_VERSION,
        "libraries": library_versions(),
        "members": {name: {"size": len(part), "sha256": _sha256(part)} for name, part in parts.items()},
    }
    sealed = _sealed_zip({"manifest.json": _json_bytes(manifest, indent=1), **parts})
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
                raise _Refused("it is not a regular file")
            with os.fdopen(handle, "rb", closefd=False) as file:
                return _checked_content(file, os.fstat(handle).st_size)
        except _Refused as refusal:
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


class _Refused(Exception):
    """Why a file is no model file of ours."""


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


# ------------------------------------------------------------------------------------------ writing


def _encoded(
    value: Any, arrays: list[NDArray[Any]] | None, places: list[dict[str, Any]] | None, where: str
) -> Any:
    """The value in JSON's own types; arrays are put aside and leave their number behind."""
    if value is None or isinstance(value, (bool, str)):
        return value if value is None or isinstance(value, bool) else str(value)
    if isinstance(value, np.generic):
        return _encoded(value.item(), arrays, places, where)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else {"$float": repr(float(value))}
    if isinstance(value, Mapping):
        bad = [key for key in value if not isinstance(key, str) or key.startswith("$")]
        if bad:
            raise ModelFileError(
                f"model file: {where} has {len(bad)} keys that are no text or begin with '$'."
            )
        return {str(key): _encoded(item, arrays, places, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        items = [_encoded(item, arrays, places, f"{where}[{number}]") for number, item in enumerate(value)]
        return {"$tuple": items} if isinstance(value, tuple) else items
    if isinstance(value, np.ndarray) and arrays is not None and places is not None:
        return {"$array": _set_aside(value, arrays, places, where)}
    raise ModelFileError(
        f"model file: {where} is a {type(value).__name__}, which a model file does not hold.\n"
        "Allowed are None, bool, int, float, text, dicts, lists, tuples, and (in the state) arrays "
        "of numbers or text."
    )


def _set_aside(
    value: NDArray[Any], arrays: list[NDArray[Any]], places: list[dict[str, Any]], where: str
) -> int:
    array = np.ascontiguousarray(value).reshape(value.shape)
    if array.dtype.byteorder == ">" or (array.dtype.byteorder == "=" and not np.little_endian):
        array = array.astype(array.dtype.newbyteorder("<"))
    kind = array.dtype.str
    if not _PLAIN.match(kind):
        raise ModelFileError(
            f"model file: {where} is an array of {value.dtype}; only bool, integers, float32, float64 "
            "and text are held."
        )
    arrays.append(array)
    places.append({"dtype": kind, "shape": list(array.shape)})
    return len(arrays) - 1


def _json_bytes(value: Any, indent: int | None = None) -> bytes:
    separators = (",", ":") if indent is None else (",", ": ")
    return json.dumps(value, ensure_ascii=True, allow_nan=False, indent=indent, separators=separators).encode(
        "ascii"
    )


def _card_lines(card: Mapping[str, Any], level: int = 0) -> Iterator[str]:
    if level == 0:
        yield "clientcare model card"
        yield "====================="
    for name, value in card.items():
        label = f"{'  ' * level}{str(name).replace('_', ' ')}:"
        if isinstance(value, Mapping):
            yield label
            yield from _card_lines(value, level + 1)
        elif isinstance(value, (list, tuple)):
            yield label
            for item in value:
                if isinstance(item, Mapping):
                    yield f"{'  ' * (level + 1)}- " + ", ".join(
                        f"{key}: {_shown(part)}" for key, part in item.items()
                    )
                else:
                    yield f"{'  ' * (level + 1)}- {_shown(item)}"
        else:
            yield f"{label} {_shown(value)}"


def _shown(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value).replace("\n", " ")


def library_versions() -> dict[str, str]:
    """Versions of Python, of this package and of those it computes with."""
    found = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "unknown"
    return found


def _sealed_zip(parts: Mapping[str, bytes]) -> bytes:
    """The same parts give the same bytes: no clock, fixed order, fixed permissions."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in MEMBERS:
            info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            info.create_system = 3
            info.external_attr = 0o644 << 16
            info.compress_type = zipfile.ZIP_DEFLATED if _worth_packing(parts[name]) else zipfile.ZIP_STORED
            archive.writestr(info, parts[name], compresslevel=6)
        archive.comment = b"-" * _SEAL_BYTES
    content = buffer.getvalue()[:-_SEAL_BYTES]
    return content + _SEAL + _sha256(content).encode("ascii")


def _worth_packing(part: bytes) -> bool:
    """Parts that shrink more than a bomb may are stored as they are, so that the limit on reading never
    meets them.
    """
    return len(zlib.compress(part, 6)) * (MAX_RATIO // 2) > len(part)


def _sha256(part: bytes) -> str:
    return hashlib.sha256(part).hexdigest()


# ------------------------------------------------------------------------------------------ reading


def _checked_content(file: BinaryIO, n_bytes: int) -> tuple[dict[str, Any], dict[str, Any]]:
    _require_seal(file, n_bytes)
    _require_small_directory(file, n_bytes)
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        if not members or members[0].filename != MEMBERS[0]:
            raise _Refused("it has no manifest")
        _require_limits(members[0])
        manifest = _parsed(b"".join(_chunks(archive, members[0])))
        _require_version(manifest)
        _require_layout(members)
        for member in members[1:]:
            _require_checksum(archive, member, manifest)
        card = _decoded(_parsed(archive.read("card.json")), [])
        state = _parsed(archive.read("state.json"))
        if type(state) is not dict or set(state) != {"arrays", "values"} or type(state["arrays"]) is not list:
            raise _Refused("its state has another form")
        arrays = _arrays(state["arrays"], b"".join(_chunks(archive, archive.getinfo("arrays.bin"))))
        values = _decoded(state["values"], arrays)
    if type(values) is not dict or type(card) is not dict:
        raise _Refused("its state or card has another form")
    return values, card


def _require_seal(file: BinaryIO, n_bytes: int) -> None:
    """Every byte is as it was written: the last ones are the SHA-256 of all before."""
    if n_bytes < _SEAL_BYTES + _END.size:
        raise _Refused("it is too short to be one")
    if n_bytes > sum(MAX_BYTES.values()):
        raise _Refused("it is larger than a model may be")
    file.seek(n_bytes - _SEAL_BYTES)
    seal = file.read(_SEAL_BYTES)
    if not seal.startswith(_SEAL):
        raise _Refused("it was not written by clientcare, or its end is missing")
    file.seek(0)
    digest, left = hashlib.sha256(), n_bytes - _SEAL_BYTES
    while left:
        chunk = file.read(min(_CHUNK, left))
        if not chunk:
            raise _Refused("it grew shorter while it was read")
        digest.update(chunk)
        left -= len(chunk)
    if digest.hexdigest().encode("ascii") != seal[len(_SEAL) :]:
        raise _Refused("damaged or changed since it was written (checksum)")


def _require_small_directory(file: BinaryIO, n_bytes: int) -> None:
    """Look at the zip's own directory before anything is built from it."""
    place = n_bytes - _SEAL_BYTES - _END.size
    file.seek(place)
    magic, disk, first_disk, here, entries, size, offset, comment = _END.unpack(file.read(_END.size))
    if (
        magic != b"PK\x05\x06"
        or (disk, first_disk) != (0, 0)
        or here != entries
        or not 1 <= entries <= 2 * len(MEMBERS)
        or size > 4096
        or offset + size != place
        or comment != _SEAL_BYTES
    ):
        raise _Refused("its directory is not that of a model file")


def _require_limits(member: zipfile.ZipInfo) -> None:
    limit = MAX_BYTES[member.filename]
    if member.file_size > limit or member.file_size > MAX_RATIO * max(member.compress_size, 1):
        raise _Refused(f"its part {member.filename} is larger than a model's may be")
    if (
        member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
        or member.flag_bits
        or member.extra
    ):
        raise _Refused(f"its part {member.filename} is packed in another way")
    if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG):
        raise _Refused(f"its part {member.filename} is not a plain file")


def _require_layout(members: list[zipfile.ZipInfo]) -> None:
    """Exactly the known parts, each once, side by side with nothing between them."""
    if tuple(member.orig_filename for member in members) != MEMBERS:
        raise _Refused("its parts are not those of a model file")
    expected = 0
    for member in members:
        _require_limits(member)
        if member.header_offset != expected:
            raise _Refused("its parts overlap or have something between them")
        expected += 30 + len(member.filename) + member.compress_size
    # zipfile itself compares the name in front of each part with the one in the directory


def _require_version(manifest: Any) -> None:
    if type(manifest) is not dict or manifest.get("format") != FORMAT:
        raise _Refused("it is no clientcare model")
    found = manifest.get("schema_version")
    if type(found) is not int or found < 1:
        raise _Refused("it states no version of its format")
    if found > SCHEMA_VERSION:
        libraries = manifest.get("libraries")
        writer = (
            str(libraries.get("clientcare", "unknown"))[:40] if isinstance(libraries, dict) else "unknown"
        )
        raise _Refused(
            f"written in format version {found} by clientcare {writer}, and this clientcare "
            f"({library_versions()['clientcare']}) reads up to version {SCHEMA_VERSION}; upgrade "
            "clientcare to load it"
        )


def _require_checksum(archive: zipfile.ZipFile, member: zipfile.ZipInfo, manifest: dict[str, Any]) -> None:
    """Size and SHA-256 as the manifest says, read in small pieces before anything is kept."""
    stated = manifest.get("members")
    mine = stated.get(member.filename) if type(stated) is dict and set(stated) == set(MEMBERS[1:]) else None
    if type(mine) is not dict or set(mine) != {"size", "sha256"}:
        raise _Refused("its manifest does not name its parts")
    digest, n_bytes = hashlib.sha256(), 0
    for chunk in _chunks(archive, member):
        digest.update(chunk)
        n_bytes += len(chunk)
    if mine["size"] != n_bytes or mine["sha256"] != digest.hexdigest():
        raise _Refused(f"its part {member.filename} is not the one the manifest names")


def _chunks(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    """The bytes of a part, counted as they come: a size that lies in the directory does not help a bomb."""
    n_bytes = 0
    with archive.open(member) as part:
        while chunk := part.read(_CHUNK):
            n_bytes += len(chunk)
            if n_bytes > min(MAX_BYTES[member.filename], member.file_size):
                raise _Refused(f"its part {member.filename} is larger than stated")
            yield chunk


def _parsed(text: bytes) -> Any:
    """JSON without surprises: bounded depth, no key twice, no NaN."""
    bare = np.frombuffer(_STRINGS.sub(b"", text), dtype=np.uint8)
    opens = np.isin(bare, np.frombuffer(b"[{", dtype=np.uint8)).astype(np.int8)
    closes = np.isin(bare, np.frombuffer(b"]}", dtype=np.uint8)).astype(np.int8)
    if len(bare) and np.cumsum(opens - closes, dtype=np.int32).max() > MAX_DEPTH:
        raise _Refused("its values are nested too deeply")
    return json.loads(text.decode("ascii"), object_pairs_hook=_distinct, parse_constant=_no_constant)


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Refused("a key stands twice in its values")
    return found


def _no_constant(_: str) -> Any:
    raise _Refused("its values are not plain JSON")


def _arrays(places: list[Any], content: bytes) -> list[NDArray[Any]]:
    if len(places) > MAX_ARRAYS:
        raise _Refused("it holds too many arrays")
    arrays, start = [], 0
    for place in places:
        if type(place) is not dict or set(place) != {"dtype", "shape"} or type(place["shape"]) is not list:
            raise _Refused("an array has no proper place")
        kind, shape = place["dtype"], place["shape"]
        if type(kind) is not str or not _PLAIN.match(kind) or len(shape) > 8:
            raise _Refused("an array is of a type that a model does not hold")
        if any(type(length) is not int or not 0 <= length <= len(content) for length in shape):
            raise _Refused("an array has no proper shape")
        dtype = np.dtype(kind)
        n_bytes = math.prod(shape) * dtype.itemsize
        if start + n_bytes > len(content):
            raise _Refused("an array reaches past the end")
        arrays.append(_array(content[start : start + n_bytes], dtype, shape))
        start += n_bytes
    if start != len(content):
        raise _Refused("it holds bytes that belong to no array")
    return arrays


def _array(content: bytes, dtype: np.dtype[Any], shape: list[int]) -> NDArray[Any]:
    codes = np.frombuffer(
        content, dtype=np.uint8 if dtype.kind == "b" else np.uint32 if dtype.kind == "U" else dtype
    )
    if (dtype.kind == "b" and len(codes) and codes.max() > 1) or (
        dtype.kind == "U" and len(codes) and codes.max() > 0x10FFFF
    ):
        raise _Refused("an array holds values that its type does not have")
    return (
        np.frombuffer(bytearray(content), dtype=dtype)
        .reshape(shape)
        .astype(dtype.newbyteorder("="), copy=False)
    )


def _decoded(value: Any, arrays: list[NDArray[Any]]) -> Any:
    if isinstance(value, list):
        return [_decoded(item, arrays) for item in value]
    if not isinstance(value, dict):
        return value
    marks = [key for key in value if key.startswith("$")]
    if not marks:
        return {key: _decoded(item, arrays) for key, item in value.items()}
    if len(value) == 1:
        mark, item = next(iter(value.items()))
        if mark == "$float" and item in ("nan", "inf", "-inf"):
            return float(item)
        if mark == "$tuple" and isinstance(item, list):
            return tuple(_decoded(part, arrays) for part in item)
        if mark == "$array" and type(item) is int and 0 <= item < len(arrays):
            return arrays[item]
    raise _Refused("a value has a form that is not known")
