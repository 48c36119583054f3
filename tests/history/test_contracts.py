"""Contracts: which were in force, as far as was known then, and what is odd about them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from doors import assert_balanced, found
from hypothesis import given

from clientcare.evaluation.standing import standing_at
from clientcare.features import feature_table
from clientcare.history import Histories, in_force, known_buyers
from strategies import some_dates, some_histories

T = pd.Timestamp


def terms(*rows: tuple, columns: str = "buyer_id start end cancelled_at") -> Histories:
    return Histories(contracts=pd.DataFrame(list(rows), columns=columns.split()))


def bound(histories: Histories, moment: str, known_at: str | None = None) -> list[str]:
    mask = in_force(histories, T(moment), None if known_at is None else T(known_at))
    return histories.buyer_ids[mask].tolist()


def test_a_term_runs_from_its_start_through_its_last_day():
    histories = terms(("a", "2024-01-01", "2024-06-30", None))
    assert bound(histories, "2024-01-01") == []
    assert bound(histories, "2024-01-01 00:00:01") == ["a"]
    assert bound(histories, "2024-06-30") == ["a"]
    assert bound(histories, "2024-06-30 23:59:59") == ["a"]
    assert bound(histories, "2024-07-01") == ["a"], "just before the first moment of July"
    assert bound(histories, "2024-07-01 00:00:01") == []


def test_an_hour_given_with_the_end_changes_nothing_the_whole_day_counts():
    histories = terms(("a", "2024-01-01", "2024-06-30 09:00", None))
    assert bound(histories, "2024-07-01") == ["a"]
    assert bound(histories, "2024-07-02") == []


@pytest.mark.parametrize("end", ["2024-06-30", "2024-07-01"])
def test_a_renewal_leaves_no_hole_whichever_way_the_end_is_written(end):
    histories = terms(("a", "2024-01-01", end, None), ("a", "2024-07-01", "2025-06-30", None))
    for moment in pd.date_range("2024-06-28", "2024-07-04", freq="6h"):
        assert in_force(histories, moment, moment).all(), moment


def test_a_term_is_in_force_up_to_the_moment_of_its_cancellation():
    histories = terms(("a", "2024-01-01", "2024-12-31", "2024-03-01 10:00"))
    assert bound(histories, "2024-03-01 10:00") == ["a"]
    assert bound(histories, "2024-03-01 10:01") == []


@given(some_histories(contracts=True), some_dates())
def test_features_labels_and_backtests_mean_the_same_by_in_force(histories, moment):
    """What is in force at the end of a horizon is what the features of that moment call in force."""
    past = histories.until(moment)
    buyers = past.buyer_ids[known_buyers(past, moment)]
    if len(buyers) == 0:
        return
    bound = pd.Series(in_force(past, moment), past.buyer_ids).loc[buyers].to_numpy()
    features = feature_table(histories, moment, families=["contract"]).loc[buyers]
    np.testing.assert_array_equal(bound, features["has_contract_in_force"] == 1)
    if past.contracts is not None and len(past.contracts):
        alone = Histories(contracts=past.contracts, observed_until=moment)
        standing = standing_at(alone, moment, horizon_days=30)["active"]
        np.testing.assert_array_equal(pd.Series(bound, buyers).loc[standing.index], standing)


def test_an_open_term_runs_until_it_is_cancelled():
    histories = terms(("a", "2024-01-01", None, "2024-03-01"), ("b", "2024-01-01", None, None))
    assert bound(histories, "2024-02-01") == ["a", "b"]
    assert bound(histories, "2030-01-01") == ["b"]


def test_a_cancellation_is_unknown_before_it_was_given():
    histories = terms(("a", "2024-01-01", "2024-12-31", "2024-03-01"))
    assert bound(histories, "2024-06-01", known_at="2024-03-01") == ["a"]
    assert bound(histories, "2024-06-01", known_at="2024-03-02") == []


def test_a_contract_recorded_late_is_unknown_before():
    histories = terms(("a", "2024-01-01", "2024-04-01"), columns="buyer_id start recorded_at")
    assert bound(histories, "2024-02-01", known_at="2024-04-01") == []
    assert bound(histories, "2024-02-01", known_at="2024-04-02") == ["a"]


def test_renewals_and_terms_side_by_side_bind_while_any_runs():
    histories = terms(("a", "2024-01-01", "2024-02-01", None), ("a", "2024-01-15", "2024-03-01", None))
    assert bound(histories, "2024-02-15") == ["a"]
    assert found(histories, "overlapping_term", "contracts") == 1


def test_a_term_cancelled_before_it_starts_is_never_in_force():
    histories = terms(("a", "2024-02-01", "2024-06-01", "2024-01-15"), ("b", "2024-01-01", None, None))
    assert bound(histories, "2024-03-01") == ["b"]
    assert found(histories, "cancelled_before_start", "contracts") == 1


def test_histories_without_contracts_bind_nobody():
    histories = Histories(pd.DataFrame({"buyer_id": [1], "timestamp": ["2024-01-01"]}))
    assert not in_force(histories, T("2024-01-01")).any()


def test_a_term_that_ends_before_it_starts_is_set_aside():
    histories = terms(("a", "2024-06-01", "2024-01-01", None), ("b", "2024-01-01", None, None))
    assert found(histories, "end_before_start", "contracts") == 1
    assert histories.buyer_ids.tolist() == ["b"]
    assert_balanced(histories)


def test_an_end_in_the_year_9999_is_an_open_end():
    histories = terms(("a", "2024-01-01", "9999-12-31", None))
    assert histories.contracts["end"].isna().all()
    assert found(histories, "far_end", "contracts") == 1
    assert found(histories, "open_ended", "contracts") == 1


def test_trials_doubled_ids_and_churn_flags_are_counted():
    columns = "buyer_id start end amount contract_id churned"
    histories = terms(
        ("a", "2024-01-01", "2024-02-01", 0.0, "K1", True),
        ("a", "2024-03-01", None, 5.0, "K1", True),
        ("b", "2024-01-01", "2024-02-01", 5.0, "K2", False),
        columns=columns,
    )
    counted = {rule: found(histories, rule, "contracts") for rule in ("zero_amount", "doubled_contract_id")}
    assert counted == {"zero_amount": 1, "doubled_contract_id": 2}
    assert found(histories, "contradictory_churn_flag", "contracts") == 2


def test_a_contract_makes_a_buyer_once_it_has_started():
    histories = terms(("a", "2024-01-01", None, None))
    assert known_buyers(histories, T("2024-01-01")).tolist() == []
    assert known_buyers(histories, T("2024-01-02")).tolist() == [0]


@given(some_histories(contracts=True), some_dates(), some_dates())
def test_in_force_says_what_a_plain_reading_of_the_rows_says(histories, moment, known_at):
    frame = histories.contracts
    known = frame["start"] if "recorded_at" not in frame else frame["recorded_at"]
    cancelled = frame["cancelled_at"].where(frame["notice_at"] < known_at)
    expected = set()
    for buyer, start, end, given_up, since in zip(
        frame["buyer_id"], frame["start"], frame["end"], cancelled, known, strict=True
    ):
        over = pd.notna(end) and end.normalize() + pd.Timedelta(days=1) < moment
        runs = start < moment and not over and not (given_up < moment)
        if runs and since < known_at:
            expected.add(buyer)
    assert set(histories.buyer_ids[in_force(histories, moment, known_at)]) == expected


@given(some_histories(contracts=True), some_dates())
def test_what_is_in_force_now_is_the_same_in_histories_cut_now(histories, as_of):
    np.testing.assert_array_equal(in_force(histories, as_of, as_of), in_force(histories.until(as_of), as_of))


def test_histories_of_contracts_alone_are_observed_until_the_last_start_or_cancellation():
    histories = terms(("a", "2024-01-01", None, "2024-03-01 10:00"), ("b", "2024-02-01", "2025-01-01", None))
    assert histories.observed_until == T("2024-03-02")


def test_missing_start_is_told_by_its_own_name():
    table = pd.DataFrame({"buyer_id": ["a"], "start_date": ["2024-01-01"]})
    with pytest.raises(ValueError, match=r"no column 'start'.*\n.*'start_date': 'start'"):
        Histories(contracts=table)
