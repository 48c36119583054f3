"""The public names, and what importing them costs."""

import subprocess
import sys

import pytest

import clientcare as cc


@pytest.mark.parametrize("name", [name for name in cc.__all__ if name != "__version__"])
def test_every_public_name_is_there(name):
    assert getattr(cc, name) is not None


@pytest.mark.parametrize("name", cc.__all__)
def test_every_public_name_is_listed(name):
    assert name in dir(cc)


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
