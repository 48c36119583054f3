"""Whose money is told together: owners, segments, cohorts, or labels of the caller's own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clientcare.exceptions import OptionError
from clientcare.history import Histories
from clientcare.money.holdings import NEVER, Ints
from clientcare.money.periods import Periods

UNKNOWN = "(unknown)"
THIRDS = ["1 low third", "2 middle third", "3 high third"]
MOST_NUMBERED = 12
"""Different numbers up to which they name groups (a year has twelve months); more of them measure something."""


def group_of_buyers(
    histories: Histories, by: Any, first_paid: Ints, periods: Periods
) -> tuple[NDArray[np.int64], list[str], str]:
    """Each buyer's group, the names of the groups, and what they are groups of.

    Raises
    ------
    OptionError
        Where ``by`` names neither an attribute of buyers nor anything else that money is told by.
    """
    if isinstance(by, pd.Series):
        labels = by.reindex(histories.buyer_ids)
        return *_codes(_thirds(labels) if _is_measured(by) else labels), str(by.name or "group")
    attributes = [] if histories.buyers is None else list(histories.buyers.columns)
    if by == "cohort":
        return *_codes(_cohorts(first_paid, periods)), "cohort"
    if by == "owner":
        return *_codes(owners_of(histories)), "owner"
    if histories.buyers is not None and by in attributes:
        return *_codes(histories.buyers[by].reindex(histories.buyer_ids)), str(by)
    known = ["plan", "owner", "cohort", *map(str, attributes)]
    raise OptionError(
        f"revenue: by must be one of {', '.join(dict.fromkeys(known))}, or a Series with a label for each buyer."
    )


def refuse_several_currencies(histories: Histories, by: Any) -> None:
    """Money of several currencies is never added up.

    Raises
    ------
    OptionError
    """
    if histories.buyers is None or "currency" not in histories.buyers or by == "currency":
        return
    n_currencies = histories.buyers["currency"].dropna().astype(str).str.strip().str.upper().nunique()
    if n_currencies > 1:
        raise OptionError(
            f"revenue: the buyers' currency has {n_currencies} values, and money of several currencies is never "
            "added up.\nAsk for by='currency', or select the buyers of one: histories.select(...)."
        )


def _is_measured(labels: pd.Series[Any]) -> bool:
    """Whether labels are a measurement, to be told by thirds, and not names of groups."""
    return bool(pd.api.types.is_float_dtype(labels)) and labels.nunique() > MOST_NUMBERED


def _thirds(numbers: pd.Series[Any]) -> pd.Series[Any]:
    """Low, middle and high third of those who have a number; equal numbers stay together."""
    place = numbers.rank(pct=True, method="average")
    names = np.select([place <= 1 / 3, place <= 2 / 3, place > 2 / 3], THIRDS, default=UNKNOWN)
    return pd.Series(names, index=numbers.index)


def _codes(labels: Any) -> tuple[NDArray[np.int64], list[str]]:
    """Codes and sorted names; unknown is a group of its own."""
    series = pd.Series(np.asarray(labels, dtype=object))
    texts = series.where(series.notna(), UNKNOWN).map(str)
    names = sorted(texts.unique())
    return pd.Categorical(texts, categories=names).codes.astype(np.int64), names


def _cohorts(first_paid: Ints, periods: Periods) -> list[str | None]:
    """The year in which each buyer first brought money; ``before ...`` for those who were there at the start."""
    start = int(periods.bounds[0])
    year = np.where(first_paid == NEVER, 0, first_paid).astype("datetime64[us]").astype("datetime64[Y]")
    opening = f"before {np.datetime64(start, 'us').astype('datetime64[D]')}"
    return [
        None if first == NEVER else opening if first < start else str(one)
        for first, one in zip(first_paid, year, strict=True)
    ]


def owners_of(histories: Histories) -> list[str | None]:
    """Who looks after each buyer: the attribute ``owner``, else of the latest contact that names one."""
    owners: list[str | None] = [None] * len(histories.buyer_ids)
    contacts = histories.events("interactions")
    if contacts is not None and "owner" in contacts.columns:
        codes, until = contacts.columns["owner"], histories.observed_until.value // 1000
        for row in np.flatnonzero((codes >= 0) & (contacts.time < until)):
            owners[contacts.buyer[row]] = str(contacts.levels["owner"][codes[row]])
    if histories.buyers is None or "owner" not in histories.buyers:
        return owners
    stated = histories.buyers["owner"].reindex(histories.buyer_ids).astype(object)
    return [old if pd.isna(new) else str(new) for old, new in zip(owners, stated, strict=True)]
