"""The card cannot be fooled: one thing made worse lowers its own measure and raises none."""

from __future__ import annotations

import itertools
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


@pytest.mark.parametrize(
    "column", ["satisfaction", "resolved", "status", "answered", "response_hours", "direction", "kind"]
)
@pytest.mark.parametrize("seed", SEEDS)
def test_recording_less_than_before_raises_no_measure(column, seed):
    """A column is left blank for the period, of a firm whose ratings have fallen and whose check-ins are often missed."""
    contracts, contacts = firm(seed)
    rng = np.random.default_rng(seed)
    bad = changed("status", "missed", ("check_in",))(ratings_fall(contacts, rng), rng)
    less = bad.assign(**{column: bad[column].where(~lately(bad))})
    histories = Histories(None, less, contracts, observed_from=SINCE, observed_until=AS_OF)
    card = care_report(histories, AS_OF).seller
    known = np.fmax(
        scores(contracts, bad), card["previous"]
    )  # or what was measured last, where it is not any more
    rose = (card["score"] - known).dropna()
    assert rose.max() <= NOISE, rose.round(1).to_dict()


@pytest.mark.parametrize("kind", ["complaint", "support_ticket", "feedback", "advice"])
def test_a_kind_of_which_nothing_is_written_down_any_more_raises_no_whole(kind):
    contracts, contacts = firm(1)
    less = contacts[~(lately(contacts) & (contacts["kind"] == kind))]
    assert scores(contracts, less)["overall"] <= scores(contracts, contacts)["overall"] + NOISE / 2


def test_much_less_record_is_said_and_the_score_is_at_most_what_it_was():
    contracts, contacts = firm(0)
    less = contacts.assign(satisfaction=contacts["satisfaction"].where(~lately(contacts)))
    histories = Histories(None, less, contracts, observed_from=SINCE, observed_until=AS_OF)
    row = care_report(histories, AS_OF).seller.loc["service"]
    assert row["record"] == 0.0
    assert row["score"] <= row["previous"]
    assert row["evidence"].startswith("0 ratings recorded,")


@pytest.mark.parametrize("word", ["Rescheduled", "Postponed", "moved", None])
def test_what_was_missed_is_no_better_under_another_word(word):
    contracts, contacts = firm(2)
    missed = changed("status", "missed", ("check_in", "meeting"))(contacts, np.random.default_rng(5))
    renamed = missed.assign(
        status=missed["status"].where(~(lately(missed) & (missed["status"] == "missed")), word)
    )
    rose = (scores(contracts, renamed) - scores(contracts, missed)).dropna()
    assert rose.drop("proactive").max() <= NOISE, rose.round(1).to_dict()
    kept = scores(contracts, contacts)["proactive"]
    assert scores(contracts, renamed)["proactive"] < kept - 5  # and never as good as kept


@pytest.mark.parametrize("rating", [0.25, 0.75, 1.0])
def test_an_open_complaint_lowers_the_service_however_high_or_low_the_ratings_are(rating):
    contracts, contacts = firm(0)
    mine = contacts[contacts["buyer_id"] == "b00"]
    mine = mine.assign(satisfaction=mine["satisfaction"].where(mine["satisfaction"].isna(), rating))
    mine = mine.assign(resolved=mine["resolved"].where(mine["resolved"].isna(), "yes"))
    row = {"buyer_id": "b00", "kind": "complaint", "direction": "inbound", "resolved": "no", "answered": "no"}
    complaints = pd.DataFrame([row | {"timestamp": AS_OF - pd.Timedelta(days=days)} for days in (20, 15, 10)])

    def service(n: int) -> pd.Series:
        told = pd.concat([mine, complaints[:n]]) if n else mine
        of = Histories(None, told, contracts[:1], observed_from=SINCE, observed_until=AS_OF)
        return care_report(of, AS_OF)

    found = [service(n) for n in range(4)]
    told = [report.seller.loc["service", "score"] for report in found]
    assert all(later < earlier - 1 for earlier, later in itertools.pairwise(told))
    assert found[1].questions.loc["Is service always good?", "answer"] != "yes"


def test_a_complaint_whose_closing_nobody_ever_writes_down_is_not_known_to_be_open():
    contracts, contacts = firm(0)
    never = contacts.drop(columns="resolved").assign(closed_at=pd.NaT)
    report = care_report(Histories(None, never, contracts, observed_from=SINCE, observed_until=AS_OF), AS_OF)
    assert report.buyers["n_complaints_open"].sum() == 0
    assert report.buyers["n_trouble"].sum() == 0


def test_who_only_answers_communicates_half_and_the_audit_says_so():
    contracts, contacts = firm(0)
    answers = contacts[contacts["direction"] == "inbound"].assign(answered="yes", response_hours=2.0)
    of = Histories(None, pd.concat([answers, contacts[~lately(contacts)]]), contracts,
                   observed_from=SINCE, observed_until=AS_OF)  # fmt: skip
    report = care_report(of, AS_OF)
    assert report.seller.loc["communicated", "score"] <= 50
    assert report.questions.loc["Do they hear that you do?", "answer"] != "yes"


def test_an_agreed_yearly_cadence_is_kept_by_one_contact_a_year():
    contracts = pd.DataFrame(
        {"buyer_id": ["year", "month"], "start": [SINCE] * 2, "end": [pd.Timestamp("2025-06-30")] * 2}
    )
    call = pd.DataFrame({"buyer_id": ["year", "month"], "timestamp": [pd.Timestamp("2024-01-20")] * 2})
    call = call.assign(kind="check_in", direction="outbound", status="kept")
    agreed = pd.DataFrame({"buyer_id": ["year"], "cadence_days": [365]})
    of = Histories(None, call, contracts, buyers=agreed, observed_from="2023-01-01", observed_until=AS_OF)
    told = care_report(of, AS_OF).buyers[["communicated", "proactive"]]
    assert told.loc["year"].tolist() == [100.0, 100.0]
    assert told.loc["month"].tolist() == [0.0, 0.0]


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
