"""Terms: which follows which, what was never in force, and since when somebody is under contract."""

from __future__ import annotations

import pandas as pd
import pytest

import clientcare as cc


def features(terms: pd.DataFrame, as_of: str) -> pd.DataFrame:
    return cc.feature_table(
        cc.Histories(contracts=terms, observed_until="2025-06-01"), as_of, families=["contract"]
    )


def test_who_withdraws_before_the_start_was_never_a_buyer() -> None:
    terms = pd.DataFrame(
        {
            "buyer_id": ["ok", "never"],
            "start": ["2024-01-01", "2024-02-01"],
            "cancelled_at": [None, "2024-01-20"],
            "amount": 50.0,
        }
    )
    histories = cc.Histories(
        contracts=terms, observed_until="2024-12-31", on_bad_rows="raise"
    )  # right, not bad

    assert cc.ChurnDefinition("30D").label(histories, "2024-03-01").to_dict() == {"ok": False}
    assert cc.feature_table(histories, "2024-03-01").index.tolist() == ["ok"]
    quality = histories.quality.set_index("rule")
    assert quality.loc["cancelled_before_start", ["n_rows", "action"]].tolist() == [
        1,
        "left out: never in force",
    ]


@pytest.mark.parametrize(
    ("columns", "values"), [("plan", ["core", "support"]), ("contract_id", ["k1", "k2"])]
)
def test_contracts_beside_each_other_are_no_sequence(columns: str, values: list[str]) -> None:
    terms = pd.DataFrame(
        {
            "buyer_id": "a",
            "start": ["2023-01-01", "2024-02-01"],
            "end": ["2025-12-31", "2025-01-31"],
            "amount": [1000.0, 50.0],
            columns: values,
        }
    )

    X = features(terms, "2024-12-15").loc["a"]

    assert X["monthly_amount_in_force"] == 1050
    assert X["n_price_rises"] == 0
    assert pd.isna(X["price_last_step_ratio"])
    assert X.get("n_plan_changes", 0) == 0
    assert X["n_renewals"] == 0


def test_each_of_two_contracts_has_steps_of_its_own() -> None:
    terms = pd.DataFrame(
        {
            "buyer_id": "a",
            "start": ["2022-01-01", "2022-07-01", "2023-01-01", "2023-07-01"],
            "end": ["2022-12-31", "2023-06-30", "2023-12-31", "2024-06-30"],
            "amount": [1000.0, 50.0, 1100.0, 50.0],
            "plan": ["core", "support", "core", "support"],
        }
    )

    X = features(terms, "2023-10-01").loc["a"]

    assert X["n_price_rises"] == 1
    assert X["n_renewals"] == 2
    assert X["n_plan_changes"] == 0
    assert X["price_last_step_ratio"] == 1
    assert X["monthly_amount_in_force"] == 1150


def test_an_upgrade_before_the_end_renews_and_takes_the_place_of_the_old_term() -> None:
    terms = pd.DataFrame(
        {
            "buyer_id": "u",
            "start": ["2024-01-01", "2024-10-01"],
            "end": ["2024-12-31", "2026-09-30"],
            "amount": [100.0, 150.0],
        }
    )

    for moment in ("2024-11-01", "2025-03-01"):
        X = features(terms, moment).loc["u"]
        assert X[["n_renewals", "n_price_rises", "monthly_amount_in_force", "renewal_share"]].tolist() == [
            1,
            1,
            150,
            1,
        ]


def test_a_free_month_is_no_price_rise_and_what_follows_a_trial_no_renewal() -> None:
    terms = pd.DataFrame(
        {
            "buyer_id": ["free month"] * 3 + ["trial"] * 2,
            "start": ["2023-07-01", "2024-03-01", "2024-04-01", "2024-01-01", "2024-01-15"],
            "end": ["2024-02-29", "2024-03-31", None, "2024-01-14", None],
            "amount": [50.0, 0.0, 50.0, 0.0, 50.0],
        }
    )

    X = features(terms, "2024-06-01")

    assert X["n_price_rises"].tolist() == [0, 0]
    assert X["n_renewals"].tolist() == [2, 0]


def test_under_contract_counts_from_the_present_stretch() -> None:
    terms = pd.DataFrame(
        {
            "buyer_id": ["back", "back", "stayed", "stayed", "gone"],
            "start": ["2022-09-05", "2023-08-25", "2022-09-05", "2023-09-05", "2022-09-05"],
            "end": ["2022-10-05", None, "2023-09-04", None, "2022-12-05"],
            "amount": 39.0,
        }
    )

    X = features(terms, "2023-09-09")

    assert X["days_under_contract"].fillna(-1).to_dict() == {"back": 15, "gone": -1, "stayed": 369}
    assert X.loc["back", "days_since_first_contract"] == 369
