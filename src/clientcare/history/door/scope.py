"""Whether the door looks at a whole table or at a part of one: what is judged by a share needs enough of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

_PART: ContextVar[bool] = ContextVar("clientcare_part", default=False)
_KINDS: ContextVar[dict[str, str]] = ContextVar("clientcare_kinds", default={})  # noqa: B039  never changed in place
ATTRIBUTE_KINDS = "attribute_kinds"
"""Among the options with which a part is read: what its attributes are."""
ENOUGH_CELLS = 1_000
"""So many cells of a part show what the column is; fewer may all be slips by chance, and are set aside one by one."""


@contextmanager
def part_of_a_table(kinds: Mapping[str, str] | None = None) -> Iterator[None]:
    """Tables read inside are parts of greater ones; ``kinds`` says what the attributes are, as the whole tells.

    Examples
    --------
    >>> with part_of_a_table({"size": "numbers"}):
    ...     judges_a_column(3), settled_kind("size")
    (False, 'numbers')
    """
    before, known_before = _PART.set(True), _KINDS.set(dict(kinds or {}))
    try:
        yield
    finally:
        _PART.reset(before)
        _KINDS.reset(known_before)


def settled_kind(attribute: str) -> str | None:
    """What an attribute is, where that was decided for all parts at once.

    Examples
    --------
    >>> settled_kind("size") is None
    True
    """
    return _KINDS.get().get(attribute)


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
