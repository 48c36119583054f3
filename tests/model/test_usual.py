"""The usual buyer: averages that no single buyer moves or can be read from, and phrases that name them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from model_shops import histories_of, shop_tables

from clientcare.model import RelationshipModel
from clientcare.model.reasons.comparison import resolved
from clientcare.model.reasons.typical import usual_values


def test_one_giant_does_not_move_what_is_usual():
    column = np.random.default_rng(0).gamma(2.0, 10.0, 500)
    giant = np.where(np.arange(500) == 7, 1e9, column)
    assert usual_values(giant[:, None])[0] == pytest.approx(usual_values(column[:, None])[0], rel=0.01)


def test_what_fewer_than_twenty_buyers_tell_is_not_kept():
    few, enough = np.full(40, np.nan), np.full(40, np.nan)
    few[:19], enough[:20] = 3.0, 3.0
    assert np.isnan(usual_values(few[:, None])[0])
    assert usual_values(enough[:, None])[0] == 3.0


def test_a_phrase_whose_usual_number_is_unknown_is_left_out():
    phrases = ["[a > usual] {a:.0f} days; the usual buyer <usual a:,.0f>", "{a:.0f} days"]
    assert resolved(phrases, {"a": float("nan")}) == ("{a:.0f} days",)


def test_numbers_that_look_alike_are_not_compared():
    (below,) = resolved(["[n < usual] {n:.0f} times; the usual buyer <usual n:.1f>"], {"n": 1.2})
    (above,) = resolved(["[n > usual] {n:.0f} times; the usual buyer <usual n:.1f>"], {"n": 1.2})
    assert below.startswith("[n <= 0.7")
    assert above.startswith("[n > 1.7")


def test_usual_counts_from_ten_on_have_no_decimals():
    phrase = "{n:.0f} times; the usual buyer <usual n:.1f>"
    assert resolved([phrase], {"n": 49.2}) == ("{n:.0f} times; the usual buyer 49",)
    assert resolved([phrase], {"n": 3.0}) == ("{n:.0f} times; the usual buyer 3",)


def test_what_is_usual_is_that_of_the_date_of_learning_and_stays():
    """Facts at or after as_of change no comparison, whatever they are."""
    tables = shop_tables(n_buyers=120)
    later = tables["transactions"].assign(timestamp=lambda t: t["timestamp"] + np.timedelta64(3650, "D"))
    known = histories_of(tables)
    more = histories_of({**tables, "transactions": pd.concat([tables["transactions"], later])})
    as_of = known.observed_until
    models = [RelationshipModel("60D", effort="quick").fit(one, as_of) for one in (known, more)]
    np.testing.assert_array_equal(*(model.learned_.usual for model in models))
    books = [model.score(one, as_of) for model, one in zip(models, (known, more), strict=True)]
    for reason in ("reason_1", "reason_2", "reason_3"):
        assert books[0][reason].tolist() == books[1][reason].tolist()
    assert books[0]["reason_1"].str.contains("the usual buyer").any()
