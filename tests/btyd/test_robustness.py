"""What breaks other packages: each line has an answer that is right, or a clear error."""

import numpy as np
import pandas as pd
import pytest

from clientcare.btyd import (
    BGNBD,
    MBGCNBD,
    MBGNBD,
    NBD,
    GammaGamma,
    ParetoNBD,
    ShiftedBetaGeometric,
    purchase_summary,
)
from clientcare.exceptions import BadRowsError, NotEnoughDataError, OptionError, SchemaError
from clientcare.history import Histories

MODELS = [NBD, BGNBD, MBGNBD, ParetoNBD]
COLUMNS = ["n_repeat_purchases", "days_first_to_last_purchase", "days_since_first_purchase"]
FORECASTS = [
    ("predict_no_purchase", (39,)),
    ("expected_purchases", (39,)),
    ("prob_n_purchases", (39, 2)),
    ("prob_active_in_parts", (39, 3, 2)),
    ("p_alive", ()),
    ("discounted_purchases", (0.15,)),
    ("score_samples", ()),
]


@pytest.fixture(scope="module")
def table():
    return ParetoNBD.from_parameters(r=0.6, alpha=10, s=0.6, beta=12).simulate(400, 80, 40).to_numpy()[:, :3]


def given(model):
    parameters = {"r": 0.553, "alpha": 10.578, "s": 0.606, "beta": 11.669, "a": 0.793, "b": 2.426}
    return model.from_parameters(**{name: parameters[name] for name in model._names})


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(("forecast", "options"), FORECASTS)
def test_heavy_buyers_and_long_histories_have_finite_answers(model, forecast, options):
    heavy = [[2000, 300, 1200], [5000, 9000, 10_000], [5000, 4999, 5000], [0, 0, 10_000], [1, 1, 10_000]]
    assert np.isfinite(getattr(given(model), forecast)(heavy, *options)).all()


@pytest.mark.parametrize("model", [*MODELS, MBGCNBD])
def test_heavy_buyers_among_the_fitted_do_no_harm(model, table):
    if model is MBGCNBD:
        table = np.column_stack([table, table[:, 2], table[:, 0] * np.log(np.maximum(table[:, 1], 1) / 3)])
        table = np.vstack(
            [table, [2000, 300, 1200, 0, -3793], [5000, 9000, 10_000, 0, 2938], [0, 0, 10_000, 0, 0]]
        )
    else:
        table = np.vstack([table, [2000, 300, 1200], [5000, 9000, 10_000], [0, 0, 10_000]])
    fitted = model(**({"k": 2} if model is MBGCNBD else {})).fit(table)
    assert np.isfinite(fitted.expected_purchases(table, 39)).all()
    assert np.isfinite(fitted.log_likelihood_)


@pytest.mark.parametrize("model", MODELS)
def test_where_nobody_bought_again_the_rate_is_zero_and_named(model, table):
    once = np.column_stack([np.zeros(len(table)), np.zeros(len(table)), table[:, 2]])
    fitted = model().fit(once)
    assert fitted.boundary_ == "no repeat purchase: purchase rate zero"
    assert fitted.expected_purchases(once, 39) == pytest.approx(0, abs=1e-12)
    assert (fitted.predict_no_purchase(once, 39) == 1).all()


@pytest.mark.parametrize("model", MODELS)
def test_a_penalty_keeps_the_rate_above_zero_where_nobody_bought_again(model, table):
    once = np.column_stack([np.zeros(len(table)), np.zeros(len(table)), table[:, 2]])
    expected = model(penalty=1.0).fit(once).expected_purchases(once, 39)
    assert (expected > 0).all()
    assert expected.max() < 0.1


@pytest.mark.parametrize("model", MODELS)
def test_a_buyer_of_today_tells_nothing_and_is_forecast_like_any_new_buyer(model, table):
    with_new = np.vstack([table, np.zeros((50, 3))])
    fitted = model().fit(with_new)
    plain = model().fit(table)
    assert list(fitted.parameters_.values()) == pytest.approx(list(plain.parameters_.values()), rel=1e-5)
    new = fitted.expected_purchases([[0, 0, 0]], 39)
    assert new == pytest.approx(fitted.expected_purchases_new(39), rel=1e-12)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("one", [[[3, 20, 30]], [[0, 0, 30]]])
def test_one_buyer_is_not_enough(model, one):
    with pytest.raises(NotEnoughDataError, match="buyers"):
        model().fit(one)


@pytest.mark.parametrize("model", MODELS)
def test_no_buyer_is_not_enough(model):
    with pytest.raises(NotEnoughDataError, match="no rows"):
        model().fit(np.zeros((0, 3)))
    with pytest.raises(NotEnoughDataError, match="no rows"):
        model().fit(pd.DataFrame(columns=COLUMNS, dtype=float))


@pytest.mark.parametrize("model", MODELS)
def test_a_forecast_for_nobody_is_an_empty_answer(model):
    nobody = pd.DataFrame(columns=COLUMNS, dtype=float, index=pd.Index([], name="buyer_id"))
    found = given(model).predict_no_purchase(nobody, 30)
    assert len(found) == 0
    assert found.index.name == "buyer_id"


def test_only_buyers_of_today_are_not_enough():
    with pytest.raises(NotEnoughDataError, match="nothing was observed"):
        BGNBD().fit(np.zeros((50, 3)))


BAD = {
    "NaN purchases": ([np.nan, 0, 30], COLUMNS[0], "known and finite"),
    "NaN age": ([0, 0, np.nan], COLUMNS[2], "known and finite"),
    "infinite age": ([0, 0, np.inf], COLUMNS[2], "known and finite"),
    "negative recency": ([1, -1, 30], COLUMNS[1], "Negative"),
    "negative purchases": ([-1, 0, 30], COLUMNS[0], "Negative"),
    "recency above age": ([1, 31, 30], COLUMNS[1], "not above"),
    "recency without purchase": ([0, 3, 30], COLUMNS[1], "0 where"),
    "purchase without recency": ([2, 0, 30], COLUMNS[1], "above 0 where"),
    "half a purchase": ([1.5, 3, 30], COLUMNS[0], "a whole number"),
}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("case", BAD)
def test_impossible_rows_are_refused_by_name_and_row(model, case, table):
    row, column, rule = BAD[case]
    bad = np.vstack([table[:7], row])
    for ask in (lambda: model().fit(bad), lambda: given(model).expected_purchases(bad, 39)):
        with pytest.raises(BadRowsError, match="first row numbers: 7") as caught:
            ask()
        assert column in str(caught.value)
        assert rule in str(caught.value)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("horizon", [-1, np.nan, np.inf, [1, 2, 3], "soon"])
def test_an_impossible_horizon_is_refused(model, horizon):
    with pytest.raises(OptionError, match="horizon"):
        given(model).expected_purchases([[1, 2, 3], [1, 2, 3]], horizon)


@pytest.mark.parametrize("model", MODELS)
def test_a_horizon_of_nothing_brings_nothing(model):
    rows = [[3, 20, 30], [0, 0, 30]]
    assert given(model).expected_purchases(rows, 0) == pytest.approx([0, 0])
    assert given(model).predict_no_purchase(rows, 0) == pytest.approx([1, 1])


def test_a_row_given_twice_weighs_as_much_as_a_weight_of_two(table):
    twice = BGNBD().fit(np.vstack([table, table[:50]]))
    weighted = BGNBD().fit(table, sample_weight=np.where(np.arange(len(table)) < 50, 2, 1))
    assert twice.parameters_ == pytest.approx(weighted.parameters_, rel=1e-8)
    assert twice.log_likelihood_ == pytest.approx(weighted.log_likelihood_)


def test_the_order_of_the_columns_does_not_matter(table):
    frame = pd.DataFrame(table, columns=COLUMNS)
    mixed = frame[COLUMNS[::-1]].assign(other="text")
    assert BGNBD().fit(mixed).parameters_ == BGNBD().fit(table).parameters_


def test_a_polars_table_is_read_by_name_too(table):
    polars = pytest.importorskip("polars")
    mixed = polars.DataFrame({name: table[:, i] for i, name in reversed(list(enumerate(COLUMNS)))})
    assert BGNBD().fit(mixed).parameters_ == BGNBD().fit(table).parameters_


def test_the_order_of_the_rows_does_not_matter(table):
    shuffled = np.random.default_rng(0).permutation(table)
    assert ParetoNBD().fit(shuffled).parameters_ == ParetoNBD().fit(table).parameters_


def test_a_missing_column_is_named(table):
    frame = pd.DataFrame(table, columns=COLUMNS)
    with pytest.raises(SchemaError, match="no column 'days_since_first_purchase'"):
        BGNBD().fit(frame[COLUMNS[:2]])


def test_the_names_of_other_packages_are_answered_with_ours(table):
    theirs = pd.DataFrame(table, columns=["frequency", "recency", "T"]).assign(monetary_value=1.0)
    for model in (BGNBD, GammaGamma):
        with pytest.raises(SchemaError, match="'frequency': 'n_repeat_purchases'") as caught:
            model().fit(theirs)
        assert "'T': 'days_since_first_purchase'" in str(caught.value)


def test_histories_are_answered_with_the_table_to_give():
    log = pd.DataFrame({"buyer_id": [1], "timestamp": pd.to_datetime(["2024-01-01"])})
    with pytest.raises(SchemaError, match="purchase_summary"):
        BGNBD().fit(Histories(log))
    with pytest.raises(SchemaError, match="through the door"):
        purchase_summary(log, "2024-02-01")


def test_a_contract_table_without_its_columns_is_not_sent_to_the_purchase_table(table):
    with pytest.raises(SchemaError, match="no column 'n_renewals'") as caught:
        ShiftedBetaGeometric().fit(pd.DataFrame(table, columns=COLUMNS))
    assert "purchase_summary" not in str(caught.value)


def test_regular_models_ask_for_the_gaps_by_name(table):
    with pytest.raises(SchemaError, match="sum_log_gap_days"):
        MBGCNBD().fit(table)


@pytest.mark.parametrize("penalty", [-1, np.nan, "much", None])
def test_an_impossible_penalty_is_refused(penalty, table):
    with pytest.raises(OptionError, match="penalty"):
        BGNBD(penalty=penalty).fit(table)


def test_buyers_who_are_all_alike_lie_on_a_named_boundary():
    fitted = NBD().fit(np.tile([[3, 20.0, 30.0]], (50, 1)))
    assert fitted.boundary_ == "no spread of purchase rates: r and alpha without bound"
    assert fitted.expected_purchases([[3, 20, 30]], 30)[0] == pytest.approx(3, rel=1e-4)


@pytest.mark.parametrize("model", [BGNBD, MBGNBD, ParetoNBD])
def test_buyers_who_never_leave_give_the_plain_nbd_by_name(model):
    stay = NBD.from_parameters(r=2, alpha=20).simulate(500, 100)
    stay["days_first_to_last_purchase"] = np.where(
        stay["n_repeat_purchases"] > 0, stay["days_since_first_purchase"], 0
    )
    fitted = model().fit(stay)
    assert fitted.boundary_ == "no drop-out: plain NBD"
    same = NBD().fit(stay).predict_no_purchase(stay, 30)
    assert np.allclose(fitted.predict_no_purchase(stay, 30), same, rtol=1e-9)
    assert (fitted.p_alive(stay) == 1).all()


def amounts(rows):
    return pd.DataFrame(rows, columns=["n_repeat_purchases", "mean_purchase_amount"], dtype=float)


GOOD = [[1, 10], [2, 20], [3, 15], [4, 30], [2, 12]]


@pytest.mark.parametrize("bad", [[1, 0], [1, -5], [1, np.inf]])
def test_the_gamma_gamma_refuses_amounts_that_are_no_purchase(bad):
    with pytest.raises(BadRowsError, match="mean_purchase_amount"):
        GammaGamma().fit(amounts([*GOOD, bad]))


def test_the_gamma_gamma_leaves_out_buyers_whose_amounts_are_unknown():
    plain = GammaGamma(penalty=0.1).fit(amounts(GOOD))
    more = GammaGamma(penalty=0.1).fit(amounts([*GOOD, [0, np.nan], [0, 9], [3, np.nan]]))
    assert more.parameters_ == plain.parameters_
    assert more.n_buyers_ == 5


def test_the_gamma_gamma_needs_three_buyers():
    with pytest.raises(NotEnoughDataError, match="2 of n_samples = 3"):
        GammaGamma().fit(amounts([[1, 10], [2, 20], [0, np.nan]]))


@pytest.mark.parametrize("rate", [1e-8, 1e4])
@pytest.mark.parametrize("scale", [1e-6, 1e8])
@pytest.mark.parametrize("model", [*MODELS, MBGCNBD])
def test_parameters_at_the_ends_of_the_earth_have_sound_answers(model, rate, scale):
    ends = {"r": rate, "alpha": scale, "a": rate, "b": 2.0, "s": rate, "beta": 1 / scale}
    options = {"k": 3} if model is MBGCNBD else {}
    given = model.from_parameters(**{name: ends[name] for name in model._names}, **options)
    rows = [[0, 0, 0], [0, 0, 1e6], [1, 1e-6, 1e6], [5000, 10, 1e6], [5000, 1e6, 1e6], [2, 0.001, 0.002]]
    rows = np.column_stack([rows, np.ones(6), np.zeros(6)])
    for forecast, asked in FORECASTS:
        answer = getattr(given, forecast)(rows, *asked)
        assert np.isfinite(answer).all(), forecast
        if forecast != "score_samples":
            assert (answer >= 0).all(), forecast
        if forecast.startswith(("pr", "p_")):
            assert (answer <= 1 + 1e-9).all(), forecast
