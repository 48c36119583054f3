"""The training table: buyers at past dates, what was known of them then, and what came after."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from clientcare.features import feature_table
from clientcare.features.own_gaps import NAMES as GAPS
from clientcare.history.histories import Histories
from clientcare.history.population import known_buyers
from clientcare.model.members.base import Floats
from clientcare.model.training.amounts import bought_in_horizon
from clientcare.model.training.encoding import Encoding
from clientcare.model.training.head import Rows
from clientcare.model.training.snapshots import (
    EFFORTS,
    days_like,
    goes_by_the_month,
    plan_snapshots,
    sample_buyers,
    scaled_windows,
)
from clientcare.outcomes import ChurnDefinition, ClientDefinition
from clientcare.window import microseconds

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
    """

    rows: Rows
    encoding: Encoding
    outcomes: dict[str, Floats]
    n_purchases: Floats
    spend: Floats
    known: pd.Index
    buyers_now: pd.Index
    histories: Histories

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
    dates = snapshot_dates(
        as_of,
        past.observed_from,
        churn.horizon_days,
        client.horizon_days,
        effort,
        past.events("contracts") is not None,
        by_month := goes_by_the_month(past, as_of),
        past.holes_in("transactions"),
    )
    known = past.buyer_ids.take(known_buyers(past, as_of))
    buyers = sample_buyers(known, max(200, EFFORTS[effort] // len(dates)), random_state)
    some = past if len(buyers) == len(past.buyer_ids) else past.select(buyers)
    table = columns_of(some, dates, churn.horizon_days)
    encoding = Encoding(keep_levels).fit(table)
    rows = rows_of(table, encoding, some.buyer_ids)
    outcomes = {
        "churn": _labels(some, dates, churn.horizon_days, table.index, churn.label),
        "patronage": _labels(some, dates, client.horizon_days, table.index, client.patronage),
        "client": _labels(some, dates, client.horizon_days, table.index, client.label),
        "care_tie": _labels(some, dates, client.horizon_days, table.index, client.care_tie_seen),
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
    )


def rows_of(table: pd.DataFrame, encoding: Encoding, buyer_ids: pd.Index) -> Rows:
    """A table indexed by ``as_of`` and ``buyer_id`` as rows; a buyer's number is their place in the ids."""
    stamps = pd.DatetimeIndex(table.index.get_level_values("as_of")).to_numpy("datetime64[us]").view(np.int64)
    position = buyer_ids.get_indexer(table.index.get_level_values("buyer_id")).astype(np.int64)
    return Rows(encoding.transform(table), encoding.names, stamps, position)


def columns_of(
    histories: Histories, as_of: pd.Timestamp | list[pd.Timestamp], horizon_days: int
) -> pd.DataFrame:
    """The model's columns: every family that judges a buyer by that buyer alone, in windows of the
    horizon's measure.
    """
    windows = scaled_windows(horizon_days)
    table = feature_table(histories, as_of, families=FAMILIES, windows=windows, horizon=horizon_days)
    left_out = LEFT_OUT.union(GAPS)
    gaps = [name for name in GAPS if name in table.columns]
    return table[[*(name for name in table.columns if name not in left_out), *gaps]]


def snapshot_dates(
    as_of: pd.Timestamp,
    observed_from: pd.Timestamp,
    horizon_days: int,
    client_days: int,
    effort: str,
    under_contract: bool = False,
    by_month: bool = False,
    holes: Sequence[tuple[pd.Timestamp, pd.Timestamp]] = (),
) -> list[pd.Timestamp]:
    """The dates needed to fit both questions now and to judge them at their newest complete outcome;
    oldest first.
    """
    dates = {as_of}
    for span in (horizon_days, client_days):
        step = max(1, horizon_days // 3, span // STEPS_A_SPAN)
        n_snapshots = SNAPSHOTS[effort] + -(-span // step)
        plan = plan_snapshots(
            as_of, observed_from, span, step, n_snapshots, max(horizon_days // 2, 14), by_month, holes
        )
        if not plan.dates and under_contract:
            plan = plan_snapshots(as_of, observed_from, span, step, 1, 0, by_month)
        dates |= set(plan.dates)
    return sorted(dates)


def _labels(
    histories: Histories, dates: list[pd.Timestamp], span_days: int, index: pd.Index, label: object
) -> Floats:
    """Outcomes of the rows whose span is observed; NaN for the others."""
    complete = [date for date in dates if date + pd.Timedelta(days=span_days) <= histories.observed_until]
    if not complete:
        return np.full(len(index), np.nan)
    seen = label(histories, complete)  # type: ignore[operator]
    return np.asarray(seen.astype("Float64").reindex(index).to_numpy(dtype=np.float64, na_value=np.nan))
