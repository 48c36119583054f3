"""What contacts are about: care or sales, through whom and what, and use of what was bought."""

from __future__ import annotations

import numpy as np

from clientcare.facts.runs import Floats, ratio
from clientcare.features.catalogue import feature
from clientcare.features.contact import NO_CONTACT, TABLE, contacts, facts, n_contacts
from clientcare.features.snapshot import Snapshot


@feature(
    "contact",
    "share",
    needs=TABLE,
    nan=NO_CONTACT,
    phrase="{non_sales_share:.0%} of the contacts sold nothing",
)
def non_sales_share(at: Snapshot) -> Floats:
    """Share of the contacts that are no campaign, no invoice, and not about sales but for the buyer's own."""
    return ratio(at.once(n_contacts) - contacts(at).count(facts(at).selling), at.once(n_contacts))


@feature(
    "contact", "contacts", needs=TABLE, nan="never",
    phrase="{n_beyond_contacts_365d:.0f} times care beyond the purchase in the last year",
)  # fmt: skip
def n_beyond_contacts_365d(at: Snapshot) -> Floats:
    """Care by the seller beyond the purchase in the last 365 days: advice, check-ins, training, events, visits."""
    return contacts(at).count_within(facts(at).beyond, 365)


@feature("contact", "kinds", needs=TABLE, nan="never", phrase="{n_contact_kinds:.0f} kinds of contact")
def n_contact_kinds(at: Snapshot) -> Floats:
    """Different kinds of contact."""
    return contacts(at).distinct("kind", facts(at).kept)


@feature(
    "contact", "owners", needs=(TABLE, "interactions.owner"), nan="never",
    phrase="{n_contact_owners_365d:.0f} people of ours in the last year",
)  # fmt: skip
def n_contact_owners_365d(at: Snapshot) -> Floats:
    """Different people of the seller in contact in the last 365 days."""
    return contacts(at).distinct("owner", facts(at).kept & (contacts(at).age <= 365))


@feature("contact", "channels", needs=(TABLE, "interactions.channel"), nan="never",
         phrase="in touch through {n_contact_channels:.0f} channels")  # fmt: skip
def n_contact_channels(at: Snapshot) -> Floats:
    """Different channels of contact."""
    return contacts(at).distinct("channel", facts(at).kept)


@feature(
    "contact", "minutes", needs=(TABLE, "interactions.minutes"), nan="never",
    phrase="{contact_minutes_90d:.0f} minutes of contact or use in the last 90 days",
    theme="use",
)  # fmt: skip
def contact_minutes_90d(at: Snapshot) -> Floats:
    """Known minutes of contact or use in the last 90 days; 0 where none are known."""
    runs, minutes, age = contacts(at).number("minutes", use=True)
    return runs.sum(np.where(age <= 90, minutes, 0.0))


@feature(
    "contact", "minutes", needs=(TABLE, "interactions.minutes"), nan="never",
    phrase="{contact_minutes_90d_change:+.0f} minutes against the 90 days before",
    theme="use",
)  # fmt: skip
def contact_minutes_90d_change(at: Snapshot) -> Floats:
    """Minutes of contact or use in the last 90 days less those in the 90 days before."""
    runs, minutes, age = contacts(at).number("minutes", use=True)
    return runs.sum(np.where(age <= 90, minutes, 0.0)) - runs.sum(
        np.where((age > 90) & (age <= 180), minutes, 0.0)
    )


@feature(
    "contact",
    "records of use",
    needs=TABLE,
    nan="never",
    phrase="used {n_usage_30d:.0f} times in 30 days",
    theme="use",
)
def n_usage_30d(at: Snapshot) -> Floats:
    """Records of use in the last 30 days."""
    return contacts(at).count_within(facts(at).use, 30)


@feature(
    "contact", "records of use", needs=TABLE, nan="never",
    phrase="{n_usage_30d_change:+.0f} uses against the 30 days before",
    theme="use",
)  # fmt: skip
def n_usage_30d_change(at: Snapshot) -> Floats:
    """Records of use in the last 30 days less those in the 30 days before."""
    there, used = contacts(at), facts(at).use
    return 2 * there.count_within(used, 30) - there.count_within(used, 60)
