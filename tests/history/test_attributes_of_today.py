"""Attributes that say who is here at the export are told, are no features, and group buyers all the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import clientcare as cc
from clientcare.scoring import read_book, score_dataset

END = pd.Timestamp("2024-01-01")


def shop(n: int = 150, seed: int = 1) -> pd.DataFrame:
    """Buyers who begin at different times, buy at rates of their own, and stop."""
    rng = np.random.default_rng(seed)
    rows = []
    for buyer in range(n):
        at = pd.Timestamp("2022-01-01") + pd.Timedelta(days=float(rng.uniform(0, 400)))
        stop, gap = (
            pd.Timestamp("2022-01-01") + pd.Timedelta(days=float(rng.uniform(300, 900))),
            rng.uniform(10, 60),
        )
        while at < min(stop, END):
            rows.append((f"B{buyer:03d}", at.floor("s"), round(float(rng.lognormal(3, 0.5)), 2)))
            at += pd.Timedelta(days=float(rng.exponential(gap) + 0.5))
    return pd.DataFrame(rows, columns=["buyer_id", "timestamp", "amount"])


SHOP = shop()
BY_BUYER = SHOP.groupby("buyer_id")
LAST = BY_BUYER["timestamp"].max()
SILENT = (END - LAST).dt.days


def lately(days: int) -> pd.Series:
    return SHOP[SHOP["timestamp"] > END - pd.Timedelta(days=days)].groupby("buyer_id")["amount"].sum()


OF_TODAY = {
    "is_active": (SILENT < 60).astype(int),
    "lifecycle_stage": SILENT.map(
        lambda days: "active" if days < 60 else "at risk" if days < 150 else "lapsed"
    ),
    "kundenstand": SILENT.map(lambda days: "da" if days < 90 else "weg"),
    "rfm": pd.qcut(LAST.rank(), 5, labels=list("12345")).astype(str),
    "gross": BY_BUYER["amount"].sum() * 1.19,
    "cents": (BY_BUYER["amount"].sum() * 100).round(),
    "orders_and_one": BY_BUYER.size() + 1,
    "largest": BY_BUYER["amount"].max(),
    "last_90d": lately(90).reindex(LAST.index).fillna(0.0),
    "silent_at_a_later_export": SILENT + 12,
    "weeks_of_silence": SILENT // 7,
    "zuletzt": LAST.dt.strftime("%d.%m.%Y"),
    "last_and_three_days": LAST + pd.Timedelta(days=3),
    "reason_of_leaving": SILENT.map(lambda days: "price" if days > 120 else None),
    "usual_gap": (LAST - BY_BUYER["timestamp"].min()).dt.days / (BY_BUYER.size() - 1).clip(lower=1),
}


def read(name: str, values: pd.Series, **options: object) -> cc.Histories:
    attributes = pd.DataFrame({"buyer_id": LAST.index, name: np.asarray(values)})
    return cc.Histories(SHOP, buyers=attributes, **options)


@pytest.mark.parametrize("name", OF_TODAY)
def test_what_was_worked_out_of_the_present_is_no_feature(name: str) -> None:
    histories = read(name, OF_TODAY[name])
    assert cc.feature_table(histories, "2023-07-01", families=["static"]).empty or not len(
        cc.feature_table(histories, "2023-07-01", families=["static"]).columns
    )
    rules = set(histories.quality["rule"])
    assert f"of_today_{name}" in rules or f"computed_{name}" in rules
    if histories.attributes_of_today:
        assert name in histories.buyers
        assert any(name in sentence for sentence in histories.says)


def test_a_flag_of_another_name_is_told_by_what_it_explains_and_kept() -> None:
    """It may be a trait that decides who leaves: only rows to come could tell, and they may decide nothing."""
    rng = np.random.default_rng(0)
    here = (SILENT < 75).to_numpy() ^ (rng.random(len(SILENT)) < 0.08)
    histories = read("app_in_use", pd.Series(np.where(here, "yes", "no"), index=SILENT.index))
    assert histories.attributes_of_today == ()
    told = histories.quality.set_index("rule").at["perhaps_of_today_app_in_use", "action"]
    assert "leave it out with columns=" in told
    assert list(cc.feature_table(histories, "2023-07-01", families=["static"])) == ["buyer_app_in_use"]


@pytest.mark.parametrize("seed", range(6))
def test_traits_stay_features(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = len(LAST)
    first = BY_BUYER["timestamp"].min()
    traits = pd.DataFrame(
        {
            "buyer_id": LAST.index,
            "region": rng.choice(["north", "south", "west"], n),
            "vip": rng.choice([True, False], n),
            "n_employees": rng.lognormal(3, 1, n).round(),
            "phone_known": np.where(rng.random(n) < 0.3, None, "yes"),
            "member_since": (first - pd.to_timedelta(rng.integers(0, 9, n), unit="D")).to_numpy(),
            "cohort": first.dt.strftime("%Y-%m").to_numpy(),
            "age_of_account": (END - first).dt.days.to_numpy(),
        }
    )
    histories = cc.Histories(SHOP, buyers=traits)
    assert histories.attributes_of_today == ()
    assert len(cc.feature_table(histories, "2023-07-01", families=["static"]).columns) == 7


def test_a_trait_that_moves_the_rate_of_buying_stays_a_feature() -> None:
    rng = np.random.default_rng(3)
    count = BY_BUYER.size()
    kind = np.where(rng.random(len(count)) < 0.3 + 0.4 * (count > count.median()), "office", "home")
    assert read("kind_of_buyer", pd.Series(kind, index=count.index)).attributes_of_today == ()


def test_the_caller_may_say_that_an_attribute_held_at_every_date() -> None:
    for named in (["is_active"], "is_active", "region, is_active"):
        histories = read("is_active", OF_TODAY["is_active"], lasting_attributes=named)
        assert histories.attributes_of_today == ()
        assert list(cc.feature_table(histories, "2023-07-01", families=["static"])) == ["buyer_is_active"]
    kept = read("orders", BY_BUYER.size(), lasting_attributes=["orders"])
    assert list(kept.buyers) == ["orders"]


def test_a_book_learned_beside_a_flag_of_today_is_the_book_without_it() -> None:
    model = cc.RelationshipModel(horizon="60D", effort="quick", random_state=0)
    flagged, plain = read("is_active", OF_TODAY["is_active"]), cc.Histories(SHOP)
    books = [model.fit(one, as_of="2023-07-01").score(one, as_of="2023-07-01") for one in (flagged, plain)]
    pd.testing.assert_series_equal(books[0]["churn_risk"], books[1]["churn_risk"])


def test_parts_leave_out_what_the_whole_leaves_out(tmp_path: Path) -> None:
    attributes = pd.DataFrame(
        {
            "buyer_id": LAST.index,
            "is_active": OF_TODAY["is_active"].to_numpy(),
            "region": np.random.default_rng(0).choice(["north", "south"], len(LAST)),
        }
    )
    histories = cc.Histories(SHOP, buyers=attributes)
    model = cc.RelationshipModel(horizon="60D", effort="quick", random_state=0).fit(histories)
    whole = model.score(histories, as_of="2023-12-01")
    result = score_dataset(
        model,
        transactions=SHOP,
        buyers=attributes,
        as_of="2023-12-01",
        out=tmp_path / "b.parquet",
        n_partitions=4,
    )
    assert "of_today_is_active" in set(result.quality["rule"])
    assert any("is_active" in sentence for sentence in result.says)
    book = read_book(tmp_path / "b.parquet").loc[whole.index]
    assert book["churn_risk"].equals(whole["churn_risk"])
