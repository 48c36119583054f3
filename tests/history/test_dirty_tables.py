"""Whatever is wrong with a table: every row is kept or set aside and told, in memory as in parts, and no error is bare."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest

from clientcare.exceptions import ClientcareError
from clientcare.features import feature_table, write_feature_table
from clientcare.history import Histories
from history.dirty_tables import DirtyTables, dirty_tables
from history.doors import assert_clear

N_TABLES = 1_000 if os.environ.get("CLIENTCARE_TESTS") == "full" else 60
FAMILIES = ["timing", "rhythm", "spend", "windows", "contact"]
AS_OF = "2024-01-01"


def assert_every_row_is_told(histories: Histories) -> None:
    """Rows in are rows kept and rows set aside; each of those has a rule, and `quality` counts as many."""
    for table, row in histories.rows.iterrows():
        assert row["rows_kept"] + row["rows_set_aside"] == row["rows_in"]
        aside = histories.set_aside(str(table))
        assert len(aside) == row["rows_set_aside"]
        assert aside["rule"].notna().all()
        told = histories.quality
        told = told[(told["table"] == table) & ~told["action"].str.startswith("kept")]
        assert told["n_rows"].sum() >= row["rows_set_aside"]
        assert set(aside["rule"]) <= set(told["rule"])
        assert (told["n_rows"] > 0).all()


def _in_memory(dirty: DirtyTables) -> Histories | ClientcareError:
    try:
        return Histories(**dirty.tables, **dirty.options)
    except ClientcareError as error:
        return error


def _in_parts(dirty: DirtyTables, folder: Path) -> pd.DataFrame | ClientcareError:
    try:
        written = write_feature_table(
            **dirty.tables,
            **dirty.options,
            as_of=AS_OF,
            out=folder / "x",
            families=FAMILIES,
            n_partitions=3,
            n_jobs=1,
        )
    except ClientcareError as error:
        return error
    return pd.read_parquet(written.folder).set_index("buyer_id").sort_index()


@pytest.mark.parametrize("seed", range(N_TABLES))
def test_a_dirty_table_is_told_row_by_row_and_alike_in_parts(seed: int, tmp_path: Path) -> None:
    dirty = dirty_tables(seed)

    whole, parts = _in_memory(dirty), _in_parts(dirty, tmp_path)

    if isinstance(whole, ClientcareError):
        assert_clear(whole, dirty.tables["transactions"])
        assert isinstance(parts, ClientcareError)
        return
    assert_every_row_is_told(whole)
    features = feature_table(whole, as_of=AS_OF, families=FAMILIES)
    if isinstance(parts, ClientcareError):
        assert features.empty, str(parts)
        return
    pd.testing.assert_frame_equal(features.sort_index(), parts, check_index_type=False, check_exact=True)


def test_the_dirt_is_found_often_enough_to_matter() -> None:
    rules = set()
    for seed in range(40):
        found = _in_memory(dirty_tables(seed))
        rules |= set(found.quality["rule"]) if isinstance(found, Histories) else set()

    assert {
        "missing_buyer",
        "exact_copy",
        "unreadable_timestamp",
        "sentinel_date",
        "unreadable_amount",
    } <= rules
    assert {"cancelled_status", "no_purchase_status", "guest_account", "total_row"} <= rules
