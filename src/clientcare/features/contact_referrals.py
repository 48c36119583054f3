"""Word of mouth: whom a buyer referred, and whether another referred the buyer."""

from __future__ import annotations

import numpy as np

from clientcare.facts.runs import Floats
from clientcare.features.catalogue import feature
from clientcare.features.contact import TABLE, contacts
from clientcare.features.snapshot import Snapshot


@feature(
    "contact",
    "referrals",
    needs=TABLE,
    nan="never",
    phrase="referred others {n_referrals_made:.0f} times",
    theme="word of mouth",
)
def n_referrals_made(at: Snapshot) -> Floats:
    """Referrals recorded among the contacts."""
    return contacts(at).count(contacts(at).kind("referral"))


@feature(
    "contact", "days", needs=TABLE, nan="never referred anybody",
    phrase="last referred somebody {days_since_last_referral:.0f} days ago",
    theme="word of mouth",
)  # fmt: skip
def days_since_last_referral(at: Snapshot) -> Floats:
    """Calendar days since the last referral."""
    return contacts(at).days_since_last(contacts(at).kind("referral"))


@feature(
    "contact", "0 or 1", needs=("buyers", "buyers.referred_by"), nan="never",
    phrase="came by a referral: {was_referred:.0f}",
    theme="word of mouth",
)  # fmt: skip
def was_referred(at: Snapshot) -> Floats:
    """1 where another buyer is named as having referred this one."""
    buyers = at.histories.buyers
    if buyers is None:
        return np.zeros(at.n_buyers)
    return buyers["referred_by"].iloc[at.buyers].notna().to_numpy(dtype=np.float64)
