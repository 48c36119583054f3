"""Sentences with a buyer's own numbers: the first whose numbers are known, in plain English."""

from __future__ import annotations

import re

import numpy as np
import pytest

from clientcare.model.ideas import IDEAS, ideas_of
from clientcare.model.sentences import say_all


def test_each_row_gets_the_first_phrase_whose_numbers_are_known():
    values = {"a": np.array([1.0, np.nan, 3.4]), "b": np.array([np.nan, np.nan, 0.256])}
    said = say_all(["{a:.0f} days, {b:.0%}", "{a:.0f} days", "unknown"], values.__getitem__, 3)
    assert said.tolist() == ["1 day", "unknown", "3 days, 26%"]


def test_one_is_not_plural():
    said = say_all(["bought {n:.0f} times; buys every {n:.0f} days"], lambda name: np.array([1.0, 2.0]), 2)
    assert said.tolist() == ["bought once; buys every day", "bought 2 times; buys every 2 days"]


@pytest.mark.parametrize("idea", IDEAS, ids=lambda idea: idea.name)
def test_every_phrase_reads_as_if_its_words_were_mended_after_its_numbers_were_filled_in(idea):
    rng = np.random.default_rng(0)
    for phrase in (*idea.phrases, *idea.lowering):
        phrase = phrase.replace("<h>", "60d")
        names = re.findall(r"{(\w+)", phrase)
        values = {name: rng.choice([0.0, 0.01, 0.3, 1.0, 1.2, 2.0, 10.0, 1001.0], 400) for name in names}
        said = say_all([phrase], values.__getitem__, 400)
        for row in range(400 if names else 1):
            assert said[row] == mended(phrase.format(**{name: values[name][row] for name in names}))


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
    ideas, groups = ideas_of(names, names, 90)
    assert [ideas[group] for group in groups] == [
        "silence",
        "silence",
        "silence",
        "purchases",
        "spend",
        "other",
    ]


def test_every_level_of_an_attribute_is_the_same_idea():
    names = ["buyer_plan = gold", "buyer_plan = silver", "days_since_buyer_born"]
    ideas, groups = ideas_of(names, ["buyer_plan", "buyer_plan", "days_since_buyer_born"], 90)
    assert [ideas[group] for group in groups] == ["attribute: plan", "attribute: plan", "attribute: born"]
