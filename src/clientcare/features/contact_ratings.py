"""How content a buyer is: ratings, feedback, complaints, requests, and whether they were resolved."""

from __future__ import annotations

import numpy as np

from clientcare.facts.contacts import Bools
from clientcare.facts.runs import Floats, where
from clientcare.features.catalogue import feature
from clientcare.features.contact import TABLE, contacts, facts
from clientcare.features.snapshot import Snapshot

RATED = (TABLE, "interactions.satisfaction")
NO_RATING = "never rated"
NO_CLOSING = "none of them has its closing recorded"


def _not_resolved(at: Snapshot, rows: Bools) -> Floats:
    """Some contacts that are still open; NaN for a buyer of whom the closing of none of them is recorded."""
    there, known = contacts(at), facts(at)
    told = there.count(rows & ~np.isnan(known.resolved))
    return where((told > 0) | (there.count(rows) == 0), there.count(rows & (known.resolved == 0)))


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
