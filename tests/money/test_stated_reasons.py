"""Why buyers left, in the words that were written down, and never before they were."""

import pandas as pd

import clientcare as cc
from clientcare.money.stated_reasons import stated_reasons

TERMS = pd.DataFrame(
    {
        "buyer_id": ["a", "a", "b", "c", "d"],
        "start": ["2022-01-01", "2023-01-01", "2023-01-01", "2023-01-01", "2023-01-01"],
        "end": ["2022-12-31", "2023-12-31", "2023-12-31", "2023-06-30", None],
        "cancelled_at": [None, "2023-06-01", "2023-06-01", None, "2023-06-01"],
        "cancel_reason": ["never mind", "price", None, "moved away", None],
    }
)
CALLS = pd.DataFrame(
    {
        "buyer_id": ["b", "b", "a", "d"],
        "timestamp": ["2023-05-20", "2023-05-25", "2023-05-20", "2022-05-20"],
        "kind": ["complaint", "email", "complaint", "complaint"],
        "direction": ["inbound", "outbound", "inbound", "inbound"],
        "topic": ["delivery", "spring news", "billing", "long ago"],
    }
)
LEFT = pd.Series(
    pd.to_datetime(["2023-06-01", "2023-06-01", "2023-07-01", "2023-06-01"]), index=["a", "b", "c", "d"]
)


def test_the_contract_says_why_else_the_last_that_the_buyer_spoke_of():
    histories = cc.Histories(interactions=CALLS, contracts=TERMS, observed_until="2024-01-01")
    told = stated_reasons(histories, LEFT)
    assert told["stated_reason"].tolist() == ["price", "delivery", "moved away", None]
    assert told["stated_in"].tolist() == ["contract", "last contact", "contract", None]


def test_a_reason_is_known_with_the_notice_the_cancellation_or_the_end_and_not_before():
    histories = cc.Histories(contracts=TERMS, observed_until="2024-01-01")
    for moment, known in (
        ("2023-06-01", set()),
        ("2023-06-02", {"price"}),
        ("2023-07-02", {"price", "moved away"}),
    ):
        reasons = histories.until(moment).contracts.set_index("start")["cancel_reason"]
        assert set(reasons["2023-01-01"].dropna()) == known
    noticed = TERMS.assign(notice_at=[None, "2023-03-01", None, None, None])
    histories = cc.Histories(contracts=noticed, observed_until="2024-01-01")
    assert "price" in set(histories.until("2023-03-02").contracts["cancel_reason"].dropna())
    assert "price" not in set(histories.until("2023-03-01").contracts["cancel_reason"].dropna())


def test_contracts_with_reasons_come_back_as_they_were_given():
    given = cc.Histories(contracts=TERMS, observed_until="2024-01-01")
    again = cc.Histories(contracts=given.contracts, observed_until="2024-01-01")
    pd.testing.assert_frame_equal(again.contracts, given.contracts)


def test_no_feature_reads_a_reason():
    plain = cc.Histories(contracts=TERMS.drop(columns="cancel_reason"), observed_until="2024-01-01")
    told = cc.Histories(contracts=TERMS, observed_until="2024-01-01")
    for date in ("2023-03-01", "2023-09-01"):
        pd.testing.assert_frame_equal(cc.feature_table(told, date), cc.feature_table(plain, date))
