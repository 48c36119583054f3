"""A client keeps buying, and stands in a two-way bond; the stage keeps all four cells of the truth table."""

import numpy as np
import pandas as pd
import pytest

from clientcare.exceptions import NotObservedError, OptionError
from clientcare.history import Histories
from clientcare.model import RelationshipModel
from clientcare.outcomes import ClientDefinition, stage_of

AS_OF = "2024-03-01"
QUARTER = ClientDefinition("90D")


def histories_of(purchases=(), contacts=(), contracts=None, observed_until="2024-12-31"):
    """Histories of purchases (buyer, date), contacts (dicts with buyer_id, timestamp) and contracts (buyer,
    start, end)."""
    transactions = pd.DataFrame(purchases, columns=["buyer_id", "timestamp"])
    transactions = transactions.assign(timestamp=pd.to_datetime(transactions["timestamp"]), amount=10.0)
    interactions = None
    if contacts:
        interactions = pd.DataFrame(list(contacts))
        for name in ("timestamp", "answered_at"):
            if name in interactions:
                interactions[name] = pd.to_datetime(interactions[name]).astype("datetime64[us]")
    terms = None
    if contracts is not None:
        terms = pd.DataFrame(contracts, columns=["buyer_id", "start", "end"])
        terms[["start", "end"]] = terms[["start", "end"]].apply(pd.to_datetime)
    return Histories(
        transactions if len(transactions) else None,
        interactions,
        terms,
        observed_from="2023-01-01",
        observed_until=observed_until,
    )


KNOWN = [("ann", "2024-01-05")]


def contact(kind="message", direction="outbound", timestamp="2024-04-01", **more):
    return {"buyer_id": "ann", "timestamp": timestamp, "kind": kind, "direction": direction, **more}


OTHERS_TIE = {**contact("check_in", "mutual", "2023-06-01"), "buyer_id": "zoe"}
"""A contact long ago, which shows that two-way contacts are recorded here."""


def tie(*contacts, **tables):
    """Whether these contacts make a tie where they come again a month later, in another part of the horizon."""
    again = [shifted(contact) for contact in contacts]
    histories = histories_of(KNOWN, [OTHERS_TIE, *contacts, *again], **tables)
    return QUARTER.care_tie_seen(histories, AS_OF)["ann"]


def shifted(contact, days=31):
    """The same contact a month later."""
    moments = {name: pd.Timestamp(contact[name]) for name in ("timestamp", "answered_at") if name in contact}
    return contact | {name: moment + pd.Timedelta(days=days) for name, moment in moments.items()}


@pytest.mark.parametrize(
    ("dates", "is_client"),
    [
        ([], False),
        (["2024-03-01", "2024-03-30"], False),
        (["2024-03-30", "2024-03-31"], True),
        (["2024-03-01", "2024-05-29"], True),
        (["2024-03-01", "2024-05-30"], False),
        (["2024-02-29", "2024-05-01"], False),
    ],
)
def test_patronage_is_buying_in_two_of_three_equal_parts(dates, is_client):
    """The horizon of 90 days from 1 March has parts that begin on 1 March, 31 March and 30 April, and ends
    before 30 May."""
    histories = histories_of(KNOWN + [("ann", date) for date in dates])
    assert QUARTER.patronage(histories, AS_OF)["ann"] == is_client
    assert QUARTER.label(histories, AS_OF)["ann"] == is_client


def test_many_purchases_in_one_part_are_no_patronage():
    histories = histories_of(KNOWN + [("ann", f"2024-03-{day:02}") for day in range(1, 30)])
    assert not QUARTER.patronage(histories, AS_OF)["ann"]


def test_a_contract_kept_through_every_part_is_patronage():
    histories = histories_of(
        contracts=[
            ("kept", "2024-01-01", "2024-12-31"),
            ("renewed", "2024-01-01", "2024-04-15"),
            ("renewed", "2024-04-16", "2025-04-15"),
            ("lapsed", "2024-01-01", "2024-04-15"),
            ("with a hole", "2024-01-01", "2024-03-20"),
            ("with a hole", "2024-04-20", "2025-03-20"),
        ]
    )
    expected = {"kept": True, "lapsed": False, "renewed": True, "with a hole": False}
    assert QUARTER.patronage(histories, AS_OF).to_dict() == expected
    assert QUARTER.label(histories, AS_OF).to_dict() == {**expected, "kept": False}


def test_with_contracts_alone_a_client_has_renewed_or_could_have_left_any_day():
    histories = histories_of(
        contracts=[
            ("first term", "2024-01-01", "2024-12-31"),
            ("renewed", "2023-01-01", "2023-12-31"),
            ("renewed", "2024-01-01", "2024-12-31"),
            ("came back after a lapse", "2023-01-01", "2023-06-30"),
            ("came back after a lapse", "2024-01-01", "2024-12-31"),
            ("no end", "2023-06-01", None),
        ]
    )
    assert QUARTER.label(histories, AS_OF).to_dict() == {
        "came back after a lapse": False,
        "first term": False,
        "no end": True,
        "renewed": True,
    }


def test_with_transactions_alone_no_tie_can_be_seen_and_patronage_decides():
    histories = histories_of([*KNOWN, ("ann", "2024-03-05"), ("ann", "2024-04-05"), ("bob", "2024-02-01")])
    assert QUARTER.care_tie_seen(histories, AS_OF).isna().all()
    assert QUARTER.label(histories, AS_OF).to_dict() == {"ann": True, "bob": False}
    assert QUARTER.stage(histories, AS_OF).to_dict() == {
        "ann": "dependent client",
        "bob": "one-time customer",
    }


@pytest.mark.parametrize(
    ("contacts", "is_tied"),
    [
        ([], False),
        ([contact("check_in", "mutual")], True),
        ([contact("check_in", "outbound", status="kept")], True),
        ([contact("check_in", "outbound", status="missed")], False),
        ([contact("meeting", "mutual", status="scheduled")], False),
        ([contact("message", "outbound")], False),
        ([contact("message", "outbound", answered=1.0)], True),
        ([contact("message", "outbound", answered=0.0)], False),
        ([contact("message", "inbound")], False),
        ([contact("message", "inbound"), contact("email", "outbound")], True),
        ([contact("message", "inbound"), contact("email", "outbound", answered=0.0)], False),
        ([contact("support_ticket", "inbound", answered=1.0)], True),
        ([contact("support_ticket", "inbound", response_hours=4.0)], True),
        ([contact("email", "outbound", satisfaction=0.8)], True),
        ([contact("feedback", "inbound")], True),
        ([contact("feedback", "outbound")], False),
        ([contact("referral", "inbound")], True),
        ([contact("referral", "outbound")], False),
        ([contact("campaign", "outbound")], False),
        ([contact("campaign", "outbound", answered=1.0)], False),
        ([contact("campaign", "outbound"), contact("coupon_redemption", "inbound")], False),
        ([contact("usage", "inbound"), contact("invoice", "outbound")], False),
        ([contact("a kind of their own", "mutual")], True),
        ([contact("check_in", "mutual", timestamp="2024-02-29")], False),
        ([contact("check_in", "mutual", timestamp="2024-04-29")], False),
    ],
)
def test_what_counts_as_a_care_tie(contacts, is_tied):
    assert bool(tie(*contacts)) is is_tied


def test_an_answer_given_after_the_horizon_comes_too_late():
    first = contact("message", "outbound", timestamp="2024-03-20", answered=1.0)
    early, late = (
        contact("message", "outbound", timestamp="2024-05-20", answered=1.0, answered_at=answered_at)
        for answered_at in ("2024-05-25", "2024-06-02")
    )
    assert QUARTER.care_tie_seen(histories_of(KNOWN, [OTHERS_TIE, first, early]), AS_OF)["ann"]
    assert not QUARTER.care_tie_seen(histories_of(KNOWN, [OTHERS_TIE, first, late]), AS_OF)["ann"]


def test_a_tie_recurs():
    """Three talks in one month are one occasion; one in each of two of the three parts is a bond."""
    once = [contact("meeting", "mutual", timestamp=f"2024-04-{day:02}") for day in (2, 9, 16)]
    twice = [contact("meeting", "mutual", timestamp=date) for date in ("2024-04-02", "2024-05-02")]
    for contacts, is_tied in ((once, False), (twice, True)):
        histories = histories_of(KNOWN, [OTHERS_TIE, *contacts])
        assert QUARTER.care_tie_seen(histories, AS_OF)["ann"] == is_tied


def test_what_the_seller_alone_did_is_no_tie_however_often():
    mails = [
        contact("email", "outbound", timestamp=day)
        for day in pd.date_range("2024-03-01", periods=12, freq="7D")
    ]
    assert not QUARTER.care_tie_seen(histories_of(KNOWN, [OTHERS_TIE, *mails]), AS_OF)["ann"]


def test_under_contract_without_contacts_one_is_a_kept_customer_where_contacts_are_recorded():
    histories = histories_of(
        contacts=[OTHERS_TIE],
        contracts=[("bound", "2023-01-01", "2023-12-31"), ("bound", "2024-01-01", "2024-12-31")],
    )
    assert not QUARTER.label(histories, AS_OF)["bound"]
    assert QUARTER.stage(histories, AS_OF)["bound"] == "kept customer"


def test_whoever_never_paid_is_a_new_buyer_however_old():
    terms = pd.DataFrame(
        {
            "buyer_id": ["free", "paying", "paying"],
            "start": pd.to_datetime(["2023-01-01", "2023-01-01", "2023-02-01"]),
            "end": pd.to_datetime([None, "2023-01-31", None]),
            "amount": [0.0, 0.0, 50.0],
        }
    )
    histories = Histories(None, None, terms, observed_from="2023-01-01", observed_until="2024-12-31")
    assert QUARTER.label(histories, AS_OF).to_dict() == {"free": False, "paying": True}
    assert QUARTER.stage(histories, AS_OF).to_dict() == {"free": "new buyer", "paying": "dependent client"}


def test_a_table_of_campaigns_alone_shows_no_tie_and_patronage_decides():
    campaigns = [contact("campaign", "outbound"), contact("coupon_redemption", "inbound")]
    histories = histories_of([*KNOWN, ("ann", "2024-03-05"), ("ann", "2024-04-05")], campaigns)
    assert QUARTER.care_tie_seen(histories, AS_OF).isna().all()
    assert QUARTER.label(histories, AS_OF)["ann"]


def test_without_contacts_contracts_speak_of_those_who_ever_had_one():
    histories = histories_of(
        [*KNOWN, ("bob", "2024-01-05")],
        contracts=[("bob", "2023-01-01", "2023-12-31"), ("eve", "2023-01-01", None)],
    )
    seen = QUARTER.care_tie_seen(histories, AS_OF)
    assert seen.dtype == "boolean"
    assert pd.isna(seen["ann"]) and not seen["bob"] and seen["eve"]


def test_the_truth_table():
    buys = [
        (buyer, date) for buyer in ("both", "buys") for date in ("2024-01-05", "2024-03-05", "2024-04-05")
    ]
    histories = histories_of(
        [*buys, ("tie", "2024-01-05"), ("neither", "2024-01-05")],
        [
            {**contact("check_in", "mutual", date), "buyer_id": buyer}
            for buyer in ("both", "tie")
            for date in ("2024-03-10", "2024-04-10")
        ],
    )
    stages = QUARTER.stage(histories, AS_OF)
    assert stages.to_dict() == {
        "both": "dependent client",
        "buys": "repeat customer",
        "neither": "one-time customer",
        "tie": "latent client",
    }
    assert QUARTER.label(histories, AS_OF).to_dict() == {
        "both": True, "buys": False, "neither": False, "tie": False,
    }  # fmt: skip


def test_the_two_way_class_is_the_reduction_of_the_stage_under_every_rule():
    purchases = [("ann", "2024-01-05"), ("bob", "2024-01-05"), ("ann", "2024-03-05"), ("ann", "2024-04-05")]
    histories = histories_of(purchases, [OTHERS_TIE])
    for rule, is_client in [("when_seen", False), ("required", False), ("ignored", True)]:
        definition = ClientDefinition("90D", care_tie=rule)
        label = definition.label(histories, [AS_OF, "2024-04-01"])
        stage = definition.stage(histories, [AS_OF, "2024-04-01"])
        assert ((stage == "dependent client") == label).all()
        assert label[(pd.Timestamp(AS_OF), "ann")] == is_client


def test_a_tie_cannot_be_required_where_none_can_be_seen():
    with pytest.raises(OptionError, match="when_seen"):
        ClientDefinition("90D", care_tie="required").label(histories_of(KNOWN), AS_OF)


def test_a_horizon_that_was_not_observed_is_refused():
    histories = histories_of(KNOWN, observed_until="2024-05-01")
    for ask in (QUARTER.label, QUARTER.patronage, QUARTER.care_tie_seen, QUARTER.stage):
        with pytest.raises(NotObservedError, match="ClientDefinition"):
            ask(histories, AS_OF)


def test_stages_where_the_tie_is_unknown_follow_patronage():
    assert list(stage_of(np.array([True, False]), pd.array([pd.NA, pd.NA], dtype="boolean"))) == [
        "dependent client",
        "one-time customer",
    ]


def test_a_definition_goes_through_plain_values_and_back():
    definition = ClientDefinition("100D", periods=4, min_periods=3, care_tie="required")
    assert ClientDefinition.from_dict(definition.to_dict()) == definition
    assert definition != ClientDefinition("100D")


def yearly_patients(n=250, seed=3):
    """Patients who come about every year, those who stop, and those who came once; the regulars by name."""
    rng = np.random.default_rng(seed)
    end, rows, stays = pd.Timestamp("2024-07-01"), [], {}
    for i in range(n):
        day = pd.Timestamp("2016-01-01") + pd.Timedelta(days=int(rng.integers(0, 2500)))
        leaves = 0.04 if rng.random() < 0.6 else 0.6
        stays[f"p{i}"] = leaves < 0.5
        while day < end:
            rows.append((f"p{i}", day, 90.0))
            if rng.random() < leaves:
                stays[f"p{i}"] = False
                break
            day += pd.Timedelta(days=int(rng.normal(365, 25)))
    visits = pd.DataFrame(rows, columns=["buyer_id", "timestamp", "amount"])
    return Histories(visits, observed_from="2016-01-01", observed_until=end), pd.Series(stays)


def test_a_yearly_patient_is_a_client_however_far_ahead_churn_is_asked_for():
    histories, stays = yearly_patients()
    classes = {}
    for horizon in ("90D", "400D"):
        model = RelationshipModel(horizon, effort="quick", random_state=0).fit(histories)
        assert 3 * 360 <= model.client_definition_.horizon_days <= 3 * 370
        assert any("who buys soon" in said for said in model.says_) == (horizon == "90D")
        classes[horizon] = model.score(histories)["relationship"].eq("client")
        assert classes[horizon][stays.reindex(classes[horizon].index)].mean() > 0.8
    assert (classes["90D"] == classes["400D"]).mean() > 0.97


def test_the_own_time_of_a_base_is_what_was_known_at_the_date():
    histories, _ = yearly_patients(60)
    early = pd.Timestamp("2020-01-01")
    assert ClientDefinition().fixed(histories, early) == ClientDefinition().fixed(
        histories.until(early), early
    )
    weekly = histories_of([(b, d) for b in "ab" for d in pd.date_range("2024-01-01", periods=20, freq="7D")])
    assert ClientDefinition().fixed(weekly, AS_OF).horizon_days == 180
    label = ClientDefinition().label(weekly, ["2024-04-01", AS_OF])
    assert label.equals(ClientDefinition("180D").label(weekly, ["2024-04-01", AS_OF]))
    assert ClientDefinition.from_dict(ClientDefinition().to_dict()) == ClientDefinition()
    with pytest.raises(OptionError, match="fixed"):
        _ = ClientDefinition().horizon_days


@pytest.mark.parametrize(
    "wrong",
    [
        {"periods": 0},
        {"periods": 200},
        {"min_periods": 4},
        {"min_periods": 0},
        {"care_tie": "maybe"},
        {"periods": 2.5},
    ],
)
def test_options_that_make_no_sense_are_refused(wrong):
    with pytest.raises(OptionError):
        ClientDefinition("90D", **wrong)
