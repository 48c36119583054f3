"""The parameters that drew the buyers are found again, and the intervals hold them as often as they say."""

import os

import numpy as np
import pytest

from clientcare.btyd import (
    BGBB,
    BGNBD,
    MBGCNBD,
    MBGNBD,
    NBD,
    BetaDiscreteWeibull,
    GammaGamma,
    ParetoNBD,
    ShiftedBetaGeometric,
)
from clientcare.btyd.fitting import sketch
from clientcare.btyd.objective import TableLikelihood

FULL = os.environ.get("CLIENTCARE_TESTS") == "full"
N_BASES = 100 if FULL else 12
BUYING = {
    "NBD": (NBD, {"r": 0.6, "alpha": 10.0}),
    "BGNBD": (BGNBD, {"r": 0.6, "alpha": 10.0, "a": 0.8, "b": 2.5}),
    "MBGNBD": (MBGNBD, {"r": 0.9, "alpha": 8.0, "a": 0.8, "b": 1.6}),
    "ParetoNBD": (ParetoNBD, {"r": 0.6, "alpha": 10.0, "s": 0.7, "beta": 12.0}),
    "MBGCNBD": (MBGCNBD, {"r": 0.9, "alpha": 5.0, "a": 0.8, "b": 1.6, "k": 2}),
}


def bases(name):
    model, truth = BUYING[name]
    options = {"k": truth["k"]} if "k" in truth else {}
    drawing = model.from_parameters(**truth)
    for seed in range(N_BASES):
        yield model(**options), drawing.simulate(2000, 78, 13, random_state=seed), truth


def others(name):
    for seed in range(N_BASES):
        if name == "GammaGamma":
            truth = {"p": 6.0, "q": 4.0, "v": 15.0}
            x = np.random.default_rng(seed).integers(1, 8, 800)
            yield GammaGamma(), GammaGamma.from_parameters(**truth).simulate(x, seed), truth
        elif name == "BGBB":
            truth = {"alpha": 1.2, "beta": 0.75, "gamma": 0.66, "delta": 2.8}
            yield BGBB(), BGBB.from_parameters(**truth).simulate(3000, 8, seed), truth
        elif name == "ShiftedBetaGeometric":
            truth = {"alpha": 0.7, "beta": 1.2}
            yield (
                ShiftedBetaGeometric(),
                ShiftedBetaGeometric.from_parameters(**truth).simulate(2000, 8, seed),
                truth,
            )
        else:
            truth = {"gamma": 0.5, "delta": 0.9, "c": 1.3}
            yield (
                BetaDiscreteWeibull(),
                BetaDiscreteWeibull.from_parameters(**truth).simulate(4000, 12, seed),
                truth,
            )


def coverage(drawn):
    """Share of parameters inside their 95 % intervals, and the mean log distance from the truth."""
    inside, distance = [], []
    for model, table, truth in drawn:
        found = model.fit(table).parameter_table(0.95)
        true = np.array([truth[name] for name in found.index])
        inside.append((found["low"] <= true) & (true <= found["high"]))
        distance.append(np.log(found["value"] / true))
    return float(np.mean(inside)), np.median(distance, axis=0)


@pytest.mark.slow
@pytest.mark.parametrize("name", BUYING)
def test_intervals_of_buying_models_hold_the_truth(name):
    share, distance = coverage(bases(name))
    # of 100 bases with 2 to 5 parameters each, 92 to 98 % is what chance leaves of 95 %; of 12 much less is
    assert (0.92 <= share <= 0.98) if FULL else (share >= 0.8), share
    assert np.abs(distance).max() < (0.1 if FULL else 0.4)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["GammaGamma", "BGBB", "ShiftedBetaGeometric", "BetaDiscreteWeibull"])
def test_intervals_of_spend_and_contract_models_hold_the_truth(name):
    share, distance = coverage(others(name))
    assert (0.92 <= share <= 0.98) if FULL else (share >= 0.8), share
    assert np.abs(distance).max() < (0.1 if FULL else 0.4)


def test_a_large_base_gives_the_parameters_back():
    truth = BUYING["ParetoNBD"][1]
    found = ParetoNBD().fit(ParetoNBD.from_parameters(**truth).simulate(20_000, 78, 13))
    for name, value in truth.items():
        assert found.parameters_[name] == pytest.approx(value, abs=4 * found.standard_errors_[name])


def test_the_true_number_of_phases_is_chosen():
    model, truth = BUYING["MBGCNBD"]
    assert model().fit(model.from_parameters(**truth).simulate(2000, 78, 13)).k_ == 2
    assert model().fit(MBGNBD.from_parameters(r=0.9, alpha=8, a=0.8, b=1.6).simulate(2000, 78, 13)).k_ == 1


@pytest.mark.parametrize("name", ["BGNBD", "MBGNBD", "ParetoNBD"])
def test_no_random_start_finds_a_higher_hill(name):
    """Sixty buyers leave several hills, and one of them runs off to the edge."""
    model, _ = BUYING[name]
    drawing = model.from_parameters(**dict(zip(model._names, (0.3, 10.0, 0.1, 0.8), strict=True)))
    rng = np.random.default_rng(0)
    for seed in range(4):
        table = drawing.simulate(60, 60, 20, random_state=seed)
        fitted = model().fit(table)
        rows = model()._read(table, "test").scaled(50.0)
        objective = TableLikelihood(model(), rows)
        highest = max(-objective(sketch(objective, [rng.normal(0, 1.5, 4)]))[0] for _ in range(6))
        shift = float(rows.x.sum()) * np.log(50.0)
        assert fitted.log_likelihood_ > highest * 60 - shift - 1e-3
