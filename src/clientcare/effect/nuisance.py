"""Guesses that an estimate of an effect leans on: the chance of being cared for, and the outcome with and
without care.

Each row is guessed by models that saw no row of the same buyer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from clientcare.facts.contacts import Bools, Floats, Ints

PENALTIES = (0.01, 0.1, 1.0)
"""Inverse strengths tried for the linear models, from strong to weak."""

FURTHEST = 4.0
"""How many spreads a feature may lie from its mean."""

TWIN_CORRELATION = 0.9
"""Of two features that agree more than this, the later one is left out."""


@dataclass(frozen=True, eq=False)
class LogScale:
    """Turns features into standardised logarithms, an unknown value into 0 and a column that says so.

    ``sign(x) log(1 + |x|)``, less its mean, over its spread, at most 4 away from 0: silences, gaps, counts
    and amounts act by ratios, and what a seller goes by (silence against usual gap) is a sum of logarithms.
    Fitted on features alone, never on actions or outcomes.
    """

    columns: tuple[str, ...]
    centre: Floats
    spread: Floats
    unknown: tuple[str, ...]
    kept: Ints
    names: tuple[str, ...]

    @classmethod
    def fit(cls, features: pd.DataFrame) -> LogScale:
        """Learn the scales of numeric features; constants and twins are left out."""
        numeric = features.select_dtypes("number")
        columns = tuple(map(str, numeric.columns))
        logs = _logs(numeric, columns)
        known = ~np.isnan(logs)
        n = np.maximum(known.sum(axis=0), 1)
        centre = np.where(known, logs, 0.0).sum(axis=0) / n
        spread = np.sqrt(np.where(known, (logs - centre) ** 2, 0.0).sum(axis=0) / n)
        holes = tuple(
            name for name, whole in zip(columns, np.atleast_1d(known.all(axis=0)), strict=True) if not whole
        )
        scale = cls(columns, centre, np.where(spread > 1e-9, spread, 1.0), holes, np.arange(0), ())
        kept = _without_twins(scale._wide(numeric))
        if not len(kept) and columns:
            kept = np.zeros(1, dtype=np.int64)  # where nothing varies, one constant keeps the table a table
        names = [*columns, *(f"{name} unknown" for name in holes)]
        return replace(scale, kept=kept, names=tuple(names[i] for i in kept))

    def transform(self, features: pd.DataFrame) -> Floats:
        """The scaled table, shape (n_rows, n_kept)."""
        return self._wide(features)[:, self.kept]

    def _wide(self, features: pd.DataFrame) -> Floats:
        logs = _logs(features.reindex(columns=list(self.columns)), self.columns)
        scaled = np.clip((logs - self.centre) / self.spread, -FURTHEST, FURTHEST)
        flags = [np.isnan(logs[:, self.columns.index(name)]) - 0.5 for name in self.unknown]
        return np.column_stack([np.nan_to_num(scaled), *flags])


def _logs(features: pd.DataFrame, columns: tuple[str, ...]) -> Floats:
    table = features[list(columns)].to_numpy(dtype=np.float64)
    table = np.where(np.isfinite(table), table, np.nan)
    return np.asarray(np.sign(table) * np.log1p(np.abs(table)))


def _without_twins(table: Floats) -> Ints:
    spread = table.std(axis=0)
    alive = np.flatnonzero(spread > 1e-9)
    if not len(alive):
        return alive
    agreement = np.abs(np.corrcoef(table[:, alive], rowvar=False)).reshape(len(alive), len(alive))
    kept: list[int] = []
    for i in range(len(alive)):
        if not kept or agreement[i, kept].max() < TWIN_CORRELATION:
            kept.append(i)
    return np.asarray(alive[kept])


def folds_by_buyer(buyer: Ints, n_folds: int, random_state: int) -> Ints:
    """A fold a row, all rows of a buyer in one; depends on the order of the ids, not of the rows."""
    unique, code = np.unique(buyer, return_inverse=True)
    fold = np.random.default_rng(random_state).permutation(np.arange(len(unique)) % n_folds)
    return np.asarray(fold[code])


def guess_unseen(
    table: Floats, target: Floats, fold: Ints, learn_from: Bools, binary: bool, random_state: int
) -> Floats:
    """What each row's target should be by models that saw neither it nor its buyer; shape (n_rows,).

    The mean of a penalised linear (logistic) model and shallow boosted trees.

    Parameters
    ----------
    table : float array of shape (n_rows, n_features)
        What is known of each row.
    target : float array of shape (n_rows,)
        What to guess.
    fold : int array of shape (n_rows,)
        From :func:`folds_by_buyer`.
    learn_from : bool array of shape (n_rows,)
        The rows that may be learned from; all rows are guessed.
    binary : bool
        Whether the target is 0 or 1 and a probability is guessed.
    random_state : int
        Of the trees.
    """
    penalty = _best_penalty(table, target, fold, learn_from, binary)
    guess = np.zeros(len(target))
    for part in np.unique(fold):
        train, test = (fold != part) & learn_from, fold == part
        linear = _linear(table[train], target[train], table[test], binary, penalty)
        guess[test] = (linear + _trees(table[train], target[train], table[test], binary, random_state)) / 2
    return guess


def coarse(table: Floats) -> Floats:
    """Features rounded to quarters of their spread: trees need no finer steps, and find their cuts much
    sooner.
    """
    return np.asarray(np.round(table * 4) / 4)


def _best_penalty(table: Floats, target: Floats, fold: Ints, learn_from: Bools, binary: bool) -> float:
    train, test = (fold != fold.min()) & learn_from, (fold == fold.min()) & learn_from
    if test.sum() < 20:
        return PENALTIES[0]
    losses = []
    for penalty in PENALTIES:
        guess = _linear(table[train], target[train], table[test], binary, penalty)
        if binary:
            p = np.clip(guess, 1e-6, 1 - 1e-6)
            losses.append(-np.mean(target[test] * np.log(p) + (1 - target[test]) * np.log1p(-p)))
        else:
            losses.append(np.mean((target[test] - guess) ** 2))
    return PENALTIES[int(np.argmin(losses))]


def _linear(x: Floats, y: Floats, new: Floats, binary: bool, penalty: float) -> Floats:
    from sklearn.linear_model import LogisticRegression, Ridge

    if binary:
        if y.min() == y.max():
            return np.full(len(new), float(y[0]))
        model: Any = LogisticRegression(C=penalty, solver="newton-cholesky", max_iter=50)
        return np.asarray(model.fit(x, y).predict_proba(new)[:, 1])
    return np.asarray(Ridge(alpha=1 / penalty).fit(x, y).predict(new))


def _trees(x: Floats, y: Floats, new: Floats, binary: bool, random_state: int) -> Floats:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    if y.min() == y.max():
        return np.full(len(new), float(y[0]))
    settings: dict[str, Any] = {
        "max_iter": 60, "learning_rate": 0.08, "max_depth": 3, "min_samples_leaf": 30,
        "l2_regularization": 5.0,
        "max_bins": 63, "early_stopping": False, "random_state": random_state,
    }  # fmt: skip
    if binary:
        return np.asarray(
            HistGradientBoostingClassifier(**settings).fit(coarse(x), y).predict_proba(coarse(new))[:, 1]
        )
    return np.asarray(HistGradientBoostingRegressor(**settings).fit(coarse(x), y).predict(coarse(new)))
