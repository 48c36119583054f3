"""Sentences with a buyer's own numbers in them, for many buyers at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clientcare.model.members.base import Floats

Texts = NDArray[np.object_]
_SLOT = re.compile(r"(\w+ )?{(\w+):([^}]*)}((?: different)?(?: \w+)?)")
"""A number in a phrase with the words beside it that its value may change."""
_CONDITIONS = re.compile(r"\[([^\]]*)\] ")
_CONDITION = re.compile(r"(\w+) (<=|>) (-?[\d.]+)")
_HOLDS: dict[str, Callable[..., Any]] = {">": np.greater, "<=": np.less_equal}
_ONE = (
    (re.compile(r"\b1 (time|day|purchase|referral|complaint|contact|channel)s\b"), r"1 \1"),
    (re.compile(r"\b1 categories\b"), "1 category"),
    (re.compile(r"\bbought 1 time\b"), "bought once"),
    (re.compile(r"\bevery 1 day\b"), "every day"),
    (re.compile(r"\bevery 0 days\b"), "every day"),
    (re.compile(r"\b1 different products\b"), "one product"),
)


def say_all(phrases: Sequence[str], column: Callable[[str], Floats], n_rows: int) -> Texts:
    """The first phrase of each row that holds there and all of whose numbers are known; empty where there
    is none.

    Parameters
    ----------
    phrases : sequence of str
        With columns in braces: ``"silent for {days_since_last_purchase:.0f} days"``, and in front, where
        a phrase does not suit everybody, what must hold: ``"[overdue_ratio > 1] silent ..."``. An unknown
        column does not hold.
    column : callable
        The values of a column by its name, of shape (n_rows,); all NaN where there is no such column.
    n_rows : int

    Returns
    -------
    object array of str, shape (n_rows,)

    Examples
    --------
    >>> import numpy as np
    >>> say_all(["silent for {d:.0f} days", "unknown"], lambda name: np.array([1.0, np.nan]), 2).tolist()
    ['silent for 1 day', 'unknown']
    >>> say_all(["[n > 0] {n:.0f} open", "none open"], lambda name: np.array([0.0, 2.0]), 2).tolist()
    ['none open', '2 open']
    """
    said = np.full(n_rows, "", dtype=object)
    open_rows = np.arange(n_rows)
    for phrase in phrases:
        if len(open_rows) == 0:
            break
        conditions, phrase = _divided(phrase)
        values = {slot[2]: column(slot[2])[open_rows] for slot in _SLOT.finditer(phrase)}
        known = np.ones(len(open_rows), dtype=bool)
        for name, holds, bound in conditions:
            known &= holds(column(name)[open_rows], bound)
        for numbers in values.values():
            known &= np.isfinite(numbers)
        said[open_rows[known]] = _fill(
            phrase, {name: numbers[known] for name, numbers in values.items()}, int(known.sum())
        )
        open_rows = open_rows[~known]
    return said


def _divided(phrase: str) -> tuple[list[tuple[str, Callable[..., Any], float]], str]:
    """What must hold for a phrase, and the phrase itself."""
    front = _CONDITIONS.match(phrase)
    if front is None:
        return [], phrase
    found = [(name, _HOLDS[sign], float(bound)) for name, sign, bound in _CONDITION.findall(front[1])]
    return found, phrase[front.end() :]


def _fill(phrase: str, values: dict[str, Floats], n_rows: int) -> Texts:
    """One phrase for all rows: a number and the words around it are put together once for each value it takes."""
    slots = list(_SLOT.finditer(phrase))
    if not slots:
        return np.full(n_rows, phrase, dtype=object)
    text: Any = ""
    for number, slot in enumerate(slots):
        before = phrase[slots[number - 1].end() if number else 0 : slot.start()]
        after = phrase[slot.end() :] if number == len(slots) - 1 else ""
        front, name, form, back = slot.groups(default="")
        which, seen = pd.factorize(np.round(values[name], _places(form)) + 0.0)
        pieces = [before + _mended(f"{front}{_shown(value, form)}{back}") + after for value in seen.tolist()]
        text = text + np.array(pieces, dtype=object)[which]
    return np.asarray(text)


def _shown(value: float, form: str) -> str:
    """A number in its form; a whole number has no decimals."""
    return format(value, form).removesuffix(".0")


def _places(form: str) -> int:
    digits = re.search(r"\.(\d+)", form)
    return (int(digits.group(1)) if digits else 6) + (2 if form.endswith("%") else 0)


def _mended(words: str) -> str:
    for pattern, replacement in _ONE:
        words = pattern.sub(replacement, words)
    return words
