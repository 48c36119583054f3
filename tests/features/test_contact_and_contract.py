"""Contacts and contracts as they were known at a date."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from clientcare.features import feature_table
from clientcare.history import Histories

ORDERS = pd.DataFrame({"buyer_id": ["a"], "timestamp": ["2024-01-01"], "amount": [5.0]})


def in_touch(rows: list[tuple], columns: list[str], as_of: str = "2024-03-01", **options) -> pd.Series:
    """The features of buyer a, who had some contacts."""
    contacts = pd.DataFrame(rows, columns=["timestamp", *columns]).assign(buyer_id="a")
    return feature_table(Histories(ORDERS, interactions=contacts, **options), as_of).loc["a"]


def bound(rows: list[tuple], columns: list[str], as_of: str = "2024-07-01", **tables) -> pd.Series:
    """The features of buyer a, who had some contracts."""
    contracts = pd.DataFrame(rows, columns=["start", *columns]).assign(buyer_id="a")
    return feature_table(Histories(contracts=contracts, **tables), as_of).loc["a"]


def test_an_answer_counts_from_the_moment_it_came():
    rows = [("2024-01-10", "support_ticket", "inbound", "2024-02-15")]
    columns = ["kind", "direction", "answered_at"]
    assert in_touch(rows, columns, "2024-02-01")["answered_inbound_share"] == 0
    assert in_touch(rows, columns, "2024-03-01")["answered_inbound_share"] == 1


def test_a_rating_counts_from_the_moment_the_ticket_was_closed():
    rows = [("2024-01-10", "support_ticket", "inbound", "2024-02-15", 0.2)]
    columns = ["kind", "direction", "closed_at", "satisfaction"]
    early, late = in_touch(rows, columns, "2024-02-01"), in_touch(rows, columns, "2024-03-01")
    assert np.isnan(early["satisfaction_mean"])
    assert early["n_open_requests"] == 1
    assert late["satisfaction_mean"] == 0.2
    assert late["n_open_requests"] == 0


def test_a_missed_check_in_is_no_contact():
    rows = [("2024-01-10", "check_in", "missed"), ("2024-02-10", "check_in", "kept")]
    checked = in_touch(rows, ["kind", "status"])
    assert checked["n_contacts"] == 1
    assert checked["check_in_kept_share"] == 0.5
    assert checked["days_since_last_check_in"] == 20
    assert checked["check_in_overdue_ratio"] == pytest.approx(20 / 30)


def test_who_keeps_in_touch_shows_in_proactive_share_and_reciprocity():
    rows = [(f"2024-01-{day:02d}", "email", "outbound") for day in (2, 9, 16)] + [
        ("2024-01-10", "email", "inbound")
    ]
    touch = in_touch(rows, ["kind", "direction"])
    assert touch["proactive_share"] == 0.75
    assert touch["contact_reciprocity"] == 0.5
    assert touch["buyer_reply_share"] == pytest.approx(2 / 3)  # within 14 days of the 2nd and of the 9th
    assert touch["seller_reply_days_mean"] == 6


def test_a_contact_too_recent_for_a_reply_does_not_count_against_the_buyer():
    rows = [
        ("2024-01-02", "email", "outbound"),
        ("2024-01-05", "email", "inbound"),
        ("2024-02-25", "email", "outbound"),
    ]
    assert in_touch(rows, ["kind", "direction"])["buyer_reply_share"] == 1


def test_the_longest_silence_includes_the_present_one():
    rows = [("2024-01-02", "email", "outbound"), ("2024-01-12", "email", "outbound")]
    assert in_touch(rows, ["kind", "direction"])["longest_contact_silence_days"] == 49


def test_selling_is_told_from_caring():
    rows = [
        ("2024-01-02", "campaign", None),
        ("2024-01-12", "advice", None),
        ("2024-01-13", "email", "sales"),
    ]
    assert in_touch(rows, ["kind", "topic"])["non_sales_share"] == pytest.approx(1 / 3)


def test_satisfaction_that_falls_shows_as_a_change_below_zero():
    rows = [
        (f"2024-01-{day:02d}", "feedback", rating)
        for day, rating in ((2, 0.9), (5, 0.7), (9, 0.3), (12, 0.1))
    ]
    rated = in_touch(rows, ["kind", "satisfaction"])
    assert rated["satisfaction_change"] == pytest.approx(-0.6)
    assert rated["satisfaction_last"] == 0.1


def test_a_contract_runs_until_its_end_or_a_cancellation_that_is_known():
    rows = [("2024-01-01", "2024-12-31", "2024-06-01", 10.0)]
    columns = ["end", "cancelled_at", "amount"]
    before, after = bound(rows, columns, "2024-06-01"), bound(rows, columns, "2024-06-02")
    assert before["has_contract_in_force"] == 1
    assert before["days_to_contract_end"] == 213
    assert after["has_contract_in_force"] == 0
    assert after["cancellation_notice_days_mean"] == 213
    assert after["days_since_contract_end"] == 1


def test_a_term_that_follows_the_last_renews_it_and_a_long_pause_is_a_lapse():
    rows = [
        ("2024-01-01", "2024-02-01", 10.0),
        ("2024-02-01", "2024-03-01", 12.0),
        ("2024-05-01", "2024-06-01", 12.0),
    ]
    kept = bound(rows, ["end", "amount"], "2024-05-15")
    assert kept["n_renewals"] == 1
    assert kept["n_contract_lapses"] == 1
    assert kept["renewal_share"] == 0.5
    assert kept["n_price_rises"] == 1
    assert kept["price_since_first_ratio"] == pytest.approx(1.2)
    assert kept["contract_covered_share"] == pytest.approx((61 + 14) / 135)


def test_on_the_morning_after_the_last_day_a_contract_is_in_force_with_no_days_left():
    """Nothing of that day is known yet, a renewal of that day neither; a day later it has lapsed."""
    rows = [("2024-01-01", "2024-06-30")]
    after, later = bound(rows, ["end"], "2024-07-01"), bound(rows, ["end"], "2024-07-02")
    assert (after["has_contract_in_force"], after["days_to_contract_end"]) == (1, 0)
    assert (later["has_contract_in_force"], later["days_since_contract_end"]) == (0, 1)


def test_a_term_that_was_renewed_does_not_hide_the_end_of_the_next():
    rows = [("2024-01-01", "2024-07-01"), ("2024-07-01", "2024-12-31")]
    assert bound(rows, ["end"], "2024-07-02")["days_to_contract_end"] == 182


def test_an_open_ended_contract_has_no_days_to_its_end():
    forever = bound([("2024-01-01", None)], ["end"])
    assert forever["has_open_ended_contract"] == 1
    assert np.isnan(forever["days_to_contract_end"])


def test_renewal_talked_about_shows_with_its_distance_to_the_end():
    talk = pd.DataFrame({"buyer_id": ["a"], "timestamp": ["2024-06-01"], "kind": ["renewal_talk"]})
    rows = [("2024-01-01", "2024-08-31")]
    assert bound(rows, ["end"], interactions=talk)["days_renewal_talk_to_contract_end"] == 91
    assert bound(rows, ["end"], "2024-05-01", interactions=talk)["had_renewal_talk"] == 0


def test_a_referral_named_among_the_attributes_counts():
    buyers = pd.DataFrame({"buyer_id": ["a", "b"], "referred_by": [None, "a"], "n_staff": [3, None]})
    orders = pd.DataFrame({"buyer_id": ["a", "b"], "timestamp": ["2024-01-01", "2024-01-05"]})
    table = feature_table(Histories(orders, buyers=buyers), "2024-02-01")
    assert table["was_referred"].tolist() == [0, 1]
    assert "buyer_referred_by" not in table
    assert table["buyer_n_staff"].isna().tolist() == [False, True]
