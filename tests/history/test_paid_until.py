"""Ends that are the end of the paid period: found where a billing export wrote them, and never where terms are fixed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

import clientcare as cc

EXPORT = pd.Timestamp("2024-06-12")
DAY = pd.Timedelta(days=1)


def months(date: pd.Timestamp, n: int) -> pd.Timestamp:
    return date + pd.DateOffset(months=int(n))


def signed_up(rng: np.random.Generator, n: int, first: str = "2021-06-12") -> list[pd.Timestamp]:
    days = (EXPORT - pd.Timestamp(first)).days
    return [pd.Timestamp(first) + int(day) * DAY for day in rng.integers(0, days, n)]


def table(starts: list[pd.Timestamp], ends: list[pd.Timestamp]) -> pd.DataFrame:
    ids = [f"s{number:04d}" for number in range(len(starts))]
    return pd.DataFrame({"buyer_id": ids, "start": starts, "end": ends, "amount": 30.0})


def subscriptions(
    step: int,
    leave: float,
    first: str = "2021-06-12",
    on_first: bool = False,
    last_day: bool = False,
    n: int = 500,
) -> pd.DataFrame:
    """A row a subscriber; the end is the last period paid for, at the export the present one."""
    rng = np.random.default_rng(step)
    starts = signed_up(rng, n, first)
    starts = [date.replace(day=1) for date in starts] if on_first else starts
    ends = []
    for start in starts:
        paid = [months(start, k) - DAY * int(last_day) for k in range(step, 200, step)]
        kept = int(rng.geometric(leave))
        ends.append(next(date for k, date in enumerate(paid, 1) if date >= EXPORT or k == kept))
    return table(starts, ends)


PAID = {
    "monthly": lambda: subscriptions(1, 0.05),
    "monthly, last day": lambda: subscriptions(1, 0.05, last_day=True),
    "on the first": lambda: subscriptions(1, 0.05, on_first=True),
    "quarterly": lambda: subscriptions(3, 0.12),
    "yearly": lambda: subscriptions(12, 0.2, first="2014-06-12"),
    "few": lambda: subscriptions(1, 0.05, n=90),
    "those who pay now": lambda: subscriptions(1, 0.05).query("end >= @EXPORT").reset_index(drop=True),
}


@pytest.mark.parametrize("world", PAID)
def test_the_end_of_the_paid_period_is_an_open_end(world: str) -> None:
    given = PAID[world]()
    histories = cc.Histories(contracts=given, observed_until=EXPORT)

    assert "end_is_paid_until" in set(histories.quality["rule"])
    assert any("not an agreed end" in sentence for sentence in histories.says)
    kept = histories.contracts.set_index("buyer_id")
    ended = given.set_index("buyer_id")["end"].reindex(kept.index) < EXPORT
    assert kept["end"].isna().all()
    assert (kept["cancelled_at"].notna() == ended).all()
    past = cc.feature_table(histories, "2024-01-15", families=["contract"])
    assert past["days_to_contract_end"].isna().all()


def fixed(*lengths: int, first: str = "2021-06-12", until: str | None = None) -> pd.DataFrame:
    """Terms of fixed lengths in months, signed on any day, until some date; never renewed."""
    rng = np.random.default_rng(1)
    starts = [date for date in signed_up(rng, 700, first) if until is None or date < pd.Timestamp(until)]
    return table(starts, [months(start, rng.choice(lengths)) for start in starts])


def school(years: int, leavers: bool, joiners: bool) -> pd.DataFrame:
    """Pupils of school years that end on the last day of June; some come later, some leave before the end."""
    rng = np.random.default_rng(2)
    starts, ends = [], []
    for year in range(2024 - years, 2024):
        for _ in range(120):
            start = pd.Timestamp(year, 9, 1) + DAY * int(
                rng.integers(0, 250) * (joiners and rng.random() < 0.7)
            )
            end = pd.Timestamp(year + 1, 6, 30)
            if leavers and rng.random() < 0.3:
                end = start + (end - start) * rng.random()
            starts.append(start)
            ends.append(end.normalize())
    return table(starts, ends)


FIXED: dict[str, Callable[[], pd.DataFrame]] = {
    "a year": lambda: fixed(12),
    "a month": lambda: fixed(1),
    "several lengths": lambda: fixed(6, 12, 24, 36),
    "no longer sold": lambda: fixed(36, first="2021-06-20", until="2021-07-05"),
    "several, no longer sold": lambda: fixed(12, 24, 36, first="2019-01-01", until="2023-06-20"),
    "a school year": lambda: school(1, leavers=False, joiners=False),
    "a school year with late pupils": lambda: school(1, leavers=False, joiners=True),
    "a school year that pupils leave": lambda: school(1, leavers=True, joiners=True),
    "school years": lambda: school(5, leavers=False, joiners=True),
    "school years that pupils leave": lambda: school(5, leavers=True, joiners=True),
    "renewed in new rows": lambda: pd.concat(
        [subscriptions(1, 0.05).assign(end=lambda t: t["start"] + pd.Timedelta(days=365)), fixed(12)]
    ),
    "few": lambda: subscriptions(1, 0.05, n=25),
    "young": lambda: subscriptions(12, 0.2, first="2023-06-12"),
}


@pytest.mark.parametrize("world", FIXED)
@pytest.mark.parametrize("export", ["2024-06-12", "2024-06-28", "2024-02-20"])
def test_fixed_terms_and_school_years_keep_their_ends(world: str, export: str) -> None:
    given = FIXED[world]()
    histories = cc.Histories(contracts=given, observed_until=export)

    assert "end_is_paid_until" not in set(histories.quality["rule"])
    assert histories.contracts["end"].notna().all()


def test_what_ends_are_can_be_stated() -> None:
    paid, terms = subscriptions(1, 0.05), fixed(12)

    told = cc.Histories(contracts=paid, observed_until=EXPORT, ends="scheduled")
    assert told.contracts["end"].notna().all()
    stated = cc.Histories(contracts=terms, observed_until=EXPORT, ends="paid_until")
    at_export = cc.Histories(contracts=terms, observed_until="2024-06-30", ends=EXPORT)
    for histories in (stated, at_export):
        assert histories.contracts["end"].isna().all()
        assert "end_is_paid_until" in set(histories.quality["rule"])
    with pytest.raises(cc.exceptions.ClientcareError):
        cc.Histories(contracts=terms, ends="sometimes")


def test_who_cancelled_before_the_paid_end_left_then() -> None:
    paid = subscriptions(1, 0.05)
    paid["cancelled_at"] = pd.NaT
    gone = paid.index[paid["end"] < EXPORT][0]
    paid.loc[gone, "cancelled_at"] = paid.loc[gone, "end"] - 3 * DAY
    kept = cc.Histories(contracts=paid, observed_until=EXPORT).contracts.set_index("buyer_id")

    assert kept.loc[paid.loc[gone, "buyer_id"], "cancelled_at"] == paid.loc[gone, "cancelled_at"]


def test_the_model_says_it_and_its_risks_are_those_of_open_ended_contracts() -> None:
    """5 % leave each month: some 14 % within three; taken for agreed, nearly all would seem to leave."""
    histories = cc.Histories(contracts=subscriptions(1, 0.05), observed_until=EXPORT)
    model = cc.RelationshipModel(horizon="90D", effort="quick", random_state=0).fit(histories)

    book = model.score(histories)
    here = book[book["status"] == "active"]
    assert any("open-ended" in sentence for sentence in model.says_)
    assert 0.09 < here["churn_risk"].mean() < 0.2
