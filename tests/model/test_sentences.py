"""Sentences with a buyer's own numbers: the first whose numbers are known, in plain English."""

from __future__ import annotations

import re
from types import MappingProxyType

import numpy as np
import pytest

from clientcare.features import forget_feature, register_feature
from clientcare.features.catalogue import catalogue_entries
from clientcare.model.reasons.columns import themes_of
from clientcare.model.reasons.comparison import resolved
from clientcare.model.reasons.explanation import Reasons
from clientcare.model.reasons.phrases import say_all
from clientcare.model.reasons.themes import THEMES, phrases_of
from clientcare.model.training.snapshots import scaled_windows


def test_each_row_gets_the_first_phrase_whose_numbers_are_known():
    values = {"a": np.array([1.0, np.nan, 3.4]), "b": np.array([np.nan, np.nan, 0.256])}
    said = say_all(["{a:.0f} days, {b:.0%}", "{a:.0f} days", "unknown"], values.__getitem__, 3)
    assert said.tolist() == ["1 day", "unknown", "3 days, 26%"]


def test_a_phrase_that_does_not_hold_is_not_said():
    values = {"n": np.array([0.0, 2.0, np.nan]), "days": np.array([5.0, 9.0, 7.0])}
    said = say_all(
        ["[n > 0, days <= 9] {n:.0f} open for {days:.0f} days", "none open"], values.__getitem__, 3
    )
    assert said.tolist() == ["none open", "2 open for 9 days", "none open"]


def say(name, lowering=False, usual=MappingProxyType({}), **values):
    known = {key: np.array([float(value)]) for key, value in values.items()}
    unknown = np.array([np.nan])
    return say_all(phrases_of(name, 90, lowering, usual), lambda column: known.get(column, unknown), 1)[0]


def test_silence_that_is_usual_is_no_reason_to_worry_and_one_that_is_not_none_to_be_calm():
    rhythm = {"gap_days_median": 108, "n_purchases": 4, "n_purchases_90d": 1}
    usual = {**rhythm, "days_since_last_purchase": 7, "overdue_ratio": 7 / 108}
    late = {**rhythm, "days_since_last_purchase": 200, "overdue_ratio": 200 / 108}
    assert say("silence", **usual) == ""
    assert say("silence", lowering=True, **usual) == "last bought 7 days ago; usually buys every 108 days"
    assert say("silence", **late) == "silent for 200 days; usually buys every 108 days"
    assert say("silence", lowering=True, **late) == ""


def test_a_number_stands_beside_the_one_it_is_compared_with():
    usual = {
        "days_since_last_purchase": 210.4,
        "n_purchases": 2.47,
        "gap_days_median": 46,
    }
    few = {"n_purchases": 9, "n_purchases_90d": 1, "overdue_ratio": 0.9}
    slower = {**few, "purchases_90d_to_usual_ratio": 1 / 3, "purchases_per_90d": 3.0}
    assert say("silence", **slower) == "bought once in the last 90 days; usually 3"
    overdue = {**few, "overdue_ratio": 1.2, "days_since_last_purchase": 94}
    assert say("silence", True, usual, **overdue) == ""
    assert say("silence", usual=usual, **few, gap_days_median=161) == (
        "usually buys every 161 days; the usual buyer every 46"
    )
    assert say("purchases", usual=usual, n_purchases=1) == "one purchase so far; the usual buyer 2.5"


def test_a_comparison_that_speaks_against_its_own_direction_is_not_made():
    usual = {"days_since_last_purchase": 20.0, "purchase_amount_mean": 30.0, "total_spent": 500.0}
    late = {"n_purchases": 3, "n_purchases_90d": 0, "days_since_last_purchase": 94}
    assert say("silence", True, usual, **late) == ""
    much = {"purchase_amount_mean": 80, "total_spent": 640}
    assert say("spend", usual=usual, **much) == ""
    assert say("spend", True, usual, **much) == "spends 80 a purchase; the usual buyer 30"


def test_one_gap_is_told_as_one_gap_and_not_as_a_habit():
    twice = {"n_purchases": 2, "gap_days_median": 1, "days_since_last_purchase": 300, "overdue_ratio": 300}
    assert say("silence", **twice) == "silent for 300 days; bought twice, 1 day apart"


def test_a_reason_names_what_there_is_and_never_a_trouble_that_there_is_not():
    assert say(
        "satisfaction", n_open_complaints=0, n_ratings=3, satisfaction_last=0.65, satisfaction_mean=0.8
    ) == ("last rating 65%; 80% on average")
    assert say("satisfaction", n_open_complaints=2) == "2 complaints still open"
    assert say("word of mouth", n_referrals_made=0, was_referred=0) == "has referred nobody yet"
    assert say("word of mouth", True, n_referrals_made=0, was_referred=0) == ""
    assert say("word of mouth", n_referrals_made=3, was_referred=0) == ""
    assert say("returns", True, returned_share=0.0, n_returns=0) == "returned nothing"
    assert say("returns", returned_share=0.0, n_returns=0) == ""


def test_whose_contract_has_ended_is_not_called_under_contract():
    ended = {"days_since_first_contract": 738, "days_since_contract_end": 131, "has_contract_in_force": 0}
    assert say("contract", **ended) == "without a contract for 131 days"
    assert say("contract", True, **ended) == say("price", monthly_amount_in_force=0) == ""


@pytest.mark.parametrize("lowering", [False, True])
@pytest.mark.parametrize(
    "theme", [*(theme.name for theme in THEMES), "standing", "level of the season", "other"]
)
def test_of_whom_nothing_is_known_nothing_is_said(theme, lowering):
    assert say(theme, lowering) == ""


def test_what_is_true_of_the_whole_base_is_no_reason_of_one_buyer():
    for theme in ("standing", "level of the season", "other"):
        assert phrases_of(theme, 90) == phrases_of(theme, 90, lowering=True) == ()


def test_clients_are_compared_with_the_usual_client():
    reasons = Reasons(["total_spent"], ["total_spent"], 90, {"total_spent": 300.0}, {"total_spent": 900.0})
    spent = np.array([600.0, 600.0, 100.0, 2000.0])
    said = reasons.sentences(
        "spend", lambda name: spent if name == "total_spent" else np.full(4, np.nan),
        np.array([-1.0, 1.0, 1.0, -1.0]), clients=np.array([False, True, False, True]),
    )  # fmt: skip
    assert said.tolist() == [
        "spent 600 in all; the usual buyer 300",
        "spent 600 in all; the usual client 900",
        "spent 100 in all; the usual buyer 300",
        "spent 2,000 in all; the usual client 900",
    ]


def test_no_sentence_points_the_other_way_than_its_figure():
    weekly = {"n_purchases": 60, "gap_days_mean": 7}
    assert say("rhythm", usual={"gap_days_mean": 14}, **weekly) == ""
    assert say("rhythm", usual={"gap_days_mean": 3}, **weekly) == (
        "buys every 7 days on average; the usual buyer every 3"
    )
    bound = {"has_contract_in_force": 1, "days_under_contract": 357, "n_renewals": 2}
    assert say("contract", True, **bound) == "under contract for 357 days; renewed 2 times"
    assert say("contract", **bound) == ""


def test_the_end_of_a_contract_speaks_for_itself():
    soon = {"has_contract_in_force": 1, "days_to_contract_end": 8}
    assert say("end of the contract", **soon) == "the contract ends in 8 days"
    assert say("end of the contract", True, **soon) == ""
    assert say("end of the contract", **soon, had_renewal_talk=0) == (
        "the contract ends in 8 days; no talk of renewing it is on record"
    )
    talked = {**soon, "had_renewal_talk": 1, "days_since_renewal_talk": 20}
    assert say("end of the contract", True, **talked) == (
        "the contract ends in 8 days; renewing it was talked about 20 days ago"
    )
    assert (
        say("end of the contract", True, **{**soon, "days_to_contract_end": 288}) == "bound for 288 days more"
    )


def test_numbers_that_would_be_shown_alike_are_not_compared():
    assert say("returns", True, {"returned_share": 0.0145}, returned_share=0.0095) == ""
    assert say("returns", True, {"returned_share": 0.0345}, returned_share=0.0095) == (
        "returned 1% of what was spent; the usual buyer 3%"
    )


@pytest.mark.parametrize("lowering", [False, True])
def test_nothing_is_said_of_use_where_none_is_recorded(lowering):
    nobody_uses = {"n_usage_30d": 0.0}
    assert say("use", lowering) == ""
    assert say("use", lowering, nobody_uses, n_usage_30d=0) == ""
    assert (
        say("use", usual={"n_usage_30d": 5.2}, n_usage_30d=0)
        == "not used in 30 days; the usual buyer 5.2 times"
    )


def test_where_a_theme_says_nothing_the_next_reason_moves_up():
    reasons = Reasons(["n_usage_30d", "n_purchases"], ["", ""], 90, {"n_usage_30d": 0.0, "n_purchases": 2.0})
    columns = {"n_usage_30d": np.array([0.0, 3.0]), "n_purchases": np.array([9.0, 9.0])}
    parts = np.zeros((2, reasons.n_themes))
    parts[:, reasons.themes.index("use")] = -2.0
    parts[:, reasons.themes.index("purchases")] = -1.0
    said = reasons.top(parts, lambda name: columns.get(name, np.full(2, np.nan)))
    assert said["reason_1"].tolist() == [
        "lowers the risk: bought 9 times in all; the usual buyer 2",
        "lowers the risk: used 3 times in 30 days; the usual buyer 0",
    ]
    assert said["reason_2"].tolist()[0] == ""


def test_whoever_is_likelier_gone_is_asked_why_first():
    reasons = Reasons(
        ["total_spent", "n_purchases"], ["", ""], 90, {"total_spent": 900.0, "n_purchases": 2.0}
    )
    columns = {"total_spent": np.array([20.0, 20.0]), "n_purchases": np.array([9.0, 9.0])}
    parts = np.zeros((2, reasons.n_themes))
    parts[:, reasons.themes.index("spend")] = 0.5
    parts[:, reasons.themes.index("purchases")] = -1.0
    said = reasons.top(
        parts, lambda name: columns.get(name, np.full(2, np.nan)), leaving=np.array([True, False])
    )
    assert [text.split(":")[0] for text in said["reason_1"]] == ["raises the risk", "lowers the risk"]


WINDOWS = scaled_windows(90)
ENTRIES = catalogue_entries(None, WINDOWS, 90)


def test_every_feature_has_a_theme_that_can_speak_and_every_theme_a_feature():
    words = {theme.name for theme in THEMES}
    for entry in ENTRIES:
        assert {entry.theme, entry.theme_at_horizon} <= words, entry.name
    assert {theme for entry in ENTRIES for theme in (entry.theme, entry.theme_at_horizon)} == words


def test_a_feature_of_the_users_own_is_explained_in_its_own_words():
    def n_long_visits(at):
        """Visits of an hour or more."""
        return np.zeros(at.n_buyers)

    register_feature(
        n_long_visits, unit="visits", nan_meaning="never", phrase="{n_long_visits:.0f} long visits"
    )
    try:
        reasons = Reasons(["n_long_visits", "n_purchases"], ["n_long_visits", "n_purchases"], 90, {})
        assert reasons.themes[:2] == ["purchases", "n_long_visits"]
        said = reasons.sentences("n_long_visits", lambda name: np.array([4.0]), np.array([1.0]))
        assert said.tolist() == ["4 long visits"]
    finally:
        forget_feature("n_long_visits")


@pytest.mark.parametrize("lowering", [False, True])
@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_every_phrase_can_be_said_of_somebody_and_names_only_columns_that_exist(theme, lowering):
    """Random buyers beside random usual ones: a phrase that nobody ever gets is dead."""
    random = np.random.default_rng(7)
    exist = {entry.name for entry in ENTRIES}
    phrases = [
        phrase.replace("<h>", "90d").replace("<days>", "90")
        for phrase in (theme.lowering if lowering and theme.lowering else theme.phrases)
    ]
    named = {
        name
        for phrase in phrases
        for front in [_front(phrase)]
        for name in (
            *re.findall(r"(\w+) (?:<=|>=|\?=|<|>) ", front),
            *re.findall(r"{(\w+):", phrase),
            *re.findall(r"<usual (\w+):", phrase),
        )
    }
    assert named <= exist, named - exist
    n_rows, told = 400, [0] * len(phrases)
    for _ in range(60):
        usual = {name: float(random.choice([0.0, 0.5, 3.0, 60.0])) for name in named if random.random() < 0.5}
        values = {
            name: np.where(
                random.random(n_rows) < 0.3,
                np.nan,
                random.choice([0.0, 0.003, 0.4, 1.0, 2.0, 7.0, 90.0, 400.0], n_rows),
            )
            for name in named
        }
        marked = [(place, resolved([phrase], usual)) for place, phrase in enumerate(phrases)]
        marked = [
            (place, f"{_front(made[0])}said {place}|{_numbers(made[0])}") for place, made in marked if made
        ]
        said = say_all(
            [text for _, text in marked],
            lambda name, values=values: values.get(name, np.full(n_rows, np.nan)),
            n_rows,
        )
        for text in said:
            if text:
                told[int(text.split("|")[0].removeprefix("said "))] += 1
    assert all(told), [phrase for phrase, count in zip(phrases, told, strict=True) if count == 0]


def _front(phrase):
    found = re.match(r"\[[^\]]*\] ", phrase)
    return found.group() if found else ""


def _numbers(phrase):
    return " ".join(re.findall(r"{[^}]*}", phrase))


def test_one_is_not_plural():
    said = say_all(["bought {n:.0f} times; buys every {n:.0f} days"], lambda name: np.array([1.0, 2.0]), 2)
    assert said.tolist() == ["bought once; buys every day", "bought 2 times; buys every 2 days"]


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_every_phrase_reads_as_if_its_words_were_mended_after_its_numbers_were_filled_in(theme):
    rng = np.random.default_rng(0)
    for phrase in (*theme.phrases, *theme.lowering):
        phrase = re.sub(r"^\[.*?\] ", "", phrase).replace("<h>", "60d").replace("<days>", "60")
        phrase = re.sub(r"<usual \w+:[^>]*>", "8.5", phrase)
        names = re.findall(r"{(\w+)", phrase)
        values = {name: rng.choice([0.0, 0.01, 0.3, 1.0, 1.2, 2.0, 10.0, 1001.0], 400) for name in names}
        said = say_all([phrase], values.__getitem__, 400)
        for row in range(400 if names else 1):
            plain = phrase.replace(":.1f}", "}").format(
                **{name: round(values[name][row], 1) for name in names if f"{{{name}:.1f}}" in phrase}
                | {name: values[name][row] for name in names if f"{{{name}:.1f}}" not in phrase}
            )
            assert said[row] == mended(re.sub(r"(\d)\.0\b", r"\1", plain))


def mended(sentence):
    for plural, singular in (
        (r"\b1 (time|day|purchase|referral|complaint|contact|channel)s\b", r"1 \1"),
        (r"\b1 categories\b", "1 category"),
        (r"\bbought 1 time\b", "bought once"),
        (r"\bevery (1 day|0 days)\b", "every day"),
        (r"\b1 different products\b", "one product"),
    ):
        sentence = re.sub(plural, singular, sentence)
    return sentence


def test_no_rows_no_sentences():
    assert say_all(["{a:.0f} days"], lambda name: np.empty(0), 0).tolist() == []


def test_columns_that_say_the_same_thing_are_one_idea():
    names = [
        "days_since_last_purchase",
        "overdue_ratio",
        "n_purchases_90d",
        "n_purchases",
        "total_spent",
        "x",
    ]
    themes, groups = themes_of(names, names, 90)
    assert [themes[group] for group in groups] == [
        "silence",
        "silence",
        "silence",
        "purchases",
        "spend",
        "other",
    ]


def test_every_level_of_an_attribute_is_the_same_idea():
    names = ["buyer_plan = gold", "buyer_plan = silver", "days_since_buyer_born"]
    themes, groups = themes_of(names, ["buyer_plan", "buyer_plan", "days_since_buyer_born"], 90)
    assert [themes[group] for group in groups] == ["attribute: plan", "attribute: plan", "attribute: born"]
