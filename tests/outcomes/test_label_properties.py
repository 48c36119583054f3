"""What holds for the labels of any business."""

import pandas as pd
from hypothesis import given
from pandas.testing import assert_series_equal

from clientcare.history.population import known_buyers
from clientcare.outcomes import ChurnDefinition, ClientDefinition, StatusRule
from strategies import FIRST_DAY, N_DAYS, histories_of, some_dates, some_histories, some_tables

CHURN = ChurnDefinition("45D")
CLIENT = ClientDefinition("45D", periods=4, min_periods=2)
DATES = some_dates(last="2021-11-01")
DAY = pd.Timedelta(days=1)


def recorded_at_once(tables):
    """The same facts, all written down when they happened."""
    return {
        name: None if table is None else table.drop(columns="recorded_at", errors="ignore")
        for name, table in tables.items()
    }


@given(some_tables(), DATES)
def test_nothing_at_or_after_the_end_of_the_horizon_changes_a_label(tables, as_of):
    histories = histories_of(recorded_at_once(tables))
    seen = histories.until(as_of + 45 * DAY)
    for ask in (CHURN.label, CLIENT.label, CLIENT.patronage, CLIENT.care_tie_seen, CLIENT.stage):
        full, cut = ask(histories, as_of), ask(seen, as_of)
        assert_series_equal(full, cut.reindex(full.index))


@given(some_histories(), DATES)
def test_every_known_buyer_is_labelled_once_and_nobody_else(histories, as_of):
    known = histories.buyer_ids.take(known_buyers(histories, as_of))
    for ask in (CHURN.label, CLIENT.label, CLIENT.care_tie_seen, CLIENT.stage):
        assert ask(histories, as_of).index.equals(known)


@given(some_histories(), DATES)
def test_a_client_has_not_churned_over_the_same_horizon(histories, as_of):
    churned, is_client = CHURN.label(histories, as_of), CLIENT.label(histories, as_of)
    assert not (churned & is_client).any()


@given(some_histories(), DATES)
def test_a_longer_horizon_calls_nobody_churned_who_bought_in_the_shorter_unless_a_contract_ended(
    histories, as_of
):
    longer = ChurnDefinition("60D").label(histories, as_of)
    if histories.events("contracts") is None:
        assert not (longer & ~CHURN.label(histories, as_of)).any()


@given(some_histories(), DATES)
def test_the_class_is_the_reduction_of_the_stage(histories, as_of):
    for rule in ("when_seen", "ignored"):
        definition = ClientDefinition("45D", care_tie=rule)
        is_client = definition.label(histories, as_of)
        assert ((definition.stage(histories, as_of) == "dependent client") == is_client).all()
        assert (definition.patronage(histories, as_of) | ~is_client).all()


@given(some_histories(), DATES)
def test_a_stage_never_contradicts_a_count(histories, as_of):
    end = as_of + 45 * DAY
    facts = StatusRule.learn(histories, end, 45).told(histories, end)
    stage = CLIENT.stage(histories, as_of).astype(str)
    facts = facts.reindex(stage.index)
    once = facts[stage == "one-time customer"]
    assert (once["n_purchases"] <= 1).all() and not once["had_contract"].any()
    assert (facts.loc[stage == "repeat customer", "n_purchases"] >= 2).all()
    assert facts.loc[stage == "kept customer", "had_contract"].all()
    assert not (stage[facts["n_purchases"] > 0] == "new buyer").any()


@given(some_histories(interactions=True), DATES)
def test_more_talk_never_unties(histories, as_of):
    """A tie in every part asks for no less than a tie in two of them."""
    often, sometimes = (ClientDefinition("45D", periods=3, min_periods=least) for least in (3, 1))
    assert not (often.care_tie_seen(histories, as_of) & ~sometimes.care_tie_seen(histories, as_of)).any()


@given(some_histories(), DATES, DATES)
def test_several_dates_say_what_each_date_says(histories, one, two):
    together = CLIENT.label(histories, [one, two])
    for as_of in {one, two}:
        alone = together[together.index.get_level_values("as_of") == as_of].droplevel("as_of")
        assert_series_equal(alone, CLIENT.label(histories, as_of))


def test_the_vocabulary_spans_the_dates_that_are_asked_for():
    last_asked = pd.Timestamp("2021-11-01") + 60 * DAY
    assert last_asked <= FIRST_DAY + N_DAYS * DAY
