"""What a plan leaves alone, since an earlier one settled it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from clientcare.exceptions import InputError, SchemaError
from clientcare.window import day_number

STATES = ("planned", "done", "dismissed", "snoozed")

REST_DAYS = {"done": 90, "dismissed": 365}
"""How long an action that was done, or found to be needless, is not asked for again: a quarter, and a year."""

SNOOZE_DAYS = 14
"""How long an action sleeps that was put off without a date."""


BUYER_RESTS_DAYS = 7
"""Who was called this week is not called about something else that was known then: nobody is flooded."""

TROUBLED = ("break_silence", "solve_complaint", "review_service", "reach_out")
"""While one of these rests nobody asks for a favour."""


BY_THE_CALENDAR = ("renewal_talk", "check_in", "anniversary")
"""What the calendar asks for anew (the next reminder of an end) is asked after it was done; who put it off or dismissed it
knew the date."""


def settled(previous: pd.DataFrame | None, as_of: pd.Timestamp) -> pd.DataFrame:
    """What was done, dismissed or snoozed in an earlier plan and is to rest still: one row an action.

    Parameters
    ----------
    previous : DataFrame or None
        An earlier plan with its ``state`` filled in; ``until`` (a date) says how long what was snoozed sleeps, and
        ``as_of`` when the plan was made.
    as_of : Timestamp

    Returns
    -------
    DataFrame
        ``buyer_id``, ``action``, ``made_day`` (calendar day of the earlier plan: what came on it or after it was not known
        to it), ``is_done``, and ``buyer_rests`` (whether nobody should call that buyer about anything else yet).

    Raises
    ------
    SchemaError, InputError
        Where it is no plan, or has a state that is not known.

    Examples
    --------
    >>> earlier = pd.DataFrame({"buyer_id": ["a", "b"], "action": "check_in", "state": ["done", "planned"]})
    >>> told = settled(earlier.assign(as_of=pd.Timestamp("2024-05-01")), pd.Timestamp("2024-06-01"))
    >>> told[["buyer_id", "action"]].values.tolist()
    [['a', 'check_in']]
    """
    if previous is None:
        return _nothing_settled()
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
    made = _made(previous, as_of)
    until = _rests_until(previous, state, made)
    rests = (until > as_of).to_numpy(dtype=bool)
    lately = as_of - made <= pd.Timedelta(days=BUYER_RESTS_DAYS)
    buyer_rests = (state == "snoozed") | ((state == "done") & lately)
    return pd.DataFrame(
        {
            "buyer_id": previous["buyer_id"],
            "action": previous["action"],
            "made_day": [day_number(moment) for moment in made],
            "is_done": state == "done",
            "buyer_rests": buyer_rests,
        }
    )[rests]


def _nothing_settled() -> pd.DataFrame:
    return pd.DataFrame({"buyer_id": [], "action": [], "made_day": [], "is_done": [], "buyer_rests": []})


def still_asked(rows: pd.DataFrame, before: pd.DataFrame, buyer_ids: pd.Index[Any]) -> pd.DataFrame:
    """The rows that an earlier plan did not settle: what came after that plan was made is asked again.

    A buyer who was called within the week, or who sleeps until a date, is left alone with everything that was known to the
    earlier plan; and who was silent, unhappy or leaving then is sent no good news while that rests.

    Parameters
    ----------
    rows : DataFrame
        All that is due, with ``buyer`` (position), ``action``, ``growth`` and ``evidence_day``.
    before : DataFrame
        What :func:`settled` gives.
    buyer_ids : Index
    """
    if not len(before) or not len(rows):
        return rows
    before = before.assign(buyer=_positions(before["buyer_id"], buyer_ids))
    buyer, growth = rows["buyer"], rows["growth"].to_numpy(dtype=bool)
    evidence = rows["evidence_day"].to_numpy(dtype=np.float64)
    asked = pd.MultiIndex.from_arrays([buyer, rows["action"]])
    same = before.groupby(["buyer", "action"])[["made_day", "is_done"]].max().reindex(asked)
    made = same["made_day"].to_numpy(dtype=np.float64)
    put_off = (same["is_done"] == False).to_numpy(dtype=bool)  # noqa: E712 (unknown is neither)
    rests = ~(evidence >= made) | (put_off & rows["action"].isin(BY_THE_CALENDAR).to_numpy(dtype=bool))
    rests &= ~np.isnan(made)
    calm = _latest(before[before["buyer_rests"].to_numpy(dtype=bool)], buyer)
    rests |= ~np.isnan(calm) & ~(evidence >= calm)
    rests |= growth & ~np.isnan(_latest(before[before["action"].isin(TROUBLED)], buyer))
    return rows[~rests]


def _latest(before: pd.DataFrame, buyer: pd.Series[Any]) -> Any:
    """The day of the latest plan that settled something of some kind with each buyer; NaN without one."""
    return before.groupby("buyer")["made_day"].max().reindex(buyer).to_numpy(dtype=np.float64)


def _positions(named: pd.Series[Any], buyer_ids: pd.Index[Any]) -> Any:
    """Where the buyers of an earlier plan stand, ids that a file gave back as numbers or texts included."""
    found = buyer_ids.get_indexer(pd.Index(named))
    return np.where(found < 0, buyer_ids.astype(str).get_indexer(pd.Index(named.astype(str))), found)


def _made(previous: pd.DataFrame, as_of: pd.Timestamp) -> pd.Series[Any]:
    """When each row of an earlier plan was made; now, where it does not say."""
    if "as_of" not in previous:
        return pd.Series(as_of, index=previous.index)
    return pd.to_datetime(previous["as_of"]).fillna(as_of)


def _rests_until(previous: pd.DataFrame, state: pd.Series[Any], made: pd.Series[Any]) -> pd.Series[Any]:
    """Until when each row of an earlier plan is to rest; NaT for what was only planned."""
    days = state.map({**REST_DAYS, "snoozed": SNOOZE_DAYS}).astype("float64")
    until = made + pd.to_timedelta(days, unit="D")
    if "until" in previous:
        stated = pd.to_datetime(previous["until"], errors="coerce")
        until = until.where(~((state == "snoozed") & stated.notna()), stated)
    return until
