"""A table without rows says that nothing of its kind happened; a table not given says nothing."""

from __future__ import annotations

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from doors import found

from clientcare.exceptions import SchemaError
from clientcare.features import feature_table
from clientcare.history import Histories

ORDERS = pd.DataFrame({"buyer_id": ["a", "a", "b"], "timestamp": ["2024-01-05", "2024-02-06", "2024-02-07"]})
EMPTY = {
    "no types": pd.DataFrame({"buyer_id": [], "timestamp": []}),
    "objects": pd.DataFrame(columns=["buyer_id", "timestamp"]),
    "dates": pd.DataFrame({"buyer_id": pd.Series(dtype=str), "timestamp": pd.Series(dtype="datetime64[ns]")}),
    "polars": pl.DataFrame({"buyer_id": [], "timestamp": []}),
    "arrow": pa.table({"buyer_id": pa.array([], pa.string()), "timestamp": pa.array([], pa.timestamp("us"))}),
}


@pytest.mark.parametrize("empty", EMPTY.values(), ids=EMPTY)
def test_an_empty_table_is_read_and_counted(empty):
    histories = Histories(ORDERS, interactions=empty)
    assert histories.events("interactions").n_rows == 0
    assert found(histories, "empty_table", "interactions") == 0
    assert "empty_table" in histories.quality["rule"].tolist()


def test_nothing_happened_is_zero_and_not_given_is_no_feature():
    silent = feature_table(Histories(ORDERS, interactions=EMPTY["objects"]), "2024-03-01")
    unknown = feature_table(Histories(ORDERS), "2024-03-01")
    assert (silent["n_contacts"] == 0).all()
    assert "n_contacts" not in unknown
    pd.testing.assert_frame_equal(silent[unknown.columns], unknown)


def test_empty_contracts_or_transactions_leave_the_other_table_to_speak():
    terms = pd.DataFrame({"buyer_id": ["a"], "start": ["2024-01-01"]})
    no_terms = pd.DataFrame({"buyer_id": [], "start": []})
    assert Histories(ORDERS, contracts=no_terms).buyer_ids.tolist() == ["a", "b"]
    assert Histories(ORDERS.iloc[:0], contracts=terms).buyer_ids.tolist() == ["a"]


def test_a_table_without_columns_is_no_table():
    with pytest.raises(SchemaError, match="no columns at all"):
        Histories(ORDERS, interactions=pd.DataFrame())


def test_a_column_without_a_single_cell_filled_has_no_type():
    histories = Histories(ORDERS.assign(amount=float("nan"), recorded_at=float("nan"), channel=float("nan")))
    assert histories.transactions["amount"].isna().all()
