"""The ways in, for tests that must hold at each of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import narwhals
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from clientcare.exceptions import ClientcareError
from clientcare.history import Histories, read_histories

DOORS = ("pandas", "polars", "pyarrow", "csv")
ALL_DOORS = (*DOORS, "parquet", "duckdb")


def through(door: str, transactions: pd.DataFrame, folder: Path, **options: Any) -> Histories:
    """The same table through a door."""
    if door == "csv":
        transactions.to_csv(folder / "transactions.csv", index=False)
        return read_histories(folder / "transactions.csv", **options)
    if door == "parquet":
        transactions.to_parquet(folder / "transactions.parquet", index=False)
        return read_histories(folder / "transactions.parquet", **options)
    if door == "duckdb":
        duckdb = pytest.importorskip("duckdb")
        if tuple(map(int, narwhals.__version__.split(".")[:2])) < (2, 10):
            pytest.skip("this narwhals does not know relations of the DuckDB installed")
        connection = duckdb.connect()
        connection.register("given", pa.Table.from_pandas(transactions, preserve_index=False))
        return Histories(connection.sql("SELECT * FROM given"), **options)
    if door == "polars":
        return Histories(pl.from_pandas(transactions), **options)
    if door == "pyarrow":
        return Histories(pa.Table.from_pandas(transactions, preserve_index=False), **options)
    return Histories(transactions, **options)


def orders(seed: int = 0, n_buyers: int = 393, n_rows: int = 1200) -> pd.DataFrame:
    """Plain orders of made-up buyers whose names would be recognised in a message."""
    rng = np.random.default_rng(seed)
    every_buyer_once = np.arange(n_buyers)
    buyer = np.concatenate([every_buyer_once, rng.integers(0, n_buyers, max(0, n_rows - n_buyers))])[:n_rows]
    seconds = rng.integers(0, 540 * 86_400, n_rows)
    return pd.DataFrame(
        {
            "buyer_id": [f"anna{number:05d}@secret.example" for number in buyer],
            "timestamp": pd.Timestamp("1997-01-01") + pd.to_timedelta(seconds, unit="s"),
            "amount": np.round(rng.gamma(2.0, 15.0, n_rows) + 5, 2),
        }
    )


def some_rows(n_rows: int, share: float = 0.05) -> np.ndarray:
    """Every twentieth row or so."""
    return np.arange(3, n_rows, round(1 / share))


def assert_balanced(histories: Histories) -> None:
    """Rows kept and rows set aside are the rows that came in."""
    rows = histories.rows
    assert (rows["rows_kept"] + rows["rows_set_aside"] == rows["rows_in"]).all()
    for table in rows.index:
        assert len(histories.set_aside(table)) == rows.loc[table, "rows_set_aside"]
        events = None if table == "buyers" else histories.events(table)
        assert events is None or events.n_rows == rows.loc[table, "rows_kept"]


def found(histories: Histories, rule: str, table: str = "transactions") -> int:
    """How many rows a rule found."""
    quality = histories.quality
    return int(quality.loc[(quality["table"] == table) & (quality["rule"] == rule), "n_rows"].sum())


def told(error: BaseException) -> str:
    """All that a log would show of an error: its text, arguments, causes and contexts."""
    texts = []
    one: BaseException | None = error
    while one is not None:
        texts += [str(one), repr(one.args)]
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
    return "\n".join(texts)


def assert_clear(error: ClientcareError, table: pd.DataFrame, *words: str) -> None:
    """The message holds all these words and no cell of the table."""
    text = told(error)
    for word in words:
        assert word in text
    for column in ("buyer_id", "amount"):
        for cell in table.get(column, pd.Series(dtype=object)).dropna().astype(str).unique():
            assert len(cell) < 4 or cell not in text
