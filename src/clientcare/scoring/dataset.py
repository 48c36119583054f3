"""Score tables that are bigger than memory: split by buyer, score part by part, publish all or nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Unpack

import numpy as np
import pandas as pd

from clientcare.exceptions import InputError, OptionError, SourceError
from clientcare.history.door.dates import check_timezone
from clientcare.history.door.schema import ColumnMap, check_column_map, read_names
from clientcare.history.options import DoorOptions, shows_door_options
from clientcare.history.sources.files import CsvForm
from clientcare.history.sources.merged import settled_accounts
from clientcare.history.sources.partition import suggest_partitions
from clientcare.history.sources.scans import FileScan, Scan, scan_of
from clientcare.model.training.labels import own_labels
from clientcare.model.training.requirements import require_tables
from clientcare.places import require_no_input
from clientcare.progress import ProgressBar
from clientcare.scoring.expected import outlook_of_parts
from clientcare.scoring.last_night import n_buyers_there, require_not_emptied
from clientcare.scoring.manifest import key_of, manifest_of
from clientcare.scoring.outputs import output_of, places_of
from clientcare.scoring.parts import DATED
from clientcare.scoring.publish import absolute_place, open_job
from clientcare.scoring.result import Progress, ScoringResult
from clientcare.scoring.run import Run, id_type_of
from clientcare.window import Moment, parse_moment


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
            for place in places_of(output):
                require_no_input("out", place, [(table, file) for file in scan.files])
    output.check()
    stamps = _stamps(scans)
    inputs = {table: scan.fingerprint() for table, scan in scans.items()}
    asked = {
        "columns": mapping,
        "encoding": encoding,
        "delimiter": delimiter,
        "skip_lines": skip_lines,
    }
    key = key_of(model, moment, inputs, asked, door, labels, n_parts, output.form)
    options, accounts = settled_accounts(scans, door, mapping)
    settled = {**options, "columns": _mapping_of(mapping, scans)}
    with ProgressBar("Scoring", n_parts) as bar, open_job(output.place, key) as job:
        run = Run(
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
        id_type = str(id_type_of(partitions, run.door["columns"]))
        manifest = {
            **manifest_of(key, partitions, records),
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


def _is_whole(number: Any) -> bool:
    return isinstance(number, (int, np.integer)) and not isinstance(number, bool)


def _stamps(scans: Mapping[str, Scan]) -> list[Any]:
    return [scan.stamp() for scan in scans.values() if isinstance(scan, FileScan)]


def _mapping_of(mapping: Mapping[str, Any], scans: Mapping[str, Scan]) -> dict[str, Any]:
    unknown = [table for table in mapping if table not in scans]
    if unknown:
        raise OptionError(f"columns: maps columns of {unknown[0]!r}, but no {unknown[0]} were given.")
    return dict(mapping)
