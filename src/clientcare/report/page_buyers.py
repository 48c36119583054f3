"""The table of buyers, and what each buyer's own page tells."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd

from clientcare.care.practices import last_owner
from clientcare.history import Histories
from clientcare.model import Explanation
from clientcare.report.canvas import words_of
from clientcare.report.story import stories
from clientcare.window import day_number, microseconds

MOST_CONTRIBUTIONS = 6
BUYERS_A_CHUNK = 1_000
"""What a buyer's own page tells is read by the browser a chunk at a time, and only when it is asked for."""

REASONS = ("reason_1", "reason_2", "reason_3")
_COLUMNS = (
    ("churn_risk", "churn risk", "percent"),
    ("at_stake", "at stake", "amount"),
    ("reason_1", "first reason", "text"),
    ("expected_spend", "expected spend", "amount"),
    ("client_probability", "client probability", "percent"),
    ("next_purchase_due", "next purchase due", "date"),
    ("overdue_ratio", "overdue ratio", "number"),
)
"""What can be acted on stands first: nobody has to scroll sideways to it."""


def names_of(buyers: pd.Index, hide_ids: bool) -> dict[Any, str]:
    """What each buyer is called on the page: the id, or the place in the book where ids are hidden."""
    return {
        buyer: f"buyer {place}" if hide_ids else str(buyer) for place, buyer in enumerate(buyers, start=1)
    }


def without_owner(reason: Any) -> Any:
    """A reason that names the person who looks after the buyer names nobody any more."""
    return (
        re.sub(r"\bowner is .*", "owner, not shown", reason, flags=re.DOTALL)
        if isinstance(reason, str)
        else reason
    )


def table_of_buyers(
    known: Histories, book: pd.DataFrame, names: dict[Any, str], moment: pd.Timestamp, hide_ids: bool
) -> dict[str, Any]:
    """What the page's script reads at once: the columns of the table and the interval of the risk."""
    columns: list[dict[str, Any]] = [
        {"name": "buyer_id", "title": "buyer", "form": "text", "values": list(names.values())},
        {"name": "stage", "title": "stage", "form": "text", **_levels(book["stage"])},
    ]
    if not hide_ids and len(book):
        owner = last_owner(known, microseconds(moment)).reindex(book.index)
        if owner.notna().any():
            columns.append(
                {"name": "owner", "title": "owner", "form": "text", **_levels(owner.fillna("(nobody)"))}
            )
        columns[1:1] = _attribute(known, book.index, "name")
    columns += _attribute(known, book.index, "segment")
    for name, title, form in _COLUMNS:
        if book[name].isna().all():
            continue
        cells = _levels(book[name]) if form == "text" else {"values": _cells(book[name], form)}
        columns.append({"name": name, "title": title, "form": form, **cells})
    return {
        "n": len(book),
        "chunk": BUYERS_A_CHUNK,
        "as_of_day": day_number(moment),
        "columns": columns,
        "here": (book["status"].astype(object) != "gone").astype(int).tolist(),
        "client": (book["relationship"].astype(object) == "client").astype(int).tolist(),
        "low": _cells(book["churn_risk_low"], "percent"),
        "high": _cells(book["churn_risk_high"], "percent"),
    }


def _attribute(known: Histories, buyers: pd.Index, name: str) -> list[dict[str, Any]]:
    """A column of an attribute of the buyers, where it is given."""
    if known.buyers is None or name not in known.buyers or not len(buyers):
        return []
    values = known.buyers[name].reindex(buyers).astype(object)
    unknown = "" if name == "name" else "(unknown)"
    shown = values.where(values.notna(), unknown).astype(str)
    return [{"name": name, "title": name, "form": "text", **_levels(shown)}] if values.notna().any() else []


def _levels(texts: pd.Series[Any]) -> dict[str, Any]:
    """Each different text once, in order, and its place for each buyer."""
    plain = texts.astype(object)
    codes, levels = pd.factorize(plain.where(plain.notna(), "").astype(str), sort=True)
    return {"values": codes.tolist(), "levels": list(levels)}


def told_of_buyers(
    why: Explanation,
    known: Histories,
    book: pd.DataFrame,
    plan: pd.DataFrame,
    moment: pd.Timestamp,
) -> tuple[list[str], list[list[Any]]]:
    """The names of the contributions; and what each buyer's page tells, by chunks of buyers.

    A buyer is ``[further reasons, [purchase days, our contacts, their contacts, contracts], contributions, due care]``.
    """
    groups, contributions = _contributions(why.churn.reindex(book.index))
    care: dict[Any, list[str]] = {}
    for buyer, reason in zip(plan["buyer_id"].tolist(), plan["reason"].tolist(), strict=True):
        care.setdefault(buyer, []).append(reason)
    further = [
        [reason for reason in row if reason]
        for row in book[list(REASONS[1:])].fillna("").to_numpy(dtype=object).tolist()
    ]
    told = [
        list(parts)
        for parts in zip(
            further,
            stories(known, book.index, moment),
            contributions,
            [care.get(buyer, []) for buyer in book.index.tolist()],
            strict=True,
        )
    ]
    return groups, [told[start : start + BUYERS_A_CHUNK] for start in range(0, len(told), BUYERS_A_CHUNK)]


def _contributions(churn: pd.DataFrame) -> tuple[list[str], list[list[list[float]]]]:
    """The names of the reasons, and each buyer's largest contributions as ``[place of the name, log-odds]``."""
    values = churn.to_numpy(dtype=float)
    order = np.argsort(-np.abs(values), axis=1, kind="stable")[:, :MOST_CONTRIBUTIONS]
    sizes = np.take_along_axis(values, order, axis=1).round(3)
    largest = [
        [[place, size] for place, size in zip(places, row, strict=True) if size]
        for places, row in zip(order.tolist(), sizes.tolist(), strict=True)
    ]
    return [words_of(name) for name in churn.columns], largest


def _cells(values: pd.Series[Any], form: str) -> list[Any]:
    """Values as JSON knows them: rounded to what is shown, unknown as None."""
    if form == "date":
        days = pd.to_datetime(values).to_numpy(dtype="datetime64[D]")
        cells, unknown = days.astype(str).tolist(), np.isnat(days)
    else:
        numbers = values.to_numpy(dtype=float).round(4 if form == "percent" else 2)
        cells, unknown = numbers.tolist(), np.isnan(numbers)
    for place in np.flatnonzero(unknown).tolist():
        cells[place] = None
    return list(cells)
