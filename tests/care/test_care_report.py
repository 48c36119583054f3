"""The report card: means, coverage, trend, groups, the self-audit."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from three_buyers import AS_OF, INTERACTIONS, TRANSACTIONS, three_buyers

from clientcare.care import care_practices, care_report
from clientcare.care.practices import WHOLE
from clientcare.exceptions import OptionError
from clientcare.history import Histories


@pytest.fixture(scope="module")
def report():
    return care_report(three_buyers(), AS_OF, by="segment")


def test_the_sellers_score_is_the_mean_of_the_buyers_seen(report):
    row = report.seller.loc["communicated"]
    assert row["score"] == pytest.approx(50.0)  # of 83.3 and 16.7
    assert row["coverage"] == pytest.approx(2 / 3)
    assert (row["n_buyers_seen"], row["n_buyers"]) == (2, 3)
    assert row["evidence"] == "4 of 6 stretches with word from the seller, 2 of them unasked"


def test_overall_is_the_mean_of_the_practices_and_two_way_communication(report):
    six = report.seller["score"].iloc[:6]
    assert report.seller.loc["overall", "score"] == pytest.approx(six.mean())


def test_the_trend_compares_with_the_same_figures_one_period_earlier(report):
    earlier = care_practices(three_buyers(), pd.Timestamp("2024-04-02"))
    assert report.seller.loc["communicated", "previous"] == pytest.approx(earlier["communicated"].mean())
    assert report.seller.loc["communicated", "trend"] == pytest.approx(50.0 - earlier["communicated"].mean())


def test_a_period_before_the_data_has_no_trend():
    histories = Histories(TRANSACTIONS, interactions=INTERACTIONS, observed_from="2024-03-01")
    assert care_report(histories, AS_OF).seller["trend"].isna().all()


def test_groups_are_the_segments_of_the_buyers_table(report):
    assert report.by.index.get_level_values("segment").unique().tolist() == ["firm", "home"]
    assert report.by.loc[("firm", "communicated"), "score"] == pytest.approx(100 * 5 / 6)
    assert report.by.loc[("home", "communicated"), "score"] == pytest.approx(100 / 6)
    assert report.by.loc[("home", "communicated"), "n_buyers"] == 2


def test_buyers_may_be_grouped_by_a_series_or_by_owner():
    groups = pd.Series({"ada": "north"}, name="region")
    by = care_report(three_buyers(), AS_OF, by=groups).by
    assert by.index.get_level_values("region").unique().tolist() == ["(unknown)", "north"]
    assert care_report(three_buyers(), AS_OF, by="owner").by.index.get_level_values("owner")[0] == "(unknown)"


def test_the_questions_are_answered_with_figures(report):
    answers = report.questions
    assert answers.loc["Do they hear that you do?", "answer"] == "no"
    assert (
        "1 of 3 buyers heard from you within the last 30 days"
        in answers.loc["Do they hear that you do?", "figures"]
    )
    assert (
        "2 of 3 buyers had a two-way contact"
        in answers.loc["Would they say they are in your care?", "figures"]
    )
    assert "1 complaints and tickets open" in answers.loc["Is service always good?", "figures"]
    assert answers.loc["Would they send you a friend?", "percent"] == pytest.approx(100 / 3)


def test_what_cannot_be_seen_is_not_called_bad():
    report = care_report(Histories(TRANSACTIONS), AS_OF)
    assert np.isnan(report.seller.loc["communicated", "score"])
    assert report.seller.loc["communicated", "coverage"] == 0.0
    assert report.questions.loc["Do they hear that you do?", "answer"] == "cannot be seen"


def test_the_overall_score_says_which_practices_it_rests_on():
    assert (
        care_report(three_buyers(), AS_OF).seller.loc["overall", "evidence"]
        == "mean of the five practices and two-way communication"
    )
    alone = care_report(Histories(TRANSACTIONS), AS_OF).seller
    seen = [practice for practice in WHOLE if alone.loc[practice, "coverage"] > 0]
    assert 0 < len(seen) < 3
    assert alone.loc["overall", "evidence"] == f"mean of {' and '.join(seen)} alone"
    nothing = care_report(Histories(TRANSACTIONS), "2000-01-01").seller
    assert nothing.loc["overall", "evidence"] == "cannot be seen in these histories"


def test_the_report_prints_and_its_page_is_escaped():
    groups = pd.Series({"ada": "<script>alert(1)</script>"}, name="<b>")
    report = care_report(three_buyers(), AS_OF, by=groups)
    assert "communicated" in repr(report)
    page = report._repr_html_()
    assert "<script>" not in page
    assert page.count("<table>") == page.count("</table>") == 2


def test_a_cadence_longer_than_the_period_is_refused():
    with pytest.raises(OptionError, match="Lengthen the period"):
        care_report(three_buyers(), AS_OF, period="20D")


def test_an_unknown_group_is_refused_with_the_columns_there_are():
    with pytest.raises(OptionError, match="'segment'"):
        care_report(three_buyers(), AS_OF, by="region")


@pytest.mark.parametrize("by", [["segment"], 5, {"segment": "a"}])
def test_a_group_that_is_no_name_is_refused(by):
    with pytest.raises(OptionError, match="'segment'"):
        care_report(three_buyers(), AS_OF, by=by)
