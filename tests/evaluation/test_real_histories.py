"""On real histories the model beats recency at every date, and the best probability model in the mean."""

from __future__ import annotations

import pandas as pd
import pytest

from clientcare.evaluation import backtest
from clientcare.history import Histories
from clientcare.model import RelationshipModel

pytestmark = [pytest.mark.data, pytest.mark.slow]


def read(folder, name):
    table = pd.read_parquet(
        folder / name / "transactions.parquet", columns=["buyer_id", "timestamp", "amount"]
    )
    table = table[table["buyer_id"].notna()]
    return Histories(table.assign(timestamp=pd.to_datetime(table["timestamp"])))


@pytest.mark.parametrize(
    ("name", "horizon"), [("grocery_elog", "90D"), ("online_retail", "90D"), ("cdnow_sample", "90D")]
)
def test_the_model_beats_recency_on_every_date(data_folder, name, horizon):
    histories = read(data_folder, name)
    end = histories.observed_until.ceil("D")
    dates = [end - pd.Timedelta(days=180), end - pd.Timedelta(days=90)]
    found = backtest(
        RelationshipModel(horizon, effort="quick"),
        histories,
        dates,
        baselines=("recency", "pareto_nbd"),
        n_bootstrap=50,
    )
    rows = found.table.query("model == 'model' and target == 'churn' and population == 'all'")
    assert (rows["gain"] > 0).all(), found.verdict
    summary = found.summary()["log_loss"]
    assert summary[("churn", "all", "model")] < summary[("churn", "all", "pareto_nbd")] + 0.002
