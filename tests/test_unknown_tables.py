"""Histories of shapes that no sample has, from the door to the page: right, or refused in words, or counted."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import clientcare as cc
from clientcare.exceptions import ClientcareError, NotEnoughDataError


def buying(
    n_buyers: int = 60, start: str = "2022-01-01", n_days: int = 500, lasting: float = 300, seed: int = 0
) -> pd.DataFrame:
    """Orders of buyers who come at a pace of their own until they leave."""
    rng = np.random.default_rng(seed)
    rows = []
    for buyer in range(n_buyers):
        day, gap = rng.uniform(0, 0.6 * n_days), rng.uniform(0.02, 0.12) * n_days
        end = min(n_days, day + rng.exponential(lasting))
        while day < end:
            rows.append((buyer, pd.Timestamp(start) + pd.Timedelta(days=day), rng.gamma(2, 15)))
            day += rng.exponential(gap) + 0.01
    table = pd.DataFrame(rows, columns=["buyer_id", "timestamp", "amount"])
    return table.assign(timestamp=table["timestamp"].dt.floor("s"), amount=table["amount"].round(2) + 1)


def terms(n_buyers: int = 80, seed: int = 1) -> pd.DataFrame:
    """Yearly terms, renewed or not, some given up early."""
    rng = np.random.default_rng(seed)
    rows = []
    for buyer in range(n_buyers):
        start = pd.Timestamp("2020-01-01") + pd.Timedelta(days=int(rng.integers(0, 700)))
        for _ in range(rng.geometric(0.4)):
            end = start + pd.DateOffset(years=1)
            given_up = (
                start + pd.Timedelta(days=int(rng.integers(30, 360))) if rng.random() < 0.15 else pd.NaT
            )
            rows.append((f"T{buyer:04d}", start, end, given_up, 20.0))
            start = end
    table = pd.DataFrame(rows, columns=["buyer_id", "start", "end", "cancelled_at", "amount"])
    return table[table["start"] < "2023-06-01"]


def yearly_givers():
    rng = np.random.default_rng(2)
    gifts = [
        (f"{donor:05d}", pd.Timestamp(year, 11, rng.integers(1, 29)), float(rng.choice([10, 25, 100])))
        for donor in range(80)
        for year in range(2016 + donor % 5, 2024)
        if rng.random() < 0.8
    ]
    given = pd.DataFrame(gifts, columns=["donor id", "gift date", "gift"])
    mapping = {"donor id": "buyer_id", "gift date": "timestamp", "gift": "amount"}
    return {"transactions": given, "columns": {"transactions": mapping}}


def wholesale_with_returns():
    lines = buying().loc[lambda orders: orders.index.repeat(3)].reset_index(drop=True)
    lines["order_id"] = [f"{500_000 + number // 3}" for number in range(len(lines))]
    lines["product_id"], lines["quantity"] = np.arange(len(lines)) % 40, 5
    back = lines.iloc[::17].assign(order_id=lambda rows: "C" + rows["order_id"], quantity=-5)
    back["amount"] *= -1
    return {"transactions": pd.concat([lines, back])}


def subscription_box():
    months = [(box, month) for box in range(60) for month in range(box % 12, 24) if (box * 7 + month) % 11]
    days = [pd.Timestamp("2022-01-15") + pd.DateOffset(months=month) for _, month in months]
    return {
        "transactions": pd.DataFrame({"buyer_id": [b for b, _ in months], "timestamp": days, "amount": 29.9})
    }


def app_in_utc_over_a_change_of_clocks():
    orders = buying(start="2022-08-01")
    orders["timestamp"] = orders["timestamp"].dt.tz_localize("UTC") + pd.Timedelta(microseconds=7)
    return {"transactions": pl.from_pandas(orders).lazy(), "timezone": "America/New_York"}


def texts_in_a_spreadsheet():
    orders = buying().assign(timestamp=lambda rows: rows["timestamp"].dt.strftime("%d/%m/%Y"))
    orders["amount"] = [f"{amount:.2f} €".replace(".", ",") for amount in orders["amount"]]
    orders.columns = ["Buyer ID", "Timestamp", "Amount "]
    return {"transactions": orders, "date_format": "%d/%m/%Y", "decimal": ","}


def foreign_names_and_categories():
    orders = buying().assign(buyer_id=lambda rows: rows["buyer_id"].map("{:06d}".format).astype("category"))
    orders = orders.rename(columns={"buyer_id": "顧客 ID", "timestamp": "Дата", "amount": "Betrag (€)"})
    mapping = {"顧客 ID": "buyer_id", "Дата": "timestamp", "Betrag (€)": "amount"}
    return {"transactions": pa.Table.from_pandas(orders), "columns": {"transactions": mapping}}


def arrow_types_and_an_index_that_repeats():
    orders = buying().convert_dtypes(dtype_backend="pyarrow")
    orders.index = [0] * len(orders)
    return {"transactions": orders}


def one_heavy_buyer():
    seconds = np.random.default_rng(3).integers(0, 500 * 86_400, 100_000)
    whale = pd.DataFrame(
        {"buyer_id": -1, "timestamp": pd.Timestamp("2022-01-01"), "amount": 3.0}, index=range(100_000)
    )
    whale["timestamp"] += pd.to_timedelta(seconds, unit="s")
    return {"transactions": pd.concat([buying(), whale])}


def a_shop_that_was_shut_for_years():
    return {"transactions": pd.concat([buying(start="2017-01-01"), buying(start="2021-06-01", seed=5)])}


def buyers_with_attributes_of_every_kind():
    everyone = np.arange(60)
    attributes = pd.DataFrame(
        {
            "buyer_id": everyone,
            "tier": pd.Categorical(np.where(everyone % 2, "gold", "tin")),
            "opt in": pd.array([True, False, None] * 20, dtype="boolean"),
            "signed_up": pd.Timestamp("2021-01-01"),
            "age": everyone + 18,
            "tags": [["a", "b"]] * 60,
            "nothing": np.nan,
        }
    )
    return {"transactions": buying(), "buyers": attributes}


def some_only_returned_and_amounts_are_zero():
    orders = buying()
    orders.loc[orders["buyer_id"] < 10, "amount"] *= -1
    orders.loc[orders["buyer_id"] >= 50, "amount"] = 0
    return {"transactions": orders}


def contracts_end_before_they_start():
    table = terms()
    table.iloc[::9, 2] = pd.Timestamp("2019-01-01")
    table.iloc[1::9, 2] = pd.NaT
    return {"contracts": pd.concat([table, table.iloc[:5].assign(amount=5.0)])}


def contracts_and_contacts_without_purchases():
    firm = cc.datasets.simulate_histories("service_firm", n_buyers=80, random_state=3)
    return {"contracts": firm.contracts, "interactions": firm.interactions}


WHOLE = [
    yearly_givers,
    wholesale_with_returns,
    subscription_box,
    app_in_utc_over_a_change_of_clocks,
    texts_in_a_spreadsheet,
    foreign_names_and_categories,
    arrow_types_and_an_index_that_repeats,
    one_heavy_buyer,
    a_shop_that_was_shut_for_years,
    buyers_with_attributes_of_every_kind,
    some_only_returned_and_amounts_are_zero,
    contracts_end_before_they_start,
    contracts_and_contacts_without_purchases,
    lambda: {"contracts": terms()},
    lambda: {"contracts": terms()[["buyer_id", "start", "cancelled_at"]]},
    lambda: {"transactions": buying()[["buyer_id", "timestamp"]]},
    lambda: {"transactions": buying().groupby("buyer_id").head(1)},
    lambda: {"transactions": pd.concat([buying().groupby("buyer_id").head(1)] * 2).assign(amount=range(120))},
    lambda: {"transactions": buying(3)},
    lambda: {"transactions": buying(n_days=10)},
    lambda: {"transactions": buying(), "interactions": pd.DataFrame({"buyer_id": [], "timestamp": []})},
]


def name_of(make) -> str:
    return make.__name__.replace("<lambda>", "made_in_place")


@pytest.mark.parametrize("make", WHOLE, ids=name_of)
def test_a_table_of_any_shape_goes_from_the_door_to_the_page(make, tmp_path):
    given = make()
    histories = cc.Histories(**given)
    rows = histories.rows
    assert (rows["rows_kept"] + rows["rows_set_aside"] == rows["rows_in"]).all()
    as_of = histories.observed_until
    assert not np.isinf(cc.feature_table(histories, as_of).select_dtypes("number").to_numpy(float)).any()

    model = cc.RelationshipModel(horizon=suggested(histories), effort="quick").fit(histories)
    book = model.score(histories)
    assert_sound(book, histories)
    model.save(tmp_path / "m.clientcare")
    pd.testing.assert_frame_equal(cc.load_model(tmp_path / "m.clientcare").score(histories), book)

    assert len(model.explain(histories, buyers=list(book.index[:2])).churn) == 2
    assert cc.care_report(histories, as_of).seller["score"].dropna().between(0, 100).all()
    plan = cc.care_plan(book, histories, as_of)
    assert set(plan["buyer_id"]) <= set(book.index)
    if find_spec("jinja2") and find_spec("matplotlib"):
        assert cc.write_report(model, histories, tmp_path / "book.html").stat().st_size > 10_000


def suggested(histories: cc.Histories) -> str:
    try:
        return cc.suggest_horizon(histories).horizon
    except NotEnoughDataError:
        return "60D"


def assert_sound(book: pd.DataFrame, histories: cc.Histories) -> None:
    """Each known buyer once, probabilities in their bounds, what is unknown left open."""
    assert book.index.is_unique
    assert set(book.index) <= set(histories.buyer_ids)
    for column in ("churn_risk", "churn_risk_low", "churn_risk_high", "client_probability"):
        assert book[column].between(0, 1).all(), column
    assert (book["churn_risk_low"] <= book["churn_risk"]).all()
    assert (book["churn_risk"] <= book["churn_risk_high"]).all()
    numbers = book.select_dtypes("number")
    assert not np.isinf(numbers.to_numpy(float)).any()
    assert (numbers["expected_purchases"].dropna() >= 0).all()
    here = book[book["stage"] != "new buyer"]
    assert ((here["stage"] == "dependent client") == (here["relationship"] == "client")).all()


NOTHING_TO_SCORE = [
    lambda: {"transactions": buying().assign(amount=lambda rows: -rows["amount"])},
    lambda: {"transactions": buying().assign(amount=0.0)},
    lambda: {"interactions": buying().drop(columns="amount")},
]


@pytest.mark.parametrize("make", NOTHING_TO_SCORE)
def test_where_nobody_bought_the_model_says_so(make):
    with pytest.raises(NotEnoughDataError, match="no buyer is known"):
        cc.RelationshipModel(horizon="60D", effort="quick").fit(cc.Histories(**make()))


@pytest.mark.parametrize(
    ("column", "cells", "words"),
    [
        ("timestamp", lambda rows: rows["timestamp"].dt.strftime("%d/%m/%Y"), "date_format='%d/%m/%Y'"),
        ("timestamp", lambda rows: rows["timestamp"].dt.strftime("%d %b %Y"), "date_format='%d %b %Y'"),
        (
            "timestamp",
            lambda rows: (rows["timestamp"] - pd.Timestamp("1899-12-30")).dt.days,
            "'spreadsheet' for the days of one",
        ),
        (
            "timestamp",
            lambda rows: rows["timestamp"].dt.strftime("%s"),
            "'seconds' or 'milliseconds' since 1970",
        ),
        ("amount", lambda rows: rows["amount"].map("${:,.2f}".format), "decimal="),
        ("amount", lambda rows: [[1]] * len(rows), "'amount'"),
        ("buyer_id", lambda rows: [(1, 2)] * len(rows), "'buyer_id'"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_way_out(column, cells, words):
    orders = buying()
    with pytest.raises(ClientcareError, match=words) as caught:
        cc.Histories(orders.assign(**{column: cells(orders)}))
    assert f"column '{column}'" in str(caught.value)
    assert "row numbers: 0, 1, 2" in str(caught.value)


@pytest.mark.parametrize(
    "make",
    [foreign_names_and_categories, texts_in_a_spreadsheet, buyers_with_attributes_of_every_kind],
    ids=name_of,
)
def test_a_batch_job_says_the_same_as_one_call(make, tmp_path):
    pytest.importorskip("duckdb")
    given = make()
    histories = cc.Histories(**given)
    model = cc.RelationshipModel(horizon="60D", effort="quick").fit(histories)
    cc.score_dataset(
        model, **given, out=tmp_path / "book.parquet", as_of=histories.observed_until, n_partitions=3
    )
    batch = pd.read_parquet(tmp_path / "book.parquet").sort_index()
    alone = model.score(histories).sort_index()
    assert batch.index.tolist() == alone.index.tolist()
    np.testing.assert_array_equal(batch["churn_risk"], alone["churn_risk"])
