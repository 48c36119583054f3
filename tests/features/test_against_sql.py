"""The kernel against the same features said in SQL: equal to 1e-9, and unknown in the same places."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

from clientcare.features import feature_table
from clientcare.history import Histories
from features.sql_features import features_in_sql
from strategies import some_dates, some_histories

EXACT = ["n_purchases", "days_since_first_purchase", "days_since_last_purchase"]


def compare(histories: Histories, as_of: pd.Timestamp) -> int:
    """Number of features compared; fails where one differs."""
    ours, theirs = feature_table(histories, as_of), features_in_sql(histories, as_of)
    assert ours.index.tolist() == theirs.index.tolist()
    columns = [name for name in theirs.columns if name in ours.columns]
    for name in columns:
        mine, other = ours[name].to_numpy(), theirs[name].to_numpy()
        assert np.array_equal(np.isnan(mine), np.isnan(other)), f"{name}: unknown in other places"
        difference = np.abs(mine - other) / np.maximum(1, np.abs(other))
        assert np.nanmax(difference, initial=0) <= 1e-9, name
    for name in EXACT:
        if name in columns:
            assert np.array_equal(ours[name], theirs[name], equal_nan=True)
    return len(columns)


@settings(max_examples=max(12, settings().max_examples // 2))
@given(some_histories(), some_dates())
def test_random_histories_give_what_sql_gives(histories, as_of):
    compare(histories, as_of)


def test_more_than_forty_features_are_said_in_sql(full_histories):
    assert compare(full_histories, pd.Timestamp("2021-06-01")) >= 80


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "as_of"),
    [
        ("cdnow", "1998-01-01"),
        ("grocery_elog", "2007-07-01"),
        ("online_retail", "2011-09-01"),
        ("cadf_ltv", "2020-01-01"),
    ],
)
def test_real_histories_give_what_sql_gives(name, as_of, real_transactions):
    assert compare(Histories(real_transactions(name)), pd.Timestamp(as_of)) >= 40


@pytest.mark.data
def test_real_contacts_and_contracts_give_what_sql_gives(real_table):
    contracts = real_table("ravenstack_saas", "contracts")
    interactions = real_table("ravenstack_saas", "interactions")
    histories = Histories(interactions=interactions, contracts=contracts, satisfaction_scale=(1, 5))
    assert compare(histories, pd.Timestamp("2024-07-01")) >= 24
