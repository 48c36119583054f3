"""Every plot draws, says its units, and looks as it did."""

import inspect
import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")

from matplotlib import pyplot as plt  # noqa: E402
from matplotlib.testing.compare import compare_images  # noqa: E402

from clientcare import report  # noqa: E402
from clientcare.datasets import simulate_histories  # noqa: E402
from clientcare.exceptions import OptionError  # noqa: E402
from clientcare.model import RelationshipModel  # noqa: E402
from clientcare.report.canvas import plain  # noqa: E402
from clientcare.report.reliability import wilson_interval  # noqa: E402

PICTURES = Path(__file__).parent / "pictures"
TOLERANCE = 12.0
"""Root mean square of the difference in grey levels; another version of matplotlib moves a text by a pixel."""


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def firm():
    return simulate_histories("service_firm", n_buyers=60, random_state=3).histories


@pytest.fixture(scope="module")
def model(firm):
    return RelationshipModel(horizon="90D", effort="quick", random_state=0).fit(firm, as_of="2024-03-01")


def numbers(n=400):
    random = np.random.default_rng(5)
    risk = random.beta(1.2, 1.2, n)
    return risk, random.random(n) < risk, random.gamma(2.0, 40.0, n)


def book(n=400):
    risk, _, spend = numbers(n)
    stages = np.array(["dependent client", "repeat customer", "latent client", "one-time customer"])
    frame = pd.DataFrame(
        {"churn_risk": risk, "client_probability": (1 - risk) * 0.8, "expected_spend": spend}
    )
    frame["stage"] = stages[np.digitize(risk, [0.25, 0.5, 0.75])]
    return frame


def looks_as_before(display, name, tmp_path):
    drawn = tmp_path / f"{name}.png"
    display.figure_.savefig(drawn, dpi=50)
    kept = PICTURES / f"{name}.png"
    if os.environ.get("CLIENTCARE_REDRAW"):
        kept.write_bytes(drawn.read_bytes())
    difference = compare_images(str(kept), str(drawn), TOLERANCE)
    assert difference is None, difference


def has_labels(display):
    assert display.ax_.get_title(loc="left")
    assert display.ax_.figure is display.figure_


def test_reliability_looks_as_before(tmp_path):
    risk, happened, _ = numbers()
    display = report.ReliabilityDisplay.from_predictions(happened, risk)
    has_labels(display)
    looks_as_before(display, "reliability", tmp_path)


def test_lift_looks_as_before(tmp_path):
    risk, happened, spend = numbers()
    looks_as_before(report.LiftDisplay.from_predictions(happened, risk, value=spend), "lift", tmp_path)


def test_the_relationship_map_looks_as_before(tmp_path):
    looks_as_before(report.RelationshipMapDisplay.from_predictions(book()), "relationship_map", tmp_path)


def test_migration_looks_as_before(tmp_path):
    old, new = book(300), book(400).sample(frac=1, random_state=1, ignore_index=True)
    looks_as_before(report.MigrationDisplay.from_predictions(old, new), "migration", tmp_path)


def test_the_silence_map_looks_as_before(tmp_path):
    risk, _, spend = numbers()
    display = report.SilenceMapDisplay.from_predictions(1 + (spend / 30).astype(int), 200 * risk, risk)
    looks_as_before(display, "silence_map", tmp_path)


def test_the_backtest_looks_as_before(tmp_path):
    dates = pd.to_datetime(["2024-01-01", "2024-04-01", "2024-07-01"])
    rows = [
        {"as_of": date, "model": name, "target": "churn", "population": "all", "log_loss": loss + 0.01 * place,
         "log_loss_low": loss - 0.01, "log_loss_high": loss + 0.03}
        for place, date in enumerate(dates)
        for name, loss in (("model", 0.4), ("recency", 0.5))
    ]  # fmt: skip
    display = report.BacktestDisplay.from_backtest(SimpleNamespace(table=pd.DataFrame(rows)))
    looks_as_before(display, "backtest", tmp_path)


def test_reasons_look_as_before(tmp_path):
    display = report.ReasonsDisplay(
        pd.Series({"silence": 1.2, "contact": -0.7, "all else": 0.1}), -0.5
    ).plot()
    looks_as_before(display, "reasons", tmp_path)


def test_the_care_radar_looks_as_before(tmp_path):
    scores = pd.Series(
        {"communicated": 45.0, "proactive": np.nan, "deepening": 60.0, "service": 80.0, "beyond": 20.0}
    )
    looks_as_before(report.CareRadarDisplay(scores, scores - 10).plot(), "care_radar", tmp_path)


def test_gaps_and_retention_are_drawn_from_histories(firm):
    shop = simulate_histories("retailer", n_buyers=120, random_state=3).histories
    gaps = report.GapDisplay.from_histories(shop)
    has_labels(gaps)
    assert (gaps.gap_days > 0).all() and gaps.horizon_days > 0
    retention = report.RetentionDisplay.from_histories(shop)
    has_labels(retention)
    assert (retention.retention[0] == 1).all()


def test_the_chance_of_return_is_a_share_that_falls_with_silence():
    shop = simulate_histories("retailer", n_buyers=400, random_state=3).histories
    chance = report.GapDisplay.from_histories(shop, 90).chance_of_return
    seen = chance[np.isfinite(chance)]
    assert ((seen >= 0) & (seen <= 1)).all()
    assert seen[0] > seen[-1]


def test_one_buyers_timeline_is_drawn_from_the_model(model, firm):
    buyer = model.score(firm, as_of="2024-03-01").index[0]
    display = report.TimelineDisplay.from_estimator(model, firm, buyer, "2024-03-01", n_dates=4)
    has_labels(display)
    assert display.scores["churn_risk"].between(0, 1).all()


def test_reasons_of_a_buyer_add_up_to_the_log_odds_of_the_book(model, firm):
    scored = model.score(firm, as_of="2024-03-01")
    display = report.ReasonsDisplay.from_estimator(model, firm, scored.index[0], "2024-03-01")
    risk = scored["churn_risk"].iloc[0]
    assert display.base + display.contributions.sum() == pytest.approx(np.log(risk / (1 - risk)), abs=1e-6)


def test_reasons_drawn_from_an_explanation_are_those_of_the_model(model, firm):
    buyer = model.score(firm, as_of="2024-03-01").index[0]
    explained = model.explain(firm, buyers=[buyer], as_of="2024-03-01")
    one = report.ReasonsDisplay.from_predictions(explained, buyer)
    other = report.ReasonsDisplay.from_estimator(model, firm, buyer, "2024-03-01")
    pd.testing.assert_series_equal(one.contributions, other.contributions)


def test_a_timeline_drawn_from_books_shows_nothing_after_the_last_of_them(model, firm):
    books = [model.score(firm, as_of=date) for date in ("2024-01-01", "2024-03-01")]
    buyer = books[0].index[0]
    display = report.TimelineDisplay.from_predictions(firm, buyer, books)
    has_labels(display)
    assert list(display.scores.index) == [pd.Timestamp("2024-01-01"), pd.Timestamp("2024-03-01")]
    assert display.scores["churn_risk"].iloc[1] == books[1].loc[buyer, "churn_risk"]
    assert (display.contacts["timestamp"] < "2024-03-01").all()


def test_a_timeline_of_somebody_in_no_book_is_refused(model, firm):
    with pytest.raises(OptionError, match="no such buyer"):
        report.TimelineDisplay.from_predictions(firm, "nobody", [model.score(firm, as_of="2024-03-01")])


def test_a_backtest_can_be_asked_for_and_drawn_at_once(firm):
    quick = RelationshipModel(horizon="60D", effort="quick", random_state=0)
    display = report.BacktestDisplay.from_estimator(quick, firm, ["2024-02-01"])
    has_labels(display)
    assert set(display.table["model"]) == {"model", "recency"}


def test_the_radar_shows_the_five_practices(firm):
    display = report.CareRadarDisplay.from_histories(firm, "2024-03-01")
    assert list(display.scores.index) == ["communicated", "proactive", "deepening", "service", "beyond"]
    assert display.ax_.get_title(loc="left")


def test_a_buyer_missing_from_the_new_book_is_counted_not_lost():
    old, new = book(40), book(40).iloc[:30]
    moves = report.MigrationDisplay.from_predictions(old, new).moves
    assert moves["not in this book"].sum() == 10
    assert moves.to_numpy().sum() == 40


def test_bars_of_gaps_count_as_many_days_each():
    shop = simulate_histories("retailer", n_buyers=120, random_state=3).histories
    bars = report.GapDisplay.from_histories(shop, 90).ax_.patches
    edges = {round(bar.get_width(), 9) for bar in bars}
    assert len(edges) == 1 and edges.pop().is_integer()


DISPLAYS = [name for name in report.__all__ if name.endswith("Display")]


@pytest.mark.parametrize("name", DISPLAYS)
def test_a_display_is_made_as_scikit_learn_makes_them(name):
    """From an estimator, from predictions or from histories; each takes ``ax`` and says in words what it draws."""
    makers = [maker for maker in vars(getattr(report, name)) if maker.startswith("from_")]
    assert {"from_estimator", "from_histories"} & set(makers)
    for maker in makers:
        method = getattr(getattr(report, name), maker)
        assert "ax" in inspect.signature(method).parameters
        assert method.__doc__


def test_plots_draw_on_the_axes_given():
    _, ax = plt.subplots()
    risk, happened, _ = numbers()
    assert report.LiftDisplay.from_predictions(happened, risk, ax=ax).ax_ is ax


def test_a_perfect_ranking_finds_all_leavers_first():
    display = report.LiftDisplay.from_predictions([1, 1, 0, 0], [0.9, 0.8, 0.2, 0.1])
    np.testing.assert_allclose(display.share_of_leavers, [0, 0.5, 1, 1, 1])


def test_the_interval_of_a_share_is_the_published_one():
    """Wilson's interval for 8 of 10 at 90 %, recomputed by hand."""
    low, high = wilson_interval(np.array([0.8]), np.array([10]))
    assert low[0] == pytest.approx(0.5407, abs=1e-3)
    assert high[0] == pytest.approx(0.9316, abs=1e-3)


@pytest.mark.parametrize("name", ["$x_{bad", "a\nb\x00c", "\\frac{", "x" * 10_000])
def test_a_hostile_name_is_drawn_as_text(name):
    figure, ax = plt.subplots()
    ax.set_title(plain(name))
    figure.canvas.draw()
