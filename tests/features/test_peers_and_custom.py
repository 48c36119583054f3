"""Where a buyer stands among others, and features of the user's own."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from clientcare.exceptions import OptionError
from clientcare.features import (
    PeerNorms,
    feature_catalogue,
    feature_table,
    features_that_leak,
    forget_feature,
    peer_norms,
    register_aggregation,
    register_feature,
    register_prediction,
)
from clientcare.features.norms import add_norms
from clientcare.history import Histories

AS_OF = "2021-06-01"
WORDS = {"unit": "purchases", "nan_meaning": "never", "phrase": "{mine:.0f} of them"}


@pytest.fixture
def own():
    """Forgets what a test registered."""
    yield
    for name in feature_catalogue("custom")["name"]:
        forget_feature(name)


def test_norms_of_parts_add_up_to_the_norms_of_the_whole(full_histories):
    ids = full_histories.buyer_ids
    parts = [full_histories.select(ids[:30]), full_histories.select(ids[30:])]
    whole, added = peer_norms(full_histories, AS_OF), add_norms(peer_norms(part, AS_OF) for part in parts)
    assert np.array_equal(whole.mean_gaps, added.mean_gaps)
    assert all(np.array_equal(whole.standings[name], added.standings[name]) for name in whole.standings)


def test_norms_survive_a_file(full_histories):
    norms = peer_norms(full_histories, AS_OF)
    stored = PeerNorms.from_dict(json.loads(json.dumps(norms.to_dict())))
    pd.testing.assert_frame_equal(
        feature_table(full_histories, AS_OF, "peers", norms=norms),
        feature_table(full_histories, AS_OF, "peers", norms=stored),
        check_exact=True,
    )


def test_the_usual_gap_of_others_speaks_for_who_bought_once(full_histories):
    table = feature_table(full_histories, AS_OF)
    once = table["n_purchases"] == 1
    usual = peer_norms(full_histories, AS_OF).usual_gap_days
    assert usual == pytest.approx(table["gap_days_mean"].median(), rel=0.05)
    assert np.allclose(table.loc[once, "gap_days_shrunken"], usual)


def test_ranks_are_shares_around_one_half(full_histories):
    ranks = feature_table(full_histories, AS_OF, "peers").filter(like="_rank_")
    assert ((ranks > 0) & (ranks < 1) | ranks.isna()).all().all()
    assert np.allclose(ranks.mean(), 0.5)


def test_who_is_named_by_others_as_their_referrer_has_referred_them():
    orders = pd.DataFrame({"buyer_id": [1, 2, 3], "timestamp": ["2024-01-01", "2024-01-05", "2024-02-05"]})
    buyers = pd.DataFrame({"buyer_id": [1, 2, 3], "referred_by": [np.nan, 1, 1]})
    histories = Histories(orders, buyers=buyers)
    table = feature_table(histories, ["2024-02-01", "2024-03-01"])["n_buyers_referred"]
    assert table.tolist() == [1, 0, 2, 0, 0]
    norms = peer_norms(histories, "2024-03-01")
    alone = feature_table(histories.select([1]), "2024-03-01", norms=norms)
    assert alone["n_buyers_referred"].tolist() == [2]
    assert "referrals" not in norms.to_dict()


def test_norms_of_nobody_are_refused():
    with pytest.raises(OptionError):
        add_norms([])


def test_a_feature_of_the_users_own_is_in_table_and_catalogue(full_histories, own):
    def mine(at):
        """Purchases of thirty or more."""
        return at.purchases.tally(at.spent_or_zero >= 30)

    register_feature(mine, needs="transactions.amount", **WORDS)
    assert feature_table(full_histories, AS_OF)["mine"].max() > 0
    entry = feature_catalogue("custom").iloc[0]
    assert entry[["name", "family", "summary"]].tolist() == ["mine", "custom", "Purchases of thirty or more."]
    assert features_that_leak(full_histories, AS_OF) == []


def test_a_pandas_aggregation_gives_what_the_kernel_gives(full_histories, own):
    def count(rows):
        bought = rows[~(rows["amount"] <= 0)]
        return (
            bought.groupby("buyer_id")["timestamp"]
            .agg(lambda times: times.dt.normalize().nunique())
            .astype(float)
        )

    register_aggregation("mine", "transactions", count, summary="Purchase days.", **WORDS)
    table = feature_table(full_histories, AS_OF)
    assert table["mine"].fillna(0).tolist() == table["n_purchases"].tolist()


def test_what_a_model_says_can_be_a_feature(full_histories, own):
    def predict(summary):
        return summary["n_repeat_purchases"] / summary["days_since_first_purchase"]

    register_prediction("mine", predict, summary="Repeat purchases a day.", **WORDS)
    table = feature_table(full_histories, AS_OF)
    expected = table["n_repeat_purchases"] / table["days_since_first_purchase"]
    np.testing.assert_allclose(table["mine"], expected)


def test_a_feature_that_sees_the_future_is_found_out(full_histories, own):
    def mine(at):
        """All purchases there will ever be."""
        events = at.histories.events("transactions")
        return np.bincount(events.buyer, minlength=len(at.histories.buyer_ids))[at.buyers]

    register_feature(mine, **WORDS)
    assert features_that_leak(full_histories, AS_OF) == ["mine"]


def test_a_feature_that_looks_at_other_buyers_is_found_out(full_histories, own):
    def mine(at):
        """Purchases against the mean of all."""
        return at.n_purchases / at.n_purchases.mean()

    register_feature(mine, **WORDS)
    assert features_that_leak(full_histories, AS_OF) == ["mine"]


def test_none_of_our_own_features_leaks(full_histories):
    names = feature_catalogue()["name"].tolist()
    assert features_that_leak(full_histories, AS_OF, names) == []


def test_a_name_that_is_taken_is_refused(own):
    with pytest.raises(OptionError, match="taken"):
        register_feature(_counted, name="n_purchases", **WORDS)


def test_a_feature_without_a_docstring_is_refused(own):
    with pytest.raises(OptionError, match="summary"):
        register_feature(lambda at: at.n_purchases, name="mine", **WORDS)


@pytest.mark.parametrize("needs", ["orders", "transactions.amuont", ["transactions", "contracts.price"]])
def test_a_feature_that_needs_what_no_table_can_hold_is_refused(needs, own):
    with pytest.raises(OptionError, match="which no table can hold"):
        register_feature(_counted, name="mine", needs=needs, **WORDS)


@pytest.mark.parametrize("phrase", ["{mine:.0q} of them", "{mine:.0f of them", "{} of them"])
def test_a_feature_whose_phrase_cannot_be_filled_in_is_refused(phrase, own):
    with pytest.raises(OptionError, match="cannot be filled in"):
        register_feature(_counted, name="mine", **{**WORDS, "phrase": phrase})


def test_a_feature_can_need_the_columns_that_every_table_has(full_histories, own):
    register_feature(_counted, name="mine", needs="transactions.timestamp", **WORDS)
    assert "mine" in feature_table(full_histories, AS_OF)


def test_a_feature_of_the_wrong_length_is_refused(full_histories, own):
    def mine(at):
        """One number for all."""
        return np.zeros(1)

    register_feature(mine, **WORDS)
    with pytest.raises(OptionError, match="one a buyer"):
        feature_table(full_histories, AS_OF)


def test_our_own_features_cannot_be_forgotten():
    with pytest.raises(OptionError, match="user's own"):
        forget_feature("n_purchases")


def _counted(at):
    """Purchases."""
    return at.n_purchases
