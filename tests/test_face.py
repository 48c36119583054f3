"""The public names, and what importing them costs."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import clientcare as cc


@pytest.mark.parametrize("name", [name for name in cc.__all__ if name != "__version__"])
def test_every_public_name_is_there(name):
    assert getattr(cc, name) is not None


@pytest.mark.parametrize("name", cc.__all__)
def test_every_public_name_is_listed(name):
    assert name in dir(cc)


def test_type_checkers_see_every_public_name():
    """The names are loaded on use; editors and type checkers read them off the face all the same."""
    tree = ast.parse(Path(cc.__file__).read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {alias.asname for statement in block.body for alias in statement.names}
    assert seen == set(cc.__all__) - {"__version__"}


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = cc.nonsense


def test_importing_the_face_loads_no_heavy_library():
    """scikit-learn, scipy, matplotlib and DuckDB are imported on use."""
    code = (
        "import sys, clientcare\n"
        "heavy = [m for m in ('sklearn', 'scipy', 'matplotlib', 'duckdb', 'jinja2', 'pyspark') if m in sys.modules]\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    "name",
    ["Histories", "read_histories", "feature_table", "ChurnDefinition", "RelationshipModel", "backtest"],
)
def test_every_public_name_has_a_docstring_with_an_example(name):
    assert ">>>" in (getattr(cc, name).__doc__ or ""), name
