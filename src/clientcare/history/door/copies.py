"""Rows that stand twice: exact copies, and rows that were loaded again at a later moment."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from clientcare.facts.runs import changed
from clientcare.history.door.dates import Times
from clientcare.history.door.intake import GivenTable
from clientcare.history.door.quality import Mask
from clientcare.history.door.sheets import Door, Sheet
from clientcare.window import MICROSECONDS_A_DAY

BITS_TOLD = 20
"""A million beginnings of keys, a byte each, fit the processor's nearer caches."""
NUMBERED = ("order_id", "contract_id")
"""Columns that give a row a number of its own."""


def copies(given: GivenTable, key: list[NDArray[Any]]) -> Mask:
    """Which rows equal an earlier row in every column that is read: a line number or load stamp tells none apart.

    Rows are first told apart by a few columns that were read anyway; the cells of the few left are then
    compared.
    """
    copied = np.zeros(given.n_rows, dtype=bool)
    alike = _alike(key, given.n_rows)
    if len(alike):
        copied[alike[_again(given.take(alike)[list(dict.fromkeys(given.names.values()))])]] = True
    return copied


def reloaded(given: GivenTable, key: list[NDArray[Any]], known: Times, is_named: Mask) -> Mask:
    """Which rows equal another that was recorded before in every column but the moment of recording.

    Parameters
    ----------
    given : GivenTable
    key : list of array of shape (n_rows,)
        A few columns that were read anyway.
    known : int64 array of shape (n_rows,)
        When each row was recorded: the first record is the fact.
    is_named : bool array of shape (n_rows,)
        Whether a row has a number of its own (of an order, of a contract). What has none is a copy only where it was
        recorded on a later day: two visits of one day may be alike.
    """
    found = np.zeros(given.n_rows, dtype=bool)
    alike = _alike(key, given.n_rows)
    names = [theirs for ours, theirs in given.names.items() if ours != "recorded_at"]
    if not len(alike) or "recorded_at" not in given.names:
        return found
    alike = alike[np.argsort(known[alike], kind="stable")]
    rows = given.take(alike)[list(dict.fromkeys(names))].reset_index(drop=True)
    again = _again(rows)
    first = _first_of_alike(rows)
    since = known[alike] // MICROSECONDS_A_DAY - known[alike[first]] // MICROSECONDS_A_DAY
    later = known[alike] > known[alike[first]]
    found[alike[again & later & (is_named[alike] | (since > 0))]] = True
    return found


def _again(rows: pd.DataFrame) -> Mask:
    """Which rows equal one above."""
    try:
        return np.asarray(rows.duplicated(keep="first"))
    except (TypeError, pa.ArrowNotImplementedError):  # lists, records
        return np.asarray(rows.map(repr).duplicated(keep="first"))


def _first_of_alike(rows: pd.DataFrame) -> NDArray[np.int64]:
    """For each row the place of the first that equals it."""
    place = np.arange(len(rows))
    try:
        group = rows.groupby(list(rows.columns), sort=False, dropna=False, observed=True).ngroup().to_numpy()
    except (TypeError, pa.ArrowNotImplementedError):
        texts = rows.map(repr)
        group = texts.groupby(list(texts.columns), sort=False).ngroup().to_numpy()
    first = np.full(int(group.max()) + 1, len(rows))
    np.minimum.at(first, group, place)
    return np.asarray(first[group])


def _alike(key: list[NDArray[Any]], n_rows: int) -> NDArray[np.int64]:
    """Positions of rows that equal another in some columns; a few that do not may be among them."""
    mixed = np.zeros(n_rows, dtype=np.uint64)
    for values in key:
        bits = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("=")).astype(
            np.float64 if values.dtype.kind == "f" else np.int64, copy=False
        )
        mixed = (mixed ^ bits.view(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
    return _of_several(mixed)


def _of_several(keys: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Positions of keys that occur more than once: sorted, a key is told by its neighbour.

    Most tables hold none, and are done with the sort; a hash of all keys takes several times as long.
    """
    ordered = np.sort(keys)
    doubled = ordered[1:][~changed(ordered)[1:]]
    if not len(doubled):
        return np.zeros(0, dtype=np.int64)
    beginnings = np.zeros(
        1 << BITS_TOLD, dtype=bool
    )  # most keys begin as none of those that are doubled does
    beginnings[doubled >> np.uint64(64 - BITS_TOLD)] = True
    some = np.flatnonzero(beginnings[keys >> np.uint64(64 - BITS_TOLD)])
    place = np.searchsorted(doubled, keys[some]).clip(max=len(doubled) - 1)
    return np.asarray(some[doubled[place] == keys[some]])


def judge_copies(sheet: Sheet, door: Door) -> None:
    """Set exact copies and rows that were loaded again aside (or keep them, where the caller said so)."""
    key: list[NDArray[Any]] = [sheet.ids.codes, sheet.time, *sheet.numbers.values(), *sheet.codes.values()]
    copied = copies(sheet.given, key)
    again = np.zeros(len(copied), dtype=bool)
    if sheet.recorded is not None:
        is_named = np.zeros(len(copied), dtype=bool)
        for name in set(NUMBERED) & set(sheet.codes):
            is_named |= sheet.codes[name] >= 0
        known = np.maximum(sheet.time, sheet.recorded)
        again = reloaded(sheet.given, key, known, is_named) & ~copied
    if door.exact_copies == "keep":
        sheet.log.note("exact_copy", "kept", copied)
        sheet.log.note("loaded_again", "kept", again)
    else:
        sheet.log.set_aside("exact_copy", "all columns", copied)
        sheet.log.set_aside("loaded_again", sheet.given.names.get("recorded_at", "recorded_at"), again)
