"""Which care is due, why, and what fits into a day."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from three_buyers import AS_OF, BUYERS, CONTRACTS, INTERACTIONS, TRANSACTIONS, three_buyers

from clientcare.care import care_plan
from clientcare.care.capacity import best_set
from clientcare.exceptions import InputError, OptionError, SchemaError
from clientcare.history import Histories

BOOK = pd.DataFrame(
    {
        "relationship": ["client", "customer", "customer"],
        "churn_risk": [0.1, 0.8, 0.6],
        "expected_spend": [200.0, 50.0, 20.0],
        "as_of": pd.Timestamp(AS_OF),
        "horizon_days": 90,
    },
    index=pd.Index(["ada", "bob", "cyd"], name="buyer_id"),
)


def histories_of(buyer: str, purchases: list[str], contacts: list[tuple] = (), **tables) -> Histories:
    bought = pd.DataFrame({"buyer_id": buyer, "timestamp": pd.to_datetime(purchases), "amount": 10.0})
    talked = None
    if contacts:
        talked = pd.DataFrame(
            list(contacts), columns=["timestamp", "kind", "direction", *tables.pop("extra", [])]
        )
        talked = talked.assign(buyer_id=buyer, timestamp=pd.to_datetime(talked["timestamp"]))
    return Histories(bought, interactions=talked, **tables)


def plan_of(histories: Histories, risk: float = 0.2, relationship: str = "client", **options) -> pd.DataFrame:
    book = pd.DataFrame(
        {"churn_risk": risk, "relationship": relationship, "expected_spend": 100.0}, index=histories.buyer_ids
    )
    return care_plan(book, histories, AS_OF, max_per_buyer=9, **options).set_index("action")


def test_each_action_has_a_row_with_a_reason_a_date_and_what_is_at_stake():
    plan = care_plan(BOOK, three_buyers(), max_per_buyer=9)
    assert plan.groupby("buyer_id")["action"].agg(set).to_dict() == {
        "ada": {"check_in"},  # the June check-in was missed; the talk of May speaks for the renewal
        "bob": {"solve_complaint", "answer_message", "check_in", "review_service"},
        "cyd": {"follow_up_first_purchase"},
    }
    complaint = plan.set_index("action").loc["solve_complaint"]
    assert complaint["reason"] == "The complaint of 2024-05-20 is still open after 42 days."
    assert complaint["due"] == pd.Timestamp("2024-05-21")
    assert complaint["at_stake"] == pytest.approx(
        0.8 * 50 / (1 - 0.8)
    )  # what is expected counts the leaving already
    assert complaint["priority"] == pytest.approx(complaint["at_stake"])
    assert plan.groupby("buyer_id", sort=False)["priority"].max().is_monotonic_decreasing


def test_no_buyer_is_flooded():
    assert care_plan(BOOK, three_buyers())["buyer_id"].value_counts().max() == 1
    assert care_plan(BOOK, three_buyers(), max_per_buyer=2)["buyer_id"].value_counts().max() == 2


def test_a_check_in_is_overdue_against_the_cadence():
    plan = plan_of(histories_of("a", ["2024-01-01"], [("2024-05-01", "check_in", "outbound")]))
    assert plan.loc["check_in", "reason"] == "No contact from you for 61 days; one is due every 30 days."
    assert plan.loc["check_in", "due"] == pd.Timestamp("2024-05-31")


def test_a_check_in_is_overdue_against_the_buyers_own_rhythm():
    days = [f"2024-06-{d:02d}" for d in (1, 4, 8, 15)]
    plan = plan_of(histories_of("a", ["2024-01-01"], [(d, "call", "outbound") for d in days]))
    assert "this buyer is used to one about every 7 days" in plan.loc["check_in", "reason"]
    assert (
        "check_in"
        not in plan_of(histories_of("a", ["2024-01-01"], [("2024-06-15", "call", "outbound")])).index
    )


def test_silence_is_unusual_against_the_buyers_own_gaps():
    weekly = ["2024-03-01", "2024-03-08", "2024-03-15", "2024-03-22"]
    plan = plan_of(histories_of("a", weekly))
    assert plan.loc["reach_out", "reason"].startswith(
        "No purchase for 101 days, 14.4 times the usual gap of 7 days"
    )
    assert "reach_out" not in plan_of(histories_of("a", ["2023-01-01", "2023-07-01", "2024-01-01"])).index


def test_a_risk_over_the_line_is_no_action_by_itself_and_the_plan_states_its_line():
    assert plan_of(histories_of("a", ["2024-01-01", "2024-06-20"]), risk=0.9).empty
    monthly = ["2024-03-10", "2024-04-10", "2024-05-10"]
    assert "reach_out" not in plan_of(histories_of("a", monthly), risk=0.6, warning_line=0.7).index
    plan = plan_of(histories_of("a", monthly), risk=0.6, warning_line=0.5)
    assert plan.loc["reach_out", "reason"] == (
        "No purchase for 52 days, 1.7 times the usual gap of 30 days; churn risk 60%."
    )
    assert plan.loc["reach_out", "warning_line"] == 0.5


@pytest.mark.parametrize(("days_left", "step"), [(170, 180), (80, 90), (45, 60), (10, 30)])
def test_a_renewal_without_a_talk_is_due_at_each_step(days_left, step):
    end = pd.Timestamp(AS_OF) + pd.Timedelta(days=days_left)
    contract = pd.DataFrame(
        {"buyer_id": ["a"], "start": end - pd.Timedelta(days=365), "end": [end], "amount": 5.0}
    )
    talk = [("2023-08-10", "check_in", "outbound")]
    plan = plan_of(histories_of("a", ["2023-08-01"], talk, contracts=contract))
    assert plan.loc["renewal_talk", "due"] == end - pd.Timedelta(days=step)
    assert f"in {days_left} days" in plan.loc["renewal_talk", "reason"]
    talked = [*talk, (str((end - pd.Timedelta(days=175)).date()), "renewal_talk", "mutual")]
    assert "renewal_talk" not in plan_of(histories_of("a", ["2023-08-01"], talked, contracts=contract)).index


def test_a_monthly_term_needs_no_talk_half_a_year_ahead():
    contract = pd.DataFrame(
        {"buyer_id": ["a"], "start": pd.to_datetime(["2024-06-20"]), "end": pd.to_datetime(["2024-07-20"])}
    )
    plan = plan_of(
        histories_of("a", ["2024-06-20"], [("2024-06-20", "call", "outbound")], contracts=contract)
    )
    assert "renewal_talk" not in plan.index


def test_a_contract_given_up_lately_is_asked_about_at_once():
    contract = CONTRACTS.assign(cancelled_at=pd.Timestamp("2024-06-20"))
    histories = Histories(
        TRANSACTIONS, interactions=INTERACTIONS, contracts=contract, observed_from="2023-10-01"
    )
    plan = care_plan(BOOK, histories, max_per_buyer=9)
    ada = plan[(plan["buyer_id"] == "ada") & (plan["action"] == "reach_out")]
    assert "Gave up the contract on 2024-06-20" in ada["reason"].item()


def test_an_answer_that_came_later_does_not_count_and_any_contact_since_does():
    mail = ("2024-06-20", "email", "inbound", pd.Timestamp("2024-07-05"))
    answered = ("2024-05-20", "email", "inbound", pd.Timestamp("2024-05-21"))
    histories = histories_of("a", ["2024-01-01"], [answered, mail], extra=["answered_at"])
    assert "waited 11 days" in plan_of(histories).loc["answer_message", "reason"]
    called = ("2024-06-21", "call", "outbound", pd.NaT)
    since = histories_of("a", ["2024-01-01"], [answered, mail, called], extra=["answered_at"])
    assert "answer_message" not in plan_of(since).index


def test_falling_satisfaction_is_measured_against_the_buyers_own():
    rated = [("2024-02-01", "feedback", "inbound", 0.9), ("2024-03-01", "feedback", "inbound", 0.9)]
    worse = [*rated, ("2024-06-01", "feedback", "inbound", 0.6)]
    plan = plan_of(histories_of("a", ["2024-01-01"], worse, extra=["satisfaction"]))
    assert (
        plan.loc["review_service", "reason"]
        == "Satisfaction fell from 90% to 60% of the scale on 2024-06-01."
    )
    same = [*rated, ("2024-06-01", "feedback", "inbound", 0.8)]
    assert (
        "review_service" not in plan_of(histories_of("a", ["2024-01-01"], same, extra=["satisfaction"])).index
    )


def test_a_first_purchase_is_followed_up_unless_somebody_was_in_touch():
    assert "follow_up_first_purchase" in plan_of(histories_of("a", ["2024-06-20"])).index
    touched = histories_of("a", ["2024-06-20"], [("2024-06-25", "call", "outbound")])
    assert "follow_up_first_purchase" not in plan_of(touched).index
    assert "follow_up_first_purchase" not in plan_of(histories_of("a", ["2024-06-20", "2024-06-25"])).index


def test_a_good_client_is_asked_for_a_referral_once():
    call = ("2024-06-20", "call", "outbound")
    bought = ["2023-05-05", "2024-05-05", "2024-06-05"]
    assert "ask_for_referral" in plan_of(histories_of("a", bought, [call])).index
    asked = [call, ("2024-02-20", "referral", "outbound")]
    assert "ask_for_referral" not in plan_of(histories_of("a", bought, asked)).index
    assert "ask_for_referral" not in plan_of(histories_of("a", bought, [call]), relationship="customer").index
    assert "ask_for_referral" not in plan_of(histories_of("a", bought, [call]), risk=0.4).index


def test_who_referred_somebody_is_not_asked_as_if_never():
    days = ["2023-05-05", "2024-05-05", "2024-06-05"]
    tables = {
        "transactions": pd.DataFrame(
            [("a", day, 10.0) for day in days]
            + [("friend", "2024-06-10", 10.0), ("later", "2024-09-10", 10.0)],
            columns=["buyer_id", "timestamp", "amount"],
        ),
        "interactions": pd.DataFrame(
            [("a", "2024-06-20", "call", "outbound")], columns=["buyer_id", "timestamp", "kind", "direction"]
        ),
    }
    book = pd.DataFrame(
        {"churn_risk": [0.05], "relationship": ["client"]}, index=pd.Index(["a"], name="buyer_id")
    )
    for referred, asked in (("friend", False), ("later", True)):
        buyers = pd.DataFrame({"buyer_id": [referred], "referred_by": ["a"]})
        plan = care_plan(book, Histories(**tables, buyers=buyers), "2024-07-01", max_per_buyer=9)
        assert ("ask_for_referral" in set(plan["action"])) == asked


def test_a_low_rating_that_stays_low_did_not_fall():
    ratings = [("2024-03-01", 2), ("2024-04-01", 2), ("2024-06-01", 2)]
    rows = [("a", day, "survey", "inbound", rating) for day, rating in ratings]
    table = pd.DataFrame(rows, columns=["buyer_id", "timestamp", "kind", "direction", "satisfaction"])
    histories = Histories(interactions=table, satisfaction_scale=(1, 5), observed_until="2024-07-01")
    plan = care_plan(None, histories, "2024-06-20")
    assert plan.loc[0, "reason"] == "Satisfaction stays low: 25% of the scale on 2024-06-01, 25% before."


@pytest.mark.parametrize(("first", "years"), [("2022-07-05", 2), ("2023-07-01", 1), ("2022-06-30", None)])
def test_an_anniversary_is_seen_two_weeks_ahead(first, years):
    plan = plan_of(histories_of("a", [first, "2024-06-20"]))
    assert ("anniversary" in plan.index) == (years is not None)
    if years:
        assert plan.loc["anniversary", "reason"].startswith(f"{years} year")


def test_transactions_alone_plan_no_contact_that_cannot_be_seen():
    plan = care_plan(BOOK, Histories(TRANSACTIONS), max_per_buyer=9)
    assert set(plan["action"]) <= {"reach_out", "follow_up_first_purchase", "anniversary"}


def test_at_stake_counts_purchases_or_buyers_where_no_spend_is_expected():
    without = BOOK.drop(columns="expected_spend")
    assert care_plan(without, Histories(TRANSACTIONS)).attrs["stake_unit"] == "buyers"
    counted = without.assign(expected_purchases=[2.0, 1.0, 0.5])
    assert care_plan(counted, Histories(TRANSACTIONS)).attrs["stake_unit"] == "purchases"


def test_capacity_picks_the_best_set():
    book, histories = BOOK, three_buyers()
    everything = care_plan(book, histories)
    assert care_plan(book, histories, capacity=1)["buyer_id"].tolist() == everything["buyer_id"].tolist()[:1]
    hours = care_plan(book, histories, capacity="25min")
    assert hours["minutes"].sum() <= 25
    assert set(hours["action"]) == {"check_in", "follow_up_first_purchase"}


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_no_other_set_that_fits_is_worth_more(data):
    n = data.draw(st.integers(1, 8))
    value = np.array(data.draw(st.lists(st.floats(0, 10), min_size=n, max_size=n)))
    minutes = np.array(data.draw(st.lists(st.sampled_from([5.0, 10.0, 15.0, 60.0]), min_size=n, max_size=n)))
    budget = data.draw(st.integers(0, 120))
    chosen = best_set(value, minutes, f"{budget}min")
    sets = (np.array([bool(code >> i & 1) for i in range(n)]) for code in range(2**n))
    best = max(value[s].sum() for s in sets if minutes[s].sum() <= budget)
    assert minutes[chosen].sum() <= budget
    assert value[chosen].sum() == pytest.approx(best)


def test_the_effect_of_care_ranks_where_it_was_validated():
    effects = pd.Series({"ada": 0.0, "bob": 0.0, "cyd": 0.3})
    plan = care_plan(BOOK, three_buyers(), by="effect", effects=effects)
    assert plan["buyer_id"].iloc[0] == "cyd"
    assert set(plan["ranked_by"]) == {"effect"}
    unproven = care_plan(BOOK, three_buyers(), by="effect")
    assert set(unproven["ranked_by"]) == {"risk_value"}
    assert "no validated effect" in unproven.attrs["statement"]


def test_nothing_at_or_after_as_of_changes_the_plan():
    late = INTERACTIONS.assign(timestamp=pd.Timestamp(AS_OF) + pd.Timedelta(days=1))
    histories = Histories(
        pd.concat([TRANSACTIONS, TRANSACTIONS.assign(timestamp=pd.Timestamp(AS_OF))]),
        interactions=pd.concat([INTERACTIONS, late]),
        contracts=CONTRACTS,
        buyers=BUYERS,
        observed_from="2023-10-01",
    )
    assert_frame_equal(care_plan(BOOK, histories), care_plan(BOOK, three_buyers()))


def test_the_order_of_rows_changes_nothing():
    histories = Histories(
        TRANSACTIONS.iloc[::-1], interactions=INTERACTIONS.iloc[::-1], contracts=CONTRACTS, buyers=BUYERS,
        observed_from="2023-10-01",
    )  # fmt: skip
    assert_frame_equal(care_plan(BOOK.iloc[::-1], histories), care_plan(BOOK, three_buyers()))


def test_nothing_is_planned_for_those_who_have_been_gone_for_more_than_a_month():
    everybody = care_plan(BOOK, three_buyers(), max_per_buyer=9)
    gone = BOOK.assign(status=["gone", "active", "active"], status_since=pd.to_datetime(["2023-01-01"] * 3))
    plan = care_plan(gone, three_buyers(), max_per_buyer=9)

    first = BOOK.index[0]
    assert first in set(everybody["buyer_id"])
    assert set(plan["buyer_id"]) == set(everybody["buyer_id"]) - {first}
    assert "1 buyers of the book have been gone for more than a month" in plan.attrs["statement"]
    lately = gone.assign(status_since=pd.to_datetime(["2024-06-20", "2023-01-01", "2023-01-01"]))
    assert first in set(care_plan(lately, three_buyers(), max_per_buyer=9)["buyer_id"])


def test_what_wins_more_is_a_share_of_what_is_expected_and_what_keeps_of_what_staying_brings():
    def stake_of(action: str, risk: float, *bought: str) -> float:
        histories = histories_of("a", list(bought))
        facts = {
            "churn_risk": risk,
            "relationship": "client",
            "expected_spend": 10.0,
            "spend_if_stays": 100.0,
        }
        plan = care_plan(pd.DataFrame(facts, index=histories.buyer_ids), histories, AS_OF, max_per_buyer=9)
        return float(plan.set_index("action").loc[action, "at_stake"])

    assert stake_of("anniversary", 0.2, "2022-07-05", "2024-06-20") == pytest.approx(0.01 * 10.0)
    assert stake_of("reach_out", 0.6, "2024-03-01", "2024-03-08", "2024-03-15") == pytest.approx(0.6 * 100.0)


def test_an_empty_book_gives_an_empty_plan():
    plan = care_plan(BOOK.iloc[:0], three_buyers(), AS_OF)
    assert len(plan) == 0
    assert "reason" in plan


def test_mistakes_are_named():
    with pytest.raises(SchemaError, match="churn_risk"):
        care_plan(BOOK.drop(columns="churn_risk"), three_buyers())
    with pytest.raises(InputError, match="1 of the book's 3 buyers"):
        care_plan(BOOK.rename(index={"cyd": "dan"}), three_buyers())
    with pytest.raises(InputError, match="as_of"):
        care_plan(BOOK.drop(columns="as_of"), three_buyers())
    for wrong in ({"by": "luck"}, {"warning_line": 2.0}, {"max_per_buyer": 0}, {"capacity": "many"}):
        with pytest.raises(OptionError):
            care_plan(BOOK, three_buyers(), **wrong)
    with pytest.raises(OptionError, match="hug"):
        care_plan(BOOK, three_buyers(), minutes={"hug": 1})
