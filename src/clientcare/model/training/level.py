"""The level of the coming horizon: what past years said about this time of the year."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import brentq

from clientcare.model.members.base import Floats, log_odds_of, share_of
from clientcare.model.training.interval import NINETY_PERCENT

YEAR = 365
LEAST_PAIRED_DAYS = YEAR // 2
"""Dates that have a date a year before them must stretch over so many days: over less, a trend looks like a season."""
LEAST_SLOPE = 0.1
"""A year that tells less of the next one than this tells nothing."""
WHOLE_SLOPE = 0.5
"""From this slope on the level is wholly that of the model that the season is measured from: on years of seasonal payments
(slopes of .52 to .58) going only .55 of the way cost two points of log loss, on subscribers without a season (.11) going
the whole way seven."""
FADING = 0.6
"""How much less each further year back counts."""
DOUBT = 0.5
FARTHEST = 6.0


class SeasonalLevel:
    """A shift of the log-odds by the time of the year, learned from years that were seen; nothing
    where none were.

    At dates of the past, the share of buyers with the outcome is set against what a model without
    seasons (the probability model, with its parameters of now) says of the same buyers: e(s) is the
    difference in log-odds. If last year's e says something about this year's, the coming horizon is
    shifted by ``b x`` the mean of e one, two ... years before, each further year counting 0.6 times.
    ``b`` is the regression of e on that mean, drawn towards 0 the fewer horizons a year overlap it,
    and never above 1. Where the dates that have a year before them stretch over less than a year, it counts in
    proportion; over less than half a year, a trend could pass for a season and the level is left alone.

    Attributes
    ----------
    day, missed : float64 arrays of shape (n_dates,)
        Days since 1970 of the past dates, ascending, and e there.
    slope : float
        b; 0: nothing is shifted.
    spread : float
        How far, in log-odds, the shifted level still missed the past: the level's own uncertainty.
    offset : float
        What is added to every buyer's log-odds at the date of fitting.
    fitted_day : float
        That date.
    """

    def __init__(self) -> None:
        self.day, self.missed = np.zeros(0), np.zeros(0)
        self.slope, self.spread, self.offset, self.fitted_day = 0.0, 0.0, 0.0, 0.0

    def learn(self, day: Floats, observed: Floats, expected: Floats, horizon_days: int) -> Self:
        """Take in past dates; decide whether the year tells anything.

        Parameters
        ----------
        day : float64 array of shape (n_dates,)
            Days since 1970, ascending.
        observed, expected : float64 arrays of shape (n_dates,)
            The share with the outcome over the horizon from each date, and what was expected without a
            season.
        horizon_days : int
        """
        self.day = np.asarray(day, dtype=np.float64)
        self.missed = log_odds_of(observed, 1e-4) - log_odds_of(expected, 1e-4)
        self.slope, self.spread = 0.0, float(np.std(self.missed)) if len(day) > 2 else 0.0
        paired_days = float(day[-1] - YEAR - day[0]) if len(day) > 2 else 0.0
        if paired_days < LEAST_PAIRED_DAYS:
            return self
        before = np.array([self._years_before(at) for at in self.day])
        both = np.isfinite(before)
        now, then = self.missed[both], before[both]
        n_free = max(paired_days / horizon_days, 1.0)
        doubt = DOUBT * float(np.mean(then**2)) * len(then) / n_free
        slope = float(np.clip(now @ then / (then @ then + doubt + 1e-12), 0.0, 1.0))
        slope *= min(1.0, paired_days / YEAR)
        self.slope = slope if slope >= LEAST_SLOPE else 0.0
        self.spread = float(np.std(now - self.slope * then))
        return self

    def _years_before(self, day: float) -> float:
        """The weighted mean of e one, two ... years before a day; NaN where none was seen."""
        total, weight = 0.0, 0.0
        for years in range(1, 8):
            then = day - YEAR * years
            if self.day[0] <= then <= self.day[-1]:
                total += FADING**years * float(np.interp(then, self.day, self.missed))
                weight += FADING**years
        return total / weight if weight else float("nan")

    def anchor(self, day: float, blended: Floats, without_season: Floats) -> Self:
        """Find the offset that brings the blend towards the level of the model without seasons plus the season.

        The season is measured from that model's level, which is otherwise no better than the blend's own: where last year
        counts less than a half, the blend goes in proportion, and nothing jumps as a year begins to tell.

        Parameters
        ----------
        day : float
            The date of fitting.
        blended, without_season : float64 arrays of shape (n_buyers,)
            What the blend and the model without seasons say of the same buyers now.
        """
        self.fitted_day, season = day, self.season(day)
        both = np.isfinite(blended) & np.isfinite(without_season)
        if self.slope == 0 or not both.any():
            self.offset = 0.0
            return self
        log_odds = log_odds_of(blended[both], 1e-9)
        wanted = float(share_of(log_odds_of(float(without_season[both].mean()), 1e-4) + season))

        def missing(offset: float) -> float:
            return float(share_of(log_odds + offset).mean()) - wanted

        inside = missing(-FARTHEST) < 0 < missing(FARTHEST)
        whole = float(brentq(missing, -FARTHEST, FARTHEST, xtol=1e-10)) if inside else 0.0
        self.offset = min(1.0, self.slope / WHOLE_SLOPE) * whole
        return self

    def season(self, day: float) -> float:
        """The shift that past years give a horizon from this day; 0 where they say nothing."""
        if self.slope == 0:
            return 0.0
        before = self._years_before(day)
        return 0.0 if np.isnan(before) else self.slope * before

    def shift(self, day: float) -> float:
        """What is added to every buyer's log-odds when scoring at a day."""
        if self.slope == 0:
            return 0.0
        return self.offset + self.season(day) - self.season(self.fitted_day)

    def applied(self, probability: Floats, day: float) -> Floats:
        """Probabilities at the level of the season; the same array where nothing is shifted."""
        shift = self.shift(day)
        return probability if shift == 0 else share_of(log_odds_of(probability, 1e-9) + shift)

    def get_state(self) -> dict[str, Any]:
        """Everything learned, as numbers and arrays."""
        return dict(vars(self))

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """The level that :meth:`get_state` told of."""
        level = cls()
        for name, value in state.items():
            setattr(level, name, value)
        return level


def past_days(first: int, last: int, step: int) -> NDArray[np.int64]:
    """Days from ``last`` back to ``first``, ``step`` apart, ascending."""
    return np.arange(last, first - 1, -step)[::-1]


def level_of_the_past(
    days: NDArray[np.int64], at: Callable[[int], tuple[Floats, Floats]]
) -> tuple[Floats, Floats, Floats]:
    """Observed and expected shares at past days; a day without buyers is left out.

    Parameters
    ----------
    days : int array of shape (n_days,)
    at : callable
        Takes a day, returns outcome and expectation of the buyers known then.
    """
    kept, observed, expected = [], [], []
    for day in days:
        outcome, expectation = at(int(day))
        known = np.isfinite(outcome) & np.isfinite(expectation)
        if known.sum() >= 20:
            kept.append(float(day))
            observed.append(float(outcome[known].mean()))
            expected.append(float(expectation[known].mean()))
    return np.array(kept), np.array(observed), np.array(expected)


def level_table(levels: Mapping[str, SeasonalLevel], day: int) -> pd.DataFrame:
    """The level of the horizon after a day, one row a question: the shift of the log-odds and its band (90 %)."""
    rows = [
        (
            name,
            level.shift(day),
            level.slope,
            *(level.shift(day) + side * NINETY_PERCENT * level.spread for side in (-1, 1)),
        )
        for name, level in levels.items()
    ]
    return pd.DataFrame(rows, columns=["target", "shift", "weight_of_last_year", "shift_low", "shift_high"])
