"""A buyer gives notice, gives up, or buys no longer as usual."""

from __future__ import annotations

import numpy as np

from clientcare.care.actions.action import Action
from clientcare.care.actions.saying import Facts, date, days
from clientcare.care.actions.standing import Due, Standing


def find(at: Standing) -> Due:
    """No purchase for much longer than usual, notice given, or a contract given up lately.

    Unusual, for buyers with at least three purchase days and a silence of two weeks or more: at least twice
    the buyer's own usual gap; or at least once, with the risk over the warning line. The line alone is a number and
    no reason to call: nobody would know what to say. No purchase for half a year and more than ten usual gaps:
    that habit is over, and no news. Under notice is due from the
    notice on until the service ends, or until a talk about it is recorded: a routine call is none. Urgency:
    ``1 - 1 / (1 + overdue ratio)``, at least a half, and 0.95 under notice and in the month after a cancellation.
    """
    buying = at.buying
    silent = at.today - buying.last_day
    usual = np.where(buying.n_purchases >= 3, buying.usual_gap_days, np.nan)
    ratio = at.buying_ratio
    over_line = at.churn_risk >= at.warning_line
    repeated = (buying.n_purchases > 1) | buying.bound
    gone = (silent > 182) & (np.nan_to_num(ratio) > 10)
    cancelled, just_left = at.cancelled_day, at.just_left
    service_end = buying.notice[1]
    noticed = at.notice_open_day
    under_notice = ~np.isnan(noticed)
    unusual = (silent >= 14) & ((ratio >= 2) | ((ratio >= 1) & over_line))
    found = np.flatnonzero(at.listed & ((unusual & repeated & ~gone) | just_left | under_notice))
    urgency = np.maximum(1 - 1 / (1 + np.nan_to_num(ratio)), 0.5)
    due = np.where(just_left, cancelled + 1, np.fmin(buying.last_day + 2 * usual, at.today))
    due = np.where(under_notice, noticed + 1, due)
    due = np.where(np.isnan(due), at.today, due)
    told = just_left | under_notice
    facts = {
        "silent": silent[found],
        "ratio": ratio[found],
        "usual": usual[found],
        "risk": at.churn_risk[found],
        "cancelled_day": np.where(just_left, cancelled, np.nan)[found],
        "notice_day": noticed[found],
        "service_end_day": np.where(np.isinf(service_end), np.nan, service_end)[found],
    }
    new = np.where(under_notice, noticed, np.where(just_left, cancelled, buying.last_day + usual - 1))
    return Due(found, due[found], np.where(told, 0.95, urgency)[found], facts, new[found])


def say(f: Facts) -> str:
    """The reason in a sentence."""
    if not np.isnan(f.get("notice_day", np.nan)):
        ends = f["service_end_day"]
        when = "" if np.isnan(ends) else f", service ends on {date(ends)}"
        return f"Under notice since {date(f['notice_day'])}{when}: ask why, while there is time."
    if not np.isnan(f["cancelled_day"]):
        return f"Gave up the contract on {date(f['cancelled_day'])}: ask why, while it is fresh."
    return (
        f"No purchase for {days(f['silent'])}, {f['ratio']:.1f} times the usual gap of {days(f['usual'])}; "
        f"churn risk {f['risk']:.0%}."
    )


ACTION = Action("reach_out", find, say, minutes=20)
