"""Questions asked through --json are answered with the figure that Python gives, and the guide says what comes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pandas as pd
import pytest

import clientcare as cc
from clientcare.cli import main
from clientcare.cli.program import VERBS

DOCS = Path(__file__).resolve().parents[2] / "docs"
GUIDE = DOCS / "how-to" / "assistants.md"
AS_OF = "2024-03-01"


@pytest.fixture(scope="module")
def firm(tmp_path_factory):
    """A firm in files, its model, and the same as Python has it."""
    folder = tmp_path_factory.mktemp("firm")
    made = cc.datasets.simulate_histories("service_firm", n_buyers=60, random_state=3)
    given = []
    for name in ("transactions", "interactions", "contracts"):
        getattr(made, name).to_parquet(folder / f"{name}.parquet")
        given += [f"--{name}", str(folder / f"{name}.parquet")]
    histories = cc.read_histories(
        **{name: folder / f"{name}.parquet" for name in ("transactions", "interactions", "contracts")}
    )
    model = cc.RelationshipModel(horizon="90D", effort="quick", random_state=0).fit(histories, as_of=AS_OF)
    model.save(folder / "m.clientcare")
    return given, ["--model", str(folder / "m.clientcare"), "--as-of", AS_OF], histories, model


def asked(capsys, *words):
    """What a question is answered with, by event."""
    assert main([*words, "--json"]) == 0
    return {one["event"]: one for one in map(json.loads, capsys.readouterr().out.splitlines())}


def test_the_guide_names_verbs_that_are_there_and_all_that_write():
    text = GUIDE.read_text("utf-8")
    reading = re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)
    writing = re.findall(r"`(\w+)`", re.search(r"^`fit`.*write files", text, re.MULTILINE)[0])
    assert set(reading) | set(writing) <= set(VERBS)
    assert not set(reading) & set(writing)


def test_every_link_of_the_list_for_assistants_leads_somewhere():
    links = re.findall(r"\]\(([^)]+)\)", (DOCS / "llms.txt").read_text("utf-8"))
    assert len(links) > 5
    assert all((DOCS / link).is_file() for link in links)


def test_questions_about_money_are_answered_as_in_python(firm, capsys):
    given, _, histories, _ = firm
    rows = asked(capsys, "revenue", *given, "--periods", "QE")["revenue"]["rows"]
    table = cc.revenue(histories, "QE")
    for name in ("opening", "new", "lost", "closing", "net_retention", "logo_retention", "n_closing"):
        told = pd.Series([row[name] for row in rows], dtype=float)
        pd.testing.assert_series_equal(
            told, table[name].reset_index(drop=True).astype(float), check_names=False
        )


def test_questions_about_renewals_are_answered_with_their_interval(firm, capsys):
    given, model, histories, fitted = firm
    told = asked(capsys, "renewals", *given, *model)
    coming = cc.renewals(fitted, histories, AS_OF)
    assert sum(row["n_ends"] for row in told["months"]["rows"]) == len(coming.ends)
    assert sum(row["expected"] for row in told["months"]["rows"]) == pytest.approx(
        coming.months["expected"].sum(), abs=0.1
    )
    assert all(
        row["low"] <= row["expected"] <= row["high"] for row in told["months"]["rows"] if row["n_ends"] > 3
    )
    assert {row["buyer_id"] for row in told["ends"]["rows"]} == set(coming.ends["buyer_id"])
    assert not set(histories.buyer_ids) & set(re.findall(r"\w+", json.dumps(told["months"])))


def test_questions_about_buyers_are_answered_with_everybody(firm, capsys):
    given, model, histories, fitted = firm
    rows = asked(capsys, "score", *given, *model)["book"]["rows"]
    book = fitted.score(histories, as_of=AS_OF)
    assert len(rows) == len(book)
    assert {row["buyer_id"]: row["stage"] for row in rows} == book["stage"].astype(str).to_dict()
    assert sum(row["at_stake"] or 0 for row in rows) == pytest.approx(book["at_stake"].sum(), abs=0.1)


def test_a_question_that_cannot_be_answered_says_how_to_mend_it(firm, capsys):
    assert main(["revenue", *firm[0], "--by", "planet", "--json"]) == 2
    said = capsys.readouterr()
    assert not said.out
    assert "by must be one of" in said.err


def test_the_page_tells_what_moved_since_a_book_that_was_written(firm, tmp_path, capsys):
    pytest.importorskip("jinja2")
    pytest.importorskip("matplotlib")
    given, model, _, _ = firm
    before = ["--model", model[1], "--as-of", "2024-01-01"]
    assert main(["score", *given, *before, "--out", str(tmp_path / "before.parquet")]) == 0
    page = tmp_path / "page.html"
    asked = ["report", *given, *model, "--previous", str(tmp_path / "before.parquet"), "--currency", "EUR"]
    assert main([*asked, "--out", str(page)]) == 0
    text = page.read_text("utf-8")
    assert "What moved since 2024-01-01" in text
    assert "Amounts in EUR" in text
