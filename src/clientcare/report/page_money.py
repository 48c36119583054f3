"""The page's trend, what comes up for renewal, and who has fallen silent."""

from __future__ import annotations

from typing import Any

import pandas as pd

from clientcare.exceptions import ClientcareError, NotEnoughDataError
from clientcare.history import Histories
from clientcare.model import RelationshipModel
from clientcare.money import renewals
from clientcare.report.page_headline import money
from clientcare.report.trend import trend_table

N_MONTHS = 12
MOST_ENDS = 20
MOST_SILENT = 20


def trend_of(
    model: RelationshipModel, known: Histories, moment: pd.Timestamp, unit: str
) -> list[dict[str, str]]:
    """The months up to the date, latest first; none where fewer than two were observed."""
    try:
        table = trend_table(known, moment, N_MONTHS, model.learned_.status)
    except NotEnoughDataError:
        return []
    return [
        {
            "month": f"{month:%Y-%m}",
            "living": f"{int(row['living']):,}",
            "came": f"{int(row['came']):,}",
            "left": f"{int(row['left']):,}",
            "money": "" if pd.isna(row["money"]) else money(row["money"], unit),
            "kept": "" if pd.isna(row["net_retention"]) else f"{row['net_retention']:.0%}",
        }
        for month, row in table.iloc[::-1].iterrows()
    ]


def renewals_ahead(
    model: RelationshipModel, known: Histories, moment: pd.Timestamp, names: dict[Any, str], unit: str
) -> dict[str, Any] | None:
    """Months with what they are expected to keep, and the ends that come first; None where no contract has an end."""
    try:
        coming = renewals(model, known, moment)
    except ClientcareError:
        return None
    if coming.ends.empty:
        return None
    months = [
        {
            "month": f"{month:%Y-%m}",
            "ends": f"{int(row['n_ends']):,}",
            "amount": money(row["amount"], unit),
            "expected": money(row["expected"], unit),
            "range": f"{row['low']:,.0f} to {money(row['high'], unit)}",
        }
        for month, row in coming.months.iterrows()
        if row["n_ends"]
    ]
    ends = [
        {
            "end": f"{row['end']:%Y-%m-%d}",
            "buyer": names.get(row["buyer_id"], ""),
            "amount": "" if pd.isna(row["amount"]) else money(row["amount"], unit),
            "chance": "" if pd.isna(row["chance"]) else f"{row['chance']:.0%}",
            "word": "" if pd.isna(row["last_word"]) else f"{row['last_word']:%Y-%m-%d}",
        }
        for row in coming.ends.head(MOST_ENDS).to_dict("records")
    ]
    note = f"The first {len(ends):,} of {len(coming.ends):,}." if len(ends) < len(coming.ends) else ""
    return {"months": months, "ends": ends, "note": note}


def the_silent(book: pd.DataFrame, names: dict[Any, str], unit: str) -> list[dict[str, str]]:
    """Those who are still here and silent longer than their rhythm allows, most at stake first."""
    quiet = book[(book["status"].astype(object) == "quiet").to_numpy()].head(MOST_SILENT)
    return [
        {
            "buyer": names[buyer],
            "risk": f"{row['churn_risk']:.0%}",
            "at_stake": "" if pd.isna(row["at_stake"]) else money(row["at_stake"], unit),
            "overdue": "" if pd.isna(row["overdue_ratio"]) else f"{row['overdue_ratio']:.1f}",
            "reason": str(row["reason_1"] or ""),
        }
        for buyer, row in quiet.iterrows()
    ]
