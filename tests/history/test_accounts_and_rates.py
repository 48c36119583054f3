"""Accounts that are one buyer are read as one, from the moment on that is stated; currencies are converted by stated rates."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from clientcare.exceptions import OptionError, SchemaError
from clientcare.features import feature_table, write_feature_table
from clientcare.history import Histories
from history.doors import ALL_DOORS, assert_balanced, found, through

ORDERS = pd.DataFrame(
    {
        "buyer_id": ["a1", "a2", "a2", "a3", "b"],
        "timestamp": ["2024-01-01", "2024-01-02", "2024-03-01", "2024-01-04", "2024-01-05"],
        "amount": [1.0, 2.0, 4.0, 8.0, 16.0],
    }
)


def totals(histories: Histories) -> dict[object, float]:
    return histories.transactions.groupby("buyer_id")["amount"].sum().to_dict()


@pytest.mark.parametrize("door", ALL_DOORS)
def test_merged_accounts_are_one_buyer(door: str, tmp_path: Path) -> None:
    histories = through(door, ORDERS, tmp_path, merge_ids={"a2": "a1", "a3": "a2"})

    assert totals(histories) == {"a1": 15.0, "b": 16.0}
    assert found(histories, "merged_account") == 3
    assert_balanced(histories)


def test_an_account_that_changes_hands_is_anothers_from_then_on() -> None:
    changed = pd.DataFrame({"alias": ["a2"], "buyer_id": ["b"], "since": ["2024-02-01"]})

    assert totals(Histories(ORDERS, merge_ids=changed)) == {"a1": 1.0, "a2": 2.0, "a3": 8.0, "b": 20.0}


def test_an_account_is_merged_and_split_again() -> None:
    moved = pd.DataFrame(
        {"alias": ["a2", "a2"], "buyer_id": ["a1", "c"], "since": [None, pd.Timestamp("2024-02-01")]}
    )

    assert totals(Histories(ORDERS, merge_ids=moved)) == {"a1": 3.0, "a3": 8.0, "b": 16.0, "c": 4.0}


def test_what_comes_later_moves_nothing_before() -> None:
    moved = pd.DataFrame({"alias": ["a2"], "buyer_id": ["b"], "since": ["2024-02-01"]})

    merged = feature_table(
        Histories(ORDERS, merge_ids=moved, observed_until="2024-04-01"), as_of="2024-02-01"
    )
    plain = feature_table(Histories(ORDERS, observed_until="2024-04-01"), as_of="2024-02-01")

    pd.testing.assert_frame_equal(merged, plain)


def test_whole_numbers_stay_whole_numbers() -> None:
    orders = ORDERS.assign(buyer_id=[1, 2, 2, 3, 4])

    assert totals(Histories(orders, merge_ids={2: 1})) == {1: 7.0, 3: 8.0, 4: 16.0}
    assert totals(Histories(orders, merge_ids={"2": "one"})) == {"1": 1.0, "one": 6.0, "3": 8.0, "4": 16.0}


def test_spellings_are_folded_in_the_list_too() -> None:
    assert totals(Histories(ORDERS, merge_ids={"A2 ": "A1"}, ids="fold")) == {"a1": 7.0, "a3": 8.0, "b": 16.0}


BUYERS = pd.DataFrame(
    {"buyer_id": ["a1", "a2", "a3", "b"], "parent_id": [None, "a1", "a2", ""], "size": [10, 20, 30, 40]}
)


def test_children_are_rolled_up_to_the_top_on_request() -> None:
    rolled = Histories(ORDERS, buyers=BUYERS, accounts="parent")

    assert totals(rolled) == {"a1": 15.0, "b": 16.0}
    assert rolled.buyers["size"].to_dict() == {"a1": 10.0, "b": 40.0}
    assert found(rolled, "merged_account", "buyers") == 2
    assert_balanced(rolled)
    assert len(Histories(ORDERS, buyers=BUYERS).buyer_ids) == 4


def test_a_parent_without_attributes_has_those_of_its_first_child() -> None:
    rolled = Histories(ORDERS, buyers=BUYERS.iloc[1:], accounts="parent")

    assert rolled.buyers["size"].to_dict() == {"a1": 20.0, "b": 40.0}


def test_parents_that_nobody_states_are_asked_for() -> None:
    with pytest.raises(SchemaError, match="parent_id"):
        Histories(ORDERS, accounts="parent")


@pytest.mark.parametrize(
    ("merged", "told"),
    [
        ({"a1": "a2", "a2": "a1"}, "circle"),
        (pd.DataFrame({"alias": ["a", "a"], "buyer_id": ["b", "c"]}), "two buyers"),
        (pd.DataFrame({"alias": ["a"], "buyer_id": ["b"], "since": ["soon"]}), "since"),
        (pd.DataFrame({"alias": [None], "buyer_id": ["b"]}), "missing"),
        (["a"], "merge_ids"),
    ],
)
def test_a_list_that_contradicts_itself_is_refused(merged: object, told: str) -> None:
    with pytest.raises(OptionError, match=told):
        Histories(ORDERS, merge_ids=merged)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "options",
    [{"merge_ids": {"a2": "a1", "a3": "a2"}}, {"accounts": "parent"}],
    ids=["merge_ids", "parents"],
)
@pytest.mark.parametrize("numbers", [False, True])
def test_merged_accounts_lie_in_one_part(options: dict, numbers: bool, tmp_path: Path) -> None:
    orders = pd.concat(
        [ORDERS.assign(buyer_id=ORDERS["buyer_id"] + str(n)) for n in range(30)], ignore_index=True
    )
    buyers = pd.concat(
        [BUYERS.assign(buyer_id=BUYERS["buyer_id"] + str(n), parent_id=BUYERS["parent_id"].replace("", None) + str(n)) for n in range(30)],
        ignore_index=True,
    )  # fmt: skip
    if "merge_ids" in options:
        options = {
            "merge_ids": {f"{a}{n}": f"{b}{n}" for a, b in options["merge_ids"].items() for n in range(30)}
        }
    if numbers:
        names = {one: place + 100 for place, one in enumerate(pd.unique(orders["buyer_id"]))}
        orders["buyer_id"] = orders["buyer_id"].map(names)
        buyers = buyers.assign(
            buyer_id=buyers["buyer_id"].map(names), parent_id=buyers["parent_id"].map(names)
        )
        if "merge_ids" in options:
            options = {"merge_ids": {names[a]: names[b] for a, b in options["merge_ids"].items()}}

    written = write_feature_table(
        orders,
        buyers=buyers,
        as_of="2024-06-01",
        out=tmp_path / "x",
        n_partitions=5,
        n_jobs=1,
        families="spend",
        **options,
    )

    parts = pd.read_parquet(written.folder).set_index("buyer_id").sort_index()
    whole = feature_table(Histories(orders, buyers=buyers, **options), as_of="2024-06-01", families="spend")
    assert len(parts) == 60
    pd.testing.assert_frame_equal(parts, whole.sort_index(), check_index_type=False)


PRICES = ORDERS.assign(currency=["EUR", "USD", "usd ", "GBP", None])


@pytest.mark.parametrize("door", ALL_DOORS)
def test_amounts_are_converted_at_the_rate_of_their_day(door: str, tmp_path: Path) -> None:
    rates = pd.DataFrame(
        {"currency": ["USD", "usd"], "rate": [0.5, 0.25], "timestamp": ["2023-01-01", "2024-02-01"]}
    )

    histories = through(door, PRICES, tmp_path, currency="EUR", rates=rates)

    assert totals(histories) == {"a1": 1.0, "a2": 2 * 0.5 + 4 * 0.25, "b": 16.0}
    assert found(histories, "no_rate") == 1
    assert found(histories, "converted_amount") == 2
    assert_balanced(histories)


def test_a_rate_of_later_is_no_rate_of_today() -> None:
    rates = pd.DataFrame(
        {"currency": ["USD", "GBP"], "rate": [0.5, 2.0], "timestamp": ["2024-02-01", "2023-01-01"]}
    )

    histories = Histories(PRICES, currency="EUR", rates=rates)

    assert found(histories, "no_rate") == 1
    assert totals(histories)["a2"] == 2.0


@pytest.mark.parametrize(
    ("rates", "told"),
    [
        ({"USD": -1}, "above zero"),
        ({"USD": "dear"}, "above zero"),
        (3, "must map"),
        (pd.DataFrame({"currency": ["USD"]}), "columns"),
    ],
)
def test_rates_that_make_no_sense_are_refused(rates: object, told: str) -> None:
    with pytest.raises(OptionError, match=told):
        Histories(PRICES, currency="EUR", rates=rates)  # type: ignore[arg-type]


def test_rates_without_the_currency_that_counts_are_refused() -> None:
    with pytest.raises(OptionError, match="currency='EUR'"):
        Histories(PRICES, rates={"USD": 0.9})
