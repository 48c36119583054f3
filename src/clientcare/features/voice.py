"""The buyer's voice: how long a buyer has not spoken, whether that is unusual, and which check-ins were missed lately."""

from __future__ import annotations

import numpy as np

from clientcare.facts.contacts import Bools
from clientcare.facts.runs import Array, Floats, ratio, where
from clientcare.facts.voice import Voice
from clientcare.features.catalogue import feature
from clientcare.features.contact import TABLE, contacts, facts
from clientcare.features.contact_runs import REPLY_DAYS
from clientcare.features.snapshot import Snapshot
from clientcare.window import MICROSECONDS_A_DAY

LATELY_DAYS = 90
"""A quarter against all before it: long enough for a buyer who speaks monthly."""

TOO_FEW_DAYS = "spoke on fewer than four days"
NO_PAST = "no contact of that sort both in the last 90 days and before"


def voice(at: Snapshot) -> Voice:
    """When the buyers of a snapshot spoke."""
    there, rows = contacts(at), facts(at).voiced
    return Voice.of(there.runs.row[rows], there.events.day[rows], there.runs.n_runs)


@feature(
    "contact", "days", needs=TABLE, nan="the buyer never spoke",
    phrase="has not spoken for {days_since_buyer_spoke:.0f} days; usually every {buyer_speaks_every_days:.0f}",
)  # fmt: skip
def days_since_buyer_spoke(at: Snapshot) -> Floats:
    """Calendar days since the buyer last spoke: started a contact, took part in one, answered or rated."""
    return np.asarray(at.today - at.once(voice).last_day)


@feature(
    "contact", "days", needs=TABLE, nan=TOO_FEW_DAYS,
    phrase="speaks every {buyer_speaks_every_days:.0f} days",
)  # fmt: skip
def buyer_speaks_every_days(at: Snapshot) -> Floats:
    """Median days between the days on which the buyer spoke."""
    return at.once(voice).usual_gap_days


@feature(
    "contact", "ratio", needs=TABLE, nan=TOO_FEW_DAYS,
    phrase="has not spoken for {days_since_buyer_spoke:.0f} days, {buyer_silence_ratio:.1f} times the usual gap; "
    "usually every {buyer_speaks_every_days:.0f}",
)  # fmt: skip
def buyer_silence_ratio(at: Snapshot) -> Floats:
    """Days since the buyer last spoke over the usual days between; above 3 the buyer has fallen silent."""
    return ratio(at.once(days_since_buyer_spoke), at.once(buyer_speaks_every_days))


@feature(
    "contact", "ratio", needs=TABLE, nan="spoke for the first time less than 180 days ago, or never",
    phrase="spoke {buyer_voice_trend:.0%} as often in the last 90 days as before",
)  # fmt: skip
def buyer_voice_trend(at: Snapshot) -> Floats:
    """Contacts in which the buyer spoke in the last 90 days, over those of as many days before, on average; 1 = as
    before.
    """
    there, spoke = contacts(at), facts(at).voiced
    first = there.days_since_first(spoke)
    lately = there.count_within(spoke, LATELY_DAYS)
    before = (there.count(spoke) - lately) * LATELY_DAYS / np.maximum(first - LATELY_DAYS, 1)
    return where(np.nan_to_num(first) >= 2 * LATELY_DAYS, ratio(lately, before))


def _reply_trend(at: Snapshot) -> tuple[Floats, Floats]:
    """Change of the share of the seller's contacts that the buyer followed within 14 days, and of the days it took."""
    there = contacts(at)
    asked = there.facts.outbound & there.facts.kept
    lately: Array = there.age <= LATELY_DAYS
    answered = there.facts.by_buyer & there.facts.kept
    share, days = there.replies(asked & lately, answered)
    share_before, days_before = there.replies(asked & ~lately, answered)
    return share - share_before, days - days_before


@feature(
    "contact", "difference", needs=TABLE, nan=NO_PAST,
    phrase="comes back to {buyer_reply_share_change:+.0%} of our contacts lately, against before",
)  # fmt: skip
def buyer_reply_share_change(at: Snapshot) -> Floats:
    """Share of the seller's contacts that the buyer followed within 14 days, lately less before."""
    return at.once(_reply_trend)[0]


@feature(
    "contact", "days", needs=TABLE, nan=NO_PAST,
    phrase="comes back to us {buyer_reply_days_change:+.1f} days later than before",
)  # fmt: skip
def buyer_reply_days_change(at: Snapshot) -> Floats:
    """Mean days to the buyer's next contact where it came within 14 days, lately less before; above zero it slows."""
    return at.once(_reply_trend)[1]


@feature(
    "contact", "check-ins", needs=TABLE, nan="never",
    phrase="{n_check_ins_missed_90d:.0f} check-ins missed in the last 90 days", theme="check-ins",
)  # fmt: skip
def n_check_ins_missed_90d(at: Snapshot) -> Floats:
    """Check-ins missed in the last 90 days."""
    return contacts(at).count_within(facts(at).missed_check_ins, LATELY_DAYS)


@feature(
    "contact", "check-ins", needs=TABLE, nan="never",
    phrase="{n_check_ins_not_made_up_90d:.0f} missed check-ins of the last 90 days were not made up for",
    theme="check-ins",
)  # fmt: skip
def n_check_ins_not_made_up_90d(at: Snapshot) -> Floats:
    """Check-ins missed in the last 90 days with none kept within the 14 days after."""
    missed = facts(at).missed_check_ins
    return contacts(at).count_within(missed & ~_kept_soon_after(at), LATELY_DAYS)


def _kept_soon_after(at: Snapshot) -> Bools:
    """Whether a check-in was kept within 14 days after each contact; shape (n_rows,)."""
    there = contacts(at)
    kept = np.flatnonzero(there.facts.check_ins)
    row, time = there.runs.row, there.events.time
    place = np.searchsorted(kept, np.arange(len(row)), side="right")
    there_is = place < len(kept)
    following = kept[place[there_is]]
    soon = np.zeros(len(row), dtype=bool)
    here = np.flatnonzero(there_is)
    same = row[following] == row[here]
    soon[here] = same & (time[following] - time[here] <= REPLY_DAYS * MICROSECONDS_A_DAY)
    return soon
