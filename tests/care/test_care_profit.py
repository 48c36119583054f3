"""Expected maximum profit as published, and where a profit curve turns."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import beta as beta_law

from clientcare.care import empc, profit_curve
from clientcare.exceptions import InputError, NotEnoughDataError, OptionError

# the vector and the value (30.3003222629848, made with the R package EMP 2.0.1) that the tests of proflogit
# (github.com/estripling/proflogit-python, tests of its EMPC) hold themselves to
PUBLISHED_LEFT = [1, 1, 0, 0, 0, 1, 1, 1, 1, 0]
PUBLISHED_RISK = [
    0.6125478, 0.3642710, 0.4321361, 0.1402911, 0.3848959, 0.2444155, 0.9706413, 0.8901728, 0.7817814, 0.8687518,
]  # fmt: skip


def empc_by_integration(left, risk, alpha=6.0, beta=14.0, value=200.0, offer=10.0, contact=1.0) -> float:
    """The definition, word for word: for each g the best of all lines, then the mean over g."""
    left, risk = np.asarray(left), np.asarray(risk)
    lines = [risk >= line for line in [np.inf, *np.unique(risk)]]
    kept = np.array([(chosen & (left == 1)).mean() for chosen in lines])
    wasted = np.array([(chosen & (left == 0)).mean() for chosen in lines])

    def best(g: float) -> float:
        return max((g * (value - offer) - contact) * kept - (offer + contact) * wasted)

    grid = np.linspace(0, 1, 81)
    return sum(
        quad(lambda g: best(g) * beta_law.pdf(g, alpha, beta), a, b, epsabs=1e-11)[0]
        for a, b in pairwise(grid)
    )


def test_the_published_value_is_reproduced():
    assert empc(PUBLISHED_LEFT, PUBLISHED_RISK).profit == pytest.approx(30.3003222629848, abs=1e-6)


def test_the_values_that_empulse_publishes_for_a_perfect_and_a_wrong_ranking():
    # github.com/ShimantoRahman/empulse, tests/metrics/test_churn.py: score and share to contact
    perfect = empc([0, 1] * 10, [0, 1] * 10)
    assert (perfect.profit, perfect.share) == pytest.approx((28.0, 0.5), abs=1e-6)
    wrong = empc([0, 1] * 10, [1, 0] * 10)
    assert (wrong.profit, wrong.share) == pytest.approx((22.5007912244511, 0.9991601018889205), abs=1e-6)


@pytest.mark.parametrize(
    ("left", "risk", "expected"),
    [
        # computed with empulse 0.13.1, empc_score, defaults
        (
            [1, 1, 0, 1, 0, 1, 0, 0, 0, 0],
            [0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1],
            20.2003164897961,
        ),
        ([0, 1] * 4, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8], 23.875593418348124),
    ],
)
def test_another_implementation_gives_the_same(left, risk, expected):
    assert empc(left, risk).profit == pytest.approx(expected, abs=1e-6)


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.8, 8), st.floats(0.8, 15), st.floats(30, 300), st.floats(0.5, 20))
def test_the_closed_form_is_the_integral(seed, alpha, beta, value, contact):
    rng = np.random.default_rng(seed)
    risk = rng.random(30).round(1)
    left = (rng.random(30) < 0.2 + 0.6 * risk).astype(int)
    left[:2] = 0, 1
    costs = {"alpha": alpha, "beta": beta, "value": value, "offer": 10.0, "contact": contact}
    assert empc(left, risk, **costs).profit == pytest.approx(
        empc_by_integration(left, risk, **costs), abs=1e-5
    )


def test_a_better_ranking_earns_more():
    rng = np.random.default_rng(0)
    truth = rng.random(500)
    left = (rng.random(500) < truth).astype(int)
    assert empc(left, truth).profit > empc(left, truth + rng.normal(size=500)).profit


def test_nobody_is_contacted_where_no_contact_pays():
    found = empc([1, 0, 0, 0] * 10, np.linspace(0, 1, 40), value=12.0, contact=50.0)
    assert (found.profit, found.share) == pytest.approx((0.0, 0.0), abs=1e-9)


def test_mistakes_in_the_arguments_of_empc_are_named():
    with pytest.raises(NotEnoughDataError):
        empc([0, 0], [0.1, 0.2])
    with pytest.raises(InputError, match="do not pair"):
        empc([0, 1], [0.1])
    with pytest.raises(InputError, match="0 or 1"):
        empc([0, 2], [0.1, 0.2])
    with pytest.raises(OptionError):
        empc([0, 1], [0.1, 0.2], value=5.0)


BOOK = pd.DataFrame(
    {"churn_risk": [0.9, 0.5, 0.2, 0.1], "expected_spend": [10.0, 400.0, 100.0, np.nan]}, index=list("abcd")
)


def test_the_curve_stops_where_the_next_contact_costs_more_than_it_keeps():
    # a: 0.27 * 10 = 2.7; b: 0.15 * 400 = 60; c: 0.06 * 100 = 6; d: unknown value
    curve = profit_curve(BOOK, effect=0.3, contact_cost=5.0)
    assert list(curve.chosen) == ["b", "c"]
    assert curve.best_profit == pytest.approx(60 + 6 - 10)
    assert curve.curve.loc[4, "profit"] == pytest.approx(68.7 - 20)
    assert "first 2 of 4 buyers (50%)" in curve.sentence


def test_an_offer_is_paid_to_those_kept_and_to_those_who_would_have_stayed():
    curve = profit_curve(BOOK.iloc[:1], effect=0.3, value=100.0, contact_cost=1.0, offer_cost=10.0)
    assert curve.curve.loc[1, "cost"] == pytest.approx(1 + 10 * (1 - 0.9 + 0.27))


def test_a_budget_bounds_the_contacts():
    curve = profit_curve(BOOK, effect=0.3, contact_cost=5.0, budget=5.0)
    assert list(curve.chosen) == ["b"]


def test_the_order_may_follow_the_effect_of_each_buyer():
    effect = pd.Series({"a": 0.0, "b": 0.0, "c": 0.15})
    curve = profit_curve(BOOK, effect=effect, contact_cost=5.0, order_by="effect")
    assert list(curve.chosen) == ["c"]
    risk_first = profit_curve(BOOK, effect=effect, contact_cost=5.0, order_by="risk")
    assert risk_first.best_n == 0
    assert risk_first.sentence == "No contact pays for itself."


def test_mistakes_in_the_arguments_of_the_curve_are_named():
    with pytest.raises(InputError, match="churn_risk"):
        profit_curve(BOOK[["expected_spend"]], effect=0.1)
    with pytest.raises(InputError, match="margin"):
        profit_curve(BOOK, effect=0.1, value="margin")
    with pytest.raises(OptionError):
        profit_curve(BOOK, effect=0.1, order_by="luck")
