"""The catalogue says what is in the table, all of it, and how to say it."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from clientcare.exceptions import OptionError
from clientcare.features import DEFAULT_WINDOWS, FAMILIES, feature_catalogue, feature_table
from clientcare.features.catalogue import by_name, catalogue_entries, feature
from clientcare.features.table import given_columns
from clientcare.history import Histories

AS_OF = "2021-06-01"


def test_the_columns_are_the_catalogue_where_everything_was_given(full_histories):
    table = feature_table(full_histories, AS_OF)
    static = [name for name in table.columns if "buyer_" in name and name not in by_name()]
    expected = [
        entry.name for entry in catalogue_entries() if given_columns(full_histories) >= set(entry.needs)
    ]
    assert [name for name in table.columns if name not in static] == expected
    absent = set(by_name()) - set(expected)
    unasked = {"n_contact_channels", "response_hours_mean", "resolution_hours_mean"} - set(expected)
    unstated = {
        "undiscounted_sign",
        "list_price_paid_sign",
        "stated_share_of_wallet_sign",
        "wallet_spent_sign",
    }
    unnamed = {
        "n_persons_spoke_365d",
        "days_since_main_person_spoke",
        "main_person_speaks_every_days",
        "main_person_silence_ratio",
    }
    assert absent == unasked | unstated | unnamed


def test_every_number_is_a_float(full_histories):
    table = feature_table(full_histories, AS_OF)
    names = [name for name in table.columns if name in by_name()]
    assert (table[names].dtypes == np.float64).all()


def test_no_entry_lacks_a_word():
    catalogue = feature_catalogue()
    assert (catalogue.map(len) > 0).all().all()
    assert catalogue["name"].is_unique
    assert set(catalogue["family"]) == set(FAMILIES) - {"static", "custom"}
    assert not catalogue["summary"].str.contains("<w>").any()


def test_every_name_is_lower_case_and_says_what_it_counts():
    bare = {"recency", "frequency", "tenure", "monetary_value", "churn", "score"}
    for name in by_name():
        assert re.fullmatch(r"[a-z][a-z0-9_]*", name)
        assert name not in bare


def test_every_phrase_speaks_of_columns_that_exist_and_can_be_said(full_histories):
    entries = by_name()
    row = dict.fromkeys(entries, 1.0)
    for entry in entries.values():
        named = set(re.findall(r"{(\w+)", entry.phrase))
        assert entry.name in named, entry.name
        assert named <= set(entries), entry.name
        assert "{" not in entry.say(row)


def test_a_phrase_leaves_out_what_is_unknown():
    say = by_name()["days_since_last_purchase"].say
    assert say({"days_since_last_purchase": 3.0}) == "silent for 3 days"
    assert "unknown" in say({})


def test_what_can_be_nan_says_so(full_histories):
    table = feature_table(full_histories, AS_OF)
    for name, entry in by_name().items():
        if name in table and table[name].isna().any():
            assert entry.nan_meaning != "never", name


def test_what_is_never_nan_is_known_of_a_buyer_with_a_contract_alone():
    contracts = pd.DataFrame({"buyer_id": ["a"], "start": ["2024-01-01"], "end": ["2024-12-31"]})
    orders = pd.DataFrame({"buyer_id": ["b"], "timestamp": ["2024-01-05"], "amount": [3.0]})
    table = feature_table(Histories(orders, contracts=contracts), "2024-02-01")
    for name, entry in by_name().items():
        if name in table and entry.nan_meaning == "never":
            assert not np.isnan(table.loc["a", name]), name
    assert np.isnan(table.loc["a", "days_since_last_purchase"])


def test_transactions_alone_give_more_than_a_hundred_features():
    orders = pd.DataFrame({"buyer_id": [1], "timestamp": ["2024-01-05"], "amount": [3.0]})
    assert feature_table(Histories(orders), "2024-02-01").shape[1] >= 100


def test_all_tables_give_more_than_a_hundred_and_eighty_features(full_histories):
    assert feature_table(full_histories, AS_OF).shape[1] >= 180


def test_columns_do_not_depend_on_what_the_tables_hold():
    orders = pd.DataFrame(
        {"buyer_id": [1, 2], "timestamp": ["2024-01-05", "2024-01-06"], "amount": [3.0, -1.0]}
    )
    one = feature_table(Histories(orders), "2024-02-01").columns
    two = feature_table(Histories(orders.assign(amount=[np.nan, 5.0])), "2024-01-06").columns
    assert one.equals(two)


def test_windows_name_the_columns():
    table = feature_catalogue(windows=[45, 10])
    assert {"n_purchases_10d", "spent_45d"} <= set(table["name"])
    assert "n_purchases_30d" not in set(table["name"])
    assert len(DEFAULT_WINDOWS) == 7


@pytest.mark.parametrize("windows", [[0], [1.5], [], "30D", [True], [10**6]])
def test_windows_that_are_no_whole_days_are_refused(windows):
    with pytest.raises(OptionError, match="windows"):
        feature_catalogue(windows=windows)


@pytest.mark.parametrize("families", ["weather", [], [None], 5])
def test_a_family_that_is_not_there_is_refused(families):
    with pytest.raises(OptionError, match="there are timing"):
        feature_catalogue(families)


@pytest.mark.parametrize("missing", ["unit", "nan", "phrase", "summary"])
def test_a_feature_that_lacks_a_word_cannot_enter_the_catalogue(missing):
    words = {"unit": "days", "nan": "never", "phrase": "{silent_days:.0f} days", missing: ""}

    def silent_days(at):
        return at.silence

    silent_days.__doc__ = words.pop("summary", "Days of silence.")
    with pytest.raises(OptionError, match="is missing"):
        feature("timing", words.pop("unit"), **words)(silent_days)
    assert "silent_days" not in by_name()
