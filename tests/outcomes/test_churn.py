"""Churn is what was seen: nothing bought within the horizon, and no contract in force at its end."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_series_equal

from clientcare.exceptions import NotObservedError, OptionError
from clientcare.history import Histories
from clientcare.outcomes import ChurnDefinition


def shop(rows, **known):
    """Transactions of (buyer, date, amount)."""
    frame = pd.DataFrame(rows, columns=["buyer_id", "timestamp", "amount"])
    frame["timestamp"] = pd.to_datetime(frame["timestamp"], format="ISO8601")
    known = {"observed_from": "2024-01-01", "observed_until": "2024-12-31"} | known
    return Histories(frame.astype({"amount": float}), **known)


def firm(rows, **known):
    """Contracts of (buyer, start, end, cancelled_at)."""
    frame = pd.DataFrame(rows, columns=["buyer_id", "start", "end", "cancelled_at"])
    for name in ("start", "end", "cancelled_at"):
        frame[name] = pd.to_datetime(frame[name]).astype("datetime64[us]")
    known = {"observed_from": "2023-01-01", "observed_until": "2024-12-31"} | known
    return Histories(contracts=frame, **known)


def churned(histories, as_of="2024-06-01", horizon="30D"):
    return ChurnDefinition(horizon).label(histories, as_of).to_dict()


def test_three_buyers_by_hand():
    histories = shop(
        [
            ("back", "2024-05-01", 10),
            ("back", "2024-06-10", 10),
            ("gone", "2024-05-20", 10),
            ("late", "2024-05-20", 10),
            ("late", "2024-07-15", 10),
        ]
    )
    assert churned(histories) == {"back": False, "gone": True, "late": True}


def test_the_horizon_begins_at_as_of_and_ends_before_as_of_plus_horizon():
    before = ("2024-05-01", 10)
    histories = shop(
        [
            ("at the start", *before), ("at the start", "2024-06-01", 10),
            ("at the end", *before), ("at the end", "2024-07-01", 10),
            ("just in", *before), ("just in", "2024-06-30 23:59:59", 10),
        ]
    )  # fmt: skip
    assert churned(histories) == {"at the end": True, "at the start": False, "just in": False}


def test_a_return_or_a_zero_amount_is_no_purchase_and_an_unknown_amount_is_one():
    before = ("2024-05-01", 10)
    histories = shop(
        [
            ("returned", *before), ("returned", "2024-06-10", -10),
            ("zero", *before), ("zero", "2024-06-10", 0),
            ("unpriced", *before), ("unpriced", "2024-06-10", np.nan),
        ]
    )  # fmt: skip
    assert churned(histories) == {"returned": True, "unpriced": False, "zero": True}


def test_only_buyers_known_at_as_of_are_labelled():
    histories = shop([("old", "2024-05-01", 10), ("new", "2024-06-01", 10)])
    assert churned(histories) == {"old": True}


def test_a_contract_in_force_at_the_end_of_the_horizon_is_no_churn_however_silent():
    histories = firm(
        [
            ("runs on", "2024-01-01", "2024-12-31", None),
            ("open-ended", "2024-01-01", None, None),
            ("ended", "2024-01-01", "2024-06-15", None),
            ("renewed", "2024-01-01", "2024-06-15", None),
            ("renewed", "2024-06-16", "2025-06-15", None),
            ("cancelled", "2024-01-01", "2024-12-31", "2024-06-20"),
            ("will cancel", "2024-01-01", "2024-12-31", "2024-07-20"),
        ]
    )
    assert churned(histories) == {
        "cancelled": True,
        "ended": True,
        "open-ended": False,
        "renewed": False,
        "runs on": False,
        "will cancel": False,
    }


def test_the_last_day_of_a_contract_still_belongs_to_it():
    """Terms are written '1 January to 30 June', the next begins on 1 July: between them nobody left."""
    histories = firm([("ann", "2024-01-01", "2024-06-30", None), ("ann", "2024-07-01", "2024-12-31", None)])
    assert churned(histories, as_of="2024-06-01", horizon="30D") == {"ann": False}


def test_a_contract_that_lapsed_is_made_good_by_a_purchase():
    contracts = pd.DataFrame(
        {"buyer_id": ["ann", "bob"], "start": pd.Timestamp("2024-01-01"), "end": pd.Timestamp("2024-06-10")}
    )
    transactions = pd.DataFrame(
        {"buyer_id": ["ann"], "timestamp": [pd.Timestamp("2024-06-20")], "amount": [5.0]}
    )
    histories = Histories(
        transactions, contracts=contracts, observed_from="2024-01-01", observed_until="2024-12-31"
    )
    assert churned(histories) == {"ann": False, "bob": True}


def test_silence_that_nobody_watched_is_no_churn():
    histories = shop([("ann", "2024-05-01", 10)], observed_until="2024-06-20")
    with pytest.raises(
        NotObservedError, match=r"ends 2024-07-01, but .* observed until 2024-06-20"
    ) as refused:
        ChurnDefinition("30D").label(histories, "2024-06-01")
    assert "shorten the horizon to 19 days" in str(refused.value)


def test_a_date_before_observation_is_refused():
    histories = shop([("ann", "2024-05-01", 10)])
    with pytest.raises(NotObservedError, match="lies before 2024-01-01"):
        ChurnDefinition("30D").label(histories, "2023-06-01")


def test_several_dates_give_a_row_a_date_and_buyer():
    histories = shop([("ann", "2024-03-01", 10), ("bob", "2024-05-01", 10)])
    labels = ChurnDefinition("30D").label(histories, ["2024-05-15", "2024-04-15"])
    assert labels.index.names == ["as_of", "buyer_id"]
    assert labels.dtype == bool
    assert labels.to_dict() == {
        (pd.Timestamp("2024-04-15"), "ann"): True,
        (pd.Timestamp("2024-05-15"), "ann"): True,
        (pd.Timestamp("2024-05-15"), "bob"): True,
    }


def test_a_definition_goes_through_plain_values_and_back():
    definition = ChurnDefinition("13W")
    assert ChurnDefinition.from_dict(definition.to_dict()) == definition == ChurnDefinition(91)
    assert definition.horizon_days == 91


@pytest.mark.parametrize("horizon", ["0D", "soon", -3, "36h", None])
def test_a_horizon_that_is_no_number_of_days_is_refused(horizon):
    with pytest.raises(OptionError):
        ChurnDefinition(horizon)


@pytest.mark.parametrize(
    "values", [{}, {"definition": "client"}, {"definition": "churn", "horizon_days": "90"}]
)
def test_values_that_describe_something_else_are_refused(values):
    with pytest.raises(OptionError):
        ChurnDefinition.from_dict(values)


events = st.lists(
    st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(0, 200), st.sampled_from([-5.0, 0.0, 5.0])),
    max_size=20,
)


@given(events, events)
def test_nothing_after_the_horizon_changes_a_label(seen, later):
    def histories(rows):
        dates = [
            (buyer, pd.Timestamp("2024-01-01") + pd.Timedelta(days=day), amount)
            for buyer, day, amount in rows
        ]
        return shop([("a", "2024-01-01", 5.0), *dates])

    end = 90 + 30
    early = [row for row in seen if row[1] < end]
    changed = early + [row for row in later if row[1] >= end]
    label = ChurnDefinition("30D").label
    assert_series_equal(label(histories(early), "2024-03-31"), label(histories(changed), "2024-03-31"))
