"""Kinds and outcomes of contacts: one row each, and words that no two rows share."""

from __future__ import annotations

import pandas as pd
import pytest

from clientcare.care.check_ins import BY_PHONE, IN_PERSON
from clientcare.facts.contacts import Contacts
from clientcare.facts.kinds import KINDS, NAMES, OUTCOMES, WORDS_OF_BOTH, kinds_where
from clientcare.history import Histories

DAY = pd.Timestamp("2024-01-02")


def read(**columns: list[str | None]) -> Histories:
    """One contact a cell, of one buyer, through the door."""
    frame = pd.DataFrame(columns).assign(buyer_id="a")
    frame["timestamp"] = pd.date_range(DAY, periods=len(frame), freq="D")
    orders = pd.DataFrame({"buyer_id": ["a"], "timestamp": [DAY], "amount": [5.0]})
    return Histories(orders, interactions=frame)


@pytest.mark.parametrize("rows", [KINDS, OUTCOMES])
def test_a_word_belongs_to_one_row(rows):
    words = [word for row in rows for word in (row.name, *row.words.split())]
    assert len(words) == len(set(words))


def test_words_of_both_name_a_kind_and_an_outcome_and_are_no_other_words():
    assert {kind for kind, _ in WORDS_OF_BOTH.values()} <= set(NAMES)
    assert {outcome for _, outcome in WORDS_OF_BOTH.values()} <= {row.name for row in OUTCOMES}
    assert not set(WORDS_OF_BOTH) & {word for row in KINDS for word in row.words.split()}


def test_what_is_no_care_is_neither_a_check_in_nor_beyond_the_sale():
    assert not kinds_where(lambda kind: kind.purpose != "care" and (kind.check_in or kind.beyond))


def test_every_check_in_has_one_way_of_being_there():
    assert {kind for kind in NAMES if kind in set(IN_PERSON) & set(BY_PHONE)} == set()
    assert set(IN_PERSON) | set(BY_PHONE) == set(kinds_where(lambda kind: kind.check_in))


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("COMPLETED", "kept"), ("NO_ANSWER", "attempted"), ("Busy", "attempted"), ("LEFT_VOICEMAIL", "attempted"),
        ("Left Voicemail", "attempted"), ("Not Started", "scheduled"), ("Completed", "kept"), ("Deferred", "scheduled"),
        ("Waiting on someone else", "scheduled"), ("In Progress", "scheduled"), ("bounced", "attempted"),
        ("opened", "used"), ("clicked", "used"), ("unsubscribed", "used"), ("Connected", "reached"), ("replied", "answered"),
        ("No-show", "missed"), ("WRONG_NUMBER", "attempted"),
    ],
)  # fmt: skip
def test_words_of_crms_and_dialers_are_understood(written, read_as):
    events = read(kind=["call"], status=[written]).events("interactions")
    assert events.levels["status"][events.columns["status"]].tolist() == [read_as]


def test_a_kind_that_tells_the_outcome_gives_both_where_no_outcome_is_written():
    events = read(kind=["Missed call", "voicemail", "call"], status=[None, "done", None]).events(
        "interactions"
    )
    assert events.levels["kind"][events.columns["kind"]].tolist() == ["call"] * 3
    told = [None if code < 0 else events.levels["status"][code] for code in events.columns["status"]]
    assert told == ["attempted", "kept", None]


def test_a_table_without_directions_is_told_in_quality():
    quality = read(kind=["email", "email", "check_in"]).quality.set_index("rule")["n_rows"]
    assert quality["missing_direction"] == 2
    assert quality["direction_by_kind"] == 1


@pytest.mark.parametrize("written", ["sales", "Sales", " SALES "])
def test_a_topic_is_the_same_in_any_letters(written):
    table = pd.DataFrame(
        {
            "buyer_id": "a",
            "timestamp": [DAY, DAY + pd.Timedelta(days=3)],
            "kind": "email",
            "direction": "outbound",
        }
    ).assign(topic=[written, "Check-In"])
    contacts = Contacts.known(Histories(interactions=table), 2**62)
    assert contacts.offers.tolist() == [True, False]
    assert contacts.beyond.tolist() == [False, True]


@pytest.mark.parametrize(
    "word", ["Unanswered", "Did Not Answer", "Left VM", "hard_bounced", "No Showed", "Abgesagt"]
)
def test_what_reached_nobody_took_no_place(word):
    histories = read(kind=["call"], status=[word])
    assert not Contacts.known(histories, 2**62).kept.any()
