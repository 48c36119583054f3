"""What every member of the model is: a small classifier over a feature table, open about its log-odds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from clientcare.model.members.forms import plain

try:
    from sklearn.utils.validation import validate_data
except ImportError:  # scikit-learn 1.5

    def validate_data(estimator: Any, X: Any, y: Any = "no_validation", **options: Any) -> Any:
        """The same check under its older name."""
        options["force_all_finite"] = options.pop("ensure_all_finite", True)
        return estimator._validate_data(X, y, **options)


Floats = NDArray[np.float64]
Groups = NDArray[np.int64]
State = dict[str, Any]

LARGEST_LOG_ODDS = 30.0
QUESTIONS = ("churn", "patronage", "care_tie", "client")
OF_PATRONAGE = ("churn", "patronage")
"""The two questions that the facts of buying and of terms answer by themselves."""


@dataclass(frozen=True)
class Asked:
    """What a member is made for.

    Attributes
    ----------
    question : str
        One of :data:`QUESTIONS`.
    horizon_days : int
        The stretch that it is asked over.
    periods, min_periods : int
        Of patronage: in how many equal parts of the horizon, and in how many at least.
    rhythm_days : int
        The churn horizon, which the columns are measured against.
    effort : str
    random_state : int
    """

    question: str
    horizon_days: int
    periods: int = 0
    min_periods: int = 0
    rhythm_days: int = 90
    effort: str = "default"
    random_state: int = 0


@dataclass(frozen=True, eq=False)
class Split:
    """A member's log-odds and what they are made of.

    Attributes
    ----------
    log_odds : float64 array of shape (n_rows,)
        NaN where the member does not know a buyer.
    start : float
        Log-odds before anything is known of a buyer.
    parts : float64 array of shape (n_rows, n_groups)
        ``start + parts.sum(axis=1)`` is ``log_odds``, but for rounding.
    """

    log_odds: Floats
    start: float
    parts: Floats


class Member(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Base of the members: two classes, NaN allowed, log-odds that are a sum over the columns.

    A member implements ``_fit(X, y, names)`` and ``_log_odds(X)`` over plain float64 arrays of shape
    (n_rows, n_columns), and ``_split(X, groups, n_groups)`` which gives the same log-odds, to the bit,
    with the constant and the part for each group of columns that they are made of.
    """

    _needs_outcome = True
    _name = ""
    """Under which it stands in a blend."""
    _answers: tuple[str, ...] = QUESTIONS
    """The questions that it is asked."""
    _learns_from = "snapshots"
    """``snapshots``: all buyers at the common past dates; ``present``: those of now, no outcomes; ``terms``: those under
    contract at many dates of their own; ``counts``: nothing but two numbers."""
    _knows_all = True
    """Whether it answers for every buyer; who is not under contract is not known to a member of terms."""
    _halfway: float | None = None
    """Buyers of the rarer outcome at which it counts half; 0: it always counts fully; None: it is judged and not weighed."""
    _full = 1.0
    """How much it counts in the mean where all know enough."""

    @classmethod
    def _for(cls, asked: Asked) -> Self:
        """The unfitted member for a question."""
        return cls()

    def fit(self, X: Any, y: Any) -> Self:
        """Learn from rows whose outcome is known.

        Parameters
        ----------
        X : DataFrame or array of shape (n_rows, n_columns)
            Features; NaN is unknown.
        y : array of shape (n_rows,)
            Two classes; the second in sorted order is the one whose probability is asked for.

        Returns
        -------
        self
        """
        names = _names_of(X)
        X, y = validate_data(self, X, y, dtype=np.float64, ensure_all_finite="allow-nan")
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) > 2:
            raise ValueError(
                f"Only binary classification is supported. The type of the target is multiclass: "
                f"{len(self.classes_)} classes found."
            )
        self.columns_ = names or [f"x{position}" for position in range(X.shape[1])]
        self._fit(X, codes.astype(np.float64))
        return self

    def decision_function(self, X: Any) -> Floats:
        """Log-odds of the second class; shape (n_rows,)."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan", reset=False)
        return self._log_odds(X) if len(self.classes_) == 2 else np.full(len(X), -LARGEST_LOG_ODDS)

    def predict_proba(self, X: Any) -> Floats:
        """Probability of each class; shape (n_rows, n_classes)."""
        probability = share_of(self.decision_function(X))
        if len(self.classes_) == 1:
            return np.ones((len(probability), 1))
        return np.column_stack([1 - probability, probability])

    def predict(self, X: Any) -> NDArray[Any]:
        """The likelier class of each row."""
        chosen = (self.decision_function(X) > 0).astype(np.int64)
        return np.asarray(self.classes_[chosen])

    def _fit(self, X: Floats, y: Floats) -> None:
        raise NotImplementedError

    def _fit_some(self, X: Floats, rows: Groups, y: Floats) -> None:
        """Learn from some rows of a larger table, whose outcome is ``y``: of what is not needed no copy is made."""
        self._fit(X.T.take(rows, axis=1).T, y)

    def _log_odds(self, X: Floats) -> Floats:
        raise NotImplementedError

    def _split(self, X: Floats, groups: Groups, n_groups: int) -> Split:
        raise NotImplementedError

    def _unsure(self, X: Floats) -> Floats:
        """Standard deviation of the log-odds, where the member says it itself; NaN elsewhere."""
        return np.full(len(X), np.nan)

    def get_state(self) -> State:
        """Everything the fitted member is, as numbers, texts and arrays."""
        fitted = {name: value for name, value in vars(self).items() if name.endswith("_")}
        return {"params": self.get_params(deep=False), "fitted": fitted}

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The member that :meth:`get_state` told of, bit for bit."""
        member = cls(**state["params"])
        for name, value in state["fitted"].items():
            setattr(member, name, value)
        return member

    @classmethod
    def _check_fitted(cls, params: State, fitted: State, names: list[str], where: str) -> None:
        """Refuse what no member of this kind can have learned over these columns.

        A kind without a form of its own must at least be plain and bounded.

        Raises
        ------
        ModelFileError
        """
        plain(fitted, where)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.classifier_tags.multi_class = False
        return tags

    def _more_tags(self) -> dict[str, Any]:
        return {"allow_nan": True, "binary_only": True}


def drawn_rows(X: Floats, y: Floats, most_rows: int, random_state: int = 0) -> tuple[Floats, Floats]:
    """At most so many rows, drawn at random and left in their order; column-major where any were left out."""
    drawn = drawn_places(len(X), most_rows, random_state)
    return (X, y) if drawn is None else (X.T.take(drawn, axis=1).T, y[drawn])


def drawn_places(n_rows: int, most_rows: int, random_state: int = 0) -> Groups | None:
    """Which of so many rows are drawn, ascending; None where all may stay."""
    if n_rows <= most_rows:
        return None
    return np.sort(np.random.default_rng(random_state).permutation(n_rows)[:most_rows])


def share_of(log_odds: Floats) -> Floats:
    """The probability behind log-odds; exact at both ends."""
    small = np.exp(-np.abs(log_odds))
    return np.asarray(np.where(log_odds >= 0, 1.0, small) / (1.0 + small))


def log_odds_of(probability: Floats | float, least: float = 1e-12) -> Floats:
    """log(p / (1 - p)), with p kept ``least`` away from 0 and 1."""
    p = np.clip(probability, least, 1 - least)
    return np.asarray(np.log(p) - np.log1p(-p))


def _names_of(X: Any) -> list[str] | None:
    if isinstance(X, pd.DataFrame):
        return [str(name) for name in X.columns]
    return None
