"""What the door promises: parsed once, frozen, and only what was known."""

from __future__ import annotations

import datetime as dt
import os
import pickle
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from doors import assert_balanced, assert_clear, found, orders
from hypothesis import given

from clientcare.exceptions import BadRowsError, InputError, NotEnoughDataError, OptionError, SchemaError
from clientcare.history import Histories, in_force, known_buyers
from strategies import Tables, histories_of, some_dates, some_histories, some_tables, with_another_future

TABLES = ("transactions", "interactions", "contracts")


def few(**columns) -> pd.DataFrame:
    base = {
        "buyer_id": ["b", "a", "b"],
        "timestamp": ["2024-01-05", "2024-01-03", "2024-02-01"],
        "amount": [1.0, 2.0, 3.0],
    }
    return pd.DataFrame({**base, **columns})


def relation_of(table: pd.DataFrame):
    import duckdb

    return duckdb.from_df(table)


def frames(histories: Histories) -> Tables:
    return {name: getattr(histories, name) for name in TABLES}


def assert_same(one: Histories, other: Histories) -> None:
    for name in TABLES:
        left, right = frames(one)[name], frames(other)[name]
        assert (left is None) == (right is None)
        if left is not None:
            left, right = (
                f if "recorded_at" in f else f.assign(recorded_at=f.iloc[:, 1]) for f in (left, right)
            )
            pd.testing.assert_frame_equal(left, right, check_exact=True)


def test_events_are_sorted_by_buyer_and_time():
    frame = Histories(few()).transactions
    assert frame["buyer_id"].tolist() == ["a", "b", "b"]
    assert frame["timestamp"].dt.day.tolist() == [3, 5, 1]
    assert frame["amount"].tolist() == [2.0, 1.0, 3.0]


def test_the_observed_stretch_is_from_the_first_day_to_the_day_after_the_last():
    histories = Histories(few(timestamp=["2024-01-05 10:00", "2024-01-03 09:00", "2024-02-01 23:59"]))
    assert histories.observed_from == pd.Timestamp("2024-01-03")
    assert histories.observed_until == pd.Timestamp("2024-02-02")


def test_a_scheduled_contact_or_a_future_contract_does_not_move_the_end():
    contacts = pd.DataFrame({"buyer_id": ["a"], "timestamp": ["2030-01-01"], "status": ["planned"]})
    contracts = pd.DataFrame({"buyer_id": ["a"], "start": ["2031-01-01"]})
    assert Histories(few(), contacts, contracts).observed_until == pd.Timestamp("2024-02-02")


def test_rows_at_or_after_a_stated_end_are_set_aside():
    histories = Histories(few(), observed_until="2024-02-01")
    assert found(histories, "outside_observed") == 1
    assert histories.observed_until == pd.Timestamp("2024-02-01")
    assert_balanced(histories)


def test_a_stated_end_leaves_no_question_of_isolated_rows():
    table = orders(n_rows=50, n_buyers=9)
    table.loc[3, "timestamp"] = pd.Timestamp("2099-01-01")
    histories = Histories(table, observed_until="1999-01-01")
    assert histories.quality["rule"].tolist() == ["outside_observed"]
    assert histories.set_aside("transactions")["row_number"].tolist() == [3]


@given(some_tables())
def test_the_tables_may_be_read_in_parts_by_buyer(tables):
    whole = histories_of(tables)
    parts = [whole.buyer_ids[::2], whole.buyer_ids[1::2]]
    for part in parts:
        if not len(part):
            continue
        of_part = {name: None if t is None else t[t["buyer_id"].isin(part)] for name, t in tables.items()}
        chosen, alone = whole.select(part), histories_of(of_part)
        assert_same(chosen, alone)
        np.testing.assert_array_equal(chosen.buyer_ids, alone.buyer_ids)


def test_rows_before_a_stated_begin_are_kept_and_counted():
    histories = Histories(few(), observed_from="2024-01-04")
    assert found(histories, "before_observed_from") == 1
    assert histories.events("transactions").n_rows == 3


def test_an_observed_stretch_of_no_length_is_refused():
    with pytest.raises(OptionError, match="before"):
        Histories(few(), observed_from="2024-02-01", observed_until="2024-02-01")


def test_what_happens_to_the_table_later_changes_nothing():
    table = few(timestamp=pd.to_datetime(["2024-01-05", "2024-01-03", "2024-02-01"]))
    histories = Histories(table)
    before = histories.transactions
    table.loc[:, "amount"] = -1.0
    table.loc[:, "timestamp"] = pd.Timestamp("1999-09-09")
    pd.testing.assert_frame_equal(histories.transactions, before)


def test_the_table_given_is_not_changed():
    table = few()
    copy = table.copy()
    Histories(table)
    pd.testing.assert_frame_equal(table, copy)


def test_events_cannot_be_written_to():
    events = Histories(few()).events("transactions")
    for values in (events.time, events.buyer, events.offsets, *events.columns.values()):
        with pytest.raises(ValueError, match="read-only"):
            values[0] = 1


def test_the_frames_handed_out_are_copies():
    histories = Histories(few())
    frame = histories.transactions
    frame["amount"] *= 0.0
    assert histories.transactions["amount"].tolist() == [2.0, 1.0, 3.0]


@pytest.mark.parametrize(
    "make", [pl.from_pandas, lambda f: pl.from_pandas(f).lazy(), pa.Table.from_pandas, relation_of]
)
@pytest.mark.filterwarnings("ignore:.*duckdb.typing. is deprecated:DeprecationWarning")
def test_frames_of_every_make_say_the_same(make):
    table = few(timestamp=pd.to_datetime(["2024-01-05", "2024-01-03", "2024-02-01"]))
    assert_same(Histories(make(table)), Histories(table))


def test_what_is_no_table_is_refused():
    with pytest.raises(InputError, match="a list is no table"):
        Histories([1, 2])
    with pytest.raises(InputError, match="read_histories"):
        Histories("orders.csv")
    with pytest.raises(InputError, match="no table given"):
        Histories(buyers=few())


def test_whole_number_ids_stay_numbers_also_where_some_are_missing():
    histories = Histories(few(buyer_id=[3.0, 1.0, np.nan]))
    assert histories.buyer_ids.tolist() == [1, 3]
    assert histories.buyer_ids.dtype == np.int64
    assert histories.buyer_ids.name == "buyer_id"


def test_decimal_ids_are_refused():
    with pytest.raises(SchemaError, match="1 ids are decimals"):
        Histories(few(buyer_id=[3.5, 1.0, 2.0]))


def test_dates_are_no_ids():
    with pytest.raises(SchemaError, match="cannot be ids"):
        Histories(few(buyer_id=pd.to_datetime(["2024-01-05"] * 3)))


def test_tables_that_number_and_name_buyers_are_read_as_text():
    contacts = pd.DataFrame({"buyer_id": ["1", "007"], "timestamp": ["2024-01-01"] * 2})
    histories = Histories(few(buyer_id=[7, 1, 1]), contacts)
    assert histories.buyer_ids.tolist() == ["007", "1", "7"]
    assert found(histories, "mixed_id_kinds") == 3


def test_blank_ids_are_missing_and_padded_ids_stay():
    histories = Histories(few(buyer_id=["  ", "", " a"]))
    assert histories.buyer_ids.tolist() == [" a"]
    assert found(histories, "missing_buyer") == 2
    assert found(histories, "padded_buyer") == 1


def test_a_row_is_set_aside_once_and_counted_under_every_rule():
    table = few(
        buyer_id=[None, "a", "b"], timestamp=["1800-01-01", "2024-01-03", "2024-02-01"], amount=[np.inf, 1, 2]
    )
    histories = Histories(table)
    assert [found(histories, rule) for rule in ("missing_buyer", "impossible_date", "infinite_amount")] == [
        1,
        1,
        1,
    ]
    aside = histories.set_aside("transactions")
    assert aside["rule"].tolist() == ["missing_buyer"]
    assert aside["row_number"].tolist() == [0]
    assert aside["timestamp"].tolist() == ["1800-01-01"]
    assert_balanced(histories)


def test_the_first_rule_broken_is_raised_where_asked():
    with pytest.raises(BadRowsError, match="'missing_buyer'"):
        Histories(few(buyer_id=[None, "a", "b"]), on_bad_rows="raise")


def test_exact_copies_may_be_kept():
    table = pd.concat([few(), few()])
    assert Histories(table).events("transactions").n_rows == 3
    assert Histories(table, exact_copies="keep").events("transactions").n_rows == 6


def test_a_column_that_is_not_read_tells_no_copies_apart():
    table = few(buyer_id="a", timestamp="2024-01-01", amount=1.0, note=["x", "y", "x"])
    histories = Histories(table)
    assert found(histories, "exact_copy") == 2
    assert histories.ignored_columns == {"transactions": ("note",)}


def test_unreadable_amounts_are_set_aside():
    histories = Histories(few(amount=["1.5", "two", " 3 "]))
    assert found(histories, "unreadable_amount") == 1
    assert histories.transactions["amount"].tolist() == [1.5, 3.0]


def test_amounts_that_are_mostly_no_numbers_are_refused():
    with pytest.raises(SchemaError, match="2 of 3 numbers are written with") as caught:
        Histories(few(amount=["9,75 EUR", "8,25 EUR", "3"]))
    assert "9,75" not in str(caught.value)


def test_dates_that_are_mostly_of_another_form_are_refused_and_may_be_described():
    table = few(timestamp=["31/01/2024 10:15", "01/02/2024 10:15", "28/02/2024 10:15"])
    with pytest.raises(SchemaError, match="3 texts are not an ISO date") as caught:
        Histories(table)
    assert "31/01" not in str(caught.value)
    assert Histories(table, date_format="%d/%m/%Y %H:%M").observed_from == pd.Timestamp("2024-01-31")


def test_each_table_may_write_dates_its_own_way():
    contacts = pd.DataFrame({"buyer_id": ["a"], "timestamp": ["2024-01-31"]})
    table = few(timestamp=["31/01/2024", "01/02/2024", "28/02/2024"])
    histories = Histories(table, contacts, date_format={"transactions": "%d/%m/%Y"})
    assert histories.interactions["timestamp"].tolist() == [pd.Timestamp("2024-01-31")]
    assert histories.observed_until == pd.Timestamp("2024-02-29")


def test_histories_can_be_pickled():
    histories = Histories(few())
    assert_same(pickle.loads(pickle.dumps(histories)), histories)


def test_date_objects_are_dates():
    dates = [pd.Timestamp("2024-01-05").date(), pd.Timestamp("2024-01-03").date(), None]
    assert Histories(few(timestamp=pd.Series(dates, dtype=object))).observed_from == pd.Timestamp(
        "2024-01-03"
    )


def test_zoned_and_plain_texts_meet_on_the_wall_clock():
    table = few(timestamp=["2024-01-05T23:30:00Z", "2024-01-03 09:00", "2024-06-01T23:30:00+00:00"])
    times = Histories(table, timezone="Europe/Berlin").transactions["timestamp"]
    assert times.tolist() == [
        pd.Timestamp("2024-01-03 09:00"),
        pd.Timestamp("2024-01-06 00:30"),
        pd.Timestamp("2024-06-02 01:30"),
    ]


def test_an_unknown_zone_is_refused():
    with pytest.raises(OptionError, match="timezone"):
        Histories(few(), timezone="Europe/Atlantis")


@pytest.mark.parametrize("zone", [ZoneInfo("Europe/Berlin"), dt.UTC])
def test_a_zone_may_be_given_as_an_object(zone):
    assert Histories(few(), timezone=zone).timezone == str(zone)


def test_the_column_map_reads_theirs_as_ours():
    table = few().rename(columns={"buyer_id": "Customer ID", "timestamp": "InvoiceDate"})
    columns = {"transactions": {"Customer ID": "buyer_id", "InvoiceDate": "timestamp"}}
    assert_same(Histories(table, columns=columns), Histories(few()))


@pytest.mark.parametrize(
    ("columns", "error", "words"),
    [
        ({"transaction": {}}, OptionError, "Did you mean 'transactions'"),
        ({"transactions": {"total": "amuont"}}, OptionError, "Did you mean 'amount'"),
        ({"transactions": {"buyer_id": "kunde"}}, SchemaError, "no column 'kunde'"),
        ({"transactions": {"amuont": "amount"}}, SchemaError, "Did you mean 'amount'"),
        ({"transactions": {"amount": "buyer_id"}}, SchemaError, "would both be 'buyer_id'"),
        ({"contracts": {"a": "start"}}, OptionError, "no contracts were given"),
        ({"transactions": "amount"}, OptionError, "must map a table"),
    ],
)
def test_a_wrong_column_map_says_what_is_wrong(columns, error, words):
    with pytest.raises(error, match=words):
        Histories(few(), columns=columns)


def test_a_column_mapped_to_none_is_left_out():
    histories = Histories(
        few(total=[5.0, 6.0, 7.0]), columns={"transactions": {"amount": None, "total": "amount"}}
    )
    assert histories.transactions["amount"].tolist() == [6.0, 5.0, 7.0]


def test_columns_of_one_name_are_refused():
    table = few()
    table.columns = ["buyer_id", "timestamp", "timestamp"]
    with pytest.raises(SchemaError, match="several columns are called 'timestamp'"):
        Histories(table)


@pytest.mark.parametrize(
    "option",
    [
        {"on_bad_rows": "drop"},
        {"date_format": "%d/%Q"},
        {"date_format": 3},
        {"date_format": {"orders": "%d"}},
        {"exact_copies": "yes"},
        {"satisfaction_scale": (5, 1)},
        {"kinds": {"x": "chek_in"}},
    ],
)
def test_options_that_make_no_sense_are_refused(option):
    with pytest.raises(OptionError):
        Histories(few(), **option)


def test_a_cancelled_order_counts_as_returns():
    table = few(order_id=["C12", "CUP", "C7"], quantity=[-1, -1, 2], amount=[-5.0, -1.0, 4.0])
    histories = Histories(table)
    assert found(histories, "cancelled_order") == 1
    assert found(histories, "return") == 2


def test_what_was_recorded_late_is_unknown_before():
    histories = Histories(few(recorded_at=["2024-03-01", None, "2024-01-01"]))
    assert found(histories, "late_recorded") == 1
    assert found(histories, "early_recorded") == 1
    assert histories.until("2024-03-01").transactions["amount"].tolist() == [2.0, 3.0]
    assert histories.until("2024-03-02").transactions["amount"].tolist() == [2.0, 1.0, 3.0]


def test_an_early_row_recorded_late_moves_the_observed_stretch_only_once_it_is_known():
    days = pd.to_datetime(["2020-01-01", "2024-01-05", "2024-02-01"])
    table = pd.DataFrame(
        {"buyer_id": ["a", "b", "c"], "timestamp": days, "recorded_at": ["2024-03-01", None, None]}
    )
    histories = Histories(table)
    assert histories.observed_from == pd.Timestamp("2020-01-01")
    assert histories.until("2024-02-15").observed_from == pd.Timestamp("2024-01-05")
    assert histories.until("2024-03-02").observed_from == pd.Timestamp("2020-01-01")
    stated = Histories(table, observed_from="2023-01-01")
    assert stated.until("2024-02-15").observed_from == pd.Timestamp("2023-01-01")
    assert histories.select(["c"]).until("2024-03-02").observed_from == pd.Timestamp("2020-01-01")


def test_contracts_were_observed_before_the_first_contact():
    terms = pd.DataFrame({"buyer_id": ["a"], "start": ["2020-01-01"]})
    talks = pd.DataFrame({"buyer_id": ["a"], "timestamp": ["2023-01-01"], "kind": ["call"]})
    histories = Histories(contracts=terms, interactions=talks)
    assert histories.until("2022-01-01").observed_from == pd.Timestamp("2020-01-01")


def test_select_takes_some_buyers_in_sorted_order():
    chosen = Histories(few()).select(["b"])
    assert chosen.buyer_ids.tolist() == ["b"]
    assert chosen.transactions["amount"].tolist() == [1.0, 3.0]
    with pytest.raises(OptionError, match="1 of 2 buyers") as caught:
        chosen.select(["b", "secret"])
    assert "secret" not in str(caught.value)


def test_neither_text_nor_page_shows_an_id():
    table = orders(n_buyers=20, n_rows=40)
    histories = Histories(table)
    assert "anna" not in repr(histories) + histories._repr_html_()
    assert repr(histories).startswith("Histories of 20 buyers: 40 transactions; observed from 1997")


def test_messages_never_hold_a_cell():
    table = orders(n_buyers=20, n_rows=40)
    for bad in (table.assign(timestamp="see note of anna"), table.assign(amount="77.31 for anna")):
        with pytest.raises(SchemaError) as caught:
            Histories(bad)
        assert_clear(caught.value, bad)
        assert "anna" not in str(caught.value)


@given(some_tables(), some_dates())
def test_rows_kept_and_rows_set_aside_are_the_rows_given(tables, until):
    try:
        histories = histories_of(tables, observed_until=until)
    except NotEnoughDataError:
        return
    assert_balanced(histories)


@given(some_tables())
def test_the_order_of_rows_changes_nothing(tables):
    shuffled = {name: None if t is None else t.sample(frac=1.0, random_state=5) for name, t in tables.items()}
    one, other = histories_of(tables), histories_of(shuffled)
    assert_same(one, other)
    assert one.quality[["table", "rule", "n_rows"]].equals(other.quality[["table", "rule", "n_rows"]])


@given(some_tables(), some_dates())
def test_another_future_changes_nothing_that_was_known(tables, as_of):
    past = histories_of(tables)
    other = histories_of(with_another_future(tables, as_of, seed=11))
    assert_same(past.until(as_of), other.until(as_of))
    bound = dict(zip(past.buyer_ids, in_force(past, as_of, as_of), strict=True))
    also = dict(zip(other.buyer_ids, in_force(other, as_of, as_of), strict=True))
    assert {buyer for buyer in bound if bound[buyer]} == {buyer for buyer in also if also[buyer]}


@given(some_histories(), some_dates(), some_dates())
def test_what_was_known_earlier_was_known_by_then(histories, one, other):
    early, late = sorted([one, other])
    assert_same(histories.until(late).until(early), histories.until(early))
    assert set(known_buyers(histories, early)) <= set(known_buyers(histories, late))


@given(some_histories())
def test_the_frames_go_through_the_door_again_unchanged(histories):
    given_again = Histories(
        **frames(histories),
        exact_copies="keep",
        observed_from=histories.observed_from,
        observed_until=histories.observed_until,
    )
    assert_same(given_again, histories)


@pytest.mark.slow
@pytest.mark.skipif(os.environ.get("CLIENTCARE_TESTS") != "full", reason="only in the full run")
def test_two_million_rows_take_seconds():
    table = orders(n_buyers=100_000, n_rows=2_000_000)
    assert Histories(table).events("transactions").n_rows > 1_900_000


ON_SOME_DAYS = ["2024-01-02", "2024-01-03", "2024-01-06", "2024-01-07", "2024-02-20"]
"""Silent for two days at most until 7 January, then for six weeks."""


@pytest.mark.parametrize("rows", [ON_SOME_DAYS, ON_SOME_DAYS[:-1]])
@pytest.mark.parametrize(
    ("as_of", "observed_until"),
    [
        ("2024-01-08", "2024-01-08"),
        ("2024-01-10", "2024-01-10"),  # two silent days are nothing new
        ("2024-01-11", "2024-01-08"),  # three are: the data must have ended
        ("2024-02-20", "2024-01-08"),
        ("2024-01-06 13:00", "2024-01-06 13:00"),
    ],
)
def test_whether_silence_is_believed_is_told_by_what_came_before_it_alone(rows, as_of, observed_until):
    histories = Histories(pd.DataFrame({"buyer_id": 1, "timestamp": pd.to_datetime(rows)}))
    assert histories.known_at(as_of).observed_until == pd.Timestamp(observed_until)


def test_a_stated_end_of_observation_is_believed():
    orders = pd.DataFrame({"buyer_id": 1, "timestamp": pd.to_datetime(ON_SOME_DAYS[:-1])})
    histories = Histories(orders, observed_until="2024-02-01")
    assert histories.known_at("2024-01-20").observed_until == pd.Timestamp("2024-01-20")
    assert histories.known_at("2024-03-01").observed_until == pd.Timestamp("2024-02-01")


def test_before_any_fact_is_known_nothing_can_be_told_of_the_stretch():
    histories = Histories(pd.DataFrame({"buyer_id": 1, "timestamp": pd.to_datetime(ON_SOME_DAYS)}))
    assert histories.known_at("2023-01-01").events("transactions").n_rows == 0
