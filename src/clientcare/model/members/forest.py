"""Many small trees answered at once: which leaf a row falls into is a small number, and what the leaves say is
looked up in tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clientcare.model.members.base import Floats, Groups

Leaves = Any
"""Whole numbers from 0, an array or, where all rows are in one leaf, 0 itself."""

ROWS_AT_ONCE = 16_384
"""So many rows of a column fit the processor's nearer caches."""
MOST_CODES = 256


class Forest:
    """Boosted trees kept as arrays of nodes; their sum, and what each group of columns adds to it.

    The leaves of several trees together are one number from 0 to 255 (four trees of four leaves, for
    instance), so that one look-up in a table of 256 sums answers for all of them. A row's answer never
    depends on the rows beside it.

    Parameters
    ----------
    feature, left, right, missing_left : int arrays of shape (n_trees, n_nodes)
        Column of each node (-1 in a leaf), its children, whether an unknown value goes left.
    threshold, value : float arrays of shape (n_trees, n_nodes)
        A value at or below the threshold goes left; what a leaf says, or the mean below an inner node.
    """

    def __init__(
        self,
        feature: NDArray[np.int64],
        left: NDArray[np.int64],
        right: NDArray[np.int64],
        missing_left: NDArray[np.int64],
        threshold: Floats,
        value: Floats,
    ) -> None:
        self._nodes = [
            list(zip(*(part[tree].tolist() for part in (feature, threshold, missing_left, left, right)), strict=True))
            for tree in range(len(feature))
        ]  # fmt: skip
        self._value = value
        self._leaves = [list(self._leaves_below(tree, 0)) for tree in range(len(feature))]
        self._code = np.min_scalar_type(max([MOST_CODES, *map(len, self._leaves)]) - 1)
        self._packs = self._packed()

    def _leaves_below(self, tree: int, node: int) -> Iterator[int]:
        """The leaves below a node, from left to right."""
        column, _, _, left, right = self._nodes[tree][node]
        if column < 0:
            yield node
        else:
            yield from self._leaves_below(tree, left)
            yield from self._leaves_below(tree, right)

    def _packed(self) -> list[list[int]]:
        """Trees in their order, as many together as have no more than 256 leaves between them."""
        packs: list[list[int]] = []
        n_codes = MOST_CODES + 1
        for tree, leaves in enumerate(self._leaves):
            n_codes *= len(leaves)
            if n_codes > MOST_CODES:
                packs.append([])
                n_codes = len(leaves)
            packs[-1].append(tree)
        return packs

    def total(self, X: Floats) -> Floats:
        """The sum of what all trees say of each row; shape (n_rows,)."""
        total, tables = np.zeros(len(X)), [self._sums(pack) for pack in self._packs]
        for rows, place, codes in self._codes(X):
            total[rows] += tables[place].take(codes)
        return total

    def split(self, X: Floats, groups: Groups, n_groups: int) -> tuple[Floats, Floats]:
        """The same sum, and what each step from a node to its child adds, by the group of the column that the
        node asks.

        Parameters
        ----------
        X : float64 array of shape (n_rows, n_columns), column-major
        groups : int array of shape (n_columns,)

        Returns
        -------
        total : float64 array of shape (n_rows,)
        parts : float64 array of shape (n_rows, n_groups), column-major
            They add up to the total less the values of the roots.
        """
        total, parts = np.zeros(len(X)), np.zeros((len(X), n_groups), order="F")
        tables = [(self._sums(pack), self._sums_by_group(pack, groups)) for pack in self._packs]
        for rows, place, codes in self._codes(X):
            sums, by_group = tables[place]
            total[rows] += sums.take(codes)
            for group, steps in by_group.items():
                parts[rows, group] += steps.take(codes)
        return total, parts

    def roots(self) -> float:
        """The sum of the roots' values: what the trees say of the mean row of training."""
        return float(self._value[:, 0].sum()) if len(self._nodes) else 0.0

    def _codes(self, X: Floats) -> Iterator[tuple[slice, int, NDArray[np.intp]]]:
        """Rows, number of a pack, and the pack's leaves in those rows as one number a row."""
        for start in range(0, len(X), ROWS_AT_ONCE):
            rows = slice(start, start + ROWS_AT_ONCE)
            here = X[rows]
            for place, pack in enumerate(self._packs):
                code: Leaves = 0
                for tree in pack:
                    code = code * len(self._leaves[tree]) + self._leaf(here, tree, 0)[0]
                yield rows, place, np.broadcast_to(np.asarray(code, dtype=np.intp), len(here))

    def _leaf(self, X: Floats, tree: int, node: int) -> tuple[Leaves, int]:
        """Which of the leaves below a node each row falls into, counted from the left; and how many there are."""
        column, threshold, missing_left, left, right = self._nodes[tree][node]
        if column < 0:
            return 0, 1
        values = X[:, column]
        goes_right = values > threshold if missing_left else ~(values <= threshold)
        on_left, n_left = self._leaf(X, tree, left)
        on_right, n_right = self._leaf(X, tree, right)
        step = goes_right.view(np.uint8).astype(self._code, copy=False)
        if n_left == n_right == 1:
            return step, 2
        return on_left + step * (on_right + n_left - on_left), n_left + n_right

    def _sums(self, pack: list[int]) -> Floats:
        """What the trees of a pack say together, for each code."""
        return _combined([self._value[tree, self._leaves[tree]] for tree in pack])

    def _sums_by_group(self, pack: list[int], groups: Groups) -> dict[int, Floats]:
        """What the steps at columns of each group add together, for each code."""
        steps = [self._steps(tree, 0, groups) for tree in pack]
        asked = sorted({group for of_leaf in steps for group in of_leaf})
        return {
            group: _combined(
                [of.get(group, np.zeros(len(self._leaves[tree]))) for tree, of in zip(pack, steps, strict=True)]
            )
            for group in asked
        }  # fmt: skip

    def _steps(self, tree: int, node: int, groups: Groups) -> dict[int, Floats]:
        """Of each leaf below a node: the steps on the way to it, summed by group."""
        column, _, _, left, right = self._nodes[tree][node]
        if column < 0:
            return {}
        sides = [self._steps(tree, child, groups) for child in (left, right)]
        sizes = [len(list(self._leaves_below(tree, child))) for child in (left, right)]
        here = int(groups[column])
        value = self._value[tree]
        found = {}
        for group in {here, *sides[0], *sides[1]}:
            both = [side.get(group, np.zeros(size)) for side, size in zip(sides, sizes, strict=True)]
            if group == here:
                both = [
                    steps + (value[child] - value[node])
                    for steps, child in zip(both, (left, right), strict=True)
                ]
            found[group] = np.concatenate(both)
        return found


def _combined(each: list[Floats]) -> Floats:
    """The sum for every combination of leaves; the last tree's leaf counts fastest."""
    together = np.zeros(1)
    for values in each:
        together = np.add.outer(together, values).ravel()
    return together
