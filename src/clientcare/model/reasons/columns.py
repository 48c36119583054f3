"""Which theme each column of a model speaks of, as its feature says; an attribute is a theme of its own."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from clientcare.features.catalogue import themes_at
from clientcare.model.reasons.themes import LEVEL, OTHER, STANDING, THEMES
from clientcare.model.training.snapshots import scaled_windows
from clientcare.model.training.term_facts import THEMES as THEMES_OF_TERMS

ATTRIBUTE = re.compile(r"(?:days_since_)?buyer_(\w+)(?: = (.*))?\Z")


def themes_of(
    names: Sequence[str], behind: Sequence[str], horizon_days: int
) -> tuple[list[str], NDArray[np.int64]]:
    """The themes that some columns speak of, and which theme each column belongs to.

    Parameters
    ----------
    names, behind : sequence of str
        The columns, and the feature behind each (an attribute has a column a level).
    horizon_days : int
        The window that is as long may speak of another theme than the other windows.

    Returns
    -------
    themes : list of str
        In the order of :data:`THEMES`, then features of the user's own, then attributes; ``standing``, the level
        and ``other`` last.
    groups : int64 array of shape (n_columns,)

    Examples
    --------
    >>> names = ["n_purchases", "overdue_ratio", "n_purchases_90d", "buyer_plan = gold", "buyer_reply_share"]
    >>> themes, groups = themes_of(names, [*names[:3], "buyer_plan", "buyer_reply_share"], 90)
    >>> [themes[group] for group in groups]
    ['purchases', 'silence', 'silence', 'attribute: plan', 'contact']
    """
    told = {**themes_at(horizon_days, scaled_windows(horizon_days)), **THEMES_OF_TERMS}
    found = [_theme_of(name, feature, told) for name, feature in zip(names, behind, strict=True)]
    known = [theme.name for theme in THEMES]
    own = sorted({theme for theme in found if theme not in known})
    attributes = [theme for theme in own if theme.startswith("attribute: ")]
    registered = [theme for theme in own if theme not in attributes and theme != OTHER]
    themes = [*(theme for theme in known if theme in found), *registered, *attributes, STANDING, LEVEL, OTHER]
    place = {theme: number for number, theme in enumerate(themes)}
    return themes, np.array([place[theme] for theme in found], dtype=np.int64)


def _theme_of(name: str, feature: str, told: dict[str, str]) -> str:
    if name in told or feature in told:
        return told.get(name, told.get(feature, OTHER))
    attribute = ATTRIBUTE.match(name)
    return f"attribute: {attribute.group(1)}" if attribute else OTHER
