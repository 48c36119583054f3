"""How far a risk may be off: wide where members disagree and little is known, widened where the past
was missed.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from clientcare.model.members.base import Floats, log_odds_of, share_of

FLOOR = 0.2
DISAGREEMENT = 0.75
FEW_FACTS = 0.6
SHARPNESS = 0.2
FEW_BUYERS = 3.0
NINETY_PERCENT = 1.6448536269514722
WIDEST, NARROWEST = 4.0, 1.0
N_CELLS = 10
LEAST = 1e-6


class RiskInterval:
    """A 90 % interval for the probability itself, on the scale of log-odds.

    The spread of a buyer's log-odds z is ``w sqrt(u (a^2 + c^2 / (1 + n) + (e z)^2) + (b d)^2 + (g^2 / N) (1 + z^2))``.
    What any model of few facts may miss: a floor a, what n purchases after the first leave open, and how far
    from even the answer should be (an error of e in the slope of the log-odds matters where z is large); all
    three count in the measure u in which the past showed buyers to be other than the plainest model, all at random,
    supposes. d is the weighted spread of the members' log-odds, N the number of buyers that parameters were learned from: a
    level and a slope, each known to g / sqrt(N). a, b, c, e and g are fixed (on simulated buyers whose true probability is
    known), and w >= 1 is the widening that makes the latest
    complete outcome, counted in tenths of risk, as surprising as it should be.

    The interval is about the buyer's probability given what is known, not about the single outcome,
    which is yes or no.

    A member that says itself how sure it is, of whoever is under contract, takes the place of all but d:
    ``w sqrt(t^2 + (b d)^2)``, t being its own standard deviation. Of few buyers w is drawn to 1: chance alone stretches it.

    Parameters
    ----------
    n_buyers : int
        N.
    doubt : float
        u, from 0 to 1.
    widening : float
        w; 1 where the past gave no reason to widen, or where nothing could be checked.
    """

    def __init__(self, n_buyers: int, doubt: float = 1.0, widening: float = 1.0) -> None:
        self.n_buyers = n_buyers
        self.doubt = doubt
        self.widening = widening

    def fit(
        self,
        outcome: Floats,
        probability: Floats,
        spread: Floats,
        n_repeats: Floats,
        own: Floats | None = None,
    ) -> Self:
        """Widen until the squared surprises of the tenths of risk average one.

        Parameters
        ----------
        outcome, probability, spread, n_repeats : float64 arrays of shape (n_buyers,)
            What happened at a past date, what was said (NaN for buyers of whom nothing was: they widen
            nothing), how far the members were apart, purchases after the first.
        own : float64 array of shape (n_buyers,), optional
            Standard deviation of the log-odds by a member that says it itself; NaN elsewhere.
        """
        said = np.isfinite(probability)
        own = np.full(len(outcome), np.nan) if own is None else own
        outcome, probability, spread, n_repeats, own = (
            values[said] for values in (outcome, probability, spread, n_repeats, own)
        )
        if len(outcome) < 2 * N_CELLS:
            return self
        order = np.argsort(probability, kind="stable")
        starts = np.linspace(0, len(order), N_CELLS + 1).astype(np.int64)[:-1]
        missed = np.add.reduceat((outcome - probability)[order], starts) ** 2
        chance = np.add.reduceat((probability * (1 - probability))[order], starts)
        off = self._spread(probability, spread, n_repeats, own)
        shared = np.add.reduceat((probability * (1 - probability) * off)[order], starts) ** 2
        # E[missed] = chance + w^2 shared, one equation a cell, weighted by its precision at w = 1
        weight = 1 / (chance + shared)
        squared = float(np.sum(weight * (missed - chance)) / np.sum(weight * shared))
        if np.isfinite(own).mean() > 0.5:
            tells = float(np.sum((weight * shared) ** 2) / 2)
            found = float(np.sum(weight**2 * shared * (missed - chance)) / 2)
            squared = (1.0 + found) / (1.0 + tells)
        self.widening = float(np.clip(np.sqrt(max(squared, 0.0)), NARROWEST, WIDEST))
        return self

    def _spread(self, probability: Floats, spread: Floats, n_repeats: Floats, own: Floats) -> Floats:
        few = FEW_FACTS**2 / (1 + np.nan_to_num(n_repeats))
        log_odds = log_odds_of(probability, LEAST)
        of_the_world = self.doubt * (FLOOR**2 + few + (SHARPNESS * log_odds) ** 2)
        of_the_fit = FEW_BUYERS**2 / max(self.n_buyers, 1) * (1 + log_odds**2)
        unsure = np.where(np.isfinite(own), own**2, of_the_world + of_the_fit)
        return np.asarray(np.sqrt(unsure + (DISAGREEMENT * spread) ** 2))

    def bounds(
        self, risk: Floats, spread: Floats, n_repeats: Floats, own: Floats | None = None
    ) -> tuple[Floats, Floats]:
        """Low and high of each risk; shape (n_buyers,) each. ``own`` as in :meth:`fit`."""
        centre = log_odds_of(risk, LEAST)
        own = np.full(len(risk), np.nan) if own is None else own
        half = NINETY_PERCENT * self.widening * self._spread(risk, spread, n_repeats, own)
        low, high = share_of(centre - half), share_of(centre + half)
        return np.minimum(low, risk), np.maximum(high, risk)

    def get_state(self) -> dict[str, Any]:
        """Everything it rests on."""
        return dict(vars(self))
