"""A model is believed where it made the data, and not where it did not."""

import numpy as np
import pandas as pd
import pytest

from clientcare.btyd import NBD, ParetoNBD, check_forecast, check_frequency, check_tracking, purchase_summary
from clientcare.exceptions import NotEnoughDataError, NotObservedError, OptionError
from clientcare.history import Histories

TRUTH = ParetoNBD.from_parameters(r=0.8, alpha=20, s=0.9, beta=40)


def test_the_true_model_is_believed_on_frequencies_and_one_too_eager_is_not():
    table = TRUTH.simulate(3000, 200, 60)
    check = check_frequency(TRUTH, table)
    assert check.believable
    assert check.table["observed"].sum() == 3000
    assert check.table["expected"].sum() == pytest.approx(3000, rel=1e-6)
    eager = check_frequency(ParetoNBD.from_parameters(r=1.6, alpha=20, s=0.9, beta=40), table)
    assert not eager.believable
    assert "not to be believed" in eager.verdict


def test_the_true_model_is_believed_on_a_holdout_and_one_without_leaving_is_not():
    table = TRUTH.simulate(3000, 200, 60, holdout_days=200)
    came = table["n_holdout_purchases"]
    check = check_forecast(TRUTH, table, 200, came)
    assert check.believable
    assert abs(check.figures["z"]) < 3
    assert check.table["n_buyers"].sum() == 3000
    assert check.table["expected_purchases"].is_monotonic_increasing
    stay = check_forecast(NBD().fit(table), table, 200, came)
    assert stay.figures["bias"] > 0.5
    assert not stay.believable


def test_the_course_of_purchases_is_tracked_into_the_holdout():
    histories = Histories(TRUTH.simulate_log(3000, 360, 60, start="2023-01-01"))
    as_of = pd.Timestamp("2023-07-20")
    check = check_tracking(TRUTH, histories, as_of)
    assert check.believable
    table = check.table
    assert table["repeat_purchases"].sum() == table["repeat_purchases_cumulated"].iloc[-1]
    assert table["seen"].iloc[0]
    assert not table["seen"].iloc[-1]
    plain = check_tracking(NBD().fit(purchase_summary(histories, as_of)), histories, as_of)
    assert plain.figures["bias_at_end"] > 0.1
    assert not plain.believable


def test_checks_refuse_what_they_cannot_answer():
    table = TRUTH.simulate(100, 200)
    with pytest.raises(OptionError, match="one number"):
        check_forecast(TRUTH, table, 10, np.zeros(99))
    with pytest.raises(NotEnoughDataError, match="too few"):
        check_forecast(TRUTH, table.iloc[:5], 10, np.zeros(5))
    histories = Histories(TRUTH.simulate_log(50, 100, start="2023-01-01"))
    with pytest.raises(NotObservedError, match="until"):
        check_tracking(TRUTH, histories, "2023-02-01", until="2030-01-01")
