"""The table of purchases, beside a slow count buyer by buyer."""

import os

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from clientcare.btyd import purchase_summary
from clientcare.history import Histories

EXAMPLES = 300 if os.environ.get("CLIENTCARE_TESTS") == "full" else 25
START = pd.Timestamp("2024-01-01")


@st.composite
def some_log(draw):
    n = draw(st.integers(1, 40))
    hours = draw(st.lists(st.integers(0, 60 * 24), min_size=n, max_size=n))
    return pd.DataFrame(
        {
            "buyer_id": draw(st.lists(st.integers(1, 6), min_size=n, max_size=n)),
            "timestamp": START + pd.to_timedelta(hours, unit="h"),
            "amount": draw(st.lists(st.sampled_from([10.0, 2.5, 0.0, -4.0, np.nan]), min_size=n, max_size=n)),
        }
    )


def slow_summary(log, as_of):
    kept = log[(log["timestamp"] < as_of) & ~(log["amount"] <= 0)]
    rows = {}
    for buyer, purchases in kept.groupby("buyer_id"):
        days = purchases.groupby(purchases["timestamp"].dt.normalize())["amount"].sum(min_count=1)
        gaps = np.diff(days.index.to_numpy()) / np.timedelta64(1, "D")
        rows[buyer] = (
            len(days) - 1,
            (days.index[-1] - days.index[0]).days,
            (as_of.normalize() - days.index[0]).days,
            days.iloc[1:].mean(),
            np.log(gaps).sum(),
        )
    columns = [
        "n_repeat_purchases",
        "days_first_to_last_purchase",
        "days_since_first_purchase",
        "mean_purchase_amount",
        "sum_log_gap_days",
    ]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("buyer_id")


@settings(max_examples=EXAMPLES, deadline=None)
@given(some_log(), st.integers(0, 61 * 24))
def test_the_summary_is_what_a_slow_count_gives(log, hour):
    as_of = START + pd.Timedelta(hours=hour)
    found = purchase_summary(Histories(log), as_of)
    assert_frame_equal(found, slow_summary(log, as_of), check_dtype=False, check_index_type=False)


@settings(max_examples=EXAMPLES, deadline=None)
@given(some_log(), st.integers(0, 60))
def test_nothing_after_as_of_changes_the_summary(log, day):
    as_of = START + pd.Timedelta(days=day)
    histories = Histories(log)
    assert_frame_equal(purchase_summary(histories, as_of), purchase_summary(histories.until(as_of), as_of))


def test_the_order_of_the_log_changes_nothing():
    log = pd.DataFrame(
        {"buyer_id": [1, 2, 1, 1], "timestamp": START + pd.to_timedelta([0, 5, 40, 9], unit="D")}
    )
    found = purchase_summary(Histories(log), "2024-03-01")
    assert_frame_equal(found, purchase_summary(Histories(log.iloc[[3, 1, 0, 2]]), "2024-03-01"))


def test_several_purchases_on_a_day_are_one():
    times = ["2024-01-01 08:00", "2024-01-01 20:00", "2024-01-05 09:00"]
    log = pd.DataFrame({"buyer_id": 7, "timestamp": pd.to_datetime(times), "amount": [1.0, 2.0, 4.0]})
    row = purchase_summary(Histories(log), "2024-01-11").loc[7]
    assert row.tolist() == [1, 4, 10, 4.0, pytest.approx(np.log(4))]


def test_a_return_is_no_purchase_and_a_buyer_of_returns_is_no_buyer():
    log = pd.DataFrame(
        {"buyer_id": [1, 1, 2], "timestamp": pd.to_datetime(["2024-01-01", "2024-01-05", "2024-01-02"])}
    ).assign(amount=[5.0, -5.0, -3.0])
    found = purchase_summary(Histories(log), "2024-02-01")
    assert found.index.tolist() == [1]
    assert found["n_repeat_purchases"].tolist() == [0]
    assert found["mean_purchase_amount"].isna().all()


def test_before_the_first_purchase_there_is_nobody():
    log = pd.DataFrame({"buyer_id": [1], "timestamp": [START]})
    found = purchase_summary(Histories(log), "2024-01-01")
    assert found.empty
    assert found.index.name == "buyer_id"
    assert found.shape[1] == 5


def test_facts_recorded_late_are_not_known_before():
    log = pd.DataFrame(
        {
            "buyer_id": [1, 1],
            "timestamp": pd.to_datetime(["2024-01-01", "2024-01-10"]),
            "recorded_at": pd.to_datetime(["2024-01-01", "2024-02-01"]),
        }
    )
    histories = Histories(log)
    assert purchase_summary(histories, "2024-01-20")["n_repeat_purchases"].tolist() == [0]
    assert purchase_summary(histories, "2024-02-02")["n_repeat_purchases"].tolist() == [1]


def test_several_dates_give_the_tables_of_each():
    log = pd.DataFrame(
        {"buyer_id": [1, 1, 2], "timestamp": pd.to_datetime(["2024-01-01", "2024-01-20", "2024-02-10"])}
    )
    histories = Histories(log)
    both = purchase_summary(histories, ["2024-03-01", "2024-02-01"])
    assert both.index.names == ["as_of", "buyer_id"]
    assert len(both) == 3
    for as_of in ("2024-02-01", "2024-03-01"):
        assert_frame_equal(both.xs(pd.Timestamp(as_of)), purchase_summary(histories, as_of))
