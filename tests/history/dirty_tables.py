"""Random tables as dirty as exports are: every kind of slip, in every mixture."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

NOTHING = ("", "NULL", "\\N", "nan", "None", "N/A", " ")
ODD_DATES = ("soon", "1900-01-01", "1970-01-01", "9999-12-31", "2024-13-45", "", "0001-01-01", "2031-05-05")
ODD_AMOUNTS = ("n/a", "inf", "-inf", "", "1e400", "free", "-0", "1e308")
STATUSES = ("paid", "cancelled", "pending", "shipped", "mystery", "", "refunded")
KINDS = ("call", "email", "meeting", "complaint", "??", "")


@dataclass
class DirtyTables:
    """Tables and the options with which they come."""

    tables: dict[str, pd.DataFrame]
    options: dict[str, Any] = field(default_factory=dict)


def dirty_tables(seed: int) -> DirtyTables:
    """Tables of one made-up business with a handful of slips each."""
    rng = np.random.default_rng(seed)
    n_buyers = int(rng.integers(1, 60))
    ids = _ids(rng, n_buyers)
    tables = {"transactions": _transactions(rng, ids)}
    if rng.random() < 0.5:
        tables["interactions"] = _interactions(rng, ids)
    if rng.random() < 0.3:
        tables["contracts"] = _contracts(rng, ids)
    if rng.random() < 0.4:
        tables["buyers"] = _buyers(rng, ids)
    options: dict[str, Any] = {}
    for name, values in {
        "ids": ("fold",),
        "guests": ("keep",),
        "exact_copies": ("keep",),
        "amounts": ("line", "order"),
        "observed_until": ("2024-05-05",),
        "observed_from": ("2022-06-01",),
    }.items():
        if rng.random() < 0.2:
            options[name] = str(rng.choice(values))
    return DirtyTables({name: _shuffled(rng, table) for name, table in tables.items()}, options)


def _ids(rng: np.random.Generator, n: int) -> np.ndarray:
    kind = rng.integers(0, 4)
    if kind == 0:
        return np.arange(1000, 1000 + n).astype(str).astype(object)
    if kind == 1:
        return np.array([f"{one}.0" for one in range(1000, 1000 + n)], dtype=object)
    if kind == 2:
        return np.array([f"Ann{one}@x.example" for one in range(n)], dtype=object)
    return np.array([f"{one:05d}" for one in range(n)], dtype=object)


def _who(rng: np.random.Generator, ids: np.ndarray, n: int) -> np.ndarray:
    who = ids[rng.integers(0, len(ids), n)].copy()
    for share, slips in (
        (0.03, NOTHING),
        (0.01, ("guest", "Walk-In")),
        (0.01, ("Grand Total", "Summe")),
        (0.02, tuple(f" {one} ".upper() for one in ids[:5])),
    ):
        if rng.random() < 0.5:
            _spoil(rng, who, slips, share)
    return who


def _when(rng: np.random.Generator, n: int) -> np.ndarray:
    days = pd.Timestamp("2022-01-03") + pd.to_timedelta(rng.integers(0, 900, n), unit="D")
    if rng.random() < 0.5:
        days = days + pd.to_timedelta(rng.integers(0, 86_400, n), unit="s")
    when = np.asarray(days.strftime("%Y-%m-%d %H:%M:%S" if rng.random() < 0.5 else "%Y-%m-%d"), dtype=object)
    if rng.random() < 0.5:
        _spoil(rng, when, ODD_DATES, 0.04)
    return when


def _amounts(rng: np.random.Generator, n: int) -> np.ndarray:
    amounts = np.round(rng.normal(30, 20, n), 2).astype(str).astype(object)
    if rng.random() < 0.5:
        _spoil(rng, amounts, ODD_AMOUNTS, 0.04)
    return amounts


def _transactions(rng: np.random.Generator, ids: np.ndarray) -> pd.DataFrame:
    n = int(rng.integers(1, 400))
    table = pd.DataFrame({"buyer_id": _who(rng, ids, n), "timestamp": _when(rng, n)})
    columns = {
        "amount": lambda: _amounts(rng, n),
        "quantity": lambda: rng.integers(-1, 5, n).astype(str),
        "unit_price": lambda: _amounts(rng, n),
        "order_id": lambda: np.array([f"O{one}" for one in rng.integers(0, n, n)], dtype=object),
        "status": lambda: rng.choice(STATUSES, n).astype(object),
        "status_at": lambda: _when(rng, n),
        "currency": lambda: np.full(n, "EUR", dtype=object),
        "category": lambda: rng.choice(["a", "b", "", "c"], n).astype(object),
        "recorded_at": lambda: _when(rng, n),
        "load_id": lambda: np.arange(n).astype(str),
    }
    for name, make in columns.items():
        if rng.random() < 0.45:
            table[name] = make()
    return _with_copies(rng, table)


def _interactions(rng: np.random.Generator, ids: np.ndarray) -> pd.DataFrame:
    n = int(rng.integers(1, 200))
    table = pd.DataFrame({"buyer_id": _who(rng, ids, n), "timestamp": _when(rng, n)})
    if rng.random() < 0.8:
        table["kind"] = rng.choice(KINDS, n)
    if rng.random() < 0.5:
        table["direction"] = rng.choice(["inbound", "OUT", "", "sideways"], n)
    if rng.random() < 0.5:
        table["satisfaction"] = rng.choice(["0.5", "1", "", "7", "good"], n, p=[0.4, 0.4, 0.1, 0.05, 0.05])
    return _with_copies(rng, table)


def _contracts(rng: np.random.Generator, ids: np.ndarray) -> pd.DataFrame:
    n = int(rng.integers(1, 50))
    table = pd.DataFrame({"buyer_id": _who(rng, ids, n), "start": _when(rng, n)})
    if rng.random() < 0.7:
        table["end"] = _when(rng, n)
    if rng.random() < 0.5:
        table["amount"] = _amounts(rng, n)
    return _with_copies(rng, table)


def _buyers(rng: np.random.Generator, ids: np.ndarray) -> pd.DataFrame:
    n = len(ids)
    who = ids.copy()
    _spoil(rng, who, (*NOTHING, ids[0]), 0.05)
    table = pd.DataFrame({"buyer_id": who})
    table["age"] = np.round(rng.normal(40, 9, n)).astype(int).astype(str)
    table["segment"] = rng.choice(["x", "y", ""], n)
    table["signed_up_at"] = _when(rng, n)
    return table


def _with_copies(rng: np.random.Generator, table: pd.DataFrame) -> pd.DataFrame:
    if rng.random() < 0.4:
        table = pd.concat([table, table.sample(frac=0.1, random_state=int(rng.integers(1e6)))])
    return table.reset_index(drop=True)


def _spoil(rng: np.random.Generator, cells: np.ndarray, slips: tuple[Any, ...], share: float) -> None:
    hit = np.flatnonzero(rng.random(len(cells)) < share)
    for place in hit:
        cells[place] = slips[int(rng.integers(0, len(slips)))]


def _shuffled(rng: np.random.Generator, table: pd.DataFrame) -> pd.DataFrame:
    return table.sample(frac=1.0, random_state=int(rng.integers(1e6))).reset_index(drop=True)
