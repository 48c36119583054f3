"""Moments and stretches, as a caller may state them."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from clientcare.exceptions import OptionError
from clientcare.window import parse_days, parse_moment

JUNE = pd.Timestamp("2011-06-01")


@pytest.mark.parametrize(
    "moment",
    [
        "2011-06-01",
        "20110601",
        " 2011-06-01",
        "2011/06/01",
        "2011-06",
        JUNE,
        dt.date(2011, 6, 1),
        np.datetime64("2011-06-01"),
    ],
)
def test_a_moment_that_begins_with_its_year_can_be_read_one_way(moment):
    assert parse_moment(moment) == JUNE


@pytest.mark.parametrize(
    "moment",
    [
        "03/04/2011",
        "1/6/2011",
        "today",
        "now",
        "yesterday",
        "12",
        "2011-06-31",
        "",
        None,
        5,
        np.int64(5),
        float("nan"),
        True,
    ],
)
def test_what_can_be_read_two_ways_or_none_is_no_moment(moment):
    with pytest.raises(OptionError, match="as_of"):
        parse_moment(moment)


@pytest.mark.parametrize(
    ("stretch", "days"),
    [
        *[("90D", 90), ("90d", 90), ("90", 90), ("90 days", 90), ("2W", 14), ("2w", 14), ("3 weeks", 21)],
        *[(90, 90), (np.int64(90), 90), (np.timedelta64(90, "D"), 90), (pd.Timedelta("7D"), 7)],
        *[(dt.timedelta(days=7), 7), ("48h", 2)],
    ],
)
def test_a_stretch_is_whole_days(stretch, days):
    assert parse_days(stretch) == days


@pytest.mark.parametrize("stretch", [0, -1, "12h", "90 parsecs", None, 2.5, True, "0D", pd.NaT])
def test_what_is_no_whole_number_of_days_is_no_stretch(stretch):
    with pytest.raises(OptionError, match="horizon"):
        parse_days(stretch)
