"""A CRM export without sales: card, audit and plan say all that contacts can tell."""

from __future__ import annotations

import pandas as pd
import pytest

import clientcare as cc

AS_OF = pd.Timestamp("2024-07-01")
WEEKS = pd.date_range("2023-07-03", "2024-06-24", freq="7D")


def export() -> cc.Histories:
    """Ada is called and answers every week; Bob has not answered since March; Cyd was last spoken to two years ago."""
    parts = [
        ("ada", WEEKS, "outbound"), ("ada", WEEKS + pd.Timedelta(days=1), "inbound"), ("bob", WEEKS, "outbound"),
        ("bob", WEEKS[WEEKS < "2024-04-01"] + pd.Timedelta(days=1), "inbound"),
        ("cyd", pd.to_datetime(["2022-05-01"]), "outbound"),
    ]  # fmt: skip
    contacts = pd.concat(
        pd.DataFrame({"buyer_id": who, "timestamp": days, "direction": side}) for who, days, side in parts
    )
    return cc.Histories(None, contacts.assign(kind="email"), observed_from="2022-01-01", observed_until=AS_OF)


def test_the_card_and_the_audit_are_answered_from_contacts():
    report = cc.care_report(export(), AS_OF)
    assert report.buyers.index.tolist() == ["ada", "bob"]  # nothing for two years: no longer in contact
    assert report.seller.loc["communicated", "score"] == 100
    assert report.buyers["two_way"].to_dict() == {"ada": 100.0, "bob": pytest.approx(0.0)}
    assert report.questions.loc["Do they hear that you do?", "answer"] == "yes"
    assert report.questions.loc["Is communication two-way?", "answer"] == "partly"


def test_a_plan_of_contacts_alone_finds_the_silence():
    book = pd.DataFrame({"churn_risk": {"ada": 0.2, "bob": 0.2}}).rename_axis("buyer_id")
    plan = cc.care_plan(book, export(), AS_OF)
    assert plan.loc[0, ["buyer_id", "action"]].tolist() == ["bob", "break_silence"]


def test_nothing_at_or_after_the_date_makes_anybody_known():
    report = cc.care_report(export(), "2023-07-01")
    assert report.buyers.index.tolist() == ["cyd"]
