"""The simple rules that every model has to beat: how long ago, and how overdue."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from clientcare.model.members.base import Floats, Groups, Member, Split
from clientcare.model.members.design import signed_log
from clientcare.model.members.forms import MOST_LOG_ODDS, array, mapping, number, same, text
from clientcare.model.members.logistic import fit_ridge_logistic


class SingleColumnRule(Member):
    """A logistic regression on the log of one column; unknown values get a level of their own.

    Parameters
    ----------
    column : str
        The column looked at. A table without names or without that column is judged by its first column.
    """

    def __init__(self, column: str = "days_since_last_purchase") -> None:
        self.column = column

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True  # one column cannot know more
        return tags

    def _fit(self, X: Floats, y: Floats) -> None:
        self.position_ = self.columns_.index(self.column) if self.column in self.columns_ else 0
        seen = signed_log(X[:, self.position_])
        known = np.isfinite(seen)
        self.mean_ = float(seen[known].mean()) if known.any() else 0.0
        spread = float(seen[known].std()) if known.any() else 0.0
        self.spread_ = spread if spread > 1e-9 else 1.0
        self.intercept_, self.coefficients_ = fit_ridge_logistic(self._terms(X), y, 1.0)

    def _fit_some(self, X: Floats, rows: Groups, y: Floats) -> None:
        """One column is all that is looked at."""
        position = self.columns_.index(self.column) if self.column in self.columns_ else 0
        columns, self.columns_ = self.columns_, [self.columns_[position]]
        self._fit(X[rows, position][:, None], y)
        self.columns_, self.position_ = columns, position

    def _terms(self, X: Floats) -> Floats:
        values = (signed_log(X[:, self.position_]) - self.mean_) / self.spread_
        unknown = ~np.isfinite(values)
        return np.column_stack([np.where(unknown, 0.0, values), unknown])

    def _log_odds(self, X: Floats) -> Floats:
        terms = self._terms(X)
        return np.asarray(
            self.intercept_ + terms[:, 0] * self.coefficients_[0] + terms[:, 1] * self.coefficients_[1]
        )

    def _split(self, X: Floats, groups: Groups, n_groups: int) -> Split:
        log_odds, parts = self._log_odds(X), np.zeros((len(X), n_groups), order="F")
        parts[:, groups[self.position_]] = log_odds - self.intercept_
        return Split(log_odds, self.intercept_, parts)

    @classmethod
    def _check_fitted(
        cls, params: dict[str, Any], fitted: dict[str, Any], names: list[str], where: str
    ) -> None:
        mapping(fitted, where, ("position_", "mean_", "spread_", "intercept_", "coefficients_"))
        column = text(params["column"], f"{where}.column")
        same(fitted["position_"], names.index(column) if column in names else 0, f"{where}.position_")
        number(fitted["mean_"], f"{where}.mean_")
        number(fitted["spread_"], f"{where}.spread_", 1e-9)
        number(fitted["intercept_"], f"{where}.intercept_", -MOST_LOG_ODDS, MOST_LOG_ODDS)
        array(fitted["coefficients_"], f"{where}.coefficients_", "f", (2,), -MOST_LOG_ODDS, MOST_LOG_ODDS)


class RecencyRule(SingleColumnRule):
    """The longer ago the last purchase, the likelier the leaving: the rule everybody knows.

    Examples
    --------
    >>> import pandas as pd
    >>> X = pd.DataFrame({"days_since_last_purchase": [1.0, 2.0, 80.0, 90.0]})
    >>> RecencyRule().fit(X, [0, 0, 1, 1]).predict(X)
    array([0, 0, 1, 1])
    """

    _name = "recency"

    def __init__(self, column: str = "days_since_last_purchase") -> None:
        super().__init__(column)


class OverdueRule(SingleColumnRule):
    """The longer the silence in units of a buyer's own usual gap, the likelier the leaving.

    Buyers who bought once have no usual gap: they share one level.
    """

    _name = "overdue"

    def __init__(self, column: str = "overdue_ratio") -> None:
        super().__init__(column)


class BaseRate(Member):
    """The share seen so far, the same for every buyer: for when nothing else can be known.

    One half of a buyer is added to each side, so that the share is never 0 or 1.
    """

    _name = "base_rate"
    _answers = ()
    _learns_from = "counts"

    def fit_share(self, n_with: int, n_all: int) -> Self:
        """Take the share from counts; no table is needed."""
        share = (n_with + 0.5) / (n_all + 1.0)
        self.classes_, self.columns_ = np.array([False, True]), []
        self.intercept_ = float(np.log(share) - np.log1p(-share))
        return self

    def _fit(self, X: Floats, y: Floats) -> None:
        share = (float(y.sum()) + 0.5) / (len(y) + 1.0)
        self.intercept_ = float(np.log(share) - np.log1p(-share))

    def _log_odds(self, X: Floats) -> Floats:
        return np.full(len(X), self.intercept_)

    def _split(self, X: Floats, groups: Groups, n_groups: int) -> Split:
        return Split(self._log_odds(X), self.intercept_, np.zeros((len(X), n_groups), order="F"))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True
        return tags

    @classmethod
    def _check_fitted(
        cls, params: dict[str, Any], fitted: dict[str, Any], names: list[str], where: str
    ) -> None:
        mapping(fitted, where, ("intercept_",))
        number(fitted["intercept_"], f"{where}.intercept_", -MOST_LOG_ODDS, MOST_LOG_ODDS)
