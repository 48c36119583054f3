"""Twenty-three bad tables, each through four doors: a clear error, or the right answer and a count."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from doors import DOORS, assert_balanced, assert_clear, found, orders, some_rows, through

from clientcare.exceptions import BadRowsError, NotEnoughDataError, SchemaError
from clientcare.history import Histories, known_buyers

pytestmark = pytest.mark.parametrize("door", DOORS)
CUTOFF = pd.Timestamp("1998-07-01")


def refused(door, table, folder, error=SchemaError, **options):
    with pytest.raises(error) as caught:
        through(door, table, folder, **options)
    return caught.value


def test_01_an_empty_table_is_not_enough(door, tmp_path):
    table = orders().iloc[:0]
    error = refused(door, table, tmp_path, NotEnoughDataError)
    assert_clear(error, table, "transactions 0", "no row can be used")


def test_02_a_missing_date_column_is_named(door, tmp_path):
    table = orders().rename(columns={"timestamp": "invoice_date"})
    error = refused(door, table, tmp_path)
    assert_clear(error, table, "no column 'timestamp'", "{'invoice_date': 'timestamp'}")


def test_03a_dates_as_iso_text_are_dates(door, tmp_path):
    table = orders()
    texts = table.assign(timestamp=table["timestamp"].dt.strftime("%Y-%m-%d %H:%M:%S"))
    histories = through(door, texts, tmp_path)
    pd.testing.assert_frame_equal(histories.transactions, Histories(table).transactions)


def test_03b_texts_of_another_form_are_set_aside_and_counted(door, tmp_path):
    table = orders()
    rows = some_rows(len(table))
    texts = table["timestamp"].dt.strftime("%Y-%m-%d").astype(object)
    texts.iloc[rows] = table["timestamp"].iloc[rows].dt.strftime("%B %d of %Y")
    mixed = table.assign(timestamp=texts)
    histories = through(door, mixed, tmp_path)
    assert found(histories, "unreadable_timestamp") == len(rows)
    assert list(histories.quality["first_rows"].iloc[0]) == list(rows[:5])
    assert_balanced(histories)
    error = refused(door, mixed, tmp_path, BadRowsError, on_bad_rows="raise")
    assert_clear(error, mixed, "'timestamp'", f"{len(rows)} rows", "3, 23, 43, 63, 83")


def test_04_rows_without_a_date_are_set_aside_and_counted(door, tmp_path):
    table = orders()
    rows = some_rows(len(table))
    table.loc[rows, "timestamp"] = pd.NaT
    histories = through(door, table, tmp_path)
    assert found(histories, "missing_timestamp") == len(rows)
    assert_balanced(histories)
    error = refused(door, table, tmp_path, BadRowsError, on_bad_rows="raise")
    assert_clear(error, table, "'timestamp'", f"{len(rows)} rows", "3, 23")


def test_05_dates_with_a_zone_need_the_zone_of_the_seller(door, tmp_path):
    table = orders()
    zoned = table.assign(timestamp=table["timestamp"].dt.tz_localize("UTC"))
    error = refused(door, zoned, tmp_path)
    assert_clear(error, zoned, "'timestamp'", "1,200 dates have a time zone", "0, 1, 2", "timezone=")
    here = through(door, zoned, tmp_path, timezone="America/New_York").transactions
    there = table["timestamp"].dt.tz_localize("UTC").dt.tz_convert("America/New_York").dt.tz_localize(None)
    assert sorted(here["timestamp"]) == sorted(there)


def test_06_rows_of_2099_change_nothing_before(door, tmp_path):
    table = orders()
    table.loc[[5, 6], "timestamp"] = pd.Timestamp("2099-01-01")
    histories = through(door, table, tmp_path)
    assert found(histories, "isolated_date") == 2
    clean = through(door, table.drop([5, 6]), tmp_path)
    pd.testing.assert_frame_equal(histories.until(CUTOFF).transactions, clean.until(CUTOFF).transactions)
    assert_balanced(histories)


def test_07_every_row_twice_counts_once(door, tmp_path):
    table = orders()
    histories = through(door, pd.concat([table, table]), tmp_path)
    assert found(histories, "exact_copy") == len(table)
    pd.testing.assert_frame_equal(histories.transactions, through(door, table, tmp_path).transactions)
    assert_balanced(histories)


def test_08_negative_amounts_are_returns_and_make_no_buyer(door, tmp_path):
    table = orders(n_buyers=1200)
    rows = some_rows(len(table))
    table.loc[rows, "amount"] *= -1
    histories = through(door, table, tmp_path)
    assert found(histories, "return") == len(rows)
    assert len(known_buyers(histories, CUTOFF)) == 1200 - len(rows)


def test_09_zero_amounts_are_neither_purchase_nor_return(door, tmp_path):
    table = orders(n_buyers=1200)
    rows = some_rows(len(table))
    table.loc[rows, "amount"] = 0.0
    histories = through(door, table, tmp_path)
    assert found(histories, "zero_amount") == len(rows)
    assert found(histories, "return") == 0
    assert len(known_buyers(histories, CUTOFF)) == 1200 - len(rows)


def test_10_missing_amounts_are_purchases_of_unknown_amount(door, tmp_path):
    table = orders(n_buyers=1200)
    rows = some_rows(len(table))
    table.loc[rows, "amount"] = np.nan
    histories = through(door, table, tmp_path)
    assert found(histories, "missing_amount") == len(rows)
    assert histories.transactions["amount"].isna().sum() == len(rows)
    assert len(known_buyers(histories, CUTOFF)) == 1200


def test_11_infinite_amounts_are_set_aside(door, tmp_path):
    table = orders()
    table.loc[[1, 2, 3], "amount"] = [np.inf, -np.inf, np.inf]
    histories = through(door, table, tmp_path)
    assert found(histories, "infinite_amount") == 3
    assert np.isfinite(histories.transactions["amount"]).all()
    assert_balanced(histories)
    error = refused(door, table, tmp_path, BadRowsError, on_bad_rows="raise")
    assert_clear(error, table, "'amount'", "3 rows", "1, 2, 3")


def test_11_an_amount_as_good_as_infinite_is_set_aside_too(door, tmp_path):
    table = orders()
    table.loc[[1, 2], "amount"] = [np.finfo(float).max, -1e300]
    assert found(through(door, table, tmp_path), "infinite_amount") == 2


def test_12_rows_without_a_buyer_are_set_aside_and_become_no_buyer(door, tmp_path):
    table = orders(n_buyers=1200)
    rows = some_rows(len(table))
    table.loc[rows, "buyer_id"] = None
    histories = through(door, table, tmp_path)
    assert found(histories, "missing_buyer") == len(rows)
    assert len(histories.buyer_ids) == 1200 - len(rows)
    assert all("@" in buyer for buyer in histories.buyer_ids)
    assert_balanced(histories)


def test_13_the_ids_1_and_text_1_are_never_merged(door, tmp_path):
    days = pd.to_datetime(["1997-01-01", "1997-02-01", "1997-03-01"])
    mixed = [1, "1", "0001"]
    if door == "csv":  # a file holds texts alone: what is written alike is one buyer, what is not is two
        histories = through(
            door, pd.DataFrame({"buyer_id": mixed, "timestamp": days, "amount": 1.0}), tmp_path
        )
        assert list(histories.buyer_ids) == ["0001", "1"]
        return
    if door == "pandas":
        table = pd.DataFrame({"buyer_id": pd.Series(mixed, dtype=object), "timestamp": days})
    elif door == "polars":
        table = pl.DataFrame({"buyer_id": pl.Series(mixed, dtype=pl.Object), "timestamp": days.to_numpy()})
    else:
        ids = pa.UnionArray.from_dense(
            pa.array([0, 1, 1], pa.int8()),
            pa.array([0, 0, 1], pa.int32()),
            [pa.array([1]), pa.array(["1", "0001"])],
        )
        table = pa.table({"buyer_id": ids, "timestamp": days.to_numpy()})
    with pytest.raises(SchemaError) as caught:
        Histories(table)
    assert "buyer_id" in str(caught.value)
    assert "0001" not in str(caught.value)
    if door == "pandas":
        assert "2 texts and 1 " in str(caught.value) and "row numbers" in str(caught.value)


def test_14_odd_ids_stay_what_they_are(door, tmp_path):
    odd = [
        "\U0001f600",
        "x" * 10_000,
        "<script>alert(1)</script>",
        "a,b",
        'say "hi"',
        "=1+1",
        "é",
        "e\u0301",
        "NA",
    ]
    if door != "csv":
        odd.append("nul\0byte")
    table = pd.DataFrame({"buyer_id": odd, "timestamp": pd.Timestamp("1997-05-01"), "amount": 1.0})
    histories = through(door, table, tmp_path)
    assert list(histories.buyer_ids) == sorted(odd)
    assert "<script>" not in histories._repr_html_()


def test_15_one_buyer_is_one_buyer(door, tmp_path):
    table = orders(n_buyers=1, n_rows=20)
    histories = through(door, table, tmp_path)
    assert len(histories.buyer_ids) == 1
    assert list(known_buyers(histories, CUTOFF)) == [0]


def test_16_all_may_have_bought_once(door, tmp_path):
    histories = through(door, orders(n_buyers=300, n_rows=300), tmp_path)
    assert np.diff(histories.events("transactions").offsets).tolist() == [1] * 300


def test_17_one_buyer_may_have_100_000_events(door, tmp_path):
    seconds = pd.to_timedelta(np.arange(100_000) * 400, unit="s")
    table = pd.DataFrame({"buyer_id": "b", "timestamp": pd.Timestamp("1997-01-01") + seconds, "amount": 1.0})
    assert through(door, table, tmp_path).events("transactions").n_rows == 100_000


def test_18_nobody_is_known_before_all_data(door, tmp_path):
    histories = through(door, orders(), tmp_path)
    assert len(known_buyers(histories, pd.Timestamp("1990-01-01"))) == 0


def test_19_ten_years_later_all_buyers_are_known_and_nothing_is_observed(door, tmp_path):
    histories = through(door, orders(), tmp_path)
    assert len(known_buyers(histories, pd.Timestamp("2008-07-01"))) == 393
    assert histories.observed_until < pd.Timestamp("1998-07-01")


def test_20_the_order_of_rows_changes_nothing(door, tmp_path):
    table = orders()
    shuffled = through(door, table.sample(frac=1, random_state=3), tmp_path)
    pd.testing.assert_frame_equal(shuffled.transactions, through(door, table, tmp_path).transactions)


def test_21_dates_as_numbers_are_refused(door, tmp_path):
    table = orders()
    numbers = table.assign(timestamp=table["timestamp"].dt.strftime("%Y%m%d").astype(int))
    if door == "csv":  # in a file they are texts, and year-month-day without signs is an ISO date
        days = through(door, numbers, tmp_path).transactions["timestamp"]
        assert sorted(days) == sorted(table["timestamp"].dt.normalize())
        return
    assert_clear(
        refused(door, numbers, tmp_path), numbers, "'timestamp'", "1,200 numbers, not dates", "0, 1, 2"
    )
    nanoseconds = numbers.assign(timestamp=pd.to_datetime(numbers["timestamp"], unit="ns"))
    assert_clear(refused(door, nanoseconds, tmp_path), nanoseconds, "'timestamp'", "first seconds of 1970")


def test_22_one_slip_to_2099_does_not_move_the_end(door, tmp_path):
    table = orders()
    table.loc[7, "timestamp"] = pd.Timestamp("2099-05-05")
    histories = through(door, table, tmp_path)
    assert histories.observed_until <= pd.Timestamp("1998-06-26")
    assert found(histories, "isolated_date") == 1
    assert histories.set_aside("transactions")["row_number"].tolist() == [7]
    assert_balanced(histories)
