"""Whole owners are dealt out by lot, and what is promised of them is had."""

import numpy as np
import pandas as pd
import pytest

from clientcare.care import plan_holdout
from clientcare.exceptions import InputError, NotEnoughDataError


def firm(seed, n_owners, each, correlation=0.02):
    """A book, the owner of each buyer, and the true risks, alike within owners."""
    rng = np.random.default_rng(seed)
    owner = np.repeat(np.arange(n_owners), rng.multinomial(n_owners * each, np.ones(n_owners) / n_owners))
    risk = rng.beta(3, 5, len(owner))
    mood = rng.normal(0, np.sqrt(correlation), n_owners)[owner]
    true = np.clip(risk + mood * np.sqrt(risk * (1 - risk)), 0.01, 0.99)
    buyers = pd.Index([f"b{k:04d}" for k in range(len(owner))], name="buyer_id")
    book = pd.DataFrame({"churn_risk": risk}, index=buyers)
    return book, pd.Series(owner, index=buyers), pd.Series(true, index=buyers)


def test_an_owner_is_in_one_arm():
    book, owners, _ = firm(0, 24, 20)
    plan = plan_holdout(book, clusters=owners, n_buyers=len(book))
    arms = plan.assignment["arm"].groupby(owners.reindex(plan.assignment.index)).nunique()
    assert (arms == 1).all() and len(arms) == 24
    held = plan.assignment.groupby("arm")["cluster"].nunique()
    assert abs(held["care"] - held["hold_out"]) <= 1


def test_clusters_cost_power():
    book, owners, _ = firm(1, 24, 20)
    alone = plan_holdout(book, n_buyers=len(book))
    together = plan_holdout(book, n_buyers=len(book), clusters=owners)
    alike = plan_holdout(book, n_buyers=len(book), clusters=owners, cluster_correlation=0.1)
    assert alone.detectable_effect < together.detectable_effect < alike.detectable_effect
    assert alone.n_needed < together.n_needed < alike.n_needed


@pytest.mark.parametrize(("n_owners", "each"), [(12, 15), (30, 20)])
def test_the_power_that_is_promised_is_the_power_that_is_had(n_owners, each):
    found, held = [], []
    for seed in range(300):
        book, owners, true = firm(seed, n_owners, each)
        plan = plan_holdout(book, clusters=owners, n_buyers=len(book), random_state=seed)
        drop = plan.detectable_effect
        care = plan.assignment["arm"] == "care"
        risk = true.reindex(care.index) * np.where(care, 1 - drop / true.mean(), 1.0)
        outcomes = (np.random.default_rng(seed + 10_000).random(len(risk)) < risk).astype(float)
        result = plan.evaluate(pd.Series(outcomes, index=care.index))
        found.append(result.verdict == "helps")
        held.append(result.low <= -drop <= result.high)
    assert 0.72 <= np.mean(found) <= 0.88  # .80 promised; 300 draws know it to .046
    assert 0.85 <= np.mean(held) <= 0.95


def test_the_lot_does_not_depend_on_the_order_of_the_rows():
    book, owners, _ = firm(3, 20, 15)
    shuffled = book.sample(frac=1, random_state=0)
    one, other = (plan_holdout(one, clusters=owners).assignment for one in (book, shuffled))
    pd.testing.assert_frame_equal(one, other)


def test_few_clusters_and_no_clusters_are_named():
    book, owners, _ = firm(4, 6, 30)
    with pytest.raises(NotEnoughDataError, match="6 clusters"):
        plan_holdout(book, clusters=owners)
    with pytest.raises(InputError, match="Series"):
        plan_holdout(book, clusters="owner")
