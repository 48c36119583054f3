"""Phrases that compare a buyer with the usual one: the usual numbers are put in once, before any buyer's own."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

_USUAL = re.compile(r"<usual (\w+):([^>]*)>")
_BESIDE = re.compile(r"(\w+) ([<>?]=?) usual")
_FRONT = re.compile(r"\[([^\]]*)\] ")
_SLOT = re.compile(r"{(\w+):([^}]*)}")
CLEARLY = 0.1
"""Nearer to the usual than this share of it, nothing is compared."""


def resolved(phrases: Sequence[str], usual: Mapping[str, float]) -> tuple[str, ...]:
    """The phrases with the usual numbers in them; those whose number is not known are left out.

    Parameters
    ----------
    phrases : sequence of str
        ``<usual column:form>`` stands for the usual number. In front may stand ``column < usual`` or
        ``column > usual``: clearly below or above it, so that the two numbers also look different; ``column <= usual``
        or ``column >= usual``: not clearly on the other side, which holds where the usual is not known; ``column ?= usual``:
        only where the usual is not known, for what says nothing alone.
    usual : mapping of column to float
        NaN where it is not known.

    Examples
    --------
    >>> phrases = ["[n < usual] {n:.0f} times; the usual buyer <usual n:.1f>", "{n:.0f} times"]
    >>> resolved(phrases, {"n": 4.0})
    ('[n <= 3.500000] {n:.0f} times; the usual buyer 4', '{n:.0f} times')
    >>> resolved(phrases, {})
    ('{n:.0f} times',)
    >>> resolved(["[n >= usual] {n:.0f} times"], {"n": 4.0}), resolved(["[n >= usual] {n:.0f} times"], {})
    (('[n > 3.500000] {n:.0f} times',), ('{n:.0f} times',))
    """
    made = (_with_usual(phrase, usual) for phrase in phrases)
    return tuple(phrase for phrase in made if phrase is not None)


def _with_usual(phrase: str, usual: Mapping[str, float]) -> str | None:
    front = _FRONT.match(phrase)
    conditions, said = (front[1].split(", "), phrase[front.end() :]) if front else ([], phrase)
    if any(_only_unknown(each) and not _says_nothing(each, usual) for each in conditions):
        return None
    conditions = [each for each in conditions if not _says_nothing(each, usual)]
    asked = [match[1] for match in (*_USUAL.finditer(said), *map(_BESIDE.match, conditions)) if match]
    if not all(np.isfinite(usual.get(name, np.nan)) for name in asked):
        return None
    forms, usual_forms = dict(_SLOT.findall(said)), dict(_USUAL.findall(said))

    def bound(match: re.Match[str]) -> str:
        name, sign = match.groups()
        value, half = usual[name], _half_a_step(forms.get(name, ".0f"))
        shown = _as_shown(value, usual_forms[name]) if name in usual_forms else value
        below, above = min(value * (1 - CLEARLY), shown - half), max(value * (1 + CLEARLY), shown + half)
        return {
            "<": f"{name} <= {below:.6f}",
            ">=": f"{name} > {below:.6f}",
            ">": f"{name} > {above:.6f}",
            "<=": f"{name} <= {above:.6f}",
        }[sign]

    conditions = [_BESIDE.sub(bound, each) for each in conditions]
    said = _USUAL.sub(lambda match: _shown(usual[match[1]], match[2]), said)
    return f"[{', '.join(conditions)}] {said}" if conditions else said


def _only_unknown(condition: str) -> bool:
    match = _BESIDE.match(condition)
    return match is not None and match[2] == "?="


def _as_shown(value: float, form: str) -> float:
    """The number that a reader sees."""
    shown = _shown(value, form)
    return float(shown.rstrip("%").replace(",", "")) / (100 if shown.endswith("%") else 1)


def _says_nothing(condition: str, usual: Mapping[str, float]) -> bool:
    """Whether a condition only keeps off what lies on the other side of a number that is not known."""
    match = _BESIDE.match(condition)
    return match is not None and match[2].endswith("=") and not np.isfinite(usual.get(match[1], np.nan))


def _shown(value: float, form: str) -> str:
    """A usual number in its form; from ten on, and where it is whole, without decimals."""
    return f"{value:,.0f}" if form == ".1f" and value >= 10 else format(value, form).removesuffix(".0")


def _half_a_step(form: str) -> float:
    """Half of the last place that a form shows."""
    digits = re.search(r"\.(\d+)", form)
    places = (int(digits[1]) if digits else 6) + (2 if form.endswith("%") else 0)
    return float(0.5 * 10.0**-places)
