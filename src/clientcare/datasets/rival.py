"""A shop with a rival as a data set: orders, contacts, and the truth behind."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.random import Generator

from clientcare.datasets.clocks import FloatArray, IntArray
from clientcare.datasets.rival_world import (
    N_NEEDS,
    NEW_OWNER_AT,
    RISES_AT,
    Reliance,
    RivalProcess,
    new_reliance,
    visits,
)
from clientcare.datasets.shop_tables import Naming
from clientcare.datasets.simulated import SimulatedHistories

NEEDS = ("repairs", "supplies", "advice", "rental", "training")
PRICES = np.array([60.0, 25.0, 80.0, 40.0, 120.0])
DISCOUNT, RISE = 0.15, 0.08


def simulate_rival(
    n_buyers: int,
    random_state: int,
    start: pd.Timestamp,
    n_days: int,
    *,
    share_clients: float,
    with_interactions: bool,
) -> SimulatedHistories:
    """Buyers of one rhythm who differ in dependence alone, and a rival; see ``simulate_histories``."""
    people, living, decoration = np.random.default_rng(random_state).spawn(3)
    reliance = new_reliance(n_buyers, n_days, share_clients, people)
    buyer, day = visits(reliance, n_days, living)
    naming = Naming.of(start, n_buyers, "V")
    ids = naming.ids.rename("buyer_id")
    return SimulatedHistories(
        kind="rival",
        transactions=_orders(reliance, buyer, day, n_days, naming, decoration),
        interactions=_contacts(reliance, n_days, naming, decoration) if with_interactions else None,
        contracts=None,
        buyers=None,
        truth=pd.DataFrame(
            {
                "is_client": reliance.depends > 0.5,
                "dependence": reliance.depends,
                "n_needs": reliance.n_needs,
                "discount_share": reliance.discount_share,
                "changes_owner": reliance.changes_owner,
                "acquired_at": naming.moments(np.floor(reliance.acquired)),
                "dropped_out_at": naming.moments(np.where(reliance.left < n_days, reliance.left, np.inf)),
            },
            index=ids,
        ),
        observed_from=start,
        observed_until=start + pd.Timedelta(days=n_days),
        process=RivalProcess(reliance, n_days, buyer, day),
    )


def _orders(
    reliance: Reliance, buyer: IntArray, day: FloatArray, n_days: int, naming: Naming, rng: Generator
) -> pd.DataFrame:
    """One line a purchase: one of the buyer's needs, at the list price of the day or at a discount."""
    first = rng.integers(N_NEEDS, size=len(reliance.acquired))
    need = (first[buyer] + rng.integers(reliance.n_needs[buyer])) % N_NEEDS
    rises = sum((day >= share * n_days).astype(np.int64) for share in RISES_AT)
    price = np.round(PRICES[need] * (1 + RISE) ** rises, 2)
    quantity = 1.0 + rng.poisson(0.3, len(buyer))
    reduced = rng.random(len(buyer)) < reliance.discount_share[buyer]
    discount = np.where(reduced, np.round(DISCOUNT * price * quantity, 2), 0.0)
    table = pd.DataFrame(
        {
            "buyer_id": naming.ids.take(buyer),
            "timestamp": naming.moments(day),
            "amount": np.round(price * quantity - discount, 2),
            "quantity": quantity,
            "list_price": price,
            "discount": discount,
            "product_id": pd.Categorical.from_codes(
                need, pd.Index([f"P{code + 1}" for code in range(N_NEEDS)])
            ),
            "category": pd.Categorical.from_codes(need, pd.Index(NEEDS)),
        }
    )
    return table.sort_values(["timestamp", "buyer_id"], kind="stable", ignore_index=True)


def _contacts(reliance: Reliance, n_days: int, naming: Naming, rng: Generator) -> pd.DataFrame:
    """Check-ins with everybody alike, questions and referrals by who depends; by the owner of the day."""
    years = (np.minimum(reliance.left, n_days) - reliance.acquired) / 365.25
    kinds = (
        ("check_in", "mutual", "kept", np.full(len(years), 5.0)),
        ("message", "inbound", None, 0.8 + 8.0 * reliance.depends),
        ("referral", "inbound", None, 0.5 * reliance.depends**2),
        ("complaint", "inbound", None, np.full(len(years), 0.3)),
    )
    parts = []
    for kind, direction, status, a_year in kinds:
        n = rng.poisson(a_year * years)
        who = np.repeat(np.arange(len(years)), n)
        when = reliance.acquired[who] + rng.random(len(who)) * 365.25 * years[who]
        parts.append(
            pd.DataFrame({"buyer": who, "day": when, "kind": kind, "direction": direction, "status": status})
        )
    rows = pd.concat(parts, ignore_index=True).sort_values(["day", "buyer"], kind="stable", ignore_index=True)
    who = rows["buyer"].to_numpy()
    changed = reliance.changes_owner[who] & (rows["day"].to_numpy() >= NEW_OWNER_AT * n_days)
    table = pd.DataFrame(
        {
            "buyer_id": naming.ids.take(who),
            "timestamp": naming.moments(rows["day"].to_numpy()),
            "kind": rows["kind"],
            "direction": rows["direction"],
            "status": rows["status"],
            "owner": np.where(changed, "owner-2", "owner-1"),
        }
    )
    return table.assign(answered=np.where(rows["kind"] == "message", 1.0, np.nan))
