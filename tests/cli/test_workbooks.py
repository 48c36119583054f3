"""Workbooks out, books in other forms, and lists of accounts and rates from a shell."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import clientcare as cc
from clientcare.cli import main
from clientcare.exceptions import OptionError
from clientcare.scoring.workbook import by_owner, workbook_bytes


@pytest.fixture(scope="module")
def shop() -> cc.Histories:
    whole = cc.datasets.load_retailer()
    return whole.select(whole.buyer_ids[:120])


@pytest.fixture(scope="module")
def model(shop: cc.Histories) -> cc.RelationshipModel:
    return cc.RelationshipModel(effort="quick", random_state=0).fit(shop)


def test_a_book_has_the_same_cells_in_every_form(shop: cc.Histories, model: cc.RelationshipModel) -> None:
    book = model.score(shop)

    arrow, polars = model.score(shop, output="arrow"), model.score(shop, output="polars")

    assert isinstance(arrow, pa.Table) and isinstance(polars, pl.DataFrame)
    assert arrow.column_names == polars.columns == ["buyer_id", *book.columns]
    assert arrow.column("churn_risk").to_pylist() == book["churn_risk"].tolist()
    assert polars["buyer_id"].to_list() == book.index.tolist()
    assert arrow.schema.field("reason_3").type == pa.string()
    with pytest.raises(OptionError, match="output"):
        model.score(shop, output="excel")


def test_a_workbook_is_guarded_and_repeats_to_the_byte(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {"note": ["=1+1", "fine"], "n": [1.5, 2.5]}, index=pd.Index(["00004", "b"], name="buyer_id")
    )

    written = workbook_bytes({"a/b": table, "a:b": table})

    assert written == workbook_bytes({"a/b": table, "a:b": table})
    (tmp_path / "x.xlsx").write_bytes(written)
    sheets = pd.read_excel(tmp_path / "x.xlsx", sheet_name=None, dtype={"buyer_id": str})
    assert list(sheets) == ["a b", "a b 2"]
    assert sheets["a b"]["buyer_id"].tolist() == ["00004", "b"]
    assert sheets["a b"]["note"].tolist() == ["'=1+1", "fine"]


def test_a_plan_has_a_sheet_an_owner() -> None:
    plan = pd.DataFrame({"action": ["call", "visit", "write"], "owner": ["ben", "ann", "ben"]})

    sheets = by_owner(plan)

    assert {name: len(sheet) for name, sheet in sheets.items()} == {"plan": 3, "ann": 1, "ben": 2}


def test_score_and_care_write_workbooks(
    shop: cc.Histories, model: cc.RelationshipModel, tmp_path: Path
) -> None:
    model.save(tmp_path / "m.clientcare")
    shop.transactions.to_parquet(tmp_path / "orders.parquet")
    shop.interactions.to_parquet(tmp_path / "calls.parquet")
    given = [
        "--transactions",
        str(tmp_path / "orders.parquet"),
        "--interactions",
        str(tmp_path / "calls.parquet"),
    ]
    if shop.buyers is not None:
        shop.buyers.reset_index().to_parquet(tmp_path / "buyers.parquet")
        given += ["--buyers", str(tmp_path / "buyers.parquet")]
    given += ["--model", str(tmp_path / "m.clientcare")]

    assert main(["score", *given, "--out", str(tmp_path / "book.xlsx")]) == 0
    assert main(["care", *given, "--out", str(tmp_path / "plan.xlsx")]) == 0

    assert len(pd.read_excel(tmp_path / "book.xlsx")) == len(model.score(shop))
    assert list(pd.read_excel(tmp_path / "plan.xlsx", sheet_name=None))[:2] == ["report card", "plan"]


def test_accounts_rates_and_statuses_from_a_shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pd.DataFrame(
        {
            "buyer_id": ["a1", "a2", "b", "c"] * 3,
            "timestamp": [f"2024-01-{day:02d}" for day in range(1, 13)],
            "amount": 2.0,
            "currency": ["EUR", "USD", "EUR", "EUR"] * 3,
            "status": ["ok", "ok", "ok", "parked"] * 3,
        }
    ).to_csv(tmp_path / "orders.csv", index=False)
    pd.DataFrame({"alias": ["a2"], "buyer_id": ["a1"]}).to_csv(tmp_path / "same.csv", index=False)
    pd.DataFrame({"currency": ["USD"], "rate": [0.5]}).to_csv(tmp_path / "rates.csv", index=False)
    flags = [
        "--merge-ids",
        str(tmp_path / "same.csv"),
        "--rates",
        str(tmp_path / "rates.csv"),
        "--currency",
        "EUR",
    ]

    assert (
        main(
            [
                "check",
                "--transactions",
                str(tmp_path / "orders.csv"),
                *flags,
                "--order-status",
                "parked=never",
            ]
        )
        == 0
    )

    told = capsys.readouterr().out
    assert "merged_account" in told and "converted_amount" in told and "no_purchase_status" in told
    assert main(["check", "--transactions", str(tmp_path / "orders.csv"), "--order-status", "parked"]) == 2


def test_statuses_stand_in_a_config_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    pd.DataFrame(
        {"buyer_id": ["a"] * 9, "timestamp": "2024-01-31", "status": "parked", "amount": range(9)}
    ).to_csv("orders.csv", index=False)
    (tmp_path / "clientcare.toml").write_text(
        'transactions = "orders.csv"\nstatuses = { parked = "stands" }\n'
    )

    assert main(["check"]) == 0
