"""Thirty questions that an assistant asks through --json: each figure is that of the tables, and its caveat comes with it."""

from __future__ import annotations

import contextlib
import io
import json

import numpy as np
import pandas as pd
import pytest

import clientcare as cc
from clientcare.cli import main

AS_OF = pd.Timestamp("2024-03-01")


class Answers:
    """A firm in files, what each verb says of it, and the tables themselves."""

    def __init__(self, folder):
        made = cc.datasets.simulate_histories("service_firm", n_buyers=60, random_state=3)
        self.tables = {name: getattr(made, name) for name in ("transactions", "interactions", "contracts")}
        spoiled = self.tables["transactions"].copy()
        spoiled["buyer_id"] = spoiled["buyer_id"].astype(object)
        spoiled.loc[spoiled.index[:3], "buyer_id"] = None
        self.given = []
        for name, table in {**self.tables, "transactions": spoiled}.items():
            table.to_parquet(folder / f"{name}.parquet")
            self.given += [f"--{name}", str(folder / f"{name}.parquet")]
        made.buyers.reset_index().to_parquet(folder / "buyers.parquet")
        self.given += ["--buyers", str(folder / "buyers.parquet")]
        self.histories = cc.read_histories(
            transactions=folder / "transactions.parquet", interactions=folder / "interactions.parquet",
            contracts=folder / "contracts.parquet", buyers=folder / "buyers.parquet",
        )  # fmt: skip
        self.model = cc.RelationshipModel(horizon="90D", effort="quick", random_state=0).fit(
            self.histories, as_of=AS_OF
        )
        self.model.save(folder / "m.clientcare")
        self.book = self.model.score(self.histories, as_of=AS_OF)
        self._with_model = ["--model", str(folder / "m.clientcare"), "--as-of", f"{AS_OF:%Y-%m-%d}"]
        self._heard = {}

    def ask(self, verb, *further, model=True):
        """What a verb says, by event."""
        words = [verb, *self.given, *(self._with_model if model else []), *further, "--json"]
        if (key := tuple(words)) not in self._heard:
            heard = io.StringIO()
            with contextlib.redirect_stdout(heard):
                assert main(words) == 0
            self._heard[key] = {one["event"]: one for one in map(json.loads, heard.getvalue().splitlines())}
        return self._heard[key]

    def terms(self, at=AS_OF):
        """Contracts in force just before a date, as far as was known."""
        table = self.tables["contracts"]
        known = table["start"] < at
        broken = table["cancelled_at"].notna() & (table["cancelled_at"] < at)
        over = table["end"].notna() & (table["end"] < at - pd.Timedelta(days=1))
        return table[known & ~broken & ~over]


@pytest.fixture(scope="module")
def firm(tmp_path_factory):
    return Answers(tmp_path_factory.mktemp("firm"))


def of_model(standing):
    return standing["horizon_days"] == 90 and standing["as_of"].startswith("2024-03-01") and standing["says"]


def book_of(firm):
    return pd.DataFrame(firm.ask("score")["book"]["rows"]).set_index("buyer_id")


def here(firm):
    table = book_of(firm)
    return table[table["status"] != "gone"]


def months_of(firm):
    return pd.DataFrame(firm.ask("renewals")["months"]["rows"]).set_index("month")


def ends_of(firm):
    return pd.DataFrame(firm.ask("renewals")["ends"]["rows"])


def quarters_of(firm):
    rows = pd.DataFrame(firm.ask("revenue", "--periods", "QE", model=False)["revenue"]["rows"])
    return rows.set_index("period")


def card_of(firm):
    return pd.DataFrame(firm.ask("care")["report"]["rows"]).set_index("practice")


def plan_of(firm):
    return pd.DataFrame(firm.ask("care")["plan"]["rows"])


def coming(firm):
    """Ends of paid terms within a year, from the contracts themselves."""
    table = firm.terms()[lambda terms: terms["amount"] > 0]
    return table[table["end"].between(AS_OF, AS_OF + pd.Timedelta(days=365), inclusive="left")]


def row(firm, buyer, column):
    return firm.book.loc[buyer, column]


def rows_in(firm, table):
    told = pd.DataFrame(firm.ask("check", model=False)["rows"]["rows"]).set_index("table")
    return int(told.at[table, "rows_in"])


def aside(firm, table):
    told = pd.DataFrame(firm.ask("check", model=False)["rows"]["rows"]).set_index("table")
    return int(told.at[table, "rows_set_aside"])


def most_at_risk(firm):
    return here(firm)["churn_risk"].idxmax()


LAST = "2024-03-31 00:00:00"
QUESTIONS = {
    "How many rows of transactions were read?": (
        lambda f: rows_in(f, "transactions"),
        lambda f: len(f.tables["transactions"]),
        lambda f: "quality" in f.ask("check", model=False),
    ),
    "How many of them were set aside?": (
        lambda f: aside(f, "transactions"),
        lambda f: 3,
        lambda f: f.ask("renewals")["standing"]["share_set_aside"] > 0,
    ),
    "How many contacts are on record?": (
        lambda f: rows_in(f, "interactions"),
        lambda f: len(f.tables["interactions"]),
        lambda f: "observed" in f.ask("check", model=False),
    ),
    "How many contracts are on record?": (
        lambda f: rows_in(f, "contracts"),
        lambda f: len(f.tables["contracts"]),
        lambda f: "observed" in f.ask("check", model=False),
    ),
    "How many buyers are known?": (
        lambda f: f.ask("check", model=False)["observed"]["n_buyers"],
        lambda f: pd.concat([t["buyer_id"] for t in f.tables.values()]).nunique(),
        lambda f: "observed_until" in f.ask("check", model=False)["observed"],
    ),
    "How far ahead should be asked?": (
        lambda f: f.ask("check", model=False)["horizon"]["days"],
        lambda f: cc.suggest_horizon(f.histories).days,
        lambda f: f.ask("check", model=False)["horizon_evidence"]["rows"],
    ),
    "How many buyers were known by March 2024?": (
        lambda f: len(book_of(f)),
        lambda f: pd.concat(
            [t.loc[t[when] < AS_OF, "buyer_id"] for t, when in (
                (f.tables["transactions"], "timestamp"), (f.tables["contracts"], "start"))]
        ).nunique(),
        lambda f: of_model(f.ask("score")["standing"]),
    ),
    "How many of them are here?": (
        lambda f: len(here(f)),
        lambda f: (f.book["status"] != "gone").sum(),
        lambda f: set(book_of(f)["status"]) <= {"active", "quiet", "gone"},
    ),
    "How many clients are there?": (
        lambda f: (here(f)["relationship"] == "client").sum(),
        lambda f: ((f.book["relationship"] == "client") & (f.book["status"] != "gone")).sum(),
        lambda f: of_model(f.ask("score")["standing"]),
    ),
    "How many will have left within 90 days?": (
        lambda f: here(f)["churn_risk"].sum(),
        lambda f: f.book.loc[f.book["status"] != "gone", "churn_risk"].sum(),
        lambda f: f.ask("score")["outlook"]["figures"]["leavers"]["low"]
        <= f.ask("score")["outlook"]["figures"]["leavers"]["high"],
    ),
    "Who is most likely to leave?": (
        lambda f: here(f)["churn_risk"].max(),
        lambda f: f.book.loc[f.book["status"] != "gone", "churn_risk"].max(),
        lambda f: here(f).at[most_at_risk(f), "churn_risk_low"] <= here(f).at[most_at_risk(f), "churn_risk_high"],
    ),
    "How sure is that?": (
        lambda f: here(f).at[most_at_risk(f), "churn_risk_low"],
        lambda f: row(f, most_at_risk(f), "churn_risk_low"),
        lambda f: of_model(f.ask("score")["standing"]),
    ),
    "Why would they leave?": (
        lambda f: here(f).at[most_at_risk(f), "reason_1"],
        lambda f: row(f, most_at_risk(f), "reason_1"),
        lambda f: here(f).at[most_at_risk(f), "reason_1"].startswith("raises the risk: "),
    ),
    "How much money is at stake among those who are here?": (
        lambda f: here(f)["at_stake"].sum(),
        lambda f: f.book.loc[f.book["status"] != "gone", "at_stake"].sum(),
        lambda f: of_model(f.ask("score")["standing"]),
    ),
    "How good is this book expected to be?": (
        lambda f: f.ask("score")["outlook"]["figures"]["auc"]["expected"],
        lambda f: f.model.outlook(f.book, f.model.unlike(f.histories, AS_OF)).to_dict()["figures"]["auc"]["expected"],
        lambda f: f.ask("score")["outlook"]["figures"]["auc"]["low"] < 1,
    ),
    "How many contracts come up within a year?": (
        lambda f: months_of(f)["n_ends"].sum(),
        lambda f: len(coming(f)),
        lambda f: of_model(f.ask("renewals")["standing"]),
    ),
    "How much money a month comes up?": (
        lambda f: months_of(f)["amount"].sum(),
        lambda f: coming(f)["amount"].sum(),
        lambda f: of_model(f.ask("renewals")["standing"]),
    ),
    "How much of it will stay?": (
        lambda f: months_of(f)["expected"].sum(),
        lambda f: (ends_of(f)["chance"] * ends_of(f)["amount"]).sum(),
        lambda f: (months_of(f)["low"] <= months_of(f)["high"]).all(),
    ),
    "Whose contract ends first?": (
        lambda f: ends_of(f)["buyer_id"].iloc[0],
        lambda f: coming(f).sort_values("end")["buyer_id"].astype(str).iloc[0],
        lambda f: 0 < ends_of(f)["chance"].iloc[0] < 1,
    ),
    "When did they last speak?": (
        lambda f: pd.Timestamp(ends_of(f)["last_word"].iloc[0]).floor("s"),
        lambda f: cc.renewals(f.model, f.histories, AS_OF).ends["last_word"].iloc[0].floor("s"),
        lambda f: of_model(f.ask("renewals")["standing"]),
    ),
    "How many end in April?": (
        lambda f: months_of(f).at["2024-04", "n_ends"],
        lambda f: (coming(f)["end"].dt.to_period("M") == pd.Period("2024-04")).sum(),
        lambda f: months_of(f).at["2024-04", "n_low"] <= months_of(f).at["2024-04", "n_high"],
    ),
    "What money a month was under contract when the quarter began?": (
        lambda f: quarters_of(f).at[LAST, "opening"] / 3,
        lambda f: f.histories and cc.revenue(f.histories, "QE")["opening"].loc[LAST] / 3,
        lambda f: quarters_of(f).at[LAST, "complete"] in (True, False),
    ),
    "Does the money add up?": (
        lambda f: quarters_of(f)[
            ["opening", "new", "expansion", "contraction", "lost", "won_back", "moved"]].sum(axis=1).loc[LAST],
        lambda f: quarters_of(f).at[LAST, "closing"],
        lambda f: "complete" in quarters_of(f),
    ),
    "What share of the money was kept?": (
        lambda f: quarters_of(f).at[LAST, "gross_retention"],
        lambda f: 1 + (quarters_of(f).at[LAST, "contraction"] + quarters_of(f).at[LAST, "lost"])
        / quarters_of(f).at[LAST, "opening"],
        lambda f: "share_set_aside" in f.ask("revenue", "--periods", "QE", model=False)["standing"],
    ),
    "How many buyers were lost in the quarter?": (
        lambda f: quarters_of(f).at[LAST, "n_lost"],
        lambda f: quarters_of(f).at[LAST, "n_opening"] + quarters_of(f).at[LAST, "n_new"]
        + quarters_of(f).at[LAST, "n_won_back"] - quarters_of(f).at[LAST, "n_closing"],
        lambda f: quarters_of(f)["complete"].notna().all(),
    ),
    "How well do we communicate?": (
        lambda f: card_of(f).at["communicated", "score"],
        lambda f: cc.care_report(f.histories, AS_OF).seller.set_index("practice").at["communicated", "score"]
        if "practice" in cc.care_report(f.histories, AS_OF).seller
        else cc.care_report(f.histories, AS_OF).seller.at["communicated", "score"],
        lambda f: 0 < card_of(f).at["communicated", "coverage"] <= 1,
    ),
    "On what is that counted?": (
        lambda f: "stretches" in card_of(f).at["communicated", "evidence"],
        lambda f: True,
        lambda f: card_of(f).at["communicated", "n_buyers_seen"] <= card_of(f).at["communicated", "n_buyers"],
    ),
    "How many actions are due?": (
        lambda f: len(plan_of(f)),
        lambda f: len(cc.care_plan(f.book, f.histories, AS_OF)),
        lambda f: of_model(f.ask("care")["standing"]),
    ),
    "How many actions has the busiest owner?": (
        lambda f: plan_of(f)["owner"].value_counts().max(),
        lambda f: cc.care_plan(f.book, f.histories, AS_OF)["owner"].value_counts().max(),
        lambda f: plan_of(f)["reason"].str.len().min() > 0,
    ),
    "How many buyers left within the last year?": (
        lambda f: len(f.ask("losses")["losses"]["rows"]),
        lambda f: len(cc.loss_book(f.model, f.histories, AS_OF).losses),
        lambda f: of_model(f.ask("losses")["standing"]),
    ),
}  # fmt: skip


def test_there_are_thirty():
    assert len(QUESTIONS) == 30


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_is_answered_with_the_right_figure_and_its_caveat(question, firm):
    told, true, caveat = QUESTIONS[question]
    answer, right = told(firm), true(firm)
    if isinstance(right, (int, float, np.integer, np.floating)) and not isinstance(right, bool):
        assert answer == pytest.approx(right, rel=0.002, abs=0.06)
    else:
        assert answer == right
    assert caveat(firm)
