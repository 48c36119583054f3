"""Files: CSV and Parquet, alone, together, broken."""

from __future__ import annotations

import gzip
import os

import numpy as np
import pandas as pd
import pytest
from doors import assert_balanced, found, orders, told

from clientcare.exceptions import BadRowsError, ClientcareError, OptionError, SchemaError, SourceError
from clientcare.features import write_feature_table
from clientcare.history import Histories, read_histories

PLAIN = "buyer_id,timestamp,amount\n"


def write(folder, text, name="orders.csv", **options):
    path = folder / name
    path.write_text(text, **options)
    return path


def test_ids_in_a_csv_are_text_and_never_guessed(tmp_path):
    path = write(tmp_path, PLAIN + "00004,2024-01-01,1\n4,2024-01-01,1\nNA,2024-01-01,1\n1e5,2024-01-01,1\n")
    assert read_histories(path).buyer_ids.tolist() == ["00004", "1e5", "4", "NA"]


def test_an_empty_cell_is_unknown(tmp_path):
    path = write(tmp_path, PLAIN + ',2024-01-01,1\n"",2024-01-01,2\na,2024-01-01,\n')
    histories = read_histories(path)
    assert found(histories, "missing_buyer") == 2
    assert histories.transactions["amount"].isna().all()


def test_a_line_with_too_few_cells_is_set_aside_with_its_number(tmp_path):
    path = write(
        tmp_path, PLAIN + "a,2024-01-01,1\nb,2024-01-02\nc,2024-01-03,3\nd,2024-01-04,4,5\n,2024-01-05,5\n"
    )
    histories = read_histories(path)
    assert found(histories, "ragged_line") == 2
    assert histories.rows.loc["transactions"].tolist() == [5, 2, 3]
    aside = histories.set_aside("transactions")
    assert sorted(zip(aside["row_number"], aside["rule"], strict=True)) == [
        (1, "ragged_line"),
        (3, "ragged_line"),
        (4, "missing_buyer"),
    ]
    assert_balanced(histories)
    with pytest.raises(
        BadRowsError, match=r"2 rows break the rule 'ragged_line' \(first row numbers: 1, 3\)"
    ):
        read_histories(path, on_bad_rows="raise")


def test_a_file_cut_short_is_never_read_without_a_word(tmp_path):
    text = PLAIN + "".join(
        f"{a},{b:%Y-%m-%d},{c}\n" for a, b, c in orders(n_rows=60, n_buyers=9).itertuples(index=False)
    )
    whole = len(Histories(orders(n_rows=60, n_buyers=9)).transactions)
    for cut in range(len(PLAIN) + 5, len(text) - 1, 97):
        path = write(tmp_path, text[:cut])
        try:
            histories = read_histories(path)
        except ClientcareError:
            continue
        ends_between_lines = text[cut - 1] == "\n"
        assert ends_between_lines or len(histories.quality)
        assert histories.events("transactions").n_rows <= whole


def test_line_ends_and_delimiters_inside_quotes_are_text(tmp_path):
    path = write(tmp_path, PLAIN + '"a\nb, c",2024-01-01,1\nd,2024-01-02,2\n')
    assert read_histories(path).buyer_ids.tolist() == ["a\nb, c", "d"]


@pytest.mark.parametrize("mark", [";", "\t", "|"])
def test_the_header_tells_what_parts_the_cells(tmp_path, mark):
    path = write(tmp_path, (PLAIN + "a,2024-01-01,1.5\n").replace(",", mark))
    assert read_histories(path).transactions["amount"].tolist() == [1.5]


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path):
    path = write(tmp_path, PLAIN + "a,2024-01-01,1\n", encoding="utf-8-sig")
    assert read_histories(path).buyer_ids.tolist() == ["a"]


def test_another_encoding_is_asked_for_and_read(tmp_path):
    path = write(tmp_path, PLAIN + "Jürgen,2024-01-01,1\n", encoding="latin-1")
    with pytest.raises(SourceError, match="encoding='latin-1'") as caught:
        read_histories(path)
    assert "rgen" not in told(caught.value)
    assert read_histories(path, encoding="latin-1").buyer_ids.tolist() == ["Jürgen"]


def test_compressed_csv_is_read(tmp_path):
    path = tmp_path / "orders.csv.gz"
    path.write_bytes(gzip.compress((PLAIN + "a,2024-01-01,1\n").encode()))
    assert read_histories(path).buyer_ids.tolist() == ["a"]


def test_a_folder_a_pattern_and_a_list_of_files_are_one_table(tmp_path):
    table = orders(n_rows=90, n_buyers=9)
    parts = [table.iloc[:30], table.iloc[30:60], table.iloc[60:]]
    for number, part in enumerate(parts):
        part.to_csv(tmp_path / f"part{number}.csv", index=False)
    whole = Histories(table).transactions
    for source in (tmp_path, str(tmp_path / "part*.csv"), sorted(tmp_path.glob("*.csv"))):
        pd.testing.assert_frame_equal(read_histories(source).transactions, whole)


def test_row_numbers_run_on_through_the_files(tmp_path):
    write(tmp_path, PLAIN + "a,2024-01-01,1\nb,2024\n", "1.csv")
    write(tmp_path, PLAIN + "a,2024-01-02,1\n,2024-01-03,1\nc\n", "2.csv")
    aside = read_histories(tmp_path).set_aside("transactions")
    assert sorted(aside["row_number"]) == [1, 3, 4]


def test_files_of_different_columns_are_one_clear_error(tmp_path):
    write(tmp_path, PLAIN + "a,2024-01-01,1\n", "1.csv")
    write(tmp_path, "buyer_id,timestamp,total\na,2024-01-02,1\n", "2.csv")
    with pytest.raises(SchemaError, match=r"'2.csv' lacks \['amount'\] and has \['total'\]"):
        read_histories(tmp_path)


def test_parquet_files_that_keep_ids_differently_are_one_clear_error(tmp_path):
    for number, ids in enumerate((["1"], [1])):
        pd.DataFrame({"buyer_id": ids, "timestamp": pd.to_datetime(["2024-01-01"])}).to_parquet(
            tmp_path / f"{number}.parquet"
        )
    with pytest.raises(SchemaError, match="keep different things in 'buyer_id'"):
        read_histories(tmp_path)


@pytest.mark.parametrize("name", ["nothing.csv", "none*.parquet", "book.xlsx"])
def test_what_is_not_there_or_no_table_is_named(tmp_path, name):
    (tmp_path / "book.xlsx").write_bytes(b"PK")
    with pytest.raises(SourceError, match=r"transactions: .*(nothing|none|book)"):
        read_histories(str(tmp_path / name))


@pytest.mark.parametrize("content", [b"", b"PAR1 no parquet at all"])
def test_a_damaged_parquet_file_is_named(tmp_path, content):
    (tmp_path / "orders.parquet").write_bytes(content)
    with pytest.raises(SourceError, match=r"'orders\.parquet' cannot be read as Parquet"):
        read_histories(tmp_path / "orders.parquet")


@pytest.mark.parametrize("content", ["", "\n", "\n\n\n"])
def test_an_empty_csv_is_named(tmp_path, content):
    with pytest.raises(SourceError, match="is empty"):
        read_histories(write(tmp_path, content))


def test_two_columns_of_one_name_are_named(tmp_path):
    with pytest.raises(SchemaError, match="several columns are called 'amount'"):
        read_histories(write(tmp_path, "buyer_id,timestamp,amount,amount\na,2024-01-01,1,2\n"))


def test_tables_and_files_may_be_mixed(tmp_path):
    contacts = write(tmp_path, "buyer_id,timestamp\na,2024-01-01\n", "crm.csv")
    table = pd.DataFrame({"buyer_id": ["a"], "timestamp": ["2024-01-01"]})
    assert read_histories(table, interactions=contacts).events("interactions").n_rows == 1


def test_csv_and_parquet_say_the_same(tmp_path):
    table = orders(n_rows=200, n_buyers=30)
    table.to_csv(tmp_path / "orders.csv", index=False)
    table.to_parquet(tmp_path / "orders.parquet")
    one, other = (read_histories(tmp_path / f"orders.{kind}") for kind in ("csv", "parquet"))
    pd.testing.assert_frame_equal(one.transactions, other.transactions)


@pytest.mark.parametrize("seed", range(1000 if os.environ.get("CLIENTCARE_TESTS") == "full" else 60))
def test_a_damaged_csv_is_read_with_a_count_or_refused_with_a_reason(tmp_path, seed):
    rng = np.random.default_rng(seed)
    rows = [f"b{i % 7:04d},2024-{1 + i % 12:02d}-11T10:00:00,{i * 1.25},O{i}\n" for i in range(40)]
    content = bytearray(("buyer_id,timestamp,amount,order_id\n" + "".join(rows)).encode())
    odd = [b'"', b"\n", b"\r", b",", b'""', b"\0", b";", b"\xff\xfe", b"inf", b"-", b"9" * 30, b"\xc3\xa9"]
    for _ in range(rng.integers(1, 5)):
        place = int(rng.integers(0, len(content)))
        if rng.random() < 0.3:
            del content[place : place + int(rng.integers(1, 40))]
        else:
            content[place:place] = odd[rng.integers(0, len(odd))]
    (tmp_path / "orders.csv").write_bytes(content)
    try:
        assert_balanced(read_histories(tmp_path / "orders.csv"))
    except ClientcareError as error:
        assert "b0001" not in told(error)  # noqa: PT017


ROWS = "".join(f"a{number % 7},2024-03-{1 + number % 28:02d},{number}.5\n" for number in range(40))


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + PLAIN + ROWS,
        (PLAIN + ROWS).replace("\n", "\r\n"),
        (PLAIN + ROWS).replace("\n", "\r"),
        (PLAIN + ROWS).replace(",", "\t"),
        (PLAIN + ROWS).replace(",", "|"),
        PLAIN + "\n\n" + ROWS + "\n\n",
        "buyer_id, timestamp, amount\n" + ROWS,
        PLAIN.strip() + ",\n" + ROWS.replace("\n", ",\n"),
        PLAIN.strip() + ",note\n" + ROWS.replace("\n", ',"two\nlines"\n'),
    ],
    ids=[
        "mark",
        "crlf",
        "cr",
        "tab",
        "bar",
        "blank lines",
        "blanks in header",
        "last comma",
        "line in quotes",
    ],
)
def test_files_as_programs_write_them_hold_the_same_rows(tmp_path, text):
    path = tmp_path / "orders.csv"
    path.write_bytes(text.encode())
    plain = read_histories(write(tmp_path, PLAIN + ROWS, "plain.csv"))
    pd.testing.assert_frame_equal(read_histories(path).transactions, plain.transactions)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ((PLAIN + ROWS).encode("utf-16"), "encoding='utf-16'"),
        ((PLAIN + "é,2024-01-01,5\n").encode("latin-1"), "is not written in utf-8"),
        (PLAIN.strip().encode(), "no row can be used"),
        (ROWS.encode(), "most likely no header"),
        (ROWS.replace("-03-", "/03/").encode(), "no column 'buyer_id'"),
    ],
)
def test_a_file_that_is_no_table_is_told_from_one_that_is_written_otherwise(tmp_path, content, words):
    path = tmp_path / "orders.csv"
    path.write_bytes(content)
    with pytest.raises(ClientcareError, match=words) as caught:
        read_histories(path)
    assert "2024-03" not in told(caught.value)


def test_an_empty_path_is_no_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceError, match="an empty path"):
        read_histories("")


@pytest.mark.parametrize(
    "option", [{"delimiter": 3}, {"delimiter": ";;"}, {"encoding": "klingon"}, {"kinds": ["x"]}]
)
def test_an_option_that_makes_no_sense_is_named(tmp_path, option):
    with pytest.raises(OptionError, match=next(iter(option))):
        read_histories(write(tmp_path, PLAIN + ROWS), **option)


def test_moments_in_universal_time_are_read_as_databases_export_them(tmp_path):
    path = write(tmp_path, PLAIN + "a,2024-03-01 23:30:00 UTC,1\nb,2024-03-01 10:00:00.5 GMT,2\n")
    days = read_histories(path, timezone="Europe/Berlin").transactions["timestamp"]
    assert days.tolist() == [pd.Timestamp("2024-03-02 00:30"), pd.Timestamp("2024-03-01 11:00:00.5")]


def test_lines_that_are_no_rows_are_counted_also_where_a_table_is_read_in_parts(tmp_path):
    pytest.importorskip("duckdb")
    path = write(tmp_path, PLAIN + ROWS + "b,2024-01-02\nb,2024-01-02,5,6\n")
    written = write_feature_table(path, as_of="2024-04-01", out=tmp_path / "features", n_jobs=1)
    ragged = written.quality.query("rule == 'ragged_line'")
    assert ragged[["table", "n_rows", "action"]].to_numpy().tolist() == [["transactions", 2, "set aside"]]
    with pytest.raises(BadRowsError, match="2 rows break the rule 'ragged_line'"):
        write_feature_table(path, as_of="2024-04-01", out=tmp_path / "more", n_jobs=1, on_bad_rows="raise")


def test_a_limit_of_memory_that_is_none_is_named(tmp_path):
    pytest.importorskip("duckdb")
    with pytest.raises(OptionError, match="memory_limit"):
        write_feature_table(
            write(tmp_path, PLAIN + ROWS),
            as_of="2024-04-01",
            out=tmp_path / "features",
            memory_limit="plenty",
        )
