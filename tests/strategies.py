"""Random small histories: the vocabulary of the property tests.

A table is drawn from a seed and a few sizes, so that many examples cost little and shrink to few buyers and
few rows.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from clientcare.history import Histories

FIRST_DAY = pd.Timestamp("2020-01-01")
N_DAYS = 730
KINDS = [
    "check_in",
    "call",
    "email",
    "support_ticket",
    "complaint",
    "feedback",
    "referral",
    "campaign",
    "usage",
]
DAY = pd.Timedelta(days=1)

FLAG_MOMENTS = {"answered": "answered_at", "resolved": "closed_at"}

Tables = dict[str, pd.DataFrame | None]

settings.register_profile(
    "clientcare",
    deadline=None,
    derandomize=True,
    max_examples=500 if os.environ.get("CLIENTCARE_TESTS") == "full" else 25,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("clientcare")


def some_dates(first: str = "2020-02-01", last: str = "2021-12-01") -> st.SearchStrategy[pd.Timestamp]:
    """Moments to ask at: whole days mostly, now and then a time of day."""
    start, end = pd.Timestamp(first), pd.Timestamp(last)
    days = st.integers(0, (end - start).days).map(lambda day: start + day * DAY)
    return st.one_of(days, days, days.map(lambda moment: moment + pd.Timedelta(hours=13, minutes=7)))


@st.composite
def some_tables(
    draw: Any,
    interactions: bool | None = None,
    contracts: bool | None = None,
    amounts: bool | None = None,
    max_buyers: int = 8,
    max_rows: int = 60,
) -> Tables:
    """Raw tables of a small business; a table asked for as None is given or not by chance.

    Transactions hold returns, zero and unknown amounts, copies, several purchases a day and rows recorded
    late; interactions hold answers and closings that came later; contracts hold renewals, open ends and
    cancellations.
    """
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n_buyers = draw(st.integers(1, max_buyers))
    ids = np.array([f"{number:04d}" for number in rng.permutation(10_000)[:n_buyers]], dtype=object)
    if amounts is None:
        amounts = draw(st.sampled_from([True, True, True, False]))
    if interactions is None:
        interactions = draw(st.booleans())
    if contracts is None:
        contracts = draw(st.booleans())
    return {
        "transactions": random_transactions(rng, ids, draw(st.integers(1, max_rows)), amounts),
        "interactions": random_interactions(rng, ids, draw(st.integers(1, max_rows)))
        if interactions
        else None,
        "contracts": random_contracts(rng, ids, draw(st.integers(1, 3 * n_buyers))) if contracts else None,
        "buyers": random_buyers(rng, ids) if draw(st.booleans()) else None,
    }


@st.composite
def some_histories(draw: Any, **options: Any) -> Histories:
    """Histories of a small business, see :func:`some_tables` for the options."""
    return histories_of(draw(some_tables(**options)))


def histories_of(tables: Tables, **options: Any) -> Histories:
    """The tables through the door, observed for the two years that they span."""
    observed = {"observed_from": FIRST_DAY, "observed_until": FIRST_DAY + N_DAYS * DAY}
    return Histories(**tables, **{**observed, **options})


def random_transactions(
    rng: np.random.Generator, ids: Any, n_rows: int, amounts: bool = True
) -> pd.DataFrame:
    """Orders with returns, zeros, unknown amounts, copies, and some recorded days after they happened."""
    frame = pd.DataFrame(
        {
            "buyer_id": rng.choice(ids, n_rows),
            "timestamp": _moments(rng, n_rows, whole_days=0.6),
            "amount": rng.integers(1, 5_000, n_rows) / 100,
            "order_id": [f"O{number}" for number in rng.integers(0, 2 * n_rows, n_rows)],
            "product_id": rng.choice(["tea", "cup", "pot", None], n_rows),
            "category": rng.choice(["food", "ware", None], n_rows),
            "channel": rng.choice(["shop", "web"], n_rows),
            "quantity": rng.integers(1, 9, n_rows).astype(float),
        }
    )
    fate = rng.random(n_rows)
    frame.loc[fate < 0.10, ["amount", "quantity"]] *= -1
    frame.loc[(fate >= 0.10) & (fate < 0.15), "amount"] = 0.0
    frame.loc[(fate >= 0.15) & (fate < 0.20), "amount"] = np.nan
    if not amounts:
        frame["amount"] = np.nan
    frame["recorded_at"] = _recorded(rng, frame["timestamp"])
    copies = frame.iloc[np.flatnonzero(rng.random(n_rows) < 0.05)]
    return pd.concat([frame, copies], ignore_index=True)


def random_interactions(rng: np.random.Generator, ids: Any, n_rows: int) -> pd.DataFrame:
    """Contacts of all kinds; some answered, closed and rated later, some missed."""
    times = _moments(rng, n_rows)
    frame = pd.DataFrame(
        {
            "buyer_id": rng.choice(ids, n_rows),
            "timestamp": times,
            "kind": rng.choice(KINDS, n_rows),
            "direction": rng.choice(["inbound", "outbound", "mutual"], n_rows, p=[0.4, 0.5, 0.1]),
            "status": rng.choice(["kept", "missed", None], n_rows, p=[0.3, 0.1, 0.6]),
            "topic": rng.choice(["sales", "advice", None], n_rows),
            "owner": rng.choice(["anna", "ben"], n_rows),
            "minutes": np.where(rng.random(n_rows) < 0.5, rng.integers(1, 90, n_rows), np.nan),
        }
    )
    patience = np.where(
        rng.random(n_rows) < 0.5, 5.0, 120.0
    )  # some answers come so late that they cross a date
    answered = times + pd.to_timedelta(rng.exponential(patience), unit="D").round("s")
    closed = times + pd.to_timedelta(rng.exponential(1.5 * patience), unit="D").round("s")
    frame["answered_at"] = answered.where(rng.random(n_rows) < 0.5)
    frame["closed_at"] = closed.where(rng.random(n_rows) < 0.5)
    for flag, moment in FLAG_MOMENTS.items():
        if rng.random() < 0.5:
            frame[flag] = _stated(rng, frame[moment].notna().to_numpy())
    rated = frame["closed_at"].notna().to_numpy() & (rng.random(n_rows) < 0.6)
    frame["satisfaction"] = np.where(rated, rng.integers(0, 11, n_rows) / 10, np.nan)
    frame["recorded_at"] = _recorded(rng, frame["timestamp"])
    return frame


def _stated(rng: np.random.Generator, happened: Any) -> Any:
    """A flag as people keep it: yes or blank where it happened; no, blank or a bare yes where it did not."""
    bare = rng.choice(["yes", "no", None], len(happened), p=[0.2, 0.4, 0.4])
    return np.where(happened, rng.choice(["yes", None], len(happened)), bare)


def random_contracts(rng: np.random.Generator, ids: Any, n_rows: int) -> pd.DataFrame:
    """Terms of a month to a year: open-ended, overlapping, on trial, cancelled with notice or without, recorded late."""
    start = pd.Series(_moments(rng, n_rows, whole_days=1.0))
    term = pd.Series(pd.to_timedelta(rng.choice([30, 90, 365], n_rows), unit="D"))
    given_up = (start + (term * pd.Series(rng.random(n_rows))).dt.floor("s")).where(rng.random(n_rows) < 0.3)
    notice = given_up - pd.to_timedelta(pd.Series(rng.integers(0, 40, n_rows)), unit="D")
    return pd.DataFrame(
        {
            "buyer_id": rng.choice(ids, n_rows),
            "start": start,
            "end": (start + term).where(rng.random(n_rows) < 0.8),
            "cancelled_at": given_up,
            "notice_at": notice.where(rng.random(n_rows) < 0.6),
            "amount": rng.choice([0.0, 10.0, 25.0], n_rows),
            "contract_id": [f"K{number}" for number in range(n_rows)],
            "plan": rng.choice(["basic", "full"], n_rows),
            "recorded_at": _recorded(rng, start),
        }
    )


def random_buyers(rng: np.random.Generator, ids: Any) -> pd.DataFrame:
    """Static attributes of the buyers, some unknown."""
    n_buyers = len(ids)
    return pd.DataFrame(
        {
            "buyer_id": ids,
            "segment": rng.choice(["home", "trade", None], n_buyers),
            "n_staff": np.where(rng.random(n_buyers) < 0.7, rng.integers(1, 50, n_buyers), np.nan),
            "is_local": rng.random(n_buyers) < 0.5,
        }
    )


def with_another_future(tables: Tables, as_of: pd.Timestamp, seed: int = 0) -> Tables:
    """The same past, another future: every fact known at or after ``as_of`` is altered, dropped or invented.

    Facts that were known before stay; an answer, a rating, a closing or a cancellation that came later is
    moved or taken away, as if it had happened otherwise, and what had not been answered or closed may be
    later, whether "no" or nothing was written until then.
    """
    rng = np.random.default_rng(seed)
    ids = np.append(tables["transactions"]["buyer_id"].dropna().unique(), ["9999"])  # type: ignore[index]
    makers = {
        "transactions": random_transactions,
        "interactions": random_interactions,
        "contracts": random_contracts,
    }
    changed: Tables = dict(tables)
    for name, maker in makers.items():
        frame = tables.get(name)
        if frame is None:
            continue
        past = _with_later_facts_changed(rng, frame[_known(frame) < as_of], as_of)
        invented = maker(rng, ids, int(rng.integers(1, 30)))
        future = pd.concat([frame[_known(frame) >= as_of], invented])
        future = future[(_known(future) >= as_of) & (rng.random(len(future)) < 0.7)].copy()
        if "amount" in future:
            future["amount"] = future["amount"] * float(rng.integers(2, 9))
        changed[name] = pd.concat([past, future], ignore_index=True) if len(future) else past
    return changed


def _with_later_facts_changed(rng: Any, past: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    past = past.copy()
    if "notice_at" in past:
        later = (past["notice_at"].fillna(past["cancelled_at"]) >= as_of) | past["cancelled_at"].isna()
        shift = pd.Series(pd.to_timedelta(rng.integers(0, 90, len(past)), unit="D"), index=past.index)
        moved = (as_of + shift).where(rng.random(len(past)) < 0.5)
        past.loc[later, "cancelled_at"] = moved[later]
        notice = (as_of + shift / 2).where(moved.notna() & (rng.random(len(past)) < 0.6))
        past.loc[later, "notice_at"] = notice.dt.floor("s")[later]
        return past
    for moment, facts in {"answered_at": [], "closed_at": ["satisfaction"], "cancelled_at": []}.items():
        if moment not in past:
            continue
        later = (past[moment] >= as_of).to_numpy()
        flag = next((flag for flag, told in FLAG_MOMENTS.items() if told == moment and flag in past), None)
        if flag is not None:
            later = later | (past[moment].isna() & (past[flag] != "yes")).to_numpy()
        moved = pd.Series(as_of + pd.to_timedelta(rng.integers(0, 9, len(past)), unit="D"), index=past.index)
        past.loc[later, moment] = moved.where(rng.random(len(past)) < 0.5)[later]
        if flag is not None:
            rewritten = _stated(rng, past[moment].notna().to_numpy())
            rewritten[past[moment].isna().to_numpy() & (rewritten == "yes")] = "no"
            past.loc[later, flag] = rewritten[later]
        for fact in facts:
            gone = later & past[moment].isna().to_numpy()
            past.loc[later, fact] = rng.integers(0, 11, int(later.sum())) / 10
            past.loc[gone, fact] = np.nan
    return past


def _known(frame: pd.DataFrame) -> pd.Series:
    times = frame["start" if "start" in frame else "timestamp"]
    return np.maximum(times, frame["recorded_at"].fillna(times))  # type: ignore[no-any-return]


def _moments(rng: np.random.Generator, n_rows: int, whole_days: float = 0.2) -> pd.DatetimeIndex:
    days = rng.integers(0, N_DAYS, n_rows)
    seconds = np.where(rng.random(n_rows) < whole_days, 0, rng.integers(0, 86_400, n_rows))
    since = days * 86_400_000_000 + seconds * 1_000_000
    return pd.DatetimeIndex(
        (FIRST_DAY.to_datetime64().astype("datetime64[us]").astype(np.int64) + since).view("M8[us]")
    )


def _recorded(rng: np.random.Generator, times: Any) -> pd.Series:
    late = pd.Series(times) + pd.to_timedelta(rng.integers(1, 40, len(times)), unit="D")
    return late.where(rng.random(len(times)) < 0.15).astype("datetime64[us]")
