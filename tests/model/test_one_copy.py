"""What a fit learns from stands in memory once: members take what they look at, and no more."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from clientcare.datasets import load_retailer, load_service_firm
from clientcare.history import Histories
from clientcare.model.members.linear import RidgeLogistic
from clientcare.model.members.rules import OverdueRule, RecencyRule
from clientcare.model.members.trees import ShallowBoosting
from clientcare.model.training.amounts import PurchaseAmounts, Standing
from clientcare.model.training.encoding import Encoding, columns_by_name
from clientcare.model.training.table import columns_of, rows_at, rows_of

NAMES = ["first", "days_since_last_purchase", "overdue_ratio", "n_purchases", "purchase_amount_mean"]


def some_table(n_rows: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = np.asfortranarray(rng.exponential(10, (n_rows, len(NAMES))))
    X[rng.random(X.shape) < 0.1] = np.nan
    rows = np.flatnonzero(rng.random(n_rows) < 0.7)
    return X, rows, (rng.random(len(rows)) < 0.4).astype(float)


@pytest.mark.parametrize(
    "member",
    [
        RecencyRule(),
        OverdueRule(),
        RidgeLogistic(most_rows=200),
        RidgeLogistic(),
        ShallowBoosting(n_trees=5, most_rows=200),
    ],
)
def test_a_member_learns_the_same_from_some_rows_of_a_table_as_from_a_copy_of_them(member):
    X, rows, y = some_table(600)
    copied, taken = (type(member)(**member.get_params()) for _ in range(2))
    for one in (copied, taken):
        one.columns_, one.classes_ = NAMES, np.array([False, True])
    copied._fit(X.T.take(rows, axis=1).T, y)
    taken._fit_some(X, rows, y)
    assert taken.columns_ == NAMES
    np.testing.assert_array_equal(taken._log_odds(X), copied._log_odds(X))


def test_amounts_learn_the_same_from_some_rows_of_a_table():
    X, rows, _ = some_table(600)
    n_purchases = np.random.default_rng(1).integers(0, 4, len(rows)).astype(float)
    spend = np.where(n_purchases > 0, n_purchases * 12.0, 0.0)
    states = []
    for table, of in ((X.T.take(rows, axis=1).T, None), (X, rows)):
        amounts = PurchaseAmounts(NAMES, NAMES[:4], 90)
        standing = Standing.of(columns_by_name(table, NAMES, of))
        states.append(repr(amounts.fit(table, n_purchases, spend, standing, None, of).get_state()))
    assert states[0] == states[1]


@pytest.mark.parametrize("load", [load_retailer, load_service_firm])
def test_rows_at_past_dates_are_those_of_the_table_of_columns(load):
    told = load().select(load().buyer_ids[:60])
    dates = [told.observed_until.normalize() - pd.Timedelta(days=days) for days in (180, 90)]
    rows, encoding, index = rows_at(told, dates, 90, ())
    table = columns_of(told, dates, 90)
    again = rows_of(table, Encoding(()).fit(table), told.buyer_ids)
    assert encoding.names == again.names
    assert list(index) == list(table.index)
    np.testing.assert_array_equal(rows.X, again.X)
    np.testing.assert_array_equal(rows.buyer, again.buyer)


def test_rows_of_bare_purchases_are_those_of_the_table_of_columns():
    told = Histories(load_retailer().transactions[["buyer_id", "timestamp", "amount"]])
    dates = [told.observed_until.normalize() - pd.Timedelta(days=days) for days in (180, 90)]
    rows, encoding, _ = rows_at(told, dates, 90, ())
    table = columns_of(told, dates, 90)
    assert encoding.names == list(table.columns)
    np.testing.assert_array_equal(rows.X, Encoding(()).fit(table).transform(table))
