"""How far a batch job is, and what it did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from clientcare.history.door.headlines import rows_set_aside_said
from clientcare.history.door.of_today import OF_TODAY, of_today_said
from clientcare.history.door.quality import SET_ASIDE
from clientcare.scoring.last_night import shrunk_said


@dataclass(frozen=True)
class Progress:
    """How far a job is.

    Attributes
    ----------
    stage : str
        ``"split"``, ``"score"`` or ``"publish"``.
    parts_done, n_parts : int
    n_rows, n_buyers : int
        Rows read and buyers scored so far.
    seconds_left : float or None
        An estimate from the parts done in this run; None before the first.
    """

    stage: str
    parts_done: int
    n_parts: int
    n_rows: int
    n_buyers: int
    seconds_left: float | None = None


@dataclass(frozen=True)
class ScoringResult:
    """What a batch job did.

    Attributes
    ----------
    out : str
        The name of the output.
    n_buyers : int
        Rows of the book.
    n_rows : dict of table to int
        Rows read.
    n_parts, n_resumed : int
        Parts in all, and those found whole from a start that did not end.
    quality : DataFrame
        What the door found, added up over the parts: ``table``, ``rule``, ``n_rows``, ``action``.
    manifest : dict
        As published.
    cpu_seconds : dict of stage to float
        ``split``, ``door``, ``score``, ``write``, ``publish``; of this run.
    n_before : int or None
        Buyers of the book that was there before; None where there was none, or it is a table of a database.
    """

    out: str
    n_buyers: int
    n_rows: Mapping[str, int]
    n_parts: int
    n_resumed: int
    quality: pd.DataFrame
    manifest: Mapping[str, Any]
    cpu_seconds: Mapping[str, float] = field(default_factory=dict)
    n_before: int | None = None

    @property
    def says(self) -> list[str]:
        """What heads everything: how much of each table was set aside, where it is more than a hundredth; attributes
        of today; and a book that lost half of its buyers.
        """
        out = self.quality[self.quality["action"] == SET_ASIDE].groupby("table")["n_rows"].sum()
        rows = pd.DataFrame({"rows_in": pd.Series(dict(self.n_rows), dtype=np.int64)})
        rows["rows_set_aside"] = (
            out.astype(np.float64).reindex(rows.index).fillna(0).clip(upper=rows["rows_in"]).astype(np.int64)
        )
        today = [rule.removeprefix(OF_TODAY) for rule in self.quality["rule"] if rule.startswith(OF_TODAY)]
        return rows_set_aside_said(rows) + of_today_said(today) + shrunk_said(self.n_before, self.n_buyers)

    def __repr__(self) -> str:
        read = ", ".join(f"{n_rows:,} rows of {table}" for table, n_rows in self.n_rows.items())
        parts = f"{self.n_parts:,} part{'' if self.n_parts == 1 else 's'}"
        resumed = f" ({self.n_resumed:,} found whole)" if self.n_resumed else ""
        return (
            f"The book of {self.n_buyers:,} buyers is in {self.out}.\n"
            f"Read {read} in {parts}{resumed}; findings about the data are in quality ({len(self.quality):,}).\n"
            f"{sum(self.cpu_seconds.values()):.1f} CPU seconds."
        )
