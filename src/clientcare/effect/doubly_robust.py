"""The average effect of an action from observation: doubly robust, cross-fitted over buyers, trimmed to
where it can be seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from clientcare.effect.nuisance import folds_by_buyer, guess_unseen
from clientcare.facts.contacts import Bools, Floats, Ints


@dataclass(frozen=True, eq=False)
class Estimate:
    """An average with its standard error, clustered by buyer."""

    value: float
    error: float
    low: float
    high: float
    n_rows: int
    n_buyers: int

    def excludes_zero(self) -> bool:
        """Whether the interval leaves zero out."""
        return bool(self.low > 0 or self.high < 0)


@dataclass(frozen=True, eq=False)
class DoublyRobust:
    """What :func:`doubly_robust` found; arrays have shape (n_rows,).

    Attributes
    ----------
    estimate : Estimate
        The average effect over the rows kept.
    untreated, treated_mean : float
        What the outcome would be on average without and with the action, over the rows kept.
    propensity : float array
        Chance of the action, guessed by models that did not see the buyer (or known by design).
    outcome_without, outcome_with : float array
        Guessed outcomes.
    pseudo_effect : float array
        One noisy, unbiased view of each row's own effect; NaN where a row was trimmed.
    kept : bool array
        Rows whose propensity lies within the trim.
    fold : int array
    """

    estimate: Estimate
    untreated: float
    treated_mean: float
    propensity: Floats
    outcome_without: Floats
    outcome_with: Floats
    pseudo_effect: Floats
    kept: Bools
    fold: Ints


def doubly_robust(
    treated: Bools,
    outcome: Floats,
    table: Floats,
    buyer: Ints,
    *,
    binary: bool,
    known_propensity: Floats | None = None,
    known_outcomes: tuple[Floats, Floats] | None = None,
    trim: float = 0.05,
    n_folds: int = 5,
    level: float = 0.9,
    random_state: int = 0,
) -> DoublyRobust:
    """Augmented inverse-probability weighting with cross-fitting over buyers.

    With m0, m1 the guessed outcomes without and with the action, e the guessed chance of it, T whether it
    was taken and Y the outcome, each row's view of its effect is ``m1 - m0 + T (Y - m1) / e - (1 - T) (Y -
    m0) / (1 - e)``, where the weights are scaled to a mean of 1 within each arm. The estimate is their mean
    over the rows with ``trim <= e <= 1 - trim``: right if either the outcomes or the chances are guessed
    well.

    Parameters
    ----------
    treated : bool array of shape (n_rows,)
        Whether the action was taken.
    outcome : float array of shape (n_rows,)
        What came after.
    table : float array of shape (n_rows, n_features)
        What was known before the action.
    buyer : int array of shape (n_rows,)
        Rows of one buyer share a fold and a cluster.
    binary : bool
        Whether the outcome is 0 or 1.
    known_propensity : float array of shape (n_rows,), optional
        The chance of the action where it was given by lot, or guessed before.
    known_outcomes : two float arrays of shape (n_rows,), optional
        Outcomes without and with the action, guessed before without the row's buyer.
    trim : float
        Rows with a chance of the action nearer to 0 or 1 than this are left out.
    n_folds : int
        Parts of the buyers, each guessed by models of the others.
    level : float
        Of the interval.
    random_state : int
        Same number, same folds and trees.

    References
    ----------
    J. M. Robins, A. Rotnitzky, L. P. Zhao (1994), JASA 89. V. Chernozhukov et al. (2018), "Double/debiased
    machine learning for treatment and structural parameters", The Econometrics Journal 21. R. K. Crump et
    al. (2009), "Dealing with limited overlap in estimation of average treatment effects", Biometrika 96.
    """
    fold = folds_by_buyer(buyer, n_folds, random_state)
    everyone = np.ones(len(treated), dtype=bool)
    action = treated.astype(np.float64)
    if known_propensity is None:
        chance = guess_unseen(table, action, fold, everyone, True, random_state)
    else:
        chance = known_propensity
    if known_outcomes is None:
        without = guess_unseen(table, outcome, fold, ~treated, binary, random_state)
        with_it = guess_unseen(table, outcome, fold, treated, binary, random_state)
    else:
        without, with_it = known_outcomes
    kept = (chance >= trim) & (chance <= 1 - trim)
    inside = np.clip(chance, trim, 1 - trim)
    weight_with, weight_without = action / inside, (1 - action) / (1 - inside)
    scaled_with = weight_with / max(weight_with[kept].mean(), 1e-12) if kept.any() else weight_with
    scaled_without = (
        weight_without / max(weight_without[kept].mean(), 1e-12) if kept.any() else weight_without
    )
    view_with = with_it + scaled_with * (outcome - with_it)
    view_without = without + scaled_without * (outcome - without)
    effect = np.where(kept, view_with - view_without, np.nan)
    return DoublyRobust(
        estimate=clustered_mean(effect[kept], buyer[kept], level),
        untreated=float(view_without[kept].mean()) if kept.any() else np.nan,
        treated_mean=float(view_with[kept].mean()) if kept.any() else np.nan,
        propensity=chance,
        outcome_without=without,
        outcome_with=with_it,
        pseudo_effect=effect,
        kept=kept,
        fold=fold,
    )


def clustered_mean(values: Floats, buyer: Ints, level: float) -> Estimate:
    """A mean whose standard error allows the rows of a buyer to move together; NaN without rows.

    Examples
    --------
    >>> once = clustered_mean(np.array([0.0, 1.0, 2.0]), np.array([0, 1, 2]), 0.9)
    >>> twice = clustered_mean(np.array([0.0, 1.0, 2.0] * 2), np.array([0, 1, 2] * 2), 0.9)
    >>> bool(np.isclose(once.error, twice.error))  # the same buyers again tell nothing new
    True
    """
    from scipy.special import stdtrit

    if not len(values):
        return Estimate(np.nan, np.nan, np.nan, np.nan, 0, 0)
    mean = float(values.mean())
    _, code = np.unique(buyer, return_inverse=True)
    sums = np.bincount(code, weights=values - mean)
    clusters = len(sums)
    if clusters < 2:
        return Estimate(mean, np.nan, np.nan, np.nan, len(values), clusters)
    error = float(np.sqrt((sums**2).sum() * clusters / (clusters - 1)) / len(values))
    reach = float(stdtrit(clusters - 1, 0.5 + level / 2)) * error
    return Estimate(mean, error, mean - reach, mean + reach, len(values), clusters)


def naive_difference(treated: Bools, outcome: Floats, buyer: Ints, level: float) -> Estimate:
    """Mean outcome of those with the action less those without: what a raw count says, confounding and
    all.
    """
    share = treated.mean()
    if share in (0.0, 1.0):
        return clustered_mean(np.zeros(0), np.zeros(0, dtype=np.int64), level)
    gap = outcome[treated].mean() - outcome[~treated].mean()
    influence = np.where(
        treated,
        (outcome - outcome[treated].mean()) / share,
        -(outcome - outcome[~treated].mean()) / (1 - share),
    )
    return clustered_mean(gap + influence, buyer, level)


def balance(
    treated: Bools, table: Floats, names: tuple[str, ...], propensity: Floats, kept: Bools, trim: float
) -> pd.DataFrame:
    """How far the two groups stand apart in each feature, before and after weighting.

    Returns
    -------
    DataFrame, index ``feature``, largest difference first
        ``before``, ``after``: standardised mean differences (in standard deviations; 0.1 is small, 0.25 is
        large). After: weighted by one over the chance of what happened, over the rows kept.
    """
    inside = np.clip(propensity, trim, 1 - trim)
    weight = np.where(treated, 1 / inside, 1 / (1 - inside)) * kept
    spread = np.sqrt((table[treated].var(axis=0) + table[~treated].var(axis=0)) / 2)
    spread = np.where(spread > 0, spread, 1.0)
    before = (table[treated].mean(axis=0) - table[~treated].mean(axis=0)) / spread

    def mean(rows: Bools) -> Floats:
        total = weight[rows].sum()
        return np.asarray(weight[rows] @ table[rows] / total) if total else np.full(table.shape[1], np.nan)

    after = (mean(treated) - mean(~treated)) / spread
    frame = pd.DataFrame({"before": before, "after": after}, index=pd.Index(names, name="feature"))
    return frame.iloc[np.argsort(-np.abs(before), kind="stable")]


def overlap(treated: Bools, propensity: Floats) -> pd.DataFrame:
    """How many rows with and without the action there are at each chance of it, in tenths."""
    tenth = np.minimum((propensity * 10).astype(np.int64), 9)
    return pd.DataFrame(
        {
            "with_action": np.bincount(tenth[treated], minlength=10),
            "without_action": np.bincount(tenth[~treated], minlength=10),
        },
        index=pd.Index([f"{i / 10:.1f}-{(i + 1) / 10:.1f}" for i in range(10)], name="propensity"),
    )


def effective_size(treated: Bools, propensity: Floats, kept: Bools) -> tuple[float, float]:
    """How many evenly weighted rows the weighted rows with and without the action are worth."""

    def size(weight: Floats) -> float:
        return float(weight.sum() ** 2 / max((weight**2).sum(), 1e-300))

    with_it, without = kept & treated, kept & ~treated
    return size(1 / propensity[with_it]), size(1 / (1 - propensity[without]))


def e_value(without: float, with_it: float) -> float:
    """How strongly something unseen would have to go with both action and outcome to explain an effect away.

    As a risk ratio; 1 says that nothing is needed. For probabilities ``without`` and ``with_it`` the action.

    References
    ----------
    T. J. VanderWeele, P. Ding (2017), "Sensitivity analysis in observational research: introducing the
    E-value", Annals of Internal Medicine 167.

    Examples
    --------
    >>> round(e_value(0.1, 0.05), 3)  # a ratio of 2: 2 + sqrt(2)
    3.414
    """
    if not (without > 0 and with_it > 0):
        return np.nan
    ratio = max(without, with_it) / min(without, with_it)
    return float(ratio + np.sqrt(ratio * (ratio - 1)))
