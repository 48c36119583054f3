"""Sixty kinds of place, every writing verb: refused or written as the page of the docs says, and nothing else touched."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
spec = importlib.util.spec_from_file_location("output_places", ROOT / "scripts" / "output_places.py")
assert spec is not None
assert spec.loader is not None
places = importlib.util.module_from_spec(spec)
spec.loader.exec_module(places)

VERBS = list(places.VERBS)
CHEAP = ("init", "check --out", "check --set-aside", "revenue")
"""Verbs that are run where they write; the others are told by their refusals, and all in a full run."""


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return places.make_stock(tmp_path_factory.mktemp("stock"))


def documented() -> dict[str, list[str]]:
    rows = {}
    for line in places.PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip().replace("**", "") for cell in line.strip("|").split(" | ")]
        if len(cells) == 1 + len(VERBS):
            rows[cells[0]] = cells[1:]
    return rows


def test_the_page_tells_of_every_kind_and_verb() -> None:
    page = documented()
    assert set(places.KINDS) <= set(page)
    assert len(places.KINDS) >= 60
    assert {cell for row in list(page.values())[1:] for cell in row} == {
        "refused",
        "written",
        places.NOT_ASKED,
    }


@pytest.mark.parametrize("kind", places.KINDS)
def test_a_place_is_refused_or_written_and_nothing_else_is_touched(kind: str, stock: Path) -> None:
    full = os.environ.get("CLIENTCARE_TESTS") == "full"
    expected = dict(zip(VERBS, documented()[kind], strict=True))
    for verb in VERBS:
        if expected[verb] == "written" and verb not in CHEAP and not full:
            continue
        outcome, touched = places.tried(kind, verb, stock)
        if outcome == places.NOT_ASKED:
            continue  # what this machine cannot make
        assert (outcome, touched) == (expected[verb], []), verb
