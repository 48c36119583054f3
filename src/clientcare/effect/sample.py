"""Whom an action reached, what was known before it, and what came after: the table an effect is estimated
from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from clientcare.effect.lot import assigned_arms, cluster_of, share_by_date
from clientcare.exceptions import InputError, OptionError
from clientcare.facts.contacts import Bools, Contacts, Floats, Ints
from clientcare.facts.kinds import NAMES
from clientcare.history.histories import Histories
from clientcare.history.population import known_buyers
from clientcare.outcomes import ChurnDefinition, ClientDefinition
from clientcare.outcomes.buying import Buying
from clientcare.window import MICROSECONDS_A_DAY, Window, microseconds

OUTCOMES = ("churn", "client", "spend", "purchases")

FAMILIES = ("timing", "rhythm", "spend", "windows", "contact", "contract", "peers", "static")
WINDOWS = (30, 90, 365)

MOST_LEVELS = 20
"""A category with more levels than this is left out."""

Action = str | Iterable[str] | Mapping[str, Any] | pd.Series

STATUSES = ("attempt", "contact", "kept")


@dataclass(frozen=True, eq=False)
class EffectSample:
    """One row a date and buyer known at it; arrays of shape (n_rows,), ``index`` is (``as_of``,
    ``buyer_id``).
    """

    index: pd.MultiIndex
    buyer: Ints
    treated: Bools
    outcome: Floats
    past_outcome: Floats
    value: Floats
    features: pd.DataFrame
    binary: bool
    lower_is_better: bool
    assigned_share: Floats | None
    share_met_by_presence: float = 0.0
    """Share of the contacts behind the action in which the buyer had to take part."""
    cluster: Ints = field(kw_only=True)
    """What was dealt with together; the buyer where nothing was."""
    met: Bools | None = None
    """By lot: who met the action, whatever they were drawn for; None where no contact can show it."""
    n_dates_left_out: int = 0


def effect_sample(
    histories: Histories,
    moments: list[pd.Timestamp],
    action: Action,
    outcome: Any,
    window_days: int,
    horizon_days: int,
    *,
    outcome_from: str,
    randomised: Any,
    clusters: Any = None,
    features: pd.DataFrame | None,
    cap: float,
    status: str = "contact",
) -> EffectSample:
    """Collect the rows of all dates; see :func:`clientcare.care.care_effect` for the arguments."""
    _require_kinds(histories, action)
    gap = window_days if outcome_from == "window" else 0
    for moment in moments:
        Window(moment + pd.Timedelta(days=gap), horizon_days).require_observed(
            "care_effect", histories.observed_until
        )
    known = [known_buyers(histories, moment) for moment in moments]
    dates = pd.DatetimeIndex(moments).as_unit("us")
    position = np.concatenate(known)
    index = pd.MultiIndex.from_arrays(
        [dates.repeat([len(buyers) for buyers in known]), histories.buyer_ids.take(position)],
        names=["as_of", "buyer_id"],
    )
    given = isinstance(outcome, pd.Series)
    binary = (outcome in ("churn", "client")) if isinstance(outcome, str) else _is_binary(outcome, given)
    after = [_outcome(histories, outcome, moment, gap, horizon_days, index) for moment in moments]
    before = [_past(histories, outcome, moment, horizon_days) for moment in moments]
    y = np.concatenate([values[buyers] for values, buyers in zip(after, known, strict=True)])
    past = np.concatenate([values[buyers] for values, buyers in zip(before, known, strict=True)])
    if not binary:
        y, past = _capped(y, cap), _capped(past, cap)
    assigned = assigned_arms(histories, randomised, index, position)
    seen = assigned is None or isinstance(action, pd.Series) or histories.events("interactions") is not None
    met = [
        _treated(histories, action, m, window_days, status)[buyers]
        if seen
        else np.zeros(len(buyers), dtype=bool)
        for m, buyers in zip(moments, known, strict=True)
    ]
    treated = np.concatenate(met)
    value = np.concatenate(
        [_yearly_value(histories, m)[buyers] for m, buyers in zip(moments, known, strict=True)]
    )
    table = _features(histories, moments, features, index).assign(
        **_lagged_action(histories, action, moments, known, status)
    )
    usable = ~np.isnan(y)
    share, took, n_left_out = None, None, 0
    if assigned is not None:
        took = treated if seen and not isinstance(action, pd.Series) else None
        usable &= ~np.isnan(assigned)
        treated = assigned == 1
        share = share_by_date(treated, index, usable)
        divided = (share > 0) & (share < 1)
        n_left_out = len(index[usable & ~divided].get_level_values(0).unique())
        usable &= divided
    cluster = cluster_of(histories, clusters, position)
    return EffectSample(
        index=index[usable],
        buyer=position[usable].astype(np.int64),
        treated=treated[usable],
        outcome=y[usable],
        past_outcome=past[usable],
        value=value[usable],
        features=table[usable],
        binary=binary,
        lower_is_better=isinstance(outcome, ChurnDefinition)
        or (isinstance(outcome, str) and outcome == "churn"),
        assigned_share=None if share is None else share[usable],
        share_met_by_presence=_presence(histories, action, moments, window_days, status),
        cluster=cluster[usable],
        met=None if took is None else took[usable],
        n_dates_left_out=n_left_out,
    )


def sample_of_table(
    treated: Bools,
    outcome: Floats,
    features: pd.DataFrame,
    past_outcome: Floats | None,
    cluster: Ints | None,
    *,
    randomised: bool,
    lower_is_better: bool,
    cap: float,
) -> EffectSample:
    """A sample from columns of a table with one row a buyer; see :func:`clientcare.effect.effect_in_table`."""
    n = len(treated)
    binary = bool(np.isin(outcome, (0, 1)).all())
    past = np.full(n, np.nan) if past_outcome is None else past_outcome
    index = pd.MultiIndex.from_arrays(
        [pd.DatetimeIndex([pd.Timestamp(0)]).repeat(n), pd.RangeIndex(n)], names=["as_of", "buyer_id"]
    )
    texts = {
        str(name): features[name].astype("category") for name in features.select_dtypes(exclude="number")
    }
    return EffectSample(
        index=index,
        buyer=np.arange(n),
        treated=treated,
        outcome=outcome if binary else _capped(outcome, cap),
        past_outcome=past if binary else _capped(past, cap),
        value=np.ones(n),
        features=_numbers(features.assign(**texts)).set_axis(index),
        binary=binary,
        lower_is_better=lower_is_better,
        assigned_share=np.full(n, treated.mean()) if randomised else None,
        cluster=np.arange(n) if cluster is None else cluster,
    )


def effect_features(
    histories: Histories,
    moments: list[pd.Timestamp],
    action: Action,
    features: pd.DataFrame | None = None,
    status: str = "contact",
) -> pd.DataFrame:
    """The features an effect by buyer is asked with: what was known at each date, and the action's own
    past.
    """
    known = [known_buyers(histories, moment) for moment in moments]
    dates = pd.DatetimeIndex(moments).as_unit("us")
    index = pd.MultiIndex.from_arrays(
        [dates.repeat([len(buyers) for buyers in known]), histories.buyer_ids.take(np.concatenate(known))],
        names=["as_of", "buyer_id"],
    )
    table = _features(histories, moments, features, index)
    return table.assign(**_lagged_action(histories, action, moments, known, status))


def action_rows(contacts: Contacts, action: Action, status: str = "contact") -> Bools:
    """Which contacts are the action; shape (n_rows,).

    Parameters
    ----------
    contacts : Contacts
    action : str, list, mapping
    status : {"attempt", "contact", "kept"}
        What counts: every try, reached or not; what took place; what is written down as kept.

    Raises
    ------
    OptionError
        Where the action names a column there is not.
    """
    counted = _counted(contacts, status)
    if isinstance(action, str):
        if action == "proactive":
            return counted & ~contacts.selling & ~contacts.use & contacts.outbound
        return counted & contacts.kind(action)
    if isinstance(action, Mapping):
        rows = np.ones(len(counted), dtype=bool) if "status" in action else counted
        for column, wanted in action.items():
            if column not in contacts.events.levels:
                found = ", ".join(map(repr, sorted(contacts.events.levels)))
                raise OptionError(
                    f"care_effect: the action names no column {column!r} of texts (found {found})."
                )
            texts = (wanted,) if isinstance(wanted, str) else tuple(wanted)
            by_nature = (
                column == "direction" and len(texts) == 1 and texts[0] in ("inbound", "mutual", "outbound")
            )
            rows = rows & (getattr(contacts, texts[0]) if by_nature else contacts.one_of(column, *texts))
        return rows
    if isinstance(action, pd.Series):
        raise OptionError("care_effect: an action given as a Series has no contacts.")
    return counted & contacts.kind(*action)


def _counted(contacts: Contacts, status: str) -> Bools:
    if status == "attempt":
        return ~contacts.scheduled
    return contacts.one_of("status", "kept") if status == "kept" else contacts.took_place


def _presence(
    histories: Histories, action: Action, moments: list[pd.Timestamp], window_days: int, status: str
) -> float:
    """Share of the action's contacts in which the buyer had to take part: started by them or by both, answered, or
    kept where others were missed; 0 where the action is no contact.
    """
    if isinstance(action, pd.Series) or status == "attempt" or histories.events("interactions") is None:
        return 0.0
    n_rows, n_present = 0, 0
    for moment in moments:
        start = microseconds(moment)
        contacts = Contacts.known(histories, start + window_days * MICROSECONDS_A_DAY)
        assert contacts is not None
        rows = action_rows(contacts, action, status) & (contacts.time >= start)
        tried = action_rows(contacts, action, "attempt") & (contacts.time >= start)
        together = contacts.mutual | contacts.inbound
        if (tried & contacts.missed).any():
            together = together | contacts.one_of("status", "kept")
        n_rows += int(rows.sum())
        n_present += int((rows & together).sum())
    return n_present / n_rows if n_rows else 0.0


def _require_kinds(histories: Histories, action: Action) -> None:
    """Refuse an action that names nothing, or a kind that no contact has."""
    if not isinstance(action, Iterable) or isinstance(action, (bytes, pd.DataFrame, np.ndarray)):
        raise OptionError(
            "care_effect: an action is a kind of contact ('check_in'), several, 'proactive', a mapping of columns to "
            f"texts, or a Series by buyer; found {type(action).__name__}."
        )
    contacts = histories.events("interactions")
    if contacts is None or isinstance(action, (Mapping, pd.Series)) or action == "proactive":
        return
    wanted = (action,) if isinstance(action, str) else tuple(action)
    there = set(map(str, contacts.levels.get("kind", ())))
    if not there & set(wanted):
        ours = ", ".join(repr(kind) for kind in NAMES if kind in there) or "none of our kinds"
        raise OptionError(
            f"care_effect: no contact is of the kind {' or '.join(map(repr, wanted))} (found {ours}).\n"
            "Name one of these, a kind under its own name in your table, or 'proactive'."
        )


def _treated(
    histories: Histories, action: Action, moment: pd.Timestamp, window_days: int, status: str
) -> Bools:
    """Whether each buyer met the action within the window after a date; shape (n_buyers,)."""
    n = len(histories.buyer_ids)
    if isinstance(action, pd.Series):
        return np.asarray(_spread(action, histories, moment) == 1)
    start = microseconds(moment)
    end = start + window_days * MICROSECONDS_A_DAY
    contacts = Contacts.known(histories, end)
    if contacts is None:
        raise InputError("care_effect: there is no table of interactions to find the action in.")
    rows = action_rows(contacts, action, status) & (contacts.time >= start)
    met = np.zeros(n, dtype=bool)
    met[contacts.buyer[rows]] = True
    return met


def _outcome(
    histories: Histories, outcome: Any, moment: pd.Timestamp, gap: int, horizon: int, index: pd.MultiIndex
) -> Floats:
    """The outcome of each buyer over the horizon; NaN where it is not known; shape (n_buyers,)."""
    start = moment + pd.Timedelta(days=gap)
    if isinstance(outcome, pd.Series):
        return _spread(outcome, histories, moment)
    if not isinstance(outcome, str) and not callable(getattr(outcome, "label", None)):
        raise OptionError(
            "care_effect: an outcome is 'churn', 'client', 'spend', 'purchases', a definition with "
            f"label(histories, as_of), or a Series by as_of and buyer; found {type(outcome).__name__}."
        )
    if not isinstance(outcome, str):
        return np.asarray(
            outcome.label(histories, start)
            .astype(np.float64)
            .reindex(histories.buyer_ids)
            .to_numpy(dtype=np.float64)
        )
    if outcome == "churn":
        return _outcome(histories, ChurnDefinition(horizon=horizon), moment, gap, horizon, index)
    if outcome == "client":
        # the action must not count as the tie it is meant to make
        definition = ClientDefinition(horizon=horizon, care_tie="ignored")
        return _outcome(histories, definition, moment, gap, horizon, index)
    if outcome not in OUTCOMES:
        raise OptionError(f"care_effect: outcome {outcome!r} is not known. Ask for one of {list(OUTCOMES)}.")
    end = microseconds(start) + horizon * MICROSECONDS_A_DAY
    buying = Buying.known(histories, end)
    if outcome == "spend":
        return buying.net_spend(microseconds(start), end)
    return buying.n_purchase_days(microseconds(start), end)


def _past(histories: Histories, outcome: Any, moment: pd.Timestamp, horizon: int) -> Floats:
    """The same kind of outcome over the horizon before a date, from what was known at it; shape
    (n_buyers,).
    """
    end = microseconds(moment)
    start = end - horizon * MICROSECONDS_A_DAY
    buying = Buying.known(histories, end)
    if isinstance(outcome, str) and outcome == "spend":
        return buying.net_spend(start, end)
    bought = buying.n_purchase_days(start, end)
    if isinstance(outcome, str) and outcome == "purchases":
        return bought
    idle = ((bought == 0) & ~buying.bound).astype(np.float64)
    churn_like = isinstance(outcome, ChurnDefinition) or (isinstance(outcome, str) and outcome == "churn")
    return np.asarray(idle if churn_like else 1 - idle)


def _is_binary(outcome: Any, given: bool) -> bool:
    return bool(outcome.dropna().isin([0, 1]).all()) if given else True


def _capped(values: Floats, cap: float) -> Floats:
    known = values[~np.isnan(values)]
    return np.minimum(values, np.quantile(known, cap)) if len(known) else values


def _spread(series: pd.Series[Any], histories: Histories, moment: pd.Timestamp) -> Floats:
    """A Series by buyer, or by date and buyer, as an array over all buyers; NaN where it says nothing."""
    if series.index.nlevels == 2:
        dates = series.index.get_level_values(0)
        series = series[dates == moment].droplevel(0)
    return np.asarray(series.reindex(histories.buyer_ids).astype(np.float64).to_numpy(dtype=np.float64))


def _yearly_value(histories: Histories, moment: pd.Timestamp) -> Floats:
    """What each buyer spent in the year before (bought, where there are no amounts); shape (n_buyers,)."""
    end = microseconds(moment)
    buying = Buying.known(histories, end)
    spend = buying.net_spend(end - 365 * MICROSECONDS_A_DAY, end)
    if np.isnan(spend).all():
        spend = buying.n_purchase_days(end - 365 * MICROSECONDS_A_DAY, end)
    return np.asarray(np.maximum(spend, 0.0))


def _features(
    histories: Histories, moments: list[pd.Timestamp], given: pd.DataFrame | None, index: pd.MultiIndex
) -> pd.DataFrame:
    if given is not None:
        if not isinstance(given, pd.DataFrame):
            raise InputError(
                f"care_effect: features must be a table (DataFrame) as feature_table gives it, found {type(given).__name__}."
            )
        table = given.reindex(index)
        if table.isna().all(axis=1).any():
            raise InputError(
                "care_effect: the features given lack rows; give one for every date and known buyer."
            )
        return _numbers(table)
    from clientcare.features import feature_table

    return _numbers(feature_table(histories, moments, families=FAMILIES, windows=WINDOWS).reindex(index))


def _numbers(table: pd.DataFrame) -> pd.DataFrame:
    """Numbers as they are, a column a level for categories of few levels, nothing else."""
    texts = [name for name in table if isinstance(table[name].dtype, pd.CategoricalDtype)]
    few = [name for name in texts if len(table[name].cat.categories) <= MOST_LEVELS]
    return pd.get_dummies(
        table[[*table.select_dtypes("number").columns, *few]], columns=few, dtype=np.float64
    )


def _lagged_action(
    histories: Histories, action: Action, moments: list[pd.Timestamp], known: list[Ints], status: str
) -> dict[str, Floats]:
    """The action's own past before each date: times within 30, 90 and 365 days, and days since the last
    one.
    """
    if isinstance(action, pd.Series) or histories.events("interactions") is None:
        return {}
    names = [*(f"n_actions_{days}d" for days in WINDOWS), "days_since_action"]
    columns: dict[str, list[Floats]] = {name: [] for name in names}
    for moment, buyers in zip(moments, known, strict=True):
        start = microseconds(moment)
        contacts = Contacts.known(histories, start)
        assert contacts is not None
        rows = action_rows(contacts, action, status)
        for days in WINDOWS:
            recent = rows & (contacts.time >= start - days * MICROSECONDS_A_DAY)
            columns[f"n_actions_{days}d"].append(contacts.count(recent)[buyers])
        last = (start - contacts.last_time(rows)) / MICROSECONDS_A_DAY
        columns["days_since_action"].append(last[buyers])
    return {name: np.concatenate(parts) for name, parts in columns.items()}
