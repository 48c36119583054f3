"""All that is due, in order, cut to what a buyer bears and what the hands there are can do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd

from clientcare.care.actions import ACTIONS
from clientcare.care.actions.standing import Due, Standing
from clientcare.care.capacity import Capacity, best_set, in_minutes
from clientcare.care.practices import last_owner
from clientcare.care.told_risk import told_risk
from clientcare.facts.contacts import Floats, Ints
from clientcare.history.histories import Histories
from clientcare.window import microseconds

FOLLOW_UP_SHARE = 0.2
"""Of a short capacity at most this share follows up first purchases: most buyers buy once whatever is done, and there are
always more of them than of those who are about to be lost."""


SILENCE_WEIGHT = 2.0
"""A buyer who fell silent counts twice: of 26 such buyers of twenty simulated agencies 15 left within 90 days, where the
mean risk that the model gave them was 0.28."""

GROWTH_WEIGHT = 0.05
"""Good news can wait: it takes a place in a plan only where nobody needs to be kept."""


@dataclass(frozen=True, eq=False)
class Value:
    """What buyers are worth over the horizon; arrays of shape (n_buyers,).

    Attributes
    ----------
    expected, at_stake, if_stays : float array
        What is expected, the risk times what leaving would lose, and what leaving would lose.
    gain : float array or None
        What care is expected to win, where that is known.
    """

    expected: Floats
    at_stake: Floats
    if_stays: Floats
    gain: Floats | None


def all_due(
    at: Standing, value: Value, minutes: Mapping[str, int], may_save: float, hour_cost: float | None
) -> tuple[pd.DataFrame, dict[str, Due]]:
    """All actions due, as numbers, in order; the place of each in its finder's answer is kept for the sentences.

    What keeps a buyer puts at stake what leaving would lose, what wins more a share of what is expected anyway.
    """
    dues = {name: action.find(at) for name, action in ACTIONS.items()}
    told = told_risk(dues, at)
    value = replace(value, at_stake=np.maximum(value.at_stake, told * value.if_stays))
    rows = pd.concat(
        [
            _rows_of(name, due, number, value, minutes, may_save, hour_cost)
            for number, (name, due) in enumerate(dues.items())
        ],
        ignore_index=True,
    )
    return _in_order(_with_priority(rows, at, value, told)), dues


def _rows_of(
    name: str,
    due: Due,
    number: int,
    value: Value,
    minutes: Mapping[str, int],
    may_save: float,
    hour_cost: float | None,
) -> pd.DataFrame:
    action = ACTIONS[name]
    growth = action.growth_share > 0
    stake = action.growth_share * value.expected[due.buyer] if growth else value.at_stake[due.buyer]
    from_effect = value.gain is not None and not growth
    worth = value.gain[due.buyer] if value.gain is not None and not growth else stake
    length = minutes.get(name, action.minutes)
    saved = worth if from_effect else may_save * stake
    cost = np.nan if hour_cost is None else hour_cost * length / 60
    return pd.DataFrame(
        {
            "buyer": due.buyer, "action": name, "number": number, "growth": growth,
            "place": np.arange(len(due.buyer)), "due_day": due.due_day, "urgency": due.urgency,
            "at_stake": stake, "base": worth, "minutes": length, "may_save": saved, "cost": cost,
            "worth": saved - cost, "follow_up": action.follow_up,
            "evidence_day": np.nan if due.evidence_day is None else due.evidence_day,
        }
    )  # fmt: skip


def _with_priority(rows: pd.DataFrame, at: Standing, value: Value, told: Floats) -> pd.DataFrame:
    """Priority, and the day on which the buyer may be lost: the end of what was agreed, where something ends.

    What the model says counts twice of a silent buyer; what facts tell counts in full where the model expects nobody to
    leave, and the less, the more leavers it knows of.
    """
    buyer = rows["buyer"].to_numpy(dtype=np.int64)
    growth = rows["growth"].to_numpy(dtype=bool)
    if value.gain is None:
        model = np.nan_to_num(at.churn_risk) * np.where(at.silent, SILENCE_WEIGHT, 1.0)
        n_expected = float(np.nansum(at.churn_risk[at.listed]))
        keeping = (np.maximum(model, told / (1 + n_expected)) * value.if_stays)[buyer]
    else:
        keeping = rows["base"] * np.where(at.silent[buyer], SILENCE_WEIGHT, 1.0)
    lost_day = at.buying.covered_until_day[buyer]
    return rows.assign(
        priority=np.where(growth, GROWTH_WEIGHT * rows["base"], keeping),
        lost_day=np.where(np.isnan(lost_day), np.inf, lost_day),
    )


def _in_order(rows: pd.DataFrame) -> pd.DataFrame:
    """Buyers by their most pressing action, and a buyer's own in the order of the list; what keeps before what wins, and
    at equal priority what is lost or due sooner first.
    """
    if not len(rows):
        return rows
    keys = [rows[name] for name in ("number", "buyer", "due_day", "lost_day")]
    order = np.lexsort((*keys, -rows["urgency"], -rows["priority"], rows["growth"]))
    rows = rows.iloc[order].reset_index(drop=True)
    place = pd.Series(np.arange(len(rows)), index=rows.index)
    first = place.groupby(rows["buyer"]).transform("min")
    return rows.iloc[np.lexsort((rows["due_day"], rows["number"], first))].reset_index(drop=True)


def least_flooding(rows: pd.DataFrame, max_per_buyer: int) -> pd.DataFrame:
    """At most so many rows a buyer, those that come first."""
    return rows[(rows.groupby("buyer").cumcount() < max_per_buyer).to_numpy()]


def within_capacity(
    rows: pd.DataFrame, capacity: Any, histories: Histories, as_of: pd.Timestamp
) -> pd.DataFrame:
    """The best rows that fit, all owners together or each owner's own; in their order."""
    if not isinstance(capacity, Mapping):
        return rows.iloc[_best(rows, capacity)]
    owner = last_owner(histories, microseconds(as_of)).to_numpy()[rows["buyer"].to_numpy(dtype=np.int64)]
    chosen = [np.zeros(0, dtype=np.int64)]
    for name, own in capacity.items():
        places = np.flatnonzero(owner == name)
        chosen.append(places[_best(rows.iloc[places], own)])
    return rows.iloc[np.sort(np.concatenate(chosen))]


def _best(rows: pd.DataFrame, capacity: Capacity) -> Ints:
    """The best set within a capacity: of what keeps first, and of what wins in the room that is left."""
    if capacity is None:
        return np.arange(len(rows))
    growth = rows["growth"].to_numpy(dtype=bool)
    keeping, winning = np.flatnonzero(~growth), np.flatnonzero(growth)
    kept = keeping[_best_of(rows.iloc[keeping], capacity)]
    if not len(winning):
        return kept
    left: Capacity
    if isinstance(capacity, Integral) and not isinstance(capacity, bool):
        left = int(capacity) - len(kept)
    else:
        spent = float(rows["minutes"].iloc[kept].sum())
        left = pd.Timedelta(minutes=max(in_minutes(capacity) - spent, 0.0))
    return np.sort(np.concatenate([kept, winning[_best_of(rows.iloc[winning], left)]]))


def _best_of(rows: pd.DataFrame, capacity: Capacity) -> Ints:
    """The best set of some rows, with few places for follow-ups unless places stay empty."""
    value, minutes = rows["priority"].to_numpy(dtype=float), rows["minutes"].to_numpy(dtype=float)
    follow_up = rows["follow_up"].to_numpy(dtype=bool)
    is_count = isinstance(capacity, Integral) and not isinstance(capacity, bool)
    size = np.ones(len(rows)) if is_count else minutes
    whole = float(capacity) if is_count else in_minutes(capacity)  # type: ignore[arg-type]
    taken = np.cumsum(np.where(follow_up, size, 0.0))
    surplus = follow_up & (taken > max(FOLLOW_UP_SHARE * whole, size.min() if len(size) else 0.0))
    places = np.flatnonzero(~surplus)
    chosen = places[best_set(value[places], minutes[places], capacity)]
    room = whole - float(size[chosen].sum())
    spare = np.flatnonzero(surplus)
    more = spare[np.cumsum(size[spare]) <= room]
    return np.sort(np.concatenate([chosen, more]))
