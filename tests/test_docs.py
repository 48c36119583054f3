"""What the documentation says: its code runs, and its reference names everything that is public."""

import re
from pathlib import Path
from types import ModuleType

import pytest

import clientcare as cc

DOCS = Path(__file__).parent.parent / "docs"
RUN = [
    "backtest",
    "care-plan-for-monday",
    "choose-the-horizon",
    "contracts",
    "effect-of-care",
    "explain-one-buyer",
    "label-your-own-clients",
    "monitoring",
    "scikit-learn-pipelines",
    "sql-and-warehouse",
]
ROOMS = [
    name
    for name in cc.__all__
    if isinstance(getattr(cc, name), ModuleType) and hasattr(getattr(cc, name), "__all__")
]


@pytest.fixture(autouse=True)
def no_window():
    pytest.importorskip("matplotlib").use("Agg")
    yield
    from matplotlib import pyplot as plt

    plt.close("all")


@pytest.mark.parametrize("page", RUN)
def test_the_code_of_a_guide_runs_from_top_to_bottom(page, tmp_path, monkeypatch, capsys):
    if page == "sql-and-warehouse":
        pytest.importorskip("duckdb")
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(
        r"^```python\n(.*?)^```", (DOCS / "how-to" / f"{page}.md").read_text("utf-8"), re.DOTALL | re.M
    )
    assert blocks
    names = {}
    for number, block in enumerate(blocks):
        exec(compile(block, f"{page}.md, block {number + 1}", "exec"), names)


@pytest.mark.parametrize("room", ROOMS)
def test_the_reference_names_everything_public(room):
    reference = "\n".join(page.read_text("utf-8") for page in sorted((DOCS / "reference").iterdir()))
    entries = set(re.findall(r"[\w.]+", reference))
    named = entries | {entry.rpartition(".")[2] for entry in entries}
    missing = [name for name in getattr(cc, room).__all__ if name not in named]
    assert not missing


def test_every_guide_is_in_the_table_of_tasks():
    index = (DOCS / "how-to" / "index.md").read_text("utf-8")
    guides = [guide.name for guide in (DOCS / "how-to").glob("*.md") if guide.name != "index.md"]
    assert not [guide for guide in guides if f"({guide})" not in index]
