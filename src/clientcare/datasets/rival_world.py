"""A simulated shop whose buyers all come in one rhythm and differ in how much they depend on it; then a rival opens.

Dependence decides how many needs a buyer has served, who waits for discounts, who asks for advice and refers others, and who
leaves: seldom as a rule, at a price rise, at a change of the person who looks after them, and when the rival opens.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.special import gammainc, gammaincinv

from clientcare.datasets.clocks import FloatArray, IntArray
from clientcare.exceptions import OptionError

BoolArray = NDArray[np.bool_]

GAP_DAYS, GAP_SHAPE = 30.0, 4.0
"""Everybody comes about once a month."""
N_NEEDS = 5
RIVAL_AT, RISES_AT, NEW_OWNER_AT = 0.65, (0.3, 0.5), 0.4
"""When, as shares of the observed stretch, the rival opens, prices rise, and the owners of half the buyers change."""
WITHOUT_CAUSE = 0.15
"""Who depends on nothing leaves at this rate a year without any cause."""
AT_A_RISE, AT_AN_OWNER, AT_THE_RIVAL = 0.1, 0.05, 0.7
"""The chance that somebody who depends on nothing leaves at each."""
SETTLING_DAYS = 90.0
"""Who goes to the rival does so within a quarter."""


@dataclass(frozen=True)
class Reliance:
    """What stays the same about the buyers; arrays of shape (n,).

    Attributes
    ----------
    depends : float array, 0 to 1
        The true dependence; above one half they are clients.
    n_needs : int array
        Needs served, of five.
    discount_share : float array, 0 to 1
        How many of their lines they buy at a discount.
    acquired, left : float arrays
        Days from the start; infinite where they are still there at the end.
    changes_owner : bool array
        Whether the person who looks after them changes.
    """

    depends: FloatArray
    n_needs: IntArray
    discount_share: FloatArray
    acquired: FloatArray
    left: FloatArray
    changes_owner: BoolArray


def new_reliance(n_buyers: int, n_days: int, share_clients: float, rng: Generator) -> Reliance:
    """Draw buyers, and when each leaves."""
    is_client = rng.random(n_buyers) < share_clients
    depends = np.where(is_client, 0.5 + 0.5 * rng.beta(3, 2, n_buyers), 0.5 * rng.beta(2, 3, n_buyers))
    n_needs = 1 + rng.binomial(N_NEEDS - 1, np.clip(1.2 * depends - 0.15, 0.02, 0.95))
    discount_share = np.clip(0.75 - 0.75 * depends + rng.normal(0, 0.12, n_buyers), 0.0, 1.0)
    acquired = np.sort(rng.uniform(0, 0.4 * n_days, n_buyers))
    changes_owner = rng.random(n_buyers) < 0.5
    left = acquired + rng.exponential(365.25 / np.maximum(WITHOUT_CAUSE * (1 - depends), 1e-6))
    for day, chance, hit in shocks(n_days, depends, changes_owner):
        goes = (rng.random(n_buyers) < chance) & hit & (acquired < day)
        left = np.minimum(left, np.where(goes, day + rng.uniform(0, SETTLING_DAYS, n_buyers), np.inf))
    return Reliance(depends, n_needs, discount_share, acquired, left, changes_owner)


def shocks(
    n_days: int, depends: FloatArray, changes_owner: BoolArray
) -> list[tuple[float, FloatArray, BoolArray]]:
    """Day of each shock, the chance that each buyer leaves over it within a quarter, and whom it hits."""
    free = (1 - depends) ** 2
    everybody = np.ones(len(depends), dtype=bool)
    told = [(share * n_days, AT_A_RISE * free, everybody) for share in RISES_AT]
    told.append((NEW_OWNER_AT * n_days, AT_AN_OWNER * free, changes_owner))
    told.append((RIVAL_AT * n_days, AT_THE_RIVAL * free, everybody))
    return told


def visits(reliance: Reliance, n_days: int, rng: Generator) -> tuple[IntArray, FloatArray]:
    """Buyer and day of each purchase; the first is the acquisition."""
    most = int(2 * n_days / GAP_DAYS) + 10
    gaps = rng.gamma(GAP_SHAPE, GAP_DAYS / GAP_SHAPE, size=(len(reliance.acquired), most))
    gaps[:, 0] = 0.0
    days = np.floor(reliance.acquired[:, None] + np.cumsum(gaps, axis=1))
    buyer, place = np.nonzero(days < np.minimum(reliance.left, n_days)[:, None])
    return buyer, days[buyer, place]


@dataclass(frozen=True)
class RivalProcess:
    """The laws of the world, asked about its buyers: who has left is known, and what each depends on."""

    reliance: Reliance
    n_days: int
    last_visit: IntArray
    visit_day: FloatArray
    knows: tuple[str, ...] = ("state",)

    def known(self, as_of: float) -> IntArray:
        """Positions of the buyers acquired before a day."""
        return np.flatnonzero(np.floor(self.reliance.acquired) < as_of)

    def stays_until(self, rows: IntArray, as_of: float, until: FloatArray) -> FloatArray:
        """Probability of staying until a day, for those who are there at ``as_of``; shape of ``until``."""
        depends = self.reliance.depends[rows]
        rate = WITHOUT_CAUSE * (1 - depends) / 365.25
        stays = np.exp(-rate * np.maximum(until - as_of, 0.0))
        for day, chance, hit in shocks(self.n_days, self.reliance.depends, self.reliance.changes_owner):
            now = chance[rows] * np.clip((as_of - day) / SETTLING_DAYS, 0.0, 1.0)
            then = chance[rows] * np.clip((until - day) / SETTLING_DAYS, 0.0, 1.0)
            met = hit[rows] & (self.reliance.acquired[rows] < day)
            stays = stays * np.where(met, (1 - then) / (1 - now), 1.0)
        return np.asarray(stays)

    def churn_risk(self, as_of: float, horizon_days: int, knowing: str) -> FloatArray:
        """Probability of nothing bought in the horizon; shape (n_known,)."""
        known = self.known(as_of)
        silent = as_of - self._last_day(as_of)[known]
        scale = GAP_DAYS / GAP_SHAPE
        passed = gammainc(GAP_SHAPE, silent / scale)
        chance = np.zeros(len(known))
        quantiles = (np.arange(64) + 0.5) / 64
        for quantile in quantiles:
            next_day = as_of - silent + scale * gammaincinv(GAP_SHAPE, passed + quantile * (1 - passed))
            stays = self.stays_until(known, as_of, next_day)
            chance += np.where(next_day < as_of + horizon_days, stays, 0.0) / len(quantiles)
        return np.where(self.reliance.left[known] < as_of, 1.0, 1.0 - chance)

    def client_probability(
        self, as_of: float, horizon_days: int, periods: int, min_periods: int, knowing: str
    ) -> FloatArray:
        """Probability of depending on the seller and staying into the last part that is needed; shape (n_known,)."""
        known = self.known(as_of)
        until = np.full(len(known), as_of + horizon_days * (min_periods - 0.5) / periods)
        stays = self.stays_until(known, as_of, until)
        here = self.reliance.left[known] >= as_of
        return np.where(here & (self.reliance.depends[known] > 0.5), stays, 0.0)

    def potential_outcomes(self, as_of: float, horizon_days: int, knowing: str) -> dict[str, FloatArray]:
        """No waves of care are planted here."""
        raise OptionError("potential_outcomes: no care was planted.")

    def _last_day(self, as_of: float) -> FloatArray:
        last = np.zeros(len(self.reliance.acquired))
        rows = self.visit_day < as_of
        np.maximum.at(last, self.last_visit[rows], self.visit_day[rows])
        return last
