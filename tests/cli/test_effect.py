"""Does care work, on the command line: from the records, and by a lot that was dealt there."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from clientcare.care import care_effect, plan_holdout
from clientcare.cli import main
from clientcare.datasets import simulate_histories
from clientcare.history import Histories

DATES = ["2023-06-01", "2023-09-01"]


@pytest.fixture(scope="module")
def firm():
    return simulate_histories("service_firm", 200, random_state=0)


@pytest.fixture(scope="module")
def tables(firm, tmp_path_factory) -> list[str]:
    folder, options = tmp_path_factory.mktemp("firm"), []
    for name in ("transactions", "interactions", "contracts"):
        getattr(firm, name).to_parquet(folder / f"{name}.parquet")
        options += [f"--{name}", str(folder / f"{name}.parquet")]
    return options


@pytest.fixture
def book(firm, tmp_path):
    ids = firm.histories.buyer_ids
    risk = np.random.default_rng(0).uniform(0.1, 0.6, len(ids))
    table = pd.DataFrame({"churn_risk": risk}, index=ids)
    table.to_parquet(tmp_path / "book.parquet")
    return tmp_path / "book.parquet"


def events(capsys):
    return {event["event"]: event for event in map(json.loads, capsys.readouterr().out.splitlines())}


def dated(dates):
    return [word for date in dates for word in ("--as-of", date)]


def test_the_effect_is_the_one_that_python_finds(firm, tables, tmp_path, capsys):
    found = care_effect(
        Histories(firm.transactions, firm.interactions, firm.contracts), "check_in", "churn", DATES
    )
    rows = tmp_path / "rows.csv"
    assert main(["effect", *tables, *dated(DATES), "--json", "--out", str(rows)]) == 0
    told = events(capsys)["effect"]
    assert told["sentence"] == found.sentence
    assert (told["effect"], told["low"], told["n_treated"]) == (found.effect, found.low, found.n_treated)
    assert len(pd.read_csv(rows)) == found.n_rows


def test_a_person_reads_the_finding_first(tables, capsys):
    assert main(["effect", *tables, *dated(DATES), "--action", "check_in", "--action", "meeting"]) == 0
    assert capsys.readouterr().out.startswith("These data cannot tell what the action does to churn")


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_the_arms_that_holdout_writes_are_those_that_effect_compares(
    firm, tables, book, tmp_path, ending, capsys
):
    arms = tmp_path / f"arms.{ending}"
    assert main(["holdout", str(book), "--smallest-effect", "0.1", "--out", str(arms), "--json"]) == 0
    plan = plan_holdout(pd.read_parquet(book), smallest_effect=0.1)
    assert events(capsys)["holdout"]["n_care"] == plan.n_care
    assert main(["effect", *tables, "--as-of", "2024-01-01", "--arms", str(arms), "--json"]) == 0
    told = events(capsys)["effect"]
    found = care_effect(firm.histories, as_of="2024-01-01", randomised=plan.assignment["arm"])
    assert told["randomised"] is True
    assert (told["n_rows"], told["n_treated"]) == (found.n_rows, found.n_treated)


def test_arms_that_are_none_are_refused_with_a_way_out(tables, book, tmp_path, capsys):
    one = ["effect", *tables, "--as-of", "2024-01-01", "--arms"]
    strangers = tmp_path / "strangers.csv"
    strangers.write_text("buyer_id,arm\nnobody,care\n")
    for file, words in (
        (book, "lacks 'arm'"),
        (strangers, "names no buyer"),
        (tmp_path / "x", "cannot be read"),
    ):
        assert main([*one, str(file)]) == 2
        assert words in capsys.readouterr().err


def test_too_small_a_book_for_an_experiment_is_a_mistake_of_the_users(book, tmp_path, capsys):
    pd.read_parquet(book).head(10).to_parquet(tmp_path / "small.parquet")
    assert main(["holdout", str(tmp_path / "small.parquet")]) == 2
    assert "at least 40 are needed" in capsys.readouterr().err
