"""What is at stake with each buyer, what an action may save of it, and what it costs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from clientcare.book import numbers_by_buyer
from clientcare.effect.found import CareEffect
from clientcare.exceptions import InputError
from clientcare.facts.contacts import Floats
from clientcare.history.histories import Histories
from clientcare.outcomes.buying import Buying

DAYS_A_MONTH = 30.4375

MAY_SAVE = 0.1
"""Share of what is at stake that a talk is taken to save where nothing better is known: an assumption, and a cautious one,
since most talks change nothing. State your own, or measure it with ``care_effect``."""

SMALLEST_CHANCE_OF_STAYING = 0.02
"""What somebody would spend who stays is what is expected over the chance of staying; below this chance the quotient
would be made of errors."""


def expected_value(
    book: pd.DataFrame, buying: Buying, position: Any, horizon_days: int
) -> tuple[Floats, str]:
    """What each buyer is expected to be worth over the horizon, and its unit; shape (n_buyers,), NaN outside
    the book.

    Expected spend, where the book knows it for anybody (a buyer without it: the contracts' amount over the
    horizon, else 0); else expected purchases; else 1 a buyer.
    """
    value = np.full(buying.n_buyers, np.nan)
    monthly = buying.contract_amount(buying.as_of)
    for column, unit in (("expected_spend", "money"), ("expected_purchases", "purchases")):
        known = column in book and bool(book[column].notna().any())
        if not known and not (unit == "money" and np.nansum(monthly) > 0):
            continue
        if known:
            value[position] = book[column].to_numpy(dtype=np.float64)
        if unit == "money":
            value = np.where(np.isnan(value), monthly * horizon_days / DAYS_A_MONTH, value)
        return np.nan_to_num(value), unit
    value[position] = 1.0
    return value, "buyers"


def value_if_stays(
    book: pd.DataFrame, risk: Floats, expected: Floats, unit: str, position: Any, buying: Buying
) -> Floats:
    """What each buyer would be worth over the horizon who stays; shape (n_buyers,).

    The book's ``spend_if_stays``; where it has none, what is expected over the chance of staying, since what is
    expected counts the leaving already. Where nothing is expected of anybody, one buyer is one buyer.
    """
    if unit == "buyers":
        return expected
    told = "expected_spend" if unit == "money" else "expected_purchases"
    counted = np.zeros(buying.n_buyers, dtype=bool)
    if told in book:
        counted[position] = book[told].notna().to_numpy(dtype=bool)
    chance = np.maximum(1 - np.nan_to_num(risk), SMALLEST_CHANCE_OF_STAYING)
    value = np.where(counted, expected / chance, expected)
    if unit == "money" and "spend_if_stays" in book:
        stated = np.full(buying.n_buyers, np.nan)
        stated[position] = book["spend_if_stays"].to_numpy(dtype=np.float64)
        value = np.where(np.isnan(stated), value, stated)
    return np.asarray(value)


def gain_by_buyer(effects: Any, histories: Histories, as_of: pd.Timestamp, if_stays: Floats) -> Floats | None:
    """What care is expected to win of each buyer, at least 0; None where there is no validated effect.

    A change in a probability is turned into money by what staying would bring; a change in spend is money already.
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
    return np.asarray(np.maximum(benefit, 0) * (if_stays if probability else 1.0))


def what_pays(plan: pd.DataFrame, unit: str, hour_cost: float | None) -> str:
    """Whether the actions of a plan are worth their time, in a sentence; empty where it cannot be said."""
    if hour_cost is None or not len(plan):
        return ""
    if unit != "money":
        return " What is at stake is not known in money: whether a call pays cannot be said."
    n_paying = int((plan["worth"] > 0).sum())
    if n_paying == 0:
        return (
            f" No call pays: at {hour_cost:,.0f} an hour every action costs more than it may save. "
            "Write to many at once, or keep your time for larger buyers."
        )
    if n_paying == len(plan):
        return f" At {hour_cost:,.0f} an hour each of them may save more than it costs."
    return f" At {hour_cost:,.0f} an hour {n_paying:,} of {len(plan):,} may save more than they cost."
