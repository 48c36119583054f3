"""The plan in words: ids, dates, owners, sentences, and the statement of how it was made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from clientcare.care.actions import ACTIONS
from clientcare.care.actions.saying import bare_evidence
from clientcare.care.actions.standing import Due, Standing
from clientcare.care.practices import last_owner
from clientcare.history.histories import Histories
from clientcare.window import MICROSECONDS_A_DAY, microseconds

PLAN_COLUMNS = (
    "buyer_id", "action", "due", "urgency", "at_stake", "priority", "reason", "evidence", "owner", "minutes",
    "churn_risk", "relationship", "ranked_by", "warning_line", "as_of", "may_save", "cost", "worth", "state",
)  # fmt: skip

MOST_DAYS_LATE = 365
"""No due date lies further back than a year: within it they order what is late, beyond it they only count years."""


def as_told(
    rows: pd.DataFrame, dues: Mapping[str, Due], histories: Histories, as_of: pd.Timestamp, at: Standing
) -> pd.DataFrame:
    """Words for the rows that are kept."""
    buyer = rows["buyer"].to_numpy(dtype=np.int64)
    facts = _facts(rows, dues)
    asked = rows["due_day"].to_numpy(dtype=np.float64)
    earliest = at.today - MOST_DAYS_LATE
    late = asked < earliest
    days = np.maximum(asked, earliest).astype(np.int64) * MICROSECONDS_A_DAY
    return pd.DataFrame(
        {
            "buyer_id": histories.buyer_ids.take(buyer),
            "action": rows["action"].to_numpy(dtype=object),
            "due": days.view("datetime64[us]"),
            "urgency": rows["urgency"].to_numpy(),
            "at_stake": rows["at_stake"].to_numpy(),
            "priority": rows["priority"].to_numpy(),
            "reason": _texts(
                ACTIONS[action].say(fact) + (" Overdue for more than a year." if old else "")
                for action, fact, old in zip(rows["action"], facts, late.tolist(), strict=True)
            ),
            "evidence": _texts(bare_evidence(fact) for fact in facts),
            "owner": last_owner(histories, microseconds(as_of)).to_numpy()[buyer],
            "minutes": rows["minutes"].to_numpy(),
            "churn_risk": at.churn_risk[buyer],
            "may_save": rows["may_save"].to_numpy(dtype=np.float64),
            "cost": rows["cost"].to_numpy(dtype=np.float64),
            "worth": rows["worth"].to_numpy(dtype=np.float64),
        }
    )


def _facts(rows: pd.DataFrame, dues: Mapping[str, Due]) -> list[dict[str, Any]]:
    """The numbers behind each row as plain values, taken from the arrays of an action all at once."""
    facts: list[dict[str, Any]] = [{}] * len(rows)
    actions, places = rows["action"].to_numpy(dtype=object), rows["place"].to_numpy(dtype=np.int64)
    for action in dict.fromkeys(actions.tolist()):
        here = np.flatnonzero(actions == action)
        told = dues[action].facts
        columns = [np.asarray(values)[places[here]].tolist() for values in told.values()]
        for row, values in zip(here.tolist(), zip(*columns, strict=True), strict=True):
            facts[row] = dict(zip(told, values, strict=True))
    return facts


def _texts(texts: Iterable[str]) -> Any:
    """Texts as objects, so that an empty plan has the types of a full one."""
    return np.array(list(texts), dtype=object)


def left_out(n_unlisted: int, n_gone: int, as_of: pd.Timestamp) -> str:
    """What to say of buyers in the book for whom nothing is planned: gone, or not known yet at the date of the plan."""
    n_unknown = n_unlisted - n_gone
    said = (
        f" {n_gone:,} buyers of the book have been gone for more than a month: nothing is planned for them."
        if n_gone
        else ""
    )
    if n_unknown > 0:
        said += f" {n_unknown:,} buyers of the book were not known yet at {as_of:%Y-%m-%d}: nothing is planned for them."
    return said


def spared_words(n_never: int, n_later: int, n_settled: int, n_unread: int = 0) -> str:
    """What to say of those who are left alone: they must not be contacted, not yet, or it was settled before."""
    said = f" {n_never:,} must not be contacted: nothing is planned for them." if n_never else ""
    if n_unread:
        said += f" Of these {n_unread:,} have a do_not_contact that cannot be read: make it say yes or no."
    if n_later:
        said += f" {n_later:,} must not be contacted before a later date: nothing is planned for them yet."
    if n_settled:
        said += f" {n_settled:,} actions were done, dismissed or snoozed in the previous plan: they rest."
    return said


def by_facts_alone(n_due: int, n_planned: int, unit: str) -> str:
    """How the plan was made without a book.

    Examples
    --------
    >>> by_facts_alone(9, 6, "buyers")
    '6 of 9 actions due, by what facts tell alone: no model was asked who leaves; at stake in buyers.'
    """
    return (
        f"{n_planned:,} of {n_due:,} actions due, by what facts tell alone: no model was asked who leaves; "
        f"at stake in {unit}."
    )


def statement(
    by: str, ranked_by: str, line: float, chosen: str, n_due: int, n_planned: int, unit: str
) -> str:
    """How the plan was made."""
    what = {
        "risk_value": "risk times what staying would bring",
        "effect": "the effect of care times what staying would bring",
    }[ranked_by]
    fallback = "" if by == ranked_by else " (no validated effect of care was given)"
    return (
        f"{n_planned:,} of {n_due:,} actions due, ranked by {what}{fallback}; at stake in {unit}; "
        f"a buyer is called at risk from a churn risk of {line:.0%} on"
    ) + (f": {chosen}" if chosen else ".")
