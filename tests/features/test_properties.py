"""What must change with the histories, and what must not."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from clientcare.features import feature_catalogue, feature_table, peer_norms
from clientcare.history import Histories
from strategies import histories_of, some_dates, some_histories, some_tables, with_another_future

MANY = settings(max_examples=max(200, settings().max_examples))
"""Every run holds a property to two hundred examples; ``CLIENTCARE_TESTS=full`` to five hundred."""

FEW_WINDOWS = (30, 400)
SMALL = {"max_buyers": 5, "max_rows": 30}
OWN = [
    "timing",
    "rhythm",
    "spend",
    "windows",
    "season",
    "breadth",
    "contact",
    "contract",
    "dependence",
    "own_gaps",
    "static",
]
DATED = [*OWN[:-1], "peers"]
UNITS = feature_catalogue(windows=(30, 400)).set_index("name")["unit"]
CALENDAR = ["year_elapsed_share", "year_end_purchase_share"]


def assert_same(one: pd.DataFrame, other: pd.DataFrame) -> None:
    """Equal to the last bit; texts compared as texts, for a part has fewer categories than the whole."""
    assert_frame_equal(_plain(one), _plain(other), check_exact=True)


def _plain(table: pd.DataFrame) -> pd.DataFrame:
    texts = [name for name in table.columns if table[name].dtype != np.float64]
    return table.assign(
        **{name: table[name].astype(object).where(table[name].notna(), None) for name in texts}
    )


@MANY
@given(some_tables(**SMALL), some_dates(), st.integers(0, 10_000))
def test_another_future_changes_no_feature(tables, as_of, seed):
    other = with_another_future(tables, as_of, seed)
    before, after = (
        feature_table(histories_of(some), as_of, DATED, FEW_WINDOWS, horizon=30) for some in (tables, other)
    )
    assert_same(before, after)


def test_a_buyer_who_comes_later_leaves_no_trace_among_the_categories():
    bought = pd.DataFrame({"buyer_id": ["a", "b"], "timestamp": ["2024-01-01", "2024-06-01"], "amount": 1.0})
    buyers = pd.DataFrame({"buyer_id": ["a", "b"], "city": ["Oslo", "Bergen"]})
    histories = Histories(bought, buyers=buyers)
    assert list(feature_table(histories, "2024-03-01")["buyer_city"].cat.categories) == ["Oslo"]
    both = feature_table(histories, ["2024-03-01", "2024-07-01"])["buyer_city"]
    assert list(both.cat.categories) == ["Bergen", "Oslo"]


@MANY
@given(some_histories(**SMALL), some_dates())
def test_nothing_after_as_of_changes_a_feature(histories, as_of):
    past = histories.until(as_of)
    assert_same(*(feature_table(some, as_of, windows=FEW_WINDOWS, horizon=30) for some in (histories, past)))


@MANY
@given(some_tables(**SMALL), some_dates(), st.integers(0, 10_000))
def test_the_order_of_the_rows_changes_nothing(tables, as_of, seed):
    rng = np.random.default_rng(seed)
    shuffled = {
        name: None if frame is None else frame.iloc[rng.permutation(len(frame))].reset_index(drop=True)
        for name, frame in tables.items()
    }
    assert_same(
        feature_table(histories_of(tables), as_of, windows=FEW_WINDOWS, horizon=30),
        feature_table(histories_of(shuffled), as_of, windows=FEW_WINDOWS, horizon=30),
    )


@MANY
@given(some_histories(**SMALL), some_dates(), st.integers(1, 4))
def test_a_partition_of_the_buyers_gives_their_rows(histories, as_of, n_parts):
    norms = peer_norms(histories, as_of)
    whole = feature_table(histories, as_of, norms=norms, windows=FEW_WINDOWS, horizon=30)
    parts = [histories.select(histories.buyer_ids[part::n_parts]) for part in range(n_parts)]
    tables = [
        feature_table(part, as_of, norms=norms, windows=FEW_WINDOWS, horizon=30)
        for part in parts
        if len(part.buyer_ids)
    ]
    assert_same(whole, pd.concat(tables).sort_index())


@MANY
@given(some_histories(**SMALL), some_dates(), st.integers(0, 10_000))
def test_a_buyer_alone_has_the_features_they_have_among_others(histories, as_of, pick):
    whole = feature_table(histories, as_of, families=OWN, windows=FEW_WINDOWS, horizon=30)
    if len(whole):
        buyer = whole.index[pick % len(whole)]
        alone = feature_table(histories.select([buyer]), as_of, families=OWN, windows=FEW_WINDOWS, horizon=30)
        assert_same(whole.loc[[buyer]], alone)


@MANY
@given(some_histories(**SMALL), some_dates(), some_dates())
def test_many_dates_at_once_give_what_each_gives_alone(histories, one, other):
    together = feature_table(histories, [one, other], windows=FEW_WINDOWS, horizon=30)
    for moment in {one, other}:
        alone = feature_table(histories, moment, windows=FEW_WINDOWS, horizon=30)
        assert_same(alone, together.xs(moment, level="as_of") if len(alone) else alone)


@MANY
@given(some_tables(**SMALL), st.lists(some_dates(), min_size=2, max_size=5), st.integers(1, 40))
def test_dates_close_together_share_what_does_not_age_and_change_nothing(tables, dates, step):
    tables["transactions"] = tables["transactions"].drop(columns="recorded_at")
    histories = histories_of(tables)
    first = min(dates).normalize()
    dates = [first + pd.Timedelta(days=step * number) for number in range(len(dates))] + [max(dates)]
    together = feature_table(histories, dates, windows=FEW_WINDOWS, horizon=30)
    for moment in set(dates):
        alone = feature_table(histories, moment, windows=FEW_WINDOWS, horizon=30)
        assert_same(alone, together.xs(moment, level="as_of") if len(alone) else alone)


@MANY
@given(some_tables(**SMALL), some_dates("2020-02-01", "2021-06-01"), st.integers(1, 20))
def test_a_shift_by_whole_weeks_changes_nothing_but_the_place_in_the_calendar(tables, as_of, weeks):
    shift = pd.Timedelta(weeks=weeks)
    moved = {
        name: None
        if frame is None
        else frame.assign(**{c: frame[c] + shift for c in frame.columns if frame[c].dtype.kind == "M"})
        for name, frame in tables.items()
    }
    later = {"observed_from": "2020-01-01", "observed_until": "2023-01-01"}
    before = feature_table(histories_of(tables, **later), as_of, windows=FEW_WINDOWS, horizon=30)
    after = feature_table(histories_of(moved, **later), as_of + shift, windows=FEW_WINDOWS, horizon=30)
    kept = [name for name in before.columns if name not in CALENDAR]
    assert_same(before[kept], after[kept])


@MANY
@given(some_tables(**SMALL), some_dates())
def test_new_names_for_the_buyers_change_only_the_index(tables, as_of):
    renamed = {
        name: None if frame is None else frame.assign(buyer_id="x" + frame["buyer_id"].astype(str).str[::-1])
        for name, frame in tables.items()
    }
    before, after = (
        feature_table(histories_of(tables), as_of, windows=FEW_WINDOWS, horizon=30),
        feature_table(histories_of(renamed), as_of, windows=FEW_WINDOWS, horizon=30),
    )
    before.index = pd.Index(
        ["x" + buyer[::-1] for buyer in before.index], name="buyer_id", dtype=after.index.dtype
    )
    assert_same(before.sort_index(), after)


@MANY
@given(some_tables(**SMALL), some_dates(), st.sampled_from([0.25, 2.0, 8.0]))
def test_scaled_amounts_scale_money_and_nothing_else(tables, as_of, factor):
    scaled = {
        name: frame.assign(amount=frame["amount"] * factor)
        if frame is not None and "amount" in frame
        else frame
        for name, frame in tables.items()
    }
    before, after = (
        feature_table(histories_of(tables), as_of, windows=FEW_WINDOWS, horizon=30),
        feature_table(histories_of(scaled), as_of, windows=FEW_WINDOWS, horizon=30),
    )
    unit = UNITS.reindex(before.columns).fillna("")
    money = unit.index[unit.str.startswith("money")]
    assert_same(before[money] * factor, after[money])
    logs = unit.index[unit == "log money"].difference(["purchase_log_amount_sum"])
    steps = np.where(
        logs.isin(["purchase_log_amount_sd", "purchase_log_amount_last_less_mean"]), 0, np.log(factor)
    )
    np.testing.assert_allclose(before[logs] + steps, after[logs], atol=1e-9)
    others = unit.index[~unit.isin(["log money"]) & ~unit.str.startswith("money")]
    assert_same(before[others], after[others])
