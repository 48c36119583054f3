"""The shell is narrow, forgiving, and speaks the form that is asked for."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest

from clientcare.cli import main
from clientcare.cli.lists import list_of_buyers
from clientcare.cli.output import Voice
from clientcare.cli.program import VERBS
from clientcare.datasets import simulate_histories


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    made = simulate_histories("retailer", n_buyers=60, random_state=0)
    made.transactions.to_parquet(folder / "orders.parquet")
    orders = ["--transactions", str(folder / "orders.parquet")]
    model = ["--model", str(folder / "m.clientcare")]
    assert main(["fit", *orders, *model, "--horizon", "60D", "--effort", "quick"]) == 0
    return folder, orders, model


def test_the_list_of_buyers_fits_eighty_columns_and_says_what_it_speaks_of(shop, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    _, orders, model = shop
    assert main(["score", *orders, *model, "--as-of", "2024-01-01"]) == 0
    said = capsys.readouterr()
    assert max(map(len, said.out.splitlines())) <= 80
    assert "as of 2024-01-01, for the 60 days from then" in said.out
    assert "beat" in said.err  # what the model says of itself


def test_a_written_book_is_said_with_its_place_and_date(shop, capsys):
    folder, orders, model = shop
    place = str(folder / "book.csv")
    assert main(["score", *orders, *model, "--as-of", "2024-01-01", "--out", place]) == 0
    said = capsys.readouterr().out
    assert place in said
    assert "2024-01-01" in said


def test_a_long_id_and_a_long_reason_widen_no_line():
    book = pd.DataFrame(
        {
            "stage": ["one-time customer", "new buyer"],
            "churn_risk": [0.123, np.nan],
            "at_stake": [1e12, np.nan],
            "reason_1": ["word " * 40, None],
        },
        index=pd.Index(["x" * 300, "\x1b[31mred"], name="buyer_id"),
    )
    text = list_of_buyers(book, 80)
    assert max(map(len, text.splitlines())) <= 80
    assert "\x1b" not in text


@pytest.mark.parametrize(
    ("word", "meant"), [("scor", "score"), ("renewal", "renewals"), ("reprot", "report")]
)
def test_a_verb_that_is_nearly_right_is_named(word, meant, capsys):
    assert main([word]) == 2
    assert f"Did you mean '{meant}'?" in capsys.readouterr().err


def test_a_verb_like_no_other_is_not_guessed(capsys):
    assert main(["xyzzy"]) == 2
    assert "Did you mean" not in capsys.readouterr().err


def test_an_option_that_is_nearly_right_is_named(shop, capsys):
    with pytest.raises(SystemExit) as end:
        main(["score", *shop[1], "--horizn", "90D"])
    assert end.value.code == 2
    assert "Did you mean '--horizon'?" in capsys.readouterr().err


def test_every_form_tells_the_same_table(shop, capsys):
    _, orders, _ = shop
    ask = ["revenue", *orders, "--periods", "QE"]
    assert main([*ask, "--json"]) == 0
    standing, told = capsys.readouterr().out.splitlines()
    assert json.loads(standing)["event"] == "standing"
    rows = json.loads(told)["rows"]
    assert main([*ask, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[1])["rows"] == rows
    assert main([*ask, "--format", "csv"]) == 0
    table = pd.read_csv(io.StringIO(capsys.readouterr().out))
    np.testing.assert_allclose(table["closing"], [row["closing"] for row in rows])
    assert main([*ask, "--format", "markdown"]) == 0
    lines = capsys.readouterr().out.strip().splitlines()
    assert len(lines) == len(rows) + 2
    assert {line.count("|") for line in lines} == {lines[0].count("|")}


def test_two_forms_at_once_are_refused(shop, capsys):
    assert main(["revenue", *shop[1], "--json", "--format", "csv"]) == 2
    assert "Give one of them" in capsys.readouterr().err


def test_no_cell_of_a_markdown_table_becomes_markup(capsys):
    Voice("markdown").show("t", "", pd.DataFrame({"a": ["x|y", "<b>", "[l](u)", "two\nlines"]}))
    lines = capsys.readouterr().out.strip().splitlines()
    assert lines[2:] == ["| x\\|y |", "| &lt;b> |", "| \\[l](u) |", "| two lines |"]


def test_numbers_of_a_csv_end_at_the_sixth_decimal(shop):
    folder, orders, model = shop
    assert main(["score", *orders, *model, "--out", str(folder / "six.csv")]) == 0
    cells = pd.read_csv(folder / "six.csv", dtype=str)["churn_risk"]
    assert cells.str.partition(".")[2].str.len().max() <= 6


def test_a_dry_run_says_what_would_be_done_and_does_nothing(shop, capsys):
    folder, orders, model = shop
    out = folder / "never.parquet"
    ask = ["score", "--in-parts", *orders, *model, "--as-of", "2024-01-01", "--out", str(out), "--dry-run"]
    assert main(ask) == 0
    said = capsys.readouterr().out
    assert "Would read transactions: 1 files" in said
    assert "Nothing was done" in said
    assert not out.exists()
    assert main([*ask[:2], "--transactions", str(folder / "none.parquet"), *ask[4:]]) == 2


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_verb_and_its_options_are_completed(shell, capsys):
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert all(verb in script for verb in VERBS)
    assert "client-horizon" in script
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=script, text=True, check=True)


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
def test_bash_completes_a_verb_and_an_option(capsys):
    assert main(["completion", "bash"]) == 0
    script = capsys.readouterr().out
    ask = 'COMP_WORDS=({}); COMP_CWORD={}; _clientcare; echo "${{COMPREPLY[@]}}"\n'
    answers = subprocess.run(
        ["bash"],
        input=script
        + "\n"
        + ask.format("clientcare rev", 1)
        + ask.format("clientcare score --dry", 2)
        + ask.format("clientcare completion z", 2),
        capture_output=True,
        text=True,
        check=True,
        env=dict(os.environ),
    ).stdout.splitlines()
    assert answers == ["revenue", "--dry-run", "zsh"]
