"""Real and made-up tables as they are: what is found in them is what their descriptions say."""

from __future__ import annotations

import time

import pytest
from doors import assert_balanced, found

from clientcare.history import known_buyers, read_histories

pytestmark = pytest.mark.data


def test_online_retail_as_it_is(data_folder):
    started = time.process_time()
    histories = read_histories(data_folder / "online_retail" / "transactions.parquet")
    seconds = time.process_time() - started
    counts = {
        rule: found(histories, rule)
        for rule in ("missing_buyer", "exact_copy", "cancelled_order", "zero_amount")
    }
    assert counts == {
        "missing_buyer": 135_080,
        "exact_copy": 5_270,
        "cancelled_order": 9_288,
        "zero_amount": 2_515,
    }
    assert len(histories.buyer_ids) == 4_372
    assert_balanced(histories)
    assert seconds < 4.0


def test_cdnow_as_it_is(data_folder):
    histories = read_histories(data_folder / "cdnow" / "transactions.parquet")
    assert len(known_buyers(histories, histories.observed_until)) == 23_502
    assert found(histories, "exact_copy") == 255
    assert found(histories, "zero_amount") == 80
    assert histories.buyer_ids[0] == "00001"


def test_grocery_has_dates_only(data_folder):
    histories = read_histories(data_folder / "grocery_elog" / "transactions.parquet")
    assert histories.quality["rule"].tolist() == ["no_amounts"]
    assert len(known_buyers(histories, histories.observed_until)) == 1_525


def test_complete_journey_with_its_campaigns(data_folder):
    folder = data_folder / "complete_journey"
    histories = read_histories(
        folder / "transactions.parquet", folder / "interactions.parquet", buyers=folder / "accounts.parquet"
    )
    assert found(histories, "zero_amount") == 11_226
    assert (
        histories.events("interactions").n_rows == 7_696
    )  # one household, day and kind: what else tells campaigns apart is not read
    assert histories.buyers["income"].notna().sum() == 801


def test_ravenstack_is_full_of_contradictions(data_folder):
    folder = data_folder / "ravenstack_saas"
    files = {"interactions": "interactions", "contracts": "contracts", "buyers": "accounts"}
    histories = read_histories(
        **{table: folder / f"{name}.parquet" for table, name in files.items()}, satisfaction_scale=(1, 5)
    )
    assert found(histories, "overlapping_term", "contracts") > 4_000
    assert found(histories, "contradictory_churn_label", "buyers") > 0
    assert found(histories, "before_sign_up", "interactions") > 1_077
    assert "churned" not in histories.buyers
