"""Phrases that compare a buyer with the usual one: the usual numbers are put in once, before any buyer's own."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

_USUAL = re.compile(r"<usual (\w+):([^>]*)>")
_BESIDE = re.compile(r"(\w+) ([<>]) usual")
_SLOT = re.compile(r"{(\w+):([^}]*)}")
CLEARLY = 0.1
"""Nearer to the usual than this share of it, nothing is compared."""


def resolved(phrases: Sequence[str], usual: Mapping[str, float]) -> tuple[str, ...]:
    """The phrases with the usual numbers in them; those whose number is not known are left out.

    Parameters
    ----------
    phrases : sequence of str
        ``<usual column:form>`` stands for the usual number. In front may stand ``column < usual`` or
        ``column > usual``: clearly below or above it, so that the two numbers also look different.
    usual : mapping of column to float
        NaN where it is not known.

    Examples
    --------
    >>> phrases = ["[n < usual] {n:.0f} times; the usual buyer <usual n:.1f>", "{n:.0f} times"]
    >>> resolved(phrases, {"n": 4.0})
    ('[n <= 3.500000] {n:.0f} times; the usual buyer 4', '{n:.0f} times')
    >>> resolved(phrases, {})
    ('{n:.0f} times',)
    """
    made = (_with_usual(phrase, usual) for phrase in phrases)
    return tuple(phrase for phrase in made if phrase is not None)


def _with_usual(phrase: str, usual: Mapping[str, float]) -> str | None:
    asked = [match[1] for match in (*_USUAL.finditer(phrase), *_BESIDE.finditer(phrase))]
    if not all(np.isfinite(usual.get(name, np.nan)) for name in asked):
        return None
    forms = dict(_SLOT.findall(phrase))

    def bound(match: re.Match[str]) -> str:
        name, sign = match.groups()
        value, half = usual[name], _half_a_step(forms.get(name, ".0f"))
        if sign == "<":
            return f"{name} <= {min(value * (1 - CLEARLY), value - half):.6f}"
        return f"{name} > {max(value * (1 + CLEARLY), value + half):.6f}"

    phrase = _BESIDE.sub(bound, phrase)
    return _USUAL.sub(lambda match: _shown(usual[match[1]], match[2]), phrase)


def _shown(value: float, form: str) -> str:
    """A usual number in its form; from ten on, and where it is whole, without decimals."""
    return f"{value:,.0f}" if form == ".1f" and value >= 10 else format(value, form).removesuffix(".0")


def _half_a_step(form: str) -> float:
    """Half of the last place that a form shows."""
    digits = re.search(r"\.(\d+)", form)
    places = (int(digits[1]) if digits else 6) + (2 if form.endswith("%") else 0)
    return float(0.5 * 10.0**-places)
