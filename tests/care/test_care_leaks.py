"""Nothing at or after as_of changes what is said of care: not a later contact, answer, rating or
cancellation.
"""

from __future__ import annotations

import os

import pandas as pd
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from clientcare.care import care_plan, care_practices, health_facts
from clientcare.care.practices import in_care
from clientcare.history import Histories
from clientcare.history.population import known_buyers
from strategies import histories_of, some_dates, some_tables, with_another_future

N_EXAMPLES = 200 if os.environ.get("CLIENTCARE_TESTS") == "full" else 8


def two_futures(tables, as_of, seed) -> tuple[Histories, Histories]:
    return histories_of(tables), histories_of(with_another_future(tables, as_of, seed))


def known_ids(histories: Histories, as_of: pd.Timestamp) -> pd.Index:
    return histories.buyer_ids[known_buyers(histories, as_of)]


@settings(max_examples=N_EXAMPLES)
@given(some_tables(interactions=True, contracts=True), some_dates(), st.integers(0, 99))
def test_nothing_at_or_after_as_of_changes_a_practice_a_fact_or_a_plan(tables, as_of, seed):
    first, second = two_futures(tables, as_of, seed)
    ids = known_ids(first, as_of)
    assume(len(ids) > 0)
    assert list(ids) == list(known_ids(second, as_of))
    assert_frame_equal(care_practices(first, as_of), care_practices(second, as_of))
    assert_frame_equal(health_facts(first, as_of), health_facts(second, as_of))
    assert in_care(first, as_of).equals(in_care(second, as_of))
    book = pd.DataFrame({"churn_risk": 0.6, "relationship": "client", "expected_spend": 10.0}, index=ids)
    plans = [care_plan(book, histories, as_of, max_per_buyer=9) for histories in (first, second)]
    assert_frame_equal(*plans)


@settings(max_examples=N_EXAMPLES)
@given(some_tables(interactions=True, contracts=True), some_dates())
def test_scores_stay_within_0_and_100_and_plans_name_known_buyers(tables, as_of):
    histories = histories_of(tables)
    ids = known_ids(histories, as_of)
    assume(len(ids) > 0)
    scores = care_practices(histories, as_of).iloc[:, :7]
    assert ((scores >= 0) & (scores <= 100) | scores.isna()).all().all()
    book = pd.DataFrame({"churn_risk": 0.6}, index=ids)
    plan = care_plan(book, histories, as_of)
    assert plan["buyer_id"].isin(ids).all()
    assert plan["buyer_id"].is_unique
    assert plan["urgency"].between(0, 1).all()
    assert plan["reason"].str.len().gt(10).all()
    assert not plan[["due", "at_stake", "priority"]].isna().any().any()


def test_a_referrer_who_becomes_a_buyer_later_does_not_show_that_referrals_are_written_down():
    orders = pd.DataFrame(
        {"buyer_id": ["ann", "bob"], "timestamp": ["2024-01-05", "2024-05-01"], "amount": 9.0}
    )
    orders["timestamp"] = pd.to_datetime(orders["timestamp"])
    attributes = pd.DataFrame({"buyer_id": ["ann", "bob"], "referred_by": ["bob", None]})
    with_bob = Histories(orders, buyers=attributes)
    without = Histories(orders.iloc[:1], buyers=attributes)
    as_of = "2024-03-01"
    assert care_practices(without, as_of)["word_of_mouth"].isna().all()
    assert_frame_equal(care_practices(with_bob, as_of), care_practices(without, as_of))
