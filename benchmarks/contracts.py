"""Where people are bound: how right the model is of those under contract, beside the two simplest rules.

    python benchmarks/contracts.py --data FOLDER [--only oulad,foodie_fi] [--dates 2014-05-15] [--efforts default,quick]

Each data set is asked at a few dates; everything is fitted on what was known then. Counted are the buyers who are under
contract at the date and, where that is said, stay so by their term through the horizon. ``base rate`` is the share of
leavers among those under contract at past monthly dates, ``two numbers`` that share apart for terms that end within
the horizon and for the others. Expected over came is the sum of the risks over the leavers seen. Where two efforts are
run, ``same class`` is the share of buyers whom both call the same.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

import clientcare as cc
from clientcare.evaluation.metrics import log_losses

MONTHS_BACK = 24
"""Of the past monthly dates that the simple rules count their shares on."""


@dataclass(frozen=True)
class Asked:
    """One data set and what is asked of it."""

    load: Callable[[Path], cc.Histories]
    horizon_days: int
    dates: tuple[str, ...]
    whole_horizon: bool = False


def course_contracts(folder: Path) -> cc.Histories:
    """Courses of the Open University: terms that start and end together."""
    return cc.Histories(
        contracts=pd.read_parquet(folder / "contracts.parquet"),
        interactions=pd.read_parquet(folder / "interactions.parquet"),
        satisfaction_scale=(0, 100),
    )


def with_contacts(folder: Path) -> cc.Histories:
    """Contracts and, where there are any, contacts."""
    contacts = folder / "interactions.parquet"
    return cc.Histories(
        contracts=pd.read_parquet(folder / "contracts.parquet"),
        interactions=pd.read_parquet(contacts) if contacts.exists() else None,
        satisfaction_scale=(1, 5) if contacts.exists() else None,
    )


SETS = {
    "oulad": Asked(course_contracts, 30, ("2014-05-15", "2014-11-15", "2015-01-15", "2015-02-15"), True),
    "ravenstack_saas": Asked(with_contacts, 90, ("2024-03-01", "2024-06-01", "2024-09-01")),
    "foodie_fi": Asked(with_contacts, 30, ("2020-12-15", "2021-01-15", "2021-02-15", "2021-03-15")),
}


def bound_at(histories: cc.Histories, date: pd.Timestamp, horizon_days: int) -> pd.DataFrame:
    """Those under contract at a date: ``ends`` within the horizon or not, and whether they ``left``."""
    table = cc.feature_table(histories.until(date), date, families=["contract"])
    table = table[table["has_contract_in_force"] > 0]
    ends = (table["days_to_contract_end"] < horizon_days) & (table["has_open_ended_contract"] == 0)
    left = cc.ChurnDefinition(horizon_days).label(histories, date).reindex(table.index).astype(bool)
    return pd.DataFrame({"ends": ends, "left": left})


def measured(
    name: str, asked: Asked, folder: Path, date: pd.Timestamp, efforts: list[str]
) -> dict[str, object]:
    """One row of the table."""
    histories = asked.load(folder)
    now = bound_at(histories, date, asked.horizon_days)
    past = pd.concat(
        bound_at(histories.until(date), then, asked.horizon_days)
        for then in (date - pd.DateOffset(months=months) for months in range(1, MONTHS_BACK))
        if then + pd.Timedelta(days=asked.horizon_days) <= date and then > histories.observed_from
    )
    if asked.whole_horizon:
        now, past = now[~now["ends"]], past[~past["ends"]]
    y = now["left"].to_numpy(dtype=np.float64)
    share = past["left"].mean()
    by_end = past.groupby("ends")["left"].mean().reindex([False, True]).fillna(share)
    rules = {
        "base rate": np.full(len(y), share),
        "two numbers": now["ends"].map(by_end).to_numpy(dtype=np.float64),
    }
    row: dict[str, object] = {"data": name, "as of": f"{date:%Y-%m-%d}", "n": len(y), "left": int(y.sum())}
    for rule, said in rules.items():
        row[rule] = f"{log_losses(y, said).mean():.4f}"
    books = {}
    for effort in efforts:
        begun = time.process_time()
        model = cc.RelationshipModel(horizon=asked.horizon_days, effort=effort).fit(histories, date)
        books[effort] = book = model.score(histories, date)
        seconds = time.process_time() - begun
        said = book["churn_risk"].reindex(now.index).to_numpy(dtype=np.float64)
        auc = roc_auc_score(y, said) if 0 < y.sum() < len(y) else np.nan
        row[effort] = f"{log_losses(y, said).mean():.4f} / {auc:.3f}"
        row[f"{effort}: expected/came"] = f"{said.sum() / max(y.sum(), 1):.2f}"
        row[f"{effort}: CPU s"] = f"{seconds:.0f}"
    if len(books) == 2:
        one, other = (book["relationship"].reindex(now.index) for book in books.values())
        row["same class"] = f"{(one == other).mean():.1%}"
    return row


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--only", default=",".join(SETS))
    parser.add_argument("--dates", default="")
    parser.add_argument("--efforts", default="default")
    given = parser.parse_args()
    for name in given.only.split(","):
        asked = SETS[name]
        for date in given.dates.split(",") if given.dates else asked.dates:
            row = measured(name, asked, given.data / name, pd.Timestamp(date), given.efforts.split(","))
            print("  ".join(f"{key} {value}" for key, value in row.items()), flush=True)


if __name__ == "__main__":
    main()
