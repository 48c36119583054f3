"""The level of the season: learned from years that were seen, left alone where none were."""

from __future__ import annotations

import numpy as np
import pytest

from clientcare.model.members.base import log_odds_of, share_of
from clientcare.model.training.level import SeasonalLevel


def a_past(n_years, height, noise=0.0, seed=0):
    day = np.arange(0.0, n_years * 365, 10)
    season = height * np.cos(2 * np.pi * day / 365)
    expected = np.full(len(day), 0.6)
    bumps = np.random.default_rng(seed).normal(0, noise, len(day)) if noise else 0.0
    return day, share_of(log_odds_of(expected) + season + bumps), expected


def test_a_season_that_came_back_is_expected_again():
    level = SeasonalLevel().learn(*a_past(4, 0.5), horizon_days=90)
    assert level.slope > 0.7
    assert level.season(4 * 365.0) == pytest.approx(0.5 * level.slope, abs=0.02)
    assert level.season(4.5 * 365.0) == pytest.approx(-0.5 * level.slope, abs=0.02)


def test_a_year_that_few_dates_can_look_back_on_leaves_the_level_alone():
    level = (
        SeasonalLevel()
        .learn(*a_past(1.4, 0.5), horizon_days=90)
        .anchor(700.0, np.array([0.5]), np.array([0.6]))
    )
    assert level.slope == 0.0
    probability = np.array([0.1, 0.7])
    assert level.applied(probability, 700.0) is probability


def test_a_past_without_a_season_is_not_trusted():
    level = SeasonalLevel().learn(*a_past(4, 0.0, noise=0.5), horizon_days=90)
    assert level.slope < 0.3


def test_the_anchor_brings_the_blend_to_the_level_of_the_season():
    level = SeasonalLevel().learn(*a_past(4, 0.5), horizon_days=90)
    blend, plain = np.array([0.2, 0.5, 0.8]), np.array([0.3, 0.6, 0.9])
    level.anchor(4 * 365.0, blend, plain)
    wanted = share_of(log_odds_of(np.array([0.6])) + level.season(4 * 365.0))[0]
    assert level.applied(blend, 4 * 365.0).mean() == pytest.approx(wanted, abs=1e-9)


def test_the_shift_moves_with_the_date_of_asking():
    level = SeasonalLevel().learn(*a_past(4, 0.5), horizon_days=90)
    level.anchor(4 * 365.0, np.array([0.5]), np.array([0.6]))
    moved = level.shift(4.5 * 365.0) - level.shift(4 * 365.0)
    assert moved == pytest.approx(level.season(4.5 * 365.0) - level.season(4 * 365.0))


def test_the_level_comes_back_from_its_state():
    level = SeasonalLevel().learn(*a_past(4, 0.5), horizon_days=90)
    again = SeasonalLevel.from_state(level.get_state())
    assert again.shift(1500.0) == level.shift(1500.0)
