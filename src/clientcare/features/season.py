"""Season: the same stretch of an earlier year, and where in the year a buyer buys."""

from __future__ import annotations

import numpy as np

from clientcare.facts.runs import Array, Floats, ratio, where
from clientcare.features.by_age import years_ago
from clientcare.features.catalogue import feature
from clientcare.features.snapshot import Snapshot
from clientcare.features.steady import steady

NO_PURCHASE = "no purchase yet (a contract only)"
YEAR_ONE = "the first purchase is less than a year ago (for <w> days above a year: less than that many years)"
YEAR = 365
QUARTER = 91


@feature(
    "season",
    "purchases",
    name="n_purchases_<w>d_year_ago",
    nan=YEAR_ONE,
    phrase="bought {n_purchases_<w>d_year_ago:.0f} times in the same <w> days a year ago",
)
def n_purchases_year_ago(at: Snapshot, days: int) -> Floats:
    """Purchases a year ago in the <w> days that began on this day of the year: what the season may bring."""
    year = years_ago(days)
    return where(at.age >= year, at.n_purchases_within(year) - at.n_purchases_within(year - days))


@feature(
    "season",
    "share",
    nan="the first purchase is less than a year ago, or none lies within the whole years past",
    phrase="{purchase_share_coming_season:.0%} of earlier purchases fell in the 91 days that come now",
)
def purchase_share_coming_season(at: Snapshot) -> Floats:
    """Share of the purchases of whole past years that fell in the 91 days that now lie ahead."""
    whole_years = np.floor(at.age / YEAR) * YEAR
    old_enough = at.purchase_age <= np.nan_to_num(whole_years).take(at.purchases.row)
    coming = at.by_age(lambda age: (age - 1) % YEAR >= YEAR - QUARTER)
    return where(
        at.age >= YEAR, ratio(at.purchases.tally(old_enough & coming), at.purchases.tally(old_enough))
    )


@feature(
    "season",
    "share",
    nan=NO_PURCHASE,
    phrase="{purchase_share_this_time_of_year:.0%} of purchases near this time of the year",
)
def purchase_share_this_time_of_year(at: Snapshot) -> Floats:
    """Share of purchases within 45 days of this day of the year, in any year."""
    near = at.by_age(lambda age: np.minimum(age % YEAR, YEAR - age % YEAR) <= QUARTER // 2)
    return ratio(at.purchases.tally(near), at.n_purchases)


@feature(
    "season",
    "share",
    nan=NO_PURCHASE,
    phrase="{year_end_purchase_share:.0%} of purchases in November and December",
)
@steady
def year_end_purchase_share(at: Snapshot) -> Floats:
    """Share of purchases in November and December: the giver of presents."""
    at_year_end = at.by_age(lambda age: _month_of_year(at.today - age) >= 11)
    return ratio(at.purchases.tally(at_year_end), at.n_purchases)


@feature(
    "season",
    "years",
    nan="never",
    phrase="bought in {n_active_years:.0f} years of 365 days",
    theme="purchases",
)
def n_active_years(at: Snapshot) -> Floats:
    """Years of 365 days, counted back from as_of, that hold a purchase."""
    return at.purchases.tally(at.active_periods(YEAR)).astype(np.float64)


@feature(
    "season",
    "days",
    nan=NO_PURCHASE,
    phrase="{days_to_anniversary:.0f} days to the anniversary of the first purchase",
)
def days_to_anniversary(at: Snapshot) -> Floats:
    """Days to the next anniversary (365 days) of the first purchase; 0 = today."""
    return where(at.n_purchases > 0, np.mod(-at.age, YEAR))


@feature("season", "share", nan="never", phrase="{year_elapsed_share:.0%} of the calendar year has passed")
def year_elapsed_share(at: Snapshot) -> Floats:
    """How far the calendar year has gone at as_of; the same for every buyer."""
    return np.full(at.n_buyers, (at.as_of.timetuple().tm_yday - 1) / 366)


def _month_of_year(day: Array) -> Array:
    """Month 1 .. 12 of days counted from 1970-01-01."""
    return day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12 + 1
