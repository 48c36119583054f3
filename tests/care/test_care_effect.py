"""Does the estimate find a planted effect, stay silent without one, and admit what cannot be told?"""

from __future__ import annotations

import os

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from clientcare.care import care_effect, care_plan
from clientcare.datasets import simulate_histories
from clientcare.effect.doubly_robust import balance, doubly_robust, effective_size, naive_difference, overlap
from clientcare.effect.nuisance import LogScale, folds_by_buyer
from clientcare.effect.sample import effect_features
from clientcare.effect.targeting import effects_unseen, gain_table, qini
from clientcare.exceptions import InputError, NotEnoughDataError, NotObservedError, OptionError
from clientcare.history import Histories

N_SEEDS = 40 if os.environ.get("CLIENTCARE_TESTS") == "full" else 3


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def world(seed: int, n: int = 1500, slope: float = 1.2, strength: float = 1.0):
    """Buyers with a danger that decides on both care and leaving; care works on half of them, not the most
    endangered.
    """
    rng = np.random.default_rng(seed)
    table = rng.normal(size=(n, 4))
    danger, responds = table[:, 0], table[:, 1] > 0
    chance = sigmoid(slope * danger)
    treated = rng.random(n) < chance
    effect = -strength * 0.25 * responds * (danger < 1)
    risk = np.clip(0.25 + 0.5 * sigmoid(1.5 * danger), 0, 1)
    outcome = (rng.random(n) < np.where(treated, np.clip(risk + effect, 0, 1), risk)).astype(float)
    return table, treated, outcome, np.clip(risk + effect, 0, 1) - risk, risk


def estimate(seed: int, **options):
    table, treated, outcome, effect, _ = world(seed, **options)
    found = doubly_robust(treated, outcome, table, np.arange(len(table)), binary=True)
    return found, effect[found.kept].mean(), naive_difference(treated, outcome, np.arange(len(table)), 0.9)


def test_the_planted_effect_is_covered_while_counting_has_the_wrong_sign():
    results = [estimate(seed, strength=0.6) for seed in range(N_SEEDS)]
    covered = [found.estimate.low <= truth <= found.estimate.high for found, truth, _ in results]
    assert np.mean(covered) >= (0.8 if N_SEEDS > 10 else 0.5)
    assert all(naive.value > 0 > truth for _, truth, naive in results)
    assert abs(np.mean([found.estimate.value - truth for found, truth, _ in results])) < 0.02


def test_without_an_effect_an_effect_is_seldom_seen():
    alarms = [estimate(seed, strength=0.0)[0].estimate.excludes_zero() for seed in range(N_SEEDS)]
    assert np.mean(alarms) <= (0.2 if N_SEEDS > 10 else 0.5)


def test_weighting_brings_the_groups_together():
    table, treated, *_ = world(0)
    found = estimate(0)[0]
    even = balance(treated, table, ("danger", "b", "c", "d"), found.propensity, found.kept, 0.05)
    assert even.index[0] == "danger"
    assert even.loc["danger", "before"] > 0.8
    assert abs(even.loc["danger", "after"]) < 0.15


def test_overlap_counts_every_row_once():
    _, treated, *_ = world(0)
    found = estimate(0)[0]
    table = overlap(treated, found.propensity)
    assert table["with_action"].sum() == treated.sum()
    assert table["without_action"].sum() == (~treated).sum()


def test_rows_that_could_only_go_one_way_are_trimmed():
    found = estimate(0, slope=12.0)[0]
    assert found.kept.mean() < 0.5
    assert np.isnan(found.pseudo_effect[~found.kept]).all()


def test_a_buyer_never_helps_to_guess_about_themselves():
    buyer = np.repeat(np.arange(50), 3)
    fold = folds_by_buyer(buyer, 5, 0)
    assert (pd.Series(fold).groupby(buyer).nunique() == 1).all()
    assert set(fold) == set(range(5))


def test_even_weights_lose_nothing():
    treated = np.repeat([True, False], 50)
    assert effective_size(treated, np.full(100, 0.5), np.ones(100, dtype=bool)) == pytest.approx((50, 50))


def test_features_act_by_ratios_outliers_are_bounded_and_unknown_is_said():
    frame = pd.DataFrame({"days": [1.0, 3.0, 7.0, np.nan, 1e12] * 20, "same": 5.0})
    scale = LogScale.fit(frame)
    assert scale.names == ("days", "days unknown")
    table = scale.transform(frame)
    assert np.abs(table).max() <= 4
    assert table[1, 0] - table[0, 0] == pytest.approx(table[2, 0] - table[1, 0])  # 2 to 4 is as far as 4 to 8
    assert table[3].tolist() == [0.0, 0.5]


def test_following_the_effect_beats_following_the_risk():
    better = []
    for seed in range(N_SEEDS):
        table, *_, truth, risk = world(seed, n=2500)
        found = doubly_robust(*world(seed, n=2500)[1:3], table, np.arange(2500), binary=True)
        effect, error = effects_unseen(table, found.pseudo_effect, found.propensity, found.fold, 0)
        assert (error > 0).all()
        better.append(qini(-truth, -effect) > qini(-truth, risk))
    assert np.mean(better) >= 0.8


def test_the_gain_of_a_random_order_is_a_straight_line_and_the_best_order_has_the_highest_qini():
    rng = np.random.default_rng(0)
    benefit = rng.normal(0.1, 1, 1000)
    table = gain_table(
        benefit, np.arange(1000), {"best": benefit, "worst": -benefit, "any": rng.random(1000)}, 0.9, 0
    )
    assert table.loc["random", "gain_20"] == pytest.approx(0.2 * benefit.mean())
    assert table["qini"].idxmax() == "best"
    assert table.loc["worst", "high"] < 0 < table.loc["best", "low"]
    assert table.loc["any", "low"] < 0 < table.loc["any", "high"]


@pytest.fixture(scope="module")
def shop():
    return simulate_histories("retailer", 1200, random_state=3, assignment="confounded", care_effect=1.5)


@pytest.fixture(scope="module")
def found(shop):
    return care_effect(shop.histories, "check_in", "churn", shop.care_dates[:3], outcome_from="as_of")


def test_a_shop_that_contacts_the_overdue_learns_what_its_contacts_do(shop, found):
    truth = pd.concat({day: shop.potential_outcomes(day)["effect"] for day in shop.care_dates[:3]})
    planted = truth.reindex(found.rows.index)[found.rows["kept"].to_numpy()].mean()
    assert found.naive_low > 0 > planted  # counting says that care drives buyers away
    assert found.effect == pytest.approx(planted, abs=0.04)
    assert found.verdict in (
        "helps",
        "no effect seen",
        "cannot tell",
    )  # silence decides on both, and strongly
    assert found.strongest_seen > 1.3
    assert found.placebos["passes"].all()
    assert found.e_value >= 1
    assert not found.randomised


def test_the_finding_reads_as_a_sentence(found):
    assert "churn" in found.sentence
    assert found.sentence in repr(found)
    assert "<p>" in found._repr_html_()


def test_the_same_seed_gives_the_same_result_whatever_the_order_of_rows(shop):
    again = Histories(
        shop.transactions.iloc[::-1],
        interactions=shop.interactions.iloc[::-1],
        buyers=shop.buyers,
        observed_from=shop.observed_from,
        observed_until=shop.observed_until,
    )
    first, second = (care_effect(h, "check_in", "spend", shop.care_dates[1]) for h in (shop.histories, again))
    assert_frame_equal(first.rows, second.rows)
    assert_frame_equal(first.targeting, second.targeting)


def test_features_are_of_the_moment_before_the_action(shop):
    day = shop.care_dates[1]
    now = effect_features(shop.histories, [day], "check_in")
    assert_frame_equal(effect_features(shop.histories.until(day), [day], "check_in"), now)
    assert {"n_actions_90d", "days_since_action"} <= set(now.columns)


def test_the_effect_on_each_buyer_can_be_asked_for_and_a_plan_follows_it_only_where_it_is_validated(
    shop, found
):
    day = shop.care_dates[3]
    by_buyer = found.effect_by_buyer(shop.histories, day)
    assert (by_buyer["low"] <= by_buyer["effect"]).all() if found.validated else by_buyer.isna().all().all()
    assert by_buyer.index.is_unique
    book = pd.DataFrame({"churn_risk": 0.5, "as_of": day}, index=by_buyer.index)
    plan = care_plan(book, shop.histories, by="effect", effects=found)
    assert set(plan["ranked_by"]) == {"effect" if found.validated else "risk_value"}


def test_care_given_by_lot_is_taken_as_such(shop):
    rng = np.random.default_rng(0)
    arms = pd.Series(
        rng.choice(["care", "hold_out"], len(shop.histories.buyer_ids)), index=shop.histories.buyer_ids
    )
    result = care_effect(shop.histories, "check_in", "purchases", shop.care_dates[0], randomised=arms)
    assert result.randomised
    assert (result.rows["propensity"] == result.rows["treated"].mean()).all()
    assert result.verdict == "no effect seen"  # these arms were drawn long after the contacts


def test_hopeless_overlap_is_admitted():
    shop = simulate_histories("retailer", 800, random_state=0, assignment="confounded", overlap="hopeless")
    result = care_effect(shop.histories, "check_in", "churn", shop.care_dates[:2], outcome_from="as_of")
    assert result.verdict == "cannot tell"
    assert "These data cannot tell" in result.sentence
    assert not result.validated


def test_mistakes_are_named(shop):
    histories, day = shop.histories, shop.care_dates[0]
    with pytest.raises(OptionError, match="no contact is of the kind 'visit'"):
        care_effect(histories, "visit", "churn", day)
    with pytest.raises(NotEnoughDataError, match="met the action"):
        care_effect(histories, "feedback", "churn", day)
    with pytest.raises(NotObservedError):
        care_effect(histories, "check_in", "churn", histories.observed_until)
    with pytest.raises(OptionError, match="outcome"):
        care_effect(histories, "check_in", "joy", day)
    with pytest.raises(OptionError, match="colour"):
        care_effect(histories, {"colour": "red"}, "churn", day)
    with pytest.raises(OptionError, match="no column of the buyers' table"):
        care_effect(histories, "check_in", "churn", day, randomised="arm")
    with pytest.raises(OptionError, match="outcome_from"):
        care_effect(histories, "check_in", "churn", day, outcome_from="later")
    with pytest.raises(InputError, match="no table of interactions"):
        care_effect(Histories(shop.transactions), "check_in", "churn", day)
