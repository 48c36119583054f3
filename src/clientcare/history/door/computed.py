"""Attributes that were worked out of the tables when they were exported: they tell past dates what came later."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clientcare.facts.events import EventTable
from clientcare.facts.runs import distinct
from clientcare.window import MICROSECONDS_A_DAY, UNKNOWN_TIME

Floats = NDArray[np.float64]

LATEST = re.compile(r"^(last|latest|recent|most_?recent)(_|(?=[A-Z])| )|(^|_)recency(_|$)", re.IGNORECASE)
"""Names of dates that move on with every order, visit or message."""
SAME = 0.8
"""Where so many buyers have what the tables say, chance is no explanation."""
NEARLY = 0.01
"""Shipping, rounding and the like part a total from the sum of its lines by so little."""
LEAST_BUYERS = 10
"""So many buyers whose value is not the commonest one must agree."""
ACTION = (
    "left out of the attributes: it follows the tables up to the export, and tells past dates what came later"
)


def computed_at_export(
    attributes: pd.DataFrame, events: Mapping[str, EventTable], moment_names: frozenset[str]
) -> list[str]:
    """The attributes that follow the tables: counts of orders, totals, means, last dates.

    Parameters
    ----------
    attributes : DataFrame of shape (n_buyers, n_attributes)
    events : mapping of table to EventTable
        The facts of the same buyers.
    moment_names : frozenset of str
        Dates that are stated facts of their own (signing up), whatever they equal.
    """
    summed = [_summary(table, name) for name, table in events.items() if table.n_rows]
    numbers = [values for one in summed for values in one["numbers"]]
    last_days = [one["last_day"] for one in summed]
    found = []
    for name in attributes.columns:
        values = attributes[name]
        if values.dtype.kind == "M" and name not in moment_names:
            if LATEST.search(str(name)) or any(_follows(_days(values), last, 1.0) for last in last_days):
                found.append(str(name))
        elif values.dtype.kind in "fi":
            own = values.to_numpy(dtype=np.float64)
            if any(_follows(own, theirs, NEARLY) for theirs in numbers):
                found.append(str(name))
    return found


def _summary(table: EventTable, name: str) -> dict[str, Any]:
    """Of every buyer what an export would state: rows, days, orders, totals, means, last day; NaN without rows."""
    n_rows = np.bincount(table.buyer, minlength=table.n_buyers).astype(np.float64)
    n_rows[n_rows == 0] = np.nan
    last = np.full(table.n_buyers, -np.inf)
    np.maximum.at(last, table.buyer, table.day.astype(np.float64))
    pairs = distinct(table.buyer.astype(np.int64) << 32 | (table.day.astype(np.int64) - int(table.day.min())))
    days = np.bincount(pairs >> 32, minlength=table.n_buyers).astype(np.float64)
    one_day = days <= 1  # who came once tells nothing of "last": first and last are one
    last_day = np.where(np.isfinite(last) & ~one_day, last, np.nan)
    numbers = [n_rows, np.where(days > 0, days, np.nan)]
    if name == "transactions":
        numbers += [*_money(table, n_rows), *_orders(table)]
    numbers += [
        float(np.nanmax(last, initial=-np.inf, where=np.isfinite(last))) + shift - last_day
        for shift in (0, 1)
    ]
    return {"numbers": numbers, "last_day": last_day}


def _money(table: EventTable, n_rows: Floats) -> list[Floats]:
    amount = table.columns.get("amount")
    if amount is None or np.isnan(amount).all():
        return []
    net = np.bincount(table.buyer, np.nan_to_num(amount), minlength=table.n_buyers)
    bought = np.bincount(table.buyer, np.maximum(np.nan_to_num(amount), 0.0), minlength=table.n_buyers)
    n_bought = np.bincount(table.buyer, ~(amount <= 0), minlength=table.n_buyers)
    known = ~np.isnan(n_rows)
    mean = np.divide(bought, n_bought, out=np.full(len(bought), np.nan), where=n_bought > 1)
    return [np.where(known & (n_rows > 1), net, np.nan), np.where(known & (n_rows > 1), bought, np.nan), mean]


def _orders(table: EventTable) -> list[Floats]:
    if "order_id" not in table.columns:
        return []
    named = table.columns["order_id"] >= 0
    pairs = distinct(
        table.buyer[named].astype(np.int64) << 32 | table.columns["order_id"][named].astype(np.int64)
    )
    n_orders = np.bincount(pairs >> 32, minlength=table.n_buyers).astype(np.float64)
    return [np.where(n_orders > 0, n_orders, np.nan)]


def _follows(own: Floats, theirs: Floats, tolerance: float) -> bool:
    """Whether an attribute is what the tables say, of most buyers whose value is not just the commonest one."""
    told = ~np.isnan(own) & ~np.isnan(theirs)
    if not told.any():
        return False
    values, counts = np.unique(theirs[told], return_counts=True)
    telling = told & (theirs != values[np.argmax(counts)])
    if np.count_nonzero(telling) < LEAST_BUYERS or len(values) < 3:
        return False
    slack = tolerance if tolerance >= 1 else tolerance * np.abs(theirs[telling])
    return bool(np.mean(np.abs(own[telling] - theirs[telling]) <= slack) >= SAME)


def _days(values: pd.Series[Any]) -> Floats:
    moments = values.to_numpy().astype("datetime64[us]").view(np.int64)
    return np.where(moments == UNKNOWN_TIME, np.nan, np.floor(moments / MICROSECONDS_A_DAY))
