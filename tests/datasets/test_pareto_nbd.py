"""The pure Pareto/NBD base, against the closed form of its authors."""

import numpy as np
import pytest
from scipy.special import gammaln, hyp2f1

from clientcare.datasets import simulate_pareto_nbd
from clientcare.outcomes import ChurnDefinition

R, ALPHA, S, BETA = 0.55, 74.0, 0.6, 82.0


def log_likelihood(x, t_x, t):
    """Schmittlein, Morrison and Colombo (1987), in the form with Gauss's function, for alpha < beta."""
    total = R + S + x

    def a(at):
        return hyp2f1(total, R + x, total + 1, (BETA - ALPHA) / (BETA + at)) / (BETA + at) ** total

    constant = gammaln(R + x) + R * np.log(ALPHA) + S * np.log(BETA) - gammaln(R)
    alive = (ALPHA + t) ** -(R + x) * (BETA + t) ** -S
    return constant + np.log(alive + S / total * (a(t_x) - a(t)))


def test_the_true_risk_is_the_published_likelihood_called_twice():
    base = simulate_pareto_nbd(400, r=R, alpha=ALPHA, s=S, beta=BETA, random_state=8)
    as_of, horizon = 365.0, 90
    risk = base.process.churn_risk(as_of, horizon, "history")
    world = base.process.world
    bought = world.purchases.before(as_of)
    x = bought.count(400) - 1
    t_x, t = bought.last_day(400) - world.acquired, as_of - world.acquired
    expected = np.exp(log_likelihood(x, t_x, t + horizon) - log_likelihood(x, t_x, t))
    few = x <= 25  # beyond, hypergeometric differences lose their digits
    assert few.mean() > 0.9
    assert risk[few] == pytest.approx(expected[few], abs=1e-6)


def test_the_true_risk_is_finite_after_thousands_of_purchases():
    base = simulate_pareto_nbd(5, r=400.0, alpha=50.0, s=1.0, beta=5000.0, random_state=1)
    assert base.transactions.groupby("buyer_id").size().max() > 1500
    risk = base.true_churn_risk("2023-03-01")
    assert risk.between(0, 1).all() and np.isfinite(risk).all()


def test_what_was_seen_agrees_with_the_truth():
    base = simulate_pareto_nbd(4000, random_state=2)
    churned = ChurnDefinition("90D").label(base.histories, "2023-01-01")
    assert abs(churned.mean() - base.true_churn_risk("2023-01-01").mean()) < 0.02


def test_it_holds_transactions_alone_and_all_first_purchases_in_the_first_days():
    base = simulate_pareto_nbd(200, acquisition_days=30, random_state=1)
    assert base.interactions is None and base.contracts is None and base.buyers is None
    assert (base.truth["acquired_at"] - base.observed_from).dt.days.max() < 30
    assert (base.transactions["amount"] > 0).all()
