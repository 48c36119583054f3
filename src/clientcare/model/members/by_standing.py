"""A learner for terms that end, one for those that run on, one for who is not bound: the gone teach nothing of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clientcare.model.members.base import Floats, Groups, Member, Split
from clientcare.model.members.forms import mapping, same, text
from clientcare.model.members.kept_form import check_kept
from clientcare.model.members.linear import RidgeLogistic
from clientcare.model.members.rules import BaseRate
from clientcare.model.members.terms import AGE, LEFT
from clientcare.model.members.trees import ShallowBoosting

LEARNERS: dict[str, type[Member]] = {kind.__name__: kind for kind in (RidgeLogistic, ShallowBoosting)}
"""Those that may stand on either side."""
SIDES = ("ends", "runs", "others")
"""A term that ends within the horizon, one that does not, none."""
LEAST_OF_EACH = 5
"""Rows of either outcome on a side; with fewer the side has its share alone."""


class ByStanding(Member):
    """The same learner three times: for terms that end within the horizon, for those that do not, for who is not bound.

    In a business of terms most rows of the past are of people who left long ago, with a sure answer. A learner that sees
    them all bends its curves to them, and carries these bends over to the living at a phase of the term that it never saw.
    Nor can it tell a term's age from its end where all past terms of that age ended.

    Parameters
    ----------
    kind : {"RidgeLogistic", "ShallowBoosting"}
    options : dict, optional
        Of the learner.
    horizon_days : int
        A term ends within so many days, or does not.

    Attributes
    ----------
    sides_ : dict of side to [kind, state]
        What each learned; ``BaseRate`` where one side nearly always has the same outcome.
    """

    _answers = ()

    def __init__(
        self,
        kind: str = "RidgeLogistic",
        options: Mapping[str, Any] | None = None,
        horizon_days: int = 90,
    ) -> None:
        self.kind = kind
        self.options = options
        self.horizon_days = horizon_days

    def _fit(self, X: Floats, y: Floats) -> None:
        self.age_, self.left_ = (
            self.columns_.index(name) if name in self.columns_ else -1 for name in (AGE, LEFT)
        )
        self.sides_: dict[str, Any] = {}
        for side, rows in zip(SIDES, self._parted(X), strict=True):
            member = self._learned(X[rows], y[rows])
            self.sides_[side] = [type(member).__name__, member.get_state()]

    def _learned(self, X: Floats, y: Floats) -> Member:
        if min(float(y.sum()), len(y) - float(y.sum())) < LEAST_OF_EACH:
            return BaseRate().fit_share(int(y.sum()), len(y))
        member = LEARNERS[self.kind](**(self.options or {}))
        member.columns_, member.classes_ = self.columns_, np.array([False, True])
        member._fit(np.asfortranarray(X), y)
        return member

    def _parted(self, X: Floats) -> list[NDArray[np.int64]]:
        bound = np.isfinite(X[:, self.age_]) if self.age_ >= 0 else np.zeros(len(X), dtype=bool)
        ends = (
            bound & (X[:, self.left_] < self.horizon_days)
            if self.left_ >= 0
            else np.zeros(len(X), dtype=bool)
        )
        return [np.flatnonzero(rows) for rows in (ends, bound & ~ends, ~bound)]

    def _sides(self) -> list[Member]:
        kinds: dict[str, type[Member]] = {**LEARNERS, BaseRate.__name__: BaseRate}
        return [kinds[kind].from_state(state) for kind, state in (self.sides_[side] for side in SIDES)]

    def _log_odds(self, X: Floats) -> Floats:
        answer = np.empty(len(X))
        for member, rows in zip(self._sides(), self._parted(X), strict=True):
            answer[rows] = member._log_odds(np.asfortranarray(X[rows]))
        return answer

    def _split(self, X: Floats, groups: Groups, n_groups: int) -> Split:
        log_odds, parts = np.empty(len(X)), np.zeros((len(X), n_groups), order="F")
        start = None
        for member, rows in zip(self._sides(), self._parted(X), strict=True):
            split = member._split(np.asfortranarray(X[rows]), groups, n_groups)
            start = split.start if start is None else start
            log_odds[rows], parts[rows] = split.log_odds, split.parts
            if self.age_ >= 0:
                parts[rows, groups[self.age_]] += split.start - start
        assert start is not None
        return Split(log_odds, start if self.age_ >= 0 else split.start, parts)

    @classmethod
    def _check_fitted(
        cls, params: dict[str, Any], fitted: dict[str, Any], names: list[str], where: str
    ) -> None:
        mapping(fitted, where, ("age_", "left_", "sides_"))
        text(params["kind"], f"{where}.kind", LEARNERS)
        for own, column in (("age_", AGE), ("left_", LEFT)):
            same(fitted[own], names.index(column) if column in names else -1, f"{where}.{own}")
        kinds = {params["kind"]: LEARNERS[params["kind"]], "BaseRate": BaseRate}
        for side, state in mapping(fitted["sides_"], f"{where}.sides_", SIDES).items():
            check_kept(side, state, kinds, names, f"{where}.sides_.{side}")
