"""Written a partition at a time, the features are the same to the last bit."""

from __future__ import annotations

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from clientcare.exceptions import NotEnoughDataError, OptionError
from clientcare.features import feature_table, write_feature_table
from strategies import histories_of

pytest.importorskip("duckdb")
AS_OF = "2021-06-01"
OBSERVED = {"observed_from": "2020-01-01", "observed_until": "2021-12-31"}


def read(folder, keys=("buyer_id",)) -> pd.DataFrame:
    """What was written, in the order of the table in memory."""
    return pd.read_parquet(folder).set_index(list(keys)).sort_index()


def plain(table: pd.DataFrame) -> pd.DataFrame:
    """Texts as texts."""
    texts = table.columns[[kind != "float64" for kind in table.dtypes]]
    table = table.assign(
        **{name: table[name].astype(object).where(table[name].notna(), None) for name in texts}
    )
    return table.set_axis(table.index.astype(object)) if table.index.nlevels == 1 else table


@pytest.mark.parametrize("n_partitions", [1, 7])
def test_streamed_features_are_the_features_in_memory(full_tables, full_histories, tmp_path, n_partitions):
    written = write_feature_table(
        **full_tables, as_of=AS_OF, out=tmp_path / "out", n_partitions=n_partitions, n_jobs=2, **OBSERVED
    )
    whole = feature_table(full_histories, AS_OF)
    assert written.n_rows == len(whole)
    assert_frame_equal(plain(read(written.folder)), plain(whole), check_exact=True, check_names=False)


def test_streamed_features_of_several_dates(full_tables, full_histories, tmp_path):
    dates = ["2020-09-01", "2021-06-01 12:00"]
    written = write_feature_table(
        **full_tables,
        as_of=dates,
        out=tmp_path / "out",
        n_partitions=3,
        families=["timing", "peers"],
        **OBSERVED,
    )
    whole = feature_table(full_histories, dates, families=["timing", "peers"])
    ours = read(written.folder, ["as_of", "buyer_id"])
    assert [(moment, str(buyer)) for moment, buyer in ours.index] == whole.index.tolist()
    assert (ours.to_numpy() == whole.to_numpy())[~whole.isna().to_numpy()].all()


def test_files_are_read_like_tables(full_tables, tmp_path):
    orders = full_tables["transactions"]
    orders.to_parquet(tmp_path / "orders.parquet")
    written = write_feature_table(
        tmp_path / "orders.parquet",
        as_of=AS_OF,
        out=tmp_path / "out",
        n_partitions=2,
        compression="none",
        **OBSERVED,
    )
    whole = feature_table(histories_of({"transactions": orders}), AS_OF)
    assert_frame_equal(plain(read(written.folder)), plain(whole), check_exact=True, check_names=False)


def test_contracts_alone_are_enough(full_tables, tmp_path):
    tables = {name: full_tables[name] for name in ("contracts", "buyers")}
    written = write_feature_table(**tables, as_of=AS_OF, out=tmp_path / "out", n_partitions=4, **OBSERVED)
    whole = feature_table(histories_of(tables), AS_OF)
    assert "n_buyers_referred" in whole
    assert_frame_equal(plain(read(written.folder)), plain(whole), check_exact=True, check_names=False)


def test_findings_of_the_door_are_added_up(full_tables, full_histories, tmp_path):
    written = write_feature_table(
        full_tables["transactions"], as_of=AS_OF, out=tmp_path / "out", n_partitions=5, **OBSERVED
    )
    found = written.quality.set_index("rule")["n_rows"]
    whole = full_histories.quality.query("table == 'transactions'").set_index("rule")["n_rows"]
    assert found["exact_copy"] == whole["exact_copy"]


def test_a_failed_run_leaves_what_was_there(full_tables, tmp_path):
    out = tmp_path / "out"
    write_feature_table(full_tables["transactions"], as_of=AS_OF, out=out, **OBSERVED)
    before = read(out)
    with pytest.raises(NotEnoughDataError):
        write_feature_table(full_tables["transactions"].head(0), as_of=AS_OF, out=out, **OBSERVED)
    assert_frame_equal(read(out), before)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_compression_that_is_not_there_is_refused(full_tables, tmp_path):
    with pytest.raises(OptionError, match="compression"):
        write_feature_table(full_tables["transactions"], as_of=AS_OF, out=tmp_path / "out", compression="rar")
