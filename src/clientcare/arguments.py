"""Arguments of a grossly wrong type are refused at the door, before something deep inside trips over them."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np

from clientcare.exceptions import OptionError


def is_number(value: Any) -> bool:
    """Whether it is one finite number, and no yes or no.

    Examples
    --------
    >>> is_number(0.5), is_number("0.5"), is_number(True), is_number([0.5])
    (True, False, False, False)
    """
    return (
        isinstance(value, Real)
        and not isinstance(value, (bool, np.bool_))
        and bool(np.isfinite(float(value)))
    )


def is_whole(value: Any, least: int = 0) -> bool:
    """Whether it is one whole number, not below the least.

    Examples
    --------
    >>> is_whole(3), is_whole(3.0), is_whole(-1), is_whole(-1, least=-5)
    (True, False, False, True)
    """
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= least


def is_one_of(value: Any, allowed: Collection[str]) -> bool:
    """Whether it is one of some texts."""
    return isinstance(value, str) and value in allowed


def shown(value: Any) -> str:
    """What was given, for a message: a text in quotes, of anything else the type, since it may hold the caller's data."""
    return repr(value) if isinstance(value, str) else f"of type {type(value).__name__}"


def require_one_of(name: str, value: Any, allowed: Collection[str]) -> None:
    """Refuse what is none of some texts.

    Raises
    ------
    OptionError
    """
    if not is_one_of(value, allowed):
        raise OptionError(f"{name}: must be one of {', '.join(repr(one) for one in allowed)}.")


def require_seed(name: str, value: Any) -> None:
    """Refuse what is no whole number to draw from.

    Raises
    ------
    OptionError
    """
    if not (is_whole(value) and value < 2**32):
        raise OptionError(
            f"{name}: must be a whole number from 0 to 2**32 - 1; the same one gives the same result."
        )


def path_of(name: str, value: Any) -> Path:
    """A path, whatever form it was given in.

    Raises
    ------
    OptionError
    """
    if not isinstance(value, (str, os.PathLike)) or isinstance(os.fspath(value), bytes):
        raise OptionError(f"{name}: must be a path, such as 'folder/file', found {type(value).__name__}.")
    return Path(value)


def listed(name: str, value: Any, what: str) -> list[Any]:
    """The items of a list, or of what can be made one; one text or number stands for itself.

    Parameters
    ----------
    name : str
        Of the argument.
    value : object
    what : str
        What the items are.

    Raises
    ------
    OptionError
    """
    if isinstance(value, (str, Integral)):
        return [value]
    if not isinstance(value, Iterable):
        raise OptionError(f"{name}: must be a list of {what}, found {type(value).__name__}.")
    return list(value)
