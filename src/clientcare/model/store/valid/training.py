"""The forms of what stands around the members: encoding, blends, level, interval, amounts, rhythm, status."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from clientcare.facts.signs import SIGNS
from clientcare.model.members.base import Member
from clientcare.model.members.design import check_design
from clientcare.model.members.forms import (
    LARGEST,
    MOST_DAYS,
    MOST_LOG_ODDS,
    array,
    falling,
    flag,
    items,
    mapping,
    named,
    number,
    plain,
    refuse,
    rising,
    same,
    text,
    texts,
    whole,
)
from clientcare.model.members.kept_form import check_kept
from clientcare.model.training.encoding import flag_names
from clientcare.model.training.prices import price_windows
from clientcare.outcomes.status import DAYS_AFTER_END, LEAST_CHANCE, SILENCES, StatusRule

MOST_MONEY = 1e18
"""Amounts are in the caller's currency, which may be a small one."""
FARTHEST_SHIFT = 6.0
FIRST_DAY, LAST_DAY = -200_000.0, 200_000.0


def check_encoding(state: Any, where: str) -> list[str]:
    """Columns, the flags of their levels, and the names that follow from both; the names of X."""
    state = mapping(state, where, ("columns", "levels", "kept", "others", "names", "behind"))
    columns = texts(state["columns"], f"{where}.columns")
    levels = mapping(state["levels"], f"{where}.levels")
    for name, values in levels.items():
        text(name, f"{where}.levels", columns)
        texts(values, f"{where}.levels.{name}")
    for part in ("kept", "others"):
        texts(state[part], f"{where}.{part}", levels)
    expected = [flag_names(name, levels, state["others"]) for name in columns]
    same(state["names"], [name for made in expected for name in made], f"{where}.names")
    behind = [name for name, made in zip(columns, expected, strict=True) for _ in made]
    same(state["behind"], behind, f"{where}.behind")
    return texts(state["names"], f"{where}.names")


def check_blend(state: Any, kinds: Mapping[str, type[Member]], names: list[str], where: str) -> None:
    """Members and their weights: the same names, none below zero."""
    state = mapping(state, where, ("members", "weights", "shift"))
    members = mapping(state["members"], f"{where}.members")
    weights = mapping(state["weights"], f"{where}.weights", members)
    if not members:
        raise refuse(where, "has no member")
    for name, member in members.items():
        number(weights[name], f"{where}.weights.{name}", 1e-300, 1e6)
        check_kept(name, member, kinds, names, f"{where}.members.{name}")
    number(state["shift"], f"{where}.shift", -FARTHEST_SHIFT, FARTHEST_SHIFT)


def check_level(state: Any, where: str) -> None:
    """Past days in their order, what was missed on each, and a slope that tells at most as much as a year did."""
    state = mapping(state, where, ("day", "missed", "slope", "spread", "offset", "fitted_day"))
    day = array(state["day"], f"{where}.day", "f", (None,), FIRST_DAY, LAST_DAY)
    rising(day, f"{where}.day")
    array(state["missed"], f"{where}.missed", "f", day.shape, -MOST_LOG_ODDS, MOST_LOG_ODDS)
    slope = number(state["slope"], f"{where}.slope", 0.0, 1.0)
    if slope and not len(day):
        raise refuse(where, "has a season that no day was seen of")
    number(state["spread"], f"{where}.spread", 0.0, MOST_LOG_ODDS)
    number(state["offset"], f"{where}.offset", -FARTHEST_SHIFT, FARTHEST_SHIFT)
    number(state["fitted_day"], f"{where}.fitted_day", FIRST_DAY, LAST_DAY)


def check_interval(state: Any, where: str) -> None:
    """How many buyers, how much doubt, how far widened."""
    state = mapping(state, where, ("n_buyers", "doubt", "widening"))
    whole(state["n_buyers"], f"{where}.n_buyers", 0)
    number(state["doubt"], f"{where}.doubt", 0.0, 1.0)
    number(state["widening"], f"{where}.widening", 1.0, 4.0)


def check_rhythm(state: Any, where: str) -> None:
    """A usual gap and two variances."""
    state = mapping(state, where, ("log_gap", "within", "between"))
    number(state["log_gap"], f"{where}.log_gap", -20.0, 20.0)
    for name in ("within", "between"):
        number(state[name], f"{where}.{name}", 1e-12, 1e6)


def check_status(state: Any, where: str) -> None:
    """The table of chances never rises, and where buyers count as gone follows from it."""
    known = mapping(state, where, [field.name for field in fields(StatusRule)])
    for name, least, unknown in (("gap_days", 0.0, True), ("within", 0.0, False), ("between", 0.0, False)):
        number(known[name], f"{where}.{name}", least, LARGEST, unknown)
    number(known["second_days"], f"{where}.second_days", 0.0, LARGEST, unknown=True)
    whole(known["horizon_days"], f"{where}.horizon_days", 1, MOST_DAYS)
    chances = items(known["chances"], f"{where}.chances", len(SILENCES))
    chances = [number(one, f"{where}.chances", 0.0, 1.0, unknown=True) for one in chances]
    falling(chances, f"{where}.chances")
    gone = [length for length, chance in zip(SILENCES, chances, strict=True) if chance < LEAST_CHANCE]
    same(known["gone_after_gaps"], min(gone, default=float("inf")), f"{where}.gone_after_gaps")
    ended = number(known["gone_after_end_days"], f"{where}.gone_after_end_days", high=float("inf"))
    if ended not in (0.0, *DAYS_AFTER_END, float("inf")):
        raise refuse(f"{where}.gone_after_end_days", "is none of the lengths that are counted")
    whole(known["n_silences"], f"{where}.n_silences")


def check_dependence(state: Any, where: str) -> None:
    """Signs that we know, and a share."""
    known = mapping(state, where, ("seen", "mean"))
    texts(known["seen"], f"{where}.seen", SIGNS)
    number(known["mean"], f"{where}.mean", 0.0, 1.0, unknown=True)


def check_amounts(state: Any, names: list[str], horizon_days: int, where: str) -> None:
    """Counts and prices over columns of the model."""
    amounts = dict(mapping(state, where))
    same(named(amounts, "names", where), names, f"{where}.names")
    columns = texts(named(amounts, "columns", where), f"{where}.columns", names)
    same(named(amounts, "place", where), [names.index(name) for name in columns], f"{where}.place")
    same(named(amounts, "horizon_days", where), horizon_days, f"{where}.horizon_days")
    same(flag(named(amounts, "sells", where), f"{where}.sells"), bool(columns), f"{where}.sells")
    for name in ("has_amounts", "has_fees"):
        flag(named(amounts, name, where), f"{where}.{name}")
    number(named(amounts, "scale", where), f"{where}.scale", 0.5, 2.0)
    common = number(
        named(amounts, "common_amount", where), f"{where}.common_amount", -MOST_MONEY, MOST_MONEY, True
    )
    if amounts["has_amounts"] and np.isnan(common):
        raise refuse(f"{where}.common_amount", "is not known, although amounts are")
    number(named(amounts, "level", where), f"{where}.level", 0.0 if not amounts["has_amounts"] else -1e3, 1e3)
    number(named(amounts, "prior_amounts", where), f"{where}.prior_amounts", 1e-6, 1e6)
    for name in ("extra", "bound"):
        _check_counts(named(amounts, name, where), len(columns), f"{where}.{name}")
    prices = mapping(named(amounts, "prices", where), f"{where}.prices", ("windows", "coefficients"))
    same(prices["windows"], price_windows(names), f"{where}.prices.windows")
    n_signs = len(prices["windows"]) + 1
    coefficients = array(prices["coefficients"], f"{where}.prices.coefficients", "f")
    if len(coefficients) not in (0, n_signs):
        raise refuse(f"{where}.prices.coefficients", "does not fit its windows")
    known = {
        "names", "columns", "place", "horizon_days", "sells", "has_amounts", "has_fees", "scale", "common_amount",
        "level", "prior_amounts", "extra", "bound", "prices",
    }  # fmt: skip
    mapping(amounts, where, known)


def _check_counts(state: Any, n_columns: int, where: str) -> None:
    state = mapping(state, where, ("mean", "intercept", "coefficients", "design"))
    number(state["mean"], f"{where}.mean", 0.0, 1e6)
    number(state["intercept"], f"{where}.intercept", -MOST_LOG_ODDS, MOST_LOG_ODDS)
    n_terms = 0 if state["design"] is None else check_design(state["design"], n_columns, f"{where}.design")
    array(state["coefficients"], f"{where}.coefficients", "f", (n_terms,), -MOST_LOG_ODDS, MOST_LOG_ODDS)


def check_table(state: Any, where: str, required: tuple[str, ...]) -> None:
    """A small table: columns of one length, plain values, dates as microseconds."""
    table = mapping(state, where)
    lengths = {len(items(column, f"{where}.{name}", most=100_000)) for name, column in table.items()}
    if len(lengths) > 1 or not set(required) <= set(table):
        raise refuse(where, "is no table of the right columns")
    for name, column in table.items():
        for value in column:
            if name == "as_of":
                whole(value, f"{where}.as_of", -(1 << 52), 1 << 52)
            elif name in ("target", "candidate"):
                text(value, f"{where}.{name}")
            elif isinstance(value, (dict, list, tuple, np.ndarray)):
                raise refuse(f"{where}.{name}", "holds more than plain values")
            else:
                plain(value, f"{where}.{name}")
