"""A payment of a contract is no purchase: counted once, as the contract's money, by what was known when it came."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_series_equal

import clientcare as cc


def firm(seed: int = 0, n: int = 60, months: int = 1, tax: float = 0.0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Yearly contracts at 1,000 a month, a fifth lost at each end, with a bill for so many months at the start of each."""
    rng = np.random.default_rng(seed)
    terms, bills = [], []
    for i in range(n):
        start = pd.Timestamp("2020-01-01") + pd.Timedelta(days=int(rng.integers(0, 1200)))
        while start < pd.Timestamp("2026-01-01"):
            end = start + pd.DateOffset(years=1)
            terms.append((f"C{i:03d}", start, end - pd.Timedelta(days=1), 1000.0))
            day = start
            while day < min(end, pd.Timestamp("2026-01-01")):
                bills.append((f"C{i:03d}", day, 1000.0 * months * (1 + tax)))
                day += pd.DateOffset(months=months)
            if rng.random() < 0.2:
                bills.append(
                    (f"C{i:03d}", end + pd.Timedelta(days=5), 1000.0 * months)
                )  # the last bill comes late
                break
            start = end
    return (
        pd.DataFrame(bills, columns=["buyer_id", "timestamp", "amount"]),
        pd.DataFrame(terms, columns=["buyer_id", "start", "end", "amount"]),
    )


def purchases(histories: cc.Histories) -> list[pd.Timestamp]:
    """When there were purchases."""
    events = histories.events("transactions")
    assert events is not None
    return [pd.Timestamp(int(time), unit="us") for time in events.time]


@pytest.mark.parametrize("months", [1, 3, 12])
def test_bills_hide_no_loss(months: int) -> None:
    bills, terms = firm(months=months)
    alone = cc.Histories(contracts=terms, observed_until="2026-01-01")
    both = cc.Histories(bills, contracts=terms, observed_until="2026-01-01")
    dates = ["2024-01-01", "2025-01-01"]

    label = cc.ChurnDefinition("180D").label
    assert_series_equal(label(both, dates), label(alone, dates))
    assert label(alone, dates).mean() > 0.05


def test_how_many_transactions_were_bills_is_told() -> None:
    bills, terms = firm()
    quality = cc.Histories(bills, contracts=terms, observed_until="2026-01-01").quality.set_index("rule")

    n_last_after_end = (
        1 + bills["buyer_id"].nunique()
    )  # at the most: a last bill too close to the one before it is none
    assert len(bills) - n_last_after_end <= quality.loc["bill_of_a_contract", "n_rows"] <= len(bills)


def test_the_money_is_counted_once() -> None:
    bills, terms = firm()
    spends = []
    for transactions in (None, bills):
        histories = cc.Histories(transactions, contracts=terms, observed_until="2026-01-01")
        model = cc.RelationshipModel("90D", effort="quick", random_state=0).fit(histories, as_of="2025-06-01")
        book = model.score(histories, as_of="2025-06-01")
        spends.append(book["expected_spend"].sum())
    assert spends[1] == pytest.approx(spends[0], rel=0.05)


def test_what_else_somebody_under_contract_buys_stays_a_purchase() -> None:
    _, terms = firm(n=20)
    parts = pd.DataFrame(
        {"buyer_id": terms["buyer_id"], "timestamp": terms["start"] + pd.Timedelta(days=40), "amount": 37.5}
    )
    histories = cc.Histories(parts, contracts=terms, observed_until="2026-01-01")

    assert histories.rows.loc["transactions", "rows_kept"] == len(histories.transactions)
    assert "bill_of_a_contract" not in set(histories.quality["rule"])


def test_two_orders_of_the_same_amount_within_a_week_are_not_both_bills() -> None:
    terms = pd.DataFrame({"buyer_id": ["a"], "start": ["2024-01-01"], "amount": [50.0]})
    orders = pd.DataFrame(
        {"buyer_id": "a", "timestamp": ["2024-02-01", "2024-02-04", "2024-03-01"], "amount": 50.0}
    )
    histories = cc.Histories(orders, contracts=terms, observed_until="2024-05-01")

    assert purchases(histories) == [pd.Timestamp("2024-02-04")]
    assert len(histories.transactions) == 3  # as given, bills among them


def test_a_contract_that_is_recorded_later_makes_no_bill_of_an_earlier_order() -> None:
    orders = pd.DataFrame({"buyer_id": "a", "timestamp": ["2024-02-01", "2024-03-01"], "amount": 50.0})
    terms = pd.DataFrame(
        {"buyer_id": ["a"], "start": ["2024-01-15"], "amount": [50.0], "recorded_at": ["2024-02-20"]}
    )
    histories = cc.Histories(orders, contracts=terms, observed_until="2024-05-01")

    assert purchases(histories) == [pd.Timestamp("2024-02-01")]


FIRST_DAYS = pd.date_range("2023-01-01", periods=12, freq="MS")


def n_bills(rows: list[tuple[pd.Timestamp, float]], *terms: tuple[str, float]) -> int:
    """How many of one buyer's transactions are bills of open-ended contracts (start, a month)."""
    paid = pd.DataFrame(rows, columns=["timestamp", "amount"]).assign(buyer_id="a")
    agreed = pd.DataFrame(terms, columns=["start", "amount"]).assign(buyer_id="a")
    quality = cc.Histories(
        paid, contracts=agreed, observed_until="2025-01-01", exact_copies="keep"
    ).quality.set_index("rule")["n_rows"]
    return int(quality.get("bill_of_a_contract", 0))


def test_several_contracts_are_billed_apart_together_or_at_one_price() -> None:
    two = (("2023-01-01", 100.0), ("2023-01-01", 50.0))

    assert n_bills([(day, one) for day in FIRST_DAYS for one in (100.0, 50.0)], *two) == 24
    assert n_bills([(day, 150.0) for day in FIRST_DAYS], *two) == 12
    same = (("2023-01-01", 100.0), ("2023-01-01", 100.0))
    twice = [(day + pd.Timedelta(hours=hour), 100.0) for day in FIRST_DAYS for hour in (8, 9)]
    assert n_bills(twice, *same) == 24
    assert n_bills(twice, same[0]) == 12


def test_a_renewal_makes_no_second_bill_of_a_purchase_beside_it() -> None:
    paid = [(day, 100.0) for day in FIRST_DAYS] + [
        (pd.Timestamp("2023-07-09"), 100.0),
        (pd.Timestamp("2023-07-12"), 200.0),
    ]
    agreed = pd.DataFrame({"start": ["2023-01-01", "2023-07-01"], "end": ["2023-06-30", None]})
    histories = cc.Histories(
        pd.DataFrame(paid, columns=["timestamp", "amount"]).assign(buyer_id="a"),
        contracts=agreed.assign(buyer_id="a", amount=100.0),
        observed_until="2025-01-01",
    )

    assert [date.day for date in purchases(histories)] == [9, 12]


def test_bills_in_arrears_are_bills() -> None:
    assert n_bills([(day + pd.Timedelta(days=45), 100.0) for day in FIRST_DAYS], ("2023-01-01", 100.0)) == 12
