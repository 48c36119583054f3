"""The list of care that is due: one row an action, ranked by what is at stake, cut to what can be done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clientcare.arguments import is_number, is_one_of, is_whole
from clientcare.book import churn_risk_of, numbers_by_buyer
from clientcare.care.capacity import Capacity, best_set
from clientcare.care.due import FINDERS, Due, Standing
from clientcare.care.practices import last_owner
from clientcare.care.sentences import bare_evidence, sentence
from clientcare.effect.found import CareEffect
from clientcare.exceptions import InputError, OptionError
from clientcare.facts.contacts import Contacts, Floats
from clientcare.history.histories import Histories, require_histories
from clientcare.history.population import known_buyers
from clientcare.outcomes.buying import Buying
from clientcare.progress import ProgressBar
from clientcare.window import MICROSECONDS_A_DAY, Days, Moment, microseconds, parse_days, parse_moment

MINUTES: Mapping[str, int] = {
    "solve_complaint": 60,
    "answer_message": 10,
    "renewal_talk": 45,
    "reach_out": 20,
    "review_service": 30,
    "check_in": 15,
    "follow_up_first_purchase": 10,
    "ask_for_referral": 10,
    "anniversary": 5,
}
"""How long an action takes unless told otherwise."""

GROWTH_SHARES: Mapping[str, float] = {"ask_for_referral": 0.05, "anniversary": 0.01}
"""Actions that win something rather than keep it (nobody is about to leave), and the share of the buyer's
expected spend that they can win: assumptions, small so that keeping comes first."""

DAYS_A_MONTH = 30.4375

DAYS_TO_ASK_WHY = 30
"""A month after leaving people still say why, and some come back; later a call is an offer like any other."""
PLAN_COLUMNS = (
    "buyer_id", "action", "due", "urgency", "at_stake", "priority", "reason", "evidence", "owner", "minutes",
    "churn_risk", "relationship", "ranked_by", "warning_line", "as_of",
)  # fmt: skip


def care_plan(
    book: pd.DataFrame,
    histories: Histories,
    as_of: Moment | None = None,
    *,
    capacity: Capacity = None,
    cadence: Days = "30D",
    by: str = "risk_value",
    effects: Any = None,
    warning_line: float = 0.5,
    max_per_buyer: int = 1,
    minutes: Mapping[str, int] | None = None,
) -> pd.DataFrame:
    """Which care is due, to whom, by when, why, and what is at stake.

    Parameters
    ----------
    book : DataFrame, index ``buyer_id``
        What ``RelationshipModel.score`` gives. ``churn_risk`` is needed; ``spend_if_stays``, ``expected_spend``,
        ``expected_purchases``, ``status``, ``relationship``, ``as_of`` and ``horizon_days`` are used
        where they are there. Of those gone for more than a month no action is planned; ``attrs["statement"]`` counts them.
    histories : Histories
        Any of its tables may be missing: an action that cannot be seen is not planned.
    as_of : date, optional
        Default: the ``as_of`` of the book. Only what was known before it is used.
    capacity : int or length of time, optional
        A number of contacts (``20``) or hours of work (``"12h"``): the set with the largest sum of
        priorities that fits.
    cadence : days, default 30
        How long a buyer may at most go without a contact.
    by : {"risk_value", "effect"}
        Rank by what is at stake, or by what care changes: ``effect`` takes the effect of care on each buyer
        from ``effects`` where it was validated there, and says ``risk_value`` in the column ``ranked_by``
        where it was not.
    effects : CareEffect or Series indexed by ``buyer_id``, optional
        The drop in churn probability that care brings, by buyer; a Series is taken as validated.
    warning_line : float, default 0.5
        The churn risk from which on a buyer is called at risk; :func:`early_warning` tells what a line is
        worth.
    max_per_buyer : int, default 1
        Nobody is flooded: of one buyer at most this many actions are kept, the most pressing ones.
    minutes : mapping of action to minutes, optional
        How long actions take, where it differs from :data:`MINUTES`.

    Returns
    -------
    DataFrame, one row an action, most pressing first
        ``buyer_id``, ``action``, ``due`` (date; a past one is overdue), ``urgency`` (0 to 1, see the
        functions of :mod:`clientcare.care.due`), ``at_stake``, ``priority``, ``reason`` (a sentence),
        ``evidence`` (the numbers in it), ``owner``, ``minutes``, ``churn_risk``, ``relationship``,
        ``ranked_by``, ``warning_line``, ``as_of``. ``at_stake = churn_risk * spend_if_stays``, for what wins
        rather than keeps a small share of the expected spend (:data:`GROWTH_SHARES`). Where no spend is expected of
        anybody it counts purchases, where none of these either, buyers; a contract's amount over the horizon stands in
        for a single buyer's unknown spend. ``priority = at_stake * urgency``, or with ``by="effect"`` ``effect *
        spend_if_stays * urgency`` (0 where care is not expected to help). ``attrs["stake_unit"]`` says the
        unit and ``attrs["statement"]`` how the plan was made.

    Raises
    ------
    SchemaError
        Where the book has no ``churn_risk``, or one that is no probability.
    InputError
        Where the book is no table with one row a buyer, where no ``as_of`` is known, or some of the book's
        buyers are not in the histories.
    OptionError
        Where an option has no meaning.

    Examples
    --------
    >>> import pandas as pd
    >>> from clientcare.history import Histories
    >>> days = ["2024-01-02", "2024-02-01", "2024-03-02", "2024-05-28"]
    >>> bought = pd.DataFrame({"buyer_id": ["a", "a", "a", "b"], "timestamp": pd.to_datetime(days), "amount": 9.0})
    >>> book = pd.DataFrame({"churn_risk": [0.6, 0.3], "expected_spend": [20.0, 10.0]}, index=["a", "b"])
    >>> plan = care_plan(book.rename_axis("buyer_id"), Histories(bought), "2024-06-01")
    >>> plan[["buyer_id", "action", "at_stake"]]
      buyer_id                    action  at_stake
    0        a                 reach_out      12.0
    1        b  follow_up_first_purchase       3.0
    >>> plan.loc[0, "reason"]
    'Silent for 91 days, 3.0 times the usual gap of 30 days; churn risk 60%.'
    """
    minutes = {} if minutes is None else minutes
    _check_options(by, warning_line, max_per_buyer, minutes)
    require_histories(histories, "care_plan")
    churn_risk = churn_risk_of(book, "care_plan")
    moment = _as_of(book, histories, as_of)
    position = _positions(book, histories)
    horizon = int(book["horizon_days"].iloc[0]) if "horizon_days" in book and len(book) else 90
    at = _standing(
        book, churn_risk, histories, moment, position, parse_days(cadence, "cadence"), warning_line
    )
    spend, unit = expected_value(book, at.buying, position, horizon)
    growth, _ = expected_value(
        book.drop(columns="spend_if_stays", errors="ignore"), at.buying, position, horizon
    )
    gain = _gain_by_buyer(effects, histories, moment, spend) if by == "effect" else None
    ranked_by = "risk_value" if gain is None else "effect"
    with ProgressBar("Care plan", n_steps=2) as bar:
        bar.at(0, "what is due")
        rows, dues = _all_due(at, spend, growth, gain, minutes)
        kept = _least_flooding(rows, max_per_buyer)
        kept = kept.iloc[
            best_set(kept["priority"].to_numpy(), kept["minutes"].to_numpy(dtype=float), capacity)
        ]
        bar.at(1, "why")
        plan = _finish(kept, dues, histories, moment, at)
    plan["relationship"] = (
        book["relationship"].reindex(plan["buyer_id"]).array if "relationship" in book else None
    )
    plan["ranked_by"], plan["warning_line"], plan["as_of"] = ranked_by, warning_line, moment
    plan = plan[list(PLAN_COLUMNS)]
    plan.attrs = {
        "stake_unit": unit,
        "statement": _statement(by, ranked_by, warning_line, len(rows), len(plan), unit)
        + _left_out(len(book) - int(at.listed.sum()), int(_is_gone(book, moment).sum()), moment),
    }
    return plan


def expected_value(
    book: pd.DataFrame, buying: Buying, position: Any, horizon_days: int
) -> tuple[Floats, str]:
    """What each buyer is expected to be worth over the horizon, and its unit; shape (n_buyers,), NaN outside
    the book.

    What each would spend who stays, else expected spend, where the book knows it for anybody (a buyer
    without it: the contracts' amount over the horizon, else 0); else expected purchases; else 1 a buyer.
    """
    value = np.full(buying.n_buyers, np.nan)
    monthly = buying.contract_amount(buying.as_of)
    for column, unit in (
        ("spend_if_stays", "money"),
        ("expected_spend", "money"),
        ("expected_purchases", "purchases"),
    ):
        known = column in book and bool(book[column].notna().any())
        if column == "spend_if_stays" and not known:
            continue
        if not known and not (unit == "money" and np.nansum(monthly) > 0):
            continue
        if known:
            value[position] = book[column].to_numpy(dtype=np.float64)
        if unit == "money":
            value = np.where(np.isnan(value), monthly * horizon_days / DAYS_A_MONTH, value)
        return np.nan_to_num(value), unit
    value[position] = 1.0
    return value, "buyers"


def _check_options(by: str, warning_line: float, max_per_buyer: int, minutes: Mapping[str, int]) -> None:
    if not is_one_of(by, ("risk_value", "effect")):
        raise OptionError("care_plan: by is not known. Rank by 'risk_value' or by 'effect'.")
    if not (is_number(warning_line) and 0 < warning_line < 1):
        raise OptionError("care_plan: warning_line is a churn risk, between 0 and 1.")
    if not is_whole(max_per_buyer, least=1):
        raise OptionError("care_plan: max_per_buyer must be a whole number, at least 1.")
    if not isinstance(minutes, Mapping):
        raise OptionError(f"care_plan: minutes must map actions to minutes, found {type(minutes).__name__}.")
    unknown = set(minutes) - set(MINUTES)
    if unknown:
        raise OptionError(
            f"care_plan: minutes names no action {sorted(unknown)}. The actions are {list(MINUTES)}."
        )
    if any(not (is_number(length) and length > 0) for length in minutes.values()):
        raise OptionError("care_plan: minutes must be above 0 for every action.")


def _as_of(book: pd.DataFrame, histories: Histories, as_of: Moment | None) -> pd.Timestamp:
    if as_of is not None:
        return parse_moment(as_of, histories.timezone)
    if "as_of" not in book or not len(book):
        raise InputError(
            "care_plan: the book does not say its as_of. Pass it: care_plan(book, histories, as_of='...')."
        )
    return parse_moment(book["as_of"].iloc[0], histories.timezone)


def _positions(book: pd.DataFrame, histories: Histories) -> Any:
    """Where the book's buyers stand in the histories."""
    position = histories.buyer_ids.get_indexer(book.index)
    missing = int((position < 0).sum())
    if missing:
        raise InputError(
            f"care_plan: {missing:,} of the book's {len(book):,} buyers are not in the histories.\n"
            "Score the same histories, or keep their rows: book.loc[book.index.isin(histories.buyer_ids)]."
        )
    return position


def _standing(
    book: pd.DataFrame,
    churn_risk: Floats,
    histories: Histories,
    as_of: pd.Timestamp,
    position: Any,
    cadence_days: int,
    warning_line: float,
) -> Standing:
    moment, n = microseconds(as_of), len(histories.buyer_ids)

    risk = np.full(n, np.nan)
    risk[position] = churn_risk
    listed, known = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
    listed[position], known[known_buyers(histories, as_of)] = ~_is_gone(book, as_of), True
    is_client = np.zeros(n, dtype=bool)
    if "relationship" in book:
        is_client[position] = (book["relationship"] == "client").to_numpy(dtype=bool)
    return Standing(
        Buying.known(histories, moment),
        Contacts.known(histories, moment),
        listed & known,
        risk,
        is_client,
        cadence_days,
        warning_line,
    )


def _is_gone(book: pd.DataFrame, as_of: pd.Timestamp) -> NDArray[np.bool_]:
    """Who has been gone for more than a month, by the book; nobody where it has no ``status``.

    Whoever left within the month is still asked why.
    """
    if "status" not in book:
        return np.zeros(len(book), dtype=bool)
    gone = np.asarray(book["status"].astype(str) == "gone")
    if "status_since" not in book:
        return gone
    lately = pd.to_datetime(book["status_since"]) > as_of - pd.Timedelta(days=DAYS_TO_ASK_WHY)
    return gone & ~lately.to_numpy(dtype=bool)


def _gain_by_buyer(effects: Any, histories: Histories, as_of: pd.Timestamp, spend: Floats) -> Floats | None:
    """What care is expected to win of each buyer, at least 0; None where there is no validated effect.

    A change in a probability is turned into money by the expected spend; a change in spend is money already.
    """
    if effects is None:
        return None
    probability = True
    if not isinstance(effects, pd.Series):
        if not isinstance(effects, CareEffect):
            raise InputError(
                "care_plan: effects is what care_effect found, or a Series indexed by buyer_id, "
                f"found {type(effects).__name__}."
            )
        if not effects.validated:
            return None
        probability = effects.binary
        effects = effects.benefit_by_buyer(histories, as_of)
    benefit = np.nan_to_num(numbers_by_buyer(effects, histories.buyer_ids, "care_plan", "effects"))
    return np.asarray(np.maximum(benefit, 0) * (spend if probability else 1.0))


def _all_due(
    at: Standing, spend: Floats, expected: Floats, gain: Floats | None, minutes: Mapping[str, int]
) -> tuple[pd.DataFrame, dict[str, Due]]:
    """All actions due, as numbers; the place of each in its finder's answer is kept for the sentences.

    What keeps a buyer puts at stake what staying would bring, what wins more a share of what is expected anyway.
    """
    dues = {action: find(at) for action, find in FINDERS.items()}
    parts = []
    for action, due in dues.items():
        growth = action in GROWTH_SHARES
        risk = np.nan_to_num(at.churn_risk[due.buyer])
        stake = GROWTH_SHARES[action] * expected[due.buyer] if growth else risk * spend[due.buyer]
        worth = stake if gain is None or growth else gain[due.buyer]
        part = {
            "buyer": due.buyer, "action": action, "place": np.arange(len(due.buyer)), "due_day": due.due_day,
            "urgency": due.urgency, "at_stake": stake, "priority": worth * due.urgency,
            "minutes": minutes.get(action, MINUTES[action]),
        }  # fmt: skip
        parts.append(pd.DataFrame(part))
    rows = pd.concat(parts, ignore_index=True)
    order = np.lexsort(
        (np.arange(len(rows)), rows["buyer"], rows["due_day"], -rows["urgency"], -rows["priority"])
    )
    return rows.iloc[order].reset_index(drop=True), dues


def _least_flooding(rows: pd.DataFrame, max_per_buyer: int) -> pd.DataFrame:
    """At most so many rows a buyer, those that come first; rows are sorted most pressing first."""
    return rows[(rows.groupby("buyer").cumcount() < max_per_buyer).to_numpy()]


def _finish(
    rows: pd.DataFrame, dues: Mapping[str, Due], histories: Histories, as_of: pd.Timestamp, at: Standing
) -> pd.DataFrame:
    """Words for the rows that are kept: ids, dates, owners, sentences."""
    buyer = rows["buyer"].to_numpy()
    facts = _facts(rows, dues)
    days = rows["due_day"].to_numpy().astype(np.int64) * MICROSECONDS_A_DAY
    return pd.DataFrame(
        {
            "buyer_id": histories.buyer_ids.take(buyer),
            "action": rows["action"].to_numpy(dtype=object),
            "due": days.view("datetime64[us]"),
            "urgency": rows["urgency"].to_numpy(),
            "at_stake": rows["at_stake"].to_numpy(),
            "priority": rows["priority"].to_numpy(),
            "reason": _texts(
                sentence(action, fact) for action, fact in zip(rows["action"], facts, strict=True)
            ),
            "evidence": _texts(bare_evidence(fact) for fact in facts),
            "owner": last_owner(histories, microseconds(as_of)).to_numpy()[buyer],
            "minutes": rows["minutes"].to_numpy(),
            "churn_risk": at.churn_risk[buyer],
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


def _left_out(n_unlisted: int, n_gone: int, as_of: pd.Timestamp) -> str:
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


def _statement(by: str, ranked_by: str, line: float, n_due: int, n_planned: int, unit: str) -> str:
    what = {
        "risk_value": "risk times what staying would bring",
        "effect": "the effect of care times what staying would bring",
    }[ranked_by]
    fallback = "" if by == ranked_by else " (no validated effect of care was given)"
    return (
        f"{n_planned:,} of {n_due:,} actions due, ranked by {what}{fallback}; at stake in {unit}; "
        f"a buyer is called at risk from a churn risk of {line:.0%} on."
    )
