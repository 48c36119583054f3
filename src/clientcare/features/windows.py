"""Windows: purchases and money in the last so many days, and how that compares with before."""

from __future__ import annotations

import numpy as np

from clientcare.facts.runs import Floats, ratio, where
from clientcare.features.catalogue import feature
from clientcare.features.snapshot import Snapshot

NO_PURCHASE = "no purchase yet (a contract only)"
MONEY = ("transactions", "transactions.amount")


@feature(
    "windows",
    "purchases",
    name="n_purchases_<w>d",
    nan="never",
    phrase="{n_purchases_<w>d:.0f} purchases in the last <w> days",
    theme_at_horizon="silence",
)
def n_purchases_in_window(at: Snapshot, days: int) -> Floats:
    """Purchases in the last <w> days."""
    return at.n_purchases_within(days)


@feature(
    "windows",
    "purchases",
    name="n_purchases_<w>d_before",
    nan="never",
    phrase="{n_purchases_<w>d_before:.0f} purchases in the <w> days before the last <w>",
    theme_at_horizon="silence",
)
def n_purchases_before(at: Snapshot, days: int) -> Floats:
    """Purchases in the <w> days before the last <w> days."""
    return at.n_purchases_within(2 * days) - at.n_purchases_within(days)


@feature(
    "windows",
    "purchases",
    name="n_purchases_<w>d_two_before",
    nan="never",
    phrase="{n_purchases_<w>d_two_before:.0f} purchases from 3 x <w> to 2 x <w> days ago",
    theme_at_horizon="silence",
)
def n_purchases_two_before(at: Snapshot, days: int) -> Floats:
    """Purchases in the <w> days before the last 2 x <w> days."""
    return at.n_purchases_within(3 * days) - at.n_purchases_within(2 * days)


@feature(
    "windows",
    "purchases",
    name="n_purchases_<w>d_change",
    nan="never",
    phrase="{n_purchases_<w>d_change:+.0f} purchases against the <w> days before",
    theme_at_horizon="silence",
)
def n_purchases_change(at: Snapshot, days: int) -> Floats:
    """Purchases in the last <w> days less those in the <w> days before."""
    return 2 * at.n_purchases_within(days) - at.n_purchases_within(2 * days)


@feature(
    "windows",
    "thirds",
    name="n_active_thirds_<w>d",
    nan="never",
    phrase="bought in {n_active_thirds_<w>d:.0f} of three thirds of the last <w> days",
    theme_at_horizon="silence",
)
def n_active_thirds(at: Snapshot, days: int) -> Floats:
    """How many of three equal thirds of the last <w> days had a purchase."""
    edges = [at.n_purchases_within(edge) for edge in (days // 3, 2 * days // 3, days)]
    return 1.0 * (edges[0] > 0) + (edges[1] > edges[0]) + (edges[2] > edges[1])


@feature(
    "windows",
    "purchases",
    name="purchases_per_<w>d",
    nan=NO_PURCHASE,
    phrase="usually {purchases_per_<w>d:.1f} purchases in <w> days",
)
def purchases_per_window(at: Snapshot, days: int) -> Floats:
    """Purchases in <w> days since the first purchase, the age being taken as <w> days at least."""
    return at.n_purchases * days / np.maximum(at.age, days)


@feature(
    "windows",
    "ratio",
    name="purchases_<w>d_to_usual_ratio",
    nan=NO_PURCHASE,
    phrase="buys {purchases_<w>d_to_usual_ratio:.1f} times as often as usual in the last <w> days",
    theme_at_horizon="silence",
)
def purchases_to_usual_ratio(at: Snapshot, days: int) -> Floats:
    """Purchases in the last <w> days over what is usual for the buyer in <w> days."""
    return ratio(at.n_purchases_within(days), at.once(purchases_per_window, days))


@feature(
    "windows",
    "purchases",
    name="n_purchases_decayed_<w>d",
    nan="never",
    phrase="recent purchases weigh {n_purchases_decayed_<w>d:.1f} (half-life <w> days)",
    theme_at_horizon="silence",
)
def n_purchases_decayed(at: Snapshot, days: int) -> Floats:
    """Purchases, each weighing half as much for every <w> days that have passed."""
    return at.decayed(days)


@feature(
    "windows",
    "periods",
    name="n_active_periods_<w>d",
    nan="never",
    phrase="bought in {n_active_periods_<w>d:.0f} stretches of <w> days",
    theme_at_horizon="silence",
)
def n_active_periods(at: Snapshot, days: int) -> Floats:
    """Stretches of <w> days, counted back from as_of, that hold a purchase."""
    return at.purchases.tally(at.active_periods(days)).astype(np.float64)


@feature(
    "windows",
    "share",
    name="active_period_share_<w>d",
    nan=NO_PURCHASE,
    phrase="bought in {active_period_share_<w>d:.0%} of the stretches of <w> days since the first purchase",
    theme_at_horizon="silence",
)
def active_period_share(at: Snapshot, days: int) -> Floats:
    """Share of the stretches of <w> days since the first purchase that hold a purchase."""
    return ratio(at.once(n_active_periods, days), np.floor(np.maximum(at.age - 1, 0) / days) + 1)


@feature(
    "windows",
    "money",
    name="spent_<w>d",
    needs=MONEY,
    nan="purchases in the window, and no known amount",
    phrase="spent {spent_<w>d:,.0f} in the last <w> days",
    theme="spend",
)
def spent_in_window(at: Snapshot, days: int) -> Floats:
    """Money spent in the last <w> days."""
    return _known(at, at.spent_within(days), at.n_purchases_within(days))


@feature(
    "windows",
    "money",
    name="spent_<w>d_change",
    needs=MONEY,
    nan="purchases in the windows, and no known amount",
    phrase="spent {spent_<w>d_change:+,.0f} against the <w> days before",
    theme="spend",
)
def spent_change(at: Snapshot, days: int) -> Floats:
    """Money spent in the last <w> days less that in the <w> days before."""
    change = 2 * at.spent_within(days) - at.spent_within(2 * days)
    return _known(at, change, at.n_purchases_within(2 * days))


@feature(
    "windows",
    "share",
    name="spent_<w>d_share",
    needs=MONEY,
    nan="no known amount",
    phrase="{spent_<w>d_share:.0%} of all spending fell in the last <w> days",
    theme="spend",
)
def spent_share(at: Snapshot, days: int) -> Floats:
    """Share of all money spent that was spent in the last <w> days."""
    return ratio(at.spent_within(days), at.total_spent)


def _known(at: Snapshot, money: Floats, n_purchases: Floats) -> Floats:
    """Nothing bought is 0 spent; bought at amounts never known is unknown."""
    if at.n_priced is at.n_purchases:
        return money
    return where((at.n_priced > 0) | (n_purchases == 0), money)
