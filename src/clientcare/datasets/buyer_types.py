"""The types of buyer in a simulated shop, and how often each buys, leaves, and speaks up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class BuyerType:
    """One type of buyer: distributions that its members draw their own habits from.

    While they stay, a member's gaps between purchases are sums of ``phases`` exponential steps: one gives
    purchases at random (Poisson), more give regular ones. The steps come at a rate drawn from a gamma law,
    and the member leaves unseen at a rate drawn from another. With one phase this is the Pareto/NBD model.

    Attributes
    ----------
    name : str
    share : float
        Of all buyers.
    phases : int
        Steps to a purchase.
    step_shape, step_scale_days : float
        Steps a day ~ Gamma(shape) / scale.
    leaving_shape, leaving_scale_days : float
        Rate of leaving a day ~ Gamma(shape) / scale.
    contacts_a_year : mapping of kind to float
        How often a member gets in touch, by kind, while they stay.
    """

    name: str
    share: float
    phases: int
    step_shape: float
    step_scale_days: float
    leaving_shape: float
    leaving_scale_days: float
    contacts_a_year: Mapping[str, float] = field(default_factory=dict)


def shop_types(share_clients: float, with_contacts: bool) -> tuple[BuyerType, BuyerType]:
    """Customers, who buy at random and leave soon, and clients, who buy in a rhythm, stay, and speak.

    Parameters
    ----------
    share_clients : float, 0 to 1
        How many are truly clients.
    with_contacts : bool
        Whether the shop records who got in touch.
    """
    customer = BuyerType(
        name="customer",
        share=1.0 - share_clients,
        phases=1,
        step_shape=0.8,
        step_scale_days=60.0,
        leaving_shape=0.9,
        leaving_scale_days=110.0,
        contacts_a_year=_CUSTOMER_CONTACTS if with_contacts else {},
    )
    client = BuyerType(
        name="client",
        share=share_clients,
        phases=3,
        step_shape=6.0,
        step_scale_days=64.0,
        leaving_shape=1.5,
        leaving_scale_days=1500.0,
        contacts_a_year=_CLIENT_CONTACTS if with_contacts else {},
    )
    return customer, client


_CUSTOMER_CONTACTS = {
    "complaint": 0.15, "feedback": 0.15, "message": 0.4, "referral": 0.04, "support_ticket": 0.3,
}  # fmt: skip
_CLIENT_CONTACTS = {
    "complaint": 0.25, "feedback": 1.2, "message": 2.4, "referral": 0.9, "support_ticket": 0.6,
}  # fmt: skip

ANSWERED_SHARE = {"complaint": 0.8, "message": 0.85, "support_ticket": 0.9}
"""How many contacts of a kind the shop answers; the other kinds need no answer."""
