"""Whatever a ledger holds, the money adds up to the cent at every level, and no past row changes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import clientcare as cc

MOVES = ["new", "expansion", "contraction", "lost", "won_back", "moved"]
MONEY = ["opening", *MOVES, "closing"]
SINCE, UNTIL = pd.Timestamp("2022-01-01"), pd.Timestamp("2024-01-01")


@st.composite
def ledgers(draw):
    """Contracts with breaks, overlaps, price steps and pauses, purchases and returns, some of it written down late."""
    random = np.random.default_rng(draw(st.integers(0, 10_000)))
    terms, bought = [], []
    for number in range(draw(st.integers(2, 6))):
        start = SINCE + pd.Timedelta(days=int(random.integers(-200, 300)))
        for _ in range(int(random.integers(0, 4))):
            end = start + pd.Timedelta(days=int(random.integers(20, 400)))
            price = float(random.choice([0.0, 9.99, 50.01, 100.1, 333.33]))
            plan = str(random.choice(["basic", "pro", "extra"]))
            late = start + pd.Timedelta(days=int(random.integers(0, 120)))
            terms.append((f"b{number}", plan, start, end if random.random() < 0.8 else pd.NaT, price, late))
            start = end + pd.Timedelta(days=int(random.integers(-60, 420)))
        for _ in range(int(random.integers(1, 8))):
            day = SINCE + pd.Timedelta(days=int(random.integers(0, 729)))
            amount = round(float(random.gamma(2, 30)) * (-1 if random.random() < 0.2 else 1), 2)
            bought.append((f"b{number}", day, amount, day + pd.Timedelta(days=int(random.integers(0, 60)))))
    contracts = pd.DataFrame(terms, columns=["buyer_id", "plan", "start", "end", "amount", "recorded_at"])
    orders = pd.DataFrame(bought, columns=["buyer_id", "timestamp", "amount", "recorded_at"])
    return orders, contracts if len(contracts) else None


def histories_of(ledger, until=UNTIL):
    orders, contracts = ledger
    buyers = pd.DataFrame({"buyer_id": sorted(set(orders["buyer_id"]))})
    buyers["segment"] = ["odd" if int(one[1:]) % 2 else "even" for one in buyers["buyer_id"]]
    return cc.Histories(
        orders,
        contracts=contracts,
        buyers=buyers,
        observed_from=SINCE,
        observed_until=until,
        exact_copies="keep",
    )


def cents(table):
    return (table[MONEY] * 100).round().astype("int64")


@settings(max_examples=25, deadline=None)
@given(ledgers(), st.sampled_from(["ME", "QE", "YE"]), st.sampled_from([None, "purchases"]))
def test_every_row_adds_up_and_every_closing_is_the_next_opening(ledger, periods, source):
    histories = histories_of(ledger)
    for by in (None, "segment", "cohort"):
        table = cents(cc.revenue(histories, periods, by, source=source))
        assert (table["opening"] + table[MOVES].sum(axis=1) == table["closing"]).all()
        groups = [table] if by is None else [part for _, part in table.groupby(level=0)]
        for part in groups:
            assert (part["closing"].to_numpy()[:-1] == part["opening"].to_numpy()[1:]).all()


@settings(max_examples=25, deadline=None)
@given(ledgers(), st.sampled_from(["segment", "cohort", "plan", "owner"]))
def test_groups_add_up_to_the_whole(ledger, by):
    histories = histories_of(ledger)
    whole, parts = cents(cc.revenue(histories)), cents(cc.revenue(histories, by=by))
    summed = parts.groupby(level="period").sum()
    pd.testing.assert_frame_equal(summed[MONEY], whole[MONEY], check_names=False, check_freq=False)


@settings(max_examples=15, deadline=None)
@given(ledgers())
def test_a_row_once_told_never_changes(ledger):
    """What was recorded late counts where it became known: earlier rows stay as they were."""
    later = cents(cc.revenue(histories_of(ledger)))
    cut = pd.Timestamp("2023-01-01")
    orders, contracts = ledger
    kept = contracts if contracts is None else contracts[contracts["start"] < cut]
    if not (orders["timestamp"] < cut).any():
        return
    then = histories_of((orders, kept)).until(cut)
    earlier = cents(cc.revenue(then))
    pd.testing.assert_frame_equal(earlier, later.loc[earlier.index], check_freq=False)


def test_a_measurement_is_told_by_thirds_and_a_class_by_its_names():
    n = 30
    contracts = pd.DataFrame(
        {"buyer_id": [f"b{k:02d}" for k in range(n)], "start": "2023-01-01", "amount": 10.0}
    )
    histories = cc.Histories(contracts=contracts, observed_from="2023-01-01", observed_until="2023-04-01")
    dependence = pd.Series(np.linspace(0, 100, n), index=contracts["buyer_id"], name="dependence")
    dependence.iloc[:3] = np.nan
    told = cc.revenue(histories, by=dependence)
    closing = told.xs(pd.Timestamp("2023-03-31"), level="period")["closing"]
    assert closing.to_dict() == {
        "(unknown)": 30.0,
        "1 low third": 90.0,
        "2 middle third": 90.0,
        "3 high third": 90.0,
    }
    kind = pd.Series(["client", "customer"] * 15, index=contracts["buyer_id"], name="relationship")
    assert set(cc.revenue(histories, by=kind).index.get_level_values(0)) == {"client", "customer"}


def test_a_year_paid_at_once_is_a_twelfth_of_it_a_month_as_a_contract():
    """The amount of a contract is a month's: a bill of the whole year that belongs to it is not counted again."""
    contracts = pd.DataFrame(
        {"buyer_id": ["a"], "start": ["2023-01-01"], "end": ["2023-12-31"], "amount": [100.0]}
    )
    bills = pd.DataFrame({"buyer_id": ["a"], "timestamp": ["2023-01-01"], "amount": [1200.0]})
    histories = cc.Histories(
        bills, contracts=contracts, observed_from="2023-01-01", observed_until="2024-01-01"
    )
    table = cc.revenue(histories, source="contracts")
    assert (table["closing"].iloc[:-1] == 100.0).all()


def test_several_currencies_are_never_added_up():
    contracts = pd.DataFrame({"buyer_id": ["a", "b"], "start": "2023-01-01", "amount": 10.0})
    buyers = pd.DataFrame({"buyer_id": ["a", "b"], "currency": ["EUR", "JPY"]})
    histories = cc.Histories(contracts=contracts, buyers=buyers, observed_until="2023-04-01")
    with pytest.raises(cc.exceptions.OptionError, match="never"):
        cc.revenue(histories)
    assert set(cc.revenue(histories, by="currency").index.get_level_values(0)) == {"EUR", "JPY"}
