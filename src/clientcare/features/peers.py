"""Peers: where a buyer stands among the others. The one family that looks across buyers, and says so.

What is usual among buyers is held in :class:`~clientcare.features.norms.PeerNorms`. Given the norms, a buyer's
features depend on nobody else.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from clientcare.facts.runs import Floats, Ints, ratio, where
from clientcare.features.catalogue import feature
from clientcare.features.norms import N_BANDS, PeerNorms, by_band_and_size, gaps_by_length
from clientcare.features.snapshot import Snapshot

PRIOR_GAPS = 2
"""How many usual gaps of the others are mixed into a buyer's own."""

NO_PURCHASE = "no purchase yet (a contract only)"
NO_GAPS = "nobody known has come back yet"


def norms_of(at: Snapshot) -> PeerNorms:
    """What is usual among buyers: as given, or as among the buyers of the snapshot."""
    return at.given_norms or at.once(measure_norms)


def measure_norms(at: Snapshot) -> PeerNorms:
    """What is usual among the buyers of a snapshot."""
    if at.histories.events("transactions") is None:
        return PeerNorms(gaps_by_length(np.zeros(0)), {}, referrals_of(at))
    bought = at.n_purchases > 0
    band = at.once(age_band)[bought]
    standings = {name: by_band_and_size(band, values[bought]) for name, values in at.once(_measures).items()}
    return PeerNorms(gaps_by_length(at.mean_gap[at.n_purchases > 1]), standings, referrals_of(at))


def age_band(at: Snapshot) -> Ints:
    """Which doubling of the weeks since the first purchase a buyer is in: 0 = up to two weeks."""
    weeks = np.maximum(np.nan_to_num(at.age), 7) / 7
    return np.asarray(np.minimum(np.floor(np.log2(weeks)), N_BANDS - 1).astype(np.int64))


def referrals_of(at: Snapshot) -> dict[str, int]:
    """How many of the buyers of a snapshot name each buyer as the one who referred them."""
    buyers = at.histories.buyers
    if buyers is None or "referred_by" not in buyers.columns:
        return {}
    named = buyers["referred_by"].iloc[at.buyers].dropna()
    if pd.api.types.is_numeric_dtype(named.dtype):
        named = named.astype(np.int64)
    counts = named.astype(str).value_counts()
    return dict(zip(counts.index.to_list(), counts.to_list(), strict=True))


@feature(
    "peers",
    "buyers",
    needs=("buyers", "buyers.referred_by"),
    nan="never",
    phrase="{n_buyers_referred:.0f} other buyers came through this one",
    theme="word of mouth",
)
def n_buyers_referred(at: Snapshot) -> Floats:
    """Buyers known by now who name this one as having referred them."""
    given = None if at.given_norms is None else at.given_norms.referrals
    counts = pd.Series(referrals_of(at) if given is None else dict(given), dtype=np.float64)
    return np.asarray(counts.reindex(at.buyer_ids.astype(str)).fillna(0.0))


@feature(
    "peers",
    "days",
    nan=NO_GAPS,
    phrase="a buyer like this comes every {gap_days_shrunken:.0f} days",
    theme="rhythm",
)
def gap_days_shrunken(at: Snapshot) -> Floats:
    """Mean gap with two usual gaps of the other buyers mixed in; defined for a buyer who bought once."""
    stretch = at.age - at.silence
    return np.asarray(
        (stretch + PRIOR_GAPS * norms_of(at).usual_gap_days) / (at.n_purchases - 1 + PRIOR_GAPS)
    )


@feature(
    "peers",
    "ratio",
    nan=NO_GAPS,
    phrase="silent for {overdue_shrunken_ratio:.1f} times what is usual for a buyer like this; "
    "that is every {gap_days_shrunken:.0f} days",
)
def overdue_shrunken_ratio(at: Snapshot) -> Floats:
    """Days since the last purchase over the shrunken mean gap."""
    return ratio(at.silence, at.once(gap_days_shrunken))


@feature(
    "peers",
    "standard deviations",
    nan=NO_GAPS,
    phrase="the silence lies {overdue_z:+.1f} standard deviations from the usual",
)
def overdue_z(at: Snapshot) -> Floats:
    """How unusual the silence is: log days against the own log gaps, two gaps of the others mixed in."""
    n = np.maximum(at.n_purchases - 1, 0)
    usual = (n * np.nan_to_num(at.mean_log_gap) + PRIOR_GAPS * np.log(norms_of(at).usual_gap_days)) / (
        n + PRIOR_GAPS
    )
    spread = np.sqrt((at.log_gap_deviation + PRIOR_GAPS) / (n + PRIOR_GAPS))
    return np.asarray((np.log(np.maximum(at.silence, 1)) - usual) / spread)


@feature(
    "peers",
    "share",
    nan=NO_PURCHASE,
    phrase="buys more often than {n_purchases_rank_at_age:.0%} of the buyers of the same age",
    theme="purchases",
)
def n_purchases_rank_at_age(at: Snapshot) -> Floats:
    """Share of the buyers of about the same age who bought less often, ties counting half."""
    return _rank(at, "n_purchases")


@feature(
    "peers",
    "share",
    nan=NO_PURCHASE,
    phrase="longer silent than {silence_rank_at_age:.0%} of the buyers of the same age",
)
def silence_rank_at_age(at: Snapshot) -> Floats:
    """Share of the buyers of about the same age who were silent for a shorter time, ties counting half."""
    return _rank(at, "silence")


@feature(
    "peers",
    "share",
    needs=("transactions", "transactions.amount"),
    nan="no purchase with a known amount",
    phrase="spent more than {total_spent_rank_at_age:.0%} of the buyers of the same age",
    theme="spend",
)
def total_spent_rank_at_age(at: Snapshot) -> Floats:
    """Share of the buyers of about the same age who spent less, ties counting half."""
    return where(~np.isnan(at.total_spent), _rank(at, "total_spent"))


def _rank(at: Snapshot, measure: str) -> Floats:
    return where(
        at.n_purchases > 0, norms_of(at).rank(measure, at.once(age_band), at.once(_measures)[measure])
    )


def _measures(at: Snapshot) -> dict[str, Floats]:
    measures = {"n_purchases": at.n_purchases, "silence": at.silence}
    events = at.histories.events("transactions")
    if events is not None and "amount" in events.columns:
        measures["total_spent"] = at.total_spent
    return measures
