"""The tree member: shallow boosting, kept as plain arrays so that it can be stored, read and explained."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from clientcare.model.members.base import Floats, Groups, Member, Split, drawn_rows, log_odds_of
from clientcare.model.members.forest import Forest


class ShallowBoosting(Member):
    """Gradient boosting of trees with a handful of leaves: almost additive, strongly regularised.

    Parameters
    ----------
    n_trees : int
    learning_rate : float
    max_leaves : int
        Four leaves in each tree let two columns meet; buying histories hold little more.
    smallest_leaf : int
        A leaf holds at least so many rows, and at least 1/200 of all rows.
    ridge : float
        Shrinks the leaves' values.
    share_of_columns : float
        Each split looks at so many of the columns.
    most_rows : int
        Of more rows, so many are drawn at random: trees of four leaves learn nothing from further ones.
    random_state : int

    Attributes
    ----------
    baseline_ : float
        Log-odds before the first tree.
    feature_, left_, right_, missing_left_ : int arrays of shape (n_trees, n_nodes)
        Column of each node (-1 in a leaf), its children, whether an unknown value goes left.
    threshold_, value_ : float arrays of shape (n_trees, n_nodes)
        A value at or below the threshold goes left; ``value_`` is the leaf's, or the mean over the
        training rows below an inner node.
    """

    def __init__(
        self,
        n_trees: int = 220,
        learning_rate: float = 0.04,
        max_leaves: int = 4,
        smallest_leaf: int = 20,
        ridge: float = 5.0,
        share_of_columns: float = 0.5,
        most_rows: int = 64_000,
        random_state: int = 0,
    ) -> None:
        self.n_trees = n_trees
        self.learning_rate = learning_rate
        self.max_leaves = max_leaves
        self.smallest_leaf = smallest_leaf
        self.ridge = ridge
        self.share_of_columns = share_of_columns
        self.most_rows = most_rows
        self.random_state = random_state

    def _fit(self, X: Floats, y: Floats) -> None:
        X, y = drawn_rows(X, y, self.most_rows, self.random_state)
        used = varying_columns(X)
        learner = HistGradientBoostingClassifier(
            max_iter=self.n_trees,
            learning_rate=self.learning_rate,
            max_leaf_nodes=self.max_leaves,
            max_depth=2 if self.max_leaves <= 4 else None,
            min_samples_leaf=max(self.smallest_leaf, len(X) // 200),
            l2_regularization=self.ridge,
            max_features=self.share_of_columns,
            early_stopping=False,
            random_state=self.random_state,
        )
        if len(used) == 0 or len(np.unique(y)) < 2:
            self.baseline_ = float(log_odds_of(float(np.mean(y)), 0.5 / (len(y) + 1)))
            self._keep_trees([], used)
            return
        with threadpool_limits(1):
            learner.fit(X[:, used], y)
        self.baseline_ = float(np.ravel(learner._baseline_prediction)[0])
        self._keep_trees([stage[0].nodes for stage in learner._predictors], used)

    def _keep_trees(self, trees: list[Any], used: NDArray[np.int64]) -> None:
        n_nodes = max([len(nodes) for nodes in trees], default=1)
        shape = (len(trees), n_nodes)
        self.feature_ = np.full(shape, -1, dtype=np.int64)
        self.left_, self.right_ = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
        self.missing_left_ = np.zeros(shape, dtype=np.int64)
        self.threshold_, self.value_ = np.zeros(shape), np.zeros(shape)
        for tree, nodes in enumerate(trees):
            inner = nodes["is_leaf"] == 0
            size = len(nodes)
            self.feature_[tree, :size] = np.where(inner, used[np.where(inner, nodes["feature_idx"], 0)], -1)
            self.left_[tree, :size], self.right_[tree, :size] = nodes["left"], nodes["right"]
            self.missing_left_[tree, :size] = nodes["missing_go_to_left"]
            self.threshold_[tree, :size] = nodes["num_threshold"]
            values, counts = nodes["value"].astype(np.float64), nodes["count"].astype(np.float64)
            for node in np.flatnonzero(inner)[::-1]:
                left, right = nodes["left"][node], nodes["right"][node]
                total = counts[left] + counts[right]
                values[node] = (counts[left] * values[left] + counts[right] * values[right]) / total
            self.value_[tree, :size] = values

    def _forest(self) -> Forest:
        return Forest(
            self.feature_, self.left_, self.right_, self.missing_left_, self.threshold_, self.value_
        )

    def _log_odds(self, X: Floats) -> Floats:
        return self.baseline_ + self._forest().total(np.asfortranarray(X))

    def _split(self, X: Floats, groups: Groups, n_groups: int) -> Split:
        """What each step from a node to its child adds belongs to the column that the node asks."""
        forest = self._forest()
        total, parts = forest.split(np.asfortranarray(X), groups, n_groups)
        return Split(self.baseline_ + total, self.baseline_ + forest.roots(), parts)


def varying_columns(X: Floats) -> NDArray[np.int64]:
    """Columns with at least two different values; an all-missing column cannot be binned."""
    kept = []
    for column in range(X.shape[1]):
        values = X[:, column]
        known = values[~np.isnan(values)]
        if len(known) and (len(known) < len(values) or known.min() < known.max()):
            kept.append(column)
    return np.array(kept, dtype=np.int64)
