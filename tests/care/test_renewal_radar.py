"""The renewal radar: every end, none that is signed, with or without interactions."""

from __future__ import annotations

import pandas as pd

import clientcare as cc


def plan(contracts: pd.DataFrame, as_of: str, talks: bool = False, until: str | None = None) -> pd.DataFrame:
    contact = pd.DataFrame(
        {"buyer_id": ["a"], "timestamp": ["2024-05-01"], "kind": "check_in", "direction": "outbound"}
    )
    histories = cc.Histories(None, contact if talks else None, contracts, observed_until=until)
    book = pd.DataFrame(
        {"churn_risk": [0.3], "expected_spend": [300.0]}, index=pd.Index(["a"], name="buyer_id")
    )
    told = cc.care_plan(book, histories, as_of, max_per_buyer=9).reset_index()
    return told[told["action"] == "renewal_talk"]


def signed(recorded: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "buyer_id": "a",
            "start": ["2023-07-01", "2024-07-01"],
            "end": ["2024-06-30", "2025-06-30"],
            "amount": [100.0, 110.0],
            "recorded_at": ["2023-06-20", recorded],
        }
    )


def test_a_signed_renewal_needs_no_talk_from_the_day_it_was_recorded() -> None:
    for until in (None, "2024-05-15"):
        assert plan(signed("2024-04-10"), "2024-05-15", talks=True, until=until).empty
    assert len(plan(signed("2024-05-20"), "2024-05-15", talks=True)) == 1


def test_what_is_signed_ahead_is_kept_at_the_door_and_is_no_buyer_yet() -> None:
    ahead = signed("2024-04-10").iloc[[1]]
    histories = cc.Histories(contracts=ahead, observed_until="2024-05-15")

    assert "outside_observed" not in set(histories.quality["rule"])
    assert cc.feature_table(histories, "2024-05-15").empty


def test_every_end_is_in_the_radar_and_interactions_are_not_needed() -> None:
    contracts = pd.DataFrame(
        {
            "buyer_id": "a",
            "start": ["2023-01-01", "2023-02-01", "2023-01-01"],
            "end": ["2024-12-31", "2025-01-31", None],
            "amount": [1000.0, 50.0, 10.0],
            "plan": ["core", "support", "hosting"],
        }
    )

    found = plan(contracts, "2024-12-15", until="2024-12-15")

    assert len(found) == 2
    assert found["reason"].str.contains("no renewal is recorded").all()


def test_under_notice_is_asked_why_and_not_for_a_renewal() -> None:
    contracts = pd.DataFrame(
        {
            "buyer_id": ["a"],
            "start": ["2023-01-01"],
            "end": ["2024-12-31"],
            "notice_at": ["2024-09-20"],
            "cancelled_at": ["2024-12-31"],
        }
    )
    book = pd.DataFrame(
        {"churn_risk": [0.3], "expected_spend": [300.0]}, index=pd.Index(["a"], name="buyer_id")
    )
    mail = pd.DataFrame(
        {"buyer_id": ["a"], "timestamp": ["2024-09-25"], "kind": ["call"], "direction": ["outbound"]}
    )

    def asked(as_of: str, interactions: pd.DataFrame | None = None) -> pd.DataFrame:
        histories = cc.Histories(None, interactions, contracts, observed_until="2025-03-01")
        return cc.care_plan(book, histories, as_of, max_per_buyer=9).reset_index().set_index("action")

    assert "renewal_talk" in asked("2024-09-20").index
    told = asked("2024-10-01")
    assert "renewal_talk" not in told.index
    assert told.loc["reach_out", "reason"].startswith(
        "Under notice since 2024-09-20, service ends on 2024-12-31"
    )
    assert "reach_out" in asked("2024-10-01", mail).index  # a routine call is no talk about the notice
    talk = mail.assign(topic="About your cancellation")
    assert "reach_out" not in asked("2024-10-01", talk).index
