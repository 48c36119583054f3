"""Columns of unusual types: read rightly, or refused in words that name the column."""

from __future__ import annotations

import datetime as dt
import decimal
import uuid

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from clientcare.exceptions import InputError
from clientcare.history import Histories
from clientcare.history.door.intake import take_in

DAYS = pd.to_datetime(["2024-01-05", "2024-01-06", "2024-01-07"])
NOON_UTC = dt.datetime(2024, 1, 1, 12, tzinfo=dt.UTC)


def table(**columns) -> pd.DataFrame:
    return pd.DataFrame(
        {"buyer_id": ["a", "b", "c"], "timestamp": DAYS, "amount": [1.0, 2.0, 3.0], **columns}
    )


def objects(*cells) -> pd.Series:
    return pd.Series(list(cells), dtype=object)


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (pd.array([1, 2, None], dtype="Int64"), [1, 2]),
        (pd.array(["a", "b", None], dtype="string"), ["a", "b"]),
        (pd.Categorical(["b", "a", None]), ["a", "b"]),
        (pd.Series([1, 2, None], dtype=pd.ArrowDtype(pa.int32())), [1, 2]),
        (np.array([1, 2, 2**64 - 1], dtype=np.uint64), ["1", "18446744073709551615", "2"]),
        (objects(1, 2.0, None), [1, 2]),
        (objects(10**30, 2, None), ["1" + "0" * 30, "2"]),
        ([uuid.UUID(int=1), uuid.UUID(int=2), None], [str(uuid.UUID(int=1)), str(uuid.UUID(int=2))]),
    ],
)
def test_ids_of_many_types_are_read(ids, expected):
    assert Histories(table(buyer_id=ids)).buyer_ids.tolist() == expected


@pytest.mark.parametrize(
    "ids",
    [
        [True, False, True],
        [b"a", b"b", b"c"],
        objects((1, 2), (2, 3), (3, 4)),
        objects([1], [2], [3]),
        [1e17, 2.0, 3.0],
        [np.inf, 2.0, 3.0],
        objects(True, "a", None),
        objects("\ud800", "b", "c"),
        pd.interval_range(0, 3),
    ],
)
def test_what_cannot_be_an_id_is_refused(ids):
    with pytest.raises(InputError, match="'buyer_id'"):
        Histories(table(buyer_id=ids))


@pytest.mark.parametrize(
    ("times", "first"),
    [
        (DAYS.astype("datetime64[s]"), "2024-01-05"),
        (DAYS.astype("datetime64[ns]"), "2024-01-05"),
        (objects(dt.datetime(2024, 1, 2, 3), "2024-01-03", None), "2024-01-02 03:00"),
        (objects(dt.datetime(2024, 1, 2), dt.date(2024, 1, 1), 20240101), "2024-01-01"),
        (objects(dt.datetime(9999, 12, 31), dt.datetime(1, 1, 1), dt.datetime(2024, 1, 1)), "2024-01-01"),
        (pd.Categorical(["2024-01-01", "2024-01-02", None]), "2024-01-01"),
        (["20240102", "2024-01-03T10", "2024-02-30"], "2024-01-02"),
        (["2024-02-20T10:00:00.123456789", "2024-02-21", ""], "2024-02-20 10:00:00.123456"),
    ],
)
def test_dates_of_many_types_are_read(times, first):
    assert Histories(table(timestamp=times)).transactions["timestamp"].min() == pd.Timestamp(first)


@pytest.mark.parametrize(
    "times",
    [
        pd.period_range("2024-01", periods=3, freq="M"),
        pd.to_timedelta([1, 2, 3], unit="D"),
        [20240101.0, 20240102.0, np.nan],
        [True, False, True],
        ["2024", "2023", "2022"],
        ["2024-W01-1"] * 3,
        objects(NOON_UTC, dt.datetime(2024, 1, 1), None),
    ],
)
def test_what_is_no_date_is_refused(times):
    with pytest.raises(InputError, match="'timestamp'"):
        Histories(table(timestamp=times))


def test_python_moments_with_and_without_a_zone_meet_on_the_wall_clock():
    mixed = table(timestamp=objects(NOON_UTC, dt.datetime(2024, 1, 1, 9), None))
    times = Histories(mixed, timezone="Europe/Berlin").transactions["timestamp"]
    assert times.tolist() == [pd.Timestamp("2024-01-01 13:00"), pd.Timestamp("2024-01-01 09:00")]


@pytest.mark.parametrize(
    ("amounts", "expected"),
    [
        ([decimal.Decimal("1.5"), decimal.Decimal(2), None], [1.5, 2, np.nan]),
        (pd.array([1, None, 3], dtype="Float64"), [1, np.nan, 3]),
        (pd.arrays.SparseArray([1.0, 2, 3]), [1, 2, 3]),
        (objects(1, "2", " 3.5 "), [1, 2, 3.5]),
        ([-0.0, 1.0, 2.0], [0.0, 1, 2]),
    ],
)
def test_amounts_of_many_types_are_read(amounts, expected):
    np.testing.assert_array_equal(Histories(table(amount=amounts)).transactions["amount"], expected)


@pytest.mark.parametrize("amounts", [DAYS, pd.to_timedelta([1, 2, 3], unit="D"), [1j, 2, 3]])
def test_what_is_no_amount_is_refused(amounts):
    with pytest.raises(InputError, match="'amount'"):
        Histories(table(amount=amounts))


@pytest.mark.parametrize(
    ("orders", "expected"),
    [
        ([1, 2, 3], ["1", "2", "3"]),
        ([1.0, np.nan, 3.0], ["1", None, "3"]),
        (objects(1, "2", None), ["1", "2", None]),
    ],
)
def test_numbers_that_name_become_texts_without_a_point(orders, expected):
    named = Histories(table(order_id=orders)).transactions["order_id"]
    assert [None if pd.isna(name) else name for name in named] == expected


@pytest.mark.parametrize("cells", [objects([1], [1], [1]), objects({"a": 1}, {"a": 1}, {"a": 1})])
def test_copies_are_found_also_where_cells_are_lists(cells):
    one = table(buyer_id="a", timestamp=DAYS[0], amount=1.0, extra=cells)
    assert Histories(one).events("transactions").n_rows == 1


@pytest.mark.parametrize(
    "ids",
    [
        pa.array(["b", "a"]).dictionary_encode(),
        pa.array(["b", "a"], getattr(pa, "string_view", pa.string)()),
        pa.array(["b", "a"], pa.large_string()),
        pa.chunked_array([["b"], ["a"]]),
    ],
)
def test_arrow_texts_of_every_make_are_texts(ids):
    given = pa.table({"buyer_id": ids, "timestamp": pa.array([dt.date(2024, 1, 1)] * 2)})
    histories = Histories(pa.concat_tables([given, given]))
    assert histories.buyer_ids.tolist() == ["a", "b"]
    assert histories.rows.loc["transactions", "rows_set_aside"] == 2


@pytest.mark.parametrize("kind", [pl.Categorical, pl.Enum(["a", "b"]), pl.String])
def test_polars_texts_of_every_make_are_texts(kind):
    given = pl.DataFrame(
        {"buyer_id": pl.Series(["a", "b"], dtype=kind), "timestamp": [dt.date(2024, 1, 1)] * 2}
    )
    assert Histories(given).buyer_ids.tolist() == ["a", "b"]


def test_a_column_that_arrow_cannot_hold_is_refused():
    given = pl.DataFrame(
        {"buyer_id": pl.Series([object()], dtype=pl.Object), "timestamp": [dt.date(2024, 1, 1)]}
    )
    with pytest.raises(InputError, match="transactions"):
        Histories(given)


@pytest.mark.parametrize(
    "cells",
    [
        objects([1], [2], [3]),
        objects({"a": 1}, {"b": 2}, {"c": 3}),
        objects({1}, {2}, {3}),
        objects(b"\xff", b"a", b"b"),
        objects(np.array(1), np.array(2), np.array(3)),
        pd.Series([[1]] * 3, dtype=pd.ArrowDtype(pa.list_(pa.int64()))),
        pd.Series([{"a": 1}] * 3, dtype=pd.ArrowDtype(pa.struct([("a", pa.int64())]))),
        pd.Series([b"\xff"] * 3, dtype=pd.ArrowDtype(pa.binary())),
        pd.Series([1, 2, 3], dtype="float16"),
        objects(-(2**63), 1, 2),
        objects(print, len, None),
    ],
    ids=lambda cells: str(cells.iloc[0])[:12] + str(cells.dtype),
)
@pytest.mark.parametrize("column", ["amount", "order_id", "quantity", "recorded_at", "unread"])
@pytest.mark.parametrize(
    "make", [pd.DataFrame, lambda frame: pa.Table.from_pandas(frame, preserve_index=False)]
)
def test_whatever_a_column_holds_it_is_read_or_refused_by_name(cells, column, make):
    given = table(**{column: cells})
    twice = pd.concat([given, given], ignore_index=True)
    try:
        given = make(twice)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        pytest.skip("arrow has no such column")
    told = ""
    try:
        n_rows = Histories(given).rows.loc["transactions", "rows_in"]
    except InputError as error:
        n_rows, told = 0, str(error)
    assert n_rows == 6 or f"'{column}'" in told


def test_nested_attributes_are_left_out_and_counted():
    buyers = pd.DataFrame({"buyer_id": ["a", "b", "c"], "tags": [["x"], ["y"], []], "tier": ["x", "y", "z"]})
    for given in (buyers, pa.Table.from_pandas(buyers)):
        histories = Histories(table(), buyers=given)
        assert histories.buyers.columns.tolist() == ["tier"]
        assert "nested_tags" in histories.quality["rule"].tolist()


@pytest.mark.skipif(not hasattr(pa, "uuid"), reason="arrow has UUIDs since version 18")
def test_uuids_of_arrow_are_texts():
    ids = [uuid.UUID(int=number) for number in (1, 2, 3)]
    given = pa.Table.from_pandas(table(buyer_id=ids), preserve_index=False)
    assert Histories(given).buyer_ids.tolist() == [str(one) for one in ids]


def test_a_column_in_several_pieces_stays_in_them_and_reads_as_one():
    """Pieces come of concatenated frames and of the row groups of a file."""
    ids = [pd.Series(part, dtype=pd.ArrowDtype(pa.string())) for part in (["a", "b"], ["b"])]
    pieces = table(buyer_id=pd.concat(ids, ignore_index=True))
    cells = take_in("transactions", pieces, {}).column("buyer_id")
    assert [len(chunk) for chunk in cells.chunks] == [2, 1]
    whole = table(buyer_id=["a", "b", "b"])
    pd.testing.assert_frame_equal(Histories(pieces).transactions, Histories(whole).transactions)
