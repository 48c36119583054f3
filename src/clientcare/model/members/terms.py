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
    share_of,
)
from clientcare.model.members.forms import (
    MOST_LOG_ODDS,
    array,
    flag,
    items,
    mapping,
    number,
    refuse,
    same,
    whole,
)
from clientcare.model.members.logistic import fit_ridge_logistic

STEP_DAYS = 30
"""How far apart the past dates lie that are learned from."""
AGE, LEFT = "term_age_days", "term_days_left"
"""Columns: days since the term began, and to its end (NaN: open-ended); the first is known of whoever is under contract."""
PRIOR_LEVEL = 2.0
"""The two levels are drawn towards their common one by so many independent rows: none seen to leave is not never."""
PRIOR_BUYERS = 10.0
"""A group's own share counts half with so many of its rows (beta-binomial), the whole's the other half."""
PENALTY = 40.0
"""On real course contracts, at four dates, 4, 40 and 200 came to .1101, .1097 and .1099 in log loss."""
LEAST_OF_EACH = 5
"""Fewer who left, or who stayed, tell only the level."""
PHASE_DAYS = 30
"""What others of the plan had said at this age of the term is looked up by month."""
MOST_PHASES = 60
"""Five years: older terms share the last."""
VOICES = ("term_n_voice",)
"""Counts that are held against those of the same plan and phase. Those of the last month and quarter too made it worse
(.1105 for .1097): what is due in a month differs from one cohort to the next."""
FACTS = (
    "term_n_voice_14d",
    "term_n_voice_30d",
    "term_n_voice_90d",
    "term_days_since_voice",
    "term_last_rating",
    "term_mean_rating",
    "term_n_missed_60d",
)
"""Facts of contact; the standing among peers and the phase of the term are made here."""


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
    """Two ridge regressions on few facts: for terms that end within the horizon, and for those that do not.

    The level is that of the buyer's plan and kind, drawn to the whole as far as few were seen. Where fewer than five left
    or stayed there is only the level. Rows without a term (its age unknown) are not known to this member.

    Parameters
    ----------
    horizon_days : int
        A term ends within so many days, or does not.
    penalty : float
        The ridge.
    prior_buyers : float
        How many rows the whole counts for beside a group's own.
    overlap : float
        In how many rows one leaving is seen, where dates lie closer than the horizon: penalty and prior grow with it, or
        one leaver would count for several.

    Attributes
    ----------
    hazards_ : list of dict
        For early leaving and for ends: intercept, levels by group, means, spreads and coefficients of the terms.
    expected_ : float64 array of shape (n_counts, n_groups + 1, MOST_PHASES)
        How many contacts of their own buyers of a group had at each month of a term; the last row of each is of all.

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
        penalty: float = PENALTY,
        prior_buyers: float = PRIOR_BUYERS,
        overlap: float = 1.0,
    ) -> None:
        self.horizon_days = horizon_days
        self.penalty = penalty
        self.prior_buyers = prior_buyers
        self.overlap = overlap

    def _place(self, names: list[str]) -> None:
        super()._place(names)
        place = {name: position for position, name in enumerate(names)}
        self.voices_ = [place[name] for name in VOICES if name in place]
        self.facts_ = [place[name] for name in FACTS if name in place]
        self.groups_ = [
            place[name]
            for name in names
            if " = " in name and name.split(" = ")[0] in ("term_plan", "term_kind")
        ]

    def _fit(self, X: Floats, y: Floats) -> None:
        self._place(self.columns_)
        self.expected_ = np.zeros((len(self.voices_), len(self.groups_) + 1, MOST_PHASES))
        for at, voice in enumerate(self.voices_):
            self.expected_[at] = self._expectations(X, X[:, voice])
        ends = self._ends(X)
        levels = self._levels(ends, y)
        self.hazards_ = [
            self._hazard(X[ends == kind], y[ends == kind], level)
            for kind, level in zip((0.0, 1.0), levels, strict=True)
        ]

    def _phase(self, X: Floats) -> Any:
        age = np.nan_to_num(self._column(X, self.age_))
        return np.clip(age // PHASE_DAYS, 0, MOST_PHASES - 1).astype(np.int64)

    def _expectations(self, X: Floats, voice: Floats) -> Floats:
        """Mean contacts by group and month of the term, each drawn to the mean of all by the prior."""
        phase = self._phase(X)
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

    def _standing(self, X: Floats, voice: Floats, table: Floats) -> Floats:
        """Own contacts against those of the plan at the same month of a term, on the log scale."""
        phase = self._phase(X)
        expected = table[-1][phase]
        for row, column in enumerate(self.groups_):
            if self.columns_[column].startswith("term_plan = "):
                expected = np.where(X[:, column] > 0.5, table[row][phase], expected)
        return np.asarray(np.log1p(voice) - np.log1p(expected))

    def _terms(self, X: Floats) -> Floats:
        """Raw terms, NaN where unknown: facts on the log scale, their trend, standing, phase."""
        columns = [np.log1p(X[:, position]) for position in self.facts_]
        age, left = self._column(X, self.age_), self._column(X, self.left_)
        share = age / np.where(age + left > 0, age + left, np.nan)
        for voice, table in zip(self.voices_, self.expected_, strict=True):
            standing = self._standing(X, X[:, voice], table)
            columns += [standing, np.maximum(-standing, 0.0)]
        columns += [np.log1p(age), share, share**2]
        return np.column_stack(columns)

    def _hazard(self, X: Floats, y: Floats, intercept: float) -> State:
        share = float(share_of(np.array([intercept]))[0])
        prior = self.prior_buyers * self.overlap
        levels = np.zeros(len(self.groups_))
        for at, column in enumerate(self.groups_):
            inside = X[:, column] > 0.5
            own = (float(y[inside].sum()) + prior * share) / (float(inside.sum()) + prior)
            levels[at] = float(log_odds_of(own, 1e-4)) - intercept
        raw = self._terms(X)
        n_terms = raw.shape[1]
        known = np.isfinite(raw)
        n = known.sum(axis=0).clip(1)
        mean = np.where(known, raw, 0.0).sum(axis=0) / n
        spread = np.sqrt((np.where(known, raw - mean, 0.0) ** 2).sum(axis=0) / n)
        low = np.array([np.min(raw[known[:, t], t], initial=np.inf) for t in range(n_terms)])
        high = np.array([np.max(raw[known[:, t], t], initial=-np.inf) for t in range(n_terms)])
        hazard: State = {
            "intercept": intercept,
            "levels": levels,
            "mean": mean,
            "spread": np.where(spread > 1e-9, spread, 0.0),
            "low": np.where(np.isfinite(low), low, 0.0),
            "high": np.where(np.isfinite(high), high, 0.0),
            "flagged": (known.any(axis=0) & ~known.all(axis=0)).astype(np.int64),
            "coefficients": np.zeros(2 * n_terms),
        }
        if min(float(y.sum()), len(y) - float(y.sum())) >= LEAST_OF_EACH * self.overlap:
            Z = self._standardised(X, hazard)
            groups = X[:, self.groups_] > 0.5
            fitted, weights = fit_ridge_logistic(np.column_stack([Z, groups]), y, self.penalty * self.overlap)
            hazard["intercept"], hazard["coefficients"] = fitted, weights[: Z.shape[1]]
            hazard["levels"] = weights[Z.shape[1] :]
        return hazard

    def _standardised(self, X: Floats, hazard: State) -> Floats:
        """Terms clipped to what was learned from, in spreads; unknown is the mean, with a flag."""
        raw = self._terms(X)
        unknown = ~np.isfinite(raw)
        spread = np.where(hazard["spread"] > 0, hazard["spread"], 1.0)
        clipped = np.clip(np.where(unknown, hazard["mean"], raw), hazard["low"], hazard["high"])
        values = (clipped - hazard["mean"]) / spread
        values[:, hazard["spread"] == 0] = 0.0
        return np.column_stack([values, unknown & (hazard["flagged"] > 0)])

    def _owners(self) -> list[int]:
        """The column behind each term, -1 where the table lacks it."""
        voices = [column for column in self.voices_ for _ in range(2)]
        return [*self.facts_, *voices, self.age_, self.left_, self.left_]

    def _contributions(self, X: Floats, hazard: State) -> list[tuple[int, Floats]]:
        """What each term, then each group, adds to the intercept, with the column behind it."""
        Z, owners = self._standardised(X, hazard), self._owners()
        told = [
            (owners[term % len(owners)], Z[:, term] * weight)
            for term, weight in enumerate(hazard["coefficients"])
        ]
        levels = zip(self.groups_, hazard["levels"], strict=True)
        return told + [(column, (X[:, column] > 0.5) * level) for column, level in levels]

    def _log_odds(self, X: Floats) -> Floats:
        answer, ends = np.full(len(X), np.nan), self._ends(X)
        for kind, hazard in zip((0.0, 1.0), self.hazards_, strict=True):
            here = ends == kind
            total = np.full(int(here.sum()), float(hazard["intercept"]))
            for _, added in self._contributions(X[here], hazard):  # term by term: no other row can move a bit
                total += added
            answer[here] = total
        return answer

    def _split(self, X: Floats, groups: Groups, n_groups: int) -> Split:
        start, ends = float(self.hazards_[0]["intercept"]), self._ends(X)
        parts = np.zeros((len(X), n_groups), order="F")
        for kind, hazard in zip((0.0, 1.0), self.hazards_, strict=True):
            here = np.flatnonzero(ends == kind)
            if self.left_ >= 0:
                parts[here, groups[self.left_]] += hazard["intercept"] - start
            for column, added in self._contributions(X[here], hazard):
                if column >= 0:
                    parts[here, groups[column]] += added
        return Split(self._log_odds(X), start, parts)

    @classmethod
    def _check_fitted(
        cls, params: dict[str, Any], fitted: dict[str, Any], names: list[str], where: str
    ) -> None:
        """Both hazards over the same terms: facts, two for each voice, three of the phase, each with its flag."""
        lists = ("voices_", "facts_", "groups_")
        mapping(fitted, where, ("age_", "left_", "usable_", *lists, "expected_", "hazards_"))
        cls._check_places(fitted, names, where)
        for own, columns in (("voices_", VOICES), ("facts_", FACTS)):
            same(fitted[own], [names.index(name) for name in columns if name in names], f"{where}.{own}")
        for place in items(fitted["groups_"], f"{where}.groups_", most=len(names)):
            whole(place, f"{where}.groups_", 0, len(names) - 1)
        n_groups = len(fitted["groups_"])
        shape = (len(fitted["voices_"]), n_groups + 1, MOST_PHASES)
        array(fitted["expected_"], f"{where}.expected_", "f", shape, 0.0, 1e9)
        n_terms = len(fitted["facts_"]) + 2 * len(fitted["voices_"]) + 3
        for hazard in items(fitted["hazards_"], f"{where}.hazards_", 2):
            names_of = ("intercept", "levels", "mean", "spread", "low", "high", "flagged", "coefficients")
            hazard = mapping(hazard, f"{where}.hazards_", names_of)
            number(hazard["intercept"], f"{where}.hazards_", -MOST_LOG_ODDS, MOST_LOG_ODDS)
            array(hazard["levels"], f"{where}.hazards_", "f", (n_groups,), -MOST_LOG_ODDS, MOST_LOG_ODDS)
            for name in ("mean", "low", "high"):
                array(hazard[name], f"{where}.hazards_", "f", (n_terms,))
            array(hazard["spread"], f"{where}.hazards_", "f", (n_terms,), 0.0)
            array(hazard["flagged"], f"{where}.hazards_", "i", (n_terms,), 0, 1)
            weights = (2 * n_terms,)
            array(hazard["coefficients"], f"{where}.hazards_", "f", weights, -MOST_LOG_ODDS, MOST_LOG_ODDS)
