"""What moved since an earlier book: who came and went, clients won and lost, risk, money, and who moved most."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from clientcare.exceptions import OptionError
from clientcare.report.page_headline import money

MOST_MOVERS = 10


def moves_of(
    book: pd.DataFrame, previous: pd.DataFrame | None, names: dict[Any, str], unit: str
) -> dict[str, Any] | None:
    """Figures before and now, and the buyers whose risk moved most; None without an earlier book.

    Raises
    ------
    OptionError
        Where the earlier book is not earlier.
    """
    if previous is None or book.empty or previous.empty:
        return None
    since, now = pd.Timestamp(previous["as_of"].max()), pd.Timestamp(book["as_of"].iloc[0])
    if since >= now:
        raise OptionError(
            f"write_report: previous is a book as of {since:%Y-%m-%d}, which is not before {now:%Y-%m-%d}."
        )
    here, was = _living(book), _living(previous)
    clients, were = _clients(here), _clients(was)
    rows = [
        ("buyers here", f"{len(was):,}", f"{len(here):,}",
         f"{len(here.index.difference(was.index)):,} came or came back, {len(was.index.difference(here.index)):,} left"),
        ("clients", f"{len(were):,}", f"{len(clients):,}",
         f"{len(clients.difference(were)):,} won, {len(were.difference(clients)):,} lost"),
        ("mean churn risk", f"{was['churn_risk'].mean():.1%}", f"{here['churn_risk'].mean():.1%}", ""),
    ]  # fmt: skip
    for name, words in (("expected_spend", "expected spend"), ("at_stake", "money at risk")):
        if name in was and was[name].notna().any() and here[name].notna().any():
            before, after = float(was[name].sum()), float(here[name].sum())
            rows.append((words, money(before, unit), money(after, unit), f"{after - before:+,.0f}"))
    same = int(previous["horizon_days"].iloc[0]) == int(book["horizon_days"].iloc[0])
    return {
        "since": f"{since:%Y-%m-%d}",
        "rows": [
            {"name": name, "before": before, "now": now, "note": note} for name, before, now, note in rows
        ],
        "movers": _movers(here, was, names),
        "note": ""
        if same
        else "The two books speak of horizons of different length: compare people, not risks.",
    }


def _living(book: pd.DataFrame) -> pd.DataFrame:
    return book if "status" not in book else book[(book["status"].astype(object) != "gone").to_numpy()]


def _clients(living: pd.DataFrame) -> pd.Index:
    return living.index[(living["relationship"].astype(object) == "client").to_numpy()]


def _movers(here: pd.DataFrame, was: pd.DataFrame, names: dict[Any, str]) -> list[dict[str, str]]:
    """Whose risk moved most, up or down, with the first reason of today."""
    both = here.index.intersection(was.index)
    before = was["churn_risk"].reindex(both).to_numpy(dtype=float)
    after = here["churn_risk"].reindex(both).to_numpy(dtype=float)
    moved = np.nan_to_num(after - before)
    order = np.argsort(-np.abs(moved), kind="stable")[:MOST_MOVERS]
    return [
        {
            "buyer": names[both[place]],
            "before": f"{before[place]:.0%}",
            "now": f"{after[place]:.0%}",
            "reason": str(here.at[both[place], "reason_1"] or ""),
        }
        for place in order
        if abs(moved[place]) >= 0.005
    ]
