"""Timing: when a buyer came, when last, how often. Ages in calendar days; the day before ``as_of`` is 1."""

from __future__ import annotations

from clientcare.facts.runs import Floats, ratio, where
from clientcare.features.catalogue import feature
from clientcare.features.snapshot import Snapshot
from clientcare.features.steady import steady

NO_PURCHASE = "no purchase yet (a contract only)"
ONE_PURCHASE = "one purchase or none"


@feature(
    "timing",
    "days",
    nan=NO_PURCHASE,
    phrase="silent for {days_since_last_purchase:.0f} days; usually buys every {gap_days_median:.0f} days",
)
def days_since_last_purchase(at: Snapshot) -> Floats:
    """Calendar days since the last purchase."""
    return at.silence


@feature(
    "timing",
    "days",
    nan=NO_PURCHASE,
    phrase="first bought {days_since_first_purchase:.0f} days ago",
    theme="time as a buyer",
)
def days_since_first_purchase(at: Snapshot) -> Floats:
    """Calendar days since the first purchase that was seen."""
    return at.age


@feature(
    "timing",
    "days",
    nan=NO_PURCHASE,
    phrase="bought over a stretch of {days_first_to_last_purchase:.0f} days",
    theme="time as a buyer",
)
def days_first_to_last_purchase(at: Snapshot) -> Floats:
    """Days from the first purchase to the last; 0 after one purchase."""
    return at.age - at.silence


@feature(
    "timing",
    "days",
    nan=ONE_PURCHASE,
    phrase="the purchase before the last was {days_since_previous_purchase:.0f} days ago",
)
def days_since_previous_purchase(at: Snapshot) -> Floats:
    """Calendar days since the last purchase but one."""
    return at.silence + at.last_gap


@feature(
    "timing",
    "days",
    nan=ONE_PURCHASE,
    phrase="came back {days_first_to_second_purchase:.0f} days after the first purchase",
    theme="rhythm",
)
@steady
def days_first_to_second_purchase(at: Snapshot) -> Floats:
    """Days from the first purchase to the second."""
    return where(at.n_purchases > 1, at.purchases.at(at.gap, at.purchases.count * 0 + 1))


@feature("timing", "purchases", nan="never", phrase="bought {n_purchases:.0f} times", theme="purchases")
def n_purchases(at: Snapshot) -> Floats:
    """Days on which something was bought."""
    return at.n_purchases


@feature(
    "timing",
    "purchases",
    nan=NO_PURCHASE,
    phrase="came back {n_repeat_purchases:.0f} times",
    theme="purchases",
)
def n_repeat_purchases(at: Snapshot) -> Floats:
    """Purchases after the first."""
    return where(at.n_purchases > 0, at.n_purchases - 1)


@feature(
    "timing",
    "purchase lines",
    nan="never",
    phrase="{n_purchase_lines:.0f} lines bought in all",
    theme="purchases",
)
@steady
def n_purchase_lines(at: Snapshot) -> Floats:
    """Rows that are purchases, several a day counted one by one."""
    return at.purchases.sum(at.lines)


@feature(
    "timing",
    "purchase lines",
    nan=NO_PURCHASE,
    phrase="{lines_per_purchase:.1f} lines in a purchase",
    theme="purchases",
)
def lines_per_purchase(at: Snapshot) -> Floats:
    """Rows bought on a purchase day, on average."""
    return ratio(at.once(n_purchase_lines), at.n_purchases)


@feature(
    "timing",
    "orders",
    needs=("transactions", "transactions.order_id"),
    nan="never",
    phrase="{n_orders:.0f} orders",
    theme="purchases",
)
@steady
def n_orders(at: Snapshot) -> Floats:
    """Distinct order numbers among purchases."""
    return at.codes("order_id").n_codes


@feature(
    "timing",
    "share",
    nan=NO_PURCHASE,
    phrase="silent for {silence_share_of_age:.0%} of the time since the first purchase",
)
def silence_share_of_age(at: Snapshot) -> Floats:
    """Days since the last purchase over days since the first; 1 for a buyer who never came back."""
    return ratio(at.silence, at.age)


@feature(
    "timing",
    "share",
    nan=NO_PURCHASE,
    phrase="active for {active_share_of_age:.0%} of the time since the first purchase",
)
def active_share_of_age(at: Snapshot) -> Floats:
    """Days from first to last purchase over days since the first; 0 for a buyer who never came back."""
    return ratio(at.age - at.silence, at.age)
