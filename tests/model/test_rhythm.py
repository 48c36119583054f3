"""The usual gap of a buyer: what they showed, drawn towards what others do where they showed little."""

from __future__ import annotations

import numpy as np
import pytest

from clientcare.model.training.rhythm import Rhythm

MONTHLY = Rhythm(log_gap=float(np.log(30)), within=0.8, between=0.4)


def usual(median, n_gaps, log_sd):
    return MONTHLY.usual_gap_days(
        *(np.atleast_1d(np.asarray(given, float)) for given in (median, n_gaps, log_sd))
    )


def test_one_gap_is_drawn_far_and_many_hardly():
    one, some, many = usual([2.0] * 3, [1, 10, 200], [np.nan, 0.9, 0.9])
    assert 2 < many < some < one < 30
    assert many == pytest.approx(2, rel=0.05)


def test_who_keeps_time_is_believed_sooner():
    steady, fitful = usual([7.0, 7.0], [6, 6], [0.05, 1.5])
    assert steady < fitful


def test_no_gap_no_rhythm():
    assert np.isnan(usual(np.nan, 0, np.nan)).all()


def test_the_variances_that_made_the_gaps_are_found_again():
    rng = np.random.default_rng(0)
    own = rng.normal(np.log(30), np.sqrt(0.3), 4_000)
    gaps = np.exp(rng.normal(own[:, None], np.sqrt(0.7), (4_000, 9)))
    found = Rhythm.learn(np.median(gaps, axis=1), np.full(4_000, 9.0), np.log(gaps).std(axis=1, ddof=1), 90)
    assert found.log_gap == pytest.approx(np.log(30), abs=0.05)
    assert found.within == pytest.approx(0.7, rel=0.05)
    assert found.between == pytest.approx(0.3, rel=0.25)


def test_drawn_gaps_of_buyers_with_few_lie_nearer_to_the_truth():
    """The truth is known: 3,000 buyers, each with a median gap of their own, two gaps seen of each."""
    rng = np.random.default_rng(1)
    own = rng.normal(np.log(30), 0.5, 3_000)
    gaps = np.exp(rng.normal(own[:, None], 0.9, (3_000, 2)))
    median, n, sd = np.median(gaps, axis=1), np.full(3_000, 2.0), np.log(gaps).std(axis=1, ddof=1)
    drawn = Rhythm.learn(median, n, sd, 90).usual_gap_days(median, n, sd)
    assert np.abs(np.log(drawn) - own).mean() < 0.8 * np.abs(np.log(median) - own).mean()


def test_where_nobody_came_back_half_a_horizon_is_the_rhythm():
    unknown = np.full(50, np.nan)
    assert Rhythm.learn(unknown, np.zeros(50), unknown, 90).log_gap == pytest.approx(np.log(45))
