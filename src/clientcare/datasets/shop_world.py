"""A simulated shop: who came when, what they were like, when they bought, got in touch, and left."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator

from clientcare.datasets.buyer_types import BuyerType
from clientcare.datasets.clocks import FloatArray, IntArray, OwnClock, Season

NEVER = np.inf


@dataclass(frozen=True)
class BuyerEvents:
    """Dated events of buyers, sorted by buyer and time.

    Attributes
    ----------
    buyer : int array of shape (n_events,)
    day : float array of shape (n_events,)
        Days since the world began.
    kind : int array of shape (n_events,)
        A code; all zero where there is one kind.
    """

    buyer: IntArray
    day: FloatArray
    kind: IntArray

    def before(self, day: float) -> BuyerEvents:
        """The events strictly before a moment."""
        early = self.day < day
        return BuyerEvents(self.buyer[early], self.day[early], self.kind[early])

    def count(self, n_buyers: int) -> IntArray:
        """Events a buyer; shape (n_buyers,)."""
        return np.bincount(self.buyer, minlength=n_buyers)

    def last_day(self, n_buyers: int) -> FloatArray:
        """Each buyer's last event; minus infinity without one. Shape (n_buyers,)."""
        last = np.full(n_buyers, -np.inf)
        is_last = np.ones(len(self.buyer), dtype=bool)
        is_last[:-1] = self.buyer[1:] != self.buyer[:-1]
        last[self.buyer[is_last]] = self.day[is_last]
        return last


@dataclass(frozen=True)
class ShopWorld:
    """Everything about a simulated shop, hidden and seen; days are counted from the first day of observation.

    Attributes
    ----------
    types : tuple of BuyerType
    type_of : int array of shape (n_buyers,)
        Position in ``types``.
    acquired : float array of shape (n_buyers,)
        The day of the first purchase.
    steps_a_day, leaving_a_day : float arrays of shape (n_buyers,)
        Each buyer's own rates.
    left : float array of shape (n_buyers,)
        The day they left unseen; infinite where they had not left when the world ended.
    purchases : BuyerEvents
        First purchases included.
    contacts : BuyerEvents
        Contacts that buyers started; ``kind`` points into ``contact_kinds``.
    contact_kinds : tuple of str
    buying_clock, leaving_clock : OwnClock
    n_days : int
        Length of observation.
    """

    types: tuple[BuyerType, ...]
    type_of: IntArray
    acquired: FloatArray
    steps_a_day: FloatArray
    leaving_a_day: FloatArray
    left: FloatArray
    purchases: BuyerEvents
    contacts: BuyerEvents
    contact_kinds: tuple[str, ...]
    buying_clock: OwnClock
    leaving_clock: OwnClock
    n_days: int

    @property
    def n_buyers(self) -> int:
        """Number of buyers."""
        return len(self.acquired)

    @property
    def phases(self) -> IntArray:
        """Steps to a purchase, of each buyer; shape (n_buyers,)."""
        return np.array([kind.phases for kind in self.types], dtype=np.int64)[self.type_of]


@dataclass(frozen=True)
class Seeds:
    """Independent random streams of one world: drawing more from one leaves the others as they are."""

    people: Generator
    leaving: Generator
    buying: Generator
    contacts: Generator
    care: Generator
    decoration: Generator

    @classmethod
    def of(cls, random_state: int) -> Seeds:
        """The streams that belong to a seed."""
        return cls(*np.random.default_rng(random_state).spawn(6))


def new_world(
    types: tuple[BuyerType, ...],
    n_buyers: int,
    n_days: int,
    acquisition_days: int,
    season: Season,
    seeds: Seeds,
) -> ShopWorld:
    """People with their habits and first purchases; nothing else has happened yet."""
    shares = np.array([kind.share for kind in types])
    type_of = np.searchsorted(np.cumsum(shares)[:-1], seeds.people.random(n_buyers), side="right")
    acquired = np.sort(seeds.people.random(n_buyers) * acquisition_days)

    def own_rate(shape: str, scale: str) -> FloatArray:
        shapes = np.array([getattr(kind, shape) for kind in types])[type_of]
        scales = np.array([getattr(kind, scale) for kind in types])[type_of]
        return np.asarray(seeds.people.gamma(shapes) / scales)

    no_wave = np.full((n_buyers, 0), np.nan)
    nothing = BuyerEvents(np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.int64))
    return ShopWorld(
        types=types,
        type_of=type_of.astype(np.int64),
        acquired=acquired,
        steps_a_day=own_rate("step_shape", "step_scale_days"),
        leaving_a_day=own_rate("leaving_shape", "leaving_scale_days"),
        left=np.full(n_buyers, NEVER),
        purchases=nothing,
        contacts=nothing,
        contact_kinds=tuple(sorted({kind for one in types for kind in one.contacts_a_year})),
        buying_clock=OwnClock(season, no_wave, 0.0, np.ones(n_buyers)),
        leaving_clock=OwnClock(None, no_wave, 0.0, np.ones(n_buyers)),
        n_days=n_days,
    )


def live(world: ShopWorld, seeds: Seeds) -> ShopWorld:
    """Let everybody buy and leave, where no contact changes anything."""
    patience = seeds.leaving.exponential(size=world.n_buyers) / world.leaving_a_day
    world = replace(world, left=_within(world.acquired + patience, world.n_days))
    buyers = np.arange(world.n_buyers)
    begin = world.buying_clock.elapsed(buyers, world.acquired)
    end = world.buying_clock.elapsed(buyers, np.minimum(world.left, world.n_days))
    buyer, shown = purchase_steps(seeds.buying, world.steps_a_day, world.phases, end - begin)
    return replace(
        world, purchases=with_first(world, buyer, world.buying_clock.moment(buyer, begin[buyer] + shown))
    )


def get_in_touch(world: ShopWorld, seeds: Seeds) -> ShopWorld:
    """Let buyers get in touch while they stay, by kind and type."""
    stays = np.minimum(world.left, world.n_days) - world.acquired
    buyers, days, kinds = [], [], []
    for code, kind in enumerate(world.contact_kinds):
        rate = contacts_a_day(world, kind)[world.type_of]
        n_contacts = seeds.contacts.poisson(rate * stays)
        buyer = np.repeat(np.arange(world.n_buyers), n_contacts)
        buyers.append(buyer)
        days.append(world.acquired[buyer] + seeds.contacts.random(len(buyer)) * stays[buyer])
        kinds.append(np.full(len(buyer), code))
    if not buyers:
        return world
    buyer, day, kind_code = (np.concatenate(parts) for parts in (buyers, days, kinds))
    order = np.lexsort([day, buyer])
    return replace(world, contacts=BuyerEvents(buyer[order], day[order], kind_code[order].astype(np.int64)))


def contacts_a_day(world: ShopWorld, kind: str) -> FloatArray:
    """How often each type of buyer gets in touch with a kind of contact; shape (n_types,)."""
    return np.array([one.contacts_a_year.get(kind, 0.0) / 365.25 for one in world.types])


def purchase_steps(
    rng: Generator, steps_a_day: FloatArray, phases: IntArray, span: FloatArray, done: IntArray | None = None
) -> tuple[IntArray, FloatArray]:
    """Purchases within a span of each one's buying clock: every ``phases``-th step of a Poisson stream.

    Parameters
    ----------
    rng : Generator
        Where chance comes from.
    steps_a_day, phases, span : arrays of shape (n,)
        Rate, steps to a purchase, and how far the clock runs.
    done : int array of shape (n,), optional
        Steps done already since the last purchase.

    Returns
    -------
    rows : int array of shape (n_purchases,), ascending
    shown : float array of shape (n_purchases,)
        What the clock shows, from 0 to ``span``, ascending within a row.
    """
    n_steps = rng.poisson(steps_a_day * span)
    row = np.repeat(np.arange(len(span)), n_steps)
    place = np.sort(row + rng.random(len(row)) * (1 - 1e-9)) - row
    first = np.repeat(np.cumsum(n_steps) - n_steps, n_steps)
    step = np.arange(len(row)) - first + 1
    if done is not None:
        step = step + done[row]
    bought = step % phases[row] == 0
    return row[bought], place[bought] * span[row[bought]]


def with_first(world: ShopWorld, buyer: IntArray, day: FloatArray) -> BuyerEvents:
    """Repeat purchases (sorted by buyer and time) with everybody's first purchase in front of theirs."""
    slots = np.arange(len(buyer)) + buyer + 1
    n_all = len(buyer) + world.n_buyers
    all_buyers = np.empty(n_all, dtype=np.int64)
    all_days = np.empty(n_all)
    is_first = np.ones(n_all, dtype=bool)
    is_first[slots] = False
    all_buyers[slots], all_days[slots] = buyer, day
    all_buyers[is_first], all_days[is_first] = np.arange(world.n_buyers), world.acquired
    return BuyerEvents(all_buyers, all_days, np.zeros(n_all, dtype=np.int64))


def _within(days: FloatArray, n_days: int) -> FloatArray:
    return np.where(days < n_days, days, NEVER)
