"""Tables read piece by piece, for work that does not fit in memory: files, database queries, tables already loaded.

A scan knows its columns before a row is read, has a fingerprint that changes with its content, and can be
looked at by DuckDB under a name. Texts in CSV files stay texts: what a cell means is decided at the door.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

import narwhals as nw
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from clientcare.exceptions import InputError, MissingExtraError, SchemaError, SourceError
from clientcare.history.sources import DELIMITERS, PARQUET_ENDS, csv_header, files_of

CHUNK_ROWS = 100_000
"""Rows fetched at a time from a database."""

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


def scan_of(table: str, source: Any, encoding: str = "utf-8", delimiter: str | None = None) -> Scan:
    """A source of any kind as a scan.

    Parameters
    ----------
    table : str
        The name of the table, for messages.
    source : path, glob, folder, list of these, database address, :class:`DatabaseQuery`, or a loaded table
        A database address is a SQLAlchemy URL with the table behind a ``#``:
        ``"postgresql+psycopg://host/shop#orders"``; a DuckDB file likewise: ``"duckdb:///shop.db#orders"``.

    Raises
    ------
    SourceError
        Where there is nothing to read.
    InputError
        Where it is no source.
    """
    if isinstance(source, (FileScan, DatabaseQuery, FrameScan)):
        return source
    if isinstance(source, str) and "://" in source:
        return _from_address(table, source)
    if isinstance(source, (str, os.PathLike)):
        return FileScan.of(table, [source], encoding, delimiter)
    if (
        isinstance(source, (list, tuple))
        and source
        and all(isinstance(one, (str, os.PathLike)) for one in source)
    ):
        return FileScan.of(table, source, encoding, delimiter)
    return FrameScan.of(table, source)


# ------------------------------------------------------------------------------------------ files


@dataclass(frozen=True)
class FileScan:
    """Parquet or CSV files with the same columns, found and read by the same rules as at the door."""

    table: str
    files: tuple[Path, ...]
    schema: pa.Schema
    is_csv: bool
    encoding: str = "utf-8"
    delimiter: str | None = None

    @classmethod
    def of(
        cls,
        table: str,
        sources: Sequence[str | os.PathLike[str]],
        encoding: str = "utf-8",
        delimiter: str | None = None,
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
        schema = _common_schema(table, files, encoding, delimiter, is_csv)
        return cls(table, files, schema, is_csv, encoding, delimiter)

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

    def register(self, connection: Any, name: str, spool: Path) -> None:
        """Parquet is read by DuckDB itself; CSV as a stream of texts."""
        if self.is_csv:
            reader = pa.RecordBatchReader.from_batches(self.schema, self._csv_batches())
            connection.register(name, reader)
        else:
            paths = [str(path) for path in self.files]
            connection.read_parquet(paths, hive_partitioning=False, union_by_name=True).create_view(name)

    def _csv_batches(self) -> Iterator[pa.RecordBatch]:
        for path in self.files:
            try:
                with _open_csv(path, self.schema.names, self.encoding, self.delimiter, self.table) as reader:
                    for batch in reader:
                        columns = [batch.column(name) for name in self.schema.names]
                        yield pa.RecordBatch.from_arrays(columns, schema=self.schema)
            except (pa.ArrowException, OSError, LookupError) as cause:
                raise _unreadable(self.table, path, cause) from None


def _common_schema(
    table: str, files: Sequence[Path], encoding: str, delimiter: str | None, is_csv: bool
) -> pa.Schema:
    first: pa.Schema | None = None
    for number, path in enumerate(files, start=1):
        schema = _schema_of(table, path, encoding, delimiter, is_csv)
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


def _schema_of(table: str, path: Path, encoding: str, delimiter: str | None, is_csv: bool) -> pa.Schema:
    try:
        if not is_csv:
            return pq.read_schema(path).remove_metadata()
        with _open_csv(path, [], encoding, delimiter, table) as reader:
            names = list(reader.schema.names)
    except (OSError, pa.ArrowException, LookupError) as cause:
        if isinstance(cause, SourceError):
            raise
        raise _unreadable(table, path, cause) from None
    if len(set(names)) < len(names):
        raise SchemaError(f"{table}: several columns of {path.name!r} have one name. Name each apart.")
    return pa.schema([(name, pa.large_string()) for name in names])


def _open_csv(
    path: Path, names: Sequence[str], encoding: str, delimiter: str | None, table: str
) -> pacsv.CSVStreamingReader:
    parted_by = delimiter or max(DELIMITERS, key=csv_header(table, path, encoding).count)
    return pacsv.open_csv(
        path,
        read_options=pacsv.ReadOptions(encoding=encoding, block_size=8 << 20),
        parse_options=pacsv.ParseOptions(
            delimiter=parted_by, newlines_in_values=True, invalid_row_handler=lambda row: "skip"
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
            return cls(table, frame)
        try:
            if isinstance(frame, pd.DataFrame):
                return cls(table, pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata())
            other = nw.from_native(frame)
        except TypeError:
            raise InputError(
                f"{table}: a {type(frame).__name__} is no source. Give a path, a glob, a folder, a DatabaseQuery or a table."
            ) from None
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            raise SchemaError(f"{table}: a column mixes types. Give each column one type.") from None
        if isinstance(other, nw.LazyFrame):
            other = other.collect(backend=nw.Implementation.PYARROW)
        return cls(table, other.to_arrow())

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


# --------------------------------------------------------------------------------------------------------- databases


@dataclass(frozen=True, repr=False)
class DatabaseQuery:
    """A query whose rows are fetched in pieces through a cursor on the server, never whole.

    Parameters
    ----------
    connection : str, SQLAlchemy engine, or ADBC connection
        A SQLAlchemy URL (``postgresql+psycopg://...``, ``sqlite:///...``), or ``duckdb:///file.db``. It is
        never shown.
    query : str
        A SELECT. Values belong in ``parameters``, not in the text.
    parameters : mapping, optional
        Values of ``:name`` places (SQLAlchemy) or ``$name`` places (DuckDB).
    chunk_rows : int
        Rows fetched at a time.
    """

    connection: Any
    query: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    chunk_rows: int = CHUNK_ROWS

    def __repr__(self) -> str:
        return f"DatabaseQuery({len(self.query)} characters)"

    @property
    def names(self) -> list[str]:
        """The column names, as given."""
        with self._batches(limit=True) as batches:
            return [str(name) for name in next(iter(batches)).schema.names]

    @property
    def n_rows(self) -> int | None:
        """Number of rows; None where only reading tells."""
        return None

    def fingerprint(self) -> str | None:
        """A digest of the content; None where only reading tells."""
        return None

    def register(self, connection: Any, name: str, spool: Path) -> None:
        """Fetch the rows into the spool folder, agree on types, and show them to DuckDB."""
        spool.mkdir(parents=True, exist_ok=True)
        schemas: list[pa.Schema] = []
        with self._batches() as batches:
            for number, chunk in enumerate(batches):
                schemas.append(chunk.schema)
                pq.write_table(chunk, spool / f"{number:06d}.parquet", compression="zstd")
        types = _agreed_types(schemas)
        paths = [str(spool / f"{number:06d}.parquet") for number in range(len(schemas))]
        quoted = [
            f"CAST({quote_name(column)} AS {kind}) AS {quote_name(column)}" for column, kind in types.items()
        ]
        pieces = [connection.read_parquet([path]).project(", ".join(quoted)) for path in paths]
        whole = pieces[0]
        if all(schema.equals(schemas[0]) for schema in schemas):
            whole = connection.read_parquet(paths).project(", ".join(quoted))
        else:
            for piece in pieces[1:]:
                whole = whole.union(piece)
        whole.create_view(name)

    def _batches(self, limit: bool = False) -> Any:
        if isinstance(self.connection, str) and self.connection.startswith("duckdb:"):
            return _duckdb_batches(self, limit)
        if hasattr(self.connection, "adbc_get_info"):
            return _adbc_batches(self, limit)
        return _sqlalchemy_batches(self, limit)


def _from_address(table: str, address: str) -> DatabaseQuery:
    url, hash_mark, name = address.rpartition("#")
    if not hash_mark or not name:
        raise InputError(
            f"{table}: a database address ends in '#table', for instance 'postgresql+psycopg://host/shop#orders'."
        )
    quoted = ".".join(quote_name(part) for part in name.split("."))
    return DatabaseQuery(url, f"SELECT * FROM {quoted}")


def quote_name(name: str) -> str:
    """A name as SQL reads it: in double quotes, those within it doubled.

    Examples
    --------
    >>> quote_name('a" , (select 1) --')
    '"a"" , (select 1) --"'
    """
    if "\0" in name:
        raise SchemaError("a column or table name holds a NUL character, which no database takes. Rename it.")
    return '"' + name.replace('"', '""') + '"'


def quote_text(text: str) -> str:
    """A text as an SQL literal; for paths in statements that take no parameters."""
    if "\0" in text:
        raise SchemaError("a path holds a NUL character.")
    return "'" + text.replace("'", "''") + "'"


class _Pieces:
    """Chunks of a result, and what to close behind them."""

    def __init__(self, chunks: Iterable[pa.Table], close: Any) -> None:
        self._chunks, self._close = chunks, close

    def __enter__(self) -> Iterator[pa.Table]:
        return iter(self._chunks)

    def __exit__(self, *_: object) -> None:
        self._close()


def _duckdb_batches(query: DatabaseQuery, limit: bool) -> _Pieces:
    duckdb = import_duckdb("a DuckDB file")
    path = query.connection.removeprefix("duckdb:///").removeprefix("duckdb://").removeprefix("duckdb:")
    try:
        connection = duckdb.connect(path or ":memory:", read_only=bool(path), config=locked_config())
        result = connection.sql(query.query, params=dict(query.parameters) or None)
        if result is None:
            raise InputError("the query gives no rows: it is no SELECT.")
    except duckdb.Error as cause:
        raise _failed(cause) from None
    read = getattr(result, "to_arrow_reader", None) or result.fetch_arrow_reader  # its name before DuckDB 2
    reader = read(query.chunk_rows)
    empty = pa.Table.from_batches([], schema=reader.schema)
    chunks = [empty] if limit else (_plain(pa.Table.from_batches([batch])) for batch in reader)
    return _Pieces(_at_least(chunks, empty), connection.close)


def _adbc_batches(query: DatabaseQuery, limit: bool) -> _Pieces:
    cursor = query.connection.cursor()
    try:
        cursor.execute(query.query, list(query.parameters.values()) or None)
        reader = cursor.fetch_record_batch()
    except Exception as cause:
        cursor.close()
        raise _failed(cause) from None
    empty = pa.Table.from_batches([], schema=reader.schema)
    chunks = [empty] if limit else (_plain(pa.Table.from_batches([batch])) for batch in reader)
    return _Pieces(_at_least(chunks, empty), cursor.close)


def _sqlalchemy_batches(query: DatabaseQuery, limit: bool) -> _Pieces:
    try:
        import sqlalchemy
    except ImportError as cause:
        raise MissingExtraError.of("sqlalchemy", "sql", "Reading from a database") from cause
    made = isinstance(query.connection, (str, sqlalchemy.URL))
    to_close: list[Any] = []
    try:
        engine = sqlalchemy.create_engine(query.connection) if made else query.connection
        connection = engine.connect()
        to_close += [connection.close, engine.dispose] if made else [connection.close]
        streaming = connection.execution_options(stream_results=True, max_row_buffer=query.chunk_rows)
        result = streaming.execute(sqlalchemy.text(query.query), dict(query.parameters))
    except (sqlalchemy.exc.SQLAlchemyError, ImportError) as cause:
        for close in to_close:
            close()
        raise _failed(cause) from None
    names = [str(name) for name in list(result.keys())]

    def close_all() -> None:
        for close in (result.close, *to_close):
            close()

    empty = pa.table({name: pa.nulls(0) for name in names})
    chunks = [empty] if limit else (_of_rows(names, rows) for rows in result.partitions(query.chunk_rows))
    return _Pieces(_at_least(chunks, empty), close_all)


def _at_least(chunks: Iterable[pa.Table], empty: pa.Table) -> Iterator[pa.Table]:
    """The chunks, or one empty table that still knows the columns."""
    any_seen = False
    for chunk in chunks:
        any_seen = True
        yield chunk
    if not any_seen:
        yield empty


def _of_rows(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> pa.Table:
    columns = [list(cells) for cells in zip(*rows, strict=True)] or [[] for _ in names]
    return _plain(
        pa.Table.from_arrays(
            [_column(name, cells) for name, cells in zip(names, columns, strict=True)], list(names)
        )
    )


def _column(name: str, cells: list[Any]) -> pa.Array:
    first = next((cell for cell in cells if cell is not None), None)
    if isinstance(first, Decimal):
        cells = [None if cell is None else float(cell) for cell in cells]
    elif (
        first is not None
        and not isinstance(first, (str, bool, int, float, datetime, bytes))
        and not hasattr(first, "isoformat")
    ):
        cells = [None if cell is None else str(cell) for cell in cells]
    try:
        return pa.array(cells)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        raise SchemaError(
            f"column {name!r}: the query gives cells of several types. Cast it to one type in the query."
        ) from None


def _plain(chunk: pa.Table) -> pa.Table:
    """Exact decimals as floats: amounts are floats behind the door anyway."""
    for number, one in enumerate(chunk.schema):
        if pa.types.is_decimal(one.type):
            chunk = chunk.set_column(number, one.name, chunk.column(number).cast(pa.float64()))
    return chunk


def _agreed_types(schemas: Sequence[pa.Schema]) -> dict[str, str]:
    """The DuckDB type of each column over all chunks: a chunk without a value agrees with any other.

    Raises
    ------
    SchemaError
        Where a column changes its type half-way.
    """
    agreed: dict[str, str] = {}
    for name in schemas[0].names:
        kinds = {_sql_type(schema.field(name).type) for schema in schemas} - {""}
        if kinds == {"BIGINT", "DOUBLE"}:
            kinds = {"DOUBLE"}
        if len(kinds) > 1:
            raise SchemaError(
                f"column {name!r}: changes its type half-way ({', '.join(sorted(kinds))}). Cast it to one type in the query."
            )
        agreed[name] = kinds.pop() if kinds else "VARCHAR"
    return agreed


def _sql_type(kind: pa.DataType) -> str:
    if pa.types.is_null(kind):
        return ""
    if pa.types.is_boolean(kind):
        return "BOOLEAN"
    if pa.types.is_integer(kind):
        return "BIGINT"
    if pa.types.is_floating(kind):
        return "DOUBLE"
    if pa.types.is_date(kind):
        return "DATE"
    if pa.types.is_timestamp(kind):
        return "TIMESTAMP" if kind.tz is None else "TIMESTAMPTZ"
    return "VARCHAR"


def _failed(cause: BaseException) -> SourceError:
    """Only the kind of failure: messages of databases repeat statements, addresses and cells."""
    return SourceError(
        f"the database did not answer the query ({type(cause).__name__}). Run the query by hand to see why."
    )


def import_duckdb(purpose: str) -> Any:
    """DuckDB, or an error that says how to install it."""
    try:
        import duckdb
    except ImportError as cause:
        raise MissingExtraError.of("duckdb", "duckdb", purpose) from cause
    return duckdb


def locked_config() -> dict[str, Any]:
    """How our DuckDB connections are made: no Python variables as tables, no extension fetched or loaded."""
    return {
        "python_enable_replacements": "false",
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
    }
