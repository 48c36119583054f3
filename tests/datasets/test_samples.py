"""The samples come with the package, are what the simulator makes, and stay small."""

import importlib.util

import pandas as pd

from clientcare.datasets import load_retailer, load_service_firm
from clientcare.datasets.samples import sample_folder
from clientcare.outcomes import suggest_horizon


def test_the_retailer_sample_is_a_shop_over_two_and_a_half_years():
    histories = load_retailer()
    assert len(histories.buyer_ids) == 1200
    assert histories.buyer_ids[0] == "B0001"
    assert (histories.observed_from, histories.observed_until) == (
        pd.Timestamp("2022-01-01"),
        pd.Timestamp("2024-07-01"),
    )
    assert histories.events("contracts") is None
    assert histories.events("interactions").n_rows > 1000
    assert suggest_horizon(histories).days == 90


def test_the_service_firm_sample_has_all_tables():
    histories = load_service_firm()
    assert len(histories.buyer_ids) == 200
    for table in ("transactions", "interactions", "contracts"):
        assert histories.events(table).n_rows > 100
    assert histories.buyers is not None


def test_the_wrong_rows_of_the_sample_are_there_to_be_found():
    raw = pd.read_csv(sample_folder() / "retailer_transactions.csv", dtype=str)
    assert raw["buyer_id"].isna().sum() == 9
    assert raw.duplicated().sum() == 12
    assert raw["amount"].isna().sum() == 4


def test_the_samples_are_small_enough_for_everybody():
    assert sum(path.stat().st_size for path in sample_folder().rglob("*") if path.is_file()) < 1_500_000


def test_the_script_makes_the_same_bytes_again(tmp_path):
    script = sample_folder() / "make_samples.py"
    spec = importlib.util.spec_from_file_location("make_samples", script)
    maker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)
    maker.HERE = tmp_path
    (tmp_path / "truth").mkdir()
    maker.main()
    for path in tmp_path.rglob("*.csv"):
        assert path.read_bytes() == (sample_folder() / path.relative_to(tmp_path)).read_bytes(), path.name
