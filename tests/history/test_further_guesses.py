"""Exports that no list of names holds are told by the words of their columns and by what the cells can be."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import clientcare as cc
from clientcare.cli import main
from clientcare.exceptions import OptionError, SchemaError
from history.exports import Export
from history.further_exports import FURTHER_EXPORTS


@pytest.fixture(params=FURTHER_EXPORTS, ids=lambda export: export.name)
def export(request: pytest.FixtureRequest) -> Export:
    return request.param


def test_a_further_export_is_known(export: Export, tmp_path: Path) -> None:
    export.write(tmp_path / export.name)

    guessed = cc.guess_options(tmp_path / export.name)

    assert list(guessed.sources) == [export.table]
    ours = {ours: theirs for theirs, ours in guessed.columns[export.table].items()}
    assert {name: ours.get(name) for name in export.right} == export.right
    assert {name: guessed.options.get(name) for name in export.options} == export.options
    assert bool(guessed.questions) == export.asks


def test_what_is_proposed_for_it_is_read_at_once(export: Export, tmp_path: Path) -> None:
    if "buyer_id" not in export.right:
        pytest.skip("the file does not say who bought: asked, and nothing to read before the answer")
    export.write(tmp_path / export.name)

    histories = cc.guess_options(tmp_path / export.name).read()

    rows = histories.rows.loc[export.table]
    assert rows["rows_kept"] + rows["rows_set_aside"] == rows["rows_in"]
    assert rows["rows_kept"] >= 0.45 * rows["rows_in"]


def test_from_init_to_the_book_without_a_failed_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    random = pd.Series(range(900)).sample(frac=1, random_state=3).to_numpy()
    pd.DataFrame(
        {
            "Codice cliente": [f"C{n % 60}" for n in random],
            "Data fattura": [
                (pd.Timestamp("2023-01-02") + pd.Timedelta(days=int(n))).strftime("%d/%m/%Y") for n in random
            ],
            "Importo totale": [f"€ {10 + n % 90},{n % 100:02d}" for n in random],
        }
    ).to_csv(tmp_path / "fatture.csv", index=False, sep=";", encoding="cp1252")
    monkeypatch.chdir(tmp_path)

    assert main(["init", "fatture.csv"]) == 0
    assert main(["check"]) == 0
    assert main(["fit", "--model", "m.clientcare", "--horizon", "60D"]) == 0
    assert main(["score", "--model", "m.clientcare", "--as-of", "2025-06-01", "--out", "book.parquet"]) == 0

    assert len(pd.read_parquet("book.parquet")) == 60


@pytest.mark.parametrize(
    ("form", "cells", "zone"),
    [
        ("seconds", [1_706_700_600, 1_706_787_000], "UTC"),
        ("seconds", ["1706700600", "1706787000"], "UTC"),
        ("milliseconds", [1_706_700_600_000, 1_706_787_000_000], "UTC"),
        ("spreadsheet", [45_322.4791666667, 45_323.4791666667], None),
        ("%Y%m%d", [20_240_131, 20_240_201], None),
        ("%Y%m%d", ["20240131", "20240201"], None),
    ],
)
def test_numbers_that_are_dates_are_read_as_what_they_count(
    form: str, cells: list[object], zone: str | None
) -> None:
    orders = pd.DataFrame({"buyer_id": ["a", "b"], "timestamp": cells, "amount": 1.0})

    histories = cc.Histories(orders, date_format=form, timezone=zone)

    days = histories.transactions["timestamp"].dt.floor("D").tolist()
    assert days == [pd.Timestamp("2024-01-31"), pd.Timestamp("2024-02-01")]
    if form != "%Y%m%d":
        assert histories.transactions["timestamp"].dt.round("s").dt.strftime("%H:%M").tolist() == [
            "11:30",
            "11:30",
        ]


def test_a_number_that_is_none_is_that_rows_own_trouble() -> None:
    cells = [*range(1_706_700_600, 1_706_700_640), "soon", "inf", None]
    orders = pd.DataFrame(
        {"buyer_id": "a", "timestamp": [None if one is None else str(one) for one in cells]}
    )

    quality = cc.Histories(orders, date_format="seconds", timezone="UTC").quality.set_index("rule")["n_rows"]

    assert (quality["unreadable_timestamp"], quality["missing_timestamp"]) == (2, 1)


def test_seconds_without_a_zone_are_asked_for_it() -> None:
    orders = pd.DataFrame({"buyer_id": ["a", "b"], "timestamp": [1_706_700_600, 1_706_787_000]})

    with pytest.raises(SchemaError, match="timezone"):
        cc.Histories(orders, date_format="seconds")
    with pytest.raises(SchemaError, match="date_format='%Y%m%d'"):
        cc.Histories(orders)
    with pytest.raises(OptionError, match="milliseconds"):
        cc.Histories(orders, date_format="%Q")
