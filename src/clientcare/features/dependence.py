"""Dependence: signs of how much the buyer relies on the seller, each from 0 to 1, and how much of it was there to be seen.

What a sign is, is said by :class:`clientcare.facts.signs.Signs`; here it is only taken for the buyers of a snapshot. The
index that the book shows is their mean (:class:`clientcare.outcomes.DependenceRule`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from clientcare.facts.contacts import Contacts
from clientcare.facts.reliance import share_stated, stated
from clientcare.facts.runs import Floats
from clientcare.facts.signs import Signs
from clientcare.features.catalogue import feature
from clientcare.features.snapshot import Snapshot

CATEGORY = ("transactions", "transactions.category")
DISCOUNT = ("transactions", "transactions.discount")
LIST_PRICE = ("transactions", "transactions.amount", "transactions.list_price")
CONTACTS = "interactions"
CONTRACTS = "contracts"
SHARE = ("buyers", "buyers.share_of_wallet")
WALLET = ("transactions", "transactions.amount", "buyers", "buyers.wallet")


def signs_of(at: Snapshot) -> Signs:
    """The signs of all buyers of the histories, as they were known at the date of a snapshot."""
    contacts = at.known_events("interactions")
    buyers, bills = at.histories.buyers, at.histories.bills
    return Signs(
        len(at.histories.buyer_ids),
        at.moment,
        at.known_events("transactions"),
        None if contacts is None else Contacts(contacts, at.moment),
        at.known_events("contracts"),
        stated(buyers, "wallet"),
        share_stated(buyers),
        None if bills is None else bills.before(at.moment),
    )


def _value(at: Snapshot, sign: str) -> Floats:
    return at.once(signs_of).table[sign][0][at.buyers]


def _coverage(at: Snapshot, sign: str) -> Floats:
    return at.once(signs_of).table[sign][1][at.buyers]


def _sign(needs: str | tuple[str, ...], nan: str, theme: str, phrase: str) -> Callable[[Any], Any]:
    return feature("dependence", "0 to 1", needs=needs, nan=nan, phrase=phrase, theme=theme)


@_sign(
    CATEGORY,
    "no purchase with a known category",
    "breadth",
    "served in several needs: {needs_served_sign:.2f} of 1",
)
def needs_served_sign(at: Snapshot) -> Floats:
    """1 - 1/n for n needs (categories) served evenly over the last dozen days of buying or being billed; 0 for one."""
    return _value(at, "breadth")


@_sign(CATEGORY, "never", "breadth", "how well the needs are known: {needs_served_coverage:.2f} of 1")
def needs_served_coverage(at: Snapshot) -> Floats:
    """How much of the needs served could be seen: half after three days of buying or being billed."""
    return _coverage(at, "breadth")


@_sign(
    CONTACTS, "known since today", "contact", "gets in touch of their own accord: {own_voice_sign:.2f} of 1"
)
def own_voice_sign(at: Snapshot) -> Floats:
    """Contacts that the buyer started in the last year, trouble, referrals and answers to forms aside; 1 = seven or more."""
    return _value(at, "own_voice")


@_sign(CONTACTS, "never", "contact", "how long the voice could be heard: {own_voice_coverage:.2f} of 1")
def own_voice_coverage(at: Snapshot) -> Floats:
    """How long the buyer's voice could be heard: half after a quarter."""
    return _coverage(at, "own_voice")


@_sign(DISCOUNT, "no purchase yet", "dependence", "bought {undiscounted_sign:.0%} without a discount")
def undiscounted_sign(at: Snapshot) -> Floats:
    """Share of the lines of the last dozen purchase days bought without a discount."""
    return _value(at, "full_price")


@_sign(
    LIST_PRICE,
    "no purchase with a known list price",
    "dependence",
    "bought {list_price_paid_sign:.0%} at the list price",
)
def list_price_paid_sign(at: Snapshot) -> Floats:
    """Share of the lines of the last dozen purchase days at the list price; where discounts are given, without one."""
    return _value(at, "full_price")


@_sign(
    "transactions",
    "no price rise, complaint or change of owner yet",
    "dependence",
    "stayed after {stayed_after_shocks_sign:.0%} of shocks",
)
def stayed_after_shocks_sign(at: Snapshot) -> Floats:
    """Share of price rises, complaints and changes of owner that the buyer stayed after."""
    return _value(at, "staying")


@_sign(
    "transactions",
    "never",
    "dependence",
    "how many shocks there were to stay after: {stayed_after_shocks_coverage:.2f} of 1",
)
def stayed_after_shocks_coverage(at: Snapshot) -> Floats:
    """How many shocks have been decided: each halves the way to 1."""
    return _coverage(at, "staying")


@_sign(CONTRACTS, "no term has ended yet", "contract", "keeps renewing: {commitment_sign:.2f} of 1")
def commitment_sign(at: Snapshot) -> Floats:
    """Renewals kept; each halves the way to 1."""
    return _value(at, "commitment")


@_sign(CONTACTS, "never", "word of mouth", "refers others: {word_of_mouth_sign:.2f} of 1")
def word_of_mouth_sign(at: Snapshot) -> Floats:
    """Referrals made; each halves the way to 1."""
    return _value(at, "word_of_mouth")


@_sign(SHARE, "not stated", "spend", "spends {stated_share_of_wallet_sign:.0%} of the wallet here")
def stated_share_of_wallet_sign(at: Snapshot) -> Floats:
    """The share of wallet that the user states."""
    return _value(at, "share_of_wallet")


@_sign(WALLET, "the wallet is not stated", "spend", "spends {wallet_spent_sign:.0%} of the wallet here")
def wallet_spent_sign(at: Snapshot) -> Floats:
    """Spend of the last year over the wallet that the user states; where a share is stated, the share."""
    return _value(at, "share_of_wallet")
