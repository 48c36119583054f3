"""Why an action is due, in a sentence with the buyer's own numbers, and the bare evidence beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np

Facts = Mapping[str, Any]


def sentence(action: str, facts: Facts) -> str:
    """The reason for one action.

    Examples
    --------
    >>> sentence("follow_up_first_purchase", {"bought_day": 19723.0, "days": 9.0})
    'First purchase on 2024-01-01, 9 days ago: ask whether all is well.'
    """
    return _SENTENCES[action](facts)


def bare_evidence(facts: Facts) -> str:
    """The numbers behind a sentence, as ``name=value`` pairs; days as dates, unknown ones left out."""
    known = [
        (name, value) for name, value in facts.items() if value == value
    ]  # an unknown number equals nothing
    return "; ".join(f"{name.removesuffix('_day')}={_shown(name, value)}" for name, value in known)


def _check_in(f: Facts) -> str:
    if not np.isnan(f["missed_day"]):
        return f"The contact agreed for {_date(f['missed_day'])} did not take place: make a new date."
    if f["never"]:
        return f"Never contacted in {_days(f['silent'])}; a contact is due every {_days(f['allowed'])}."
    usual = "this buyer is used to one about every" if f["own"] else "one is due every"
    return f"No contact from you for {_days(f['silent'])}; {usual} {_days(f['allowed'])}."


def _reach_out(f: Facts) -> str:
    if not np.isnan(f.get("notice_day", np.nan)):
        ends = f["service_end_day"]
        when = "" if np.isnan(ends) else f", service ends on {_date(ends)}"
        return f"Under notice since {_date(f['notice_day'])}{when}: ask why, while there is time."
    if not np.isnan(f["cancelled_day"]):
        return f"Gave up the contract on {_date(f['cancelled_day'])}: ask why, while it is fresh."
    if f["ratio"] >= 1 and not np.isnan(f["usual"]):
        return (
            f"Silent for {_days(f['silent'])}, {f['ratio']:.1f} times the usual gap of {_days(f['usual'])}; "
            f"churn risk {f['risk']:.0%}."
        )
    return f"Churn risk {f['risk']:.0%} is over the line of {f['line']:.0%}."


def _renewal(f: Facts) -> str:
    silent = "nobody has talked about renewing it" if f.get("seen", True) else "no renewal is recorded"
    if f["left"] < 0:
        return f"The contract ran out on {_date(f['end_day'])}, and {silent}."
    when = f"in {_days(f['left'])}" if f["left"] > 0 else "today"
    return f"The contract ends on {_date(f['end_day'])}, {when}, and {silent}."


def _complaint(f: Facts) -> str:
    more = f" ({int(f['n'])} are open)" if f["n"] > 1 else ""
    return f"The complaint of {_date(f['opened_day'])} is still open after {_days(f['days'])}{more}."


def _message(f: Facts) -> str:
    return f"The message of {_date(f['asked_day'])} has waited {_days(f['days'])} for an answer."


def _satisfaction(f: Facts) -> str:
    if np.isnan(f["before"]):
        return f"The latest rating, of {_date(f['rated_day'])}, is only {f['latest']:.2f} of 1."
    return f"Satisfaction went from {f['before']:.2f} to {f['latest']:.2f} of 1 on {_date(f['rated_day'])}."


def _first_purchase(f: Facts) -> str:
    return f"First purchase on {_date(f['bought_day'])}, {_days(f['days'])} ago: ask whether all is well."


def _referral(f: Facts) -> str:
    return f"A content client for {_days(f['days'])}, churn risk {f['risk']:.0%}, never asked for a referral."


def _anniversary(f: Facts) -> str:
    years = int(f["years"])
    return f"{years} year{'s' if years > 1 else ''} a buyer on {_date(f['date_day'])}: say thank you."


_SENTENCES: Mapping[str, Callable[[Facts], str]] = {
    "check_in": _check_in,
    "reach_out": _reach_out,
    "renewal_talk": _renewal,
    "solve_complaint": _complaint,
    "answer_message": _message,
    "review_service": _satisfaction,
    "follow_up_first_purchase": _first_purchase,
    "ask_for_referral": _referral,
    "anniversary": _anniversary,
}


def _date(day: float) -> str:
    return _written(int(day))


@lru_cache(maxsize=4096)
def _written(day: int) -> str:
    return str(np.datetime64(day, "D"))


def _days(count: float) -> str:
    whole = round(float(count))
    return f"{whole:,} day" if whole == 1 else f"{whole:,} days"


def _is_number(value: Any) -> bool:
    return isinstance(value, (float, np.floating))


def _shown(name: str, value: Any) -> str:
    if name.endswith("_day"):
        return _date(value)
    return f"{value:.3g}" if _is_number(value) and value != round(value) else str(value).removesuffix(".0")
