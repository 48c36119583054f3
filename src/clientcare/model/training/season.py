"""The past of the level: many dates, few columns, read by the probability model alone."""

from __future__ import annotations

import numpy as np
import pandas as pd

from clientcare.features import feature_table
from clientcare.history.histories import Histories
from clientcare.model.members.base import Floats, share_of
from clientcare.model.members.pareto_nbd import AGE, COUNT, STRETCH, LifetimeMember
from clientcare.model.training.blend import MOSTLY
from clientcare.model.training.level import (
    LEAST_PAIRED_DAYS,
    YEAR,
    SeasonalLevel,
    level_of_the_past,
    past_days,
)
from clientcare.outcomes import ChurnDefinition, ClientDefinition
from clientcare.window import MICROSECONDS_A_DAY, day_number, timestamp_of

MOST_BUYERS = 5_000
STEP_DAYS = 10
LEAST_HISTORY_DAYS = 60


def learn_level(
    past: Histories,
    as_of: pd.Timestamp,
    definition: ChurnDefinition | ClientDefinition,
    member: LifetimeMember | None,
    blended: Floats,
    without_season: Floats,
) -> SeasonalLevel:
    """The seasonal level of one question, where two years and more were seen and the probability model
    is there.

    Parameters
    ----------
    past : Histories
        Nothing at or after ``as_of``.
    as_of : Timestamp
    definition : ChurnDefinition or ClientDefinition
        What is asked; of a client, patronage.
    member : LifetimeMember or None
        As fitted now.
    blended, without_season : float64 arrays of shape (n_buyers,)
        What the blend and the member say of the same buyers now.
    """
    level = SeasonalLevel()
    span = definition.horizon_days
    first = day_number(past.observed_from) + max(span, LEAST_HISTORY_DAYS)
    last = day_number(as_of) - span
    too_short = (
        day_number(as_of) - day_number(past.observed_from) < 2 * YEAR
        or last - YEAR - first < LEAST_PAIRED_DAYS
    )
    if member is None or too_short or np.isfinite(without_season).mean() < MOSTLY:
        return level
    ids = past.buyer_ids
    some = past.select(ids[:: max(1, -(-len(ids) // MOST_BUYERS))])

    def at(day: int) -> tuple[Floats, Floats]:
        date = timestamp_of(day * MICROSECONDS_A_DAY)
        table = feature_table(some, date, families=["timing"])
        summary = table[[COUNT, STRETCH, AGE]].to_numpy(dtype=np.float64)
        known = np.isfinite(summary).all(axis=1)
        expected = np.full(len(table), np.nan)
        if known.any():
            expected[known] = member.ask(summary[known])
        label = definition.label if isinstance(definition, ChurnDefinition) else definition.patronage
        outcome = label(some, date).astype(np.float64).reindex(table.index).to_numpy()
        return np.asarray(outcome, dtype=np.float64), expected

    seen = level_of_the_past(past_days(first, last, STEP_DAYS), at)
    return level.learn(*seen, span).anchor(float(day_number(as_of)), blended, without_season)


def said_by(member: LifetimeMember | None, X: Floats) -> Floats:
    """What the probability model says of the rows; NaN where it is not there."""
    return np.full(len(X), np.nan) if member is None else share_of(member._log_odds(X))
