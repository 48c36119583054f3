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
