"""How far a risk may be off: about as often within as it says, where the true risk is known."""

from __future__ import annotations

import numpy as np
import pytest

from clientcare.datasets import simulate_histories, simulate_pareto_nbd
from clientcare.model import RecencyRule, RelationshipModel, RidgeLogistic
from clientcare.model.training.blend import Blend
from clientcare.model.training.interval import RiskInterval


def width(interval, risk=0.3, spread=0.1, n_repeats=2.0):
    low, high = interval.bounds(*(np.array([value]) for value in (risk, spread, n_repeats)))
    return float(high[0] - low[0])


def test_the_interval_holds_the_risk_and_is_wider_where_members_disagree_and_little_is_known():
    interval = RiskInterval(1000)
    assert width(interval, spread=1.0) > width(interval) > 0
    assert width(interval, n_repeats=0.0) > width(interval, n_repeats=20.0)
    assert width(RiskInterval(30)) > width(interval)


def test_it_is_narrower_where_the_probability_model_was_never_beaten():
    assert width(RiskInterval(1000, doubt=0.0)) < width(RiskInterval(1000, doubt=1.0)) / 2


def test_buyers_of_whom_nothing_was_said_at_the_past_date_widen_nothing():
    rng = np.random.default_rng(0)
    risk, apart, repeats = rng.beta(2, 2, 200), np.full(200, 0.1), np.ones(200)
    outcome = (rng.random(200) < risk).astype(float)
    judged = RiskInterval(200).fit(outcome[:150], risk[:150], apart[:150], repeats[:150])
    unsaid = np.where(np.arange(200) < 150, risk, np.nan)
    assert RiskInterval(200).fit(outcome, unsaid, apart, repeats).widening == judged.widening
    assert np.isfinite(judged.widening)


def test_one_member_that_is_surer_by_far_does_not_stretch_the_interval_over_the_whole_line():
    blend = Blend({"one": RidgeLogistic(), "other": RecencyRule()}, {"one": 0.75, "other": 0.25})
    sure, surer, apart = (
        blend.spread_of({"one": np.array([-4.0]), "other": np.array([other])})[0]
        for other in (-8.0, -14.0, -5.0)
    )
    assert surer == pytest.approx(sure, abs=0.01)
    assert surer < 1.5
    assert apart == pytest.approx(np.sqrt(0.75 * 0.25))
    unknown = blend.spread_of({"one": np.array([-4.0]), "other": np.array([np.nan])})[0]
    assert unknown == 0


def test_a_past_that_was_missed_widens_it():
    rng = np.random.default_rng(0)
    said = rng.uniform(0.05, 0.4, 2000)
    happened = (rng.random(2000) < np.minimum(3 * said, 1)).astype(float)
    few = np.full(2000, 1.0)
    missed = RiskInterval(2000).fit(happened, said, 0.1 * few, few)
    kept = RiskInterval(2000).fit((rng.random(2000) < said).astype(float), said, 0.1 * few, few)
    assert missed.widening > 1.5
    assert kept.widening == pytest.approx(1.0, abs=0.3)


@pytest.mark.parametrize("world", ["pareto", "retailer"])
def test_most_true_risks_lie_within_in_every_third_of_risk(world):
    """Nine of ten are aimed at; 800 buyers, so a wide margin."""
    if world == "pareto":
        simulated, date = simulate_pareto_nbd(800, random_state=5), "2022-12-01"
    else:
        simulated, date = (
            simulate_histories("retailer", 800, random_state=5, with_interactions=False),
            "2023-12-01",
        )
    past = simulated.histories.until(date)
    book = RelationshipModel("90D", effort="quick").fit(past).score(past)
    truth = simulated.true_churn_risk(date, "90D").reindex(book.index)
    inside = (book["churn_risk_low"] <= truth) & (truth <= book["churn_risk_high"])
    thirds = np.array_split(np.argsort(book["churn_risk"].to_numpy(), kind="stable"), 3)
    assert all(inside.iloc[third].mean() > 0.7 for third in thirds)
