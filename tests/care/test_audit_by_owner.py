"""The questions of the self-audit by who looks after whom: the careless owner is told from the others."""

from __future__ import annotations

import numpy as np
import pandas as pd

import clientcare as cc

AS_OF = pd.Timestamp("2024-07-01")


def firm_of_three_owners() -> cc.Histories:
    """Two owners call every fortnight and give advice; Eve has done neither since the spring."""
    ids = [f"{owner}{number}" for owner in ("ann", "ben", "eve") for number in range(5)]
    owners = pd.DataFrame({"buyer_id": ids, "owner": [name[:3] for name in ids]})
    days = pd.date_range("2023-07-03", "2024-06-28", freq="14D")
    rows = [
        (buyer, day, kind, "kept")
        for buyer in ids
        for day in days
        for kind in ("check_in", "advice")
        if not (buyer.startswith("eve") and day >= pd.Timestamp("2024-03-01"))
    ]
    contacts = pd.DataFrame(rows, columns=["buyer_id", "timestamp", "kind", "status"])
    contracts = pd.DataFrame({"buyer_id": ids, "start": pd.Timestamp("2023-07-01"), "amount": 100.0})
    return cc.Histories(None, contacts, contracts, owners, observed_from="2023-07-01", observed_until=AS_OF)


def test_the_careless_owner_is_told_from_the_others_with_figures_and_what_would_change_it():
    report = cc.care_report(firm_of_three_owners(), AS_OF, by="owner")
    assert report.questions_by is not None
    asked = report.questions_by.xs("Do they hear that you do?", level="question")
    assert asked["answer"].to_dict() == {"ann": "yes", "ben": "yes", "eve": "no"}
    assert asked.loc["eve", "figures"].startswith("0 of 5 buyers heard from you within the last 30 days")
    assert (
        asked.loc["eve", "would_change"]
        == "a contact of your own within the cadence for about 2 more of 5 buyers: partly"
    )
    whole = report.questions.loc["Do they hear that you do?"]
    assert whole["answer"] == "partly"
    assert whole["figures"].startswith("10 of 15")
    for question in ("Do you look out for their interest beyond the purchase?", "Is communication two-way?"):
        answers = report.questions_by.xs(question, level="question")["percent"]
        assert answers["eve"] == 0
        assert answers["ann"] == answers["ben"] == 100


def test_what_cannot_be_seen_says_what_to_record():
    bought = pd.DataFrame({"buyer_id": ["a", "b"], "timestamp": ["2024-05-01", "2024-06-01"], "amount": 9.0})
    told = cc.care_report(cc.Histories(bought), AS_OF).questions
    unseen = told[told["answer"] == "cannot be seen"]
    assert len(unseen) >= 6
    assert unseen["would_change"].str.startswith("record ").all()
    assert np.isnan(told.loc["Is communication two-way?", "percent"])


def test_without_a_group_there_is_no_audit_by_group():
    assert cc.care_report(firm_of_three_owners(), AS_OF).questions_by is None


def test_buyers_who_are_answered_and_never_called_are_asked_about_too():
    days = pd.date_range("2024-01-05", "2024-06-25", freq="14D")
    asked = pd.DataFrame({"buyer_id": "a", "timestamp": days, "kind": "email", "direction": "inbound"})
    contracts = pd.DataFrame({"buyer_id": ["a"], "start": ["2023-07-01"], "end": ["2024-12-31"]})
    histories = cc.Histories(None, asked.assign(answered=True), contracts, observed_until=AS_OF)
    told = cc.care_report(histories, AS_OF).questions
    assert told.loc["Is communication two-way?", "answer"] == "yes"
    assert told.loc["Is communication two-way?", "figures"].startswith("3 of 3 stretches")
