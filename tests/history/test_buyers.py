"""Static attributes: one row a buyer, of one kind a column, and never an outcome."""

from __future__ import annotations

import numpy as np
import pandas as pd
from doors import assert_balanced, found

from clientcare.history import Histories


def with_buyers(buyers: pd.DataFrame, ids=("a", "b", "c"), **options) -> Histories:
    transactions = pd.DataFrame({"buyer_id": list(ids), "timestamp": "2024-01-05", "amount": 1.0})
    return Histories(transactions, buyers=buyers, **options)


def test_attributes_stand_in_the_order_of_the_buyers_and_are_unknown_where_none_are_given():
    histories = with_buyers(pd.DataFrame({"buyer_id": ["c", "a", "z"], "n_staff": [3, 1, 9]}))
    assert histories.buyers.index.equals(histories.buyer_ids)
    np.testing.assert_array_equal(histories.buyers["n_staff"], [1.0, np.nan, 3.0])
    assert found(histories, "buyer_without_history", "buyers") == 1
    assert_balanced(histories)


def test_numbers_flags_groups_and_dates_are_told_apart_also_as_texts():
    table = pd.DataFrame(
        {
            "buyer_id": ["a", "b", "c"],
            "n_staff": ["1", "2.5", None],
            "is_local": ["yes", "No", "YES"],
            "zip": ["00501", "10115", "10117"],
            "segment": ["1", "2", "1"],
            "signup_date": ["2023-01-01", "2023-02-01", None],
        }
    )
    frame = with_buyers(table).buyers
    assert frame["n_staff"].dtype == np.float64
    assert frame["is_local"].tolist() == [True, False, True]
    assert frame["zip"].tolist() == ["00501", "10115", "10117"]
    assert isinstance(frame["segment"].dtype, pd.CategoricalDtype)
    assert frame["signup_date"].dtype.kind == "M"


def test_buyers_with_rows_that_contradict_are_set_aside_whichever_comes_first():
    table = pd.DataFrame({"buyer_id": ["a", "b", "a", "b"], "size": [1.0, 2.0, 1.0, 3.0]})
    for frame in (table, table[::-1]):
        histories = with_buyers(frame)
        assert found(histories, "exact_copy", "buyers") == 1
        assert found(histories, "doubled_buyer", "buyers") == 2
        np.testing.assert_array_equal(histories.buyers["size"], [1.0, np.nan, np.nan])
        assert_balanced(histories)


def test_an_outcome_is_no_attribute():
    histories = with_buyers(pd.DataFrame({"buyer_id": ["a"], "churned": [True], "size": [1]}))
    assert histories.buyers.columns.tolist() == ["size"]
    assert found(histories, "outcome_column", "buyers") == 1


def test_labels_that_the_contracts_do_not_bear_out_are_counted():
    contracts = pd.DataFrame({"buyer_id": ["a", "b"], "start": "2023-01-01", "end": [None, "2023-06-01"]})
    buyers = pd.DataFrame({"buyer_id": ["a", "b"], "churned": [True, True]})
    histories = Histories(contracts=contracts, buyers=buyers, observed_until="2024-01-01")
    assert found(histories, "contradictory_churn_label", "buyers") == 1


def test_facts_before_the_sign_up_are_counted():
    buyers = pd.DataFrame({"buyer_id": ["a", "b"], "signup_date": ["2024-01-06", "2024-01-05"]})
    assert found(with_buyers(buyers), "before_sign_up") == 1


def test_attributes_follow_whole_number_ids():
    histories = with_buyers(pd.DataFrame({"buyer_id": [2.0, 1.0], "size": [20, 10]}), ids=(1, 2, 3))
    np.testing.assert_array_equal(histories.buyers["size"], [10.0, 20.0, np.nan])
