"""Members that cannot know more give way; the level is settled apart from the ranking."""

import numpy as np
import pytest

from clientcare.model.members.base import Member, share_of
from clientcare.model.training.blend import Blend, shift_to
from clientcare.model.training.judgement import LEAST_EARNED, STEEPNESS, Evidence, Verdict, earned, judge


class Says(Member):
    """A member that says the log-odds in one of its columns."""

    def __init__(self, column: int = 0) -> None:
        self.column = column

    def _log_odds(self, X):
        return X[:, self.column]


def world(sharper: float, n_buyers: int = 800, seed: int = 0):
    """Outcomes, what the probability model says, and a blend whose log-odds are wrong or better."""
    rng = np.random.default_rng(seed)
    known, hidden = rng.normal(0, 1, n_buyers), rng.normal(0, 1, n_buyers)
    y = (rng.random(n_buyers) < share_of(known + hidden)).astype(float)
    return y, share_of(0.8 * known), share_of(0.8 * known + sharper * hidden)


def test_learned_members_keep_their_weight_where_they_were_ahead():
    assert earned(*world(sharper=0.8)) == 1.0


def test_learned_members_yield_where_they_only_add_noise():
    y, lifetime, _ = world(sharper=0.0)
    noisy = share_of(np.log(lifetime / (1 - lifetime)) + np.random.default_rng(1).normal(0, 0.8, len(y)))
    assert earned(y, lifetime, noisy) < 0.1


def test_a_level_missed_by_one_side_earns_and_costs_nothing():
    y, lifetime, blend = world(sharper=0.8)
    off = share_of(np.log(blend / (1 - blend)) + 1.5)
    assert earned(y, lifetime, off) == pytest.approx(earned(y, lifetime, blend))


def test_one_outcome_for_all_tells_nothing():
    assert earned(np.ones(50), np.full(50, 0.9), np.full(50, 0.8)) == 1.0


def test_the_probability_model_keeps_its_weight_when_others_yield():
    weights = {"lifetime": 0.7, "linear": 1.0, "trees": 0.5}
    assert Verdict(earned=0.3).applied(weights) == pytest.approx(
        {"lifetime": 0.7, "linear": 0.3, "trees": 0.15}
    )
    assert Verdict(earned=0.0).applied(weights)["linear"] == pytest.approx(LEAST_EARNED)
    assert Verdict(earned=0.1).applied({"linear": 1.0}) == {"linear": 1.0}


def test_two_probability_members_share_the_weight_of_one():
    shared = Verdict(rhythm=0.75).applied({"lifetime": 0.7, "rhythm": 0.7, "trees": 1.0})
    assert shared == pytest.approx({"lifetime": 0.175, "rhythm": 0.525, "trees": 1.0})


def evidence(y, weights=None, **said):
    """One past date; the blend is the weighted mean."""
    weights = weights or {name: 1.0 for name in said if name != "recency"}

    def blended(counted, believed):
        return sum(w * said[name] for name, w in counted.items()) / sum(counted.values())

    return Evidence(0, np.asarray(y, float), said, weights, blended)


def rhythm_share(y, lifetime, rhythm):
    return judge([evidence(y, lifetime=lifetime, rhythm=rhythm)]).rhythm


def test_the_rhythm_member_takes_the_place_of_the_other_only_where_it_was_clearly_ahead():
    y, plain, better = world(sharper=0.8)
    assert rhythm_share(y, plain, better) > 0.95
    assert rhythm_share(y, better, plain) < 0.01
    assert rhythm_share(y, plain, plain) < 1e-6


def test_one_outcome_for_all_does_not_judge():
    verdict = judge([evidence(np.ones(50), lifetime=np.full(50, 0.9), rhythm=np.full(50, 0.8))])
    assert np.isnan(verdict.rhythm) and np.isnan(verdict.earned) and not verdict.kept


def test_losses_are_compared_as_ratios():
    """A member 10 % worse than the best keeps the same, whether losses are large or small."""
    for share in (0.02, 0.5):
        rng = np.random.default_rng(1)
        y = (rng.random(20_000) < share).astype(float)
        good = np.where(y > 0, 0.7, 0.3) * share / 0.5
        best = -np.mean(np.where(y > 0, np.log(good), np.log1p(-good)))
        verdict = judge([evidence(y, linear=good, trees=np.full(len(y), share))])
        dull = -np.mean(np.where(y > 0, np.log(share), np.log1p(-share)))
        assert verdict.kept["linear"] == 1.0
        assert verdict.kept["trees"] == pytest.approx(np.exp(-STEEPNESS * (dull / best - 1)), rel=1e-6)


def test_one_bad_date_never_throws_the_blend_away():
    """Where the simple rule won by far at the newest date it has half of the answer, never all of it."""
    y, _, sharp = world(sharper=1.0)
    nonsense = 1 - sharp
    verdict = judge([evidence(y, linear=nonsense, recency=sharp)])
    assert verdict.simple == 0.5
    assert verdict.applied({"linear": 1.0}) == pytest.approx(
        {"linear": verdict.kept["linear"], "recency": verdict.kept["linear"]}
    )


def test_several_dates_can_give_the_simple_rule_more_and_a_good_older_date_takes_it_back():
    y, dull, sharp = world(sharper=1.0)
    bad, good = evidence(y, linear=dull, recency=sharp), evidence(y, linear=sharp, recency=dull)
    assert judge([bad, bad, bad]).simple > 0.8
    assert judge([good, good]).simple == 0.0
    assert judge([bad, good, good]).simple < judge([bad, bad, bad]).simple


def test_a_level_that_all_missed_lets_no_simple_rule_in():
    """What decides between the blend and the simple rule is who comes before whom."""
    y, dull, sharp = world(sharper=1.0)
    missed = share_of(np.log(sharp / (1 - sharp)) + 1.5)
    assert judge([evidence(y, linear=missed, recency=dull)]).simple == 0.0


def test_what_could_not_be_judged_is_taken_from_the_other_question():
    assert Verdict(np.nan, 0.2).or_else(Verdict(0.4, 0.9)) == Verdict(0.4, 0.2)


def test_doubt_is_what_the_plainest_model_missed():
    assert Verdict(earned=0.0, rhythm=0.5).doubt == 0.0
    assert Verdict(earned=0.3, rhythm=0.0).doubt == 0.3
    assert Verdict(earned=0.0, rhythm=1.0).doubt == 1.0


def test_the_level_settles_between_the_anchor_and_the_others():
    X = np.column_stack([np.linspace(-3, 1, 200), np.linspace(-1, 3, 200)])
    blend = Blend({"lifetime": Says(0), "linear": Says(1)}, {"lifetime": 0.7, "linear": 2.3})
    levels = share_of(X).mean(axis=0)
    before = blend.probability(X)
    for share in (0.5, 1.0):
        after = blend.settle(X, "lifetime", share).probability(X)
        assert after.mean() == pytest.approx(share * levels[0] + (1 - share) * levels[1])
        assert np.array_equal(np.argsort(after), np.argsort(before))


def test_a_blend_without_the_anchor_is_not_shifted():
    X = np.column_stack([np.linspace(-3, 1, 20), np.linspace(-1, 3, 20)])
    blend = Blend({"linear": Says(0), "trees": Says(1)}, {"linear": 1.0, "trees": 1.0})
    assert blend.settle(X, "lifetime", 0.5).shift == 0.0


def test_a_level_out_of_reach_shifts_nothing():
    assert shift_to(np.array([0.2, 0.4]), 1.0) == 0.0
