"""What keeps an estimate of an effect honest: placebos, reasons not to trust it, the verdict and its
sentence.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from clientcare.effect.doubly_robust import DoublyRobust, Estimate, doubly_robust, e_value, effective_size
from clientcare.effect.nuisance import guess_unseen
from clientcare.effect.sample import EffectSample
from clientcare.facts.contacts import Bools, Floats

FEWEST_EACH = 50
"""Fewer rows than this with or without the action, weights counted: nothing can be told."""

SMALLEST_OVERLAP = 0.5
"""If less than this share of the rows could have gone either way, nothing can be told of the buyers."""

LARGEST_IMBALANCE = 0.1
"""Mean absolute standardised difference that may be left after weighting."""

PLACEBO_LEVEL = 0.99

CLAIM_LEVEL = 0.95
"""That an action helps or harms is said where this interval leaves zero out: the convention of the field."""

MOSTLY_PRESENT = 0.5
"""Where more of the action than this needed the buyer to take part, who had gone could hardly be treated."""

FEWEST_CLUSTERS = 10
"""With fewer units dealt with together, their spread is not known well enough for an interval (Cameron and Miller 2015)."""

MODEST = 1.3
"""A mood or a rumour that nobody wrote down bends a comparison so far without anybody noticing; a claim must stand as much
even where nothing that was seen confounds."""

HALVES = 0.5
"""A feature's upper half stands for having the trait when its strength as a confounder is measured."""


def placebos_of(
    sample: EffectSample, table: Floats, found: DoublyRobust, trim: float, random_state: int
) -> pd.DataFrame:
    """Two effects that must be zero: on the past, given what was known; and of an action dealt out anew."""
    rows = {}
    usable = ~np.isnan(sample.past_outcome)
    if usable.all() and sample.past_outcome.min() < sample.past_outcome.max():
        past = _on_the_past(sample, table, found, trim, random_state)
        rows["outcome before the action"] = past
    shuffled = _shuffled(sample, np.random.default_rng(random_state))
    mixed = found.propensity * found.outcome_with + (1 - found.propensity) * found.outcome_without
    other = doubly_robust(
        shuffled, sample.outcome, table, sample.cluster, binary=sample.binary, trim=0.0, level=PLACEBO_LEVEL,
        known_propensity=np.full(len(shuffled), shuffled.mean()), known_outcomes=(mixed, mixed),
        random_state=random_state,
    ).estimate  # fmt: skip
    rows["shuffled action"] = other
    frame = pd.DataFrame(
        {
            name: {"effect": e.value, "low": e.low, "high": e.high, "passes": not e.excludes_zero()}
            for name, e in rows.items()
        }
    ).T.astype({"effect": float, "low": float, "high": float, "passes": bool})
    frame.index.name = "placebo"
    return frame


def _on_the_past(
    sample: EffectSample, table: Floats, found: DoublyRobust, trim: float, random_state: int
) -> Estimate:
    """The weights of the estimate applied to the horizon before the action; interval at 99 %.

    One guess serves both arms: where the action cannot have changed the past, they are the same.
    """
    everyone = np.ones(len(sample.treated), dtype=bool)
    guess = guess_unseen(table, sample.past_outcome, found.fold, everyone, sample.binary, random_state)
    return doubly_robust(
        sample.treated, sample.past_outcome, table, sample.cluster, binary=sample.binary,
        known_propensity=found.propensity, known_outcomes=(guess, guess), trim=trim, level=PLACEBO_LEVEL,
        random_state=random_state,
    ).estimate  # fmt: skip


def _shuffled(sample: EffectSample, rng: np.random.Generator) -> Bools:
    """The action dealt out anew among the rows of each date."""
    dates = sample.index.get_level_values(0)
    dealt = sample.treated.copy()
    for date in dates.unique():
        rows = np.flatnonzero(dates == date)
        dealt[rows] = dealt[rng.permutation(rows)]
    return dealt


def why_not(
    sample: EffectSample, found: DoublyRobust, even: pd.DataFrame, placebos: pd.DataFrame
) -> tuple[str, ...]:
    """Why the data cannot tell; empty where they can."""
    reasons = []
    kept = float(found.kept.mean())
    if kept < SMALLEST_OVERLAP:
        reasons.append(f"only {kept:.0%} of the rows could have gone either way")
    with_it, without = (
        effective_size(sample.treated, found.propensity, found.kept) if found.kept.any() else (0, 0)
    )
    if min(with_it, without) < FEWEST_EACH:
        reasons.append(
            f"the comparable rows are worth only {with_it:,.0f} with and {without:,.0f} without the action"
        )
    apart = float(even["after"].abs().mean())
    if sample.assigned_share is None and not apart <= LARGEST_IMBALANCE:
        reasons.append(
            f"weighting leaves the two groups apart (by {apart:.2f} standard deviations on average)"
        )
    if (
        "outcome before the action" in placebos.index
        and not placebos.loc["outcome before the action", "passes"]
    ):
        reasons.append(
            "the action seems to change the past, so something that decides on it is not in the features"
        )
    if sample.assigned_share is None and sample.share_met_by_presence > MOSTLY_PRESENT:
        reasons.append(
            f"{sample.share_met_by_presence:.0%} of the contacts needed the buyer to take part, so whoever had gone could "
            "not be treated; ask for attempts (status='attempt'), or give the action by lot"
        )
    n_clusters = len(np.unique(sample.cluster[found.kept]))
    if n_clusters < FEWEST_CLUSTERS:
        reasons.append(
            f"only {n_clusters} units were dealt with together; at least {FEWEST_CLUSTERS} are needed"
        )
    return tuple(reasons)


def claim_interval(estimate: Estimate) -> tuple[float, float]:
    """The interval on which a claim rests."""
    reach = float(stdtrit(max(estimate.n_buyers - 1, 1), 0.5 + CLAIM_LEVEL / 2)) * estimate.error
    return estimate.value - reach, estimate.value + reach


def strength_of_claim(sample: EffectSample, found: DoublyRobust) -> float:
    """The risk ratio by which a hidden confounder would have to bend the comparison to explain the claim away.

    The end of the claim's interval nearer to zero, as a risk ratio against what comes without the action, turned so
    that it is 1 or more; amounts by way of a standardised difference, as in :func:`e_values`.
    """
    low, high = claim_interval(found.estimate)
    near = 0.0 if low <= 0 <= high else min(abs(low), abs(high)) * float(np.sign(found.estimate.value))
    if sample.binary:
        base = found.untreated
        if not (0 < base < 1 and base + near > 0):
            return np.inf
        ratio = (base + near) / base
        return float(max(ratio, 1 / ratio))
    spread = float(sample.outcome[found.kept].std()) if found.kept.any() else 0.0
    return float(np.exp(0.91 * abs(near) / spread)) if spread > 0 else 1.0


def strongest_seen(sample: EffectSample) -> float:
    """How far the strongest confounder that was seen could bend a comparison that left it out, as a risk ratio.

    For each feature, cut into an upper and a lower half: its risk ratio with the action and with the outcome; joined
    by the bounding factor ``a b / (a + b - 1)``. The largest over all features, and at least :data:`MODEST`.

    References
    ----------
    P. Ding, T. VanderWeele (2016), "Sensitivity analysis without assumptions", Epidemiology 27.
    """
    y = sample.outcome if sample.binary else (sample.outcome > np.median(sample.outcome)).astype(np.float64)
    largest = MODEST
    for name in sample.features.columns:
        values = np.asarray(sample.features[name], dtype=np.float64)
        known = ~np.isnan(values)
        if known.sum() < 2 * FEWEST_EACH:
            continue
        upper = known & (values > np.quantile(values[known], HALVES))
        lower = known & ~upper
        if min(upper.sum(), lower.sum()) < FEWEST_EACH:
            continue
        with_action = _risk_ratio(upper[sample.treated & known], upper[~sample.treated & known])
        with_outcome = _risk_ratio(y[upper], y[lower])
        largest = max(largest, with_action * with_outcome / (with_action + with_outcome - 1))
    return largest


def _risk_ratio(one: Any, other: Any) -> float:
    """The ratio of two shares, turned so that it is 1 or more; half a case more on each side keeps it finite."""
    first = (float(np.sum(one)) + 0.5) / (len(one) + 1)
    second = (float(np.sum(other)) + 0.5) / (len(other) + 1)
    return max(first / second, second / first)


def explained_away(seen: float) -> str:
    """Why a claim does not stand, in words."""
    return (
        f"something unseen that bends the comparison by a factor of {seen:.2f}, as the strongest confounder that was seen "
        "could, would explain the effect away"
    )


def verdict_of(estimate: Estimate, reasons: tuple[str, ...], lower_is_better: bool) -> str:
    """One of helps, harms, no effect seen, cannot tell."""
    if reasons or np.isnan(estimate.error):
        return "cannot tell"
    low, high = claim_interval(estimate)
    if low <= 0 <= high:
        return "no effect seen"
    return "helps" if (estimate.value < 0) == lower_is_better else "harms"


def e_values(sample: EffectSample, found: DoublyRobust) -> tuple[float, float]:
    """For the estimate and for the interval's end nearer to zero; amounts by way of a standardised
    difference.
    """
    e = found.estimate
    near = 0.0 if e.low <= 0 <= e.high else min(abs(e.low), abs(e.high)) * np.sign(e.value)
    if sample.binary:
        base = found.untreated
        return e_value(base, base + e.value), e_value(base, base + near)
    spread = float(sample.outcome[found.kept].std()) if found.kept.any() else np.nan
    ratios = [np.exp(0.91 * abs(value) / spread) if spread > 0 else np.nan for value in (e.value, near)]
    return e_value(1.0, ratios[0]), e_value(1.0, ratios[1])


def words_for(outcome: Any) -> str:
    """What an outcome is called in a sentence."""
    if isinstance(outcome, str):
        return {
            "churn": "churn",
            "client": "the share who stay clients",
            "spend": "spend",
            "purchases": "purchases",
        }.get(outcome, outcome)
    return getattr(outcome, "name", None) or type(outcome).__name__


def sentence_of(
    sample: EffectSample,
    found: DoublyRobust,
    naive: Estimate,
    verdict: str,
    reasons: tuple[str, ...],
    level: float,
    words: str,
) -> str:
    """The finding in plain words."""

    def show(value: float, sign: bool = True) -> str:
        plus = "+" if sign else ""
        return f"{100 * value:{plus}.1f} points" if sample.binary else f"{value:{plus},.2f}"

    if verdict == "cannot tell":
        return f"These data cannot tell what the action does to {words}: {'; '.join(reasons)}."
    e = found.estimate
    how = "given by lot" if sample.assigned_share is not None else "as observed"
    if verdict == "no effect seen":
        return (
            f"No effect of the action on {words} is seen ({show(e.value)}, {level:.0%} interval "
            f"{show(e.low)} to {show(e.high)}; {how}; a claim would need {CLAIM_LEVEL:.0%}). "
            f"Counting alone would say {show(naive.value)}."
        )
    other_way = np.sign(naive.value) != np.sign(e.value)
    raw = f"; counting alone would say {show(naive.value)}" + (", the wrong way round" if other_way else "")
    return (
        f"The action {verdict}: {words} {show(e.value)} ({level:.0%} interval {show(e.low)} to "
        f"{show(e.high)}; {how}), from {show(found.untreated, False)} without it{raw}."
    )
