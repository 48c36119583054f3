"""The term member: whoever is bound leaves at the end of a term, or breaks it earlier; two hazards."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from clientcare.model.members.base import (
    OF_PATRONAGE,
    Asked,
    Floats,
    Groups,
    Member,
    Split,
    State,
    log_odds_of,
)
from clientcare.model.members.drawn import fit_drawn_logistic
from clientcare.model.members.forms import MOST_LOG_ODDS, array, flag, items, mapping, refuse, same, whole
from clientcare.model.members.term_prior import EFFECTS, LEVEL, USUAL_HORIZON_DAYS
from clientcare.model.members.term_signs import COLUMNS, SIGNS, signs_of, usual_of

STEP_DAYS = 30
"""How far apart the past dates lie that are learned from."""
AGE, LEFT = "term_age_days", "term_days_left"
"""Columns: days since the term began, and to its end (NaN: open-ended); the first is known of whoever is under contract."""
PRIOR_LEVEL = 2.0
"""The two levels are drawn towards their common one by so many independent rows: none seen to leave is not never."""
PRIOR_BUYERS = 10.0
"""A group's own share counts half with so many of its rows (beta-binomial), the whole's the other half."""
SIDES = ("runs", "ends")
"""A term that outlasts the horizon, and one that ends within it."""
BORROWED = 0.5
"""Made-up businesses are not this one: half of their effects were as good as all on 96 firms of another law, and cost less
on real course contracts where signs point elsewhere."""
EFFECT_SD, GROUP_SD = 0.4, 0.5
"""How far the effect of a sign, or the level of a plan, is from the expected one, in log-odds. Effects of single firms lie
.2 to .5 apart; a plan of ten rows counts half with .5."""
UNTOLD_SD = 0.75
"""What no sign tells of a buyer's log-odds: with it the member's 90 % intervals hold the true risk of .81 to .95 of buyers,
in made-up firms of 30, 60 and 300 under two families of laws; with .6 of .77 to .91."""
PHASE_DAYS = 30
"""What others of the plan had said at this age of the term is looked up by month."""
MOST_PHASES = 60
"""Five years: older terms share the last."""


class OfTerms(Member):
    """A member that knows those under contract and nobody else, and learns from them alone.

    Parameters
    ----------
    horizon_days : int
        A term ends within so many days, or does not.
    overlap : float
        In how many rows one leaving is seen, where dates lie closer than the horizon.
    """

    _answers = OF_PATRONAGE
    _learns_from = "terms"
    _knows_all = False

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True  # knows nothing of a table without terms
        return tags

    @classmethod
    def _for(cls, asked: Asked) -> Self:
        return cls(horizon_days=asked.horizon_days, overlap=max(1.0, asked.horizon_days / STEP_DAYS))

    def _place(self, names: list[str]) -> None:
        """Find the columns, and the same ones again in a wider table."""
        self.columns_ = names
        place = {name: position for position, name in enumerate(names)}
        self.age_, self.left_ = place.get(AGE, -1), place.get(LEFT, -1)
        self.usable_ = self.age_ >= 0

    def _ends(self, X: Floats) -> Floats:
        """1 where a term ends within the horizon, 0 where not, NaN without a term; a table that does not say has no ends."""
        if self.age_ < 0:
            return np.zeros(len(X))
        ends = self._column(X, self.left_) < self.horizon_days  # on its last day a term is still in force
        return np.where(np.isnan(X[:, self.age_]), np.nan, ends)

    def _column(self, X: Floats, position: int) -> Floats:
        return X[:, position] if position >= 0 else np.full(len(X), np.nan)

    def _levels(self, ends: Floats, y: Floats) -> list[float]:
        """Log-odds of terms that do not end within the horizon and of those that do, each drawn to both."""
        prior = PRIOR_LEVEL * self.overlap
        whole = (float(y.sum()) / self.overlap + 0.5) / (len(y) / self.overlap + 1.0)
        own = [
            (float(y[ends == kind].sum()) + prior * whole) / (float((ends == kind).sum()) + prior)
            for kind in (0.0, 1.0)
        ]
        return [float(log_odds_of(share, 1e-4)) for share in own]

    @classmethod
    def _check_places(cls, fitted: dict[str, Any], names: list[str], where: str) -> None:
        """The columns of terms stand where the member says."""
        for own, column in (("age_", AGE), ("left_", LEFT)):
            same(fitted[own], names.index(column) if column in names else -1, f"{where}.{own}")
        if not flag(fitted["usable_"], f"{where}.usable_"):
            raise refuse(where, "is a member that was not fitted")


class TwoNumbers(OfTerms):
    """The simplest rule of terms: the usual share of leavers where a term ends within the horizon, and that of the others.

    Parameters
    ----------
    horizon_days : int
        A term ends within so many days, or does not.
    overlap : float
        In how many rows one leaving is seen, where dates lie closer than the horizon.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> X = pd.DataFrame({"term_age_days": 100.0, "term_days_left": np.repeat([200.0, 10.0], 200)})
    >>> left = np.r_[np.arange(200) % 50 == 0, np.arange(200) % 5 == 0]
    >>> TwoNumbers(horizon_days=30).fit(X, left).predict_proba(X)[[0, 399], 1].round(2).tolist()
    [0.02, 0.2]
    """

    _name = "two_numbers"

    def __init__(self, horizon_days: int = 90, overlap: float = 1.0) -> None:
        self.horizon_days = horizon_days
        self.overlap = overlap

    def _fit(self, X: Floats, y: Floats) -> None:
        self._place(self.columns_)
        self.levels_ = np.array(self._levels(self._ends(X), y))

    def _log_odds(self, X: Floats) -> Floats:
        ends = self._ends(X)
        return np.where(np.isnan(ends), np.nan, self.levels_[(ends == 1.0).astype(np.int64)])

    def _split(self, X: Floats, groups: Groups, n_groups: int) -> Split:
        log_odds, parts = self._log_odds(X), np.zeros((len(X), n_groups), order="F")
        start = float(self.levels_[0])
        if self.age_ >= 0:
            parts[:, groups[self.left_ if self.left_ >= 0 else self.age_]] = np.nan_to_num(log_odds - start)
        return Split(log_odds, start, parts)

    @classmethod
    def _check_fitted(
        cls, params: dict[str, Any], fitted: dict[str, Any], names: list[str], where: str
    ) -> None:
        mapping(fitted, where, ("age_", "left_", "usable_", "levels_"))
        cls._check_places(fitted, names, where)
        array(fitted["levels_"], f"{where}.levels_", "f", (2,), -MOST_LOG_ODDS, MOST_LOG_ODDS)


class TermMember(OfTerms):
    """Two logistic regressions on few signs: for terms that end within the horizon, and for those that do not.

    Levels and effects are drawn towards what other businesses teach (:mod:`~clientcare.model.members.term_prior`), as far as
    the rows bear out; the level of a plan or kind towards the whole. Rows without a term (its age unknown) are not known to
    this member.

    Parameters
    ----------
    horizon_days : int
        A term ends within so many days, or does not.
    borrowed : float, 0 to 1
        How much of the effects that others teach is expected here; 0: none has a direction before it is seen.
    prior_buyers : float
        How many rows the usual contacts of all count for beside those of a plan.
    overlap : float
        In how many rows one leaving is seen, where dates lie closer than the horizon: each counts for less, or one leaver
        would count for several.

    Attributes
    ----------
    usual_ : float64 array of shape (3,)
        Contacts a day, rating and missed check-ins that are usual.
    expected_ : float64 array of shape (n_groups + 1, MOST_PHASES)
        How many contacts of their own buyers of a group had at each month of a term; the last row is of all.
    hazards_ : list of dict
        For terms that run on and for ends: coefficients (level, signs, groups), their covariance, and the range of each
        sign that was seen.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> X = pd.DataFrame({"term_age_days": 100.0, "term_days_left": np.repeat([200.0, 10.0], 200)})
    >>> left = np.r_[np.arange(200) % 50 == 0, np.arange(200) % 5 == 0]
    >>> TermMember(horizon_days=30).fit(X, left).predict_proba(X)[[0, 399], 1].round(2).tolist()
    [0.02, 0.2]
    """

    _name = "term"
    _halfway = 0.0
    _full = 1.15

    def __init__(
        self,
        horizon_days: int = 90,
        borrowed: float = BORROWED,
        prior_buyers: float = PRIOR_BUYERS,
        overlap: float = 1.0,
    ) -> None:
        self.horizon_days = horizon_days
        self.borrowed = borrowed
        self.prior_buyers = prior_buyers
        self.overlap = overlap

    def _place(self, names: list[str]) -> None:
        super()._place(names)
        place = {name: position for position, name in enumerate(names)}
        self.facts_ = [place.get(name, -1) for name in COLUMNS]
        self.groups_ = [
            place[name]
            for name in names
            if " = " in name and name.split(" = ")[0] in ("term_plan", "term_kind")
        ]

    def _fit(self, X: Floats, y: Floats) -> None:
        self._place(self.columns_)
        told = self._told(X[np.isfinite(self._ends(X))])
        self.usual_ = usual_of(told)
        self.expected_ = self._expectations(X)
        signs, ends = self._signs(X), self._ends(X)
        self.hazards_ = [
            self._hazard(side, signs[rows], self._in_group(X[rows]), y[rows])
            for side, rows in ((side, ends == kind) for kind, side in enumerate(SIDES))
        ]

    def _told(self, X: Floats) -> dict[str, Floats]:
        return {name: self._column(X, position) for name, position in zip(COLUMNS, self.facts_, strict=True)}

    def _in_group(self, X: Floats) -> Any:
        return X[:, self.groups_] > 0.5

    def _phase(self, X: Floats) -> Any:
        age = np.nan_to_num(self._column(X, self.age_))
        return np.clip(age // PHASE_DAYS, 0, MOST_PHASES - 1).astype(np.int64)

    def _expectations(self, X: Floats) -> Floats:
        """Mean contacts by group and month of the term, each drawn to the mean of all by the prior."""
        phase, voice = self._phase(X), self._told(X)["term_n_voice"]
        known = np.isfinite(voice) & np.isfinite(self._ends(X))
        whole = float(voice[known].mean()) if known.any() else 0.0
        table = np.empty((len(self.groups_) + 1, MOST_PHASES))
        table[-1] = self._drawn(voice, phase, known, np.full(MOST_PHASES, whole))
        for row, column in enumerate(self.groups_):
            table[row] = self._drawn(voice, phase, known & (X[:, column] > 0.5), table[-1])
        return table

    def _drawn(self, voice: Floats, phase: Any, which: Any, to: Floats) -> Floats:
        n = np.bincount(phase[which], minlength=MOST_PHASES)
        total = np.bincount(phase[which], weights=voice[which], minlength=MOST_PHASES)
        prior = self.prior_buyers * self.overlap
        return np.asarray((total + prior * to) / (n + prior))

    def _signs(self, X: Floats) -> Floats:
        phase = self._phase(X)
        expected = self.expected_[-1][phase]
        for row, column in enumerate(self.groups_):
            if self.columns_[column].startswith("term_plan = "):
                expected = np.where(X[:, column] > 0.5, self.expected_[row][phase], expected)
        return signs_of(self._told(X), self.usual_, expected)

    def _hazard(self, side: str, signs: Floats, groups: Any, y: Floats) -> State:
        """What is to be expected, moved by what was seen."""
        low, high = np.min(signs, axis=0, initial=0.0), np.max(signs, axis=0, initial=0.0)
        level, level_sd = LEVEL[side]
        if side == "runs":
            level += float(np.log(self.horizon_days / USUAL_HORIZON_DAYS))
        n_groups, at = groups.shape[1], SIDES.index(side)
        effects = [self.borrowed * EFFECTS[name][at] for name in SIGNS]
        drawn = fit_drawn_logistic(
            np.column_stack([np.ones(len(y)), signs, groups]),
            y,
            1.0 / self.overlap,
            np.array([level, *effects, *np.zeros(n_groups)]),
            np.array([level_sd, *np.full(len(SIGNS), EFFECT_SD), *np.full(n_groups, GROUP_SD)]) ** 2,
            np.array([False, *np.ones(len(SIGNS), dtype=bool), *np.zeros(n_groups, dtype=bool)]),
        )
        return {
            "coefficients": drawn.coefficients,
            "covariance": drawn.covariance,
            "low": low,
            "high": high,
        }

    def _design(self, X: Floats, hazard: State) -> Floats:
        """The level, signs clipped to what was learned from, and groups; shape (n_rows, n_terms)."""
        signs = np.clip(self._signs(X), hazard["low"], hazard["high"])
        return np.column_stack([np.ones(len(X)), signs, self._in_group(X)])

    def _contributions(self, X: Floats, hazard: State) -> list[tuple[int, Floats]]:
        """What each sign, then each group, adds to the level, with the column behind it."""
        Z = self._design(X, hazard)
        place = {name: at if at >= 0 else self.age_ for name, at in zip(COLUMNS, self.facts_, strict=True)}
        owners = [*(place[owner] for owner in SIGNS.values()), *self.groups_]
        weights = hazard["coefficients"][1:]
        return [(owner, Z[:, 1 + at] * weights[at]) for at, owner in enumerate(owners)]

    def _log_odds(self, X: Floats) -> Floats:
        answer, ends = np.full(len(X), np.nan), self._ends(X)
        for kind, hazard in enumerate(self.hazards_):
            here = ends == kind
            total = np.full(int(here.sum()), float(hazard["coefficients"][0]))
            for _, added in self._contributions(X[here], hazard):  # term by term: no other row can move a bit
                total += added
            answer[here] = total
        return answer

    def _unsure(self, X: Floats) -> Floats:
        """What the rows leave open of level and effects, and what no sign tells."""
        told, ends = np.full(len(X), np.nan), self._ends(X)
        for kind, hazard in enumerate(self.hazards_):
            here = np.flatnonzero(ends == kind)
            Z, left_open = self._design(X[here], hazard), np.full(len(here), UNTOLD_SD**2)
            for row, one in enumerate(hazard["covariance"]):  # term by term: no other row can move a bit
                mixed = np.zeros(len(here))
                for term, value in enumerate(one):
                    mixed += Z[:, term] * value
                left_open += Z[:, row] * mixed
            told[here] = np.sqrt(np.maximum(left_open, 0.0))
        return told

    def _split(self, X: Floats, groups: Groups, n_groups: int) -> Split:
        start, ends = float(self.hazards_[0]["coefficients"][0]), self._ends(X)
        parts = np.zeros((len(X), n_groups), order="F")
        for kind, hazard in enumerate(self.hazards_):
            here = np.flatnonzero(ends == kind)
            if self.left_ >= 0:
                parts[here, groups[self.left_]] += hazard["coefficients"][0] - start
            for column, added in self._contributions(X[here], hazard):
                if column >= 0:
                    parts[here, groups[column]] += added
        return Split(self._log_odds(X), start, parts)

    @classmethod
    def _check_fitted(
        cls, params: dict[str, Any], fitted: dict[str, Any], names: list[str], where: str
    ) -> None:
        """Both hazards over the same terms: a level, signs, groups."""
        lists = ("facts_", "groups_")
        mapping(fitted, where, ("age_", "left_", "usable_", *lists, "usual_", "expected_", "hazards_"))
        cls._check_places(fitted, names, where)
        columns = [names.index(name) if name in names else -1 for name in COLUMNS]
        same(fitted["facts_"], columns, f"{where}.facts_")
        for place in items(fitted["groups_"], f"{where}.groups_", most=len(names)):
            whole(place, f"{where}.groups_", 0, len(names) - 1)
        n_groups = len(fitted["groups_"])
        array(fitted["usual_"], f"{where}.usual_", "f", (3,))
        array(fitted["expected_"], f"{where}.expected_", "f", (n_groups + 1, MOST_PHASES), 0.0, 1e9)
        n_terms = 1 + len(SIGNS) + n_groups
        for hazard in items(fitted["hazards_"], f"{where}.hazards_", 2):
            hazard = mapping(hazard, f"{where}.hazards_", ("coefficients", "covariance", "low", "high"))
            weights = hazard["coefficients"]
            array(weights, f"{where}.hazards_", "f", (n_terms,), -MOST_LOG_ODDS, MOST_LOG_ODDS)
            array(hazard["covariance"], f"{where}.hazards_", "f", (n_terms, n_terms))
            for name in ("low", "high"):
                array(hazard[name], f"{where}.hazards_", "f", (len(SIGNS),))
