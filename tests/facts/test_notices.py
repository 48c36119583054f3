"""Notices: under notice is still in force, the end of service is known from the notice on, and from nowhere before it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import clientcare as cc

FACTS = ["has_contract_in_force", "is_under_notice", "days_to_service_end", "days_to_contract_end"]


def terms(**columns: object) -> pd.DataFrame:
    return pd.DataFrame({"buyer_id": ["a"], "start": "2023-01-01", "amount": 100.0} | columns)


def facts(contracts: pd.DataFrame, as_of: str, until: str = "2025-06-01") -> list[float]:
    histories = cc.Histories(contracts=contracts, observed_until=until)
    return (
        cc.feature_table(histories, as_of, families=["contract"])
        .reindex(columns=FACTS)
        .loc["a"]
        .fillna(-1)
        .tolist()
    )


def test_under_notice_is_in_force_until_the_service_ends() -> None:
    given = terms(notice_at=["2024-06-10"], cancelled_at=["2024-12-31"])

    assert facts(given, "2024-06-10") == [1, 0, -1, -1]
    assert facts(given, "2024-06-11") == [1, 1, 203, 202]
    assert facts(given, "2024-12-31")[:2] == [1, 1]
    assert facts(given, "2025-01-01")[:2] == [0, 0]


def test_nothing_before_the_notice_knows_of_it() -> None:
    with_notice = terms(end=["2025-03-31"], notice_at=["2024-06-10"], cancelled_at=["2024-12-31"])
    other = terms(end=["2025-03-31"], notice_at=["2024-08-01"], cancelled_at=[None])
    cuts = [
        cc.Histories(contracts=table, observed_until="2025-06-01").until("2024-06-10")
        for table in (with_notice, other)
    ]

    for table in (with_notice, other):
        assert facts(table, "2024-06-10") == [1, 0, -1, 294]
    pd.testing.assert_frame_equal(cuts[0].contracts, cuts[1].contracts)
    assert cuts[0].contracts["cancelled_at"].isna().all()


def test_a_notice_alone_ends_the_service_with_the_term() -> None:
    given = terms(end=["2024-12-31"], notice_at=["2024-09-30"])
    histories = cc.Histories(contracts=given, observed_until="2025-06-01")

    assert facts(given, "2024-10-01") == [1, 1, 92, 91]
    assert "notice_alone" in set(histories.quality["rule"])
    assert "cancelled_after_end" not in set(histories.quality["rule"])
    assert facts(terms(notice_at=["2024-09-30"]), "2024-10-01") == [1, 1, -1, -1]  # no end is known


@pytest.mark.parametrize("notice", [None, "2024-08-01"])
def test_a_cancellation_without_a_notice_before_it_is_known_when_it_takes_effect(notice: str | None) -> None:
    table = pd.concat(
        [
            terms(cancelled_at=["2024-06-10"], notice_at=[notice]),
            terms(buyer_id=["b"], cancelled_at=["2024-06-10"], notice_at=["2024-06-01"]),
        ]
    )

    assert facts(table, "2024-06-10") == [1, 0, -1, -1]
    assert facts(table, "2024-06-11")[:2] == [0, 0]


def test_whoever_is_under_notice_has_left_where_the_service_ends_within_the_horizon() -> None:
    given = terms(notice_at=["2024-06-10"], cancelled_at=["2024-12-31"])
    histories = cc.Histories(contracts=given, observed_until="2025-06-01")
    label = cc.ChurnDefinition("90D").label(histories, ["2024-07-01", "2024-11-01"])

    assert label.tolist() == [False, True]


def test_the_observed_stretch_does_not_end_with_a_service_that_ends_later() -> None:
    given = pd.concat([terms(), terms(buyer_id=["b"], notice_at=["2024-06-10"], cancelled_at=["2026-12-31"])])

    assert cc.Histories(contracts=given).observed_until == pd.Timestamp("2024-06-11")


def test_until_keeps_what_was_signed_ahead_and_drops_what_was_not_recorded() -> None:
    table = pd.DataFrame(
        {
            "buyer_id": ["a", "a", "a"],
            "start": ["2023-07-01", "2024-07-01", "2025-07-01"],
            "end": ["2024-06-30", "2025-06-30", "2026-06-30"],
            "recorded_at": ["2023-06-20", "2024-04-10", "2024-06-20"],
            "amount": [100.0, 110.0, 120.0],
        }
    )
    histories = cc.Histories(contracts=table, observed_until="2024-09-01")

    for moment, n_terms in (("2024-04-10", 1), ("2024-04-11", 2), ("2024-07-01", 3)):
        cut = histories.until(moment)
        assert cut.contracts is not None
        assert len(cut.contracts) == n_terms
        same = cc.feature_table(histories, moment, families=["contract"])
        pd.testing.assert_frame_equal(cc.feature_table(cut, moment, families=["contract"]), same)
    assert len(histories.until("2024-07-01").until("2024-04-11").contracts) == 2
    again = cc.Histories(contracts=histories.contracts, observed_until="2024-09-01")
    pd.testing.assert_frame_equal(again.contracts, histories.contracts)
    assert len(again.until("2024-04-11").contracts) == 2


def test_a_renewal_signed_ahead_counts_and_carries_the_end() -> None:
    table = pd.DataFrame(
        {
            "buyer_id": ["a", "a"],
            "start": ["2023-07-01", "2024-07-01"],
            "end": ["2024-06-30", "2025-06-30"],
            "recorded_at": ["2023-06-20", "2024-04-10"],
        }
    )
    histories = cc.Histories(contracts=table, observed_until="2024-09-01")
    asked = ["n_renewals", "n_renewals_signed_ahead", "days_to_contract_end", "has_contract_in_force"]

    before, after = (
        cc.feature_table(histories, moment, families=["contract"]).loc["a", asked].tolist()
        for moment in ("2024-04-10", "2024-04-11")
    )
    assert before == [0, 0, 81, 1]
    assert after == [1, 1, 445, 1]


def random_terms(rng: np.random.Generator, n_rows: int) -> pd.DataFrame:
    """Terms of a year of few buyers, many of them recorded months before they begin or days after."""
    start = pd.Timestamp("2022-01-01") + pd.to_timedelta(rng.integers(0, 900, n_rows), unit="D")
    cancelled = pd.Series(start + pd.to_timedelta(rng.integers(1, 400, n_rows), unit="D"))
    cancelled = cancelled.where(rng.random(n_rows) < 0.4)
    notice = cancelled - pd.to_timedelta(pd.Series(rng.integers(0, 120, n_rows)), unit="D")
    return pd.DataFrame(
        {
            "buyer_id": rng.choice(list("abcdef"), n_rows),
            "start": start,
            "end": start + pd.Timedelta(days=364),
            "cancelled_at": cancelled,
            "notice_at": notice.where(rng.random(n_rows) < 0.7),
            "recorded_at": start + pd.to_timedelta(rng.integers(-120, 20, n_rows), unit="D"),
            "amount": rng.integers(1, 9, n_rows) * 10.0,
        }
    )


@pytest.mark.parametrize("seed", range(12))
def test_another_future_of_what_is_signed_and_given_notice_of_changes_no_feature(seed: int) -> None:
    rng, as_of = np.random.default_rng(seed), pd.Timestamp("2023-07-01")
    here, there = random_terms(rng, 40), random_terms(rng, 40)
    known = here[here["recorded_at"] < as_of].copy()
    open_still = ~(known["notice_at"].fillna(known["cancelled_at"]) < as_of)
    known.loc[open_still, ["cancelled_at", "notice_at"]] = pd.NaT
    other = pd.concat([known, there[(there["recorded_at"] >= as_of) & (there["start"] >= as_of)]])

    mine, theirs = (
        cc.feature_table(cc.Histories(contracts=table, observed_until="2025-06-01"), as_of)
        for table in (here, other)
    )
    pd.testing.assert_frame_equal(mine, theirs)


def test_a_renewal_that_was_signed_and_withdrawn_is_one_until_then_and_never_begins() -> None:
    table = pd.DataFrame(
        {
            "buyer_id": ["a", "a"],
            "start": ["2023-01-01", "2024-01-01"],
            "end": ["2023-12-31", "2024-12-31"],
            "recorded_at": ["2022-12-01", "2023-05-01"],
            "cancelled_at": [None, "2024-01-01"],
            "notice_at": [None, "2023-05-20"],
        }
    )
    histories = cc.Histories(contracts=table, observed_until="2024-09-01")
    asked = ["n_renewals", "days_to_contract_end", "n_contracts", "n_contracts_cancelled"]

    def told(moment: str) -> list[float]:
        full, cut = (
            cc.feature_table(one, moment, families=["contract"]).loc["a", asked].fillna(-1).tolist()
            for one in (histories, histories.until(moment))
        )
        assert full == cut
        return full

    assert "signed_and_withdrawn" in set(histories.quality["rule"])
    assert told("2023-05-10") == [1, 601, 1, 0]
    assert told("2023-06-10") == [0, 204, 1, 0]
    assert told("2024-03-01") == [0, -1, 1, 0]
    assert cc.ChurnDefinition("30D").label(histories, "2024-01-20").tolist() == [True]


def test_a_term_cancelled_on_the_day_it_starts_was_never_in_force() -> None:
    table = terms(buyer_id=["a", "b"], cancelled_at=["2023-01-01", None])
    histories = cc.Histories(contracts=table, observed_until="2024-09-01")

    assert cc.feature_table(histories, "2023-03-01").index.tolist() == ["b"]


def test_an_end_that_an_upgrade_has_taken_the_place_of_is_no_end() -> None:
    table = terms(
        buyer_id=["a", "a"],
        start=["2023-01-01", "2023-09-01"],
        end=["2023-12-31", "2024-08-31"],
    )

    assert facts(table, "2023-10-01")[3] == 335
