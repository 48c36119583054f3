"""Who is bound leaves at the end of a term, or breaks it: two hazards, learned from those who could still leave."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score
from sklearn.utils.estimator_checks import parametrize_with_checks

import clientcare as cc
from clientcare.model.members.base import share_of
from clientcare.model.members.terms import TermMember
from clientcare.model.training.term_facts import GROUPS, NUMBERS, term_facts

HORIZON = 90


@parametrize_with_checks([TermMember()])
def test_the_term_member_keeps_the_scikit_learn_contract(estimator, check):
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
        facts = term_facts(histories, date, HORIZON)
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
        member = TermMember(overlap=3).fit(X[list(NUMBERS)], y)
        asked, came = with_outcomes(firm, pd.DatetimeIndex(["2024-01-15", "2024-06-15"]))
        said = member.predict_proba(asked[list(NUMBERS)])[:, 1]
        told.append(pd.DataFrame({"ends": asked["ends"], "said": said, "came": came}))
    return pd.concat(told)


def test_contracts_alone_tell_leavers_apart_as_the_two_true_numbers_do(pool):
    by_the_true_numbers = roc_auc_score(pool["came"], pool["ends"])
    assert roc_auc_score(pool["came"], pool["said"]) > by_the_true_numbers - 0.02


@pytest.mark.parametrize("ends", [0.0, 1.0])
def test_ending_and_not_ending_each_hold_their_level(pool, ends):
    here = pool[pool["ends"] == ends]
    noise = 1.96 * np.sqrt((here["said"] * (1 - here["said"])).sum()) + 0.02 * len(here)
    assert abs(here["said"].sum() - here["came"].sum()) < noise


def test_facts_know_nothing_at_or_after_their_date():
    firm, date = yearly_firm(40, 3), pd.Timestamp("2023-03-01")
    pd.testing.assert_frame_equal(
        term_facts(firm, date, HORIZON), term_facts(firm.until(date), date, HORIZON)
    )


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
    facts = term_facts(told, pd.Timestamp("2023-06-01"), HORIZON)
    assert list(facts.columns) == [*NUMBERS, *GROUPS]
    assert facts["n_voice"].tolist() == [2.0, 0.0]
    assert facts["n_voice_14d"].tolist() == [1.0, 0.0]
    assert facts["n_missed_60d"].tolist() == [0.0, 1.0]
    assert facts["last_rating"].iloc[0] == pytest.approx(0.2)
    assert np.isnan(facts["last_rating"].iloc[1])


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
    assert term_facts(told, pd.Timestamp("2023-10-15"), HORIZON)["ends"].tolist() == [1.0, 1.0]
    assert term_facts(told, pd.Timestamp("2023-12-01"), HORIZON)["ends"].tolist() == [0.0, 1.0]


@pytest.fixture(scope="module")
def fitted():
    rng = np.random.default_rng(0)
    n = 2000
    X = pd.DataFrame(
        {
            "ends": np.where(rng.random(n) < 0.1, np.nan, rng.random(n) < 0.3),
            "days_under_term": rng.integers(1, 400, n),
            "days_left": rng.integers(1, 400, n),
            "n_voice": rng.poisson(3, n),
            "last_rating": np.where(rng.random(n) < 0.5, np.nan, rng.random(n)),
            "plan = core": rng.random(n) < 0.5,
        }
    ).astype(float)
    risk = share_of(-2.0 + X["ends"].fillna(0) + 1.0 * X["plan = core"] - 0.3 * X["n_voice"])
    return TermMember().fit(X, rng.random(n) < risk), X


def test_rows_without_a_term_are_not_known(fitted):
    member, X = fitted
    assert np.array_equal(np.isnan(member.decision_function(X)), X["ends"].isna())


def test_parts_add_up_and_the_state_comes_back(fitted):
    member, X = fitted
    known = X[X["ends"].notna()]
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
    row = X[X["ends"] == 0.0].iloc[[0]]
    quiet, loud = (row.assign(n_voice=float(n)) for n in (0, 8))
    assert member.decision_function(quiet)[0] > member.decision_function(loud)[0]
    core, other = (row.assign(**{"plan = core": flag}) for flag in (1.0, 0.0))
    assert member.decision_function(core)[0] > member.decision_function(other)[0]


def test_beyond_what_was_learned_a_fact_is_clipped(fitted):
    member, X = fitted
    row = X[X["ends"] == 0.0].iloc[[0]].assign(days_left=100.0)
    at_most, beyond = (row.assign(last_rating=value) for value in (X["last_rating"].max(), 50.0))
    assert member.decision_function(at_most)[0] == member.decision_function(beyond)[0]
