"""Ids and categories that are HTML, scripts, SQL, formulas or ten kilobytes long come back as they were and start nothing."""

import csv
import logging

import numpy as np
import pandas as pd
import pytest
from crash_worker import CountingModel

from clientcare.exceptions import ClientcareError, SchemaError
from clientcare.scoring import guard_formulas, read_book, score_dataset, unguard_formulas
from clientcare.scoring.export import guard_text, unguard_text

STARTS = ["=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠"]
HOSTILE = [
    *(f"{start}cmd|' /C calc'!A0" for start in STARTS),
    "'=1+1", "''=1", "'", "'tis", '"', '""', '","', "a,b", "a;b", "line\nbreak", "line\r\nbreak",
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "'; DROP TABLE book; --", '" , (select 1) --',
    "00004", "4", " padded ", "nano", "NULLA", "true", "1e5", "ü字🙂", "a\u2028b", "x" * 10_000,
    "{{7*7}}", "%s %n", "../../etc/passwd", "2022-01-01",
]  # fmt: skip


def orders(ids):
    return pd.DataFrame({
        "buyer_id": list(ids) * 2,
        "timestamp": pd.Timestamp("2022-01-01"),
        "amount": np.arange(2.0 * len(ids)),
        "category": list(ids) + list(ids)[::-1],
    })  # fmt: skip


def score(table, out, **options):
    return score_dataset(
        CountingModel(), transactions=table, out=out, as_of="2022-12-01", n_partitions=3, **options
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_a_guarded_text_starts_no_formula_and_comes_back(text):
    assert not guard_text(text).startswith(tuple(STARTS))
    assert unguard_text(guard_text(text)) == text


def test_guarding_a_table_leaves_numbers_alone():
    table = pd.DataFrame(
        {"n": [-1.5, 2], "t": ["=1", None], "c": pd.Categorical(["@a", "b"])},
        index=pd.Index(["+x", "y"], name="i"),
    )
    guarded = guard_formulas(table)
    assert guarded["n"].tolist() == [-1.5, 2]
    assert guarded["t"].iloc[0] == "'=1" and pd.isna(guarded["t"].iloc[1])
    assert guarded["c"].tolist() == ["'@a", "b"] and guarded.index.tolist() == ["'+x", "y"]
    assert unguard_formulas(guarded).index.tolist() == ["+x", "y"]


@pytest.mark.parametrize("name", ["book", "book.parquet", "book.csv"])
def test_ids_come_back_as_they_were(tmp_path, name):
    score(orders(HOSTILE), tmp_path / name)
    found = read_book(tmp_path / name)
    assert sorted(found.index) == sorted(HOSTILE)
    assert (found["churn_risk"] == 1 / 3).all()


def test_no_cell_of_the_csv_starts_a_formula_unless_asked(tmp_path):
    score(orders(HOSTILE), tmp_path / "book.csv")
    with open(tmp_path / "book.csv", encoding="utf-8", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert not [cell for cell in cells if cell.startswith(tuple(STARTS))]
    score(orders(HOSTILE), tmp_path / "plain.csv", formula_guard=False)
    assert sorted(read_book(tmp_path / "plain.csv").index) == sorted(HOSTILE)


NAMES = ['a"; DROP TABLE x; --', "a' OR '1'='1", 'x" FROM read_csv(\'/etc/hostname\') --', "select", "a b", "$1", "?", ":p", "{x}",
         "clientcare", "ü字", "x\ny", "a.b", "*", "rowid"]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_column_names_never_reach_sql_unquoted(tmp_path, name):
    table = orders(["a", "b"]).rename(columns={"buyer_id": name}).assign(**{f"{name} too": 1})
    score(table, tmp_path / "book", columns={"transactions": {name: "buyer_id"}})
    assert read_book(tmp_path / "book").index.tolist() == ["a", "b"] or len(read_book(tmp_path / "book")) == 2


@pytest.mark.parametrize("name", ["it's", 'say "x"', "a;b", "100%", "{}", "ü", "a b", "[x]", "-- x", "$HOME"])
def test_path_names_never_reach_sql_unquoted(tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()
    orders(["a", "b"]).to_parquet(folder / "orders.parquet", index=False)
    orders(["a", "b"]).to_csv(folder / "orders.csv", index=False)
    for source in ("orders.parquet", "orders.csv"):
        score(folder / source, folder / f"book of {source}")
        assert len(read_book(folder / f"book of {source}")) == 2


def test_a_nul_in_a_column_name_is_refused(tmp_path):
    table = orders(["a"]).rename(columns={"buyer_id": "a\0b"})
    with pytest.raises(SchemaError, match="NUL"):
        score(table, tmp_path / "book", columns={"transactions": {"a\0b": "buyer_id"}})


def test_a_python_variable_is_no_table(tmp_path):
    """DuckDB would read any variable of the caller by name; the job's connection does not."""
    from clientcare.history.sources.databases import DatabaseQuery

    secrets = pd.DataFrame({"buyer_id": ["a"], "timestamp": ["2022-01-01"]})
    assert len(secrets) == 1
    with pytest.raises(ClientcareError):
        score(DatabaseQuery("duckdb:", "SELECT * FROM secrets"), tmp_path / "book")


def test_planted_ids_and_amounts_appear_in_no_log_error_or_manifest(tmp_path, caplog):
    """5,000 canaries in ids, categories and amounts; then every way in which a job can fail."""
    canaries = [f"canary{number:04d}@mail.example" for number in range(2500)]
    amounts = [float(f"7{number:04d}.77") for number in range(2500)]
    table = pd.DataFrame(
        {"buyer_id": canaries, "timestamp": "2022-01-01", "amount": amounts, "category": canaries}
    )
    said = []
    with caplog.at_level(logging.DEBUG):
        result = score(table, tmp_path / "good")
        said.append(repr(result) + repr(result.manifest) + result.quality.to_string())
        breaks = [
            {"timestamp": "not a date"},
            {"timestamp": 5},
            {"buyer_id": None},
            {"amount": "canary0001@mail.example"},
        ]
        for number, change in enumerate(breaks):
            try:
                result = score(table.assign(**change), tmp_path / f"bad{number}", on_bad_rows="raise")
            except ClientcareError as error:
                chain = error
                while chain is not None:
                    said.append(f"{chain!s} {chain!r}")
                    chain = chain.__cause__
            else:
                said.append(repr(result))
    said.append(caplog.text)
    text = "".join(said)
    assert "canary" not in text and ".77" not in text
    manifest = (tmp_path / "good" / "_manifest.json").read_text()
    assert "canary" not in manifest and ".77" not in manifest
