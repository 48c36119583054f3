"""A backtest sees no future, keeps its baselines beside the model, and says plainly what it found."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression

from clientcare.evaluation import MEASURES, backtest, log_loss
from clientcare.exceptions import InputError, NotEnoughDataError, NotObservedError, OptionError
from clientcare.history import Histories
from clientcare.model import RelationshipModel
from clientcare.outcomes import ChurnDefinition, ClientDefinition

START = pd.Timestamp("2020-01-01")
DATES = ["2020-12-01", "2021-02-01"]


@pytest.fixture(scope="module")
def shop():
    rng = np.random.default_rng(5)
    rows = []
    for buyer in range(150):
        begin, rate = rng.uniform(0, 300), rng.gamma(1.0, 1 / 25)
        end = min(begin + rng.exponential(250), 600)
        days = np.append(
            begin, rng.uniform(begin, max(end, begin + 1), rng.poisson(rate * max(end - begin, 0)))
        )
        rows.append(
            pd.DataFrame({"buyer_id": f"b{buyer:03d}", "day": np.floor(days), "amount": rng.lognormal(3, 1)})
        )
    orders = pd.concat(rows, ignore_index=True)
    orders["timestamp"] = START + pd.to_timedelta(orders.pop("day"), unit="D")
    return Histories(orders, observed_from=START, observed_until=START + pd.Timedelta(days=600))


class Oracle(BaseEstimator):
    """Knows the labels: the best there can be."""

    def __init__(self, histories=None, horizon="60D"):
        self.histories, self.horizon = histories, horizon

    def fit(self, histories, as_of=None):
        self.seen_until_ = histories.observed_until
        return self

    def score(self, histories, as_of=None):
        label = ChurnDefinition(self.horizon).label(self.histories, as_of)
        return pd.DataFrame({"churn_risk": label.astype(float).clip(0.01, 0.99)})


class Coin(BaseEstimator):
    """Knows nothing."""

    def __init__(self, horizon="60D"):
        self.horizon = horizon

    def fit(self, histories, as_of=None):
        return self

    def score(self, histories, as_of=None):
        bought = histories.transactions
        return pd.DataFrame({"churn_risk": 0.5}, index=pd.Index(bought["buyer_id"].unique(), name="buyer_id"))


@pytest.fixture(scope="module")
def found(shop):
    model = RelationshipModel("60D", effort="quick")
    return backtest(model, shop, DATES, baselines=("recency", "pareto_nbd"), n_bootstrap=50)


def test_every_date_model_question_and_population_has_its_row(found):
    rows = found.table.set_index(["as_of", "model", "target", "population"]).index
    assert rows.is_unique
    assert set(found.table["model"]) == {"model", "recency", "pareto_nbd"}
    assert len(rows) == 2 * 3 * 2 * 3


def test_every_measure_has_its_interval(found):
    for name in MEASURES:
        rows = found.table[found.table[name].notna()]
        assert (rows[f"{name}_low"] <= rows[f"{name}_high"]).all()
        if name not in (
            "calibration_error",
            "lift_at_10",
            "lost_value_caught_at_10",
        ):  # those are biased by resampling
            assert (rows[f"{name}_low"] <= rows[name]).all() and (rows[name] <= rows[f"{name}_high"]).all()


def test_the_figures_are_those_of_the_book_and_the_labels(found, shop):
    date = pd.Timestamp(DATES[1])
    past = shop.until(date)
    book = RelationshipModel("60D", effort="quick").fit(past, date).score(past, date)
    label = ChurnDefinition("60D").label(shop, date)
    row = found.table.query(
        "model == 'model' and target == 'churn' and population == 'all' and as_of == @date"
    ).iloc[0]
    assert row["log_loss"] == pytest.approx(log_loss(label, book.loc[label.index, "churn_risk"]))
    assert row["base_rate"] == pytest.approx(label.mean())
    assert row["n_buyers"] == len(label)


def test_active_buyers_are_those_who_bought_within_the_horizon_before(found, shop):
    date = pd.Timestamp(DATES[0])
    past = shop.transactions[shop.transactions["timestamp"] < date]
    last = past.groupby("buyer_id")["timestamp"].max()
    rows = found.table.query("population == 'active' and as_of == @date")
    assert set(rows["n_buyers"]) == {int((last >= date - pd.Timedelta("60D")).sum())}


def test_the_model_given_is_never_fitted_itself(shop):
    model = RelationshipModel("60D", effort="quick")
    backtest(model, shop, DATES[:1], n_bootstrap=0)
    assert not hasattr(model, "model_id_")


def test_whoever_knows_the_outcome_beats_recency_beyond_chance_and_a_coin_does_not(shop):
    knowing = backtest(Oracle(shop), shop, DATES, n_bootstrap=50)
    assert "beats recency on all 2 dates (2 of them beyond chance)" in knowing.verdict
    guessing = backtest(Coin(), shop, DATES, n_bootstrap=50)
    assert "does not beat recency on any of 2 dates" in guessing.verdict


def test_of_one_date_the_verdict_speaks_as_of_one(shop):
    knowing = backtest(Oracle(shop), shop, DATES[:1], n_bootstrap=50)
    assert "On churn, the model beats recency on the only date (beyond chance);" in knowing.verdict
    unmeasured = backtest(Coin(), shop, DATES[:1], n_bootstrap=0)
    assert "On churn, the model does not beat recency on the only date;" in unmeasured.verdict


def test_a_client_horizon_not_observed_yet_is_left_out_and_said(shop):
    late = START + pd.Timedelta(days=520)
    found = backtest(RelationshipModel("60D", effort="quick"), shop, late, n_bootstrap=0)
    assert set(found.table["target"]) == {"churn"}
    assert "client horizon is not observed" in found.verdict


def test_dates_are_chosen_where_none_are_given(shop):
    found = backtest(Coin(), shop, n_bootstrap=0)
    dates = sorted(found.table["as_of"].unique())
    assert 1 <= len(dates) <= 4
    assert dates[-1] == shop.observed_until - pd.Timedelta("60D")


def test_a_date_whose_horizon_is_not_observed_is_refused(shop):
    with pytest.raises(NotObservedError):
        backtest(Coin(), shop, START + pd.Timedelta(days=580), n_bootstrap=0)


def test_a_history_shorter_than_the_horizon_is_refused_with_a_way_out(shop):
    with pytest.raises(NotEnoughDataError, match="Shorten the horizon"):
        backtest(Coin("590D"), shop, n_bootstrap=0)


def test_an_unknown_baseline_is_refused(shop):
    with pytest.raises(OptionError, match="no baseline 'best'"):
        backtest(Coin(), shop, DATES[:1], baselines=("best",))


def test_two_baselines_of_one_name_are_refused_and_none_is_lost(shop):
    with pytest.raises(OptionError, match="names of their own"):
        backtest(Coin(), shop, DATES[:1], baselines=(Coin(), Coin("30D")))


def test_without_a_baseline_the_model_is_judged_alone(shop):
    found = backtest(Coin(), shop, DATES[:1], baselines=(), n_bootstrap=0)
    assert found.verdict.startswith("On churn, the model was judged alone: log loss 0.6931 on average.")


class Plain:
    """No estimator of anybody's: fit and score, and nothing else."""

    def fit(self, histories, as_of=None):
        self.share = 0.4

    def score(self, histories, as_of=None):
        known = histories.transactions.loc[histories.transactions["timestamp"] < as_of, "buyer_id"].unique()
        return pd.DataFrame({"churn_risk": self.share}, index=known)


def test_any_class_with_fit_and_score_is_judged(shop):
    found = backtest(Plain(), shop, DATES, n_bootstrap=5)
    assert found.horizon_days == 90
    assert set(found.table["model"]) == {"model", "recency"}


def test_a_model_that_leaves_buyers_out_is_refused_by_name(shop):
    class Forgetful(Plain):
        def score(self, histories, as_of=None):
            return super().score(histories, as_of).iloc[3:]

    with pytest.raises(InputError, match=r"of 3 of .* buyers 'model' gives no 'churn_risk' between 0 and 1"):
        backtest(Forgetful(), shop, DATES, n_bootstrap=0)


@pytest.mark.parametrize("give", [lambda book: book["churn_risk"], lambda book: book.add_prefix("my_")])
def test_scores_in_another_form_are_refused_and_not_left_out(shop, give):
    class Odd(Plain):
        def score(self, histories, as_of=None):
            return give(super().score(histories, as_of))

    with pytest.raises(InputError, match="no column 'churn_risk' or 'client_probability'"):
        backtest(Odd(), shop, DATES, n_bootstrap=0)


@pytest.mark.parametrize("given", [LogisticRegression(), "recency", None, RelationshipModel])
def test_what_cannot_be_fitted_on_histories_is_refused_and_pointed_to_the_splitter(shop, given):
    with pytest.raises(InputError, match="cv=SnapshotSplit"):
        backtest(given, shop, DATES, n_bootstrap=0)


def test_the_same_seed_gives_the_same_table(shop):
    first, second = (backtest(Coin(), shop, DATES, n_bootstrap=20, random_state=4).table for _ in range(2))
    pd.testing.assert_frame_equal(first, second)


def test_the_summary_is_the_mean_over_the_dates(found):
    summary = found.summary()
    rows = found.table.query("model == 'recency' and target == 'churn' and population == 'all'")
    assert summary.at[("churn", "all", "recency"), "log_loss"] == pytest.approx(rows["log_loss"].mean())
    assert "<table" in found._repr_html_()


def test_the_model_keeps_its_own_definition_of_a_client(shop):
    own = RelationshipModel("60D", client=ClientDefinition("90D", periods=2, min_periods=1), effort="quick")
    found = backtest(own, shop, DATES[:1], n_bootstrap=0)
    expected = own.client.label(shop, DATES[0]).mean()
    assert found.table.query("target == 'client' and population == 'all'")["base_rate"].iloc[
        0
    ] == pytest.approx(expected)
