"""What the attributes of buyers are, decided once for all parts: by the buyers of all of them who are known at the date."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

from clientcare.exceptions import NotEnoughDataError
from clientcare.history.door.attributes import ALWAYS_TEXTS, SIGN_UP, KindTally
from clientcare.history.door.schema import read_names
from clientcare.history.door.scope import part_of_a_table
from clientcare.history.histories import Histories
from clientcare.history.sources.partition import Partitions


def settled_kinds(partitions: Partitions, door: Mapping[str, Any], as_of: pd.Timestamp) -> dict[str, str]:
    """Of each attribute written as texts whether it is yes or no, numbers, dates or words.

    Nine in ten of the buyers known at the date decide, as they do in memory; a part may hold more strays than its share.
    Where all cells say the same, whoever is known says so too, and the cells alone are counted. Else each part is read.

    Parameters
    ----------
    partitions : Partitions
    door : mapping
        The options of the door, settled.
    as_of : Timestamp
        Buyers without a fact before it have no say.
    """
    names = _texts_of_buyers(partitions, door)
    if not names:
        return {}
    form = (
        (door.get("date_format") or {})
        if not isinstance(door.get("date_format"), str)
        else {"buyers": door["date_format"]}
    )
    whole: dict[str, KindTally] = {}
    for number in range(partitions.n_partitions):
        for ours, theirs in names.items():
            cells = partitions.read_column(number, "buyers", theirs)
            whole[ours] = whole.get(ours, KindTally()) + KindTally.of(_plain(cells), form.get("buyers"))
    if all(tally.is_unanimous or not tally.n_told for tally in whole.values()):
        return {ours: tally.kind for ours, tally in whole.items()}
    told: dict[str, KindTally] = dict.fromkeys(whole, KindTally())
    for number in range(partitions.n_partitions):
        for ours, tally in _of_part(partitions, number, door, as_of).items():
            told[ours] = told.get(ours, KindTally()) + tally
    return {ours: tally.kind for ours, tally in told.items() if ours in names}


def _texts_of_buyers(partitions: Partitions, door: Mapping[str, Any]) -> dict[str, str]:
    """The attributes that are written as texts, our names to theirs."""
    if "buyers" not in partitions.tables:
        return {}
    schema = partitions.schemas()["buyers"]
    mapping = dict((door.get("columns") or {}).get("buyers", {}))
    settled = {"buyer_id", *ALWAYS_TEXTS, *SIGN_UP}
    return {
        ours: theirs
        for ours, theirs in read_names("buyers", schema.names, mapping).items()
        if ours.lower() not in settled and _is_text(schema.field(theirs).type)
    }


def _of_part(
    partitions: Partitions, number: int, door: Mapping[str, Any], as_of: pd.Timestamp
) -> dict[str, KindTally]:
    tables = partitions.read(number)
    if not any(table.num_rows for name, table in tables.items() if name != "buyers"):
        return {}
    try:
        with part_of_a_table():
            histories = Histories(**tables, **{"isolated_dates": "keep", **door})
    except NotEnoughDataError:
        return {}
    return histories.attribute_tallies(as_of)


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _plain(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    return cells.cast(cells.type.value_type) if pa.types.is_dictionary(cells.type) else cells
