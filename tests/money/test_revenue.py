"""What became of the money adds up, and says what happened."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import clientcare as cc

MOVES = ["new", "expansion", "contraction", "lost", "won_back"]


def terms(*rows, until="2025-01-01", since="2023-01-01", **tables):
    frame = pd.DataFrame(rows, columns=["buyer_id", "start", "end", "amount"])
    return cc.Histories(contracts=frame, observed_from=since, observed_until=until, **tables)


def cents(table, columns):
    return (table[columns] * 100).round().astype("int64")


def assert_adds_up(table):
    moves = cents(table, [*MOVES, "moved"]).sum(axis=1)
    assert ((cents(table, ["opening"])["opening"] + moves) == cents(table, ["closing"])["closing"]).all()


def test_opening_amounts_are_no_new_money():
    """Whoever was there before the stated first day stands in the opening."""
    first = cc.revenue(terms(("a", "2020-01-01", None, 100.0), ("b", "2023-01-15", None, 50.0))).iloc[0]
    assert (first.opening, first.new, first.closing) == (100.0, 50.0, 150.0)
    assert (first.n_opening, first.n_new, first.n_closing) == (1, 1, 2)


def test_a_change_within_a_month_counts_once_at_its_end():
    table = cc.revenue(terms(("a", "2023-01-01", "2023-05-14", 100.0), ("a", "2023-05-15", None, 70.0)))
    assert table.loc["2023-05-31", "contraction"] == -30.0
    assert table.contraction.sum() == -30.0 and table.lost.sum() == 0.0


def test_who_comes_back_after_a_year_is_won_back_and_not_new():
    table = cc.revenue(terms(("a", "2023-01-01", "2023-03-31", 100.0), ("a", "2024-06-01", None, 90.0)))
    assert table.loc["2023-04-30", "lost"] == -100.0
    assert table.loc["2024-06-30", "won_back"] == 90.0
    assert table.new.sum() == 100.0


def test_a_pause_at_price_zero_loses_money_and_nobody():
    table = cc.revenue(
        terms(
            ("a", "2023-01-01", "2023-03-31", 100.0),
            ("a", "2023-04-01", "2023-06-30", 0.0),
            ("a", "2023-07-01", None, 100.0),
        )
    )
    assert table.loc["2023-04-30", ["contraction", "lost", "n_lost"]].tolist() == [-100.0, 0.0, 0]
    assert table.loc["2023-07-31", ["expansion", "won_back"]].tolist() == [100.0, 0.0]
    assert (table.n_closing == 1).all()


def test_a_trial_is_nobody_before_it_pays():
    table = cc.revenue(terms(("a", "2023-01-01", "2023-02-28", 0.0), ("a", "2023-03-01", None, 10.0)))
    assert table.loc["2023-02-28", "n_closing"] == 0
    assert table.loc["2023-03-31", ["new", "n_new"]].tolist() == [10.0, 1]


def test_annual_bills_are_the_contract_and_no_purchases():
    bills = pd.DataFrame({"buyer_id": "a", "timestamp": ["2023-01-05", "2024-01-04"], "amount": 1200.0})
    extra = pd.DataFrame({"buyer_id": ["a"], "timestamp": ["2023-06-10"], "amount": [333.0]})
    histories = terms(
        ("a", "2023-01-01", "2023-12-31", 100.0),
        ("a", "2024-01-01", "2024-12-31", 100.0),
        transactions=pd.concat([bills, extra]),
    )
    table = cc.revenue(histories)
    assert table.loc["2023-06-30", "closing"] == 433.0
    assert (table.drop(pd.Timestamp("2023-06-30")).closing.to_numpy() == 100.0).all()
    assert cc.revenue(histories, "YE").closing.tolist() == [1533.0, 1200.0]


def test_returns_lower_the_money_of_their_month():
    orders = pd.DataFrame(
        {
            "buyer_id": "a",
            "timestamp": ["2023-01-05", "2023-02-05", "2023-02-20"],
            "amount": [50.0, 40.0, -15.5],
        }
    )
    table = cc.revenue(cc.Histories(orders, observed_until="2023-03-01"))
    assert table.closing.tolist() == [50.0, 24.5]
    assert table.contraction.tolist() == [0.0, -25.5]


def test_a_row_recorded_later_counts_when_it_became_known():
    orders = pd.DataFrame(
        {
            "buyer_id": ["a", "a", "b"],
            "timestamp": ["2023-01-05", "2023-02-05", "2023-01-10"],
            "amount": [50.0, 50.0, 30.0],
            "recorded_at": [None, None, "2023-02-15"],
        }
    )
    table = cc.revenue(cc.Histories(orders, observed_until="2023-03-01"))
    assert table.closing.tolist() == [50.0, 80.0]
    early = cc.revenue(cc.Histories(orders, observed_until="2023-03-01").until("2023-02-01"))
    assert early.closing.tolist() == [50.0]


def test_of_several_rows_of_one_contract_the_latest_counts():
    frame = pd.DataFrame(
        {
            "buyer_id": "a",
            "start": ["2023-01-01", "2023-04-01", "2023-02-01"],
            "amount": [100.0, 110.0, 7.0],
            "contract_id": ["one", "one", "two"],
        }
    )
    table = cc.revenue(cc.Histories(contracts=frame, observed_until="2023-06-01"))
    assert table.closing.tolist() == [100.0, 107.0, 107.0, 117.0, 117.0]


def test_who_changes_plans_is_neither_lost_nor_new():
    frame = pd.DataFrame(
        {
            "buyer_id": "a",
            "start": ["2023-01-01", "2023-04-01"],
            "end": ["2023-03-31", None],
            "amount": [100.0, 130.0],
            "plan": ["basic", "pro"],
        }
    )
    histories = cc.Histories(contracts=frame, observed_until="2023-07-01")
    table = cc.revenue(histories, by="plan")
    april = table.xs(pd.Timestamp("2023-04-30"), level="period")
    assert april.loc["pro", ["expansion", "moved"]].tolist() == [30.0, 100.0]
    assert april.loc["basic", ["lost", "moved"]].tolist() == [0.0, -100.0]
    assert_adds_up(table)


def test_retention_is_of_the_opening():
    table = cc.revenue(
        terms(
            ("a", "2020-01-01", "2023-01-20", 100.0),
            ("b", "2020-01-01", "2023-01-09", 300.0),
            ("b", "2023-01-10", None, 330.0),
            ("c", "2023-01-02", None, 999.0),
        )
    ).iloc[0]
    assert (table.gross_retention, table.net_retention, table.logo_retention) == (0.75, 0.825, 0.5)


def test_who_buys_once_a_year_is_kept_over_a_trailing_year():
    orders = pd.DataFrame({"buyer_id": "a", "timestamp": ["2021-03-01", "2022-02-27"], "amount": 120.0})
    histories = cc.Histories(orders, observed_until="2022-12-01")
    assert cc.revenue(histories, "QE").lost.sum() < 0
    assert cc.revenue(histories, "QE", trailing="366D").lost.sum() == 0


def test_several_currencies_are_never_added_up():
    buyers = pd.DataFrame({"buyer_id": ["a", "b"], "currency": ["EUR", "JPY"]})
    histories = terms(("a", "2023-01-01", None, 10.0), ("b", "2023-01-01", None, 16000.0), buyers=buyers)
    with pytest.raises(cc.exceptions.OptionError, match="never added up"):
        cc.revenue(histories)
    table = cc.revenue(histories, by="currency")
    assert table.loc["JPY", "closing"].iloc[-1] == 16000.0


@pytest.mark.parametrize("wrong", [{"periods": "hour"}, {"by": "shoe size"}, {"source": "wishes"}])
def test_what_makes_no_sense_is_refused(wrong):
    with pytest.raises(cc.exceptions.OptionError):
        cc.revenue(terms(("a", "2023-01-01", None, 10.0)), **wrong)


def test_without_amounts_there_is_no_money_to_tell_of():
    visits = pd.DataFrame({"buyer_id": ["a"], "timestamp": ["2023-01-01"]})
    with pytest.raises(cc.exceptions.NotEnoughDataError, match="amount"):
        cc.revenue(cc.Histories(visits, observed_until="2023-06-01"))


def random_ledger(seed):
    random = np.random.default_rng(seed)
    n = 60
    start = pd.Timestamp("2022-01-01") + pd.to_timedelta(random.integers(0, 900, n), unit="D")
    contracts = pd.DataFrame(
        {
            "buyer_id": random.integers(0, 15, n).astype(str),
            "start": start,
            "end": (start + pd.to_timedelta(random.integers(5, 500, n), unit="D")).where(
                random.random(n) < 0.8
            ),
            "amount": random.choice([0.0, 9.99, 33.33, 100.0, 120.0], n),
            "plan": random.choice(["basic", "pro", "team"], n),
            "contract_id": random.choice(["k1", "k2", None], n),
            "recorded_at": (start + pd.to_timedelta(random.integers(0, 90, n), unit="D")).where(
                random.random(n) < 0.3
            ),
        }
    )
    m = 120
    when = pd.Timestamp("2022-01-01") + pd.to_timedelta(random.integers(0, 1000, m), unit="D")
    orders = pd.DataFrame(
        {
            "buyer_id": random.integers(0, 20, m).astype(str),
            "timestamp": when,
            "amount": random.normal(30, 30, m).round(2),
            "recorded_at": (when + pd.to_timedelta(random.integers(0, 60, m), unit="D")).where(
                random.random(m) < 0.2
            ),
        }
    )
    buyers = pd.DataFrame({"buyer_id": np.arange(20).astype(str), "segment": random.choice(["s", "l"], 20)})
    return cc.Histories(orders, contracts=contracts, buyers=buyers, observed_until="2024-10-17")


@given(st.integers(0, 10_000), st.sampled_from(["ME", "QE", "YE"]))
@settings(max_examples=12, deadline=None)
def test_money_adds_up_to_the_cent_at_every_level(seed, periods):
    """By period and along time; and the groups of every kind add up to the whole."""
    histories = random_ledger(seed)
    whole = cc.revenue(histories, periods)
    assert_adds_up(whole)
    assert (whole.moved == 0).all()
    closing, opening = cents(whole, ["closing"])["closing"], cents(whole, ["opening"])["opening"]
    assert (closing.to_numpy()[:-1] == opening.to_numpy()[1:]).all()
    n = whole.n_opening + whole.n_new - whole.n_lost + whole.n_won_back
    assert (n == whole.n_closing).all()
    for by in ("plan", "segment", "cohort"):
        parts = cc.revenue(histories, periods, by)
        assert_adds_up(parts)
        added = cents(parts, ["opening", *MOVES, "moved", "closing"]).groupby(level="period").sum()
        pd.testing.assert_frame_equal(added, cents(whole, ["opening", *MOVES, "moved", "closing"]))


@given(st.integers(0, 10_000))
@settings(max_examples=6, deadline=None)
def test_what_comes_later_changes_no_past_row(seed):
    histories = random_ledger(seed)
    early = cc.revenue(histories.until("2023-07-01"))
    pd.testing.assert_frame_equal(cc.revenue(histories).loc[: early.index[-1]], early)


def test_all_purchases_are_in_the_closings():
    orders = random_ledger(3).transactions
    histories = cc.Histories(orders, observed_until="2025-01-01")
    assert cc.revenue(histories).closing.sum() == pytest.approx(orders.amount.sum(), abs=0.001)
