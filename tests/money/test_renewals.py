"""What comes up, with its chance, its amount, and a month's total in an interval that holds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import clientcare as cc
from clientcare.money.past_ends import PastEnds, Terms
from clientcare.money.renewals import _by_month


class Book:
    """A model that gives every buyer the same risk within 90 days."""

    def score(self, histories, as_of):
        index = pd.Index(histories.until(as_of).buyer_ids, name="buyer_id")
        return pd.DataFrame({"churn_risk": 0.25, "horizon_days": 90}, index=index)


def firm(seed, n=120, renew=0.7, until="2024-01-01"):
    """Yearly terms, renewed with a chance that is the same for all."""
    random, rows = np.random.default_rng(seed), []
    for buyer in range(n):
        start = pd.Timestamp("2019-01-01") + pd.Timedelta(days=int(random.integers(0, 1800)))
        while start < pd.Timestamp("2026-01-01"):
            rows.append((f"b{buyer}", start, start + pd.Timedelta(days=364), float(random.integers(10, 200))))
            start += pd.Timedelta(days=365)
            if random.random() > renew:
                break
    frame = pd.DataFrame(rows, columns=["buyer_id", "start", "end", "amount"])
    return frame, cc.Histories(contracts=frame, observed_until=until)


def test_every_end_ahead_is_there_once_soonest_first():
    frame, histories = firm(0)
    ends = cc.renewals(Book(), histories).ends
    ahead = frame[
        (frame.start < "2024-01-01") & (frame.end >= "2024-01-01") & (frame.end < "2024-12-31")
    ].sort_values("end")
    assert ends.end.tolist() == ahead.end.tolist()
    assert ends.amount.sum() == ahead.amount.sum()


def test_ends_within_the_horizon_take_the_models_word_and_later_ones_the_past():
    _, histories = firm(0)
    ends = cc.renewals(Book(), histories).ends
    near = ends.end < pd.Timestamp("2024-03-31")
    assert (ends.chance_from == np.where(near, "model", "past ends")).all()
    assert (ends.chance[near] == 0.75).all()
    assert ends.chance[~near].to_numpy() == pytest.approx(0.7, abs=0.08)


def test_a_term_that_already_runs_beyond_the_end_makes_it_certain():
    contracts = pd.DataFrame(
        {
            "buyer_id": ["a", "a", "b"],
            "start": ["2023-02-01", "2024-01-10", "2023-02-01"],
            "end": ["2024-01-31", "2025-01-31", "2024-01-31"],
            "amount": 10.0,
        }
    )
    histories = cc.Histories(contracts=contracts, observed_until="2024-03-15")
    ends = cc.renewals(Book(), histories, "2024-01-15").ends
    first = ends[ends.end == "2024-01-31"].set_index("buyer_id")
    assert first.loc["a", ["chance", "chance_from"]].tolist() == [1.0, "signed"]
    assert first.loc["b", ["chance", "chance_from"]].tolist() == [0.75, "model"]


def test_owner_and_last_word_stand_beside_each_end():
    contacts = pd.DataFrame(
        {"buyer_id": ["b1", "b1"], "timestamp": ["2023-05-01", "2024-06-01"], "owner": ["Ann", "Bob"]}
    )
    frame, _ = firm(0)
    histories = cc.Histories(None, contacts, frame, observed_until="2024-01-01")
    ends = cc.renewals(Book(), histories).ends
    mine = ends[ends.buyer_id == "b1"]
    assert (mine.owner == "Ann").all() and (mine.last_word == pd.Timestamp("2023-05-01")).all()
    assert ends.loc[ends.buyer_id != "b1", "last_word"].isna().all()


def test_nothing_later_changes_what_comes_up():
    _, histories = firm(2, until="2025-06-01")
    early = cc.renewals(Book(), histories.until("2024-01-01"), "2024-01-01")
    late = cc.renewals(Book(), histories, "2024-01-01")
    pd.testing.assert_frame_equal(early.ends, late.ends)
    pd.testing.assert_frame_equal(early.months, late.months)


def test_intervals_of_months_hold_the_money_that_came():
    """Over simulated firms, 90 % of the months lie within; the chances here come from past ends alone."""
    inside = []
    for seed in range(25):
        frame, histories = firm(seed, n=250)
        now = pd.Timestamp("2024-01-01")
        ends = cc.renewals(Book(), histories).ends.assign(chance_from="past ends")
        terms = Terms.of(histories)
        past = PastEnds.of(terms, now.value // 1000)
        ends["chance"] = past.chance(np.full(len(ends), -1))
        months = _by_month(ends, past, 0)
        followed = frame.set_index(["buyer_id", "start"]).index
        came = [
            amount if (buyer, end + pd.Timedelta(days=1)) in followed else 0.0
            for buyer, end, amount in zip(ends.buyer_id, ends.end, ends.amount, strict=True)
        ]
        total = pd.Series(came).groupby(ends.end.dt.to_period("M")).sum().to_numpy()
        inside += ((months.low <= total) & (total <= months.high)).tolist()
    assert 0.85 <= np.mean(inside) <= 0.97


def test_without_ends_there_is_nothing_that_comes_up():
    contracts = pd.DataFrame({"buyer_id": ["a"], "start": ["2023-01-01"], "amount": [5.0]})
    with pytest.raises(cc.exceptions.NotEnoughDataError, match="end"):
        cc.renewals(Book(), cc.Histories(contracts=contracts, observed_until="2024-01-01"))


def test_both_verbs_say_it_in_the_shell(tmp_path, capsys):
    from clientcare.cli.program import main

    frame, _ = firm(0)
    terms = tmp_path / "terms.csv"
    frame.to_csv(terms, index=False)
    named = ["--contracts", str(terms), "--observed-until", "2024-01-01"]
    assert main(["revenue", *named, "--periods", "YE", "--json"]) == 0
    assert '"event": "revenue"' in capsys.readouterr().out
    assert main(["revenue", *named, "--periods", "YE"]) == 0
    assert "won_back" in capsys.readouterr().out
    assert main(["renewals", *named, "--horizon", "90D", "--effort", "quick", "--json"]) == 0
    out = capsys.readouterr().out
    assert '"event": "months"' in out and '"event": "ends"' in out
    assert main(["revenue", *named, "--by", "shoe size"]) == 2


def test_an_end_far_ahead_counts_that_terms_break_off_before_it():
    """Of 24-month terms a third breaks off on the way: what is said of their ends holds that."""
    random, rows = np.random.default_rng(4), []
    for buyer in range(400):
        start = pd.Timestamp("2016-01-01") + pd.Timedelta(days=int(random.integers(0, 2400)))
        while start < pd.Timestamp("2026-01-01"):
            end = start + pd.Timedelta(days=729)
            broken = (
                start + pd.Timedelta(days=int(random.integers(60, 680))) if random.random() < 0.33 else pd.NaT
            )
            rows.append((f"b{buyer}", start, end, broken, 10.0))
            if pd.notna(broken) or random.random() > 0.9:
                break
            start = end + pd.Timedelta(days=1)
    frame = pd.DataFrame(rows, columns=["buyer_id", "start", "end", "cancelled_at", "amount"])
    histories = cc.Histories(contracts=frame, observed_until="2026-01-01")
    ends = cc.renewals(Book(), histories, "2023-01-01").ends
    later = ends[ends["chance_from"] == "past ends"]
    renewed = set(zip(frame["buyer_id"], frame["start"], strict=True))
    kept = [(b, e + pd.Timedelta(days=1)) in renewed for b, e in zip(later.buyer_id, later.end, strict=True)]
    assert np.mean(kept) == pytest.approx(later["chance"].mean(), abs=0.1)
    near, far = later["chance"].iloc[0], later["chance"].iloc[-1]
    assert near > far


def test_who_cancels_about_the_end_has_not_renewed():
    """Firms that write every leaver down as cancelled on the last day say the same as those that write nothing."""
    frame, plain = firm(5)
    nxt = set(zip(frame.buyer_id, frame.start, strict=True))
    left = [(b, e + pd.Timedelta(days=1)) not in nxt for b, e in zip(frame.buyer_id, frame.end, strict=True)]
    written = frame.assign(cancelled_at=frame["end"].where(left))
    histories = cc.Histories(contracts=written, observed_until="2024-01-01")
    told = [cc.renewals(Book(), one).ends["chance"].to_numpy()[-1] for one in (plain, histories)]
    assert told[0] == pytest.approx(told[1], abs=0.02)


def test_a_level_known_from_few_ends_leaves_wider_months():
    frame, _ = firm(6, n=12)
    histories = cc.Histories(contracts=frame, observed_until="2024-01-01")
    terms = Terms.of(histories)
    few = PastEnds.of(terms, pd.Timestamp("2020-06-01").value // 1000)
    many = PastEnds.of(terms, pd.Timestamp("2023-06-01").value // 1000)
    assert few.n_ends < many.n_ends and few.level_error > many.level_error
    assert many.together_sd == pytest.approx(np.hypot(many.shared_sd, many.level_error))
