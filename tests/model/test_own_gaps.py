"""What a buyer's own gaps say of the horizon."""

import numpy as np
import pandas as pd
import pytest

from clientcare.features import feature_table
from clientcare.features.own_gaps import NAMES
from clientcare.history import Histories

AS_OF = pd.Timestamp("2024-06-29")


def bought(*days_ago: int, buyer: str = "ann") -> pd.DataFrame:
    """Purchases so many days before AS_OF."""
    days = AS_OF - pd.to_timedelta(np.array(days_ago), unit="D")
    return pd.DataFrame({"buyer_id": buyer, "timestamp": days, "amount": 10.0})


def columns(*tables: pd.DataFrame, dates: list[pd.Timestamp] | None = None) -> pd.DataFrame:
    """The columns by name, for a horizon of 30 days."""
    histories = Histories(pd.concat(tables, ignore_index=True))
    return own_gaps(histories, dates or [AS_OF])


def own_gaps(histories: Histories, dates: list[pd.Timestamp]) -> pd.DataFrame:
    """One row a buyer and date, one date under the other."""
    table = feature_table(histories, dates, families="own_gaps", horizon=30).reset_index(drop=True)
    assert set(table.columns) == set(NAMES)
    return table[list(NAMES)]


def test_gaps_longer_than_the_horizon_are_counted():
    ann = columns(bought(100, 60, 50, 10)).iloc[0]  # gaps of 40, 10 and 40 days
    assert ann["gap_n_beyond_horizon"] == 2
    assert ann["gap_share_beyond_horizon"] == pytest.approx(2.2 / 4)


def test_a_silence_is_held_against_the_gaps_that_were_longer():
    ann = columns(bought(140, 60, 50, 20)).iloc[0]  # gaps of 80, 10 and 30 days; silent for 20, and 30 more
    assert ann["overdue_log_share_outlasting_horizon"] == pytest.approx(np.log((1 + 0.3) / (2 + 1)))
    assert ann["overdue_share_of_gaps_longer"] == pytest.approx(2.5 / 4)


def test_gaps_of_late_count_more_in_the_columns_of_late():
    slowing = columns(bought(200, 195, 190, 185, 125, 60)).iloc[0]
    assert slowing["gap_log_mean_shrunk_lately"] > slowing["gap_log_mean_shrunk"]


def test_one_purchase_leaves_the_prior():
    once = columns(bought(15)).iloc[0]
    assert once["gap_log_mean_shrunk"] == pytest.approx(np.log(15))
    assert once["gap_log_sd_shrunk"] == pytest.approx(0.8)
    assert not once.isna().any()


def test_the_longer_the_silence_the_less_surprising_another_horizon():
    recent, long_gone = (columns(bought(last + 40, last + 20, last)).iloc[0] for last in (5, 300))
    assert long_gone["overdue_log_survival"] > recent["overdue_log_survival"]


def test_sixths_of_a_horizon_with_a_purchase_are_counted_once():
    ann = columns(bought(29, 28, 3, 2, 1)).iloc[0]  # sixths of 5 days: the sixth and the first
    assert ann["n_active_sixths_1_horizons"] == 2
    assert columns(bought(45, 29)).iloc[0]["n_active_sixths_2_horizons"] == 2


def test_other_buyers_and_the_future_change_nothing():
    alone = columns(bought(90, 50, 10))
    later = columns(bought(90, 50, 10), bought(0, -5), bought(70, 3, buyer="ben"))
    pd.testing.assert_frame_equal(alone.iloc[[0]], later.iloc[[0]])


def test_dates_lie_one_under_the_other():
    dates = [AS_OF - pd.Timedelta(days=30), AS_OF]
    both = columns(bought(90, 50, 10), bought(20, buyer="ben"), dates=dates)
    assert len(both) == 1 + 2
    pd.testing.assert_frame_equal(
        both.iloc[1:].reset_index(drop=True), columns(bought(90, 50, 10), bought(20, buyer="ben"))
    )


def test_without_purchases_all_is_unknown():
    contracts = pd.DataFrame({"buyer_id": ["cleo"], "start": [AS_OF - pd.Timedelta(days=50)]})
    only_bound = Histories(bought(20), contracts=contracts)
    table = own_gaps(only_bound, [AS_OF])
    assert table.loc[1].isna().all() and np.isfinite(table.loc[0]).all()


def test_without_a_horizon_or_without_transactions_there_are_none():
    contracts = pd.DataFrame({"buyer_id": ["cleo"], "start": [AS_OF - pd.Timedelta(days=50)]})
    assert feature_table(Histories(contracts=contracts), AS_OF, families="own_gaps", horizon=30).columns.empty
    assert feature_table(Histories(bought(20)), AS_OF, families="own_gaps").columns.empty
