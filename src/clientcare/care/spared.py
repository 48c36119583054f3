"""Whom a plan leaves alone: who must not be contacted, who not yet, and what was settled before."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from clientcare.exceptions import InputError, SchemaError
from clientcare.facts.contacts import Bools
from clientcare.history.histories import Histories

YES = frozenset({"yes", "y", "true", "t", "1", "1.0", "x", "on"})
"""Words for yes in an attribute that came as text."""

STATES = ("planned", "done", "dismissed", "snoozed")

REST_DAYS = {"done": 90, "dismissed": 365}
"""How long an action that was done, or found to be needless, is not asked for again: a quarter, and a year."""

SNOOZE_DAYS = 14
"""How long an action sleeps that was put off without a date."""


def may_not_be_contacted(histories: Histories) -> Bools:
    """Who must not be contacted (``do_not_contact`` in the buyers' table); shape (n_buyers,)."""
    column = _attribute(histories, "do_not_contact")
    if column is None:
        return np.zeros(len(histories.buyer_ids), dtype=bool)
    said = column.astype(object).where(column.notna(), "").astype(str).str.strip().str.lower()
    return said.isin(YES).to_numpy(dtype=bool)


def not_yet(histories: Histories, as_of: pd.Timestamp) -> Bools:
    """Who must not be contacted before a day that lies ahead (``contact_after`` in the buyers' table); shape
    (n_buyers,).
    """
    column = _attribute(histories, "contact_after")
    if column is None:
        return np.zeros(len(histories.buyer_ids), dtype=bool)
    after = pd.to_datetime(column, errors="coerce")
    if after.dt.tz is not None:
        after = after.dt.tz_localize(None)
    return (after >= as_of.tz_localize(None)).to_numpy(dtype=bool)


def _attribute(histories: Histories, name: str) -> pd.Series[Any] | None:
    if histories.buyers is None or name not in histories.buyers:
        return None
    return histories.buyers[name].reindex(histories.buyer_ids)


def settled(previous: pd.DataFrame | None, as_of: pd.Timestamp) -> set[tuple[Any, str]]:
    """The buyer and the action of what was done, dismissed or snoozed in an earlier plan, and is to rest still.

    Parameters
    ----------
    previous : DataFrame or None
        An earlier plan with its ``state`` filled in; ``until`` (a date) says how long what was snoozed sleeps, and
        ``as_of`` when the plan was made.
    as_of : Timestamp

    Raises
    ------
    SchemaError, InputError
        Where it is no plan, or has a state that is not known.

    Examples
    --------
    >>> earlier = pd.DataFrame({"buyer_id": ["a", "b"], "action": "check_in", "state": ["done", "planned"]})
    >>> settled(earlier.assign(as_of=pd.Timestamp("2024-05-01")), pd.Timestamp("2024-06-01"))
    {('a', 'check_in')}
    """
    if previous is None:
        return set()
    if not isinstance(previous, pd.DataFrame):
        raise InputError(
            f"care_plan: previous is an earlier plan (DataFrame), found {type(previous).__name__}."
        )
    missing = [name for name in ("buyer_id", "action", "state") if name not in previous]
    if missing:
        raise SchemaError.missing_column("previous", missing, map(str, previous.columns))
    state = previous["state"].astype(object).where(previous["state"].notna(), "planned").astype(str)
    state = state.str.strip().str.lower()
    n_unknown = int((~state.isin(STATES)).sum())
    if n_unknown:
        raise InputError(
            f"care_plan: {n_unknown:,} of {len(previous):,} rows of previous have a state that is not known.\n"
            f"Write one of {', '.join(STATES)}."
        )
    rests = _rests_until(previous, state, as_of) > as_of
    rows = previous[rests.to_numpy(dtype=bool)]
    return set(zip(rows["buyer_id"], rows["action"], strict=True))


def _rests_until(previous: pd.DataFrame, state: pd.Series[Any], as_of: pd.Timestamp) -> pd.Series[Any]:
    """Until when each row of an earlier plan is to rest; NaT for what was only planned."""
    made = (
        pd.to_datetime(previous["as_of"]) if "as_of" in previous else pd.Series(as_of, index=previous.index)
    )
    made = made.fillna(as_of)
    days = state.map({**REST_DAYS, "snoozed": SNOOZE_DAYS}).astype("float64")
    until = made + pd.to_timedelta(days, unit="D")
    if "until" in previous:
        stated = pd.to_datetime(previous["until"], errors="coerce")
        until = until.where(~((state == "snoozed") & stated.notna()), stated)
    return until
