"""What the door decides by a whole table, decided once before its parts are read: the same book in parts as in memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from clientcare.exceptions import NotEnoughDataError
from clientcare.history.door.cells import (
    currencies_written,
    read_numbers,
    read_texts,
    refuse_how_written,
)
from clientcare.history.door.dates import check_timezone, read_moments
from clientcare.history.door.intake import GivenTable, take_in
from clientcare.history.door.order_totals import FEW_ORDERS, AmountsRead, OrderTally
from clientcare.history.door.orders import refuse_several
from clientcare.history.door.paid_until import RULE
from clientcare.history.door.schema import SCHEMAS, read_names
from clientcare.history.door.scope import part_of_a_table
from clientcare.history.door.sheets import Door, buyer_ids_of
from clientcare.history.histories import Histories
from clientcare.history.sources.partition import Partitions
from clientcare.history.sources.settled_attributes import without_attributes_of_today
from clientcare.window import UNKNOWN_TIME, microseconds, parse_moment

ENOUGH_ORDERS = 500
"""So many orders of several lines tell what the others are like."""
FAR_BELOW = 0.6
"""Where six orders in ten repeat an amount, twenty in a row that all do come up once in 27,000 times."""
OF_CONTRACTS = ("timezone", "observed_from", "date_format", "ids", "isolated_dates")
"""Options of the door that bear on how contracts are read."""


def settled_options(partitions: Partitions, door: Mapping[str, Any]) -> dict[str, Any]:
    """The options of the door with what a whole table tells: whether amounts are totals of orders, ends of contracts
    only until when was paid, and attributes worked out of who is here at the export.

    Raises
    ------
    SchemaError
        Where amounts stand in several currencies and none is stated.
    """
    options = dict(door)
    if door.get("decimal") is None:
        _refuse_how_written(partitions, door)
    if "contracts" in partitions.tables and door.get("ends", "auto") == "auto":
        options["ends"] = _ends(partitions, door)
    if "buyers" in partitions.tables:
        options["columns"] = without_attributes_of_today(partitions, door)
    if "transactions" not in partitions.tables:
        return options
    mapping = dict((door.get("columns") or {}).get("transactions", {}))
    names = read_names("transactions", partitions.schemas()["transactions"].names, mapping)
    if door.get("currency") is None:
        _refuse_several(partitions, names)
    if door.get("amounts", "auto") == "auto" and {"order_id", "amount"} <= set(names):
        options["amounts"] = _amounts(partitions, names, mapping, door)
    return options


def _ends(partitions: Partitions, door: Mapping[str, Any]) -> Any:
    """What the ends of contracts are: ``"scheduled"``, or the moment at which they had been paid."""
    mapping = dict((door.get("columns") or {}).get("contracts", {}))
    names = read_names("contracts", partitions.schemas()["contracts"].names, mapping)
    if "end" not in names:
        return "scheduled"
    own = [
        names[name] for name in ("buyer_id", "start", "end", "cancelled_at", "recorded_at") if name in names
    ]
    parts = (
        pa.table({name: partitions.read_column(number, "contracts", name) for name in own})
        for number in range(partitions.n_partitions)
    )
    told = {name: door[name] for name in OF_CONTRACTS if door.get(name) is not None}
    columns = {"contracts": {theirs: ours for theirs, ours in mapping.items() if theirs in own}}
    export = door.get("observed_until") or _latest(partitions, door)
    rows = pa.concat_tables(parts)
    try:
        terms = Histories(contracts=rows, columns=columns, observed_until=export, exact_copies="keep", **told)
    except NotEnoughDataError:  # not a contract that can be used
        return "scheduled"
    found = RULE in set(terms.quality["rule"])
    return terms.observed_until if found else "scheduled"


def _latest(partitions: Partitions, door: Mapping[str, Any]) -> Any:
    """The midnight after the last purchase or contact that the files state; None where they state none."""
    latest = []
    for table in ("transactions", "interactions"):
        if table in partitions.tables:
            mapping = dict((door.get("columns") or {}).get(table, {}))
            when = read_names(table, partitions.schemas()[table].names, mapping)["timestamp"]
            stated = partitions.stretch(table, when)
            if stated is not None:
                latest.append(pd.Timestamp(stated[1]).tz_localize(None).normalize() + pd.Timedelta(days=1))
    return max(latest, default=None)


def _refuse_how_written(partitions: Partitions, door: Mapping[str, Any]) -> None:
    """Refuse columns of numbers for how they are written as the door refuses the whole table."""
    for table, schema in partitions.schemas().items():
        mapping = dict((door.get("columns") or {}).get(table, {}))
        for ours, theirs in read_names(table, schema.names, mapping).items():
            if ours in SCHEMAS[table].numbers and pa.types.is_large_string(
                _plain_kind(schema.field(theirs).type)
            ):
                cells = (
                    _plain(partitions.read_column(number, table, theirs))
                    for number in range(partitions.n_partitions)
                )
                refuse_how_written(f"{table}, column {theirs!r}", cells)


def _refuse_several(partitions: Partitions, names: Mapping[str, str]) -> None:
    """Refuse several currencies: of their own column, or of the cells of the amount where there is none."""
    name = names.get("currency") or names.get("amount") or names.get("unit_price")
    kind = None if name is None else _plain_kind(partitions.schemas()["transactions"].field(name).type)
    if name is None or ("currency" not in names and not pa.types.is_large_string(kind)):
        return
    found: set[str] = set()
    for number in range(partitions.n_partitions):
        cells = _plain(partitions.read_column(number, "transactions", name))
        if "currency" in names:
            texts = read_texts(cells, name)
            distinct = pc.utf8_upper(pc.utf8_trim_whitespace(pc.unique(texts).drop_null()))
            found |= {text for text in distinct.to_pylist() if text}
        else:
            written = currencies_written(cells)
            found |= set() if written is None else {one for one in pd.unique(written) if isinstance(one, str)}
    refuse_several(f"transactions, column {name!r}", len(found))


def _amounts(
    partitions: Partitions, names: Mapping[str, str], mapping: dict[str, Any], door: Mapping[str, Any]
) -> AmountsRead | str:
    """How amounts are read at each moment, as the orders of all parts known by then say."""
    tally: OrderTally | None = None
    ours = [
        name
        for name in ("buyer_id", "timestamp", "order_id", "amount", "product_id", "quantity", "recorded_at")
        if name in names
    ]
    for number in range(partitions.n_partitions):
        read = {names[name]: partitions.read_column(number, "transactions", names[name]) for name in ours}
        rows = pa.table(read)
        if rows.num_rows:
            given = take_in("transactions", rows, {k: v for k, v in mapping.items() if k in read})
            with part_of_a_table():
                of_part = _tally_of(given, ours, door)
            tally = of_part if tally is None else tally + of_part
        if tally is not None and _can_be_no_totals(tally):
            return "line"
    return "line" if tally is None else AmountsRead.of(tally)


def _can_be_no_totals(tally: OrderTally) -> bool:
    """Whether so few orders repeat an amount, from the first on, that other parts cannot make totals of them."""
    if tally.n_several < ENOUGH_ORDERS:
        return False
    told = tally.told()
    enough = told.n >= FEW_ORDERS
    return bool(np.all(told.n_same[enough] < FAR_BELOW * told.n[enough]))


def _tally_of(given: GivenTable, ours: list[str], door: Mapping[str, Any]) -> OrderTally:
    """Orders of several lines in one part; lines that equal another in all these columns count once."""
    amount, _ = read_numbers(given.column("amount"), given.place("amount"), door.get("decimal"))
    ids = buyer_ids_of(given, Door(ids=door.get("ids", "exact")))
    codes = {
        name: pd.factorize(pd.Series(given.cells(given.names[name]).to_pylist(), dtype=object))[0]
        for name in ours
        if name not in ("amount", "buyer_id")
    }
    moment = _moments(given, "timestamp", door)
    if "recorded_at" in ours:
        moment = np.maximum(moment, _moments(given, "recorded_at", door))
    frame = pd.DataFrame({"buyer_id": ids.codes, **codes, "amount": amount, "moment": moment})
    frame = frame[(frame["order_id"] >= 0) & frame["amount"].notna() & (frame["moment"] != UNKNOWN_TIME)]
    if door.get("observed_until") is not None:
        until = parse_moment(door["observed_until"], door.get("timezone"))
        frame = frame[frame["moment"] < microseconds(until)]
    told = ["buyer_id", *(name for name in codes if name != "recorded_at"), "amount"]
    frame = frame.sort_values("moment", kind="stable").drop_duplicates(subset=told)
    keys = ["buyer_id", "order_id", "timestamp", *(["recorded_at"] if "recorded_at" in ours else [])]
    order = frame.groupby(keys, sort=False, dropna=False).ngroup().to_numpy()
    return OrderTally.of(order.astype(np.int64), frame["amount"].to_numpy(), frame["moment"].to_numpy())


def _moments(given: GivenTable, name: str, door: Mapping[str, Any]) -> NDArray[np.int64]:
    """The moments of a column, as the door reads them."""
    formats = door.get("date_format")
    form = formats.get("transactions") if isinstance(formats, Mapping) else formats
    zone = check_timezone(door.get("timezone"))
    return read_moments(given.column(name), given.place(name), zone, form)[0]


def _plain_kind(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return pa.large_string() if pa.types.is_string(kind) else kind


def _plain(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    """Texts in the one type that the door knows."""
    if pa.types.is_dictionary(cells.type):
        cells = cells.cast(cells.type.value_type)
    return cells.cast(pa.large_string()) if pa.types.is_string(cells.type) else cells
