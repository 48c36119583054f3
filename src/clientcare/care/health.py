"""A health score that is held to what happened: monotone, its weights learned or given, its tiers with
observed churn.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from clientcare.care.practices import MEASURES, care_practices
from clientcare.exceptions import InputError, NotEnoughDataError, OptionError, SchemaError
from clientcare.facts.contacts import Bools, Floats
from clientcare.history.histories import Histories, require_histories
from clientcare.history.population import known_buyers
from clientcare.outcomes.buying import Buying
from clientcare.window import (
    MICROSECONDS_A_DAY,
    Days,
    Moment,
    day_number,
    microseconds,
    parse_days,
    parse_moment,
)

N_BINS = 20
PRIOR_BUYERS = 20.0
"""Each bin of a fact is drawn towards the mean as if this many average buyers stood in it."""

N_FOLDS = 5
FEWEST_LEAVERS = 20
"""With fewer the interval of each tier's churn is wider than any difference that matters."""

EARNED_NAMES = ("at risk", "watch", "healthy")
PLAIN_NAMES = ("lowest scores", "middle scores", "highest scores")
"""A tier is called healthy only where fewer of it left than of the others, by more than chance."""


class TierWarning(UserWarning):
    """The tiers of a health score do not tell who leaves."""


def health_facts(
    histories: Histories, as_of: Moment, period: Days = "90D", cadence: Days = "30D"
) -> pd.DataFrame:
    """What a health score may rest on, every fact turned so that more is better.

    Parameters
    ----------
    histories : Histories
        Any of its tables may be missing.
    as_of : date
        Exclusive.
    period, cadence : days
        As in :func:`clientcare.care.care_report`.

    Returns
    -------
    DataFrame of shape (n_buyers known, n_facts), index ``buyer_id``
        The seven measures of care (0 to 100), ``freshness`` (minus the days since the last purchase),
        ``on_time`` (minus the silence in usual gaps), ``n_purchases_year`` (purchase days of the last 365
        days) and ``contract_days_left`` (3,650 if open-ended, 0 on and after the last day). NaN where it
        cannot be seen, or there is no such thing.
    """
    require_histories(histories, "health_facts")
    moment = parse_moment(as_of, histories.timezone)
    table = care_practices(histories, moment, parse_days(period, "period"), parse_days(cadence, "cadence"))
    buying = Buying.known(histories, microseconds(moment))
    silent = day_number(moment) - buying.last_day
    left = np.where(np.isnan(buying.bond_day), np.nan, 0.0)
    left = np.where(buying.bound, np.clip(buying.covered_until_day - day_number(moment), 0, 3650.0), left)
    year = buying.n_purchase_days(buying.as_of - 365 * MICROSECONDS_A_DAY, buying.as_of)
    more = pd.DataFrame(
        {
            "freshness": -silent,
            "on_time": -silent / np.maximum(buying.usual_gap_days, 1),
            "n_purchases_year": np.where(buying.n_purchases > 0, year, np.nan),
            "contract_days_left": left,
        },
        index=histories.buyer_ids,
    ).iloc[known_buyers(histories, moment)]
    return pd.concat([table[list(MEASURES)], more], axis=1)


class HealthScore:
    """How well a relation is doing, from 0 to 100: more of any fact never lowers it.

    Learned (``weights=None``): of each fact the share of buyers who stayed is drawn as a rising step curve
    (20 bins, drawn towards the mean, isotonic), and the curves' log-odds are joined by a logistic regression
    whose weights cannot be negative; the score is 100 times the probability of staying. Given: the weighted
    mean of each fact's percentile among the buyers it was fitted on; an unknown fact counts as the middle.

    Parameters
    ----------
    weights : mapping of fact to weight, optional
        Weights of at least 0; None learns them.
    tier_shares : sequence of float, default (0.2, 0.3, 0.5)
        Share of buyers in each tier, worst first; they sum to 1.
    tier_names : sequence of str, optional
        Worst first; default ``("at risk", "watch", "healthy")`` for three tiers that separate. Tiers that do not are
        called what they are: the lowest, the middle and the highest scores.
    level : float, default 0.9
        Of the intervals.
    penalty : float, default 1.0
        Pull of the learned weights towards 0.

    Attributes
    ----------
    tiers_ : DataFrame, index ``tier``, worst first
        ``score_from``, ``n_buyers``, ``n_left``, ``observed_churn`` and its interval ``low``, ``high``
        (Wilson). Where the weights were learned each buyer was scored by a model that had not seen them
        (five folds by buyer).
    weights_ : Series
        What each fact weighs; sums to 1 where any weighs at all.
    separates_ : bool
        Whether each tier's churn lies above the next one's by more than chance (the interval of each
        difference is above 0).
    warning_ : str
        What is wrong with the tiers; empty where they separate.

    Examples
    --------
    >>> facts = pd.DataFrame({"on_time": np.linspace(-5, 0, 400)})
    >>> left = pd.Series(np.linspace(0.9, 0.1, 400) > np.tile([0.2, 0.8, 0.5, 0.6], 100))
    >>> health = HealthScore().fit(facts, left)
    >>> health.tiers_["observed_churn"].is_monotonic_decreasing, health.separates_
    (True, True)
    """

    def __init__(
        self,
        weights: Mapping[str, float] | None = None,
        tier_shares: Sequence[float] = (0.2, 0.3, 0.5),
        tier_names: Sequence[str] | None = None,
        level: float = 0.9,
        penalty: float = 1.0,
    ) -> None:
        self.weights = weights
        self.tier_shares = tier_shares
        self.tier_names = tier_names
        self.level = level
        self.penalty = penalty

    def fit(self, facts: pd.DataFrame, churned: pd.Series[Any]) -> HealthScore:
        """Learn weights and tiers from facts and what came after.

        Parameters
        ----------
        facts : DataFrame of shape (n_rows, n_facts)
            More is better; index ``buyer_id`` or (``as_of``, ``buyer_id``); NaN = unknown.
        churned : Series of bool, same index
            What happened in the horizon after.

        Raises
        ------
        OptionError
            Where weights or tiers make no sense.
        NotEnoughDataError
            Where fewer than 20 left, or fewer than 20 stayed: nothing can be validated.
        """
        self._check_options(facts)
        left = self._outcome(facts, churned)
        self._fit_scale(facts, left)
        scores = self._scores_unseen(facts, left)
        self.cuts_ = np.quantile(scores, np.cumsum(self.tier_shares)[:-1])
        self.separates_, _ = self._judge(self._tier_table(scores, left))
        self.tiers_ = self._tier_table(scores, left)  # under the names they have earned
        self.warning_ = self._judge(self.tiers_)[1]
        if self.warning_:
            warnings.warn(self.warning_, TierWarning, stacklevel=2)
        return self

    def score(self, facts: pd.DataFrame) -> pd.Series[Any]:
        """The health of each row, 0 to 100."""
        return pd.Series(self._predict(facts), index=facts.index, name="health")

    def tier(self, facts: pd.DataFrame) -> pd.Series[Any]:
        """The tier of each row, as an ordered category, worst first."""
        codes: Any = np.searchsorted(self.cuts_, self._predict(facts), side="right")
        names: Any = self._names()
        return pd.Series(
            pd.Categorical.from_codes(codes, categories=names, ordered=True),
            index=facts.index,
            name="tier",
        )

    def check(self, facts: pd.DataFrame, churned: pd.Series[Any]) -> pd.DataFrame:
        """The table of tiers on buyers or dates that the score has not seen; same columns as ``tiers_``."""
        return self._tier_table(self._predict(facts), self._outcome(facts, churned))

    def __repr__(self) -> str:
        if not hasattr(self, "tiers_"):
            return "HealthScore(not fitted)"
        verdict = self.warning_ or "The tiers separate."
        return f"Health score\n{self.tiers_.round(3).to_string()}\n{verdict}"

    def _check_options(self, facts: pd.DataFrame) -> None:
        if not np.isclose(sum(self.tier_shares), 1) or min(self.tier_shares) <= 0:
            raise OptionError("HealthScore: tier_shares must be above 0 and sum to 1.")
        if self.weights is not None:
            unknown = sorted(set(self.weights) - set(facts.columns))
            if unknown:
                raise OptionError(
                    f"HealthScore: weights name no fact {unknown}. The facts are {list(facts.columns)}."
                )
            if min(self.weights.values(), default=0) < 0 or not sum(self.weights.values()) > 0:
                raise OptionError("HealthScore: weights must be at least 0, one of them above.")

    @staticmethod
    def _outcome(facts: pd.DataFrame, churned: pd.Series[Any]) -> Floats:
        left = churned.reindex(facts.index)
        if left.isna().any():
            raise InputError(
                f"HealthScore: {int(left.isna().sum()):,} rows of the facts have no outcome.\n"
                "Give outcomes with the same index: facts.loc[churned.index]."
            )
        values = left.to_numpy(dtype=np.float64)
        if min(values.sum(), len(values) - values.sum()) < FEWEST_LEAVERS:
            raise NotEnoughDataError(
                f"HealthScore: {_plain_count(values)}; at least {FEWEST_LEAVERS} "
                f"who left and {FEWEST_LEAVERS} who stayed are needed to say what a score is worth.\n"
                "So few tell no tiers apart: go by the plan, buyer by buyer, or add past dates until enough have left."
            )
        return values

    def _fit_scale(self, facts: pd.DataFrame, left: Floats) -> None:
        self.facts_ = list(facts.columns) if self.weights is None else list(self.weights)
        table = facts[self.facts_].to_numpy(dtype=np.float64)
        if self.weights is None:
            self.model_ = _learn(table, 1 - left, self.penalty)
            weights = self.model_["weights"]
        else:
            self.model_ = {"sorted": [np.sort(column[~np.isnan(column)]) for column in table.T]}
            weights = np.array([self.weights[name] for name in self.facts_], dtype=np.float64)
        self.weights_ = pd.Series(weights / max(weights.sum(), 1e-300), index=self.facts_, name="weight")

    def _predict(self, facts: pd.DataFrame) -> Floats:
        if not hasattr(self, "facts_"):
            raise OptionError("HealthScore: nothing is learned yet. Call fit(facts, churned) first.")
        missing = [name for name in self.facts_ if name not in facts]
        if missing:
            raise SchemaError.missing_column("facts", missing, map(str, facts.columns))
        table = facts[self.facts_].to_numpy(dtype=np.float64)
        if self.weights is None:
            return 100 * _probability(self.model_, table)
        ranks = [
            _percentile(seen, column) for seen, column in zip(self.model_["sorted"], table.T, strict=True)
        ]
        return np.asarray(np.stack(ranks, axis=1) @ self.weights_.to_numpy())

    def _scores_unseen(self, facts: pd.DataFrame, left: Floats) -> Floats:
        if self.weights is not None:
            return self._predict(facts)
        buyer = facts.index.get_level_values(-1)
        fold = pd.factorize(buyer, sort=True)[0] % N_FOLDS
        table = facts[self.facts_].to_numpy(dtype=np.float64)
        scores = np.zeros(len(table))
        for part in range(N_FOLDS):
            train, test = fold != part, fold == part
            scores[test] = 100 * _probability(
                _learn(table[train], 1 - left[train], self.penalty), table[test]
            )
        return scores

    def _tier_table(self, scores: Floats, left: Floats) -> pd.DataFrame:
        codes = np.searchsorted(self.cuts_, scores, side="right")
        n_tiers = len(self.tier_shares)
        n = np.bincount(codes, minlength=n_tiers).astype(np.float64)
        gone = np.bincount(codes, weights=left, minlength=n_tiers).astype(np.float64)
        low, high = wilson_interval(gone, n, self.level)
        return pd.DataFrame(
            {
                "score_from": np.concatenate([[0.0], self.cuts_]),
                "n_buyers": n.astype(np.int64),
                "n_left": gone.astype(np.int64),
                "observed_churn": np.where(n > 0, gone / np.maximum(n, 1), np.nan),
                "low": low,
                "high": high,
            },
            index=pd.Index(self._names(), name="tier"),
        )

    def _judge(self, tiers: pd.DataFrame) -> tuple[bool, str]:
        from scipy.special import ndtri

        churn, n = tiers["observed_churn"].to_numpy(), tiers["n_buyers"].to_numpy()
        spread = churn * (1 - churn) / np.maximum(n, 1)
        error = float(ndtri(0.5 + self.level / 2)) * np.sqrt(spread[:-1] + spread[1:])
        apart: Bools = np.asarray((churn[:-1] - churn[1:]) > error)
        if apart.all():
            return True, ""
        pairs = [f"{tiers.index[i]!r} and {tiers.index[i + 1]!r}" for i in np.flatnonzero(~apart).tolist()]
        return False, (
            f"HealthScore: the observed churn of the tiers {', '.join(pairs)} does not differ by more than "
            "chance. Do not act on the difference: use fewer tiers, other facts, or more history."
        )

    def _names(self) -> list[str]:
        n_tiers = len(self.tier_shares)
        if self.tier_names is not None:
            if len(set(self.tier_names)) != n_tiers:
                raise OptionError(f"HealthScore: {n_tiers} tiers need {n_tiers} different names.")
            return list(self.tier_names)
        if n_tiers != 3:
            return [f"tier {i + 1}" for i in range(n_tiers)]
        return list(EARNED_NAMES if getattr(self, "separates_", True) else PLAIN_NAMES)


def _plain_count(left: Floats) -> str:
    """How many left, their share, and how sure that is, in words."""
    low, high = wilson_interval(np.array([left.sum()]), np.array([float(len(left))]), 0.9)
    share = (
        f" ({left.mean():.0%}, and between {low[0]:.0%} and {high[0]:.0%} of many such)" if len(left) else ""
    )
    return f"{int(left.sum()):,} of {len(left):,} left{share}"


def wilson_interval(n_yes: Floats, n: Floats, level: float) -> tuple[Floats, Floats]:
    """The score interval of a share; (0, 1) where nobody was seen.

    References
    ----------
    E. B. Wilson (1927), "Probable inference, the law of succession, and statistical inference", JASA 22.

    Examples
    --------
    >>> low, high = wilson_interval(np.array([5.0]), np.array([10.0]), 0.95)
    >>> low.round(4), high.round(4)
    (array([0.2366]), array([0.7634]))
    """
    from scipy.special import ndtri

    z = float(ndtri(0.5 + level / 2))
    some = np.maximum(n, 1.0)
    p = n_yes / some
    middle, half = p + z**2 / (2 * some), z * np.sqrt(p * (1 - p) / some + z**2 / (4 * some**2))
    scale = 1 + z**2 / some
    seen = n > 0
    return np.where(seen, (middle - half) / scale, 0.0), np.where(seen, (middle + half) / scale, 1.0)


def _learn(table: Floats, stayed: Floats, penalty: float) -> dict[str, Any]:
    """Step curves of each fact, and weights of at least 0 that join them."""
    from scipy.optimize import minimize

    base = float(np.log(stayed.mean() / (1 - stayed.mean())))
    curves = [_curve(column, stayed, base) for column in table.T]
    signal = np.stack([_read(curve, column) for curve, column in zip(curves, table.T, strict=True)], axis=1)

    def loss(theta: Floats) -> tuple[float, Floats]:
        z = theta[0] + signal @ theta[1:]
        gap = 1 / (1 + np.exp(-z)) - stayed
        value = np.logaddexp(0, z).sum() - stayed @ z + penalty * (theta[1:] ** 2).sum() / 2
        return float(value), np.concatenate([[gap.sum()], signal.T @ gap + penalty * theta[1:]])

    start = np.concatenate([[base], np.full(signal.shape[1], 1 / signal.shape[1])])
    bounds = [(None, None)] + [(0.0, None)] * signal.shape[1]
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds)
    spread = signal.std(axis=0)
    return {
        "intercept": found.x[0],
        "factors": found.x[1:],
        "curves": curves,
        "weights": found.x[1:] * spread,
    }


def _curve(column: Floats, stayed: Floats, base: float) -> tuple[Floats, Floats, float]:
    """Upper bin edges, rising log-odds less the base, and the log-odds of an unknown fact."""
    from sklearn.isotonic import isotonic_regression

    known = ~np.isnan(column)
    mean = 1 / (1 + np.exp(-base))

    def shrunk(n_yes: Any, n: Any) -> Any:
        p = (n_yes + PRIOR_BUYERS * mean) / (n + PRIOR_BUYERS)
        return np.log(p / (1 - p)) - base

    unknown = float(shrunk(stayed[~known].sum(), (~known).sum()))
    if not known.any():
        return np.zeros(0), np.zeros(1), unknown
    edges = np.unique(np.quantile(column[known], np.linspace(0, 1, N_BINS + 1)[1:-1]))
    code = np.searchsorted(edges, column[known], side="left")
    n = np.bincount(code, minlength=len(edges) + 1).astype(np.float64)
    yes = np.bincount(code, weights=stayed[known], minlength=len(edges) + 1)
    rising = isotonic_regression(yes / np.maximum(n, 1), sample_weight=np.maximum(n, 1e-9), increasing=True)
    return (
        edges,
        np.asarray(shrunk(rising * n, n)) if len(n) == 1 else _rising(shrunk(rising * n, n)),
        unknown,
    )


def _rising(values: Floats) -> Floats:
    """Drawing small bins to the mean can break the order; the running maximum restores it."""
    return np.asarray(np.maximum.accumulate(values))


def _read(curve: tuple[Floats, Floats, float], column: Floats) -> Floats:
    edges, values, unknown = curve
    known = ~np.isnan(column)
    return np.where(known, values[np.searchsorted(edges, np.where(known, column, 0.0), side="left")], unknown)


def _probability(model: dict[str, Any], table: Floats) -> Floats:
    signal = np.stack([_read(c, column) for c, column in zip(model["curves"], table.T, strict=True)], axis=1)
    z = model["intercept"] + signal @ model["factors"]
    return np.asarray(1 / (1 + np.exp(-z)))


def _percentile(seen: Floats, column: Floats) -> Floats:
    """Where each value stands among those seen, 0 to 100; 50 where it is unknown or nothing was seen."""
    if not len(seen):
        return np.full(len(column), 50.0)
    below, at_most = np.searchsorted(seen, column, side="left"), np.searchsorted(seen, column, side="right")
    return np.where(np.isnan(column), 50.0, 100 * (below + at_most) / (2 * len(seen)))
