"""Does care work? The effect of an action on what comes after, or a plain statement that the data cannot
tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from clientcare.arguments import is_number, require_one_of, require_seed
from clientcare.effect.checks import (
    FEWEST_EACH,
    e_values,
    explained_away,
    placebos_of,
    sentence_of,
    strength_of_claim,
    strongest_seen,
    verdict_of,
    why_not,
    words_for,
)
from clientcare.effect.compliers import complier_effect
from clientcare.effect.doubly_robust import DoublyRobust, balance, doubly_robust, naive_difference, overlap
from clientcare.effect.found import CareEffect
from clientcare.effect.lot import arms_of
from clientcare.effect.nuisance import LogScale
from clientcare.effect.sample import STATUSES, Action, EffectSample, effect_sample, sample_of_table
from clientcare.effect.targeting import EffectByBuyer, effects_unseen, gain_table
from clientcare.exceptions import NotEnoughDataError, OptionError
from clientcare.facts.contacts import Floats
from clientcare.history.histories import Histories, require_histories
from clientcare.progress import ProgressBar
from clientcare.window import Days, Moment, parse_days, parse_moments


def care_effect(
    histories: Histories,
    action: Action = "check_in",
    outcome: Any = "churn",
    as_of: Moment | Iterable[Moment] = (),
    *,
    window: Days = "14D",
    horizon: Days = "90D",
    status: str = "contact",
    outcome_from: str | None = None,
    randomised: Any = None,
    clusters: Any = None,
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
    status : {"contact", "attempt", "kept"}
        Which rows of that kind are the action: what took place, every try (reached or not), or what is written down
        as kept. From observation ask for attempts: whoever had already gone could not be reached, so that what took
        place looks like help where it only shows who was still there.
    outcome_from : {"window", "as_of"}, optional
        Whether the horizon begins after the window, so that nothing that came before the action can count for it
        (default from observation), or at the date itself (default by lot: what the assignment did begins with it).
    randomised : str or Series, optional
        Where the action was given by lot: a column of the buyers' table, or a Series by ``buyer_id`` or
        (``as_of``, ``buyer_id``), with ``care`` / ``hold_out`` or 1 / 0; rows without an arm are left out.
        The effect is then that of the assignment, whether or not the contact took place. Drawn anew at each date, or
        branch after branch (a stepped wedge), give a Series by (``as_of``, ``buyer_id``): arms are compared within
        each date, and dates at which all have the same arm are left out.
    clusters : str or Series, optional
        What was dealt with together: a column of the buyers' table (``"owner"``) or a Series by ``buyer_id``. The rows
        of a cluster may move together, and where the lot was drawn by cluster they must be told so; default: each
        buyer alone.
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
    either side, if there is an effect on the past, if the action itself needs the buyer to be there, or if something
    unseen, as strong as the strongest confounder that was seen, would explain the effect away. That an action helps
    or harms is claimed at 95 %, whatever ``level`` is shown.

    Examples
    --------
    >>> from clientcare.datasets import simulate_histories
    >>> firm = simulate_histories("service_firm", n_buyers=200, random_state=0)
    >>> effect = care_effect(firm.histories, "check_in", "churn", ["2023-06-01", "2023-09-01"])
    >>> effect.verdict
    'cannot tell'
    >>> bool(effect.low <= effect.effect <= effect.high)
    True
    """
    require_histories(histories, "care_effect")
    moments, _ = parse_moments(as_of, histories.timezone)
    if outcome_from is None:
        outcome_from = "window" if randomised is None else "as_of"
    require_one_of("care_effect: outcome_from", outcome_from, ("window", "as_of"))
    require_one_of("care_effect: status", status, STATUSES)
    require_seed("care_effect: random_state", random_state)
    numbers = all(map(is_number, (trim, level, cap)))
    if not (numbers and 0 <= trim < 0.5 and 0 < level < 1 and 0 < cap <= 1):
        raise OptionError("care_effect: trim lies in [0, 0.5), level in (0, 1), cap in (0, 1].")
    with ProgressBar("Effect of care", n_steps=2) as bar:
        bar.at(0, "who met the action, and what was known of them")
        sample = effect_sample(
            histories, moments, action, outcome, parse_days(window, "window"), parse_days(horizon),
            outcome_from=outcome_from, randomised=randomised, clusters=clusters, features=features, cap=cap,
            status=status,
        )  # fmt: skip
        _require_both(sample)
        scale = LogScale.fit(sample.features)
        bar.at(1, "comparing like with like")
        return _report(sample, scale, action, status, trim, level, random_state, words_for(outcome))


def effect_in_table(
    table: pd.DataFrame,
    action: str,
    outcome: str,
    features: Sequence[str],
    *,
    randomised: bool = False,
    past_outcome: str | None = None,
    clusters: str | None = None,
    lower_is_better: bool = False,
    trim: float = 0.05,
    cap: float = 0.99,
    level: float = 0.9,
    random_state: int = 0,
) -> CareEffect:
    """The effect of an action that stands in a table already: one row a buyer, no histories needed.

    For experiments kept as tables, and to hold the estimate against them. The same estimate, checks and words as
    :func:`care_effect`.

    Parameters
    ----------
    table : DataFrame
        One row a buyer.
    action : str
        The column that says who met the action: 1 or 0, true or false, or a word for an arm.
    outcome : str
        The column with what came after: 0 and 1, or amounts.
    features : list of str
        Columns with what was known before the action: numbers, or categories of few levels.
    randomised : bool
        Whether the action was given by lot to all rows alike.
    past_outcome : str, optional
        The same outcome before the action: an effect on it must be zero.
    clusters : str, optional
        The column that says which rows were dealt with together.
    lower_is_better : bool
        Whether less of the outcome is wished for, as with churn.
    trim, cap, level, random_state
        As in :func:`care_effect`.

    Raises
    ------
    OptionError
        Where the table has no such column, or an outcome or arm is unknown.
    NotEnoughDataError
        Where next to nobody, or next to everybody, met the action.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> visits = rng.poisson(3, 2000)
    >>> called = rng.random(2000) < 0.5
    >>> stayed = rng.random(2000) < 0.3 + 0.05 * np.minimum(visits, 5) + 0.1 * called
    >>> table = pd.DataFrame({"visits": visits, "called": called, "stayed": stayed})
    >>> effect_in_table(table, "called", "stayed", ["visits"], randomised=True).verdict
    'helps'
    """
    wanted = [action, outcome, *features, *(name for name in (past_outcome, clusters) if name)]
    missing = [name for name in wanted if name not in table]
    if missing:
        raise OptionError(f"effect_in_table: the table has no column {', '.join(map(repr, missing))}.")
    arm = arms_of(table[action])
    y = np.asarray(table[outcome], dtype=np.float64)
    if np.isnan(arm).any() or np.isnan(y).any():
        raise OptionError(
            f"effect_in_table: {int(np.isnan(arm).sum()):,} arms and {int(np.isnan(y).sum()):,} outcomes are unknown; "
            "leave these rows out."
        )
    sample = sample_of_table(
        arm == 1, y, table[list(features)],
        None if past_outcome is None else np.asarray(table[past_outcome], dtype=np.float64),
        None if clusters is None else pd.factorize(table[clusters])[0].astype(np.int64),
        randomised=randomised, lower_is_better=lower_is_better, cap=cap,
    )  # fmt: skip
    _require_both(sample)
    scale = LogScale.fit(sample.features)
    return _report(sample, scale, None, "contact", trim, level, random_state, outcome)


def _require_both(sample: EffectSample) -> None:
    n_with, n = int(sample.treated.sum()), len(sample.treated)
    if min(n_with, n - n_with) < FEWEST_EACH:
        raise NotEnoughDataError(
            f"care_effect: {n_with:,} of {n:,} rows met the action; at least {FEWEST_EACH} with and "
            f"{FEWEST_EACH} without it are needed.\n"
            + (
                "Assign more buyers."
                if sample.assigned_share is not None
                else "Name more dates, a longer window, or a wider action."
            )
        )


def _report(
    sample: EffectSample,
    scale: LogScale,
    action: Action | None,
    status: str,
    trim: float,
    level: float,
    random_state: int,
    words: str,
) -> CareEffect:
    table = scale.transform(sample.features)
    found = doubly_robust(
        sample.treated, sample.outcome, table, sample.cluster, binary=sample.binary, trim=trim, level=level,
        known_propensity=sample.assigned_share, random_state=random_state,
    )  # fmt: skip
    placebos = placebos_of(sample, table, found, trim, random_state)
    even = balance(sample.treated, table, scale.names, found.propensity, found.kept, trim)
    reasons = why_not(sample, found, even, placebos)
    naive = naive_difference(sample.treated, sample.outcome, sample.cluster, level)
    strength = e_values(sample, found)
    seen = strongest_seen(sample) if sample.assigned_share is None else 1.0
    verdict = verdict_of(found.estimate, reasons, sample.lower_is_better)
    if verdict in ("helps", "harms") and strength_of_claim(sample, found) < seen:
        reasons = (*reasons, explained_away(seen))
        verdict = "cannot tell"
    rows, targeting = _by_buyer(sample, table, found, level, random_state)
    beats_chance = bool(targeting["low"].loc["effect"] > 0)
    rule = _rule_of_all(table, found, random_state)
    return CareEffect(
        effect=found.estimate.value,
        low=found.estimate.low,
        high=found.estimate.high,
        standard_error=found.estimate.error,
        naive=naive.value,
        naive_low=naive.low,
        naive_high=naive.high,
        verdict=verdict,
        sentence=sentence_of(sample, found, naive, verdict, reasons, level, words),
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
        n_clusters=len(np.unique(sample.cluster)),
        n_dates_left_out=sample.n_dates_left_out,
        complier=complier_effect(sample, found, table, trim, level, random_state),
        level=level,
        binary=sample.binary,
        lower_is_better=sample.lower_is_better,
        _rule=rule,
        _scale=scale,
        _action=action,
        _status=status,
        strongest_seen=seen,
    )


def _rule_of_all(table: Floats, found: DoublyRobust, random_state: int) -> EffectByBuyer:
    """The rule for buyers to come, learned from all rows kept; no effect anywhere where there are too few."""
    known = found.kept
    if known.sum() < FEWEST_EACH:
        return EffectByBuyer.learn(table, np.zeros(len(table)), np.full(len(table), 0.5), random_state)
    return EffectByBuyer.learn(
        table[known], found.pseudo_effect[known], found.propensity[known], random_state
    )


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
    benefit, unit = sign * found.pseudo_effect[known], sample.cluster[known]
    gains = (
        gain_table(benefit, unit, kept_policies, level, random_state) if known.any() else _no_gain(policies)
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
