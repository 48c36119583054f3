"""The horizon is read from the rhythm of the buyers, bounded by what was observed, and shows its evidence."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from clientcare.exceptions import NotEnoughDataError, OptionError
from clientcare.history import Histories
from clientcare.outcomes import ChurnDefinition, suggest_horizon

START = pd.Timestamp("2020-01-01")


def buyers_with_gaps(gaps, n_days=720, **known):
    """One buyer a gap: a purchase every ``gap`` days throughout ``n_days``."""
    rows = [(buyer, day) for buyer, gap in enumerate(gaps) for day in range(0, n_days, gap)]
    frame = pd.DataFrame(rows, columns=["buyer_id", "day"])
    frame["timestamp"] = START + pd.to_timedelta(frame.pop("day"), unit="D")
    known = {"observed_from": START, "observed_until": START + pd.Timedelta(days=n_days)} | known
    return Histories(frame.assign(amount=1.0), **known)


@pytest.mark.parametrize(
    ("gap", "days"), [(5, 7), (7, 7), (12, 14), (25, 30), (31, 31), (80, 90), (100, 120)]
)
def test_the_horizon_is_the_natural_length_that_covers_the_rhythm(gap, days):
    suggestion = suggest_horizon(buyers_with_gaps([gap] * 6))
    assert (suggestion.days, suggestion.horizon) == (days, f"{days}D")
    assert suggestion.rhythm_days == gap
    assert ChurnDefinition(suggestion.horizon).horizon_days == days


def test_each_buyer_has_one_voice_however_often_they_buy():
    """One buyer who comes daily does not shorten the horizon of nine who come monthly."""
    assert suggest_horizon(buyers_with_gaps([1] + [28] * 9)).days == 30


def test_the_horizon_leaves_room_to_look_back_learn_and_test():
    suggestion = suggest_horizon(buyers_with_gaps([300] * 9, n_days=800))
    assert suggestion.wanted_days == 365
    assert suggestion.days == 180
    assert suggestion.is_shortened
    assert "800 observed days" in repr(suggestion)


def test_yearly_buyers_over_five_years_are_asked_about_yearly():
    assert (
        suggest_horizon(buyers_with_gaps([364, 365, 366] * 3, n_days=5 * 365)).days == 366
    )  # a cycle holds a leap year


def test_the_silence_after_the_last_purchase_counts_as_censored():
    """Of 10 buyers 5 return after 20 days and 5 are silent until the end: half a chance to return, none after
    20 days."""
    rows = [(buyer, 0) for buyer in range(10)] + [(buyer, 20) for buyer in range(5)]
    frame = pd.DataFrame(rows, columns=["buyer_id", "day"])
    frame["timestamp"] = START + pd.to_timedelta(frame.pop("day"), unit="D")
    suggestion = suggest_horizon(
        Histories(frame.assign(amount=1.0), observed_until=START + pd.Timedelta(days=200))
    )
    evidence = suggestion.evidence
    # voices: five buyers give half a voice to the return and half to their last silence, five a whole to
    # theirs
    returned = 2.5 / 10
    assert evidence.loc[7, "chance_of_return"] == pytest.approx(returned)
    assert evidence.loc[30, "chance_of_return"] == pytest.approx(0)
    assert evidence.loc[14, "returned_within"] == pytest.approx(0)
    assert evidence.loc[30, "returned_within"] == pytest.approx(1)
    assert evidence.loc[14, "n_still_silent"] == 15
    assert evidence.loc[30, "n_still_silent"] == 10
    assert suggestion.false_alarm_rate == pytest.approx(0)


def test_the_evidence_holds_quantiles_of_all_gaps_and_of_usual_gaps():
    suggestion = suggest_horizon(buyers_with_gaps([10] * 5 + [40] * 5, n_days=400))
    assert suggestion.gap_quantiles.loc[0.5, "all_gaps"] == 10
    assert suggestion.gap_quantiles.loc[0.5, "usual_gap"] == 25
    assert suggestion.evidence.loc[14, "buyers_within"] == 0.5


def test_more_coverage_asks_for_a_longer_horizon():
    histories = buyers_with_gaps([5] * 20 + [80] * 4)
    assert suggest_horizon(histories, coverage=0.5).days < suggest_horizon(histories, coverage=0.95).days


def test_buyers_who_all_bought_once_have_no_rhythm():
    with pytest.raises(NotEnoughDataError, match="State the horizon yourself"):
        suggest_horizon(buyers_with_gaps([10_000] * 50))


def test_without_purchases_the_usual_term_of_contracts_decides():
    starts = START + pd.to_timedelta(np.arange(0, 1500, 30), unit="D")
    contracts = pd.DataFrame({"buyer_id": range(50), "start": starts, "end": starts + pd.Timedelta(days=365)})
    suggestion = suggest_horizon(
        Histories(contracts=contracts, observed_until=START + pd.Timedelta(days=1600))
    )
    assert (suggestion.days, suggestion.basis) == (365, "contracts")
    assert "usual term" in repr(suggestion)
    assert np.isnan(suggestion.false_alarm_rate)


def test_a_week_of_data_holds_no_horizon():
    with pytest.raises(NotEnoughDataError, match="28 days"):
        suggest_horizon(buyers_with_gaps([1] * 6, n_days=10))


@pytest.mark.parametrize("coverage", [0.2, 1.0])
def test_a_coverage_out_of_range_is_refused(coverage):
    with pytest.raises(OptionError):
        suggest_horizon(buyers_with_gaps([5] * 6), coverage=coverage)


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "days"),
    [
        ("cdnow", 120),
        ("grocery_elog", 90),
        ("cadf_ltv", 365),
        ("online_retail", 90),
        ("complete_journey", 30),
    ],
)
def test_what_it_says_of_real_businesses(name, days):
    """The table on the decision page on choosing the horizon."""
    folder = os.environ.get("CLIENTCARE_DATA")
    if not folder:
        pytest.skip("CLIENTCARE_DATA is not set")
    frame = pd.read_parquet(Path(folder) / name / "transactions.parquet")
    known = frame[[column for column in ("buyer_id", "timestamp", "amount") if column in frame]]
    assert suggest_horizon(Histories(known)).days == days


def test_buyers_who_come_later_do_not_change_the_basis_of_the_suggestion():
    """Half the buyers of that time were under contract; many more without one came after it."""
    days = np.arange(0, 360, 20)
    orders = pd.DataFrame(
        {
            "buyer_id": np.repeat(np.arange(6), len(days)),
            "timestamp": START + pd.to_timedelta(np.tile(days, 6), "D"),
        }
    )
    terms = pd.DataFrame({"buyer_id": range(3), "start": START, "end": START + pd.Timedelta(days=365)})
    later = pd.DataFrame({"buyer_id": range(100, 160), "timestamp": START + pd.Timedelta(days=500)})
    then = START + pd.Timedelta(days=400)
    among = Histories(
        pd.concat([orders, later]), contracts=terms, observed_until=START + pd.Timedelta(days=600)
    )
    alone = Histories(orders, contracts=terms, observed_until=then)
    assert suggest_horizon(alone).basis == "contracts"
    assert str(suggest_horizon(among.until(then))) == str(suggest_horizon(alone))


def test_a_base_that_pays_by_the_month_gets_whole_cycles():
    rng = np.random.default_rng(1)
    months = pd.date_range("2022-01-01", "2024-12-01", freq="MS")
    rows = [(k, m, 10.0) for k in range(60) for m in months[rng.integers(0, 20) :][: rng.integers(4, 30)]]
    histories = Histories(
        pd.DataFrame(rows, columns=["buyer_id", "timestamp", "amount"]), observed_until="2025-01-01"
    )

    suggested = suggest_horizon(histories)

    assert suggested.days % 31 == 0
    dates = ["2024-08-01", "2024-08-02", "2024-08-15", "2024-08-31"]
    shares = [ChurnDefinition(suggested.days).label(histories, date).mean() for date in dates]
    assert max(shares) - min(shares) < 0.05


def left_any_day(step: int, with_bills: bool, weekends: bool = False, leave: float = 0.04) -> Histories:
    """Open-ended contracts, billed every so many months on the day of the start, left at a billing day."""
    rng, end = np.random.default_rng(step), pd.Timestamp("2024-06-30")
    terms, bills = [], []
    for buyer in range(150):
        start = pd.Timestamp("2020-06-01") + pd.DateOffset(months=int(rng.integers(0, 40)))
        left = start + pd.DateOffset(months=step * int(rng.geometric(1 - (1 - leave) ** step)))
        for date in pd.date_range(
            start, min(left - pd.Timedelta(days=1), end), freq=pd.DateOffset(months=step)
        ):
            late = 7 - date.weekday() if weekends and date.weekday() >= 5 else 0
            bills.append((buyer, date + pd.Timedelta(days=late), 20.0 * step))
        terms.append((buyer, start, left if left <= end else pd.NaT, 20.0))
    contracts = pd.DataFrame(terms, columns=["buyer_id", "start", "cancelled_at", "amount"])
    paid = pd.DataFrame(bills, columns=["buyer_id", "timestamp", "amount"])
    return Histories(paid if with_bills else None, contracts=contracts, observed_until="2024-07-01")


def test_open_ended_contracts_have_a_horizon_in_which_some_leave():
    suggestion = suggest_horizon(left_any_day(1, with_bills=False))
    assert (suggestion.days, suggestion.basis) == (60, "contracts")
    assert suggestion.evidence.loc[60, "left_within"] == pytest.approx(
        1 - np.exp(-0.041 * 60 / 30.4), abs=0.02
    )
    assert "open-ended" in repr(suggestion)
    slower = suggest_horizon(left_any_day(1, with_bills=False, leave=0.012))
    assert slower.days > suggestion.days


@pytest.mark.parametrize(("step", "cycle"), [(1, 31), (3, 92), (12, 366)])
def test_with_their_bills_the_horizon_is_whole_cycles(step, cycle):
    suggestion = suggest_horizon(left_any_day(step, with_bills=True))
    assert suggestion.days % cycle == 0
    assert suggestion.basis == "contracts"


def test_contracts_that_nobody_has_left_have_a_horizon_too():
    starts = START + pd.to_timedelta(np.arange(0, 300, 10), unit="D")
    contracts = pd.DataFrame({"buyer_id": range(30), "start": starts})
    suggestion = suggest_horizon(
        Histories(contracts=contracts, observed_until=START + pd.Timedelta(days=2000))
    )
    assert suggestion.days == 365
    assert suggestion.rhythm_days == np.inf


@pytest.mark.parametrize("weekends", [False, True])
def test_no_day_calls_everybody_gone_who_pays_by_the_month(weekends):
    both = left_any_day(1, with_bills=True, weekends=weekends)
    alone = Histories(both.transactions, observed_until="2024-07-01")
    days = suggest_horizon(alone).days
    paying = alone.transactions.groupby("buyer_id")["timestamp"].max() >= "2024-06-01"
    stays = paying.index[paying]
    for as_of in pd.date_range("2023-09-01", "2024-04-15"):
        label = ChurnDefinition(days).label(alone, as_of)
        assert not label.reindex(stays).dropna().astype(bool).any()


def test_the_horizon_as_of_a_date_is_that_of_what_was_known_then():
    days = [*np.arange(0, 360, 20), *np.arange(400, 1200, 90)]
    orders = pd.DataFrame(
        {
            "buyer_id": np.repeat(np.arange(8), len(days)),
            "timestamp": pd.Timestamp("2021-01-01") + pd.to_timedelta(np.tile(days, 8), "D"),
            "amount": 10.0,
        }
    )
    then = "2021-12-20"
    asked = suggest_horizon(Histories(orders), as_of=then)
    known = suggest_horizon(Histories(orders[orders["timestamp"] < then], observed_until=then))
    assert asked.days == known.days == 30
    assert asked.evidence.equals(known.evidence)
