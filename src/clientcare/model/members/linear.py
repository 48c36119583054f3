"""The linear member: a strongly regularised logistic regression on clipped signed logs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from clientcare.model.members.base import (
    Asked,
    Floats,
    Groups,
    Member,
    Split,
    State,
    drawn_places,
    drawn_rows,
)
from clientcare.model.members.design import Design, check_design
from clientcare.model.members.forms import MOST_LOG_ODDS, array, mapping, number
from clientcare.model.members.logistic import fit_ridge_logistic


class RidgeLogistic(Member):
    """Logistic regression on clipped signed logs of the features, with a heavy ridge.

    Parameters
    ----------
    C : float
        Inverse of the ridge, as in scikit-learn. Small on purpose: a lightly regularised linear model
        collapses when the world drifts between training and horizon.
    kinked : sequence of str
        Columns with a bend at -1, 0 and 1 spreads from their mean, where the data has them.
    curved : sequence of str
        Columns that also enter squared and multiplied with the first kinked column.
    most_rows : int
        Of more rows, so many are drawn at random, always the same of the same number: with a few hundred
        terms under a heavy ridge, further rows move no coefficient by much.

    Attributes
    ----------
    intercept_ : float
    coefficients_ : float64 array of shape (n_terms,)
    classes_ : array of shape (2,)

    Examples
    --------
    >>> import pandas as pd
    >>> X = pd.DataFrame({"days_since_last_purchase": [3, 5, 90, 200], "n_purchases": [9, 4, 2, 1]})
    >>> RidgeLogistic(C=1.0).fit(X, [0, 0, 1, 1]).predict(X)
    array([0, 0, 1, 1])
    """

    _name = "linear"
    _halfway = 30.0
    _full = 1.15

    def __init__(
        self,
        C: float = 0.003,
        kinked: Sequence[str] = ("days_since_last_purchase",),
        curved: Sequence[str] = (),
        most_rows: int = 64_000,
    ) -> None:
        self.C = C
        self.kinked = kinked
        self.curved = curved
        self.most_rows = most_rows

    @classmethod
    def _for(cls, asked: Asked) -> Self:
        return cls(curved=(f"n_purchases_{asked.rhythm_days}d", "overdue_mean_ratio"))

    def _fit_some(self, X: Floats, rows: Groups, y: Floats) -> None:
        """What would not be drawn is not looked at."""
        drawn = drawn_places(len(rows), self.most_rows)
        rows, y = (rows, y) if drawn is None else (rows[drawn], y[drawn])
        Z = self._designed(X.T.take(rows, axis=1).T)  # and let go of the columns, which are no longer needed
        self.intercept_, self.coefficients_ = fit_ridge_logistic(Z, y, 1.0 / self.C)

    def _fit(self, X: Floats, y: Floats) -> None:
        X, y = drawn_rows(X, y, self.most_rows)
        self.intercept_, self.coefficients_ = fit_ridge_logistic(self._designed(X), y, 1.0 / self.C)

    def _designed(self, X: Floats) -> Floats:
        """Learn the terms from some rows, and work them out."""
        place = {name: position for position, name in enumerate(self.columns_)}
        kinked = [place[name] for name in self.kinked if name in place]
        curved = [place[name] for name in self.curved if name in place]
        products = [(column, column) for column in curved]
        products += [(column, kinked[0]) for column in curved if kinked and column != kinked[0]]
        self.design_ = Design([(column, (-1.0, 0.0, 1.0)) for column in kinked], products).fit(X)
        return self.design_.transform(X)

    def _log_odds(self, X: Floats) -> Floats:
        return self.intercept_ + self.design_.weigh(X, self.coefficients_)[0]

    def _split(self, X: Floats, groups: Groups, n_groups: int) -> Split:
        total, parts = self.design_.weigh(X, self.coefficients_, groups, n_groups)
        return Split(self.intercept_ + total, self.intercept_, parts)

    def get_state(self) -> State:
        """Everything the fitted member is, as numbers, texts and arrays."""
        state = super().get_state()
        state["params"] = {
            "C": self.C,
            "kinked": list(self.kinked),
            "curved": list(self.curved),
            "most_rows": self.most_rows,
        }
        state["fitted"]["design_"] = self.design_.get_state()
        return state

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The member that :meth:`get_state` told of, bit for bit."""
        fitted: dict[str, Any] = dict(state["fitted"])
        fitted["design_"] = Design.from_state(fitted["design_"])
        return super().from_state({"params": state["params"], "fitted": fitted})

    @classmethod
    def _check_fitted(
        cls, params: dict[str, Any], fitted: dict[str, Any], names: list[str], where: str
    ) -> None:
        mapping(fitted, where, ("design_", "intercept_", "coefficients_"))
        number(params["C"], f"{where}.C", 1e-9)
        number(fitted["intercept_"], f"{where}.intercept_", -MOST_LOG_ODDS, MOST_LOG_ODDS)
        n_terms = check_design(fitted["design_"], len(names), f"{where}.design_")
        array(
            fitted["coefficients_"], f"{where}.coefficients_", "f", (n_terms,), -MOST_LOG_ODDS, MOST_LOG_ODDS
        )
