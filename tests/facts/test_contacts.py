"""What a contact is, is said once: features, card, plan and tie count the same ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clientcare.care import care_plan, care_practices
from clientcare.facts.contacts import Contacts
from clientcare.facts.kinds import KINDS, TROUBLE
from clientcare.features import feature_table
from clientcare.history import Histories
from clientcare.outcomes.care_tie import care_tie
from clientcare.window import Window, microseconds

AS_OF = pd.Timestamp("2024-07-01")
FIRST = AS_OF - pd.Timedelta(days=80)
ORDERS = pd.DataFrame({"buyer_id": ["a", "b", "c"], "timestamp": pd.Timestamp("2024-01-02"), "amount": 9.0})
ROW = {kind.name: kind for kind in KINDS}
OPTIONAL = (
    "kind",
    "direction",
    "status",
    "topic",
    "answered",
    "resolved",
    "satisfaction",
    "response_hours",
    "closed_at",
)
STATUSES = ["kept", "missed", "scheduled", "attempted", "reached", "answered", "used", None]


@st.composite
def contact_tables(draw: Any) -> pd.DataFrame:
    """Contacts of the last 80 days of three buyers, any of the optional columns missing."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.integers(1, 30))
    time = FIRST + pd.to_timedelta(rng.integers(0, 80 * 24, n), unit="h")
    frame = pd.DataFrame({"buyer_id": rng.choice(["a", "b", "c"], n), "timestamp": time})
    frame["kind"] = rng.choice([*ROW, "coffee"], n)
    frame["direction"] = rng.choice(["inbound", "outbound", "mutual", None], n)
    frame["status"] = rng.choice(STATUSES, n)
    frame["topic"] = rng.choice(["sales", "roof", None], n)
    frame["answered"] = rng.choice(["yes", "no", None], n)
    frame["resolved"] = rng.choice(["yes", "no", None], n)
    frame["satisfaction"] = rng.choice([0.1, 0.9, np.nan], n)
    frame["response_hours"] = rng.choice([2.0, 90.0, np.nan], n)
    frame["closed_at"] = (time + pd.Timedelta(days=20)).where(rng.random(n) < 0.4)
    kept = frame.drop(columns=draw(st.sets(st.sampled_from(OPTIONAL))))
    return kept.drop_duplicates(ignore_index=True)  # the door sets exact copies aside


def plainly(row: Any) -> dict[str, bool]:
    """What one contact is, said in plain words of one row."""
    text = {
        name: row.get(name) if isinstance(row.get(name), str) else None
        for name in ("kind", "direction", "status")
    }
    kind = ROW.get(text["kind"] or "")
    side = text["direction"] or (kind.starts if kind else None)
    status = text["status"]
    open_trouble = status == "scheduled" and text["kind"] in TROUBLE
    happened = (
        status not in ("missed", "scheduled", "attempted")
        or open_trouble
        or (status == "attempted" and side == "inbound")
    )
    use = happened and (status == "used" or bool(kind and kind.purpose == "use"))
    contact = happened and not use
    bill = bool(kind and kind.purpose == "bill")
    about_sales = row.get("topic") == "sales" and side != "inbound"
    sells = contact and (bill or about_sales or bool(kind and kind.purpose == "sale"))
    care = contact and not sells
    check_in = bool(kind and kind.check_in) and side != "inbound"
    return {
        "contact": contact, "use": use, "care": care, "sells": sells, "side": side,
        "outbound": contact and side == "outbound", "inbound": contact and side == "inbound",
        "check_in": care and check_in, "missed_check_in": status == "missed" and check_in,
        "beyond": care and side in ("outbound", "mutual") and bool(kind and kind.beyond),
    }  # fmt: skip


def per_buyer(plain: pd.DataFrame, buyer: pd.Series, rows: pd.Series) -> np.ndarray:
    return rows.astype(bool).groupby(buyer).sum().reindex(["a", "b", "c"], fill_value=0).to_numpy(dtype=float)


@settings(max_examples=60, deadline=None)
@given(contact_tables())
def test_features_card_plan_and_tie_count_the_same_contacts(frame):
    histories = Histories(ORDERS, interactions=frame, observed_from="2024-01-01", observed_until=AS_OF)
    plain, buyer = pd.DataFrame([plainly(row) for row in frame.to_dict("records")]), frame["buyer_id"]
    X = feature_table(histories, AS_OF, families=["contact"])
    features = {
        "contact": "n_contacts", "check_in": "n_check_ins_kept", "missed_check_in": "n_check_ins_missed",
        "beyond": "n_beyond_contacts_365d",
    }  # fmt: skip
    for name, feature in features.items():
        np.testing.assert_array_equal(X[feature], per_buyer(plain, buyer, plain[name]), err_msg=feature)
    told = per_buyer(plain, buyer, plain["contact"] & plain["side"].notna())
    untold = (told == 0) & (per_buyer(plain, buyer, plain["contact"]) > 0)
    for side in ("outbound", "inbound"):
        expected = np.where(untold, np.nan, per_buyer(plain, buyer, plain[side]))
        np.testing.assert_array_equal(X[f"n_{side}_contacts"], expected, err_msg=side)
    card = care_practices(histories, AS_OF)
    if "n_beyond" in card:
        np.testing.assert_array_equal(card["n_beyond"], per_buyer(plain, buyer, plain["beyond"]))
    if "n_outbound" in card:
        for side in ("outbound", "inbound"):
            expected = per_buyer(plain, buyer, plain["care"] & plain[side])
            np.testing.assert_array_equal(card[f"n_{side}"], expected, err_msg=f"card {side}")
    contacts = Contacts.known(histories, microseconds(AS_OF))
    assert contacts is not None
    assert not (contacts.exchanges & ~contacts.care).any()
    tie = care_tie(histories, Window(FIRST, 80), n_parts=4, min_parts=1).fillna(False)
    spoke = per_buyer(plain, buyer, plain["care"])
    assert not tie.to_numpy(dtype=bool)[spoke == 0].any()
    book = pd.DataFrame(
        {"churn_risk": 0.1, "relationship": "client"}, index=pd.Index(["a", "b", "c"], name="buyer_id")
    )
    plan = care_plan(book, histories, AS_OF, max_per_buyer=9)
    late = set(plan.loc[plan["action"] == "check_in", "buyer_id"])
    heard = (
        plain["care"]
        & plain["side"].isin(["outbound", "mutual"])
        & (frame["timestamp"] > AS_OF - pd.Timedelta(days=6))
    )
    missed = plain["missed_check_in"] | (frame.get("status") == "missed")
    assert not (set(buyer[heard]) - set(buyer[missed])) & late


def talks(**columns: Any) -> Histories:
    """Contacts of buyer a on one day a week, through the door."""
    n = max(len(values) for values in columns.values() if isinstance(values, list))
    frame = pd.DataFrame(
        {"buyer_id": "a", "timestamp": pd.date_range("2024-05-01", periods=n, freq="7D"), **columns}
    )
    return Histories(ORDERS, interactions=frame, observed_from="2024-01-01", observed_until=AS_OF)


def feature(histories: Histories, *names: str) -> list[float]:
    return feature_table(histories, AS_OF, families=["contact"]).loc["a", list(names)].tolist()


def test_mails_without_a_direction_belong_to_no_side():
    mails = talks(kind=["email"] * 3)
    assert feature(mails, "n_contacts") == [3.0]
    assert np.isnan(feature(mails, "n_outbound_contacts", "n_inbound_contacts", "proactive_share")).all()
    assert care_practices(mails, AS_OF)[["communicated", "proactive", "two_way"]].isna().all(axis=None)


@pytest.mark.parametrize("status", ["NO_ANSWER", "BUSY", "LEFT_VOICEMAIL", "Not Started", "Deferred"])
def test_calls_that_reached_nobody_are_no_care(status):
    calls = talks(kind=["call"] * 4, direction="outbound", status=status)
    assert feature(calls, "n_contacts", "n_check_ins_kept", "n_outbound_contacts") == [0.0, 0.0, 0.0]
    assert care_practices(calls, AS_OF).loc["a", "communicated"] == 0


def test_pages_viewed_and_mails_opened_are_use():
    seen = talks(
        kind=["page view", "email", "email"],
        direction=["inbound", "outbound", "outbound"],
        status=[None, "opened", "sent"],
    )
    assert feature(seen, "n_contacts", "n_inbound_contacts") == [1.0, 0.0]


def test_a_complaint_whose_closing_is_never_recorded_is_not_open():
    unknown = talks(kind=["complaint"], direction="inbound", answered=["yes"])
    assert feature(unknown, "n_complaints") == [1.0]
    assert np.isnan(
        feature(unknown, "n_open_complaints", "n_open_requests", "days_oldest_complaint_open")
    ).all()
    told = talks(kind=["complaint"], direction="inbound", resolved=["no"])
    assert feature(told, "n_open_complaints", "n_open_requests") == [1.0, 1.0]


def test_a_call_by_the_buyer_is_the_buyers_voice():
    calls = talks(kind=["call"] * 3, direction="inbound")
    assert feature(calls, "n_inbound_contacts", "n_check_ins_kept", "check_in_month_share") == [3.0, 0.0, 0.0]


def test_a_call_by_the_buyer_that_nobody_took_was_not_answered():
    calls = talks(kind=["call", "call"], direction="inbound", status=["no answer", "answered"])
    assert feature(calls, "n_inbound_contacts", "answered_inbound_share") == [2.0, 0.5]


def test_a_ticket_that_is_open_has_taken_place():
    tickets = talks(kind=["support_ticket", "meeting"], direction=["inbound", "mutual"], status="open")
    assert feature(tickets, "n_contacts", "n_requests_90d") == [1.0, 1.0]
