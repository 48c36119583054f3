"""Whatever a notebook shows of ours, an id stays a text: nothing in it becomes markup."""

from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from clientcare.care import care_effect, care_plan, care_report
from clientcare.evaluation import backtest
from clientcare.history import Histories
from clientcare.model import RelationshipModel
from clientcare.outcomes import suggest_horizon

ATTACK = "<img src=x onerror=alert(1)>"
DANGEROUS = {"img", "script", "svg", "iframe", "object", "embed", "b", "i"}


class Elements(HTMLParser):
    """Which elements a text would become in a browser."""

    def __init__(self):
        super().__init__()
        self.tags, self.attributes = set(), set()

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attributes}


def elements(html):
    parser = Elements()
    parser.feed(html)
    return parser


def shown_as_text(html):
    parser = elements(html)
    assert not parser.tags & DANGEROUS
    assert not any(name.startswith("on") for name in parser.attributes)


@pytest.fixture(scope="module")
def histories():
    """Every free text of every table is an attack; so is a column of attributes, its name and its value."""
    random = np.random.default_rng(0)
    ids = [f"{ATTACK}{number:03d}" for number in range(60)]

    def dated(n):
        days = random.integers(0, 600, n)
        return {
            "buyer_id": random.choice(ids, n),
            "timestamp": pd.Timestamp("2023-01-01") + pd.to_timedelta(days, unit="D"),
        }

    return Histories(
        pd.DataFrame(
            {**dated(900), "amount": random.gamma(2, 20, 900), "category": ATTACK, "product_id": ATTACK}
        ),
        interactions=pd.DataFrame(
            {
                **dated(400),
                "kind": random.choice(["check_in", "complaint", ATTACK], 400),
                "direction": random.choice(["inbound", "outbound"], 400),
                "owner": "<b>ann</b>",
                "topic": ATTACK,
            }
        ),
        buyers=pd.DataFrame({"buyer_id": ids, "segment": ATTACK, f"{ATTACK}": "<i>x</i>"}),
    )


@pytest.fixture(scope="module")
def model(histories):
    return RelationshipModel(horizon="60D", effort="quick", random_state=0).fit(histories)


@pytest.fixture(scope="module")
def book(model, histories):
    return model.score(histories)


def test_histories_and_their_quality_are_shown_as_text(histories):
    shown_as_text(histories._repr_html_())
    shown_as_text(histories.quality._repr_html_())


def test_a_rule_that_names_a_bad_row_is_shown_as_text():
    rows = pd.DataFrame(
        {
            "buyer_id": [ATTACK, ATTACK, None],
            "timestamp": ["2024-01-01", ATTACK, "2024-01-02"],
            "amount": [1.0, 2.0, 3.0],
        }
    )
    shown_as_text(Histories(rows)._repr_html_())


def test_a_models_diagram_holds_nothing_hostile(model):
    for shown in (model, RelationshipModel(horizon=ATTACK, client=ATTACK, estimator=ATTACK)):
        ours = elements(shown._repr_html_())
        assert "img" not in ours.tags
        assert "onerror" not in ours.attributes


def test_the_book_and_the_plan_are_shown_as_text(book, histories):
    shown_as_text(book._repr_html_())
    shown_as_text(care_plan(book, histories)._repr_html_())


def test_reasons_are_shown_as_text(model, histories):
    shown_as_text(model.explain(histories, histories.buyer_ids[:3])._repr_html_())


def test_a_backtest_is_shown_as_text_even_where_a_baseline_has_a_hostile_name(histories):
    class Hostile:
        name = ATTACK

        def fit(self, past, as_of):
            return self

        def score(self, past, as_of):
            return pd.DataFrame({"churn_risk": 0.5, "client_probability": 0.5}, index=past.buyer_ids)

    result = backtest(Hostile(), histories, "2024-04-01", baselines=[Hostile()], n_bootstrap=0)
    assert ATTACK in result.verdict
    shown_as_text(result._repr_html_())


def test_a_report_card_is_shown_as_text(histories):
    report = care_report(histories, histories.observed_until, by="segment")
    shown_as_text(report._repr_html_())
    shown_as_text(report.by._repr_html_())


def test_a_care_effect_is_shown_as_text(histories):
    dates = pd.date_range("2023-05-01", periods=6, freq="60D")
    found = care_effect(histories, ATTACK, "churn", dates, window="60D", horizon="60D")
    shown_as_text(found._repr_html_())


def test_a_suggested_horizon_is_shown_as_text(histories):
    suggestion = suggest_horizon(histories)
    shown_as_text(getattr(suggestion, "_repr_html_", suggestion.__repr__)())
