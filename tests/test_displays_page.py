"""The page of all displays is complete, and the site says how to cite what is installed."""

import re
from pathlib import Path

import pytest

import clientcare as cc

pytest.importorskip("matplotlib").use("Agg")
ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"


def test_every_display_is_on_the_page_with_a_picture_of_its_own():
    text = (DOCS / "displays.md").read_text("utf-8")
    shown = re.findall(r"`clientcare\.report\.(\w+)`\n\n!\[[^]]+\]\((pictures/\w+\.png)\)", text)
    assert {name for name, _ in shown} == {name for name in cc.report.__all__ if name.endswith("Display")}
    assert len({picture for _, picture in shown}) == len(shown)
    assert all((DOCS / picture).is_file() for _, picture in shown)


def test_how_to_cite_names_the_version_of_the_package():
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE)[1]
    assert f"version: {version}" in (ROOT / "CITATION.cff").read_text("utf-8")
    assert (DOCS / "cite.md").read_text("utf-8").count(version) == 2
    assert f"version {version}" in (DOCS / "index.md").read_text("utf-8")


def test_every_page_of_the_site_is_reached_and_every_own_link_leads_somewhere():
    for page in [*DOCS.glob("*.md"), *DOCS.glob("[!g_]*/*.md")]:
        for link in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text("utf-8")):
            assert (page.parent / link).exists(), (page.name, link)
    index = (DOCS / "index.md").read_text("utf-8").split("```{toctree}")[1]
    for page in DOCS.glob("*.md"):
        assert page.stem == "index" or f"\n{page.stem}\n" in index, page.name
