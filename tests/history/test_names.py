"""Whose column is whose: by its very name, by a name that differs in capitals and signs, or by the map."""

from __future__ import annotations

import pandas as pd
import pytest

from clientcare.exceptions import SchemaError
from clientcare.features import write_feature_table
from clientcare.history import Histories

DAYS = pd.to_datetime(["2024-01-05", "2024-01-06", "2024-01-07"])


def table(**names) -> pd.DataFrame:
    plain = pd.DataFrame({"buyer_id": ["a", "b", "c"], "timestamp": DAYS, "amount": [1.0, 2.0, 3.0]})
    return plain.rename(columns=names)


def test_capitals_blanks_and_signs_in_a_name_do_not_count():
    loose = table(buyer_id="Buyer ID", timestamp=" Timestamp", amount="AMOUNT")
    pd.testing.assert_frame_equal(Histories(loose).transactions, Histories(table()).transactions)


def test_the_very_name_comes_before_one_that_is_like_it():
    both = table().assign(Amount=99.0)
    histories = Histories(both)
    assert histories.transactions["amount"].tolist() == [1.0, 2.0, 3.0]
    assert histories.ignored_columns == {"transactions": ("Amount",)}


def test_the_map_comes_before_a_name_that_is_like_ours():
    both = table(amount="Amount").assign(net=9.0)
    histories = Histories(both, columns={"transactions": {"net": "amount"}})
    assert histories.transactions["amount"].tolist() == [9.0, 9.0, 9.0]


def test_two_names_that_are_like_ours_are_not_chosen_between():
    with pytest.raises(SchemaError, match="'Amount' and 'AMOUNT' would both be 'amount'"):
        Histories(table(amount="Amount").assign(AMOUNT=9.0))


def test_all_columns_that_a_table_lacks_are_named_at_once_with_the_way_to_map_them():
    theirs = table(buyer_id="Customer ID", timestamp="InvoiceDate")
    with pytest.raises(SchemaError) as refused:
        Histories(theirs)
    told = str(refused.value)
    assert (
        "no column 'buyer_id', no column 'timestamp' (found 'Customer ID', 'InvoiceDate', 'amount')" in told
    )
    assert "{'Customer ID': 'buyer_id', 'InvoiceDate': 'timestamp'}" in told
    assert "--column transactions.buyer_id='Customer ID' --column transactions.timestamp=InvoiceDate" in told


def test_no_column_is_proposed_for_two_of_ours():
    with pytest.raises(SchemaError) as refused:
        Histories(
            table(buyer_id="x", timestamp="date").assign(id=1), columns={"transactions": {"id": "buyer_id"}}
        )
    assert "{'date': 'timestamp'}" in str(refused.value)
    assert "no column 'buyer_id'" not in str(refused.value)


def test_all_mapped_columns_that_are_not_there_are_named_at_once():
    columns = {"transactions": {"who": "buyer_id", "when": "timestamp"}}
    with pytest.raises(SchemaError, match=r"no column 'who', no column 'when'.*'buyer_id', 'timestamp'"):
        Histories(table(), columns=columns)


def test_columns_that_are_not_read_are_told_where_a_user_looks():
    histories = Histories(table().assign(note="x", colour="y"))
    assert "2 columns not read, see ignored_columns" in repr(histories)
    assert histories.ignored_columns == {"transactions": ("note", "colour")}
    assert "not read" not in repr(Histories(table()))


def test_a_column_like_ours_can_be_left_out():
    histories = Histories(table(amount="Amount"), columns={"transactions": {"Amount": None}})
    assert histories.transactions["amount"].isna().all()


@pytest.mark.parametrize("index", ["buyer_id", "timestamp", ["buyer_id", "timestamp"], "Buyer ID"])
def test_an_index_that_bears_one_of_our_names_is_a_column(index):
    indexed = table(buyer_id="Buyer ID" if index == "Buyer ID" else "buyer_id").set_index(index)
    pd.testing.assert_frame_equal(Histories(indexed).transactions, Histories(table()).transactions)


def test_attributes_handed_out_can_be_handed_in_again():
    first = Histories(table(), buyers=pd.DataFrame({"buyer_id": ["a", "b"], "tier": ["x", "y"]}))
    again = Histories(table(), buyers=first.buyers)
    assert again.buyers["tier"].tolist()[:2] == ["x", "y"]


def test_rows_that_differ_only_in_an_unread_column_are_copies_also_in_parts(tmp_path):
    pytest.importorskip("duckdb")
    twice = pd.concat([table(), table()]).assign(note=range(6))
    written = write_feature_table(
        twice, as_of="2024-02-01", out=tmp_path / "features", n_partitions=2, n_jobs=1
    )
    assert pd.read_parquet(written.folder)["total_spent"].sum() == 6.0
