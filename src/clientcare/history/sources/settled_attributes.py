"""Which attributes say who is here at the export, told once by many buyers before the parts are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from clientcare.exceptions import NotEnoughDataError
from clientcare.history.door.of_today import OF_TODAY
from clientcare.history.door.schema import read_names
from clientcare.history.histories import Histories
from clientcare.history.sources.partition import Partitions

ENOUGH_ROWS = 1_000_000
"""So many rows, of buyers drawn by a hash of their ids, tell what a table ten times as long would."""
OF_WHOLE = ("computed_", OF_TODAY)
"""How the findings begin that speak of an attribute as a whole."""


def without_attributes_of_today(partitions: Partitions, door: Mapping[str, Any]) -> dict[str, Any]:
    """The map of columns that leaves these attributes out of every part; what was found is noted in ``partitions``."""
    columns: dict[str, Any] = dict(door.get("columns") or {})
    mapping = dict(columns.get("buyers", {}))
    names = read_names("buyers", partitions.schemas()["buyers"].names, mapping)
    if len(names) < 2:
        return columns
    try:
        told = {name: value for name, value in door.items() if value is not None}
        histories = Histories(**_many(partitions), **{**told, "on_bad_rows": "quarantine"})
    except NotEnoughDataError:  # not a row that can be used
        return columns
    quality = histories.quality[histories.quality["table"] == "buyers"]
    for rule, action, n_rows in zip(quality["rule"], quality["action"], quality["n_rows"], strict=True):
        ours = next((rule.removeprefix(one) for one in OF_WHOLE if rule.startswith(one)), None)
        if ours in names:
            mapping[names[ours]] = None
            partitions.findings.setdefault("buyers", []).append((rule, action, int(n_rows)))
    return {**columns, "buyers": mapping} if mapping else columns


def _many(partitions: Partitions) -> dict[str, pa.Table]:
    """The rows of as many partitions as are enough."""
    read: list[dict[str, pa.Table]] = []
    n_rows = 0
    for number in range(partitions.n_partitions):
        read.append(partitions.read(number))
        n_rows += sum(table.num_rows for table in read[-1].values())
        if n_rows >= ENOUGH_ROWS:
            break
    return {table: pa.concat_tables([one[table] for one in read]) for table in partitions.tables}
