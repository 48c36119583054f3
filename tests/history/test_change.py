"""Records that have a hole at their end, and a business that became another one: said as what they are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from doors import found

from clientcare.history import Histories
from clientcare.history.density import dense_end, find_holes, hole_after
from clientcare.model import RelationshipModel
from clientcare.report import GapDisplay

FIRST = pd.Timestamp("2021-01-01")


def shop(n_days: int, a_day: float = 8, seed: int = 0, **columns: object) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    n = int(n_days * a_day)
    when = FIRST + pd.to_timedelta(rng.uniform(0, n_days, n), unit="D")
    buyers = [f"b{number:03d}" for number in rng.integers(0, 150, n)]
    return pd.DataFrame(
        {"buyer_id": buyers, "timestamp": when, "amount": rng.lognormal(3, 0.5, n).round(2)} | columns
    )


def said(histories: Histories, rule: str) -> str:
    [action] = histories.quality.loc[histories.quality["rule"] == rule, "action"]
    return str(action)


def without(table: pd.DataFrame, first: str, after: str) -> pd.DataFrame:
    return table[~table["timestamp"].between(first, pd.Timestamp(after) - pd.Timedelta(seconds=1))]


@pytest.mark.parametrize("n_days_after", [1, 13])
def test_a_few_days_after_a_hole_are_a_hole_and_not_bookings(n_days_after: int) -> None:
    orders = shop(120)
    late = shop(n_days_after, seed=1)
    late["timestamp"] += pd.Timedelta(days=300)

    histories = Histories(pd.concat([orders, late]))

    assert histories.observed_until == FIRST + pd.Timedelta(days=120)
    assert found(histories, "after_a_hole") == len(late)
    assert "no row for 180 days from 2021-05-01 on" in said(histories, "hole_in_the_records")
    assert "dated_ahead" not in set(histories.quality["rule"])
    assert histories.holes_in("transactions") == [
        (FIRST + pd.Timedelta(days=120), FIRST + pd.Timedelta(days=300))
    ]
    assert histories.until(histories.observed_until).holes.empty


def test_records_that_go_on_for_weeks_after_a_hole_are_the_present() -> None:
    orders = without(shop(600), "2021-12-01", "2022-08-01")

    histories = Histories(orders)

    assert histories.observed_until == FIRST + pd.Timedelta(days=600)
    assert histories.holes_in("transactions") == [(pd.Timestamp("2021-12-01"), pd.Timestamp("2022-08-01"))]
    assert not {"dated_ahead", "after_a_hole"} & set(histories.quality["rule"])
    model = RelationshipModel(horizon="30D", effort="quick").fit(histories)
    assert any("hole of 243 days" in sentence for sentence in model.says_)


def test_bookings_of_the_coming_months_are_no_end_of_a_hole() -> None:
    days = np.repeat(np.arange(400), 8)
    ahead = np.arange(430, 500, 2)
    together = np.concatenate([days, ahead])

    assert dense_end(together, last_day=499) == 400
    assert hole_after(together, end=400) is None


def test_one_hole_in_few_days_of_records_is_found() -> None:
    days = np.repeat(np.concatenate([np.arange(30), np.arange(90, 100)]), 20)

    assert [(hole.first_day, hole.day_after) for hole in find_holes(days)] == [(30, 90)]


def test_gaps_over_a_hole_are_drawn_apart_and_the_hole_is_told() -> None:
    pytest.importorskip("matplotlib")
    histories = Histories(without(shop(600), "2021-12-01", "2022-03-01"))

    display = GapDisplay.from_histories(histories, 30)

    over = display.over_a_hole
    assert 50 < over.sum() <= 150
    assert (display.gap_days[over] >= 90).all()
    assert any("no records for 90 days from 2021-12-01" in text.get_text() for text in display.ax_.texts)
    assert "over a hole in the records" in display.ax_.get_legend_handles_labels()[1]
    plain = GapDisplay.from_histories(Histories(shop(600)), 30)
    assert not plain.over_a_hole.any()
    assert plain.ax_.get_legend() is None


def test_a_business_that_grows_by_a_leap_says_so() -> None:
    more = shop(365, a_day=20, seed=1)
    more["timestamp"] += pd.Timedelta(days=365)

    told = said(Histories(pd.concat([shop(365), more])), "changed_business")

    assert "about 2021-12" in told or "about 2022-01" in told
    assert "purchases went from 2" in told
    assert "categories" not in told


def test_a_business_that_halves_says_so() -> None:
    fewer = shop(365, a_day=3, seed=1)
    fewer["timestamp"] += pd.Timedelta(days=365)

    assert "purchases went from" in said(Histories(pd.concat([shop(365), fewer])), "changed_business")


def test_new_goods_and_new_prices_are_a_change_too() -> None:
    before, after = shop(500, category="bikes"), shop(300, seed=1, category="caps")
    after["timestamp"] += pd.Timedelta(days=500)
    new_goods = Histories(pd.concat([before, after]))
    cents = before.assign(
        amount=before["amount"].where(before["timestamp"] < "2021-10-01", before["amount"] * 100)
    )

    assert "100% of purchases are of categories never seen before" in said(new_goods, "changed_business")
    assert "the usual amount became" in said(Histories(cents), "changed_business")


@pytest.mark.parametrize("kind", ["plain", "season", "growth", "few", "goods of the season", "burst"])
def test_seasons_growth_and_chance_are_no_change(kind: str) -> None:
    rng = np.random.default_rng(5)
    orders = shop(800, a_day=0.5 if kind == "few" else 8, category="a")
    day = (orders["timestamp"] - FIRST).dt.days.to_numpy()
    keep = {
        "plain": np.ones(len(day), dtype=bool),
        "few": np.ones(len(day), dtype=bool),
        "season": rng.random(len(day)) < np.where((day % 365) > 300, 1.0, 0.3),
        "growth": rng.random(len(day)) < np.exp((day - 800) / 365),
        "goods of the season": np.ones(len(day), dtype=bool),
        "burst": rng.random(len(day)) < np.where((day > 400) & (day < 480), 1.0, 0.2),
    }[kind]
    if kind == "goods of the season":
        orders["category"] = np.where((day % 365) > 180, "skis", "boats")

    assert "changed_business" not in set(Histories(orders[keep]).quality["rule"])


def test_what_comes_later_changes_neither_features_nor_what_is_learned() -> None:
    more = shop(365, a_day=20, seed=1)
    more["timestamp"] += pd.Timedelta(days=500)
    together, alone = Histories(pd.concat([shop(365), more])), Histories(shop(365))

    as_of = FIRST + pd.Timedelta(days=365)

    known = [
        str(model)
        for model in (alone.known_at(as_of).observed_until, together.known_at(as_of).observed_until)
    ]
    assert known[0] == known[1]
    assert together.until(as_of).holes.empty
