"""The training table: buyers at past dates, what was known of them then, and what came after."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import numpy as np
import pandas as pd

from clientcare.features.catalogue import parse_windows
from clientcare.features.own_gaps import NAMES as GAPS
from clientcare.features.table import Measured, available_features, measure
from clientcare.history.histories import Histories
from clientcare.history.population import known_buyers
from clientcare.model.members.base import Floats
from clientcare.model.members.terms import STEP_DAYS
from clientcare.model.training.amounts import bought_in_horizon
from clientcare.model.training.bound import Bound, bound_rows, outcomes_of, reach_of_terms
from clientcare.model.training.encoding import Encoding
from clientcare.model.training.rows import Rows
from clientcare.model.training.snapshots import (
    EFFORTS,
    days_like,
    goes_by_the_month,
    plan_snapshots,
    sample_buyers,
    scaled_windows,
)
from clientcare.model.training.term_facts import with_terms
from clientcare.outcomes import ChurnDefinition, ClientDefinition
from clientcare.window import MICROSECONDS_A_DAY, microseconds, parse_moments

FAMILIES = (
    "timing",
    "rhythm",
    "spend",
    "windows",
    "season",
    "breadth",
    "contact",
    "contract",
    "dependence",
    "own_gaps",
    "static",
    "custom",
)
"""All families but those that compare a buyer with the other buyers present: a score must not depend
on them."""
LEFT_OUT = frozenset({"year_elapsed_share", "days_to_anniversary"})
"""Columns that tell the date rather than the buyer."""
STEPS_A_SPAN = 6
"""Dates nearer than a sixth of the time asked for share nearly all of their outcome: each costs a table and tells little."""
MOST_HISTORY_DAYS = 90
SNAPSHOTS = {"quick": 4, "default": 8, "thorough": 8}


@dataclass(frozen=True, eq=False)
class Past:
    """Everything the heads learn from.

    Attributes
    ----------
    rows : Rows
        Sampled buyers at all dates, the present among them.
    encoding : Encoding
    outcomes : dict of name to float64 array of shape (n_rows,)
        ``churn``, ``patronage``, ``care_tie``, ``client``: 1, 0 or NaN (not observed yet, or not to be seen).
    n_purchases, spend : float64 arrays of shape (n_rows,)
        What came within the churn horizon; NaN where it is not observed yet.
    known : Index
        The ids of all buyers known now, sampled or not.
    buyers_now : Index
        The ids behind the rows of the present, in their order.
    histories : Histories
        The sampled buyers' histories up to now.
    terms : Rows or None
        Those under contract at many more past dates; see :mod:`clientcare.model.training.bound`.
    labels : mapping of question to callable
        What says what became of them.
    by_phase : bool
        Whether most buyers had a contract and most contracts an end, so that where a buyer stands in a term matters.
    n_snapshots : int
        How many past dates are pooled.
    """

    rows: Rows
    encoding: Encoding
    outcomes: dict[str, Floats]
    n_purchases: Floats
    spend: Floats
    known: pd.Index
    buyers_now: pd.Index
    histories: Histories
    terms: Rows | None = None
    labels: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    by_phase: bool = False
    n_snapshots: int = 8

    def bound(self, question: str, span_days: int) -> Bound | None:
        """Those under contract at past dates, and what the question says became of them; None where nobody was, or the
        question is not asked of terms.
        """
        if self.terms is None or question not in self.labels:
            return None
        outcome = outcomes_of(self.terms, self.histories, span_days, self.labels[question])
        return Bound(self.terms, outcome, span_days * MICROSECONDS_A_DAY)

    @cached_property
    def now(self) -> Floats:
        """The columns of the present, shape (n_buyers sampled, n_columns)."""
        date = self.rows.date
        return np.asarray(self.rows.X[date == date.max()])

    @property
    def asks_more_than_patronage(self) -> bool:
        """Whether being a client was ever another outcome than keeping on buying."""
        client, patronage = self.outcomes["client"], self.outcomes["patronage"]
        return bool(np.any(client[~np.isnan(client)] != patronage[~np.isnan(client)]))

    @property
    def is_sample(self) -> bool:
        """Whether only some of the buyers known were drawn to learn from."""
        return len(self.buyers_now) < len(self.known)


def gather(
    past: Histories,
    as_of: pd.Timestamp,
    churn: ChurnDefinition,
    client: ClientDefinition,
    effort: str,
    random_state: int,
    keep_levels: bool | Collection[str] = (),
) -> Past:
    """The rows behind all heads; ``past`` holds nothing at or after ``as_of``."""
    by_month, reach = goes_by_the_month(past, as_of), reach_of_terms(past, as_of)
    plan = partial(
        snapshot_dates,
        as_of,
        past.observed_from,
        effort=effort,
        under_contract=past.events("contracts") is not None,
        by_month=by_month or reach > 0,
        holes=past.holes_in("transactions"),
        reach_days=reach,
    )
    of_client = plan(client.horizon_days, client.horizon_days // STEPS_A_SPAN, client_history(client))
    of_churn = plan(churn.horizon_days, churn.horizon_days // 3, max(churn.horizon_days // 2, 14))
    dates = sorted({*of_churn, *of_client, as_of})
    known = past.buyer_ids.take(known_buyers(past, as_of))
    buyers = sample_buyers(known, max(200, EFFORTS[effort] // len(dates)), random_state)
    some = past if len(buyers) == len(past.buyer_ids) else past.select(buyers)
    rows, encoding, index = rows_at(some, dates, churn.horizon_days, keep_levels)
    outcomes = {
        "churn": _labels(some, dates, churn.horizon_days, index, churn.label),
        "patronage": _labels(some, of_client, client.horizon_days, index, client.patronage),
        "client": _labels(some, of_client, client.horizon_days, index, client.label),
        "care_tie": _labels(some, of_client, client.horizon_days, index, client.care_tie_seen),
    }
    if client.care_tie == "ignored":
        outcomes["care_tie"] = np.full(len(rows), np.nan)
    bought, spend = np.full(len(rows), np.nan), np.full(len(rows), np.nan)
    for date in dates:
        here = rows.date == microseconds(date)
        if date + pd.Timedelta(days=churn.horizon_days) <= as_of:
            days = days_like(date, as_of, churn.horizon_days) if by_month else churn.horizon_days
            bought[here], spend[here] = bought_in_horizon(some, rows.buyer[here], microseconds(date), days)
    return Past(
        rows,
        encoding,
        outcomes,
        bought,
        spend,
        known,
        some.buyer_ids.take(rows.buyer[rows.date == microseconds(as_of)]),
        some,
        bound_rows(some, as_of, encoding),
        {"churn": churn.label, "patronage": client.patronage},
        reach > 0,
        n_pooled(effort, reach),
    )


def rows_at(
    histories: Histories,
    dates: list[pd.Timestamp],
    horizon_days: int,
    keep_levels: bool | Collection[str],
) -> tuple[Rows, Encoding, pd.MultiIndex]:
    """Buyers at past dates as rows, the encoding learned from them, and who and when they are.

    Where there are neither attributes nor terms, the numbers of the features are the rows: there is no second copy of
    what is by far the largest table of a fit.
    """
    measured = _measured(histories, dates, horizon_days)
    if measured.static is not None or histories.events("contracts") is not None:
        table = with_terms(_in_order(measured), histories, dates)
        encoding = Encoding(keep_levels).fit(table)
        return rows_of(table, encoding, histories.buyer_ids), encoding, measured.index
    encoding = Encoding(keep_levels).fit(pd.DataFrame(columns=measured.names, dtype=np.float64))
    for column in measured.numbers:
        column[~np.isfinite(column)] = np.nan
    return (
        _as_rows(measured.numbers.T, encoding.names, measured.index, histories.buyer_ids),
        encoding,
        measured.index,
    )


def rows_of(table: pd.DataFrame, encoding: Encoding, buyer_ids: pd.Index) -> Rows:
    """A table indexed by ``as_of`` and ``buyer_id`` as rows; a buyer's number is their place in the ids."""
    return _as_rows(encoding.transform(table), encoding.names, table.index, buyer_ids)


def _as_rows(X: Floats, names: list[str], index: pd.Index, buyer_ids: pd.Index) -> Rows:
    stamps = pd.DatetimeIndex(index.get_level_values("as_of")).to_numpy("datetime64[us]").view(np.int64)
    position = buyer_ids.get_indexer(index.get_level_values("buyer_id")).astype(np.int64)
    return Rows(X, names, stamps, position)


def columns_of(
    histories: Histories, as_of: pd.Timestamp | list[pd.Timestamp], horizon_days: int
) -> pd.DataFrame:
    """The model's columns: every family that judges a buyer by that buyer alone, in windows of the
    horizon's measure.
    """
    dates = as_of if isinstance(as_of, list) else [as_of]
    table = _in_order(_measured(histories, dates, horizon_days))
    return with_terms(table if isinstance(as_of, list) else table.droplevel("as_of"), histories, dates)


def _measured(histories: Histories, dates: list[pd.Timestamp], horizon_days: int) -> Measured:
    """The features of the model, those of a buyer's own gaps last."""
    windows = parse_windows(scaled_windows(horizon_days))
    entries = available_features(histories, FAMILIES, windows, horizon_days)
    entries = [entry for entry in entries if entry.name not in LEFT_OUT]
    entries.sort(key=lambda entry: GAPS.index(entry.name) if entry.name in GAPS else -1)
    moments, _ = parse_moments(dates, histories.timezone)
    return measure(histories, moments, entries, windows)


def _in_order(measured: Measured) -> pd.DataFrame:
    """Features, attributes, a buyer's own gaps: as models have had them since the first."""
    table = measured.frame()
    if measured.static is not None:
        gaps = [name for name in measured.names if name in GAPS]
        table = table[[*(name for name in table.columns if name not in gaps), *gaps]]
    return table


def client_history(client: ClientDefinition) -> int:
    """Days of observed history that a past date needs to tell clients from customers: a quarter of the horizon, or 90."""
    return max(min(client.horizon_days // 4, MOST_HISTORY_DAYS), 14)


def snapshot_dates(
    as_of: pd.Timestamp,
    observed_from: pd.Timestamp,
    span_days: int,
    step_days: int,
    least_history_days: int,
    effort: str,
    under_contract: bool = False,
    by_month: bool = False,
    holes: Sequence[tuple[pd.Timestamp, pd.Timestamp]] = (),
    reach_days: int = 0,
) -> list[pd.Timestamp]:
    """The dates needed to fit one question now and to judge it at its newest complete outcome; newest first.

    They follow from the question's own span: who is a client is learned at the same dates however far ahead churn is asked
    for. ``reach_days`` is how far back they are spread at least: where terms run a year, dates of one quarter know one
    phase.
    """
    step = max(1, step_days, span_days // STEPS_A_SPAN, STEP_DAYS if reach_days else 0)
    n_snapshots = n_pooled(effort, reach_days) + -(-span_days // step)
    plan = plan_snapshots(
        as_of, observed_from, span_days, step, n_snapshots, least_history_days, by_month, holes
    )
    if not plan.dates and under_contract:
        plan = plan_snapshots(as_of, observed_from, span_days, step, 1, 0, by_month)
    return list(plan.dates)


def n_pooled(effort: str, reach_days: int) -> int:
    """How many past dates a question pools: monthly ones over a year or more where terms have phases, whatever the effort.

    Examples
    --------
    >>> n_pooled("quick", 0), n_pooled("quick", 240)
    (4, 9)
    """
    return max(SNAPSHOTS[effort], -(-reach_days // STEP_DAYS) + 1 if reach_days else 0)


def _labels(
    histories: Histories, dates: list[pd.Timestamp], span_days: int, index: pd.Index, label: object
) -> Floats:
    """Outcomes of the rows whose span is observed; NaN for the others."""
    complete = [date for date in dates if date + pd.Timedelta(days=span_days) <= histories.observed_until]
    if not complete:
        return np.full(len(index), np.nan)
    seen = label(histories, complete)  # type: ignore[operator]
    return np.asarray(seen.astype("Float64").reindex(index).to_numpy(dtype=np.float64, na_value=np.nan))
