"""What the doors of care refuse, with a sentence that mends it, and what they bear."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from clientcare.care import (
    HealthScore,
    care_effect,
    care_plan,
    care_practices,
    care_report,
    early_warning,
    empc,
    health_facts,
    plan_holdout,
    profit_curve,
)
from clientcare.exceptions import InputError, NotEnoughDataError, OptionError, SchemaError
from clientcare.history import Histories

AS_OF = "2024-12-30"
IDS = np.arange(1, 31)


def transactions(ids=IDS) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 360, 8 * len(ids)), unit="D")
    return pd.DataFrame({"buyer_id": np.tile(ids, 8), "timestamp": days, "amount": 10.0})


def contacts(kind="check_in") -> pd.DataFrame:
    days = pd.Timestamp("2024-01-05") + pd.to_timedelta(np.arange(len(IDS)) * 10, unit="D")
    return pd.DataFrame({"buyer_id": IDS, "timestamp": days, "kind": kind, "direction": "outbound"})


def contracts() -> pd.DataFrame:
    return pd.DataFrame(
        {"buyer_id": IDS, "start": pd.Timestamp("2024-01-01"), "end": pd.Timestamp("2025-02-01")}
    )


def some(name: str) -> Histories:
    return {
        "transactions": lambda: Histories(transactions()),
        "with interactions": lambda: Histories(transactions(), interactions=contacts()),
        "contracts": lambda: Histories(contracts=contracts(), observed_until="2025-01-01"),
        "interactions": lambda: Histories(interactions=contacts()),
        "zoned": lambda: Histories(
            transactions().assign(timestamp=transactions()["timestamp"].dt.tz_localize("UTC")), timezone="UTC"
        ),
        "one buyer": lambda: Histories(transactions(IDS[:1])),
    }[name]()


def book_of(histories: Histories, **columns) -> pd.DataFrame:
    index = pd.Index(histories.buyer_ids, name="buyer_id")
    return pd.DataFrame({"churn_risk": 0.6, "relationship": "client", **columns}, index=index)


@pytest.fixture
def histories():
    return some("with interactions")


@pytest.mark.parametrize(
    "tables", ["transactions", "with interactions", "contracts", "interactions", "zoned", "one buyer"]
)
@pytest.mark.parametrize("as_of", [AS_OF, "2023-06-01", "2030-01-01"])
def test_a_plan_and_a_report_can_be_asked_for_whatever_tables_there_are(tables, as_of):
    there = some(tables)
    plan = care_plan(book_of(there), there, as_of)
    assert plan["reason"].str.len().gt(10).all()
    assert plan["buyer_id"].isin(there.buyer_ids).all()
    report = care_report(there, as_of, by="owner")
    assert report.seller["score"].dropna().between(0, 100).all()
    assert report.seller.loc[report.seller["coverage"] == 0, "score"].isna().all()
    assert list(report.by.index.names) == ["owner", "practice"]
    assert len(care_plan(book_of(there).iloc[:0], there, as_of)) == 0
    assert len(care_plan(book_of(there).iloc[:1], there, as_of)) <= 1


def test_buyers_of_the_book_who_were_not_known_yet_are_counted(histories):
    statement = care_plan(book_of(histories), histories, "2023-06-01").attrs["statement"]
    assert "30 buyers of the book were not known yet at 2023-06-01" in statement


@pytest.mark.parametrize(
    ("broken", "error", "says"),
    [
        (lambda book: book.drop(columns="churn_risk"), SchemaError, "no column 'churn_risk'"),
        (lambda book: book.assign(churn_risk="high"), SchemaError, "30 of 30 values .* no probability"),
        (lambda book: book.assign(churn_risk=60.0), SchemaError, "numbers from 0 to 1"),
        (lambda book: pd.concat([book, book]), InputError, "30 of the book's 60 rows"),
        (lambda book: book.reset_index(), InputError, "set_index"),
        (lambda book: book["churn_risk"], InputError, "found Series"),
    ],
)
@pytest.mark.parametrize(
    "ask",
    [
        lambda book, histories: care_plan(book, histories, AS_OF),
        lambda book, _: plan_holdout(book),
        lambda book, _: profit_curve(book, effect=0.3, value=10.0),
    ],
    ids=["care_plan", "plan_holdout", "profit_curve"],
)
def test_a_book_that_cannot_be_read_is_refused_alike_everywhere(histories, broken, error, says, ask):
    book = broken(book_of(histories))
    with pytest.raises(error, match=says):
        ask(book, histories)


def test_a_table_in_place_of_histories_is_refused():
    for ask in (
        lambda table: care_plan(book_of(some("transactions")), table, AS_OF),
        lambda table: care_report(table, AS_OF),
        lambda table: care_effect(table, action="check_in", outcome="churn", as_of=["2024-06-01"]),
        lambda table: care_practices(table, AS_OF),
        lambda table: health_facts(table, AS_OF),
        lambda table: early_warning(pd.Series(dtype=float), table),
    ):
        with pytest.raises(InputError, match="Histories are needed, found DataFrame"):
            ask(transactions())


@pytest.mark.parametrize("capacity", [1.5, "20", "20.0", True, "many"])
def test_a_capacity_without_a_unit_is_refused_rather_than_read_as_no_time_at_all(histories, capacity):
    with pytest.raises(OptionError, match="Write 20 for twenty contacts, or '12h'"):
        care_plan(book_of(histories), histories, AS_OF, capacity=capacity)


def test_a_whole_number_of_any_make_is_a_number_of_contacts(histories):
    assert len(care_plan(book_of(histories), histories, AS_OF, capacity=np.int64(3))) == 3


@pytest.mark.parametrize("minutes", [{"dance": 5}, {"check_in": 0}, {"check_in": -5}])
def test_actions_take_time_and_have_names(histories, minutes):
    with pytest.raises(OptionError, match="minutes"):
        care_plan(book_of(histories), histories, AS_OF, minutes=minutes)


def test_an_action_that_no_contact_is_names_those_there_are(histories):
    with pytest.raises(OptionError, match=r"no contact is of the kind 'dance' \(found 'check_in'\)"):
        care_effect(histories, action="dance", outcome="churn", as_of=["2024-06-01"])


@pytest.mark.parametrize("reached", [0, 29])
def test_where_nobody_or_everybody_met_the_action_there_is_nothing_to_compare(reached):
    met = contacts().assign(timestamp=pd.Timestamp("2024-06-02" if reached else "2024-01-05"))
    there = Histories(transactions(), interactions=met)
    with pytest.raises(NotEnoughDataError, match=f"{reached} of 29 rows met the action"):
        care_effect(there, action="check_in", outcome="churn", as_of=["2024-06-01"], horizon="60D")


@pytest.mark.parametrize("n_buyers", [0, 1, 5, 30])
def test_too_few_buyers_for_an_experiment_are_told_so(histories, n_buyers):
    with pytest.raises(NotEnoughDataError, match="at least 40 are needed"):
        plan_holdout(book_of(histories).iloc[:n_buyers])


@pytest.mark.parametrize(
    ("effects", "says"),
    [
        (pd.Series(0.1, index=[str(number) for number in IDS]), "names none of the 30 buyers"),
        (pd.Series(0.1, index=[*IDS, *IDS]), "30 of 60 rows of effects"),
        (pd.Series("much", index=IDS), "30 of 30 values of effects are no numbers"),
        (0.3, "found float"),
    ],
)
def test_effects_that_cannot_be_laid_beside_the_book_are_refused(histories, effects, says):
    with pytest.raises(InputError, match=says):
        care_plan(book_of(histories), histories, AS_OF, by="effect", effects=effects)


def test_outcomes_of_an_experiment_are_numbers_by_buyer():
    book = pd.DataFrame({"churn_risk": 0.4}, index=pd.RangeIndex(200, name="buyer_id"))
    plan = plan_holdout(book)
    with pytest.raises(InputError, match="200 of 200 values of outcomes are no numbers"):
        plan.evaluate(pd.Series("left", index=book.index))
    with pytest.raises(InputError, match="names none of the"):
        plan.evaluate(pd.Series(1.0, index=book.index.astype(str)))


def test_a_health_score_that_was_not_fitted_or_lacks_a_fact_says_so():
    with pytest.raises(OptionError, match="Call fit"):
        HealthScore().score(pd.DataFrame({"on_time": [0.0]}))
    facts = pd.DataFrame({"on_time": np.linspace(-5, 0, 400)})
    health = HealthScore().fit(
        facts, pd.Series(np.linspace(0.9, 0.1, 400) > np.tile([0.2, 0.8, 0.5, 0.6], 100))
    )
    with pytest.raises(SchemaError, match="'on_time'"):
        health.score(facts.rename(columns={"on_time": "timely"}))


def test_an_action_must_be_named(histories):
    with pytest.raises(OptionError, match="found NoneType"):
        care_effect(histories, action=None, outcome="churn", as_of=["2024-06-01"])


def test_texts_are_no_outcomes():
    with pytest.raises(InputError, match="no number"):
        empc(["left", "stayed"], [0.1, 0.2])
