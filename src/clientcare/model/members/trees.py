"""The tree member: shallow boosting, kept as plain arrays so that it can be stored, read and explained."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from clientcare.model.members.base import (
    Asked,
    Floats,
    Groups,
    Member,
    Split,
    drawn_places,
    drawn_rows,
    log_odds_of,
    share_of,
)
from clientcare.model.members.bins import LEAST_BLOCK, Binned, some_of
from clientcare.model.members.forest import Forest
from clientcare.model.members.forms import MOST_LOG_ODDS, array, mapping, number, refuse
from clientcare.model.members.grower import N_ROWS, Grower, Node, goes_left

MOST_TREES = 10_000
N_NODES = (3, 5, 7)
"""What a file may hold: trees of one split, of two, and of three."""

BY_EFFORT: dict[str, dict[str, Any]] = {
    "quick": {"n_trees": 90, "learning_rate": 0.1},
    "default": {"n_trees": 220, "learning_rate": 0.04},
    "thorough": {"n_trees": 220, "learning_rate": 0.04, "most_rows": 1_000_000},
}
"""Number of trees and learning rate, by effort."""
LEFT = (1, 3, 5)
"""Where the left child of the root and of its children stands; the right one follows."""


class ShallowBoosting(Member):
    """Gradient boosting of trees with at most four leaves: almost additive, strongly regularised.

    Each tree looks at a block of at least 8,000 rows and at some of the columns, both drawn anew.

    Parameters
    ----------
    n_trees : int
    learning_rate : float
    max_leaves : int
        2, 3 or 4. Four leaves in each tree let two columns meet; buying histories hold little more.
    smallest_leaf : int
        A leaf holds at least so many rows, and at least 1/200 of the rows its tree looks at.
    ridge : float
        Shrinks the leaves' values.
    share_of_columns : float
        Each tree looks at so many of the columns.
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

    _name = "trees"
    _halfway = 100.0
    _full = 1.15

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

    @classmethod
    def _for(cls, asked: Asked) -> Self:
        return cls(**BY_EFFORT[asked.effort], random_state=asked.random_state)

    def _fit_some(self, X: Floats, rows: Groups, y: Floats) -> None:
        """What would not be drawn is not looked at."""
        drawn = drawn_places(len(rows), self.most_rows, self.random_state)
        super()._fit_some(X, *((rows, y) if drawn is None else (rows[drawn], y[drawn])))

    def _fit(self, X: Floats, y: Floats) -> None:
        if not 2 <= self.max_leaves <= 4:
            raise ValueError(f"ShallowBoosting: max_leaves must be 2, 3 or 4; found {self.max_leaves}.")
        X, y = drawn_rows(X, y, self.most_rows, self.random_state)
        share = float(np.mean(y))
        self.baseline_ = float(log_odds_of(share, 0.5 / (len(y) + 1)))
        rng = np.random.default_rng(self.random_state)
        table = Binned.of(X, rng) if 0 < share < 1 else None
        if table is None or not len(table.columns):
            self._make_room(0)
            return
        self._make_room(self.n_trees)
        self._boost(table, y, rng)

    def _make_room(self, n_trees: int) -> None:
        shape = (n_trees, 2 * len(LEFT) + 1)
        self.feature_ = np.full(shape, -1, dtype=np.int64)
        self.left_, self.right_ = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
        self.missing_left_ = np.zeros(shape, dtype=np.int64)
        self.threshold_, self.value_ = np.zeros(shape), np.zeros(shape)

    def _boost(self, table: Binned, y: Floats, rng: np.random.Generator) -> None:
        """Grow one tree after the other, each on what those before it left unsaid about its rows."""
        score = np.full(len(y), self.baseline_)
        n_columns, block = len(table.columns), len(y) // max(1, len(y) // LEAST_BLOCK)
        n_seen = int(np.ceil(self.share_of_columns * n_columns))
        smallest_leaf = max(self.smallest_leaf, block // 200)
        for tree in range(self.n_trees):
            rows = some_of(len(y), block, rng)
            seen = some_of(n_columns, n_seen, rng)
            grower = Grower(table.n_codes, table.unknown[seen], smallest_leaf, self.ridge, self.max_leaves)
            p = share_of(score[rows])
            codes = table.by_row.take(rows, axis=0).take(seen, axis=1)
            grown = grower.grow(codes, p - y[rows], p * (1 - p))
            self._keep(tree, grown, table, seen)
            score += self.value_[tree].take(_leaves(grown, table, seen))

    def _keep(self, tree: int, grown: list[Node | None], table: Binned, seen: NDArray[np.int64]) -> None:
        """Write a tree down: splits by threshold, values shrunk by the learning rate."""
        for place in reversed(range(len(grown))):
            node = grown[place]
            if node is None:
                continue
            self.value_[tree, place] = self.learning_rate * node.value
            if not _is_split(grown, place):
                continue
            assert node.split is not None
            left, column = LEFT[place], int(seen[node.split.column])
            self.left_[tree, place], self.right_[tree, place] = left, left + 1
            self.feature_[tree, place] = table.columns[column]
            self.missing_left_[tree, place] = node.split.missing_left
            self.threshold_[tree, place] = table.threshold(column, node.split.code)
            share = node.split.left[N_ROWS] / node.total[N_ROWS]
            values = self.value_[tree, left : left + 2]
            self.value_[tree, place] = share * values[0] + (1 - share) * values[1]

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

    @classmethod
    def _check_fitted(
        cls, params: dict[str, Any], fitted: dict[str, Any], names: list[str], where: str
    ) -> None:
        """Every node but the root has one parent, which stands before it: a tree, and no way round in it."""
        parts = ("feature_", "left_", "right_", "missing_left_", "threshold_", "value_")
        mapping(fitted, where, ("baseline_", *parts))
        number(fitted["baseline_"], f"{where}.baseline_", -MOST_LOG_ODDS, MOST_LOG_ODDS)
        feature = array(fitted["feature_"], f"{where}.feature_", "i", (None, None), -1, len(names) - 1)
        n_trees, n_nodes = feature.shape
        if n_trees > MOST_TREES or n_nodes not in N_NODES:
            raise refuse(where, "has trees of another size than ours")
        left, right = (
            array(fitted[name], f"{where}.{name}", "i", feature.shape, 0, n_nodes - 1)
            for name in ("left_", "right_")
        )
        array(fitted["missing_left_"], f"{where}.missing_left_", "i", feature.shape, 0, 1)
        array(fitted["threshold_"], f"{where}.threshold_", "f", feature.shape, -1e300, 1e300, endless=True)
        array(fitted["value_"], f"{where}.value_", "f", feature.shape, -MOST_LOG_ODDS, MOST_LOG_ODDS)
        inner = feature >= 0
        place = np.arange(n_nodes)
        if (inner & ((left <= place) | (right <= place))).any():
            raise refuse(where, "has a tree whose branches lead back")
        children = np.zeros((n_trees, n_nodes), dtype=np.int64)
        for side in (left, right):
            for node in range(n_nodes):
                rows = np.flatnonzero(inner[:, node])
                children[rows, side[rows, node]] += 1
        if (children > 1).any():
            raise refuse(where, "has a tree whose branches meet again")
        if ((children == 0) & inner)[:, 1:].any():
            raise refuse(where, "has a branch that hangs on no tree")


def _is_split(grown: list[Node | None], place: int) -> bool:
    return place < len(LEFT) and grown[LEFT[place]] is not None


def _leaves(
    grown: list[Node | None], table: Binned, seen: NDArray[np.int64], place: int = 0
) -> NDArray[np.uint8]:
    """The place of the leaf that each row of the table falls into, below a node; where it is one leaf, just that."""
    node = grown[place]
    if node is None or node.split is None or not _is_split(grown, place):
        return np.array(place, dtype=np.uint8)
    column = int(seen[node.split.column])
    left = goes_left(table.by_column[:, column], node.split, int(table.unknown[column]))
    if_left, if_right = (_leaves(grown, table, seen, LEFT[place] + side) for side in (0, 1))
    all_bits = np.negative(left.view(np.uint8))  # 255 on the left: a choice by bits is many times numpy.where
    return np.asarray(if_right ^ ((if_left ^ if_right) & all_bits))
