"""A simulated service firm: care builds goodwill, neglect wears it down, and contracts hang on it."""

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from clientcare.datasets import simulate_histories
from clientcare.exceptions import OptionError
from clientcare.outcomes import ChurnDefinition, ClientDefinition

AS_OF = "2023-09-01"


@pytest.fixture(scope="module")
def firm():
    return simulate_histories("service_firm", 1500, random_state=9)


def test_the_same_seed_gives_the_same_tables():
    one, two = (simulate_histories("service_firm", 60, random_state=3) for _ in range(2))
    for table in ("transactions", "interactions", "contracts", "buyers", "truth"):
        assert_frame_equal(getattr(one, table), getattr(two, table))
    assert (one.true_churn_risk(AS_OF) == two.true_churn_risk(AS_OF)).all()


def test_terms_of_a_buyer_follow_each_other_without_a_hole(firm):
    terms = firm.contracts.sort_values(["buyer_id", "start"])
    next_start = terms.groupby("buyer_id")["start"].shift(-1)
    renewed = next_start.notna()
    assert renewed.mean() > 0.2
    assert (next_start[renewed] - terms.loc[renewed, "end"] == pd.Timedelta(days=1)).all()


def test_a_cancellation_or_a_lapse_is_the_true_drop_out(firm):
    last = firm.contracts.sort_values("start").groupby("buyer_id").tail(1).set_index("buyer_id")
    left = firm.truth["dropped_out_at"].dropna()
    stopped = last["cancelled_at"].fillna(last["end"] + pd.Timedelta(days=1)).reindex(left.index)
    assert (stopped - left).abs().max() < pd.Timedelta(seconds=2)
    stayed = firm.truth.index.difference(left.index)
    assert last.loc[stayed, "cancelled_at"].isna().all()


def test_there_are_trials_open_ended_contracts_terms_and_price_steps(firm):
    assert set(firm.contracts["kind"]) == {"open_ended", "term", "trial"}
    assert (firm.contracts.query("kind == 'trial'")["amount"] == 0).all()
    assert firm.contracts.query("kind == 'open_ended'")["end"].isna().all()
    terms = firm.contracts.query("kind == 'term'").sort_values("start")
    rises = terms.groupby("buyer_id")["amount"].pct_change().dropna()
    assert (rises > -0.001).all() and (rises > 0.02).mean() > 0.3


def test_nobody_is_in_contact_after_leaving(firm):
    left = firm.truth["dropped_out_at"].fillna(firm.observed_until)
    assert (firm.interactions["timestamp"] <= firm.interactions["buyer_id"].map(left)).all()


def test_neglect_makes_buyers_leave():
    firm = simulate_histories("service_firm", 6000, random_state=1)
    stays = firm.truth["dropped_out_at"].isna()
    diligent = firm.truth["owner_diligence"] > 0.85
    neglected = firm.truth["owner_diligence"] < 0.6
    assert stays[diligent].mean() > stays[neglected].mean() + 0.05


def test_true_clients_stay_longer(firm):
    stays = firm.truth["dropped_out_at"].isna()
    assert stays[firm.truth["is_client"]].mean() > stays[~firm.truth["is_client"]].mean() + 0.2


def test_true_risks_are_calibrated_against_what_happened(firm):
    churned = ChurnDefinition("90D").label(firm.histories, AS_OF)
    risk = firm.true_churn_risk(AS_OF, "90D")
    assert (risk.index == churned.index).all()
    uncertain = risk.between(1e-6, 1 - 1e-6)
    third = pd.qcut(risk[uncertain].rank(method="first"), 3, labels=False)
    gaps = churned[uncertain].groupby(third).mean() - risk[uncertain].groupby(third).mean()
    assert gaps.abs().max() < 0.06
    has_left = firm.truth["dropped_out_at"] < pd.Timestamp(AS_OF)
    assert (risk[has_left.reindex(risk.index)] == 1).all()


def test_true_client_probabilities_are_calibrated_against_the_label(firm):
    label = ClientDefinition("180D", min_dependence=0).label(firm.histories, AS_OF)
    probability = firm.true_client_probability(AS_OF, "180D")
    assert abs(label.mean() - probability.mean()) < 0.03
    assert label[probability > 0.8].mean() > 0.75
    assert label[probability < 0.05].mean() < 0.05


def test_kept_and_missed_check_ins_can_be_told_apart(firm):
    check_ins = firm.interactions.query("kind == 'check_in'")
    kept = (check_ins["status"] == "kept").groupby(check_ins["buyer_id"]).mean()
    diligence = firm.truth["owner_diligence"].reindex(kept.index)
    assert np.corrcoef(kept, diligence)[0, 1] > 0.4


def test_answers_come_after_the_question_and_before_the_end(firm):
    asked = firm.interactions.dropna(subset=["answered_at"])
    assert (asked["answered_at"] > asked["timestamp"]).all()
    assert (asked["answered_at"] < firm.observed_until).all()
    assert (asked["answered"] == 1).all()


def test_a_firm_knows_the_truth_given_the_state_alone(firm):
    with pytest.raises(OptionError, match="knowing='state'"):
        firm.true_churn_risk(AS_OF, knowing="history")
    with pytest.raises(OptionError, match="retailers only"):
        simulate_histories("service_firm", 50, assignment="randomised")
