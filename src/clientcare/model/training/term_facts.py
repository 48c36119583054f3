"""What is known of those who are bound at a date: their term, and the buyer's own voice in it.

These facts are few and cheap, so that the term member can learn from many more dates than the common snapshots hold.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clientcare.facts.contacts import Contacts
from clientcare.facts.events import EventTable
from clientcare.facts.runs import Runs
from clientcare.facts.terms import FOREVER, rows_in_force, stops_at, with_signed_ahead
from clientcare.history.histories import Histories
from clientcare.window import MICROSECONDS_A_DAY, microseconds

VOICE_DAYS = (14, 30, 90)
"""Two weeks, a month and a quarter: a fall is seen in the first before it is in the last."""
MISSED_DAYS = 60
"""Two monthly check-ins."""
NUMBERS = (
    "days_under_term",
    "days_left",
    "term_days",
    "ends",
    "n_voice",
    *(f"n_voice_{days}d" for days in VOICE_DAYS),
    "days_since_voice",
    "last_rating",
    "mean_rating",
    f"n_missed_{MISSED_DAYS}d",
)
"""Columns of numbers in :func:`term_facts`; NaN is unknown."""
GROUPS = ("plan", "kind")
"""Columns of texts in :func:`term_facts`."""


def term_facts(histories: Histories, as_of: pd.Timestamp, horizon_days: int) -> pd.DataFrame:
    """One row for each buyer under contract at a date: those who can still leave.

    Of several terms in force the one that runs longest counts, since a buyer has left only when none is left. A renewal
    signed ahead carries the end to its own.

    Parameters
    ----------
    histories : Histories
        With contracts; nothing at or after ``as_of`` is looked at.
    as_of : Timestamp
    horizon_days : int
        ``ends`` is 1 where the scheduled end lies within so many days.

    Returns
    -------
    DataFrame
        Indexed by ``buyer_id``, with the columns ``NUMBERS`` and ``GROUPS``.

    Examples
    --------
    >>> import pandas as pd
    >>> terms = pd.DataFrame({"buyer_id": ["a", "b"], "start": "2023-01-01", "end": ["2023-06-30", None]})
    >>> told = Histories(contracts=terms, observed_until="2024-01-01")
    >>> term_facts(told, pd.Timestamp("2023-06-10"), 30)[["days_under_term", "days_left", "ends"]].to_numpy().tolist()
    [[160.0, 21.0, 1.0], [160.0, nan, 0.0]]
    """
    now = microseconds(as_of)
    contracts = histories.events("contracts")
    if contracts is None:
        return pd.DataFrame(columns=[*NUMBERS, *GROUPS], index=pd.Index([], name="buyer_id"))
    terms = with_signed_ahead(contracts, now)
    latest, stop = _latest_terms(terms, now, horizon_days)
    position = terms.buyer[latest].astype(np.int64)
    forever = stop == FOREVER
    days = np.where(forever, np.nan, (np.where(forever, now, stop) - now) / MICROSECONDS_A_DAY)
    under = (now - terms.time[latest]) / MICROSECONDS_A_DAY
    table = {
        "days_under_term": under,
        "days_left": days,
        "term_days": days + under,
        "ends": np.where(forever, 0.0, days <= horizon_days).astype(np.float64),
        **_voice(histories, position, now),
    }
    frame = pd.DataFrame(table, index=histories.buyer_ids.take(position).rename("buyer_id"))
    for name in GROUPS:
        frame[name] = _texts(terms, name, latest)
    return frame[[*NUMBERS, *GROUPS]]


def _latest_terms(
    terms: EventTable, now: int, horizon_days: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each buyer under contract the row of the term that runs longest, and when the bond stops."""
    here = rows_in_force(terms, now, now)
    soon = terms.time <= now + horizon_days * MICROSECONDS_A_DAY
    bound = np.zeros(terms.n_buyers, dtype=bool)
    bound[terms.buyer[here]] = True
    stop = stops_at(terms, now)
    last = np.zeros(terms.n_buyers, dtype=np.int64)
    follow = soon & bound[terms.buyer] & (stop > now)
    np.maximum.at(last, terms.buyer[follow], stop[follow])
    rows = np.flatnonzero(here)
    rows = rows[np.lexsort((rows, stop[rows], terms.buyer[rows]))]
    is_last = np.ones(len(rows), dtype=bool)
    is_last[:-1] = terms.buyer[rows[1:]] != terms.buyer[rows[:-1]]
    rows = rows[is_last]
    return rows, last[terms.buyer[rows]]


def _voice(histories: Histories, position: NDArray[np.int64], now: int) -> dict[str, NDArray[np.float64]]:
    """Contacts that the buyer started, ratings and missed check-ins; NaN throughout without interactions."""
    names = [name for name in NUMBERS if "voice" in name or "rating" in name or "missed" in name]
    contacts = Contacts.known(histories, now)
    if contacts is None:
        return {name: np.full(len(position), np.nan) for name in names}
    n_buyers, days_ago = len(histories.buyer_ids), (now - contacts.time) / MICROSECONDS_A_DAY
    own = contacts.kept & (contacts.inbound | contacts.mutual)
    told = {"n_voice": _count(contacts, own, n_buyers)}
    for days in VOICE_DAYS:
        told[f"n_voice_{days}d"] = _count(contacts, own & (days_ago <= days), n_buyers)
    told["days_since_voice"] = _runs(contacts, own, n_buyers).min(days_ago[own])
    ratings = contacts.number("satisfaction")
    rated = np.isfinite(ratings)
    runs = _runs(contacts, rated, n_buyers)
    told["last_rating"] = runs.last(ratings[rated])
    with np.errstate(invalid="ignore"):
        told["mean_rating"] = np.where(runs.count > 0, runs.sum(ratings[rated]) / runs.count.clip(1), np.nan)
    missed = contacts.missed & (days_ago <= MISSED_DAYS)
    told[f"n_missed_{MISSED_DAYS}d"] = _count(contacts, missed, n_buyers)
    return {name: np.asarray(told[name][position], dtype=np.float64) for name in names}


def _runs(contacts: Contacts, which: NDArray[np.bool_], n_buyers: int) -> Runs:
    return Runs(contacts.buyer[which], n_buyers)


def _count(contacts: Contacts, which: NDArray[np.bool_], n_buyers: int) -> NDArray[np.float64]:
    return np.bincount(contacts.buyer[which], minlength=n_buyers).astype(np.float64)


def _texts(terms: EventTable, name: str, rows: NDArray[np.int64]) -> NDArray[np.object_]:
    codes = terms.columns.get(name)
    if codes is None or name not in terms.levels:
        return np.full(len(rows), None, dtype=object)
    texts = np.array([*terms.levels[name], None], dtype=object)  # code -1, unknown, is the last
    return np.asarray(texts[codes[rows]])
