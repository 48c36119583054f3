"""Rows years after all others: the one judgement of the door that needs a whole table, made before the split is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clientcare.exceptions import SchemaError
from clientcare.history.door.dates import FIVE_YEARS, impossible, read_moments
from clientcare.history.door.schema import SCHEMAS, read_names
from clientcare.history.sources.partition import Partitions
from clientcare.window import MICROSECONDS_A_DAY, UNKNOWN_TIME

_LEAST_DAYS = FIVE_YEARS // MICROSECONDS_A_DAY
"""In a shorter stretch nothing is isolated."""


def latest_plausible_days(partitions: Partitions, door: Mapping[str, Any]) -> dict[str, int]:
    """For each table with isolated late rows, the last day before them (counted from 1970-01-01).

    Every part adds its rows a day; the rule of the door is then applied to all of them together.
    """
    if door.get("isolated_dates", "set_aside") == "keep":
        return {}
    counts: dict[str, dict[int, int]] = {}
    for table in partitions.tables:
        if SCHEMAS[table].time is None:
            continue
        name = _when(partitions, table, door)
        stretch = partitions.stretch(table, name)
        if stretch is not None and (stretch[1] - stretch[0]).days <= _LEAST_DAYS:
            continue
        counts[table] = {}
        for number in range(partitions.n_partitions):
            days = _days(partitions.read_column(number, table, name), table, door)
            for day, n in zip(*np.unique(days, return_counts=True), strict=True):
                counts[table][int(day)] = counts[table].get(int(day), 0) + int(n)
    borders = {table: _border(of_day) for table, of_day in counts.items()}
    return {table: border for table, border in borders.items() if border is not None}


def without_later_rows(
    tables: Mapping[str, pa.Table], latest: Mapping[str, int], door: Mapping[str, Any]
) -> tuple[dict[str, pa.Table], list[list[Any]]]:
    """The tables without isolated rows, and how many these were."""
    kept, findings = dict(tables), []
    for table, border in latest.items():
        rows = tables[table]
        name = read_names(table, rows.column_names, dict(door["columns"].get(table, {})))[
            SCHEMAS[table].time or ""
        ]
        late = _days(rows.column(name), table, door) > border
        if late.any():
            kept[table] = rows.filter(pa.array(~late))
            findings.append([table, "isolated_date", int(late.sum()), "set aside"])
    return kept, findings


def _when(partitions: Partitions, table: str, door: Mapping[str, Any]) -> str:
    names = partitions.schemas()[table].names
    return read_names(table, names, dict(door["columns"].get(table, {})))[SCHEMAS[table].time or ""]


def _days(cells: pa.ChunkedArray, table: str, door: Mapping[str, Any]) -> Any:
    if pa.types.is_string(cells.type):
        cells = cells.cast(pa.large_string())
    if pa.types.is_dictionary(cells.type):
        cells = pc.cast(cells, cells.type.value_type)
    try:
        times, _ = read_moments(cells, table, door.get("timezone"), door.get("date_format"))
    except SchemaError:
        return np.empty(0, dtype=np.int64) if len(cells) == 0 else np.zeros(len(cells), dtype=np.int64)
    usable = (times != UNKNOWN_TIME) & ~impossible(times)
    return np.where(usable, times // MICROSECONDS_A_DAY, np.iinfo(np.int32).min)


def _border(of_day: Mapping[int, int]) -> int | None:
    """The last day that is not isolated, by the door's rule on days and their numbers of rows; None where no row is."""
    days = np.array(sorted(day for day in of_day if day > np.iinfo(np.int32).min), dtype=np.int64)
    counts = np.array([of_day[day] for day in days.tolist()], dtype=np.int64)
    n_rows = int(counts.sum())
    if n_rows < 10 or days[-1] - days[0] <= _LEAST_DAYS:
        return None
    n_after = n_rows - np.cumsum(counts)[:-1]
    gap = np.diff(days)
    far = (n_after <= n_rows // 10) & (gap > _LEAST_DAYS) & (gap > days[:-1] - days[0])
    return int(days[:-1][np.argmax(far)]) if far.any() else None
