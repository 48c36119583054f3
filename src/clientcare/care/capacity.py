"""What can be done with the hands there are: a number of contacts, or hours of work."""

from __future__ import annotations

from numbers import Integral, Real

import numpy as np
import pandas as pd

from clientcare.exceptions import OptionError
from clientcare.facts.contacts import Floats, Ints

Capacity = int | str | pd.Timedelta | None

LARGEST_EXACT = 20_000_000
"""Up to this many steps of the exact method; beyond it the best rate per minute is taken first."""


def best_set(value: Floats, minutes: Floats, capacity: Capacity) -> Ints:
    """Positions of the actions to take, ascending, so that the sum of their values is the largest that fits.

    Parameters
    ----------
    value : float array of shape (n_actions,)
        What each action is worth, at least 0.
    minutes : float array of shape (n_actions,)
        How long each takes, above 0.
    capacity : int, text, Timedelta or None
        A number of contacts (20), or hours of work ("12h"); None takes all.

    Returns
    -------
    int array
        Exact for a number of contacts. For hours exact up to the largest size that is quick (few distinct
        durations, a working week or so), else the best value a minute first, which falls short by less than
        one action.

    Raises
    ------
    OptionError
        Where the capacity is neither.

    Examples
    --------
    >>> best_set(np.array([3.0, 5.0, 4.0]), np.array([30.0, 60.0, 30.0]), "1h")
    array([0, 2])
    >>> best_set(np.array([3.0, 5.0, 4.0]), np.array([30.0, 60.0, 30.0]), 1)
    array([1])
    """
    if capacity is None:
        return np.arange(len(value))
    if isinstance(capacity, Integral) and not isinstance(capacity, bool):
        if capacity < 0:
            raise OptionError("capacity: a number of contacts cannot be negative.")
        return np.sort(np.argsort(-value, kind="stable")[: int(capacity)])
    return _within_minutes(value, minutes, in_minutes(capacity))


def in_minutes(capacity: str | pd.Timedelta | float) -> float:
    """The minutes of a length of time.

    Examples
    --------
    >>> in_minutes("12h")
    720.0
    """
    try:
        if isinstance(capacity, Real) or (isinstance(capacity, str) and _is_bare_number(capacity)):
            raise TypeError
        length = pd.Timedelta(capacity)
    except (ValueError, TypeError) as cause:
        raise OptionError(
            "capacity: neither a number of contacts nor a length of time.\n"
            "Write 20 for twenty contacts, or '12h' for twelve hours of work."
        ) from cause
    if not length >= pd.Timedelta(0):
        raise OptionError("capacity: must be a length of time of zero or more, such as '12h'.")
    return float(length / pd.Timedelta(minutes=1))


def _is_bare_number(text: str) -> bool:
    """A number without a unit, which a length of time would read as billionths of a second."""
    return text.strip().replace(".", "", 1).isdigit()


def _within_minutes(value: Floats, minutes: Floats, budget: float) -> Ints:
    """A knapsack: of each duration the most valuable come first, so only their number is to be chosen."""
    durations = np.unique(minutes)
    unit = float(np.gcd.reduce(np.maximum(durations.round().astype(np.int64), 1))) if len(durations) else 1.0
    slots = int(budget // unit)
    if not len(value) or slots * (slots / 2) * len(durations) > LARGEST_EXACT or (durations % 1).any():
        return _best_rate_first(value, minutes, budget)
    best = np.zeros(slots + 1)
    taken: list[tuple[Ints, Ints, int]] = []
    for duration in durations:
        mine = np.flatnonzero(minutes == duration)
        mine = mine[np.argsort(-value[mine], kind="stable")]
        weight = int(duration // unit)
        gains = np.concatenate([[0.0], np.cumsum(value[mine])])
        new, chosen = best.copy(), np.zeros(slots + 1, dtype=np.int64)
        for n in range(1, min(len(mine), slots // weight) + 1):
            with_n = np.concatenate([np.full(n * weight, -np.inf), best[: slots + 1 - n * weight] + gains[n]])
            better = with_n > new
            new[better], chosen[better] = with_n[better], n
        taken.append((mine, chosen, weight))
        best = new
    left, picked = slots, []
    for mine, chosen, weight in reversed(taken):
        n = int(chosen[left])
        picked.append(mine[:n])
        left -= n * weight
    return np.sort(np.concatenate(picked))


def _best_rate_first(value: Floats, minutes: Floats, budget: float) -> Ints:
    order = np.argsort(-value / minutes, kind="stable")
    fits = np.cumsum(minutes[order]) <= budget
    return np.sort(order[fits])
