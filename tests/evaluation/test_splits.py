"""A test date never meets a training row whose label reaches past it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score

from clientcare.evaluation import SnapshotSplit
from clientcare.exceptions import InputError, NotEnoughDataError, OptionError


def a_table(n_dates=6, n_buyers=20, every="30D"):
    dates = pd.date_range("2011-01-01", periods=n_dates, freq=every)
    index = pd.MultiIndex.from_product([dates, range(n_buyers)], names=["as_of", "buyer_id"])
    values = np.random.default_rng(0).normal(size=(len(index), 2))
    return pd.DataFrame(values, index=index, columns=["a", "b"])


def test_training_rows_lie_a_whole_horizon_before_the_test_date():
    X = a_table()
    as_of = X.index.get_level_values("as_of")
    for train, test in SnapshotSplit(n_splits=3, horizon="60D").split(X):
        assert as_of[test].nunique() == 1
        assert as_of[train].max() + pd.Timedelta("60D") <= as_of[test].min()


def test_the_latest_dates_are_the_tests_in_order_of_time():
    X = a_table()
    tested = [X.index[test[0]][0] for _, test in SnapshotSplit(n_splits=2, horizon="60D").split(X)]
    assert tested == list(X.index.get_level_values("as_of").unique()[-2:])


def test_it_serves_scikit_learns_own_searches():
    X = a_table()
    y = (X["a"] > 0).astype(int)
    scores = cross_val_score(LogisticRegression(), X, y, cv=SnapshotSplit(n_splits=3, horizon=30))
    assert len(scores) == 3
    assert scores.mean() > 0.8


def test_dates_may_be_given_beside_a_plain_array():
    X = a_table()
    dates = X.index.get_level_values("as_of")
    beside = list(SnapshotSplit(2, "60D").split(X.to_numpy(), groups=dates))
    within = list(SnapshotSplit(2, "60D").split(X))
    for (train, test), (train_too, test_too) in zip(beside, within, strict=True):
        assert (train == train_too).all() and (test == test_too).all()


def test_rows_without_a_date_are_refused():
    with pytest.raises(InputError, match="do not say their as_of"):
        list(SnapshotSplit(2).split(np.zeros((4, 2))))


def test_too_few_dates_are_refused_with_a_way_out():
    with pytest.raises(NotEnoughDataError, match="Add earlier snapshots"):
        list(SnapshotSplit(3, horizon="360D").split(a_table()))


@pytest.mark.parametrize("n_splits", [0, -1, 1.5, True, "2"])
def test_a_number_of_splits_that_is_none_is_refused(n_splits):
    with pytest.raises(OptionError, match="n_splits"):
        next(SnapshotSplit(n_splits=n_splits, horizon="60D").split(a_table()))
