"""Attributes out of exports: dates as texts, and columns worked out of the very tables they stand beside."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import clientcare as cc
from clientcare.history import Histories


def shop(seed: int = 0, n_buyers: int = 120) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    n_rows = rng.geometric(0.15, n_buyers)
    buyer = np.repeat(np.arange(n_buyers), n_rows)
    when = pd.Timestamp("2023-01-01") + pd.to_timedelta(rng.integers(0, 540, len(buyer)), unit="D")
    amount = np.round(rng.gamma(2, 20, len(buyer)) + 1, 2)
    return pd.DataFrame({"buyer_id": [f"b{one:03d}" for one in buyer], "timestamp": when, "amount": amount})


def export(orders: pd.DataFrame) -> pd.DataFrame:
    by_buyer = orders.groupby("buyer_id")
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "orders_count": by_buyer.size(),
            "total_spent": by_buyer["amount"].sum() * 1.004,
            "aov": by_buyer["amount"].mean(),
            "last_order_at": by_buyer["timestamp"].max(),
            "updated": by_buyer["timestamp"].max(),
            "first_order": by_buyer["timestamp"].min(),
            "age": rng.integers(20, 70, by_buyer.ngroups),
            "seats": rng.integers(1, 4, by_buyer.ngroups),
            "region": rng.choice(["north", "south"], by_buyer.ngroups),
        }
    ).reset_index()


@pytest.mark.parametrize("door", ["frame", "csv"])
def test_attributes_worked_out_at_the_export_are_told_and_left_out(door, tmp_path):
    orders = shop()
    buyers = export(orders)
    if door == "csv":
        orders.to_csv(tmp_path / "orders.csv", index=False)
        buyers.to_csv(tmp_path / "buyers.csv", index=False)
        histories = cc.read_histories(tmp_path / "orders.csv", buyers=tmp_path / "buyers.csv")
    else:
        histories = Histories(orders, buyers=buyers)
    assert list(histories.buyers.columns) == ["first_order", "age", "seats", "region"]
    rules = set(histories.quality.loc[histories.quality["table"] == "buyers", "rule"])
    assert {"computed_orders_count", "computed_total_spent", "computed_aov", "computed_updated"} <= rules


def test_dates_of_buyers_are_dates_in_csv_as_in_frames(tmp_path):
    orders = pd.DataFrame(
        {"buyer_id": ["a", "a", "b"], "timestamp": ["2023-01-10", "2024-05-20", "2023-02-01"], "amount": 1.0}
    )
    buyers = pd.DataFrame(
        {
            "buyer_id": ["a", "b"],
            "signed_up_on": ["2015-03-20", "2023-02-01"],
            "last_seen_on": ["2024-05-20", "2023-03-01"],
            "upgraded": ["2024-01-01", "1900-01-01"],
        }
    )
    orders.to_csv(tmp_path / "o.csv", index=False)
    buyers.to_csv(tmp_path / "b.csv", index=False)
    texts = cc.read_histories(tmp_path / "o.csv", buyers=tmp_path / "b.csv")
    dates = buyers.apply(lambda column: column if column.name == "buyer_id" else pd.to_datetime(column))
    frames = Histories(orders, buyers=dates)
    for histories in (texts, frames):
        features = cc.feature_table(histories, as_of="2023-06-01").filter(regex="buyer_")
        assert list(features.columns) == ["days_since_buyer_signed_up_on", "days_since_buyer_upgraded"]
        assert features["days_since_buyer_upgraded"].isna().all()
        assert features["days_since_buyer_signed_up_on"].tolist() == [2995.0, 120.0]


def test_a_form_that_is_stated_tells_dates_too():
    orders = pd.DataFrame({"buyer_id": ["a", "b"], "timestamp": ["31/01/2024", "30/01/2024"], "amount": 1.0})
    buyers = pd.DataFrame({"buyer_id": ["a", "b"], "joined": ["31/12/2020", None]})
    histories = Histories(orders, buyers=buyers, date_format="%d/%m/%Y")
    assert histories.buyers["joined"].dtype.kind == "M"


@pytest.mark.parametrize(
    ("values", "others"),
    [
        ([float(n % 7 + 1) for n in range(40)], ["big"] * 80),
        ([n % 7 + 1 for n in range(40)], ["big"] * 80),
        ([n % 2 == 0 for n in range(40)], ["unknown"] * 80),
        ([float(n % 7 + 1) for n in range(40)], ["7"] * 80),
        ([pd.Timestamp("2021-01-01") + pd.Timedelta(days=n) for n in range(40)], ["long ago"] * 80),
        ([f"{n % 7}.5" for n in range(40)], ["big"] * 80),
    ],
)
def test_later_buyers_do_not_say_what_mixed_cells_are(values: list[object], others: list[object]) -> None:
    ids, new = [f"K{n:02d}" for n in range(40)], [f"N{n:02d}" for n in range(80)]
    orders = pd.DataFrame({"buyer_id": ids * 3, "timestamp": "2022-03-01", "amount": 5.0})
    later = pd.DataFrame({"buyer_id": new, "timestamp": "2023-03-01", "amount": 5.0})
    own = pd.DataFrame({"buyer_id": ids, "trait": pd.Series(values, dtype=object)})
    every = pd.DataFrame({"buyer_id": ids + new, "trait": pd.Series([*values, *others], dtype=object)})
    alone = cc.Histories(orders, buyers=own)
    both = cc.Histories(pd.concat([orders, later]), buyers=every)
    told = [cc.feature_table(one, "2022-06-01", families=["static"]) for one in (alone, both)]
    pd.testing.assert_frame_equal(*told)
