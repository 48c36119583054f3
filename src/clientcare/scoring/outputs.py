"""Where a book goes: a folder of Parquet files, one Parquet file, one CSV file, or a table of a database."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from clientcare.durable import put_folder, reached, remove_folder, replacing, sync_folder
from clientcare.exceptions import OptionError
from clientcare.scoring.companions import MANIFEST_KEYS, manifest_beside, require_companion_place
from clientcare.scoring.database import DatabaseTable
from clientcare.scoring.export import guard_batch, require_rows
from clientcare.scoring.publish import PRIVATE, Job, PartRecord, publish_file

MANIFEST = "_manifest.json"
"""The manifest within a folder; readers of data sets skip names with an underscore."""


class Output(Protocol):
    """A place that a finished book can take in one step."""

    @property
    def place(self) -> Path:
        """The path that the lock and the work folder stand beside."""

    @property
    def form(self) -> Mapping[str, Any]:
        """What of the output's form the result depends on."""

    def check(self) -> None:
        """Refuse a place that holds something else, before any work is done."""

    def publish(self, job: Job, records: Sequence[PartRecord], manifest: Mapping[str, Any]) -> None:
        """Put the parts together and let them take their place."""


def output_of(out: Any, guard: bool = True) -> Output:
    """An output from what the caller said.

    Parameters
    ----------
    out : path, database address, or Output
        A name ending in ``.parquet`` or ``.csv`` is one file, any other a folder of Parquet files, and
        ``"postgresql+psycopg://host/shop#book"`` a table.
    guard : bool
        Whether texts in CSV are kept from starting a formula.

    Raises
    ------
    OptionError
        Where it is none of these.
    """
    if isinstance(out, str) and "://" in out:
        return DatabaseTable.of_address(out)
    if isinstance(out, (str, os.PathLike)):
        path = Path(out).expanduser()
        if not path.name:
            raise OptionError("out: names no file and no folder. Give for instance 'book.parquet'.")
        if path.suffix.lower() == ".parquet":
            return ParquetFile(path)
        if path.suffix.lower() == ".csv":
            return CsvFile(path, guard)
        if path.suffix.lower() == ".xlsx":
            raise OptionError(
                "out: a workbook is written whole, in memory; a batch job writes .parquet, .csv or a folder."
            )
        return ParquetFolder(path)
    if hasattr(out, "publish") and hasattr(out, "place"):
        found: Output = out
        return found
    raise OptionError("out: must be a path, a database address 'url#table', or a DatabaseTable.")


def places_of(output: Output) -> list[Path]:
    """Everything that is written where an output is: its own place, and that of the manifest beside a CSV file.

    Examples
    --------
    >>> [place.name for place in places_of(output_of("book.csv"))]
    ['book.csv', 'book.csv.manifest.json']
    """
    return [output.place, *([output.manifest_file] if isinstance(output, CsvFile) else [])]


@dataclass(frozen=True)
class ParquetFolder:
    """A folder of Parquet files with a manifest; the whole folder is exchanged in one step."""

    path: Path

    @property
    def place(self) -> Path:
        """What the lock and the work folder stand beside."""
        return self.path

    @property
    def form(self) -> Mapping[str, Any]:
        """What of the form the result depends on."""
        return {"form": "parquet folder"}

    def check(self) -> None:
        """Refuse to take the place of a file, or of a folder that no job of ours wrote."""
        if self.path.is_file():
            raise OptionError(
                f"out: {self.path.name!r} is a file. End the name in .parquet or .csv, or name a folder."
            )
        if self.path.is_dir() and any(self.path.iterdir()) and not (self.path / MANIFEST).is_file():
            raise OptionError(
                f"out: the folder {self.path.name!r} holds files that no job of ours wrote, and would be replaced.\n"
                "Name another folder, or empty it."
            )

    def publish(self, job: Job, records: Sequence[PartRecord], manifest: Mapping[str, Any]) -> None:
        """Link the parts into a new folder, sync it, exchange it for the old one."""
        reached("output: begun")
        folder = job.clear_output()
        files = []
        for record in _filled(records):
            name = f"part-{record.number:05d}-{str(manifest['job'])[:8]}.parquet"
            _link(job.part_file(record.number), folder / name)
            files.append({"file": name, "n_rows": record.n_rows, "sha256": record.sha256})
        reached("output: parts linked")
        with replacing(folder / MANIFEST, PRIVATE) as file:
            file.write(_json({**manifest, "files": files}))
        sync_folder(folder)
        sync_folder(job.work)
        reached("output: on disk")
        remove_folder(job.aside)
        put_folder(folder, self.path, job.aside)
        reached("output: in place")
        sync_folder(self.path.parent)
        sync_folder(job.work)
        reached("output: done")


@dataclass(frozen=True)
class ParquetFile:
    """One Parquet file; the manifest is in its own metadata, under ``clientcare``."""

    path: Path

    @property
    def place(self) -> Path:
        """What the lock and the work folder stand beside."""
        return self.path

    @property
    def form(self) -> Mapping[str, Any]:
        """What of the form the result depends on."""
        return {"form": "parquet"}

    def check(self) -> None:
        """Refuse to take the place of a folder."""
        _require_no_folder(self.path)

    def publish(self, job: Job, records: Sequence[PartRecord], manifest: Mapping[str, Any]) -> None:
        """Copy the parts into one file, a part at a time."""
        filled = _filled(records)
        schema = pq.read_schema(job.part_file(filled[0].number))
        schema = schema.with_metadata({**(schema.metadata or {}), b"clientcare": _json(manifest)})

        def write(file: BinaryIO) -> None:
            with pq.ParquetWriter(file, schema, compression="zstd") as writer:
                for table in _tables(job, filled):
                    writer.write_table(table.cast(schema), row_group_size=100_000)

        publish_file(job, self.path, write)


@dataclass(frozen=True)
class CsvFile:
    """One CSV file; the manifest, with the file's own checksum, lies beside it.

    Two files cannot take their places in one step. Each is whole at any moment; where a job dies between
    the two, the checksum in the manifest says that it speaks of the file before, and the job, started
    again, puts that right.
    """

    path: Path
    guard: bool = True

    @property
    def place(self) -> Path:
        """What the lock and the work folder stand beside."""
        return self.path

    @property
    def manifest_file(self) -> Path:
        """Where the manifest lies."""
        return manifest_beside(self.path)

    @property
    def form(self) -> Mapping[str, Any]:
        """What of the form the result depends on."""
        return {"form": "csv", "guard": self.guard}

    def check(self) -> None:
        """Refuse to take the place of a folder, or that of a stranger's file beside it."""
        _require_no_folder(self.path)
        require_companion_place("out", self.manifest_file, MANIFEST_KEYS)

    def publish(self, job: Job, records: Sequence[PartRecord], manifest: Mapping[str, Any]) -> None:
        """Write the parts into one file as CSV, a part at a time."""
        digest = hashlib.sha256()
        filled = _filled(records)

        def write(file: BinaryIO) -> None:
            for number, table in enumerate(_tables(job, filled)):
                options = pacsv.WriteOptions(include_header=number == 0, quoting_style="needed")
                sink = pa.BufferOutputStream()
                pacsv.write_csv(as_csv_rows(table, self.guard), sink, options)
                content = sink.getvalue()
                require_rows(content.to_pybytes().decode("utf-8"), table.num_rows, header=number == 0)
                digest.update(content)
                file.write(content)

        publish_file(job, self.path, write)
        facts = {**manifest, "formula_guard": self.guard, "sha256": digest.hexdigest()}
        with replacing(self.manifest_file, PRIVATE) as file:
            file.write(_json(facts))
        reached("output: manifest beside")


def as_csv_rows(table: pa.Table, guard: bool) -> pa.Table:
    """A book as it stands in CSV: dates as ISO texts, texts guarded."""
    for number, one in enumerate(table.schema):
        if pa.types.is_timestamp(one.type):
            texts = table.column(number).cast(pa.timestamp("s")).cast(pa.string())
            table = table.set_column(number, one.name, texts)
    table = table.replace_schema_metadata(None)
    return guard_batch(table) if guard else table


def _filled(records: Sequence[PartRecord]) -> list[PartRecord]:
    """Parts with rows; where there is none at all, one empty part that still knows the columns."""
    return [record for record in records if record.n_rows] or list(records[:1])


def _tables(job: Job, records: Sequence[PartRecord]) -> Iterator[pa.Table]:
    for record in records:
        yield pq.ParquetFile(job.part_file(record.number)).read()


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        with open(source, "rb") as old, replacing(target, PRIVATE) as new:
            shutil.copyfileobj(old, new)


def _json(facts: Mapping[str, Any]) -> bytes:
    return json.dumps(facts, indent=1, sort_keys=True).encode()


def _require_no_folder(path: Path) -> None:
    if path.is_dir():
        raise OptionError(f"out: {path.name!r} is a folder. Name a file in it.")
