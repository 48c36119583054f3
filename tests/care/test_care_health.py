"""A health score is monotone, and says what its tiers are worth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from three_buyers import AS_OF, three_buyers

from clientcare.care import HealthScore, TierWarning, health_facts
from clientcare.care.health import wilson_interval
from clientcare.exceptions import InputError, NotEnoughDataError, OptionError


def facts_and_churn(n: int = 3000, seed: int = 0) -> tuple[pd.DataFrame, pd.Series]:
    rng = np.random.default_rng(seed)
    facts = pd.DataFrame(rng.normal(size=(n, 3)), columns=["warmth", "rhythm", "noise"])
    facts.index.name = "buyer_id"
    facts.loc[rng.random(n) < 0.2, "warmth"] = np.nan
    risk = 1 / (1 + np.exp(1 + 1.5 * facts["rhythm"] + facts["warmth"].fillna(0)))
    return facts, pd.Series(rng.random(n) < risk, index=facts.index)


FACTS, CHURNED = facts_and_churn()
LEARNED = HealthScore().fit(FACTS, CHURNED)


@settings(max_examples=25, deadline=None)
@given(st.tuples(*[st.floats(-5, 5)] * 3), st.sampled_from(["warmth", "rhythm", "noise"]), st.floats(0, 5))
def test_more_of_a_fact_never_lowers_the_health(values, fact, more):
    row = pd.DataFrame([values], columns=FACTS.columns)
    better = row.assign(**{fact: row[fact] + more})
    assert LEARNED.score(better)[0] >= LEARNED.score(row)[0] - 1e-9


def test_what_tells_who_leaves_weighs_most_and_noise_weighs_least():
    assert LEARNED.weights_.idxmax() == "rhythm"
    assert LEARNED.weights_["noise"] < 0.1
    assert LEARNED.weights_.sum() == pytest.approx(1)


def test_each_tier_shows_its_observed_churn_and_interval():
    tiers = LEARNED.tiers_
    assert tiers.index.tolist() == ["at risk", "watch", "healthy"]
    assert tiers["observed_churn"].is_monotonic_decreasing
    assert ((tiers["low"] < tiers["observed_churn"]) & (tiers["observed_churn"] < tiers["high"])).all()
    assert tiers["n_buyers"].sum() == len(FACTS)
    assert tiers["n_left"].sum() == CHURNED.sum()
    assert LEARNED.separates_
    assert "tiers separate" in repr(LEARNED)


def test_tiers_hold_on_buyers_not_seen():
    new, outcome = facts_and_churn(seed=1)
    checked = LEARNED.check(new, outcome)
    assert checked["observed_churn"].is_monotonic_decreasing
    assert LEARNED.tier(new).value_counts().sum() == len(new)


def test_facts_that_tell_nothing_raise_a_warning():
    shuffled = CHURNED.sample(frac=1, random_state=0).set_axis(CHURNED.index)
    with pytest.warns(TierWarning, match="does not differ by more than chance"):
        health = HealthScore().fit(FACTS, shuffled)
    assert not health.separates_
    assert "fewer tiers" in repr(health)


def test_given_weights_are_kept_and_validated_all_the_same():
    health = HealthScore(weights={"rhythm": 3, "warmth": 1}).fit(FACTS, CHURNED)
    assert health.weights_.to_dict() == {"rhythm": 0.75, "warmth": 0.25}
    assert health.score(FACTS).between(0, 100).all()
    assert health.tiers_["observed_churn"].is_monotonic_decreasing
    unknown = pd.DataFrame({"rhythm": [np.nan], "warmth": [np.nan]})
    assert health.score(unknown)[0] == 50


def test_the_order_of_rows_changes_nothing():
    again = HealthScore().fit(FACTS.iloc[::-1], CHURNED)
    np.testing.assert_allclose(again.score(FACTS), LEARNED.score(FACTS), atol=0.01)


def test_facts_of_a_history_are_turned_so_that_more_is_better():
    facts = health_facts(three_buyers(), AS_OF)
    assert facts.loc["ada", "freshness"] == -21
    assert facts.loc["ada", "contract_days_left"] == 19
    assert np.isnan(facts.loc["bob", "contract_days_left"])
    assert facts["n_purchases_year"].tolist() == [4, 1, 1]


def test_the_interval_is_wilsons():
    low, high = wilson_interval(np.array([0.0, 0.0]), np.array([10.0, 0.0]), 0.95)
    np.testing.assert_allclose(low, [0, 0], atol=1e-12)
    np.testing.assert_allclose(high, [0.2775, 1], atol=1e-4)


def test_mistakes_are_named():
    with pytest.raises(NotEnoughDataError, match="at least 20"):
        HealthScore().fit(FACTS, pd.Series(False, index=FACTS.index))
    with pytest.raises(InputError, match="1,500 rows"):
        HealthScore().fit(FACTS, CHURNED.iloc[:1500])
    with pytest.raises(OptionError, match="sum to 1"):
        HealthScore(tier_shares=(0.5, 0.6)).fit(FACTS, CHURNED)
    with pytest.raises(OptionError, match="love"):
        HealthScore(weights={"love": 1}).fit(FACTS, CHURNED)
    with pytest.raises(OptionError, match="different names"):
        HealthScore(tier_names=["a", "a", "b"]).fit(FACTS, CHURNED)


def test_only_tiers_that_separate_are_called_healthy():
    rng = np.random.default_rng(0)
    facts = pd.DataFrame({"noise": rng.normal(size=300)})
    with pytest.warns(TierWarning, match="lowest scores"):
        health = HealthScore().fit(facts, pd.Series(rng.random(300) < 0.3))
    assert not health.separates_
    assert health.tiers_.index.tolist() == ["lowest scores", "middle scores", "highest scores"]
    assert "healthy" not in set(health.tier(facts).cat.categories)


def test_a_small_firm_gets_the_plain_count_and_the_sentence_why_not():
    facts = pd.DataFrame({"freshness": np.arange(40.0)})
    with pytest.raises(
        NotEnoughDataError, match=r"6 of 40 left \(15%, and between 8% and 26% of many such\)"
    ):
        HealthScore().fit(facts, pd.Series(np.arange(40) < 6))
