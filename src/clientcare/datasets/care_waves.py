"""Care with a planted effect: waves of contacts, who gets them, and what they change."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from clientcare.datasets.clocks import FloatArray, IntArray, OwnClock
from clientcare.datasets.shop_world import NEVER, BuyerEvents, Seeds, ShopWorld, purchase_steps, with_first

ASSIGNMENTS = ("none", "randomised", "confounded")
OVERLAPS = ("good", "hopeless")

ACTION_DAYS = 14
"""A wave's contacts are made within so many days after its date."""

WORKS_DAYS = 90
"""So long a contact works."""

_BETWEEN_WAVES = ACTION_DAYS + WORKS_DAYS + 16
_BUYING_SHARE = 0.5


@dataclass(frozen=True)
class CareWaves:
    """Waves of contacts as they were made, and everything needed to ask what would have been.

    Attributes
    ----------
    days : float array of shape (n_waves,)
        The date of each wave, in days since the world began.
    propensity : float array of shape (n_buyers, n_waves)
        The chance of being contacted; NaN where the buyer was not known yet.
    was_contacted : bool array of shape (n_buyers, n_waves)
    moment : float array of shape (n_buyers, n_waves), days
        When the contact was made, or would have been; each wave's date plus up to :data:`ACTION_DAYS`.
    strength : float array of shape (n_buyers,)
        How strongly contacts work on a buyer: the rate of leaving is divided by ``exp(strength)``, the rate
        of buying multiplied by ``exp(strength / 2)``, for :data:`WORKS_DAYS` days.
    """

    days: FloatArray
    propensity: FloatArray
    was_contacted: np.ndarray
    moment: FloatArray
    strength: FloatArray

    def contacted_at(self) -> FloatArray:
        """The moments of the contacts made; NaN where none was; shape (n_buyers, n_waves)."""
        return np.where(self.was_contacted, self.moment, np.nan)


def wave_days(n_days: int) -> FloatArray:
    """Dates of the waves: from the end of the first year (or the middle) on, whole stretches apart."""
    first = min(365, n_days // 2)
    return np.arange(first, n_days - WORKS_DAYS - ACTION_DAYS, _BETWEEN_WAVES, dtype=np.float64)


def live_with_care(
    world: ShopWorld, seeds: Seeds, strength: FloatArray, assignment: str, overlap: str
) -> tuple[ShopWorld, CareWaves]:
    """Let everybody buy and leave while contacts are made in waves and change what follows.

    Every buyer's chances are drawn once, so that a contact changes the speed of their clocks and nothing
    else.
    """
    waves = _no_waves_yet(world, seeds, strength)
    patience = seeds.leaving.exponential(size=world.n_buyers) / world.leaving_a_day
    steps = _steps_of_a_lifetime(world, seeds, strength)
    chance = seeds.care.random(waves.was_contacted.shape)
    world = _lived(world, waves, patience, steps)
    for wave, day in enumerate(waves.days):
        waves.propensity[:, wave] = _propensity(world, day, assignment, overlap)
        waves.was_contacted[:, wave] = chance[:, wave] < np.nan_to_num(waves.propensity[:, wave])
        world = _lived(world, waves, patience, steps)
    return world, waves


def with_wave(world: ShopWorld, waves: CareWaves, wave: int, contacted: bool) -> ShopWorld:
    """The same world up to a wave in which everybody known, or nobody, is contacted; no wave after."""
    at = waves.contacted_at()
    at[:, wave:] = np.nan
    if contacted:
        at[:, wave] = waves.moment[:, wave]
    return _with_clocks(world, waves, at)


def _no_waves_yet(world: ShopWorld, seeds: Seeds, strength: FloatArray) -> CareWaves:
    days = wave_days(world.n_days)
    shape = (world.n_buyers, len(days))
    return CareWaves(
        days=days,
        propensity=np.full(shape, np.nan),
        was_contacted=np.zeros(shape, dtype=bool),
        moment=days + seeds.care.random(shape) * ACTION_DAYS,
        strength=strength,
    )


def _steps_of_a_lifetime(world: ShopWorld, seeds: Seeds, strength: FloatArray) -> tuple[IntArray, FloatArray]:
    """Purchases on each buyer's own clock, for as long as it could possibly run."""
    buyers = np.arange(world.n_buyers)
    begin = world.buying_clock.elapsed(buyers, world.acquired)
    end = world.buying_clock.elapsed(buyers, np.full(world.n_buyers, float(world.n_days)))
    longest = (end - begin) * np.exp(_BUYING_SHARE * np.maximum(strength, 0.0))
    buyer, shown = purchase_steps(seeds.buying, world.steps_a_day, world.phases, longest)
    return buyer, begin[buyer] + shown


def _lived(
    world: ShopWorld, waves: CareWaves, patience: FloatArray, steps: tuple[IntArray, FloatArray]
) -> ShopWorld:
    """What happens under the contacts made so far."""
    world = _with_clocks(world, waves, waves.contacted_at())
    buyers = np.arange(world.n_buyers)
    shown = world.leaving_clock.elapsed(buyers, world.acquired) + patience
    left = world.leaving_clock.moment(buyers, shown)
    buyer, step = steps
    day = world.buying_clock.moment(buyer, step)
    happened = day < np.minimum(left, world.n_days)[buyer]
    return replace(
        world,
        left=np.where(left < world.n_days, left, NEVER),
        purchases=with_first(world, buyer[happened], day[happened]),
    )


def _with_clocks(world: ShopWorld, waves: CareWaves, contacted_at: FloatArray) -> ShopWorld:
    return replace(
        world,
        buying_clock=OwnClock(
            world.buying_clock.season, contacted_at, WORKS_DAYS, np.exp(_BUYING_SHARE * waves.strength)
        ),
        leaving_clock=OwnClock(None, contacted_at, WORKS_DAYS, np.exp(-waves.strength)),
    )


def _propensity(world: ShopWorld, day: float, assignment: str, overlap: str) -> FloatArray:
    """Chance of a contact, from what the seller could see: how overdue a buyer is."""
    known = world.acquired < day
    chance = np.full(world.n_buyers, np.nan)
    if assignment == "randomised":
        chance[known] = 0.5
        return chance
    overdue = log_overdue(world.purchases.before(day), world.acquired, day)[known]
    middle, spread = np.median(overdue), np.std(overdue) + 1e-9
    slope = 25.0 if overlap == "hopeless" else 1.2
    chance[known] = 1.0 / (1.0 + np.exp(-slope * (overdue - middle) / spread))
    return chance


def log_overdue(purchases: BuyerEvents, acquired: FloatArray, day: float) -> FloatArray:
    """Log of the silence so far against a buyer's usual gap, the latter drawn a little to 45 days."""
    n_repeat = np.maximum(purchases.count(len(acquired)) - 1, 0)
    last = np.maximum(purchases.last_day(len(acquired)), np.minimum(acquired, day))
    usual = (last - np.minimum(acquired, day) + 45.0) / (n_repeat + 1)
    return np.asarray(np.log((day - last + 1.0) / usual))
