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
