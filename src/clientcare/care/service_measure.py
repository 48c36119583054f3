"""The formula of the service: what buyers say, answers, complaints and value kept."""

from __future__ import annotations

from typing import Any

import numpy as np

from clientcare.care.complaints import known_resolved, open_complaints
from clientcare.care.stretches import Period
from clientcare.facts.contacts import Bools, Contacts, Floats, mean_of_known, share
from clientcare.outcomes.buying import Buying
from clientcare.window import MICROSECONDS_A_DAY

PROMPT_HOURS = 24.0
"""An answer within this many hours counts as prompt."""

YEAR_DAYS = 365
"""How far back a measure is taken from where the period has none: what is older says nothing of today."""


def service(buying: Buying, contacts: Contacts | None, period: Period) -> dict[str, Any]:
    """Best service and value are ongoing. The mean of what is known of five shares, times 100:

    - satisfaction (0 to 1) of the contacts rated within the period: their mean, or the latest where that is lower;
    - contacts by the buyer (referrals aside) answered, of those whose answers are recorded;
    - of the same, those answered within 24 hours, where the time of answers is recorded;
    - complaints and tickets opened in the period that are resolved by its end, where closings are recorded;
    - value kept: ``1 - returned / bought`` of the period's spend (at least 0), where returns are recorded at all.

    What a buyer gave no occasion for in the period, or nobody wrote down, stands as it was in the year before: neither
    a buyer's silence nor a missing record makes the service better.

    What buyers say outweighs how promptly they were answered: the whole is never above the satisfaction, and never
    above half-way between full marks and the share of complaints resolved. Every complaint of the last half year that is
    open lowers it further: the whole is divided by one and a half with one of them, by two with two, and so on. Where no
    closing was ever written down, none is known to be open. NaN where none of them is known.
    """
    spent, returned = buying.spent_and_returned(period.start, period.as_of)
    amount = None if buying.transactions is None else buying.transactions.columns.get("amount")
    records_returns = amount is not None and bool((amount < 0).any())
    kept_value = (
        share(np.maximum(spent - returned, 0), spent) if records_returns else np.full(buying.n_buyers, np.nan)
    )
    counts: dict[str, Any] = {"amount_bought": spent, "amount_returned": returned}
    if contacts is None:
        return {"service": 100 * kept_value, **counts}
    rating = contacts.number("satisfaction")
    mean_rating, n_rated = _as_last_measured(contacts, rating, contacts.kept, period)
    rated = np.fmin(mean_rating, _latest(contacts, rating, contacts.kept & (contacts.time >= period.start)))
    answered, n_asked = _as_last_measured(contacts, contacts.answered, contacts.asked, period)
    prompt, n_timed = _as_last_measured(contacts, _promptness(contacts), contacts.asked, period)
    told = known_resolved(contacts)
    resolved, n_trouble = _as_last_measured(contacts, told, contacts.trouble, period)
    n_open = contacts.count(open_complaints(contacts))
    whole = mean_of_known(kept_value, rated, answered, prompt, resolved)
    whole = np.where(np.isnan(whole), np.nan, np.fmin(np.fmin(whole, rated), (1 + resolved) / 2))
    whole = whole / (1 + n_open / 2)
    counts |= {
        "n_rated": n_rated.astype(np.int64),
        "mean_satisfaction": np.where(n_rated > 0, mean_rating, np.nan),
        "n_asked": n_asked.astype(np.int64),
        "n_answers_recorded": n_asked.astype(np.int64),
        "n_answered": np.nan_to_num(answered * n_asked).round().astype(np.int64),
        "n_timed": n_timed.astype(np.int64),
        "n_prompt": np.nan_to_num(prompt * n_timed).round().astype(np.int64),
        "n_trouble": n_trouble.astype(np.int64),
        "n_complaints_open": n_open.astype(np.int64),
        "n_resolved": np.nan_to_num(resolved * n_trouble).round().astype(np.int64),
    }
    return {"service": 100 * whole, **counts}


def _as_last_measured(
    contacts: Contacts, values: Floats, rows: Bools, period: Period
) -> tuple[Floats, Floats]:
    """Mean of the known values of some contacts of the period by buyer, or else of the year before it; and how many
    the period had.
    """
    now, n = contacts.mean(values, rows & (contacts.time >= period.start))
    year = (contacts.time < period.start) & (contacts.time >= period.start - YEAR_DAYS * MICROSECONDS_A_DAY)
    return np.where(n > 0, now, contacts.mean(values, rows & year)[0]), n


def _promptness(contacts: Contacts) -> Floats:
    """1 answered within 24 hours, 0 later or not as yet, NaN where that is not recorded.

    Where hours are recorded at all, a contact that nobody answered is late: or silence would be quicker than an answer.
    """
    hours = contacts.number("response_hours")
    unanswered = (contacts.answered == 0) & (not np.isnan(hours).all())
    return np.where(np.isnan(hours), np.where(unanswered, 0.0, np.nan), hours <= PROMPT_HOURS)


def _latest(contacts: Contacts, values: Floats, rows: Bools) -> Floats:
    """The last known value of some contacts, by buyer; NaN without one."""
    last = np.full(contacts.events.n_buyers, np.nan)
    known = rows & ~np.isnan(values)
    last[contacts.buyer[known]] = values[known]  # rows ascend in time within a buyer, the last one stays
    return last
