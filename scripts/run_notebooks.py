"""Run every notebook of ``notebooks/*.py`` (percent format) from a clean kernel.

``--write`` keeps the executed copies beside them as ``.ipynb``. Exits with 1 at the first cell that fails.
"""

from __future__ import annotations

import argparse
import os
import resource
import time
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
MOST_SECONDS_A_NOTEBOOK = 300
MOST_KILOBYTES = 600


def run(source: Path, write: bool) -> None:
    """Execute one notebook; keep its outputs where asked for."""
    began = time.monotonic()
    notebook = jupytext.read(source)
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    client = NotebookClient(
        notebook,
        timeout=MOST_SECONDS_A_NOTEBOOK,
        kernel_name="python3",
        resources={"metadata": {"path": str(NOTEBOOKS)}},
    )
    cpu_before = resource.getrusage(resource.RUSAGE_CHILDREN)
    client.execute()
    cpu_after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_seconds = cpu_after.ru_utime + cpu_after.ru_stime - cpu_before.ru_utime - cpu_before.ru_stime
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"
        cell.metadata.pop("execution", None)
    notebook.metadata.pop("language_info", None)
    text = nbformat.writes(notebook)
    print(
        f"{source.stem:20s} {cpu_seconds:6.1f} CPU s {time.monotonic() - began:6.1f} s {len(text) / 1024:6.0f} kB",
        flush=True,
    )
    if len(text) > MOST_KILOBYTES * 1024:
        raise SystemExit(
            f"{source.name}: more than {MOST_KILOBYTES} kB of outputs. Show less, or smaller plots."
        )
    if write:
        source.with_suffix(".ipynb").write_text(text + "\n", encoding="utf-8")


def main() -> None:
    """Run them all, or those named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="notebooks by name, without ending; default: all")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    os.environ["TQDM_DISABLE"] = "1"
    sources = [NOTEBOOKS / f"{name}.py" for name in options.names] or sorted(NOTEBOOKS.glob("*.py"))
    for source in sources:
        run(source, options.write)


if __name__ == "__main__":
    main()
