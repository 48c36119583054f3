"""How good tonight's book will be, told in advance; and whether tonight is like anything learned from."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from clientcare import ChurnDefinition, Histories, RelationshipModel, load_model
from clientcare.datasets import load_retailer
from clientcare.exceptions import InputError
from clientcare.model.members.base import log_odds_of, share_of
from clientcare.model.outlook import FIGURES, TENTHS, Outlook
from clientcare.model.training.head import PastAnswer
from clientcare.model.training.pulse import Pulse, counts_at
from clientcare.model.training.trust import PRIOR_LEVEL, Trust
from clientcare.scoring import compare_scores

EXACT = Trust(level=1e-3, slope=1e-3, tenth=1e-3, n_dates=8)
"""A base whose past dates were right but for chance."""


def book_of(risk, **columns):
    index = pd.RangeIndex(len(risk), name="buyer_id")
    return pd.DataFrame(
        {"churn_risk": risk, "status": "active", "stage": "repeat customer", **columns}, index=index
    )


def coming(risk, rng, level=0.0, slope=1.0):
    log_odds = log_odds_of(risk, 1e-9)
    return pd.Series(rng.random(len(risk)) < share_of(level + slope * log_odds))


def test_nine_of_ten_figures_lie_in_their_band_and_all_of_them_jointly_where_risks_are_true():
    rng = np.random.default_rng(0)
    inside, jointly = [], []
    book = book_of(rng.beta(1, 2, 600))
    outlook = Outlook.of(book, EXACT)
    bands = outlook.figures
    for _ in range(300):
        came = outlook.came(book, coming(book["churn_risk"].to_numpy(), rng))
        inside.append(((came >= bands["low"]) & (came <= bands["high"])).to_numpy())
        jointly.append(not outlook.outside(came))
    shares = pd.Series(np.mean(inside, axis=0), index=FIGURES)
    assert shares[["log_loss", "auc", "leavers"]].between(0.85, 0.95).all()
    assert shares[list(TENTHS)].mean() > 0.88
    assert np.mean(jointly) == pytest.approx(0.97, abs=0.025)


def test_a_past_that_was_off_earns_wider_bands():
    rng = np.random.default_rng(1)
    risk = rng.beta(1, 2, 3000)

    def past(level):
        return [PastAnswer(0, coming(risk, rng, level).to_numpy(float), risk) for _ in range(3)]

    right, wrong = Trust.earned(past(0.0)), Trust.earned(past(0.8))
    assert right.level < PRIOR_LEVEL < wrong.level
    assert wrong.level == pytest.approx(0.63, abs=0.1)
    book = book_of(risk)
    width = {name: float(np.diff(Outlook.of(book, trust).figures.loc["leavers", ["low", "high"]])[0])
             for name, trust in (("right", right), ("wrong", wrong))}  # fmt: skip
    assert width["wrong"] > 2 * width["right"]


def test_one_date_without_both_outcomes_earns_nothing():
    past = [
        PastAnswer(0, np.ones(100), np.full(100, 0.9)),
        PastAnswer(0, np.array([1.0, 0.0]), np.array([0.5, 0.5])),
    ]
    assert Trust.earned(past).n_dates == 0
    assert "no past date could be judged" in Outlook.of(book_of(np.full(50, 0.5)), Trust.earned(past)).says[0]


def test_it_speaks_of_the_living_and_of_the_books_own_top():
    risk = np.linspace(0.05, 0.95, 100)
    stake = np.zeros(100)
    stake[:5] = 100.0
    book = book_of(risk, at_stake=stake)
    book.loc[50:, "status"] = "gone"
    outlook = Outlook.of(book, EXACT)
    assert (outlook.n_buyers, outlook.n_gone, outlook.n_top) == (50, 50, 5)
    assert outlook.figures.at["hits", "expected"] == pytest.approx(risk[:5].sum(), abs=0.1)
    assert outlook.figures.at["leavers", "expected"] == pytest.approx(risk[:50].sum(), abs=0.3)


@pytest.mark.parametrize("risk", [[], [0.3], [0.0, 1.0], [0.5] * 7])
def test_the_smallest_books_have_an_outlook(risk):
    outlook = Outlook.of(book_of(np.array(risk, float)), EXACT)
    assert json.loads(outlook.to_json())["n_buyers"] == len(risk)
    assert len(outlook.figures) == len(FIGURES)


def test_what_was_told_comes_back_from_plain_values():
    outlook = Outlook.of(book_of(np.linspace(0, 1, 40)), EXACT, ["Unlike."])
    again = Outlook.from_dict(json.loads(outlook.to_json()))
    assert again.to_json() == outlook.to_json()
    with pytest.raises(InputError, match="outlook"):
        Outlook.from_dict({"figures": {}})


def test_a_comparison_alarms_where_what_came_lies_outside_and_only_there():
    rng = np.random.default_rng(3)
    book = book_of(rng.beta(2, 3, 800))
    outlook, risk = Outlook.of(book, EXACT), book["churn_risk"].to_numpy()
    like = compare_scores(book, book, outcomes=coming(risk, rng), outlook=outlook)
    assert not like.alarms
    other = compare_scores(book, book, outcomes=coming(1 - risk, rng), outlook=outlook)
    assert any("AUC" in alarm for alarm in other.alarms)
    book.attrs["outlook"] = outlook.to_dict()
    assert compare_scores(book, book, outcomes=coming(1 - risk, rng)).alarms


def test_outcomes_of_some_are_not_held_against_bands_of_all():
    book = book_of(np.linspace(0, 1, 40))
    with pytest.raises(InputError, match="20 of the 40"):
        Outlook.of(book, EXACT).came(book, pd.Series([True] * 20))


# ---- on histories --------------------------------------------------------------------------------------------------


def test_the_sample_shop_keeps_what_was_told_of_it(tmp_path):
    histories = load_retailer()
    date = histories.observed_until - pd.Timedelta(days=90)
    model = RelationshipModel("90D", effort="quick").fit(histories, date)
    past = histories.until(date)
    book = model.score(past)
    outlook = model.outlook(book, model.unlike(past))
    assert outlook.n_dates == 2 and not outlook.unlike
    came = outlook.came(book, ChurnDefinition("90D").label(histories, date))
    bands = outlook.figures
    assert ((came >= bands["low"]) & (came <= bands["high"])).mean() > 0.7
    assert not outlook.outside(came)
    assert any(sentence.startswith("To expect of these") for sentence in model.says_)
    model.save(tmp_path / "m")
    assert load_model(tmp_path / "m").outlook(book).to_json() == model.outlook(book).to_json()


def shop(n_days=720, daily=4, seed=0):
    rng = np.random.default_rng(seed)
    day = np.repeat(np.arange(n_days), daily)
    buyer = rng.integers(0, 150, len(day))
    return pd.DataFrame(
        {"buyer_id": buyer, "timestamp": pd.Timestamp("2022-01-01") + pd.to_timedelta(day, "D")}
    )


def test_a_shop_that_goes_on_as_before_is_like_what_was_learned_from():
    histories = Histories(shop())
    assert RelationshipModel("60D", effort="quick").fit(histories).unlike(histories) == []


def test_records_that_stop_are_said_with_what_to_do():
    orders = shop()
    model = RelationshipModel("60D", effort="quick").fit(Histories(orders))
    later = Histories(orders, observed_until="2024-02-25")
    said = model.unlike(later)
    assert any("last 20 days" in one and "fit again" in one for one in said)
    assert any("Unlike" in one for one in RelationshipModel("60D", effort="quick").fit(later).says_)


def test_a_break_among_the_dates_learned_from_is_said():
    orders = shop()
    broken = pd.concat(
        [orders[orders["timestamp"] < "2023-08-25"].iloc[::8], orders[orders["timestamp"] >= "2023-08-25"]]
    )
    model = RelationshipModel("60D", effort="quick").fit(Histories(broken))
    assert any("unlike each other" in one and "observed_from" in one for one in model.says_)


def test_between_terms_is_unlike_within_them():
    terms = [("2021-09-01", "2022-06-30"), ("2022-09-01", "2023-06-30")]
    contracts = pd.concat(
        [pd.DataFrame({"buyer_id": [f"{start}/{i}" for i in range(200)], "start": start, "end": end, "amount": 10.0})
         for start, end in terms]
    )  # fmt: skip
    histories = Histories(contracts=contracts, observed_until="2023-08-10")
    model = RelationshipModel("30D", effort="quick").fit(histories, "2023-04-01")
    assert model.unlike(histories, "2023-04-01") == []
    assert any("0 buyers with a contract in force" in one for one in model.unlike(histories, "2023-08-10"))
    assert not model.unlike(histories, "2023-06-10")  # terms that all end were seen a year before


def test_counts_add_up_over_parts_of_the_buyers():
    histories, date = load_retailer(), pd.Timestamp("2024-05-01")
    ids = histories.buyer_ids
    parts = [counts_at(histories.select(ids[at::3]), date, 90) for at in range(3)]
    assert {name: sum(part[name] for part in parts) for name in parts[0]} == counts_at(histories, date, 90)


def test_few_events_by_chance_are_no_drift():
    pulse = Pulse.of([{"purchases": 12}, {"purchases": 20}], 90)
    assert pulse.unlike({"purchases": 3}) == []
    assert Pulse.of([], 90).unlike({"purchases": 3000}) == []
