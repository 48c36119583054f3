"""Spend: how much, how steadily, with what trend, what came back. Money in the currency of the histories."""

from __future__ import annotations

import numpy as np

from clientcare.facts.runs import Floats, positive_log, ratio, where
from clientcare.features.catalogue import feature
from clientcare.features.snapshot import Snapshot
from clientcare.features.steady import steady

MONEY = ("transactions", "transactions.amount")
ITEMS = ("transactions", "transactions.quantity")
NO_AMOUNT = "no purchase with a known amount"
ONE_AMOUNT = "fewer than two purchases with a known amount"
MONTH = 30


@feature("spend", "money", needs=MONEY, nan=NO_AMOUNT, phrase="spent {total_spent:,.0f} in all")
def total_spent(at: Snapshot) -> Floats:
    """All purchases added, before returns."""
    return at.total_spent


@feature(
    "spend",
    "money",
    needs=MONEY,
    nan=NO_AMOUNT,
    phrase="spent {net_spent:,.0f} after returns",
    theme="returns",
)
def net_spent(at: Snapshot) -> Floats:
    """All purchases added, less returns."""
    return np.asarray(at.total_spent - at.once(returned_amount))


@feature("spend", "money", needs=MONEY, nan=NO_AMOUNT, phrase="{purchase_amount_mean:,.0f} a purchase")
def purchase_amount_mean(at: Snapshot) -> Floats:
    """Mean amount of a purchase day."""
    return ratio(at.total_spent, at.n_priced)


@feature(
    "spend",
    "money",
    needs=MONEY,
    nan=ONE_AMOUNT,
    phrase="the amount of a purchase varies by {purchase_amount_sd:,.0f}",
)
@steady
def purchase_amount_sd(at: Snapshot) -> Floats:
    """Standard deviation of the amounts of purchase days."""
    runs, spent, _ = at.priced
    return runs.spread(spent, at.once(purchase_amount_mean), runs.count - 1.0)


@feature(
    "spend",
    "ratio",
    needs=MONEY,
    nan=ONE_AMOUNT,
    phrase="amounts vary by {purchase_amount_variation_ratio:.1f} times their mean",
)
def purchase_amount_variation_ratio(at: Snapshot) -> Floats:
    """Standard deviation of the amounts over their mean."""
    return ratio(at.once(purchase_amount_sd), at.once(purchase_amount_mean))


@feature(
    "spend", "money", needs=MONEY, nan=NO_AMOUNT, phrase="the largest purchase was {purchase_amount_max:,.0f}"
)
@steady
def purchase_amount_max(at: Snapshot) -> Floats:
    """Largest amount of a purchase day."""
    runs, spent, _ = at.priced
    return runs.max(spent)


@feature(
    "spend",
    "money",
    needs=MONEY,
    nan=NO_AMOUNT,
    phrase="the smallest purchase was {purchase_amount_min:,.0f}",
)
@steady
def purchase_amount_min(at: Snapshot) -> Floats:
    """Smallest amount of a purchase day."""
    runs, spent, _ = at.priced
    return runs.min(spent)


@feature(
    "spend",
    "money",
    needs=MONEY,
    nan=NO_AMOUNT,
    phrase="the last purchase was {purchase_amount_last:,.0f}; usually {purchase_amount_mean:,.0f}",
)
@steady
def purchase_amount_last(at: Snapshot) -> Floats:
    """Amount of the last purchase day with a known amount."""
    runs, spent, _ = at.priced
    return runs.last(spent)


@feature(
    "spend", "money", needs=MONEY, nan=NO_AMOUNT, phrase="the first purchase was {purchase_amount_first:,.0f}"
)
@steady
def purchase_amount_first(at: Snapshot) -> Floats:
    """Amount of the first purchase day with a known amount."""
    runs, spent, _ = at.priced
    return runs.first(spent)


@feature(
    "spend",
    "ratio",
    needs=MONEY,
    nan=NO_AMOUNT,
    phrase="the last purchase was {purchase_amount_last_to_mean_ratio:.1f} times the usual amount",
)
def purchase_amount_last_to_mean_ratio(at: Snapshot) -> Floats:
    """Amount of the last purchase over the mean amount."""
    return ratio(at.once(purchase_amount_last), at.once(purchase_amount_mean))


@feature(
    "spend",
    "ratio",
    needs=MONEY,
    nan=ONE_AMOUNT,
    phrase="later purchases are {purchase_amount_change_ratio:.1f} times the earlier ones",
)
@steady
def purchase_amount_change_ratio(at: Snapshot) -> Floats:
    """Mean amount of the later half of the purchases (the middle one too) over that of the earlier half."""
    runs, spent, _ = at.priced
    n_earlier = runs.count // 2
    halves = np.flatnonzero(n_earlier)
    out = np.full(at.n_buyers, np.nan)
    if len(halves):
        edges = np.stack([runs.start, runs.start + n_earlier, runs.start + runs.count], axis=1)[
            halves
        ].ravel()
        sums = np.add.reduceat(np.append(spent, 0.0), edges)
        later = sums[1::3] / (runs.count - n_earlier)[halves]
        out[halves] = later / (sums[::3] / n_earlier[halves])
    return out


@feature(
    "spend",
    "share",
    needs=MONEY,
    nan=NO_AMOUNT,
    phrase="the largest purchase makes up {largest_purchase_share:.0%} of all spending",
)
def largest_purchase_share(at: Snapshot) -> Floats:
    """Share of all money spent that went into the largest purchase."""
    return ratio(at.once(purchase_amount_max), at.total_spent)


@feature("spend", "money a month", needs=MONEY, nan=NO_AMOUNT, phrase="spends {spent_per_month:,.0f} a month")
def spent_per_month(at: Snapshot) -> Floats:
    """Money spent a month of 30 days since the first purchase, the age being taken as a month at least."""
    return at.total_spent * MONTH / np.maximum(at.age, MONTH)


@feature(
    "spend",
    "log money",
    needs=MONEY,
    nan=NO_AMOUNT,
    phrase="log amounts add up to {purchase_log_amount_sum:.1f}",
)
@steady
def purchase_log_amount_sum(at: Snapshot) -> Floats:
    """Sum of the natural logarithms of the amounts."""
    runs, _, log_spent = at.priced
    return where(runs.count > 0, runs.sum(log_spent))


@feature(
    "spend",
    "log money",
    needs=MONEY,
    nan=NO_AMOUNT,
    phrase="log amount of a purchase {purchase_log_amount_mean:.1f}",
)
def purchase_log_amount_mean(at: Snapshot) -> Floats:
    """Mean of the natural logarithms of the amounts: a typical amount, hardly moved by one large purchase."""
    return ratio(at.once(purchase_log_amount_sum), at.n_priced)


@feature(
    "spend",
    "log money",
    needs=MONEY,
    nan=ONE_AMOUNT,
    phrase="log amounts spread by {purchase_log_amount_sd:.1f}",
)
@steady
def purchase_log_amount_sd(at: Snapshot) -> Floats:
    """Standard deviation of the logarithms of the amounts."""
    runs, _, log_spent = at.priced
    return runs.spread(log_spent, at.once(purchase_log_amount_mean), runs.count - 1.0)


@feature(
    "spend",
    "log money",
    needs=MONEY,
    nan=NO_AMOUNT,
    phrase="log amount of the last purchase {purchase_log_amount_last:.1f}",
)
def purchase_log_amount_last(at: Snapshot) -> Floats:
    """Natural logarithm of the last known amount."""
    return positive_log(at.once(purchase_amount_last))


@feature(
    "spend",
    "log money",
    needs=MONEY,
    nan=NO_AMOUNT,
    phrase="log amount of the first purchase {purchase_log_amount_first:.1f}",
)
def purchase_log_amount_first(at: Snapshot) -> Floats:
    """Natural logarithm of the first known amount."""
    return positive_log(at.once(purchase_amount_first))


@feature(
    "spend",
    "log money",
    needs=MONEY,
    nan=NO_AMOUNT,
    phrase="log amount of the largest purchase {purchase_log_amount_max:.1f}",
)
def purchase_log_amount_max(at: Snapshot) -> Floats:
    """Natural logarithm of the largest amount."""
    return positive_log(at.once(purchase_amount_max))


@feature(
    "spend",
    "log money",
    needs=MONEY,
    nan=NO_AMOUNT,
    phrase="the last log amount differs from the mean by {purchase_log_amount_last_less_mean:+.1f}",
)
def purchase_log_amount_last_less_mean(at: Snapshot) -> Floats:
    """Logarithm of the last amount less the mean logarithm; below zero the last purchase was small."""
    return np.asarray(at.once(purchase_log_amount_last) - at.once(purchase_log_amount_mean))


@feature("spend", "returns", needs=MONEY, nan="never", phrase="{n_returns:.0f} returns", theme="returns")
@steady
def n_returns(at: Snapshot) -> Floats:
    """Rows with an amount below zero."""
    return at.returns[0].count.astype(np.float64)


@feature(
    "spend", "money", needs=MONEY, nan="never", phrase="returned {returned_amount:,.0f}", theme="returns"
)
@steady
def returned_amount(at: Snapshot) -> Floats:
    """Money given back, as a number above zero."""
    runs, _, amount = at.returns
    return runs.sum(amount)


@feature(
    "spend",
    "ratio",
    needs=MONEY,
    nan=NO_AMOUNT,
    phrase="returned {returned_share:.0%} of what was spent",
    theme="returns",
)
def returned_share(at: Snapshot) -> Floats:
    """Money given back over money spent."""
    return ratio(at.once(returned_amount), at.total_spent)


@feature(
    "spend",
    "days",
    needs=MONEY,
    nan="nothing was ever returned",
    phrase="the last return was {days_since_last_return:.0f} days ago",
    theme="returns",
)
def days_since_last_return(at: Snapshot) -> Floats:
    """Calendar days since the last return."""
    runs, age, _ = at.returns
    return runs.last(age)


@feature(
    "spend",
    "items",
    needs=ITEMS,
    nan="no purchase with a known quantity",
    phrase="{n_items:,.0f} items bought",
)
@steady
def n_items(at: Snapshot) -> Floats:
    """Quantities of all purchases added."""
    known = ~np.isnan(at.items)
    return where(at.purchases.tally(known) > 0, at.purchases.sum(np.where(known, at.items, 0.0)))


@feature(
    "spend",
    "items",
    needs=ITEMS,
    nan="no purchase with a known quantity",
    phrase="{items_per_purchase:.1f} items in a purchase",
)
@steady
def items_per_purchase(at: Snapshot) -> Floats:
    """Items in a purchase day with known quantities, on average."""
    return ratio(at.once(n_items), at.purchases.tally(~np.isnan(at.items)))
