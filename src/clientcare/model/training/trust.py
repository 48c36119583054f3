"""How far the answers of past dates were off: the level of all buyers, and the sharpness with which they were told apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Self

import numpy as np

from clientcare.model.members.base import Floats, log_odds_of, share_of
from clientcare.model.training.blend import shift_to
from clientcare.model.training.head import PastAnswer

PRIOR_DATES = 2.0
"""What other businesses were off by counts as so many dates of one's own."""
PRIOR_LEVEL, PRIOR_SLOPE, PRIOR_TENTH = 0.22, 0.2, 0.1
"""In log-odds (the slope: as a share of it): about what 102 question-dates of seven sets were off by, chance taken off."""
MOST_SQUARED = 4.0
"""One date that was off by more than two in log-odds says no more than that, one that chance alone explains no more than
that others were right."""
FEWEST = 20
LEAST = 1e-6
STEPS = 25


@dataclass(frozen=True)
class Trust:
    """Standard deviations of what a coming date may be off by.

    Attributes
    ----------
    level : float
        Of the level, in log-odds, the same for every buyer.
    slope : float
        Of the factor by which log-odds are too far from, or too near to, their middle.
    tenth : float
        Of the level of each tenth of risk on its own.
    n_dates : int
        Past dates that it was earned at; 0: what other businesses were off by stands in.
    """

    level: float
    slope: float
    tenth: float
    n_dates: int

    @classmethod
    def earned(cls, past: Sequence[PastAnswer]) -> Self:
        """From what was said at past dates and what came; the less is known, the more other businesses count."""
        missed = [_missed(one.outcome, one.probability) for one in past]
        found = np.array([one for one in missed if one is not None]).reshape(-1, 3)
        prior = np.array([PRIOR_LEVEL, PRIOR_SLOPE, PRIOR_TENTH]) ** 2
        found = np.clip(found, -prior, MOST_SQUARED)
        squares = (PRIOR_DATES * prior + found.sum(axis=0)) / (PRIOR_DATES + len(found))
        level, slope, tenth = np.sqrt(np.maximum(squares, prior / 4))
        return cls(float(level), float(slope), float(tenth), len(found))

    @property
    def freedom(self) -> float:
        """Of the law of errors: few dates leave their spread itself open."""
        return PRIOR_DATES + self.n_dates + 2

    def get_state(self) -> dict[str, float | int]:
        """The four numbers."""
        return asdict(self)


def _missed(y: Floats, probability: Floats) -> tuple[float, float, float] | None:
    """Squared errors of level, slope and tenths at one date, less what chance would give; None where too few were asked."""
    known = np.isfinite(probability)
    y, p = y[known], np.clip(probability[known], LEAST, 1 - LEAST)
    if len(y) < FEWEST or not 0 < y.sum() < len(y):
        return None
    log_odds = log_odds_of(p, LEAST)
    level = shift_to(p, float(y.mean()))
    at = share_of(log_odds + level)
    weight = at * (1 - at)
    level_squared = level**2 - 1 / max(float((p * (1 - p)).sum()), LEAST)
    middle = float(np.average(log_odds, weights=weight))
    factor, error = _slope(y, log_odds - middle, level + middle)
    order = np.argsort(p, kind="stable")
    starts = np.linspace(0, len(y), 11).astype(np.int64)[:-1]
    came, chance = np.add.reduceat((y - at)[order], starts), np.add.reduceat(weight[order], starts)
    tenths = float(((came**2 - chance) / np.maximum(chance, 1.0) ** 2).mean())
    return level_squared, (factor - 1) ** 2 - error**2, tenths


def _slope(y: Floats, centred: Floats, start: float) -> tuple[float, float]:
    """The factor on the log-odds that fits what came best, and its standard error; by Newton's method."""
    constant, factor = start, 1.0
    for _ in range(STEPS):
        p = share_of(constant + factor * centred)
        weight = np.maximum(p * (1 - p), LEAST)
        gradient = np.array([(y - p).sum(), ((y - p) * centred).sum()])
        cross = float((weight * centred).sum())
        curvature = np.array([[weight.sum(), cross], [cross, (weight * centred**2).sum() + LEAST]])
        step = np.linalg.solve(curvature + LEAST * np.eye(2), gradient)
        step = np.clip(step, -1.0, 1.0)
        constant, factor = constant + float(step[0]), factor + float(step[1])
        if np.abs(step).max() < 1e-8:
            break
    return float(np.clip(factor, 0.0, 3.0)), float(np.sqrt(np.linalg.inv(curvature)[1, 1]))
