"""The zip around a model: sealed, its parts side by side, sizes known before anything is unpacked."""

from __future__ import annotations

import hashlib
import io
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from clientcare.model.store.codec import Refused

MEMBERS = ("manifest.json", "card.json", "card.txt", "state.json", "arrays.bin")
MAX_BYTES = {
    "manifest.json": 64 << 10,
    "card.json": 1 << 20,
    "card.txt": 2 << 20,
    "state.json": 4 << 20,
    "arrays.bin": 1 << 30,
}
MAX_RATIO = 100
SEAL = b"clientcare sha256 "
SEAL_BYTES = len(SEAL) + 64

_END = struct.Struct("<4s4H2LH")
_LOCAL = struct.Struct("<4s5H3L2H")
_ENTRY = struct.Struct("<4s2B5H3L5H2L")
_END_MAGIC = b"PK\x05\x06"
_VERSION, _UNIX, _FIRST_DAY, _MODE = 20, 3, 33, 0o644 << 16
"""Version 2.0 of the format, made on Unix, 1 January 1980, readable by all: no clock and no machine shows."""
_CHUNK = 1 << 20


def sealed_zip(parts: Mapping[str, bytes]) -> bytes:
    """The same parts give the same bytes: no clock, fixed order, fixed permissions."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in MEMBERS:
            info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            info.create_system, info.external_attr = _UNIX, _MODE
            info.compress_type = zipfile.ZIP_DEFLATED if _worth_packing(parts[name]) else zipfile.ZIP_STORED
            archive.writestr(info, parts[name], compresslevel=6)
        archive.comment = b"-" * SEAL_BYTES
    content = buffer.getvalue()[:-SEAL_BYTES]
    return content + SEAL + sha256_of(content).encode("ascii")


def _worth_packing(part: bytes) -> bool:
    """Parts that shrink more than a bomb may are stored as they are, so that the limit on reading never
    meets them.
    """
    return len(zlib.compress(part, 6)) * (MAX_RATIO // 2) > len(part)


def sha256_of(part: bytes) -> str:
    """SHA-256 of some bytes, as text."""
    return hashlib.sha256(part).hexdigest()


def require_seal(file: BinaryIO, n_bytes: int) -> None:
    """Every byte is as it was written: the last ones are the SHA-256 of all before."""
    if n_bytes < SEAL_BYTES + _END.size:
        raise Refused("it is too short to be one")
    if n_bytes > sum(MAX_BYTES.values()):
        raise Refused("it is larger than a model may be")
    file.seek(n_bytes - SEAL_BYTES)
    seal = file.read(SEAL_BYTES)
    if not seal.startswith(SEAL):
        raise Refused("it was not written by clientcare, or its end is missing")
    file.seek(0)
    digest, left = hashlib.sha256(), n_bytes - SEAL_BYTES
    while left:
        chunk = file.read(min(_CHUNK, left))
        if not chunk:
            raise Refused("it grew shorter while it was read")
        digest.update(chunk)
        left -= len(chunk)
    if digest.hexdigest().encode("ascii") != seal[len(SEAL) :]:
        raise Refused("damaged or changed since it was written (checksum)")


def require_small_directory(file: BinaryIO, n_bytes: int) -> None:
    """Look at the zip's own directory before anything is built from it."""
    place = n_bytes - SEAL_BYTES - _END.size
    file.seek(place)
    magic, disk, first_disk, here, entries, size, offset, comment = _END.unpack(file.read(_END.size))
    if (
        magic != _END_MAGIC
        or (disk, first_disk) != (0, 0)
        or here != entries
        or not 1 <= entries <= 2 * len(MEMBERS)
        or size > 4096
        or offset + size != place
        or comment != SEAL_BYTES
    ):
        raise Refused("its directory is not that of a model file")


def require_limits(member: zipfile.ZipInfo) -> None:
    """A part is small enough, and packed as we pack."""
    limit = MAX_BYTES[member.filename]
    if member.file_size > limit or member.file_size > MAX_RATIO * max(member.compress_size, 1):
        raise Refused(f"its part {member.filename} is larger than a model's may be")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Refused(f"its part {member.filename} is packed in another way")


def require_layout(file: BinaryIO, members: list[zipfile.ZipInfo]) -> None:
    """Exactly the known parts, each once, side by side; both headers of each are those that we write, byte for byte.

    So no comment, no further field and no byte between two parts can hold anything.
    """
    if tuple(member.orig_filename for member in members) != MEMBERS:
        raise Refused("its parts are not those of a model file")
    expected, directory = 0, b""
    for member in members:
        require_limits(member)
        if member.header_offset != expected:
            raise Refused("its parts overlap or have something between them")
        in_front, in_directory = _headers(member)
        file.seek(expected)
        if file.read(len(in_front)) != in_front:
            raise Refused(f"its part {member.filename} is headed in another way")
        directory += in_directory
        expected += len(in_front) + member.compress_size
    file.seek(expected)
    if file.read(len(directory) + len(_END_MAGIC)) != directory + _END_MAGIC:
        raise Refused("its directory holds more than its parts")


def _headers(member: zipfile.ZipInfo) -> tuple[bytes, bytes]:
    """What stands in front of a part of ours, and its entry in the directory."""
    name = member.filename.encode("ascii")
    told = (0, member.compress_type, 0, _FIRST_DAY, member.CRC, member.compress_size, member.file_size)
    in_front = _LOCAL.pack(b"PK\x03\x04", _VERSION, *told, len(name), 0) + name
    places = (len(name), 0, 0, 0, 0, _MODE, member.header_offset)
    return in_front, _ENTRY.pack(b"PK\x01\x02", _VERSION, _UNIX, _VERSION, *told, *places) + name


def require_checksum(archive: zipfile.ZipFile, member: zipfile.ZipInfo, manifest: dict[str, Any]) -> None:
    """Size and SHA-256 as the manifest says, read in small pieces before anything is kept."""
    stated = manifest.get("members")
    mine = stated.get(member.filename) if type(stated) is dict and set(stated) == set(MEMBERS[1:]) else None
    if type(mine) is not dict or set(mine) != {"size", "sha256"}:
        raise Refused("its manifest does not name its parts")
    digest, n_bytes = hashlib.sha256(), 0
    for chunk in chunks_of(archive, member):
        digest.update(chunk)
        n_bytes += len(chunk)
    if mine["size"] != n_bytes or mine["sha256"] != digest.hexdigest():
        raise Refused(f"its part {member.filename} is not the one the manifest names")


def chunks_of(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    """The bytes of a part, counted as they come: a size that lies in the directory does not help a bomb."""
    n_bytes = 0
    with archive.open(member) as part:
        while chunk := part.read(_CHUNK):
            n_bytes += len(chunk)
            if n_bytes > min(MAX_BYTES[member.filename], member.file_size):
                raise Refused(f"its part {member.filename} is larger than stated")
            yield chunk
