"""Sentences with a buyer's own numbers in them, for many buyers at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clientcare.model.member import Floats

Texts = NDArray[np.object_]
_PLACE = re.compile(r"{(\w+):([^}]*)}")
_ONE = (
    (re.compile(r"\b1 (time|day|purchase|categorie|referral|complaint|contact|channel)s\b"), r"1 \1"),
    (re.compile(r"\b1 categorie\b"), "1 category"),
    (re.compile(r"\bbought 1 time\b"), "bought once"),
    (re.compile(r"\bevery 1 day\b"), "every day"),
    (re.compile(r"\bevery 0 days\b"), "every day"),
    (re.compile(r"\b1 different products\b"), "one product"),
)


def say_all(phrases: Sequence[str], column: Callable[[str], Floats], n_rows: int) -> Texts:
    """The first phrase of each row all of whose numbers are known; empty where there is none.

    Parameters
    ----------
    phrases : sequence of str
        With columns in braces: ``"silent for {days_since_last_purchase:.0f} days"``.
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
    """
    said = np.full(n_rows, "", dtype=object)
    open_rows = np.arange(n_rows)
    for phrase in phrases:
        if len(open_rows) == 0:
            break
        values = {name: column(name)[open_rows] for name, _ in _PLACE.findall(phrase)}
        known = np.ones(len(open_rows), dtype=bool)
        for numbers in values.values():
            known &= np.isfinite(numbers)
        said[open_rows[known]] = _fill(
            phrase, {name: numbers[known] for name, numbers in values.items()}, known.sum()
        )
        open_rows = open_rows[~known]
    return said


def _fill(phrase: str, values: dict[str, Floats], n_rows: Any) -> Texts:
    """One phrase for all rows: each number is formatted once for each value it takes."""
    parts = _PLACE.split(phrase)
    text: Any = np.full(int(n_rows), parts[0], dtype=object)
    for at in range(1, len(parts), 3):
        name, form, after = parts[at], parts[at + 1], parts[at + 2]
        text = text + _formatted(values[name], form) + after
    sentences, which = (
        np.unique(text.astype(str), return_inverse=True) if len(text) else (text, np.zeros(0, int))
    )
    mended = np.array([_mended(str(sentence)) for sentence in sentences], dtype=object)
    return np.asarray(mended[which.reshape(-1)] if len(text) else text)


def _formatted(values: Floats, form: str) -> Texts:
    digits = re.search(r"\.(\d+)", form)
    places = (int(digits.group(1)) if digits else 6) + (2 if form.endswith("%") else 0)
    rounded, which = np.unique(np.round(values, places) + 0.0, return_inverse=True)
    return np.asarray(np.array([format(value, form) for value in rounded], dtype=object)[which.reshape(-1)])


def _mended(sentence: str) -> str:
    if "1 " in sentence or "0 " in sentence:
        for pattern, replacement in _ONE:
            sentence = pattern.sub(replacement, sentence)
    return sentence
