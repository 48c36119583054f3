"""When the next purchase is due, given how long a buyer has been silent."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from clientcare import Histories, RelationshipModel
from clientcare.datasets import load_retailer
from clientcare.model.training.due import WITHIN_HORIZONS, next_purchase

AS_OF = pd.Timestamp("2024-06-01")


def ahead(silence, usual=30.0, sd=0.5, horizon=90, expected=True):
    silence = np.atleast_1d(np.asarray(silence, float))
    law = np.full(len(silence), np.log(usual)), np.full(len(silence), sd)
    said = next_purchase(AS_OF, silence, *law, horizon, np.full(len(silence), expected))
    found = (said.low, said.due, said.high)
    return [(pd.DatetimeIndex(dates) - AS_OF).days.to_numpy(float) for dates in found]


def test_it_is_the_middle_of_what_a_simulated_rhythm_does_after_that_silence():
    gaps = np.random.default_rng(0).lognormal(np.log(30), 0.5, 400_000)
    for silence in (5.0, 20.0, 45.0, 80.0):
        left = gaps[gaps > silence] - silence
        left = left[left < WITHIN_HORIZONS * 90]
        low, due, high = ahead(silence)
        assert due[0] == pytest.approx(np.median(left), abs=1)
        assert low[0] == pytest.approx(np.quantile(left, 0.05), abs=1.1)
        assert high[0] == pytest.approx(np.quantile(left, 0.95), abs=2)


def test_no_silence_is_so_long_that_a_date_lies_in_the_past_or_beyond_the_end():
    silence = np.array([0.0, 1.0, 30.0, 365.0, 3650.0, 100_000.0])
    low, due, high = ahead(silence, sd=0.1)
    assert (low >= 0).all() and (low <= due).all() and (due <= high).all()
    assert (high <= WITHIN_HORIZONS * 90).all()


def test_nothing_is_due_of_who_never_bought_or_is_gone():
    assert np.isnan(ahead(np.nan)).all()
    assert np.isnan(ahead(10.0, expected=False)).all()


def test_a_contract_without_purchases_has_no_due_date():
    contracts = pd.DataFrame(
        {"buyer_id": [f"c{i}" for i in range(30)], "start": "2023-01-01", "end": "2024-12-31", "amount": 10.0}
    )
    orders = pd.DataFrame(
        {"buyer_id": np.repeat([f"b{i}" for i in range(30)], 6),
         "timestamp": np.tile(pd.date_range("2023-01-05", periods=6, freq="70D"), 30), "amount": 5.0}
    )  # fmt: skip
    histories = Histories(orders, contracts=contracts, observed_until="2024-04-01")
    book = RelationshipModel("60D", effort="quick").fit(histories).score(histories)
    assert book.filter(regex="^c", axis=0)["next_purchase_due"].isna().all()
    assert book.filter(regex="^b", axis=0)["next_purchase_due"].notna().all()


def test_of_the_sample_shop_the_date_beats_the_usual_gap_and_any_one_number_for_all():
    histories = load_retailer()
    date = histories.observed_until - pd.Timedelta(days=90)
    book = RelationshipModel("90D", effort="quick").fit(histories, date).score(histories.until(date), date)
    orders = histories.transactions
    comes = (
        orders[(orders["timestamp"] >= date) & (orders["amount"] > 0)].groupby("buyer_id")["timestamp"].min()
    )
    seen = book.join(comes.rename("comes"), how="inner").dropna(subset=["next_purchase_due"])
    days = (seen["comes"].dt.normalize() - date).dt.days
    error = ((seen["next_purchase_due"] - date).dt.days - days).abs()
    inside = seen["comes"].dt.normalize().between(seen["next_purchase_low"], seen["next_purchase_high"])
    assert len(seen) > 250
    assert error.mean() < 17.7
    assert error.mean() < (days - days.median()).abs().mean()
    assert inside.mean() == pytest.approx(0.9, abs=0.05)
