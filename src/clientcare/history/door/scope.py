"""Whether the door looks at a whole table or at a part of one: what is judged by a share needs enough of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_PART: ContextVar[bool] = ContextVar("clientcare_part", default=False)
ENOUGH_CELLS = 1_000
"""So many cells of a part show what the column is; fewer may all be slips by chance, and are set aside one by one."""


@contextmanager
def part_of_a_table() -> Iterator[None]:
    """Tables read inside are parts of greater ones.

    Examples
    --------
    >>> with part_of_a_table():
    ...     judges_a_column(3)
    False
    """
    before = _PART.set(True)
    try:
        yield
    finally:
        _PART.reset(before)


def judges_a_column(n_cells: int) -> bool:
    """Whether so many cells may refuse their column for the share of them that cannot be read."""
    return not _PART.get() or n_cells >= ENOUGH_CELLS


def is_part() -> bool:
    """Whether what is read is a part: what a whole table tells of itself is not said of a part.

    Examples
    --------
    >>> is_part()
    False
    """
    return _PART.get()
