"""What is drawn of renewals, losses and months is what the tables say."""

import pandas as pd
import pytest

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")

import clientcare as cc  # noqa: E402
from clientcare.money import LossBook, Renewals  # noqa: E402
from clientcare.report import LossBookDisplay, RenewalsDisplay, TimelineDisplay, TrendDisplay  # noqa: E402


def test_the_renewals_of_a_month_are_drawn_with_their_interval():
    months = pd.DataFrame(
        {
            "n_ends": [2, 1],
            "amount": [150.0, 80.0],
            "expected": [120.0, 40.0],
            "low": [50.0, 0.0],
            "high": [150.0, 80.0],
        },
        index=pd.DatetimeIndex(["2024-01-31", "2024-02-29"], name="month"),
    )
    shown = RenewalsDisplay.from_renewals(Renewals(pd.Timestamp("2024-01-01"), pd.DataFrame(), months))
    assert [bar.get_height() for bar in shown.ax_.patches] == [150.0, 80.0, 120.0, 40.0]
    assert "as of 2024-01-01: 3 contracts end" in shown.ax_.get_title(loc="left")
    matplotlib.pyplot.close(shown.figure_)


def test_losses_are_parted_into_foreseen_surprise_and_unknown():
    quarters = pd.DataFrame(
        {"n_losses": [5, 2], "n_known": [4, 0], "surprise_rate": [0.25, float("nan")]},
        index=pd.DatetimeIndex(["2023-12-31", "2024-03-31"], name="quarter"),
    )
    shown = LossBookDisplay.from_loss_book(LossBook(pd.DataFrame(), quarters))
    assert shown.by_quarter.to_numpy().tolist() == [[3, 1, 1], [0, 0, 2]]
    assert shown.ax_.get_title(loc="left").startswith("7 losses; 1 of 4")
    matplotlib.pyplot.close(shown.figure_)


def test_a_month_counts_who_came_and_who_left():
    contracts = pd.DataFrame(
        {
            "buyer_id": ["a", "b"],
            "start": ["2023-01-01", "2023-05-10"],
            "end": ["2023-06-05", None],
            "amount": [10.0, 5.0],
        }
    )
    firm = cc.Histories(contracts=contracts, observed_from="2023-01-01", observed_until="2023-12-01")
    table = TrendDisplay.from_histories(firm, n_months=8).table
    assert table.loc["2023-05-31", ["living", "came", "left", "money"]].tolist() == [2, 1, 0, 15.0]
    assert table["left"].sum() == 1
    assert table["living"].iloc[-1] == 1
    matplotlib.pyplot.close("all")


def test_a_timeline_knows_who_began_as_the_facts_do():
    """A complaint without a direction came from the buyer; a missed meeting is no contact."""
    contacts = pd.DataFrame(
        {
            "buyer_id": "a",
            "timestamp": ["2023-01-05", "2023-02-05", "2023-03-05"],
            "kind": ["complaint", "check_in", "meeting"],
            "direction": [None, "outbound", "outbound"],
            "status": [None, None, "missed"],
        }
    )
    orders = pd.DataFrame({"buyer_id": ["a"], "timestamp": ["2023-01-01"], "amount": [5.0]})
    histories = cc.Histories(orders, contacts, observed_until="2023-06-01")
    book = pd.DataFrame(
        {"as_of": [pd.Timestamp("2023-05-01")], "churn_risk": [0.5], "client_probability": [0.5]},
        index=pd.Index(["a"], name="buyer_id"),
    )
    shown = TimelineDisplay.from_predictions(histories, "a", [book])
    assert shown.contacts["side"].tolist() == ["them", "us"]
    assert shown.ax_.get_title(loc="left") == "a through time"
    matplotlib.pyplot.close(shown.figure_)
