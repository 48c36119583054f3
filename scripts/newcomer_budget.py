"""Measure what clientcare asks of a newcomer: packages, megabytes, import time, modules pulled in.

Run it with the Python of a fresh environment that holds clientcare and nothing else. Exits with 1 where a budget is
broken.
"""

from __future__ import annotations

import importlib.metadata
import statistics
import subprocess
import sys
import sysconfig
from pathlib import Path

MOST_PACKAGES = 15
MOST_MEGABYTES = 500
MOST_IMPORT_RATIO = 1.1
ON_USE_ONLY = ("sklearn", "matplotlib", "duckdb", "scipy", "pyspark", "jinja2")
_RUNS = 15


def import_seconds(module: str) -> float:
    """CPU seconds of one import in a process of its own."""
    code = f"import time; t = time.process_time(); import {module}; print(time.process_time() - t)"
    return float(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    )


def import_ratio(module: str) -> float:
    """The import of a module over the import of pandas, taken in turn; median of the pairs."""
    import_seconds(module)
    pairs = [(import_seconds(module), import_seconds("pandas")) for _ in range(_RUNS)]
    return statistics.median(ours / theirs for ours, theirs in pairs)


def installed_megabytes() -> float:
    """What the wheels hold: without the installer, and without the bytecode that Python compiles beside them."""
    folder = Path(sysconfig.get_paths()["purelib"])
    not_ours = {"pip", "setuptools", "pkg_resources", "_distutils_hack", "__pycache__"}
    files = (f for f in folder.rglob("*") if f.is_file() and not not_ours & set(f.relative_to(folder).parts))
    return sum(f.stat().st_size for f in files) / 1e6


def pulled_in() -> list[str]:
    """Which heavy libraries an import of clientcare loads."""
    code = "import sys, clientcare; print(' '.join(m for m in sys.argv[1:] if m in sys.modules))"
    return subprocess.run(
        [sys.executable, "-c", code, *ON_USE_ONLY], capture_output=True, text=True, check=True
    ).stdout.split()


def main() -> int:
    """Print the figures beside their budgets."""
    packages = {d.metadata["Name"].lower() for d in importlib.metadata.distributions()} - {
        "pip",
        "setuptools",
    }
    megabytes = installed_megabytes()
    ratio = import_ratio("clientcare")
    first_use = import_ratio("clientcare.history")
    heavy = pulled_in()
    print(f"packages            {len(packages):8d}  (at most {MOST_PACKAGES})")
    print(f"megabytes           {megabytes:8.0f}  (at most {MOST_MEGABYTES}; without bytecode)")
    print(f"import / pandas     {ratio:8.2f}  (at most {MOST_IMPORT_RATIO}, median of {_RUNS} pairs)")
    print(
        f"the door / pandas   {first_use:8.2f}  (clientcare.history, what the first Histories costs; no budget)"
    )
    print(f"loaded on import    {' '.join(heavy) or 'none'}  (none of {', '.join(ON_USE_ONLY)})")
    kept = (
        len(packages) <= MOST_PACKAGES
        and megabytes <= MOST_MEGABYTES
        and ratio <= MOST_IMPORT_RATIO
        and not heavy
    )
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
