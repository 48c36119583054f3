"""What the door decides by a whole table is decided alike in memory and in parts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import clientcare as cc
from clientcare.exceptions import SchemaError
from clientcare.features import write_feature_table
from clientcare.history import read_histories

pytest.importorskip("duckdb")
AS_OF = "2024-06-01"


def orders(n_orders: int = 240) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    number = np.repeat(np.arange(n_orders), 3)
    buyer = rng.integers(0, 40, n_orders)[number]
    day = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 120, n_orders)[number], unit="D")
    return pd.DataFrame(
        {
            "buyer_id": [f"Buyer{one}" for one in buyer],
            "timestamp": day,
            "amount": np.round(rng.gamma(2, 20, n_orders) + 1, 2)[number],
            "order_id": [f"o{one}" for one in number],
            "product_id": [f"p{one % 7}" for one in range(len(number))],
        }
    )


def assert_alike(table: pd.DataFrame, folder, form: str, **options) -> pd.DataFrame:
    """The same features in memory and in five parts; those in memory."""
    path = folder / f"orders.{form}"
    table.to_csv(path, index=False) if form == "csv" else table.to_parquet(path, index=False)
    in_memory = cc.feature_table(read_histories(path, **options), as_of=AS_OF)
    written = write_feature_table(
        path, as_of=AS_OF, out=folder / "features", n_partitions=5, n_jobs=1, **options
    )
    parts = pd.read_parquet(written.folder).set_index("buyer_id").sort_index()
    own = [name for name in ("n_purchases", "total_spent", "n_returns") if name in in_memory]
    pd.testing.assert_frame_equal(
        in_memory[own].sort_index(), parts[own], check_index_type=False, check_dtype=False
    )
    return in_memory


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_repeated_total_is_found_in_parts_as_in_memory(tmp_path, form):
    table = orders()
    features = assert_alike(table, tmp_path, form)
    once = table.drop_duplicates("order_id")["amount"].sum()
    assert features["total_spent"].sum() == pytest.approx(once)


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_lines_of_orders_in_parts_as_in_memory(tmp_path, form):
    table = orders().assign(status=["paid", "paid", "pending"] * 240)
    table["amount"] = np.where(np.arange(len(table)) % 3 == 1, -1.5, table["amount"])
    assert_alike(table, tmp_path, form)


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_spellings_meet_in_one_part(tmp_path, form):
    table = orders()
    table["buyer_id"] = [
        [name, f" {name.upper()}", f"{name}\u200b"][row % 3] for row, name in enumerate(table["buyer_id"])
    ]
    features = assert_alike(table, tmp_path, form, ids="fold")
    assert len(features) == orders()["buyer_id"].nunique()


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_whole_numbers_as_decimals_meet_in_one_part(tmp_path, form):
    table = orders()
    table["buyer_id"] = [
        f"{name[5:]}.0" if row % 2 else name[5:] for row, name in enumerate(table["buyer_id"])
    ]
    features = assert_alike(table, tmp_path, form)
    assert len(features) == orders()["buyer_id"].nunique()


def test_currencies_in_different_parts_are_refused(tmp_path):
    table = orders()
    table["currency"] = np.where(table["buyer_id"].str[-1] == "1", "EUR", "USD")
    table.to_parquet(tmp_path / "orders.parquet", index=False)
    with pytest.raises(SchemaError, match="2 currencies"):
        write_feature_table(
            tmp_path / "orders.parquet", as_of=AS_OF, out=tmp_path / "features", n_partitions=5, n_jobs=1
        )
