"""Let the warehouse do the counting: one row for each buyer, day and category, instead of every line of every order.

The one reduction that every dialect can say is ``GROUP BY buyer, day, category``. Purchases, purchases of
unknown amount and returns stay apart, and each row carries how many lines stand behind it, so nothing that
the features look at is lost but the time of day, orders and products.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from clientcare.exceptions import OptionError, SchemaError
from clientcare.history.door.dates import check_timezone
from clientcare.history.sources.databases import quote_name, quote_text
from clientcare.window import MICROSECONDS_A_DAY, Moment, microseconds, parse_moment

LINES = "clientcare_lines"
"""The column that says how many lines stand behind a day-level row."""

DIALECTS = ("duckdb", "postgresql")
_KEPT = ("category", "channel")
_NAN = "CAST('NaN' AS DOUBLE PRECISION)"
_INFINITY = "CAST('Infinity' AS DOUBLE PRECISION)"


def day_query(
    table: str,
    columns: Mapping[str, str],
    *,
    as_of: Moment | None = None,
    dialect: str = "duckdb",
    timezone: str | None = None,
    exact_copies: str = "set_aside",
) -> str:
    """SQL that reduces a table of transactions to day-level rows.

    Parameters
    ----------
    table : str
        ``"orders"`` or ``"schema.orders"``.
    columns : mapping of their name to ours
        ``buyer_id`` and ``timestamp`` are needed; ``amount``, ``quantity``, ``category`` and ``channel``
        are used.
    as_of : date, optional
        Leave out what happened at or after it. Midnight: a day-level row has no time of day.
    dialect : {"duckdb", "postgresql"}
        Tried for real on these two; the SQL is the plain one that others read too.
    timezone : str, optional
        The seller's zone, where the moments have one.
    exact_copies : {"set_aside", "keep"}
        As at the door.

    Returns
    -------
    str
        Names are quoted, and no value but the date stands in it.

    Raises
    ------
    OptionError, SchemaError

    Examples
    --------
    >>> print(day_query("orders", {"who": "buyer_id", "at": "timestamp"}))
    SELECT "who" AS buyer_id, CAST(CAST("at" AS DATE) AS TIMESTAMP) AS timestamp, COUNT(*) AS clientcare_lines
    FROM (SELECT DISTINCT "who", "at" FROM "orders") AS lines
    WHERE "who" IS NOT NULL AND "at" IS NOT NULL
    GROUP BY "who", CAST("at" AS DATE)
    """
    if dialect not in DIALECTS:
        raise OptionError(f"dialect: must be one of {', '.join(DIALECTS)}.")
    if exact_copies not in ("set_aside", "keep"):
        raise OptionError("exact_copies: must be 'set_aside' or 'keep'.")
    theirs = {ours: quote_name(name) for name, ours in columns.items()}
    missing = [needed for needed in ("buyer_id", "timestamp") if needed not in theirs]
    if missing:
        raise SchemaError.missing_column("transactions", missing, theirs)
    zone = check_timezone(timezone)
    moment = theirs["timestamp"]
    local = moment if zone is None else f"{moment} AT TIME ZONE {quote_text(zone)}"
    day = f"CAST({local} AS DATE)"
    selected = [f"{theirs['buyer_id']} AS buyer_id", f"CAST({day} AS TIMESTAMP) AS timestamp"]
    groups = [theirs["buyer_id"], day]
    conditions = [f"{theirs['buyer_id']} IS NOT NULL", f"{moment} IS NOT NULL"]
    for name in _KEPT:
        if name in theirs:
            selected.append(f"{theirs[name]} AS {name}")
            groups.append(theirs[name])
    if "amount" in theirs:
        amount = f"NULLIF(CAST({theirs['amount']} AS DOUBLE PRECISION), {_NAN})"
        selected.append(f"SUM({amount}) AS amount")
        groups.append(f"CASE WHEN {amount} > 0 THEN 1 WHEN {amount} < 0 THEN -1 ELSE 0 END")
        conditions.append(f"({amount} IS NULL OR ({amount} <> 0 AND ABS({amount}) < {_INFINITY}))")
    if "quantity" in theirs:
        selected.append(f"SUM(NULLIF(CAST({theirs['quantity']} AS DOUBLE PRECISION), {_NAN})) AS quantity")
    selected.append(f"COUNT(*) AS {LINES}")
    if as_of is not None:
        conditions.append(f"{local} < TIMESTAMP {quote_text(_midnight(as_of, zone))}")
    source = ".".join(quote_name(part) for part in table.split("."))
    if exact_copies == "set_aside":
        source = f"(SELECT DISTINCT {', '.join(dict.fromkeys(theirs.values()))} FROM {source})"
    return (
        f"SELECT {', '.join(selected)}\nFROM {source} AS lines\n"
        f"WHERE {' AND '.join(conditions)}\nGROUP BY {', '.join(groups)}"
    )


def expand_days(rows: pd.DataFrame | pa.Table) -> pd.DataFrame:
    """Day-level rows as the lines the kernel counts: as many as stood behind each, the sums shared out evenly.

    Give the result to ``Histories(..., exact_copies="keep")``. Every feature that does not ask for the time
    of day, for orders or for products is then what it would be on the lines themselves.

    Examples
    --------
    >>> rows = pd.DataFrame({"buyer_id": ["ann"], "timestamp": ["2024-01-31"], "amount": [9.0], "clientcare_lines": [3]})
    >>> expand_days(rows)["amount"].tolist()
    [3.0, 3.0, 3.0]
    """
    frame = rows.to_pandas() if isinstance(rows, pa.Table) else rows
    if LINES not in frame:
        raise SchemaError.missing_column("day-level rows", LINES, map(str, frame.columns))
    lines = frame[LINES].to_numpy(dtype=np.int64)
    if len(lines) and lines.min() < 1:
        raise SchemaError(
            f"day-level rows, column {LINES!r}: {int((lines < 1).sum()):,} rows have no line behind them."
        )
    expanded = frame.drop(columns=LINES).take(np.repeat(np.arange(len(frame)), lines)).reset_index(drop=True)
    for name in ("amount", "quantity"):
        if name in expanded:
            expanded[name] = expanded[name].to_numpy(dtype=np.float64) / np.repeat(lines, lines)
    return expanded


def expanded_where_by_day(
    tables: Mapping[str, Any], door: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Tables and options of the door, with transactions expanded where they came by the day."""
    orders = tables.get("transactions")
    if orders is None or LINES not in orders.column_names:
        return dict(tables), dict(door)
    columns = {
        table: names for table, names in dict(door.get("columns") or {}).items() if table != "transactions"
    }
    return {**tables, "transactions": expand_days(orders)}, {
        **door,
        "exact_copies": "keep",
        "columns": columns,
    }


def _midnight(as_of: Moment, zone: str | None) -> str:
    moment = parse_moment(as_of, zone)
    if microseconds(moment) % MICROSECONDS_A_DAY:
        raise OptionError("as_of: day-level rows have no time of day. Give a date without one.")
    return f"{moment:%Y-%m-%d}"
