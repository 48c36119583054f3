"""Everything that is wrong with the tables is told by one error."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from clientcare.exceptions import SchemaError
from clientcare.features import write_feature_table
from clientcare.history import Histories


def test_every_column_that_cannot_be_read_is_told_in_one_error() -> None:
    orders = pd.DataFrame(
        {
            "buyer_id": [0.5, 1.5],
            "timestamp": [20240131, 20240201],
            "amount": ["cheap", "dear"],
            "currency": ["EUR", "USD"],
            "status_at": ["soon", "later"],
        }
    )
    orders["status"] = "cancelled"

    with pytest.raises(SchemaError) as caught:
        Histories(orders)

    for column in ("buyer_id", "timestamp", "amount", "status_at"):
        assert f"transactions, column {column!r}" in str(caught.value)


def test_every_table_that_cannot_be_read_is_told_in_one_error() -> None:
    orders = pd.DataFrame({"buyer_id": [1, 2], "timestamp": [20240131, 20240201], "amount": 1.0})
    calls = pd.DataFrame({"buyer_id": [1, 2], "timestamp": "2024-01-31", "minutes": ["long", "short"]})

    with pytest.raises(SchemaError) as caught:
        Histories(orders, calls)

    assert "transactions, column 'timestamp'" in str(caught.value)
    assert "interactions, column 'minutes'" in str(caught.value)


def test_every_name_that_is_wrong_is_told_in_one_error() -> None:
    orders = pd.DataFrame({"who": [1], "day": ["2024-01-31"], "Amount": [1.0], "AMOUNT ": [2.0]})
    calls = pd.DataFrame({"customer": [1]})

    with pytest.raises(SchemaError) as caught:
        Histories(orders, calls, columns={"transactions": {"whoo": "buyer_id"}})

    told = str(caught.value)
    assert "no column 'whoo'" in told
    assert "would both be 'amount'" in told
    assert "transactions: no column 'timestamp'" in told
    assert "interactions: no column 'buyer_id'" in told
    assert told.count("'who'?") == 1


def test_one_fault_is_told_once_and_as_before() -> None:
    orders = pd.DataFrame({"buyer_id": [1, 2], "timestamp": [20240131, 20240201]})

    with pytest.raises(SchemaError) as caught:
        Histories(orders)

    assert str(caught.value).count("\n\n") == 0


def test_a_small_part_refuses_no_column_for_its_own_slips(tmp_path: Path) -> None:
    orders = pd.DataFrame(
        {"buyer_id": [f"b{n}" for n in range(40)], "timestamp": "2024-01-31", "amount": "9.5"}
    )
    orders.loc[[3, 17], "timestamp"] = "soon"
    orders.loc[[5, 21], "amount"] = "much"

    written = write_feature_table(
        orders,
        as_of="2024-03-01",
        out=tmp_path / "x",
        n_partitions=30,
        n_jobs=1,
        families="spend",
        decimal=None,
    )

    assert written.n_rows == 36
