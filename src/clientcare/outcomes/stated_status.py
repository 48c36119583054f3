"""The user's own statuses, each from its date on: ``status`` and ``status_at`` in the table of buyers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clientcare.history.histories import Histories
from clientcare.window import day_number

STATED = ("status", "status_at")
"""The two attributes that state a status and since when; without the second the first says nothing of any date."""
WORDS = {
    "active": "active", "current": "active", "live": "active", "aktiv": "active",
    "quiet": "quiet", "dormant": "quiet", "inactive": "quiet", "paused": "quiet", "inaktiv": "quiet",
    "gone": "gone", "lost": "gone", "churned": "gone", "left": "gone", "closed": "gone", "former": "gone",
    "verloren": "gone",
}  # fmt: skip
"""What users call the three."""


@dataclass(frozen=True, eq=False)
class StatedStatus:
    """What the user states of each buyer before a date; arrays of shape (n_buyers,).

    Attributes
    ----------
    status : object array
        ``active``, ``quiet`` or ``gone``; empty where nothing is stated by then, or in words that are not known.
    day : int64 array
        The day from which on it holds.
    """

    status: NDArray[np.object_]
    day: NDArray[np.int64]

    @classmethod
    def known(cls, histories: Histories, as_of: pd.Timestamp) -> StatedStatus | None:
        """What was stated before a date; None where the table of buyers states none with a date."""
        buyers = histories.buyers
        if buyers is None or not states_a_status(buyers):
            return None
        when = _moments(buyers["status_at"], histories.timezone)
        told = when.notna().to_numpy() & (when < as_of).to_numpy()
        words = buyers["status"].astype(object).map(_word)
        status = np.where(told, words.to_numpy(dtype=object), "")
        day = when.where(told, pd.Timestamp(0)).to_numpy("datetime64[D]").astype(np.int64)
        return cls(status, day)

    def over(
        self,
        status: NDArray[Any],
        since: NDArray[np.int64],
        last_purchase: NDArray[np.int64],
        bound: NDArray[np.bool_],
        as_of: pd.Timestamp,
    ) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """The statuses by rule, and since when, with what the user states in their place.

        A later purchase is a newer fact; nobody under contract is gone.
        """
        holds = (self.status != "") & (last_purchase < self.day) & ~(bound & (self.status == "gone"))
        holds &= self.day <= day_number(as_of)
        changed = holds & (self.status != status)
        return np.where(holds, self.status, status), np.where(changed, self.day, since)


def states_a_status(buyers: pd.DataFrame) -> bool:
    """Whether a table of buyers states statuses with their dates."""
    return set(STATED) <= set(buyers.columns) and pd.api.types.is_datetime64_any_dtype(
        buyers["status_at"].dtype
    )


def _word(value: Any) -> str:
    return WORDS.get(str(value).strip().casefold(), "") if not pd.isna(value) else ""


def _moments(values: pd.Series[Any], timezone: Any) -> pd.Series[Any]:
    naive = values.dt.tz_convert(timezone or "UTC").dt.tz_localize(None) if values.dt.tz else values
    return naive.astype("datetime64[us]")
