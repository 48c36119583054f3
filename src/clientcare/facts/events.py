"""Dated facts as arrays: sorted once by buyer and time, each buyer one contiguous run.

This is the form the feature kernel, the labels and the batch jobs work on. A date asked for (``as_of``)
only moves the end of each run, so many dates share one sort.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clientcare.window import MICROSECONDS_A_DAY, UNKNOWN_TIME

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class EventTable:
    """Events of all buyers, sorted by (buyer, time, all other columns).

    Attributes
    ----------
    offsets : int64 array of shape (n_buyers + 1,)
        Buyer ``b`` holds the rows ``offsets[b]:offsets[b + 1]``; a buyer without events holds none.
    buyer : int32 array of shape (n_rows,)
        The position of each row's buyer in ``Histories.buyer_ids``.
    time : int64 array of shape (n_rows,), microseconds since 1970-01-01 on the seller's wall clock
        When it happened.
    known : int64 array of shape (n_rows,) or None
        When it could first be known, where facts were recorded late (never before ``time``); None where
        nothing was.
    columns : mapping of name to array of shape (n_rows,)
        float64 (NaN = unknown), int32 codes into ``levels`` (-1 = unknown), or int64 microseconds for a
        column listed in ``time_columns`` (``UNKNOWN_TIME`` = unknown).
    levels : mapping of name to object array
        The texts behind the codes, sorted.
    time_columns : frozenset of str
        Which columns hold moments.
    known_from : mapping of name to name
        ``{"satisfaction": "closed_at"}``: a value of the first column is unknown before the moment in the
        second (where that moment is given).
    value_before : mapping of name to float or name
        What a column of ``known_from`` holds before that moment, where not unknown: a message answered
        later was not answered yet (0.0), as one that is never answered. An unknown value stays unknown. The
        name of another column stands for its values: what an order came to before it was cancelled.
    """

    offsets: NDArray[np.int64]
    buyer: NDArray[np.int32]
    time: NDArray[np.int64]
    known: NDArray[np.int64] | None = None
    columns: Mapping[str, Array] = field(default_factory=dict)
    levels: Mapping[str, Array] = field(default_factory=dict)
    time_columns: frozenset[str] = frozenset()
    known_from: Mapping[str, str] = field(default_factory=dict)
    value_before: Mapping[str, float | str] = field(default_factory=dict)

    @property
    def n_rows(self) -> int:
        """Number of events."""
        return len(self.time)

    @property
    def n_buyers(self) -> int:
        """Number of buyers, those without events included."""
        return len(self.offsets) - 1

    @cached_property
    def day(self) -> NDArray[np.int32]:
        """Calendar day of each event, counted from 1970-01-01; shape (n_rows,)."""
        return (self.time // MICROSECONDS_A_DAY).astype(np.int32)

    def ends(self, as_of: int) -> NDArray[np.int64]:
        """Where each buyer's run ends when only events strictly before ``as_of`` count; shape (n_buyers,).

        Raises
        ------
        ValueError
            Where facts were recorded late: their run is no prefix; use :meth:`before`.
        """
        if self.known is not None:
            raise ValueError("facts recorded late are no prefix of a run: use EventTable.before(as_of)")
        happened = np.concatenate([[0], np.cumsum(self.time < as_of, dtype=np.int64)])
        counts: NDArray[np.int64] = happened[self.offsets[1:]] - happened[self.offsets[:-1]]
        return self.offsets[:-1] + counts

    def before(self, as_of: int) -> EventTable:
        """What was known at ``as_of``: earlier events, and of these only the values known by then.

        A value whose moment of knowledge (``known_from``) is at or after ``as_of`` becomes unknown, and so
        does such a moment itself. Events of one buyer and moment are ordered anew by what is left, or their
        order would tell what came later.
        """
        early = (self.time if self.known is None else self.known) < as_of
        past = self if early.all() else self.take(np.flatnonzero(early))
        columns = dict(past.columns)
        for moment in sorted(set(self.known_from.values()) & set(columns)):
            late = columns[moment] >= as_of
            for name in [
                name for name, source in self.known_from.items() if source == moment and name in columns
            ]:
                columns[name] = self._not_known_yet(name, columns, late)
            columns[moment] = np.where(late, UNKNOWN_TIME, columns[moment])
        came_late = past.known is not None and bool(np.any(past.known > past.time))
        cut = replace(past, columns=columns, known=past.known if came_late else None)
        return cut._with_ties_in_order() if self.known_from else cut

    def _with_ties_in_order(self) -> EventTable:
        """The same events, those of one buyer and moment ordered by their other columns."""
        tied = _tied(self.buyer, self.time)
        if not tied.any():
            return self
        last = _told_later(self.known_from, self.value_before)
        order = _break_ties(np.arange(self.n_rows), tied, self.columns, self.known, last)
        return replace(
            self,
            known=None if self.known is None else self.known[order],
            columns={name: values[order] for name, values in self.columns.items()},
        )

    def as_known(self, name: str, as_of: int | None = None) -> Array:
        """A column as it was known at a date, its later values not yet; without a date, as each row was when it came."""
        values, moment = self.columns[name], self.known_from.get(name)
        if moment is None or moment not in self.columns:
            return values
        since, before = self.columns[moment], self.value_before.get(name)
        late = since != UNKNOWN_TIME if as_of is None else since >= as_of
        earlier = {before: self.as_known(before, as_of)} if isinstance(before, str) else {}
        return self._not_known_yet(name, {**self.columns, **earlier}, late)

    def _not_known_yet(self, name: str, columns: Mapping[str, Array], late: NDArray[np.bool_]) -> Array:
        values, before = columns[name], self.value_before.get(name)
        if isinstance(before, str):
            return np.where(late, columns[before], values)
        if before is not None:
            return np.where(late & ~np.isnan(values), before, values)
        return np.where(late, _unknown(values, name in self.time_columns), values)

    def frozen(self) -> EventTable:
        """The same table, its arrays made read-only."""
        known = () if self.known is None else (self.known,)
        for values in (
            self.offsets,
            self.buyer,
            self.time,
            *known,
            *self.columns.values(),
            *self.levels.values(),
        ):
            values.setflags(write=False)
        return self

    def take(self, rows: NDArray[np.int64]) -> EventTable:
        """Some of the rows, in their order; all buyers stay."""
        counts = np.bincount(self.buyer[rows], minlength=self.n_buyers)
        return replace(
            self,
            offsets=np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]),
            buyer=self.buyer[rows],
            time=self.time[rows],
            known=None if self.known is None else self.known[rows],
            columns={name: values[rows] for name, values in self.columns.items()},
        )

    def select(self, buyers: NDArray[np.int64]) -> EventTable:
        """The events of some buyers, renumbered 0, 1, 2 ... in ascending order of their old position."""
        position = np.full(self.n_buyers, -1, dtype=np.int32)
        position[buyers] = np.arange(len(buyers), dtype=np.int32)
        kept = self.take(np.flatnonzero(position[self.buyer] >= 0))
        counts = kept.offsets[1:] - kept.offsets[:-1]
        return replace(
            kept,
            offsets=np.concatenate([[0], np.cumsum(counts[buyers], dtype=np.int64)]),
            buyer=position[kept.buyer],
        )


def sort_events(
    n_buyers: int,
    buyer: NDArray[np.int32],
    time: NDArray[np.int64],
    columns: Mapping[str, Array],
    *,
    known: NDArray[np.int64] | None = None,
    levels: Mapping[str, Array] | None = None,
    time_columns: frozenset[str] = frozenset(),
    known_from: Mapping[str, str] | None = None,
    value_before: Mapping[str, float | str] | None = None,
) -> EventTable:
    """Sort events by buyer, time and every other column: the order of the rows given does not matter."""
    order = _by_buyer_and_time(buyer, time)
    buyer, time = buyer[order], time[order]
    tied = _tied(buyer, time)
    if tied.any():
        last = _told_later(known_from or {}, value_before or {})
        order = _break_ties(order, tied, columns, known, last)
    counts = np.bincount(buyer, minlength=n_buyers)
    return EventTable(
        offsets=np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]),
        buyer=buyer.astype(np.int32, copy=False),
        time=time,
        known=None if known is None else known[order],
        columns={name: values[order] for name, values in columns.items()},
        levels=dict(levels or {}),
        time_columns=time_columns,
        known_from=dict(known_from or {}),
        value_before=dict(value_before or {}),
    )


def _by_buyer_and_time(buyer: NDArray[np.int32], time: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows by buyer and time, those of one buyer and moment in any order.

    Both keys are packed into one number where they fit, which sorts several times faster than one by one.
    """
    if len(time):
        since = time - time.min()
        unit = next(
            unit for unit in (MICROSECONDS_A_DAY, 1_000_000, 1) if unit == 1 or not (since % unit).any()
        )
        width = int(since.max() // unit).bit_length()
        if width + int(buyer.max()).bit_length() <= 63:
            return np.argsort((buyer.astype(np.int64) << width) | (since // unit))
    order = np.argsort(time, kind="stable")
    return order[np.argsort(buyer[order], kind="stable")]


def _tied(buyer: NDArray[np.int32], time: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which sorted rows are of the same buyer and moment as the row before."""
    return np.append(
        np.zeros(min(len(time), 1), dtype=bool), (buyer[1:] == buyer[:-1]) & (time[1:] == time[:-1])
    )


def _told_later(known_from: Mapping[str, str], value_before: Mapping[str, float | str]) -> frozenset[str]:
    """Columns that hold what was before, and since when it is otherwise: the order of rows must not hang on them."""
    changing = {name: before for name, before in value_before.items() if isinstance(before, str)}
    return frozenset(changing.values()) | {known_from[name] for name in changing if name in known_from}


def _break_ties(
    order: NDArray[np.int64],
    tied: NDArray[np.bool_],
    columns: Mapping[str, Array],
    known: Array | None,
    last: frozenset[str] = frozenset(),
) -> NDArray[np.int64]:
    """Order the rows of one buyer and moment by their other columns, column by column, while ties are left.

    The order follows the values themselves, so that rows which come later do not change it.
    """
    order = order.copy()
    places = np.flatnonzero(tied | np.append(tied[1:], False))
    group = np.cumsum(~tied)[places]
    names = sorted(columns, key=lambda name: (name in last, name))
    keys = [columns[name] for name in names] + ([] if known is None else [known])
    for key in keys:
        if not len(places):
            break
        rank = _sortable(key[order[places]])
        same_group = group[1:] == group[:-1]
        if not np.any(same_group & (rank[1:] != rank[:-1])):
            continue
        by_rank = np.lexsort([rank, group])
        order[places] = order[places][by_rank]
        rank = rank[by_rank]
        new_group = np.append(True, ~same_group | (rank[1:] != rank[:-1]))
        left = ~new_group | ~np.append(new_group[1:], True)
        group, places = np.cumsum(new_group)[left], places[left]
    return order


def _sortable(values: Array) -> NDArray[np.int64]:
    """Whole numbers in the order of the values; unknown (NaN) comes last."""
    if values.dtype.kind != "f":
        return values.astype(np.int64, copy=False)
    bits = values.astype(np.float64).view(np.int64)
    bits = bits ^ ((bits >> 63) & np.iinfo(np.int64).max)
    return np.where(np.isnan(values), np.iinfo(np.int64).max, bits)


def merged(one: EventTable, other: EventTable) -> EventTable:
    """Two parts of one table together, sorted by buyer and time; of the same columns and levels."""
    buyer, time = np.concatenate([one.buyer, other.buyer]), np.concatenate([one.time, other.time])
    order = np.lexsort((time, buyer))
    known = None
    if one.known is not None or other.known is not None:
        both = [part.time if part.known is None else part.known for part in (one, other)]
        known = np.concatenate(both)[order]
    return replace(
        one,
        offsets=one.offsets + other.offsets,
        buyer=buyer[order],
        time=time[order],
        known=known,
        columns={
            name: np.concatenate([values, other.columns[name]])[order] for name, values in one.columns.items()
        },
    )


def frame_of(events: EventTable, buyer_ids: pd.Index) -> pd.DataFrame:
    """The events as a table: ``buyer_id``, ``timestamp``, and every column, its texts in place of codes."""
    frame: dict[str, Any] = {
        "buyer_id": buyer_ids.take(events.buyer),
        "timestamp": _as_datetimes(events.time),
    }
    for name, values in events.columns.items():
        if name in events.levels:
            frame[name] = np.array([*events.levels[name], None], dtype=object)[values]
        elif name in events.time_columns:
            frame[name] = _as_datetimes(values)
        else:
            frame[name] = values
    if events.known is not None:
        frame["recorded_at"] = _as_datetimes(events.known)
    return pd.DataFrame(frame)


def _as_datetimes(values: NDArray[np.int64]) -> NDArray[np.datetime64]:
    return values.view("datetime64[us]")


def _unknown(values: Array, is_time: bool) -> Any:
    if is_time:
        return UNKNOWN_TIME
    return -1 if values.dtype.kind == "i" else np.nan
