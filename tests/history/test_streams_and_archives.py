"""Zips, old workbooks and arrow streams are read like any other table, in memory and in parts."""

from __future__ import annotations

import struct
import sys
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from clientcare.exceptions import MissingExtraError, SourceError
from clientcare.features import write_feature_table
from clientcare.history import Histories, read_histories
from history.doors import assert_balanced, orders, told


class Stream:
    """Anything of a foreign library that hands over an arrow stream."""

    def __init__(self, table: pa.Table, n_rows: int = 100) -> None:
        self._table, self._n_rows = table, n_rows

    def __arrow_c_stream__(self, requested_schema: object = None) -> Any:
        batches = self._table.to_batches(max_chunksize=self._n_rows)
        reader = pa.RecordBatchReader.from_batches(self._table.schema, batches)
        return reader.__arrow_c_stream__(requested_schema)


def _streams(table: pa.Table) -> dict[str, Any]:
    return {
        "reader": pa.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=50)),
        "interface": Stream(table),
        "dataset": ds.dataset(table),
        "scanner": ds.dataset(table).scanner(),
    }


STREAMS = tuple(_streams(pa.table({"a": [1]})))


@pytest.fixture
def given() -> pa.Table:
    return pa.Table.from_pandas(orders(n_buyers=40, n_rows=300), preserve_index=False)


@pytest.mark.parametrize("kind", STREAMS)
def test_a_stream_is_read_like_the_table_it_holds(kind: str, given: pa.Table) -> None:
    histories = Histories(_streams(given)[kind])

    assert_balanced(histories)
    pd.testing.assert_frame_equal(histories.transactions, Histories(given).transactions)


@pytest.mark.parametrize("kind", STREAMS)
def test_a_stream_is_split_batch_by_batch(kind: str, given: pa.Table, tmp_path: Path) -> None:
    written = write_feature_table(
        _streams(given)[kind],
        as_of="1998-01-01",
        out=tmp_path / kind,
        n_jobs=1,
        n_partitions=3,
        families="timing",
    )
    whole = write_feature_table(
        given, as_of="1998-01-01", out=tmp_path / "whole", n_jobs=1, n_partitions=3, families="timing"
    )

    read = [pd.read_parquet(one.folder).set_index("buyer_id").sort_index() for one in (written, whole)]
    pd.testing.assert_frame_equal(*read)


def test_a_batch_of_arrow_is_a_table(given: pa.Table) -> None:
    batch = given.combine_chunks().to_batches()[0]

    assert Histories(batch).rows.loc["transactions", "rows_kept"] == 300


def _broken(schema: pa.Schema) -> pa.RecordBatchReader:
    def batches() -> Any:
        raise OSError("anna00000@secret.example")
        yield

    return pa.RecordBatchReader.from_batches(schema, batches())


def test_a_stream_that_breaks_off_is_refused_without_a_word_of_it(given: pa.Table) -> None:
    with pytest.raises(SourceError, match="read once") as caught:
        Histories(_broken(given.schema))

    assert "secret" not in told(caught.value)


def test_a_producer_that_fails_is_refused_without_a_word_of_it() -> None:
    class Spent:
        def __arrow_c_stream__(self, requested_schema: object = None) -> Any:
            raise ValueError("anna00000@secret.example")

    with pytest.raises(SourceError, match="read once") as caught:
        Histories(Spent())

    assert "secret" not in told(caught.value)


def test_a_csv_alone_in_a_zip_is_read_in_memory_and_in_parts(tmp_path: Path) -> None:
    table = orders(n_buyers=40, n_rows=300)
    with zipfile.ZipFile(tmp_path / "orders.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("export/orders.csv", table.to_csv(index=False))
        archive.writestr("__MACOSX/export/._orders.csv", "rubbish")
        archive.writestr("read me.pdf", "rubbish")

    packed = read_histories(tmp_path / "orders.zip")

    table.to_csv(tmp_path / "orders.csv", index=False)
    plain = read_histories(tmp_path / "orders.csv")
    pd.testing.assert_frame_equal(packed.transactions, plain.transactions)
    pd.testing.assert_frame_equal(packed.quality, plain.quality)
    written = write_feature_table(tmp_path / "orders.zip", as_of="1998-01-01", out=tmp_path / "x", n_jobs=1)
    assert written.n_rows == len(packed.until("1998-01-01").transactions["buyer_id"].unique())


@pytest.mark.parametrize("names", [(), ("a.csv", "b.csv")])
def test_a_zip_that_is_no_one_table_is_refused(names: tuple[str, ...], tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "orders.zip", "w") as archive:
        for name in names:
            archive.writestr(name, "buyer_id,timestamp\n1,2024-01-31\n")

    with pytest.raises(SourceError, match=f"holds {len(names)} CSV files"):
        read_histories(tmp_path / "orders.zip")


def test_a_zip_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "orders.zip").write_text("buyer_id,timestamp\n1,2024-01-31\n")

    with pytest.raises(SourceError, match="cannot be unpacked"):
        read_histories(tmp_path / "orders.zip")


def old_workbook(rows: list[list[object]]) -> bytes:
    """A workbook in the oldest form of the format, which knows texts and numbers alone."""
    found = struct.pack("<HHHH", 0x0009, 4, 0x0002, 0x0010)
    for row, cells in enumerate(rows):
        for column, cell in enumerate(cells):
            place = struct.pack("<HH", row, column) + b"\0\0\0"
            if isinstance(cell, str):
                body = place + struct.pack("<B", len(cell)) + cell.encode("ascii")
                found += struct.pack("<HH", 0x0004, len(body)) + body
            else:
                body = place + struct.pack("<d", float(cell))  # type: ignore[arg-type]
                found += struct.pack("<HH", 0x0003, len(body)) + body
    return found + struct.pack("<HH", 0x000A, 0)


def test_an_old_workbook_is_read(tmp_path: Path) -> None:
    pytest.importorskip("xlrd")
    rows: list[list[object]] = [
        ["buyer_id", "timestamp", "amount"],
        [1001, "2024-01-31", 9.5],
        [1002, "2024-02-01", 3],
    ]
    (tmp_path / "orders.xls").write_bytes(old_workbook(rows))

    histories = read_histories(tmp_path / "orders.xls")

    assert list(histories.buyer_ids) == [1001, 1002]
    assert histories.transactions["amount"].sum() == 12.5


def test_an_old_workbook_without_its_reader_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "xlrd", None)
    monkeypatch.setattr("clientcare.history.sources.workbooks.find_spec", lambda name: None)
    (tmp_path / "orders.xls").write_bytes(old_workbook([["buyer_id"]]))

    with pytest.raises(MissingExtraError, match="excel"):
        read_histories(tmp_path / "orders.xls")
