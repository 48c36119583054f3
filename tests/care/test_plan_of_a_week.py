"""What comes first in a plan, what is no longer asked, and whom it leaves alone."""

from __future__ import annotations

import pandas as pd
import pytest

import clientcare as cc
from clientcare.care.warning import EarlyWarning
from clientcare.exceptions import InputError, OptionError, SchemaError

AS_OF = pd.Timestamp("2024-07-01")
WEEKS = pd.date_range("2023-07-01", "2024-06-30", freq="7D")


def talk(buyer: str, days, kind: str, direction: str, **cells) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "buyer_id": buyer,
            "timestamp": pd.DatetimeIndex(days),
            "kind": kind,
            "direction": direction,
            **cells,
        }
    )


def term(*ids: str, start: str = "2023-09-15", end: str = "2024-12-31") -> pd.DataFrame:
    return pd.DataFrame(
        {"buyer_id": list(ids), "start": pd.Timestamp(start), "end": pd.Timestamp(end), "amount": 500.0}
    )


def book(**risk: float) -> pd.DataFrame:
    told = {"churn_risk": risk, "expected_spend": 1500.0, "relationship": "client"}
    return pd.DataFrame(told).rename_axis("buyer_id")


def firm(*contacts: pd.DataFrame, contracts: pd.DataFrame | None = None, **tables) -> cc.Histories:
    return cc.Histories(
        None,
        pd.concat(contacts) if contacts else None,
        contracts,
        observed_from="2022-01-01",
        observed_until=AS_OF,
        **tables,
    )


def mails_both_ways(quiet: str = "quiet") -> list[pd.DataFrame]:
    """Two buyers who are written to every week; one of them has not answered since the end of March."""
    answers = WEEKS + pd.Timedelta(days=1)
    return [
        talk(quiet, WEEKS, "email", "outbound"),
        talk("same", WEEKS, "email", "outbound"),
        talk("same", answers, "email", "inbound"),
        talk(quiet, answers[answers < "2024-04-01"], "email", "inbound"),
    ]


def planned(histories: cc.Histories, of: pd.DataFrame, **options) -> pd.DataFrame:
    return cc.care_plan(of, histories, AS_OF, max_per_buyer=9, **options)


def test_a_buyer_who_no_longer_speaks_comes_first_and_gets_no_good_news():
    histories = firm(*mails_both_ways(), contracts=term("quiet", "same"))
    plan = planned(histories, book(quiet=0.1, same=0.1))
    assert plan.loc[0, ["buyer_id", "action"]].tolist() == ["quiet", "break_silence"]
    assert plan.loc[0, "reason"].startswith("Has not spoken for 92 days; usually every 7 days")
    assert set(plan.loc[plan["buyer_id"] == "quiet", "action"]).isdisjoint(
        {"ask_for_referral", "anniversary"}
    )
    assert "break_silence" not in set(plan.loc[plan["buyer_id"] == "same", "action"])
    assert "ask_for_referral" in set(plan.loc[plan["buyer_id"] == "same", "action"])


def test_silence_comes_before_what_is_as_urgent_and_names_the_end_of_the_contract():
    histories = firm(*mails_both_ways(), contracts=term("quiet", "same", end="2024-07-15"))
    first = planned(histories, book(quiet=0.5, same=0.5)).groupby("buyer_id").first()
    assert first.loc["quiet", "action"] == "break_silence"
    assert first.loc["quiet", "reason"].count("The contract ends in 14 days.") == 1
    assert first.loc["same", "action"] == "renewal_talk"


def test_two_check_ins_missed_and_not_a_word_since_are_silence_and_one_made_up_for_is_not():
    kept = pd.date_range("2024-01-10", periods=3, freq="30D")
    missed = pd.to_datetime(["2024-05-10", "2024-06-10"])
    rows = [
        talk("a", kept, "check_in", "outbound", status="kept"),
        talk("a", missed, "check_in", "outbound", status="missed"),
    ]
    plan = planned(firm(*rows, contracts=term("a")), book(a=0.1))
    assert plan.loc[0, "reason"].startswith("2 check-ins missed in a row, none made up for")
    made_up = talk("a", ["2024-06-12"], "check_in", "outbound", status="kept")
    plan = planned(firm(*rows, made_up, contracts=term("a")), book(a=0.1))
    assert "break_silence" not in set(plan["action"])


def test_who_speaks_seldom_is_not_silent_after_a_month():
    days = pd.to_datetime(["2023-08-01", "2023-11-01", "2024-02-01", "2024-05-20"])
    histories = firm(talk("a", days, "email", "inbound"), contracts=term("a"))
    assert "break_silence" not in set(planned(histories, book(a=0.1))["action"])


@pytest.mark.parametrize("sign", ["complaint", "rating", "notice", "risk"])
def test_nobody_unhappy_or_leaving_is_sent_good_news(sign):
    rows = [
        talk("a", WEEKS, "email", "outbound"),
        talk("a", WEEKS, "email", "inbound", answered=True, resolved=None, satisfaction=None),
    ]
    contracts = term("a", start="2022-07-05")
    glad = planned(firm(*rows, contracts=contracts), book(a=0.1))
    assert {"ask_for_referral", "anniversary"} <= set(glad["action"])
    if sign == "complaint":
        rows.append(talk("a", ["2024-06-20"], "complaint", "inbound", resolved=False))
    if sign == "rating":
        rows.append(talk("a", ["2024-06-20"], "feedback", "inbound", satisfaction=0.2))
    if sign == "notice":
        contracts = contracts.assign(
            notice_at=pd.Timestamp("2024-06-20"), cancelled_at=pd.Timestamp("2024-12-31")
        )
    plan = planned(firm(*rows, contracts=contracts), book(a=0.7 if sign == "risk" else 0.1))
    assert {"ask_for_referral", "anniversary"}.isdisjoint(plan["action"])


def test_a_term_that_ends_tomorrow_at_a_high_risk_comes_before_a_far_one_at_a_low_risk():
    contracts = pd.concat([term("soon", end="2024-07-02"), term("far", start="2023-12-12", end="2024-12-11")])
    call = talk("soon", ["2024-06-20"], "check_in", "outbound", status="kept")
    given = pd.DataFrame(
        {
            "churn_risk": {"soon": 0.9, "far": 0.3},
            "expected_spend": {"soon": 0.1 * 4500, "far": 0.8 * 4500},
            "horizon_days": 270,
        }
    ).rename_axis("buyer_id")
    plan = planned(firm(call, call.assign(buyer_id="far"), contracts=contracts), given)
    assert plan["buyer_id"].drop_duplicates().tolist() == ["soon", "far"]
    assert plan.loc[0, "at_stake"] == pytest.approx(0.9 * 4500)


def test_what_is_at_stake_is_the_risk_times_what_staying_brings_however_long_the_term_still_runs():
    histories = firm(contracts=term("a", end="2024-07-20"))
    plan = planned(histories, book(a=0.5).assign(spend_if_stays=1500.0, at_stake=333.0))
    assert plan["at_stake"].tolist() == [750.0]


def test_keeping_comes_before_good_news():
    rows = [talk(name, WEEKS, "email", side) for name in "ab" for side in ("outbound", "inbound")]
    contracts = pd.concat([term("a", end="2024-07-20"), term("b", end="2025-07-20")])
    given = book(a=0.01, b=0.01).assign(spend_if_stays=[10.0, 9000.0], expected_spend=[10.0, 9000.0])
    plan = cc.care_plan(given, firm(*rows, contracts=contracts), AS_OF)
    assert plan[["buyer_id", "action"]].values.tolist() == [["a", "renewal_talk"], ["b", "ask_for_referral"]]


def test_at_an_equal_stake_terms_come_in_the_order_of_their_ends():
    ends = {"d": 170, "a": 80, "c": 45, "b": 10}
    contracts = pd.concat(
        term(name, end=str((AS_OF + pd.Timedelta(days=days)).date())) for name, days in ends.items()
    )
    given = book(a=0.2, b=0.2, c=0.2, d=0.2).assign(spend_if_stays=1500.0)
    assert planned(firm(contracts=contracts), given)["buyer_id"].tolist() == ["b", "c", "a", "d"]


def test_no_due_date_lies_years_back_and_the_reason_says_that_it_is_late():
    histories = firm(
        talk("a", ["2022-02-01"], "check_in", "outbound"), contracts=term("a", start="2022-01-01")
    )
    plan = planned(histories, book(a=0.1)).set_index("action")
    assert plan.loc["check_in", "due"] == AS_OF - pd.Timedelta(days=365)
    assert plan.loc["check_in", "reason"].endswith("Overdue for more than a year.")


def test_a_yearly_patient_is_not_due_monthly_and_an_agreed_cadence_is_kept():
    visits = pd.to_datetime(["2021-05-01", "2022-05-02", "2023-05-01", "2024-04-30"])
    bought = pd.DataFrame({"buyer_id": "a", "timestamp": visits, "amount": 90.0})
    calls = talk("a", visits, "call", "outbound")

    def due(**tables) -> bool:
        histories = cc.Histories(bought, calls, observed_from="2021-01-01", observed_until=AS_OF, **tables)
        return "check_in" in set(planned(histories, book(a=0.1))["action"])

    assert not due()
    assert due(buyers=pd.DataFrame({"buyer_id": ["a"], "cadence_days": [30]}))


def test_who_must_not_be_contacted_is_left_alone_and_counted():
    contracts = term("a", "b", "c", end="2024-07-20")
    told = pd.DataFrame(
        {
            "buyer_id": ["a", "b", "c"],
            "do_not_contact": ["yes", "no", None],
            "contact_after": [None, "2024-08-01", "2024-01-01"],
        }
    )
    plan = planned(firm(contracts=contracts, buyers=told), book(a=0.2, b=0.2, c=0.2))
    assert set(plan["buyer_id"]) == {"c"}
    assert "1 must not be contacted: nothing" in plan.attrs["statement"]
    assert "1 must not be contacted before a later date" in plan.attrs["statement"]


def test_what_was_settled_is_not_asked_again_until_it_has_rested():
    histories = firm(contracts=term("a", "b", "c", "d", end="2024-07-20"))
    given = book(a=0.2, b=0.2, c=0.2, d=0.2)
    plan = cc.care_plan(given, histories, "2024-06-01").set_index("buyer_id", drop=False)
    assert set(plan["state"]) == {"planned"}
    plan["until"] = pd.NaT
    plan.loc["a", "state"], plan.loc["b", "state"], plan.loc["c", "state"] = "done", "dismissed", "snoozed"
    plan.loc["c", "until"] = pd.Timestamp("2024-06-25")
    earlier = plan.reset_index(drop=True)
    assert set(cc.care_plan(given, histories, "2024-06-19", previous=earlier)["buyer_id"]) == {"d"}
    # 30 days before the end a new reminder is due: who was talked to at 60 days is asked again, who was put off is not
    assert set(cc.care_plan(given, histories, "2024-06-21", previous=earlier)["buyer_id"]) == {"a", "d"}
    later = cc.care_plan(given, histories, "2024-07-01", previous=earlier)
    assert set(later["buyer_id"]) == {"a", "c", "d"}
    assert "1 actions were done, dismissed or snoozed" in later.attrs["statement"]
    with pytest.raises(InputError, match="state"):
        cc.care_plan(given, histories, AS_OF, previous=earlier.assign(state="lost"))
    with pytest.raises(SchemaError, match="state"):
        cc.care_plan(given, histories, AS_OF, previous=earlier.drop(columns="state"))


def settled_plan(histories: cc.Histories, of: pd.DataFrame, on: str, **states: str) -> pd.DataFrame:
    plan = cc.care_plan(of, histories, on)
    return plan.assign(state=plan["buyer_id"].map(states).fillna("planned"))


@pytest.mark.parametrize("kind", ["complaint", "email"])
def test_what_came_after_an_earlier_plan_is_asked_again_though_the_same_kind_was_done(kind):
    """A complaint and a message of May were dealt with; those of June wait."""
    answered = {"answered": [True, False], "resolved": [True, False]}
    moments = {
        "answered_at": pd.to_datetime(["2024-06-03", None]),
        "closed_at": pd.to_datetime(["2024-06-03", None]),
    }
    rows = talk("a", ["2024-05-28", "2024-06-25"], kind, "inbound").assign(**answered, **moments)
    closed = pd.to_datetime(["2024-03-02"])  # somebody writes closings down here
    other = talk(
        "b",
        ["2024-03-01"],
        "complaint",
        "inbound",
        answered=True,
        resolved=True,
        answered_at=closed,
        closed_at=closed,
    )
    histories, given = firm(rows, other, contracts=term("a", "b")), book(a=0.1)
    done = settled_plan(histories, given, "2024-06-01", a="done")
    action = "solve_complaint" if kind == "complaint" else "answer_message"
    assert done["action"].tolist() == [action]
    again = cc.care_plan(given, histories, AS_OF, previous=done)
    assert again["action"].tolist() == [action]
    assert "2024-06-25" in again.loc[0, "reason"]


def test_who_was_called_this_week_or_sleeps_is_asked_nothing_else_that_was_known():
    histories = firm(*mails_both_ways(), contracts=term("quiet", "same", end="2024-09-20"))
    given = book(quiet=0.1, same=0.1)
    for state in ("done", "snoozed"):
        before = settled_plan(histories, given, "2024-06-28", quiet=state)
        assert before.set_index("buyer_id").loc["quiet", "action"] == "break_silence"
        assert "quiet" not in set(planned(histories, given, previous=before)["buyer_id"])
    files = before.assign(buyer_id=before["buyer_id"].astype(str), as_of=before["as_of"].astype(str))
    assert "quiet" not in set(planned(histories, given, previous=files)["buyer_id"])


def test_good_news_takes_only_the_room_that_keeping_leaves():
    glad = [
        talk(name, WEEKS, "email", side) for name in ("rich1", "rich2") for side in ("outbound", "inbound")
    ]
    sad = talk("poor", ["2024-06-11"], "complaint", "inbound", resolved=False)
    contracts = term("rich1", "rich2", "poor", end="2025-06-30")
    given = book(rich1=0.0005, rich2=0.0005, poor=0.0005)
    given["spend_if_stays"] = given["expected_spend"] = [90_000.0, 90_000.0, 300.0]
    histories = firm(*glad, sad, contracts=contracts)
    for capacity in (1, "65min", {None: 1}):
        plan = cc.care_plan(given, histories, AS_OF, capacity=1 if isinstance(capacity, dict) else capacity)
        assert plan["action"].tolist() == ["solve_complaint"]
    plan = cc.care_plan(given, histories, AS_OF, capacity=2, hour_cost=5.0)
    assert plan["action"].tolist() == ["solve_complaint", "ask_for_referral"]
    assert plan.loc[0, "worth"] > 0  # a model that saw nobody leave makes no complaint worthless
    assert plan.loc[0, "at_stake"] == pytest.approx(0.2 * 300.0)


@pytest.mark.parametrize(
    "word", ["Opted out", "unsubscribed", "x", 1, 1.0, True, "Yes", "DNC", "Ja", "see file"]
)
def test_every_usual_word_of_who_must_not_be_contacted_is_obeyed_and_what_cannot_be_read_is_told(word):
    told = pd.DataFrame({"buyer_id": ["a", "b"], "do_not_contact": pd.Series([word, None], dtype=object)})
    plan = planned(firm(contracts=term("a", "b", end="2024-07-20"), buyers=told), book(a=0.2, b=0.2))
    assert set(plan["buyer_id"]) == {"b"}
    assert ("cannot be read" in plan.attrs["statement"]) == (word == "see file")


@pytest.mark.parametrize("word", ["no", "False", 0, "opted in", "nein", ""])
def test_a_no_is_a_no(word):
    told = pd.DataFrame({"buyer_id": ["a", "b"], "do_not_contact": pd.Series([word, "yes"], dtype=object)})
    plan = planned(firm(contracts=term("a", "b", end="2024-07-20"), buyers=told), book(a=0.2, b=0.2))
    assert set(plan["buyer_id"]) == {"a"}


def test_a_routine_meeting_is_no_talk_about_the_renewal_and_a_topic_makes_it_one():
    contracts = term("a", end="2024-07-20")
    for topic, asked in (("Monthly check-in", True), ("Contract renewal talk", False), (None, True)):
        meeting = talk("a", ["2024-06-20"], "meeting", "mutual", status="kept", topic=topic)
        other = talk("a", ["2024-06-21"], "email", "outbound", status=None, topic="News")
        found = set(planned(firm(meeting, other, contracts=contracts), book(a=0.2))["action"])
        assert ("renewal_talk" in found) is asked


def test_each_owner_has_a_plan_of_the_own_hands():
    contracts = term("a", "b", "c", "d", end="2024-07-20")
    owners = pd.DataFrame({"buyer_id": ["a", "b", "c", "d"], "owner": ["ann", "ann", "ben", "eve"]})
    plan = planned(
        firm(contracts=contracts, buyers=owners),
        book(a=0.2, b=0.3, c=0.2, d=0.9),
        capacity={"ann": 1, "ben": 2},
    )
    assert plan["buyer_id"].tolist() == ["b", "c"]


def test_few_places_of_a_short_capacity_follow_up_first_purchases():
    new = [f"n{number}" for number in range(20)]
    first = pd.DataFrame({"buyer_id": new, "timestamp": pd.Timestamp("2024-06-20"), "amount": 9.0})
    weekly = pd.concat(
        pd.DataFrame({"buyer_id": f"w{number}", "timestamp": WEEKS[:40], "amount": 9.0})
        for number in range(8)
    )
    histories = cc.Histories(pd.concat([first, weekly]), observed_until=AS_OF)
    given = pd.DataFrame({"churn_risk": 0.9, "spend_if_stays": 100.0}, index=histories.buyer_ids)
    given.loc[given.index.str.startswith("w"), "churn_risk"] = 0.3
    counts = cc.care_plan(given, histories, AS_OF, capacity=10)["action"].value_counts()
    assert counts.to_dict() == {"reach_out": 8, "follow_up_first_purchase": 2}
    assert len(cc.care_plan(given, histories, AS_OF, capacity=15)) == 15  # no place stays empty


def test_the_plan_says_what_an_action_may_save_what_it_costs_and_when_no_call_pays():
    histories = firm(contracts=term("a", end="2024-07-20"))
    given = book(a=0.2).assign(spend_if_stays=1000.0)
    plan = planned(histories, given, hour_cost=60.0)
    assert plan.loc[0, ["may_save", "cost", "worth"]].tolist() == pytest.approx([20.0, 45.0, -25.0])
    assert "No call pays" in plan.attrs["statement"]
    assert (
        "each of them may save more"
        in planned(histories, given, hour_cost=60.0, may_save=0.5).attrs["statement"]
    )
    assert planned(histories, given)["worth"].isna().all()
    for wrong in ({"hour_cost": -1.0}, {"may_save": 2.0}):
        with pytest.raises(OptionError):
            planned(histories, given, **wrong)


def test_the_line_is_chosen_from_past_dates_with_its_hits_and_false_alarms():
    lines = pd.DataFrame(
        {
            "n_leavers": 20.0, "n_warned": [18.0, 16.0, 9.0], "surprise_rate": [0.1, 0.2, 0.55], "median_lead_days": 60.0,
            "n_true_alarms": [20.0, 17.0, 9.0], "n_false_alarms": [90.0, 40.0, 4.0],
        },
        index=pd.MultiIndex.from_product([["risk"], [0.1, 0.2, 0.4]], names=["rule", "line"]),
    )  # fmt: skip
    found = EarlyWarning(lines, pd.DataFrame(), {"n_lapsed": 0.0}, 90)
    plan = planned(firm(contracts=term("a", end="2024-07-20")), book(a=0.2), warning_line=found)
    assert plan["warning_line"].tolist() == [0.2]
    assert "warned of 16 of 20 who left" in plan.attrs["statement"]
    assert "40 false alarms" in plan.attrs["statement"]
