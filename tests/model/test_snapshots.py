"""Buyers beyond what can be held at once are drawn to learn from, and everybody is scored."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import pytest
from model_shops import START, histories_of, shop_tables
from pandas.testing import assert_frame_equal

from clientcare.model import RelationshipModel, relationship
from clientcare.model.training.snapshots import EFFORTS, in_parts, sample_buyers

AS_OF = START + pd.Timedelta(days=420)


@pytest.fixture(scope="module")
def shop():
    return histories_of(shop_tables(n_buyers=400, seed=5))


@pytest.fixture
def few_rows(monkeypatch):
    """Room for no more than 200 buyers."""
    monkeypatch.setitem(EFFORTS, "quick", 1000)


def said_of_a_sample(model):
    return [sentence for sentence in model.says_ if "drawn at random" in sentence]


def test_all_are_drawn_where_there_is_room_for_all():
    known = pd.Index([3, 5, 8])
    assert sample_buyers(known, 3, random_state=0).equals(known)


def test_the_buyers_drawn_stand_in_their_order_and_depend_on_the_seed_alone():
    known = pd.Index(np.arange(100))
    drawn = sample_buyers(known, 10, random_state=1)
    assert len(drawn) == 10
    assert drawn.is_monotonic_increasing
    assert drawn.equals(sample_buyers(known, 10, random_state=1))
    assert not drawn.equals(sample_buyers(known, 10, random_state=2))


def test_a_model_that_learned_from_all_buyers_speaks_of_no_sample(shop):
    assert said_of_a_sample(RelationshipModel("60D", effort="quick").fit(shop, AS_OF)) == []


def test_a_model_that_learned_from_some_says_from_how_many_and_scores_all(shop, few_rows):
    model = RelationshipModel("60D", effort="quick").fit(shop, AS_OF)
    book = model.score(shop, AS_OF)
    n_rows = model.training_.loc[model.training_["target"] == "churn", "n_buyers"].sum()
    [sentence] = said_of_a_sample(model)
    assert f"Learned from 200 of the {len(book)} buyers known" in sentence
    assert f"{n_rows} rows of 4 past snapshots" in sentence
    assert model.training_["n_buyers"].max() <= 200
    assert book["churn_risk"].notna().all()


def test_own_labels_of_buyers_who_were_not_drawn_teach_too(shop, few_rows):
    plain = RelationshipModel("60D", effort="quick").fit(shop, AS_OF)
    book = plain.score(shop, AS_OF)
    drawn = sample_buyers(book.index, 200, random_state=0)
    seldom = book["expected_purchases"] < book["expected_purchases"].median()
    labels = seldom[~seldom.index.isin(drawn)]
    model = RelationshipModel("60D", effort="quick").fit(shop, AS_OF, labels=labels)
    own = model.score(shop, AS_OF)["client_probability"]
    assert own[seldom].mean() > own[~seldom].mean()
    assert not [sentence for sentence in model.says_ if "name no buyer" in sentence]


@pytest.mark.parametrize("n_most", [1, 7, 150])
def test_parts_hold_every_buyer_known_once_in_their_order(shop, n_most):
    parts = in_parts(shop, AS_OF, n_most)
    known = in_parts(shop, AS_OF)[0]
    assert max(len(part) for part in parts) <= n_most
    assert parts[0].append(parts[1:]).equals(known)


def test_a_book_made_in_parts_is_the_book_made_at_once(shop, monkeypatch):
    model = RelationshipModel("60D", effort="quick").fit(shop, AS_OF)
    book = model.score(shop, AS_OF)
    monkeypatch.setattr(relationship, "in_parts", partial(in_parts, n_most=90))
    assert_frame_equal(model.score(shop, AS_OF), book, check_exact=True)
