"""Contact: who keeps in touch with whom, how promptly, how evenly, and how content the buyer is.

A contact counts where it took place: one that was missed, or is only scheduled, is no contact. An answer, a
closing and a rating count from the moment they were known. What counts as a contact, and of whom, is said by
:class:`clientcare.facts.contacts.Contacts`; here it is only reduced to a number a buyer.
"""

from __future__ import annotations

import numpy as np

from clientcare.facts.contacts import Bools, Contacts
from clientcare.facts.runs import Floats, changed, ratio, where
from clientcare.features.catalogue import feature
from clientcare.features.contact_runs import ContactRuns
from clientcare.features.snapshot import Snapshot

TABLE = "interactions"
BOTH = ("interactions", "transactions")
RATED = (TABLE, "interactions.satisfaction")
CADENCE_DAYS = 30
"""The cadence that care is held to: at least one check-in a month."""

NO_CONTACT = "no contact yet"
NO_RATING = "never rated"
NO_CLOSING = "none of them has its closing recorded"
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


def _not_resolved(at: Snapshot, rows: Bools) -> Floats:
    """Some contacts that are still open; NaN for a buyer of whom the closing of none of them is recorded."""
    there, known = contacts(at), facts(at)
    told = there.count(rows & ~np.isnan(known.resolved))
    return where((told > 0) | (there.count(rows) == 0), there.count(rows & (known.resolved == 0)))


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


# Check-ins, kept and missed


@feature(
    "contact",
    "check-ins",
    needs=TABLE,
    nan="never",
    phrase="{n_check_ins_kept:.0f} check-ins kept",
    theme="check-ins",
)
def n_check_ins_kept(at: Snapshot) -> Floats:
    """Check-ins, meetings, visits and calls that took place and that the buyer alone did not start."""
    return contacts(at).count(facts(at).check_ins)


@feature(
    "contact",
    "check-ins",
    needs=TABLE,
    nan="never",
    phrase="{n_check_ins_missed:.0f} check-ins missed",
    theme="check-ins",
)
def n_check_ins_missed(at: Snapshot) -> Floats:
    """Check-ins, meetings, visits and calls that were agreed upon and did not take place."""
    return contacts(at).count(facts(at).missed_check_ins)


@feature(
    "contact", "share", needs=TABLE, nan="no check-in kept or missed yet",
    phrase="{check_in_kept_share:.0%} of the check-ins were kept",
    theme="check-ins",
)  # fmt: skip
def check_in_kept_share(at: Snapshot) -> Floats:
    """Share of the check-ins agreed upon that took place."""
    return ratio(at.once(n_check_ins_kept), at.once(n_check_ins_kept) + at.once(n_check_ins_missed))


@feature(
    "contact", "days", needs=TABLE, nan="no check-in was ever kept",
    phrase="no check-in for {days_since_last_check_in:.0f} days",
    theme="check-ins",
)  # fmt: skip
def days_since_last_check_in(at: Snapshot) -> Floats:
    """Calendar days since the last check-in, meeting, visit or call that took place."""
    return contacts(at).days_since_last(facts(at).check_ins)


@feature(
    "contact", "ratio", needs=TABLE, nan="no check-in was ever kept",
    phrase="the monthly check-in is {check_in_overdue_ratio:.1f} times overdue",
    theme="check-ins",
)  # fmt: skip
def check_in_overdue_ratio(at: Snapshot) -> Floats:
    """Days since the last check-in over the stated cadence of 30 days; above 1 it is overdue."""
    return np.asarray(at.once(days_since_last_check_in) / CADENCE_DAYS)


@feature(
    "contact", "share", needs=TABLE, nan=NO_CONTACT,
    phrase="a check-in in {check_in_month_share:.0%} of the months since the first contact",
    theme="check-ins",
)  # fmt: skip
def check_in_month_share(at: Snapshot) -> Floats:
    """Share of the stretches of 30 days since the first contact that held a check-in, as the cadence asks."""
    runs, age = contacts(at).only(facts(at).check_ins)
    month = np.maximum(age - 1, 0) // CADENCE_DAYS
    held = runs.tally(changed(month) | runs.is_first)
    return ratio(held, np.maximum(at.once(days_since_first_contact) - 1, 0) // CADENCE_DAYS + 1)


# What about


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


# Content or not


@feature(
    "contact",
    "0 to 1",
    needs=RATED,
    nan=NO_RATING,
    phrase="rates us {satisfaction_mean:.0%} on average",
    theme="satisfaction",
)
def satisfaction_mean(at: Snapshot) -> Floats:
    """Mean satisfaction known by now; 1 = best."""
    return contacts(at).mean("satisfaction")


@feature(
    "contact", "0 to 1", needs=RATED, nan=NO_RATING,
    phrase="the last rating was {satisfaction_last:.0%}; usually {satisfaction_mean:.0%}",
    theme="satisfaction",
)  # fmt: skip
def satisfaction_last(at: Snapshot) -> Floats:
    """The rating of the last contact whose rating is known."""
    runs, rating, _ = contacts(at).number("satisfaction")
    return runs.last(rating)


@feature(
    "contact",
    "0 to 1",
    needs=RATED,
    nan=NO_RATING,
    phrase="once rated us {satisfaction_min:.0%}",
    theme="satisfaction",
)
def satisfaction_min(at: Snapshot) -> Floats:
    """The worst rating."""
    runs, rating, _ = contacts(at).number("satisfaction")
    return runs.min(rating)


@feature(
    "contact", "difference", needs=RATED, nan="fewer than two ratings",
    phrase="later ratings differ from earlier ones by {satisfaction_change:+.0%}",
    theme="satisfaction",
)  # fmt: skip
def satisfaction_change(at: Snapshot) -> Floats:
    """Mean of the later half of the ratings less that of the earlier half; below zero it falls."""
    return contacts(at).later_less_earlier("satisfaction")


@feature(
    "contact",
    "ratings",
    needs=RATED,
    nan="never",
    phrase="rated us {n_ratings:.0f} times",
    theme="satisfaction",
)
def n_ratings(at: Snapshot) -> Floats:
    """Contacts whose rating is known."""
    return contacts(at).number("satisfaction")[0].count.astype(np.float64)


@feature(
    "contact",
    "feedback",
    needs=TABLE,
    nan="never",
    phrase="gave feedback {n_feedback_365d:.0f} times in a year",
    theme="satisfaction",
)
def n_feedback_365d(at: Snapshot) -> Floats:
    """Feedback given in the last 365 days."""
    return contacts(at).count_within(contacts(at).kind("feedback"), 365)


@feature(
    "contact",
    "complaints",
    needs=TABLE,
    nan="never",
    phrase="{n_complaints:.0f} complaints in all",
    theme="satisfaction",
)
def n_complaints(at: Snapshot) -> Floats:
    """Complaints in all."""
    return contacts(at).count(contacts(at).kind("complaint"))


@feature(
    "contact",
    "complaints",
    needs=TABLE,
    nan="never",
    phrase="{n_complaints_90d:.0f} complaints in 90 days",
    theme="satisfaction",
)
def n_complaints_90d(at: Snapshot) -> Floats:
    """Complaints in the last 90 days."""
    return contacts(at).count_within(contacts(at).kind("complaint"), 90)


@feature(
    "contact",
    "complaints",
    needs=TABLE,
    nan=NO_CLOSING,
    phrase="{n_open_complaints:.0f} complaints still open",
    theme="satisfaction",
)
def n_open_complaints(at: Snapshot) -> Floats:
    """Complaints that are not closed or resolved as yet."""
    return _not_resolved(at, contacts(at).kind("complaint"))


@feature(
    "contact", "days", needs=TABLE, nan="no complaint is open",
    phrase="a complaint has been open for {days_oldest_complaint_open:.0f} days",
    theme="satisfaction",
)  # fmt: skip
def days_oldest_complaint_open(at: Snapshot) -> Floats:
    """Calendar days since the oldest complaint that is still open."""
    return contacts(at).days_since_first(contacts(at).kind("complaint") & (facts(at).resolved == 0))


@feature(
    "contact",
    "tickets",
    needs=TABLE,
    nan="never",
    phrase="{n_requests_90d:.0f} requests for help in 90 days",
    theme="satisfaction",
)
def n_requests_90d(at: Snapshot) -> Floats:
    """Support tickets and complaints of the last 90 days."""
    return contacts(at).count_within(facts(at).trouble, 90)


@feature(
    "contact",
    "tickets",
    needs=TABLE,
    nan=NO_CLOSING,
    phrase="{n_open_requests:.0f} requests still open",
    theme="satisfaction",
)
def n_open_requests(at: Snapshot) -> Floats:
    """Support tickets and complaints that are not closed or resolved as yet."""
    return _not_resolved(at, facts(at).trouble)


@feature(
    "contact", "hours", needs=(TABLE, "interactions.resolution_hours"), nan="none resolved in a known time",
    phrase="requests take {resolution_hours_mean:.0f} hours to resolve",
    theme="satisfaction",
)  # fmt: skip
def resolution_hours_mean(at: Snapshot) -> Floats:
    """Mean hours until a request was resolved, of those known to be resolved by now."""
    return contacts(at).mean("resolution_hours")


# Referrals


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
