"""Dates and lengths of time in a sentence, and the bare evidence beside it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

Facts = Mapping[str, Any]


def date(day: float) -> str:
    """A calendar day, counted from 1970-01-01.

    Examples
    --------
    >>> date(19723.0)
    '2024-01-01'
    """
    return _written(int(day))


@lru_cache(maxsize=4096)
def _written(day: int) -> str:
    return str(np.datetime64(day, "D"))


def days(count: float) -> str:
    """A number of days.

    Examples
    --------
    >>> days(1.0), days(1200.0)
    ('1 day', '1,200 days')
    """
    whole = round(float(count))
    return f"{whole:,} day" if whole == 1 else f"{whole:,} days"


def bare_evidence(facts: Facts) -> str:
    """The numbers behind a sentence, as ``name=value`` pairs; days as dates, unknown ones left out.

    Examples
    --------
    >>> bare_evidence({"end_day": 19723.0, "left": 9.0, "before": float("nan")})
    'end=2024-01-01; left=9'
    """
    known = [(name, value) for name, value in facts.items() if value == value]  # unknown equals nothing
    return "; ".join(f"{name.removesuffix('_day')}={_shown(name, value)}" for name, value in known)


def _shown(name: str, value: Any) -> str:
    if name.endswith("_day"):
        return date(value)
    is_number = isinstance(value, (float, np.floating))
    return f"{value:.3g}" if is_number and value != round(value) else str(value).removesuffix(".0")
