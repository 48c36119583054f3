"""Timing, rhythm, spend, windows, season and breadth of buyers small enough to check by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from clientcare.features import feature_table
from clientcare.history import Histories


def bought(*days: str, **columns) -> pd.DataFrame:
    """Purchases of one buyer, called a, on some days."""
    return pd.DataFrame({"buyer_id": "a", "timestamp": pd.to_datetime(list(days)), **columns})


def features(orders: pd.DataFrame, as_of: str, **options) -> pd.Series:
    """The features of the buyer called a."""
    return feature_table(Histories(orders, exact_copies="keep"), as_of, **options).loc["a"]


def test_the_day_before_as_of_is_one_day_ago():
    assert features(bought("2024-01-31 23:59"), "2024-02-01")["days_since_last_purchase"] == 1


def test_a_purchase_at_as_of_is_not_known_yet():
    table = feature_table(Histories(bought("2024-01-31", "2024-02-01")), "2024-02-01")
    assert table.loc["a", "n_purchases"] == 1


def test_within_a_day_what_came_earlier_that_day_counts():
    day = features(bought("2024-02-01 09:00", "2024-02-01 15:00"), "2024-02-01 12:00")
    assert day["n_purchases"] == 1
    assert day["n_purchase_lines"] == 1
    assert day["days_since_last_purchase"] == 0


def test_several_purchases_on_a_day_are_one():
    day = features(bought("2024-01-05 09:00", "2024-01-05 18:00", amount=[3.0, 4.0]), "2024-02-01")
    assert day["n_purchases"] == 1
    assert day["lines_per_purchase"] == 2
    assert day["purchase_amount_mean"] == 7.0


def test_a_buyer_who_bought_once_has_no_usual_gap():
    once = features(bought("2024-01-05"), "2024-02-01")
    assert np.isnan(once[["gap_days_median", "gap_days_mean", "overdue_ratio", "gap_regularity_shape"]]).all()
    assert once["n_repeat_purchases"] == 0
    assert once["days_first_to_last_purchase"] == 0


def test_a_buyer_is_overdue_by_their_own_measure():
    weekly = features(bought("2024-01-01", "2024-01-08", "2024-01-15"), "2024-02-05")
    assert weekly["gap_days_median"] == 7
    assert weekly["overdue_ratio"] == 3
    assert weekly["days_overdue"] == 14
    assert weekly["share_of_gaps_outlasted"] == 1


def test_a_clock_is_more_regular_than_chance_and_chance_more_than_a_burst():
    rng = np.random.default_rng(0)
    starts = pd.Timestamp("2022-01-01")
    clock = np.arange(0, 700, 14)
    chance = np.cumsum(np.ceil(rng.exponential(14, 50)))
    burst = np.cumsum(np.tile([1, 1, 1, 1, 66], 10))
    orders = pd.concat(
        pd.DataFrame({"buyer_id": name, "timestamp": starts + pd.to_timedelta(days, unit="D")})
        for name, days in {"clock": clock, "chance": chance, "burst": burst}.items()
    )
    shape = feature_table(Histories(orders), "2024-12-01")["gap_regularity_shape"]
    assert shape["clock"] > 5 > 2 > shape["chance"] > 0.5 > shape["burst"]
    assert np.isfinite(shape).all()


def test_slowing_down_shows_as_a_ratio_above_one():
    slowing = features(
        bought("2024-01-01", "2024-01-03", "2024-01-05", "2024-01-25", "2024-02-14"), "2024-03-01"
    )
    assert slowing["gap_change_ratio"] == pytest.approx(10)
    assert slowing["gap_recent_to_mean_ratio"] > 1


def test_a_streak_ends_with_a_month_without_a_purchase():
    days = ["2024-01-10", "2024-02-10", "2024-03-10", "2024-05-28"]
    streak = features(bought(*days), "2024-06-01")
    assert streak["n_months_in_a_row"] == 1
    assert streak["n_months_in_a_row_longest"] == 3
    assert features(bought(*days[:3]), "2024-06-01")["n_months_in_a_row"] == 0


def test_returns_lower_net_spending_and_are_no_purchases():
    spent = features(bought("2024-01-05", "2024-01-09", amount=[10.0, -4.0]), "2024-02-01")
    assert spent["n_purchases"] == 1
    assert spent["net_spent"] == 6
    assert spent["returned_share"] == 0.4
    assert spent["days_since_last_return"] == 23


def test_a_purchase_of_unknown_amount_is_a_purchase_without_a_price():
    spent = features(bought("2024-01-05", "2024-01-09", amount=[10.0, np.nan]), "2024-02-01")
    assert spent["n_purchases"] == 2
    assert spent["total_spent"] == 10
    assert spent["purchase_amount_last"] == 10


def test_without_any_price_spending_is_unknown_and_not_zero():
    spent = features(bought("2024-01-05", amount=[np.nan]), "2024-02-01")
    assert np.isnan(spent[["total_spent", "spent_90d", "purchase_amount_mean"]]).all()
    assert spent["spent_7d"] == 0


def test_equal_amounts_have_no_spread_at_all():
    same = features(bought("2024-01-05", "2024-01-09", "2024-01-20", amount=[0.1] * 3), "2024-02-01")
    assert same["purchase_amount_variation_ratio"] == pytest.approx(0, abs=1e-12)
    assert features(bought("2024-01-01", "2024-01-04", "2024-01-07"), "2024-02-01")["gap_days_sd"] == 0


def test_windows_count_back_from_as_of():
    window = features(bought("2024-01-01", "2024-01-25", "2024-01-31"), "2024-02-01", windows=[7, 31])
    assert window["n_purchases_7d"] == 2
    assert window["n_purchases_31d"] == 3
    assert window["n_purchases_7d_before"] == 0
    assert window["n_purchases_decayed_7d"] == pytest.approx(2 ** (-1 / 7) + 2 ** (-7 / 7) + 2 ** (-31 / 7))


def test_a_steady_buyer_is_active_in_all_three_thirds():
    steady = features(bought("2024-01-05", "2024-02-05", "2024-03-05"), "2024-03-31", windows=[90])
    assert steady["n_active_thirds_90d"] == 3


def test_last_years_season_is_unknown_in_the_first_year():
    young = features(bought("2024-01-05", "2024-02-01"), "2024-06-01")
    old = features(bought("2023-01-05", "2023-06-20"), "2024-06-01")
    assert np.isnan(young["n_purchases_30d_year_ago"])
    assert old["n_purchases_30d_year_ago"] == 1
    assert old["purchase_share_coming_season"] == 1


def test_everything_is_new_to_a_new_buyer_so_nothing_counts_as_new():
    new = features(bought("2024-01-05", "2024-01-09", category=["tea", "cups"]), "2024-02-01")
    assert new["n_new_categories_90d"] == 0
    days = ("2023-01-05", "2024-01-09", "2024-01-10")
    old = features(bought(*days, category=["tea", "cups", "tea"]), "2024-02-01")
    assert old["n_new_categories_90d"] == 1
    assert old["days_since_new_category"] == 23
    assert old["top_category_share"] == pytest.approx(2 / 3)


def test_features_of_a_column_that_was_not_given_are_not_there():
    plain = features(bought("2024-01-05"), "2024-02-01")
    assert "n_categories" not in plain
    assert "n_contacts" not in plain


def test_before_the_first_fact_there_are_no_rows_and_all_columns():
    histories = Histories(bought("2024-01-05"))
    early, late = feature_table(histories, "2023-01-01"), feature_table(histories, "2024-02-01")
    assert len(early) == 0
    assert early.columns.equals(late.columns)
    assert (early.dtypes == late.dtypes).all()


def test_several_dates_are_one_table_with_the_date_in_front():
    table = feature_table(Histories(bought("2024-01-05")), ["2024-02-01", "2024-01-01", "2024-01-15"])
    assert table.index.names == ["as_of", "buyer_id"]
    assert table.index.tolist() == [
        (pd.Timestamp("2024-01-15"), "a"),
        (pd.Timestamp("2024-02-01"), "a"),
    ]


def test_a_buyer_of_five_thousand_purchases_is_finite():
    days = pd.Timestamp("2005-01-01") + pd.to_timedelta(np.arange(5000), unit="D")
    table = feature_table(
        Histories(pd.DataFrame({"buyer_id": 1, "timestamp": days, "amount": 1e9})), "2019-01-01"
    )
    unknown = [
        "days_since_last_return",
        "stayed_after_shocks_sign",
    ]  # nothing returned, and no shock to stay after
    numbers = table.drop(columns=unknown).to_numpy()
    assert np.isfinite(numbers).all()


def test_a_purchase_recorded_late_counts_from_when_it_was_known():
    orders = bought("2024-01-05", "2024-01-20", recorded_at=pd.to_datetime(["2024-01-05", "2024-02-10"]))
    table = feature_table(Histories(orders), ["2024-02-01", "2024-03-01"])["n_purchases"]
    assert table.tolist() == [1, 2]
