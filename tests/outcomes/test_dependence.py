"""Dependence: signs on absolute scales, an index, a sentence; no word from the future, none from the other buyers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import clientcare as cc
from clientcare.exceptions import OptionError
from clientcare.facts.reliance import signs_known
from clientcare.outcomes import ClientDefinition, DependenceRule
from clientcare.window import microseconds

NOW = pd.Timestamp("2024-07-01")


def ago(days: float) -> pd.Timestamp:
    return NOW - pd.Timedelta(days=days)


def orders_of(buyer: str, needs: list[str], n: int = 12, every: int = 30, **more: object) -> pd.DataFrame:
    """One order every so many days, the needs in turn."""
    days = [ago(1 + every * step) for step in range(n)][::-1]
    categories = [needs[step % len(needs)] for step in range(n)]
    return pd.DataFrame(
        {"buyer_id": buyer, "timestamp": days, "amount": 10.0, "category": categories, **more}
    )


def shop(*tables: pd.DataFrame, **others: object) -> cc.Histories:
    return cc.Histories(pd.concat(tables, ignore_index=True), observed_until=NOW, **others)


def sign(histories: cc.Histories, name: str) -> dict[str, float]:
    value, _ = signs_known(histories, microseconds(NOW)).table[name]
    return dict(zip(histories.buyer_ids, np.round(value, 3).tolist(), strict=True))


def test_breadth_is_the_needs_served_on_a_scale_of_its_own() -> None:
    histories = shop(orders_of("one", ["a"]), orders_of("two", ["a", "b"]), orders_of("four", list("abcd")))
    assert sign(histories, "breadth") == {"four": 0.75, "one": 0.0, "two": 0.5}


def test_many_lines_of_one_order_are_one_need_served_once() -> None:
    once = orders_of("many lines", ["a"], n=11)
    lines = pd.DataFrame(
        {"buyer_id": "many lines", "timestamp": ago(400), "amount": 1.0, "category": ["b"] * 50}
    )
    lines["amount"] = np.arange(1.0, 51.0)
    plain = orders_of("plain", ["a"], n=11)
    other = pd.DataFrame({"buyer_id": ["plain"], "timestamp": ago(400), "amount": 1.0, "category": "b"})
    told = sign(shop(once, lines, plain, other), "breadth")
    assert told["many lines"] == told["plain"] > 0


def test_full_price_reads_discounts_and_list_prices() -> None:
    discounts = shop(orders_of("hunter", ["a"], discount=2.0), orders_of("payer", ["a"], discount=0.0))
    lists = shop(orders_of("hunter", ["a"], list_price=12.5), orders_of("payer", ["a"], list_price=10.0))
    for histories in (discounts, lists):
        assert sign(histories, "full_price") == {"hunter": 0.0, "payer": 1.0}


def test_own_voice_leaves_trouble_and_the_seller_aside() -> None:
    contacts = pd.DataFrame(
        [("asks", ago(30 * k + 5), "message", "inbound") for k in range(7)]
        + [("trouble", ago(30 * k + 5), "complaint", "inbound") for k in range(7)]
        + [("is called", ago(30 * k + 5), "call", "outbound") for k in range(7)],
        columns=["buyer_id", "timestamp", "kind", "direction"],
    )
    histories = shop(
        *(orders_of(buyer, ["a"], n=14) for buyer in ("asks", "trouble", "is called")), interactions=contacts
    )
    assert sign(histories, "own_voice") == {"asks": 1.0, "is called": 0.0, "trouble": 0.0}


def test_who_stays_after_price_rises_complaints_and_changes_of_owner() -> None:
    rising = orders_of("stays", ["a"], product_id="p", quantity=1.0)
    rising["amount"] = np.where(rising.index >= 6, 12.0, 10.0)
    leaving = orders_of("leaves", ["a"], product_id="p", quantity=1.0)
    leaving["timestamp"] -= pd.Timedelta(days=330)
    leaving["amount"] = np.where(leaving.index >= 11, 12.0, 10.0)
    calm = orders_of("calm", ["a"], product_id="p", quantity=1.0)
    contacts = pd.DataFrame(
        [("calm", ago(200 + k), "call", "outbound", "old") for k in range(3)]
        + [("calm", ago(100 + k), "call", "outbound", "new") for k in range(3)]
        + [("stays", ago(100), "complaint", "inbound", "old")],
        columns=["buyer_id", "timestamp", "kind", "direction", "owner"],
    )
    shocks = signs_known(shop(rising, leaving, calm, interactions=contacts), microseconds(NOW)).shocks
    # buyers in order of their names: calm, leaves, stays
    assert shocks.price_rises.tolist() == [0, 0, 1]
    assert shocks.left.tolist() == [0, 1, 0]
    assert shocks.complaints.tolist() == [0, 0, 1]
    assert shocks.owner_changes.tolist() == [1, 0, 0]


def test_the_price_of_a_contract_rose_and_the_buyer_stayed() -> None:
    terms = pd.DataFrame(
        {
            "buyer_id": "a",
            "start": [ago(730), ago(365)],
            "end": [ago(366), NOW + pd.Timedelta(days=30)],
            "amount": [100.0, 110.0],
        }
    )
    histories = cc.Histories(contracts=terms, observed_until=NOW)
    told = DependenceRule.learn(histories, NOW).told(histories, NOW)
    assert told.loc["a", "depends_on"] == "Stayed after a price rise; renewed once"


def test_the_share_of_wallet_is_the_users_word() -> None:
    attributes = pd.DataFrame({"buyer_id": ["a", "b"], "share_of_wallet": [0.8, 25]})
    assert sign(shop(orders_of("a", ["x"]), orders_of("b", ["x"]), buyers=attributes), "share_of_wallet") == {
        "a": 0.8,
        "b": 0.25,
    }
    wallets = pd.DataFrame({"buyer_id": ["a"], "wallet": [500.0]})
    told = sign(shop(orders_of("a", ["x"], n=14), buyers=wallets), "share_of_wallet")
    assert 0.2 < told["a"] < 0.3


def test_a_contract_alone_says_nothing_of_dependence() -> None:
    terms = pd.DataFrame(
        {"buyer_id": "a", "start": [ago(60), ago(30)], "end": [ago(31), ago(1)], "amount": 9.0}
    )
    histories = cc.Histories(contracts=terms, observed_until=NOW)
    told = DependenceRule.learn(histories, NOW).told(histories, NOW)
    assert np.isnan(told.loc["a", "dependence"])
    assert not told.loc["a", "enough"]


def mixed(n: int = 30) -> cc.Histories:
    tables = [orders_of(f"b{i:02d}", list("abc")[: 1 + i % 3], n=3 + i % 10, every=20 + i) for i in range(n)]
    return shop(*(table.assign(discount=float(i % 2)) for i, table in enumerate(tables)))


def test_nothing_later_and_nobody_else_changes_a_buyers_row() -> None:
    histories = mixed()
    then = ago(100)
    rule = DependenceRule.learn(histories, then)
    whole = rule.told(histories, then)
    assert rule == DependenceRule.learn(histories.until(then), then)
    pd.testing.assert_frame_equal(rule.told(histories.until(then), then), whole)
    some = list(whole.index[::3])
    pd.testing.assert_frame_equal(rule.told(histories.select(some), then), whole.loc[some])
    assert whole["dependence"].dropna().between(0, 100).all()


def test_the_sentence_names_the_needs_and_counts_the_rest() -> None:
    histories = shop(orders_of("a", ["wine", "tea", "rice", "oil", "salt"]), orders_of("b", ["tea"]))
    told = DependenceRule.learn(histories, NOW).told(histories, NOW)["depends_on"]
    assert told["a"] == "Depends on you for tea, wine, oil and 2 more"
    assert told["b"] == ""


def test_a_word_says_no_more_than_the_index() -> None:
    histories = shop(
        orders_of("wide", list("abcdef"), n=24), orders_of("narrow", ["a", "a", "a", "a", "a", "b"], n=12)
    )
    told = DependenceRule.learn(histories, NOW).told(histories, NOW)
    depends = told["depends_on"].str.startswith("Depends on you")
    assert (depends == (told["dependence"] >= 50)).all()
    assert told["depends_on"]["narrow"] == "Buys a, b"


def test_dependence_stands_in_where_no_tie_can_be_seen() -> None:
    histories = shop(orders_of("one", ["a"], n=24), orders_of("three", ["a", "b", "c"], n=24))
    definition = ClientDefinition("180D")
    assert definition.label(histories, ago(180)).to_dict() == {"one": False, "three": True}
    assert definition.stage(histories, ago(180)).astype(str).to_dict() == {
        "one": "repeat customer",
        "three": "dependent client",
    }
    patronage = ClientDefinition("180D", min_dependence=0)
    assert patronage.label(histories, ago(180)).to_dict() == {"one": True, "three": True}
    assert ClientDefinition.from_dict(definition.to_dict()) == definition


def test_check_ins_that_the_seller_keeps_up_make_nobody_a_client() -> None:
    rows = [
        (b, ago(15 + 30 * k), "check_in", "mutual", "kept")
        for b in ("asks", "asks nothing")
        for k in range(12)
    ]
    rows += [("asks", ago(20 + 30 * k), "message", "inbound", None) for k in range(12)]
    contacts = pd.DataFrame(rows, columns=["buyer_id", "timestamp", "kind", "direction", "status"])
    contacts["answered"] = 1.0
    terms = pd.DataFrame({"buyer_id": ["asks", "asks nothing"], "start": ago(365), "amount": 50.0})
    histories = cc.Histories(interactions=contacts, contracts=terms, observed_until=NOW)
    assert ClientDefinition("180D").label(histories, ago(180)).to_dict() == {
        "asks": True,
        "asks nothing": False,
    }


@pytest.mark.parametrize("wrong", [-1, 101, "50", True, None])
def test_the_least_dependence_is_a_number_from_0_to_100(wrong: object) -> None:
    with pytest.raises(OptionError, match="min_dependence"):
        ClientDefinition(min_dependence=wrong)  # type: ignore[arg-type]


def test_the_book_says_how_much_and_on_what_and_what_stood_in() -> None:
    rng = np.random.default_rng(1)
    tables = []
    for i in range(80):
        needs = list("abc") if i % 2 else ["a"]
        days = np.cumsum(rng.gamma(4, 30 / 4, size=60))
        days = days[days < (rng.uniform(200, 900) if i % 3 == 0 else 900)]
        tables.append(
            pd.DataFrame(
                {
                    "buyer_id": f"b{i:02d}",
                    "timestamp": ago(900) + pd.to_timedelta(np.floor(days), "D"),
                    "amount": 10.0,
                    "category": [needs[k % len(needs)] for k in range(len(days))],
                }
            )
        )
    histories = shop(*tables)
    model = cc.RelationshipModel(horizon="60D", effort="quick").fit(histories)
    book = model.score(histories)
    wide = book.index.str[1:].astype(int) % 2 == 1
    here = book["status"].ne("gone").to_numpy()

    assert book.columns.get_loc("dependence") == book.columns.get_loc("stage") + 1
    assert book.loc[wide & here, "relationship"].eq("client").mean() > 0.8
    assert book.loc[~wide, "relationship"].eq("client").mean() == 0
    assert book.loc[here & ~wide, "stage"].eq("repeat customer").any()
    assert book["evidence"].str.contains("dependence in place of a tie").mean() > 0.8
    halves = pd.concat([model.score(histories.select(list(book.index[start::2]))) for start in (0, 1)])
    pd.testing.assert_frame_equal(halves.sort_index(), book.sort_index())


def test_signs_are_features_of_a_family_of_their_own() -> None:
    contacts = pd.DataFrame({"buyer_id": ["b00", "b01"], "timestamp": ago(200), "kind": "message"})
    contacts["direction"] = "inbound"
    tables = [orders_of(f"b{i:02d}", list("abc")[: 1 + i % 3], n=3 + i % 10, discount=1.0) for i in range(6)]
    attributes = pd.DataFrame({"buyer_id": ["b00"], "share_of_wallet": [0.5]})
    histories = shop(*tables, interactions=contacts, buyers=attributes)
    for then in (NOW, ago(150)):
        table = cc.feature_table(histories, then, families="dependence")
        signs = signs_known(histories.until(then), microseconds(then)).table
        known = histories.buyer_ids.get_indexer(table.index)
        for column, (name, place) in {
            "needs_served_sign": ("breadth", 0),
            "needs_served_coverage": ("breadth", 1),
            "own_voice_sign": ("own_voice", 0),
            "undiscounted_sign": ("full_price", 0),
            "word_of_mouth_sign": ("word_of_mouth", 0),
            "stated_share_of_wallet_sign": ("share_of_wallet", 0),
        }.items():
            np.testing.assert_array_equal(table[column], signs[name][place][known])
    assert not {"list_price_paid_sign", "wallet_spent_sign", "commitment_sign"} & set(table.columns)
    assert (cc.feature_catalogue("dependence")["unit"] == "0 to 1").all()
