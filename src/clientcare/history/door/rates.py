"""Amounts of several currencies in one, by a table of rates that the caller gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clientcare.exceptions import OptionError
from clientcare.history.door.dates import Times
from clientcare.window import UNKNOWN_TIME


@dataclass(frozen=True, eq=False)
class Rates:
    """What one unit of each currency is worth in the one that counts, from a moment on.

    Attributes
    ----------
    steps : dict of str to pair of arrays
        For each currency the moments from which a rate holds, ascending, and the rates.
    """

    steps: Mapping[str, tuple[NDArray[np.int64], NDArray[np.float64]]]

    @classmethod
    def of(cls, given: Any, currency: str | None) -> Rates | None:
        """Rates as the caller gives them: a mapping of currency to rate, or a table.

        Parameters
        ----------
        given : mapping of str to float, DataFrame, or None
            A table has columns ``currency`` and ``rate``, and where rates move ``timestamp``: the day from which
            a rate holds.
        currency : str or None
            The one that counts.

        Raises
        ------
        OptionError
            Where no currency is stated, or the rates cannot be read.

        Examples
        --------
        >>> rates = Rates.of({"USD": 0.9}, "EUR")
        >>> rates.at(np.array(["USD", "EUR", "YEN"]), np.array([0, 0, 0])).tolist()
        [0.9, 1.0, nan]
        """
        if given is None:
            return None
        if currency is None:
            raise OptionError("rates: say into which currency: currency='EUR'.")
        table = _as_table(given)
        table["currency"] = table["currency"].astype(str).str.strip().str.upper()
        rate = pd.to_numeric(table["rate"], errors="coerce").to_numpy(dtype=np.float64)
        since = pd.to_datetime(table["timestamp"], errors="coerce").to_numpy().astype("datetime64[us]")
        since_number = since.view(np.int64)
        dated = pd.notna(table["timestamp"]).to_numpy()
        if not (np.isfinite(rate).all() and (rate > 0).all()) or (dated & np.isnat(since)).any():
            raise OptionError("rates: every rate must be a number above zero, and every timestamp a date.")
        steps = {}
        for name in sorted(set(table["currency"])):
            rows = np.flatnonzero((table["currency"] == name).to_numpy())
            rows = rows[np.argsort(since_number[rows], kind="stable")]
            if len(np.unique(since_number[rows])) < len(rows):
                raise OptionError("rates: two rates of one currency for one day. Keep one of them.")
            steps[name] = (since_number[rows], rate[rows])
        own = currency.strip().upper()
        return cls({**steps, own: (np.array([UNKNOWN_TIME]), np.array([1.0]))})

    def at(self, currencies: NDArray[Any], times: Times) -> NDArray[np.float64]:
        """The rate of each row; NaN where there is none yet, or none at all."""
        found = np.full(len(times), np.nan)
        for name, (since, rates) in self.steps.items():
            rows = np.flatnonzero(currencies == name)
            step = np.searchsorted(since, times[rows], side="right") - 1
            found[rows] = np.where(step >= 0, rates[step.clip(0)], np.nan)
        return found


def _as_table(given: Any) -> pd.DataFrame:
    if isinstance(given, Mapping):
        return pd.DataFrame(
            {"currency": list(given), "rate": list(given.values()), "timestamp": pd.NaT}, dtype=object
        )
    if isinstance(given, pd.DataFrame) and {"currency", "rate"} <= set(given.columns):
        table = given.reset_index(drop=True)
        return table if "timestamp" in table else table.assign(timestamp=None)
    raise OptionError(
        "rates: must map currencies to what one unit is worth, {'USD': 0.92}, or be a table with columns "
        "'currency', 'rate' and, where rates move, 'timestamp'."
    )
