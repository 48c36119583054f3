"""Agencies of fifty whose buyers fall silent before they leave: what the plan's first five hold, and how early it is seen.

Run: ``python benchmarks/agency.py plan|money|warning [first seed] [last seed]``. A world of its own law, no part of the
package: a term of 180 or 365 days, 12 or 22 % of the terms not renewed, four in five leavers quiet from 60 to 150 days
before the end, and everybody quiet for a month now and then. Two dates a firm; a model learns anew at each.
"""

from __future__ import annotations

import sys
from collections import Counter

import numpy as np
import pandas as pd

import clientcare as cc

FIRST_DAY = pd.Timestamp("2021-01-01")
YEARS = 3
TOP = 5
"""What a small agency can call in a week."""
WARNING_LINES = (0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7)


def agency(seed: int, n: int = 50, *, equal_fees: bool = True) -> tuple[cc.Histories, pd.Series]:
    """One agency, and the monthly fee of each buyer."""
    rng = np.random.default_rng(seed)
    end = FIRST_DAY + pd.Timedelta(days=365 * YEARS)
    terms: list[tuple] = []
    contacts: list[tuple] = []
    fees = (
        np.full(n, 1000.0)
        if equal_fees
        else np.round(np.exp(np.random.default_rng(seed + 999).normal(7, 0.8, n)))
    )
    for number in range(n):
        buyer = f"b{number:02d}"
        start = FIRST_DAY + pd.Timedelta(days=int(rng.integers(0, 365)))
        term, pace = int(rng.choice([180, 365])), float(rng.choice([5, 7, 14]))
        leave, begin = end + pd.Timedelta(days=400), start
        while begin < end:
            last = begin + pd.Timedelta(days=term - 1)
            terms.append((buyer, begin, last, fees[number]))
            if rng.random() < (0.22 if term == 365 else 0.12):
                leave = last
                break
            begin = last + pd.Timedelta(days=1)
        quiet_from = leave + pd.Timedelta(days=999)
        if rng.random() < 0.8:
            quiet_from = leave - pd.Timedelta(days=int(rng.integers(60, 150)))
        holidays = [FIRST_DAY + pd.Timedelta(days=int(rng.integers(0, 1000))) for _ in range(2)]
        _talk(rng, buyer, start, min(leave, end), quiet_from, holidays, pace, contacts)
    contracts = pd.DataFrame(terms, columns=["buyer_id", "start", "end", "amount"])
    talked = pd.DataFrame(contacts, columns=["buyer_id", "timestamp", "kind", "direction", "status"])
    histories = cc.Histories(
        None,
        talked[talked["timestamp"] < end],
        contracts[contracts["start"] < end],
        observed_from=FIRST_DAY,
        observed_until=end,
    )
    return histories, pd.Series(fees, [f"b{number:02d}" for number in range(n)])


def _talk(rng, buyer, start, stop, quiet_from, holidays, pace, contacts) -> None:
    """Mails both ways, and a check-in every thirty days."""
    day = start
    while day < stop:
        quiet = day > quiet_from or any(away <= day < away + pd.Timedelta(days=30) for away in holidays)
        contacts.append((buyer, day, "email", "outbound", None))
        if rng.random() < (0.12 if quiet else 0.8):
            answer = day + pd.Timedelta(hours=int(rng.integers(2, 60)))
            contacts.append((buyer, answer, "email", "inbound", None))
        day += pd.Timedelta(hours=float(24 * rng.exponential(pace) + 12))
    for month in pd.date_range(start, stop, freq="30D"):
        missed = rng.random() < (0.6 if month > quiet_from else 0.1)
        contacts.append((buyer, month, "check_in", "outbound", "missed" if missed else "kept"))


def judged(histories: cc.Histories, as_of: pd.Timestamp) -> tuple[pd.DataFrame, pd.Series, pd.Series]:
    """The book at a date, who left within 90 days, and days to the end of the contract of those under one."""
    model = cc.RelationshipModel(horizon="90D", effort="quick", random_state=0).fit(histories, as_of=as_of)
    book = model.score(histories, as_of=as_of)
    left = cc.ChurnDefinition("90D").label(histories, as_of).reindex(book.index).astype(bool)
    facts = cc.feature_table(histories, as_of, families=["contract"]).reindex(book.index)
    ends = facts["days_to_contract_end"].fillna(np.inf)[facts["has_contract_in_force"] == 1]
    return book, left, ends


def tops(
    book: pd.DataFrame, ends: pd.Series, fees: pd.Series, plan: pd.DataFrame, draw: int
) -> dict[str, list]:
    """The first five by the plan, by the risk, and by the two numbers (ties by lot); money counts where fees differ."""
    two = pd.Series(np.where(ends < 90, 0.15, 0.01), ends.index) * fees[ends.index]
    risk = book.loc[ends.index, "churn_risk"] * fees[ends.index]
    by_lot = two.sample(frac=1, random_state=draw).sort_values(ascending=False, kind="stable")
    return {
        "plan": plan["buyer_id"].drop_duplicates().head(TOP).tolist(),
        "risk": risk.sort_values(ascending=False, kind="stable").index[:TOP].tolist(),
        "two numbers": by_lot.index[:TOP].tolist(),
    }


def run_plan(seeds: range, *, equal_fees: bool) -> None:
    """Leavers (or the fees they took with them) among the first five, over firms and two dates each."""
    found: Counter = Counter()
    for seed in seeds:
        histories, fees = agency(seed, equal_fees=equal_fees)
        for back in (92, 190):
            as_of = histories.observed_until - pd.Timedelta(days=back)
            book, left, ends = judged(histories, as_of)
            lost = left * (1.0 if equal_fees else fees.reindex(left.index))
            plan = cc.care_plan(book, histories, as_of)
            for name, top in tops(book, ends, fees, plan, seed).items():
                found[name] += float(lost[top].sum())
            found["all"] += float(lost[ends.index].sum())
        print(seed, {name: round(value) for name, value in found.items()}, flush=True)


def run_warning(seeds: range) -> None:
    """Never warned at the line that past dates choose, with the lead time, beside the rule of ends within 90 days."""
    lines, leavers = [], []
    for seed in seeds:
        histories, _ = agency(seed)
        dates = pd.date_range(end=histories.observed_until - pd.Timedelta(days=92), periods=9, freq="30D")
        model = cc.RelationshipModel(horizon="90D", effort="quick", random_state=0)
        found = cc.warn_with_model(model, histories, dates, lines=WARNING_LINES)
        lines.append(found.lines.reset_index().assign(seed=seed))
        leavers.append(found.leavers.assign(seed=seed))
        line, said = found.chosen_line()
        print(seed, line, said, flush=True)
    table = pd.concat(lines)
    counts = ["n_leavers", "n_warned", "n_true_alarms", "n_false_alarms"]
    sums = table.groupby(["rule", "line"])[counts].sum()
    sums["never_warned"] = 1 - sums["n_warned"] / sums["n_leavers"]
    print(sums.round(3).to_string())
    print(pd.concat(leavers).groupby("line")["lead_days"].describe().round(0).to_string())


if __name__ == "__main__":
    what = sys.argv[1] if len(sys.argv) > 1 else "plan"
    chosen = range(*(int(text) for text in sys.argv[2:4])) if len(sys.argv) > 3 else range(12)
    if what == "warning":
        run_warning(chosen)
    else:
        run_plan(chosen, equal_fees=what == "plan")
