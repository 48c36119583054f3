"""All or nothing: parts are written aside, and a finished output takes its place in one step.

Beside an output ``book.parquet`` a running job keeps two hidden things: ``.book.parquet.lock``, which lets
one job in and ends with its process, and ``.book.parquet.work``, a folder with the parts done so far. A job
that is started again with the same inputs, model and date finds its parts there and makes only what is
missing; with anything else it begins anew.

The order on the disk: each part is written and synced before its record, the record before the output is
put together, the whole output before it takes its place, its place before the work folder goes, and of that
folder first the file that says whose work it is. So a power cut at any moment leaves the old output or the
new one, never a record of something that is not there, and never half a work folder that a job would go on from.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from clientcare.durable import (
    PARTIAL,
    cannot_write,
    mend_folder,
    only_writer,
    reached,
    remove_folder,
    replacing,
    sweep_partials,
    sync_folder,
)
from clientcare.exceptions import SourceError
from clientcare.places import require_plain_place

PRIVATE = 0o600
"""Scores are about people: files are for their owner alone until somebody decides otherwise."""


@dataclass(frozen=True)
class PartRecord:
    """A part that is whole and on the disk."""

    number: int
    n_rows: int
    sha256: str
    facts: Mapping[str, Any]


class Job:
    """The only job on an output, and the parts it has finished.

    Attributes
    ----------
    work : Path
        The work folder.
    named : Path
        The file in it that says whose work it is; there is none where the work is being removed.
    partitions : Path
        Where the tables split by buyer lie.
    resumed : int
        Parts found whole from an earlier start.
    """

    def __init__(self, work: Path) -> None:
        self.work = work
        self.named = work / "job.json"
        self.partitions = work / "partitions"
        self.parts = work / "parts"
        self.output = work / "output"
        self.aside = work / "old"
        self.resumed = 0

    def finished(self) -> dict[int, PartRecord]:
        """Parts with a record whose bytes are what the record says; others are removed."""
        found = {}
        for record_file in sorted(self.parts.glob("*.json")):
            record = _read_record(record_file)
            part = record_file.with_suffix(".parquet")
            if record is not None and part.is_file() and sha256_of(part) == record.sha256:
                found[record.number] = record
            else:
                record_file.unlink()
        self.resumed = len(found)
        return found

    def forget_parts(self) -> None:
        """Throw the finished parts away: what they were made of has changed."""
        remove_folder(self.parts)
        self.parts.mkdir()

    def part_file(self, number: int) -> Path:
        """Where a part lies."""
        return self.parts / f"{number:05d}.parquet"

    def clear_output(self) -> Path:
        """An empty place to put the output together in."""
        remove_folder(self.output)
        self.output.mkdir(mode=0o700)
        return self.output


def write_part(parts: Path, number: int, table: pa.Table, facts: Mapping[str, Any]) -> PartRecord:
    """Write a part and then its record, each synced before it has its name; may run in another process."""
    file = parts / f"{number:05d}.parquet"
    with replacing(file, PRIVATE) as stream:
        pq.write_table(table, stream, compression="zstd", row_group_size=100_000)
    record = PartRecord(number, table.num_rows, sha256_of(file), dict(facts))
    with replacing(file.with_suffix(".json"), PRIVATE) as stream:
        stream.write(json.dumps(asdict(record)).encode())
    reached("part: recorded")
    return record


@contextlib.contextmanager
def open_job(place: Path, key: Mapping[str, Any]) -> Iterator[Job]:
    """Hold an output, sweep what killed jobs left, and go on with this very job's work if there is any.

    Parameters
    ----------
    place : Path
        The output, or what stands for it.
    key : mapping
        All that the result depends on. Work done under another key is thrown away.

    Raises
    ------
    OutputLockedError
        Where another job writes to the same output.
    SourceError
        Where the folder cannot be written to.
    """
    place = absolute_place(place)
    with writing(place):
        place.parent.mkdir(parents=True, exist_ok=True)
    with only_writer(beside(place, "lock"), place.name):
        reached("job: locked")
        with writing(place):
            job = Job(beside(place, "work"))
            mend_folder(place, job.aside)
            sweep_partials(place)
            _keep_or_begin(job, key)
            reached("job: ready")
        with writing(place):
            yield job
            _discard(job)
            reached("job: swept")


def beside(place: Path, what: str) -> Path:
    """The hidden companion of an output."""
    return place.with_name(f".{place.name}.{what}")


def absolute_place(place: Path) -> Path:
    """An output's absolute path; nothing stands there but a file or a folder.

    Raises
    ------
    SourceError
    """
    try:
        place = Path(os.path.abspath(place))
    except ValueError as cause:
        raise SourceError("out: not a path that this system takes.") from cause
    require_plain_place("out", place, folder=None)
    return place


def place_for(what: str) -> Path:
    """Where the lock and the work of an output lie that is no path: a private folder among the temporary ones.

    Raises
    ------
    SourceError
        Where that folder belongs to somebody else.
    """
    folder = Path(tempfile.gettempdir()) / f"clientcare-{os.getuid() if hasattr(os, 'getuid') else 'jobs'}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.is_symlink() or (hasattr(os, "getuid") and folder.stat().st_uid != os.getuid()):
            raise SourceError(f"{folder.name}: the folder for work in progress belongs to somebody else.")
    except OSError as cause:
        if isinstance(cause, SourceError):
            raise
        raise SourceError(
            "the folder for work in progress cannot be made. Set TMPDIR to a place that can be written."
        ) from cause
    return folder / hashlib.sha256(what.encode()).hexdigest()[:24]


def _keep_or_begin(job: Job, key: Mapping[str, Any]) -> None:
    stated = json.dumps(key, sort_keys=True).encode()
    try:
        same = job.named.read_bytes() == stated
    except OSError:
        same = False
    if not same:
        _require_own_work(job)
        _discard(job)
        job.work.mkdir(mode=0o700)
        job.parts.mkdir(mode=0o700)
        with replacing(job.named, PRIVATE) as file:
            file.write(stated)
    for orphan in job.parts.glob(".*"):
        orphan.unlink()


def _require_own_work(job: Job) -> None:
    """A work folder of ours holds nothing but our own; another thing of that name is left alone."""
    own = {job.named, job.partitions, job.parts, job.output, job.aside, job.work / "digests.json"}
    if os.path.lexists(job.work) and (
        job.work.is_symlink()
        or not job.work.is_dir()
        or any(one not in own and not one.name.endswith(PARTIAL) for one in job.work.iterdir())
    ):
        raise SourceError(
            f"{job.work.name!r}, where the work in progress would lie, is no folder of ours.\n"
            "Move it, or name another place."
        )


def _discard(job: Job) -> None:
    """Remove the work. The file that says whose it is goes first: what is half removed is never taken up again."""
    if job.named.exists():
        job.named.unlink()
        sync_folder(job.work)
        reached("work: disowned")
    remove_folder(job.work)


@contextlib.contextmanager
def writing(place: Path) -> Iterator[None]:
    """Turn the operating system's refusals into one error about the output."""
    try:
        yield
    except OSError as cause:
        if isinstance(cause, SourceError):
            raise
        raise cannot_write(place, cause) from cause


def publish_file(job: Job, place: Path, write: Callable[[BinaryIO], None]) -> None:
    """Write a finished file aside and let it take its place in one step."""
    reached("output: begun")
    finished = job.clear_output() / place.name
    with replacing(finished, PRIVATE) as file:
        write(file)
    sync_folder(job.output)
    reached("output: on disk")
    os.replace(finished, place)
    reached("output: in place")
    sync_folder(place.parent)
    reached("output: done")


def sha256_of(file: Path) -> str:
    """SHA-256 of a file's bytes."""
    digest = hashlib.sha256()
    with open(file, "rb") as stream:
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _read_record(file: Path) -> PartRecord | None:
    try:
        record = PartRecord(**json.loads(file.read_bytes()))
        return record if file.stem == f"{record.number:05d}" else None
    except (OSError, ValueError, TypeError):
        return None
