"""Numbers as people write them: read where it is said how, refused with a way out where it is not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from doors import DOORS, assert_balanced, assert_clear, found, through

from clientcare.exceptions import OptionError, SchemaError
from clientcare.history import Histories


def orders(*amounts) -> pd.DataFrame:
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(len(amounts)), unit="D")
    return pd.DataFrame({"buyer_id": "b", "timestamp": days, "amount": list(amounts)})


@pytest.mark.parametrize(
    ("text", "decimal", "number"),
    [
        ("1234.5", ".", 1234.5),
        ("1,234.50", ".", 1234.5),
        ("$1,234", ".", 1234),
        ("1e3", ".", 1000),
        ("(5.00)", ".", -5),
        ("1 234,50 €", ",", 1234.5),
        ("1.234,50 EUR", ",", 1234.5),
        ("1'234'567,8", ",", 1234567.8),
        ("1.234", ",", 1234),
        ("R$ -0,5", ",", -0.5),
        ("12,5-", ",", -12.5),
        (",5", ",", 0.5),
    ],
)
def test_a_number_says_what_people_mean_by_it(text, decimal, number):
    histories = Histories(orders(text, "1", "2"), decimal=decimal)
    assert histories.transactions["amount"].tolist() == [number, 1, 2]


@pytest.mark.parametrize("text", ["12%", "1.2.3", "about 3", "1,23,4", "12 apples", "-", "€"])
def test_what_is_no_number_stays_none(text):
    histories = Histories(orders(text, "1", "2"), decimal=",")
    assert found(histories, "unreadable_amount") == 1


@pytest.mark.parametrize("door", DOORS)
def test_thousands_are_not_set_aside_row_by_row_the_largest_first(door, tmp_path):
    table = orders(*[f"{7_919.25 * number:,.2f}" for number in range(100)])
    with pytest.raises(SchemaError) as caught:
        through(door, table, tmp_path)
    assert_clear(
        caught.value, table.iloc[1:], "'amount'", "99 of 100 numbers", "1, 2, 3, 4, 5", "decimal=','"
    )
    assert through(door, table, tmp_path, decimal=".").transactions["amount"].max() == 7_919.25 * 99


def test_one_slip_of_the_pen_among_many_numbers_is_set_aside():
    histories = Histories(orders(*["5.5"] * 200, "5,5"))
    assert found(histories, "unreadable_amount") == 1
    assert_balanced(histories)


def test_the_decimal_sign_is_a_point_or_a_comma():
    with pytest.raises(OptionError, match="decimal"):
        Histories(orders("1"), decimal=";")
