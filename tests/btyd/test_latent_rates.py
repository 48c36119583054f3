"""The closed forms beside sums over the buyers' unseen rates themselves, which share no algebra with them.

For one buyer the rate of buying (and the chance or the rate of leaving) is summed out on a fine grid: the likelihood of
the history and of what comes next, given the rates, is a few lines from the story of the model.
"""

import math

import numpy as np
import pytest
from scipy.special import gammainc, gammaln
from scipy.stats import poisson

from clientcare.btyd import BGNBD, MBGNBD, NBD, ParetoNBD

HORIZON_SHARES = (0.1, 1.0, 4.0)


def grid(low, high, panels):
    """Gauss-Legendre nodes and weights of many short panels."""
    edges = np.linspace(low, high, panels + 1)
    node, weight = np.polynomial.legendre.leggauss(20)
    half = np.diff(edges) / 2
    middle = (edges[1:] + edges[:-1]) / 2
    return (middle[:, None] + half[:, None] * node).ravel(), (half[:, None] * weight).ravel()


def gamma_grid(shape, least_rate, most_rate):
    """Logs of rates, and the log of what each node weighs in a sum over them, wide enough for any history."""
    low = math.log(shape / most_rate) - 10 / math.sqrt(shape) - 25 / min(shape, 25)
    high = math.log(shape / least_rate) + 10 / math.sqrt(shape) + math.log1p(40 / shape)
    logs, weights = grid(low, high, max(8, math.ceil((high - low) / min(3.0, 5 / math.sqrt(shape)))))
    return logs, np.log(weights)


def expected_answers(alive, left, none, mean, exactly_two, active):
    total = alive.sum() + left.sum()
    return {
        "p_alive": alive.sum() / total,
        "predict_no_purchase": (left.sum() + (alive * none).sum()) / total,
        "expected_purchases": (alive * mean).sum() / total,
        "prob_n_purchases": (alive * exactly_two).sum() / total,
        "prob_active_in_parts": (alive * active).sum() / total,
        "log_likelihood": np.log(total),
    }


def in_two_of_three(silent, there, bought):
    """Buying in two of three parts: after the first part with a purchase, and any silent ones, comes the second."""
    return (there - silent) * bought + 2 * (there - silent) * silent * bought


def by_sums_nbd(p, x, t_x, age, horizon):
    logs, weight = gamma_grid(p["r"] + x, p["alpha"] + t_x, p["alpha"] + age + horizon)
    rate = np.exp(logs)
    prior = p["r"] * np.log(p["alpha"]) - gammaln(p["r"]) + p["r"] * logs - p["alpha"] * rate
    alive = np.exp(weight + prior + x * logs - rate * age)
    silent = np.exp(-rate * horizon / 3)
    return expected_answers(
        alive,
        np.zeros(1),
        np.exp(-rate * horizon),
        rate * horizon,
        poisson.pmf(2, rate * horizon),
        in_two_of_three(silent, 1.0, 1 - silent),
    )


def by_sums_geometric(p, x, t_x, age, horizon, at_once):
    logs, weight = gamma_grid(p["r"] + x, p["alpha"] + t_x, p["alpha"] + age + horizon)
    rate = np.exp(logs)[:, None]
    prior = p["r"] * np.log(p["alpha"]) - gammaln(p["r"]) + p["r"] * logs - p["alpha"] * rate[:, 0]
    low = -25 / min(1, p["a"]) - 3 - math.log1p(p["b"] + x)
    high = 25 / min(1, p["b"]) + 3 + math.log1p(p["a"])
    odds, odds_weight = grid(low, high, max(20, math.ceil(high - low)))
    leave, log_stay, log_leave = 1 / (1 + np.exp(-odds)), -np.logaddexp(0, odds), -np.logaddexp(0, -odds)
    beta = gammaln(p["a"] + p["b"]) - gammaln(p["a"]) - gammaln(p["b"])
    mixed = beta + p["a"] * log_leave + p["b"] * log_stay + np.log(odds_weight)
    common = (weight + prior + x * logs)[:, None] + mixed
    chances = x + at_once
    alive = np.exp(common - rate * age + chances * log_stay)
    left = np.exp(common - rate * t_x + (chances - 1) * log_stay + log_leave) if chances else np.zeros(1)
    stays = np.exp(log_stay)
    two = poisson.pmf(2, rate * horizon) * stays**2 + poisson.sf(1, rate * horizon) * stays * leave
    silent = np.exp(-rate * horizon / 3)
    return expected_answers(
        alive,
        left,
        np.exp(-rate * horizon),
        -np.expm1(-rate * leave * horizon) / leave,
        two,
        in_two_of_three(silent, np.exp(-rate * leave * horizon / 3), 1 - silent),
    )


def by_sums_pareto(p, x, t_x, age, horizon):
    logs, weight = gamma_grid(p["r"] + x, p["alpha"] + t_x, p["alpha"] + age + horizon)
    leave_logs, leave_weight = gamma_grid(p["s"], p["beta"], p["beta"] + age + horizon)
    rate, leave = np.exp(logs)[:, None], np.exp(leave_logs)
    prior = p["r"] * np.log(p["alpha"]) - gammaln(p["r"]) + p["r"] * logs - p["alpha"] * rate[:, 0]
    leaving = p["s"] * np.log(p["beta"]) - gammaln(p["s"]) + p["s"] * leave_logs - p["beta"] * leave
    common = (weight + prior + x * logs)[:, None] + leaving + leave_weight
    both = rate + leave
    alive = np.exp(common - both * age)
    left = np.exp(common - both * t_x) * leave / both * -np.expm1(-both * (age - t_x))
    two = np.exp(-leave * horizon) * poisson.pmf(2, rate * horizon)
    two = two + leave / both * (rate / both) ** 2 * gammainc(3, both * horizon)
    silent, there = np.exp(-both * horizon / 3), np.exp(-leave * horizon / 3)
    return expected_answers(
        alive,
        left,
        np.exp(-both * horizon) + leave / both * -np.expm1(-both * horizon),
        rate * -np.expm1(-leave * horizon) / leave,
        two,
        in_two_of_three(silent, there, rate / both * -np.expm1(-both * horizon / 3)),
    )


BY_SUMS = {
    NBD: by_sums_nbd,
    BGNBD: lambda *given: by_sums_geometric(*given, at_once=0),
    MBGNBD: lambda *given: by_sums_geometric(*given, at_once=1),
    ParetoNBD: by_sums_pareto,
}


def drawn_case(rng, model):
    """Parameters and a history over several orders of magnitude."""
    ranges = {"r": (0.1, 20), "alpha": (0.1, 500), "a": (0.1, 20), "b": (0.1, 20), "s": (0.1, 20)}
    ranges["beta"] = ranges["alpha"]
    parameters = {name: float(np.exp(rng.uniform(*np.log(ranges[name])))) for name in model._names}
    x, age = int(rng.choice([0, 1, 2, 8, 60])), float(np.exp(rng.uniform(*np.log((0.5, 5000)))))
    return parameters, x, 0.0 if x == 0 else age * float(rng.uniform(0.05, 1)), age


@pytest.mark.parametrize("model", list(BY_SUMS), ids=lambda model: model.__name__)
@pytest.mark.parametrize("share", HORIZON_SHARES)
def test_every_forecast_is_the_mean_over_the_unseen_rates(model, share):
    rng = np.random.default_rng(7)
    for _ in range(6):
        parameters, x, t_x, age = drawn_case(rng, model)
        horizon = share * age
        expected = BY_SUMS[model](parameters, x, t_x, age, horizon)
        given = model.from_parameters(**parameters)
        row = [[x, t_x, age]]
        found = {
            "p_alive": given.p_alive(row),
            "predict_no_purchase": given.predict_no_purchase(row, horizon),
            "expected_purchases": given.expected_purchases(row, horizon),
            "prob_n_purchases": given.prob_n_purchases(row, horizon, 2),
            "prob_active_in_parts": given.prob_active_in_parts(row, horizon, 3, 2),
            "log_likelihood": given.score_samples(row),
        }
        for forecast, value in found.items():
            case = (forecast, parameters, row, horizon)
            assert value[0] == pytest.approx(expected[forecast], rel=1e-6, abs=1e-9), case
        soon = given.next_purchase_quantile(row, 0.05)[0]
        if np.isfinite(soon):
            silence = BY_SUMS[model](parameters, x, t_x, age, soon)["predict_no_purchase"]
            assert silence == pytest.approx(0.95, abs=1e-6)
