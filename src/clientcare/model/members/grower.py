"""One tree of at most four leaves, grown on columns of small whole numbers.

The sums of each stretch of each column come from one product with a sparse table; a node's best split is then looked
for in all columns at once. Sums, ties and rules are those of scikit-learn's histogram trees: the same numbers give the
same tree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array

from clientcare.model.members.bins import Codes

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

LEAST_CURVATURE = 1e-3
"""A leaf with second derivatives of less in sum has nothing to say: its rows are settled."""
GRADIENT, CURVATURE, N_ROWS = 0, 1, 2
"""What is summed: first and second derivatives of the loss, and rows."""


class Split(NamedTuple):
    """Where a node is split: codes up to ``code`` of a column go left, and unknown ones if ``missing_left``."""

    gain: float
    column: int
    code: int
    missing_left: bool
    left: Floats


@dataclass(frozen=True, eq=False)
class Node:
    """Sums over a node's rows, what it says of them, and how it would be split (None: it stays a leaf)."""

    total: Floats
    value: float
    split: Split | None = None


@dataclass(frozen=True)
class Grower:
    """Grows one tree.

    Parameters
    ----------
    n_codes : int
        All codes are below it.
    unknown : int array of shape (n_columns,)
        The code of unknown values in each column; -1 where every value is known.
    smallest_leaf : int
        Rows in a leaf.
    ridge : float
        Shrinks the values.
    max_leaves : int
        2, 3 or 4.
    """

    n_codes: int
    unknown: Ints
    smallest_leaf: int
    ridge: float
    max_leaves: int = 4

    def grow(self, codes: Codes, gradient: Floats, curvature: Floats) -> list[Node | None]:
        """The tree whose splits lower the loss most, the best one first.

        Parameters
        ----------
        codes : uint8 array of shape (n_rows, n_columns), row-major
        gradient, curvature : float64 arrays of shape (n_rows,)
            First and second derivatives of the loss.

        Returns
        -------
        list of seven nodes
            The root, its two children, the children of the left one, those of the right one; None where there
            is none. A node was split where it has children.
        """
        places = codes + np.arange(codes.shape[1], dtype=np.int32) * np.int32(self.n_codes)
        derivatives = np.column_stack([gradient, curvature, np.ones(len(gradient))])
        histogram = self._histogram(places, derivatives)
        root = self._node(histogram[0].sum(axis=0), 0.0, histogram)
        tree: list[Node | None] = [root, *[None] * 6]
        if root.split is None:
            return tree
        totals = _totals(root)
        values = [self._value(total) for total in totals]
        sums: list[Floats | None] = [None, None]
        if self.max_leaves > 2 and max(total[N_ROWS] for total in totals) >= 2 * self.smallest_leaf:
            sums = self._divided(histogram, root, codes, places, derivatives)
        children = [self._node(*child) for child in zip(totals, values, sums, strict=True)]
        tree[1:3] = children
        by_gain = sorted((0, 1), key=lambda place: -_gain(children[place]))
        for place in by_gain[: self.max_leaves - 2]:
            if children[place].split is not None:
                leaves = [Node(total, self._value(total)) for total in _totals(children[place])]
                tree[3 + 2 * place : 5 + 2 * place] = leaves
        return tree

    def _histogram(self, places: NDArray[np.int32], derivatives: Floats) -> Floats:
        """Sums of shape (n_columns, n_codes, 3), each added in the order of the rows."""
        n_rows, n_columns = places.shape
        ends = np.arange(0, places.size + 1, n_columns, dtype=np.int32)
        shape = (n_columns * self.n_codes, n_rows)
        chosen = csc_array((np.ones(places.size), places.ravel(), ends), shape=shape)
        return np.asarray(chosen @ derivatives).reshape(n_columns, self.n_codes, 3)

    def _divided(
        self,
        histogram: Floats,
        node: Node,
        codes: Codes,
        places: NDArray[np.int32],
        derivatives: Floats,
    ) -> list[Floats | None]:
        """The sums of both children: those of the smaller one are added up, those of the larger one are the rest."""
        assert node.split is not None
        left = goes_left(codes[:, node.split.column], node.split, self.unknown[node.split.column])
        left_is_smaller = 2 * node.split.left[N_ROWS] < node.total[N_ROWS]
        few = np.flatnonzero(left if left_is_smaller else ~left)
        smaller = self._histogram(places.take(few, axis=0), derivatives.take(few, axis=0))
        larger = histogram - smaller
        return [smaller, larger] if left_is_smaller else [larger, smaller]

    def _node(self, total: Floats, value: float, histogram: Floats | None) -> Node:
        if histogram is None or total[N_ROWS] < 2 * self.smallest_leaf or total[CURVATURE] < LEAST_CURVATURE:
            return Node(total, value)
        return Node(total, value, self._best(histogram, total, value))

    def _best(self, histogram: Floats, total: Floats, value: float) -> Split | None:
        """The best split of a node, unknown values to the right or to the left; of equal ones the first."""
        left = histogram.cumsum(axis=1)
        gain = self._gains(left, total, value)
        code = gain.argmax(axis=1)
        best = gain[np.arange(len(gain)), code]
        missing_left = np.zeros(len(gain), dtype=bool)
        some = np.flatnonzero(self.unknown >= 0)
        if len(some):
            known = histogram[some]
            known[np.arange(len(some)), self.unknown[some]] = 0.0
            right = known[:, :0:-1].cumsum(axis=1)  # of the codes above each, the highest code first
            from_right = self._gains(total - right, total, value)
            place = from_right.argmax(axis=1)
            better = from_right[np.arange(len(some)), place] > best[some]
            rows = some[better]
            best[rows] = from_right[better, place[better]]
            code[rows] = self.n_codes - 2 - place[better]
            left[rows, code[rows]] = (total - right)[better, place[better]]
            missing_left[rows] = True
        column = int(best.argmax())
        if not best[column] > 0:
            return None
        sums = left[column, code[column]].copy()
        if self.unknown[column] < 0:  # unknown values of later days go where most rows went
            missing_left[column] = 2 * sums[N_ROWS] > total[N_ROWS]
        return Split(float(best[column]), column, int(code[column]), bool(missing_left[column]), sums)

    def _gains(self, left: Floats, total: Floats, value: float) -> Floats:
        """How much each split lowers the loss; -1 where a child would be too small."""
        right = total - left
        gain = np.full(left.shape[:2], value * total[GRADIENT])
        large = np.ones(left.shape[:2], dtype=bool)
        for side in (left, right):
            gradient = side[..., GRADIENT]
            gain -= gradient * (-gradient / (side[..., CURVATURE] + self.ridge + 1e-15))
            large &= (side[..., N_ROWS] >= self.smallest_leaf) & (side[..., CURVATURE] >= LEAST_CURVATURE)
        return np.where(large, gain, -1.0)

    def _value(self, total: Floats) -> float:
        return float(-total[GRADIENT] / (total[CURVATURE] + self.ridge + 1e-15))


def goes_left(codes: Codes, split: Split, unknown: int) -> Bools:
    """Which rows a split sends left, by their codes in its column."""
    left = codes <= split.code
    if unknown >= 0 and split.missing_left:
        left |= codes == unknown
    return left


def _totals(node: Node) -> list[Floats]:
    """Sums over the left and the right child."""
    assert node.split is not None
    return [node.split.left, node.total - node.split.left]


def _gain(node: Node) -> float:
    return -1.0 if node.split is None else node.split.gain
