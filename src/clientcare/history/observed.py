"""The observed stretch as the facts tell it: from the first day to the day after the last."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from clientcare.history.events import EventTable
from clientcare.history.words import codes_of
from clientcare.window import MICROSECONDS_A_DAY, UNKNOWN_TIME, timestamp_of


def observed_stretch(events: Mapping[str, EventTable]) -> tuple[pd.Timestamp, pd.Timestamp]:
    """The first day and the day after the last of what happened; contracts count where they stand alone."""
    times = [_happened(table) for name, table in events.items() if name != "contracts"]
    if not any(len(some) for some in times):
        times = [table.time for table in events.values()]
        given_up = [
            table.columns["cancelled_at"] for table in events.values() if "cancelled_at" in table.columns
        ]
        times += [some[some != UNKNOWN_TIME] for some in given_up]
    times = [some for some in times if len(some)]
    first = min((int(some.min()) for some in times), default=0)
    last = max((int(some.max()) for some in times), default=0)
    day = MICROSECONDS_A_DAY
    return timestamp_of(first // day * day), timestamp_of((last // day + 1) * day)


def _happened(table: EventTable) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """The moments of a table, without contacts that are only scheduled."""
    if "status" not in table.columns:
        return table.time
    scheduled = codes_of(table.levels["status"], ("scheduled",))
    return table.time[~np.isin(table.columns["status"], scheduled)]
