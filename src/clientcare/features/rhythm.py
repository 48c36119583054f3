"""Rhythm: the days between a buyer's purchases, how regular they are, where the present silence stands."""

from __future__ import annotations

import numpy as np

from clientcare.facts.runs import Floats, Runs, ratio, where
from clientcare.features.catalogue import feature
from clientcare.features.snapshot import Snapshot
from clientcare.features.steady import steady

ONE_PURCHASE = "one purchase or none: no gap has been seen"
TWO_GAPS = "fewer than two gaps"
MONTH = 30
EULER_GAMMA = 0.5772156649015329


@feature("rhythm", "days", nan=ONE_PURCHASE, phrase="buys every {gap_days_mean:.0f} days on average")
def gap_days_mean(at: Snapshot) -> Floats:
    """Mean days between purchases."""
    return at.mean_gap


@feature("rhythm", "days", nan=ONE_PURCHASE, phrase="usually buys every {gap_days_median:.0f} days")
def gap_days_median(at: Snapshot) -> Floats:
    """Median days between purchases: the usual gap."""
    return at.median_gap


@feature("rhythm", "days", nan=TWO_GAPS, phrase="gaps vary by {gap_days_sd:.0f} days")
@steady
def gap_days_sd(at: Snapshot) -> Floats:
    """Standard deviation of the days between purchases."""
    runs, gap = at.gap_runs
    days, squares, n = runs.sum(gap), runs.sum(gap.astype(np.int64) ** 2), runs.count
    return np.sqrt(ratio(np.maximum(n * squares - days * days, 0), n * (n - 1.0)))


@feature("rhythm", "days", nan=ONE_PURCHASE, phrase="the shortest gap was {gap_days_min:.0f} days")
@steady
def gap_days_min(at: Snapshot) -> Floats:
    """Fewest days between two purchases."""
    runs, gap = at.gap_runs
    return runs.min(gap)


@feature("rhythm", "days", nan=ONE_PURCHASE, phrase="the longest gap was {gap_days_max:.0f} days")
def gap_days_max(at: Snapshot) -> Floats:
    """Most days between two purchases."""
    return at.longest_gap


@feature(
    "rhythm",
    "days",
    nan=ONE_PURCHASE,
    phrase="the last gap was {gap_days_last:.0f} days; usually {gap_days_median:.0f}",
)
def gap_days_last(at: Snapshot) -> Floats:
    """Days between the last two purchases."""
    return at.last_gap


@feature(
    "rhythm", "days", nan=TWO_GAPS, phrase="the gap before the last was {gap_days_last_but_one:.0f} days"
)
@steady
def gap_days_last_but_one(at: Snapshot) -> Floats:
    """Days of the gap before the last."""
    runs, gap = at.gap_runs
    return runs.last(gap, back=1)


@feature("rhythm", "days", nan=ONE_PURCHASE, phrase="lately buys every {gap_days_mean_last_three:.0f} days")
@steady
def gap_days_mean_last_three(at: Snapshot) -> Floats:
    """Mean of the last three gaps, or of as many as there are."""
    n_lately = np.minimum(at.purchases.count - 1, 3)
    stretch = at.purchases.last(at.purchase_age, back=n_lately) - at.silence
    return ratio(stretch, n_lately)


@feature(
    "rhythm",
    "ratio",
    nan=ONE_PURCHASE,
    phrase="gaps lately are {gap_recent_to_mean_ratio:.1f} times the usual",
)
def gap_recent_to_mean_ratio(at: Snapshot) -> Floats:
    """Mean of the last three gaps over the mean of all; above 1 the rhythm slows."""
    return ratio(at.once(gap_days_mean_last_three), at.mean_gap)


@feature(
    "rhythm",
    "ratio",
    nan=ONE_PURCHASE,
    phrase="the last gap was {gap_last_to_median_ratio:.1f} times the usual",
)
def gap_last_to_median_ratio(at: Snapshot) -> Floats:
    """The last gap over the median gap."""
    return ratio(at.last_gap, at.median_gap)


@feature(
    "rhythm", "ratio", nan=TWO_GAPS, phrase="the later gaps are {gap_change_ratio:.1f} times the earlier ones"
)
@steady
def gap_change_ratio(at: Snapshot) -> Floats:
    """Mean gap of the later half of the purchases over that of the earlier half."""
    middle = at.purchases.count // 2
    before = at.age - at.purchases.at(at.purchase_age, middle)
    after = at.purchases.at(at.purchase_age, middle) - at.silence
    earlier, later = ratio(before, middle), ratio(after, at.n_purchases - 1 - middle)
    return where(at.n_purchases > 2, ratio(later, earlier))


@feature("rhythm", "ratio", nan=TWO_GAPS, phrase="gaps vary by {gap_variation_ratio:.1f} times their mean")
def gap_variation_ratio(at: Snapshot) -> Floats:
    """Standard deviation of the gaps over their mean: 0 for a clock, about 1 for chance."""
    return ratio(at.once(gap_days_sd), at.mean_gap)


@feature("rhythm", "log days", nan=TWO_GAPS, phrase="the logarithms of the gaps spread by {log_gap_sd:.1f}")
def log_gap_sd(at: Snapshot) -> Floats:
    """Standard deviation of the logarithms of the gaps."""
    return np.sqrt(ratio(at.log_gap_deviation, at.n_purchases - 2))


@feature(
    "rhythm",
    "shape",
    nan=ONE_PURCHASE,
    phrase="regularity of purchases {gap_regularity_shape:.1f} (1 = by chance)",
)
def gap_regularity_shape(at: Snapshot) -> Floats:
    """Shape of a gamma distribution of the gaps: 1 for chance, more for a clock, less for bursts.

    The approximate maximum likelihood estimate (3 - s + sqrt((s - 3)^2 + 24 s)) / 12 s of s = log(mean gap) -
    mean(log gap), with two gaps' worth of the value that s has for chance (Euler's constant) added, so that
    it is finite.

    References
    ----------
    T. P. Minka, Estimating a Gamma distribution, 2002 (the starting value of the iteration).
    """
    n = at.n_purchases - 1
    scatter = np.maximum(np.log(at.mean_gap) - at.mean_log_gap, 0)
    scatter = (n * scatter + 2 * EULER_GAMMA) / (n + 2)
    return where(n > 0, (3 - scatter + np.sqrt((scatter - 3) ** 2 + 24 * scatter)) / (12 * scatter))


@feature(
    "rhythm",
    "ratio",
    nan=ONE_PURCHASE,
    phrase="silent for {overdue_mean_ratio:.1f} times the mean gap; "
    "on average buys every {gap_days_mean:.0f} days",
    theme="silence",
)
def overdue_mean_ratio(at: Snapshot) -> Floats:
    """Days since the last purchase over the mean gap; 1 = due today."""
    return ratio(at.silence, at.mean_gap)


@feature(
    "rhythm",
    "ratio",
    nan=ONE_PURCHASE,
    phrase="silent for {overdue_ratio:.1f} times the usual gap; "
    "usually buys every {gap_days_median:.0f} days",
    theme="silence",
)
def overdue_ratio(at: Snapshot) -> Floats:
    """Days since the last purchase over the median gap; 1 = due today."""
    return ratio(at.silence, at.median_gap)


@feature(
    "rhythm",
    "ratio",
    nan=ONE_PURCHASE,
    phrase="silent for {overdue_longest_ratio:.1f} times the longest gap so far; "
    "that was {gap_days_max:.0f} days",
    theme="silence",
)
def overdue_longest_ratio(at: Snapshot) -> Floats:
    """Days since the last purchase over the longest gap; above 1 the buyer was never silent for so long."""
    return ratio(at.silence, at.longest_gap)


@feature(
    "rhythm",
    "days",
    nan=ONE_PURCHASE,
    phrase="overdue by {days_overdue:.0f} days against the usual gap",
    theme="silence",
)
def days_overdue(at: Snapshot) -> Floats:
    """Days since the last purchase less the median gap; below zero the next purchase is not due yet."""
    return at.silence - at.median_gap


@feature(
    "rhythm",
    "share",
    nan=ONE_PURCHASE,
    phrase="longer silent than {share_of_gaps_outlasted:.0%} of their gaps",
    theme="silence",
)
def share_of_gaps_outlasted(at: Snapshot) -> Floats:
    """Share of the buyer's own gaps that were shorter than the present silence."""
    shorter = at.purchases.tally((at.gap < at.silence.take(at.purchases.row)) & (at.gap > 0))
    return ratio(shorter, at.n_purchases - 1)


@feature(
    "rhythm",
    "days",
    nan="no purchase yet (a contract only)",
    phrase="was never silent longer than {longest_silence_days:.0f} days",
    theme="silence",
)
def longest_silence_days(at: Snapshot) -> Floats:
    """The longest stretch without a purchase, the present one included."""
    return np.fmax(at.longest_gap, at.silence)


def _months(at: Snapshot) -> tuple[Runs, np.ndarray, np.ndarray]:
    """Stretches of 30 days, counted back, that hold a purchase: runs, numbers, streak so far."""
    marks = np.flatnonzero(at.active_periods(MONTH))
    runs, month = Runs(at.purchases.row[marks], at.n_buyers), at.period(MONTH)[marks]
    breaks = runs.is_first.copy()
    breaks[1:] |= month[:-1] - month[1:] != 1
    begin = np.flatnonzero(breaks)
    position = np.arange(len(month)) - np.repeat(begin, np.diff(begin, append=len(month)))
    return runs, month, position + 1


@feature(
    "rhythm",
    "months of 30 days",
    nan="never",
    phrase="bought in each of the last {n_months_in_a_row:.0f} months",
    theme="silence",
)
def n_months_in_a_row(at: Snapshot) -> Floats:
    """Months of 30 days with a purchase without a break up to now; 0 where the latest month has none."""
    runs, month, streak = at.once(_months)
    return np.nan_to_num(np.where(runs.last(month) == 0, runs.last(streak), 0.0))


@feature(
    "rhythm",
    "months of 30 days",
    nan="never",
    phrase="once bought in {n_months_in_a_row_longest:.0f} months in a row",
    theme="purchases",
)
def n_months_in_a_row_longest(at: Snapshot) -> Floats:
    """The most months of 30 days in a row with a purchase."""
    runs, _, streak = at.once(_months)
    return np.nan_to_num(runs.max(streak))


@feature(
    "rhythm",
    "share",
    nan="no purchase yet (a contract only)",
    phrase="{weekend_purchase_share:.0%} of purchases at the weekend",
)
@steady
def weekend_purchase_share(at: Snapshot) -> Floats:
    """Share of purchase days that are a Saturday or a Sunday."""
    return ratio(at.purchases.tally(at.by_age(lambda age: (at.today - age + 3) % 7 >= 5)), at.n_purchases)


@feature(
    "rhythm",
    "share",
    nan="no purchase yet (a contract only)",
    phrase="{favourite_weekday_share:.0%} of purchases on one weekday",
)
@steady
def favourite_weekday_share(at: Snapshot) -> Floats:
    """Share of purchase days that fall on the buyer's commonest weekday."""
    cell = at.purchases.row + at.by_age(lambda age: (at.today - age + 3) % 7 * at.n_buyers)
    on_weekday = np.bincount(cell, minlength=7 * at.n_buyers).reshape(7, at.n_buyers)
    return ratio(on_weekday.max(axis=0), at.n_purchases)
