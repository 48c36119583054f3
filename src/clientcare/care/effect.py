"""Does care work? The effect of an action on what comes after, or a plain statement that the data cannot
tell.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from clientcare.care.contacts import Bools, Floats
from clientcare.care.doubly_robust import (
    DoublyRobust,
    Estimate,
    balance,
    doubly_robust,
    e_value,
    effective_size,
    naive_difference,
    overlap,
)
from clientcare.care.effect_sample import Action, EffectSample, effect_features, effect_sample
from clientcare.care.nuisance import RankScale
from clientcare.care.targeting import EffectByBuyer, effects_unseen, gain_table
from clientcare.exceptions import NotEnoughDataError, OptionError
from clientcare.history.histories import Histories
from clientcare.window import Days, Moment, parse_days, parse_moments

FEWEST_EACH = 50
"""Fewer rows than this with or without the action, weights counted: nothing can be told."""

SMALLEST_OVERLAP = 0.5
"""If less than this share of the rows could have gone either way, nothing can be told of the buyers."""

LARGEST_IMBALANCE = 0.1
"""Mean absolute standardised difference that may be left after weighting."""

PLACEBO_LEVEL = 0.99


@dataclass(frozen=True, eq=False, repr=False)
class CareEffect:
    """What :func:`care_effect` found.

    Attributes
    ----------
    effect, low, high, standard_error : float
        Average effect of the action on the outcome over the rows kept, with its interval; clustered by buyer.
    naive, naive_low, naive_high : float
        Difference of the raw means: what counting says.
    verdict : str
        ``"helps"``, ``"harms"``, ``"no effect seen"`` or ``"cannot tell"``.
    sentence : str
        The finding in plain words.
    reasons : tuple of str
        Why the data cannot tell; empty otherwise.
    randomised : bool
        Whether the action was given by lot.
    with_action, without_action : float
        Mean outcome if everybody kept had, or had not, met the action.
    n_rows, n_treated, n_buyers : int
        Rows (dates times buyers), those that met the action, and different buyers.
    kept_share : float
        Share of rows that could have gone either way.
    overlap : DataFrame
        Rows with and without the action by propensity.
    balance : DataFrame
        Standardised differences of the features before and after weighting.
    e_value, e_value_of_interval : float
        How strongly (as a risk ratio) something unseen would have to go with action and outcome to explain
        the effect, or the interval's nearer end, away; 1 where the interval holds zero, NaN where it has no
        meaning.
    placebos : DataFrame, index ``placebo``
        Effects that must be zero: on the horizon before the action, and of a shuffled action.
    rows : DataFrame, index (``as_of``, ``buyer_id``)
        ``treated``, ``outcome``, ``propensity``, ``kept``, ``effect``, ``effect_error`` (by a rule not
        fitted on the buyer), ``risk`` (outcome guessed without the action), ``value`` (the year before),
        ``pseudo_effect``.
    targeting : DataFrame, index ``policy``
        Qini and gain of following the effect, the risk, the value, risk times value, or chance.
    validated : bool
        Whether following the effect by buyer beats chance on buyers it was not fitted on, and the data can
        tell at all.
    """

    effect: float
    low: float
    high: float
    standard_error: float
    naive: float
    naive_low: float
    naive_high: float
    verdict: str
    sentence: str
    reasons: tuple[str, ...]
    randomised: bool
    with_action: float
    without_action: float
    n_rows: int
    n_treated: int
    n_buyers: int
    kept_share: float
    overlap: pd.DataFrame
    balance: pd.DataFrame
    e_value: float
    e_value_of_interval: float
    placebos: pd.DataFrame
    rows: pd.DataFrame
    targeting: pd.DataFrame
    validated: bool
    level: float
    lower_is_better: bool
    _rule: EffectByBuyer = field(repr=False)
    _scale: RankScale = field(repr=False)
    _action: Any = field(repr=False)

    def effect_by_buyer(
        self, histories: Histories, as_of: Moment, features: pd.DataFrame | None = None
    ) -> pd.DataFrame:
        """The effect expected of the action on each buyer known at a date.

        Returns
        -------
        DataFrame, index ``buyer_id``
            ``effect``, ``low``, ``high`` at the level of the estimate. A rule learned from noise is noise:
            mind ``validated``.
        """
        moments, _ = parse_moments(as_of, histories.timezone)
        table = effect_features(histories, moments, self._action, features)
        value, error = self._rule.predict(self._scale.transform(table))
        reach = _normal_quantile(self.level) * error
        index = table.index.droplevel(0)
        return pd.DataFrame({"effect": value, "low": value - reach, "high": value + reach}, index=index)

    def benefit_by_buyer(self, histories: Histories, as_of: Moment) -> pd.Series[Any]:
        """The effect turned so that more is better (the drop in churn, or the gain), what a plan ranks by."""
        effect = self.effect_by_buyer(histories, as_of)["effect"]
        return (-effect if self.lower_is_better else effect).rename("benefit")

    def __repr__(self) -> str:
        lines = [
            self.sentence,
            f"  effect {self.effect:+.4f} [{self.low:+.4f}, {self.high:+.4f}], naive {self.naive:+.4f} "
            f"[{self.naive_low:+.4f}, {self.naive_high:+.4f}]",
            f"  {self.n_rows:,} rows of {self.n_buyers:,} buyers, {self.n_treated:,} with the action, "
            f"{self.kept_share:.0%} could have gone either way, E-value {self.e_value:.2f}",
            self.placebos.round(4).to_string(),
            self.targeting[["qini", "low", "high"]].round(5).to_string(),
        ]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        tables = (
            self.placebos.round(4),
            self.overlap,
            self.balance.head(10).round(3),
            self.targeting.round(5),
        )
        return f"<p>{escape(self.sentence)}</p>" + "".join(table.to_html() for table in tables)


def care_effect(
    histories: Histories,
    action: Action = "check_in",
    outcome: Any = "churn",
    as_of: Moment | Iterable[Moment] = (),
    *,
    window: Days = "14D",
    horizon: Days = "90D",
    outcome_from: str = "window",
    randomised: Any = None,
    features: pd.DataFrame | None = None,
    trim: float = 0.05,
    cap: float = 0.99,
    level: float = 0.9,
    random_state: int = 0,
) -> CareEffect:
    """What an action within a window after each date does to the outcome over the horizon after it.

    Parameters
    ----------
    histories : Histories
        With interactions, unless the action is given as a Series.
    action : str, list, mapping or Series
        A kind (``"check_in"``), several kinds, ``"proactive"`` (any contact by the seller that does not
        sell), columns and their texts (``{"kind": "campaign", "topic": "spring"}``), or a Series of 0 and 1
        by ``buyer_id`` or (``as_of``, ``buyer_id``).
    outcome : str, definition or Series
        ``"churn"``, ``"client"`` (recurring purchases or a contract kept; the tie aside, which the action
        itself would make), ``"spend"``, ``"purchases"``, an object with ``label(histories, as_of)``, or a
        Series by (``as_of``, ``buyer_id``).
    as_of : date or dates
        All known buyers at each make the rows; what is known of a buyer is what was known then.
    window, horizon : days
        How long the action may take, and how long the outcome is watched.
    outcome_from : {"window", "as_of"}
        Whether the horizon begins after the window (default: nothing that came before the action can count
        for it) or at the date itself.
    randomised : str or Series, optional
        Where the action was given by lot: a column of the buyers' table, or a Series by ``buyer_id`` or
        (``as_of``, ``buyer_id``), with ``care`` / ``hold_out`` or 1 / 0; rows without an arm are left out.
        The effect is then that of the assignment, whether or not the contact took place.
    features : DataFrame, optional
        What is known before the action, index (``as_of``, ``buyer_id``); default: ``feature_table`` at each
        date. The action's own past (times within 30, 90, 365 days, days since the last) is always added.
    trim : float
        Rows whose chance of the action lies nearer to 0 or 1 than this are left out: nobody like them went
        the other way.
    cap : float
        Amounts above this quantile count as this quantile.
    level : float
        Of the intervals.
    random_state : int
        Same number, same result.

    Returns
    -------
    CareEffect

    Raises
    ------
    NotEnoughDataError
        Where next to nobody, or next to everybody, met the action.
    NotObservedError
        Where a horizon reaches past the data.
    OptionError
        Where an argument makes no sense.

    Notes
    -----
    Observation can only be trusted if what decided on the action is in the features; the E-value says how
    strong anything missing would have to be, the placebos whether something is missing already. The data
    cannot tell if fewer than half of the rows could have gone either way, if weighting leaves the groups
    apart (mean absolute standardised difference over 0.1), if the weighted rows are worth fewer than 50 on
    either side, or if there is an effect on the past.
    """
    moments, _ = parse_moments(as_of, histories.timezone)
    if outcome_from not in ("window", "as_of"):
        raise OptionError(
            f"care_effect: outcome_from={outcome_from!r} is not known. Use 'window' or 'as_of'."
        )
    if not 0 <= trim < 0.5 or not 0 < level < 1 or not 0 < cap <= 1:
        raise OptionError("care_effect: trim lies in [0, 0.5), level in (0, 1), cap in (0, 1].")
    sample = effect_sample(
        histories, moments, action, outcome, parse_days(window, "window"), parse_days(horizon),
        outcome_from=outcome_from, randomised=randomised, features=features, cap=cap,
    )  # fmt: skip
    _require_both(sample)
    scale = RankScale.fit(sample.features)
    return _report(sample, scale, action, trim, level, random_state, _words(outcome))


def _require_both(sample: EffectSample) -> None:
    n_with, n = int(sample.treated.sum()), len(sample.treated)
    if min(n_with, n - n_with) < FEWEST_EACH:
        raise NotEnoughDataError(
            f"care_effect: {n_with:,} of {n:,} rows met the action; at least {FEWEST_EACH} with and {FEWEST_EACH} without "
            "it are needed.\nName more dates, a longer window, or a wider action."
        )


def _report(
    sample: EffectSample,
    scale: RankScale,
    action: Action,
    trim: float,
    level: float,
    random_state: int,
    words: str,
) -> CareEffect:
    table = scale.transform(sample.features)
    found = _estimate(sample, table, sample.treated, sample.outcome, trim, level, random_state)
    placebos = _placebos(sample, table, found, trim, level, random_state)
    even = balance(sample.treated, table, scale.names, found.propensity, found.kept, trim)
    reasons = _why_not(sample, found, even, placebos)
    naive = naive_difference(sample.treated, sample.outcome, sample.buyer, level)
    verdict = _verdict(found.estimate, reasons, sample.lower_is_better)
    rows, targeting = _by_buyer(sample, table, found, level, random_state)
    beats_chance = bool(targeting.loc["effect", "low"] > 0)
    known = found.kept
    rule = (
        EffectByBuyer.learn(table[known], found.pseudo_effect[known], found.propensity[known], random_state)
        if known.sum() >= FEWEST_EACH
        else EffectByBuyer.learn(table, np.zeros(len(table)), np.full(len(table), 0.5), random_state)
    )
    strength = _e_values(sample, found)
    return CareEffect(
        effect=found.estimate.value,
        low=found.estimate.low,
        high=found.estimate.high,
        standard_error=found.estimate.error,
        naive=naive.value,
        naive_low=naive.low,
        naive_high=naive.high,
        verdict=verdict,
        sentence=_sentence(sample, found, naive, verdict, reasons, level, words),
        reasons=reasons,
        randomised=sample.assigned_share is not None,
        with_action=found.treated_mean,
        without_action=found.untreated,
        n_rows=len(sample.treated),
        n_treated=int(sample.treated.sum()),
        n_buyers=len(np.unique(sample.buyer)),
        kept_share=float(found.kept.mean()),
        overlap=overlap(sample.treated, found.propensity),
        balance=even,
        e_value=strength[0],
        e_value_of_interval=strength[1],
        placebos=placebos,
        rows=rows,
        targeting=targeting,
        validated=beats_chance and verdict != "cannot tell",
        level=level,
        lower_is_better=sample.lower_is_better,
        _rule=rule,
        _scale=scale,
        _action=action,
    )


def _estimate(
    sample: EffectSample,
    table: Floats,
    treated: Bools,
    outcome: Floats,
    trim: float,
    level: float,
    random_state: int,
) -> DoublyRobust:
    return doubly_robust(
        treated, outcome, table, sample.buyer, binary=sample.binary, known_propensity=sample.assigned_share, trim=trim,
        level=level, random_state=random_state,
    )  # fmt: skip


def _placebos(
    sample: EffectSample, table: Floats, found: DoublyRobust, trim: float, level: float, random_state: int
) -> pd.DataFrame:
    """Two effects that must be zero: on the past, given what was known; and of an action dealt out anew."""
    rows = {}
    usable = ~np.isnan(sample.past_outcome)
    if usable.all() and sample.past_outcome.min() < sample.past_outcome.max():
        past = _on_the_past(sample, table, found, trim, random_state)
        rows["outcome before the action"] = past
    rng = np.random.default_rng(random_state)
    shuffled = _shuffled(sample, rng)
    even = np.full(len(shuffled), shuffled.mean())
    other = doubly_robust(
        shuffled, sample.outcome, table, sample.buyer, binary=sample.binary, known_propensity=even, trim=0.0,
        level=PLACEBO_LEVEL, random_state=random_state,
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
    """The weights of the estimate applied to the horizon before the action; interval at 99 %."""
    return doubly_robust(
        sample.treated, sample.past_outcome, table, sample.buyer, binary=sample.binary,
        known_propensity=found.propensity, trim=trim, level=PLACEBO_LEVEL, random_state=random_state,
    ).estimate  # fmt: skip


def _shuffled(sample: EffectSample, rng: np.random.Generator) -> Bools:
    """The action dealt out anew among the rows of each date."""
    dates = sample.index.get_level_values(0)
    dealt = sample.treated.copy()
    for date in dates.unique():
        rows = np.flatnonzero(dates == date)
        dealt[rows] = dealt[rng.permutation(rows)]
    return dealt


def _why_not(
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
    return tuple(reasons)


def _verdict(estimate: Estimate, reasons: tuple[str, ...], lower_is_better: bool) -> str:
    if reasons or np.isnan(estimate.error):
        return "cannot tell"
    if not estimate.excludes_zero():
        return "no effect seen"
    return "helps" if (estimate.value < 0) == lower_is_better else "harms"


def _e_values(sample: EffectSample, found: DoublyRobust) -> tuple[float, float]:
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


def _by_buyer(
    sample: EffectSample, table: Floats, found: DoublyRobust, level: float, random_state: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The effect on each row by a rule not fitted on its buyer, and what following it is worth."""
    known = found.kept
    effect, error = np.zeros(len(table)), np.full(len(table), np.nan)
    if known.sum() >= FEWEST_EACH:
        effect, error = effects_unseen(table, found.pseudo_effect, found.propensity, found.fold, random_state)
    sign = -1.0 if sample.lower_is_better else 1.0
    risk = -sign * found.outcome_without
    policies = {
        "effect": sign * effect,
        "risk": risk,
        "value": sample.value,
        "risk_value": (risk - risk.min()) * sample.value,
    }
    kept_policies = {name: score[known] for name, score in policies.items()}
    benefit, buyer = sign * found.pseudo_effect[known], sample.buyer[known]
    gains = (
        gain_table(benefit, buyer, kept_policies, level, random_state) if known.any() else _no_gain(policies)
    )
    rows = pd.DataFrame(
        {
            "treated": sample.treated,
            "outcome": sample.outcome,
            "propensity": found.propensity,
            "kept": known,
            "effect": effect,
            "effect_error": error,
            "risk": found.outcome_without,
            "value": sample.value,
            "pseudo_effect": found.pseudo_effect,
        },
        index=sample.index,
    )
    return rows, gains


def _no_gain(policies: dict[str, Floats]) -> pd.DataFrame:
    frame = pd.DataFrame(np.nan, index=[*policies, "random"], columns=["qini", "low", "high"])
    frame.index.name = "policy"
    return frame


def _words(outcome: Any) -> str:
    if isinstance(outcome, str):
        return {
            "churn": "churn",
            "client": "the share who stay clients",
            "spend": "spend",
            "purchases": "purchases",
        }.get(outcome, outcome)
    return getattr(outcome, "name", None) or type(outcome).__name__


def _sentence(
    sample: EffectSample,
    found: DoublyRobust,
    naive: Estimate,
    verdict: str,
    reasons: tuple[str, ...],
    level: float,
    words: str,
) -> str:
    def show(value: float, sign: bool = True) -> str:
        plus = "+" if sign else ""
        return f"{100 * value:{plus}.1f} points" if sample.binary else f"{value:{plus},.2f}"

    if verdict == "cannot tell":
        return f"These data cannot tell what the action does to {words}: {'; '.join(reasons)}."
    e = found.estimate
    how = "given by lot" if sample.assigned_share is not None else "as observed"
    if verdict == "no effect seen":
        return (
            f"No effect of the action on {words} is seen ({show(e.value)}, {level:.0%} interval {show(e.low)} to "
            f"{show(e.high)}; {how}): anything outside that interval is unlikely."
        )
    other_way = np.sign(naive.value) != np.sign(e.value)
    raw = f"; counting alone would say {show(naive.value)}" + (", the wrong way round" if other_way else "")
    return (
        f"The action {verdict}: {words} {show(e.value)} ({level:.0%} interval {show(e.low)} to {show(e.high)}; "
        f"{how}), from {show(found.untreated, False)} without it{raw}."
    )


def _normal_quantile(level: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(0.5 + level / 2))
