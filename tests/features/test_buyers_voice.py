"""How long a buyer has not spoken, and whether that is unusual for this buyer; computed by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import clientcare as cc

AS_OF = pd.Timestamp("2024-07-01")
WEEKS = pd.date_range("2023-07-03", "2024-06-24", freq="7D")


def table(*contacts: tuple) -> pd.Series:
    frame = pd.DataFrame(contacts, columns=["timestamp", "kind", "direction", "status"]).assign(buyer_id="a")
    contracts = pd.DataFrame({"buyer_id": ["a"], "start": ["2023-07-01"], "end": ["2024-12-31"]})
    histories = cc.Histories(None, frame, contracts, observed_from="2023-07-01", observed_until=AS_OF)
    return cc.feature_table(histories, AS_OF, families=["contact"]).loc["a"]


def mails(answered_until: str) -> list[tuple]:
    ours = [(day, "email", "outbound", None) for day in WEEKS]
    theirs = [
        (day + pd.Timedelta(days=1), "email", "inbound", None) for day in WEEKS if str(day) < answered_until
    ]
    return [*ours, *theirs]


def test_a_silence_is_measured_against_the_buyers_own_gap():
    X = table(*mails("2024-03-30"))  # the last answer came on 26 March
    assert X["days_since_buyer_spoke"] == 97
    assert X["buyer_speaks_every_days"] == 7
    assert X["buyer_silence_ratio"] == pytest.approx(97 / 7)
    assert X["buyer_voice_trend"] == 0
    assert X["buyer_reply_share_change"] == pytest.approx(-1.0, abs=0.05)
    assert np.isnan(X["buyer_reply_days_change"])
    said = {row["name"]: row["phrase"] for row in cc.feature_catalogue().reset_index().to_dict("records")}
    assert "has not spoken for" in said["buyer_silence_ratio"]


def test_who_answers_as_ever_shows_no_trend():
    X = table(*mails("2025"))
    assert X["buyer_silence_ratio"] < 1
    assert X["buyer_voice_trend"] == pytest.approx(1.0, abs=0.1)
    assert X["buyer_reply_share_change"] == pytest.approx(0.0)
    assert X["buyer_reply_days_change"] == pytest.approx(0.0)


def test_who_spoke_seldom_has_no_usual_gap():
    X = table(*[(day, "email", "inbound", None) for day in WEEKS[:3]])
    assert np.isnan(X["buyer_silence_ratio"])


def test_a_missed_check_in_counts_until_it_is_made_up_for():
    X = table(
        ("2024-03-01", "check_in", "outbound", "missed"),  # more than 90 days ago
        ("2024-05-01", "check_in", "outbound", "missed"),
        ("2024-05-10", "check_in", "outbound", "kept"),
        ("2024-06-01", "check_in", "outbound", "missed"),
        ("2024-06-20", "check_in", "outbound", "kept"),  # too late to make up for it
    )
    assert X["n_check_ins_missed_90d"] == 2
    assert X["n_check_ins_not_made_up_90d"] == 1
