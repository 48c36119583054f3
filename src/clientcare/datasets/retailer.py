"""A simulated shop as a data set: its tables, its truth, and the probabilities that follow from its laws."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from clientcare.datasets.buyer_types import BuyerType, shop_types
from clientcare.datasets.care_waves import CareWaves, live_with_care, with_wave
from clientcare.datasets.clocks import FloatArray, IntArray, OwnClock, Season
from clientcare.datasets.shop_tables import (
    CARE_STRENGTH_BY_SEGMENT,
    SEGMENTS,
    Naming,
    buyers_of,
    interactions_of,
    transactions_of,
)
from clientcare.datasets.shop_truth import KNOWING, ShopView
from clientcare.datasets.shop_world import Seeds, ShopWorld, get_in_touch, live, new_world
from clientcare.datasets.simulated import SimulatedHistories
from clientcare.exceptions import OptionError

_YEARS_BEYOND = 4
"""The season's calendar goes on for so long after observation, for horizons that end there."""


@dataclass(frozen=True)
class ShopProcess:
    """The laws of a simulated shop, asked about its buyers."""

    world: ShopWorld
    waves: CareWaves | None = None
    knows: tuple[str, ...] = KNOWING

    def known(self, as_of: float) -> IntArray:
        """Positions of the buyers who bought before a day."""
        return np.flatnonzero(self.world.acquired < as_of)

    def churn_risk(self, as_of: float, horizon_days: int, knowing: str) -> FloatArray:
        """Probability of no purchase in the horizon; shape (n_known,)."""
        return self._view(as_of, knowing).churn_risk(horizon_days)

    def client_probability(
        self, as_of: float, horizon_days: int, periods: int, min_periods: int, knowing: str
    ) -> FloatArray:
        """Probability of patronage, and of a care tie where contacts are recorded; shape (n_known,)."""
        return self._view(as_of, knowing).client_probability(
            horizon_days,
            periods,
            min_periods,
            needs_tie=bool(self.world.contact_kinds),
            n_paths=200,
            random_state=horizon_days,
        )

    def potential_outcomes(self, as_of: float, horizon_days: int, knowing: str) -> dict[str, Any]:
        """Churn risks with and without the contact of a wave; arrays of shape (n_known,)."""
        if self.waves is None:
            raise OptionError("potential_outcomes: no care was planted.")
        wave = int(np.flatnonzero(self.waves.days == as_of)[0])
        known = self.known(as_of)
        risks = [
            ShopView(with_wave(self.world, self.waves, wave, contacted), as_of, known, knowing).churn_risk(
                horizon_days
            )
            for contacted in (True, False)
        ]
        return {
            "propensity": self.waves.propensity[known, wave],
            "was_contacted": self.waves.was_contacted[known, wave],
            "churn_risk_if_contacted": risks[0],
            "churn_risk_if_not": risks[1],
        }

    def _view(self, as_of: float, knowing: str) -> ShopView:
        return ShopView(_without_later_contacts(self.world, as_of), as_of, self.known(as_of), knowing)


def simulate_retailer(
    n_buyers: int,
    random_state: int,
    start: pd.Timestamp,
    n_days: int,
    *,
    season: float,
    share_clients: float,
    with_interactions: bool,
    assignment: str,
    care_effect: float,
    overlap: str,
) -> SimulatedHistories:
    """A shop with customers and clients; see :func:`clientcare.datasets.simulate_histories`."""
    seeds = Seeds.of(random_state)
    types = shop_types(share_clients, with_interactions)
    segment = seeds.decoration.choice(len(SEGMENTS), size=n_buyers, p=[0.25, 0.5, 0.25])
    world = new_world(types, n_buyers, n_days, max(n_days - 60, 1), _season(start, n_days, season), seeds)
    waves = None
    if assignment == "none":
        world = live(world, seeds)
    else:
        strength = care_effect * np.array(CARE_STRENGTH_BY_SEGMENT)[segment]
        world, waves = live_with_care(world, seeds, strength, assignment, overlap)
    world = get_in_touch(world, seeds)
    naming = Naming.of(start, n_buyers, "B")
    sees_contacts = with_interactions or waves is not None
    return SimulatedHistories(
        kind="retailer",
        transactions=transactions_of(world, naming, seeds.decoration),
        interactions=interactions_of(world, waves, naming, seeds.decoration) if sees_contacts else None,
        contracts=None,
        buyers=buyers_of(world, naming, segment, seeds.decoration),
        truth=_truth(world, waves, naming, is_client=world.type_of == len(types) - 1),
        observed_from=start,
        observed_until=start + pd.Timedelta(days=n_days),
        process=ShopProcess(world, waves),
        care_dates=() if waves is None else tuple(start + pd.Timedelta(days=int(day)) for day in waves.days),
    )


def simulate_pareto_nbd(
    n_buyers: int = 1000,
    *,
    r: float = 0.55,
    alpha: float = 74.0,
    s: float = 0.6,
    beta: float = 82.0,
    n_days: int = 546,
    acquisition_days: int = 90,
    random_state: int = 0,
    start: str = "2022-01-01",
) -> SimulatedHistories:
    """Purchases from a Pareto/NBD model and nothing else, with the true probabilities in closed form.

    Each buyer purchases at random at a rate drawn from Gamma(r) / alpha a day, until they leave unseen at a
    rate drawn from Gamma(s) / beta. The defaults are about those of a music shop of the nineties.

    Parameters
    ----------
    n_buyers : int
        How many.
    r, alpha, s, beta : float
        The four parameters; alpha and beta in days.
    n_days : int
        Length of observation.
    acquisition_days : int
        First purchases fall evenly into so many first days.
    random_state : int
        Same number, same data.
    start : str
        The first day of observation.

    Returns
    -------
    SimulatedHistories
        With transactions (one a purchase, an amount each) alone.

    References
    ----------
    Schmittlein, Morrison and Colombo (1987), "Counting your customers: who are they and what will they do
    next?", Management Science 33(1), 1-24.

    Examples
    --------
    >>> simulated = simulate_pareto_nbd(100, random_state=1)
    >>> risk = simulated.true_churn_risk("2022-12-01", "90D")
    >>> len(risk), bool(risk.between(0, 1).all())
    (100, True)
    """
    seeds = Seeds.of(random_state)
    one = BuyerType("buyer", 1.0, 1, r, alpha, s, beta)
    first_day = pd.Timestamp(start).as_unit("us")
    world = live(
        new_world((one,), n_buyers, n_days, acquisition_days, _season(first_day, n_days, 0.0), seeds), seeds
    )
    naming = Naming.of(first_day, n_buyers, "B")
    mean_amount = 35.0 * 3.0 / seeds.decoration.gamma(4.0, size=n_buyers)
    amount = (
        mean_amount[world.purchases.buyer]
        * seeds.decoration.gamma(6.0, size=len(world.purchases.buyer))
        / 6.0
    )
    transactions = pd.DataFrame(
        {
            "buyer_id": naming.ids.take(world.purchases.buyer),
            "timestamp": naming.moments(world.purchases.day),
            "amount": np.round(np.maximum(amount, 0.01), 2),
        }
    )
    return SimulatedHistories(
        kind="pareto_nbd",
        transactions=transactions,
        interactions=None,
        contracts=None,
        buyers=None,
        truth=_truth(world, None, naming, is_client=None),
        observed_from=first_day,
        observed_until=first_day + pd.Timedelta(days=n_days),
        process=ShopProcess(world),
    )


def _season(start: pd.Timestamp, n_days: int, amplitude: float) -> Season:
    """Buying peaks in mid-December of every year."""
    peak = (pd.Timestamp(year=start.year, month=12, day=15) - start).days
    return Season.of_year(n_days + int(_YEARS_BEYOND * 366), amplitude, float(peak))


def _without_later_contacts(world: ShopWorld, as_of: float) -> ShopWorld:
    def cut(clock: OwnClock) -> OwnClock:
        return replace(clock, contacted_at=np.where(clock.contacted_at < as_of, clock.contacted_at, np.nan))

    return replace(world, buying_clock=cut(world.buying_clock), leaving_clock=cut(world.leaving_clock))


def _truth(world: ShopWorld, waves: CareWaves | None, naming: Naming, is_client: Any) -> pd.DataFrame:
    contacts = np.array([sum(one.contacts_a_year.values()) for one in world.types])
    columns: dict[str, Any] = {} if is_client is None else {"is_client": is_client}
    columns |= {
        "acquired_at": naming.moments(world.acquired),
        "dropped_out_at": naming.moments(world.left),
        "purchases_a_year": world.steps_a_day / world.phases * 365.25,
        "drop_outs_a_year": world.leaving_a_day * 365.25,
        "tie_strength": contacts[world.type_of],
        "care_strength": np.zeros(world.n_buyers) if waves is None else waves.strength,
    }
    return pd.DataFrame(columns, index=naming.ids.rename("buyer_id"))
