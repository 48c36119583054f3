"""How the amounts of orders are read is decided by the orders known at their own moment, and by none that comes later."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import clientcare as cc
from clientcare.scoring import read_book, score_dataset

START = pd.Timestamp("2022-01-01")


def orders(n: int, since: int, seed: int, first: int = 0) -> pd.DataFrame:
    """One row an order, a moment of its own each, from so many days after the start on."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "buyer_id": [f"B{i:02d}" for i in rng.integers(0, 30, n)],
            "order_id": [f"O{first + i}" for i in range(n)],
            "timestamp": START + pd.to_timedelta(since + np.arange(n) * 0.9, unit="D").round("s"),
            "amount": rng.lognormal(3, 0.5, n).round(2),
        }
    )


def two_lines(table: pd.DataFrame, more: float) -> pd.DataFrame:
    """Each order on two lines, the second of which states so much more."""
    second = table.assign(product_id="q", amount=(table["amount"] + more).round(2))
    return pd.concat([table.assign(product_id="p"), second], ignore_index=True)


def bought(histories: cc.Histories, as_of: str) -> float:
    return float(cc.feature_table(histories, as_of)["total_spent"].sum())


PAST, LATER = orders(150, 0, 1), orders(300, 200, 2, first=150)
AS_OF = "2022-07-01"


@pytest.mark.parametrize("past", [0.0, 1.0])
@pytest.mark.parametrize("later", [0.0, 1.0])
def test_later_orders_change_no_past_money(past: float, later: float) -> None:
    alone = cc.Histories(two_lines(PAST, past))
    both = cc.Histories(pd.concat([two_lines(PAST, past), two_lines(LATER, later)]))
    for as_of in ("2022-01-10", "2022-01-20", "2022-02-10", AS_OF):
        pd.testing.assert_frame_equal(
            cc.feature_table(alone, as_of),
            cc.feature_table(both, as_of).loc[cc.feature_table(alone, as_of).index],
        )
    told = cc.revenue(alone, "ME").loc[:"2022-04-30", "closing"]
    pd.testing.assert_series_equal(told, cc.revenue(both, "ME").loc[told.index, "closing"])


def test_totals_count_once_from_the_moment_they_can_be_told() -> None:
    histories = cc.Histories(two_lines(PAST, 0.0))
    assert histories.transactions["amount"].sum() == pytest.approx(PAST["amount"].sum())
    assert bought(histories, AS_OF) == pytest.approx(PAST["amount"].sum())
    few = PAST[PAST["timestamp"] < START + pd.Timedelta(days=9)]
    assert bought(histories, "2022-01-10") == pytest.approx(2 * few["amount"].sum())


def test_an_export_that_changes_from_totals_to_lines_keeps_both_readings() -> None:
    histories = cc.Histories(pd.concat([two_lines(PAST, 0.0), two_lines(LATER, 1.0)]))
    money = PAST["amount"].sum() + 2 * LATER["amount"].sum() + len(LATER)
    assert histories.transactions["amount"].sum() == pytest.approx(money)
    told = histories.quality.set_index("rule")["n_rows"]
    assert told["order_total_repeated"] == 2 * len(PAST)
    assert told["lines_among_totals"] == 2 * len(LATER)


def test_an_order_taken_back_later_is_the_money_of_its_period_still() -> None:
    table = PAST.assign(status="paid", status_at=PAST["timestamp"])
    back = table.copy()
    back.loc[::5, ["status", "status_at"]] = ["cancelled", pd.Timestamp("2022-09-01")]
    more = pd.concat([back, LATER.assign(status="paid", status_at=LATER["timestamp"])])
    alone, both = cc.Histories(table), cc.Histories(more)
    told = cc.revenue(alone, "ME").loc[:"2022-04-30", "closing"]
    pd.testing.assert_series_equal(told, cc.revenue(both, "ME").loc[told.index, "closing"])


@pytest.mark.parametrize("later", [0.0, 1.0])
def test_parts_read_amounts_as_the_whole_does(tmp_path: Path, later: float) -> None:
    table = pd.concat([two_lines(PAST, 0.0), two_lines(LATER, later)], ignore_index=True)
    model = cc.RelationshipModel(horizon="60D", effort="quick").fit(cc.Histories(table))
    whole = model.score(cc.Histories(table), as_of="2022-12-01")
    score_dataset(model, transactions=table, as_of="2022-12-01", out=tmp_path / "b.parquet", n_partitions=3)
    parts = read_book(tmp_path / "b.parquet").loc[whole.index]
    for name in ("expected_spend", "churn_risk"):
        assert parts[name].equals(whole[name])


@pytest.mark.parametrize("taken_back", ["2022-01-12", "2022-08-01"])
def test_a_total_that_is_taken_back_later_is_a_total_until_then(taken_back: str) -> None:
    table = two_lines(PAST, 0.0).assign(status="paid", status_at=pd.NaT)
    back = table.copy()
    some = back["order_id"].isin(["O0", "O3", "O6", "O60", "O61"]) & (back["timestamp"] < taken_back)
    back.loc[some, ["status", "status_at"]] = ["cancelled", pd.Timestamp(taken_back)]
    alone, both = cc.Histories(table), cc.Histories(back)
    for as_of in ("2022-01-10", "2022-01-20", "2022-03-01", "2022-07-20"):
        told = [cc.feature_table(one, as_of) for one in (alone, both)]
        if pd.Timestamp(as_of) <= pd.Timestamp(taken_back):
            pd.testing.assert_frame_equal(*told)
    gone = PAST["amount"][:7:3].sum() + (PAST["amount"][60:62].sum() if taken_back > "2022-02" else 0.0)
    assert both.transactions["amount"].sum() == pytest.approx(PAST["amount"].sum() - gone)
    assert bought(both, "2022-07-20") == pytest.approx(
        PAST["amount"].sum() - (gone if taken_back < "2022-02" else 0.0)
    )
