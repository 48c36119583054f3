"""Types of buyer: their answers against simulated futures, and types found in histories against those behind them."""

from dataclasses import replace

import numpy as np
import pytest

from clientcare.btyd import ParetoNBD
from clientcare.model.members import type_mixture as buyer_types
from clientcare.model.members.type_mixture import BuyerTypes, Signs, find_types

THREE = BuyerTypes(
    phases=np.array([1, 2, 4]),
    step_rate=np.array([1 / 40, 2 / 30, 4 / 25]),
    leaving_rate=np.array([1 / 200, 1 / 400, 1 / 900]),
    contact_rate=np.array([0.002, 0.01, 0.02]),
    share=np.array([0.4, 0.3, 0.3]),
)
HORIZON = 180


def lives(types: BuyerTypes, n_buyers: int, seed: int = 0) -> tuple[Signs, np.ndarray]:
    """Signs of simulated buyers up to now, and how often each buys in the three thirds of the horizon after it."""
    rng = np.random.default_rng(seed)
    of = rng.choice(len(types.share), n_buyers, p=types.share)
    age, leaves = rng.uniform(50, 600, n_buyers), rng.exponential(1 / types.leaving_rate[of])
    n_repeats, last, log_gaps = np.zeros(n_buyers), np.zeros(n_buyers), np.zeros(n_buyers)
    thirds, at = np.zeros((n_buyers, 3)), np.zeros(n_buyers)
    going = np.ones(n_buyers, dtype=bool)
    while going.any():
        gap = rng.gamma(types.phases[of]) / types.step_rate[of]
        at += gap
        going &= at < np.minimum(leaves, age + HORIZON)
        past, ahead = going & (at < age), np.flatnonzero(going & (at >= age))
        n_repeats[past] += 1
        last[past] = at[past]
        log_gaps[past] += np.log(gap[past])
        third = ((at[ahead] - age[ahead]) // (HORIZON / 3)).astype(int)
        np.add.at(thirds, (ahead, third), 1)
    there = np.minimum(leaves, age)
    n_contacts = rng.poisson(types.contact_rate[of] * there).astype(float)
    last_contact = np.where(
        n_contacts > 0, there * rng.random(n_buyers) ** (1 / np.maximum(n_contacts, 1)), 0.0
    )
    return Signs(n_repeats, last, np.maximum(last, last_contact), age, log_gaps, n_contacts), thirds


def off_by_tenth(said: np.ndarray, happened: np.ndarray) -> np.ndarray:
    """By how many standard errors a tenth of the buyers, in the order of what was said, is off in the mean."""
    tenths = np.array_split(np.argsort(said), 10)
    return np.array(
        [
            (said[tenth] - happened[tenth]).mean() / (happened[tenth].std() / np.sqrt(len(tenth)) + 1e-4)
            for tenth in tenths
        ]
    )


@pytest.fixture(scope="module")
def simulated() -> tuple[Signs, np.ndarray]:
    return lives(THREE, 60_000)


def test_no_purchase_in_the_horizon_is_as_likely_as_it_happens(simulated):
    signs, thirds = simulated
    silent = 1 - THREE.answer(signs, THREE.activity(HORIZON))
    assert np.abs(off_by_tenth(silent, (thirds.sum(axis=1) == 0).astype(float))).max() < 3.5


@pytest.mark.parametrize("min_parts", [1, 2, 3])
def test_buying_in_so_many_thirds_is_as_likely_as_it_happens(simulated, min_parts):
    signs, thirds = simulated
    said = THREE.answer(signs, THREE.activity(HORIZON, 3, min_parts))
    assert np.abs(off_by_tenth(said, ((thirds > 0).sum(axis=1) >= min_parts).astype(float))).max() < 3.5


def test_as_many_purchases_come_as_were_expected(simulated):
    signs, thirds = simulated
    said = THREE.answer(signs, THREE.purchases(HORIZON))
    assert np.abs(off_by_tenth(said, thirds.sum(axis=1))).max() < 3.5
    assert said.sum() == pytest.approx(thirds.sum(), rel=0.01)


def test_a_contact_since_the_last_purchase_says_that_somebody_is_there(simulated):
    signs, _ = simulated
    silent = replace(signs, last_sign_days=signs.last_purchase_days)
    in_touch = replace(signs, last_sign_days=signs.age_days)
    asked = THREE.activity(HORIZON)
    assert (THREE.answer(in_touch, asked) >= THREE.answer(silent, asked) - 1e-12).all()


def test_one_type_at_random_that_never_leaves_is_a_poisson_process():
    poisson = BuyerTypes(np.array([1]), np.array([0.05]), np.array([1e-30]), np.array([0.0]), np.array([1.0]))
    signs, _ = lives(replace(THREE, share=np.array([1.0, 0.0, 0.0])), 50)
    signs = replace(signs, n_contacts=np.zeros(50), last_sign_days=signs.last_purchase_days)
    assert poisson.answer(signs, poisson.activity(30)) == pytest.approx(1 - np.exp(-0.05 * 30))
    assert poisson.answer(signs, poisson.purchases(30)) == pytest.approx(0.05 * 30)
    log_likelihood = signs.n_repeats * np.log(0.05) - 0.05 * signs.age_days
    assert poisson.log_likelihood(signs)[:, 0] == pytest.approx(log_likelihood, abs=1e-6)


def test_the_likelihoods_of_one_history_and_no_purchase_after_it_make_the_answer():
    """P(no purchase in H) = L(age + H) / L(age): the same likelihood called twice."""
    signs, _ = lives(THREE, 200)
    alone = replace(THREE, contact_rate=np.zeros(3))
    signs = replace(signs, n_contacts=np.zeros(200), last_sign_days=signs.last_purchase_days)
    later = replace(signs, age_days=signs.age_days + 90)
    now, then = (np.exp(alone.log_likelihood(s)) @ alone.share for s in (signs, later))
    assert 1 - alone.answer(signs, alone.activity(90)) == pytest.approx(then / now, rel=1e-9)


def test_long_and_busy_histories_stay_finite():
    signs = Signs(
        n_repeats=np.array([0.0, 5_000.0, 3.0]),
        last_purchase_days=np.array([0.0, 3_640.0, 9.0]),
        last_sign_days=np.array([0.0, 3_640.0, 3_650.0]),
        age_days=np.full(3, 3_650.0),
        sum_log_gaps=np.array([0.0, -1_600.0, 3.0]),
        n_contacts=np.array([0.0, 0.0, 4_000.0]),
    )
    types = find_types(signs, {"r": 0.5, "alpha": 50.0, "s": 0.5, "beta": 80.0})
    for asked in (types.activity(90), types.activity(1, 3, 2), types.activity(5_000), types.purchases(90)):
        assert np.isfinite(types.answer(signs, asked)).all()


@pytest.fixture(scope="module")
def found() -> tuple[BuyerTypes, Signs, np.ndarray]:
    signs, thirds = lives(THREE, 4_000, seed=1)
    laws = (
        ParetoNBD()
        .fit(np.column_stack([signs.n_repeats, signs.last_purchase_days, signs.age_days]))
        .parameters_
    )
    return find_types(signs, laws), signs, thirds


def test_types_found_answer_nearly_as_the_types_behind_the_buyers(found):
    types, signs, _ = found
    found_risk, true_risk = (1 - who.answer(signs, who.activity(HORIZON)) for who in (types, THREE))
    entropy = -(true_risk * np.log(true_risk) + (1 - true_risk) * np.log1p(-true_risk)).mean()
    p = np.clip(found_risk, 1e-9, 1 - 1e-9)
    excess = -(true_risk * np.log(p) + (1 - true_risk) * np.log1p(-p)).mean() / entropy - 1
    assert excess < 0.035


def test_a_pareto_model_of_the_same_buyers_is_further_off(found):
    types, signs, thirds = found
    table = np.column_stack([signs.n_repeats, signs.last_purchase_days, signs.age_days])
    silent = thirds.sum(axis=1) == 0
    losses = [
        -np.log(np.clip(np.where(silent, risk, 1 - risk), 1e-6, 1)).mean()
        for risk in (
            1 - types.answer(signs, types.activity(HORIZON)),
            ParetoNBD().fit(table).predict_no_purchase(table, HORIZON),
        )
    ]
    assert losses[0] < losses[1] - 0.015


def test_buyers_at_random_are_found_at_random():
    at_random = replace(THREE, phases=np.ones(3, dtype=int), step_rate=np.array([1 / 20, 1 / 40, 1 / 80]))
    signs, _ = lives(at_random, 2_000, seed=2)
    table = np.column_stack([signs.n_repeats, signs.last_purchase_days, signs.age_days])
    types = find_types(signs, ParetoNBD().fit(table).parameters_)
    assert types.share[types.phases == 1].sum() > 0.85
    assert types.share.sum() == pytest.approx(1)
    assert (np.diff(types.phases) >= 0).all()


def test_the_order_of_the_buyers_in_a_chunk_changes_nothing(monkeypatch):
    signs, _ = lives(THREE, 300)
    whole = THREE.answer(signs, THREE.activity(HORIZON))
    monkeypatch.setattr(buyer_types, "ROWS_AT_ONCE", 7)
    assert np.array_equal(THREE.answer(signs, THREE.activity(HORIZON)), whole)


def test_one_who_buys_far_more_often_than_all_others_is_known_to_come_back():
    usual = np.zeros(40)
    last = np.append(usual, 3_000.0)
    often = Signs(
        n_repeats=np.append(usual, 2_000.0),
        last_purchase_days=last,
        last_sign_days=last,
        age_days=np.append(np.linspace(10, 3_000, 40), 3_001.0),
        sum_log_gaps=np.append(usual, 800.0),
        n_contacts=np.zeros(41),
    )
    types = find_types(often, {"r": 0.006, "alpha": 1.4, "s": 0.27, "beta": 4_140.0})
    assert types.answer(often, types.activity(90))[-1] > 0.95
    assert types.answer(often, types.purchases(90))[-1] > 30


def test_contacts_that_were_not_counted_are_a_sign_of_life_and_their_number_tells_nothing():
    signs, _ = lives(THREE, 200)
    unknown = replace(signs, n_contacts=np.full(200, np.nan))
    alone = replace(THREE, contact_rate=np.zeros(3))
    assert np.array_equal(THREE.log_likelihood(unknown), alone.log_likelihood(unknown))
    assert np.isfinite(THREE.answer(unknown, THREE.activity(HORIZON))).all()
    some = replace(signs, n_contacts=np.where(np.arange(200) % 2, signs.n_contacts, np.nan))
    said = THREE.answer(some, THREE.activity(HORIZON))
    assert np.array_equal(said[1::2], THREE.answer(signs, THREE.activity(HORIZON))[1::2])
    assert np.array_equal(said[::2], THREE.answer(unknown, THREE.activity(HORIZON))[::2])


def test_types_are_found_where_no_contact_was_counted():
    signs, _ = lives(THREE, 300)
    laws = {"r": 0.5, "alpha": 50.0, "s": 0.5, "beta": 80.0}
    types = find_types(replace(signs, n_contacts=np.full(300, np.nan)), laws)
    assert np.array_equal(types.contact_rate, np.zeros(len(types.share)))
