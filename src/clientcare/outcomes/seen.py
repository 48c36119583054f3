"""What was seen in a horizon: purchases in its parts. The facts that labels rest on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clientcare.exceptions import NotObservedError
from clientcare.facts.events import EventTable
from clientcare.facts.purchase_rows import is_purchase
from clientcare.history.histories import Histories, require_histories
from clientcare.history.population import known_buyers
from clientcare.window import (
    Moment,
    Window,
    day_number,
    microseconds,
    parse_moments,
)

BoolArray = NDArray[np.bool_]


def in_horizon(events: EventTable, window: Window) -> BoolArray:
    """Which events happened within [as_of, as_of + horizon); shape (n_rows,)."""
    return (events.time >= microseconds(window.as_of)) & (events.time < microseconds(window.end))


def part_ends(window: Window, n_parts: int) -> list[pd.Timestamp]:
    """The first moment after each of the horizon's equal parts.

    A day belongs to part ``days since as_of * n_parts // horizon_days``, so a horizon of 100 days has parts
    of 34, 33 and 33 days.
    """
    days = [-(-part * window.horizon_days // n_parts) for part in range(1, n_parts + 1)]
    return [window.as_of + pd.Timedelta(days=day) for day in days]


def n_parts_with_purchase(histories: Histories, window: Window, n_parts: int) -> NDArray[np.int64]:
    """In how many of the horizon's equal parts each buyer purchased; shape (n_buyers,)."""
    n_buyers = len(histories.buyer_ids)
    transactions = histories.events("transactions")
    if transactions is None:
        return np.zeros(n_buyers, dtype=np.int64)
    seen = parts_with(transactions, is_purchase(transactions), window, n_parts)
    return np.asarray(seen.sum(axis=1))


def parts_with(events: EventTable, rows: BoolArray, window: Window, n_parts: int) -> BoolArray:
    """In which of the horizon's equal parts each buyer has one of some events; shape (n_buyers, n_parts)."""
    chosen = np.flatnonzero(in_horizon(events, window) & rows)
    days_in = events.day[chosen].astype(np.int64) - day_number(window.as_of)
    part = np.minimum(days_in * n_parts // window.horizon_days, n_parts - 1)
    seen = np.zeros((events.n_buyers, n_parts), dtype=bool)
    seen[events.buyer[chosen], part] = True
    return seen


def label_snapshots(
    histories: Histories,
    as_of: Moment | Iterable[Moment],
    horizon_days: int,
    asker: str,
    name: str,
    see: Callable[[Window], Any],
) -> pd.Series[Any]:
    """One value a known buyer and date, from a function that sees all buyers of one window.

    Parameters
    ----------
    histories : Histories
        The facts.
    as_of : date, or several
        Where each horizon begins.
    horizon_days : int
        How long it is.
    asker, name : str
        Who asks, for messages; what the values are called.
    see : callable
        Takes a :class:`Window`, returns an array over ``histories.buyer_ids``.

    Returns
    -------
    Series indexed by ``buyer_id``, or by (``as_of``, ``buyer_id``) where several dates were asked for

    Raises
    ------
    NotObservedError
        Where a horizon reaches past what was observed, or an ``as_of`` lies before it.
    """
    require_histories(histories, asker)
    moments, several = parse_moments(as_of, histories.timezone)
    windows = [Window(moment, horizon_days) for moment in moments]
    for window in windows:
        window.require_observed(asker, histories.observed_until)
        _require_begun(window, asker, histories.observed_from)
    known = [known_buyers(histories, window.as_of) for window in windows]
    values = [see(window)[buyers] for window, buyers in zip(windows, known, strict=True)]
    if not several:
        return pd.Series(values[0], index=histories.buyer_ids.take(known[0]), name=name)
    dates = pd.DatetimeIndex(moments).as_unit("us")
    index = pd.MultiIndex.from_arrays(
        [dates.repeat([len(buyers) for buyers in known]), histories.buyer_ids.take(np.concatenate(known))],
        names=["as_of", "buyer_id"],
    )
    joined = pd.concat([pd.Series(value) for value in values], ignore_index=True)
    return pd.Series(joined.array, index=index, name=name)


def _require_begun(window: Window, asker: str, observed_from: pd.Timestamp) -> None:
    if window.as_of < observed_from:
        raise NotObservedError(
            f"{asker}: as_of {window.as_of:%Y-%m-%d} lies before {observed_from:%Y-%m-%d}, "
            f"from when on the data is observed.\nMove as_of to a date after {observed_from:%Y-%m-%d}."
        )
