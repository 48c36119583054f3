"""Interactions in the field's words, and what was known of their outcome when."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from doors import assert_balanced, found
from pandas.testing import assert_frame_equal

from clientcare.exceptions import NotEnoughDataError, OptionError, SchemaError
from clientcare.history import Histories


def contacts(**columns) -> pd.DataFrame:
    n_rows = max(len(values) for values in columns.values() if isinstance(values, list))
    base = {"buyer_id": "a", "timestamp": [f"2024-01-{day:02d}" for day in range(1, n_rows + 1)]}
    return pd.DataFrame({**base, **columns})


def read(table, **options) -> pd.DataFrame:
    return Histories(interactions=table, **options).interactions


def words(frame, column) -> list[str | None]:
    return [None if pd.isna(word) else word for word in frame[column]]


def n_found(rule, table, **options) -> int:
    return found(Histories(interactions=table, **options), rule, "interactions")


def test_common_words_are_read_as_ours_and_unknown_kinds_stay_and_count():
    table = contacts(kind=["Check-In", "phone call", "ticket", "tombola", None, "NPS"])
    assert words(read(table), "kind") == [
        "check_in",
        "call",
        "support_ticket",
        "tombola",
        None,
        "feedback",
    ]
    assert n_found("kind_reworded", table) == 4
    assert n_found("unknown_kind", table) == 1
    assert n_found("missing_kind", table) == 1


def test_the_words_of_the_caller_come_before_the_common_ones():
    table = contacts(kind=["Coffee!", "review"])
    assert words(read(table, kinds={"coffee": "check_in", "Review": "feedback"}), "kind") == [
        "check_in",
        "feedback",
    ]
    with pytest.raises(OptionError, match="Did you mean 'check_in'"):
        read(table, kinds={"coffee": "chek_in"})


def test_directions_are_inbound_outbound_or_mutual():
    table = contacts(direction=["IN", "Outgoing", "both", "sideways", None])
    assert words(read(table), "direction") == ["inbound", "outbound", "mutual", None, None]
    assert n_found("unknown_direction", table) == 1
    assert n_found("missing_direction", table) == 1


def test_missed_contacts_are_told_from_kept_ones():
    table = contacts(status=["done", "No-show", "planned", "hm"])
    assert words(read(table), "status") == ["kept", "missed", "scheduled", None]
    assert n_found("missed_contact", table) == 1


def test_kind_direction_and_status_are_always_there():
    frame = read(contacts(topic=["sales"]))
    assert frame[["kind", "direction", "status"]].isna().all(axis=None)


def test_satisfaction_needs_its_scale():
    table = contacts(satisfaction=[1, 3, 5, 9])
    with pytest.raises(SchemaError, match=r"3 values lie outside 0 to 1 \(first row numbers: 1, 2, 3\)"):
        read(table)
    np.testing.assert_array_equal(
        read(table, satisfaction_scale=(1, 5))["satisfaction"], [0.0, 0.5, 1.0, np.nan]
    )
    assert n_found("outside_scale", table, satisfaction_scale=(1, 5)) == 1


def test_an_answer_tells_its_moment_by_its_hours_and_the_reverse():
    by_hours = read(contacts(response_hours=[36.0, None]))
    assert by_hours["answered_at"].tolist() == [pd.Timestamp("2024-01-02 12:00"), pd.NaT]
    by_moment = read(contacts(answered_at=["2024-01-02 12:00", None]))
    np.testing.assert_array_equal(by_moment["response_hours"], [36.0, np.nan])
    assert by_moment["answered"].tolist() == [1.0, 0.0]


def test_an_answer_is_unknown_before_it_came_and_looks_as_one_that_never_came():
    histories = Histories(interactions=contacts(answered_at=["2024-02-01", None]))
    early = histories.until("2024-02-01").interactions
    assert early["answered"].tolist() == [0.0, 0.0]
    assert early["answered_at"].isna().all() and early["response_hours"].isna().all()
    assert histories.until("2024-02-02").interactions["answered"].tolist() == [1.0, 0.0]


def test_satisfaction_and_resolution_are_unknown_before_the_closing():
    table = contacts(kind=["ticket", "usage"], closed_at=["2024-02-01", None], satisfaction=[0.8, None])
    histories = Histories(interactions=table)
    late, early = histories.interactions, histories.until("2024-02-01").interactions
    np.testing.assert_array_equal(late["resolved"], [1.0, np.nan])
    np.testing.assert_array_equal(early["resolved"], [0.0, np.nan])
    assert late["resolution_hours"][0] == 31 * 24
    assert early["satisfaction"].isna().all()


def test_stated_flags_are_kept_and_contradictions_counted():
    table = contacts(
        answered=["no", "yes", None, "?", "no"], answered_at=["2024-03-01", None, None, None, None]
    )
    assert read(table)["answered"].tolist() == [1.0, 1.0, 0.0, 0.0, 0.0]
    assert n_found("contradictory_answered", table) == 1
    assert n_found("unreadable_answered", table) == 1


@pytest.mark.parametrize("kind", ["email", "referral", "campaign", "visit", "own word", None])
@pytest.mark.parametrize("direction", ["inbound", "outbound", "mutual"])
def test_whether_no_or_nothing_is_written_an_answer_to_come_is_not_told(kind, direction):
    """Blank, "no", and "yes" with a moment to come are one and the same before that moment."""
    looks = []
    for answered, answered_at in ((None, None), ("no", None), ("yes", "2024-03-01"), (None, "2024-03-01")):
        row = {"buyer_id": ["a"], "timestamp": ["2024-01-05"], "kind": [kind], "direction": [direction]}
        told = {"answered": [answered], "answered_at": pd.to_datetime([answered_at])}
        histories = Histories(interactions=pd.DataFrame({**row, **told}))
        looks.append(histories.until("2024-02-01").interactions)
    for look in looks[1:]:
        assert_frame_equal(looks[0], look)
    asks = kind in ("email", "own word", None) and direction != "mutual"
    assert looks[0]["answered"].isna().tolist() == [not asks]


def test_a_no_where_no_answer_is_asked_for_is_counted():
    moments = pd.to_datetime([None, "2024-01-02"])
    table = contacts(kind=["campaign", "email"], answered=["no", "yes"], answered_at=moments)
    assert n_found("unasked_answered", table) == 1
    assert n_found("unasked_answered", table.drop(columns="answered_at")) == 0


def test_an_answer_before_the_question_has_no_moment():
    table = contacts(answered_at=["2023-12-01", "2024-01-03"])
    frame = read(table)
    assert n_found("answered_before_asked", table) == 1
    assert frame["answered_at"].isna().tolist() == [True, False]
    assert frame["response_hours"].isna().tolist() == [True, False]


def test_hours_that_contradict_the_moment_give_way():
    table = contacts(answered_at=["2024-01-02"], response_hours=[2.0])
    assert read(table)["response_hours"].tolist() == [24.0]
    assert n_found("contradictory_response_hours", table) == 1


def test_contact_of_people_who_never_bought_and_before_the_first_purchase_are_counted():
    transactions = pd.DataFrame(
        {"buyer_id": ["a", "c"], "timestamp": ["2024-01-02"] * 2, "amount": [1.0, -1.0]}
    )
    table = contacts(buyer_id=["a", "b", "a", "c"])
    histories = Histories(transactions, table)
    assert found(histories, "contact_of_no_buyer", "interactions") == 2
    assert found(histories, "before_first_purchase", "interactions") == 1
    assert_balanced(histories)


def test_unreadable_side_values_are_unknown_and_the_row_stays():
    table = contacts(minutes=["5", "long", "7"], closed_at=["2024-02-01", "soon", "2024-02-01"])
    frame = read(table)
    np.testing.assert_array_equal(frame["minutes"], [5, np.nan, 7])
    assert frame["closed_at"].isna().tolist() == [False, True, False]
    assert n_found("unreadable_minutes", table) == 1
    assert n_found("unreadable_closed_at", table) == 1


def test_where_every_purchase_is_set_aside_the_contacts_stand_alone():
    transactions = pd.DataFrame({"buyer_id": ["a"], "timestamp": ["2024-01-02"]})
    table = contacts(closed_at=["2024-01-02"])
    with pytest.raises(NotEnoughDataError, match="outside_observed 1"):
        Histories(transactions, table, observed_until="2023-01-01")
