"""Features of tables that do not fit in memory: split by buyer once, then one partition after another."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Unpack

import joblib
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from clientcare.arguments import is_one_of
from clientcare.durable import put_folder, remove_folder
from clientcare.exceptions import NotEnoughDataError, OptionError
from clientcare.features.catalogue import Feature, catalogue_entries, parse_families, parse_windows
from clientcare.features.norms import PeerNorms, add_norms
from clientcare.features.peers import measure_norms
from clientcare.features.shared_runs import SharedRuns
from clientcare.features.snapshot import Snapshot, snapshots_of
from clientcare.features.static import static_columns
from clientcare.features.table import feature_columns, given_columns
from clientcare.history.door.dates import check_timezone
from clientcare.history.door.schema import ColumnMap
from clientcare.history.door.scope import ATTRIBUTE_KINDS, part_of_a_table
from clientcare.history.histories import Histories
from clientcare.history.options import DoorOptions, shows_door_options
from clientcare.history.sources.files import CsvForm
from clientcare.history.sources.merged import settled_accounts
from clientcare.history.sources.partition import Partitions, partition_tables, suggest_partitions
from clientcare.history.sources.scans import scan_of
from clientcare.history.sources.settled import settled_options
from clientcare.history.sources.settled_kinds import settled_kinds
from clientcare.progress import ProgressBar
from clientcare.window import Moment, parse_moments

TABLES = ("transactions", "interactions", "contracts", "buyers")
PARTITIONS_A_SUGGESTED = 3
"""Smaller partitions than memory asks for: their arrays stay in the caches."""

MANY_PARTITIONS = 60
"""Beyond so many, splitting into more costs more than smaller arrays save."""

COMPRESSIONS = ("none", "snappy", "lz4", "zstd")


@dataclass(frozen=True)
class FeatureFiles:
    """Where the features were written, and what was found on the way.

    Attributes
    ----------
    folder : Path
        The folder of Parquet files; ``pandas.read_parquet(folder)`` reads them as one table.
    n_rows : int
        Rows written: buyers, or buyers times dates.
    quality : DataFrame
        ``table``, ``rule``, ``action``, ``n_rows``: the door's findings over all partitions.
    """

    folder: Path
    n_rows: int
    quality: pd.DataFrame


@dataclass(frozen=True)
class _Task:
    """What is the same for every partition."""

    partitions: Partitions
    moments: tuple[pd.Timestamp, ...]
    several: bool
    families: tuple[str, ...]
    windows: tuple[int, ...]
    options: Mapping[str, Any]
    target: Path
    compression: str


@shows_door_options
def write_feature_table(
    transactions: Any = None,
    interactions: Any = None,
    contracts: Any = None,
    buyers: Any = None,
    *,
    as_of: Moment | Iterable[Moment],
    out: str | PathLike[str],
    families: str | Iterable[str] | None = None,
    windows: Iterable[int] | None = None,
    norms: PeerNorms | None = None,
    n_partitions: int | None = None,
    n_jobs: int | None = None,
    compression: str = "snappy",
    memory_limit: str = "512MB",
    columns: ColumnMap | None = None,
    encoding: str | Mapping[str, str] = "utf-8",
    delimiter: str | Mapping[str, str] | None = None,
    skip_lines: int | Mapping[str, int] = 0,
    **options: Unpack[DoorOptions],
) -> FeatureFiles:
    """The feature table of files or tables of any size, written as Parquet a partition at a time.

    Each partition holds every row of its buyers, and goes through the same door and the same kernel as
    :func:`feature_table`: the numbers are the same to the last bit.

    Parameters
    ----------
    transactions, interactions, contracts, buyers : path, pattern, folder, list of paths, or table
        CSV or Parquet files, a database query (:class:`clientcare.history.DatabaseQuery`), or a table.
    as_of : date or list of dates
        Exclusive.
    out : path
        A folder that is made, or replaced once everything is written.
    families, windows
        As in :func:`feature_table`.
    norms : PeerNorms, optional
        What is usual among buyers, for the family ``peers``; default as among all buyers of each date, which
        takes a second pass over the partitions.
    n_partitions : int, optional
        Default three a million rows, up to 60, then one a million; memory grows with the rows of a partition
        times ``n_jobs``.
    n_jobs : int, optional
        Partitions at a time, one thread each; default all cores.
    compression : {"snappy", "lz4", "zstd", "none"}
        Of the files written.
    memory_limit : str
        What DuckDB may use while it splits the tables.
    columns : mapping, optional
        As for :class:`Histories`.
    encoding, delimiter, skip_lines : str or int, or mapping of table to them, optional
        How CSV files are written.
    **options
        Further options of :class:`Histories`; the signature names them.

    Returns
    -------
    FeatureFiles
        Rows come in no particular order, with ``buyer_id`` (and ``as_of`` for a list of dates) as columns.

    Raises
    ------
    OptionError
        Where an argument makes no sense.
    SourceError
        Where a source cannot be read or the folder cannot be written.
    NotEnoughDataError
        Where no row can be used.
    MissingExtraError
        Where DuckDB is not installed (``pip install 'clientcare[duckdb]'``).

    Examples
    --------
    >>> import tempfile
    >>> days = pd.to_datetime(["2024-01-01"] * 3)
    >>> orders = pd.DataFrame({"buyer_id": [1, 1, 2], "timestamp": days, "amount": 9.0})
    >>> out = tempfile.mkdtemp() + "/features"
    >>> written = write_feature_table(orders, as_of="2024-02-01", out=out, n_jobs=1)
    >>> pd.read_parquet(written.folder).set_index("buyer_id").sort_index()["n_purchases"].tolist()
    [1.0, 1.0]
    """
    moments, several = parse_moments(as_of, check_timezone(options.get("timezone")))
    chosen, days = parse_families(families), parse_windows(windows)
    if not is_one_of(compression, COMPRESSIONS):
        raise OptionError(f"compression: must be one of {', '.join(COMPRESSIONS)}.")
    sources = dict(zip(TABLES, (transactions, interactions, contracts, buyers), strict=True))
    scans = {
        name: scan_of(name, source, CsvForm.of(name, encoding, delimiter, skip_lines))
        for name, source in sources.items()
        if source is not None
    }
    if not set(scans) - {"buyers"}:
        raise OptionError("write_feature_table: give transactions, interactions or contracts.")
    door, accounts = settled_accounts(scans, options, columns)
    target = Path(out).expanduser().absolute()
    target.parent.mkdir(parents=True, exist_ok=True)
    with (
        ProgressBar("Features", n_steps=2) as bar,
        tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as work,
    ):
        bar.at(0, "splitting the tables by buyer")
        parts = partition_tables(
            scans,
            Path(work) / "split",
            n_partitions or _n_partitions(suggest_partitions(scans)),
            columns=columns,
            memory_limit=memory_limit,
            lasting=False,
            strict=options.get("on_bad_rows") == "raise",
            fold=options.get("ids") == "fold",
            accounts=accounts,
        )
        settled = settled_options(parts, {**door, "columns": columns})
        settled[ATTRIBUTE_KINDS] = settled_kinds(parts, settled, max(moments))
        result = Path(work) / "features"
        result.mkdir()
        bar.at(1, "a partition at a time")
        task = _Task(parts, tuple(moments), several, chosen, days, settled, result, compression)
        written = _run(task, norms, n_jobs)
        put_folder(result, target, Path(work) / "before")
        remove_folder(Path(work) / "before")
    lines = [
        pd.DataFrame(found, columns=["rule", "action", "n_rows"]).assign(table=table)
        for table, found in parts.findings.items()
    ]
    found = _add_up([*lines, *(quality for _, quality in written)])
    return FeatureFiles(target, sum(n_rows for n_rows, _ in written), found)


def _n_partitions(suggested: int) -> int:
    """More partitions than memory asks for, as long as they are not many."""
    return max(suggested, min(PARTITIONS_A_SUGGESTED * suggested, MANY_PARTITIONS))


def _run(task: _Task, norms: PeerNorms | None, n_jobs: int | None) -> list[tuple[int, pd.DataFrame]]:
    """All partitions; in two passes where what is usual among all buyers has to be known first."""
    numbers = range(task.partitions.n_partitions)
    run = joblib.Parallel(n_jobs=-1 if n_jobs is None else n_jobs, prefer="threads")
    by_date: list[PeerNorms | None] = [norms] * len(task.moments)
    if norms is None and "peers" in task.families:
        measured = [
            found for found in run(joblib.delayed(_measure)(task, number) for number in numbers) if found
        ]
        if measured:
            by_date = [add_norms(found) for found in zip(*measured, strict=True)]
    written = [done for done in run(joblib.delayed(_write)(task, n, by_date) for n in numbers) if done]
    if not written:
        raise NotEnoughDataError(
            "write_feature_table: no row can be used.\nGive at least one row with a buyer and a date."
        )
    return written


def _measure(task: _Task, number: int) -> list[PeerNorms] | None:
    """What is usual in one partition, a date each; its histories are kept for the second pass."""
    histories = _open(task, number)
    if histories is None:
        return None
    with open(_kept(task, number), "wb") as file:
        pickle.dump(histories, file, protocol=5)
    shared = SharedRuns(histories)
    return [measure_norms(Snapshot(shared, moment, task.windows)) for moment in task.moments]


def _write(task: _Task, number: int, norms: Sequence[PeerNorms | None]) -> tuple[int, pd.DataFrame] | None:
    """The features of one partition, written."""
    histories = _open(task, number)
    if histories is None:
        return None
    given = given_columns(histories)
    entries = [
        entry for entry in catalogue_entries(task.families, task.windows) if given.issuperset(entry.needs)
    ]
    shared = SharedRuns(histories)
    snapshots = snapshots_of(shared, task.moments, task.windows, norms)
    n_rows = 0
    file = task.target / f"part-{number:05d}.parquet"
    writer: pq.ParquetWriter | None = None
    for at in snapshots:
        table = _arrow(at, entries, task)
        writer = writer or pq.ParquetWriter(
            file,
            table.schema,
            compression=task.compression,
            use_dictionary=_texts(table),
            write_statistics=False,
        )
        writer.write_table(table)
        n_rows += table.num_rows
        at.let_go()
    if writer is not None:
        writer.close()
    return n_rows, histories.quality


def _open(task: _Task, number: int) -> Histories | None:
    """The histories of one partition; None where it holds no usable row."""
    kept = _kept(task, number)
    if kept.exists():
        with open(kept, "rb") as file:
            histories: Histories = pickle.load(file)  # our own file, in our own folder, written minutes ago
        kept.unlink()
        return histories
    tables = task.partitions.read(number)
    if not any(table.num_rows for name, table in tables.items() if name != "buyers"):
        return None
    try:
        with part_of_a_table(task.options.get(ATTRIBUTE_KINDS)):
            options = {name: value for name, value in task.options.items() if name != ATTRIBUTE_KINDS}
            return Histories(**tables, **options)
    except NotEnoughDataError:
        return None


def _kept(task: _Task, number: int) -> Path:
    return task.partitions.folder / f"histories-{number}.pickle"


def _arrow(at: Snapshot, entries: Sequence[Feature], task: _Task) -> pa.Table:
    """The features of a snapshot with their keys as an Arrow table; texts as plain texts, alike in every partition."""
    columns: dict[str, Any] = {}
    if task.several:
        columns["as_of"] = pa.array(np.full(at.n_buyers, np.datetime64(at.as_of, "us")))
    ids = at.buyer_ids
    columns["buyer_id"] = pa.array(
        ids.to_numpy() if ids.dtype.kind == "i" else ids.astype(object),
        type=pa.int64() if ids.dtype.kind == "i" else pa.string(),
        from_pandas=True,
    )
    columns |= {name: pa.array(values, type=pa.float64()) for name, values in feature_columns(at, entries)}
    own = set(columns)  # unknown is NaN in these, so there are no nulls to write down
    with_static = "static" in task.families
    attributes = at.histories.attributes_for_features(max(task.moments)) if with_static else None
    for name, values in static_columns(at, attributes):
        texts = isinstance(values, pd.Categorical)
        columns[name] = (
            pa.array(values.astype(object), type=pa.string(), from_pandas=True) if texts else pa.array(values)
        )
    schema = pa.schema([pa.field(name, values.type, name not in own) for name, values in columns.items()])
    return pa.table(list(columns.values()), schema=schema)


def _texts(table: pa.Table) -> list[str]:
    return [field.name for field in table.schema if pa.types.is_string(field.type)]


def _add_up(found: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """The findings of all partitions, counts added."""
    every = pd.concat([one[["table", "rule", "action", "n_rows"]] for one in found], ignore_index=True)
    return every.groupby(["table", "rule", "action"], sort=True)[["n_rows"]].sum().reset_index()
