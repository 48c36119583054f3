"""What each feature is: name, unit, needs, what NaN means in it, and how to say it in a sentence.

A feature is a pure function of a :class:`~clientcare.features.snapshot.Snapshot`. The decorator
:func:`feature` names it in the catalogue; the first line of its docstring is its summary.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from clientcare.exceptions import OptionError
from clientcare.history.door.schema import SCHEMAS, did_you_mean

if TYPE_CHECKING:
    from clientcare.features.snapshot import Snapshot

DEFAULT_WINDOWS = (7, 14, 30, 60, 90, 180, 365)
FAMILIES = (
    "timing", "rhythm", "spend", "windows", "season", "breadth", "contact", "contract",
    "dependence", "peers", "own_gaps", "static", "custom",
)  # fmt: skip
THEME_OF_FAMILY = {
    "timing": "silence", "rhythm": "rhythm", "spend": "spend", "windows": "purchases", "season": "season",
    "breadth": "breadth", "contact": "contact", "contract": "contract", "dependence": "dependence",
    "peers": "silence", "own_gaps": "silence",
}  # fmt: skip
"""What the features of a family speak of among the reasons behind a score, where a feature does not name another theme."""

OF_A_HORIZON = frozenset({"own_gaps"})
"""Families that measure the past against a horizon: in the table only where one is given."""

EXAMPLE_HORIZON_DAYS = 90
"""What the catalogue shows features of a horizon at: their names do not tell it, and most horizons are a quarter."""

Compute = Callable[..., Any]


@dataclass(frozen=True)
class Feature:
    """One column of the feature table.

    Attributes
    ----------
    name : str
        Subject, measure, unit; the column.
    family : str
        The kind of question it answers.
    unit : str
        What it is counted in: days, purchases, money, share (0 to 1), ratio ...
    needs : tuple of str
        Tables (``"transactions"``) and columns (``"transactions.amount"``) without which the column is not
        there.
    nan_meaning : str
        What NaN says.
    phrase : str
        A sentence with the names of columns in braces, for the reasons behind a score.
    summary : str
        One line of explanation.
    compute : callable
        ``compute(snapshot)``, or ``compute(snapshot, days)`` for a feature of a window or of a horizon.
    window : int or None
        Days of the window or of the horizon, where there is one.
    theme : str
        What it speaks of among the reasons behind a score; features of one theme speak once, together. A feature
        of the user's own is its own theme.
    theme_at_horizon : str
        The theme of the window that is as long as the model's horizon.
    """

    name: str
    family: str
    unit: str
    needs: tuple[str, ...]
    nan_meaning: str
    phrase: str
    summary: str
    compute: Compute
    window: int | None = None
    theme: str = ""
    theme_at_horizon: str = ""

    def values(self, snapshot: Snapshot) -> Any:
        """The column at a snapshot; shape (n_buyers known,)."""
        return snapshot.once(self.compute, *(() if self.window is None else (self.window,)))

    def at_window(self, days: int) -> Feature:
        """The feature for one window."""
        name, phrase, summary, nan = (
            text.replace("<w>", str(days))
            for text in (self.name, self.phrase, self.summary, self.nan_meaning)
        )
        return replace(self, name=name, phrase=phrase, summary=summary, nan_meaning=nan, window=days)

    def say(self, values: Mapping[str, Any]) -> str:
        """The phrase with one buyer's values in it; clauses whose values are unknown are left out.

        Examples
        --------
        >>> say = by_name()["days_since_last_purchase"].say
        >>> say({"days_since_last_purchase": 74.0, "gap_days_median": 21.0})
        'silent for 74 days; usually buys every 21 days'
        >>> say({"days_since_last_purchase": 74.0, "gap_days_median": float("nan")})
        'silent for 74 days'
        """
        said = []
        for clause in self.phrase.split("; "):
            names = re.findall(r"{(\w+)", clause)
            numbers = [values.get(name, math.nan) for name in names]
            if not any(pd.isna(number) for number in numbers):
                said.append(clause.format_map(values))
        return "; ".join(said) or f"{self.name.replace('_', ' ')} is unknown"


_REGISTRY: dict[str, Feature] = {}
_COLUMN = re.compile(r"[a-z][a-z0-9_<>]*\Z")


def feature(
    family: str,
    unit: str,
    *,
    needs: str | Sequence[str] = "transactions",
    nan: str,
    phrase: str,
    name: str | None = None,
    theme: str | None = None,
    theme_at_horizon: str | None = None,
) -> Callable[[Compute], Compute]:
    """Enter a function of a snapshot under its own name or ``name`` (``<w>`` = the window)."""
    theme = theme or THEME_OF_FAMILY[family]

    def enter(compute: Compute) -> Compute:
        entry = describe(compute, family, unit, needs, nan, phrase, name)
        add(replace(entry, theme=theme, theme_at_horizon=theme_at_horizon or theme))
        return compute

    return enter


def describe(
    compute: Compute,
    family: str,
    unit: str,
    needs: str | Sequence[str],
    nan: str,
    phrase: str,
    name: str | None,
) -> Feature:
    """A catalogue entry from a function and its declaration."""
    column: str = name or str(getattr(compute, "__name__", ""))
    summary = (compute.__doc__ or "").strip().split("\n")[0].strip()
    if not (
        summary or __debug__
    ):  # python -OO strips docstrings; the name stands for what it would have said
        summary = f"{compute.__name__.replace('_', ' ')}."
    entry = Feature(
        column,
        family,
        unit,
        (needs,) if isinstance(needs, str) else tuple(needs),
        nan,
        phrase,
        summary,
        compute,
        theme=column,
        theme_at_horizon=column,
    )
    missing = [
        field for field in ("name", "unit", "nan_meaning", "phrase", "summary") if not getattr(entry, field)
    ]
    for need in entry.needs:
        _check_need(column, need)
    try:
        phrase.format_map(_Anything())
    except (ValueError, TypeError, AttributeError, IndexError, KeyError) as cause:
        raise OptionError(
            f"feature {column!r}: the phrase cannot be filled in ({cause}).\n"
            f"Write columns in braces, for instance '{{{column}:.0f}} of them'."
        ) from None
    if missing or not _COLUMN.match(column):
        raise OptionError(
            f"feature {column!r}: {', '.join(missing) or 'a name'} is missing or not lower_snake_case.\n"
            "A feature has a name, a unit, a meaning of NaN, a phrase, and a docstring that sums it up first."
        )
    return entry


class _Anything(dict[str, float]):
    """A number for every column that a phrase can name."""

    def __missing__(self, name: str) -> float:
        return 1.0


def _check_need(name: str, need: str) -> None:
    """Whether a table, or a column of one, can ever be given."""
    table, _, column = need.partition(".")
    if table not in SCHEMAS or (column and table != "buyers" and column not in SCHEMAS[table].columns):
        known = SCHEMAS[table].columns if table in SCHEMAS else SCHEMAS
        raise OptionError(
            f"feature {name!r}: needs {need!r}, which no table can hold.{did_you_mean(column or table, known)}\n"
            f"Name a table ({', '.join(SCHEMAS)}) or a column that the door reads ('transactions.amount')."
        )


def add(entry: Feature) -> None:
    """Enter a feature; a name that is taken is an error."""
    if entry.name in _REGISTRY:
        raise OptionError(
            f"feature {entry.name!r}: the name is taken. Choose another, or forget the old one first."
        )
    _REGISTRY[entry.name] = entry


def remove(name: str) -> None:
    """Take a feature out of the catalogue."""
    if name not in _REGISTRY:
        raise OptionError(f"feature {name!r}: not in the catalogue.")
    del _REGISTRY[name]


def parse_windows(windows: Iterable[int] | None) -> tuple[int, ...]:
    """Windows as distinct whole days, ascending.

    Raises
    ------
    OptionError
        Where a window is no whole number of days, or below one.
    """
    if windows is None:
        return DEFAULT_WINDOWS
    given = (
        list(windows)
        if isinstance(windows, Iterable) and not isinstance(windows, (str, bytes))
        else [windows]
    )
    for window in given:
        whole = isinstance(window, (int, np.integer)) and not isinstance(window, bool)
        if not whole or not 1 <= int(window) <= 36_500:
            raise OptionError(
                "windows: each must be a whole number of days from 1 to 36500, such as [30, 90, 365]."
            )
    if not given:
        raise OptionError(
            "windows: an empty list. Give at least one window in days, or None for the usual ones."
        )
    return tuple(sorted({int(window) for window in given}))


def parse_families(families: str | Iterable[str] | None) -> tuple[str, ...]:
    """Families in their usual order.

    Raises
    ------
    OptionError
        Where a family is not known.
    """
    if families is None:
        return FAMILIES
    if not isinstance(families, Iterable):
        raise OptionError(f"families: must be a name or a list of names; there are {', '.join(FAMILIES)}.")
    asked = {families} if isinstance(families, str) else set(families)
    unknown = sorted(str(family) for family in asked - set(FAMILIES))
    if unknown or not asked:
        raise OptionError(f"families: {unknown or 'nothing'} asked for; there are {', '.join(FAMILIES)}.")
    return tuple(family for family in FAMILIES if family in asked)


def catalogue_entries(
    families: str | Iterable[str] | None = None,
    windows: Iterable[int] | None = None,
    horizon_days: int | None = None,
) -> list[Feature]:
    """All features of some families, one entry a column, in the order of the table; without a horizon, none that is
    measured against one.
    """
    chosen, days = parse_families(families), parse_windows(windows)
    entries: list[Feature] = []
    for family in chosen:
        for entry in [entry for entry in _REGISTRY.values() if entry.family == family]:
            if family in OF_A_HORIZON:
                entries.extend([entry.at_window(horizon_days)] if horizon_days else [])
            else:
                entries.extend([entry.at_window(d) for d in days] if "<w>" in entry.name else [entry])
    return entries


def themes_at(horizon_days: int, windows: Iterable[int]) -> dict[str, str]:
    """The theme of every column that a model with that horizon can have."""
    return {
        entry.name: entry.theme_at_horizon if entry.window == horizon_days else entry.theme
        for entry in catalogue_entries(None, windows, horizon_days)
    }


def by_name(windows: Iterable[int] | None = None) -> dict[str, Feature]:
    """The catalogue as a mapping from column to entry."""
    return {entry.name: entry for entry in catalogue_entries(None, windows)}


def feature_catalogue(
    families: str | Iterable[str] | None = None, windows: Iterable[int] | None = None
) -> pd.DataFrame:
    """What every feature is.

    Parameters
    ----------
    families : str or list of str, optional
        Some of timing, rhythm, spend, windows, season, breadth, contact, contract, dependence, peers, own_gaps, static,
        custom.
    windows : list of int, optional
        Days of the windows; default 7, 14, 30, 60, 90, 180, 365.

    Returns
    -------
    DataFrame of shape (n_features, 8)
        ``name``, ``family``, ``unit``, ``theme`` (what it speaks of among the reasons behind a score), ``needs``
        (tables and columns without which the feature is not in the table), ``nan_meaning`` (what NaN says),
        ``phrase`` (a sentence for reasons, columns in braces) and ``summary``. Static attributes are the user's
        own columns (``buyer_...``) and are not listed; the family ``own_gaps`` is in a table where a horizon is
        given.

    Examples
    --------
    >>> catalogue = feature_catalogue("timing")
    >>> catalogue.set_index("name").loc["days_since_last_purchase", ["unit", "needs"]].tolist()
    ['days', 'transactions']
    """
    entries = catalogue_entries(families, windows, horizon_days=EXAMPLE_HORIZON_DAYS)
    return pd.DataFrame(
        {
            "name": [entry.name for entry in entries],
            "family": [entry.family for entry in entries],
            "unit": [entry.unit for entry in entries],
            "theme": [entry.theme for entry in entries],
            "needs": [", ".join(entry.needs) for entry in entries],
            "nan_meaning": [entry.nan_meaning for entry in entries],
            "phrase": [entry.phrase for entry in entries],
            "summary": [entry.summary for entry in entries],
        },
        dtype=object,
    )
