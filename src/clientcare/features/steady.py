"""What does not age: numbers that a snapshot takes over from an earlier one, for all buyers who did nothing since."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from clientcare.facts.runs import Floats, Ints

if TYPE_CHECKING:
    from clientcare.features.snapshot import Snapshot

Work = TypeVar("Work", bound=Callable[..., Any])

_STEADY: set[Callable[..., Any]] = set()


def steady(work: Work) -> Work:
    """Declare a function of a snapshot that gives a number a buyer and does not age.

    Its value changes only on a day with a transaction of the buyer. Where a snapshot follows an earlier one,
    :meth:`Snapshot.once` works it out for the buyers who had one since, and takes the others' over.
    """
    _STEADY.add(work)
    return work


def is_steady(work: Callable[..., Any]) -> bool:
    """Whether a function was declared steady."""
    return work in _STEADY


def taken_over(at: Snapshot, asked: tuple[Any, ...], values: Floats | None) -> Floats:
    """A steady result: the earlier snapshot's ``values`` for all but those who did something since."""
    work, *arguments = asked
    if values is None or at.since is None:
        result: Floats = work(at, *arguments)
        return result
    movers, moved, stayed, was_at = at.since
    out = np.empty(at.n_buyers)
    out[stayed] = values[was_at]
    if movers.n_buyers:
        out[moved] = movers.once(work, *arguments)
    return out


def since(at: Snapshot, earlier: Snapshot) -> tuple[Snapshot, Ints, Ints, Ints] | None:
    """Since an earlier date: a snapshot of who did something, their rows, the others' rows now and then.

    None where that cannot be told, or where most did something.
    """
    moved = at.shared.moved(earlier.moment, at.moment)
    if moved is None:
        return None
    is_new = np.ones(len(moved), dtype=bool)
    is_new[earlier.buyers] = False
    changed = (moved | is_new)[at.buyers]
    rows = np.flatnonzero(changed)
    if 2 * len(rows) > at.n_buyers:
        return None
    movers = replace(at, given_norms=None, earlier=None, only=at.buyers[rows])
    return movers, rows, np.flatnonzero(~changed), np.flatnonzero(~moved[earlier.buyers])
