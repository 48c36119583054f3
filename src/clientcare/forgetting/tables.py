"""A buyer out of tables of ours: Parquet, CSV and JSON without their rows, the rest as it was."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from clientcare.scoring.export import guard_text, unguard_text

ID = "buyer_id"
SOURCES = frozenset({"timestamp", "start"})
"""A table with one of these is a table of facts: what is written by us has neither."""


LONG_NUMBER = 6
"""Numbers of fewer digits are counts, days and amounts as well."""


class NotOurs(Exception):
    """Why a file is not changed although the buyer may be in it."""


def names_whole(text: str, buyer: str) -> bool:
    """Whether a text holds an id that is not a part of a longer one.

    Examples
    --------
    >>> names_whole("see K12, then K7", "K7"), names_whole("see K12", "K1")
    (True, False)

    A short number stands in texts for anything: it is looked for as a cell alone.

    >>> names_whole("bought 17 times", "17")
    False
    """
    if buyer.isdigit() and len(buyer) < LONG_NUMBER:
        return False
    return re.search(rf"(?<![\w.-]){re.escape(buyer)}(?![\w-])", text) is not None


def without_in_parquet(content: bytes, buyer: str) -> tuple[bytes, int]:
    """The bytes of a Parquet file without a buyer, and how many rows went; statistics are made anew.

    Raises
    ------
    NotOurs
    """
    file = pq.ParquetFile(pa.BufferReader(content))
    table = file.read()
    _require_ours(table.schema.names)
    keep = pc.invert(pc.fill_null(_is_buyer(table.column(ID), buyer), False))
    left = table.filter(keep)
    n_rows = table.num_rows - left.num_rows
    for place, field in enumerate(left.schema):
        if field.name != ID and (pa.types.is_string(field.type) or pa.types.is_large_string(field.type)):
            column = left.column(place)
            named = pc.fill_null(pc.equal(column, buyer), False)
            if pc.any(named).as_py():
                n_rows += pc.sum(named).as_py()
                left = left.set_column(place, field, pc.if_else(named, pa.scalar(None, field.type), column))
    metadata = left.schema.metadata or {}
    kept = {
        key: value
        for key, value in metadata.items()
        if not names_whole(value.decode("utf-8", "replace"), buyer)
    }
    n_rows += len(metadata) - len(kept)
    if not n_rows:
        return content, 0
    sink = io.BytesIO()
    pq.write_table(left.replace_schema_metadata(kept), sink, compression="zstd", row_group_size=100_000)
    return sink.getvalue(), n_rows


def names_in_parquet(content: bytes, buyer: str) -> bool:
    """Whether a text of a Parquet file, a cell or its metadata, names a buyer."""
    table = pq.read_table(pa.BufferReader(content))
    told = [value.decode("utf-8", "replace") for value in (table.schema.metadata or {}).values()]
    for column in table.columns:
        kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
        if pa.types.is_string(kind) or pa.types.is_large_string(kind):
            told += column.cast(kind).unique().drop_null().to_pylist()
    return any(text == buyer or names_whole(text, buyer) for text in told)


def _is_buyer(column: pa.ChunkedArray, buyer: str) -> pa.ChunkedArray:
    """Whole numbers are compared as numbers, everything else by its text."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return pc.equal(column, pa.scalar(buyer, column.type))
    try:
        return pc.equal(column, pa.scalar(int(buyer), column.type))
    except (ValueError, OverflowError, pa.ArrowException):
        return pc.equal(column.cast(pa.string()), buyer)


def without_in_csv(content: bytes, buyer: str) -> tuple[bytes, int]:
    """The bytes of a CSV file without the records of a buyer; all others stay byte for byte.

    Raises
    ------
    NotOurs
    """
    records = list(_records(content.decode("utf-8")))
    if not records:
        return content, 0
    names = next(csv.reader([records[0]]))
    _require_ours(names)
    place = names.index(ID)
    kept, n_gone = [records[0]], 0
    for record in records[1:]:
        cells = next(csv.reader([record]), [])
        if place < len(cells) and buyer in (cells[place], unguard_text(cells[place])):
            n_gone += 1
            continue
        others = [cell for at, cell in enumerate(cells) if at != place]
        if buyer in others or guard_text(buyer) in others:
            cells = [
                cell if at == place or unguard_text(cell) != buyer else "" for at, cell in enumerate(cells)
            ]
            line = io.StringIO()
            csv.writer(line, lineterminator="\n").writerow(cells)
            record, n_gone = line.getvalue(), n_gone + 1
        kept.append(record)
    return ("".join(kept).encode("utf-8"), n_gone) if n_gone else (content, 0)


def _records(text: str) -> Iterator[str]:
    """Lines, joined where a quoted cell runs on."""
    waiting = ""
    for line in text.splitlines(keepends=True) if "\r" not in text else re.findall(r"[^\n]*\n|[^\n]+", text):
        waiting += line
        if waiting.count('"') % 2 == 0:
            yield waiting
            waiting = ""
    if waiting:
        yield waiting


def without_in_json(content: bytes, buyer: str) -> tuple[bytes, int]:
    """JSON, or JSON by lines, without the records that name a buyer by ``buyer_id``, entries under their id, and values
    that are their id.
    """
    text = content.decode("utf-8")
    try:
        found, n_gone = _pruned(json.loads(text), buyer)
        return (json.dumps(found, indent=1, ensure_ascii=False).encode(), n_gone) if n_gone else (content, 0)
    except json.JSONDecodeError:
        lines, n_gone = [], 0
        for line in text.splitlines():
            if not line.strip():
                continue
            found, n = _pruned(json.loads(line), buyer)
            n_gone += n
            if not (n and found is _GONE):
                lines.append(json.dumps(found, ensure_ascii=False))
        return ("".join(f"{line}\n" for line in lines).encode(), n_gone) if n_gone else (content, 0)


_GONE = object()


def _pruned(value: Any, buyer: str) -> tuple[Any, int]:
    """A value without what is the buyer's, and how many pieces went."""
    if isinstance(value, dict):
        if str(value.get(ID)) == buyer:
            return _GONE, 1
        kept, n_gone = {}, 0
        for key, one in value.items():
            left, n = (_GONE, 1) if key == buyer else _pruned(one, buyer)
            n_gone += n
            if left is not _GONE:
                kept[key] = left
        return kept, n_gone
    if isinstance(value, list):
        parts = [_pruned(one, buyer) for one in value]
        return [one for one, _ in parts if one is not _GONE], sum(n for _, n in parts)
    return (_GONE, 1) if isinstance(value, str) and value == buyer else (value, 0)


def _require_ours(names: list[str]) -> None:
    if ID not in names:
        raise NotOurs(f"has no column {ID}: no table of ours")
    if SOURCES & set(names):
        raise NotOurs(
            "is a table of facts: take the buyer out where it comes from, or the next run brings them back"
        )
