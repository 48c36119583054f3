"""Signs of who is bound: what a buyer's own voice, ratings and terms say, in measures that mean the same in every business.

Every sign is a comparison: with what is usual in the business, or with the buyer's own past. So one size of its effect can
be expected of businesses unlike each other, and few buyers need not teach it anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from clientcare.model.members.base import Floats

COLUMNS = (
    "term_age_days",
    "term_days_left",
    "term_bound_days",
    "term_n_voice",
    "term_n_voice_term",
    "term_n_voice_30d",
    "term_n_voice_90d",
    "term_days_since_voice",
    "term_last_rating",
    "term_mean_rating",
    "term_n_missed_60d",
)
"""What signs are made of; a table may lack any of them."""
SIGNS: dict[str, str] = {
    "voice": "term_n_voice",
    "voice_in_term": "term_n_voice_term",
    "voice_lately": "term_n_voice_90d",
    "fall_90d": "term_n_voice_90d",
    "fall_30d": "term_n_voice_30d",
    "silence": "term_days_since_voice",
    "last_rating": "term_last_rating",
    "mean_rating": "term_mean_rating",
    "missed": "term_n_missed_60d",
    "first_term": "term_bound_days",
    "tenure": "term_bound_days",
    "term_share": "term_age_days",
    "standing": "term_n_voice",
    "below": "term_n_voice",
}
"""Every sign, and the column that speaks for it."""
AGAINST_THE_RATE = ("voice", "voice_in_term", "voice_lately", "fall_90d", "fall_30d", "silence")
"""Signs that need to know how many contacts are usual."""
LATE_DAYS, SHORT_DAYS = 90.0, 30.0
"""Stretches that the buyer's own voice is counted over."""
ONE_MORE = 1.0
"""Contact added on both sides of a comparison: none where one was due is little, none where ten were due is much."""
RATING_STEP = 0.25
"""One step of five on the scale from 0 to 1."""
SAME_TERM_DAYS = 31.0
"""A first term began no more than so long after the buyer was first bound; a pause longer than that ends a stretch."""
USUAL_TENURE = 0.7
"""log(1 + years) of one year."""

Table = Mapping[str, Floats]


def usual_of(X: Table) -> Floats:
    """Contacts of their own a day, rating and log of missed check-ins that are usual; shape (3,), 0 where none is known.

    Parameters
    ----------
    X : mapping of column to float64 array of shape (n_rows,)
        Of those under contract at past dates.

    Examples
    --------
    >>> unknown = np.full(2, np.nan)
    >>> X = dict.fromkeys(COLUMNS, unknown) | {"term_age_days": np.array([90.0, 200.0])}
    >>> usual_of(X | {"term_n_voice_90d": np.array([2.0, 7.0])}).tolist()
    [0.05, 0.0, 0.0]
    """
    voice = X["term_n_voice_90d"]
    seen = np.minimum(_bound(X), LATE_DAYS)
    heard = np.isfinite(voice) & np.isfinite(seen)
    days = float(seen[heard].sum())
    return np.array(
        [
            float(voice[heard].sum()) / days if days > 0 else 0.0,
            _mean(X["term_mean_rating"]),
            _mean(np.log1p(X["term_n_missed_60d"])),
        ]
    )


def signs_of(X: Table, usual: Floats, expected: Floats) -> Floats:
    """All signs, 0 where nothing is known; shape (n_rows, n_signs).

    Parameters
    ----------
    X : mapping of column to float64 array of shape (n_rows,)
    usual : float64 array of shape (3,)
        What :func:`usual_of` told.
    expected : float64 array of shape (n_rows,)
        Contacts that buyers of the same plan had had at this age of a term; NaN: not known.
    """
    rate, rating, missed = usual.tolist()
    bound, age = _bound(X), X["term_age_days"]
    ever, lately, short = X["term_n_voice"], X["term_n_voice_90d"], X["term_n_voice_30d"]
    own_late, own_short = (_own_rate(ever - n, bound - days, rate) for n, days in _before(lately, short))
    standing = np.log1p(ever) - np.log1p(expected)
    silence = np.minimum(_or(X["term_days_since_voice"], np.inf), bound) * own_late
    told = {
        "voice": _against(ever, rate * bound),
        "voice_in_term": _against(X["term_n_voice_term"], rate * age),
        "voice_lately": _against(lately, rate * np.minimum(bound, LATE_DAYS)),
        "fall_90d": _against(lately, own_late * np.minimum(bound, LATE_DAYS)),
        "fall_30d": _against(short, own_short * np.minimum(bound, SHORT_DAYS)),
        "silence": np.where(np.isfinite(ever), np.log1p(silence) - np.log(2.0), np.nan),
        "last_rating": (X["term_last_rating"] - rating) / RATING_STEP,
        "mean_rating": (X["term_mean_rating"] - rating) / RATING_STEP,
        "missed": np.log1p(X["term_n_missed_60d"]) - missed,
        "first_term": np.where(np.isfinite(age), (bound - age < SAME_TERM_DAYS) - 0.5, np.nan),
        "tenure": np.log1p(bound / 365.0) - USUAL_TENURE,
        "term_share": _or(age / np.maximum(age + X["term_days_left"], 1.0), 0.5) - 0.5,
        "standing": standing,
        "below": np.maximum(-standing, 0.0),
    }
    if not rate > 0:
        told |= {name: np.full(len(age), np.nan) for name in AGAINST_THE_RATE}
    signs = np.column_stack([told[name] for name in SIGNS])
    signs[~np.isfinite(signs)] = 0.0
    return signs


def _bound(X: Table) -> Floats:
    """Days since a buyer was first bound; at least the age of the term."""
    return np.fmax(X["term_bound_days"], X["term_age_days"])


def _before(lately: Floats, short: Floats) -> list[tuple[Floats, float]]:
    return [(lately, LATE_DAYS), (short, SHORT_DAYS)]


def _own_rate(contacts: Floats, days: Floats, rate: float) -> Floats:
    """A buyer's own contacts a day before a stretch, the usual ones of ninety days added."""
    return np.asarray((np.maximum(contacts, 0.0) + rate * LATE_DAYS) / (np.maximum(days, 0.0) + LATE_DAYS))


def _against(contacts: Floats, due: Floats) -> Floats:
    return np.asarray(np.log(contacts + ONE_MORE) - np.log(due + ONE_MORE))


def _or(values: Floats, otherwise: float) -> Floats:
    return np.where(np.isfinite(values), values, otherwise)


def _mean(values: Any) -> float:
    known = np.isfinite(values)
    return float(values[known].mean()) if known.any() else 0.0
