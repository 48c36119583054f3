"""Whether the business became another one: a level or a mix of purchases that was never seen before, and stays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clientcare.facts.events import EventTable
from clientcare.facts.purchase_rows import is_purchase
from clientcare.history.density import Hole
from clientcare.window import MICROSECONDS_A_DAY, timestamp_of

Floats = NDArray[np.float64]

BLOCK_DAYS = 28
"""Four whole weeks: weekdays even out."""
LEAST_BLOCKS = 6
"""Half a year before and half a year after, without a single block in between that tells otherwise: no season."""
A_YEAR = 13
"""A kind of goods that was not sold for a year is new; for less it may be a season."""
LEAST_ROWS = 30
"""So many purchases in each block of the larger side: fewer double by chance."""
STEP = 2.0
"""Twice what the best block before had, from one block to the next but one: growth by two fifths a month, and more."""
NEW_GOODS = 0.3
"""A third of all rows in categories that were never there, in every block after."""
PRICE_STEP = 3.0
"""The usual amount moved by more than prices, sales and new goods of the same kind move it."""
MOST_ROWS = 200_000
"""Mix and usual amounts are taken from so many rows, evenly drawn from the table as it is sorted."""


@dataclass(frozen=True)
class Change:
    """From when on the business is another one, in words, and how many purchases came before."""

    said: str
    n_rows: int


def find_change(transactions: EventTable, until: int, holes: Sequence[Hole] = ()) -> Change | None:
    """What changed for good in the purchases of a table; None where nothing did.

    Three readings of blocks of four weeks: how many purchases, the usual amount, and the share of categories never
    seen before. A change is one that every block after it bears out, against every block before it.

    Parameters
    ----------
    transactions : EventTable
    until : int
        The day, counted from 1970-01-01, before which the table is complete.
    holes : sequence of Hole
        Blocks that touch one are not looked at.
    """
    bought = is_purchase(transactions)
    day = transactions.day.astype(np.int64)
    inside = np.flatnonzero(bought & (day < until))
    if len(inside) < LEAST_ROWS * LEAST_BLOCKS:
        return None
    blocks = (until - int(day[inside].min())) // BLOCK_DAYS
    if blocks < 2 * LEAST_BLOCKS + 1:
        return None
    start = until - blocks * BLOCK_DAYS
    block = (day[inside] - start) // BLOCK_DAYS
    inside, block = inside[block >= 0], block[block >= 0]
    whole = _whole(start, blocks, holes)
    counts = np.bincount(block, minlength=blocks).astype(np.float64)
    step = -(-len(inside) // MOST_ROWS)
    some, their_block = inside[::step], block[::step]
    readings = [
        _level(counts, whole),
        _amounts(transactions, some, their_block, counts, whole),
        _new_goods(transactions, some, their_block, counts, whole),
    ]
    told = [reading for reading in readings if reading is not None]
    if not told:
        return None
    first = min(at for at, _ in told)
    since = timestamp_of((start + first * BLOCK_DAYS) * MICROSECONDS_A_DAY)
    said = f"a changing business: about {since:%Y-%m} " + ", ".join(words for _, words in told)
    return Change(said, int(counts[:first].sum()))


def _whole(start: int, blocks: int, holes: Sequence[Hole]) -> NDArray[np.bool_]:
    whole = np.ones(blocks, dtype=bool)
    for hole in holes:
        low = max((hole.first_day - start) // BLOCK_DAYS, 0)
        whole[low : max((hole.day_after - 1 - start) // BLOCK_DAYS + 1, 0)] = False
    return whole


def _step(values: Floats, known: NDArray[np.bool_]) -> tuple[int, float]:
    """The block about which values step up for good, and how many times: the least after against the most before."""
    if not known.any():
        return LEAST_BLOCKS, 1.0
    high = np.maximum.accumulate(np.where(known, values, 0.0))
    low = np.minimum.accumulate(np.where(known, values, np.inf)[::-1])[::-1]
    at = np.arange(LEAST_BLOCKS, len(values) - LEAST_BLOCKS)
    times = np.divide(low[at + 1], high[at - 1], out=np.zeros(len(at)), where=high[at - 1] > 0)
    times[~np.isfinite(times)] = 0.0
    best = int(np.argmax(times))
    return int(at[best]), float(times[best])


def _steps(values: Floats, known: NDArray[np.bool_]) -> tuple[int, float]:
    """As ``_step``, up or down: a factor above one is up."""
    at_up, up = _step(values, known)
    falling = np.divide(1.0, values, out=np.full(len(values), np.inf), where=values > 0)
    at_down, down = _step(falling, known & (values > 0))
    return (at_up, up) if up >= down else (at_down, 1 / down)


def _level(counts: Floats, whole: NDArray[np.bool_]) -> tuple[int, str] | None:
    at, times = _steps(counts, whole)
    before, after = counts[:at][whole[:at]], counts[at + 1 :][whole[at + 1 :]]
    if STEP > times > 1 / STEP or (after if times > 1 else before).min(initial=np.inf) < LEAST_ROWS:
        return None
    before, after = before.mean(), after.mean()
    return at, f"purchases went from {before:,.0f} to {after:,.0f} in four weeks"


def _amounts(
    table: EventTable, some: Any, block: Any, counts: Floats, whole: NDArray[np.bool_]
) -> tuple[int, str] | None:
    amount = table.columns.get("amount")
    if amount is None:
        return None
    own = amount[some]
    order = np.lexsort((own, block))
    n = np.bincount(block, minlength=len(counts))
    middle = np.cumsum(n) - n + np.maximum(n - 1, 0) // 2
    usual = np.where(n > 0, own[order][np.minimum(middle, len(own) - 1)], np.nan)
    known = whole & (n > 0) & (usual > 0)
    at, times = _steps(np.where(known, usual, 1.0), known)
    if PRICE_STEP > times > 1 / PRICE_STEP or counts[known].min(initial=np.inf) < LEAST_ROWS:
        return None
    factor = np.median(usual[at + 1 :][known[at + 1 :]]) / np.median(usual[:at][known[:at]])
    return at, f"the usual amount became {factor:.2g} of what it was"


def _new_goods(
    table: EventTable, some: Any, block: Any, counts: Floats, whole: NDArray[np.bool_]
) -> tuple[int, str] | None:
    codes = table.columns.get("category")
    if codes is None or len(counts) < A_YEAR + LEAST_BLOCKS + 1:
        return None
    own = codes[some].astype(np.int64)
    named = own >= 0
    if not named.any():
        return None
    own, block = own[named], block[named]
    first_seen = np.full(int(own.max()) + 1, len(counts), dtype=np.int64)
    np.minimum.at(first_seen, own, block)
    n = np.bincount(block, minlength=len(counts)).astype(np.float64)
    best: tuple[float, int] = (0.0, 0)
    for at in range(A_YEAR, len(counts) - LEAST_BLOCKS):
        new = np.bincount(block, first_seen[own] >= at, minlength=len(counts))
        after = np.arange(at + 1, len(counts))
        after = after[whole[after]]
        enough = len(after) and n[after].min() > 0 and counts[after].min() >= LEAST_ROWS
        share = float((new[after] / n[after]).min()) if enough else 0.0
        best = max(best, (share, -at))
    share, at = best[0], -best[1]
    if share < NEW_GOODS:
        return None
    return at, f"at least {share:.0%} of purchases are of categories never seen before it"
