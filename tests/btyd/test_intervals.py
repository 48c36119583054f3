"""Intervals of forecasts: they hold the truth as often as they say, for contracts and for whole opportunities too."""

import numpy as np
import pytest

from clientcare.btyd import BGBB, BetaDiscreteWeibull, GammaGamma, ShiftedBetaGeometric
from clientcare.exceptions import OptionError

CONTRACTS = [
    ShiftedBetaGeometric.from_parameters(alpha=0.7, beta=1.2),
    BetaDiscreteWeibull.from_parameters(gamma=0.6, delta=1.2, c=1.2),
]
FORECASTS = {
    "survival": (),
    "prob_renewal": (),
    "prob_leaving": (3,),
    "expected_remaining_life": (0.1,),
}
AGES = [1, 4, 7, 12]


@pytest.mark.parametrize("truth", CONTRACTS, ids=lambda model: type(model).__name__)
def test_nine_in_ten_intervals_of_a_contract_forecast_hold_the_truth(truth):
    held = {forecast: [] for forecast in FORECASTS}
    for seed in range(60):
        fitted = type(truth)().fit(truth.simulate(1000, 7, random_state=seed))
        for forecast, options in FORECASTS.items():
            found = fitted.interval(forecast, AGES, *options, n_draws=150)
            true = getattr(truth, forecast)(AGES, *options)
            held[forecast].append((found["low"] <= true) & (true <= found["high"]))
    for forecast, each in held.items():
        assert 0.8 <= np.mean(each) <= 0.97, forecast


@pytest.mark.parametrize("truth", CONTRACTS, ids=lambda model: type(model).__name__)
def test_more_customers_leave_less_open(truth):
    few, many = (type(truth)().fit(truth.simulate(n, 7)).interval("survival", 12) for n in (300, 30_000))
    assert many["high"][0] - many["low"][0] < 0.3 * (few["high"][0] - few["low"][0])


def test_nobody_has_left_before_the_first_renewal():
    fitted = ShiftedBetaGeometric().fit(CONTRACTS[0].simulate(500, 5))
    assert fitted.interval("survival", 0).to_numpy().tolist() == [[1.0, 1.0]]


def test_a_life_without_bound_has_an_interval_without_bound():
    fitted = ShiftedBetaGeometric().fit(CONTRACTS[0].simulate(2000, 7))
    assert np.isinf(fitted.interval("expected_remaining_life", [0, 3]).to_numpy()).all()


def test_opportunities_and_amounts_have_intervals_too():
    givers = BGBB.from_parameters(alpha=1.2, beta=0.75, gamma=0.66, delta=2.8).simulate(2000, 6)
    found = BGBB().fit(givers).interval("expected_purchases", givers.head(3), 5, n_draws=30)
    assert (found["low"] < found["high"]).all()
    assert found.index.equals(givers.index[:3])
    amounts = GammaGamma.from_parameters(p=6, q=4, v=15).simulate(np.tile([1, 2, 5], 200))
    assert (GammaGamma().fit(amounts).interval("expected_amount", amounts.head(3)) > 0).all().all()


@pytest.mark.parametrize("forecast", ["survivall", "_read", "parameters_"])
def test_an_unknown_forecast_is_refused_by_name(forecast):
    with pytest.raises(OptionError, match=f"no forecast '{forecast}'"):
        CONTRACTS[0].interval(forecast, 1)
