"""A source that holds nothing, or half of what it held, does not take last night's book away without a word."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import clientcare as cc
from clientcare.cli import main
from clientcare.exceptions import InputError
from clientcare.scoring import score_dataset
from clientcare.scoring.last_night import n_buyers_there


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    rng = np.random.default_rng(0)
    n = 500
    table = pd.DataFrame(
        {
            "buyer_id": [f"K{i:02d}" for i in rng.integers(0, 50, n)],
            "timestamp": pd.Timestamp("2022-01-01") + pd.to_timedelta(rng.integers(0, 700, n), unit="D"),
            "amount": 5.0 + rng.random(n).round(2),
        }
    )
    table.to_csv(folder / "t.csv", index=False)
    few = table[table["buyer_id"] < "K15"]
    few.to_csv(folder / "few.csv", index=False)
    late = table.assign(timestamp="2024-06-01 10:00:00")
    late.to_csv(folder / "later.csv", index=False)  # at the date that is asked about nobody is known
    cc.RelationshipModel(effort="quick").fit(cc.Histories(table)).save(folder / "m.clientcare")
    return folder


@pytest.mark.parametrize("ending", ["", ".parquet", ".csv"])
def test_a_batch_job_empties_no_book_unless_it_may(ending: str, shop: Path, tmp_path: Path) -> None:
    pytest.importorskip("duckdb")
    model, out = cc.load_model(shop / "m.clientcare"), tmp_path / f"book{ending}"

    def job(name: str, **options: bool) -> object:
        return score_dataset(
            model, transactions=str(shop / name), as_of="2023-12-01", out=out, n_partitions=2, **options
        )

    assert job("t.csv").says == []
    assert n_buyers_there(out) == 50
    with pytest.raises(InputError, match=r"holds nobody.*50 buyers"):
        job("later.csv")
    assert n_buyers_there(out) == 50
    [said] = job("few.csv").says
    assert "held 50 buyers, the new one holds 15" in said
    job("later.csv", allow_empty=True)
    assert n_buyers_there(out) == 0


@pytest.mark.parametrize("parts", [[], ["--in-parts"]])
def test_the_shell_tells_it_and_strict_stops(
    parts: list[str], shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("duckdb")
    out = tmp_path / "book.csv"

    def score(name: str, *more: str) -> int:
        words = ["--model", str(shop / "m.clientcare"), "--as-of", "2023-12-01", "--out", str(out)]
        return main(["score", *parts, "--transactions", str(shop / name), *words, *more])

    assert score("t.csv") == 0
    assert score("later.csv") == 2
    assert "holds nobody" in capsys.readouterr().err
    assert n_buyers_there(out) == 50
    if not parts:
        assert score("few.csv", "--strict") == 2
        assert n_buyers_there(out) == 50
    assert score("few.csv") == 0
    assert "held 50 buyers" in capsys.readouterr().err
    assert score("later.csv", "--allow-empty") == 0
    assert n_buyers_there(out) == 0
