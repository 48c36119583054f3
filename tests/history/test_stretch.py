"""Until when the records are dense, holes in them, tables that do not meet, and how much was set aside."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from doors import found

import clientcare as cc
from clientcare.cli.program import main
from clientcare.history import Histories
from clientcare.history.density import dense_end, find_holes
from clientcare.model.training.snapshots import plan_snapshots


def rows(n_days: int, a_day: int = 8, seed: int = 0, **columns) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    n_rows = n_days * a_day
    when = pd.Timestamp("2022-01-01") + pd.to_timedelta(rng.uniform(0, n_days, n_rows), unit="D")
    buyers = [f"b{number:03d}" for number in rng.integers(0, 200, n_rows)]
    return pd.DataFrame({"buyer_id": buyers, "timestamp": when, "amount": 20.0} | columns)


def test_a_table_that_goes_on_after_the_orders_does_not_move_the_present():
    orders, calls = rows(650), rows(725, seed=1).drop(columns="amount").assign(kind="call")
    alone = Histories(orders)
    both = Histories(orders, calls)
    assert alone.observed_until == both.observed_until == pd.Timestamp("2022-01-01") + pd.Timedelta(days=650)
    assert found(both, "beyond_other_tables", "interactions") > 500
    assert "ends_early" in set(both.quality["rule"])


def test_bookings_ahead_are_not_the_present():
    orders = rows(600)
    ahead = rows(90, seed=2).sample(frac=0.1, random_state=0)
    ahead["timestamp"] += pd.Timedelta(days=600)
    histories = Histories(pd.concat([orders, ahead]))
    assert abs((histories.observed_until - pd.Timestamp("2022-01-01")).days - 600) <= 3
    assert found(histories, "dated_ahead") >= 60


@pytest.mark.parametrize("a_day", [1, 8])
def test_plain_tables_go_on_to_their_last_day(a_day):
    for seed in range(20):
        orders = rows(500, a_day=a_day, seed=seed)
        assert Histories(orders).observed_until == orders["timestamp"].max().normalize() + pd.Timedelta(
            days=1
        )


def test_a_season_is_neither_an_end_nor_a_hole():
    days = np.repeat(np.arange(3 * 365), 4)
    open_days = days[(days % 365 >= 60) & (days % 365 < 300)]
    assert find_holes(open_days) == ()
    slow = np.concatenate([open_days, np.arange(0, 3 * 365, 5)])
    assert dense_end(slow, last_day=int(slow.max())) == int(slow.max()) + 1


def test_a_hole_is_found_and_no_past_date_lies_over_it():
    orders = rows(730)
    lost = orders["timestamp"].between("2023-06-01", "2023-08-29")
    histories = Histories(orders[~lost])
    assert histories.holes["table"].tolist() == ["transactions"]
    [(first, after)] = histories.holes_in("transactions")
    assert (first, after) == (pd.Timestamp("2023-06-01"), pd.Timestamp("2023-08-29"))
    assert Histories(orders).holes.empty
    assert histories.until("2023-07-01").holes.empty
    plan = plan_snapshots(
        pd.Timestamp("2023-12-31"),
        histories.observed_from,
        60,
        20,
        8,
        30,
        holes=histories.holes_in("transactions"),
    )
    assert len(plan.dates) == 8
    assert not any(date < after and first < date + pd.Timedelta(days=60) for date in plan.dates)


def test_rare_rows_have_no_holes():
    assert Histories(rows(700, a_day=1).iloc[::5]).holes.empty


def test_tables_that_share_no_buyer_head_everything(capsys, tmp_path):
    orders = rows(100)
    calls = orders[["timestamp"]].assign(buyer_id=orders["buyer_id"].str.upper(), kind="call")
    histories = Histories(orders, calls)
    assert histories.quality["rule"].iloc[0] == "no_shared_buyers"
    assert "do not meet" in repr(histories)
    assert "buyers of the other tables" in histories.says[0]
    assert Histories(orders, calls, ids="fold").says == ()
    assert found(histories, "ids_spelled_apart") == len(orders)
    for name, frame in (("o", orders), ("c", calls)):
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    given = ["check", "--transactions", str(tmp_path / "o.csv"), "--interactions", str(tmp_path / "c.csv")]
    assert main(given) == 0
    assert "do not meet" in capsys.readouterr().err
    assert main([*given, "--strict"]) == 2
    assert main([*given, "--ids", "fold", "--strict"]) == 0


def test_much_set_aside_is_said_and_ends_a_strict_run(capsys, tmp_path):
    orders = rows(100)
    orders["timestamp"] = orders["timestamp"].astype(str)
    orders.loc[::20, "timestamp"] = "no date"
    histories = Histories(orders)
    assert len(histories.says) == 1
    assert "40 of 800 rows were set aside (5% of the money)" in histories.says[0]
    orders.to_csv(tmp_path / "o.csv", index=False)
    given = ["check", "--transactions", str(tmp_path / "o.csv")]
    assert main(given) == 0
    assert "40 of 800" in capsys.readouterr().err
    assert main([*given, "--strict"]) == 2


def test_one_large_row_set_aside_is_much_money():
    orders = rows(100)
    orders.loc[0, ["amount", "buyer_id"]] = [50_000.0, None]
    assert "of the money" in Histories(orders).says[0]


def test_interactions_alone_say_that_nobody_can_be_scored():
    calls = rows(50).drop(columns="amount").assign(kind="call")
    assert any("nobody to score" in sentence for sentence in Histories(interactions=calls).says)


def test_known_spans_are_the_same_whatever_comes_later():
    orders = rows(600)
    early = cc.feature_table(Histories(orders[orders["timestamp"] < "2023-03-01"]), as_of="2023-03-01")
    late = cc.feature_table(Histories(orders), as_of="2023-03-01")
    pd.testing.assert_frame_equal(early, late)
