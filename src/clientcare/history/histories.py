"""The door and what lies behind it: all dated facts of all buyers, parsed once, frozen, sorted once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from clientcare.exceptions import InputError
from clientcare.history.events import EventTable, frame_of, sort_events
from clientcare.window import MICROSECONDS_A_DAY, Moment, microseconds, parse_moment, timestamp_of


class Histories:
    """Provisional intake: canonical pandas frames only, no quality rules yet."""

    def __init__(
        self,
        transactions: Any = None,
        interactions: Any = None,
        contracts: Any = None,
        buyers: Any = None,
        *,
        columns: Mapping[str, Mapping[str, str]] | None = None,
        timezone: str | None = None,
        observed_from: Moment | None = None,
        observed_until: Moment | None = None,
        on_bad_rows: str = "quarantine",
    ) -> None:
        frames = {"transactions": transactions, "interactions": interactions, "contracts": contracts}
        frames = {
            name: frame.rename(columns=dict((columns or {}).get(name, {}))).rename(columns={"start": "timestamp"})
            for name, frame in frames.items()
            if frame is not None
        }
        if not frames:
            raise InputError("Histories: no table given.")
        self.timezone = timezone
        ids = pd.concat([f["buyer_id"].dropna() for f in frames.values()]).unique()
        self.buyer_ids = pd.Index(np.sort(ids), name="buyer_id")
        self.buyers = None if buyers is None else buyers.set_index("buyer_id").reindex(self.buyer_ids)
        self._events = {name: self._sorted(frame) for name, frame in frames.items()}
        times = np.concatenate([e.time for e in self._events.values()])
        day = MICROSECONDS_A_DAY
        self.observed_from = (
            timestamp_of(int(times.min()) // day * day) if observed_from is None else parse_moment(observed_from)
        )
        self.observed_until = (
            timestamp_of((int(times.max()) // day + 1) * day) if observed_until is None else parse_moment(observed_until)
        )
        self.quality = pd.DataFrame(columns=["table", "rule", "n_rows", "action", "first_rows"])

    def _sorted(self, frame: pd.DataFrame) -> EventTable:
        frame = frame[frame["buyer_id"].notna() & frame["timestamp"].notna()]
        numbers = {"amount", "quantity", "satisfaction", "minutes", "response_hours", "resolution_hours", "answered"}
        moments = {"end", "cancelled_at", "answered_at", "closed_at", "recorded_at"}
        columns: dict[str, Any] = {}
        levels: dict[str, Any] = {}
        for name in frame.columns.difference(["buyer_id", "timestamp", "recorded_at"]):
            if name in numbers:
                columns[name] = frame[name].to_numpy(dtype=np.float64)
            elif name in moments:
                columns[name] = frame[name].to_numpy("datetime64[us]").view(np.int64)
            else:
                codes, texts = pd.factorize(frame[name].astype("string"), sort=True)
                columns[name], levels[name] = codes.astype(np.int32), np.asarray(texts, dtype=object)
        known = None
        time = frame["timestamp"].to_numpy("datetime64[us]").view(np.int64)
        if "recorded_at" in frame:
            known = np.maximum(time, frame["recorded_at"].to_numpy("datetime64[us]").view(np.int64))
        return sort_events(
            len(self.buyer_ids),
            self.buyer_ids.get_indexer(pd.Index(frame["buyer_id"])).astype(np.int32),
            time,
            columns,
            known=known,
            levels=levels,
            time_columns=frozenset(moments & set(columns)),
            known_from={"cancelled_at": "cancelled_at"} if "cancelled_at" in columns else {},
        )

    def events(self, table: str) -> EventTable | None:
        """The events of a table as sorted arrays, or None where the table was not given."""
        return self._events.get(table)

    @property
    def transactions(self) -> pd.DataFrame | None:
        events = self.events("transactions")
        return None if events is None else frame_of(events, self.buyer_ids)

    def until(self, moment: Moment) -> Histories:
        """What was known at a moment."""
        as_of = parse_moment(moment, self.timezone)
        cut = object.__new__(Histories)
        cut.__dict__.update(self.__dict__)
        cut._events = {name: events.before(microseconds(as_of)) for name, events in self._events.items()}
        cut.observed_until = min(self.observed_until, as_of)
        return cut
