"""Designing the proof: how many buyers to hold out, which ones, and what to say once the outcomes are in."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t

from clientcare.arguments import is_number, is_whole, require_seed
from clientcare.book import churn_risk_of, numbers_by_buyer
from clientcare.effect.holdout_clusters import (
    USUAL_CORRELATION,
    clusters_of,
    deal_clusters,
    difference_of_clusters,
    order_by_lot,
    split_by_lot,
)
from clientcare.effect.holdout_design import Design
from clientcare.exceptions import NotEnoughDataError, OptionError
from clientcare.facts.contacts import Bools, Floats, Ints
from clientcare.history.histories import Histories, require_histories
from clientcare.history.wishes import may_not_be_contacted

ARMS = ("care", "hold_out")
N_RISK_GROUPS = 5
"""Fifths: finer strata save next to no variance (Cochran 1968) and cost degrees of freedom."""
USUAL_EFFECT = 0.05
"""A drop of five points is what care programmes hope for; less is asked where there is less risk."""
FEWEST_IN_STRATUM = 20
"""A stratum with fewer has no level of its own when the outcomes are compared: ten an arm estimate one."""
FEWEST_BUYERS = 40


@dataclass(frozen=True, eq=False, repr=False)
class HoldoutPlan:
    """A care experiment: who gets the care and who is held out.

    Attributes
    ----------
    assignment : DataFrame, index ``buyer_id``
        ``stratum``, ``arm`` (``care`` or ``hold_out``), ``churn_risk``; ``cluster`` where clusters were dealt out.
    n_care, n_hold_out : int
    n_needed : int
        Buyers needed in both arms together to find ``smallest_effect`` with the power asked for.
    smallest_effect : float
        The drop in churn the experiment was asked to find.
    detectable_effect : float
        The drop it can find with the buyers it has; NaN where even an end of all churn could not be told from chance.
    power, level : float
        Of finding it, and of the two-sided interval.
    """

    assignment: pd.DataFrame
    n_care: int
    n_hold_out: int
    n_needed: int
    smallest_effect: float
    detectable_effect: float
    power: float
    level: float

    @property
    def sentence(self) -> str:
        """The plan in plain words."""
        n = self.n_care + self.n_hold_out
        risk = float(self.assignment["churn_risk"].mean())
        arms = f"Care for {self.n_care:,} buyers and hold out {self.n_hold_out:,}"
        if np.isnan(self.detectable_effect):
            return (
                f"{arms}: too few to find anything. Their mean risk is {risk:.1%}, so care can lower churn by no more, and "
                f"even that could not be told from chance ({self.n_needed:,} buyers are needed for a drop of "
                f"{100 * self.smallest_effect:.1f} points with a power of {self.power:.0%}). Watch more buyers, or longer."
            )
        enough = "enough" if n >= self.n_needed else "too few"
        return (
            f"{arms}: {enough} to find a drop in churn of {100 * self.smallest_effect:.1f} points "
            f"({self.n_needed:,} needed for a power of {self.power:.0%}); "
            f"these can find {100 * self.detectable_effect:.1f} points of a mean risk of {100 * risk:.1f}."
        )

    def evaluate(
        self, outcomes: pd.Series[Any], lower_is_better: bool = True, *, sequential: bool = False
    ) -> HoldoutResult:
        """What the care did, once the outcomes are in; as assigned, whether or not the care took place.

        Within each stratum the arms are compared, adjusted for the churn risk foreseen, and the strata are
        averaged by size (a regression with its own slope in each arm, robust standard errors). Where whole clusters were
        dealt out, they are what is counted: their totals, less what the risks say, and as many degrees of freedom as
        there are clusters, less two.

        Parameters
        ----------
        outcomes : Series, index ``buyer_id``
            1 or 0, or amounts; a buyer assigned and missing here is left out and counted.
        lower_is_better : bool
            True for churn.
        sequential : bool
            Whether you look more than once, as the outcomes of wave after wave come in, and stop when you like. The
            interval is then wider and right at all looks together; without it, it is right at one look fixed before.

        Raises
        ------
        NotEnoughDataError
            Where fewer than 20 outcomes of an arm are known.
        InputError
            Where the outcomes are no numbers by buyer.

        References
        ----------
        W. Lin (2013), "Agnostic notes on regression adjustments to experimental data", Annals of Applied
        Statistics 7. I. Waudby-Smith, D. Arbour, R. Sinha, E. H. Kennedy, A. Ramdas (2024), "Time-uniform central
        limit theory and asymptotic confidence sequences", The Annals of Statistics 52.
        """
        y = numbers_by_buyer(outcomes, self.assignment.index, "HoldoutPlan.evaluate", "outcomes")
        known = ~np.isnan(y)
        care = (self.assignment["arm"] == "care").to_numpy()
        if min((known & care).sum(), (known & ~care).sum()) < FEWEST_BUYERS // 2:
            raise NotEnoughDataError("HoldoutPlan.evaluate: at least 20 outcomes of each arm are needed.")
        table = _adjusters(self.assignment[known])
        values: Floats = y[known]
        if "cluster" in self.assignment:
            risk = self.assignment.loc[known, "churn_risk"].to_numpy(dtype=np.float64)
            cluster = self.assignment.loc[known, "cluster"].to_numpy()
            effect, error, free = difference_of_clusters(values, care[known], risk, cluster)
        else:
            effect, error = _adjusted_difference(values, care[known], table)
            free = max(len(values) - 2 * (table.shape[1] + 1), 1)
        if sequential:
            reach = _reach_at_any_look(len(values), len(y), self.level) * error
        else:
            reach = float(t.ppf(0.5 + self.level / 2, free)) * error
        return HoldoutResult(
            effect=effect,
            low=effect - reach,
            high=effect + reach,
            raw=float(values[care[known]].mean() - values[~care[known]].mean()),
            n_care=int((known & care).sum()),
            n_hold_out=int((known & ~care).sum()),
            n_missing=int((~known).sum()),
            binary=bool(np.isin(values, (0, 1)).all()),
            lower_is_better=lower_is_better,
            sequential=sequential,
        )

    def __repr__(self) -> str:
        return self.sentence

    def _repr_html_(self) -> str:
        return f"<p>{escape(self.sentence)}</p>"


@dataclass(frozen=True)
class HoldoutResult:
    """What a care experiment showed: ``effect`` with its interval, the ``raw`` difference, and the counts."""

    effect: float
    low: float
    high: float
    raw: float
    n_care: int
    n_hold_out: int
    n_missing: int
    binary: bool
    lower_is_better: bool
    sequential: bool = False

    @property
    def verdict(self) -> str:
        """One of helps, harms, no effect seen."""
        if self.low <= 0 <= self.high:
            return "no effect seen"
        return "helps" if (self.effect < 0) == self.lower_is_better else "harms"

    def __str__(self) -> str:
        scale, unit = (100, " points") if self.binary else (1, "")
        low, mid, high = (f"{scale * value:+,.2f}{unit}" for value in (self.low, self.effect, self.high))
        looks = ", right at all looks together" if self.sequential else ""
        return f"Care, given by lot: {self.verdict} ({mid}, interval {low} to {high}{looks})."


def _reach_at_any_look(n: int, n_planned: int, level: float) -> float:
    """How many standard errors an interval must reach to hold the truth at all looks together.

    A normal mixture over the effects (Robbins 1970), tuned to be tightest when ``n_planned`` outcomes are in:
    ``sqrt(2 (n r + 1) / (n r) * log(sqrt(n r + 1) / (1 - level)))`` with r the variance of the mixture.

    Examples
    --------
    >>> round(_reach_at_any_look(1000, 1000, 0.9), 2), round(_reach_at_any_look(200, 1000, 0.9), 2)
    (2.76, 3.12)
    """
    alpha = 1 - level
    r = (-2 * np.log(alpha) + np.log(1 - 2 * np.log(alpha))) / n_planned
    spread = n * r + 1
    return float(np.sqrt(2 * spread / (n * r) * np.log(np.sqrt(spread) / alpha)))


def plan_holdout(
    book: pd.DataFrame,
    *,
    smallest_effect: float | None = None,
    power: float = 0.8,
    level: float = 0.9,
    share_held_out: float = 0.5,
    n_buyers: int | None = None,
    random_state: int = 0,
    histories: Histories | None = None,
    clusters: pd.Series[Any] | None = None,
    cluster_correlation: float = USUAL_CORRELATION,
) -> HoldoutPlan:
    """A care experiment stratified by churn risk and stage: sample size and assignment.

    Only the living take part: where the book has a ``status``, those who are gone are left out, and with ``histories``
    all who must not be contacted.

    The buyers needed: ``(t_power + t_level)^2 (v_held / s + v_care / (1 - s)) / smallest_effect^2`` with s the share
    held out, v_held the mean of ``churn_risk (1 - churn_risk)`` (what is left of the outcome's variance once the risk is
    known, where the risk is calibrated), v_care the same once care has lowered every risk in proportion, and quantiles of
    Student's t where the arms are small. No care can lower churn by more than the risk there is. Strata: fifths of the
    risk within each stage. Within each stratum the arms are dealt out by lot so that their sizes are as planned.

    Parameters
    ----------
    book : DataFrame, index ``buyer_id``
        With ``churn_risk``; ``stage`` is used where it is there.
    smallest_effect : float, optional
        The drop in the probability of churn worth finding; default .05, or half of the mean risk where that is less.
    power, level : float
        The chance of finding it, and of the two-sided interval.
    share_held_out : float
        Share of the buyers who get no care for the sake of the proof.
    n_buyers : int, optional
        How many to take part, drawn by lot from all strata alike; default: as many as are needed, at most
        all.
    random_state : int
        Same number, same assignment, whatever the order of the rows.
    histories : Histories, optional
        The tables of the book: who must not be contacted (``do_not_contact``) gets no care by lot, and is left out.
    clusters : Series, index ``buyer_id``, optional
        Who is dealt with together, for instance the owner: the lot is then drawn for whole clusters, since an owner
        seldom cares for one half of the accounts and not for the other. Buyers without one stand alone.
    cluster_correlation : float
        How alike the outcomes of one cluster are, beyond what the risks say.

    Returns
    -------
    HoldoutPlan
        ``plan.assignment["arm"]`` is what :func:`care_effect` takes as ``randomised``.

    Raises
    ------
    SchemaError
        Where the book has no ``churn_risk``, or one that is no probability.
    InputError
        Where the book is no table with one row a buyer.
    OptionError
        Where a share or an effect makes no sense.
    NotEnoughDataError
        Where fewer than 40 buyers could take part.

    Examples
    --------
    >>> book = pd.DataFrame({"churn_risk": np.linspace(0.1, 0.6, 4000)}, index=pd.RangeIndex(4000, name="buyer_id"))
    >>> plan = plan_holdout(book, smallest_effect=0.05)
    >>> plan.n_needed, plan.n_care, plan.n_hold_out
    (1987, 993, 994)
    """
    risks = pd.Series(churn_risk_of(book, "plan_holdout"), index=book.index)
    if "status" in book:
        risks = risks[(book["status"].astype(str) != "gone").to_numpy()]
        book = book.loc[risks.index]
    if histories is not None:
        require_histories(histories, "plan_holdout")
        never = histories.buyer_ids[may_not_be_contacted(histories)]
        risks = risks[~risks.index.isin(never)]
        book = book.loc[risks.index]
    shares = ((0.05 if smallest_effect is None else smallest_effect), power, level, share_held_out)
    if not all(is_number(share) and 0 < share < 1 for share in shares):
        raise OptionError(
            "plan_holdout: smallest_effect, power, level and share_held_out lie between 0 and 1."
        )
    if n_buyers is not None and not is_whole(n_buyers):
        raise OptionError("plan_holdout: n_buyers must be a whole number, or None for as many as are needed.")
    require_seed("plan_holdout: random_state", random_state)
    if risks.notna().sum() < FEWEST_BUYERS:
        raise NotEnoughDataError(
            f"plan_holdout: the churn risk of {int(risks.notna().sum()):,} buyers is known; "
            f"at least {FEWEST_BUYERS} are needed for an experiment."
        )
    book = book.sort_index()
    risk: Floats = np.asarray(risks.sort_index(), dtype=np.float64)
    mean_risk = float(np.nanmean(risk))
    if smallest_effect is None:
        smallest_effect = min(USUAL_EFFECT, mean_risk / 2)
    if smallest_effect > mean_risk:
        raise OptionError(
            f"plan_holdout: smallest_effect {smallest_effect:.3f} is more than the mean churn risk of those here "
            f"({mean_risk:.3f}); no care can lower churn by more than there is.\nAsk for less, or watch a longer horizon."
        )
    if not (is_number(cluster_correlation) and 0 <= cluster_correlation < 1):
        raise OptionError("plan_holdout: cluster_correlation lies in [0, 1).")
    cluster = None if clusters is None else clusters_of(clusters, book.index)
    sizes = None if cluster is None else np.bincount(cluster).astype(np.float64)
    design = Design(risk[~np.isnan(risk)], power, level, share_held_out, sizes, cluster_correlation)
    needed = design.n_needed(smallest_effect)
    size = min(needed if n_buyers is None else n_buyers, len(book))
    if size < FEWEST_BUYERS:
        raise NotEnoughDataError(
            f"plan_holdout: {size:,} buyers are too few for an experiment; at least {FEWEST_BUYERS} are needed."
        )
    rng = np.random.default_rng(random_state)
    held = np.zeros(len(book), dtype=bool)
    if cluster is None:
        stratum = _strata(book, risk)
        taken = _spread_out(stratum, size, rng)
        held[taken] = split_by_lot(stratum[taken], share_held_out, rng)
    else:
        stratum, taken, held = deal_clusters(cluster, risk, size, share_held_out, rng)
        size = len(taken)
    assignment = pd.DataFrame(
        {
            "stratum": stratum[taken],
            "arm": np.where(held[taken], "hold_out", "care"),
            "churn_risk": risk[taken],
        },
        index=book.index.take(taken),
    )
    if cluster is not None:
        assignment["cluster"] = cluster[taken]
    n_held = int(held.sum())
    detectable = design.detectable(size)
    return HoldoutPlan(assignment, size - n_held, n_held, needed, smallest_effect, detectable, power, level)


def _strata(book: pd.DataFrame, risk: Floats) -> Any:
    """Stage and fifth of the risk, as text."""
    fifth = (
        pd.Series(risk)
        .rank(method="first", pct=True)
        .mul(N_RISK_GROUPS)
        .apply(np.ceil)
        .clip(1, N_RISK_GROUPS)
    )
    stage = book["stage"].astype(str).to_numpy() if "stage" in book else np.full(len(book), "all")
    return np.array([f"{s}, risk {f:.0f} of {N_RISK_GROUPS}" for s, f in zip(stage, fifth, strict=True)])


def _spread_out(stratum: Any, size: int, rng: np.random.Generator) -> Ints:
    """Rows drawn by lot so that every stratum gives the same share; positions, ascending."""
    return np.sort(
        order_by_lot(stratum, rng)[np.floor(np.arange(size) * (len(stratum) / size)).astype(np.int64)]
    )


def _adjusters(assignment: pd.DataFrame) -> Floats:
    """The dummies of strata that are large enough, and the risk within them, centred."""
    stratum = assignment["stratum"].astype(object)
    large = stratum.map(stratum.value_counts()) >= FEWEST_IN_STRATUM
    dummies = pd.get_dummies(stratum.where(large, "small"), drop_first=True, dtype=np.float64).to_numpy()
    table = np.column_stack([dummies, assignment["churn_risk"].fillna(assignment["churn_risk"].mean())])
    table = table - table.mean(axis=0)
    return np.asarray(table[:, table.std(axis=0) > 1e-12])


def _adjusted_difference(y: Floats, care: Bools, table: Floats) -> tuple[float, float]:
    """Difference of the arms at the mean of the adjusters, and its robust (HC2-like) standard error."""
    arm = care.astype(np.float64)
    design = np.column_stack([np.ones(len(y)), arm, table, table * arm[:, None]])
    inverse = np.linalg.pinv(design.T @ design)
    beta = inverse @ design.T @ y
    lever = np.clip(np.einsum("ij,jk,ik->i", design, inverse, design), 0, 0.99)
    rest = (y - design @ beta) ** 2 / (1 - lever)
    cover = inverse @ (design.T * rest) @ design @ inverse
    return float(beta[1]), float(np.sqrt(cover[1, 1]))
