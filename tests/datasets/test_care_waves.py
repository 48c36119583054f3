"""Care with a planted effect: what would have been is known, and confounding hides it from whoever only counts."""

import numpy as np
import pytest
from pandas.testing import assert_frame_equal

from clientcare.datasets import simulate_histories
from clientcare.exceptions import OptionError
from clientcare.outcomes import ChurnDefinition


def wave_of(assignment, care_effect=1.0, overlap="good", n_buyers=3000, wave=1):
    shop = simulate_histories(
        "retailer", n_buyers, random_state=6, assignment=assignment, care_effect=care_effect, overlap=overlap
    )
    date = shop.care_dates[wave]
    churned = ChurnDefinition("90D").label(shop.histories, date)
    return shop, date, churned, shop.potential_outcomes(date, "90D")


def naive_difference(churned, table):
    return churned[table["was_contacted"]].mean() - churned[~table["was_contacted"]].mean()


@pytest.fixture(scope="module")
def confounded():
    return wave_of("confounded")


def test_care_keeps_buyers_and_yet_looks_harmful_where_those_at_risk_are_contacted(confounded):
    _, _, churned, table = confounded
    assert table["effect"].mean() < -0.03
    assert naive_difference(churned, table) > 0.1


def test_no_contact_ever_drives_a_buyer_away(confounded):
    assert (confounded[3]["effect"] <= 1e-6).all()


def test_the_potential_outcomes_agree_with_what_happened(confounded):
    _, _, churned, table = confounded
    for contacted, column in [(True, "churn_risk_if_contacted"), (False, "churn_risk_if_not")]:
        some = table["was_contacted"] == contacted
        assert abs(churned[some].mean() - table.loc[some, column].mean()) < 0.04


def test_the_effect_differs_by_segment_and_those_at_highest_risk_are_not_those_it_moves_most(confounded):
    shop, date, _, table = confounded
    segment = shop.buyers.set_index("buyer_id")["segment"].reindex(table.index)
    effects = table.groupby(segment, observed=True)["effect"].mean()
    assert effects["trade"] < effects["private"] < effects["gift"] < 0
    risk = shop.true_churn_risk(date)
    most_at_risk = risk.nlargest(len(risk) // 5).index
    assert table.loc[most_at_risk, "effect"].mean() > table["effect"].mean()


def test_by_lot_the_naive_difference_is_the_effect():
    shop, _, churned, table = wave_of("randomised", care_effect=2.0, n_buyers=6000)
    assert (table["propensity"] == 0.5).all()
    assert abs(naive_difference(churned, table) - table["effect"].mean()) < 0.04
    assert shop.interactions["kind"].eq("check_in").any()


def test_no_effect_means_no_effect():
    _, _, _, table = wave_of("confounded", care_effect=0.0, n_buyers=500)
    assert np.abs(table["effect"]).max() < 1e-6


def test_hopeless_overlap_leaves_nobody_to_compare_with():
    *_, table = wave_of("confounded", overlap="hopeless", n_buyers=1000)
    assert table["propensity"].between(0.1, 0.9).mean() < 0.15
    *_, table = wave_of("confounded", n_buyers=1000)
    assert table["propensity"].between(0.05, 0.95).mean() > 0.85


def test_contacts_are_made_within_two_weeks_of_a_wave_and_to_known_buyers_alone(confounded):
    shop, *_ = confounded
    contacts = shop.interactions.query("kind == 'check_in'")
    after = np.array([[(moment - date).days for date in shop.care_dates] for moment in contacts["timestamp"]])
    assert ((after >= 0) & (after < 14)).any(axis=1).all()
    assert (contacts["timestamp"] > contacts["buyer_id"].map(shop.truth["acquired_at"])).all()


def test_planting_care_leaves_the_people_as_they_are():
    plain, cared = (
        simulate_histories("retailer", 200, random_state=4, assignment=how) for how in ("none", "randomised")
    )
    same = ["is_client", "acquired_at", "purchases_a_year", "drop_outs_a_year"]
    assert_frame_equal(plain.truth[same], cared.truth[same])


def test_potential_outcomes_are_told_of_waves_alone(confounded):
    with pytest.raises(OptionError, match="care_dates"):
        confounded[0].potential_outcomes("2023-02-02")
    with pytest.raises(OptionError, match="no care was planted"):
        simulate_histories("retailer", 50).potential_outcomes("2023-01-01")
