"""What cannot be read of a table, gathered, so that one error tells all of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from clientcare.exceptions import SchemaError

T = TypeVar("T")
K = TypeVar("K")
V = TypeVar("V")


def attempt(read: Callable[[], T], instead: T, troubles: list[SchemaError]) -> T:
    """What is read, or a stand-in for it with which the rest can be looked at, its error noted.

    Examples
    --------
    >>> def fail():
    ...     raise SchemaError("orders, column 'day': 3 numbers, not dates.")
    >>> noted = []
    >>> attempt(fail, 0, noted), len(noted)
    (0, 1)
    """
    try:
        return read()
    except SchemaError as error:
        troubles.append(error)
        return instead


def of_each(read: Callable[[K, V], T], given: Mapping[K, V]) -> dict[K, T]:
    """What is read of each of several tables.

    Raises
    ------
    SchemaError
        For all tables that cannot be read, at once.
    """
    troubles: list[SchemaError] = []
    found: dict[K, T] = {}
    for name, one in given.items():
        try:
            found[name] = read(name, one)
        except SchemaError as error:
            troubles.append(error)
    raise_all(troubles)
    return found


def raise_all(troubles: Iterable[SchemaError]) -> None:
    """Raise one error that tells all that was noted; nothing where nothing was.

    Raises
    ------
    SchemaError
    """
    told = list(dict.fromkeys(str(error) for error in troubles))
    if told:
        raise SchemaError("\n\n".join(told))
