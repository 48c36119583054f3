"""Contact: how much of it, when, by whom, and how promptly either side came back.

A contact counts where it took place: one that was missed, or is only scheduled, is no contact. An answer,
a closing and a rating count from the moment they were known. What counts as a contact, and of whom, is said by
:class:`clientcare.facts.contacts.Contacts`; here it is only reduced to a number a buyer.
"""

from __future__ import annotations

import numpy as np

from clientcare.facts.contacts import Bools, Contacts
from clientcare.facts.runs import Floats, ratio, where
from clientcare.features.catalogue import feature
from clientcare.features.contact_runs import ContactRuns
from clientcare.features.snapshot import Snapshot

TABLE = "interactions"
BOTH = ("interactions", "transactions")

NO_CONTACT = "no contact yet"
NO_SIDE = "nobody wrote down who started the contacts"


def contacts(at: Snapshot) -> ContactRuns:
    """The contacts of a snapshot, put in order once."""
    return at.once(ContactRuns.known)


def facts(at: Snapshot) -> Contacts:
    """What is known of the contacts of a snapshot; masks over their rows."""
    return contacts(at).facts


def _by_side(at: Snapshot, side: Bools, days: int | None = None) -> Floats:
    """Contacts that one side started, of the last so many days; NaN for a buyer of whose contacts no side is known."""
    there, known = contacts(at), facts(at)
    rows = side & known.kept
    n = there.count(rows) if days is None else there.count_within(rows, days)
    told = there.count(known.kept & (known.by_seller | known.inbound))
    return where((told > 0) | (there.count(known.kept) == 0), n)


# How much


@feature("contact", "contacts", needs=TABLE, nan="never", phrase="{n_contacts:.0f} contacts in all")
def n_contacts(at: Snapshot) -> Floats:
    """Contacts that took place, whoever started them."""
    return contacts(at).count(facts(at).kept)


@feature(
    "contact", "contacts", needs=TABLE, nan="never", name="n_contacts_<w>d",
    phrase="{n_contacts_<w>d:.0f} contacts in the last <w> days",
)  # fmt: skip
def n_contacts_in_window(at: Snapshot, days: int) -> Floats:
    """Contacts in the last <w> days."""
    return contacts(at).count_within(facts(at).kept, days)


@feature(
    "contact", "contacts", needs=TABLE, nan="never", name="n_contacts_<w>d_change",
    phrase="{n_contacts_<w>d_change:+.0f} contacts against the <w> days before",
)  # fmt: skip
def n_contacts_change(at: Snapshot, days: int) -> Floats:
    """Contacts in the last <w> days less those in the <w> days before."""
    there = contacts(at)
    return 2 * there.count_within(there.facts.kept, days) - there.count_within(there.facts.kept, 2 * days)


@feature("contact", "contacts", needs=TABLE, nan=NO_SIDE, phrase="{n_outbound_contacts:.0f} contacts by us")
def n_outbound_contacts(at: Snapshot) -> Floats:
    """Contacts that the seller started."""
    return _by_side(at, facts(at).outbound)


@feature("contact", "contacts", needs=TABLE, nan=NO_SIDE, phrase="{n_inbound_contacts:.0f} contacts by them")
def n_inbound_contacts(at: Snapshot) -> Floats:
    """Contacts that the buyer started."""
    return _by_side(at, facts(at).inbound)


@feature("contact", "contacts", needs=TABLE, nan=NO_SIDE, phrase="{n_mutual_contacts:.0f} calls and meetings")
def n_mutual_contacts(at: Snapshot) -> Floats:
    """Contacts in which both sides came together."""
    return _by_side(at, facts(at).mutual)


@feature(
    "contact", "contacts", needs=TABLE, nan=NO_SIDE,
    phrase="we got in touch {n_outbound_contacts_90d:.0f} times in the last 90 days",
)  # fmt: skip
def n_outbound_contacts_90d(at: Snapshot) -> Floats:
    """Contacts that the seller started in the last 90 days."""
    return _by_side(at, facts(at).outbound, 90)


@feature(
    "contact", "contacts", needs=TABLE, nan=NO_SIDE,
    phrase="they got in touch {n_inbound_contacts_90d:.0f} times in the last 90 days",
)  # fmt: skip
def n_inbound_contacts_90d(at: Snapshot) -> Floats:
    """Contacts that the buyer started in the last 90 days."""
    return _by_side(at, facts(at).inbound, 90)


@feature(
    "contact", "contacts", needs=BOTH, nan="no purchase yet (a contract only)",
    phrase="{contacts_per_purchase:.1f} contacts a purchase",
)  # fmt: skip
def contacts_per_purchase(at: Snapshot) -> Floats:
    """Contacts over purchases."""
    return ratio(at.once(n_contacts), at.n_purchases)


@feature(
    "contact", "contacts", needs=BOTH, nan="no purchase yet (a contract only)",
    phrase="{n_contacts_since_last_purchase:.0f} contacts since the last purchase",
)  # fmt: skip
def n_contacts_since_last_purchase(at: Snapshot) -> Floats:
    """Contacts on days after the last purchase."""
    there = contacts(at)
    later = there.facts.kept & (there.age < np.nan_to_num(at.silence)[there.runs.row])
    return where(at.n_purchases > 0, there.count(later))


# When


@feature(
    "contact", "days", needs=TABLE, nan=NO_CONTACT, phrase="no contact for {days_since_last_contact:.0f} days"
)
def days_since_last_contact(at: Snapshot) -> Floats:
    """Calendar days since the last contact."""
    return contacts(at).days_since_last(facts(at).kept)


@feature(
    "contact",
    "days",
    needs=TABLE,
    nan=NO_CONTACT,
    phrase="first contact {days_since_first_contact:.0f} days ago",
)
def days_since_first_contact(at: Snapshot) -> Floats:
    """Calendar days since the first contact."""
    return contacts(at).days_since_first(facts(at).kept)


@feature(
    "contact", "days", needs=TABLE, nan="the seller never got in touch",
    phrase="we last got in touch {days_since_last_outbound_contact:.0f} days ago",
)  # fmt: skip
def days_since_last_outbound_contact(at: Snapshot) -> Floats:
    """Calendar days since the seller last started a contact."""
    return contacts(at).days_since_last(facts(at).outbound & facts(at).kept)


@feature(
    "contact", "days", needs=TABLE, nan="the buyer never got in touch",
    phrase="they last got in touch {days_since_last_inbound_contact:.0f} days ago",
)  # fmt: skip
def days_since_last_inbound_contact(at: Snapshot) -> Floats:
    """Calendar days since the buyer last started a contact."""
    return contacts(at).days_since_last(facts(at).inbound & facts(at).kept)


@feature(
    "contact", "days", needs=TABLE, nan="no call, meeting or visit yet",
    phrase="we last met or spoke {days_since_last_mutual_contact:.0f} days ago",
)  # fmt: skip
def days_since_last_mutual_contact(at: Snapshot) -> Floats:
    """Calendar days since both sides last came together."""
    return contacts(at).days_since_last(facts(at).mutual & facts(at).kept)


@feature(
    "contact", "days", needs=TABLE, nan="fewer than two contacts",
    phrase="in touch every {contact_gap_days_mean:.0f} days",
)  # fmt: skip
def contact_gap_days_mean(at: Snapshot) -> Floats:
    """Mean days between contacts."""
    runs, age = contacts(at).only(facts(at).kept)
    return where(runs.count > 1, (runs.first(age) - runs.last(age)) / np.maximum(runs.count - 1, 1))


@feature(
    "contact", "days", needs=TABLE, nan=NO_CONTACT,
    phrase="once out of touch for {longest_contact_silence_days:.0f} days",
)  # fmt: skip
def longest_contact_silence_days(at: Snapshot) -> Floats:
    """The longest stretch without a contact since the first, the present one included."""
    runs, age = contacts(at).only(facts(at).kept)
    until_next = np.append(age[:-1] - age[1:], 0)
    ends = np.append(runs.is_first[1:], [True][: len(age)])
    return runs.max(np.where(ends, age, until_next[: len(age)]))


@feature(
    "contact", "ratio", needs=TABLE, nan="fewer than two contacts",
    phrase="out of touch {contact_overdue_ratio:.1f} times as long as usual; "
    "usually every {contact_gap_days_mean:.0f} days",
)  # fmt: skip
def contact_overdue_ratio(at: Snapshot) -> Floats:
    """Days since the last contact over the mean days between contacts."""
    return ratio(at.once(days_since_last_contact), at.once(contact_gap_days_mean))


# Two-way


@feature(
    "contact", "share", needs=TABLE, nan="no one-sided contact yet",
    phrase="we started {proactive_share:.0%} of the one-sided contacts",
)  # fmt: skip
def proactive_share(at: Snapshot) -> Floats:
    """Share of the one-sided contacts that the seller started."""
    return ratio(at.once(n_outbound_contacts), at.once(n_outbound_contacts) + at.once(n_inbound_contacts))


@feature(
    "contact", "share", needs=TABLE, nan="no contact by either side yet",
    phrase="reciprocity {contact_reciprocity:.0%} (100 % = both sides alike)",
)  # fmt: skip
def contact_reciprocity(at: Snapshot) -> Floats:
    """How evenly both sides keep in touch: twice the smaller side's contacts over all; 0 = one side alone."""
    mutual = at.once(n_mutual_contacts)
    ours, theirs = at.once(n_outbound_contacts) + mutual, at.once(n_inbound_contacts) + mutual
    return ratio(2 * np.minimum(ours, theirs), ours + theirs)


def _buyer_replies(at: Snapshot) -> tuple[Floats, Floats]:
    there = contacts(at)
    return there.replies(there.facts.outbound & there.facts.kept, there.facts.by_buyer & there.facts.kept)


def _seller_replies(at: Snapshot) -> tuple[Floats, Floats]:
    there = contacts(at)
    return there.replies(there.facts.inbound & there.facts.kept, there.facts.by_seller & there.facts.kept)


@feature(
    "contact", "share", needs=TABLE, nan="no contact by the seller more than 14 days ago",
    phrase="they came back to us after {buyer_reply_share:.0%} of our contacts",
)  # fmt: skip
def buyer_reply_share(at: Snapshot) -> Floats:
    """Share of the seller's contacts that the buyer followed within 14 days."""
    return at.once(_buyer_replies)[0]


@feature(
    "contact", "days", needs=TABLE, nan="the buyer never followed within 14 days",
    phrase="they come back to us after {buyer_reply_days_mean:.1f} days",
)  # fmt: skip
def buyer_reply_days_mean(at: Snapshot) -> Floats:
    """Mean days from a contact by the seller to the buyer's next, where it came within 14 days."""
    return at.once(_buyer_replies)[1]


@feature(
    "contact", "share", needs=TABLE, nan="no contact by the buyer more than 14 days ago",
    phrase="we came back to {seller_reply_share:.0%} of their contacts",
)  # fmt: skip
def seller_reply_share(at: Snapshot) -> Floats:
    """Share of the buyer's contacts that the seller followed within 14 days."""
    return at.once(_seller_replies)[0]


@feature(
    "contact", "days", needs=TABLE, nan="the seller never followed within 14 days",
    phrase="we come back to them after {seller_reply_days_mean:.1f} days",
)  # fmt: skip
def seller_reply_days_mean(at: Snapshot) -> Floats:
    """Mean days from a contact by the buyer to the seller's next, where it came within 14 days."""
    return at.once(_seller_replies)[1]


@feature(
    "contact", "share", needs=TABLE, nan="no contact by the buyer whose answer is recorded",
    phrase="{answered_inbound_share:.0%} of their contacts were answered",
)  # fmt: skip
def answered_inbound_share(at: Snapshot) -> Floats:
    """Share of the buyer's contacts that are recorded as answered by now."""
    return _answered_share(at, facts(at).inbound)


@feature(
    "contact", "share", needs=TABLE, nan="no contact by the seller whose answer is recorded",
    phrase="they answered {answered_outbound_share:.0%} of our contacts",
)  # fmt: skip
def answered_outbound_share(at: Snapshot) -> Floats:
    """Share of the seller's contacts that are recorded as answered by now."""
    return _answered_share(at, facts(at).outbound)


def _answered_share(at: Snapshot, which: Bools) -> Floats:
    there, answered = contacts(at), facts(at).answered
    written = which & facts(at).kept & ~np.isnan(answered)
    return ratio(there.count(written & (answered == 1)), there.count(written))


@feature(
    "contact", "hours", needs=(TABLE, "interactions.response_hours"), nan="no answer with a known delay",
    phrase="answers take {response_hours_mean:.0f} hours",
)  # fmt: skip
def response_hours_mean(at: Snapshot) -> Floats:
    """Mean hours to an answer, of the answers known by now."""
    return contacts(at).mean("response_hours")
