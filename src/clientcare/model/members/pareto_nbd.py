"""The probability members: what a buy-till-you-die model says of the horizon; they need no past outcomes."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from clientcare.btyd import ParetoNBD
from clientcare.exceptions import ClientcareError
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
from clientcare.model.members.design import Design, check_design
from clientcare.model.members.forms import (
    MOST_LOG_ODDS,
    array,
    flag,
    items,
    mapping,
    named,
    number,
    refuse,
    whole,
)
from clientcare.model.members.recall import Recall

GAMMA_LAWS = ("r", "alpha", "s", "beta")

COUNT, STRETCH, AGE, SILENCE = (
    "n_repeat_purchases",
    "days_first_to_last_purchase",
    "days_since_first_purchase",
    "days_since_last_purchase",
)
UNDER_CONTRACT = "has_contract_in_force"
Columns = dict[str, Floats]
"""Columns of a feature table by name, each of shape (n_rows,)."""
FEWEST_REPEATS = 5
LEAST = 1e-6
PENALTY = 0.1
"""A touch of information on each log parameter (its square is worth as much as a twentieth of a buyer): with thirty
buyers the likelihood may run to an end of the earth, with some hundred this is not felt."""


class ProbabilityMember(Member):
    """What a model of buying and leaving answers over the coming horizon, read off a few columns of the feature table.

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
    usable_ : bool
        False where too few buyers ever came back to fit anything, or a table without the columns was
        given; the share of the second class then answers for every buyer.
    """

    _needs_outcome = False
    _learns_from = "present"
    _answers = OF_PATRONAGE
    _halfway = 0.0
    _full = 0.7
    _reads: tuple[str, ...] = (COUNT, STRETCH, AGE)
    _reads_where_given: tuple[str, ...] = (SILENCE, UNDER_CONTRACT)

    def __init__(self, horizon_days: int = 90, periods: int = 0, min_periods: int = 0) -> None:
        self.horizon_days = horizon_days
        self.periods = periods
        self.min_periods = min_periods

    @classmethod
    def _for(cls, asked: Asked) -> Self:
        return cls(asked.horizon_days, asked.periods, asked.min_periods)

    def _fit(self, X: Floats, y: Floats) -> None:
        wanted = {*self._reads, *self._reads_where_given}
        self.place_ = {name: place for place, name in enumerate(self.columns_) if name in wanted}
        self.intercept_ = float(log_odds_of((float(y.sum()) + 0.5) / (len(y) + 1.0)))
        self.usable_ = all(name in self.place_ for name in self._reads)
        known = self._known(X) if self.usable_ else np.zeros(len(X), dtype=bool)
        columns = self._read(X, known)
        self.usable_ = bool(known.any()) and columns[COUNT].sum() >= FEWEST_REPEATS
        self.usable_ = self.usable_ and self._fit_known(columns)
        if self.usable_:
            self._learn_to_explain(columns)

    def _fit_known(self, columns: Columns) -> bool:
        """Learn from buyers with a purchase and without a contract; whether it went well."""
        raise NotImplementedError

    def _ask(self, columns: Columns) -> Floats:
        """The probability asked for, of buyers with a purchase and without a contract."""
        raise NotImplementedError

    def _expect(self, columns: Columns) -> Floats:
        """Expected purchases of such buyers."""
        raise NotImplementedError

    def _drivers(self, columns: Columns) -> tuple[Floats, list[str]]:
        """What the answer rests on, to explain it, and under which column each is told."""
        raise NotImplementedError

    def _read(self, X: Floats, rows: Any = slice(None)) -> Columns:
        """The columns that the member reads, of some rows."""
        return {name: X[:, place][rows] for name, place in self.place_.items()}

    def _known(self, X: Floats) -> NDArray[np.bool_]:
        known = ~np.isnan(X[:, self.place_[COUNT]]) & ~np.isnan(X[:, self.place_[AGE]])
        if UNDER_CONTRACT in self.place_:
            known &= ~(X[:, self.place_[UNDER_CONTRACT]] > 0)
        return known

    def _log_odds(self, X: Floats) -> Floats:
        if not self.usable_:
            return np.full(len(X), self.intercept_)
        log_odds = np.full(len(X), np.nan)
        known = self._known(X)
        if known.any():
            log_odds[known] = log_odds_of(self._ask(self._read(X, known)), LEAST)
        return log_odds

    def _learn_to_explain(self, columns: Columns) -> None:
        """A linear reading of the model's log-odds in its drivers; what it leaves goes to the silence."""
        every = max(1, len(columns[COUNT]) // 5_000)
        some = {name: values[::every] for name, values in columns.items()}
        drivers, _ = self._drivers(some)
        pairs = [(0, 1), (0, 2), (1, 2), (0, 0), (1, 1)]
        self.design_ = Design([(column, (-1.0, 0.0, 1.0)) for column in range(drivers.shape[1])], pairs)
        self.design_.fit(drivers)
        Z = self.design_.transform(drivers)
        target = log_odds_of(self._ask(some), LEAST)
        self.intercept_ = float(target.mean())
        ridge = Z.T @ Z + 1e-3 * len(Z) * np.eye(Z.shape[1])
        self.coefficients_ = np.asarray(
            np.linalg.solve(ridge, Z.T @ (target - self.intercept_)), dtype=np.float64
        )

    def _split(self, X: Floats, groups: Groups, n_groups: int) -> Split:
        log_odds = self._log_odds(X)
        if not self.usable_:
            return Split(log_odds, self.intercept_, np.zeros((len(X), n_groups), order="F"))
        drivers, names = self._drivers(self._read(X))
        silence = groups[self.place_.get(SILENCE, self.place_[STRETCH])]
        behind = np.array([groups[self.place_.get(name, self.place_[STRETCH])] for name in names])
        said, parts = self.design_.weigh(drivers, self.coefficients_, behind, n_groups)
        parts[:, silence] += log_odds - self.intercept_ - said
        return Split(log_odds, self.intercept_, parts)

    def expected_purchases(self, X: Floats) -> Floats:
        """Expected purchases in the horizon; shape (n_rows,), NaN where the member does not know a buyer."""
        expected = np.full(len(X), np.nan)
        known = self._known(X) if self.usable_ else np.zeros(len(X), dtype=bool)
        if known.any():
            expected[known] = self._expect(self._read(X, known))
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

    @classmethod
    def _check_probability(
        cls, fitted: dict[str, Any], names: list[str], where: str, own: str, n_drivers: int
    ) -> None:
        """What every member of a probability model keeps, beside its ``own`` part, over so many drivers."""
        mapping(fitted, where, ("place_", "intercept_", "usable_", "design_", "coefficients_", own))
        for name, place in mapping(fitted["place_"], f"{where}.place_").items():
            if names[whole(place, f"{where}.place_", 0, len(names) - 1)] != name:
                raise refuse(f"{where}.place_", "names a column that stands elsewhere")
        number(fitted["intercept_"], f"{where}.intercept_", -MOST_LOG_ODDS, MOST_LOG_ODDS)
        if not flag(fitted["usable_"], f"{where}.usable_"):
            raise refuse(where, "is a member that was not fitted")
        design = mapping(fitted["design_"], f"{where}.design_")
        low = named(design, "low", where)
        listed = low.tolist() if isinstance(low, np.ndarray) and low.ndim == 1 else low
        n_columns = len(items(listed, f"{where}.design_.low"))
        if n_columns != n_drivers:
            raise refuse(f"{where}.design_", "rests on another number of columns than it reads")
        n_terms = check_design(design, n_columns, f"{where}.design_")
        array(fitted["coefficients_"], f"{where}.coefficients_", "f", (n_terms,), -1e6, 1e6)
        for name in cls._reads:
            named(fitted["place_"], name, f"{where}.place_")


class LifetimeMember(ProbabilityMember):
    """The Pareto/NBD's answer: every buyer buys at random, at a rate of their own, until they leave.

    Parameters
    ----------
    horizon_days, periods, min_periods : int
        See :class:`ProbabilityMember`.

    Attributes
    ----------
    parameters_ : dict of str to float
        r, alpha, s, beta; in days.
    """

    _name = "lifetime"

    def _fit_known(self, columns: Columns) -> bool:
        self.parameters_ = pareto_parameters(_summary(columns))
        return bool(self.parameters_)

    def _ask(self, columns: Columns) -> Floats:
        return self.ask(_summary(columns))

    def ask(self, summary: Floats) -> Floats:
        """The probability for repeat purchases, days from the first to the last, and age; shape (n_buyers,)."""
        model = ParetoNBD.from_parameters(**self.parameters_)
        if self.periods:
            said = model.prob_active_in_parts(summary, self.horizon_days, self.periods, self.min_periods)
        else:
            said = model.predict_no_purchase(summary, self.horizon_days)
        return np.asarray(said, dtype=np.float64)

    def _expect(self, columns: Columns) -> Floats:
        model = ParetoNBD.from_parameters(**self.parameters_)
        return np.asarray(model.expected_purchases(_summary(columns), self.horizon_days))

    def _drivers(self, columns: Columns) -> tuple[Floats, list[str]]:
        silence = columns[AGE] - columns[STRETCH]
        return np.column_stack([columns[COUNT], silence, columns[AGE]]), [COUNT, SILENCE, AGE]

    @classmethod
    def _check_fitted(
        cls, params: dict[str, Any], fitted: dict[str, Any], names: list[str], where: str
    ) -> None:
        cls._check_probability(fitted, names, where, "parameters_", 3)
        laws = mapping(fitted["parameters_"], f"{where}.parameters_", GAMMA_LAWS)
        for name, value in laws.items():
            number(value, f"{where}.parameters_.{name}", 1e-12, 1e12)


def _summary(columns: Columns) -> Floats:
    return np.column_stack([columns[name] for name in (COUNT, STRETCH, AGE)])


def pareto_parameters(summary: Floats) -> dict[str, float]:
    """r, alpha, s, beta of a Pareto/NBD, in days; empty where none can be found.

    Parameters
    ----------
    summary : float64 array of shape (n_buyers, 3)
        Repeat purchases, days from the first to the last, and since the first.

    Notes
    -----
    Both questions, both members and the dates of a backtest ask about the same buyers: they are fitted once.
    """
    return dict(_parameters(summary))


def _fitted(summary: Floats) -> dict[str, float]:
    try:
        model = ParetoNBD(penalty=PENALTY).fit(summary)
    except ClientcareError:
        return {}
    found = {name: float(value) for name, value in model.parameters_.items()}
    return found if np.isfinite(list(found.values())).all() and found["r"] > 0 else {}


_parameters = Recall(_fitted)
