"""Which stretch the tables tell of: until when the ones that matter are dense, and where records are missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clientcare.facts.events import EventTable
from clientcare.history.density import Hole, dense_end, find_holes
from clientcare.history.door.sheets import Sheet
from clientcare.history.observed import happened_at
from clientcare.window import MICROSECONDS_A_DAY, day_number, timestamp_of

GIVEN_UP_DAYS = 92
"""Contacts that end up to a quarter before the purchases were exported earlier; further back, they were given up."""


@dataclass(frozen=True)
class Stretch:
    """Until when the tables are complete, and the holes in them."""

    day_after_last: pd.Timestamp
    holes: pd.DataFrame


def judge_stretch(
    sheets: Mapping[str, Sheet],
    events: Mapping[str, EventTable],
    day_after_last: pd.Timestamp,
    is_stated: bool,
) -> Stretch:
    """Find where the tables stop being dense (unless that is stated) and where they have holes, and tell of it."""
    days = {
        name: happened_at(table) // MICROSECONDS_A_DAY
        for name, table in events.items()
        if name != "contracts"
    }
    days = {name: of_table for name, of_table in days.items() if len(of_table)}
    until = day_number(day_after_last)
    if not is_stated and days:
        until = _dense_until(sheets, days, until)
    holes = {name: find_holes(of_table[of_table < until]) for name, of_table in days.items()}
    for name, found in holes.items():
        for hole in found:
            sheets[name].log.remark("hole_in_the_records", f"kept: {_said(hole)}", 0)
    return Stretch(timestamp_of(until * MICROSECONDS_A_DAY), hole_table(holes))


def hole_table(holes: Mapping[str, tuple[Hole, ...]]) -> pd.DataFrame:
    """The holes as a table: table, first_day, day_after."""
    rows = [
        (name, _date(hole.first_day), _date(hole.day_after))
        for name, found in holes.items()
        for hole in found
    ]
    frame = pd.DataFrame(rows, columns=["table", "first_day", "day_after"])
    return frame.astype({"table": object, "first_day": "datetime64[us]", "day_after": "datetime64[us]"})


def _dense_until(sheets: Mapping[str, Sheet], days: Mapping[str, NDArray[np.int64]], until: int) -> int:
    ends = {name: dense_end(of_table, until - 1) for name, of_table in days.items()}
    main = "transactions" if "transactions" in ends else next(iter(ends))
    end = ends[main]
    for other in ends.values():
        if end - GIVEN_UP_DAYS <= other < end:
            end = other
    for name, own in ends.items():
        beyond = sheets[name].log.kept & (sheets[name].time // MICROSECONDS_A_DAY >= end)
        last = int(days[name].max()) + 1
        if own < last:
            sheets[name].log.note(
                "dated_ahead",
                f"kept: from {_date(own):%Y-%m-%d} on too few to be all: not the present",
                beyond,
            )
        else:
            sheets[name].log.note(
                "beyond_other_tables", f"kept: another table ends on {_date(end - 1):%Y-%m-%d}", beyond
            )
        if own < until and own >= last:
            sheets[name].log.remark(
                "ends_early",
                f"kept: {until - own} days before another table; observed until {_date(end):%Y-%m-%d}",
                0,
            )
    return end


def _said(hole: Hole) -> str:
    n_days = hole.day_after - hole.first_day
    return (
        f"no row for {n_days} days from {_date(hole.first_day):%Y-%m-%d} on, which chance does not explain; "
        "no past date is learned from over it"
    )


def _date(day: int) -> pd.Timestamp:
    return timestamp_of(day * MICROSECONDS_A_DAY)
