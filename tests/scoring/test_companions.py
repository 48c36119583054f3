"""What a batch job writes beside its output is looked at with the output itself, in Python too."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import clientcare as cc
from clientcare.exceptions import OptionError, SourceError
from clientcare.scoring import read_book, score_dataset
from clientcare.scoring.companions import MANIFEST_KEYS, OUTLOOK_KEYS, require_companion_place


@pytest.fixture(scope="module")
def orders() -> pd.DataFrame:
    days = pd.date_range("2023-01-01", periods=240, freq="2D")
    return pd.DataFrame({"buyer_id": [f"K{n % 12}" for n in range(240)], "timestamp": days, "amount": 5.0})


@pytest.fixture(scope="module")
def model(orders: pd.DataFrame) -> cc.RelationshipModel:
    return cc.RelationshipModel(horizon="60D", effort="quick").fit(cc.Histories(orders))


def test_a_strangers_file_beside_a_book_in_csv_stays(
    tmp_path: Path, orders: pd.DataFrame, model: cc.RelationshipModel
) -> None:
    stranger = tmp_path / "book.csv.manifest.json"
    stranger.write_text("MY NOTES")
    with pytest.raises(SourceError, match="no file of ours"):
        score_dataset(model, transactions=orders, as_of="2024-02-01", out=tmp_path / "book.csv")
    assert stranger.read_text() == "MY NOTES"
    assert not (tmp_path / "book.csv").exists()


def test_an_input_beside_a_book_in_csv_stays(
    tmp_path: Path, orders: pd.DataFrame, model: cc.RelationshipModel
) -> None:
    source = tmp_path / "orders.csv"
    orders.to_csv(source, index=False)
    (tmp_path / "book.csv.manifest.json").hardlink_to(source)
    before = source.read_bytes()
    with pytest.raises((OptionError, SourceError)):
        score_dataset(model, transactions=source, as_of="2024-02-01", out=tmp_path / "book.csv")
    assert source.read_bytes() == before


def test_a_manifest_of_ours_is_written_anew(
    tmp_path: Path, orders: pd.DataFrame, model: cc.RelationshipModel
) -> None:
    for as_of in ("2024-02-01", "2024-03-01"):
        score_dataset(model, transactions=orders, as_of=as_of, out=tmp_path / "book.csv")
    assert len(read_book(tmp_path / "book.csv")) == 12


@pytest.mark.parametrize("content", ["", "[]", "null", "7", "{}", '{"figures": {}}', "[" * 100_000])
def test_only_files_of_ours_are_taken_for_ours(tmp_path: Path, content: str) -> None:
    place = tmp_path / "x.json"
    place.write_text(content)
    for keys in (OUTLOOK_KEYS, MANIFEST_KEYS):
        with pytest.raises(SourceError, match="no file of ours"):
            require_companion_place("--out", place, keys)


def test_a_name_too_long_for_a_companion_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be written"):
        require_companion_place("--out", tmp_path / ("n" * 240), OUTLOOK_KEYS)
