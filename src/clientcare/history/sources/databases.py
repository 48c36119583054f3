"""Database queries as a source of rows: fetched in pieces through a cursor on the server, never whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from clientcare.exceptions import InputError, MissingExtraError, SchemaError, SourceError

CHUNK_ROWS = 100_000
"""Rows fetched at a time from a database."""


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

    def read(self) -> pa.Table:
        """All rows at once, for histories that fit in memory.

        Raises
        ------
        SourceError
            Where the database does not answer.
        SchemaError
            Where a column changes its type half-way.
        """
        with self._batches() as batches:
            chunks = list(batches)
        _agreed_types([chunk.schema for chunk in chunks])
        return pa.concat_tables(chunks, promote_options="permissive")

    def _batches(self, limit: bool = False) -> Any:
        if isinstance(self.connection, str) and self.connection.startswith("duckdb:"):
            return _duckdb_batches(self, limit)
        if hasattr(self.connection, "adbc_get_info"):
            return _adbc_batches(self, limit)
        return _sqlalchemy_batches(self, limit)


def is_address(source: Any) -> bool:
    """Whether a text is the address of a database (``"duckdb:///shop.db#orders"``), not a path."""
    return isinstance(source, str) and "://" in source


def query_of_address(table: str, address: str) -> DatabaseQuery:
    """All rows of the table that an address names behind its ``#``.

    Raises
    ------
    InputError
        Where it names none.
    """
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
