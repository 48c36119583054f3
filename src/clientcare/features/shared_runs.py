"""What the snapshots of one history share."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clientcare.facts.purchases import PurchaseDays
from clientcare.facts.runs import Ints
from clientcare.history.histories import Histories
from clientcare.history.population import known_buyers
from clientcare.window import MICROSECONDS_A_DAY, microseconds


class SharedRuns:
    """What the snapshots of one history share: purchase days, worked out once for all dates."""

    def __init__(self, histories: Histories) -> None:
        self.histories = histories
        self._days: PurchaseDays | None = None

    def purchase_days(self, moment: int) -> tuple[PurchaseDays | None, int]:
        """Purchase days, and the day from which on they are not known yet at a moment.

        Midnights share one table. A moment within a day, or facts recorded late, need a table of their own.
        """
        events = self.histories.events("transactions")
        if events is None:
            return None, 0
        if not self._is_shared(moment):
            return PurchaseDays(events.before(moment)), moment // MICROSECONDS_A_DAY + 1
        if self._days is None:
            self._days = PurchaseDays(events)
        return self._days, moment // MICROSECONDS_A_DAY

    def buyers(self, as_of: pd.Timestamp) -> Ints:
        """Positions of the buyers known at a date; from the first purchases where these alone decide."""
        moment = microseconds(as_of)
        if self.histories.events("contracts") is not None or not self._is_shared(moment):
            return known_buyers(self.histories, as_of)
        days, limit = self.purchase_days(moment)
        assert days is not None
        return days.first_buyers[days.first_days < limit]

    def moved(self, earlier: int, later: int) -> NDArray[np.bool_] | None:
        """Which buyers had a transaction from one moment to another; None where that cannot be told by days."""
        if not (self._is_shared(earlier) and self._is_shared(later) and earlier < later):
            return None
        events = self.histories.events("transactions")
        assert events is not None
        first, last = earlier // MICROSECONDS_A_DAY, later // MICROSECONDS_A_DAY
        moved = np.zeros(len(self.histories.buyer_ids), dtype=bool)
        moved[events.buyer[np.flatnonzero((events.day >= first) & (events.day < last))]] = True
        return moved

    def _is_shared(self, moment: int) -> bool:
        events = self.histories.events("transactions")
        return events is not None and events.known is None and not moment % MICROSECONDS_A_DAY
