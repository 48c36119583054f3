"""Whose ids meet: the buyers of one file are those of the others, whatever their column is called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from clientcare.history.door.schema import schema_of
from clientcare.history.guess.contents import date_writing, is_number
from clientcare.history.guess.mapping import TableGuess

FEW = 0.1
MANY = 0.5
"""An id column is another's where half of its ids are in it, and none of its own where less than a tenth is."""
LEAST_IDS = 5


def meet(guesses: Sequence[TableGuess]) -> list[TableGuess]:
    """The guesses, the column of buyers of each changed to the one whose ids are those of the table that makes buyers."""
    main = next(
        (
            one
            for table in ("transactions", "contracts")
            for one in guesses
            if one.table == table and not one.lacking
        ),
        None,
    )
    if main is None:
        return list(guesses)
    buyers = _ids(main.layout.rows[main.theirs["buyer_id"]])
    return [guess if guess is main or len(buyers) < LEAST_IDS else _met(guess, buyers) for guess in guesses]


def _met(guess: TableGuess, buyers: frozenset[str]) -> TableGuess:
    own = guess.theirs.get("buyer_id")
    rows = guess.layout.rows
    if own is not None and _share(_ids(rows[own]), buyers) >= FEW:
        return guess
    shares = {
        str(name): _share(_ids(rows[name]), buyers)
        for name in rows.columns
        if str(name) != own and _may_be_ids(rows[name])
    }
    best = max(shares, key=lambda name: shares[name], default=None)
    if best is None or shares[best] < MANY:
        return guess
    theirs = {ours: name for ours, name in guess.theirs.items() if name != best} | {"buyer_id": best}
    if own is not None and "contact_id" in schema_of(guess.table).columns and "contact_id" not in theirs:
        theirs["contact_id"] = own
    lacking = tuple(ours for ours in schema_of(guess.table).required if ours not in theirs)
    return replace(guess, theirs=theirs, lacking=lacking)


def _may_be_ids(cells: pd.Series) -> bool:
    if not cells.notna().any() or date_writing(cells) is not None:
        return False
    return not is_number(cells) or cells.nunique() > LEAST_IDS


def _ids(cells: pd.Series) -> frozenset[str]:
    return frozenset(cells.dropna().astype(str).str.strip().str.removesuffix(".0"))


def _share(some: frozenset[str], others: frozenset[str]) -> float:
    return len(some & others) / len(some) if some else 0.0
