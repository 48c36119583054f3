"""A newcomer's path, timed: from a CSV with foreign column names to the list of clients and the page.

``python scripts/newcomer_path.py`` renames the columns of the retailer sample, then runs what a newcomer would type, in a
fresh interpreter. Prints lines typed, CPU seconds and wall seconds.
"""

from __future__ import annotations

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


def main() -> None:
    """Write the foreign file, run, measure."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        orders = pd.read_csv(SAMPLE)[["buyer_id", "timestamp", "amount"]]
        orders.columns = pd.Index(["Kundennummer", "Datum", "Umsatz"])
        orders.to_csv(folder / "orders.csv", index=False)
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        subprocess.run([sys.executable, "-c", TYPED], cwd=folder, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        clients = pd.read_csv(folder / "clients.csv")
        cpu_seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        print(
            f"{len(orders):,} rows, {orders['Kundennummer'].nunique():,} buyers -> {len(clients):,} clients and a page of "
            f"{(folder / 'book.html').stat().st_size / 2**20:.1f} MiB: {len(TYPED.splitlines())} lines typed, "
            f"{cpu_seconds:.1f} CPU s, {time.monotonic() - began:.1f} s"
        )


if __name__ == "__main__":
    main()
