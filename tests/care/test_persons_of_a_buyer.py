"""Persons within a buyer: all hangs on one; the one who carried the relation is silent, others are not."""

from __future__ import annotations

import numpy as np
import pandas as pd

import clientcare as cc

AS_OF = pd.Timestamp("2024-07-01")
WEEKS = pd.date_range("2023-09-04", "2024-06-24", freq="7D")


def histories(*talks: tuple[pd.DatetimeIndex, str | None, str | None]) -> cc.Histories:
    contacts = pd.concat(
        pd.DataFrame({"buyer_id": "a", "timestamp": days, "contact_id": person, "role": role})
        for days, person, role in talks
    ).assign(kind="email", direction="inbound")
    contracts = pd.DataFrame({"buyer_id": ["a"], "start": ["2023-07-20"], "end": ["2025-12-31"]})
    return cc.Histories(None, contacts, contracts, observed_from="2023-07-01", observed_until=AS_OF)


def features(of: cc.Histories) -> pd.Series:
    return cc.feature_table(of, AS_OF, families=["contact"]).loc["a"]


def actions(of: cc.Histories) -> pd.Series:
    book = pd.DataFrame({"churn_risk": [0.1]}, index=pd.Index(["a"], name="buyer_id"))
    return cc.care_plan(book, of, AS_OF, max_per_buyer=9).set_index("action")["reason"]


def test_one_person_alone_is_seen():
    alone = features(histories((WEEKS, "p1", None)))
    assert alone["n_persons_spoke_365d"] == 1
    assert alone["days_since_main_person_spoke"] == 7
    assert features(histories((WEEKS, "p1", None), (WEEKS[:2], "p2", None)))["n_persons_spoke_365d"] == 2


def test_who_carried_the_relation_is_silent_and_others_speak():
    early, late = WEEKS[WEEKS < "2024-04-01"], WEEKS[WEEKS >= "2024-04-01"]
    of = histories((early, "p1", None), (late, "p2", None))
    assert features(of)["main_person_silence_ratio"] == 98 / 7
    told = actions(of)
    assert told["meet_the_champion"] == (
        "The person you know best has not spoken for 98 days; usually every 7 days. "
        "Others last spoke on 2024-06-24: find out who decides now."
    )
    assert "break_silence" not in told


def test_who_decides_and_has_gone_silent_is_told_by_the_role_however_seldom_that_one_spoke():
    seldom = WEEKS[:24:4]
    of = histories((seldom, "p1", "Champion"), (WEEKS, "p2", None))
    assert features(of)["main_person_speaks_every_days"] == 7
    assert actions(of)["meet_the_champion"].startswith("The one who decides has not spoken for 161 days")


def test_a_role_hides_nobody_who_really_carried_the_relation():
    """The technician who wrote every week is silent, the director answers now: with and without roles it is told."""
    early, late = WEEKS[WEEKS < "2024-04-01"], WEEKS[WEEKS >= "2024-04-01"]
    bare = actions(histories((early, "p1", None), (late, "p2", None)))["meet_the_champion"]
    told = actions(histories((early, "p1", "IT Manager"), (late, "p2", "CEO")))["meet_the_champion"]
    assert told == bare


def test_where_all_are_silent_the_silence_comes_first():
    early = WEEKS[WEEKS < "2024-04-01"]
    told = actions(histories((early, "p1", None), (early[:5], "p2", None)))
    assert told.index[0] == "break_silence"
    assert "meet_the_champion" not in told


def test_without_names_nothing_is_said_of_persons():
    of = histories((WEEKS, None, None))
    X = features(of)
    assert "n_persons_spoke_365d" not in X or np.isnan(X["days_since_main_person_spoke"])
    assert "meet_the_champion" not in actions(of)
