"""A logistic regression drawn to what is expected, and the signs of who is bound."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from clientcare.model.members.base import share_of
from clientcare.model.members.drawn import fit_drawn_logistic
from clientcare.model.members.term_prior import EFFECTS, LEVEL
from clientcare.model.members.term_signs import COLUMNS, SIGNS, signs_of, usual_of
from clientcare.model.members.terms import SIDES, TermMember

EXPECTED = np.array([-2.0, 1.0])
VARIANCE = np.array([0.5, 0.16])
SCALED = np.array([False, True])


def rows(n: int, effect: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    sign = rng.normal(size=n)
    return np.column_stack([np.ones(n), sign]), (rng.random(n) < share_of(-1.0 + effect * sign)).astype(float)


def test_without_rows_the_expected_stands():
    Z, y = rows(0, 0.0)
    drawn = fit_drawn_logistic(Z, y, 1.0, EXPECTED, VARIANCE, SCALED)
    assert drawn.coefficients.tolist() == EXPECTED.tolist()
    assert np.diag(drawn.covariance)[0] == pytest.approx(0.5)


def test_many_rows_outvote_what_was_expected_and_few_do_not():
    many = fit_drawn_logistic(*rows(5000, -0.8), 1.0, EXPECTED, VARIANCE, SCALED)
    few = fit_drawn_logistic(*rows(20, -0.8), 1.0, EXPECTED, VARIANCE, SCALED)
    np.testing.assert_allclose(many.coefficients, [-1.0, -0.8], atol=0.12)
    assert few.coefficients[1] > 0.0
    assert np.diag(few.covariance)[1] > 5 * np.diag(many.covariance)[1]


def test_a_row_of_a_third_of_the_weight_counts_a_third():
    Z, y = rows(300, 0.5)
    thrice = fit_drawn_logistic(np.repeat(Z, 3, axis=0), np.repeat(y, 3), 1 / 3, EXPECTED, VARIANCE, SCALED)
    once = fit_drawn_logistic(Z, y, 1.0, EXPECTED, VARIANCE, SCALED)
    np.testing.assert_allclose(thrice.coefficients, once.coefficients, atol=1e-5)


def test_a_level_that_lies_far_from_the_expected_is_found():
    y = np.zeros(20_000)
    y[:8_000] = 1.0
    drawn = fit_drawn_logistic(
        np.ones((len(y), 1)), y, 1.0, np.array([-9.0]), np.array([1.0]), np.array([False])
    )
    assert share_of(drawn.coefficients)[0] == pytest.approx(0.4, abs=0.01)


def bound(**columns: list[float]) -> dict[str, np.ndarray]:
    n = len(next(iter(columns.values())))
    known = {name: np.array(values, dtype=float) for name, values in columns.items()}
    return {name: known.get(name, np.full(n, np.nan)) for name in COLUMNS}


def test_signs_compare_with_the_usual_and_with_the_own_past():
    X = bound(
        term_age_days=[200, 200, 200],
        term_days_left=[165, 165, 165],
        term_bound_days=[565, 565, 200],
        term_n_voice=[60, 10, 20],
        term_n_voice_term=[20, 5, 20],
        term_n_voice_30d=[0, 1, 3],
        term_n_voice_90d=[1, 3, 9],
        term_days_since_voice=[80, 10, 5],
    )
    told = pd.DataFrame(signs_of(X, usual_of(X), np.full(3, 20.0)), columns=list(SIGNS))
    assert told["voice"][0] > 0 > told["voice"][1]
    assert told["fall_90d"][0] < -1 < told["fall_90d"][1]
    assert told["silence"].idxmax() == 0
    assert told["first_term"].tolist() == [-0.5, -0.5, 0.5]
    assert told["standing"][0] > 0 > told["standing"][1]
    assert (told[["last_rating", "mean_rating", "missed"]] == 0.0).all(axis=None)


def test_what_nobody_records_says_nothing():
    X = bound(term_age_days=[100, 300], term_days_left=[265, np.nan], term_bound_days=[100, 300])
    told = pd.DataFrame(signs_of(X, usual_of(X), np.zeros(2)), columns=list(SIGNS))
    assert (told.drop(columns=["first_term", "tenure", "term_share"]) == 0.0).all(axis=None)


def test_what_others_teach_can_be_left_out():
    assert set(EFFECTS) == set(SIGNS)
    assert set(LEVEL) == set(SIDES)
    X = pd.DataFrame(
        bound(
            term_age_days=[100] * 8,
            term_days_left=[300] * 8,
            term_bound_days=[465] * 8,
            term_n_voice=[40] * 8,
            term_n_voice_term=[9] * 8,
            term_n_voice_30d=[0, 3] * 4,
            term_n_voice_90d=[1, 9] * 4,
            term_days_since_voice=[70, 3] * 4,
        )
    )
    left = np.array([True, True] + [False] * 6)
    apart = {}
    for borrowed in (0.0, 0.5, 1.0):
        silent, loud = TermMember(90, borrowed=borrowed).fit(X, left).decision_function(X)[:2]
        apart[borrowed] = silent - loud
    assert apart[1.0] > apart[0.5] + 0.2
    assert apart[0.5] > apart[0.0] + 0.2


def test_the_member_says_how_sure_it_is_and_more_rows_make_it_surer():
    rng = np.random.default_rng(0)
    doubts = []
    for n in (30, 3000):
        X = pd.DataFrame(bound(term_age_days=rng.integers(1, 360, n).tolist(), term_days_left=[200] * n))
        member = TermMember(90).fit(X, rng.random(n) < 0.1)
        doubts.append(member._unsure(X.to_numpy())[0])
    assert doubts[0] > doubts[1] > 0.5
    assert np.isnan(member._unsure(np.full((1, X.shape[1]), np.nan))).all()
