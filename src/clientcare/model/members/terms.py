"""The term member: whoever is bound leaves at the end of a term, or breaks it earlier; two hazards."""

from __future__ import annotations

from typing import Any

import numpy as np

from clientcare.model.members.base import Floats, Groups, Member, Split, State, log_odds_of
from clientcare.model.members.logistic import fit_ridge_logistic

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
VOICES = ("n_voice",)
"""Counts that are held against those of the same plan and phase. Those of the last month and quarter too made it worse
(.1105 for .1097): what is due in a month differs from one cohort to the next."""
FACTS = (
    "n_voice_14d",
    "n_voice_30d",
    "n_voice_90d",
    "days_since_voice",
    "last_rating",
    "mean_rating",
    "n_missed_60d",
)
"""Facts of contact; the standing among peers and the phase of the term are made here."""


class TermMember(Member):
    """Two ridge regressions on few facts: for terms that end within the horizon, and for those that do not.

    The level is that of the buyer's plan and kind, drawn to the whole as far as few were seen. Where fewer than five left
    or stayed there is only the level. Rows without a term (``ends`` unknown) are not known to this member.

    Parameters
    ----------
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
    >>> X = pd.DataFrame({"ends": np.repeat([0.0, 1.0], 200), "days_left": np.repeat([200.0, 10.0], 200)})
    >>> left = np.r_[np.arange(200) % 50 == 0, np.arange(200) % 5 == 0]
    >>> TermMember().fit(X, left).predict_proba(X)[[0, 399], 1].round(2).tolist()
    [0.02, 0.2]
    """

    def __init__(
        self, penalty: float = PENALTY, prior_buyers: float = PRIOR_BUYERS, overlap: float = 1.0
    ) -> None:
        self.penalty = penalty
        self.prior_buyers = prior_buyers
        self.overlap = overlap

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True  # knows nothing of a table without terms
        return tags

    def _fit(self, X: Floats, y: Floats) -> None:
        place = {name: position for position, name in enumerate(self.columns_)}
        self.ends_ = place.get("ends", -1)
        self.usable_ = self.ends_ >= 0
        self.voices_ = [place[name] for name in VOICES if name in place]
        self.age_ = place.get("days_under_term", -1)
        self.left_ = place.get("days_left", -1)
        self.facts_ = [place[name] for name in FACTS if name in place]
        self.groups_ = [
            place[name]
            for name in self.columns_
            if " = " in name and name.split(" = ")[0] in ("plan", "kind")
        ]
        self.expected_ = np.zeros((len(self.voices_), len(self.groups_) + 1, MOST_PHASES))
        for at, voice in enumerate(self.voices_):
            self.expected_[at] = self._expectations(X, X[:, voice])
        ends = self._ends(X)
        self.hazards_ = [self._hazard(X[ends == kind], y[ends == kind], y) for kind in (0.0, 1.0)]

    def _ends(self, X: Floats) -> Floats:
        """1 where a term ends within the horizon, 0 where not, NaN without a term; a table that does not say has no ends."""
        return X[:, self.ends_] if self.ends_ >= 0 else np.zeros(len(X))

    def _column(self, X: Floats, position: int) -> Floats:
        return X[:, position] if position >= 0 else np.full(len(X), np.nan)

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
            if self.columns_[column].startswith("plan = "):
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

    def _hazard(self, X: Floats, y: Floats, everybody: Floats) -> State:
        share = (float(y.sum()) + 0.5 * float(everybody.mean()) + 1e-3) / (len(y) + 0.5)
        intercept = float(log_odds_of(share, 1e-4))
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
            "flagged": known.any(axis=0) & ~known.all(axis=0),
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
        return np.column_stack([values, unknown & hazard["flagged"]])

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
            if self.ends_ >= 0:
                parts[here, groups[self.ends_]] += hazard["intercept"] - start
            for column, added in self._contributions(X[here], hazard):
                if column >= 0:
                    parts[here, groups[column]] += added
        return Split(self._log_odds(X), start, parts)
