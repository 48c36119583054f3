"""Which stretch the tables tell of: until when the ones that matter are dense, and where records are missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clientcare.facts.events import EventTable
from clientcare.history.change import find_change
from clientcare.history.density import Hole, dense_end, find_holes, hole_after
from clientcare.history.door.scope import is_part
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
    holes = {name: _holes(of_table, until) for name, of_table in days.items()}
    if not is_part():
        for name, found in holes.items():
            for hole in found:
                sheets[name].log.remark("hole_in_the_records", f"kept: {_said(hole, name)}", 0)
        _tell_of_change(sheets, events, until, holes.get("transactions", ()))
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
        hole = None if own >= last else hole_after(days[name], own)
        if hole is not None:
            sheets[name].log.note(
                "after_a_hole",
                f"kept: after a hole of {hole.day_after - hole.first_day} days the records go on for "
                f"{last - hole.day_after}: too few to be the present",
                beyond,
            )
        elif own < last:
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


def _holes(days: NDArray[np.int64], until: int) -> tuple[Hole, ...]:
    """The holes before the end of a table, and the one at its end where records go on after it."""
    found = find_holes(days[days < until])
    at_the_end = hole_after(days, until)
    return found if at_the_end is None or at_the_end in found else (*found, at_the_end)


def _tell_of_change(
    sheets: Mapping[str, Sheet], events: Mapping[str, EventTable], until: int, holes: tuple[Hole, ...]
) -> None:
    if "transactions" not in events:
        return
    change = find_change(events["transactions"], until, holes)
    if change is not None:
        said = f"kept: {change.said}; dates before say little of the present"
        sheets["transactions"].log.remark("changed_business", said, change.n_rows)


def _said(hole: Hole, table: str) -> str:
    n_days = hole.day_after - hole.first_day
    follows = (
        "no past date is learned from over it"
        if table == "transactions"
        else "what lies in it looks like silence"
    )
    return f"no row for {n_days} days from {_date(hole.first_day):%Y-%m-%d} on, which chance does not explain; {follows}"


def _date(day: int) -> pd.Timestamp:
    return timestamp_of(day * MICROSECONDS_A_DAY)
