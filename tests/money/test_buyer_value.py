"""What buyers may bring, as a range that holds."""

import numpy as np
import pandas as pd
import pytest

import clientcare as cc


class Book:
    """A model that gives every buyer the same risk within 90 days, and knows no purchases."""

    def __init__(self, risk=np.nan):
        self.risk = risk

    def score(self, histories, as_of):
        index = pd.Index(histories.until(as_of).buyer_ids, name="buyer_id")
        return pd.DataFrame(
            {"churn_risk": self.risk, "horizon_days": 90, "expected_purchases": np.nan}, index=index
        )


def shop(seed, n=250):
    """Buyers at rates and amounts of their own, who leave in time."""
    rng, rows = np.random.default_rng(seed), []
    for buyer in range(n):
        rate, mean = rng.gamma(1.5, 1 / 60), np.exp(rng.normal(3.5, 0.6))
        day, leaves = float(rng.integers(0, 500)), rng.exponential(900)
        stop = day + leaves
        while day < min(stop, 1460):
            amount = round(float(mean * rng.gamma(6) / 6), 2)
            rows.append((buyer, pd.Timestamp("2020-01-01") + pd.Timedelta(days=int(day)), amount))
            day += max(1.0, rng.exponential(1 / rate))
    bought = pd.DataFrame(rows, columns=["buyer_id", "timestamp", "amount"])
    return bought, cc.Histories(bought, observed_from="2020-01-01", observed_until="2024-01-01")


def test_what_purchases_brought_lies_within_nine_of_ten_ranges():
    inside, ratio = [], []
    for seed in range(4):
        bought, histories = shop(seed)
        told = cc.buyer_value(Book(), histories, "2022-01-01", years=2, yearly_rate=0.0).table
        later = bought[(bought["timestamp"] >= "2022-01-01") & (bought["timestamp"] < "2024-01-01")]
        came = later.groupby("buyer_id")["amount"].sum().reindex(told.index).fillna(0.0)
        inside += ((told["low"] <= came) & (came <= told["high"])).tolist()
        ratio.append(told["value"].sum() / came.sum())
    assert 0.85 <= np.mean(inside) <= 0.97
    assert np.mean(ratio) == pytest.approx(1.0, abs=0.15)


def test_a_contract_brings_its_amount_until_it_is_left():
    contracts = pd.DataFrame(
        {
            "buyer_id": ["sure", "given up", "gone"],
            "start": ["2023-01-01", "2023-01-01", "2021-01-01"],
            "end": ["2027-12-31", "2027-12-31", "2021-12-31"],
            "notice_at": [None, "2023-12-15", None],
            "cancelled_at": [None, "2024-04-01", None],
            "amount": [100.0, 100.0, 100.0],
        }
    )
    histories = cc.Histories(contracts=contracts, observed_until="2024-01-01")
    table = cc.buyer_value(Book(0.0), histories, years=1, yearly_rate=0.0).table
    assert table.loc["sure", "value"] == pytest.approx(1200, rel=0.05)
    assert table.loc["given up", "value"] == pytest.approx(300, rel=0.05)
    assert table.loc["gone", "value"] == 0.0


def test_contracts_that_are_renewed_three_times_of_four_bring_as_much():
    rng, rows = np.random.default_rng(2), []
    for buyer in range(500):
        start = pd.Timestamp("2018-01-01") + pd.Timedelta(days=int(rng.integers(0, 1400)))
        while start < pd.Timestamp("2026-01-01"):
            rows.append((f"b{buyer}", start, start + pd.Timedelta(days=364), 10.0))
            start += pd.Timedelta(days=365)
            if rng.random() > 0.75:
                break
    frame = pd.DataFrame(rows, columns=["buyer_id", "start", "end", "amount"])
    histories = cc.Histories(contracts=frame, observed_until="2026-01-01")
    now = pd.Timestamp("2022-01-01")
    told = cc.buyer_value(Book(), histories, now, years=3, yearly_rate=0.0)
    span = (frame["end"] + pd.Timedelta(days=1)).clip(upper=now + pd.Timedelta(days=3 * 365.25)) - frame[
        "start"
    ].clip(lower=now)
    mine = frame["buyer_id"].isin(told.table.index[told.table["value"] > 0])
    came = (span.dt.days.clip(lower=0) * 120 / 365.25)[mine].sum()
    assert told.total == pytest.approx(came, rel=0.1)
    assert told.total_low < came < told.total_high


def test_money_later_is_worth_less_and_more_years_bring_more():
    _, histories = shop(5, 120)
    values = [
        cc.buyer_value(Book(), histories, years=years, yearly_rate=rate).total
        for years, rate in ((1, 0), (3, 0), (3, 0.2))
    ]
    assert values[0] < values[2] < values[1]


def test_the_order_of_rows_and_later_rows_change_nothing():
    bought, histories = shop(6, 120)
    first = cc.buyer_value(Book(), histories, "2022-01-01").table
    again = cc.Histories(
        bought.sample(frac=1, random_state=1), observed_from="2020-01-01", observed_until="2024-01-01"
    )
    pd.testing.assert_frame_equal(cc.buyer_value(Book(), again, "2022-01-01").table, first)
    pd.testing.assert_frame_equal(
        cc.buyer_value(Book(), histories.until("2022-01-01"), "2022-01-01").table, first
    )


def test_it_says_what_it_assumes_and_what_makes_no_sense():
    _, histories = shop(7, 120)
    told = cc.buyer_value(Book(), histories, years=10)
    assert "never seen" in repr(told) and "Nobody new" in repr(told) and " to " in repr(told)
    for asked in ({"years": 0}, {"years": 100}, {"yearly_rate": 1.5}):
        with pytest.raises(cc.exceptions.OptionError):
            cc.buyer_value(Book(), histories, **asked)
