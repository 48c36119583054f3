"""One part of a batch job: read, scored, written."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from threadpoolctl import threadpool_limits

from clientcare.book import OWN_LIST
from clientcare.durable import reached
from clientcare.history.sources.partition import Partitions
from clientcare.scoring.expected import counts_of_part
from clientcare.scoring.outliers import without_later_rows
from clientcare.scoring.parts import as_arrow, open_partition, score_one_part
from clientcare.scoring.publish import PartRecord, write_part
from clientcare.scoring.pushdown import expanded_where_by_day


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
