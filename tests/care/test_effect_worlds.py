"""Worlds with a known effect, made by other laws than the simulator's: what is claimed of them is true, or not claimed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import clientcare as cc
from clientcare.exceptions import InputError, OptionError

DATE = pd.Timestamp("2024-03-01")


def days(n: int) -> pd.Timedelta:
    return pd.Timedelta(days=int(n))


def histories(orders: list[tuple], contacts: list[tuple]) -> cc.Histories:
    return cc.Histories(
        pd.DataFrame(orders, columns=["buyer_id", "timestamp", "amount"]),
        pd.DataFrame(contacts, columns=["buyer_id", "timestamp", "kind", "direction", "status"]),
        observed_until="2024-07-01",
    )


def lottery(seed: int = 7, n: int = 1200) -> tuple[cc.Histories, pd.Series]:
    """Care by lot that brings three of ten back within ten days."""
    rng = np.random.default_rng(seed)
    cared = rng.random(n) < 0.5
    orders = [(i, DATE - days(d), 20.0) for i in range(n) for d in rng.integers(1, 200, 3)]
    for i in range(n):
        if cared[i] and rng.random() < 0.3:
            orders.append((i, DATE + days(rng.integers(1, 11)), 20.0))
        elif rng.random() < 0.4:
            orders.append((i, DATE + days(rng.integers(0, 90)), 20.0))
    contacts = [(i, DATE, "check_in", "outbound", "kept") for i in np.flatnonzero(cared)]
    arms = pd.Series(np.where(cared, "care", "hold_out"), index=pd.RangeIndex(n, name="buyer_id"))
    return histories(orders, contacts), arms


def test_care_by_lot_that_works_within_days_is_reported_as_help() -> None:
    h, arms = lottery()
    left = cc.ChurnDefinition("60D").label(h, DATE)
    by_hand = left[arms.index[arms == "care"]].mean() - left[arms.index[arms == "hold_out"]].mean()

    found = cc.care_effect(h, "check_in", "churn", DATE, horizon="60D", randomised=arms)

    assert by_hand < -0.2
    assert found.effect == pytest.approx(by_hand, abs=0.02)
    assert found.verdict == "helps"


@pytest.mark.parametrize("words", [("treatment", "control"), ("Care", "Hold-out"), (True, False), ("1", "0")])
def test_the_words_of_the_field_for_arms_are_known(words: tuple) -> None:
    h, arms = lottery(n=400)
    found = cc.care_effect(
        h,
        "check_in",
        "churn",
        DATE,
        horizon="60D",
        randomised=arms.map({"care": words[0], "hold_out": words[1]}),
    )
    assert found.randomised


def test_arms_under_unknown_words_or_for_other_ids_are_refused() -> None:
    h, arms = lottery(n=400)
    with pytest.raises(OptionError, match="'blue', 'red' are no arms"):
        cc.care_effect(
            h,
            "check_in",
            "churn",
            DATE,
            horizon="60D",
            randomised=arms.map({"care": "red", "hold_out": "blue"}),
        )
    with pytest.raises(InputError, match="no arm names a buyer"):
        cc.care_effect(
            h,
            "check_in",
            "churn",
            DATE,
            horizon="60D",
            randomised=arms.set_axis(arms.index.astype(str) + "x"),
        )


def test_a_lottery_among_buyers_that_are_all_alike_is_evaluated() -> None:
    ids = np.arange(200)
    orders = [(i, pd.Timestamp(day), 5.0) for i in ids for day in ("2024-01-05", "2024-02-05", "2024-04-01")]
    h = histories(orders, [(i, pd.Timestamp("2024-03-02"), "check_in", "outbound", None) for i in ids[:100]])
    arms = pd.Series(["care"] * 100 + ["hold_out"] * 100, index=ids)
    assert (
        cc.care_effect(h, "check_in", "churn", DATE, horizon="60D", randomised=arms).verdict
        == "no effect seen"
    )


def only_the_present(seed: int, n: int = 900) -> cc.Histories:
    """Reviews are tried with all and kept with those who are still here; they do nothing."""
    rng = np.random.default_rng(seed)
    orders, contacts = [], []
    for i in range(n):
        here = rng.random() < 0.6
        orders += [(i, DATE - days(d), 20.0) for d in rng.integers(20, 250, 4)]
        if here and rng.random() < 0.8:
            orders.append((i, DATE + days(rng.integers(15, 70)), 20.0))
        for shift in (40, -3):
            if rng.random() < 0.5:
                contacts.append(
                    (i, DATE - days(shift), "check_in", "outbound", "kept" if here or shift > 0 else "missed")
                )
    return histories(orders, contacts)


@pytest.mark.parametrize("seed", range(4))
def test_contact_that_needs_the_buyer_to_be_there_claims_nothing(seed: int) -> None:
    h = only_the_present(seed)
    kept = cc.care_effect(h, "check_in", "churn", DATE, horizon="60D")
    tried = cc.care_effect(h, "check_in", "churn", DATE, horizon="60D", status="attempt")

    assert kept.verdict == "cannot tell"
    assert any("needed the buyer to take part" in reason for reason in kept.reasons)
    assert tried.verdict in ("no effect seen", "cannot tell")


def unseen_mood(seed: int, n: int = 2500) -> cc.Histories:
    """Half are in a bad mood that nobody wrote down: they leave more often, and are contacted more often."""
    rng = np.random.default_rng(seed)
    bad = rng.random(n) < 0.5
    orders, contacts = [], []
    for i in range(n):
        orders += [(i, DATE - days(d), 20.0) for d in rng.integers(1, 300, 4)]
        if rng.random() < (0.35 if bad[i] else 0.55):
            orders.append((i, DATE + days(rng.integers(15, 75)), 20.0))
        for shift in (60, -2):
            if rng.random() < (0.5 if bad[i] and shift < 0 else 0.3):
                contacts.append((i, DATE - days(shift), "check_in", "outbound", None))
    return histories(orders, contacts)


@pytest.mark.parametrize("seed", range(4))
def test_an_unseen_mood_is_not_reported_as_harm(seed: int) -> None:
    assert cc.care_effect(unseen_mood(seed), "check_in", "churn", DATE, horizon="60D").verdict in (
        "no effect seen",
        "cannot tell",
    )
