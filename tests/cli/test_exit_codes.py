"""What a pipeline is told: every row of the table in docs/command-line.md, with its exit code and its message."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from clientcare.cli import check, main
from clientcare.datasets import simulate_histories
from clientcare.scoring.publish import open_job

DOCS = Path(__file__).parents[2] / "docs" / "command-line.md"
CELL = "ann@example.com"


def rows_of_the_docs():
    """Of each row of the table: what happens, the exit code, and how the message begins."""
    text = DOCS.read_text(encoding="utf-8").split("## Exit codes")[1]
    rows = re.findall(r"^\| (.+?) \| (\d+) \| (.*?) ?\|$", text, re.MULTILINE)
    return {what: (int(code), message.strip("`").removesuffix("...")) for what, code, message in rows}


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """Tables and a model on disk."""
    folder = tmp_path_factory.mktemp("shop")
    histories = simulate_histories("retailer", n_buyers=80, random_state=0)
    histories.transactions.to_parquet(folder / "orders.parquet")
    histories.interactions.to_parquet(folder / "contacts.parquet")
    pd.DataFrame({"who": [CELL], "when": ["2024-01-01"]}).to_csv(folder / "strange.csv", index=False)
    pd.DataFrame({"buyer_id": [CELL, None], "timestamp": ["2024-01-01"] * 2}).to_csv(
        folder / "bad.csv", index=False
    )
    (folder / "damaged.clientcare").write_bytes(b"PK not a model")
    assert main(["fit", *tables(folder), "--model", str(folder / "m.clientcare"), "--horizon", "60D",
                 "--effort", "quick"]) == 0  # fmt: skip
    return folder


def tables(folder):
    return [
        "--transactions",
        str(folder / "orders.parquet"),
        "--interactions",
        str(folder / "contacts.parquet"),
    ]


def in_parts(folder, out):
    model = ["--model", str(folder / "m.clientcare"), "--as-of", "2024-01-01"]
    return ["score", "--in-parts", *tables(folder), *model, "--out", str(out)]


def done(folder, tmp_path, monkeypatch):
    return ["check", *tables(folder)]


def no_table(folder, tmp_path, monkeypatch):
    return ["check"]


def unknown_option(folder, tmp_path, monkeypatch):
    return ["check", *tables(folder), "--colour", "red"]


def no_file(folder, tmp_path, monkeypatch):
    return ["check", "--transactions", str(folder / "nothing.parquet")]


def no_column(folder, tmp_path, monkeypatch):
    return ["check", "--transactions", str(folder / "strange.csv")]


def bad_rows(folder, tmp_path, monkeypatch):
    return ["check", "--transactions", str(folder / "bad.csv"), "--on-bad-rows", "raise"]


def no_buyer_yet(folder, tmp_path, monkeypatch):
    return [
        "fit",
        *tables(folder),
        "--as-of",
        "1950-01-01",
        "--horizon",
        "60D",
        "--model",
        str(tmp_path / "m"),
    ]


def damaged_model(folder, tmp_path, monkeypatch):
    return ["score", *tables(folder), "--model", str(folder / "damaged.clientcare")]


def table_missing(folder, tmp_path, monkeypatch):
    return ["score", *tables(folder)[:2], "--model", str(folder / "m.clientcare")]


def parts_without_model(folder, tmp_path, monkeypatch):
    return ["score", "--in-parts", *tables(folder)]


def output_in_use(folder, tmp_path, monkeypatch):
    job = open_job(tmp_path / "book", {})
    job.__enter__()
    monkeypatch.callback(lambda: job.__exit__(None, None, None))
    return in_parts(folder, tmp_path / "book")


def place_of_a_source(folder, tmp_path, monkeypatch):
    orders = tables(folder)[1]
    return ["score", *tables(folder), "--model", str(folder / "m.clientcare"), "--out", orders]


def no_place(folder, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    return in_parts(folder, tmp_path / "file" / "book.parquet")


def no_extra(folder, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "duckdb", None)
    return in_parts(folder, tmp_path / "book")


def books(folder, tmp_path, change):
    book = pd.DataFrame({"buyer_id": range(900), "churn_risk": [0.1, 0.2, 0.3] * 300,
                         "stage": "repeat customer"}).set_index("buyer_id")  # fmt: skip
    book.to_parquet(tmp_path / "old.parquet")
    change(book).to_parquet(tmp_path / "new.parquet")
    return ["compare", str(tmp_path / "old.parquet"), str(tmp_path / "new.parquet")]


def as_before(folder, tmp_path, monkeypatch):
    return books(folder, tmp_path, lambda book: book)


def moved(folder, tmp_path, monkeypatch):
    return books(folder, tmp_path, lambda book: book.assign(churn_risk=0.9))


def interrupted(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(check, "read_tables", _raising(KeyboardInterrupt()))
    return ["check", *tables(folder)]


def own_fault(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(check, "read_tables", _raising(ZeroDivisionError(CELL)))
    return ["check", *tables(folder)]


def _raising(error):
    def fail(options):
        raise error

    return fail


SITUATIONS = {
    "done": done,
    "an option that is not known": unknown_option,
    "no table named": no_table,
    "a file is not there": no_file,
    "a column is not there": no_column,
    "rows that cannot be used, with `--on-bad-rows raise`": bad_rows,
    "nothing to learn from": no_buyer_yet,
    "a damaged or hostile model file": damaged_model,
    "a table is not given that the model learned from": table_missing,
    "`--in-parts` without model, date or place": parts_without_model,
    "another job writes to the same place": output_in_use,
    "the output would take the place of a source": place_of_a_source,
    "a place that cannot be written: full, read-only, no folder": no_place,
    "an extra is not installed": no_extra,
    "`compare`: as before": as_before,
    "`compare`: something moved that matters": moved,
    "interrupted from the keyboard": interrupted,
    "our own fault": own_fault,
}


def test_the_docs_list_the_situations_tested_here():
    assert list(rows_of_the_docs()) == list(SITUATIONS)


@pytest.mark.parametrize("what", SITUATIONS)
def test_each_row_of_the_docs(what, shop, tmp_path, monkeypatch, capsys, request):
    monkeypatch.callback = request.addfinalizer
    code, message = rows_of_the_docs()[what]
    arguments = SITUATIONS[what](shop, tmp_path, monkeypatch)
    try:
        found = main(arguments)
    except SystemExit as refused:  # argparse ends by itself
        found = refused.code
    said = capsys.readouterr()
    assert found == code
    text = said.out if code == 3 else said.err
    assert text.startswith(message), text
    assert CELL not in said.err + said.out
    if code == 2:
        assert not list(tmp_path.glob("book*")), "nothing was published"


def test_books_of_every_form_are_compared(shop, tmp_path, capsys):
    assert main(in_parts(shop, tmp_path / "book")) == 0
    alone = ["score", *tables(shop), "--model", str(shop / "m.clientcare"), "--as-of", "2024-01-01"]
    for name in ("book.csv", "book.parquet"):
        assert main([*alone, "--out", str(tmp_path / name)]) == 0
        capsys.readouterr()
        assert main(["compare", str(tmp_path / "book"), str(tmp_path / name), "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["share_moved"] == 0
    assert main(["compare", str(tmp_path / "book"), str(shop / "nothing.csv")]) == 2


def test_the_whole_trace_of_our_own_fault_is_shown_to_who_asks_for_it(shop, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CLIENTCARE_DEBUG", "1")
    assert main(own_fault(shop, tmp_path, monkeypatch)) == 1
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT to another process on Windows")
@pytest.mark.parametrize("stage", ["split", "score"])
def test_a_real_interrupt_in_the_middle_of_a_job_leaves_the_old_book(shop, tmp_path, stage):
    (tmp_path / "book.csv").write_text("old")
    command = [sys.executable, "-m", "clientcare", *in_parts(shop, tmp_path / "book.csv"), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as job:
        for line in job.stderr:
            if json.loads(line)["stage"] == stage:
                os.kill(job.pid, signal.SIGINT)
                break
        said = job.stderr.read()
    assert job.returncode == 130
    assert said.splitlines()[-1].startswith("clientcare score: interrupted")
    assert (tmp_path / "book.csv").read_text() == "old"


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes of this kind on Windows")
def test_a_reader_that_has_had_enough_is_no_fault(shop):
    command = [
        sys.executable,
        "-m",
        "clientcare",
        "features",
        *tables(shop),
        "--as-of",
        "2024-01-01",
        "--json",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as job:
        job.stdout.close()
        assert job.stderr.read() == ""
    assert job.returncode == 0
