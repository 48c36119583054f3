"""Every example in a docstring runs, and prints what it says it prints."""

import doctest
import importlib
from pathlib import Path

import numpy as np
import pytest

import clientcare

if np.lib.NumpyVersion(np.__version__) < "2.0.0":
    pytest.skip("the examples print numbers as numpy 2 does", allow_module_level=True)
pytest.importorskip("jinja2", reason="the examples draw, and write the page")
pytest.importorskip("matplotlib", reason="the examples draw, and write the page").use("Agg")

FORM = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
SOURCES = Path(clientcare.__file__).parent


def modules_with_examples():
    for source in sorted(SOURCES.rglob("*.py")):
        if ">>> " in source.read_text(encoding="utf-8"):
            yield ".".join(source.relative_to(SOURCES.parent).with_suffix("").parts).removesuffix(".__init__")


@pytest.mark.parametrize("name", list(modules_with_examples()))
def test_the_examples_of_a_module_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runner, said = doctest.DocTestRunner(optionflags=FORM), []
    for test in doctest.DocTestFinder().find(importlib.import_module(name)):
        runner.run(test, out=said.append)
    assert runner.tries, "no example was found where the source shows one"
    assert not runner.failures, "".join(said)


def test_most_modules_show_an_example():
    assert len(list(modules_with_examples())) > 50
