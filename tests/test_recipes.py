"""Recipes to run beside other tools: those run whose tool is small, and all use verbs, options and names that exist."""

import ast
import re
import runpy
import tomllib
from pathlib import Path

import pytest

import clientcare as cc
from clientcare.cli import main
from clientcare.cli.program import VERBS
from clientcare.datasets import load_retailer

ROOT = Path(__file__).parent.parent
RECIPES = ROOT / "docs" / "recipes"
SCRIPTS = sorted(RECIPES.glob("*.py"))


@pytest.fixture(scope="module")
def shop():
    whole = load_retailer()
    return whole.select(whole.buyer_ids[::4])


@pytest.fixture(scope="module")
def book(shop):
    return cc.RelationshipModel(horizon="90D", effort="quick", random_state=0).fit(shop).score(shop)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_a_recipe_is_python_and_uses_names_that_exist(script):
    tree = ast.parse(script.read_text("utf-8"))
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "cc"
    }
    assert used <= set(cc.__all__)


@pytest.mark.parametrize(
    "recipe", [*SCRIPTS, RECIPES / "Dockerfile", RECIPES / "index.md"], ids=lambda each: each.name
)
def test_a_recipe_calls_verbs_and_options_that_exist(recipe, capsys):
    for verb, rest in re.findall(r"clientcare (\w+) ([^`\n]*--[^`\n]*)", recipe.read_text("utf-8")):
        assert verb in VERBS
        with pytest.raises(SystemExit):
            main([verb, "--help"])
        known = set(re.findall(r"--[a-z][a-z-]+", capsys.readouterr().out))
        assert set(re.findall(r"--[a-z][a-z-]+", rest)) <= known, (verb, rest)


def test_the_image_runs_as_nobody_of_rank_and_holds_no_build_tools():
    lines = (RECIPES / "Dockerfile").read_text("utf-8").splitlines()
    assert sum(line.startswith("FROM ") for line in lines) == 2
    assert any(line.startswith("USER ") and line != "USER root" for line in lines)
    assert not any(":latest" in line for line in lines)
    assert any("--no-cache-dir" in line for line in lines)


def test_the_conda_recipe_asks_for_what_the_package_asks_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    recipe = (RECIPES / "conda" / "meta.yaml").read_text("utf-8")
    for need in project["dependencies"]:
        name, least = re.match(r"([\w-]+)>=([\w.]+)", need).groups()
        assert f"- {name} >={least}" in recipe, need
    assert f'version = "{project["version"]}"' in recipe


def test_the_dbt_model_makes_the_book(shop):
    duckdb = pytest.importorskip("duckdb")
    session = duckdb.connect()
    session.register("orders", shop.transactions)
    session.register("crm", shop.interactions)

    class Dbt:
        def config(self, **options):
            self.options = options

        def ref(self, name):
            return session.table(name)

    dbt = Dbt()
    made = runpy.run_path(str(RECIPES / "dbt_book.py"))["model"](dbt, session)
    assert dbt.options == {"materialized": "table"}
    assert session.sql("select count(*), count(distinct buyer_id) from made").fetchall() == [(len(made),) * 2]
    assert made["churn_risk"].between(0, 1).all()


def test_the_schema_holds_of_a_book_and_not_of_a_spoiled_one(book):
    pytest.importorskip("pandera")
    schema = runpy.run_path(str(RECIPES / "book_schema.py"))["BOOK"]
    assert len(schema.validate(book)) == len(book)
    with pytest.raises(Exception, match="churn_risk"):
        schema.validate(book.assign(churn_risk=1.5))


def test_the_app_shows_the_book(book, tmp_path, monkeypatch):
    testing = pytest.importorskip("streamlit.testing.v1")
    book.to_parquet(tmp_path / "book.parquet")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["app"])
    app = testing.AppTest.from_file(str(RECIPES / "streamlit_app.py")).run(timeout=60)
    assert not app.exception
    assert app.metric[0].value == f"{(book['status'] != 'gone').sum():,}"
    assert len((RECIPES / "streamlit_app.py").read_text("utf-8").splitlines()) <= 60
