"""What the money part is worth: intervals of renewal totals, expected spend beside plain rules, clockwork buyers.

    python benchmarks/money.py renewals               how often a month's 90 % interval holds what was kept
    python benchmarks/money.py spend                  expected spend by buyer beside three plain rules
    python benchmarks/money.py clockwork              expected purchases of buyers with an exact rhythm

Real data is read from the folder that CLIENTCARE_DATA names; what is not there is left out.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

import clientcare as cc

GRACE_SHARE, LEAST_GRACE, MOST_GRACE = 0.1, 7, 45
"""A renewal may come so late after the end of its term, in parts of the term, and in days at least and at most."""


# Renewals


def terms_firm(seed: int, n_buyers: int = 250, priced: bool = True) -> pd.DataFrame:
    """Terms of 6, 12 and 24 months; the unhappy leave at the end, and now and then before it; prices step at renewals.

    Years differ by a common move, as prices and rivals make them.
    """
    rng = np.random.default_rng(seed)
    first, last = pd.Timestamp("2019-01-01"), pd.Timestamp("2026-01-01")
    by_year = {year: rng.normal(0.0, 0.3) for year in range(2018, 2030)}
    rows = []
    for buyer in range(n_buyers):
        mood, length = rng.normal(), int(rng.choice([6, 12, 24], p=[0.3, 0.5, 0.2]))
        start = first + pd.Timedelta(days=int(rng.integers(0, 2200)))
        amount = float(np.round(np.exp(rng.normal(4.5, 0.8)), 2))
        while start < last:
            end = start + pd.DateOffset(months=length) - pd.Timedelta(days=1)
            mood = 0.8 * mood + 0.6 * rng.normal()
            breaks = rng.random() < 1 - np.exp(-length / 12 * np.exp(-3.2 - 0.8 * mood))
            gone = (
                start + pd.Timedelta(days=int(rng.integers(20, max((end - start).days, 21))))
                if breaks
                else pd.NaT
            )
            rows.append((f"b{buyer:04d}", start, end, gone, amount, f"{length} months", mood))
            stays = 1 / (1 + np.exp(-(1.5 + 0.9 * mood + by_year[end.year])))
            if breaks or rng.random() > stays:
                break
            start = end + pd.Timedelta(days=1)
            amount = float(np.round(amount * rng.choice([1.0, 1.04, 1.1], p=[0.5, 0.3, 0.2]), 2))
    columns = ["buyer_id", "start", "end", "cancelled_at", "amount", "plan", "mood"]
    table = pd.DataFrame(rows, columns=columns)
    return table if priced else table.drop(columns="amount")


def _moody_contacts(terms: pd.DataFrame, seed: int) -> pd.DataFrame:
    """A contact a month in which the buyer's mood shows as a rating."""
    rng = np.random.default_rng(seed)
    rows = []
    for term in terms.itertuples():
        stop = min(term.end, term.cancelled_at) if pd.notna(term.cancelled_at) else term.end
        for day in pd.date_range(term.start + pd.Timedelta(days=15), stop, freq="30D"):
            rows.append(
                (term.buyer_id, day, "call", "outbound", float(np.clip(3 + term.mood + rng.normal(), 1, 5)))
            )
    return pd.DataFrame(rows, columns=["buyer_id", "timestamp", "kind", "direction", "satisfaction"])


Case = tuple[str, cc.Histories, pd.DataFrame, list[pd.Timestamp]]


def renewal_cases(n_firms: int, only: list[str]) -> Iterator[Case]:
    """Firms and data sets, their contracts, and the dates at which is asked what comes up."""
    for seed in range(n_firms if "own" in only else 0):
        terms = terms_firm(seed)
        contracts = terms.drop(columns="mood")
        histories = cc.Histories(
            interactions=_moody_contacts(terms, seed),
            contracts=contracts,
            observed_until="2026-01-01",
            satisfaction_scale=(1, 5),
        )
        yield "own", histories, contracts, _dates("2023-03-01", "2023-09-01", "2024-03-01")
    for seed in range(n_firms if "service_firm" in only else 0):
        firm = cc.datasets.simulate_histories("service_firm", n_buyers=250, random_state=seed)
        dates = [firm.observed_until - pd.Timedelta(days=days) for days in (560, 490, 420)]
        yield "service_firm", firm.histories, firm.contracts, dates
    folder = Path(os.environ.get("CLIENTCARE_DATA", "."))
    for name, dates in REAL_DATES.items():
        if name in only and (folder / name).exists():
            contracts = pd.read_parquet(folder / name / "contracts.parquet")
            contracts = contracts.rename(columns={"subscription_id": "contract_id"})
            yield name, cc.Histories(contracts=contracts), contracts, _dates(*dates)


REAL_DATES = {
    "ravenstack_saas": ("2024-01-01", "2024-03-01", "2024-05-01", "2024-07-01"),
    "oulad": ("2014-04-15", "2014-11-15", "2015-01-15", "2015-02-15"),
}


def _dates(*texts: str) -> list[pd.Timestamp]:
    return [pd.Timestamp(text) for text in texts]


def kept_after(contracts: pd.DataFrame, ends: pd.DataFrame) -> np.ndarray:
    """Whether each end was followed: a further term of the buyer runs when the grace is over. By brute force."""
    terms = _stops(contracts)
    of = terms.groupby("buyer_id").indices
    start, stop, last_day = (terms[name].to_numpy() for name in ("start", "stop", "last_day"))
    kept = np.zeros(len(ends), dtype=bool)
    for place, (buyer, end) in enumerate(zip(ends["buyer_id"], ends["end"].to_numpy(), strict=True)):
        rows = of[buyer]
        begun = start[rows][(last_day[rows] == end) & (start[rows] <= end)].max()
        days = (end - begun) / np.timedelta64(1, "D") + 1
        grace = int(np.clip(np.rint(GRACE_SHARE * days), LEAST_GRACE, MOST_GRACE))
        after = end + np.timedelta64(1 + grace, "D")
        kept[place] = bool(((start[rows] > begun) & (start[rows] < after) & (after <= stop[rows])).any())
    return kept


def _stops(contracts: pd.DataFrame) -> pd.DataFrame:
    """Every contract with its last day as scheduled, and the moment at which it stopped."""
    last_day = contracts["end"].dt.normalize()
    stop = (last_day + pd.Timedelta(days=1)).fillna(pd.Timestamp("2200-01-01"))
    if "cancelled_at" in contracts:
        stop = stop.where(~(contracts["cancelled_at"] < stop), contracts["cancelled_at"])
    return contracts.assign(stop=stop, last_day=last_day)


def run_renewals(n_firms: int, only: list[str], every: int) -> pd.DataFrame:
    """Months whose 90 % interval held what was kept, in money and counted; the model is learned at every so many-th date."""
    rows = []
    for name, histories, contracts, dates in renewal_cases(n_firms, only):
        model = None
        for number, date in enumerate(dates):
            if number % every == 0:
                model = cc.RelationshipModel(horizon="90D", effort="quick", random_state=0).fit(
                    histories, as_of=date
                )
            coming = cc.renewals(model, histories, date)
            seen = coming.ends[
                coming.ends["end"] + pd.Timedelta(days=MOST_GRACE + 1) < histories.observed_until
            ]
            kept = kept_after(contracts, seen)
            month = seen["end"].dt.to_period("M").dt.end_time.dt.normalize()
            whole = histories.observed_until - pd.Timedelta(days=MOST_GRACE + 1)
            came = (
                pd.DataFrame({"money": np.nan_to_num(seen["amount"]) * kept, "n": kept}).groupby(month).sum()
            )
            for at, told in coming.months[coming.months.index < whole].iterrows():
                if not told["n_ends"]:
                    continue
                rows.append(
                    {"case": name, "as_of": date, "month": at, "ahead": (at - date).days // 91,
                     "money": came["money"].get(at, 0.0),
                     "n": came["n"].get(at, 0.0), **told}
                )  # fmt: skip
    table = pd.DataFrame(rows)
    table["money held"] = (table["low"] - 0.005 <= table["money"]) & (table["money"] <= table["high"] + 0.005)
    table["count held"] = (table["n_low"] <= table["n"]) & (table["n"] <= table["n_high"])
    table["money held"] = table["money held"].astype(float).where(table["amount"] > 0)

    def summary(by: list[str]) -> pd.DataFrame:
        grouped = table.groupby(by)
        told = grouped[["money held", "count held"]].agg(lambda held: held.astype(float).mean())
        told["months"] = grouped.size()
        told["ends"] = grouped["n_ends"].sum()
        told["came / expected"] = grouped["n"].sum() / grouped["n_expected"].sum()
        told["money / expected"] = grouped["money"].sum() / grouped["expected"].sum()
        told["width, ends"] = grouped["n_high"].mean() - grouped["n_low"].mean()
        return told.round(3)

    print(summary(["case"]).to_string())
    print(summary(["case", "ahead"]).to_string())
    return table


# Expected spend

SPEND_CASES = {
    "online_retail": (90, ("2011-06-12", "2011-09-10")),
    "complete_journey": (90, ("2017-07-01", "2017-10-01")),
    "cdnow": (90, ("1997-10-01", "1998-04-01")),
}
"""Horizon in days, and dates at which is asked; the last whose horizon is observed among them."""
TOP = 0.1


def plain_rules(histories: cc.Histories, as_of: pd.Timestamp, days: int) -> pd.DataFrame:
    """Three rules by buyer: what the last period brought, the buyer's own mean a period, and Gamma-Gamma."""
    from clientcare.btyd import BGNBD, GammaGamma, expected_spend, purchase_summary

    known = histories.until(as_of)
    X = purchase_summary(known, as_of)
    last = spent_in(histories, as_of - pd.Timedelta(days=days), as_of).reindex(X.index).fillna(0.0)
    ever = spent_in(histories, pd.Timestamp("1900-01-01"), as_of).reindex(X.index).fillna(0.0)
    periods = np.maximum(X["days_since_first_purchase"] / days, 1.0)
    buying, spend = BGNBD().fit(X), GammaGamma().fit(X)
    return pd.DataFrame(
        {
            "last period": last,
            "own mean": ever / periods,
            "BG/NBD x Gamma-Gamma": expected_spend(buying, spend, X, days),
            "past spend": ever,
        }
    )


def spent_in(histories: cc.Histories, since: pd.Timestamp, until: pd.Timestamp) -> pd.Series:
    """What each buyer paid in [since, until), returns taken off."""
    events = histories.events("transactions")
    time = events.time.astype("datetime64[us]")
    inside = (time >= np.datetime64(since)) & (time < np.datetime64(until))
    amount = np.nan_to_num(events.columns["amount"][inside])
    total = np.bincount(events.buyer[inside], amount, minlength=len(histories.buyer_ids))
    return pd.Series(total, index=pd.Index(histories.buyer_ids, name="buyer_id"))


def run_spend(only: list[str]) -> pd.DataFrame:
    """Mean absolute error by buyer, and the share of the money to come that the top tenth brings, beside plain rules."""
    rows = []
    folder = Path(os.environ.get("CLIENTCARE_DATA", "."))
    for name, (days, dates) in SPEND_CASES.items():
        if name not in only or not (folder / name).exists():
            continue
        histories = cc.Histories(pd.read_parquet(folder / name / "transactions.parquet"))
        for as_of in map(pd.Timestamp, dates):
            rules = plain_rules(histories, as_of, days)
            model = cc.RelationshipModel(horizon=f"{days}D", random_state=0).fit(histories, as_of=as_of)
            rules.insert(
                0, "clientcare", model.score(histories, as_of=as_of)["expected_spend"].reindex(rules.index)
            )
            came = spent_in(histories, as_of, as_of + pd.Timedelta(days=days)).reindex(rules.index)
            top = round(TOP * len(rules))
            for rule in rules:
                said = rules[rule]
                error = np.nan if rule == "past spend" else float((said - came).abs().mean())
                first = came.loc[said.sort_values(ascending=False, kind="stable").index[:top]]
                rows.append(
                    {"data": name, "as_of": as_of.date(), "rule": rule, "mean absolute error": error,
                     "share of the top tenth": first.sum() / came.sum(), "said / came": said.sum() / came.sum(),
                     "buyers": len(rules), "mean came": came.mean()}
                )  # fmt: skip
    table = pd.DataFrame(rows).set_index(["data", "as_of", "rule"])
    print(table.round(4).to_string())
    return table


# Clockwork


def run_clockwork(n_bases: int) -> pd.DataFrame:
    """Expected over seen purchases where everybody buys every 7, 14 or 30 days, give or take a day, until they leave."""
    rows = []
    for cycle in (7, 14, 30):
        for seed in range(n_bases):
            histories = clockwork_base(cycle, seed)
            for as_of in _dates("2023-07-01", "2023-09-12"):
                model = cc.RelationshipModel(horizon="90D", effort="quick", random_state=0).fit(
                    histories, as_of=as_of
                )
                book = model.score(histories, as_of=as_of)
                came = _bought_days(histories, as_of, 90).reindex(book.index).fillna(0)
                rows.append(
                    {"cycle": cycle, "seed": seed, "as_of": as_of.date(), "expected": book["expected_purchases"].sum(),
                     "came": came.sum(), "error by buyer": (book["expected_purchases"] - came).abs().mean(),
                     "mean came": came.mean()}
                )  # fmt: skip
    table = pd.DataFrame(rows)
    table["ratio"] = table["expected"] / table["came"]
    print(table.round(3).to_string())
    return table


def clockwork_base(cycle: int, seed: int, n_buyers: int = 300) -> cc.Histories:
    """Buyers with an exact rhythm and a yearly chance to leave of a third."""
    rng = np.random.default_rng([seed, cycle])
    rows = []
    for buyer in range(n_buyers):
        day = float(rng.integers(0, 400))
        gone = day + rng.exponential(365 / 0.4)
        while day < min(gone, 730):
            rows.append((buyer, pd.Timestamp("2022-01-01") + pd.Timedelta(days=int(day)), 20.0))
            day += cycle + int(rng.integers(-1, 2))
    bought = pd.DataFrame(rows, columns=["buyer_id", "timestamp", "amount"])
    return cc.Histories(bought, observed_until="2023-12-31")


def _bought_days(histories: cc.Histories, as_of: pd.Timestamp, days: int) -> pd.Series:
    events = histories.events("transactions")
    time = events.time.astype("datetime64[us]")
    inside = (time >= np.datetime64(as_of)) & (time < np.datetime64(as_of + pd.Timedelta(days=days)))
    n = np.bincount(events.buyer[inside], minlength=len(histories.buyer_ids))
    return pd.Series(n, index=pd.Index(histories.buyer_ids, name="buyer_id"))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["renewals", "spend", "clockwork"])
    parser.add_argument("--firms", type=int, default=12, help="renewals, clockwork: how many simulated firms")
    parser.add_argument("--only", nargs="+", default=["own", "service_firm", *REAL_DATES, *SPEND_CASES])
    parser.add_argument("--every", type=int, default=1, help="renewals: learn at every so many-th date")
    options = parser.parse_args()
    if options.what == "renewals":
        run_renewals(options.firms, options.only, options.every)
    elif options.what == "spend":
        run_spend(options.only)
    else:
        run_clockwork(options.firms)


if __name__ == "__main__":
    main()
