"""What the base did lately, at past dates and now: whether tonight is like anything that was learned from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from clientcare.facts.purchase_rows import is_purchase
from clientcare.facts.terms import stops_at
from clientcare.history.histories import Histories
from clientcare.history.population import in_force
from clientcare.window import MICROSECONDS_A_DAY, microseconds

TIMES = 2.0
"""A count within half and twice of what past dates saw is like them: growth and seasons of real shops stay within."""
TIMES_OF_A_THIRD = 3.0
"""Over a third of a horizon seasons and promotions swing further."""
BROKEN = 4.0
"""A pace that differs so many times between the dates learned from is a break in the business, or in its records."""
CHANCE = 3.0
"""Standard deviations of a count by chance."""
FEWEST = 30
"""Of fewer than so many at past dates nothing is told."""

COUNTS = {
    "purchases": "purchase days in the last {span} days",
    "purchases_lately": "purchase days in the last {third} days",
    "new": "first purchases in the last {span} days",
    "in_force": "buyers with a contract in force",
    "started": "terms begun in the last {span} days",
    "ending": "terms in force that end in the next {span} days",
    "contacts": "contacts in the last {span} days",
}
"""What is counted, in words."""
ONLY_MORE = frozenset({"new", "started"})
"""Fewer newcomers than ever say nothing of those who are here."""
LATELY = "purchases_lately"


def counts_at(histories: Histories, as_of: pd.Timestamp, horizon_days: int) -> dict[str, int]:
    """The counts of :data:`COUNTS` just before a date; those of tables that are not there are left out.

    They add up over parts of the buyers.

    Examples
    --------
    >>> orders = pd.DataFrame({"buyer_id": ["a", "a", "b"], "timestamp": ["2024-01-05", "2024-03-01", "2024-03-02"]})
    >>> counts_at(Histories(orders), pd.Timestamp("2024-03-10"), 30)
    {'purchases': 2, 'purchases_lately': 2, 'new': 1}
    """
    now, day = microseconds(as_of), MICROSECONDS_A_DAY
    since, lately = now - horizon_days * day, now - max(horizon_days // 3, 1) * day
    found: dict[str, int] = {}
    transactions = histories.events("transactions")
    if transactions is not None:
        past = transactions.before(now)
        bought = np.flatnonzero(is_purchase(past))
        buyer, time = past.buyer[bought].astype(np.int64), past.time[bought]
        first = np.ones(len(buyer), dtype=bool)
        first[1:] = buyer[1:] != buyer[:-1]
        another_day = first.copy()
        another_day[1:] |= time[1:] // day != time[:-1] // day
        found["purchases"] = int((another_day & (time >= since)).sum())
        found["purchases_lately"] = int((another_day & (time >= lately)).sum())
        found["new"] = int((first & (time >= since)).sum())
    contracts = histories.events("contracts")
    if contracts is not None:
        past = contracts.before(now)
        found["in_force"] = int(in_force(histories, as_of, as_of).sum())
        found["started"] = int(((past.time >= since) & (past.time < now)).sum())
        ends = stops_at(past, now)
        found["ending"] = int(((past.time < now) & (ends >= now) & (ends < now + horizon_days * day)).sum())
    interactions = histories.events("interactions")
    if interactions is not None:
        past = interactions.before(now)
        found["contacts"] = int(((past.time >= since) & (past.time < now)).sum())
    return found


@dataclass(frozen=True)
class Pulse:
    """The least and the most of each count at the dates that outcomes were learned from.

    Attributes
    ----------
    least, most : mapping of name to int
    horizon_days : int
    """

    least: Mapping[str, int]
    most: Mapping[str, int]
    horizon_days: int

    @classmethod
    def of(cls, counts: Iterable[Mapping[str, int]], horizon_days: int) -> Self:
        """Of the counts at past dates; empty where there are none.

        A date at which nobody was under contract teaches nothing of people under contract: between two school years
        nobody can leave.
        """
        table = pd.DataFrame(list(counts))
        if "in_force" in table:
            someone = table["in_force"] > 0
            table["in_force"] = table["in_force"].where(
                someone, table["in_force"][someone].min() if someone.any() else 0
            )
            table["in_force"] = table["in_force"].astype(np.int64)
        least, most = (
            {str(name): int(value) for name, value in found.items()} for found in (table.min(), table.max())
        )
        return cls(least, most, horizon_days)

    def unlike(self, now: Mapping[str, int]) -> list[str]:
        """In what the base at hand is unlike all dates learned from, as sentences with what to do."""
        said = [
            self._told(name, now[name])
            for name in COUNTS
            if name in now and self._is_outside(name, now[name])
        ]
        said += [self._broke(name) for name in ("purchases", "in_force") if self._has_broken(name)]
        return said

    def _is_outside(self, name: str, now: int) -> bool:
        if name not in self.least or (self.most[name] < FEWEST and now < FEWEST):
            return False
        times = TIMES_OF_A_THIRD if name == LATELY else TIMES
        least, most = self.least[name] / times, self.most[name] * times
        fewer = now + CHANCE * np.sqrt(now + 1) < least and name not in ONLY_MORE
        return bool(fewer or now - CHANCE * np.sqrt(now + 1) > most)

    def _has_broken(self, name: str) -> bool:
        least, most = self.least.get(name, 0), self.most.get(name, 0)
        return most >= FEWEST and most > BROKEN * (least + CHANCE * np.sqrt(least + 1))

    def _words(self, name: str) -> str:
        return COUNTS[name].format(span=self.horizon_days, third=max(self.horizon_days // 3, 1))

    def _told(self, name: str, now: int) -> str:
        return (
            f"Unlike anything learned from: {now:,} {self._words(name)}, {self.least[name]:,} to {self.most[name]:,} at the "
            "past dates. Trust the order more than the level; see that no records are missing, and fit again once a whole "
            "horizon like this one has been observed."
        )

    def _broke(self, name: str) -> str:
        return (
            f"The dates learned from are unlike each other: {self.least[name]:,} to {self.most[name]:,} "
            f"{self._words(name)}. Where the records or the business changed, set observed_from to the day after the change."
        )

    def get_state(self) -> dict[str, Any]:
        """Everything it rests on."""
        return {"least": dict(self.least), "most": dict(self.most), "horizon_days": self.horizon_days}
