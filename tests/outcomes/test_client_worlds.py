"""Small worlds by plain laws: a practice, a gym, an agency. The class must be true of the buyer in each."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import clientcare as cc
from clientcare.facts.reliance import signs_known
from clientcare.outcomes import ClientDefinition, DependenceRule
from clientcare.outcomes.former import were_clients
from clientcare.window import microseconds

NOW = pd.Timestamp("2024-01-01")


def practice(seed: int = 1, n_regulars: int = 90, n_once: int = 60) -> pd.DataFrame:
    """Yearly and half-yearly patients of several treatments who stay for good, beside emergencies that never come again."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n_regulars):
        gap = 365 if i % 2 else 182
        day = float(rng.integers(0, 2500 if i % 2 else 3200))
        while day < 3650:
            treatment = rng.choice(["checkup", "hygiene", "filling"], p=[0.5, 0.3, 0.2])
            rows.append((f"regular{i:03d}", day, treatment))
            if rng.random() < 0.03:
                break
            day += max(20.0, rng.normal(gap, 0.08 * gap))
    rows += [(f"once{i:03d}", float(rng.integers(0, 3650)), "emergency") for i in range(n_once)]
    table = pd.DataFrame(rows, columns=["buyer_id", "day", "category"])
    table["timestamp"] = NOW - pd.to_timedelta(3650 - np.floor(table.pop("day")), "D")
    return table.assign(amount=80.0)


def gym(seed: int = 2, n: int = 60) -> pd.DataFrame:
    """Monthly bills of one plan each; now and then somebody changes the plan."""
    rng = np.random.default_rng(seed)
    months = pd.date_range("2021-01-01", NOW, freq="MS", inclusive="left")
    rows = []
    for i in range(n):
        plan = rng.choice(["plan19", "plan29", "plan49"])
        for month in months[int(rng.integers(0, 20)) :]:
            rows.append((f"g{i:02d}", month, 29.0, plan))
            if rng.random() < 0.02:
                break
            if rng.random() < 0.02:
                plan = rng.choice(["plan19", "plan29", "plan49"])
    return pd.DataFrame(rows, columns=["buyer_id", "timestamp", "amount", "category"])


def agency(n: int = 40) -> dict[str, pd.DataFrame]:
    """Yearly terms billed by the month; half are served in three needs and write, half in one and only answer surveys."""
    rng = np.random.default_rng(3)
    terms, bills, contacts = [], [], []
    for i in range(n):
        buyer, depends = f"a{i:02d}", i % 2 == 0
        start = pd.Timestamp("2020-01-01") + pd.DateOffset(months=int(rng.integers(0, 12)))
        while start < NOW:
            end = start + pd.DateOffset(years=1)
            terms.append((buyer, start, end, 500.0))
            for month in pd.date_range(start, periods=12, freq="30D"):
                need = ["seo", "ads", "web"][int(rng.integers(3)) if depends else 0]
                bills.append((buyer, month, 500.0, need))
                contacts.append((buyer, month + pd.Timedelta(days=9), "check_in", "outbound"))
                if depends and rng.random() < 0.8:
                    contacts.append((buyer, month + pd.Timedelta(days=13), "message", "inbound"))
                if rng.random() < 0.5:
                    contacts.append((buyer, month + pd.Timedelta(days=17), "survey", "inbound"))
            start = end
    interactions = pd.DataFrame(contacts, columns=["buyer_id", "timestamp", "kind", "direction"])
    tables = {
        "transactions": pd.DataFrame(bills, columns=["buyer_id", "timestamp", "amount", "category"]),
        "interactions": interactions.assign(answered=True),
        "contracts": pd.DataFrame(terms, columns=["buyer_id", "start", "end", "amount"]),
    }
    when = {"contracts": "start"}
    return {name: table[table[when.get(name, "timestamp")] < NOW] for name, table in tables.items()}


def firm(**changed: pd.DataFrame) -> cc.Histories:
    return cc.Histories(**{**agency(), **changed}, observed_until=NOW)


@pytest.fixture(scope="module")
def two_horizons() -> tuple[pd.DataFrame, pd.DataFrame]:
    histories = cc.Histories(practice(), observed_until=NOW)
    books = []
    for horizon in ("90D", "400D"):
        model = cc.RelationshipModel(horizon=horizon, effort="quick").fit(histories)
        books.append(model.score(histories))
    return books[0], books[1]


def test_the_class_is_the_same_at_every_churn_horizon(two_horizons):
    near, far = two_horizons
    assert near["relationship"].eq(far["relationship"]).mean() >= 0.99
    assert (near["client_probability"] - far["client_probability"]).abs().max() < 1e-6
    assert (near["churn_risk"] - far["churn_risk"]).abs().max() > 0.3


def test_regulars_are_clients_and_the_more_so_the_longer_they_come(two_horizons):
    visits = practice().groupby("buyer_id").size()
    for book in two_horizons:
        here = book[book["status"].ne("gone") & book["stage"].ne("new buyer")]
        regular = here.index.str.startswith("regular")
        client = here["relationship"].eq("client")
        assert client[regular].mean() > 0.8
        assert client[regular & (visits.reindex(here.index) > 6)].mean() > 0.9
        assert not client[~regular].any()


def test_a_label_asks_less_of_whom_less_was_seen():
    """Every second patient's treatments struck out: nobody turns from client to customer, or back, for want of a word."""
    table = practice()
    definition, then = ClientDefinition("1095D"), "2021-01-01"
    whole = definition.label(cc.Histories(table, observed_until=NOW), then)
    without = definition.label(cc.Histories(table.drop(columns="category"), observed_until=NOW), then)
    regular = whole.index.str.startswith("regular")
    assert without[regular].mean() > 0.8
    assert (whole & ~without).sum() == 0
    assert (whole[regular] != without[regular]).mean() < 0.15


def test_where_everybody_buys_one_thing_breadth_says_nothing():
    table = gym()
    with_plan = cc.Histories(table, observed_until=NOW)
    assert "breadth" not in DependenceRule.learn(with_plan, NOW).seen
    without = cc.Histories(table.drop(columns="category"), observed_until=NOW)
    definition = ClientDefinition("180D")
    told = definition.label(with_plan, "2023-06-01")
    pd.testing.assert_series_equal(told, definition.label(without, "2023-06-01"))
    assert told.any()


def test_what_bills_are_for_is_a_need():
    told = DependenceRule.learn(firm(), NOW).told(firm(), NOW)
    depends = np.arange(len(told)) % 2 == 0
    assert (firm().bills is not None) and firm().bills.n_rows > 1_000
    assert told["depends_on"].str.contains("Depends on you for").equals(pd.Series(depends, told.index))
    bills = agency()["transactions"]
    bills.loc[bills["buyer_id"].eq("a00"), "category"] = "seo"
    one_need = DependenceRule.learn(firm(transactions=bills), NOW).told(firm(transactions=bills), NOW)
    assert one_need.loc["a00", "dependence"] < told.loc["a00", "dependence"] - 10
    assert "Depends on you for" not in one_need.loc["a00", "depends_on"]


def test_an_answered_survey_is_not_of_their_own_accord():
    contacts = agency()["interactions"]
    silent = firm(interactions=contacts[contacts["kind"].ne("survey")])
    signs = [signs_known(histories, microseconds(NOW)) for histories in (firm(), silent)]
    np.testing.assert_array_equal(signs[0].n_asked, signs[1].n_asked)
    assert signs[0].n_asked[1::2].max() == 0
    label = ClientDefinition("180D").label(firm(), "2023-05-01").to_numpy()
    assert label[::2].mean() > 0.7
    assert label[1::2].mean() < 0.2


def test_renewals_and_a_complaint_alone_make_nobody_depend():
    contacts = agency()["interactions"]
    complaint = pd.DataFrame({"buyer_id": ["a01"], "timestamp": [pd.Timestamp("2022-05-05")]})
    complaint = complaint.assign(kind="complaint", direction="inbound", answered=True)
    histories = firm(interactions=pd.concat([contacts, complaint], ignore_index=True))
    told = DependenceRule.learn(histories, NOW).told(histories, NOW)
    assert "Stayed after a complaint; renewed" in told.loc["a01", "depends_on"]
    assert told.loc["a01", "dependence"] < 30


def test_only_who_was_a_client_is_a_former_client():
    """Everybody's terms end at once; a year later those are former clients who were served and asked."""
    tables = agency()
    end = pd.Timestamp("2023-01-01")
    contracts = tables["contracts"][tables["contracts"]["start"] < "2022-01-01"]
    contracts = contracts.assign(end=contracts["end"].clip(upper=end))
    earlier = {
        name: tables[name][tables[name]["timestamp"] < end] for name in ("transactions", "interactions")
    }
    histories = cc.Histories(**earlier, contracts=contracts, observed_until=NOW)
    definition, rule = ClientDefinition("180D"), DependenceRule.learn(histories, NOW)
    were = were_clients(histories, NOW, definition, rule)
    assert were[::2].mean() > 0.8
    assert not were[1::2].any()


def test_a_regular_of_several_needs_is_a_former_client_once_gone():
    table = practice()
    histories = cc.Histories(table, observed_until="2034-01-01")
    now = pd.Timestamp("2034-01-01")
    rule = DependenceRule.learn(histories, now)
    were = pd.Series(were_clients(histories, now, ClientDefinition("1095D"), rule), histories.buyer_ids)
    visits = table.groupby("buyer_id").size()
    assert were[visits > 6].mean() > 0.8
    assert not were[visits == 1].any()


def test_who_only_paid_bills_has_something_at_stake_while_a_renewal_may_come():
    tables = agency()
    ended = tables["contracts"]["buyer_id"].eq("a01") & (tables["contracts"]["end"] > NOW)
    tables["contracts"].loc[ended, "end"] = NOW - pd.Timedelta(days=5)
    histories = cc.Histories(**tables, observed_until=NOW)
    model = cc.RelationshipModel(horizon="90D", effort="quick").fit(histories)
    book = model.score(histories)
    assert not any("second time" in said for said in model.says_)
    assert book.loc["a01", "status"] == "active"
    assert book.loc["a01", "spend_if_stays"] >= 500 * 90 / 31
    assert book.loc["a01", "at_stake"] > 0
    assert book[["expected_spend", "spend_if_stays", "at_stake"]].notna().all(axis=None)
