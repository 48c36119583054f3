"""Care experiments in which whole clusters, for instance the accounts of an owner, are dealt out by lot."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from clientcare.exceptions import InputError, NotEnoughDataError
from clientcare.facts.contacts import Bools, Floats, Ints

USUAL_CORRELATION = 0.02
"""Outcomes of people served by one practice or branch are alike by .01 to .05 (Adams and others 2004, median .01)."""
FEWEST_CLUSTERS = 10
"""With fewer, their spread is not known well enough for an interval."""
CLUSTERS_A_STRATUM = 4
MOST_STRATA = 5


def clusters_of(clusters: Any, buyers: pd.Index) -> Ints:
    """A number for the cluster of each buyer; who has none stands alone.

    Raises
    ------
    InputError
        Where it is no Series with one row a buyer.
    NotEnoughDataError
        Where there are fewer than ten.
    """
    if not isinstance(clusters, pd.Series) or not clusters.index.is_unique:
        raise InputError("plan_holdout: clusters is a Series by buyer_id that names each buyer once.")
    codes, _ = pd.factorize(clusters.reindex(buyers), sort=True)
    alone = np.arange(len(codes)) + codes.max(initial=-1) + 1
    _, number = np.unique(np.where(codes >= 0, codes, alone), return_inverse=True)
    if number.max(initial=-1) + 1 < FEWEST_CLUSTERS:
        raise NotEnoughDataError(
            f"plan_holdout: {number.max(initial=-1) + 1:,} clusters; at least {FEWEST_CLUSTERS} are needed where whole "
            "clusters are dealt out.\nDeal out the buyers within each cluster instead (leave clusters away)."
        )
    return np.asarray(number, dtype=np.int64)


def deal_clusters(
    cluster: Ints, risk: Floats, size: int, share_held_out: float, rng: np.random.Generator
) -> tuple[Any, Ints, Bools]:
    """Strata of all rows, the rows that take part, and which of all rows are held out.

    Clusters of like mean risk make a stratum, and of each stratum as many are held out as planned; clusters come in, drawn
    by lot, until ``size`` buyers take part.
    """
    known = np.where(np.isnan(risk), np.nanmean(risk), risk)
    counts = np.bincount(cluster)
    mean_risk = np.bincount(cluster, known) / counts
    n_strata = max(1, min(MOST_STRATA, len(counts) // CLUSTERS_A_STRATUM))
    place = np.empty(len(counts), dtype=np.int64)
    place[np.argsort(mean_risk, kind="stable")] = np.arange(len(counts))
    of_cluster = np.array([f"clusters, risk {1 + p * n_strata // len(counts)} of {n_strata}" for p in place])
    turn = np.empty(len(counts))
    for one in np.unique(of_cluster):
        rows = np.flatnonzero(of_cluster == one)
        turn[rows] = (rng.permutation(len(rows)) + rng.random()) / len(rows)
    order = np.argsort(turn, kind="stable")
    n_taken = int(np.searchsorted(np.cumsum(counts[order]), size)) + 1
    chosen = np.sort(order[: max(n_taken, min(FEWEST_CLUSTERS, len(order)))])
    held = np.zeros(len(counts), dtype=bool)
    held[chosen] = split_by_lot(of_cluster[chosen], share_held_out, rng)
    takes_part = np.isin(cluster, chosen)
    return of_cluster[cluster], np.flatnonzero(takes_part), held[cluster] & takes_part


def difference_of_clusters(y: Floats, care: Bools, risk: Floats, cluster: Any) -> tuple[float, float, int]:
    """Difference of the arms, its standard error from the spread of clusters, and the degrees of freedom.

    What the foreseen risk says of each outcome is taken off first, with one slope for both arms.
    """
    known = np.where(np.isnan(risk), np.nanmean(risk), risk)
    centred = known - known.mean()
    within = centred - np.where(care, centred[care].mean(), centred[~care].mean())
    slope = float(within @ y / max(float(within @ within), 1e-12))
    rest = y - slope * centred
    effect, variance, n_clusters = 0.0, 0.0, 0
    for arm, sign in ((care, 1.0), (~care, -1.0)):
        _, code = np.unique(cluster[arm], return_inverse=True)
        level, n = float(rest[arm].mean()), len(np.unique(code))
        if n < 2:
            raise NotEnoughDataError(
                "HoldoutPlan.evaluate: outcomes of at least two clusters of each arm are needed."
            )
        strays = np.bincount(code, rest[arm] - level)
        effect += sign * level
        variance += float((strays**2).sum()) * n / (n - 1) / int(arm.sum()) ** 2
        n_clusters += n
    return effect, float(np.sqrt(variance)), max(n_clusters - 2, 1)


def split_by_lot(stratum: Any, share: float, rng: np.random.Generator) -> Bools:
    """Whether each row is held out: within strata as many as planned, to within one."""
    order = order_by_lot(stratum, rng)
    start = rng.random()
    steps = np.floor((np.arange(len(order)) + 1) * share + start) - np.floor(
        np.arange(len(order)) * share + start
    )
    held = np.zeros(len(order), dtype=bool)
    held[order] = steps > 0
    return held


def order_by_lot(stratum: Any, rng: np.random.Generator) -> Ints:
    """Rows stratum by stratum, within each in an order drawn by lot."""
    return np.lexsort((rng.permutation(len(stratum)), stratum))
