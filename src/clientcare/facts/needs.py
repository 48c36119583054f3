"""Needs: what buyers came for, day by day, as the categories of purchases and of bills tell it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from clientcare.facts.contacts import Floats, Ints
from clientcare.facts.events import EventTable
from clientcare.facts.purchase_rows import is_purchase

DAYS = 10_000_000
"""More days than there will ever be: a buyer and a day are one number."""


@dataclass(frozen=True, eq=False)
class Needs:
    """Buyer, day and need (a code of category), sorted, each once; of each buyer's last days with a known need.

    Attributes
    ----------
    n_buyers : int
    buyer, day, need : int64 arrays of shape (n,)
    """

    n_buyers: int
    buyer: Ints
    day: Ints
    need: Ints

    @classmethod
    def known(cls, n_buyers: int, tables: Iterable[EventTable | None], n_last: int) -> Needs:
        """The needs of some tables whose codes of category mean the same, on the last so many days of each buyer.

        Examples
        --------
        >>> Needs.known(2, (None, None), 12).counts
        (array([], dtype=int64), array([], dtype=int64), array([], dtype=int64))
        """
        told = [rows for table in tables if table is not None and (rows := _rows(table)) is not None]
        if not told:
            none = np.zeros(0, dtype=np.int64)
            return cls(n_buyers, none, none, none)
        buyer, day, need = (np.concatenate(parts) for parts in zip(*told, strict=True))
        order = np.lexsort((need, day, buyer))
        buyer, day, need = buyer[order], day[order], need[order]
        again = (buyer[1:] == buyer[:-1]) & (day[1:] == day[:-1])
        number = np.cumsum(np.append(True, ~again)[: len(buyer)])
        last = np.zeros(n_buyers, dtype=np.int64)
        last[buyer] = number
        kept = number > last[buyer] - n_last
        kept[1:] &= ~(again & (need[1:] == need[:-1]))
        return cls(n_buyers, buyer[kept], day[kept], need[kept])

    @cached_property
    def counts(self) -> tuple[Ints, Ints, Ints]:
        """Buyer, need, and on how many days it was served."""
        width = int(self.need.max(initial=0)) + 1
        pairs, n = np.unique(self.buyer * width + self.need, return_counts=True)
        return pairs // width, pairs % width, n.astype(np.int64)

    @cached_property
    def n_days(self) -> Floats:
        """Days with a known need; shape (n_buyers,)."""
        days = np.unique(self.buyer * DAYS + self.day) // DAYS
        return np.bincount(days, minlength=self.n_buyers).astype(np.float64)

    @property
    def share_of_other_days(self) -> float:
        """How often a day brings another need than the one before, or several; of all days that could; NaN without any.

        Where buyers of one thing each move from one plan to another for good, that is seldom; where several needs are
        served side by side, it is often.
        """
        key = self.buyer * DAYS + self.day
        days, start, n = np.unique(key, return_index=True, return_counts=True)
        follows = np.append(False, days[1:] // DAYS == days[:-1] // DAYS)[: len(days)]
        differs = np.append(False, self.need[start][1:] != self.need[start][:-1])[: len(days)]
        told = follows | (n > 1)
        return float(np.mean((n > 1)[told] | (follows & differs)[told])) if told.any() else float("nan")


def _rows(table: EventTable) -> tuple[Ints, Ints, Ints] | None:
    """Buyer, day and code of the purchases (bills that were paid among them) whose need is known."""
    if "category" not in table.levels:
        return None
    codes = table.columns["category"].astype(np.int64)
    rows = np.flatnonzero(is_purchase(table) & (codes >= 0))
    return table.buyer[rows].astype(np.int64), table.day[rows].astype(np.int64), codes[rows]
