"""A rival world: one rhythm, many degrees of dependence, and a truth that comes true."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

import clientcare as cc
from clientcare.datasets import simulate_histories

RIVAL = pd.Timestamp("2022-01-01") + pd.Timedelta(days=int(0.65 * 912))


@pytest.fixture(scope="module")
def world():
    return simulate_histories("rival", n_buyers=900, random_state=1, share_clients=0.4)


def test_same_number_same_bytes(world):
    again = simulate_histories("rival", n_buyers=900, random_state=1, share_clients=0.4)
    pd.testing.assert_frame_equal(world.transactions, again.transactions)
    pd.testing.assert_frame_equal(world.interactions, again.interactions)
    assert world.histories.quality.loc[lambda q: q["action"].eq("set aside"), "n_rows"].sum() == 0


def test_the_rhythm_tells_nothing_of_dependence(world):
    gaps = world.transactions.groupby("buyer_id")["timestamp"].agg(lambda days: days.diff().dt.days.mean())
    truth = world.truth["dependence"].reindex(gaps.index)
    assert abs(gaps.corr(truth)) < 0.1
    assert gaps.median() == pytest.approx(30, abs=2)


def test_the_true_risk_comes_true(world):
    came = cc.ChurnDefinition(horizon="180D").label(world.histories, RIVAL)
    told = world.true_churn_risk(RIVAL, "180D")
    assert came.mean() == pytest.approx(told.mean(), abs=0.03)
    there = told < 1
    tenths = pd.qcut(told[there], 5, labels=False, duplicates="drop")
    assert (came[there].groupby(tenths).mean() - told[there].groupby(tenths).mean()).abs().max() < 0.12


def test_dependence_tells_who_stays_when_the_rival_opens(world):
    """With dates, amounts and categories alone, and with the class made of them."""
    orders = world.transactions[["buyer_id", "timestamp", "amount", "category"]]
    histories = cc.Histories(orders, observed_from=world.observed_from, observed_until=world.observed_until)
    model = cc.RelationshipModel(horizon="180D", effort="quick").fit(histories, as_of=RIVAL)
    book = model.score(histories, as_of=RIVAL)
    here = book["status"].ne("gone")
    book, truth = book[here], world.truth.reindex(book.index[here])
    assert roc_auc_score(truth["is_client"], book["client_probability"]) > 0.85
    assert book["relationship"].eq("client")[~truth["is_client"]].mean() < 0.2
    assert book["relationship"].eq("client")[truth["is_client"]].mean() > 0.7

    stayed = ~cc.ChurnDefinition(horizon="180D").label(histories, RIVAL).reindex(book.index)
    third = pd.qcut(book["dependence"].rank(method="first"), 3, labels=False)
    share, n = stayed.groupby(third).mean(), stayed.groupby(third).size()
    error = 1.645 * np.sqrt(share * (1 - share) / n)
    assert share[2] - error[2] > share[0] + error[0]


def test_the_backtest_shows_who_stayed_by_class_and_by_third_of_dependence(world):
    model = cc.RelationshipModel(horizon="180D", effort="quick")
    found = cc.backtest(model, world.histories, as_of=[RIVAL], n_bootstrap=0)
    groups = found.groups.set_index(["by", "group"])
    assert groups.loc["dependence"].index.tolist() == [
        "least dependent third",
        "middle third",
        "most dependent third",
    ]
    assert groups.loc[("class", "client"), "stayed_low"] > groups.loc[("class", "customer"), "stayed_high"]
    assert groups.loc[("class", "client"), "referred"] > groups.loc[("class", "customer"), "referred"]
    assert groups["spend"].gt(0).all()
    assert "apart beyond chance on 1 of 1 dates" in found.verdict

    came = ~cc.ChurnDefinition(horizon="180D").label(world.histories, RIVAL)
    past = world.histories.until(RIVAL)
    book = cc.RelationshipModel(horizon="180D", effort="quick").fit(past, RIVAL).score(past, RIVAL)
    clients = book.index[book["relationship"].eq("client") & book["status"].ne("gone")]
    assert groups.loc[("class", "client"), "n_buyers"] == len(clients)
    assert groups.loc[("class", "client"), "stayed"] == pytest.approx(came[clients].mean())
    bought = world.transactions.query("buyer_id in @clients and timestamp >= @RIVAL")
    until = RIVAL + pd.Timedelta(days=180)
    spend = bought.loc[bought["timestamp"] < until, "amount"].sum() / len(clients)
    assert groups.loc[("class", "client"), "spend"] == pytest.approx(spend, rel=1e-6)


def test_where_the_thirds_do_not_part_the_verdict_says_so():
    from clientcare.evaluation.groups import THIRDS, came_of_groups

    rng = np.random.default_rng(0)
    orders = pd.DataFrame(
        {
            "buyer_id": np.repeat([f"b{i}" for i in range(60)], 12),
            "timestamp": pd.Timestamp("2023-01-01") + pd.to_timedelta(np.tile(np.arange(12) * 30, 60), "D"),
            "amount": 10.0,
        }
    )
    histories = cc.Histories(orders, observed_until="2024-01-01")
    book = pd.DataFrame(
        {"dependence": rng.uniform(0, 100, 60)},
        index=pd.Index(np.unique(orders["buyer_id"]), name="buyer_id"),
    )
    rows = came_of_groups(histories, pd.Timestamp("2023-09-01"), book, cc.ChurnDefinition(horizon="90D"))
    assert [row["group"] for row in rows] == list(THIRDS)
    assert np.isnan([row["referred"] for row in rows]).all()
    found = cc.evaluation.Backtest(pd.DataFrame(), 90, 180, "recency", 0.9, [], pd.DataFrame(rows))
    assert found._on_dependence()[0].endswith("(not apart beyond chance).")
