"""Reasons hold still: data that differ a little do not reshuffle them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from model_shops import histories_of, shop_tables

from clientcare.model import RelationshipModel

AS_OF = "2021-08-01"
REASONS = ["reason_1", "reason_2", "reason_3"]


def nudged(tables, seed=0):
    """The same shop, amounts a per cent up or down, and every fiftieth order a day earlier."""
    rng = np.random.default_rng(seed)
    orders = tables["transactions"].copy()
    orders["amount"] *= rng.choice([0.99, 1.01], len(orders))
    early = (rng.random(len(orders)) < 0.02) & orders["buyer_id"].duplicated(keep=False).to_numpy()
    orders.loc[early, "timestamp"] -= pd.Timedelta(days=1)
    return histories_of({**tables, "transactions": orders[orders["timestamp"] >= "2020-01-01"]})


@pytest.fixture(scope="module")
def explained():
    tables = shop_tables(n_buyers=300)
    first, second = histories_of(tables), nudged(tables)
    fitted = [
        RelationshipModel(horizon="60D", effort="quick", random_state=0).fit(one, AS_OF)
        for one in (first, second)
    ]
    return (
        fitted[0].explain(first, as_of=AS_OF).churn,
        fitted[0].explain(second, as_of=AS_OF).churn,
        fitted[1].explain(second, as_of=AS_OF).churn,
    )


@pytest.mark.parametrize("other", [1, 2], ids=["the same model", "a model learned anew"])
def test_a_nudge_of_the_data_leaves_the_main_reasons_where_they_are(explained, other):
    before, after = explained[0], explained[other].reindex(explained[0].index)
    same = (before.abs().idxmax(axis=1) == after.abs().idxmax(axis=1)).mean()
    still = np.corrcoef(before.to_numpy().ravel(), after[before.columns].to_numpy().ravel())[0, 1]
    assert same > 0.9
    assert still > 0.98


def test_an_explanation_prints_what_moves_each_buyer_most_on_a_line():
    shop = histories_of(shop_tables(n_buyers=100))
    model = RelationshipModel(horizon="60D", effort="quick", random_state=0).fit(shop, AS_OF)
    explanation = model.explain(shop, as_of=AS_OF)
    lines = repr(explanation).splitlines()
    n_buyers, first = len(explanation.churn), explanation.churn.index[0]
    largest = explanation.churn.loc[first].abs().idxmax()
    total, part = explanation.churn_log_odds.loc[first], explanation.churn.loc[first, largest]
    assert lines[0].startswith(f"Explanation of {n_buyers} buyers")
    assert lines[1].startswith(f"{first}: log-odds of churn {total:+.2f}; {largest} {part:+.2f}, ")
    assert lines[6:] == [
        f"... {n_buyers - 5} more",
        "Tables: churn, client, sentences, what_raises, what_would_change",
    ]


def test_in_a_list_headed_by_risk_what_raises_the_risk_comes_first():
    shop = histories_of(shop_tables(n_buyers=100))
    model = RelationshipModel(horizon="60D", effort="quick", random_state=0).fit(shop, AS_OF)
    book, why = model.score(shop, AS_OF), model.explain(shop, as_of=AS_OF)
    listed = why.risk_first(book)
    said = why.churn.where(why.sentences != "")
    raises = (said >= 0.05).any(axis=1) & (said.max(axis=1) >= said.abs().max(axis=1) / 4)
    lowered = book["reason_1"].str.startswith("lowers")
    assert (raises & lowered).any()
    assert listed.loc[raises, "reason_1"].str.startswith("raises the risk: ").all()
    assert listed.loc[~raises].equals(book.loc[~raises])
    for buyer in book.index[raises]:
        top, before = listed.loc[buyer, REASONS].tolist(), book.loc[buyer, REASONS].tolist()
        assert top[1:] == [reason for reason in before if reason != top[0]][:2]
        largest = why.churn.loc[buyer].where(why.sentences.loc[buyer] != "").idxmax()
        assert top[0] == f"raises the risk: {why.sentences.at[buyer, largest]}"


def test_buyers_who_were_not_explained_keep_their_reasons():
    shop = histories_of(shop_tables(n_buyers=60))
    model = RelationshipModel(horizon="60D", effort="quick", random_state=0).fit(shop, AS_OF)
    book = model.score(shop, AS_OF)
    listed = model.explain(shop, buyers=book.index[:5], as_of=AS_OF).risk_first(book)
    assert listed.iloc[5:].equals(book.iloc[5:])
