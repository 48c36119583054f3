"""The forecasts agree with each other, with the likelihood, and with buyers drawn from the model."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from clientcare.btyd import BGCNBD, BGNBD, MBGCNBD, MBGNBD, NBD, ParetoNBD
from clientcare.btyd.objective import TableLikelihood
from clientcare.exceptions import OptionError

MODELS = [
    NBD.from_parameters(r=0.6, alpha=10),
    BGNBD.from_parameters(r=0.6, alpha=8, a=0.8, b=2.5),
    MBGNBD.from_parameters(r=0.9, alpha=8, a=0.6, b=1.5),
    ParetoNBD.from_parameters(r=0.6, alpha=10, s=0.7, beta=12),
    ParetoNBD.from_parameters(r=0.6, alpha=10, s=0.7, beta=3),
    BGCNBD.from_parameters(r=0.6, alpha=5, a=0.8, b=2.5, k=2),
    MBGCNBD.from_parameters(r=0.9, alpha=4, a=0.6, b=1.5, k=3),
]
ROWS = np.array([[0, 0, 30], [3, 20, 30], [40, 29.5, 30], [1, 1, 30], [2, 30, 30], [0, 0, 0]])
each_model = pytest.mark.parametrize("model", MODELS, ids=lambda m: type(m).__name__)


@each_model
def test_no_purchase_is_itself_a_longer_history(model):
    longer = ROWS + np.array([0, 0, 25])
    ratio = np.exp(model.score_samples(longer) - model.score_samples(ROWS))
    assert model.predict_no_purchase(ROWS, 25) == pytest.approx(ratio, rel=1e-9)


@each_model
def test_the_probabilities_of_n_purchases_add_up(model):
    chances = np.array([model.prob_n_purchases(ROWS, 25, n) for n in range(200)])
    assert chances.min() >= 0
    assert chances.sum(axis=0) == pytest.approx(np.ones(len(ROWS)), abs=2e-6)
    assert chances[0] == pytest.approx(model.predict_no_purchase(ROWS, 25), abs=1e-12)
    expected = (chances * np.arange(200)[:, None]).sum(axis=0)
    assert expected == pytest.approx(model.expected_purchases(ROWS, 25), rel=2e-4)


@each_model
def test_one_part_of_the_horizon_is_the_horizon(model):
    active = model.prob_active_in_parts(ROWS, 25, 1, 1)
    assert active == pytest.approx(1 - model.predict_no_purchase(ROWS, 25), abs=1e-6)


@each_model
def test_to_buy_in_every_part_is_rarer_than_in_some(model):
    chances = [model.prob_active_in_parts(ROWS, 60, 6, n) for n in range(1, 7)]
    assert (np.diff(chances, axis=0) <= 1e-12).all()
    assert chances[0] == pytest.approx(1 - model.predict_no_purchase(ROWS, 60), abs=2e-6)


@each_model
def test_the_next_purchase_comes_by_its_quantile(model):
    soon = model.next_purchase_quantile(ROWS, 0.2)
    reached = np.isfinite(soon)
    assert reached[:3].any()
    none = model.predict_no_purchase(ROWS[reached], soon[reached])
    assert none == pytest.approx(np.full(reached.sum(), 0.8), abs=1e-9)
    for row in ROWS[~reached]:
        assert model.predict_no_purchase([row], 1e7)[0] > 0.8


@each_model
def test_discounted_purchases_lie_below_the_expected_and_meet_them_without_a_rate(model):
    expected = model.expected_purchases(ROWS, 100)
    assert model.discounted_purchases(ROWS, 0.0, 100) == pytest.approx(expected, rel=1e-9)
    discounted = model.discounted_purchases(ROWS, 0.5, 100)
    assert (discounted < expected).all()
    steps = np.linspace(0, 100, 4001)
    course = np.array([model.expected_purchases(ROWS, t) for t in steps[::40]])
    middle = (steps[::40][1:] + steps[::40][:-1]) / 2
    summed = (np.diff(course, axis=0) * np.exp(-np.log(1.5) * middle / 365.25)[:, None]).sum(axis=0)
    assert discounted == pytest.approx(summed, rel=1e-4)


def test_the_value_of_all_time_to_come_is_the_published_dert():
    """Fader, Hardie and Lee (2005): DERT by the confluent hypergeometric function."""
    from scipy.special import hyperu

    r, alpha, s, beta, rate = 0.553, 10.578, 0.606, 11.669, np.log(1.15) / (365.25 / 7)
    model = ParetoNBD.from_parameters(r=r, alpha=alpha, s=s, beta=beta)
    alive = model.p_alive(ROWS)
    x, age = ROWS[:, 0], ROWS[:, 2]
    known = (
        alive
        * (r + x)
        / (alpha + age)
        * (beta + age) ** s
        * rate ** (s - 1)
        * hyperu(s, s, rate * (beta + age))
    )
    assert model.discounted_purchases(ROWS, 0.15, unit_days=7) == pytest.approx(known, rel=1e-6)


@each_model
def test_drawn_buyers_buy_as_forecast(model):
    table = model.simulate(40_000, 60, 20, holdout_days=30, random_state=3)
    came = table["n_holdout_purchases"].to_numpy()
    expected = model.expected_purchases(table, 30)
    none = model.predict_no_purchase(table, 30)
    for group in (
        table["n_repeat_purchases"] == 0,
        table["n_repeat_purchases"].between(1, 3),
        table["n_repeat_purchases"] > 3,
    ):
        n = int(group.sum())
        error = came[group].std() / np.sqrt(n)
        assert came[group].mean() == pytest.approx(expected[group].mean(), abs=4 * error)
        assert (came[group] == 0).mean() == pytest.approx(none[group].mean(), abs=4 * np.sqrt(0.25 / n))


@each_model
def test_drawn_buyers_are_active_in_the_parts_foretold(model):
    drawn = model._draw(np.random.default_rng(5), np.full(40_000, 30.0))
    thirds = np.zeros((40_000, 3), dtype=bool)
    thirds[drawn.buyer, np.minimum((drawn.time / 10).astype(int), 2)] = True
    share = (thirds.sum(axis=1) >= 2).mean()
    assert model.prob_active_in_parts([[0, 0, 0]], 30, 3, 2)[0] == pytest.approx(
        share, abs=4 * np.sqrt(share / 40_000)
    )


@each_model
def test_the_gradient_of_the_likelihood_is_exact(model):
    table = model.simulate(300, 60, 20, random_state=1)
    rows = model._read(table, "test").scaled(40.0)
    objective = TableLikelihood(model, rows)
    theta = np.log(np.array(list(model.parameters_.values()))) - np.array(
        [np.log(40) if name in model._time_names else 0 for name in model._names]
    )
    step = 1e-5
    slopes = []
    for i in range(len(theta)):
        shift = np.eye(len(theta))[i] * step
        slopes.append((objective(theta + shift)[0] - objective(theta - shift)[0]) / (2 * step))
    assert objective(theta)[1] == pytest.approx(slopes, rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("model", MODELS[:3], ids=lambda m: type(m).__name__)
@pytest.mark.parametrize("penalty", [0.0, 0.7])
def test_the_curvature_of_the_likelihood_is_exact(model, penalty):
    given = clone(model).set_params(penalty=penalty)
    objective = TableLikelihood(given, model._read(model.simulate(300, 60, 20), "test").scaled(40.0))
    theta = np.linspace(-0.6, 0.5, len(model._names))
    step = 1e-5
    differences = [
        (objective(theta + shift)[1] - objective(theta - shift)[1]) / (2 * step)
        for shift in np.eye(len(theta)) * step
    ]
    assert objective.curvature(theta) == pytest.approx(np.array(differences), rel=1e-6, abs=1e-8)


def test_a_table_gives_series_with_its_index_and_an_array_gives_an_array():
    table = MODELS[1].simulate(50, 60).set_index(pd.Index([f"b{i}" for i in range(50)], name="buyer_id"))
    found = MODELS[1].predict_no_purchase(table, "30D")
    assert found.index.equals(table.index)
    assert found.name == "predict_no_purchase"
    assert isinstance(MODELS[1].predict_no_purchase(table.to_numpy(), 30), np.ndarray)


def test_many_buyers_are_forecast_like_few():
    table = (
        MODELS[3]
        .simulate(10_000, 60, 20)
        .round({"days_since_first_purchase": 0, "days_first_to_last_purchase": 0})
    )
    table["days_first_to_last_purchase"] = np.where(
        table["n_repeat_purchases"] > 0, table["days_first_to_last_purchase"].clip(1, None), 0
    )
    table["days_since_first_purchase"] = table[
        ["days_since_first_purchase", "days_first_to_last_purchase"]
    ].max(axis=1)
    whole = MODELS[3].expected_purchases(table, 30)
    assert np.allclose(whole.iloc[:50], MODELS[3].expected_purchases(table.iloc[:50], 30), rtol=1e-12)


@each_model
def test_new_buyers_are_forecast_for_one_horizon_or_many_in_numbers_or_words(model):
    one, many = model.expected_purchases_new("30D"), model.expected_purchases_new([10, 30, 90])
    assert one == pytest.approx(many[1:2], rel=1e-12)
    assert (np.diff(many) > 0).all()
    assert one == pytest.approx(model.expected_purchases(ROWS[-1:], 30), rel=1e-12)
    with pytest.raises(OptionError, match="expected_purchases_new: horizon"):
        model.expected_purchases_new(-1)


@pytest.mark.parametrize("parts", [(0, 1), (3, 0), (3, 4), (25, 2)])
def test_impossible_parts_are_refused(parts):
    with pytest.raises(OptionError, match="min_parts"):
        MODELS[1].prob_active_in_parts(ROWS, 30, *parts)


def test_intervals_hold_the_forecast_and_widen_with_fewer_buyers():
    truth = MODELS[1]
    many, few = truth.simulate(4000, 60, 20), truth.simulate(400, 60, 20)
    wide = BGNBD().fit(few).interval("predict_no_purchase", ROWS, 30, n_draws=100)
    model = BGNBD().fit(many)
    narrow = model.interval("predict_no_purchase", ROWS, 30, n_draws=100)
    assert (narrow["low"] <= model.predict_no_purchase(ROWS, 30)).all()
    assert (narrow["high"] >= model.predict_no_purchase(ROWS, 30)).all()
    assert ((wide["high"] - wide["low"]) > (narrow["high"] - narrow["low"])).iloc[:3].all()
    again = model.interval("predict_no_purchase", ROWS, 30, n_draws=100)
    pd.testing.assert_frame_equal(narrow, again)


def test_on_a_boundary_an_interval_is_unknown():
    table = NBD.from_parameters(r=2, alpha=20).simulate(300, 60)
    table["days_first_to_last_purchase"] = np.where(
        table["n_repeat_purchases"] > 0, table["days_since_first_purchase"], 0
    )
    assert BGNBD().fit(table).interval("expected_purchases", ROWS, 30).isna().all().all()


def test_a_log_drawn_from_a_model_goes_through_the_door():
    from clientcare.btyd import purchase_summary
    from clientcare.history import Histories

    log = MODELS[3].simulate_log(300, 200, 50, start="2023-01-01")
    summary = purchase_summary(Histories(log), "2023-07-20")
    assert len(summary) == 300
    assert ParetoNBD().fit(summary).log_likelihood_ < 0
