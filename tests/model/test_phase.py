"""Bills on the first: a book is as right on billing day as on any other day of the month."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import clientcare as cc
from clientcare.model.training.snapshots import goes_by_the_month

END = pd.Timestamp("2025-04-30")


@pytest.fixture(scope="module")
def billed() -> tuple[cc.Histories, pd.DataFrame]:
    """Four hundred subscribers at 100 a month, billed on the 1st; three of a hundred leave each month."""
    rng = np.random.default_rng(1)
    months = pd.date_range("2022-01-01", "2024-06-01", freq="MS")
    rows = []
    for buyer in range(400):
        start = months[rng.integers(len(months))]
        days = [start + pd.DateOffset(months=j) for j in range(int(rng.geometric(0.03)))]
        rows += [(buyer, day, 100.0) for day in days if day <= END]
    bills = pd.DataFrame(rows, columns=["buyer_id", "timestamp", "amount"])
    return cc.Histories(bills, observed_until="2025-05-01"), bills


def test_the_calendar_of_a_base_is_found_and_not_imagined(billed: tuple[cc.Histories, pd.DataFrame]) -> None:
    assert goes_by_the_month(billed[0], pd.Timestamp("2025-01-01"))
    assert not goes_by_the_month(cc.datasets.load_retailer(), pd.Timestamp("2024-06-01"))


@pytest.mark.parametrize("day", ["2024-12-15", "2024-12-31", "2025-01-01", "2025-01-02"])
def test_the_risk_of_subscribers_is_near_what_came_on_every_day_of_the_month(
    billed: tuple[cc.Histories, pd.DataFrame], day: str
) -> None:
    histories, bills = billed
    as_of = pd.Timestamp(day)
    last = bills[bills["timestamp"] < as_of].groupby("buyer_id")["timestamp"].max()
    here = last.index[last >= as_of - pd.Timedelta(days=31)]
    ahead = bills[bills["timestamp"].between(as_of, as_of + pd.Timedelta(days=90), inclusive="left")]
    came = 1 - here.isin(ahead["buyer_id"]).mean()

    book = (
        cc.RelationshipModel("90D", effort="quick", random_state=0)
        .fit(histories, as_of=as_of)
        .score(histories, as_of=as_of)
    )

    assert abs(book.loc[here, "churn_risk"].median() - came) < 0.05
    assert book.loc[here, "expected_purchases"].mean() == pytest.approx(
        ahead["buyer_id"].isin(here).sum() / len(here), rel=0.1
    )


def subscribers(step: int, seed: int, weekends: bool = False) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Bills and contracts of those who are billed every so many months from the day they came; 4 of 100 leave a month."""
    rng = np.random.default_rng(seed)
    bills, terms = [], []
    for buyer in range(800):
        start = pd.Timestamp("2021-06-01") + pd.Timedelta(days=int(rng.integers(0, 1200)))
        n_paid = int(rng.geometric(1 - 0.96**step))
        for number in range(n_paid):
            day = start + pd.DateOffset(months=step * number)
            if weekends and day.weekday() >= 5:
                day += pd.Timedelta(days=7 - day.weekday())
            if day <= END:
                bills.append((buyer, day, 20.0 * step))
        stop = start + pd.DateOffset(months=step * n_paid)
        terms.append((buyer, start, stop if stop <= END else pd.NaT, 20.0))
    return (
        pd.DataFrame(bills, columns=["buyer_id", "timestamp", "amount"]),
        pd.DataFrame(terms, columns=["buyer_id", "start", "cancelled_at", "amount"]),
    )


@pytest.mark.parametrize(
    ("step", "weekends", "horizon", "with_contracts"),
    [(1, False, 90, False), (1, True, 90, False), (3, False, 92, False), (1, False, 90, True)],
)
def test_billing_of_any_form_is_believed_and_a_missed_cycle_is_the_event(
    step: int, weekends: bool, horizon: int, with_contracts: bool
) -> None:
    bills, terms = subscribers(step, seed=7, weekends=weekends)
    as_of, day = pd.Timestamp("2024-12-10"), pd.Timedelta(days=1)
    histories = cc.Histories(bills, contracts=terms if with_contracts else None, observed_until=END + day)
    stop = terms.set_index("buyer_id")["cancelled_at"]
    book = (
        cc.RelationshipModel(f"{horizon}D", effort="quick", random_state=0)
        .fit(histories, as_of=as_of)
        .score(histories, as_of=as_of)
    )
    stop = stop.reindex(book.index)
    paying = book.index[stop.isna() | (stop >= as_of)]
    missed = book.index[(stop < as_of - 7 * day) & (stop >= as_of - 31 * step * day)]
    came = cc.ChurnDefinition(horizon).label(histories, as_of).reindex(paying).mean()
    ahead = bills[bills["timestamp"].between(as_of, as_of + horizon * day, inclusive="left")]
    paid = ahead.loc[ahead["buyer_id"].isin(paying), "amount"].sum()

    risk = book["churn_risk"]
    assert len(missed) >= 5
    assert abs(risk[paying].median() - came) < 0.05
    assert risk[missed].median() > 5 * risk[paying].median()
    assert book.loc[paying, "expected_spend"].sum() == pytest.approx(paid, rel=0.1)
