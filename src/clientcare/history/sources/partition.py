"""Tables split by buyer, once, on disk: every row of a buyer, of every table, lies in one partition.

Buyers are independent of each other, so whatever is worked out for a partition is what would be worked out
for the whole. DuckDB does the splitting within a fixed amount of memory, spilling to the same folder.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from clientcare.durable import reached, replacing, sync_file, sync_folder
from clientcare.exceptions import BadRowsError, OptionError, SchemaError, SourceError
from clientcare.history.door.schema import read_names
from clientcare.history.door.spellings import fold as fold_texts
from clientcare.history.sources.databases import (
    import_duckdb,
    locked_config,
    quote_name,
    quote_text,
)
from clientcare.history.sources.files import mostly_ragged
from clientcare.history.sources.scans import FileScan, Scan

ROWS_A_PARTITION = 1_000_000
"""About how many rows of all tables a partition should hold; the kernel takes some 350 bytes a row."""

_NUMBER = "clientcare_partition"
_FOLD = "clientcare_fold"
_ACCOUNT = "clientcare_account"
_DONE = "partitions.json"


@dataclass(frozen=True)
class Partitions:
    """Tables on disk, split by buyer.

    Attributes
    ----------
    folder : Path
        Where they lie.
    n_partitions : int
        How many there are; some may be empty.
    n_rows : mapping of table to int
        Rows of each table over all partitions.
    digests : mapping of table to str
        What the rows of a table out of a database or a stream add up to, whatever their order; empty for the
        others, which have a fingerprint before they are read.
    findings : mapping of table to list of (str, str, int)
        What was found wrong with the lines of its files: rule, what was done, how often.
    """

    folder: Path
    n_partitions: int
    n_rows: Mapping[str, int]
    digests: Mapping[str, str]
    findings: dict[str, list[tuple[str, str, int]]]

    @property
    def tables(self) -> tuple[str, ...]:
        """The names of the tables."""
        return tuple(self.n_rows)

    def read(self, number: int) -> dict[str, pa.Table]:
        """Every table's rows of one partition, with the column names as given.

        Raises
        ------
        SourceError
            Where a file of the partition cannot be read.
        """
        return {table: self._rows(number, table) for table in self.tables}

    def schemas(self) -> dict[str, pa.Schema]:
        """Columns and types of every table."""
        return {
            table: pq.read_schema(self.folder / f"{table}.schema").remove_metadata() for table in self.tables
        }

    def stretch(self, table: str, name: str) -> tuple[Any, Any] | None:
        """The earliest and the latest moment of a column as the files state them; None where one does not."""
        lows, highs = [], []
        for file in sorted((self.folder / table).rglob("*.parquet")):
            metadata = pq.read_metadata(file)
            position = pq.read_schema(file).names.index(name)
            for group in range(metadata.num_row_groups):
                stated = metadata.row_group(group).column(position).statistics
                if stated is None or not stated.has_min_max or not hasattr(stated.min, "year"):
                    return None
                lows.append(stated.min)
                highs.append(stated.max)
        return (min(lows), max(highs)) if lows else None

    def read_column(self, number: int, table: str, name: str) -> pa.ChunkedArray:
        """One column of one table of one partition."""
        return self._rows(number, table, [name]).column(name)

    def _rows(self, number: int, table: str, names: list[str] | None = None) -> pa.Table:
        schema = pq.read_schema(self.folder / f"{table}.schema").remove_metadata()
        if names is not None:
            schema = pa.schema([schema.field(name) for name in names])
        files = sorted((self.folder / table / f"{_NUMBER}={number}").glob("*.parquet"))
        try:
            pieces = [pq.ParquetFile(file).read(columns=names).cast(schema) for file in files]
        except (OSError, pa.ArrowInvalid) as cause:
            raise SourceError(f"{table}: partition {number} cannot be read. Start the job again.") from cause
        return pa.concat_tables([schema.empty_table(), *pieces])


def suggest_partitions(scans: Mapping[str, Scan]) -> int:
    """A number of partitions such that each fits in memory easily."""
    n_rows = 0
    for scan in scans.values():
        known = scan.n_rows
        n_rows += (getattr(scan, "n_bytes", 0) // 40 or 4 * ROWS_A_PARTITION) if known is None else known
    return max(1, min(1000, -(-n_rows // ROWS_A_PARTITION)))


def partition_tables(
    scans: Mapping[str, Scan],
    folder: Path,
    n_partitions: int,
    *,
    columns: Mapping[str, Mapping[str, str | None]] | None = None,
    memory_limit: str = "1GB",
    threads: int | None = None,
    lasting: bool = True,
    strict: bool = False,
    fold: bool = False,
    accounts: Mapping[str, str] | None = None,
) -> Partitions:
    """Split tables by buyer into a folder, or find them there already split.

    Parameters
    ----------
    scans : mapping of table to Scan
    folder : Path
        Must be this job's own. What an earlier, unfinished attempt left in it is removed.
    n_partitions : int
    columns : mapping, optional
        The column map of the door, to find each table's ``buyer_id``.
    memory_limit, threads
        What DuckDB may use.
    lasting : bool
        Whether another job may go on from the folder. Where none will, it is neither compressed, nor synced
        to the disk, nor added up.
    strict : bool
        Whether a line that is no row is an error rather than counted and left out.
    fold : bool
        Whether ids that differ by spelling alone are one buyer, and so of one partition.
    accounts : mapping of id to id, optional
        For each account that is merged the one that stands for all of its partition.

    Raises
    ------
    BadRowsError
        Where a line of a CSV file is no row and ``strict`` is asked for.
    SourceError
        Where a source cannot be read or the disk is full.
    SchemaError
        Where a table has no buyer column.
    """
    found = open_partitions(folder)
    if found is not None:
        return found
    duckdb = import_duckdb("Work that is bigger than memory")
    buyer = {table: _buyer_column(table, scan, columns) for table, scan in scans.items()}
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    spill = folder / "spill"
    connection = duckdb.connect(config=locked_config())
    try:
        _set_memory_limit(connection, memory_limit)
        connection.execute(f"SET temp_directory = {quote_text(str(spill))}")
        connection.execute("SET preserve_insertion_order = false")
        connection.execute("SET TimeZone = 'UTC'")
        if threads is not None:
            connection.execute(f"SET threads = {int(threads)}")
        for table, scan in scans.items():
            scan.register(connection, table, folder / "spool" / table)
            reached(f"partition: {table} registered")
        as_text = _mixed_kinds(connection, buyer)
        if fold:
            connection.create_function(
                _FOLD, _folded, ["VARCHAR"], "VARCHAR", type="arrow", null_handling="special"
            )
        if accounts:
            connection.create_function(
                _ACCOUNT,
                _Accounts(accounts),
                ["VARCHAR"],
                "VARCHAR",
                type="arrow",
                null_handling="special",
            )
        done = {
            table: _split(
                connection,
                table,
                buyer[table],
                as_text,
                folder,
                n_partitions,
                lasting,
                digested=lasting and not isinstance(scan, FileScan) and scan.fingerprint() is None,
                fold=fold,
                merged=bool(accounts),
            )
            for table, scan in scans.items()
        }
    except (duckdb.Error, pa.ArrowInvalid) as cause:
        own = [error for scan in scans.values() if isinstance(scan, FileScan) for error in scan.trouble]
        raise (own[0] if own else _failed(cause)) from None
    except OSError as cause:
        if isinstance(cause, SourceError):
            raise
        raise SourceError(
            f"splitting the tables failed ({cause.strerror or type(cause).__name__}). Nothing was published."
        ) from cause
    finally:
        connection.close()
        for leftover in (spill, folder / "spool"):
            shutil.rmtree(leftover, ignore_errors=True)
    n_rows = {table: rows for table, (rows, _) in done.items()}
    digests = {table: digest for table, (_, digest) in done.items()}
    findings = {
        table: _findings(scan, n_rows[table], strict)
        for table, scan in scans.items()
        if isinstance(scan, FileScan)
    }
    partitions = Partitions(folder, n_partitions, n_rows, digests, findings)
    if not lasting:
        return partitions
    for written in folder.rglob("*"):
        (sync_file if written.is_file() else sync_folder)(written)
    sync_folder(folder)
    reached("partition: on disk")
    with replacing(folder / _DONE) as file:
        facts = {
            "n_partitions": n_partitions,
            "n_rows": n_rows,
            "digests": digests,
            "findings": findings,
        }
        file.write(json.dumps(facts).encode())
    return partitions


def _findings(scan: FileScan, n_rows: int, strict: bool) -> list[tuple[str, str, int]]:
    """What is wrong with a table's lines, as the door tells it; refused where most of them are no rows."""
    ragged = scan.ragged
    if ragged.n_lines > n_rows:
        raise mostly_ragged(scan.table, ragged.n_lines, len(scan.names), ragged.first_rows)
    if strict and ragged.n_lines:
        raise BadRowsError.counted(
            scan.table, "all columns", "ragged_line", ragged.n_lines, ragged.first_rows
        )
    return scan.findings()


def _set_memory_limit(connection: Any, memory_limit: str) -> None:
    understood = isinstance(memory_limit, str)
    try:
        connection.execute(f"SET memory_limit = {quote_text(str(memory_limit))}")
    except import_duckdb("Work that is bigger than memory").Error:
        understood = False
    if not understood:
        raise OptionError("memory_limit: not an amount of memory. Write it as '1GB' or '512MB'.")


def open_partitions(folder: Path) -> Partitions | None:
    """Partitions that an earlier job finished and that are all still there, or None."""
    try:
        facts = json.loads((folder / _DONE).read_bytes())
        found = Partitions(
            folder, int(facts["n_partitions"]), facts["n_rows"], facts["digests"], facts["findings"]
        )
        whole = all(_n_rows_in(folder / table) == n_rows for table, n_rows in found.n_rows.items())
        return found if whole else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _n_rows_in(folder: Path) -> int:
    return sum(int(pq.read_metadata(file).num_rows) for file in folder.rglob("*.parquet"))


def _buyer_column(table: str, scan: Scan, columns: Mapping[str, Mapping[str, str | None]] | None) -> str:
    names = scan.names
    if any(name.lower() == _NUMBER for name in names):
        raise SchemaError(f"{table}: a column is called {_NUMBER!r}, which is needed here. Rename it.")
    return read_names(table, names, dict((columns or {}).get(table, {})))["buyer_id"]


def _mixed_kinds(connection: Any, buyer: Mapping[str, str]) -> bool:
    """Whether some tables number their buyers and others name them: then all ids are read as text."""
    return len({_kind(connection, table, column) == "VARCHAR" for table, column in buyer.items()}) > 1


def _kind(connection: Any, table: str, column: str) -> str:
    relation = connection.sql(f"SELECT {quote_name(column)} FROM {quote_name(table)} LIMIT 0")
    return str(relation.types[0])


def _split(
    connection: Any,
    table: str,
    column: str,
    as_text: bool,
    folder: Path,
    n_partitions: int,
    lasting: bool,
    digested: bool,
    fold: bool,
    merged: bool,
) -> tuple[int, str]:
    """Write one table's partitions; number of rows, and what they add up to."""
    source, name = quote_name(table), quote_name(column)
    kind = _kind(connection, table, column)
    exact = f"CAST({name} AS BIGINT)" if kind in ("DOUBLE", "FLOAT") or kind.startswith("DECIMAL") else name
    text = (
        f"CAST({exact} AS VARCHAR)"
        if kind != "DOUBLE"
        else f"coalesce(CAST(TRY_CAST({name} AS BIGINT) AS VARCHAR), CAST({name} AS VARCHAR))"
    )
    replaced = f"* REPLACE ({text} AS {name})" if as_text and kind != "VARCHAR" else "*"
    alike = _spelled_alike(text, fold) if kind == "VARCHAR" else text
    alike = f"{_ACCOUNT}({alike})" if merged else alike
    number = f"CAST(coalesce(hash({alike}), 0) % {int(n_partitions)} AS INTEGER)"
    schema_file = folder / f"{table}.schema"
    target = folder / table
    selected = f"SELECT {replaced}, {number} AS {_NUMBER} FROM {source}"
    target.mkdir()
    # one pass: a reader of files that stream can be read only once
    connection.execute(
        f"COPY ({selected}) TO {quote_text(str(target))} "
        f"(FORMAT parquet, PARTITION_BY ({_NUMBER}), COMPRESSION {'snappy' if lasting else 'uncompressed'}, "
        "ROW_GROUP_SIZE 200000, OVERWRITE_OR_IGNORE)"
    )
    reached(f"partition: {table} split")
    files = sorted(str(file) for file in target.rglob("*.parquet"))
    if not files:
        empty = connection.sql(f"SELECT {replaced} FROM {source} LIMIT 0").to_arrow_table()
        pq.write_table(empty, schema_file)
        return 0, ""
    pq.write_table(pq.read_schema(files[0]).remove_metadata().empty_table(), schema_file)
    return _n_rows_in(target), _digest(connection, table, files) if digested else ""


def _spelled_alike(text: str, fold: bool) -> str:
    """An id as the door spells it: whole numbers without decimals, and folded where that is asked for."""
    plain = f"regexp_replace({text}, '^([-+]?(0|[1-9][0-9]*))[.]0+$', '\\1')"
    return f"{_FOLD}({plain})" if fold else plain


class _Accounts:
    """For each id of a batch the account that stands for it."""

    def __init__(self, accounts: Mapping[str, str]) -> None:
        self._named = pa.array(list(accounts), pa.string())
        self._heads = pa.array(list(accounts.values()), pa.string())

    def __call__(self, texts: Any) -> Any:
        pieces = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
        return pc.coalesce(self._heads.take(pc.index_in(pieces, value_set=self._named)), pieces)


def _folded(texts: Any) -> Any:
    pieces = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    return fold_texts(pieces).cast(pa.string())


def _digest(connection: Any, table: str, files: list[str]) -> str:
    """What the rows add up to, whatever their order."""
    relation = connection.read_parquet(files, hive_partitioning=False)
    every = ", ".join(f"q.{quote_name(one)}" for one in relation.columns)
    relation.create_view(f"{table} split", replace=True)
    total, mixed = connection.execute(
        "SELECT sum(CAST(h AS HUGEINT)), bit_xor(h) "
        f"FROM (SELECT hash({every}) AS h FROM {quote_name(f'{table} split')} AS q)"
    ).fetchone()
    return f"{int(total or 0):x}.{int(mixed or 0):x}"


def _failed(cause: BaseException) -> SourceError:
    """The kind of failure alone: the engine's own messages can repeat cells and paths."""
    text = str(cause).lower()
    if "no space" in text or "disk" in text:
        reason = "the disk is full"
    elif "memory" in text:
        reason = "more memory is needed than memory_limit allows"
    elif "conversion" in text or "cast" in text:
        reason = "a column changes its type between files"
    else:
        reason = type(cause).__name__
    return SourceError(f"splitting the tables by buyer failed: {reason}. Nothing was published.")
