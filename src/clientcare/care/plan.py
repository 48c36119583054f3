"""The list of care that is due: one row an action, ranked by what is at stake, cut to what can be done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clientcare.arguments import is_number, is_one_of, is_whole
from clientcare.book import churn_risk_of
from clientcare.care.actions import ACTIONS
from clientcare.care.actions.standing import Standing
from clientcare.care.cadence import cadence_by_buyer
from clientcare.care.capacity import Capacity
from clientcare.care.ranking import Value, all_due, least_flooding, within_capacity
from clientcare.care.spared import settled, still_asked
from clientcare.care.warning import EarlyWarning
from clientcare.care.wording import PLAN_COLUMNS, as_told, by_facts_alone, left_out, spared_words, statement
from clientcare.care.worth import MAY_SAVE, expected_value, gain_by_buyer, value_if_stays, what_pays
from clientcare.exceptions import InputError, OptionError
from clientcare.facts.contacts import Contacts, Floats
from clientcare.history.histories import Histories, require_histories
from clientcare.history.population import cared_for
from clientcare.history.wishes import may_not_be_contacted, not_yet, unreadable_wishes
from clientcare.outcomes.buying import Buying
from clientcare.progress import ProgressBar
from clientcare.window import Days, Moment, microseconds, parse_days, parse_moment

WARNING_LINE = 0.5
"""More likely gone than not: what a line means where none was chosen from past dates."""

DAYS_TO_ASK_WHY = 30
"""A month after leaving people still say why, and some come back; later a call is an offer like any other."""


def care_plan(
    book: pd.DataFrame | None,
    histories: Histories,
    as_of: Moment | None = None,
    *,
    capacity: Capacity = None,
    cadence: Days = "30D",
    by: str = "risk_value",
    effects: Any = None,
    warning_line: float | EarlyWarning = WARNING_LINE,
    max_per_buyer: int = 1,
    minutes: Mapping[str, int] | None = None,
    previous: pd.DataFrame | None = None,
    may_save: float = MAY_SAVE,
    hour_cost: float | None = None,
) -> pd.DataFrame:
    """Which care is due, to whom, by when, why, and what is at stake.

    Parameters
    ----------
    book : DataFrame, index ``buyer_id``, or None
        What ``RelationshipModel.score`` gives; None where nothing can be learned (contacts alone): the plan of what facts
        tell, of everybody who was seen. ``churn_risk`` is needed; ``spend_if_stays``,
        ``expected_spend``, ``expected_purchases``, ``status``, ``relationship``, ``as_of`` and
        ``horizon_days`` are
        used where they are there. Of those gone for more than a month no action is planned;
        ``attrs["statement"]`` counts them.
    histories : Histories
        Any of its tables may be missing: an action that cannot be seen is not planned. Of the buyers' table
        ``do_not_contact`` (yes or no), ``contact_after`` (a date) and ``cadence_days`` are obeyed.
    as_of : date, optional
        Default: the ``as_of`` of the book. Only what was known before it is used.
    capacity : int, length of time, or mapping of owner to one of them, optional
        A number of contacts (``20``) or hours of work (``"12h"``): of what keeps the set with the largest sum of
        priorities that fits, and good news in the room that is left. By owner (``{"ann": 5, "ben": "3h"}``): the best
        set of each. Where it is
        short, at most a fifth of it follows up first purchases.
    cadence : days, default 30
        How long a buyer may at most go without a contact, where nothing else was agreed (``cadence_days``) and the
        buyer without a contract does not buy less often.
    by : {"risk_value", "effect"}
        Rank by what is at stake, or by what care changes: ``effect`` takes the effect of care on each buyer
        from ``effects`` where it was validated there, and says ``risk_value`` in the column ``ranked_by``
        where it was not.
    effects : CareEffect or Series indexed by ``buyer_id``, optional
        The drop in churn probability that care brings, by buyer; a Series is taken as validated.
    warning_line : float or EarlyWarning, default 0.5
        The churn risk from which on a buyer is called at risk. What :func:`early_warning` or :func:`warn_with_model`
        found at past dates chooses the line by itself, and the plan states its hits and false alarms.
    max_per_buyer : int, default 1
        Nobody is flooded: of one buyer at most this many actions are kept, the first of them.
    minutes : mapping of action to minutes, optional
        How long actions take, where it differs from what stands in :data:`clientcare.care.actions.ACTIONS`.
    previous : DataFrame, optional
        An earlier plan whose ``state`` was filled in: what was ``done`` rests for 90 days, what was
        ``dismissed`` for a
        year, what was ``snoozed`` until the date in ``until`` (without one: 14 days). What rests is what that plan knew of:
        a newer complaint, message or reminder of an end asks again. A buyer called within the week, or asleep, is asked
        nothing else that was known then.
    may_save : float, default 0.1
        Share of what is at stake that an action is taken to save.
    hour_cost : float, optional
        What an hour of work costs; with it the plan says which actions pay, and when none does.

    Returns
    -------
    DataFrame, one row an action, most pressing first
        ``buyer_id``, ``action``, ``due`` (date; a past one is overdue, and lies at most a year back: the reason says
        where it was due earlier), ``urgency`` (0 to 1, see :mod:`clientcare.care.actions`), ``at_stake``,
        ``priority``, ``reason`` (a sentence), ``evidence`` (the numbers in it), ``owner``, ``minutes``,
        ``churn_risk``,
        ``relationship``, ``ranked_by``, ``warning_line``, ``as_of``, ``may_save``, ``cost`` and ``worth`` (their
        difference; NaN without ``hour_cost``), ``state`` (planned).

        ``at_stake`` is ``churn_risk * spend_if_stays`` (what is expected over the chance of staying, where
        the book has no
        ``spend_if_stays``): who leaves is lost for longer than the horizon, however long a term still runs. Where facts
        speak (a notice, a silence, a complaint, falling ratings) the risk is at least what such facts mean
        (:data:`clientcare.care.told_risk.LEAST_RISK`): a model that saw few leave knows little of leaving.
        For what wins rather than keeps a small share of the expected
        spend. Where no spend is expected of anybody it counts purchases, where none of these either, buyers; a
        contract's amount over the horizon stands in for a single buyer's unknown spend.

        ``priority`` is what is at stake, the risk counted twice of a buyer who has fallen silent, and what facts alone
        tell counted the less, the more leavers the model expects (over one more than their number); a twentieth of it
        for good news; with ``by="effect"`` the effect times what
        staying would bring stands in for what is at stake. What keeps comes before what wins, and what wins
        takes only the room that what keeps leaves. A buyer's actions come in
        the order of :data:`clientcare.care.actions.ACTIONS`: silence first, good news last. At equal priority what is
        more urgent and lost sooner comes first. ``attrs["stake_unit"]`` says the unit and ``attrs["statement"]`` how the
        plan was made.

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
    >>> plan[["buyer_id", "action", "at_stake"]].round(1)
      buyer_id                    action  at_stake
    0        a                 reach_out      30.0
    1        b  follow_up_first_purchase       4.3
    >>> plan.loc[0, "reason"]
    'No purchase for 91 days, 3.0 times the usual gap of 30 days; churn risk 60%.'
    """
    minutes = {} if minutes is None else minutes
    line, chosen = _line_of(warning_line)
    _check_options(by, line, max_per_buyer, minutes)
    _check_money(may_save, hour_cost)
    require_histories(histories, "care_plan")
    by_facts = book is None
    if book is None:
        book = _book_of_facts(histories, as_of)
    churn_risk = churn_risk_of(book, "care_plan")
    moment = _as_of(book, histories, as_of)
    position = _positions(book, histories)
    horizon = int(book["horizon_days"].iloc[0]) if "horizon_days" in book and len(book) else 90
    at = _standing(book, churn_risk, histories, moment, position, parse_days(cadence, "cadence"), line)
    spared = settled(previous, moment)
    value, unit = _value(book, at, position, horizon, effects if by == "effect" else None, histories, moment)
    ranked_by = "risk_value" if value.gain is None else "effect"
    with ProgressBar("Care plan", n_steps=2) as bar:
        bar.at(0, "what is due")
        rows, dues = all_due(at, value, minutes, may_save, hour_cost if unit == "money" else None)
        asked = still_asked(rows, spared, histories.buyer_ids)
        n_settled, rows = len(rows) - len(asked), asked
        kept = within_capacity(least_flooding(rows, max_per_buyer), capacity, histories, moment)
        bar.at(1, "why")
        plan = as_told(kept, dues, histories, moment, at)
    plan["relationship"] = (
        book["relationship"].reindex(plan["buyer_id"]).array if "relationship" in book else None
    )
    plan["ranked_by"], plan["warning_line"], plan["as_of"] = ranked_by, line, moment
    plan["state"] = np.full(len(plan), "planned", dtype=object)
    plan = plan[list(PLAN_COLUMNS)]
    n_gone = int(_is_gone(book, moment).sum())
    n_never, n_later = _n_spared(histories, position, moment)
    plan.attrs = {
        "stake_unit": unit,
        "statement": (
            by_facts_alone(len(rows), len(plan), unit)
            if by_facts
            else statement(by, ranked_by, line, chosen, len(rows), len(plan), unit)
        )
        + what_pays(plan, unit, hour_cost)
        + left_out(len(book) - int(at.listed.sum()) - n_never - n_later, n_gone, moment)
        + spared_words(n_never, n_later, n_settled, int(unreadable_wishes(histories)[position].sum())),
    }
    return plan


def _book_of_facts(histories: Histories, as_of: Moment | None) -> pd.DataFrame:
    """Everybody seen before a date, without a word on what will be."""
    asked = histories.observed_until if as_of is None else as_of
    moment = parse_moment(asked, histories.timezone, "as_of")
    seen = np.zeros(len(histories.buyer_ids), dtype=bool)
    for table in ("transactions", "interactions", "contracts"):
        events = histories.events(table)
        if events is not None:
            seen[events.before(microseconds(moment)).buyer] = True
    return pd.DataFrame(
        {"churn_risk": np.full(int(seen.sum()), np.nan), "as_of": moment},
        index=histories.buyer_ids[seen].rename("buyer_id"),
    )


def _line_of(warning_line: Any) -> tuple[float, str]:
    """The line, and how it was chosen from past dates where it was."""
    if isinstance(warning_line, EarlyWarning):
        return warning_line.chosen_line()
    return warning_line, ""


def _value(
    book: pd.DataFrame,
    at: Standing,
    position: Any,
    horizon: int,
    effects: Any,
    histories: Histories,
    as_of: pd.Timestamp,
) -> tuple[Value, str]:
    """What each buyer is worth, what is at stake and what care wins, and the unit of it all."""
    expected, unit = expected_value(book, at.buying, position, horizon)
    if_stays = value_if_stays(book, at.churn_risk, expected, unit, position, at.buying)
    stake = np.nan_to_num(at.churn_risk) * if_stays
    return Value(expected, stake, if_stays, gain_by_buyer(effects, histories, as_of, if_stays)), unit


def _n_spared(histories: Histories, position: Any, as_of: pd.Timestamp) -> tuple[int, int]:
    """How many buyers of the book must not be contacted, and how many not yet."""
    never, later = may_not_be_contacted(histories)[position], not_yet(histories, as_of)[position]
    return int(never.sum()), int((later & ~never).sum())


def _check_options(by: str, warning_line: float, max_per_buyer: int, minutes: Mapping[str, int]) -> None:
    if not is_one_of(by, ("risk_value", "effect")):
        raise OptionError("care_plan: by is not known. Rank by 'risk_value' or by 'effect'.")
    if not (is_number(warning_line) and 0 < warning_line < 1):
        raise OptionError("care_plan: warning_line is a churn risk, between 0 and 1.")
    if not is_whole(max_per_buyer, least=1):
        raise OptionError("care_plan: max_per_buyer must be a whole number, at least 1.")
    if not isinstance(minutes, Mapping):
        raise OptionError(f"care_plan: minutes must map actions to minutes, found {type(minutes).__name__}.")
    unknown = set(minutes) - set(ACTIONS)
    if unknown:
        raise OptionError(
            f"care_plan: minutes names no action {sorted(unknown)}. The actions are {list(ACTIONS)}."
        )
    if any(not (is_number(length) and length > 0) for length in minutes.values()):
        raise OptionError("care_plan: minutes must be above 0 for every action.")


def _check_money(may_save: float, hour_cost: float | None) -> None:
    if not (is_number(may_save) and 0 <= may_save <= 1):
        raise OptionError("care_plan: may_save is a share of what is at stake, from 0 to 1.")
    if hour_cost is not None and not (is_number(hour_cost) and 0 <= hour_cost < np.inf):
        raise OptionError("care_plan: hour_cost is what an hour of work costs, 0 or more.")


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
    listed[position], known[cared_for(histories, as_of)] = ~_is_gone(book, as_of), True
    listed &= ~(may_not_be_contacted(histories) | not_yet(histories, as_of))
    is_client = np.zeros(n, dtype=bool)
    if "relationship" in book:
        is_client[position] = (book["relationship"] == "client").to_numpy(dtype=bool)
    buying = Buying.known(histories, moment)
    return Standing(
        buying,
        Contacts.known(histories, moment),
        listed & known,
        risk,
        is_client,
        cadence_by_buyer(histories, buying, cadence_days),
        warning_line,
        _have_referred(histories, known),
    )


def _have_referred(histories: Histories, known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whom a buyer known by then names as having referred them."""
    if histories.buyers is None or "referred_by" not in histories.buyers:
        return np.zeros(len(histories.buyer_ids), dtype=bool)
    named = histories.buyers["referred_by"].to_numpy()[known]
    return np.asarray(histories.buyer_ids.astype(str).isin(pd.Series(named).dropna().astype(str)))


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
