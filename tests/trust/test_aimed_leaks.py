"""Leaks that are looked for: what nobody could know at as_of is made to decide something, and no score may move.

Random futures seldom hit a decision that is taken over a whole table: the type of an attribute, which rows are copies, what a
threshold is. Each attack here aims at one such decision, by a buyer without any history, rows of later days, a column that
only later rows fill, later prices, or later copies.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
import pytest

import clientcare as cc

AS_OF = pd.Timestamp("2023-07-01")
N_ATTACKS = 500 if os.environ.get("CLIENTCARE_TESTS") == "full" else 60
Tables = dict[str, pd.DataFrame]


def world(seed: int) -> Tables:
    """A small firm with every table, every row before as_of."""
    rng = np.random.default_rng(seed)
    ids = [f"K{i:03d}" for i in range(70)]
    first = pd.Timestamp("2021-07-01")
    n = 900
    day = (
        first
        + pd.to_timedelta(rng.integers(0, 725, n), unit="D")
        + pd.to_timedelta(rng.integers(8, 18, n), unit="h")
    )
    transactions = pd.DataFrame(
        {
            "buyer_id": rng.choice(ids[:60], n),
            "timestamp": day,
            "amount": rng.lognormal(3, 0.6, n).round(2),
            "order_id": [f"o{i}" for i in range(n)],
            "category": rng.choice(["a", "b", "c"], n),
        }
    )
    contracts = pd.DataFrame(
        {
            "buyer_id": ids[40:],
            "start": first + pd.to_timedelta(rng.integers(0, 200, 30), unit="D"),
            "amount": rng.choice([20.0, 40.0], 30),
            "plan": rng.choice(["basic", "full"], 30),
        }
    )
    contracts["end"] = contracts["start"] + pd.Timedelta(days=365)
    again = contracts.sample(15, random_state=seed).assign(
        start=lambda t: t["end"], end=lambda t: t["end"] + pd.Timedelta(days=365)
    )
    contracts = pd.concat([contracts, again], ignore_index=True)
    bills = contracts.loc[contracts.index.repeat(8)].reset_index(drop=True)
    bills["timestamp"] = (
        bills["start"] + pd.to_timedelta(30 * (np.arange(len(bills)) % 8), unit="D") + pd.Timedelta(hours=9)
    )
    bills = bills[bills["timestamp"] < AS_OF][["buyer_id", "timestamp", "amount"]].assign(
        order_id=lambda t: [f"bill{i}" for i in range(len(t))], category="plan"
    )
    m = 500
    interactions = pd.DataFrame(
        {
            "buyer_id": rng.choice(ids, m),
            "timestamp": first + pd.to_timedelta(rng.integers(0, 725, m), unit="D") + pd.Timedelta(hours=11),
            "kind": rng.choice(["call", "email", "meeting", "complaint"], m),
            "direction": rng.choice(["inbound", "outbound"], m),
        }
    )
    buyers = pd.DataFrame(
        {
            "buyer_id": ids,
            "size": rng.integers(1, 90, 70).astype(str),
            "vip": rng.choice(["yes", "no"], 70),
            "city": rng.choice(["Ulm", "Bonn"], 70),
            "rooms": pd.Series(rng.integers(1, 9, 70).tolist(), dtype=object),
            "since": (first + pd.to_timedelta(rng.integers(0, 30, 70), unit="D")).strftime("%Y-%m-%d"),
        }
    )
    of_two_lines = transactions.head(80).assign(category="d")  # the order's total stands on both lines
    return {
        "transactions": pd.concat([transactions, of_two_lines, bills], ignore_index=True),
        "contracts": contracts,
        "interactions": interactions,
        "buyers": buyers,
    }


def more(table: pd.DataFrame, rows: list[dict[str, object]]) -> pd.DataFrame:
    """The table with further rows; columns it does not have are new, and empty above."""
    return pd.concat([table.astype(object), pd.DataFrame(rows, dtype=object)], ignore_index=True)


def later(rng: np.random.Generator, n: int) -> list[pd.Timestamp]:
    days = rng.integers(0, 200, n)
    return [AS_OF + pd.Timedelta(days=int(day), hours=int(day) % 9) for day in days]


def purchases(
    rng: np.random.Generator, n: int, who: object = None, **cells: object
) -> list[dict[str, object]]:
    ids = [f"K{i:03d}" for i in rng.integers(0, 60, n)] if who is None else [who] * n
    return [
        {
            "buyer_id": buyer,
            "timestamp": at,
            "amount": 20.0,
            "order_id": f"late{place}",
            "category": "a",
            **cells,
        }
        for place, (buyer, at) in enumerate(zip(ids, later(rng, n), strict=True))
    ]


def _attribute(tables: Tables, rng: np.random.Generator, **cells: object) -> Tables:
    row = {
        "buyer_id": f"NOBODY{rng.integers(99)}",
        "size": "5",
        "vip": "yes",
        "city": "Ulm",
        "since": "2021-08-01",
    }
    return {**tables, "buyers": more(tables["buyers"], [{**row, **cells}])}


def _transactions(tables: Tables, rows: list[dict[str, object]]) -> Tables:
    return {**tables, "transactions": more(tables["transactions"], rows)}


def _column(tables: Tables, rng: np.random.Generator, **cells: object) -> Tables:
    return _transactions(tables, purchases(rng, int(rng.integers(1, 40)), **cells))


def _copies(tables: Tables, rng: np.random.Generator, times: int) -> Tables:
    """Rows of a later day, each several times."""
    return _transactions(tables, purchases(rng, int(rng.integers(1, 15))) * times)


def _same_orders(tables: Tables, rng: np.random.Generator) -> Tables:
    """Later rows under the numbers of orders that were there."""
    rows = purchases(rng, 40)
    for row, order in zip(
        rows, rng.choice(tables["transactions"]["order_id"], 40, replace=False), strict=True
    ):
        row["order_id"] = order
    return _transactions(tables, rows)


def _terms(tables: Tables, rng: np.random.Generator, **cells: object) -> Tables:
    n = int(rng.integers(1, 20))
    rows = [
        {
            "buyer_id": f"K{rng.integers(70):03d}",
            "start": at,
            "end": at + pd.Timedelta(days=365),
            "amount": 40.0,
            "plan": "full",
            **cells,
        }
        for at in later(rng, n)
    ]
    return {**tables, "contracts": more(tables["contracts"], rows)}


def _bills(tables: Tables, rng: np.random.Generator) -> Tables:
    """Later payments of exactly what contracts cost, on exactly their days: bills, if anything is."""
    rows = []
    for term in tables["contracts"].sample(20, random_state=int(rng.integers(1e6))).to_dict("records"):
        rows += [
            {
                "buyer_id": term["buyer_id"],
                "timestamp": AS_OF + pd.Timedelta(days=30 * month + 1),
                "amount": term["amount"],
                "order_id": f"b{len(rows)}{month}",
                "category": "plan",
            }
            for month in range(5)
        ]
    return _transactions(tables, rows)


def _contacts(tables: Tables, rng: np.random.Generator, **cells: object) -> Tables:
    rows = [
        {
            "buyer_id": f"K{rng.integers(70):03d}",
            "timestamp": at,
            "kind": "call",
            "direction": "inbound",
            **cells,
        }
        for at in later(rng, int(rng.integers(1, 60)))
    ]
    return {**tables, "interactions": more(tables["interactions"], rows)}


def _lines(tables: Tables, rng: np.random.Generator, more_on_second: float) -> Tables:
    """Later orders on two lines, which state one amount or two."""
    rows = purchases(rng, int(rng.integers(100, 300)))
    for place, row in enumerate(rows):
        row |= {"order_id": f"two{place}", "amount": 20.0 + place}
    return _transactions(
        tables, rows + [{**row, "category": "e", "amount": row["amount"] + more_on_second} for row in rows]
    )


def _loaded_again(tables: Tables, rng: np.random.Generator, share: float) -> Tables:
    """Past rows that a later load brings once more."""
    n = int(share * len(tables["transactions"]))
    again = tables["transactions"].sample(n, random_state=int(rng.integers(1e6)))
    return _transactions(
        tables, [{**row, "recorded_at": later(rng, 1)[0]} for row in again.to_dict("records")]
    )


def _taken_back(tables: Tables, rng: np.random.Generator, bills: bool) -> Tables:
    """Past orders, or payments of contracts, that are cancelled later."""
    table = tables["transactions"].astype(object)
    some = np.flatnonzero((table["category"] == "plan") == bills)
    chosen = rng.choice(some, len(some) // 5, replace=False)
    table["status"], table["status_at"] = "paid", table["timestamp"]
    table.loc[chosen, "status"] = "cancelled"
    table.loc[chosen, "status_at"] = pd.Series(later(rng, len(chosen)), index=chosen)
    return {**tables, "transactions": table}


def _only(tables: Tables, rng: np.random.Generator, name: str, level: str) -> Tables:
    """Later purchases of none but those of whom an attribute says one thing: it goes with who is here."""
    buyers = tables["buyers"]
    theirs = buyers.loc[buyers[name] == level, "buyer_id"]
    return _transactions(tables, [row for buyer in theirs for row in purchases(rng, 6, buyer)])


def _hole(tables: Tables, rng: np.random.Generator) -> Tables:
    """A burst of later rows, so that the days before look thin."""
    rows = purchases(rng, 400)
    for row in rows:
        row["timestamp"] = AS_OF + pd.Timedelta(days=int(rng.integers(100, 104)), hours=3)
    return _transactions(tables, rows)


def _many_who_write_words(tables: Tables, rng: np.random.Generator) -> Tables:
    """Later buyers, nearly as many as those before, whose attributes are no numbers, no yes or no, and no dates."""
    names = [f"L{number:03d}" for number in range(60)]
    told = {"size": "large", "vip": "unknown", "since": "long ago"}
    theirs = [{"buyer_id": name, **told} for name in names]
    bought = [row for name in names for row in purchases(rng, 2, name)]
    tables = {**tables, "buyers": more(tables["buyers"], theirs)}
    return _transactions(tables, bought)


ATTACKS: dict[str, Callable[[Tables, np.random.Generator], Tables]] = {
    "type of an attribute: a word among numbers": lambda t, r: _attribute(t, r, size="large"),
    "type of an attribute: a word among yes and no": lambda t, r: _attribute(t, r, vip="unknown"),
    "type of an attribute: no date among dates": lambda t, r: _attribute(t, r, since="long ago"),
    "type of an attribute: sixty later buyers who write words": _many_who_write_words,
    "type of an attribute: a word among whole numbers": lambda t, r: _attribute(t, r, rooms="many"),
    "type of an attribute: a text of a number among numbers": lambda t, r: _attribute(t, r, rooms="7.0"),
    "type of an attribute: yes among numbers": lambda t, r: _attribute(t, r, rooms=True),
    "amounts: later orders whose lines differ": lambda t, r: _lines(t, r, 1.0),
    "amounts: later orders whose lines are the same": lambda t, r: _lines(t, r, 0.0),
    "reloads: some rows, later": lambda t, r: _loaded_again(t, r, 0.1),
    "reloads: every row, later": lambda t, r: _loaded_again(t, r, 1.0),
    "taken back: orders, later": lambda t, r: _taken_back(t, r, False),
    "taken back: payments of contracts, later": lambda t, r: _taken_back(t, r, True),
    "today: later purchases of one city": lambda t, r: _only(t, r, "city", "Ulm"),
    "today: later purchases of the vip": lambda t, r: _only(t, r, "vip", "yes"),
    "levels: a new one": lambda t, r: _attribute(t, r, city=f"City {r.integers(99)}"),
    "levels: a number among words": lambda t, r: _attribute(t, r, city="7"),
    "a late column: currency": lambda t, r: _column(t, r, currency=str(r.choice(["EUR", "USD"]))),
    "a late column: quantity": lambda t, r: _column(t, r, quantity=int(r.choice([-1, 1, 3]))),
    "a late column: status": lambda t, r: _column(t, r, status=str(r.choice(["cancelled", "test", "paid"]))),
    "a late column: discount": lambda t, r: _column(t, r, discount=0.2),
    "a late column: product": lambda t, r: _column(t, r, product="p1"),
    "a late column: channel": lambda t, r: _column(t, r, channel="shop"),
    "exact copies: pairs": lambda t, r: _copies(t, r, 2),
    "exact copies: many": lambda t, r: _copies(t, r, 12),
    "doubled keys: later rows under old order numbers": _same_orders,
    "thresholds: later amounts beyond all": lambda t, r: _column(t, r, amount=1e7),
    "thresholds: later amounts below zero": lambda t, r: _column(t, r, amount=-500.0),
    "thresholds: later amounts of zero": lambda t, r: _column(t, r, amount=0.0),
    "defaults: later amounts unknown": lambda t, r: _column(t, r, amount=None),
    "categories: a late one": lambda t, r: _column(t, r, category=f"late {r.integers(9)}"),
    "plans: a late one": lambda t, r: _terms(t, r, plan="platinum"),
    "plans: a later price": lambda t, r: _terms(t, r, amount=400.0),
    "plans: a later price of zero": lambda t, r: _terms(t, r, amount=0.0),
    "terms: later ones of a month": lambda t, r: _terms(t, r, end=AS_OF + pd.Timedelta(days=230)),
    "terms: later ones without end": lambda t, r: _terms(t, r, end=pd.NaT),
    "billing: later payments like bills": _bills,
    "billing: later payments of other amounts": lambda t, r: _column(t, r, amount=40.0),
    "contacts: a late kind": lambda t, r: _contacts(t, r, kind="coffee"),
    "contacts: a late column of outcomes": lambda t, r: _contacts(t, r, status=str(r.choice(["NO_ANSWER", "done"]))),
    "contacts: late complaints": lambda t, r: _contacts(t, r, kind="complaint"),
    "contacts: a late column of ratings": lambda t, r: _contacts(t, r, satisfaction=float(r.choice([0.1, 0.9]))),
    "holes: a burst of later days": _hole,
    "guests: one id with many later purchases": lambda t, r: _transactions(t, purchases(r, 300, "guest")),
    "guests: a new id with many later purchases": lambda t, r: _transactions(t, purchases(r, 300, "K999")),
    "ids: a later one that differs in capitals": lambda t, r: _transactions(t, purchases(r, 5, "k001")),
    "ids: later ones that are numbers": lambda t, r: _transactions(t, purchases(r, 5, "1001.0")),
    "status table: all come back later": lambda t, r: _transactions(
        t, [row for buyer in t["buyers"]["buyer_id"] for row in purchases(r, 1, buyer)]
    ),
    "status table: nobody comes back": lambda t, r: t,
    "windows: one row far ahead": lambda t, r: _column(t, r, timestamp=pd.Timestamp("2031-01-01")),
    "clock: later rows at midnight": lambda t, r: _column(t, r, timestamp=AS_OF + pd.Timedelta(days=int(r.integers(9)))),
    "clock: a row at as_of itself": lambda t, r: _column(t, r, timestamp=AS_OF),
}  # fmt: skip


@dataclass(frozen=True)
class Answers:
    """The book of a model learned and asked as of the date, the features, the plan, and the money of the months before."""

    book: pd.DataFrame
    features: pd.DataFrame
    plan: pd.DataFrame
    money: pd.DataFrame


def answers(tables: Tables, stated: bool) -> Answers:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        until = {"observed_until": AS_OF} if stated else {}
        histories = cc.Histories(**tables, observed_from="2021-07-01", **until)
        model = cc.RelationshipModel(horizon="60D", effort="quick").fit(histories, as_of=AS_OF)
        book = model.score(histories, as_of=AS_OF)
        plan = cc.care_plan(book, histories, AS_OF)
        money = cc.revenue(histories, "ME").loc[:"2023-05-31"]
        return Answers(book, cc.feature_table(histories, AS_OF), plan, money)


@cache
def honest(seed: int, stated: bool) -> Answers:
    return answers(world(seed), stated)


@pytest.mark.parametrize("number", range(N_ATTACKS))
def test_what_comes_later_decides_nothing(number: int) -> None:
    names = list(ATTACKS)
    name = names[number % len(names)]
    rng = np.random.default_rng(number)
    seed, stated = number // len(names) % 5, (number // len(names) + number) % 2 == 0
    right, told = honest(seed, stated), answers(ATTACKS[name](world(seed), rng), stated)
    book, features, seen = right.book, right.features, told.features
    moved = [
        column
        for column in book.columns
        if column != "model_id" and not told.book[column].reindex(book.index).equals(book[column])
    ]
    assert not moved, (name, moved, list(set(told.book.index) ^ set(book.index)))
    assert set(told.book.index) == set(book.index), name
    new = seen.columns.difference(
        features.columns
    )  # a column that nobody had filled yet says the same of all
    assert (seen[new].nunique() <= 1).all(), name
    pd.testing.assert_frame_equal(seen[features.columns], features)
    pd.testing.assert_frame_equal(told.money, right.money)
    pd.testing.assert_frame_equal(told.plan, right.plan)


def test_the_attacks_aim_at_many_kinds_of_decisions() -> None:
    assert len({name.partition(":")[0] for name in ATTACKS}) >= 10
