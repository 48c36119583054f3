"""The sign of a reason agrees with the number it tells, and the number is the buyer's own."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from clientcare.datasets import load_retailer, load_service_firm, simulate_histories
from clientcare.history import Histories
from clientcare.model import RelationshipModel

REASONS = ["reason_1", "reason_2", "reason_3"]
NUMBER = r"([\d,.]+)"
ONCE = rf"(?:once|(?:{NUMBER} times))"
RAISES, LOWERS = "raises the risk: ", "lowers the risk: "
BESIDE_USUAL = {
    "more is worse": (
        rf"last contact {NUMBER} days? ago; the usual \w+ {NUMBER}$",
        rf"last check-in {NUMBER} days? ago; the usual \w+ {NUMBER}$",
        rf"no check-in for {NUMBER} days?; the usual \w+ {NUMBER}$",
        rf"usually buys every {NUMBER} days?; the usual \w+ every {NUMBER}$",
        rf"lately buys every {NUMBER} days?; every {NUMBER} days on average$",
        rf"buys every {NUMBER} days? on average; the usual \w+ every {NUMBER}$",
        rf"returned {NUMBER}% of what was spent; the usual \w+ {NUMBER}%$",
        rf"silent for {NUMBER} days?; usually buys every {NUMBER} days$",
        rf"silent for {NUMBER} days?; bought twice, {NUMBER} days? apart$",
        rf"last bought {NUMBER} days? ago; usually buys every {NUMBER} days$",
        rf"last bought {NUMBER} days? ago; bought twice, {NUMBER} days? apart$",
    ),
    "more is better": (
        rf"{NUMBER} contacts? in all; the usual \w+ {NUMBER}$",
        rf"bought [\d,]+ times, {NUMBER} in \d+ days; the usual \w+ {NUMBER}$",
        rf"bought {NUMBER} times in all; the usual \w+ {NUMBER}$",
        rf"bought {NUMBER} times in the last \d+ days; the usual \w+ {NUMBER}$",
        rf"bought {NUMBER} times in the last \d+ days; usually {NUMBER}$",
        rf"bought {NUMBER} times in the same season a year ago; the usual \w+ {NUMBER}$",
        rf"first bought {NUMBER} days? ago; the usual \w+ {NUMBER}$",
        rf"spends {NUMBER} a purchase; the usual \w+ {NUMBER}$",
        rf"spent {NUMBER} in all; the usual \w+ {NUMBER}$",
        rf"buys in {NUMBER} categor(?:y|ies); the usual \w+ in {NUMBER}$",
        rf"bought {NUMBER} different products; the usual \w+ {NUMBER}$",
        rf"bought through {NUMBER} channels?; the usual \w+ {NUMBER}$",
        rf"rates us {NUMBER}% on average; the usual \w+ {NUMBER}%$",
        rf"used {NUMBER} times in 30 days; the usual \w+ {NUMBER}$",
        rf"{NUMBER} minutes in contact in 90 days; the usual \w+ {NUMBER}$",
        rf"under contract for {NUMBER} days?; the usual \w+ {NUMBER}$",
        rf"bought {NUMBER}% of the lines without a discount; the usual \w+ {NUMBER}%$",
        rf"bought {NUMBER}% of the lines at the list price; the usual \w+ {NUMBER}%$",
        rf"{NUMBER}% of earlier purchases fell in the season that comes now; of the usual \w+'s {NUMBER}%$",
        rf"stayed after {NUMBER}% of price rises and complaints; the usual \w+ {NUMBER}%$",
    ),
}
ONLY_RAISES = (
    r"^silent for",
    r"^no second purchase",
    r"^no purchase is known",
    r"^one purchase so far",
    r"nothing",
    r"^no contact",
    r"^no check-in",
    r"^the contract ends in \d+ days?(?:$|; no talk)",
    r"^under notice",
    r"may leave on any day$",
    r"^without a contract",
    r"^never had a contract",
    r"still open",
    r"in all$(?<!spent)",
    r"has referred nobody",
    r"not renewed yet$",
    r"^no rating is known",
    r"^not used",
)
ONLY_LOWERS = (
    r"^bound for",
    r"; renewed \d+ times?$",
    r"^made \d+ referral",
    r"^came by a referral",
    r"^no complaint is known",
    r"^returned nothing",
    r"^bought for the first time",
    r"^stayed after every",
    r"renewing it was talked about",
    r"^the next term is signed",
    r"^no end is agreed$",
)
OF_THE_BASE = ("buyers than before", "judged without", "other features", "unknown")


def number(text):
    return float(text.rstrip(".").replace(",", ""))


def points_wrongly(reason):
    """Whether the numbers of a reason speak against its direction."""
    raises = reason.startswith(RAISES)
    said = reason.removeprefix(RAISES).removeprefix(LOWERS).replace("bought once", "bought 1 times")
    said = said.replace("every day", "every 1 days").replace("one product;", "1 different products;")
    for way, forms in BESIDE_USUAL.items():
        for form in forms:
            if found := re.match(form, said):
                own, usual = map(number, found.groups())
                if own == usual:
                    return not ("usually buys" in said or "apart" in said)
                return (own > usual) != (raises == (way == "more is worse"))
    if found := re.match(rf"bought {NUMBER} times in {NUMBER} days; {NUMBER} in the last (\d+)$", said):
        times, days, lately, window = map(number, found.groups())
        return not raises or lately >= times * window / max(days, window)
    if any(re.search(form, said) for form in ONLY_LOWERS):
        return raises
    if said.startswith("returned ") or said.startswith("spent "):
        return False
    return any(re.search(form, said) for form in ONLY_RAISES) and not raises


def read(name):
    folder = Path(os.environ.get("CLIENTCARE_DATA", "")) / name
    if not (folder / "transactions.parquet").is_file():
        pytest.skip(f"{name} is not at hand")
    tables = {path.stem: pd.read_parquet(path) for path in folder.glob("*.parquet")}
    ids = sorted(tables["transactions"]["buyer_id"].dropna().unique())
    some = set(ids[:: max(1, len(ids) // 400)])
    tables = {name: table[table["buyer_id"].isin(some)] for name, table in tables.items()}
    return Histories(tables["transactions"], tables.get("interactions"), buyers=tables.get("accounts"))


def contracts_alone():
    firm = load_service_firm()
    return Histories(contracts=firm.contracts, observed_until=firm.observed_until)


WORLDS = {
    "retailer": load_retailer,
    "service firm": load_service_firm,
    "contracts alone": contracts_alone,
    "rival": lambda: simulate_histories("rival", n_buyers=250, random_state=1).histories,
    "complete_journey": lambda: read("complete_journey"),
    "online_retail": lambda: read("online_retail"),
}


@pytest.fixture(scope="module", params=WORLDS)
def scored(request):
    histories = WORLDS[request.param]()
    model = RelationshipModel(horizon="90D", effort="quick", random_state=0).fit(histories)
    return histories, model.score(histories)


def told(book):
    """Every reason of the book with its buyer."""
    reasons = book[REASONS].stack()
    return reasons[reasons != ""]


def test_the_sign_of_a_sentence_agrees_with_its_own_number(scored):
    reasons = told(scored[1])
    wrong = reasons[[points_wrongly(reason) for reason in reasons]]
    assert len(reasons) > len(scored[1])
    assert wrong.tolist() == []


def test_no_reason_speaks_of_the_base_or_of_the_method(scored):
    reasons = told(scored[1])
    assert not [reason for reason in reasons if any(words in reason for words in OF_THE_BASE)]


def test_the_number_is_the_buyers_own(scored):
    histories, book = scored
    table = histories.transactions
    if table is None or not len(table):
        return
    moment = book["as_of"].iloc[0]
    bought = table[(table["amount"] > 0) & (table["timestamp"] < moment)]
    last = bought.groupby("buyer_id", observed=True)["timestamp"].max().dt.normalize()
    for (buyer, _), reason in told(book).items():
        if found := re.search(rf"(?:silent for|last bought|no second purchase in) {NUMBER} day", reason):
            silent = (moment.normalize() - last[buyer]) / pd.Timedelta(days=1)
            assert abs(silent - number(found[1])) <= 1, (buyer, reason)


def test_nobody_is_told_the_same_twice(scored):
    for reasons in scored[1][REASONS].to_numpy().tolist():
        said = [reason for reason in reasons if reason]
        assert len(set(said)) == len(said)


def test_few_are_left_without_a_reason(scored):
    assert np.mean(scored[1]["reason_1"] == "") < 0.1


def test_clients_are_beside_the_usual_client_and_nobody_else_is(scored):
    book = scored[1]
    clients = (book["client_probability"] >= 0.5).sum()
    reasons = told(book)
    beside = reasons.str.contains("the usual client")
    of_clients = book["client_probability"].reindex(reasons.index.get_level_values(0)).to_numpy() >= 0.5
    assert not beside[~of_clients].any()
    if clients >= 40:
        assert beside.any()
