"""Status is a rule over facts: active, quiet, gone, in this order; a stage never contradicts a count."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

import clientcare as cc
from clientcare.exceptions import OptionError
from clientcare.outcomes import STAGES, STATUSES, StatusRule
from strategies import some_histories

NOW = pd.Timestamp("2024-07-01")


def ago(days: float) -> pd.Timestamp:
    return NOW - pd.Timedelta(days=days)


def monthly_base(n: int = 80, seed: int = 0) -> list[tuple]:
    """Buyers who come every thirty days or so; every third stops for good at some time."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        day, stop = rng.uniform(600, 700), rng.uniform(60, 600) if i % 3 == 0 else 0
        while day > stop:
            rows.append((f"base{i}", ago(day), 10.0))
            day -= rng.gamma(8, 30 / 8)
    return rows


def five_buyers() -> cc.Histories:
    orders = monthly_base()
    orders.append(("first purchase yesterday", ago(1), 20.0))
    orders += [("ended contract, buys parts", ago(d), 15.0) for d in (300, 200, 100, 20)]
    orders += [("yearly patient", ago(d), 90.0) for d in (1060, 700, 330)]
    orders += [("lapsed and returned", ago(d), 12.0) for d in (690, 660, 631, 7)]
    orders += [("long gone, 40 purchases", ago(d), 9.0) for d in range(500, 700, 5)]
    orders.append(("bought once, long ago", ago(650), 9.0))
    contracts = [
        ("subscriber in month 2", ago(35), pd.NaT, 30.0),
        ("ended contract, buys parts", ago(700), ago(340), 50.0),
        ("ended a week ago", ago(372), ago(7), 50.0),
        ("free plan", ago(900), pd.NaT, 0.0),
    ]
    return cc.Histories(
        pd.DataFrame(orders, columns=["buyer_id", "timestamp", "amount"]),
        contracts=pd.DataFrame(contracts, columns=["buyer_id", "start", "end", "amount"]),
        observed_until=NOW,
    )


def test_buyers_walked_through_by_hand() -> None:
    histories = five_buyers()
    told = StatusRule.learn(histories, NOW).told(histories, NOW)

    assert told["status"].astype(str).drop(told.index[told.index.str.startswith("base")]).to_dict() == {
        "first purchase yesterday": "active",
        "ended contract, buys parts": "active",
        "yearly patient": "active",
        "lapsed and returned": "active",
        "long gone, 40 purchases": "gone",
        "bought once, long ago": "gone",
        "subscriber in month 2": "active",
        "ended a week ago": "active",
        "free plan": "active",
    }
    assert told.loc["lapsed and returned", "status_since"] == ago(7).normalize()
    assert told.loc["yearly patient", "status_since"] == ago(1060).normalize()
    assert told.index[told["is_new"]].tolist() == [
        "first purchase yesterday",
        "free plan",
        "subscriber in month 2",
    ]


def test_the_words_of_a_book_agree_with_its_counts() -> None:
    histories = five_buyers()
    book = cc.RelationshipModel("60D", effort="quick", random_state=0).fit(histories).score(histories)
    stage = book["stage"].astype(str)

    assert stage["long gone, 40 purchases"] == "former customer"
    assert stage["bought once, long ago"] == "one-time customer"
    assert stage["free plan"] == "new buyer"
    assert stage["first purchase yesterday"] == "new buyer"
    assert (book["relationship"].eq("client") == stage.eq("dependent client"))[stage != "new buyer"].all()


def test_what_is_at_stake_is_the_risk_times_what_leaving_costs() -> None:
    histories = five_buyers()
    book = cc.RelationshipModel("60D", effort="quick", random_state=0).fit(histories).score(histories)
    known = book["expected_spend"].notna()

    assert np.allclose(book["expected_spend"][known], (book["spend_if_stays"] - book["at_stake"])[known])
    assert (book["at_stake"][known] >= -1e-9).all()
    assert (book["at_stake"][known] <= book["spend_if_stays"][known] + 1e-9).all()


@given(some_histories())
@settings(deadline=None)
def test_one_time_never_bought_twice_and_nobody_paying_now_is_gone(histories: cc.Histories) -> None:
    moment = histories.observed_until
    told = StatusRule.learn(histories, moment).told(histories, moment)

    assert set(told["status"].astype(str)) <= set(STATUSES)
    assert not (told["under_contract"] & (told["status"] == "gone")).any()
    assert (told["status_since"] <= moment).all()


@given(some_histories())
@settings(deadline=None)
def test_nothing_at_or_after_the_date_changes_a_status(histories: cc.Histories) -> None:
    middle = histories.observed_from + (histories.observed_until - histories.observed_from) / 2
    middle = middle.normalize() + pd.Timedelta(days=1)
    rule = StatusRule.learn(histories, middle)

    assert repr(StatusRule.learn(histories.until(middle), middle)) == repr(
        rule
    )  # NaN equals nothing, not even itself
    pd.testing.assert_frame_equal(rule.told(histories.until(middle), middle), rule.told(histories, middle))


def test_the_rule_is_learned_and_other_buyers_do_not_change_a_row() -> None:
    histories = five_buyers()
    rule = StatusRule.learn(histories, NOW)
    alone = histories.select(["lapsed and returned", "ended a week ago"])

    pd.testing.assert_frame_equal(
        rule.told(alone, NOW).astype({"status": str}),
        rule.told(histories, NOW).loc[["ended a week ago", "lapsed and returned"]].astype({"status": str}),
    )
    assert StatusRule.from_state(rule.get_state()) == rule


def test_a_table_over_time_shows_who_left_and_who_came_back() -> None:
    told = cc.status_table(five_buyers(), [ago(100), ago(3)])
    assert told.loc[(ago(100), "lapsed and returned"), "status"] == "gone"
    assert told.loc[(ago(3), "lapsed and returned"), "status"] == "active"
    assert told.index.names == ["as_of", "buyer_id"]


def test_the_user_may_say_after_how_many_days_a_buyer_is_gone() -> None:
    told = cc.status_table(five_buyers(), NOW, gone_after="400D").droplevel("as_of")
    assert told.loc["yearly patient", "status"] == "active"
    assert told.loc["long gone, 40 purchases", "status"] == "gone"
    with pytest.raises(OptionError):
        cc.status_table(five_buyers(), NOW, gone_after="soon")


@pytest.mark.parametrize("stage", STAGES)
def test_each_stage_has_a_colour_and_a_marker(stage: str) -> None:
    from clientcare.report.canvas import STAGE_COLOURS, STAGE_MARKERS

    assert stage in STAGE_COLOURS
    assert stage in STAGE_MARKERS


def practice(seed: int = 0) -> cc.Histories:
    """Patients who come each month and patients who come each year; of every third nothing more is heard."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(90):
        gap, day = (30 if i % 2 else 365), rng.uniform(1200, 1800)
        stop = rng.uniform(200, 1100) if i % 3 == 0 else 0
        while day > stop:
            rows.append((f"p{i}", ago(day), 50.0))
            day -= gap * rng.gamma(6, 1 / 6)
    return cc.Histories(pd.DataFrame(rows, columns=["buyer_id", "timestamp", "amount"]), observed_until=NOW)


def test_a_thin_tail_does_not_leave_the_long_silent_quiet_for_ever() -> None:
    for seed in range(3):
        histories = practice(seed)
        rule = StatusRule.learn(histories, NOW)
        told = rule.told(histories, NOW)["status"]

        assert rule.n_silences > 0
        assert np.isfinite(rule.gone_after_gaps)
        monthly_left = [f"p{i}" for i in range(3, 90, 6)]
        assert (told.reindex(monthly_left) == "gone").mean() > 0.8


@pytest.mark.parametrize(
    ("returned", "tried", "shares"),
    [
        ([20, 10, 2, 0, 0, 0], [55, 8, 8, 8, 5, 0], [0.476, 0.476, 0.128, 0.128, 0.128, 0.064]),
        ([25, 0, 0, 0], [50, 10, 8, 6], [0.5, 0.038, 0.038, 0.038]),
        ([50, 40, 0], [60, 50, 0], [0.833, 0.8, 0.4]),
    ],
)
def test_chances_of_return_by_length_of_silence(
    returned: list[float], tried: list[float], shares: list[float]
) -> None:
    from clientcare.outcomes.status import _monotone

    told = _monotone(np.array(returned, dtype=float), np.array(tried, dtype=float))
    np.testing.assert_allclose(told, shares, atol=5e-4)


def test_the_users_own_statuses_count_from_their_date_until_a_later_purchase() -> None:
    rows = [
        (name, ago(d), 10.0) for name in ("lost", "returned", "kept", "plain") for d in range(400, 20, -30)
    ]
    rows.append(("returned", ago(3), 10.0))
    own = pd.DataFrame(
        {
            "buyer_id": ["lost", "returned", "kept", "plain", "bound"],
            "status": ["Lost", "gone", "active", None, "churned"],
            "status_at": [ago(5), ago(10), ago(10), None, ago(10)],
        }
    )
    contracts = pd.DataFrame({"buyer_id": ["bound"], "start": [ago(100)], "amount": [9.0]})
    histories = cc.Histories(
        pd.DataFrame(rows, columns=["buyer_id", "timestamp", "amount"]),
        contracts=contracts,
        buyers=own,
        observed_until=NOW,
    )
    told = cc.status_table(histories, [ago(6), NOW])["status"].astype(str).unstack("as_of")
    assert told[ago(6)].to_dict() == dict.fromkeys(["bound", "kept", "plain"], "active") | {
        "lost": "active",
        "returned": "gone",
    }
    assert told[NOW].to_dict() == {
        "bound": "active",
        "kept": "active",
        "lost": "gone",
        "plain": "active",
        "returned": "active",
    }
    since = cc.status_table(histories, NOW).loc[(NOW, "lost"), "status_since"]
    assert since == ago(5)
    columns = cc.feature_table(histories, NOW, families="static").columns
    assert not [name for name in columns if "status" in name]


def test_one_buyer_won_back_makes_nobody_else_quiet_whose_contract_has_ended() -> None:
    """Twenty firms under contract, one back after fourteen months, four whose contracts ended and who said no word since."""
    terms = [(f"here{n}", ago(900), ago(-200)) for n in range(15)]
    terms += [("back", ago(1095), ago(730)), ("back", ago(300), ago(-400))]
    terms += [(f"left{days}", ago(700), ago(days)) for days in (55, 84, 141, 171)]
    histories = cc.Histories(
        contracts=pd.DataFrame(terms, columns=["buyer_id", "start", "end"]).assign(amount=100.0),
        observed_until=NOW,
    )
    told = StatusRule.learn(histories, NOW, 90).told(histories, NOW)["status"].astype(str)
    assert set(told[told.index.str.startswith("left")]) == {"gone"}
    assert set(told[~told.index.str.startswith("left")]) == {"active"}


def test_two_silences_do_not_prove_that_nobody_returns() -> None:
    days = {"a": (400, 370, 340), "b": (400, 371, 339), "silent": (160, 130, 100), "here": (70, 40, 12)}
    orders = [(buyer, ago(day), 10.0) for buyer, of_it in days.items() for day in of_it]
    histories = cc.Histories(
        pd.DataFrame(orders, columns=["buyer_id", "timestamp", "amount"]), observed_until=NOW
    )

    rule = StatusRule.learn(histories, NOW)
    assert rule.n_silences == 2
    told = rule.told(histories, NOW)["status"]
    assert told["here"] == "active" and told["silent"] == "quiet", "100 days at a usual gap of 30"
    assert rule.told(histories, ago(-400))["status"]["a"] == "gone", "no silence is quiet for ever"


def test_a_fee_before_the_contract_holds_nobody_after_its_end() -> None:
    """Of the silence since the end the contract speaks; a purchase after it, or the own rhythm, says otherwise."""
    orders = [(f"ended{i}", ago(1000 - i), 500.0) for i in range(12)]
    orders += [(f"twice{i}", ago(days), 500.0) for i in range(6) for days in (900 - i, 700 + 3 * i)]
    orders += [("buys on", ago(days), 40.0) for days in (950, 800, 600, 420, 250, 60)]
    contracts = [(f"ended{i}", ago(999 - i), ago(560 - i), 100.0) for i in range(12)]
    contracts += [("buys on", ago(940), ago(300), 100.0)]
    histories = cc.Histories(
        pd.DataFrame(orders, columns=["buyer_id", "timestamp", "amount"]),
        contracts=pd.DataFrame(contracts, columns=["buyer_id", "start", "end", "amount"]),
        observed_until=NOW,
    )

    told = cc.status_table(histories, NOW).droplevel("as_of")["status"]
    assert set(told[told.index.str.startswith("ended")]) == {"gone"}
    assert told["buys on"] == "active"
