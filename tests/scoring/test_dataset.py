"""A batch job says of every buyer what the model says in memory, however the tables come and are split."""

import json
import sys

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from crash_worker import CountingModel
from small_firm import AS_OF, plain

from clientcare.exceptions import (
    BadRowsError,
    BeyondDataWarning,
    InputError,
    MissingExtraError,
    OptionError,
    SchemaError,
    SourceError,
)
from clientcare.history import Histories, read_histories
from clientcare.scoring import Progress, read_book, score_dataset, score_partition
from clientcare.scoring.parts import partition


def same(left, right):
    pd.testing.assert_frame_equal(plain(left), plain(right), check_exact=True)


@pytest.mark.parametrize("n_partitions", [1, 7, 30])
def test_the_number_of_parts_changes_nothing(model, tables, files, book, tmp_path, n_partitions):
    result = score_dataset(model, **files, out=tmp_path / "book", as_of=AS_OF, n_partitions=n_partitions)
    assert result.n_buyers == len(book)
    same(read_book(tmp_path / "book"), book)


@pytest.mark.parametrize("name", ["book", "book.parquet", "book.csv"])
def test_each_form_of_output_holds_the_same_book(model, files, book, tmp_path, name):
    score_dataset(model, **files, out=tmp_path / name, as_of=AS_OF, n_partitions=3)
    same(read_book(tmp_path / name), book)


def test_parts_in_several_processes_are_the_same(model, files, book, tmp_path):
    one = score_dataset(model, **files, out=tmp_path / "one.parquet", as_of=AS_OF, n_partitions=3)
    two = score_dataset(model, **files, out=tmp_path / "two.parquet", as_of=AS_OF, n_partitions=3, n_jobs=2)
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()
    assert one.n_buyers == two.n_buyers == len(book)


def test_the_users_own_list_stands_in_the_book_of_a_batch_job_and_nowhere_else(
    model, tables, files, book, tmp_path
):
    labels = pd.Series(book["relationship"].eq("customer"))[::3]
    out = tmp_path / "book"
    listed = score_dataset(model, **files, out=out, as_of=AS_OF, n_partitions=3, labels=labels)
    same(read_book(out), model.score(Histories(**tables), as_of=AS_OF, labels=labels))
    assert not [name for name in listed.manifest if "label" in name]
    plainly = score_dataset(model, **files, out=out, as_of=AS_OF, n_partitions=3)
    assert plainly.n_resumed == 0
    same(read_book(out), book)
    with pytest.raises(InputError, match="name none"):
        score_dataset(
            model,
            **files,
            out=out,
            as_of=AS_OF,
            labels=labels.set_axis([f"x{i}" for i in range(len(labels))]),
        )
    same(read_book(out), book)


def test_pandas_reads_the_folder_as_one_table(model, files, book, tmp_path):
    score_dataset(model, **files, out=tmp_path / "book", as_of=AS_OF, n_partitions=3)
    same(pd.read_parquet(tmp_path / "book"), book)


def test_tables_in_memory_are_sources_too(model, tables, book, tmp_path):
    score_dataset(model, **tables, out=tmp_path / "b.parquet", as_of=AS_OF, n_partitions=3)
    same(read_book(tmp_path / "b.parquet"), book)


def test_csv_is_read_as_text_and_ids_stay_text(model, tables, tmp_path):
    from clientcare.history import read_histories

    sources = {}
    for name, table in tables.items():
        table = table.assign(buyer_id="0" + table["buyer_id"].astype(str))
        table.to_csv(tmp_path / f"{name}.csv", index=False)
        sources[name] = tmp_path / f"{name}.csv"
    in_memory = model.score(read_histories(**sources), as_of=AS_OF)
    score_dataset(model, **sources, out=tmp_path / "book.csv", as_of=AS_OF, n_partitions=4)
    found = read_book(tmp_path / "book.csv")
    assert found.index[0].startswith("0")
    same(found, in_memory)


def test_where_one_table_numbers_buyers_and_another_names_them_all_are_texts(model, tables, tmp_path):
    from clientcare.history import Histories

    mixed = {**tables, "interactions": tables["interactions"].astype({"buyer_id": str})}
    score_dataset(model, **mixed, out=tmp_path / "book", as_of=AS_OF, n_partitions=5)
    same(read_book(tmp_path / "book"), model.score(Histories(**mixed), as_of=AS_OF))


def test_ids_with_gaps_come_as_decimals_and_stay_whole(model, tables, book, tmp_path):
    orders = tables["transactions"].astype({"buyer_id": float})
    orders.loc[len(orders)] = {
        "buyer_id": np.nan,
        "timestamp": orders["timestamp"].iloc[0],
        "amount": 1.0,
        "category": "tea",
    }
    result = score_dataset(
        model, **{**tables, "transactions": orders}, out=tmp_path / "b", as_of=AS_OF, n_partitions=3
    )
    same(read_book(tmp_path / "b"), book)
    assert result.quality.set_index("rule").loc["missing_buyer", "n_rows"] == 1


def test_foreign_column_names_are_mapped_as_at_the_door(model, tables, book, tmp_path):
    orders = tables["transactions"].rename(columns={"buyer_id": 'Customer "ID', "timestamp": "Date; --"})
    columns = {"transactions": {'Customer "ID': "buyer_id", "Date; --": "timestamp"}}
    score_dataset(
        model,
        **{**tables, "transactions": orders},
        out=tmp_path / "b",
        as_of=AS_OF,
        columns=columns,
        n_partitions=3,
    )
    same(read_book(tmp_path / "b"), book)


@pytest.mark.filterwarnings("ignore::clientcare.exceptions.BeyondDataWarning")
def test_rows_years_after_all_others_are_set_aside_as_in_memory(model, tables, tmp_path):
    from clientcare.history import Histories

    orders = tables["transactions"].copy()
    orders.loc[orders.index[:3], "timestamp"] = pd.Timestamp("2099-01-01")
    given = {**tables, "transactions": orders}
    as_of = "2100-01-01"
    result = score_dataset(model, **given, out=tmp_path / "b", as_of=as_of, n_partitions=12)
    histories = Histories(**given)
    same(read_book(tmp_path / "b"), model.score(histories, as_of=as_of))
    here, there = (q.groupby(["table", "rule"])["n_rows"].sum() for q in (result.quality, histories.quality))
    assert here[("transactions", "isolated_date")] == there[("transactions", "isolated_date")] == 3


def test_what_the_door_found_is_added_up(model, tables, tmp_path):
    from clientcare.history import Histories

    orders = pd.concat([tables["transactions"], tables["transactions"].head(5)], ignore_index=True)
    orders.loc[3, "amount"] = -5.0
    given = {**tables, "transactions": orders}
    result = score_dataset(model, **given, out=tmp_path / "b", as_of=AS_OF, n_partitions=6)
    expected = Histories(**given).quality.groupby(["table", "rule"])["n_rows"].sum()
    assert result.quality.groupby(["table", "rule"])["n_rows"].sum().to_dict() == expected.to_dict()


def test_the_result_prints_what_was_made_in_three_lines(model, tables, tmp_path):
    result = score_dataset(model, **tables, out=tmp_path / "b", as_of=AS_OF, n_partitions=6)
    made, read, cost = repr(result).splitlines()
    assert made == f"The book of {result.n_buyers:,} buyers is in b."
    assert f"{len(tables['transactions']):,} rows of transactions" in read
    assert "in 6 parts; " in read
    assert cost.endswith(" CPU seconds.")


def test_the_manifest_tells_what_it_was_made_of_and_nothing_of_anybody(model, tables, files, tmp_path):
    result = score_dataset(model, **files, out=tmp_path / "b.parquet", as_of=AS_OF, n_partitions=3)
    manifest = json.loads(pq.read_schema(tmp_path / "b.parquet").metadata[b"clientcare"])
    assert manifest == json.loads(json.dumps(result.manifest))
    assert manifest["model_id"] == model.model_id_
    assert manifest["n_rows"]["transactions"] == len(tables["transactions"])
    assert manifest["as_of"].startswith(AS_OF)


def test_progress_counts_rows_buyers_and_parts(model, files, book, tmp_path):
    seen = []
    score_dataset(model, **files, out=tmp_path / "b", as_of=AS_OF, n_partitions=3, on_progress=seen.append)
    assert all(isinstance(progress, Progress) for progress in seen)
    assert [progress.stage for progress in seen] == ["split", "score", "score", "score", "publish"]
    assert seen[-1].n_buyers == len(book) and seen[-1].parts_done == seen[-1].n_parts == 3


def test_the_two_functions_for_other_engines_make_the_same_book(model, tables, book):
    numbers = {name: partition(table["buyer_id"], 4) for name, table in tables.items()}
    books = [
        score_partition(
            model, **{name: table[numbers[name] == part] for name, table in tables.items()}, as_of=AS_OF
        )
        for part in range(4)
    ]
    same(pd.concat(books), book)


def test_a_date_long_after_the_data_is_warned_of_once_and_no_part_is_taken_for_the_end(
    model, files, tmp_path
):
    score_dataset(model, **files, out=tmp_path / "now", as_of=AS_OF, n_partitions=9)
    with pytest.warns(BeyondDataWarning) as said:
        score_dataset(model, **files, out=tmp_path / "later", as_of="2090-01-01", n_partitions=9)
    assert len(said) == 1


def test_a_buyer_has_one_part_whatever_the_type_of_the_id():
    ids = pd.Series([1, 7, 12345678901])
    expected = partition(ids, 50).tolist()
    assert partition(ids.astype(float), 50).tolist() == expected
    assert partition(ids.astype(str), 50).tolist() == expected
    assert partition(ids.astype("Int64"), 50).tolist() == expected


def test_no_table_and_no_model_are_refused(model, tmp_path):
    with pytest.raises(InputError, match="no table given"):
        score_dataset(model, out=tmp_path / "b", as_of=AS_OF)
    with pytest.raises(OptionError, match="no score"):
        score_dataset(object(), transactions=pd.DataFrame({"buyer_id": [1], "timestamp": ["2020-01-01"]}),
                      out=tmp_path / "b", as_of=AS_OF)  # fmt: skip


def test_a_table_the_model_learned_from_must_be_given(model, tables, tmp_path):
    with pytest.raises(SchemaError, match="no interactions"):
        score_dataset(model, transactions=tables["transactions"], contracts=tables["contracts"],
                      out=tmp_path / "b", as_of=AS_OF)  # fmt: skip


def test_a_missing_source_and_a_missing_column_are_named(model, files, tables, tmp_path):
    with pytest.raises(SourceError, match=r"transactions: no file"):
        score_dataset(
            model, **{**files, "transactions": tmp_path / "absent.parquet"}, out=tmp_path / "b", as_of=AS_OF
        )
    bad = tables["transactions"].rename(columns={"timestamp": "when"})
    with pytest.raises(SchemaError, match="timestamp"):
        score_dataset(model, **{**files, "transactions": bad}, out=tmp_path / "b", as_of=AS_OF)
    assert not (tmp_path / "b").exists()


def test_a_damaged_file_stops_the_job_and_publishes_nothing(model, files, tmp_path):
    part = files["transactions"] / "b.parquet"
    part.write_bytes(part.read_bytes()[:-200])
    with pytest.raises(SourceError, match=r"b\.parquet.*cannot be read"):
        score_dataset(model, **files, out=tmp_path / "b", as_of=AS_OF)
    content = bytearray((files["transactions"] / "a.parquet").read_bytes())
    content[200:2000] = bytes(1800)
    part.write_bytes(bytes(content))
    with pytest.raises(SourceError, match=r"Nothing was published"):
        score_dataset(model, **files, out=tmp_path / "b", as_of=AS_OF)
    assert not (tmp_path / "b").exists()


def test_a_column_that_changes_its_type_half_way_is_named(model, files, tables, tmp_path):
    tables["transactions"].astype({"amount": str}).to_parquet(
        files["transactions"] / "b.parquet", index=False
    )
    with pytest.raises(SchemaError, match=r"column 'amount'.*file 2 of 2"):
        score_dataset(model, **files, out=tmp_path / "b", as_of=AS_OF)


def test_a_folder_of_somebody_else_is_not_replaced(model, files, tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "diary.txt").write_text("mine")
    with pytest.raises(OptionError, match="no job of ours"):
        score_dataset(model, **files, out=tmp_path / "b", as_of=AS_OF)
    assert (tmp_path / "b" / "diary.txt").read_text() == "mine"


def test_a_link_in_the_place_of_the_output_is_refused(model, files, tmp_path):
    (tmp_path / "elsewhere.parquet").write_bytes(b"old")
    (tmp_path / "b.parquet").symlink_to(tmp_path / "elsewhere.parquet")
    with pytest.raises(SourceError, match="symbolic link"):
        score_dataset(model, **files, out=tmp_path / "b.parquet", as_of=AS_OF)
    assert (tmp_path / "elsewhere.parquet").read_bytes() == b"old"


def test_scores_are_private_files(model, files, tmp_path):
    score_dataset(model, **files, out=tmp_path / "b.parquet", as_of=AS_OF, n_partitions=2)
    score_dataset(model, **files, out=tmp_path / "b", as_of=AS_OF, n_partitions=2)
    for file in [tmp_path / "b.parquet", *(tmp_path / "b").iterdir()]:
        assert file.stat().st_mode & 0o077 == 0


def test_buyers_without_a_purchase_before_the_date_make_an_empty_book(model, files, tmp_path):
    result = score_dataset(model, **files, out=tmp_path / "b", as_of="2021-01-01", n_partitions=2)
    assert result.n_buyers == 0
    assert len(read_book(tmp_path / "b")) == 0


def test_without_duckdb_the_job_says_what_to_install(model, files, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'clientcare\[duckdb\]'"):
        score_dataset(model, **files, out=tmp_path / "book", as_of=AS_OF)
    assert not (tmp_path / "book").exists()


def test_lines_of_a_csv_that_are_no_rows_are_counted_as_at_the_door(tmp_path):
    lines = ["buyer_id,timestamp,amount", *(f"b{n},2022-01-01,{n + 1}" for n in range(90))]
    for number, line in ((10, "b1,2022-01-09"), (20, "b2,2022-01-09,5,extra"), (80, "b2")):
        lines.insert(number, line)
    for name, rows in (("a", lines[:50]), ("b", [lines[0], *lines[50:]])):
        (tmp_path / f"{name}.csv").write_text("\n".join(rows) + ("\n" if name == "a" else ""))
    expected = read_histories(tmp_path / "*.csv").quality[["table", "rule", "n_rows", "action"]]
    assert expected.set_index("rule")["n_rows"].to_dict() == {"ragged_line": 3, "no_last_line_end": 1}
    for _ in range(2):
        job = {"transactions": tmp_path / "*.csv", "out": tmp_path / "book", "as_of": "2022-12-01"}
        found = score_dataset(CountingModel(), **job, n_partitions=3)
        assert sorted(found.quality.to_numpy().tolist()) == sorted(expected.to_numpy().tolist())
    with pytest.raises(
        BadRowsError, match=r"3 rows break the rule 'ragged_line' \(first row numbers: 9, 19, 79\)"
    ):
        score_dataset(CountingModel(), **{**job, "out": tmp_path / "strict"}, on_bad_rows="raise")
    with pytest.raises(BadRowsError, match=r"first row numbers: 9, 19, 79"):
        read_histories(tmp_path / "*.csv", on_bad_rows="raise")


def test_a_csv_most_of_whose_lines_are_no_rows_is_refused(tmp_path):
    (tmp_path / "a.csv").write_text("buyer_id,timestamp\na,2022-01-01\n" + "b,2022-01-01,3,4\n" * 5)
    with pytest.raises(SchemaError, match="5 lines do not have the 2 cells of their header"):
        score_dataset(
            CountingModel(), transactions=tmp_path / "a.csv", out=tmp_path / "book", as_of="2022-12-01"
        )


@pytest.mark.parametrize(
    ("source", "out"),
    [
        ("in/orders.parquet", "in/orders.parquet"),
        ("in/*.parquet", "in/../in/orders.parquet"),
        ("in", "in"),
        ("in", "."),
    ],
)
def test_no_book_takes_the_place_of_its_sources(tables, tmp_path, source, out):
    (tmp_path / "in").mkdir()
    tables["transactions"].to_parquet(tmp_path / "in" / "orders.parquet")
    before = (tmp_path / "in" / "orders.parquet").read_bytes()
    with pytest.raises(OptionError, match="a file of transactions, and would be replaced"):
        score_dataset(CountingModel(), transactions=tmp_path / source, out=tmp_path / out, as_of=AS_OF)
    assert (tmp_path / "in" / "orders.parquet").read_bytes() == before
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize(
    "option",
    [{"n_jobs": 0}, {"n_jobs": "two"}, {"n_partitions": "a"}, {"n_partitions": 0}, {"n_partitions": True}],
)
def test_a_number_that_makes_no_sense_is_refused_before_any_work(tables, tmp_path, option):
    with pytest.raises(OptionError, match=next(iter(option))):
        score_dataset(CountingModel(), **tables, out=tmp_path / "book", as_of=AS_OF, **option)
    assert not list(tmp_path.iterdir())


def test_a_csv_in_another_encoding_is_read_where_it_is_stated_and_refused_where_not(tables, tmp_path):
    file = tmp_path / "orders.csv"
    tables["transactions"].to_csv(file, index=False, encoding="utf-16")
    job = {"transactions": file, "out": tmp_path / "book", "as_of": AS_OF}
    with pytest.raises(SourceError, match="encoding='utf-16'"):
        score_dataset(CountingModel(), **job)
    result = score_dataset(CountingModel(), **job, encoding="utf-16")
    assert result.n_rows["transactions"] == len(tables["transactions"])
    assert "no_last_line_end" not in result.quality["rule"].tolist()
    file.write_bytes(
        b"buyer_id,timestamp,category\n" + b"a,2022-01-01,tea\n" * 300_000 + b"b,2022-01-01,caf\xe9\n"
    )
    with pytest.raises(SourceError, match="encoding='latin-1'"):
        score_dataset(CountingModel(), **job)
