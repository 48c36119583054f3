"""Score tables that are bigger than memory: split by buyer, score part by part, publish all or nothing."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Unpack

import numpy as np
import pandas as pd
import pyarrow as pa
from threadpoolctl import threadpool_limits

from clientcare.book import OWN_LIST
from clientcare.durable import reached
from clientcare.exceptions import InputError, OptionError, SourceError
from clientcare.history.door.dates import check_timezone
from clientcare.history.door.headlines import rows_set_aside_said
from clientcare.history.door.quality import SET_ASIDE
from clientcare.history.door.schema import ColumnMap, check_column_map, read_names
from clientcare.history.options import DoorOptions, shows_door_options
from clientcare.history.sources.databases import import_duckdb
from clientcare.history.sources.files import CsvForm
from clientcare.history.sources.merged import settled_accounts
from clientcare.history.sources.partition import Partitions, partition_tables, suggest_partitions
from clientcare.history.sources.scans import FileScan, Scan, scan_of
from clientcare.history.sources.settled import settled_options
from clientcare.model.store.file import library_versions
from clientcare.model.training.labels import own_labels
from clientcare.model.training.requirements import require_tables, warn_beyond_data
from clientcare.places import require_no_input
from clientcare.progress import ProgressBar
from clientcare.scoring.expected import counts_of_part, outlook_of_parts
from clientcare.scoring.last_night import n_buyers_there, require_not_emptied, shrunk_said
from clientcare.scoring.outliers import latest_plausible_days, without_later_rows
from clientcare.scoring.outputs import Output, output_of
from clientcare.scoring.parts import DATED, as_arrow, open_partition, score_one_part
from clientcare.scoring.publish import Job, PartRecord, absolute_place, open_job, write_part
from clientcare.scoring.pushdown import expanded_where_by_day
from clientcare.window import Moment, parse_moment

LOG = logging.getLogger("clientcare.scoring")


@dataclass(frozen=True)
class Progress:
    """How far a job is.

    Attributes
    ----------
    stage : str
        ``"split"``, ``"score"`` or ``"publish"``.
    parts_done, n_parts : int
    n_rows, n_buyers : int
        Rows read and buyers scored so far.
    seconds_left : float or None
        An estimate from the parts done in this run; None before the first.
    """

    stage: str
    parts_done: int
    n_parts: int
    n_rows: int
    n_buyers: int
    seconds_left: float | None = None


@dataclass(frozen=True)
class ScoringResult:
    """What a batch job did.

    Attributes
    ----------
    out : str
        The name of the output.
    n_buyers : int
        Rows of the book.
    n_rows : dict of table to int
        Rows read.
    n_parts, n_resumed : int
        Parts in all, and those found whole from a start that did not end.
    quality : DataFrame
        What the door found, added up over the parts: ``table``, ``rule``, ``n_rows``, ``action``.
    manifest : dict
        As published.
    cpu_seconds : dict of stage to float
        ``split``, ``door``, ``score``, ``write``, ``publish``; of this run.
    n_before : int or None
        Buyers of the book that was there before; None where there was none, or it is a table of a database.
    """

    out: str
    n_buyers: int
    n_rows: Mapping[str, int]
    n_parts: int
    n_resumed: int
    quality: pd.DataFrame
    manifest: Mapping[str, Any]
    cpu_seconds: Mapping[str, float] = field(default_factory=dict)
    n_before: int | None = None

    @property
    def says(self) -> list[str]:
        """What heads everything: how much of each table was set aside, where it is more than a hundredth; and a book
        that lost half of its buyers.
        """
        out = self.quality[self.quality["action"] == SET_ASIDE].groupby("table")["n_rows"].sum()
        rows = pd.DataFrame({"rows_in": pd.Series(dict(self.n_rows), dtype=np.int64)})
        rows["rows_set_aside"] = (
            out.astype(np.float64).reindex(rows.index).fillna(0).clip(upper=rows["rows_in"]).astype(np.int64)
        )
        return rows_set_aside_said(rows) + shrunk_said(self.n_before, self.n_buyers)

    def __repr__(self) -> str:
        read = ", ".join(f"{n_rows:,} rows of {table}" for table, n_rows in self.n_rows.items())
        parts = f"{self.n_parts:,} part{'' if self.n_parts == 1 else 's'}"
        resumed = f" ({self.n_resumed:,} found whole)" if self.n_resumed else ""
        return (
            f"The book of {self.n_buyers:,} buyers is in {self.out}.\n"
            f"Read {read} in {parts}{resumed}; findings about the data are in quality ({len(self.quality):,}).\n"
            f"{sum(self.cpu_seconds.values()):.1f} CPU seconds."
        )


@shows_door_options
def score_dataset(
    model: Any,
    *,
    transactions: Any = None,
    interactions: Any = None,
    contracts: Any = None,
    buyers: Any = None,
    out: Any,
    as_of: Moment,
    columns: ColumnMap | None = None,
    labels: pd.Series[Any] | None = None,
    n_partitions: int | None = None,
    n_jobs: int = 1,
    memory_limit: str = "1GB",
    on_progress: Callable[[Progress], None] | None = None,
    formula_guard: bool = True,
    allow_empty: bool = False,
    encoding: str | Mapping[str, str] = "utf-8",
    delimiter: str | Mapping[str, str] | None = None,
    skip_lines: int | Mapping[str, int] = 0,
    **door: Unpack[DoorOptions],
) -> ScoringResult:
    """Score every buyer of tables that need not fit in memory, and publish the book all at once or not at all.

    The tables are split by buyer on disk, once; each part passes the same door, kernel and model as in
    memory, so the book is the same. A job that is killed leaves the old output as it was; started again
    with the same inputs, model and date, it makes only the parts that are missing, and ends with the same
    bytes as one that was never disturbed.

    Parameters
    ----------
    model : RelationshipModel
        Fitted, or loaded with ``load_model``.
    transactions, interactions, contracts, buyers : source, optional
        A Parquet or CSV file, a glob, a folder, a list of these, a database address ``"url#table"``, a
        :class:`DatabaseQuery`, or a table in memory. Files and databases are read in pieces.
    out : path, or database address ``"url#table"``
        ``.parquet`` and ``.csv`` are one file; any other path is a folder of Parquet files.
    as_of : date
        Exclusive: nothing at or after it is seen.
    columns : mapping, optional
        As for :class:`Histories`.
    labels : Series of bool indexed by buyer_id, optional
        The user's own list of who is a client, as :meth:`RelationshipModel.score` takes it.
    n_partitions : int, optional
        Default: about a million rows each.
    n_jobs : int
        Parts scored at the same time, each in a process of its own.
    memory_limit : str
        What DuckDB may use while it splits.
    on_progress : callable, optional
        Called with a :class:`Progress`. Without one a bar is drawn where a person watches and tqdm is installed.
    formula_guard : bool
        Whether texts in CSV are kept from starting a formula in a spreadsheet.
    allow_empty : bool
        Whether a book of nobody may take the place of one that holds buyers: more often a source broke.
    encoding, delimiter, skip_lines : str or int, or mapping of table to them, optional
        How CSV files are written.
    **door
        Further options of :class:`Histories`; the signature names them.

    Returns
    -------
    ScoringResult

    Raises
    ------
    SourceError
        Where a source cannot be read or the output not written; nothing is published.
    OutputLockedError
        Where another job is writing to the same output.
    SchemaError
        Where a table lacks a column, or one that the model learned from is not given.
    MissingExtraError
        Where DuckDB is not installed.

    Examples
    --------
    >>> import tempfile
    >>> from clientcare.datasets import load_retailer
    >>> from clientcare.model import RelationshipModel
    >>> from clientcare.scoring import read_book, score_dataset
    >>> shop = load_retailer().select(load_retailer().buyer_ids[:100])
    >>> model = RelationshipModel(effort="quick", random_state=0).fit(shop)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     result = score_dataset(
    ...         model,
    ...         transactions=shop.transactions,
    ...         interactions=shop.interactions,
    ...         buyers=shop.buyers,
    ...         as_of="2024-06-01",
    ...         out=f"{folder}/book",
    ...     )
    ...     book = read_book(f"{folder}/book")
    >>> result.n_buyers == len(book)
    True
    """
    sources = {
        "transactions": transactions,
        "interactions": interactions,
        "contracts": contracts,
        "buyers": buyers,
    }
    sources = {table: source for table, source in sources.items() if source is not None}
    if not any(table in sources for table in DATED):
        raise InputError("score_dataset: no table given. Give transactions, interactions or contracts.")
    moment = parse_moment(as_of, check_timezone(door.get("timezone")))
    require_tables("score_dataset", getattr(model, "tables_", ()), sources)
    if labels is not None:
        labels = own_labels(labels, "score_dataset")
    mapping = check_column_map(columns)
    output = output_of(out, formula_guard)
    absolute_place(output.place)
    scans = {
        table: scan_of(table, source, CsvForm.of(table, encoding, delimiter, skip_lines))
        for table, source in sources.items()
    }
    for table, scan in scans.items():
        read_names(table, scan.names, mapping.get(table, {}))
    n_parts = suggest_partitions(scans) if n_partitions is None else n_partitions
    if not _is_whole(n_parts) or not 1 <= n_parts <= 10_000:
        raise OptionError("n_partitions: must be a whole number from 1 to 10,000.")
    if not _is_whole(n_jobs) or n_jobs == 0:
        raise OptionError("n_jobs: must be a whole number, 1 or more; -1 for all cores.")
    if on_progress is not None and not callable(on_progress):
        raise OptionError("on_progress: must be a function that takes a Progress, or None.")
    for table, scan in scans.items():
        if isinstance(scan, FileScan):
            require_no_input("out", output.place, [(table, file) for file in scan.files])
    output.check()
    stamps = _stamps(scans)
    inputs = {table: scan.fingerprint() for table, scan in scans.items()}
    key = {
        "inputs": inputs,
        "model_id": _id_of(model),
        "as_of": moment.isoformat(),
        "options": {
            "columns": mapping,
            "encoding": encoding,
            "delimiter": delimiter,
            "skip_lines": skip_lines,
            **_plain_options(door),
            **({} if labels is None else {"labels": _digest_of(labels)}),
        },
        "n_parts": n_parts,
        "output": dict(output.form),
        "versions": _versions(),
    }
    options, accounts = settled_accounts(scans, door, mapping)
    settled = {**options, "columns": _mapping_of(mapping, scans)}
    with ProgressBar("Scoring", n_parts) as bar, open_job(output.place, key) as job:
        run = _Run(
            model,
            moment,
            settled,
            n_jobs,
            on_progress or (lambda done: bar.at(done.parts_done, done.stage)),
            labels,
            accounts,
        )
        partitions = run.split(job, scans, n_parts, mapping, memory_limit)
        if _stamps(scans) != stamps:
            raise SourceError(
                "a source changed while it was read. Nothing was published; start the job again."
            )
        records = run.score(job, partitions)
        id_type = str(_id_type(partitions, run.door["columns"]))
        manifest = {
            **_manifest(key, partitions, records),
            "buyer_id": id_type,
            **outlook_of_parts(model, job, records),
        }
        n_before = n_buyers_there(output.place)
        require_not_emptied(n_before, manifest["n_buyers"], allow_empty)
        run.publish(job, output, records, manifest)
    return ScoringResult(
        out=output.place.name,
        n_buyers=manifest["n_buyers"],
        n_rows=partitions.n_rows,
        n_parts=n_parts,
        n_resumed=job.resumed,
        quality=pd.DataFrame(manifest["quality"], columns=["table", "rule", "n_rows", "action"]),
        manifest=manifest,
        cpu_seconds=run.cpu_seconds,
        n_before=n_before,
    )


class _Run:
    """The three stages of a job, their progress and their cost."""

    def __init__(
        self,
        model: Any,
        as_of: pd.Timestamp,
        door: dict[str, Any],
        n_jobs: int,
        on_progress: Callable[[Progress], None],
        labels: pd.Series[Any] | None = None,
        accounts: dict[str, str] | None = None,
    ) -> None:
        self.accounts = accounts
        self.model, self.as_of, self.door, self.n_jobs = model, as_of, door, n_jobs
        self.labels = labels
        self._tell = on_progress
        self.cpu_seconds: dict[str, float] = {}

    def split(
        self, job: Job, scans: Mapping[str, Scan], n_parts: int, mapping: ColumnMap, memory_limit: str
    ) -> Partitions:
        """Split by buyer, or find the split of an earlier start; a database is read anew, its rows may have changed."""
        started = time.process_time()
        self._tell(Progress("split", 0, n_parts, 0, 0))
        before = job.work / "digests.json"
        if any(scan.fingerprint() is None for scan in scans.values() if not isinstance(scan, FileScan)):
            (job.partitions / "partitions.json").unlink(missing_ok=True)
        partitions = partition_tables(
            scans,
            job.partitions,
            n_parts,
            columns=mapping,
            memory_limit=memory_limit,
            threads=max(1, self.n_jobs),
            strict=self.door.get("on_bad_rows") == "raise",
            fold=self.door.get("ids") == "fold",
            accounts=self.accounts,
        )
        digests = json.dumps(dict(partitions.digests), sort_keys=True)
        if not before.is_file() or before.read_text() != digests:
            job.forget_parts()
            before.write_text(digests)
        self.cpu_seconds["split"] = time.process_time() - started
        LOG.info("split %s rows into %s parts", f"{sum(partitions.n_rows.values()):,}", n_parts)
        return partitions

    def score(self, job: Job, partitions: Partitions) -> list[PartRecord]:
        """Score the parts that are missing."""
        self.door = settled_options(partitions, self.door)
        finished = job.finished()
        missing = [number for number in range(partitions.n_partitions) if number not in finished]
        latest = latest_plausible_days(partitions, self.door)
        id_type = _id_type(partitions, self.door["columns"])
        tasks = (
            (self.model, partitions, number, job.parts, self.as_of, self.door, latest, id_type, self.labels)
            for number in missing
        )
        started, done_before = time.monotonic(), len(finished)
        for record, cost in self._run_all(tasks):
            finished[record.number] = record
            for stage, seconds in cost.items():
                self.cpu_seconds[stage] = self.cpu_seconds.get(stage, 0.0) + seconds
            n_done = len(finished) - done_before
            left = (time.monotonic() - started) / n_done * (len(missing) - n_done)
            self._tell(_progress("score", finished.values(), partitions, left))
        records = [finished[number] for number in sorted(finished)]
        self._warn_beyond_data(records)
        if (
            self.labels is not None
            and self.labels.notna().any()
            and not any(r.facts["n_labelled"] for r in records)
        ):
            raise InputError(
                f"score_dataset: the {len(self.labels):,} labels name none of the buyers; nothing was published.\n"
                "Index the labels by buyer_id, as the tables write it."
            )
        LOG.info(
            "scored %s buyers in %s parts", f"{sum(record.n_rows for record in records):,}", len(records)
        )
        return records

    def _warn_beyond_data(self, records: Iterable[PartRecord]) -> None:
        """The data end where the part ends that goes on longest."""
        ends = [end for record in records if (end := record.facts.get("observed_until")) is not None]
        churn = getattr(self.model, "churn_definition_", None)
        if ends and churn is not None:
            latest = max(pd.Timestamp(end) for end in ends)
            warn_beyond_data("score_dataset", self.as_of, latest, churn.horizon_days)

    def publish(
        self, job: Job, output: Output, records: list[PartRecord], manifest: Mapping[str, Any]
    ) -> None:
        """Put the output together and in its place."""
        started = time.process_time()
        output.publish(job, records, manifest)
        self.cpu_seconds["publish"] = time.process_time() - started
        self._tell(
            Progress(
                "publish",
                len(records),
                len(records),
                sum(manifest["n_rows"].values()),
                manifest["n_buyers"],
                0.0,
            )
        )

    def _run_all(self, tasks: Iterable[tuple[Any, ...]]) -> Iterator[tuple[PartRecord, dict[str, float]]]:
        if self.n_jobs == 1:
            yield from (score_part(*task) for task in tasks)
            return
        from joblib import Parallel, delayed

        workers = Parallel(
            n_jobs=self.n_jobs, return_as="generator_unordered", inner_max_num_threads=1, backend="loky"
        )
        yield from workers(delayed(score_part)(*task) for task in tasks)


def score_part(
    model: Any,
    partitions: Partitions,
    number: int,
    parts: Path,
    as_of: pd.Timestamp,
    door: dict[str, Any],
    latest: Mapping[str, int],
    id_type: pa.DataType,
    labels: pd.Series[Any] | None = None,
) -> tuple[PartRecord, dict[str, float]]:
    """Read, score and write one part; its record and the CPU seconds of each step."""
    clock = [time.process_time()]
    tables = partitions.read(number)
    tables, findings = without_later_rows(tables, latest, door)
    given, options = expanded_where_by_day(tables, door)
    histories = open_partition(**given, **options)
    clock.append(time.process_time())
    with threadpool_limits(1):
        book = pd.DataFrame() if histories is None else score_one_part(model, histories, as_of, labels)
    reached("part: scored")
    clock.append(time.process_time())
    quality = (
        [] if histories is None else histories.quality[["table", "rule", "n_rows", "action"]].values.tolist()
    )
    facts = {
        "quality": [
            [str(table), str(rule), int(n_rows), str(action)]
            for table, rule, n_rows, action in findings + quality
            if n_rows  # that a part has no rows of a table says nothing of the table
        ],
        "observed_until": None if histories is None else histories.observed_until.isoformat(),
        "n_labelled": 0
        if labels is None
        else int(book["evidence"].str.endswith(OWN_LIST).sum())
        if len(book)
        else 0,
        "n_read": sum(table.num_rows for table in tables.values()),
        "lately": {} if histories is None else counts_of_part(model, histories, as_of),
    }
    table = as_arrow(book, id_type) if len(book.columns) else pa.table({"buyer_id": pa.array([], id_type)})
    record = write_part(parts, number, table, facts)
    clock.append(time.process_time())
    return record, dict(zip(("door", "score", "write"), np.diff(clock).tolist(), strict=True))


def _progress(stage: str, records: Iterable[PartRecord], partitions: Partitions, left: float) -> Progress:
    done = list(records)
    n_read = sum(int(record.facts.get("n_read", 0)) for record in done)
    return Progress(
        stage, len(done), partitions.n_partitions, n_read, sum(record.n_rows for record in done), left
    )


def _manifest(key: Mapping[str, Any], partitions: Partitions, records: list[PartRecord]) -> dict[str, Any]:
    found: dict[tuple[str, str, str], int] = {}
    for table, findings in partitions.findings.items():
        for rule, action, n_rows in findings:
            found[table, rule, action] = n_rows
    for record in records:
        for table, rule, n_rows, action in record.facts["quality"]:
            found[table, rule, action] = found.get((table, rule, action), 0) + n_rows
    inputs = {
        table: {
            "fingerprint": key["inputs"][table],
            "rows_digest": partitions.digests[table],
            "n_rows": partitions.n_rows[table],
        }
        for table in partitions.tables
    }
    return {
        "format": "clientcare book",
        "schema_version": 1,
        "job": hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest(),
        "model_id": key["model_id"],
        "as_of": key["as_of"],
        "inputs": inputs,
        "n_rows": dict(partitions.n_rows),
        "n_buyers": sum(record.n_rows for record in records),
        "parts": [{"n_rows": record.n_rows, "sha256": record.sha256} for record in records],
        "quality": [[table, rule, n_rows, action] for (table, rule, action), n_rows in sorted(found.items())],
        "versions": key["versions"],
    }


def _digest_of(labels: pd.Series[Any]) -> str:
    """A digest of a list that tells two lists apart and names nobody; the order of its rows does not matter."""
    told = sorted(zip(labels.index.astype(str), labels.astype(str), strict=True))
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def _id_of(model: Any) -> str:
    named = getattr(model, "model_id_", None)
    if named is not None:
        return str(named)
    if not hasattr(model, "score"):
        raise OptionError(
            "model: has no score(histories, as_of). Fit a RelationshipModel, or load one with load_model."
        )
    import joblib

    return f"{type(model).__name__}-{joblib.hash(model)[:12]}"


def _id_type(partitions: Partitions, columns: ColumnMap) -> pa.DataType:
    """Whole numbers where every table numbers its buyers, else texts; as the door decides."""
    kinds = set()
    for table, schema in partitions.schemas().items():
        name = read_names(table, schema.names, dict(columns.get(table, {})))["buyer_id"]
        kind = schema.field(name).type
        exact = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
        kinds.add(exact and not pa.types.is_uint64(kind))
    return pa.int64() if kinds == {True} else pa.string()


def _is_whole(number: Any) -> bool:
    return isinstance(number, (int, np.integer)) and not isinstance(number, bool)


def _stamps(scans: Mapping[str, Scan]) -> list[Any]:
    return [scan.stamp() for scan in scans.values() if isinstance(scan, FileScan)]


def _mapping_of(mapping: Mapping[str, Any], scans: Mapping[str, Scan]) -> dict[str, Any]:
    unknown = [table for table in mapping if table not in scans]
    if unknown:
        raise OptionError(f"columns: maps columns of {unknown[0]!r}, but no {unknown[0]} were given.")
    return dict(mapping)


def _plain_options(door: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value
        if isinstance(value, (int, float, str, dict, type(None)))
        else value.to_csv(index=False)
        if isinstance(value, pd.DataFrame)
        else str(value)
        for name, value in door.items()
    }


def _versions() -> dict[str, str]:
    duckdb = import_duckdb("Work that is bigger than memory")
    return {**library_versions(), "pyarrow": pa.__version__, "duckdb": duckdb.__version__}
