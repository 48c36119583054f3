"""Time in seconds, days or years, money in cents or millions: the forecasts are the same."""

import numpy as np
import pytest

from clientcare.btyd import BGNBD, MBGCNBD, MBGNBD, NBD, GammaGamma, ParetoNBD

UNITS = {"seconds": 604_800.0, "hours": 168.0, "days": 7.0, "years": 7 / 365.25}


@pytest.fixture(scope="module")
def weeks():
    return ParetoNBD.from_parameters(r=0.6, alpha=10, s=0.6, beta=12).simulate(700, 80, 40)


def in_unit(weeks, size):
    return weeks.assign(
        days_first_to_last_purchase=weeks["days_first_to_last_purchase"] * size,
        days_since_first_purchase=weeks["days_since_first_purchase"] * size,
        sum_log_gap_days=weeks["sum_log_gap_days"] + weeks["n_repeat_purchases"] * np.log(size),
    )


@pytest.mark.parametrize("penalty", [0.0, 1.0])
@pytest.mark.parametrize(
    "model", [NBD(), BGNBD(), MBGNBD(), ParetoNBD(), MBGCNBD(k=2)], ids=lambda m: type(m).__name__
)
def test_the_unit_of_time_does_not_matter(model, penalty, weeks):
    model.set_params(penalty=penalty).fit(weeks)
    few = weeks.iloc[:200]
    expected = model.expected_purchases(few, 39), model.predict_no_purchase(few, 39)
    likelihood = model.log_likelihood_
    repeats = weeks["n_repeat_purchases"].sum()
    for size in UNITS.values():
        table = in_unit(weeks, size)
        model.fit(table)
        found = (
            model.expected_purchases(table.iloc[:200], 39 * size),
            model.predict_no_purchase(table.iloc[:200], 39 * size),
        )
        for one, other in zip(found, expected, strict=True):
            assert np.allclose(one, other, rtol=1e-6, atol=0)
        assert model.log_likelihood_ == pytest.approx(likelihood - repeats * np.log(size), rel=1e-9)


def test_the_unit_of_money_does_not_matter():
    x = np.tile([1, 2, 5, 9], 100)
    table = GammaGamma.from_parameters(p=6, q=4, v=15).simulate(x)
    expected = GammaGamma().fit(table).expected_amount(table)
    for size in (100.0, 1e-6):
        scaled = table.assign(mean_purchase_amount=table["mean_purchase_amount"] * size)
        assert np.allclose(GammaGamma().fit(scaled).expected_amount(scaled), expected * size, rtol=1e-6)
