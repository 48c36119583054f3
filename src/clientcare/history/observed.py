"""The observed stretch as the facts tell it: from the first day to the day after the last."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clientcare.facts.events import EventTable
from clientcare.facts.runs import distinct
from clientcare.history.door.words import codes_of
from clientcare.window import MICROSECONDS_A_DAY, UNKNOWN_TIME, day_number, timestamp_of

Times = NDArray[np.int64]


LATEST_DAYS = 100
"""How many of the latest days on which something happened tell how long everything is usually silent."""


def observed_stretch(events: Mapping[str, EventTable]) -> tuple[pd.Timestamp, pd.Timestamp]:
    """The first day and the day after the last of what happened; contracts count where they stand alone."""
    times = _telling_times(events)
    first = min((int(some.min()) for some in times), default=0)
    last = max((int(some.max()) for some in times), default=0)
    day = MICROSECONDS_A_DAY
    return timestamp_of(first // day * day), timestamp_of((last // day + 1) * day)


def believed_until(events: Mapping[str, EventTable], as_of: pd.Timestamp) -> pd.Timestamp:
    """Until when facts known at a moment can be believed to be complete, as far as they tell themselves.

    The silence before ``as_of`` is believed where it is no longer than one among the latest days on which
    anything happened. A longer one says that the data ended on the last of them.

    Parameters
    ----------
    events : mapping of table to EventTable
        Facts known at ``as_of``, at least one.
    as_of : Timestamp without a zone
    """
    days = distinct(np.concatenate([distinct(some // MICROSECONDS_A_DAY) for some in _telling_times(events)]))
    silence = day_number(as_of) - int(days[-1])
    usual = int(np.diff(days[-LATEST_DAYS:]).max(initial=1))
    return as_of if silence <= usual else timestamp_of((int(days[-1]) + 1) * MICROSECONDS_A_DAY)


def _telling_times(events: Mapping[str, EventTable]) -> list[Times]:
    """The moments that tell of what was observed, by table; none that is empty."""
    times = [happened_at(table) for name, table in events.items() if name != "contracts"]
    if not any(len(some) for some in times):
        times = [_agreed_at(table) for table in events.values()]
        given_up = [
            table.columns["notice_at" if "notice_at" in table.columns else "cancelled_at"]
            for table in events.values()
            if "cancelled_at" in table.columns
        ]
        times += [some[some != UNKNOWN_TIME] for some in given_up]
    return [some for some in times if len(some)]


def _agreed_at(table: EventTable) -> Times:
    """When each term began, or was recorded where that came first."""
    signed = table.columns.get("signed_at")
    return table.time if signed is None else np.where(signed == UNKNOWN_TIME, table.time, signed)


def happened_at(table: EventTable) -> Times:
    """The moments of a table, without contacts that are only scheduled."""
    if "status" not in table.columns:
        return table.time
    scheduled = codes_of(table.levels["status"], ("scheduled",))
    return table.time[~np.isin(table.columns["status"], scheduled)]
