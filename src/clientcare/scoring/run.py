"""The stages of a batch job: split by buyer, score what is missing, publish."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

from clientcare.exceptions import InputError
from clientcare.history.door.schema import ColumnMap, read_names
from clientcare.history.door.scope import ATTRIBUTE_KINDS
from clientcare.history.sources.partition import Partitions, partition_tables
from clientcare.history.sources.scans import FileScan, Scan
from clientcare.history.sources.settled import settled_options
from clientcare.history.sources.settled_kinds import settled_kinds
from clientcare.model.training.requirements import warn_beyond_data
from clientcare.scoring.one_part import score_part
from clientcare.scoring.outliers import latest_plausible_days
from clientcare.scoring.outputs import Output
from clientcare.scoring.publish import Job, PartRecord
from clientcare.scoring.result import Progress

LOG = logging.getLogger("clientcare.scoring")


class Run:
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
        settled = settled_options(partitions, self.door)
        self.door = {**settled, ATTRIBUTE_KINDS: settled_kinds(partitions, settled, self.as_of)}
        finished = job.finished()
        missing = [number for number in range(partitions.n_partitions) if number not in finished]
        latest = latest_plausible_days(partitions, self.door)
        id_type = id_type_of(partitions, self.door["columns"])
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


def _progress(stage: str, records: Iterable[PartRecord], partitions: Partitions, left: float) -> Progress:
    done = list(records)
    n_read = sum(int(record.facts.get("n_read", 0)) for record in done)
    return Progress(
        stage, len(done), partitions.n_partitions, n_read, sum(record.n_rows for record in done), left
    )


def id_type_of(partitions: Partitions, columns: ColumnMap) -> pa.DataType:
    """Whole numbers where every table numbers its buyers, else texts; as the door decides."""
    kinds = set()
    for table, schema in partitions.schemas().items():
        name = read_names(table, schema.names, dict(columns.get(table, {})))["buyer_id"]
        kind = schema.field(name).type
        exact = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
        kinds.add(exact and not pa.types.is_uint64(kind))
    return pa.int64() if kinds == {True} else pa.string()
