"""A season seen in earlier years moves the level of the whole model."""

import clientcare as cc
from clientcare.datasets import simulate_histories


def test_three_years_with_a_strong_season_are_learned_from():
    shop = simulate_histories(
        "retailer", 400, random_state=3, n_days=1200, season=0.9, with_interactions=False
    )
    model = cc.RelationshipModel(horizon="60D", effort="quick", random_state=0).fit(shop.histories)
    churn = model.level_.set_index("target").loc["churn"]
    assert 0 < churn["weight_of_last_year"] <= 1
    assert churn["shift_low"] < churn["shift"] < churn["shift_high"]


def test_one_year_teaches_no_season():
    shop = simulate_histories(
        "retailer", 200, random_state=3, n_days=400, season=0.9, with_interactions=False
    )
    model = cc.RelationshipModel(horizon="60D", effort="quick", random_state=0).fit(shop.histories)
    assert (model.level_[["shift", "weight_of_last_year"]] == 0).all().all()
