"""Static covariates on buying and on leaving."""

import numpy as np
import pandas as pd
import pytest

from clientcare.btyd import BGNBD, MBGNBD, NBD, ParetoNBD
from clientcare.btyd.objective import TableLikelihood
from clientcare.exceptions import BadRowsError, OptionError, SchemaError

TRUTH = {
    NBD: {"r": 1.0, "alpha": 20.0},
    BGNBD: {"r": 1.0, "alpha": 20.0, "a": 0.8, "b": 2.5},
    MBGNBD: {"r": 1.0, "alpha": 20.0, "a": 0.8, "b": 2.5},
    ParetoNBD: {"r": 1.0, "alpha": 20.0, "s": 0.8, "beta": 40.0},
}


def two_groups(model):
    """Buyers of group 1 buy twice as often; of group 0, as the truth says."""
    truth = TRUTH[model]
    zero = model.from_parameters(**truth).simulate(2500, 120, 40, random_state=1)
    one = model.from_parameters(**truth | {"alpha": truth["alpha"] / 2}).simulate(
        2500, 120, 40, random_state=2
    )
    return pd.concat([zero.assign(online=0), one.assign(online=1)], ignore_index=True)


@pytest.mark.parametrize("model", list(TRUTH))
def test_a_group_that_buys_twice_as_often_is_found(model):
    table = two_groups(model)
    fitted = model(purchase_covariates=("online",)).fit(table)
    row = fitted.coefficient_table_.set_index("covariate").loc["online"]
    assert row["coefficient"] == pytest.approx(np.log(2), abs=4 * row["standard_error"])
    assert 0.01 < row["standard_error"] < 0.15
    plain = model().fit(table)
    assert fitted.log_likelihood_ > plain.log_likelihood_ + 20
    assert fitted.aic_ == pytest.approx(2 * (len(TRUTH[model]) + 1) - 2 * fitted.log_likelihood_)


@pytest.mark.parametrize("model", [BGNBD, MBGNBD, ParetoNBD])
def test_the_gradient_with_covariates_is_exact(model):
    table = two_groups(model).iloc[::10].assign(tall=lambda t: np.sin(np.arange(len(t))))
    given = model(purchase_covariates=("online", "tall"), dropout_covariates=("tall",))
    objective = TableLikelihood(given, given._read(table, "test").scaled(100.0))
    theta = np.linspace(-0.5, 0.4, len(given._names) + given._n_coefficients())
    step = 1e-5
    slopes = [
        (objective(theta + shift)[0] - objective(theta - shift)[0]) / (2 * step)
        for shift in np.eye(len(theta)) * step
    ]
    assert objective(theta)[1] == pytest.approx(slopes, rel=1e-6, abs=1e-8)


def test_a_coefficient_follows_the_unit_of_its_covariate():
    table = two_groups(BGNBD)
    one = BGNBD(purchase_covariates=("online",)).fit(table)
    other = BGNBD(purchase_covariates=("online",)).fit(table.assign(online=table["online"] * 1000))
    assert other.log_likelihood_ == pytest.approx(one.log_likelihood_, abs=1e-6)
    assert other.coefficients_[0][0] == pytest.approx(one.coefficients_[0][0] / 1000, rel=1e-5)


def test_forecasts_heed_the_covariate():
    table = two_groups(ParetoNBD)
    model = ParetoNBD(purchase_covariates=("online",)).fit(table)
    pair = pd.DataFrame(
        {
            "n_repeat_purchases": 0,
            "days_first_to_last_purchase": 0,
            "days_since_first_purchase": 0,
            "online": [0, 1],
        }
    )
    expected = model.expected_purchases(pair, 5)
    assert expected[1] > 1.6 * expected[0]
    assert model.interval("expected_purchases", pair, 5, n_draws=50).notna().all().all()


def test_a_new_buyer_of_a_model_with_covariates_is_asked_for_by_row():
    model = ParetoNBD(purchase_covariates=("online",)).fit(two_groups(ParetoNBD))
    with pytest.raises(OptionError, match="covariates to expected_purchases"):
        model.expected_purchases_new(30)


def test_bad_covariates_are_refused_by_name():
    table = two_groups(NBD).iloc[:100]
    with pytest.raises(SchemaError, match="no column 'region'"):
        NBD(purchase_covariates=("region",)).fit(table)
    with pytest.raises(SchemaError, match="give a DataFrame"):
        NBD(purchase_covariates=("online",)).fit(table.to_numpy())
    with pytest.raises(BadRowsError, match="'online'"):
        NBD(purchase_covariates=("online",)).fit(table.assign(online=np.nan))
    with pytest.raises(OptionError, match="'online' has the same value for every buyer"):
        NBD(purchase_covariates=("online",)).fit(table.assign(online=1))
    with pytest.raises(OptionError, match=r"a list of column names; write \['online'\]"):
        NBD(purchase_covariates="online").fit(table)


@pytest.mark.parametrize("model", [BGNBD, ParetoNBD])
def test_covariates_that_say_the_same_are_named_as_such(model):
    table = two_groups(model).assign(offline=lambda t: 1 - t["online"])
    fitted = model(purchase_covariates=["online", "offline"]).fit(table)
    assert fitted.boundary_ == "covariates that cannot be told apart, or parameters without bound"
    assert fitted.coefficient_table_["standard_error"].isna().all()
    assert np.isfinite(fitted.predict_no_purchase(table, 30)).all()


@pytest.mark.parametrize("model", [BGNBD, MBGNBD, ParetoNBD])
def test_planted_effects_on_buying_and_leaving_are_found_apart(model):
    """Group 1 buys half as fast again, and leaves sooner; the link of each model says how much sooner."""
    truth = TRUTH[model]
    faster = {"alpha": truth["alpha"] / 1.5}
    sooner = {"beta": truth["beta"] / 2} if model is ParetoNBD else {"a": truth["a"] * 2}
    zero = model.from_parameters(**truth).simulate(8000, 160, 40, random_state=1)
    one = model.from_parameters(**truth | faster | sooner).simulate(8000, 160, 40, random_state=2)
    table = pd.concat([zero.assign(online=0), one.assign(online=1)], ignore_index=True)
    fitted = model(purchase_covariates=["online"], dropout_covariates=["online"]).fit(table)
    found = fitted.coefficient_table_.set_index("parameter")
    for parameter, effect in {"alpha": 1.5, "beta" if model is ParetoNBD else "a": 2.0}.items():
        row = found.loc[parameter]
        assert row["coefficient"] == pytest.approx(np.log(effect), abs=4 * row["standard_error"])
        assert row["standard_error"] < 0.35
