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
            name: frame.rename(columns=dict((columns or {}).get(name, {}))).rename(
                columns={"start": "timestamp"}
            )
            for name, frame in frames.items()
            if frame is not None
        }
        if not frames:
            raise InputError("Histories: no table given.")
        self.timezone = timezone
        ids = pd.concat([f["buyer_id"].dropna() for f in frames.values()]).unique()
        self.buyer_ids = pd.Index(np.sort(ids), name="buyer_id")
        self.buyers = None if buyers is None else buyers.set_index("buyer_id").reindex(self.buyer_ids)
        self._events = {name: self._sorted(name, frame) for name, frame in frames.items()}
        times = np.concatenate([e.time for e in self._events.values()])
        day = MICROSECONDS_A_DAY
        self.observed_from = (
            timestamp_of(int(times.min()) // day * day)
            if observed_from is None
            else parse_moment(observed_from)
        )
        self.observed_until = (
            timestamp_of((int(times.max()) // day + 1) * day)
            if observed_until is None
            else parse_moment(observed_until)
        )
        self.quality = pd.DataFrame(columns=["table", "rule", "n_rows", "action", "first_rows"])

    def _sorted(self, table: str, frame: pd.DataFrame) -> EventTable:
        always = {"transactions": ["amount"], "contracts": ["amount"]}.get(table, [])
        frame = frame.assign(**{name: np.nan for name in always if name not in frame})
        if table == "contracts":
            frame = frame.assign(
                **{n: pd.Series(pd.NaT, frame.index) for n in ("end", "cancelled_at") if n not in frame}
            )
        if table == "interactions":
            frame = frame.assign(**{n: None for n in ("kind", "direction", "status") if n not in frame})
        frame = frame[frame["buyer_id"].notna() & frame["timestamp"].notna()]
        numbers = {
            "amount",
            "quantity",
            "satisfaction",
            "minutes",
            "response_hours",
            "resolution_hours",
            "answered",
        }
        numbers |= {"resolved"}
        after = {"answered": "answered_at", "response_hours": "answered_at", "resolved": "closed_at"}
        after |= {
            "resolution_hours": "closed_at",
            "satisfaction": "closed_at",
            "cancelled_at": "cancelled_at",
        }
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
            known_from={name: moment for name, moment in after.items() if {name, moment} <= set(columns)},
            value_before={"answered": 0.0, "resolved": 0.0},
        )

    def events(self, table: str) -> EventTable | None:
        """The events of a table as sorted arrays, or None where the table was not given."""
        return self._events.get(table)

    @property
    def transactions(self) -> pd.DataFrame | None:
        """The transactions kept, as a table."""
        return self._frame("transactions")

    @property
    def interactions(self) -> pd.DataFrame | None:
        """The interactions kept, as a table."""
        return self._frame("interactions")

    @property
    def contracts(self) -> pd.DataFrame | None:
        """The contracts kept, as a table."""
        frame = self._frame("contracts")
        return None if frame is None else frame.rename(columns={"timestamp": "start"})

    def _frame(self, table: str) -> pd.DataFrame | None:
        events = self.events(table)
        return None if events is None else frame_of(events, self.buyer_ids)

    def set_aside(self, table: str) -> pd.DataFrame:
        """The rows of a table that were set aside, each with its rule."""
        return pd.DataFrame({"rule": pd.Series(dtype=str)})

    def select(self, buyer_ids: Any) -> Histories:
        """The histories of some buyers alone."""
        positions = np.unique(self.buyer_ids.get_indexer(pd.Index(buyer_ids)))
        chosen = object.__new__(Histories)
        chosen.__dict__.update(self.__dict__)
        chosen.buyer_ids = self.buyer_ids[positions]
        chosen.buyers = None if self.buyers is None else self.buyers.iloc[positions]
        chosen._events = {name: events.select(positions) for name, events in self._events.items()}
        return chosen

    def until(self, moment: Moment) -> Histories:
        """What was known at a moment."""
        as_of = parse_moment(moment, self.timezone)
        cut = object.__new__(Histories)
        cut.__dict__.update(self.__dict__)
        cut._events = {name: events.before(microseconds(as_of)) for name, events in self._events.items()}
        cut.observed_until = min(self.observed_until, as_of)
        return cut
