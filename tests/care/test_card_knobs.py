"""The card cannot be fooled: one thing made worse lowers its own measure and raises none."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from clientcare.care import care_report
from clientcare.history import Histories

AS_OF = pd.Timestamp("2024-07-01")
SINCE = pd.Timestamp("2023-07-01")
N_BUYERS = 30
SEEDS = range(3)
"""Three firms: more would only cost time, the counts are sums over thirty buyers each."""

Firm = tuple[pd.DataFrame, pd.DataFrame]
Knob = Callable[[pd.DataFrame, np.random.Generator], pd.DataFrame]


def firm(seed: int) -> Firm:
    """Contracts and a year of contacts: mails both ways, check-ins, meetings, advice, feedback, tickets, campaigns."""
    rng = np.random.default_rng(seed)
    ids = [f"b{number:02d}" for number in range(N_BUYERS)]
    contracts = pd.DataFrame(
        {"buyer_id": ids, "start": SINCE, "end": AS_OF + pd.Timedelta(days=20), "amount": 100.0}
    )
    # kind, direction, how often in a year
    sorts = [
        ("email", "outbound", 18), ("email", "inbound", 18), ("check_in", "mutual", 12), ("meeting", "mutual", 3),
        ("advice", "outbound", 6), ("feedback", "inbound", 5), ("support_ticket", "inbound", 4), ("complaint", "inbound", 2),
        ("campaign", "outbound", 6), ("renewal_talk", "mutual", 2),
    ]  # fmt: skip
    rows = [
        (buyer, SINCE + pd.Timedelta(hours=int(hour)), kind, side)
        for buyer in ids
        for kind, side, often in sorts
        for hour in rng.integers(0, 366 * 24, rng.poisson(often))
    ]
    frame = pd.DataFrame(rows, columns=["buyer_id", "timestamp", "kind", "direction"])
    n = len(frame)
    frame["status"] = np.where(frame["kind"].isin(["check_in", "meeting"]), "kept", None)
    asked = frame["direction"] == "inbound"
    frame["answered"] = np.where(asked, np.where(rng.random(n) < 0.9, "yes", "no"), None)
    frame["response_hours"] = np.where(
        frame["answered"] == "yes", rng.choice([2.0, 60.0], n, p=[0.8, 0.2]), np.nan
    )
    trouble = frame["kind"].isin(["support_ticket", "complaint"])
    frame["resolved"] = np.where(trouble, np.where(rng.random(n) < 0.9, "yes", "no"), None)
    frame["satisfaction"] = np.where(frame["kind"] == "feedback", rng.choice([0.7, 0.8, 0.9], n), np.nan)
    return contracts, frame.sort_values("timestamp", ignore_index=True)


def scores(contracts: pd.DataFrame, contacts: pd.DataFrame) -> pd.Series:
    histories = Histories(None, contacts, contracts, observed_from=SINCE, observed_until=AS_OF)
    return care_report(histories, AS_OF).seller["score"]


def lately(frame: pd.DataFrame) -> pd.Series:
    return frame["timestamp"] >= AS_OF - pd.Timedelta(days=90)


def without(**cells: str) -> Knob:
    """Most of the lately had contacts of a sort no longer happen."""

    def worse(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
        rows = lately(frame) & (rng.random(len(frame)) < 0.8)
        for name, text in cells.items():
            rows &= frame[name] == text
        return frame[~rows]

    return worse


def changed(column: str, to: object, kinds: tuple[str, ...] = (), direction: str | None = None) -> Knob:
    """Most of the lately had contacts of some kinds hold another cell."""

    def worse(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
        rows = lately(frame) & (rng.random(len(frame)) < 0.8)
        rows &= frame["kind"].isin(kinds) if kinds else True
        rows &= (frame["direction"] == direction) if direction else True
        return frame.assign(**{column: frame[column].where(~rows, to)})

    return worse


def never_answered(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    rows = lately(frame) & (frame["direction"] == "inbound") & (rng.random(len(frame)) < 0.8)
    rows &= ~frame["kind"].isin(["support_ticket", "complaint"])
    return frame.assign(
        answered=frame["answered"].where(~rows, "no"), response_hours=frame["response_hours"].where(~rows)
    )


def answered_late(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    rows = lately(frame) & (frame["answered"] == "yes") & (rng.random(len(frame)) < 0.8)
    return frame.assign(response_hours=frame["response_hours"].where(~rows, 90.0))


def ratings_fall(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    rows = lately(frame) & frame["satisfaction"].notna()
    return frame.assign(satisfaction=frame["satisfaction"].where(~rows, 0.1))


def buyers_fall_silent(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The buyers no longer write, and come to no meeting; what the seller started stays."""
    silent = frame["buyer_id"] < "b20"
    gone = lately(frame) & silent & (frame["direction"] == "inbound") & (frame["kind"] == "email")
    return frame[~gone]


def in_vain(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Mails by the seller bounce."""
    rows = lately(frame) & (frame["kind"] == "email") & (frame["direction"] == "outbound")
    return frame.assign(status=frame["status"].where(~rows, "bounced"))


def more_campaigns(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    offers = frame[frame["kind"] == "campaign"]
    return pd.concat([frame, offers, offers.assign(timestamp=offers["timestamp"] + pd.Timedelta(hours=1))])


KNOBS: dict[str, tuple[Knob, str]] = {
    "fewer mails by the seller": (without(kind="email", direction="outbound"), "proactive"),
    "mails in vain": (in_vain, "proactive"),
    "check-ins missed": (changed("status", "missed", ("check_in",)), "proactive"),
    "meetings missed": (changed("status", "missed", ("meeting",)), "proactive"),
    "check-ins planned and not held": (changed("status", "Not Started", ("check_in",)), "proactive"),
    "no talk of the renewal": (
        lambda frame, rng: frame[~frame["kind"].isin(["renewal_talk", "meeting"])],
        "proactive",
    ),
    "buyers not answered": (never_answered, "service"),
    "answered late": (answered_late, "service"),
    "ratings fall": (ratings_fall, "service"),
    "complaints stay open": (changed("resolved", "no", ("complaint", "support_ticket")), "service"),
    "no advice": (without(kind="advice"), "beyond"),
    "more campaigns": (more_campaigns, "beyond"),
    "buyers fall silent": (buyers_fall_silent, "two_way"),
    "nothing by the seller": (
        lambda frame, rng: frame[~lately(frame) | (frame["direction"] == "inbound")],
        "communicated",
    ),
}
NOISE = 1.0
"""Points that a measure may rise by where a mean loses some of the buyers it was taken over."""


@pytest.mark.parametrize("name", KNOBS)
@pytest.mark.parametrize("seed", SEEDS)
def test_one_thing_made_worse_lowers_its_own_measure_and_raises_none(name, seed):
    knob, own = KNOBS[name]
    contracts, contacts = firm(seed)
    before = scores(contracts, contacts)
    after = scores(contracts, knob(contacts, np.random.default_rng(seed + 100)))
    assert after[own] < before[own] - 0.5
    rose = (after - before).dropna()
    assert rose.max() <= NOISE, rose.round(1).to_dict()
    assert after["overall"] < before["overall"]


@pytest.mark.parametrize("column", ["satisfaction", "resolved", "status"])
def test_recording_less_than_before_raises_no_whole(column):
    contracts, contacts = firm(0)
    bad = ratings_fall(contacts, np.random.default_rng(0))
    less = bad.assign(**{column: bad[column].where(~lately(bad))})
    assert scores(contracts, less)["overall"] <= NOISE + max(
        scores(contracts, bad)["overall"], scores(contracts, contacts)["overall"]
    )


def test_neglect_counts_before_who_was_neglected_is_out_and_not_for_ever():
    """Half the buyers are neglected and leave; they lower the card of the period they left in, not those of later years."""
    ids = [f"b{number}" for number in range(10)]
    left = pd.Timestamp("2024-05-20")
    contracts = pd.DataFrame(
        {"buyer_id": ids, "start": SINCE, "end": [left] * 5 + [pd.Timestamp("2026-06-30")] * 5}
    )
    cared = pd.date_range(SINCE, "2026-06-30", freq="14D")
    contacts = pd.DataFrame(
        [(buyer, day, "check_in", "mutual", "kept") for buyer in ids[5:] for day in cared],
        columns=["buyer_id", "timestamp", "kind", "direction", "status"],
    )
    histories = Histories(None, contacts, contracts, observed_from=SINCE, observed_until="2026-06-30")
    told = {
        date: care_report(histories, date)
        for date in ("2024-05-01", "2024-07-01", "2025-07-01", "2026-06-01")
    }
    communicated = {date: report.seller.loc["communicated", "score"] for date, report in told.items()}
    assert communicated == {"2024-05-01": 50.0, "2024-07-01": 50.0, "2025-07-01": 100.0, "2026-06-01": 100.0}
    assert len(told["2024-07-01"].buyers) == 10
    assert len(told["2025-07-01"].buyers) == 5


def test_low_ratings_are_never_good_service():
    days = pd.date_range("2024-04-05", "2024-06-25", freq="14D")
    rows = [("feedback", 0.1), ("email", np.nan), ("support_ticket", np.nan)]
    contacts = pd.concat(
        pd.DataFrame({"buyer_id": "a", "timestamp": days, "kind": kind, "satisfaction": rating})
        for kind, rating in rows
    ).assign(direction="inbound", answered=True, response_hours=2.0, resolved=True)
    contracts = pd.DataFrame({"buyer_id": ["a"], "start": [SINCE], "end": [pd.Timestamp("2024-12-31")]})
    report = care_report(Histories(None, contacts, contracts, observed_until=AS_OF), AS_OF)
    assert report.seller.loc["service", "score"] == pytest.approx(10.0)
    assert report.questions.loc["Is service always good?", "answer"] == "no"
