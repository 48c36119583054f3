"""A newcomer's path, timed: from a CSV with foreign column names to the list of clients and the page.

``python scripts/newcomer_path.py`` renames the columns of the retailer sample, then runs what a newcomer would type, in a
fresh interpreter. With ``--install`` it first installs the package from this folder into a fresh environment with pip.
Prints lines typed, CPU seconds and wall seconds.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

SAMPLE = Path(__file__).parent.parent / "data" / "samples" / "retailer_transactions.csv"
TYPED = """\
import clientcare as cc
names = {"Kundennummer": "buyer_id", "Datum": "timestamp", "Umsatz": "amount"}
histories = cc.read_histories("orders.csv", columns={"transactions": names})
model = cc.RelationshipModel(horizon="90D", random_state=0).fit(histories)
book = model.score(histories)
book.query("relationship == 'client'").to_csv("clients.csv")
cc.write_report(model, histories, "book.html")
"""


def timed(command: list[str], folder: Path) -> str:
    """Run a command to its end; what it took, in words."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(command, cwd=folder, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return f"{cpu_seconds:.1f} CPU s, {time.monotonic() - began:.1f} s"


def installed(folder: Path) -> str:
    """The Python of a fresh environment that holds the package and what it needs for plots and the page."""
    subprocess.run([sys.executable, "-m", "venv", "fresh"], cwd=folder, check=True)
    python = str(folder / "fresh" / "bin" / "python")
    took = timed([python, "-m", "pip", "install", "--quiet", f"{SAMPLE.parents[2]}[report]"], folder)
    print(f"pip install 'clientcare[report]' into a fresh environment: {took}", flush=True)
    return python


def main() -> None:
    """Write the foreign file, run, measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--install", action="store_true", help="begin with pip install in a fresh environment"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        orders = pd.read_csv(SAMPLE)[["buyer_id", "timestamp", "amount"]]
        orders.columns = pd.Index(["Kundennummer", "Datum", "Umsatz"])
        orders.to_csv(folder / "orders.csv", index=False)
        python = installed(folder) if options.install else sys.executable
        took = timed([python, "-c", TYPED], folder)
        clients = pd.read_csv(folder / "clients.csv")
        print(
            f"{len(orders):,} rows, {orders['Kundennummer'].nunique():,} buyers -> {len(clients):,} clients and a page of "
            f"{(folder / 'book.html').stat().st_size / 2**20:.1f} MiB: {len(TYPED.splitlines())} lines typed, {took}"
        )


if __name__ == "__main__":
    main()
