"""The same features and scores on Spark: a shuffle by buyer, and the same kernel for each group of buyers.

All tables are tagged, put under each other and grouped by a hash of the buyer, so that every row of a buyer
meets in one group; each group is handed to Python as one Arrow table, in a task that uses one thread.
Nothing is computed in Spark's own SQL, so there is nothing that could differ.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from typing import Any, Unpack

import numpy as np
import pyarrow as pa

from clientcare.book import COLUMNS, MOMENTS, TEXTS
from clientcare.exceptions import InputError, MissingExtraError, OptionError
from clientcare.features import feature_table
from clientcare.history import Histories
from clientcare.history.door.dates import check_timezone
from clientcare.history.door.schema import ColumnMap, check_column_map, read_names
from clientcare.history.options import DoorOptions, shows_door_options
from clientcare.model.training.requirements import require_tables
from clientcare.scoring.parts import DATED, as_arrow, open_partition, score_one_part
from clientcare.window import Moment, parse_moment

_GROUP, _TABLE = "clientcare_group", "clientcare_table"


@shows_door_options
def score(
    model: Any,
    transactions: Any = None,
    interactions: Any = None,
    contracts: Any = None,
    buyers: Any = None,
    *,
    as_of: Moment,
    columns: ColumnMap | None = None,
    n_groups: int | None = None,
    **door: Unpack[DoorOptions],
) -> Any:
    """The book of every buyer in some Spark DataFrames.

    Parameters
    ----------
    model : RelationshipModel
        Fitted; it is broadcast.
    transactions, interactions, contracts, buyers : pyspark.sql.DataFrame, optional
    as_of : date
    columns : mapping, optional
        As for :class:`Histories`.
    n_groups : int, optional
        Into how many groups the buyers are put; default ``spark.sql.shuffle.partitions``. A group must fit
        in the memory of a task: some 350 bytes a row.
    **door
        Further options of :class:`Histories`.

    Returns
    -------
    pyspark.sql.DataFrame
        The columns of the book, ``buyer_id`` first. Lazy: nothing is computed before it is asked for.

    Raises
    ------
    MissingExtraError
        Where pyspark is not installed.
    InputError
        Where no dated table is given, or one that the model learned from is not.
    """
    moment = parse_moment(as_of, check_timezone(door.get("timezone")))
    frames = _Frames({"transactions": transactions, "interactions": interactions, "contracts": contracts, "buyers": buyers},
                     columns, door)  # fmt: skip
    require_tables("spark.score", getattr(model, "tables_", ()), frames.frames)
    held = _broadcast(frames.session, model)
    id_type, options = frames.id_type, frames.door

    def of_group(tables: dict[str, pa.Table]) -> pa.Table | None:
        histories = open_partition(**tables, **options)
        if histories is None:
            return None
        return as_arrow(score_one_part(_value(held), histories, moment), id_type)

    return frames.grouped(of_group, _book_schema(id_type), n_groups)


@shows_door_options
def features(
    transactions: Any = None,
    interactions: Any = None,
    contracts: Any = None,
    buyers: Any = None,
    *,
    as_of: Moment,
    families: str | Iterable[str] | None = None,
    windows: Iterable[int] | None = None,
    norms: Any = None,
    columns: ColumnMap | None = None,
    n_groups: int | None = None,
    **door: Unpack[DoorOptions],
) -> Any:
    """The feature table of some Spark DataFrames.

    Parameters
    ----------
    families, windows, norms
        As for ``feature_table``. The family ``peers`` looks across buyers: it is there only with ``norms``
        given. Texts among static attributes are left out.

    Returns
    -------
    pyspark.sql.DataFrame
        ``buyer_id`` and a column a feature, as doubles; unknown is NaN.
    """
    from clientcare.features import FAMILIES

    moment = parse_moment(as_of, check_timezone(door.get("timezone")))
    frames = _Frames({"transactions": transactions, "interactions": interactions, "contracts": contracts, "buyers": buyers},
                     columns, door)  # fmt: skip
    asked = [families] if isinstance(families, str) else list(FAMILIES if families is None else families)
    chosen = [family for family in asked if family != "static" and (family != "peers" or norms is not None)]
    sizes = None if windows is None else list(windows)
    names = _feature_names(frames, moment, chosen, sizes, norms)
    schema = pa.schema([("buyer_id", frames.id_type), *((name, pa.float64()) for name in names)])
    options = frames.door

    def of_group(tables: dict[str, pa.Table]) -> pa.Table | None:
        histories = open_partition(**tables, **options)
        if histories is None:
            return None
        table = feature_table(histories, moment, chosen, sizes, norms=norms)
        return as_arrow(table[names].astype(np.float64), schema.field("buyer_id").type)

    return frames.grouped(of_group, schema, n_groups)


@shows_door_options
def sample_histories(
    transactions: Any = None,
    interactions: Any = None,
    contracts: Any = None,
    buyers: Any = None,
    *,
    share: float,
    columns: ColumnMap | None = None,
    **door: Unpack[DoorOptions],
) -> Histories:
    """The whole histories of a share of the buyers, brought to the driver to fit a model on.

    Parameters
    ----------
    share : float, above 0 and up to 1
        Of the buyers, not of the rows. The same buyers in every run and from every table.

    Raises
    ------
    OptionError
        Where the share makes no sense.
    """
    if not 0 < share <= 1:
        raise OptionError("share: must be above 0 and at most 1.")
    frames = _Frames({"transactions": transactions, "interactions": interactions, "contracts": contracts, "buyers": buyers},
                     columns, door)  # fmt: skip
    functions = frames.functions
    tables = {}
    for table, frame in frames.frames.items():
        kept = functions.pmod(frames.hashed(table), functions.lit(1_000_000)) < round(share * 1_000_000)
        tables[table] = frame.filter(kept).toArrow()
    return Histories(**tables, **frames.door)


class _Frames:
    """Spark DataFrames of the tables, their types made plain."""

    def __init__(self, given: Mapping[str, Any], columns: ColumnMap | None, door: Mapping[str, Any]) -> None:
        frames = {table: frame for table, frame in given.items() if frame is not None}
        if not any(table in frames for table in DATED):
            raise InputError("no table given. Give transactions, interactions or contracts.")
        try:
            from pyspark.sql import functions, types
        except ImportError as cause:
            raise MissingExtraError.of("pyspark", "spark", "Scoring on Spark") from cause
        if door.get("merge_ids") is not None or door.get("accounts", "own") != "own":
            raise OptionError(
                "merge_ids, accounts: rows are grouped by buyer on Spark before the door reads them. "
                "Merge the accounts in the DataFrames first."
            )
        self.functions, self.types = functions, types
        mapping = check_column_map(columns)
        self.door = {**door, "columns": mapping}
        self.buyer = {
            table: read_names(table, frame.columns, mapping.get(table, {}))["buyer_id"]
            for table, frame in frames.items()
        }
        self.frames = {table: self._plain(frame) for table, frame in frames.items()}
        kinds = {
            table: self._is_number(frame.schema[self.buyer[table]].dataType)
            for table, frame in self.frames.items()
        }
        if len(set(kinds.values())) > 1:
            self.frames = {
                table: frame.withColumn(self.buyer[table], self.as_text(table)) if kinds[table] else frame
                for table, frame in self.frames.items()
            }
        self.id_type = pa.int64() if all(kinds.values()) else pa.string()

    @property
    def session(self) -> Any:
        return next(iter(self.frames.values())).sparkSession

    def as_text(self, table: str) -> Any:
        """The buyer as text; 7.0 and 7 are one buyer."""
        frame, name = self.frames[table], self.buyer[table]
        column = frame[_quoted(name)]
        kind = frame.schema[name].dataType
        if isinstance(kind, (self.types.DoubleType, self.types.FloatType)):
            column = column.cast("bigint")
        return column.cast("string")

    def hashed(self, table: str) -> Any:
        """A number from the buyer that does not depend on the table or the type of the id."""
        return self.functions.xxhash64(self.as_text(table))

    def grouped(
        self,
        of_group: Callable[[dict[str, pa.Table]], pa.Table | None],
        schema: pa.Schema,
        n_groups: int | None,
    ) -> Any:
        """Bring each group of buyers together and hand its tables to a function."""
        functions = self.functions
        n = int(n_groups or self.session.conf.get("spark.sql.shuffle.partitions"))
        if n < 1:
            raise OptionError("n_groups: must be one or more.")
        tagged = []
        for table, frame in self.frames.items():
            marked = [
                frame[_quoted(name)].alias(f"{table}_{number}") for number, name in enumerate(frame.columns)
            ]
            group = functions.pmod(self.hashed(table), functions.lit(n)).cast("int").alias(_GROUP)
            tagged.append(frame.select(group, functions.lit(table).alias(_TABLE), *marked))
        everything = reduce(lambda left, right: left.unionByName(right, allowMissingColumns=True), tagged)
        names = {table: list(frame.columns) for table, frame in self.frames.items()}

        def in_task(rows: pa.Table) -> pa.Table:
            os.environ["OMP_NUM_THREADS"] = "1"
            found = of_group({table: _rows_of(rows, table, columns) for table, columns in names.items()})
            return schema.empty_table() if found is None else found.select(schema.names).cast(schema)

        return everything.groupBy(_GROUP).applyInArrow(in_task, _spark_schema(schema))

    def _plain(self, frame: Any) -> Any:
        """Exact decimals as doubles; moments of the session's zone as its wall clock shows them, unless a zone is stated."""
        types = self.types
        for one in frame.schema.fields:
            if isinstance(one.dataType, types.DecimalType):
                frame = frame.withColumn(one.name, frame[_quoted(one.name)].cast("double"))
            elif isinstance(one.dataType, types.TimestampType) and self.door.get("timezone") is None:
                frame = frame.withColumn(one.name, frame[_quoted(one.name)].cast("timestamp_ntz"))
        return frame

    def _is_number(self, kind: Any) -> bool:
        return isinstance(kind, self.types.NumericType)


def _rows_of(rows: pa.Table, table: str, names: list[str]) -> pa.Table:
    mine = rows.filter(pa.compute.equal(rows.column(_TABLE), table))
    return pa.table({name: mine.column(f"{table}_{number}") for number, name in enumerate(names)})


def _feature_names(
    frames: _Frames, moment: Any, families: list[str], windows: list[int] | None, norms: Any
) -> list[str]:
    """The columns that these tables will have: those of one made-up buyer with a row in each."""
    tables = {}
    for table, frame in frames.frames.items():
        names = read_names(table, frame.columns, frames.door["columns"].get(table, {}))
        cells: dict[str, Any] = {}
        for ours, theirs in names.items():
            if ours == "buyer_id":
                cells[theirs] = ["1"]
            elif ours in ("timestamp", "start"):
                cells[theirs] = [np.datetime64(moment.to_datetime64(), "us") - np.timedelta64(10, "D")]
            else:
                cells[theirs] = pa.array([None], pa.string())
        tables[table] = pa.table(cells)
    options = {
        name: value
        for name, value in frames.door.items()
        if name not in ("observed_until", "observed_from", "date_format")
    }
    histories = Histories(**tables, **options)
    return [str(name) for name in feature_table(histories, moment, families, windows, norms=norms).columns]


def _book_schema(id_type: pa.DataType) -> pa.Schema:
    def kind(name: str) -> pa.DataType:
        if name in TEXTS:
            return pa.string()
        if name in MOMENTS:
            return pa.timestamp("us")
        return pa.int64() if name == "horizon_days" else pa.float64()

    return pa.schema([("buyer_id", id_type), *((name, kind(name)) for name in COLUMNS)])


def _spark_schema(schema: pa.Schema) -> str:
    def kind(one: pa.DataType) -> str:
        if pa.types.is_timestamp(one):
            return "timestamp_ntz"
        if pa.types.is_int64(one):
            return "bigint"
        return "double" if pa.types.is_floating(one) else "string"

    return ", ".join(f"{_quoted(field.name)} {kind(field.type)}" for field in schema)


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _broadcast(session: Any, model: Any) -> Any:
    """The model sent to each machine once; with Spark Connect, which has no broadcast, with the task."""
    try:
        return session.sparkContext.broadcast(model)
    except Exception:
        return model


def _value(held: Any) -> Any:
    return getattr(held, "value", held)
