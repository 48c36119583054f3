"""Purchases and money to come: totals keep the level, and no single buyer makes it."""

from __future__ import annotations

import numpy as np
import pytest

from clientcare.model.training.amounts import PurchaseAmounts, Standing


def learned(spend, mean_amount):
    n = len(spend)
    amounts = PurchaseAmounts(["n_purchases"], ["n_purchases"], 90)
    standing = Standing(mean_amount, np.full(n, 5.0), np.zeros(n, dtype=bool), np.zeros(n))
    return amounts.fit(np.full((n, 1), 5.0), np.ones(n), spend, standing)


def test_amounts_that_rise_for_everybody_are_carried_forward():
    amounts = learned(np.full(400, 12.0), np.full(400, 10.0))
    assert amounts.level == pytest.approx(1.2, rel=0.01)


def test_one_large_buyer_does_not_raise_what_is_expected_of_all():
    spend = np.full(400, 10.0)
    spend[0] = 8_000.0
    amounts = learned(spend, np.full(400, 10.0))
    assert spend.sum() / 4_000 > 2.9
    assert amounts.level < 1.1


def test_an_order_that_was_cancelled_brings_no_amount():
    """Of 168,470 bought and cancelled and 2.90 kept, two purchases brought 1.45 each."""
    table = {
        "purchase_amount_mean": np.array([84236.45, 50.0, np.nan]),
        "total_spent": np.array([168472.90, 100.0, 0.0]),
        "net_spent": np.array([2.90, 100.0, 0.0]),
    }
    standing = Standing.of(lambda name: table.get(name, np.full(3, np.nan)))
    np.testing.assert_allclose(standing.mean_amount, [1.45, 50.0, np.nan])


def test_with_half_a_year_known_each_buyer_is_expected_at_the_own_rate():
    """What grows with the length of the record said another thing at past dates, whose record was shorter."""
    import pandas as pd

    import clientcare as cc

    rng, rows = np.random.default_rng(0), []
    for buyer, rate in enumerate(rng.gamma(1.5, 1 / 12, 500)):
        days = np.cumsum(1 + rng.exponential(1 / rate, 400))
        rows += [(buyer, int(day), 10.0) for day in days[days < 270]]
    bought = pd.DataFrame(rows, columns=["buyer_id", "day", "amount"])
    bought["timestamp"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(bought.pop("day"), unit="D")
    histories = cc.Histories(bought, observed_from="2024-01-01", observed_until="2024-09-27")
    as_of = pd.Timestamp("2024-06-29")
    model = cc.RelationshipModel(horizon="90D", effort="quick", random_state=0).fit(histories, as_of=as_of)
    expected = model.score(histories, as_of=as_of)["expected_purchases"]
    late = bought["timestamp"] >= as_of
    came = bought[late].groupby("buyer_id").size().reindex(expected.index).fillna(0)
    last = bought[~late & (bought["timestamp"] >= as_of - pd.Timedelta(days=90))].groupby("buyer_id").size()
    last = last.reindex(expected.index).fillna(0)
    assert (expected - came).abs().mean() < (last - came).abs().mean()
    assert expected.sum() == pytest.approx(came.sum(), rel=0.15)
