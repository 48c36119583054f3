"""The few words that forms of state are written in; each looks at one value and refuses it by its place."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clientcare.exceptions import ModelFileError

LARGEST = 1e9
"""No coefficient, spread, gap or mean amount of a business comes near it; beyond it sums lose their decimals."""
MOST_LOG_ODDS = 1e3
"""Of an intercept or a coefficient: beyond it a probability is 0 or 1 to the last bit."""
MOST_DAYS = 36_500
"""A hundred years: no horizon, and no rhythm of a buyer, is longer."""
LONGEST_TEXT = 2_000
MOST_ENTRIES = 100_000


def refuse(where: str, why: str) -> ModelFileError:
    """The error of a value that no model of ours has."""
    return ModelFileError(
        f"model file: {where} {why}.\n"
        "It was changed after it was written, or by another program: save the model again, or fetch the file again."
    )


def mapping(value: Any, where: str, keys: Iterable[str] | None = None) -> dict[str, Any]:
    """A dict with text keys; exactly these where they are given."""
    if type(value) is not dict or len(value) > MOST_ENTRIES:
        raise refuse(where, "is no mapping of names")
    if keys is not None and set(value) != set(keys):
        raise refuse(where, "has other names in it than it should")
    return value


def items(value: Any, where: str, length: int | None = None, most: int = MOST_ENTRIES) -> list[Any]:
    """A list, of a given length where one is given."""
    if type(value) not in (list, tuple) or len(value) > most or (length is not None and len(value) != length):
        raise refuse(where, "is no list of the right length")
    return list(value)


def number(
    value: Any, where: str, low: float = -LARGEST, high: float = LARGEST, unknown: bool = False
) -> float:
    """A number in a range; NaN only where it may be unknown."""
    if type(value) not in (int, float):
        raise refuse(where, "is no number")
    if math.isnan(value):
        if not unknown:
            raise refuse(where, "is not known")
    elif not low <= value <= high:
        raise refuse(where, f"lies outside {low:g} to {high:g}")
    return float(value)


def whole(value: Any, where: str, low: int = 0, high: int = 1 << 40) -> int:
    """A whole number in a range."""
    if type(value) is not int or not low <= value <= high:
        raise refuse(where, f"is no whole number from {low} to {high}")
    return value


def flag(value: Any, where: str) -> bool:
    """True or false."""
    if type(value) is not bool:
        raise refuse(where, "is neither true nor false")
    return value


def text(value: Any, where: str, known: Collection[str] | None = None) -> str:
    """A text; one of a few where they are given."""
    if type(value) is not str or len(value) > LONGEST_TEXT or (known is not None and value not in known):
        raise refuse(where, "is no text that stands there")
    return value


def texts(value: Any, where: str, known: Collection[str] | None = None, distinct: bool = True) -> list[str]:
    """A list of texts, none twice."""
    found = [text(one, where, known) for one in items(value, where)]
    if distinct and len(set(found)) != len(found):
        raise refuse(where, "names something twice")
    return found


def array(
    value: Any,
    where: str,
    kind: str = "f",
    shape: tuple[int | None, ...] = (None,),
    low: float = -LARGEST,
    high: float = LARGEST,
    unknown: bool = False,
    endless: bool = False,
) -> NDArray[Any]:
    """An array of 8-byte numbers of a kind ("f" or "i"), of a shape (None: any length), in a range."""
    if not isinstance(value, np.ndarray) or value.dtype.kind != kind or value.dtype.itemsize != 8:
        raise refuse(where, "is no array of the right type")
    if value.ndim != len(shape) or any(
        want is not None and have != want for have, want in zip(value.shape, shape, strict=True)
    ):
        raise refuse(where, "has another shape than it should")
    if kind == "f":
        if not unknown and np.isnan(value).any():
            raise refuse(where, "holds numbers that are not known")
        if not endless and np.isinf(value).any():
            raise refuse(where, "holds numbers without end")
    seen = value[np.isfinite(value)]
    if seen.size and not (seen.min() >= low and seen.max() <= high):
        raise refuse(where, f"lies outside {low:g} to {high:g}")
    return value


def plain(value: Any, where: str) -> None:
    """Any plain state: bounded numbers, short texts; for what has no form of its own."""
    if isinstance(value, dict):
        for name, one in mapping(value, where).items():
            plain(one, f"{where}.{name}")
    elif isinstance(value, (list, tuple)):
        for place, one in enumerate(items(value, where)):
            plain(one, f"{where}[{place}]")
    elif isinstance(value, np.ndarray):
        if value.dtype.kind in "fi" and value.dtype.itemsize == 8:
            array(value, where, value.dtype.kind, (None,) * value.ndim, unknown=True, endless=True)
    elif isinstance(value, str):
        text(value, where)
    elif isinstance(value, float):
        if not math.isinf(value):
            number(value, where, -1e18, 1e18, unknown=True)
    elif value is not None and not isinstance(value, bool):
        whole(value, where, -(1 << 62), 1 << 62)


def rising(value: NDArray[Any], where: str, strictly: bool = True) -> None:
    """A table that never falls."""
    steps = np.diff(value)
    if (steps <= 0).any() if strictly else (steps < 0).any():
        raise refuse(where, "does not rise from place to place")


def falling(values: Iterable[float], where: str) -> None:
    """Numbers that never rise, unknown ones left out."""
    known = [value for value in values if not math.isnan(value)]
    if any(later > earlier for earlier, later in pairwise(known)):
        raise refuse(where, "rises where it may only fall")


def same(found: Any, expected: Any, where: str) -> None:
    """What follows from other values must be what follows from them."""
    try:
        differs = bool(type(found) is not type(expected) or found != expected)
    except ValueError:  # an array where there should be none
        differs = True
    if differs:
        raise refuse(where, "does not follow from what stands beside it")


def named(state: Mapping[str, Any], name: str, where: str) -> Any:
    """An entry that must be there."""
    if name not in state:
        raise refuse(where, f"lacks {name}")
    return state[name]
