"""A book as a table of a database: the old rows or the new ones, in one transaction."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from clientcare.durable import reached
from clientcare.exceptions import MissingExtraError, OptionError, OutputLockedError, SchemaError, SourceError
from clientcare.scoring.publish import Job, PartRecord, place_for

_MANIFESTS = "clientcare_manifests"
_BATCH_ROWS = 10_000


@dataclass(frozen=True, repr=False)
class DatabaseTable:
    """A table whose rows are replaced in one transaction: readers see all old rows until all new ones are there.

    An existing table keeps its indexes, rights and views; it must have the book's columns. The manifest is
    a row of the table ``clientcare_manifests``, written in the same transaction.

    Parameters
    ----------
    connection : str or SQLAlchemy engine
        A SQLAlchemy URL. It is never shown.
    name : str
        The table.
    schema : str, optional
        Where the database has schemas.
    """

    connection: Any
    name: str
    schema: str | None = None

    @classmethod
    def of_address(cls, address: str) -> DatabaseTable:
        """From ``"postgresql+psycopg://host/shop#book"`` or ``"...#schema.book"``.

        Raises
        ------
        OptionError
            Where no table is named.
        """
        url, mark, name = address.rpartition("#")
        if not mark or not name:
            raise OptionError(
                "out: a database address ends in '#table', for instance 'postgresql+psycopg://host/shop#book'."
            )
        schema, _, table = name.rpartition(".")
        return cls(url, table, schema or None)

    def __repr__(self) -> str:
        return f"DatabaseTable({self.name!r})"

    @property
    def place(self) -> Path:
        """Lock and work lie in a private temporary folder of this machine."""
        url = self.connection if isinstance(self.connection, str) else str(self.connection.url)
        return place_for(f"{url}#{self.schema}.{self.name}")

    @property
    def form(self) -> Mapping[str, Any]:
        """What of the form the result depends on."""
        return {"form": "database table"}

    def check(self) -> None:
        """Connect, and refuse a table with other columns than a book's."""
        sqlalchemy = _sqlalchemy()
        with self._engine() as engine:
            try:
                inspector = sqlalchemy.inspect(engine)
                if not inspector.has_table(self.name, schema=self.schema):
                    return
                found = {column["name"] for column in inspector.get_columns(self.name, schema=self.schema)}
            except sqlalchemy.exc.SQLAlchemyError as cause:
                raise _failed(cause) from None
        if not {"buyer_id", "model_id"} <= found:
            raise SchemaError(
                f"out: the table {self.name!r} is there and is no book (no column 'buyer_id' or 'model_id').\n"
                "Name another table, or drop it."
            )

    def publish(self, job: Job, records: Sequence[PartRecord], manifest: Mapping[str, Any]) -> None:
        """Replace all rows and the manifest in one transaction."""
        sqlalchemy = _sqlalchemy()
        reached("output: begun")
        files = [job.part_file(record.number) for record in records if record.n_rows]
        schema = pq.read_schema(files[0] if files else job.part_file(records[0].number))
        with self._engine() as engine:
            table = self._table(sqlalchemy, schema)
            manifests = _manifests(sqlalchemy, self.schema)
            try:
                with engine.begin() as connection:
                    self._hold(sqlalchemy, connection)
                    manifests.create(connection, checkfirst=True)
                    table.create(connection, checkfirst=True)
                    self._require_columns(sqlalchemy, connection, schema)
                    reached("output: table there")
                    connection.execute(table.delete())
                    for file in files:
                        _insert(connection, table, file)
                        reached("output: part inserted")
                    connection.execute(manifests.delete().where(manifests.c.book == self.name))
                    facts = json.dumps(manifest, sort_keys=True)
                    connection.execute(manifests.insert().values(book=self.name, manifest=facts))
                    reached("output: on disk")
            except sqlalchemy.exc.SQLAlchemyError as cause:
                raise _failed(cause) from None
        reached("output: in place")

    def _engine(self) -> Any:
        return _Engine(_sqlalchemy(), self.connection)

    def _table(self, sqlalchemy: Any, schema: pa.Schema) -> Any:
        columns = [
            sqlalchemy.Column(
                name, _column_type(sqlalchemy, schema.field(name).type), nullable=name != "buyer_id"
            )
            for name in ["buyer_id", *(name for name in schema.names if name != "buyer_id")]
        ]
        return sqlalchemy.Table(self.name, sqlalchemy.MetaData(), *columns, schema=self.schema)

    def _require_columns(self, sqlalchemy: Any, connection: Any, schema: pa.Schema) -> None:
        found = {
            column["name"]
            for column in sqlalchemy.inspect(connection).get_columns(self.name, schema=self.schema)
        }
        missing = [name for name in schema.names if name not in found]
        if missing:
            raise SchemaError(
                f"out: the table {self.name!r} lacks {', '.join(map(repr, missing))}. Add the columns, or drop the table."
            )

    def _hold(self, sqlalchemy: Any, connection: Any) -> None:
        """Keep jobs on other machines out, where the database can."""
        if connection.dialect.name != "postgresql":
            return
        text = sqlalchemy.text("SELECT pg_try_advisory_xact_lock(hashtext('clientcare'), hashtext(:name))")
        if not connection.execute(text, {"name": f"{self.schema}.{self.name}"}).scalar():
            raise OutputLockedError(
                f"{self.name}: another job is writing to the table. Wait until it has ended, or write to another one."
            )


class _Engine:
    """An engine for the block: one made from an address is closed after it, one that was given stays open."""

    def __init__(self, sqlalchemy: Any, connection: Any) -> None:
        self._made = isinstance(connection, (str, sqlalchemy.URL))
        try:
            self._engine = sqlalchemy.create_engine(connection) if self._made else connection
        except (sqlalchemy.exc.SQLAlchemyError, ImportError, ValueError) as cause:
            raise _failed(cause) from None

    def __enter__(self) -> Any:
        return self._engine

    def __exit__(self, *_: object) -> None:
        if self._made:
            self._engine.dispose()


def _manifests(sqlalchemy: Any, schema: str | None) -> Any:
    return sqlalchemy.Table(
        _MANIFESTS,
        sqlalchemy.MetaData(),
        sqlalchemy.Column("book", sqlalchemy.Text, nullable=False),
        sqlalchemy.Column("manifest", sqlalchemy.Text, nullable=False),
        schema=schema,
    )


def _insert(connection: Any, table: Any, file: Path) -> None:
    """Insert a part: by COPY where the driver is psycopg, else in batches."""
    reader = pq.ParquetFile(file)
    names = [column.name for column in table.columns]
    if connection.dialect.name == "postgresql" and connection.dialect.driver == "psycopg":
        from psycopg import Error, sql

        driver: Any = connection.connection.driver_connection
        path = [part for part in (table.schema, table.name) if part]
        statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
            sql.Identifier(*path), sql.SQL(", ").join(map(sql.Identifier, names))
        )
        try:
            with driver.cursor() as cursor, cursor.copy(statement) as copy:
                for batch in reader.iter_batches(_BATCH_ROWS, columns=names):
                    for row in zip(*(_cells(batch.column(name)) for name in names), strict=True):
                        copy.write_row(row)
        except Error as cause:
            raise _failed(cause) from None
        return
    for batch in reader.iter_batches(_BATCH_ROWS, columns=names):
        cells = [_cells(batch.column(name)) for name in names]
        connection.execute(
            table.insert(), [dict(zip(names, row, strict=True)) for row in zip(*cells, strict=True)]
        )


def _cells(column: pa.Array) -> list[Any]:
    """Python values; a float that is NaN is unknown, which databases call NULL."""
    return [None if cell != cell else cell for cell in column.to_pylist()]


def _column_type(sqlalchemy: Any, kind: pa.DataType) -> Any:
    if pa.types.is_timestamp(kind):
        return sqlalchemy.DateTime
    if pa.types.is_integer(kind):
        return sqlalchemy.BigInteger
    if pa.types.is_floating(kind):
        return sqlalchemy.Double
    return sqlalchemy.Boolean if pa.types.is_boolean(kind) else sqlalchemy.Text


def _sqlalchemy() -> Any:
    try:
        import sqlalchemy
    except ImportError as cause:
        raise MissingExtraError.of("sqlalchemy", "sql", "Writing to a database") from cause
    return sqlalchemy


def _failed(cause: BaseException) -> SourceError:
    """Only the kind of failure: messages of databases repeat statements, addresses and cells."""
    if type(cause).__name__ == "DataError":
        return SourceError(
            "the database does not hold a value of the book (DataError). Its table is what it was before.\n"
            "Most likely an id holds a NUL character, or a column of the table is of a narrower type."
        )
    return SourceError(
        f"the database did not take the book ({type(cause).__name__}). Its table is what it was before.\n"
        "Check the address, the rights and the space there."
    )
