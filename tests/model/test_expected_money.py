"""Expected money follows a buyer's own level, expected purchases the own cycle, and nothing is expected of nobody."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import clientcare as cc
from clientcare.model.training.prices import PriceMoves, price_signs, price_windows


def book_and_came(orders, as_of, horizon, until):
    histories = cc.Histories(orders, observed_until=until)
    model = cc.RelationshipModel(horizon=horizon, effort="quick", random_state=0).fit(histories, as_of=as_of)
    book = model.score(histories, as_of=as_of)
    start = pd.Timestamp(as_of)
    inside = orders[(orders.timestamp >= start) & (orders.timestamp < start + pd.Timedelta(horizon))]
    return book, inside


def test_spend_follows_buyers_whose_amounts_grow_and_those_whose_stay():
    random, rows = np.random.default_rng(4), []
    first = pd.Timestamp("2022-01-01")
    for number in range(300):
        when, grows = first + pd.Timedelta(days=int(random.integers(0, 60))), number % 2
        while when < pd.Timestamp("2024-10-01"):
            level = 50 * (1.06 ** ((when - first).days / 30.4) if grows else 1)
            rows.append((f"{'grow' if grows else 'flat'}{number}", when, level * random.gamma(16, 1 / 16)))
            when += pd.Timedelta(days=int(random.integers(20, 41)))
    orders = pd.DataFrame(rows, columns=["buyer_id", "timestamp", "amount"])
    book, inside = book_and_came(orders, "2024-07-01", "90D", "2024-10-01")
    came = inside.groupby("buyer_id").amount.sum().reindex(book.index).fillna(0)
    for group in ("grow", "flat"):
        of = book.index.str.startswith(group)
        assert book.expected_spend[of].sum() == pytest.approx(came[of].sum(), rel=0.15)


@pytest.mark.parametrize(
    ("gap", "horizon", "leave"), [(7, "30D", 0.03), (14, "90D", 0.05), (30, "90D", 0.06)]
)
def test_purchases_by_the_clock_are_counted_by_the_clock(gap, horizon, leave):
    random, rows, end = np.random.default_rng(2), [], pd.Timestamp("2025-03-31")
    for buyer in range(300):
        when = pd.Timestamp("2023-01-02") + pd.Timedelta(days=int(random.integers(0, 600)))
        for _ in range(int(random.geometric(leave))):
            if when > end:
                break
            rows.append((buyer, when, 15.0))
            when += pd.Timedelta(days=gap)
    orders = pd.DataFrame(rows, columns=["buyer_id", "timestamp", "amount"])
    book, inside = book_and_came(orders, "2024-11-01", horizon, end)
    assert book.expected_purchases.sum() == pytest.approx(len(inside), rel=0.15)


def test_a_contract_that_ended_brings_nothing_and_is_not_unknown():
    random = np.random.default_rng(0)
    start = pd.Timestamp("2022-01-01") + pd.to_timedelta(random.integers(0, 700, 120), unit="D")
    gone = start + pd.to_timedelta(random.integers(30, 700, 120), unit="D")
    cancelled = pd.Series(gone).where((np.arange(120) < 50) & (gone < pd.Timestamp("2024-09-01")))
    contracts = pd.DataFrame(
        {
            "buyer_id": [f"x{k}" for k in range(120)],
            "start": start,
            "cancelled_at": cancelled,
            "amount": 100.0,
        }
    )
    histories = cc.Histories(contracts=contracts, observed_until="2024-09-01")
    book = cc.RelationshipModel(horizon="90D", effort="quick", random_state=0).fit(histories).score(histories)
    assert book.expected_spend.notna().all()
    ended = cancelled.notna().to_numpy()
    assert (book.expected_spend.reindex(contracts.buyer_id[ended]) == 0).all()
    assert (book.expected_spend.reindex(contracts.buyer_id[~ended]) > 0).all()


def test_latest_amounts_move_the_next_only_where_they_did():
    random = np.random.default_rng(0)
    names = ["purchase_amount_mean", "purchase_amount_last", "spent_30d", "n_purchases_30d"]
    n = 600
    lately = np.exp(random.normal(0, 0.3, n))
    table = dict(
        zip(
            names,
            (np.full(n, 10.0), 10 * lately, 40 * lately, np.full(n, 4.0)),
            strict=True,
        )
    )
    windows = price_windows(names)
    assert windows == [30]
    signs = price_signs(table.get, windows)
    bought, buyer = np.full(n, 3.0), np.arange(n)
    follows = PriceMoves(windows).fit(signs, bought, 30 * lately, np.full(n, 10.0), buyer)
    assert np.corrcoef(follows.factor(table.get), lately)[0, 1] > 0.95
    noise = 30 * np.exp(random.normal(0, 0.3, n))
    stays = PriceMoves(windows).fit(signs, bought, noise, np.full(n, 10.0), buyer)
    assert np.abs(np.log(np.ones(n) * stays.factor(table.get))).max() < 0.2


def test_a_factor_is_the_same_whoever_stands_beside():
    signs = np.random.default_rng(1).normal(0, 0.3, (50, 2))
    moves = PriceMoves([30], np.array([0.3, 0.2]))
    table = {
        "purchase_amount_mean": np.full(50, 10.0),
        "purchase_amount_last": 10 * np.exp(signs[:, 0]),
        "spent_30d": 20 * np.exp(signs[:, 1]),
        "n_purchases_30d": np.full(50, 2.0),
    }
    whole = moves.factor(table.get)
    part = moves.factor({name: values[7:9] for name, values in table.items()}.get)
    assert np.asarray(whole)[7:9].tobytes() == np.asarray(part).tobytes()


def test_who_is_under_notice_brings_what_is_due_until_the_service_ends():
    random, day = np.random.default_rng(4), pd.Timedelta(days=1)
    start = pd.Timestamp("2021-01-01") + pd.to_timedelta(random.integers(0, 1200, 900), unit="D")
    ends = pd.Series(start) + pd.to_timedelta(random.exponential(900, 900).astype(int) + 60, unit="D")
    notice = ends - pd.to_timedelta(random.integers(30, 90, 900), unit="D")
    given = notice < pd.Timestamp("2024-09-01")
    contracts = pd.DataFrame(
        {
            "buyer_id": [f"x{k}" for k in range(900)],
            "start": start,
            "cancelled_at": ends.where(given),
            "notice_at": notice.where(given),
            "amount": 100.0,
        }
    )
    as_of = pd.Timestamp("2024-09-01")
    histories = cc.Histories(contracts=contracts, observed_until=as_of)
    book = cc.RelationshipModel(horizon="90D", effort="quick", random_state=0).fit(histories).score(histories)
    row = contracts.set_index("buyer_id")
    under = row.index[(row["start"] < as_of) & (row["cancelled_at"] > as_of)]
    due = ((row.loc[under, "cancelled_at"] - as_of) / day).clip(upper=90) * 100 / 30.4375

    assert len(under) >= 10
    told = book.loc[under]
    assert (told["status"] == "active").all()
    assert (
        told["churn_risk"].min() > 5 * book.loc[row.index[row["cancelled_at"].isna()], "churn_risk"].median()
    )
    assert told["expected_spend"].sum() == pytest.approx(due.sum(), rel=0.15)
    assert (told["expected_spend"] >= 0.9 * due).all()
