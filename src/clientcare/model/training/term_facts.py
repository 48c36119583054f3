"""What is known of those who are bound at a date: their term, and the buyer's own voice in it.

These facts are few and cheap, so that the term member can learn from many more dates than the common snapshots hold.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clientcare.facts.contacts import Contacts
from clientcare.facts.events import EventTable
from clientcare.facts.runs import Runs
from clientcare.facts.term_lines import GRACE_DAYS
from clientcare.facts.terms import FOREVER, rows_in_force, stops_at, with_signed_ahead
from clientcare.history.histories import Histories
from clientcare.window import MICROSECONDS_A_DAY, microseconds

VOICE_DAYS = (14, 30, 90)
"""Two weeks, a month and a quarter: a fall is seen in the first before it is in the last."""
MISSED_DAYS = 60
"""Two monthly check-ins."""
GROUPS = ("term_plan", "term_kind")
"""Columns of texts in :func:`term_facts`."""
THEMES = {
    "term_age_days": "contract",
    "term_days_left": "end of the contract",
    "term_bound_days": "contract",
    "term_n_voice": "contact",
    "term_n_voice_term": "contact",
    **{f"term_n_voice_{days}d": "contact" for days in VOICE_DAYS},
    "term_days_since_voice": "contact",
    "term_last_rating": "satisfaction",
    "term_mean_rating": "satisfaction",
    f"term_n_missed_{MISSED_DAYS}d": "check-ins",
    **dict.fromkeys(GROUPS, "contract"),
}
"""What each column speaks of among the reasons behind a score."""
NUMBERS = tuple(name for name in THEMES if name not in GROUPS)
"""Columns of numbers in :func:`term_facts`; NaN is unknown."""


def term_facts(histories: Histories, as_of: pd.Timestamp) -> pd.DataFrame:
    """One row for each buyer under contract at a date: those who can still leave.

    Of several terms in force the one that runs longest counts, since a buyer has left only when none is left. A renewal
    signed ahead carries the end to its own.

    Parameters
    ----------
    histories : Histories
        With contracts; nothing at or after ``as_of`` is looked at.
    as_of : Timestamp

    Returns
    -------
    DataFrame
        Indexed by ``buyer_id``, with the columns ``NUMBERS`` and ``GROUPS``; ``term_days_left`` is NaN where a term is
        open-ended.

    Examples
    --------
    >>> import pandas as pd
    >>> terms = pd.DataFrame({"buyer_id": ["a", "b"], "start": "2023-01-01", "end": ["2023-06-30", None]})
    >>> told = Histories(contracts=terms, observed_until="2024-01-01")
    >>> term_facts(told, pd.Timestamp("2023-06-10"))[["term_age_days", "term_days_left"]].to_numpy().tolist()
    [[160.0, 21.0], [160.0, nan]]
    """
    now = microseconds(as_of)
    contracts = histories.events("contracts")
    if contracts is None:
        return pd.DataFrame(columns=[*NUMBERS, *GROUPS], index=pd.Index([], name="buyer_id"))
    terms = with_signed_ahead(contracts, now)
    latest, stop = _latest_terms(terms, now)
    position = terms.buyer[latest].astype(np.int64)
    forever = stop == FOREVER
    days = np.where(forever, np.nan, (np.where(forever, now, stop) - now) / MICROSECONDS_A_DAY)
    under = (now - terms.time[latest]) / MICROSECONDS_A_DAY
    table = {
        "term_age_days": under,
        "term_days_left": days,
        "term_bound_days": (now - _first_starts(terms)[position]) / MICROSECONDS_A_DAY,
        **_voice(histories, position, terms.time[latest], now),
    }
    frame = pd.DataFrame(table, index=histories.buyer_ids.take(position).rename("buyer_id"))
    for name in GROUPS:
        frame[name] = _texts(terms, name.removeprefix("term_"), latest)
    return frame[[*NUMBERS, *GROUPS]]


def with_terms(table: pd.DataFrame, histories: Histories, dates: Sequence[pd.Timestamp]) -> pd.DataFrame:
    """A feature table with the facts of those under contract beside it, unknown for the others; as it is without contracts.

    ``table`` is indexed by ``buyer_id``, or by ``as_of`` and ``buyer_id`` where there are several dates.
    """
    if histories.events("contracts") is None:
        return table
    parts = {date: term_facts(histories, date) for date in dates}
    if table.index.nlevels > 1:
        facts = pd.concat(
            [part.set_index(_at(date, part.index)) for date, part in parts.items() if len(part)]
            or [*parts.values()][:1]
        )
    else:
        facts = parts[dates[0]]
    return table.join(facts.reindex(table.index) if len(facts) else _nothing(table.index))


def _at(date: pd.Timestamp, buyers: pd.Index) -> pd.MultiIndex:
    dates = pd.DatetimeIndex([date]).as_unit("us").repeat(len(buyers))
    return pd.MultiIndex.from_arrays([dates, buyers], names=["as_of", "buyer_id"])


def _nothing(index: pd.Index) -> pd.DataFrame:
    numbers = pd.DataFrame(np.nan, index=index, columns=list(NUMBERS))
    return numbers.assign(**{name: np.full(len(index), None, dtype=object) for name in GROUPS})


def _latest_terms(terms: EventTable, now: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each buyer under contract the row of the term that runs longest, and when the bond stops."""
    here = rows_in_force(terms, now, now)
    stop = stops_at(terms, now)
    last = np.zeros(terms.n_buyers, dtype=np.int64)
    np.maximum.at(last, terms.buyer[here], stop[here])
    follow = (terms.time >= now) & (terms.time - GRACE_DAYS * MICROSECONDS_A_DAY <= last[terms.buyer])
    np.maximum.at(last, terms.buyer[follow], stop[follow])
    rows = np.flatnonzero(here)
    rows = rows[np.lexsort((rows, stop[rows], terms.buyer[rows]))]
    is_last = np.ones(len(rows), dtype=bool)
    is_last[:-1] = terms.buyer[rows[1:]] != terms.buyer[rows[:-1]]
    rows = rows[is_last]
    return rows, last[terms.buyer[rows]]


def _first_starts(terms: EventTable) -> NDArray[np.int64]:
    """When the first term of each buyer began; FOREVER without one."""
    first = np.full(terms.n_buyers, FOREVER)
    np.minimum.at(first, terms.buyer, terms.time)
    return first


def _voice(
    histories: Histories, position: NDArray[np.int64], began: NDArray[np.int64], now: int
) -> dict[str, NDArray[np.float64]]:
    """Contacts that the buyer started, ratings and missed check-ins; NaN throughout without interactions."""
    names = [name for name in NUMBERS if THEMES[name] not in ("contract", "end of the contract")]
    contacts = Contacts.known(histories, now)
    if contacts is None:
        return {name: np.full(len(position), np.nan) for name in names}
    n_buyers, days_ago = len(histories.buyer_ids), (now - contacts.time) / MICROSECONDS_A_DAY
    own = contacts.kept & (contacts.inbound | contacts.mutual)
    told = {"term_n_voice": _count(contacts, own, n_buyers)}
    since = np.full(n_buyers, FOREVER)
    since[position] = began
    told["term_n_voice_term"] = _count(contacts, own & (contacts.time >= since[contacts.buyer]), n_buyers)
    for days in VOICE_DAYS:
        told[f"term_n_voice_{days}d"] = _count(contacts, own & (days_ago <= days), n_buyers)
    told["term_days_since_voice"] = _runs(contacts, own, n_buyers).min(days_ago[own])
    ratings = contacts.number("satisfaction")
    rated = np.isfinite(ratings)
    runs = _runs(contacts, rated, n_buyers)
    told["term_last_rating"] = runs.last(ratings[rated])
    with np.errstate(invalid="ignore"):
        told["term_mean_rating"] = np.where(
            runs.count > 0, runs.sum(ratings[rated]) / runs.count.clip(1), np.nan
        )
    missed = contacts.missed & (days_ago <= MISSED_DAYS)
    told[f"term_n_missed_{MISSED_DAYS}d"] = _count(contacts, missed, n_buyers)
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
