"""Rows that were loaded twice under another moment of recording are one fact, known from its first record on."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import clientcare as cc

DAYS = pd.date_range("2024-01-01", periods=40)
ORDERS = pd.DataFrame(
    {"buyer_id": list("ABCD") * 10, "timestamp": DAYS, "amount": 5.0, "order_id": range(40)}
)


def loads(table: pd.DataFrame, *stamps: object) -> pd.DataFrame:
    return pd.concat([table.assign(recorded_at=stamp) for stamp in stamps], ignore_index=True)


def rows_of(histories: cc.Histories, rule: str) -> int:
    told = histories.quality[histories.quality["rule"] == rule]
    return int(told["n_rows"].sum())


@pytest.mark.parametrize("order", ["first load first", "last load first", "mixed"])
def test_a_reload_is_counted_once_and_known_from_its_first_record(order: str) -> None:
    table = loads(ORDERS, "2024-06-01", "2024-06-02", "2024-06-02 12:00")
    if order == "last load first":
        table = table.iloc[::-1]
    if order == "mixed":
        table = table.sample(frac=1.0, random_state=1)
    histories = cc.Histories(table, observed_until="2024-07-01")
    assert histories.transactions["amount"].sum() == 200.0
    assert rows_of(histories, "loaded_again") == 80
    assert (histories.transactions["recorded_at"] == pd.Timestamp("2024-06-01")).all()


def test_an_order_known_when_it_happened_stays_known_then() -> None:
    histories = cc.Histories(loads(ORDERS, None, "2024-06-02"), observed_until="2024-07-01")
    assert cc.feature_table(histories, "2024-03-01")["total_spent"].sum() == 200.0


def test_two_like_visits_of_one_day_are_two() -> None:
    visits = pd.DataFrame(
        {
            "buyer_id": ["A", "A", "B"],
            "timestamp": "2024-01-05",
            "kind": "call",
            "recorded_at": ["2024-01-05 09:00", "2024-01-05 15:00", "2024-01-05 09:00"],
        }
    )
    assert len(cc.Histories(interactions=visits).interactions) == 3
    again = pd.concat([visits, visits.assign(recorded_at="2024-01-09 08:00")])
    assert len(cc.Histories(interactions=again).interactions) == 3


def test_a_row_that_differs_in_anything_read_is_no_reload() -> None:
    table = loads(ORDERS, "2024-06-01")
    more = loads(ORDERS.assign(amount=6.0), "2024-06-02")
    assert rows_of(cc.Histories(pd.concat([table, more])), "loaded_again") == 0


def test_what_is_not_read_tells_no_rows_apart() -> None:
    table = loads(ORDERS, "2024-06-01").assign(batch="a")
    more = loads(ORDERS, "2024-06-02").assign(batch="b")
    assert rows_of(cc.Histories(pd.concat([table, more])), "loaded_again") == 40


def test_reloads_may_be_kept() -> None:
    histories = cc.Histories(loads(ORDERS, "2024-06-01", "2024-06-02"), exact_copies="keep")
    assert histories.transactions["amount"].sum() == 400.0
    assert rows_of(histories, "loaded_again") == 40


def test_a_later_reload_moves_no_feature_of_the_past() -> None:
    rng = np.random.default_rng(0)
    table = ORDERS.assign(amount=rng.lognormal(3, 0.5, 40).round(2), recorded_at=ORDERS["timestamp"])
    again = table.assign(recorded_at=pd.Timestamp("2024-05-01"))
    alone, both = cc.Histories(table), cc.Histories(pd.concat([again, table]))
    for as_of in ("2024-01-20", "2024-03-01", "2024-06-01"):
        pd.testing.assert_frame_equal(cc.feature_table(alone, as_of), cc.feature_table(both, as_of))
