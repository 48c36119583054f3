"""The probability member: what a buy-till-you-die model says of the horizon; it needs no past outcomes."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from clientcare.btyd import ParetoNBD
from clientcare.exceptions import ClientcareError
from clientcare.model.design import Design
from clientcare.model.member import Floats, Groups, Member, Split, State, log_odds_of

COUNT, STRETCH, AGE, SILENCE = (
    "n_repeat_purchases",
    "days_first_to_last_purchase",
    "days_since_first_purchase",
    "days_since_last_purchase",
)
UNDER_CONTRACT = "has_contract_in_force"
FEWEST_REPEATS = 5
LEAST = 1e-6
PENALTY = 0.1
"""A touch of information on each log parameter (its square is worth as much as a twentieth of a buyer): with thirty
buyers the likelihood may run to an end of the earth, with some hundred this is not felt."""


class LifetimeMember(Member):
    """The Pareto/NBD's answer over the coming horizon, read off three columns of the feature table.

    It is fitted on the buyers as they stand now, not on outcomes: it extrapolates where nothing was
    observed, and keeps the level as a cohort ages. Buyers without a purchase, or under contract, are
    left to the other members (NaN).

    Parameters
    ----------
    horizon_days : int
    periods, min_periods : int
        0 and 0: the probability to buy nothing in the horizon. Else: to buy in at least
        ``min_periods`` of ``periods`` equal parts of it.

    Attributes
    ----------
    parameters_ : dict of str to float
        r, alpha, s, beta; in days.
    usable_ : bool
        False where too few buyers ever came back to fit anything, or a table without the three columns was
        given; the share of the second class then answers for every buyer.
    """

    _needs_outcome = False

    def __init__(self, horizon_days: int = 90, periods: int = 0, min_periods: int = 0) -> None:
        self.horizon_days = horizon_days
        self.periods = periods
        self.min_periods = min_periods

    def _fit(self, X: Floats, y: Floats) -> None:
        self.place_ = {name: place for place, name in enumerate(self.columns_) if name in _COLUMNS}
        self.parameters_: dict[str, float] = {}
        self.usable_ = all(name in self.place_ for name in (COUNT, STRETCH, AGE))
        known = self._known(X) if self.usable_ else np.zeros(len(X), dtype=bool)
        self.intercept_ = float(log_odds_of((float(y.sum()) + 0.5) / (len(y) + 1.0)))
        summary = self._summary(X)[known] if known.any() else np.empty((0, 3))
        if summary[:, 0].sum() < FEWEST_REPEATS:
            self.usable_ = False
            return
        try:
            model = ParetoNBD(penalty=PENALTY).fit(summary)
        except ClientcareError:
            self.usable_ = False
            return
        self.parameters_ = {name: float(value) for name, value in model.parameters_.items()}
        self.usable_ = bool(np.isfinite(list(self.parameters_.values())).all()) and self.parameters_["r"] > 0
        if self.usable_:
            self._learn_to_explain(X[known])

    def _known(self, X: Floats) -> NDArray[np.bool_]:
        known = ~np.isnan(X[:, self.place_[COUNT]]) & ~np.isnan(X[:, self.place_[AGE]])
        if UNDER_CONTRACT in self.place_:
            known &= ~(X[:, self.place_[UNDER_CONTRACT]] > 0)
        return known

    def _summary(self, X: Floats) -> Floats:
        return np.column_stack([X[:, self.place_[name]] for name in (COUNT, STRETCH, AGE)])

    def _log_odds(self, X: Floats) -> Floats:
        if not self.usable_:
            return np.full(len(X), self.intercept_)
        log_odds = np.full(len(X), np.nan)
        known = self._known(X)
        if known.any():
            log_odds[known] = log_odds_of(self._ask(self._summary(X)[known]), LEAST)
        return log_odds

    def _ask(self, summary: Floats) -> Floats:
        model = ParetoNBD.from_parameters(**self.parameters_)
        if self.periods:
            said = model.prob_active_in_parts(summary, self.horizon_days, self.periods, self.min_periods)
        else:
            said = model.predict_no_purchase(summary, self.horizon_days)
        return np.asarray(said, dtype=np.float64)

    def _learn_to_explain(self, X: Floats) -> None:
        """A linear reading of the model's log-odds in count, silence and age; what it leaves goes to
        the silence.
        """
        some = X[:: max(1, len(X) // 5_000)]
        drivers = self._drivers(some)
        self.design_ = Design(
            [(column, (-1.0, 0.0, 1.0)) for column in range(3)], [(0, 1), (0, 2), (1, 2), (0, 0), (1, 1)]
        ).fit(drivers)
        Z = self.design_.transform(drivers)
        target = self._log_odds(some)
        self.intercept_ = float(target.mean())
        ridge = Z.T @ Z + 1e-3 * len(Z) * np.eye(Z.shape[1])
        self.coefficients_ = np.asarray(
            np.linalg.solve(ridge, Z.T @ (target - self.intercept_)), dtype=np.float64
        )

    def _drivers(self, X: Floats) -> Floats:
        silence = X[:, self.place_[AGE]] - X[:, self.place_[STRETCH]]
        return np.column_stack([X[:, self.place_[COUNT]], silence, X[:, self.place_[AGE]]])

    def _split(self, X: Floats, groups: Groups, n_groups: int) -> Split:
        log_odds = self._log_odds(X)
        if not self.usable_:
            return Split(log_odds, self.intercept_, np.zeros((len(X), n_groups), order="F"))
        silence = groups[self.place_.get(SILENCE, self.place_[STRETCH])]
        behind = np.array([groups[self.place_[COUNT]], silence, groups[self.place_[AGE]]])
        said, parts = self.design_.weigh(self._drivers(X), self.coefficients_, behind, n_groups)
        parts[:, silence] += log_odds - self.intercept_ - said
        return Split(log_odds, self.intercept_, parts)

    def expected_purchases(self, X: Floats) -> Floats:
        """Expected purchases in the horizon; shape (n_rows,), NaN where the member does not know a buyer."""
        expected = np.full(len(X), np.nan)
        known = self._known(X) if self.usable_ else np.zeros(len(X), dtype=bool)
        if known.any():
            model = ParetoNBD.from_parameters(**self.parameters_)
            expected[known] = model.expected_purchases(self._summary(X)[known], self.horizon_days)
        return expected

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True
        return tags

    def get_state(self) -> State:
        """Everything the fitted member is, as numbers, texts and arrays."""
        state = super().get_state()
        if "design_" in state["fitted"]:
            state["fitted"]["design_"] = self.design_.get_state()
        return state

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The member that :meth:`get_state` told of, bit for bit."""
        fitted: dict[str, Any] = dict(state["fitted"])
        if "design_" in fitted:
            fitted["design_"] = Design.from_state(fitted["design_"])
        return super().from_state({"params": state["params"], "fitted": fitted})


_COLUMNS = (COUNT, STRETCH, AGE, SILENCE, UNDER_CONTRACT)
