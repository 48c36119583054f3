"""A learner from outside, in the place of the boosted trees."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clientcare.exceptions import ModelFileError, OptionError
from clientcare.model.members.base import Floats, Groups, Member, Split, State, log_odds_of
from clientcare.model.members.design import Design

LEAST = 1e-6


class OutsideLearner(Member):
    """Any scikit-learn classifier as a member; explained by a linear reading of what it says.

    Parameters
    ----------
    estimator : classifier with ``fit`` and ``predict_proba``
        Fitted in place; hand in a clone.
    """

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator

    def _fit(self, X: Floats, y: Floats) -> None:
        if not hasattr(self.estimator, "predict_proba"):
            raise OptionError(
                f"RelationshipModel: estimator {type(self.estimator).__name__} gives no probabilities.\n"
                "Give a classifier with predict_proba, or wrap it: CalibratedClassifierCV(...)."
            )
        self.used_ = varying_columns(X)
        try:
            self.estimator.fit(self._frame(X), y.astype(np.int64))
        except ValueError as cause:
            if "NaN" not in str(cause):
                raise
            raise OptionError(
                f"RelationshipModel: estimator {type(self.estimator).__name__} cannot meet unknown values (NaN).\n"
                "Put an imputer before it: make_pipeline(SimpleImputer(), ...)."
            ) from cause
        some = X[:: max(1, len(X) // 20_000)]
        self.design_ = Design().fit(some)
        Z, target = self.design_.transform(some), self._log_odds(some)
        self.intercept_ = float(target.mean())
        ridge = Z.T @ Z + 1e-2 * len(Z) * np.eye(Z.shape[1])
        self.coefficients_ = np.asarray(
            np.linalg.solve(ridge, Z.T @ (target - self.intercept_)), dtype=np.float64
        )

    def _frame(self, X: Floats) -> pd.DataFrame:
        return pd.DataFrame(X[:, self.used_], columns=[f"x{place}" for place in self.used_])

    def _log_odds(self, X: Floats) -> Floats:
        said = np.asarray(self.estimator.predict_proba(self._frame(X)), dtype=np.float64)[:, 1]
        return log_odds_of(said, LEAST)

    def _split(self, X: Floats, groups: Groups, n_groups: int) -> Split:
        log_odds = self._log_odds(X)
        said, parts = self.design_.weigh(X, self.coefficients_, groups, n_groups)
        parts[:, n_groups - 1] += log_odds - self.intercept_ - said
        return Split(log_odds, self.intercept_, parts)

    def get_state(self) -> State:
        """Refused: an outside learner may hold code.

        Raises
        ------
        ModelFileError
        """
        raise ModelFileError(
            f"a model with estimator={type(self.estimator).__name__} cannot be saved: a model file holds no code.\n"
            "Fit it without estimator=, or keep the fitting script and fit again."
        )


def varying_columns(X: Floats) -> NDArray[np.int64]:
    """Columns with at least two different values; many learners cannot take an all-missing one."""
    kept = []
    for column in range(X.shape[1]):
        values = X[:, column]
        known = values[~np.isnan(values)]
        if len(known) and (len(known) < len(values) or known.min() < known.max()):
            kept.append(column)
    return np.array(kept, dtype=np.int64)
