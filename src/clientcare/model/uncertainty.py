"""How far a risk may be off: wide where members disagree and little is known, widened where the past
was missed.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from clientcare.model.member import Floats, log_odds_of, share_of

FLOOR = 0.27
DISAGREEMENT = 1.25
FEW_FACTS = 0.6
NINETY_PERCENT = 1.6448536269514722
WIDEST, NARROWEST = 4.0, 1.0
N_CELLS = 10
LEAST = 1e-6


class RiskInterval:
    """A 90 % interval for the probability itself, on the scale of log-odds.

    The spread of a buyer's log-odds is ``w sqrt(a^2 + (b d)^2 + c^2 / (1 + n))``: d the weighted
    spread of the members' log-odds, n the purchases after the first, a, b and c fixed (on simulated
    buyers whose true probability is known), and w >= 1 the widening that makes the latest complete
    outcome, counted in tenths of risk, as surprising as it should be.

    The interval is about the buyer's probability given what is known, not about the single outcome,
    which is yes or no.

    Attributes
    ----------
    widening : float
        1 where the past gave no reason to widen, or where nothing could be checked.
    """

    def __init__(self, widening: float = 1.0) -> None:
        self.widening = widening

    def fit(self, outcome: Floats, probability: Floats, spread: Floats, n_repeats: Floats) -> Self:
        """Widen until the squared surprises of the tenths of risk average one.

        Parameters
        ----------
        outcome, probability, spread, n_repeats : float64 arrays of shape (n_buyers,)
            What happened at a past date, what was said, how far the members were apart, purchases
            after the first.
        """
        if len(outcome) < 2 * N_CELLS:
            return self
        order = np.argsort(probability, kind="stable")
        starts = np.linspace(0, len(order), N_CELLS + 1).astype(np.int64)[:-1]
        missed = np.add.reduceat((outcome - probability)[order], starts) ** 2
        chance = np.add.reduceat((probability * (1 - probability))[order], starts)
        own = (probability * (1 - probability) * self._spread(spread, n_repeats))[order]
        shared = np.add.reduceat(own, starts) ** 2
        # E[missed] = chance + w^2 shared, one equation a cell, weighted by its precision at w = 1
        weight = 1 / (chance + shared)
        squared = float(np.sum(weight * (missed - chance)) / np.sum(weight * shared))
        self.widening = float(np.clip(np.sqrt(max(squared, 0.0)), NARROWEST, WIDEST))
        return self

    def _spread(self, spread: Floats, n_repeats: Floats) -> Floats:
        few = FEW_FACTS**2 / (1 + np.nan_to_num(n_repeats))
        return np.sqrt(FLOOR**2 + (DISAGREEMENT * spread) ** 2 + few)

    def bounds(self, risk: Floats, spread: Floats, n_repeats: Floats) -> tuple[Floats, Floats]:
        """Low and high of each risk; shape (n_buyers,) each."""
        centre = log_odds_of(risk, LEAST)
        half = NINETY_PERCENT * self.widening * self._spread(spread, n_repeats)
        low, high = share_of(centre - half), share_of(centre + half)
        return np.minimum(low, risk), np.maximum(high, risk)

    def get_state(self) -> dict[str, Any]:
        """The widening."""
        return {"widening": self.widening}
