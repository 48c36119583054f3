"""Whom to care for: the effect of care by buyer, and what following it is worth against following risk or
value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from clientcare.effect.nuisance import coarse
from clientcare.facts.contacts import Floats, Ints

N_DRAWS = 200
SHARES = (0.1, 0.2, 0.3, 0.5)
"""Shares of the buyers at which the gain is shown."""


@dataclass(frozen=True, eq=False)
class EffectByBuyer:
    """A rule that tells the effect of an action from what is known of a buyer: the mean of a strongly
    penalised linear model and shallow boosted trees on the doubly robust pseudo-effects (the DR-learner),
    weighted by ``e (1 - e)``.

    References
    ----------
    E. H. Kennedy (2023), "Towards optimal doubly robust estimation of heterogeneous causal effects",
    Electronic Journal of Statistics 17. X. Nie, S. Wager (2021), "Quasi-oracle estimation of heterogeneous
    treatment effects", Biometrika 108 (the weights).
    """

    linear: Any
    trees: Any
    precision: Floats
    centre: Floats
    noise: float

    @classmethod
    def learn(
        cls, table: Floats, pseudo_effect: Floats, propensity: Floats, random_state: int
    ) -> EffectByBuyer:
        """Fit on rows whose pseudo-effect is known."""
        from sklearn.ensemble import HistGradientBoostingRegressor
        from sklearn.linear_model import Ridge

        weight = propensity * (1 - propensity)
        weight = weight / weight.mean()
        centre = np.average(table, axis=0, weights=weight)
        alpha = _penalty(table - centre, pseudo_effect, weight)
        linear = Ridge(alpha=alpha).fit(table - centre, pseudo_effect, sample_weight=weight)
        rest = pseudo_effect - linear.predict(table - centre)
        noise = float(np.average(rest**2, weights=weight))
        gram = (table - centre).T @ ((table - centre) * weight[:, None])
        precision = np.linalg.inv(gram + alpha * np.eye(table.shape[1]))
        trees = HistGradientBoostingRegressor(
            max_iter=40, learning_rate=0.05, max_depth=2, min_samples_leaf=max(50, len(table) // 50),
            l2_regularization=20.0, max_bins=63, early_stopping=False, random_state=random_state,
        ).fit(coarse(table), pseudo_effect, sample_weight=weight)  # fmt: skip
        return cls(linear, trees, precision, centre, noise)

    def predict(self, table: Floats) -> tuple[Floats, Floats]:
        """The effect on each row and its standard error (that of the linear part); shape (n_rows,) each."""
        away = table - self.centre
        effect = (self.linear.predict(away) + self.trees.predict(coarse(table))) / 2
        spread = np.einsum("ij,jk,ik->i", away, self.precision, away)
        return np.asarray(effect), np.sqrt(self.noise * (np.maximum(spread, 0) + 1 / len(self.centre)))


def _penalty(table: Floats, target: Floats, weight: Floats) -> float:
    """Generalised cross-validation over a wide range of penalties, strong ones included."""
    root = np.sqrt(weight)
    y = (target - np.average(target, weights=weight)) * root
    u, s, _ = np.linalg.svd(table * root[:, None], full_matrices=False)
    seen = u.T @ y
    best, lowest = 1.0, np.inf
    for alpha in np.geomspace(10, 1e6, 16):
        shrink = s**2 / (s**2 + alpha)
        rest = (y**2).sum() - (seen**2).sum() + (((1 - shrink) * seen) ** 2).sum()
        loss = rest / max(len(y) - 1 - shrink.sum(), 1) ** 2
        if loss < lowest:
            best, lowest = float(alpha), float(loss)
    return best


def effects_unseen(
    table: Floats, pseudo_effect: Floats, propensity: Floats, fold: Ints, random_state: int
) -> tuple[Floats, Floats]:
    """Each row's effect and standard error by a rule that was not fitted on its buyer; shape (n_rows,)
    each.
    """
    effect, error = np.zeros(len(table)), np.zeros(len(table))
    known = ~np.isnan(pseudo_effect)
    for part in np.unique(fold):
        train, test = (fold != part) & known, fold == part
        rule = EffectByBuyer.learn(table[train], pseudo_effect[train], propensity[train], random_state)
        effect[test], error[test] = rule.predict(table[test])
    return effect, error


def gain_table(
    benefit: Floats, buyer: Ints, policies: dict[str, Floats], level: float, random_state: int
) -> pd.DataFrame:
    """What each order of buyers is worth: Qini and cumulative gain, with intervals from redrawing buyers.

    The gain at a share is the benefit (the pseudo-effect, turned so that more is better) summed over the
    buyers who come first, a buyer of all. The Qini is the mean over all shares of the gain less that of a
    random order of the same length.

    Parameters
    ----------
    benefit : float array of shape (n_rows,)
    buyer : int array of shape (n_rows,)
    policies : mapping of name to float array of shape (n_rows,)
        Who comes first: highest value first.
    level : float
    random_state : int

    Returns
    -------
    DataFrame, index ``policy`` (those given, and ``random``)
        ``qini``, ``low``, ``high``; ``less_than_first``, ``less_low``, ``less_high`` (the first policy's
        Qini less this one's); ``gain_10``, ``gain_20``, ``gain_30``, ``gain_50``: gain with that per cent of
        buyers.

    References
    ----------
    N. J. Radcliffe (2007), "Using control groups to target on predicted lift", Direct Marketing Analytics
    Journal. E. Ascarza (2018), "Retention futility: targeting high-risk customers might be ineffective", JMR
    55.
    """
    rng = np.random.default_rng(random_state)
    _, code = np.unique(buyer, return_inverse=True)
    draws = rng.standard_exponential((N_DRAWS, int(code.max()) + 1)) if len(code) else np.zeros((N_DRAWS, 0))
    qinis, rows = {}, {}
    for name, score in policies.items():
        order = np.lexsort((np.arange(len(score)), -score))
        curve = np.cumsum(benefit[order]) / len(benefit)
        gains = {
            f"gain_{round(100 * share)}": curve[max(round(share * len(curve)) - 1, 0)] for share in SHARES
        }
        point = _qini(benefit[order], np.ones(len(order)))
        qinis[name] = np.array([_qini(benefit[order], draw[code[order]]) for draw in draws])
        low, high = np.quantile(qinis[name], [0.5 - level / 2, 0.5 + level / 2])
        rows[name] = {"qini": point, "low": low, "high": high, **gains}
    everybody = float(benefit.mean())
    rows["random"] = {"qini": 0.0, "low": 0.0, "high": 0.0} | {
        f"gain_{round(100 * share)}": share * everybody for share in SHARES
    }
    qinis["random"] = np.zeros(N_DRAWS)
    first = next(iter(policies))
    for name, row in rows.items():
        low, high = np.quantile(qinis[first] - qinis[name], [0.5 - level / 2, 0.5 + level / 2])
        row |= {"less_than_first": rows[first]["qini"] - row["qini"], "less_low": low, "less_high": high}
    frame = pd.DataFrame.from_dict(rows, orient="index")
    frame.index.name = "policy"
    return frame


def qini(benefit: Floats, score: Floats) -> float:
    """The Qini of one order of buyers, see :func:`gain_table`.

    Examples
    --------
    >>> benefit = np.array([1.0, 0.0, 0.0, 0.0])
    >>> qini(benefit, np.array([4.0, 3.0, 2.0, 1.0])), qini(benefit, np.array([1.0, 2.0, 3.0, 4.0]))
    (0.09375, -0.09375)
    """
    order = np.lexsort((np.arange(len(score)), -score))
    return _qini(benefit[order], np.ones(len(order)))


def _qini(benefit: Floats, weight: Floats) -> float:
    """Of rows in order: the area between the gain and its chord, each row weighing ``weight``."""
    width = weight / weight.sum()
    gain = np.cumsum(benefit * width)
    middle = gain - benefit * width / 2
    return float((middle * width).sum() - gain[-1] / 2)
