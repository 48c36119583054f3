"""Peers: where a buyer stands among the others. The one family that looks across buyers, and says so.

What is usual among buyers is held in :class:`PeerNorms`: counts in bins, so that the norms of partitions add
up exactly to the norms of the whole. Given the norms, a buyer's features depend on nobody else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from clientcare.exceptions import OptionError
from clientcare.features.catalogue import feature
from clientcare.features.runs import Floats, Ints, ratio, where
from clientcare.features.snapshot import Snapshot

PRIOR_GAPS = 2
"""How many usual gaps of the others are mixed into a buyer's own."""

GAP_BINS_AN_OCTAVE = 64
BINS_AN_OCTAVE = 8
N_BANDS, N_BINS = 16, 1024
NO_PURCHASE = "no purchase yet (a contract only)"
NO_GAPS = "nobody known has come back yet"


@dataclass(frozen=True, eq=False)
class PeerNorms:
    """What is usual among the buyers known at a date, as counts that can be added.

    Attributes
    ----------
    mean_gaps : int64 array of shape (2048,)
        Buyers by the logarithm of their mean gap, 64 bins a doubling.
    standings : mapping of measure to int64 array of shape (16, 1024)
        Buyers by age (a band a doubling of the weeks since the first purchase) and by the logarithm of the
        measure.
    referrals : mapping of buyer to int, or None
        How many of the buyers name this one in ``buyers.referred_by``. It holds ids, so no file gets it; None =
        to be counted among the buyers at hand.
    """

    mean_gaps: Ints
    standings: Mapping[str, Ints]
    referrals: Mapping[str, int] | None = None

    def __add__(self, other: PeerNorms) -> PeerNorms:
        """The norms of two disjoint groups of buyers together."""
        names = sorted({*self.standings, *other.standings})
        empty = np.zeros((N_BANDS, N_BINS), dtype=np.int64)
        return PeerNorms(
            self.mean_gaps + other.mean_gaps,
            {name: self.standings.get(name, empty) + other.standings.get(name, empty) for name in names},
            Counter(self.referrals or {}) + Counter(other.referrals or {}),
        )

    @property
    def usual_gap_days(self) -> float:
        """Median of the buyers' mean gaps, to one part in a hundred; NaN where nobody came back."""
        total = int(self.mean_gaps.sum())
        if total == 0:
            return float("nan")
        middle = int(np.searchsorted(np.cumsum(self.mean_gaps), (total + 1) // 2))
        return float(2.0 ** ((middle + 0.5) / GAP_BINS_AN_OCTAVE))

    def rank(self, measure: str, band: Ints, values: Floats) -> Floats:
        """Share of the buyers in a band who stand below a value, ties counting half."""
        counts = self.standings[measure]
        below = np.cumsum(counts, axis=1) - counts
        cell = (band, _bin(values))
        total = counts.sum(axis=1)[band]
        return ratio(below[cell] + counts[cell] / 2, total)

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and numbers for a file: empty bins are left out, and so is whoever referred somebody."""
        return {
            "mean_gaps": _sparse(self.mean_gaps),
            "standings": {name: _sparse(counts.ravel()) for name, counts in self.standings.items()},
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> PeerNorms:
        """Back from :meth:`to_dict`."""
        return cls(
            _dense(stored["mean_gaps"], N_BINS * 2),
            {
                name: _dense(counts, N_BANDS * N_BINS).reshape(N_BANDS, N_BINS)
                for name, counts in stored["standings"].items()
            },
        )


def add_norms(parts: Iterable[PeerNorms]) -> PeerNorms:
    """The norms of disjoint groups of buyers together.

    Raises
    ------
    OptionError
        Where there is no group at all.
    """
    total: PeerNorms | None = None
    for part in parts:
        total = part if total is None else total + part
    if total is None:
        raise OptionError("add_norms: no norms given.")
    return total


def measure_norms(at: Snapshot) -> PeerNorms:
    """What is usual among the buyers of a snapshot."""
    if at.histories.events("transactions") is None:
        return PeerNorms(np.zeros(2 * N_BINS, dtype=np.int64), {}, referrals_of(at))
    bought = at.n_purchases > 0
    gap = at.mean_gap[at.n_purchases > 1]
    bins = np.clip(np.floor(np.log2(gap) * GAP_BINS_AN_OCTAVE), 0, 2 * N_BINS - 1).astype(np.int64)
    band = at.once(age_band)[bought]
    standings = {}
    for name, values in at.once(_measures).items():
        cell = band * N_BINS + _bin(values[bought])
        standings[name] = np.bincount(cell, minlength=N_BANDS * N_BINS).reshape(N_BANDS, N_BINS)
    return PeerNorms(np.bincount(bins, minlength=2 * N_BINS), standings, referrals_of(at))


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
)
def n_buyers_referred(at: Snapshot) -> Floats:
    """Buyers known by now who name this one as having referred them."""
    given = None if at.given_norms is None else at.given_norms.referrals
    counts = pd.Series(referrals_of(at) if given is None else dict(given), dtype=np.float64)
    return np.asarray(counts.reindex(at.buyer_ids.astype(str)).fillna(0.0))


@feature("peers", "days", nan=NO_GAPS, phrase="a buyer like this comes every {gap_days_shrunken:.0f} days")
def gap_days_shrunken(at: Snapshot) -> Floats:
    """Mean gap with two usual gaps of the other buyers mixed in; defined for a buyer who bought once."""
    stretch = at.age - at.silence
    return np.asarray((stretch + PRIOR_GAPS * at.norms.usual_gap_days) / (at.n_purchases - 1 + PRIOR_GAPS))


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
    usual = (n * np.nan_to_num(at.mean_log_gap) + PRIOR_GAPS * np.log(at.norms.usual_gap_days)) / (
        n + PRIOR_GAPS
    )
    spread = np.sqrt((at.log_gap_deviation + PRIOR_GAPS) / (n + PRIOR_GAPS))
    return np.asarray((np.log(np.maximum(at.silence, 1)) - usual) / spread)


@feature(
    "peers",
    "share",
    nan=NO_PURCHASE,
    phrase="buys more often than {n_purchases_rank_at_age:.0%} of the buyers of the same age",
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
)
def total_spent_rank_at_age(at: Snapshot) -> Floats:
    """Share of the buyers of about the same age who spent less, ties counting half."""
    return where(~np.isnan(at.total_spent), _rank(at, "total_spent"))


def _rank(at: Snapshot, measure: str) -> Floats:
    return where(at.n_purchases > 0, at.norms.rank(measure, at.once(age_band), at.once(_measures)[measure]))


def _measures(at: Snapshot) -> dict[str, Floats]:
    measures = {"n_purchases": at.n_purchases, "silence": at.silence}
    events = at.histories.events("transactions")
    if events is not None and "amount" in events.columns:
        measures["total_spent"] = at.total_spent
    return measures


def _bin(values: Floats) -> Ints:
    """Bins of an eighth of a doubling, the middle one holding 1; bin 0 for nothing and for unknown."""
    known = np.where(values > 0, values, 1.0)
    bins = np.clip(np.floor(np.log2(known) * BINS_AN_OCTAVE) + N_BINS // 2, 1, N_BINS - 1)
    return np.where(values > 0, bins, 0).astype(np.int64)


def _sparse(counts: Ints) -> list[list[int]]:
    filled = np.flatnonzero(counts)
    return [filled.tolist(), counts[filled].tolist()]


def _dense(stored: list[list[int]], size: int) -> Ints:
    counts = np.zeros(size, dtype=np.int64)
    counts[np.asarray(stored[0], dtype=np.int64)] = stored[1]
    return counts
