"""What heads everything: findings so heavy that nobody should read on without them, in a sentence each."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clientcare.history.door.ids import Ids
from clientcare.history.door.quality import SET_ASIDE, Finding
from clientcare.history.door.sheets import Sheet
from clientcare.history.door.spellings import spelled_apart

MUCH = 0.01
"""A share of the rows, or of the money, above which what was set aside must not stay unread."""
FEW_ROWS = 5
"""Of a handful of rows a single one is more than a hundredth."""
NEARLY_NONE = 0.05
"""Tables of one business share more buyers than that."""
LEAST_BUYERS = 5


def headlines(sheets: Mapping[str, Sheet], own: Ids | None, rows: pd.DataFrame) -> list[str]:
    """The sentences, tables that share no buyer first."""
    said = _unshared(sheets, own)
    said += [one for name, sheet in sheets.items() if (one := _set_aside(name, sheet, rows)) is not None]
    said += [one for sheet in sheets.values() if (one := _doubted(sheet)) is not None]
    if list(sheets) == ["interactions"]:
        said.append(
            "interactions alone: contact makes no buyer, so there is nobody to score; "
            "the care report speaks of whoever was in contact. Give transactions or contracts beside them."
        )
    return said


def rows_set_aside_said(rows: pd.DataFrame) -> list[str]:
    """A sentence for each table of which much was set aside; rows_in and rows_set_aside by table."""
    return [
        _much(str(name), int(n_out), int(n_in), "")
        for name, n_in, n_out in zip(rows.index, rows["rows_in"], rows["rows_set_aside"], strict=True)
        if n_in > FEW_ROWS and n_out > MUCH * n_in
    ]


def note_spellings(sheets: Mapping[str, Sheet], buyer_ids: pd.Index) -> None:
    """Count the rows of buyers whose ids differ from another's by their spelling alone."""
    if pd.api.types.is_integer_dtype(buyer_ids.dtype):
        return
    apart = np.append(spelled_apart(buyer_ids.to_numpy(dtype=object)), False)
    if not apart.any():
        return
    for sheet in sheets.values():
        found = sheet.log.kept & apart[sheet.ids.positions_in(buyer_ids)]
        sheet.log.note(
            "ids_spelled_apart", "kept: as buyers of their own; ids='fold' makes one of them", found
        )


def unshared_findings(sheets: Mapping[str, Sheet], own: Ids | None) -> list[Finding]:
    """The tables that share hardly a buyer with the others, as findings."""
    return [
        Finding(name, "no_shared_buyers", n, "kept: but the ids of the tables do not meet", ())
        for name, n, _ in _strangers(sheets, own)
    ]


def _unshared(sheets: Mapping[str, Sheet], own: Ids | None) -> list[str]:
    return [
        f"{name}: {n_shared:,} of {n:,} ids are buyers of the other tables, so the tables do not meet. "
        "Write ids the same way in every table (zeros in front, prefixes), or map the column that holds them: "
        f"columns={{{name!r}: {{'their column': 'buyer_id'}}}}; ids='fold' reads over capitals and blanks."
        for name, n, n_shared in _strangers(sheets, own)
    ]


def _strangers(sheets: Mapping[str, Sheet], own: Ids | None) -> list[tuple[str, int, int]]:
    """Tables whose ids are hardly any of those of the table that makes buyers: name, ids, shared ones."""
    main = next((name for name in ("transactions", "contracts") if name in sheets), None)
    if main is None:
        return []
    buyers = _texts(sheets[main].ids)
    others = {name: sheet.ids for name, sheet in sheets.items() if name != main}
    found = []
    for name, ids in {**others, **({} if own is None else {"buyers": own})}.items():
        theirs = _texts(ids)
        n, n_shared = len(theirs), int(theirs.isin(buyers).sum())
        if min(n, len(buyers)) >= LEAST_BUYERS and n_shared <= NEARLY_NONE * min(n, len(buyers)):
            found.append((name, n, n_shared))
    return found


def _texts(ids: Ids) -> pd.Index:
    index: pd.Index = pd.Index(ids.values if ids.are_numbers else ids.values.to_numpy(zero_copy_only=False))
    return index


def _set_aside(name: str, sheet: Sheet, rows: pd.DataFrame) -> str | None:
    """How much of a table was set aside, where that is more than a hundredth of its rows or of its money."""
    n_in, n_out = int(rows["rows_in"][name]), int(rows["rows_set_aside"][name])
    share = _money_set_aside(sheet)
    if n_in <= FEW_ROWS or not (n_out > MUCH * n_in or share > MUCH):
        return None
    return _much(name, n_out, n_in, f" ({share:.0%} of the money)" if share > 0 else "")


def _doubted(sheet: Sheet) -> str | None:
    """How much of the money lies in orders whose state nobody here knows, where that is more than a hundredth."""
    if sheet.doubted is None or not sheet.doubted.any():
        return None
    money = _money(sheet)
    doubted = sheet.doubted & sheet.log.kept
    whole = float(money[sheet.log.kept].sum())
    share = float(money[doubted].sum()) / whole if whole > 0 else float(doubted.mean())
    if len(doubted) <= FEW_ROWS or share <= MUCH:
        return None
    return (
        f"{sheet.table}: {np.count_nonzero(doubted):,} rows ({share:.0%} of the money) have a status whose meaning is not "
        "known, and are taken for purchases. Say what it means: statuses={'your word': 'never' | 'withdrawn' | 'stands'}."
    )


def _money_set_aside(sheet: Sheet) -> float:
    money = _money(sheet)
    whole = float(money.sum())
    return float(money[~sheet.log.kept].sum()) / whole if whole > 0 else 0.0


def _money(sheet: Sheet) -> NDArray[np.float64]:
    """What each row comes to, returns and purchases alike; zeros where no amounts are known."""
    nothing = np.zeros(len(sheet.log.kept))
    money = np.abs(np.nan_to_num(sheet.numbers.get("amount", nothing), posinf=0.0, neginf=0.0))
    return np.where(money > 1e100, 0.0, money)


def _much(name: str, n_out: int, n_in: int, money: str) -> str:
    return (
        f"{name}: {n_out:,} of {n_in:,} rows were {SET_ASIDE}{money}. "
        f"`quality` says why, `set_aside({name!r})` shows them."
    )
