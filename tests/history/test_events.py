"""Events as runs: one run a buyer, sorted, cut by what was known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clientcare.facts.events import frame_of, sort_events
from clientcare.window import UNKNOWN_TIME, microseconds
from strategies import some_dates, some_histories


def events(buyer, time, known=None, **columns):
    return sort_events(
        max(buyer) + 2,
        np.array(buyer, dtype=np.int32),
        np.array(time, dtype=np.int64),
        {name: np.asarray(values) for name, values in columns.items()},
        known=None if known is None else np.array(known, dtype=np.int64),
    )


def test_each_buyer_is_one_run_and_a_buyer_without_events_an_empty_one():
    table = events([2, 0, 2], [5, 1, 3])
    assert table.offsets.tolist() == [0, 1, 1, 3, 3]
    assert table.time.tolist() == [1, 3, 5]
    assert table.n_buyers == 4


def test_ties_are_ordered_by_the_values_with_the_unknown_last():
    table = events([0] * 4, [7] * 4, a=[1.0, np.nan, -2.0, 1.0], b=np.array([3, 0, 0, 2], dtype=np.int32))
    assert table.columns["a"].tolist()[:3] == [-2.0, 1.0, 1.0]
    assert np.isnan(table.columns["a"][3])
    assert table.columns["b"].tolist() == [0, 2, 3, 0]


@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 2), st.sampled_from([np.nan, -1.5, 0.0, 2.0])), min_size=1
    )
)
def test_the_order_is_that_of_a_plain_sort(rows):
    buyer, time, value = zip(*rows, strict=True)
    table = events(buyer, time, value=np.array(value, dtype=float))
    plain = sorted(
        rows, key=lambda row: (row[0], row[1], np.isnan(row[2]), row[2] if row[2] == row[2] else 0.0)
    )
    np.testing.assert_array_equal(table.columns["value"], [row[2] for row in plain])


def test_ends_cut_each_run_before_the_moment():
    table = events([0, 0, 1, 1], [1, 5, 5, 9])
    assert table.ends(5).tolist() == [1, 2, 4]
    assert table.ends(6).tolist() == [2, 3, 4]


def test_runs_recorded_late_have_no_ends():
    with pytest.raises(ValueError, match="before"):
        events([0], [1], known=[5]).ends(3)


def test_what_was_recorded_late_stays_late_after_a_cut():
    table = events([0, 0], [1, 2], known=[8, 2])
    assert table.before(9).before(5).time.tolist() == [2]
    assert table.before(5).known is None


def test_what_becomes_known_later_does_not_order_the_contacts_of_one_moment():
    """Dates without a clock put many contacts on one moment; an answer that comes later must not sort them."""

    def contacts(answers):
        table = sort_events(
            1,
            np.zeros(3, dtype=np.int32),
            np.full(3, 5, dtype=np.int64),
            {
                "answered_at": np.array(answers, dtype=np.int64),
                "channel": np.array([2, 0, 1], dtype=np.int32),
            },
            time_columns=frozenset({"answered_at"}),
            known_from={"answered_at": "answered_at"},
        )
        return table.before(10).columns["channel"].tolist()

    assert contacts([UNKNOWN_TIME, 11, 12]) == contacts([12, UNKNOWN_TIME, 11]) == [0, 1, 2]


def test_select_renumbers_the_buyers():
    table = events([0, 1, 1, 2], [1, 2, 3, 4]).select(np.array([1, 2]))
    assert table.offsets.tolist() == [0, 2, 3]
    assert table.buyer.tolist() == [0, 0, 1]


def test_unknown_moments_and_texts_are_missing_in_the_frame():
    table = sort_events(
        1,
        np.zeros(2, dtype=np.int32),
        np.array([1, 2]),
        {"kind": np.array([-1, 0], dtype=np.int32), "closed_at": np.array([UNKNOWN_TIME, 5])},
        levels={"kind": np.array(["call"], dtype=object)},
        time_columns=frozenset({"closed_at"}),
    )
    frame = frame_of(table, pd.Index(["a"], name="buyer_id"))
    assert frame[["kind", "closed_at"]].isna().to_numpy().tolist() == [[True, True], [False, False]]


@given(some_histories(), some_dates())
def test_before_keeps_exactly_what_was_known(histories, as_of):
    moment = microseconds(as_of)
    for name in ("transactions", "interactions", "contracts"):
        table = histories.events(name)
        if table is None:
            continue
        known = table.time if table.known is None else table.known
        assert table.before(moment).n_rows == np.count_nonzero(known < moment)
        for column in table.time_columns - {"end"}:
            assert (table.before(moment).columns[column] < moment).all()
