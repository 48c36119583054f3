"""A simulated shop shows a seller's tables, and keeps the truth beside."""

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from clientcare.datasets import simulate_histories
from clientcare.exceptions import NotObservedError, OptionError
from clientcare.outcomes import ChurnDefinition, ClientDefinition

AS_OF = "2023-12-01"


@pytest.fixture(scope="module")
def shop():
    return simulate_histories("retailer", 3000, random_state=11)


def log_loss(happened, probability):
    p = np.clip(np.asarray(probability, dtype=float), 1e-5, 1 - 1e-5)
    return float(-np.mean(np.where(happened, np.log(p), np.log(1 - p))))


def test_the_same_seed_gives_the_same_tables_and_another_seed_others():
    one, two, other = (simulate_histories("retailer", 150, random_state=seed) for seed in (3, 3, 4))
    for table in ("transactions", "interactions", "buyers", "truth"):
        assert_frame_equal(getattr(one, table), getattr(two, table))
    assert not one.transactions.equals(other.transactions)


def test_every_buyer_is_acquired_by_a_purchase_within_the_stretch(shop):
    first = shop.transactions.groupby("buyer_id")["timestamp"].min()
    assert (first == shop.truth["acquired_at"]).all()
    for table in (shop.transactions, shop.interactions):
        assert table["timestamp"].between(shop.observed_from, shop.observed_until, inclusive="left").all()


def test_nobody_buys_or_gets_in_touch_after_leaving(shop):
    left = shop.truth["dropped_out_at"].fillna(shop.observed_until)
    bought = shop.transactions[shop.transactions["amount"] > 0]
    inbound = shop.interactions[shop.interactions["direction"] == "inbound"]
    for table in (bought, inbound):
        assert (table["timestamp"] <= table["buyer_id"].map(left)).all()


def test_true_clients_buy_more_regularly_stay_longer_and_refer_more(shop):
    is_client = shop.truth["is_client"]
    bought = shop.transactions[shop.transactions["amount"] > 0].drop_duplicates(["buyer_id", "order_id"])
    gaps = bought.groupby("buyer_id")["timestamp"].diff().dt.total_seconds() / 86_400
    spread = gaps.groupby(bought["buyer_id"]).agg(
        lambda gap: gap.std() / gap.mean() if len(gap) > 6 else np.nan
    )
    n_orders = bought.groupby("buyer_id").size()
    referrals = (
        shop.interactions.query("kind == 'referral'").groupby("buyer_id").size().reindex(is_client.index)
    )
    still_there = shop.truth["dropped_out_at"].isna()
    assert n_orders[is_client].mean() > 2 * n_orders[~is_client].mean()
    assert spread[is_client].mean() < 0.8 * spread[~is_client].mean()
    assert still_there[is_client].mean() > 2 * still_there[~is_client].mean()
    assert referrals.fillna(0)[is_client].mean() > 5 * referrals.fillna(0)[~is_client].mean()


def test_a_return_belongs_to_an_order_and_comes_after_it(shop):
    returns = shop.transactions[shop.transactions["amount"] < 0]
    ordered = shop.transactions[shop.transactions["amount"] > 0].groupby("order_id")["timestamp"].min()
    assert 0.02 < len(returns) / len(shop.transactions) < 0.08
    assert (returns["timestamp"] > returns["order_id"].map(ordered)).all()


def test_buying_peaks_in_december_where_there_are_seasons():
    def december_share(season):
        bought = simulate_histories(
            "retailer", 4000, random_state=2, n_days=730, season=season, with_interactions=False
        ).transactions
        return (
            bought["timestamp"].dt.month.isin([11, 12]).mean()
            / bought["timestamp"].dt.month.isin([9, 10]).mean()
        )

    assert december_share(0.6) > 1.15 * december_share(0.0)


def test_without_interactions_there_is_no_such_table_and_patronage_alone_makes_a_client():
    shop = simulate_histories("retailer", 400, random_state=5, with_interactions=False)
    assert shop.interactions is None
    label = ClientDefinition("180D").label(shop.histories, "2023-12-01")
    probability = shop.true_client_probability("2023-12-01")
    assert abs(label.mean() - probability.mean()) < 0.06


@pytest.mark.parametrize("knowing", ["history", "parameters", "state"])
def test_true_risks_are_calibrated_against_what_happened(shop, knowing):
    churned = ChurnDefinition("90D").label(shop.histories, AS_OF)
    risk = shop.true_churn_risk(AS_OF, "90D", knowing)
    assert (risk.index == churned.index).all()
    tenth = pd.qcut(risk.rank(method="first"), 10, labels=False)
    gaps = (churned.groupby(tenth).mean() - risk.groupby(tenth).mean()).abs()
    assert gaps.max() < 0.08
    assert abs(churned.mean() - risk.mean()) < 0.02


def test_who_knows_more_is_closer_to_what_happened(shop):
    churned = ChurnDefinition("90D").label(shop.histories, AS_OF)
    losses = [
        log_loss(churned, shop.true_churn_risk(AS_OF, "90D", knowing)) for knowing in shop.process.knows
    ]
    assert losses == sorted(losses, reverse=True)


def test_the_true_risk_scores_better_than_bent_copies_of_it(shop):
    churned = ChurnDefinition("90D").label(shop.histories, AS_OF)
    risk = shop.true_churn_risk(AS_OF, "90D")
    logit = np.log(risk / (1 - risk)).clip(-12, 12)
    for slope, shift in [(0.6, 0.0), (1.6, 0.0), (1.0, 0.7), (1.0, -0.7)]:
        assert log_loss(churned, risk) < log_loss(churned, 1 / (1 + np.exp(-(slope * logit + shift))))


def test_the_true_risk_from_history_changes_with_nothing_that_comes_later(shop):
    """Another world, the same until as_of: the true risk as of then is the same."""
    longer = simulate_histories("retailer", 300, random_state=1, n_days=800)
    day = (pd.Timestamp("2023-06-01") - longer.observed_from).days
    world = longer.process.world
    from dataclasses import replace

    stopped = replace(
        longer.process,
        world=replace(world, purchases=world.purchases.before(day), contacts=world.contacts.before(day)),
    )
    assert (stopped.churn_risk(day, 90, "history") == longer.process.churn_risk(day, 90, "history")).all()


def test_a_longer_horizon_leaves_less_risk(shop):
    short, long = (shop.true_churn_risk(AS_OF, horizon) for horizon in ("60D", "180D"))
    assert (long <= short + 1e-9).all()


def test_the_true_client_probability_is_calibrated_and_coherent_with_the_risk(shop):
    label = ClientDefinition("180D", min_dependence=0).label(shop.histories, AS_OF)
    probability = shop.true_client_probability(AS_OF, "180D")
    fifth = pd.qcut(probability.rank(method="first"), 5, labels=False)
    assert (label.groupby(fifth).mean() - probability.groupby(fifth).mean()).abs().max() < 0.08
    assert (probability <= 1 - shop.true_churn_risk(AS_OF, "180D") + 0.12).all()


def test_a_date_outside_the_stretch_is_refused(shop):
    with pytest.raises(NotObservedError, match="outside the simulated stretch"):
        shop.true_churn_risk("2031-01-01")


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "bank"},
        {"n_buyers": 0},
        {"assignment": "by hand"},
        {"season": 2.0},
        {"overlap": "some"},
        {"n_days": 3},
    ],
)
def test_arguments_that_make_no_sense_are_refused(wrong):
    with pytest.raises(OptionError):
        simulate_histories(**wrong)
