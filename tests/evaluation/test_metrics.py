"""The measures agree with their definitions, with scikit-learn, and with the truth where it is known."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from clientcare.evaluation import (
    auc,
    average_precision,
    bias,
    brier,
    calibration_error,
    calibration_error_by_chance,
    lift,
    log_loss,
    lost_value_caught,
    measure,
    resample_buyers,
)
from clientcare.exceptions import InputError


@pytest.fixture
def scored():
    rng = np.random.default_rng(7)
    probability = np.round(rng.beta(1, 2, 800), 2)  # rounded: many ties
    return (rng.random(800) < probability).astype(float), probability


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (auc, sklearn_metrics.roc_auc_score),
        (average_precision, sklearn_metrics.average_precision_score),
        (brier, sklearn_metrics.brier_score_loss),
    ],
)
def test_a_measure_agrees_with_scikit_learn_ties_included(scored, ours, theirs):
    assert ours(*scored) == pytest.approx(theirs(*scored), abs=1e-12)


def test_log_loss_agrees_with_scikit_learn(scored):
    y, p = scored
    inside = np.clip(p, 1e-5, 1 - 1e-5)
    assert log_loss(y, p) == pytest.approx(sklearn_metrics.log_loss(y, inside), abs=1e-12)


@pytest.mark.parametrize("ours", [auc, average_precision, brier, log_loss, bias, calibration_error, lift])
def test_counting_a_buyer_twice_is_the_same_as_having_two_such_buyers(scored, ours):
    y, p = scored
    y, p = y[:60], p[:60] + np.arange(60) * 1e-6
    counts = np.random.default_rng(1).integers(1, 4, 60)
    assert ours(y, p, counts) == pytest.approx(ours(np.repeat(y, counts), np.repeat(p, counts)), abs=1e-9)


@pytest.mark.parametrize("ours", [auc, average_precision, brier, log_loss, bias, calibration_error, lift])
def test_the_order_of_the_buyers_does_not_matter_ties_included(scored, ours):
    y, p = scored
    p = np.round(p, 1)
    shuffled = np.random.default_rng(2).permutation(len(y))
    assert ours(y[shuffled], p[shuffled]) == pytest.approx(ours(y, p), abs=1e-12)


def test_the_share_that_left_given_to_everybody_is_calibrated():
    outcome = np.repeat([1, 0, 1, 0], [20, 30, 10, 40])
    assert calibration_error(outcome, np.full(100, 0.3)) == pytest.approx(0.0, abs=1e-12)


def test_what_are_no_numbers_are_refused_without_being_shown():
    with pytest.raises(InputError, match="outcome: not numbers") as refused:
        auc(["ann@example.org", "b"], [0.1, 0.2])
    assert "ann" not in str(refused.value)


@pytest.mark.parametrize("ours", [brier, log_loss])
def test_the_true_risk_scores_better_than_a_bent_copy_of_it(ours):
    rng = np.random.default_rng(3)
    truth = rng.beta(2, 2, 20_000)
    y = (rng.random(20_000) < truth).astype(float)
    assert ours(y, truth) < ours(y, truth**2)
    assert ours(y, truth) < ours(y, np.clip(truth + 0.05, 0, 1))


def test_a_calibrated_risk_has_the_calibration_error_of_chance():
    rng = np.random.default_rng(4)
    truth = rng.beta(1, 3, 3_000)
    found = np.mean([calibration_error(rng.random(3_000) < truth, truth) for _ in range(20)])
    assert found == pytest.approx(calibration_error_by_chance(truth), rel=0.15)


def test_lift_is_the_rate_at_the_top_over_the_rate_of_all():
    y = np.array([1, 1, 0, 0, 1, 0, 0, 0, 0, 0.0])
    assert lift(y, np.linspace(1, 0.1, 10), share=0.2) == pytest.approx(1.0 / 0.3)


def test_lost_value_counts_the_value_of_those_who_left_alone():
    caught = lost_value_caught([1, 0, 1, 0], [0.9, 0.8, 0.3, 0.1], [10.0, 100.0, 30.0, np.nan], share=0.25)
    assert caught == pytest.approx(0.0)  # the one at the top by risk x value stayed


def test_nobody_left_means_no_lift_and_no_lost_value():
    assert np.isnan(lift([0, 0], [0.1, 0.2]))
    assert np.isnan(lost_value_caught([0, 0], [0.1, 0.2], [1.0, 1.0]))
    assert np.isnan(auc([0, 0], [0.1, 0.2]))


def test_intervals_hold_the_measure_and_grow_with_confidence(scored):
    draws = resample_buyers(800, 100)
    narrow = measure(*scored, draws=draws, confidence=0.5)
    wide = measure(*scored, draws=draws, confidence=0.95)
    assert wide["log_loss_low"] < narrow["log_loss_low"] < narrow["log_loss_high"] < wide["log_loss_high"]
    assert wide["log_loss_low"] < wide["log_loss"] < wide["log_loss_high"]


def test_every_resample_draws_as_many_buyers_as_there_are():
    assert (resample_buyers(30, 5).sum(axis=1) == 30).all()


@pytest.mark.parametrize(
    ("outcome", "probability", "says"),
    [
        ([0, 1], [0.5], "differ in length"),
        ([], [], "empty"),
        ([0, 2], [0.5, 0.5], "1 of 2 values are neither 0 nor 1"),
        ([0, 1], [0.5, np.nan], "1 of 2 values are NaN or outside"),
        ([[0, 1]], [[0.5, 0.5]], "one value a buyer"),
    ],
)
def test_a_measure_of_nonsense_is_refused(outcome, probability, says):
    with pytest.raises(InputError, match=says):
        log_loss(outcome, probability)
