"""Who is bound leaves at the end of a term, or breaks it: two hazards, learned from those who could still leave."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score
from sklearn.utils.estimator_checks import parametrize_with_checks

import clientcare as cc
from clientcare.model.members.base import share_of
from clientcare.model.members.terms import TermMember, TwoNumbers
from clientcare.model.training.head import Head
from clientcare.model.training.judgement import Verdict
from clientcare.model.training.term_facts import GROUPS, NUMBERS, term_facts
from clientcare.model.training.verdict import judgement

HORIZON = 90


@parametrize_with_checks([TermMember(), TwoNumbers()])
def test_members_of_terms_keep_the_scikit_learn_contract(estimator, check):
    check(estimator)


def yearly_firm(n_buyers: int, seed: int) -> cc.Histories:
    """Terms of a year; a fifth is lost at each end, one in fifty breaks a term."""
    rng = np.random.default_rng(seed)
    rows = []
    for buyer in range(n_buyers):
        start = pd.Timestamp("2020-01-01") + pd.Timedelta(days=int(rng.integers(0, 365)))
        while start < pd.Timestamp("2025-01-01"):
            end = start + pd.DateOffset(years=1) - pd.Timedelta(days=1)
            broken = rng.random() < 0.02
            stop = start + pd.Timedelta(days=int(rng.integers(30, 330))) if broken else pd.NaT
            rows.append((f"b{buyer:04d}", start, end, stop))
            if broken or rng.random() < 0.2:
                break
            start = end + pd.Timedelta(days=1)
    terms = pd.DataFrame(rows, columns=["buyer_id", "start", "end", "cancelled_at"])
    return cc.Histories(contracts=terms, observed_from="2020-01-01", observed_until="2025-01-01")


def with_outcomes(histories: cc.Histories, dates: pd.DatetimeIndex) -> tuple[pd.DataFrame, np.ndarray]:
    parts, left = [], []
    for date in dates:
        facts = term_facts(histories, date)
        parts.append(facts)
        left.append(
            cc.ChurnDefinition("90D").label(histories, date).reindex(facts.index).to_numpy(dtype=bool)
        )
    return pd.concat(parts), np.concatenate(left)


@pytest.fixture(scope="module")
def pool():
    """The two numbers told by the member, learned before 2024 and asked in 2024, over eight firms of sixty."""
    told = []
    for seed in range(8):
        firm = yearly_firm(60, seed)
        X, y = with_outcomes(
            firm, pd.date_range("2021-01-15", "2023-09-15", freq="MS") + pd.Timedelta(days=14)
        )
        member = TermMember(HORIZON, overlap=3).fit(X[list(NUMBERS)], y)
        asked, came = with_outcomes(firm, pd.DatetimeIndex(["2024-01-15", "2024-06-15"]))
        said = member.predict_proba(asked[list(NUMBERS)])[:, 1]
        rule = TwoNumbers(HORIZON, overlap=3).fit(X[list(NUMBERS)], y)
        by_rule = rule.predict_proba(asked[list(NUMBERS)])[:, 1]
        told.append(
            pd.DataFrame(
                {
                    "ends": 1.0 * (asked["term_days_left"] <= HORIZON),
                    "said": said,
                    "came": came,
                    "by_rule": by_rule,
                }
            )
        )
    return pd.concat(told)


def test_contracts_alone_tell_leavers_apart_as_the_two_numbers_do(pool):
    by_the_rule = roc_auc_score(pool["came"], pool["by_rule"])
    assert by_the_rule > roc_auc_score(pool["came"], pool["ends"]) - 0.03
    assert roc_auc_score(pool["came"], pool["said"]) > by_the_rule - 0.01


@pytest.mark.parametrize("ends", [0.0, 1.0])
def test_ending_and_not_ending_each_hold_their_level(pool, ends):
    here = pool[pool["ends"] == ends]
    noise = 1.96 * np.sqrt((here["said"] * (1 - here["said"])).sum()) + 0.02 * len(here)
    assert abs(here["said"].sum() - here["came"].sum()) < noise


def test_facts_know_nothing_at_or_after_their_date():
    firm, date = yearly_firm(40, 3), pd.Timestamp("2023-03-01")
    pd.testing.assert_frame_equal(term_facts(firm, date), term_facts(firm.until(date), date))


def test_own_voice_counts_and_what_the_seller_did_does_not():
    terms = pd.DataFrame({"buyer_id": ["a", "b"], "start": "2023-01-01", "end": "2023-12-31", "plan": "core"})
    contacts = pd.DataFrame(
        {
            "buyer_id": ["a", "a", "b", "b"],
            "timestamp": ["2023-05-20", "2023-03-20", "2023-05-20", "2023-05-21"],
            "kind": ["support_ticket", "call", "campaign", "check_in"],
            "direction": ["inbound", "mutual", "outbound", "outbound"],
            "status": ["kept", "kept", "kept", "missed"],
            "satisfaction": [0.2, 0.9, np.nan, np.nan],
        }
    )
    told = cc.Histories(contracts=terms, interactions=contacts, observed_until="2023-12-31")
    facts = term_facts(told, pd.Timestamp("2023-06-01"))
    assert list(facts.columns) == [*NUMBERS, *GROUPS]
    assert facts["term_n_voice"].tolist() == [2.0, 0.0]
    assert facts["term_n_voice_14d"].tolist() == [1.0, 0.0]
    assert facts["term_n_missed_60d"].tolist() == [0.0, 1.0]
    assert facts["term_last_rating"].iloc[0] == pytest.approx(0.2)
    assert np.isnan(facts["term_last_rating"].iloc[1])


def test_a_renewal_signed_ahead_carries_the_end():
    terms = pd.DataFrame(
        {
            "buyer_id": ["a", "a", "b"],
            "start": ["2023-01-01", "2024-01-01", "2023-01-01"],
            "end": ["2023-12-31", "2024-12-31", "2023-12-31"],
            "recorded_at": ["2022-12-20", "2023-11-01", "2022-12-20"],
        }
    )
    told = cc.Histories(contracts=terms, observed_until="2025-01-01")
    assert term_facts(told, pd.Timestamp("2023-10-15"))["term_days_left"].tolist() == [78.0, 78.0]
    assert term_facts(told, pd.Timestamp("2023-11-15"))["term_days_left"].tolist() == [413.0, 47.0]


@pytest.fixture(scope="module")
def fitted():
    rng = np.random.default_rng(0)
    n = 2000
    X = pd.DataFrame(
        {
            "term_age_days": np.where(rng.random(n) < 0.1, np.nan, rng.integers(1, 400, n)),
            "term_days_left": rng.integers(1, 300, n),
            "term_n_voice": rng.poisson(3, n),
            "term_last_rating": np.where(rng.random(n) < 0.5, np.nan, rng.random(n)),
            "term_plan = core": rng.random(n) < 0.5,
        }
    ).astype(float)
    ends = X["term_days_left"] <= HORIZON
    risk = share_of(-2.0 + ends + 1.0 * X["term_plan = core"] - 0.3 * X["term_n_voice"])
    return TermMember(HORIZON).fit(X, rng.random(n) < risk), X


def test_rows_without_a_term_are_not_known(fitted):
    member, X = fitted
    assert np.array_equal(np.isnan(member.decision_function(X)), X["term_age_days"].isna())


def test_parts_add_up_and_the_state_comes_back(fitted):
    member, X = fitted
    known = X[X["term_age_days"].notna()]
    groups = np.arange(X.shape[1])
    split = member._split(known.to_numpy(), groups, X.shape[1])
    assert np.array_equal(split.log_odds, member.decision_function(known))
    np.testing.assert_allclose(split.start + split.parts.sum(axis=1), split.log_odds, rtol=1e-12)
    back = TermMember.from_state(member.get_state())
    assert np.array_equal(back.decision_function(X), member.decision_function(X), equal_nan=True)


def test_no_other_row_moves_a_bit(fitted):
    member, X = fitted
    alone = np.concatenate([member.decision_function(X.iloc[[row]]) for row in range(50)])
    assert np.array_equal(alone, member.decision_function(X)[:50], equal_nan=True)


def test_the_voice_of_the_buyer_and_the_plan_are_learned(fitted):
    member, X = fitted
    row = X[(X["term_age_days"] > 0) & (X["term_days_left"] > HORIZON)].iloc[[0]]
    quiet, loud = (row.assign(term_n_voice=float(n)) for n in (0, 8))
    assert member.decision_function(quiet)[0] > member.decision_function(loud)[0]
    core, other = (row.assign(**{"term_plan = core": flag}) for flag in (1.0, 0.0))
    assert member.decision_function(core)[0] > member.decision_function(other)[0]


def test_beyond_what_was_learned_a_fact_is_clipped(fitted):
    member, X = fitted
    row = X[X["term_age_days"] > 0].iloc[[0]].assign(term_days_left=200.0)
    at_most, beyond = (row.assign(term_last_rating=value) for value in (X["term_last_rating"].max(), 50.0))
    assert member.decision_function(at_most)[0] == member.decision_function(beyond)[0]


def test_the_firm_is_scored_by_its_terms_and_the_file_keeps_the_scores(tmp_path):
    firm = yearly_firm(60, 1)
    model = cc.RelationshipModel(horizon=HORIZON, random_state=0).fit(firm, "2024-06-15")
    assert {"term", "two_numbers"} <= set(model.candidates_.query("target == 'churn'")["candidate"])
    book = model.score(firm, "2024-06-15")
    bound = term_facts(firm, pd.Timestamp("2024-06-15"))
    ends = bound["term_days_left"] <= HORIZON
    risk = book.loc[bound.index, "churn_risk"]
    assert 0.1 < risk[ends].mean() < 0.35
    assert risk[~ends].mean() < 0.04
    model.save(tmp_path / "m.clientcare")
    again = cc.load_model(tmp_path / "m.clientcare")
    pd.testing.assert_frame_equal(again.score(firm, "2024-06-15"), book)
    halves = [firm.select(firm.buyer_ids[side::2]) for side in (0, 1)]
    parted = pd.concat([again.score(half, "2024-06-15") for half in halves]).loc[book.index]
    pd.testing.assert_series_equal(parted["churn_risk"], book["churn_risk"], check_exact=True)
    split = again.explain(firm, as_of="2024-06-15")
    log_odds = np.log(book["churn_risk"] / (1 - book["churn_risk"]))
    np.testing.assert_allclose(split.churn_log_odds.loc[book.index], log_odds, atol=1e-6)


def test_the_two_numbers_and_the_base_rate_stand_in_the_backtest():
    firm = yearly_firm(60, 2)
    result = cc.backtest(
        cc.RelationshipModel(horizon=HORIZON, random_state=0),
        firm,
        "2024-06-15",
        baselines=["two_numbers", "base_rate", "recency"],
        n_bootstrap=0,
    )
    loss = result.table.query("target == 'churn' and population == 'active'").set_index("model")["log_loss"]
    assert set(loss.index) == {"model", "two_numbers", "base_rate", "recency"}
    assert loss["two_numbers"] < loss["base_rate"]
    assert loss["model"] < loss["two_numbers"] + 0.01


def test_the_verdict_speaks_of_those_under_contract():
    firm = yearly_firm(60, 3)
    said = cc.RelationshipModel(horizon=HORIZON, random_state=0).fit(firm, "2024-06-15").says_
    about = [sentence for sentence in said if sentence.startswith("On churn")]
    assert about
    assert "of those under contract" in about[0]


@pytest.mark.parametrize(("came", "told"), [(33, True), (60, False)])
def test_a_level_that_is_off_beyond_a_third_and_beyond_chance_is_named(came, told):
    outcome = np.zeros(1000)
    outcome[:came] = 1.0
    validation = pd.DataFrame({"outcome": outcome, "probability": 0.063})
    row = {"as_of": pd.Timestamp("2024-01-01"), "gain_over_blend": -0.1, "gain_over_blend_se": 0.01}
    figures = pd.DataFrame(
        [{"candidate": "blend", "log_loss": 0.2, **row}, {"candidate": "recency", "log_loss": 0.3, **row}]
    )
    said = judgement(Head(None, figures, validation, Verdict()), "churn")
    assert any("level was off" in sentence for sentence in said) == told


def test_a_model_that_loses_to_the_two_numbers_is_not_called_good():
    row = {"as_of": pd.Timestamp("2024-01-01"), "gain_over_blend_se": 0.001}
    figures = pd.DataFrame(
        [
            {"candidate": "blend", "log_loss": 0.20, "gain_over_blend": 0.0, **row},
            {"candidate": "recency", "log_loss": 0.73, "gain_over_blend": -0.53, **row},
            {"candidate": "two_numbers", "log_loss": 0.17, "gain_over_blend": 0.03, **row},
        ]
    )
    said = judgement(Head(None, figures, None, Verdict(rule="two_numbers")), "churn")
    assert "does not beat two numbers" in said[0]
