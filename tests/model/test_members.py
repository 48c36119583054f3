"""The members: plain scikit-learn classifiers that split their log-odds exactly and come back from their state."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import parametrize_with_checks
from threadpoolctl import threadpool_limits

from clientcare.model import (
    BaseRate,
    LifetimeMember,
    OverdueRule,
    RecencyRule,
    RhythmMember,
    RidgeLogistic,
    ShallowBoosting,
)
from clientcare.model.members import logistic
from clientcare.model.members import trees as trees_module
from clientcare.model.members.base import log_odds_of, share_of
from clientcare.model.members.bins import codes_of, thresholds_of
from clientcare.model.members.design import Design
from clientcare.model.members.forest import Forest
from clientcare.model.members.logistic import fit_ridge_logistic
from clientcare.model.training.blend import Blend, yielding_weights

MEMBERS = [
    RecencyRule(),
    OverdueRule(),
    RidgeLogistic(curved=("spent",)),
    ShallowBoosting(n_trees=30),
    BaseRate(),
]


@parametrize_with_checks(
    [
        RecencyRule(),
        OverdueRule(),
        BaseRate(),
        LifetimeMember(),
        RhythmMember(),
        RidgeLogistic(),
        ShallowBoosting(n_trees=20),
    ]
)
def test_a_member_keeps_the_scikit_learn_contract(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "days_since_last_purchase": rng.lognormal(4, 1, 900).round(),
            "overdue_ratio": np.where(rng.random(900) < 0.4, np.nan, rng.lognormal(0, 1, 900)),
            "spent": rng.lognormal(3, 2, 900),
            "never_known": np.nan,
            "always_one": 1.0,
        }
    )
    risk = share_of(
        np.log(X["days_since_last_purchase"]).to_numpy() - 4 + np.nan_to_num(X["overdue_ratio"]) / 2
    )
    return X, (rng.random(900) < risk).astype(int)


@pytest.mark.parametrize("member", MEMBERS, ids=lambda member: type(member).__name__)
def test_contributions_add_up_to_the_log_odds(table, member):
    X, y = table
    member.fit(X, y)
    groups = np.array([0, 0, 1, 2, 2])
    split = member._split(X.to_numpy(), groups, 3)
    np.testing.assert_array_equal(split.log_odds, member.decision_function(X))
    np.testing.assert_allclose(split.start + split.parts.sum(axis=1), split.log_odds, atol=1e-12)


@pytest.mark.parametrize("member", MEMBERS, ids=lambda member: type(member).__name__)
def test_a_member_comes_back_from_its_state_to_the_bit(table, member):
    X, y = table
    member.fit(X, y)
    again = type(member).from_state(member.get_state())
    assert (again.decision_function(X) == member.decision_function(X)).all()


@pytest.mark.parametrize("member", MEMBERS, ids=lambda member: type(member).__name__)
def test_a_row_is_judged_by_itself_whoever_stands_beside_it(table, member):
    X, y = table
    member.fit(X, y)
    whole = member.decision_function(X)
    for part in (slice(0, 1), slice(3, 130), slice(500, 900)):
        assert (member.decision_function(X.iloc[part]) == whole[part]).all()


def full_of_gaps(n_rows, seed):
    """Columns of few values and of many, with and without unknown ones; as many of one class as of the other."""
    rng = np.random.default_rng(seed)
    X = np.column_stack(
        [
            rng.integers(0, 9, n_rows),
            rng.integers(0, 60, n_rows) / 7,
            np.where(rng.random(n_rows) < 0.3, np.nan, rng.integers(0, 30, n_rows)),
            np.where(rng.random(n_rows) < 0.5, np.nan, 1.0),
            np.full(n_rows, 3.0),
        ]
    )
    score = np.nan_to_num(X[:, 2]) / 9 * (X[:, 0] > 4) + np.isnan(X[:, 3]) + rng.normal(size=n_rows)
    return X, (score > np.median(score)).astype(int)


@pytest.mark.parametrize("max_leaves", [2, 3, 4])
@pytest.mark.parametrize(("n_rows", "smallest_leaf"), [(4_000, 20), (300, 5), (300, 70), (60, 40)])
def test_a_tree_is_scikit_learns_to_the_last_digit(max_leaves, n_rows, smallest_leaf):
    """With two even classes all derivatives are halves and quarters, so that no sum is rounded."""
    X, y = full_of_gaps(n_rows, seed=max_leaves + n_rows)
    ours = ShallowBoosting(
        n_trees=1, learning_rate=1.0, max_leaves=max_leaves, smallest_leaf=smallest_leaf, share_of_columns=1.0
    ).fit(X, y)
    theirs = HistGradientBoostingClassifier(
        max_iter=1, learning_rate=1.0, max_leaf_nodes=max_leaves, max_depth=2, min_samples_leaf=smallest_leaf,
        l2_regularization=5.0, early_stopping=False,
    ).fit(X, y)  # fmt: skip
    assert y.mean() == 0.5
    np.testing.assert_array_equal(ours.decision_function(X), theirs.decision_function(X))
    nodes = theirs._predictors[0][0].nodes if len(theirs._predictors) else []
    inner = [node for node in nodes if not node["is_leaf"]]
    split = ours.feature_ >= 0
    assert sorted(ours.feature_[split]) == sorted(node["feature_idx"] for node in inner)
    assert sorted(ours.threshold_[split]) == sorted(node["num_threshold"] for node in inner)


@pytest.mark.parametrize("max_leaves", [2, 3, 4])
def test_trees_one_after_the_other_are_scikit_learns(max_leaves):
    X, y = full_of_gaps(5_000, seed=max_leaves)
    y[:900] = 0
    ours = ShallowBoosting(n_trees=60, max_leaves=max_leaves, smallest_leaf=3, share_of_columns=1.0).fit(X, y)
    theirs = HistGradientBoostingClassifier(
        max_iter=60, learning_rate=0.04, max_leaf_nodes=max_leaves, max_depth=2, min_samples_leaf=len(X) // 200,
        l2_regularization=5.0, early_stopping=False,
    ).fit(X, y)  # fmt: skip
    np.testing.assert_allclose(ours.decision_function(X), theirs.decision_function(X), atol=1e-6)


@pytest.mark.parametrize("max_leaves", [2, 4, 9, 31, 300])
def test_a_forest_of_trees_of_any_size_says_what_scikit_learns_says(max_leaves):
    rng = np.random.default_rng(max_leaves)
    X = np.where(rng.random((20_000, 4)) < 0.2, np.nan, rng.normal(size=(20_000, 4)).round(1))
    y = (rng.random(len(X)) < share_of(np.nan_to_num(X[:, 0] * X[:, 1]) + np.isnan(X[:, 2]))).astype(int)
    theirs = HistGradientBoostingClassifier(
        max_iter=11, learning_rate=0.04, max_leaf_nodes=max_leaves, early_stopping=False, random_state=0
    ).fit(X, y)  # fmt: skip
    trees = [stage[0].nodes for stage in theirs._predictors]
    n_nodes = max(map(len, trees))

    def of(name):
        return np.array([np.pad(nodes[name].astype(float), (0, n_nodes - len(nodes))) for nodes in trees])

    inner = of("feature_idx")
    inner[of("is_leaf") == 1] = -1
    forest = Forest(
        *(part.astype(int) for part in (inner, of("left"), of("right"), of("missing_go_to_left"))),
        of("num_threshold"),
        of("value"),
    )
    expected = theirs.decision_function(X) - theirs._baseline_prediction.item()
    np.testing.assert_allclose(forest.total(np.asfortranarray(X)), expected, atol=1e-6)


def test_trees_have_the_same_bits_with_any_number_of_threads_and_in_any_layout():
    rng = np.random.default_rng(5)
    X = rng.normal(size=(17_000, 6))
    y = (rng.random(len(X)) < share_of(X[:, 0] * X[:, 1])).astype(int)
    said = []
    for n_threads, table in ((1, X), (2, np.asfortranarray(X))):
        with threadpool_limits(n_threads):
            said.append(ShallowBoosting(n_trees=30).fit(table, y).decision_function(X))
    np.testing.assert_array_equal(*said)


def test_trees_of_blocks_are_as_good_as_trees_of_all_rows(monkeypatch):
    rng = np.random.default_rng(6)
    X = np.where(rng.random((30_000, 10)) < 0.1, np.nan, rng.normal(size=(30_000, 10)))
    truth = np.nan_to_num(X[:, 0]) + (np.nan_to_num(X[:, 1]) > 0.5) * (X[:, 0] > 0) - 1
    y = (rng.random(len(X)) < share_of(truth)).astype(int)
    losses = []
    for block in (8_000, 10**9):
        monkeypatch.setattr(trees_module, "LEAST_BLOCK", block)
        log_odds = ShallowBoosting().fit(X[:20_000], y[:20_000]).decision_function(X[20_000:])
        losses.append(np.mean(np.logaddexp(0, log_odds) - y[20_000:] * log_odds))
    assert losses[0] == pytest.approx(losses[1], abs=0.003)


def test_more_than_four_leaves_are_refused():
    with pytest.raises(ValueError, match="2, 3 or 4"):
        ShallowBoosting(max_leaves=8).fit([[1.0], [2.0]], [0, 1])


@pytest.mark.parametrize("n_values", [1, 2, 64, 65, 5_000])
def test_thresholds_part_values_and_codes_count_them(n_values):
    rng = np.random.default_rng(n_values)
    values = np.concatenate([np.arange(n_values), rng.integers(0, n_values, 9_000), np.full(9, np.nan)]) * 1.5
    thresholds = thresholds_of(values)
    most = min(n_values, 64) - 1
    assert len(thresholds) == most if n_values <= 64 else 50 < len(thresholds) <= most
    assert not np.isin(thresholds, values).any() and (np.diff(thresholds) > 0).all()
    codes = np.empty(len(values), dtype=np.uint8)
    assert codes_of(values, thresholds, codes)
    expected = (values[:, None] > thresholds).sum(axis=1)
    np.testing.assert_array_equal(codes, np.where(np.isnan(values), len(thresholds) + 1, expected))


def test_a_value_that_most_rows_share_is_no_loss_of_thresholds_at_its_ends():
    values = np.concatenate([np.zeros(9_000), np.arange(1, 200.0)])
    assert thresholds_of(values)[0] == 0.5


def test_what_a_tree_adds_belongs_to_the_columns_asked_on_the_way_to_the_leaf():
    trees = ShallowBoosting().fit(np.arange(80.0).reshape(40, 2), np.arange(40) % 2)
    trees.baseline_ = 0.5
    trees.feature_ = np.array([[0, -1, 1, -1, -1]])
    trees.left_, trees.right_ = np.array([[1, 0, 3, 0, 0]]), np.array([[2, 0, 4, 0, 0]])
    trees.threshold_ = np.array([[10.0, 0, 5.0, 0, 0]])
    trees.missing_left_ = np.array([[0, 0, 1, 0, 0]])
    trees.value_ = np.array([[0.1, -1.0, 0.4, 0.2, 0.9]])
    X = np.array([[10.0, 9.0], [11.0, 5.0], [np.nan, 6.0], [11.0, np.nan]])
    split = trees._split(X, np.array([0, 1]), 2)
    np.testing.assert_allclose(split.log_odds, 0.5 + np.array([-1.0, 0.2, 0.9, 0.2]), atol=1e-12)
    assert split.start == pytest.approx(0.6)
    np.testing.assert_allclose(split.parts, [[-1.1, 0.0], [0.3, -0.2], [0.3, 0.5], [0.3, -0.2]], atol=1e-12)


def test_a_linear_term_is_the_clipped_signed_log_in_spreads_from_its_mean():
    rng = np.random.default_rng(4)
    X = np.column_stack([rng.normal(0, 50, 9_000), rng.random(9_000) < 0.02, np.zeros(9_000)])
    X[rng.random(9_000) < 0.3, 0] = np.nan
    design = Design([(0, (-1.0, 0.0, 1.0))], [(0, 1)]).fit(X)

    def standardised(column):
        logs = np.sign(X[:, column]) * np.log1p(np.abs(X[:, column]))
        z = (np.clip(logs, design.low[column], design.high[column]) - design.mean[column]) / design.spread[
            column
        ]
        return np.clip(np.nan_to_num(z), -6, 6)

    terms = [standardised(0), standardised(1), np.isnan(X[:, 0])]
    terms += [np.maximum(standardised(0) - at, 0) for at in (-1.0, 0.0, 1.0)]
    terms += [standardised(0) * standardised(1)]
    expected = np.clip((np.column_stack(terms) - design.centre) / design.scale, -6, 6)
    np.testing.assert_allclose(design.transform(X), expected, atol=1e-12)
    weights = rng.normal(size=expected.shape[1])
    total, parts = design.weigh(X, weights, np.array([1, 0, 0]), 2)
    np.testing.assert_allclose(total, expected @ weights, atol=1e-10)
    np.testing.assert_allclose(
        parts[:, 1], expected[:, [0, 2, 3, 4, 5, 6]] @ weights[[0, 2, 3, 4, 5, 6]], atol=1e-10
    )


def test_newtons_ridge_agrees_with_scikit_learns():
    rng = np.random.default_rng(2)
    Z = rng.normal(size=(400, 5))
    y = (rng.random(400) < share_of(Z @ [1.0, -1, 0, 0.5, 0] - 0.3)).astype(float)
    intercept, coefficients = fit_ridge_logistic(Z, y, penalty=10.0)
    theirs = LogisticRegression(C=0.1, tol=1e-10, max_iter=1000).fit(Z, y)
    np.testing.assert_allclose(coefficients, theirs.coef_[0], atol=1e-5)
    assert intercept == pytest.approx(theirs.intercept_[0], abs=1e-5)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_ridge_of_many_rows_is_newtons_to_the_last_digits_that_count(weighted, monkeypatch):
    """Twenty thousand rows, correlated terms on scales of their own, most buyers alike."""
    rng = np.random.default_rng(3)
    Z = rng.normal(size=(20_000, 30)) @ rng.normal(size=(30, 30)) / 5
    Z[:, 0] = rng.random(20_000) < 0.01
    y = (rng.random(20_000) < share_of(Z @ rng.normal(size=30) / 3 - 2)).astype(float)
    weight = rng.random(20_000) if weighted else None
    quick = fit_ridge_logistic(Z, y, 5.0, weight)
    monkeypatch.setattr(logistic, "ROWS_FOR_CURVATURE", 1_000_000)
    exact = fit_ridge_logistic(Z, y, 5.0, weight)
    loss = [np.average(log_loss_of(Z, y, fitted), weights=weight) for fitted in (quick, exact)]
    assert loss[0] == pytest.approx(loss[1], abs=1e-7)
    np.testing.assert_allclose(quick[1], exact[1], atol=1e-3)


def test_the_ridge_of_many_rows_has_the_same_bits_with_any_number_of_threads():
    rng = np.random.default_rng(4)
    Z = rng.normal(size=(18_000, 40))
    y = (rng.random(18_000) < share_of(Z[:, 0])).astype(float)
    fitted = []
    for n_threads in (1, 2):
        with threadpool_limits(n_threads):
            fitted.append(fit_ridge_logistic(Z, y, 5.0))
    assert fitted[0][0] == fitted[1][0]
    np.testing.assert_array_equal(fitted[0][1], fitted[1][1])


def test_separable_rows_still_have_a_ridge():
    Z = np.linspace(-1, 1, 17_000)[:, None]
    intercept, coefficients = fit_ridge_logistic(Z, (Z[:, 0] > 0).astype(float), 1.0)
    assert np.isfinite(intercept) and 0 < coefficients[0] < np.inf


def log_loss_of(Z, y, fitted):
    log_odds = fitted[0] + Z @ fitted[1]
    return np.logaddexp(0, log_odds) - y * log_odds


def test_an_outlier_moves_the_linear_member_no_further_than_its_clip(table):
    X, y = table
    member = RidgeLogistic().fit(X, y)
    far, farther = X.iloc[:1].assign(spent=1e9), X.iloc[:1].assign(spent=1e15)
    assert member.decision_function(far) == member.decision_function(farther)


def test_the_mean_of_probabilities_is_the_blend(table):
    X, y = table
    members = {"linear": RidgeLogistic().fit(X, y), "trees": ShallowBoosting(n_trees=10).fit(X, y)}
    blend = Blend(members, {"linear": 1.0, "trees": 3.0})
    expected = (members["linear"].predict_proba(X)[:, 1] + 3 * members["trees"].predict_proba(X)[:, 1]) / 4
    np.testing.assert_allclose(blend.probability(X.to_numpy()), expected, atol=1e-12)


def test_a_blends_parts_add_up_and_never_turn_a_members_part_around(table):
    X, y = table
    members = {"linear": RidgeLogistic(C=0.1).fit(X, y), "recency": RecencyRule().fit(X, y)}
    blend = Blend(members, {"linear": 1.0, "recency": 1.0})
    groups = np.array([0, 1, 1, 1, 1])
    answer = blend.split(X.to_numpy(), groups, 2)
    np.testing.assert_array_equal(answer.probability, blend.probability(X.to_numpy()))
    np.testing.assert_allclose(
        answer.start + answer.parts.sum(axis=1), log_odds_of(answer.probability), atol=1e-12
    )
    each = [member._split(X.to_numpy(), groups, 2).parts for member in members.values()]
    agree = (each[0][:, 0] > 0) & (each[1][:, 0] > 0)
    assert (answer.parts[agree, 0] > 0).all()


def test_a_learned_member_yields_where_few_have_left():
    few = yielding_weights(50, 5, {"lifetime": 0, "trees": 60})
    many = yielding_weights(50_000, 5_000, {"lifetime": 0, "trees": 60})
    assert few["lifetime"] == many["lifetime"] == 1.0
    assert few["trees"] < 0.1 < 0.95 < many["trees"]


def test_with_one_class_alone_the_share_is_near_but_not_at_the_edge():
    rate = BaseRate().fit_share(40, 40)
    assert 0.95 < share_of(rate._log_odds(np.zeros((1, 0))))[0] < 1.0


def test_the_probability_member_says_the_share_where_its_columns_are_missing():
    X, y = pd.DataFrame({"other": [1.0, 2.0, 3.0]}), np.array([0, 1, 1])
    member = LifetimeMember().fit(X, y)
    assert member.predict_proba(X)[:, 1] == pytest.approx([2.5 / 4] * 3)
    assert np.isnan(member.expected_purchases(X.to_numpy())).all()


def test_trees_draw_from_rows_without_end():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3_000, 3))
    y = (rng.random(3_000) < share_of(2 * X[:, 0])).astype(int)
    some, all_rows = ShallowBoosting(most_rows=1_000).fit(X, y), ShallowBoosting().fit(X, y)
    assert np.array_equal(
        some.decision_function(X), ShallowBoosting(most_rows=1_000).fit(X, y).decision_function(X)
    )
    assert not np.array_equal(some.decision_function(X), all_rows.decision_function(X))
    assert np.corrcoef(some.decision_function(X), all_rows.decision_function(X))[0, 1] > 0.9
