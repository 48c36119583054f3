"""Dirty tables scored in memory and in parts: equal to the bit, or refused alike."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import clientcare as cc
from clientcare.exceptions import ClientcareError
from clientcare.features import write_feature_table
from clientcare.scoring import read_book, score_dataset

pytest.importorskip("duckdb")
N_INPUTS = 500 if os.environ.get("CLIENTCARE_TESTS") == "full" else 20
AS_OF = "2023-07-01"


def tables(seed: int) -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(seed)
    ids = [f"K{i:02d}" for i in range(60)]
    first, n = pd.Timestamp("2021-07-01"), 500
    transactions = pd.DataFrame(
        {
            "buyer_id": rng.choice(ids, n),
            "timestamp": (
                first + pd.to_timedelta(rng.integers(0, 725, n) * 24 + rng.integers(7, 20, n), unit="h")
            ).strftime("%Y-%m-%d %H:%M"),
            "amount": rng.lognormal(3, 0.5, n).round(2).astype(str),
            "order_id": [f"o{i}" for i in range(n)],
        }
    )
    interactions = pd.DataFrame(
        {
            "buyer_id": rng.choice(ids, 150),
            "timestamp": (first + pd.to_timedelta(rng.integers(0, 725, 150), unit="D")).strftime("%Y-%m-%d"),
            "kind": rng.choice(["call", "email", "meeting"], 150),
            "direction": rng.choice(["inbound", "outbound"], 150),
        }
    )
    buyers = pd.DataFrame(
        {"buyer_id": ids, "size": rng.integers(1, 90, 60).astype(str), "vip": rng.choice(["yes", "no"], 60)}
    )
    return {"transactions": transactions, "interactions": interactions, "buyers": buyers}  # fmt: skip


def dirtied(given: dict[str, pd.DataFrame], rng: np.random.Generator) -> dict[str, pd.DataFrame]:
    """Some cells, rows and columns made as bad as exports make them."""
    found = {name: table.astype(object).copy() for name, table in given.items()}
    kinds = {
        "timestamp": ["", "31.12.2022", "2022-13-45", "2099-01-01", "1900-01-01", "yesterday", "NULL"],
        "amount": ["", "-5", "0", "1,5", "inf", "free", "1e30", "NaN"],
        "buyer_id": ["", "NULL", " K01 ", "k01", "guest", "K99", "\\N"],
        "size": ["large", "", "7.5", "-1"],
        "vip": ["unknown", "", "YES", "1"],
        "kind": ["", "coffee", "CALL"],
        "direction": ["", "sideways"],
    }
    for table in found.values():
        for column in table.columns.intersection(list(kinds)):
            if rng.random() < 0.4:
                n_strays = int(
                    rng.integers(1, 9 if column in ("size", "vip") else 4)
                )  # more than a part's share
                rows = rng.choice(len(table), n_strays, replace=False)
                table.iloc[rows, table.columns.get_loc(column)] = rng.choice(kinds[column])
    orders = found["transactions"]
    kind = rng.integers(8)
    if kind == 0:
        orders = pd.concat([orders, orders.sample(30, random_state=1)], ignore_index=True)
    elif kind == 1:
        orders = orders.assign(currency=np.where(rng.random(len(orders)) < 0.01, "USD", "EUR"))
    elif kind == 2:
        orders = orders.assign(status=rng.choice(["paid", "cancelled", "test"], len(orders)))
    elif kind == 3:
        orders = orders.assign(quantity=rng.choice(["1", "2", "-1"], len(orders)))
    elif kind == 4:
        orders = orders.drop(columns="amount")
    elif kind == 5:
        orders = orders.sample(frac=1, random_state=2)
    elif kind == 6:
        orders = orders.assign(
            order_id="o" + pd.Series(rng.integers(0, 200, len(orders))).astype(str).to_numpy()
        )
    found["transactions"] = orders
    if rng.random() < 0.2:
        found["buyers"] = pd.concat([found["buyers"], found["buyers"].head(2)], ignore_index=True)
    return found


@pytest.fixture(scope="module")
def model() -> cc.RelationshipModel:
    return cc.RelationshipModel(horizon="60D", effort="quick").fit(cc.Histories(**tables(0)), as_of=AS_OF)


@pytest.mark.parametrize("number", range(N_INPUTS))
def test_parts_say_what_the_whole_says_or_both_refuse(
    number: int, model: cc.RelationshipModel, tmp_path: Path
) -> None:
    given = dirtied(tables(number % 7), np.random.default_rng(number))
    sources = {}
    for name, table in given.items():
        table.to_csv(tmp_path / f"{name}.csv", index=False)
        sources[name] = str(tmp_path / f"{name}.csv")
    whole = parts = None
    refusals = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            whole = model.score(cc.read_histories(**sources), as_of=AS_OF)
        except ClientcareError as refusal:
            refusals.append(f"memory: {refusal}")
        try:
            score_dataset(model, **sources, as_of=AS_OF, out=tmp_path / "book", n_partitions=2)
            parts = read_book(tmp_path / "book")
        except ClientcareError as refusal:
            refusals.append(f"parts: {refusal}")
    assert (whole is None) == (parts is None), refusals
    if whole is None:
        return
    assert sorted(whole.index) == sorted(parts.index)
    parts = parts.reindex(whole.index)
    different = [name for name in whole.columns if not _same(whole[name], parts[name])]
    assert not different


@pytest.mark.parametrize("seed", range(3))
def test_strays_that_a_part_has_more_of_than_its_share_change_no_type(
    seed: int, model: cc.RelationshipModel, tmp_path: Path
) -> None:
    given, rng = tables(0), np.random.default_rng(seed)
    buyers = given["buyers"].astype(object)
    buyers.loc[rng.choice(60, 5, replace=False), "size"] = "large"
    buyers.loc[rng.choice(60, 5, replace=False), "vip"] = "unknown"
    strangers = pd.DataFrame({"buyer_id": [f"L{i}" for i in range(40)], "size": "huge", "vip": "who knows"})
    later = pd.DataFrame(
        {
            "buyer_id": strangers["buyer_id"],
            "timestamp": "2023-08-01 10:00",
            "amount": "5.0",
            "order_id": None,
        }
    )
    given["buyers"] = pd.concat([buyers, strangers], ignore_index=True)
    given["transactions"] = pd.concat([given["transactions"], later], ignore_index=True)

    whole = cc.feature_table(cc.Histories(**given), AS_OF)
    written = write_feature_table(**given, as_of=AS_OF, out=tmp_path / "x", n_partitions=4, n_jobs=1)
    parts = pd.read_parquet(written.folder).set_index("buyer_id").reindex(whole.index)

    assert whole["buyer_size"].dtype == parts["buyer_size"].dtype == float
    assert not [name for name in ("buyer_size", "buyer_vip") if not _same(whole[name], parts[name])]
    score_dataset(model, **given, as_of=AS_OF, out=tmp_path / "book", n_partitions=4)
    book, told = model.score(cc.Histories(**given), as_of=AS_OF), read_book(tmp_path / "book")
    assert not [name for name in book.columns if not _same(book[name], told.reindex(book.index)[name])]


def _same(one: pd.Series, other: pd.Series) -> bool:
    if one.dtype.kind == "f":
        return one.to_numpy().tobytes() == other.to_numpy(dtype=one.dtype).tobytes()
    return one.astype(str).tolist() == other.astype(str).tolist()
