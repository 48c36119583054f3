"""One buyer out of everything that was written: gone from cells, statistics, metadata and pages; the others as they were."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import clientcare as cc
from clientcare.cli import main
from clientcare.datasets import simulate_histories
from clientcare.durable import only_writer
from clientcare.exceptions import InputError, OutputLockedError, SourceError
from clientcare.forgetting import forget_buyer
from clientcare.scoring import read_book, score_dataset
from clientcare.scoring.outputs import MANIFEST


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder with everything that is written of a shop, and one of its buyers."""
    pytest.importorskip("duckdb")
    pytest.importorskip("jinja2")
    pytest.importorskip("matplotlib")
    folder = tmp_path_factory.mktemp("written")
    world = simulate_histories("retailer", n_buyers=60, random_state=1)
    histories = getattr(world, "histories", world)
    model = cc.RelationshipModel(effort="quick").fit(histories)
    model.save(folder / "m.clientcare")
    book = model.score(histories)
    plan = cc.care_plan(book, histories, histories.observed_until)
    book.to_parquet(folder / "book.parquet")
    plan.to_csv(folder / "plan.csv")
    for name in ("parts", "parts.parquet", "parts.csv"):
        score_dataset(model, transactions=histories.transactions, interactions=histories.interactions, buyers=histories.buyers,
                      as_of=histories.observed_until, out=folder / name, n_partitions=2)  # fmt: skip
    (folder / "deep").mkdir()
    cc.feature_table(histories, histories.observed_until).to_parquet(folder / "deep" / "features.parquet")
    cc.write_report(model, histories, folder / "page.html")
    records = json.loads(book.reset_index().to_json(orient="records", date_format="iso"))
    (folder / "book.json").write_text(json.dumps(records))
    (folder / "book.jsonl").write_text("".join(json.dumps(one) + "\n" for one in records))
    buyer = str(plan["buyer_id"].iloc[0]) if "buyer_id" in plan else str(book.index[0])
    return folder, buyer


def fresh(written: tuple[Path, str], tmp_path: Path) -> tuple[Path, str]:
    shutil.copytree(written[0], tmp_path / "out")
    return tmp_path / "out", written[1]


def held(folder: Path, buyer: str) -> list[str]:
    """Files whose bytes, unpacked, name the buyer."""
    found = []
    for file in sorted(folder.rglob("*")):
        if not file.is_file():
            continue
        if file.suffix == ".parquet":
            parquet = pq.ParquetFile(file)
            told = [str(parquet.metadata.metadata), str(parquet.read().to_pydict())]
            for group in range(parquet.metadata.num_row_groups):
                told += [
                    str(parquet.metadata.row_group(group).column(column).statistics)
                    for column in range(parquet.metadata.num_columns)
                ]
            text = " ".join(told)
        else:
            text = file.read_text("utf-8", "replace")
        if f"{buyer}" in text:
            found.append(file.name)
    return found


def test_a_buyer_is_gone_from_everything_and_the_others_are_as_they_were(
    written: tuple[Path, str], tmp_path: Path
) -> None:
    folder, buyer = fresh(written, tmp_path)
    before = read_book(folder / "parts")
    assert {"book.parquet", "plan.csv", "page.html", "features.parquet", "book.json"} <= set(
        held(folder, buyer)
    )

    done = forget_buyer(buyer, folder)

    assert held(folder, buyer) == []
    assert done.unreached.empty
    assert len(done.changed) >= 9
    for name in ("parts", "parts.parquet", "parts.csv"):
        after = read_book(folder / name)  # checks its manifest
        expected = before.drop(index=buyer)
        assert sorted(after.index) == sorted(expected.index)
        for column in ("churn_risk", "expected_purchases"):
            assert after[column].to_dict() == expected[column].to_dict()
    others = [one for one in before.index if "page.html" in held(written[0], one)]
    assert all("page.html" in held(folder, one) for one in others if one != buyer) and len(others) > 1
    assert json.loads((folder / "parts" / MANIFEST).read_text())["n_buyers"] == len(before) - 1
    assert forget_buyer(buyer, folder).changed.empty


def test_lines_of_csv_that_stay_stay_byte_for_byte(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_bytes(
        b'"buyer_id",note\r\nann,"two\nlines, ""quoted"""\r\nbob,x\r\n\'=1,y\r\ncid,bob\r\n'
    )
    done = forget_buyer("bob", tmp_path)
    assert (
        tmp_path / "b.csv"
    ).read_bytes() == b'"buyer_id",note\r\nann,"two\nlines, ""quoted"""\r\n\'=1,y\r\ncid,\n'
    assert done.changed["n_gone"].tolist() == [2]
    forget_buyer("=1", tmp_path)
    assert b"=1" not in (tmp_path / "b.csv").read_bytes()


def test_whole_numbers_are_ids_too(tmp_path: Path) -> None:
    pd.DataFrame({"buyer_id": [7, 17], "days": [17, 7]}).to_parquet(tmp_path / "b.parquet")
    forget_buyer(17, tmp_path)
    assert pd.read_parquet(tmp_path / "b.parquet").to_dict("list") == {"buyer_id": [7], "days": [17]}


def test_metadata_and_statistics_do_not_keep_a_buyer(tmp_path: Path) -> None:
    table = pa.table({"buyer_id": ["ann", "zoe"], "n": [1, 2]}).replace_schema_metadata({"made_for": "zoe"})
    pq.write_table(table, tmp_path / "b.parquet")
    forget_buyer("zoe", tmp_path)
    assert b"zoe" not in (tmp_path / "b.parquet").read_bytes()


def test_what_cannot_be_reached_is_told(tmp_path: Path) -> None:
    pd.DataFrame({"buyer_id": ["K77"], "timestamp": ["2024-01-01"], "amount": [1]}).to_csv(
        tmp_path / "orders.csv", index=False
    )
    pd.DataFrame({"Customer": ["K77"]}).to_csv(tmp_path / "theirs.csv", index=False)
    pd.DataFrame({"buyer_id": ["K1"], "note": ["a friend of K77"]}).to_csv(tmp_path / "note.csv", index=False)
    pd.DataFrame({"buyer_id": ["K770"], "note": ["K777"]}).to_csv(tmp_path / "longer.csv", index=False)
    (tmp_path / "p.csv.gz").write_bytes(gzip.compress(b"buyer_id\nK77\n"))
    (tmp_path / "log.txt").write_text("scored K77\n")
    (tmp_path / "other.txt").write_text("scored K770\n")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1K77")
    (tmp_path / "link.csv").symlink_to(tmp_path / "orders.csv")
    before = {one.name: one.read_bytes() for one in tmp_path.iterdir()}

    done = forget_buyer("K77", tmp_path)

    told = {"orders.csv", "theirs.csv", "note.csv", "p.csv.gz", "log.txt", "broken.parquet", "link.csv"}
    assert set(done.unreached["file"]) == told
    assert done.changed.empty
    assert {one.name: one.read_bytes() for one in tmp_path.iterdir()} == before
    assert main(["forget", "K77", str(tmp_path)]) == 2
    assert main(["forget", "nobody", str(tmp_path / ".")]) == 2  # the packed file was not looked into


def test_where_one_file_cannot_be_written_none_is_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from clientcare import durable

    for name in "abc":
        pd.DataFrame({"buyer_id": ["ann", "bob"]}).to_csv(tmp_path / f"{name}.csv", index=False)
    before = {one.name: one.read_bytes() for one in tmp_path.iterdir()}
    seen = []

    def full(step: str) -> None:
        seen.append(step)
        if seen.count("file: opened aside") == 3:
            raise OSError(28, "No space left on device")

    with durable.faults(full), pytest.raises(SourceError, match="unchanged"):
        forget_buyer("bob", tmp_path)
    assert {one.name: one.read_bytes() for one in tmp_path.iterdir()} == before
    forget_buyer("bob", tmp_path)
    assert all(b"bob" not in one.read_bytes() for one in tmp_path.iterdir())


def test_a_book_that_is_being_written_is_left_alone(tmp_path: Path) -> None:
    pd.DataFrame({"buyer_id": ["ann", "bob"]}).to_csv(tmp_path / "b.csv", index=False)
    with (
        only_writer(tmp_path / ".b.csv.lock", "b.csv"),
        pytest.raises(OutputLockedError, match="nothing was changed"),
    ):
        forget_buyer("bob", tmp_path)
    assert b"bob" in (tmp_path / "b.csv").read_bytes()


@pytest.mark.parametrize("buyer", ["", "  ", None, 1.5, True, ["a"]])
def test_an_id_is_a_text_or_a_whole_number(buyer: object, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="forget"):
        forget_buyer(buyer, tmp_path)


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no folder"):
        forget_buyer("ann", tmp_path / "gone")
