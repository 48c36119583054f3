"""Orders as shops export them: states, signs, currencies, vouchers, totals, and ids as libraries wrote them."""

from __future__ import annotations

import narwhals
import numpy as np
import pandas as pd
import pytest
from doors import ALL_DOORS, assert_balanced, found, through

import clientcare as cc
from clientcare.exceptions import BadRowsError, OptionError, SchemaError
from clientcare.history import Histories

DAYS = pd.date_range("2024-01-01", periods=60)


def table(**columns) -> pd.DataFrame:
    plain = {"buyer_id": [f"b{row % 6}" for row in range(60)], "timestamp": DAYS, "amount": 10.0}
    return pd.DataFrame(plain | columns)


@pytest.fixture(params=ALL_DOORS)
def door(request, tmp_path):
    if request.param == "duckdb":
        pytest.importorskip("duckdb")
        if tuple(map(int, narwhals.__version__.split(".")[:2])) < (2, 10):
            pytest.skip("this narwhals does not know relations of the DuckDB installed")
    return lambda orders, **options: through(request.param, orders, tmp_path, **options)


def test_orders_that_never_stood_are_no_purchases(door):
    states = ["paid", "Pending", "payment-pending", "draft", "TEST", "on_hold"] * 10
    histories = door(table(status=states))
    assert found(histories, "no_purchase_status") == 50
    assert list(histories.buyer_ids) == ["b0"]
    assert_balanced(histories)


def test_a_cancelled_order_stands_until_it_is_cancelled(door):
    orders = table(status=["paid"] * 59 + ["cancelled"], status_at=[None] * 59 + ["2024-03-05"])
    orders.loc[59, "buyer_id"] = "late"
    histories = door(orders)
    before = cc.feature_table(histories, as_of="2024-03-05")
    after = cc.feature_table(histories, as_of="2024-03-06")
    assert "late" in before.index
    assert before.loc["late", "total_spent"] == 10.0
    assert "late" not in after.index
    whole = door(orders.drop(columns=["status", "status_at"]))
    pd.testing.assert_frame_equal(before, cc.feature_table(whole, as_of="2024-03-05"))


def test_cancelled_orders_without_a_moment_are_set_aside_and_unknown_words_told(door):
    histories = door(table(status=["cancelled", "refunded", "zzz", "paid", None, "Completed"] * 10))
    assert found(histories, "cancelled_status") == 20
    assert found(histories, "unknown_status") == 10
    assert len(histories.transactions) == 40


def test_words_of_the_callers_own_for_states_count():
    histories = Histories(table(status=["parked", "paid"] * 30), statuses={"Parked": "never"})
    assert found(histories, "no_purchase_status") == 30
    with pytest.raises(OptionError, match="never"):
        Histories(table(), statuses={"parked": "gone"})


def test_a_negative_quantity_is_a_return_whatever_the_sign_of_the_amount(door):
    histories = door(table(quantity=[1, -1] * 30, amount=[10.0, 4.0] * 30))
    assert found(histories, "negative_quantity") == 30
    assert histories.transactions["amount"].sum() == 30 * 6.0


def test_a_return_of_unknown_amount_is_no_purchase():
    histories = Histories(table(quantity=[1, -1] * 30, amount=[10.0, None] * 30))
    assert cc.feature_table(histories, as_of="2024-04-01")["n_purchases"].sum() == 30


def test_quantity_times_unit_price(door):
    orders = table(quantity=[2, 3, -1] * 20, unit_price=5.0).drop(columns="amount")
    histories = door(orders)
    assert histories.transactions["amount"].sum() == 20 * (10 + 15 - 5)
    assert found(histories, "amount_of_lines") == 60


def test_vouchers_come_off_their_order(door):
    orders = table(
        order_id=[f"o{row // 2}" for row in range(60)],
        timestamp=[DAYS[row // 2] for row in range(60)],
        buyer_id=[f"b{row // 2 % 6}" for row in range(60)],
        amount=[100.0, -15.0] * 30,
    )
    histories = door(orders)
    features = cc.feature_table(histories, as_of="2024-04-01")
    assert features["n_returns"].sum() == 0
    assert features["purchase_amount_mean"].tolist() == [85.0] * 6
    assert found(histories, "netted_in_order") == 30


def test_a_return_on_another_day_is_not_netted():
    orders = pd.DataFrame({"buyer_id": "a", "timestamp": ["2024-01-05", "2024-01-09"], "amount": [9.0, -4.0]})
    histories = Histories(orders.assign(order_id="1"))
    assert cc.feature_table(histories, as_of="2024-02-01")["n_returns"].tolist() == [1.0]


def test_an_order_total_on_each_line_counts_once(door):
    orders = table(
        order_id=[f"o{row // 3}" for row in range(60)],
        timestamp=[DAYS[row // 3] for row in range(60)],
        buyer_id=[f"b{row // 3 % 6}" for row in range(60)],
        product_id=[f"p{row % 3}" for row in range(60)],
        amount=[30.0 + row // 3 for row in range(60)],
    )
    histories = door(orders)
    assert histories.transactions["amount"].sum() == pytest.approx(sum(30.0 + n for n in range(20)))
    assert found(histories, "order_total_repeated") == 60
    assert door(orders, amounts="line").transactions["amount"].sum() == orders["amount"].sum()


def test_one_price_for_everything_is_no_repeated_total():
    orders = table(
        order_id=[f"o{row // 3}" for row in range(60)], timestamp=[DAYS[row // 3] for row in range(60)]
    )
    orders["buyer_id"], orders["product_id"] = "a", [f"p{row}" for row in range(60)]
    assert Histories(orders).transactions["amount"].sum() == 600.0


def test_several_currencies_are_refused_or_one_is_stated(door):
    orders = table(currency=["EUR", "JPY", "eur "] * 20)
    with pytest.raises(SchemaError, match="2 currencies") as caught:
        door(orders)
    assert "JPY" not in str(caught.value)
    histories = door(orders, currency="EUR")
    assert found(histories, "other_currency") == 20
    assert len(door(table(currency="EUR")).transactions) == 60


def test_whole_numbers_written_as_decimals_are_these_numbers(tmp_path):
    orders = table(buyer_id=[f"{100 + row % 6}.0" for row in range(60)])
    calls = pd.DataFrame(
        {"buyer_id": [100 + row % 6 for row in range(60)], "timestamp": DAYS, "kind": "call"}
    )
    for name, frame in (("t", orders), ("c", calls)):
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    histories = cc.read_histories(tmp_path / "t.csv", interactions=tmp_path / "c.csv")
    assert list(histories.buyer_ids) == [str(number) for number in range(100, 106)]
    assert found(histories, "contact_of_no_buyer", "interactions") == 0


def test_ids_as_a_spreadsheet_shows_them_are_refused(door):
    with pytest.raises(SchemaError, match="last digits are lost"):
        door(table(buyer_id=["4.01E+12", "4.02E+12", "a"] * 20))


def test_total_lines_and_guests_are_set_aside(door):
    ids = ["Guest", "walk-in", "Grand Total", "b1", "b2", "b3"] * 10
    histories = door(table(buyer_id=ids))
    assert list(histories.buyer_ids) == ["b1", "b2", "b3"]
    assert found(histories, "guest_account") == 20
    assert found(histories, "total_row") == 10
    assert_balanced(histories)
    assert "Guest" in door(table(buyer_id=ids), guests="keep").buyer_ids


def test_spellings_are_folded_on_request(door):
    ids = ["Ann@x.example", "ann@x.example ", "ann\u200b@x.example", "zoe\u0301", "zo\u00e9", "ben"] * 10
    assert list(door(table(buyer_id=ids), ids="fold").buyer_ids) == ["ann@x.example", "ben", "zo\u00e9"]


def test_dates_with_unpadded_parts_are_dates(door):
    moments = [f"{day.year}-{day.month}-{day.day} {row % 24}:05:00" for row, day in enumerate(DAYS)]
    histories = door(table(timestamp=moments))
    assert len(histories.transactions) == 60
    assert set(histories.transactions["timestamp"].dt.normalize()) == set(DAYS)


def test_dates_that_stand_for_none_are_set_aside(door):
    moments = [str(day.date()) for day in DAYS[:57]] + ["1970-01-01", "1900-01-01", "9999-12-31"]
    histories = door(table(timestamp=moments))
    assert found(histories, "sentinel_date") == 2
    assert found(histories, "impossible_date") == 1


def test_a_shop_of_1970_keeps_its_first_day():
    assert len(Histories(table(timestamp=pd.date_range("1970-01-01", periods=60))).transactions) == 60


def test_midnight_utc_was_a_date(door):
    moments = [f"{day:%Y-%m-%d}T00:00:00Z" for day in DAYS]
    histories = door(table(timestamp=moments), timezone="America/New_York")
    assert set(histories.transactions["timestamp"]) == set(DAYS)
    assert found(histories, "midnight_utc") == 60


def test_moments_in_utc_that_are_no_dates_fall_on_the_wall_clock():
    moments = [f"{day:%Y-%m-%d}T00:30:00Z" for day in DAYS]
    histories = Histories(table(timestamp=moments), timezone="America/New_York")
    assert histories.transactions["timestamp"].min() == pd.Timestamp("2023-12-31 19:30")


@pytest.mark.parametrize("ids", ["numbers", "texts"])
def test_who_was_referred_by_nobody_here_is_counted(ids):
    kind = str if ids == "texts" else int
    orders = pd.DataFrame(
        {"buyer_id": [kind(n) for n in (1, 2, 3)], "timestamp": "2024-01-01", "amount": 5.0}
    )
    buyers = pd.DataFrame({"buyer_id": [kind(n) for n in (1, 2, 3)], "referred_by": ["2", None, "facebook"]})
    histories = Histories(orders, buyers=buyers)
    assert found(histories, "unknown_referrer", "buyers") == 1
    report = cc.care_report(histories, "2024-02-01")
    assert np.isfinite(report.buyers["n_referrals"]).all() if hasattr(report, "buyers") else True


def test_the_column_map_takes_both_directions():
    given = table().rename(columns={"buyer_id": "Account", "timestamp": "Posted"})
    theirs = Histories(given, columns={"transactions": {"Account": "buyer_id", "Posted": "timestamp"}})
    ours = Histories(given, columns={"transactions": {"buyer_id": "Account", "timestamp": "Posted"}})
    pd.testing.assert_frame_equal(theirs.transactions, ours.transactions)


def test_every_rule_that_rows_break_is_told_in_one_error():
    orders = table(timestamp=[None, "no date", *map(str, DAYS[2:])])
    orders.loc[5, "buyer_id"] = None
    with pytest.raises(BadRowsError) as caught:
        Histories(orders, on_bad_rows="raise")
    for rule in ("missing_buyer", "missing_timestamp", "unreadable_timestamp"):
        assert rule in str(caught.value)


def test_a_total_on_lines_that_name_several_buyers_counts_once():
    orders = table(
        order_id=[f"o{row // 3}" for row in range(60)],
        timestamp=[DAYS[row // 3] for row in range(60)],
        amount=[30.0 + row // 3 for row in range(60)],
    )
    assert Histories(orders).transactions["amount"].sum() == pytest.approx(sum(30.0 + n for n in range(20)))
