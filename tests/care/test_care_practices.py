"""The formulas of care, each computed by hand on three buyers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from three_buyers import AS_OF, BUYERS, CONTRACTS, INTERACTIONS, TRANSACTIONS, three_buyers

from clientcare.care import care_practices
from clientcare.care.practices import in_care, last_owner
from clientcare.history import Histories
from clientcare.window import microseconds

MOMENT = pd.Timestamp(AS_OF)


@pytest.fixture(scope="module")
def practices() -> pd.DataFrame:
    return care_practices(three_buyers(), MOMENT)


def test_care_is_communicated_in_the_share_of_stretches_in_which_the_buyer_heard_from_the_seller(practices):
    # ada: check-in on 04-10, meeting on 05-05, in June her own mail was answered: 3 of 3
    # bob: his complaint of 05-21 was closed, his mail of June is not answered yet: 1 of 3
    # cyd: a buyer for 11 days: nothing was due
    assert practices["n_stretches"].tolist() == [3, 3, 0]
    # what the seller starts counts in full, an answer half: ada 2 of 3 unasked, bob none
    assert practices["n_stretches_in_touch"].tolist() == [3, 1, 0]
    assert practices["n_stretches_unasked"].tolist() == [2, 0, 0]
    np.testing.assert_allclose(practices["communicated"], [100 * 5 / 6, 100 / 6, np.nan])


def test_care_is_proactive_where_the_seller_takes_the_first_step_and_ends_are_foreseen(practices):
    # ada: first steps in 2 of 3 stretches (check-in, meeting); of three check-ins and meetings one was missed: 2/3;
    # her term ends on 07-20, within 30 days, and the meeting of 05-05 lies between 180 and 30 days before: 1 of 1.
    # Mean 7/9
    # bob: nobody took a first step in 3 stretches: 0
    assert practices[["n_outbound", "n_mutual", "n_inbound"]].to_numpy().tolist() == [
        [1, 1, 2],
        [0, 0, 3],
        [0, 0, 0],
    ]
    assert practices[["n_ends", "n_ends_foreseen"]].to_numpy().tolist() == [[1, 1], [0, 0], [0, 0]]
    np.testing.assert_allclose(practices["proactive"], [700 / 9, 0.0, np.nan])


def test_a_relationship_deepens_where_this_period_outweighs_the_one_before(practices):
    # ada: spend 90 + 50 - 20 = 120 against 60: 2/3; categories 2 against 1: 2/3; contract 30 against 30: 1/2;
    # contacts 4 against 0: 1. Mean 17/24
    # bob: spend 0 against 40, both as a day's rate: 0; categories 0 against 1: 0; contacts (complaints aside) 1 in 90
    # days against 1 in 78
    # (a buyer since 01-15): (1/90) / (1/90 + 1/78). Mean of the three
    contacts = (1 / 90) / (1 / 90 + 1 / 78)
    np.testing.assert_allclose(practices["deepening"], [100 * 17 / 24, 100 * contacts / 3, np.nan])
    assert practices["spend"].tolist() == [120.0, 0.0, 10.0]


def test_service_is_the_mean_of_satisfaction_answers_solutions_and_value_kept_and_never_above_what_buyers_say(
    practices,
):
    # ada: rated 0.9; her mail was answered: 1, after ten hours: 1; value kept 1 - 20 / 140 = 6/7;
    # their mean lies above her rating: 0.9
    # bob: the complaint rated 0.4 is closed, the other's rating and end are not known before 07-05: rated
    # 0.4, resolved
    # 1 of 2; of three contacts one, the closed complaint, was answered: 1/3;
    # the two others have waited for longer than a day or wait: 0 of 2 prompt
    # cyd: bought for 10, returned nothing: 1
    # one of bob's complaints is open still: divided by one and a half
    np.testing.assert_allclose(practices["service"], [90.0, 100 * (0.4 + 0.5 + 1 / 3 + 0) / 4 / 1.5, 100.0])
    assert practices["n_trouble"].tolist() == [0, 2, 0]
    assert practices["n_resolved"].tolist() == [0, 1, 0]
    assert practices[["n_asked", "n_answered"]].to_numpy().tolist() == [[1, 1], [3, 1], [0, 0]]


def test_value_beyond_the_purchase_is_what_the_seller_starts_without_an_offer(practices):
    # ada: one kept check-in, one missed, one campaign; bob: one campaign; cyd: nothing was due
    np.testing.assert_allclose(practices["beyond"], [100 / 3, 0.0, np.nan])


def test_two_way_communication_is_the_share_of_stretches_in_which_both_spoke(practices):
    # ada answers the check-in, comes to the meeting, and has her mail answered: 3 of 3
    # bob speaks in May and June and is heard once, when his complaint is closed: 1 of 3
    assert practices[["n_buyer_spoke", "n_seller_spoke"]].to_numpy().tolist() == [[4, 3], [3, 1], [0, 0]]
    np.testing.assert_allclose(practices["two_way"], [100.0, 100 / 3, np.nan])


def test_a_referral_written_down_twice_is_one(practices):
    assert practices["n_referrals"].tolist() == [1, 0, 0]
    assert practices["word_of_mouth"].tolist() == [100.0, 0.0, 0.0]


def test_an_answer_given_after_as_of_looks_like_one_never_given(practices):
    never = INTERACTIONS.copy()
    late = never["answered_at"] >= MOMENT
    never.loc[late, "answered"], never.loc[late, "answered_at"] = 0.0, pd.NaT
    histories = Histories(
        TRANSACTIONS, interactions=never, contracts=CONTRACTS, buyers=BUYERS, observed_from="2023-10-01"
    )
    assert_frame_equal(care_practices(histories, MOMENT), practices)


def test_nothing_at_or_after_as_of_changes_a_practice(practices):
    later = pd.DataFrame(
        {"buyer_id": ["bob"], "timestamp": [MOMENT], "kind": ["check_in"], "direction": ["outbound"]}
    )
    histories = Histories(
        pd.concat([TRANSACTIONS, TRANSACTIONS.assign(timestamp=MOMENT + pd.Timedelta(hours=1))]),
        interactions=pd.concat([INTERACTIONS, later]),
        contracts=CONTRACTS.assign(cancelled_at=pd.NaT),
        buyers=BUYERS,
        observed_from="2023-10-01",
    )
    assert_frame_equal(care_practices(histories, MOMENT), practices)


def test_the_order_of_rows_changes_nothing(practices):
    histories = Histories(
        TRANSACTIONS.iloc[::-1],
        interactions=INTERACTIONS.iloc[::-1],
        contracts=CONTRACTS,
        buyers=BUYERS.iloc[::-1],
        observed_from="2023-10-01",
    )
    assert_frame_equal(care_practices(histories, MOMENT), practices)


def test_with_transactions_alone_only_deepening_and_value_can_be_seen():
    seen = care_practices(Histories(TRANSACTIONS, observed_from="2023-10-01"), MOMENT).notna().any()
    assert seen[["deepening", "service"]].all()
    assert not seen[["communicated", "proactive", "beyond", "two_way", "word_of_mouth"]].any()


def test_a_buyer_is_in_care_with_a_two_way_contact_or_a_contract():
    assert in_care(three_buyers(), MOMENT).tolist() == [1.0, 1.0, 0.0]
    alone = in_care(Histories(TRANSACTIONS), MOMENT)
    assert alone.isna().all()


def test_the_owner_is_of_the_latest_known_contact():
    table = INTERACTIONS.assign(owner=["old"] * 5 + ["new"] + ["bea"] * 5)
    owner = last_owner(Histories(TRANSACTIONS, interactions=table), microseconds(MOMENT))
    assert owner.tolist() == ["new", "bea", None]
