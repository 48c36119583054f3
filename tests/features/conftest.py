"""Histories that several tests of the features share."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from strategies import (
    histories_of,
    random_buyers,
    random_contracts,
    random_interactions,
    random_transactions,
)


@pytest.fixture(scope="session")
def full_tables():
    """Every table of a business of eighty buyers."""
    rng = np.random.default_rng(7)
    ids = np.array([f"{number:04d}" for number in range(80)], dtype=object)
    buyers = random_buyers(rng, ids)
    buyers["referred_by"] = np.where(rng.random(80) < 0.2, rng.choice(ids, 80), None)
    buyers["signed_up_on"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 700, 80), unit="D")
    return {
        "transactions": random_transactions(rng, ids, 1500),
        "interactions": random_interactions(rng, ids, 1200),
        "contracts": random_contracts(rng, ids, 160),
        "buyers": buyers,
    }


@pytest.fixture(scope="session")
def full_histories(full_tables):
    """The same through the door."""
    return histories_of(full_tables)


@pytest.fixture
def real_table(data_folder):
    """Reads a table of a real data set; skips where there is none."""

    def read(name: str, table: str) -> pd.DataFrame:
        return pd.read_parquet(data_folder / name / f"{table}.parquet")

    return read


@pytest.fixture
def real_transactions(real_table):
    """Transactions of a real data set, without cancelled invoices' numbers made into orders."""

    def read(name: str) -> pd.DataFrame:
        frame = real_table(name, "transactions")
        known = ["buyer_id", "timestamp", "amount", "order_id", "product_id", "category", "quantity"]
        return frame[[column for column in known if column in frame]]

    return read
