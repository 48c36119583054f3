"""Ends that are until when was paid are found alike in memory and in parts that are too small to tell."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import clientcare as cc
from clientcare.features import write_feature_table
from clientcare.history import read_histories

pytest.importorskip("duckdb")


def paid_until(export: pd.Timestamp) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    rows = []
    for number in range(150):
        start = export - pd.Timedelta(days=int(rng.integers(1, 900)))
        ends = [start + pd.DateOffset(months=n) for n in range(1, 40)]
        kept = int(rng.geometric(0.05))
        end = next(date for n, date in enumerate(ends, 1) if date >= export or n == kept)
        rows.append((f"s{number}", start, end, 30.0))
    return pd.DataFrame(rows, columns=["buyer_id", "start", "end", "amount"])


@pytest.mark.parametrize("options", [{"observed_until": "2024-06-12"}, {}])
def test_the_paid_end_is_judged_once_for_all_parts(tmp_path, options):
    table = paid_until(pd.Timestamp("2024-06-12"))
    path = tmp_path / "terms.parquet"
    table.to_parquet(path, index=False)
    told = read_histories(contracts=path, **options)

    assert "end_is_paid_until" in set(told.quality["rule"])
    in_memory = cc.feature_table(told, as_of="2024-06-01").sort_index()
    written = write_feature_table(
        contracts=path, as_of="2024-06-01", out=tmp_path / "features", n_partitions=6, n_jobs=1, **options
    )
    parts = pd.read_parquet(written.folder).set_index("buyer_id").sort_index()
    own = ["days_to_contract_end", "has_contract_in_force", "n_contracts_cancelled"]
    pd.testing.assert_frame_equal(in_memory[own], parts[own], check_index_type=False, check_dtype=False)
    assert in_memory["days_to_contract_end"].isna().all()
