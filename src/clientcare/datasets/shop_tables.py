"""The tables a simulated shop would keep: orders with their lines, returns, contacts, buyers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.random import Generator

from clientcare.datasets.buyer_types import ANSWERED_SHARE
from clientcare.datasets.care_waves import CareWaves
from clientcare.datasets.clocks import FloatArray, IntArray
from clientcare.datasets.shop_world import NEVER, ShopWorld

CATEGORIES = ("books", "garden", "home", "kitchen", "music", "office", "sports", "toys")
CHANNELS = ("app", "store", "web")
SEGMENTS = ("gift", "private", "trade")
REGIONS = ("east", "north", "south", "west")

CARE_STRENGTH_BY_SEGMENT = (0.2, 1.0, 1.6)
"""How strongly a contact works on a buyer of each segment, as a multiple of the planted effect."""

_PRODUCTS_A_CATEGORY = 12
_RETURN_SHARE = 0.05
_CAMPAIGN_EVERY_DAYS = 60
_CAMPAIGN_SHARE = 0.2


@dataclass(frozen=True)
class Naming:
    """How positions and days become ids and moments."""

    start: pd.Timestamp
    ids: pd.Index

    @classmethod
    def of(cls, start: pd.Timestamp, n_buyers: int, letter: str) -> Naming:
        """Ids of a letter and a number with leading zeros, in the order of acquisition."""
        width = max(len(str(n_buyers)), 4)
        return cls(start, pd.Index([f"{letter}{number:0{width}d}" for number in range(1, n_buyers + 1)]))

    def moments(self, days: FloatArray) -> Any:
        """Moments of whole seconds; NaT where the day is unknown or never comes."""
        never = ~np.isfinite(days)
        seconds = np.floor(np.where(never, 0.0, days) * 86_400 + 1e-4).astype(np.int64)
        moments = np.datetime64(self.start.isoformat(), "us") + seconds * np.timedelta64(1_000_000, "us")
        return np.where(never, np.datetime64("NaT"), moments).astype("datetime64[us]")


def transactions_of(world: ShopWorld, naming: Naming, rng: Generator) -> pd.DataFrame:
    """One row a line of an order, and one a return; sorted by time.

    What is bought, how, and for how much says nothing about whether a buyer stays, so that the true
    probabilities may leave it aside.
    """
    usual_amount = 28.0 * 3.0 / rng.gamma(4.0, size=world.n_buyers)
    favourite = rng.integers(len(CATEGORIES), size=world.n_buyers)
    usual_channel = rng.integers(len(CHANNELS), size=world.n_buyers)
    n_orders = len(world.purchases.day)
    n_lines = 1 + rng.poisson(0.4, size=n_orders)
    order = np.repeat(np.arange(n_orders), n_lines)
    buyer = world.purchases.buyer[order]
    category = np.where(
        rng.random(len(order)) < 0.6, favourite[buyer], rng.integers(len(CATEGORIES), size=len(order))
    )
    product = np.minimum(rng.geometric(0.18, size=len(order)) - 1, _PRODUCTS_A_CATEGORY - 1)
    switches = rng.random(n_orders) < 0.15
    channel = np.where(
        switches, rng.integers(len(CHANNELS), size=n_orders), usual_channel[world.purchases.buyer]
    )
    lines = {
        "buyer": buyer,
        "day": world.purchases.day[order],
        "amount": np.round(np.maximum(usual_amount[buyer] * rng.gamma(3.0, size=len(order)) / 3.0, 0.5), 2),
        "quantity": rng.integers(1, 4, size=len(order)).astype(np.float64),
        "order": order,
        "product": category * _PRODUCTS_A_CATEGORY + product,
        "category": category,
        "channel": channel[order],
    }
    return _named_lines(_with_returns(lines, world.n_days, rng), naming)


def _with_returns(lines: dict[str, Any], n_days: int, rng: Generator) -> dict[str, Any]:
    """Some lines come back days later, with a negative amount."""
    late = lines["day"] + rng.uniform(2.0, 25.0, size=len(lines["day"]))
    back = np.flatnonzero((rng.random(len(late)) < _RETURN_SHARE) & (late < n_days))
    returned = {name: values[back] for name, values in lines.items()} | {"day": late[back]}
    returned |= {name: -lines[name][back] for name in ("amount", "quantity")}
    both = {name: np.concatenate([lines[name], returned[name]]) for name in lines}
    by_time = np.argsort(both["day"], kind="stable")
    return {name: values[by_time] for name, values in both.items()}


def _named_lines(lines: dict[str, Any], naming: Naming) -> pd.DataFrame:
    numbers = np.unique(lines["order"], return_inverse=True)[1]
    by_first_seen = pd.factorize(numbers)[0]
    width = len(str(max(len(numbers), 1)))
    products = [
        f"{category}-{number:02d}" for category in CATEGORIES for number in range(1, _PRODUCTS_A_CATEGORY + 1)
    ]
    orders = pd.Index([f"O{number:0{width}d}" for number in range(1, int(by_first_seen.max(initial=-1)) + 2)])
    return pd.DataFrame(
        {
            "buyer_id": naming.ids.take(lines["buyer"]),
            "timestamp": naming.moments(lines["day"]),
            "amount": lines["amount"],
            "quantity": lines["quantity"],
            "order_id": orders.take(by_first_seen),
            "product_id": pd.Categorical.from_codes(lines["product"], pd.Index(products)),
            "category": pd.Categorical.from_codes(lines["category"], pd.Index(CATEGORIES)),
            "channel": pd.Categorical.from_codes(lines["channel"], pd.Index(CHANNELS)),
        }
    )


def interactions_of(
    world: ShopWorld, waves: CareWaves | None, naming: Naming, rng: Generator
) -> pd.DataFrame:
    """Contacts that buyers started, with the answers given; campaigns; contacts of care. Sorted by time."""
    frames = [_inbound(world, naming, rng), _campaigns(world, naming, rng)]
    if waves is not None:
        buyer, wave = np.nonzero(waves.was_contacted)
        frames.append(_outbound("check_in", buyer, waves.moment[buyer, wave], naming))
    table = pd.concat(frames, ignore_index=True)
    return table.sort_values(["timestamp", "buyer_id", "kind"], kind="stable", ignore_index=True)


def _inbound(world: ShopWorld, naming: Naming, rng: Generator) -> pd.DataFrame:
    contacts = world.contacts
    share = np.array([ANSWERED_SHARE.get(kind, np.nan) for kind in world.contact_kinds])[contacts.kind]
    hours = np.round(rng.gamma(1.2, 12.0, size=len(share)) + 0.1, 1)
    wants_answer = ~np.isnan(share)
    answered_at = contacts.day + hours / 24.0
    answered = wants_answer & (rng.random(len(share)) < np.nan_to_num(share)) & (answered_at < world.n_days)
    kinds = np.array(world.contact_kinds, dtype=object)[contacts.kind]
    rated = (kinds == "feedback") | (answered & (rng.random(len(share)) < 0.3))
    satisfaction = np.round(rng.beta(5.0, 2.0, size=len(share)), 2)
    is_case = np.isin(kinds.astype(str), ("complaint", "support_ticket"))
    closed_at = answered_at + rng.gamma(1.0, 2.0, size=len(share))
    closed = is_case & answered & (closed_at < world.n_days)
    return pd.DataFrame(
        {
            "buyer_id": naming.ids.take(contacts.buyer),
            "timestamp": naming.moments(contacts.day),
            "kind": kinds,
            "direction": "inbound",
            "channel": np.array(["chat", "email", "phone"], dtype=object)[rng.integers(3, size=len(share))],
            "satisfaction": np.where(rated & ~(is_case & ~closed), satisfaction, np.nan),
            "response_hours": np.where(answered, hours, np.nan),
            "answered": np.where(wants_answer, answered.astype(np.float64), np.nan),
            "answered_at": naming.moments(np.where(answered, answered_at, NEVER)),
            "resolved": np.where(is_case, closed.astype(np.float64), np.nan),
            "closed_at": naming.moments(np.where(closed, closed_at, NEVER)),
        }
    )


def _campaigns(world: ShopWorld, naming: Naming, rng: Generator) -> pd.DataFrame:
    """Offers sent now and then to some of all buyers so far, whoever they are."""
    buyers: list[IntArray] = []
    days: list[FloatArray] = []
    for day in np.arange(_CAMPAIGN_EVERY_DAYS, world.n_days, _CAMPAIGN_EVERY_DAYS, dtype=np.float64):
        sent = np.flatnonzero((world.acquired < day) & (rng.random(world.n_buyers) < _CAMPAIGN_SHARE))
        buyers.append(sent)
        days.append(np.full(len(sent), day + 9 / 24))
    nobody, never = np.zeros(0, np.int64), np.zeros(0)
    return _outbound("campaign", np.concatenate([nobody, *buyers]), np.concatenate([never, *days]), naming)


def _outbound(kind: str, buyer: IntArray, day: FloatArray, naming: Naming) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "buyer_id": naming.ids.take(buyer),
            "timestamp": naming.moments(day),
            "kind": kind,
            "direction": "outbound",
            "channel": "email" if kind == "campaign" else "phone",
        }
    )


def buyers_of(world: ShopWorld, naming: Naming, segment: IntArray, rng: Generator) -> pd.DataFrame:
    """What is known of each buyer from the start: segment, region, and who sent them."""
    referral = world.contact_kinds.index("referral") if "referral" in world.contact_kinds else -1
    by = world.contacts.kind == referral
    sent = np.searchsorted(world.acquired, world.contacts.day[by], side="right")
    came = (rng.random(len(sent)) < 0.5) & (sent < world.n_buyers)
    referred_by = np.full(world.n_buyers, -1, dtype=np.int64)
    referred_by[sent[came]] = world.contacts.buyer[by][came]
    sender = naming.ids.to_numpy(dtype=object)[referred_by]
    sender[referred_by < 0] = None
    return pd.DataFrame(
        {
            "buyer_id": naming.ids,
            "segment": pd.Categorical.from_codes(segment, pd.Index(SEGMENTS)),
            "region": pd.Categorical.from_codes(
                rng.integers(len(REGIONS), size=world.n_buyers), pd.Index(REGIONS)
            ),
            "referred_by": sender,
        }
    )
