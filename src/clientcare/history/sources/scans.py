"""Tables read piece by piece, for work that does not fit in memory: files, database queries, tables already loaded.

A scan knows its columns before a row is read, has a fingerprint that changes with its content, and can be
looked at by DuckDB under a name. Texts in CSV files stay texts: what a cell means is decided at the door.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import narwhals as nw
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from clientcare.exceptions import InputError, SchemaError, SourceError
from clientcare.history.door.intake import arrow_of, plain_batches, with_index_as_columns
from clientcare.history.door.streams import arrow_stream
from clientcare.history.sources.databases import CHUNK_ROWS, DatabaseQuery, is_address, query_of_address
from clientcare.history.sources.files import (
    PARQUET_ENDS,
    CsvForm,
    csv_not_read,
    csv_start,
    ends_with_a_line,
    files_of,
    quote_is_open,
    quote_not_closed,
    read_files,
)
from clientcare.history.sources.packed import csv_input
from clientcare.history.sources.streams import StreamScan
from clientcare.history.sources.workbooks import WHOLE_ENDS

_HASH_CHUNK = 4 << 20


class Scan(Protocol):
    """What partitioning asks of a source."""

    @property
    def names(self) -> list[str]:
        """The column names, as given."""

    @property
    def n_rows(self) -> int | None:
        """Number of rows, or None where only reading tells."""

    def fingerprint(self) -> str | None:
        """A digest of the content; None where only reading tells."""

    def register(self, connection: Any, name: str, spool: Path) -> None:
        """Make the rows visible to a DuckDB connection under a name; ``spool`` is an empty folder to use."""


def scan_of(table: str, source: Any, form: CsvForm | None = None) -> Scan:
    """A source of any kind as a scan.

    Parameters
    ----------
    table : str
        The name of the table, for messages.
    source : path, glob, folder, list of these, database address, :class:`DatabaseQuery`, arrow stream, or a loaded table
        A database address is a SQLAlchemy URL with the table behind a ``#``:
        ``"postgresql+psycopg://host/shop#orders"``; a DuckDB file likewise: ``"duckdb:///shop.db#orders"``.

    Raises
    ------
    SourceError
        Where there is nothing to read.
    InputError
        Where it is no source.
    """
    if isinstance(source, (FileScan, DatabaseQuery, FrameScan, StreamScan)):
        return source
    if is_address(source):
        return query_of_address(table, source)
    if isinstance(source, (str, os.PathLike)):
        return _scan_of_files(table, [source], form)
    if (
        isinstance(source, (list, tuple))
        and source
        and all(isinstance(one, (str, os.PathLike)) for one in source)
    ):
        return _scan_of_files(table, source, form)
    stream = arrow_stream(source)
    return FrameScan.of(table, source) if stream is None else StreamScan(table, stream)


def _scan_of_files(table: str, sources: Sequence[str | os.PathLike[str]], form: CsvForm | None) -> Scan:
    """Files as a scan; workbooks and JSON, which cannot be read piece by piece, as a loaded table."""
    files = [path for source in sources for path in files_of(table, source)]
    if any(path.name.lower().endswith(WHOLE_ENDS) for path in files):
        return FrameScan.of(table, read_files(table, files, form).table)
    return FileScan.of(table, sources, form)


# ------------------------------------------------------------------------------------------ files


@dataclass
class RaggedLines:
    """Lines of CSV files that do not have the cells of their header: how many, and the first row numbers."""

    n_lines: int = 0
    first_rows: list[int] = field(default_factory=list)

    def add(self, row_number: int) -> None:
        """Count one more."""
        self.n_lines += 1
        if len(self.first_rows) < 5:
            self.first_rows.append(row_number)


@dataclass(frozen=True)
class FileScan:
    """Parquet or CSV files with the same columns, found and read by the same rules as at the door."""

    table: str
    files: tuple[Path, ...]
    schema: pa.Schema
    is_csv: bool
    form: CsvForm = field(default_factory=CsvForm)
    ragged: RaggedLines = field(default_factory=RaggedLines, compare=False)
    trouble: list[SourceError] = field(default_factory=list, compare=False)
    """What ended the reading; DuckDB, which asks for the rows, hands on no error but its own."""

    @classmethod
    def of(
        cls,
        table: str,
        sources: Sequence[str | os.PathLike[str]],
        form: CsvForm | None = None,
    ) -> FileScan:
        """Files, folders and patterns.

        Raises
        ------
        SourceError
            Where nothing is there, forms are mixed, or a file cannot be read.
        SchemaError
            Where the files do not have the same columns, or not of the same types.
        """
        files = tuple(dict.fromkeys(path for source in sources for path in files_of(table, source)))
        forms = {path.name.lower().endswith(PARQUET_ENDS) for path in files}
        if len(forms) > 1:
            raise SourceError(
                f"{table}: both Parquet and CSV files are there. Name one of them: 'folder/*.parquet'."
            )
        is_csv = not forms.pop()
        form = form or CsvForm()
        schema = _common_schema(table, files, form, is_csv)
        return cls(table, files, schema, is_csv, form)

    @property
    def names(self) -> list[str]:
        """The column names, as given."""
        return list(self.schema.names)

    @property
    def n_rows(self) -> int | None:
        """Number of rows; None where only reading tells."""
        if self.is_csv:
            return None
        return sum(int(pq.read_metadata(path).num_rows) for path in self.files)

    @property
    def n_bytes(self) -> int:
        """Size of all files."""
        return sum(path.stat().st_size for path in self.files)

    def fingerprint(self) -> str:
        """BLAKE2 of the content of every file, in the order of their names; names and dates do not count."""
        digest = hashlib.blake2b(digest_size=20)
        for path in self.files:
            try:
                with open(path, "rb") as file:
                    digest.update(str(os.fstat(file.fileno()).st_size).encode())
                    while chunk := file.read(_HASH_CHUNK):
                        digest.update(chunk)
            except OSError as cause:
                raise _unreadable(self.table, path, cause) from cause
        return digest.hexdigest()

    def stamp(self) -> tuple[tuple[int, int], ...]:
        """Sizes and times of change, to notice files that change while they are read."""
        return tuple((path.stat().st_size, path.stat().st_mtime_ns) for path in self.files)

    def findings(self) -> list[tuple[str, str, int]]:
        """What was found wrong with the files once they have been read: rule, what was done, how often."""
        cut_short = sum(not ends_with_a_line(path) for path in self.files) if self.is_csv else 0
        found = [
            ("ragged_line", "set aside", self.ragged.n_lines),
            ("no_last_line_end", "kept: the file may have been cut short", cut_short),
        ]
        return [finding for finding in found if finding[2]]

    def register(self, connection: Any, name: str, spool: Path) -> None:
        """Parquet is read by DuckDB itself; CSV as a stream of texts."""
        if self.is_csv:
            reader = pa.RecordBatchReader.from_batches(self.schema, self._csv_batches())
            connection.register(name, reader)
        else:
            paths = [str(path) for path in self.files]
            connection.read_parquet(paths, hive_partitioning=False, union_by_name=True).create_view(name)

    def _csv_batches(self) -> Iterator[pa.RecordBatch]:
        n_rows = 0
        for path in self.files:
            before = n_rows + self.ragged.n_lines
            try:
                with _open_csv(path, self.schema.names, self.form, self.table, self.ragged, before) as reader:
                    last = None
                    for batch in reader:
                        n_rows += batch.num_rows
                        last = batch if batch.num_rows else last
                        columns = [batch.column(name) for name in self.schema.names]
                        yield pa.RecordBatch.from_arrays(columns, schema=self.schema)
                    if last is not None:
                        end = pa.Table.from_batches([last.slice(last.num_rows - 1)])
                        if quote_is_open(path, end):
                            self.trouble.append(quote_not_closed(self.table, path, n_rows - 1))
                            raise self.trouble[0]
            except (pa.ArrowException, UnicodeError, LookupError) as cause:
                self.trouble.append(csv_not_read(self.table, path, self.form.encoding, type(cause).__name__))
                raise self.trouble[0] from None
            except OSError as cause:
                self.trouble.append(_unreadable(self.table, path, cause))
                raise self.trouble[0] from None


def _common_schema(table: str, files: Sequence[Path], form: CsvForm, is_csv: bool) -> pa.Schema:
    first: pa.Schema | None = None
    for number, path in enumerate(files, start=1):
        schema = _schema_of(table, path, form, is_csv)
        if first is None:
            first = schema
            continue
        if set(schema.names) != set(first.names):
            found = ", ".join(map(repr, schema.names))
            raise SchemaError(
                f"{table}: file {number} of {len(files)} ({path.name!r}) has other columns than the first "
                f"(found {found}).\nGive files of one form, or make tables of them first."
            )
        for name in first.names:
            kinds = first.field(name).type, schema.field(name).type
            if not kinds[0].equals(kinds[1]) and not all(map(_is_number, kinds)):
                raise SchemaError(
                    f"{table}, column {name!r}: {kinds[1]} in file {number} of {len(files)} ({path.name!r}), "
                    f"{kinds[0]} in the first.\nWrite the column the same way in every file."
                )
    assert first is not None
    return first


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _schema_of(table: str, path: Path, form: CsvForm, is_csv: bool) -> pa.Schema:
    try:
        if not is_csv:
            return pq.read_schema(path).remove_metadata()
        with _open_csv(path, [], form, table) as reader:
            names = list(reader.schema.names)
    except (OSError, pa.ArrowException, UnicodeError, LookupError) as cause:
        if isinstance(cause, SourceError):
            raise
        if is_csv and not isinstance(cause, OSError):
            raise csv_not_read(table, path, form.encoding, type(cause).__name__) from None
        raise _unreadable(table, path, cause) from None
    if len(set(names)) < len(names):
        raise SchemaError(f"{table}: several columns of {path.name!r} have one name. Name each apart.")
    return pa.schema([(name, pa.large_string()) for name in names])


def _open_csv(
    path: Path,
    names: Sequence[str],
    form: CsvForm,
    table: str,
    ragged: RaggedLines | None = None,
    n_before: int = 0,
) -> pacsv.CSVStreamingReader:
    """A reader of some rows at a time; lines with too many or too few cells are counted and left out."""

    def leave_out(row: Any) -> str:
        if ragged is not None:
            ragged.add(n_before + row.number - 2 - start.skip_lines)
        return "skip"

    start = csv_start(table, path, form)
    return pacsv.open_csv(
        csv_input(path),
        read_options=pacsv.ReadOptions(
            encoding=form.encoding, block_size=8 << 20, use_threads=False, skip_rows=start.skip_lines
        ),
        parse_options=pacsv.ParseOptions(
            delimiter=start.delimiter, newlines_in_values=True, invalid_row_handler=leave_out
        ),
        convert_options=pacsv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.large_string()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
        ),
    )


def _unreadable(table: str, path: Path, cause: BaseException) -> SourceError:
    reason = getattr(cause, "strerror", None) or "damaged, or not what its name says"
    return SourceError(
        f"{table}: file {path.name!r} cannot be read ({reason}).\nMend or leave out the file; nothing was written."
    )


# ------------------------------------------------------------------------------------------------------------ loaded


@dataclass(frozen=True)
class FrameScan:
    """A table that is in memory already: pandas, polars, arrow, a DuckDB relation."""

    table: str
    rows: pa.Table

    @classmethod
    def of(cls, table: str, frame: Any) -> FrameScan:
        """A table of any make.

        Raises
        ------
        InputError
            Where it is no table.
        """
        if isinstance(frame, pa.Table):
            return cls(table, plain_batches(frame))
        try:
            if isinstance(frame, pd.DataFrame):
                rows = with_index_as_columns(table, frame)
                arrow = pa.Table.from_pandas(rows, preserve_index=False).replace_schema_metadata()
                return cls(table, plain_batches(arrow))
            other = nw.from_native(frame)
        except TypeError:
            raise InputError(
                f"{table}: a {type(frame).__name__} is no source. Give a path, a glob, a folder, a DatabaseQuery or a table."
            ) from None
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            raise SchemaError(f"{table}: a column mixes types. Give each column one type.") from None
        return cls(table, plain_batches(arrow_of(table, other)))

    @property
    def names(self) -> list[str]:
        """The column names, as given."""
        return list(self.rows.column_names)

    @property
    def n_rows(self) -> int | None:
        """Number of rows; None where only reading tells."""
        return int(self.rows.num_rows)

    def fingerprint(self) -> str:
        """A digest of the content; None where only reading tells."""
        digest = hashlib.blake2b(digest_size=20)
        writer = pa.ipc.new_stream(_Digesting(digest), self.rows.schema)
        for batch in self.rows.combine_chunks().to_batches(max_chunksize=CHUNK_ROWS):
            writer.write_batch(batch)
        writer.close()
        return digest.hexdigest()

    def register(self, connection: Any, name: str, spool: Path) -> None:
        """Make the rows visible to a DuckDB connection under a name."""
        connection.register(name, self.rows)


class _Digesting:
    """A file that only remembers the digest of what was written to it."""

    closed = False

    def __init__(self, digest: Any) -> None:
        self._digest = digest

    def write(self, content: Any) -> int:
        self._digest.update(content)
        return len(content)

    def flush(self) -> None: ...

    def close(self) -> None: ...
