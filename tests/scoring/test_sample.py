"""A sample of buyers drawn while tables are read: whole buyers, the same each night, read as in the whole table."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from clientcare import RelationshipModel
from clientcare.cli import main
from clientcare.exceptions import InputError, NotEnoughDataError, OptionError
from clientcare.features import feature_table
from clientcare.history import Histories
from clientcare.scoring import sample_histories


def orders(n: int = 3000, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "buyer_id": rng.integers(0, 600, n),
            "timestamp": pd.Timestamp("2023-01-01") + pd.to_timedelta(rng.integers(0, 700, n), unit="D"),
            "amount": rng.integers(5, 50, n).astype(float),
        }
    )


def test_buyers_are_drawn_whole():
    table = orders()
    some = sample_histories(table, n_buyers=100)
    assert 100 <= len(some.buyer_ids) < 200
    whole = Histories(table).select(some.buyer_ids)
    windows = {"families": ["timing", "spend", "windows"], "windows": [90]}
    assert_frame_equal(
        feature_table(some, "2024-06-01", **windows),
        feature_table(whole, "2024-06-01", **windows),
        check_exact=True,
    )


def test_the_same_buyers_come_each_night_and_from_each_table(tmp_path):
    table = orders()
    table.to_csv(tmp_path / "orders.csv", index=False)
    contacts = table.sample(500, random_state=1).drop(columns="amount").assign(kind="call")
    drawn = sample_histories(tmp_path / "orders.csv", contacts, n_buyers=100)
    again = sample_histories(table.sample(frac=1, random_state=2), contacts, n_buyers=100)
    more_days = sample_histories(pd.concat([table, orders(seed=9)]), contacts, n_buyers=100)
    assert set(drawn.buyer_ids.astype(int)) == set(again.buyer_ids) <= set(more_days.buyer_ids)
    theirs = contacts[contacts["buyer_id"].isin(again.buyer_ids)].drop_duplicates()
    assert again.events("interactions").n_rows == len(theirs)


def test_few_buyers_are_all_taken_and_none_is_an_error():
    table = orders()
    assert sample_histories(table, n_buyers=10_000).buyer_ids.equals(Histories(table).buyer_ids)
    with pytest.raises(NotEnoughDataError, match="no row can be used"):
        sample_histories(table.iloc[:0])


@pytest.mark.parametrize("wrong", [{"n_buyers": 0}, {"n_buyers": 2.5}, {"n_partitions": 0}])
def test_arguments_that_make_no_sense_are_refused(wrong):
    with pytest.raises(OptionError):
        sample_histories(orders(50), **wrong)


def test_a_table_of_buyers_alone_is_no_table():
    with pytest.raises(InputError, match="no table given"):
        sample_histories(buyers=pd.DataFrame({"buyer_id": [1]}))


def test_the_shell_learns_from_a_sample(tmp_path, capsys):
    table = orders(6000)
    table.to_csv(tmp_path / "orders.csv", index=False)
    code = main(
        ["fit", "--transactions", str(tmp_path / "orders.csv"), "--horizon", "60D", "--effort", "quick",
         "--sample-buyers", "200", "--model", str(tmp_path / "m.clientcare")]
    )  # fmt: skip
    said = capsys.readouterr().out
    assert code == 0 and "Learned from a sample of 2" in said
    from clientcare import load_model

    model = load_model(tmp_path / "m.clientcare")
    same = RelationshipModel(horizon="60D", effort="quick").fit(
        sample_histories(tmp_path / "orders.csv", n_buyers=200)
    )
    assert model.model_id_ == same.model_id_
    code = main(
        ["fit", "--transactions", str(tmp_path / "orders.csv"), "--sample-buyers", "200",
         "--model", str(tmp_path / "orders.csv")]
    )  # fmt: skip
    assert code == 2
