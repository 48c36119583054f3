"""What is usual among buyers: counts in bins, so that the norms of partitions add up exactly to the whole's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from clientcare.exceptions import OptionError
from clientcare.facts.runs import Floats, Ints, ratio

GAP_BINS_AN_OCTAVE = 64
BINS_AN_OCTAVE = 8
N_BANDS, N_BINS = 16, 1024


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


def gaps_by_length(mean_gaps: Floats) -> Ints:
    """Buyers by the logarithm of their mean gap, which is above zero; shape (2048,)."""
    bins = np.clip(np.floor(np.log2(mean_gaps) * GAP_BINS_AN_OCTAVE), 0, 2 * N_BINS - 1).astype(np.int64)
    return np.bincount(bins, minlength=2 * N_BINS)


def by_band_and_size(band: Ints, values: Floats) -> Ints:
    """Buyers by band and by the logarithm of a measure; shape (16, 1024)."""
    cell = band * N_BINS + _bin(values)
    return np.bincount(cell, minlength=N_BANDS * N_BINS).reshape(N_BANDS, N_BINS)


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
