"""A hold-out is balanced by design, large enough, and evaluated as assigned."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from clientcare.care import plan_holdout
from clientcare.exceptions import NotEnoughDataError, OptionError, SchemaError
from clientcare.history import Histories

N = 4000
RNG = np.random.default_rng(0)
BOOK = pd.DataFrame(
    {
        "churn_risk": RNG.beta(2, 4, N),
        "stage": RNG.choice(["dependent client", "repeat customer", "one-time customer"], N),
    },
    index=pd.Index([f"b{i:05d}" for i in range(N)], name="buyer_id"),
)


def test_the_arms_are_equal_in_every_stratum_to_within_one():
    counts = plan_holdout(BOOK, n_buyers=N).assignment.groupby(["stratum", "arm"]).size().unstack()
    assert len(counts) == 15
    assert (counts["care"] - counts["hold_out"]).abs().max() <= 1


def test_who_must_not_be_contacted_is_in_neither_arm():
    wishes = pd.DataFrame({"buyer_id": BOOK.index[:60], "do_not_contact": ["Opted out", "no", ""] * 20})
    bought = pd.DataFrame(
        {"buyer_id": BOOK.index[:60], "timestamp": pd.Timestamp("2024-01-02"), "amount": 9.0}
    )
    book, histories = BOOK.iloc[:60], Histories(bought, buyers=wishes)
    dealt = plan_holdout(book, n_buyers=60, histories=histories).assignment.index
    assert set(dealt) == set(wishes["buyer_id"][wishes["do_not_contact"] != "Opted out"])
    assert len(plan_holdout(book, n_buyers=60).assignment) == 60


def test_the_share_held_out_is_as_asked():
    plan = plan_holdout(BOOK, n_buyers=N, share_held_out=0.2)
    assert plan.n_hold_out == pytest.approx(0.2 * N, abs=1)


def test_the_sample_size_follows_the_two_sample_formula():
    # (0.8416 + 1.6449)^2 * (mean r(1-r) held out + the same with every risk lowered in proportion) * 2 / 0.05^2
    risk = BOOK["churn_risk"]
    lowered = risk * (1 - 0.05 / risk.mean())
    spread = (risk * (1 - risk)).mean() + (lowered * (1 - lowered)).mean()
    plan = plan_holdout(BOOK, smallest_effect=0.05)
    assert plan.n_needed == pytest.approx((0.841621 + 1.644854) ** 2 * spread * 2 / 0.0025, rel=0.003)
    assert plan.n_care + plan.n_hold_out == plan.n_needed
    assert plan.detectable_effect == pytest.approx(0.05, rel=0.01)
    assert "enough" in plan.sentence


@pytest.mark.parametrize(("n", "seed"), [(40, 0), (70, 1), (500, 2)])
def test_the_power_that_is_promised_is_the_power_that_is_had(n, seed):
    rng = np.random.default_rng(seed)
    risk = rng.beta(4, 4, n)
    book = pd.DataFrame({"churn_risk": risk}, index=pd.RangeIndex(n, name="buyer_id"))
    plan = plan_holdout(book, smallest_effect=0.05, n_buyers=n)
    drop = plan.detectable_effect / risk.mean()
    found = 0
    for _ in range(800):
        plan = plan_holdout(book, smallest_effect=0.05, n_buyers=n, random_state=int(rng.integers(1 << 31)))
        arms = plan.assignment
        risk_now = arms["churn_risk"] * np.where(arms["arm"] == "care", 1 - drop, 1.0)
        came = pd.Series((rng.random(n) < risk_now).astype(float), index=arms.index)
        found += plan.evaluate(came).verdict == "helps"
    assert 0.75 <= found / 800 <= 0.85


def test_no_drop_larger_than_the_risk_is_promised():
    few = pd.DataFrame({"churn_risk": np.full(44, 0.06)}, index=pd.RangeIndex(44, name="buyer_id"))
    plan = plan_holdout(few)
    assert np.isnan(plan.detectable_effect)
    assert "too few to find anything" in plan.sentence
    with pytest.raises(OptionError, match="more than the mean churn risk"):
        plan_holdout(few, smallest_effect=0.17)


def test_the_gone_take_no_part():
    book = BOOK.assign(status=np.where(np.arange(len(BOOK)) % 2 == 0, "gone", "active"))
    plan = plan_holdout(book, smallest_effect=0.05)
    assert (book.loc[plan.assignment.index, "status"] == "active").all()


def test_too_few_buyers_are_called_too_few():
    plan = plan_holdout(BOOK.iloc[:200], smallest_effect=0.02)
    assert "too few" in plan.sentence
    assert plan.detectable_effect > 0.02


def test_the_lot_does_not_depend_on_the_order_of_the_rows():
    assert_frame_equal(plan_holdout(BOOK).assignment, plan_holdout(BOOK.iloc[::-1]).assignment)
    other = plan_holdout(BOOK, random_state=1).assignment
    assert (other["arm"] != plan_holdout(BOOK).assignment["arm"].reindex(other.index)).any()


def outcomes_of(plan, drop: float, seed: int) -> pd.Series:
    rng = np.random.default_rng(seed)
    care = plan.assignment["arm"] == "care"
    risk = (plan.assignment["churn_risk"] - drop * care).clip(0, 1)
    return pd.Series(rng.random(len(risk)) < risk, index=risk.index)


def test_the_interval_covers_the_true_effect_as_often_as_it_says():
    plan = plan_holdout(BOOK, n_buyers=1500)
    care = plan.assignment["arm"] == "care"
    truth = -(plan.assignment["churn_risk"] - (plan.assignment["churn_risk"] - 0.08).clip(0))[care].mean()
    results = [plan.evaluate(outcomes_of(plan, 0.08, seed)) for seed in range(60)]
    covered = np.mean([r.low <= truth <= r.high for r in results])
    assert 0.8 <= covered <= 0.98
    assert results[0].verdict == "helps"
    assert "helps" in str(results[0])


def test_power_is_as_planned():
    plan = plan_holdout(BOOK, smallest_effect=0.06)
    found = np.mean([plan.evaluate(outcomes_of(plan, 0.06, seed)).verdict == "helps" for seed in range(60)])
    assert 0.65 <= found <= 0.95


def test_no_effect_is_seldom_called_one():
    plan = plan_holdout(BOOK, n_buyers=1000)
    alarms = np.mean(
        [plan.evaluate(outcomes_of(plan, 0.0, seed)).verdict != "no effect seen" for seed in range(60)]
    )
    assert alarms <= 0.2


def test_missing_outcomes_are_counted():
    plan = plan_holdout(BOOK, n_buyers=1000)
    result = plan.evaluate(outcomes_of(plan, 0.1, 0).iloc[10:])
    assert result.n_missing == 10


def test_mistakes_are_named():
    with pytest.raises(SchemaError, match="churn_risk"):
        plan_holdout(BOOK[["stage"]])
    with pytest.raises(OptionError):
        plan_holdout(BOOK, power=1.5)
    with pytest.raises(NotEnoughDataError, match="at least 40"):
        plan_holdout(BOOK.iloc[:30])
    with pytest.raises(NotEnoughDataError, match="each arm"):
        plan_holdout(BOOK, n_buyers=100).evaluate(pd.Series(dtype=float))
