"""What learning costs: a fit and the scores of all buyers, by the number of buyers.

    python benchmarks/fitting.py --buyers 100000,300000,1000000 --folder /tmp/fitting
    python benchmarks/fitting.py --data FOLDER/cdnow

The first makes simulated retailers (orders with lines, categories, products, channels and returns over two and a half
years, about nine lines a buyer), the second reads the ``transactions.parquet`` of a real data set. Each is measured in a
process of its own: the door, ``RelationshipModel(horizon="90D", random_state=0).fit`` and ``score`` of everybody, in CPU
seconds, seconds on the clock and peak memory while each runs; the steps within the fit; and how many rows of how many
buyers it learned from.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

BUYERS_AT_ONCE = 50_000


def make(folder: Path, n_buyers: int) -> Path:
    """Simulated shops of 50,000 buyers under one roof: Parquet parts whose buyers have numbers of their own."""
    from clientcare.datasets import simulate_histories

    target = folder / f"{n_buyers}-buyers"
    target.mkdir(parents=True, exist_ok=True)
    for number, start in enumerate(range(0, n_buyers, BUYERS_AT_ONCE)):
        file = target / f"{number:03}.parquet"
        if file.exists():
            continue
        n_here = min(BUYERS_AT_ONCE, n_buyers - start)
        shop = simulate_histories("retailer", n_here, random_state=number, with_interactions=False)
        orders = shop.transactions
        orders["buyer_id"] = orders["buyer_id"].str[1:].astype("int64") + start
        orders["order_id"] = orders["order_id"] + f"-{number}"
        orders.to_parquet(file)
    return target


def measure(transactions: Path, effort: str) -> None:
    """Run in a process of its own: prints one line of JSON."""
    import numpy as np

    import clientcare as cc

    spent: dict[str, dict[str, float]] = {}
    with _measured(spent, "door"):
        histories = cc.read_histories(str(transactions))
    steps: dict[str, float] = {}
    _stopwatch(steps)
    model = cc.RelationshipModel(horizon="90D", random_state=0, effort=effort)
    with _measured(spent, "fit"):
        model.fit(histories)
    within = dict(steps)
    with _measured(spent, "score"):
        book = model.score(histories)
    facts = {
        "rows": histories.events("transactions").n_rows,
        "buyers": len(book),
        "spent": spent,
        "steps": within,
        "model_id": model.model_id_,
        "mean_risk": float(np.mean(book["churn_risk"])),
        "says": model.says_,
    }
    print(json.dumps(facts))


@contextmanager
def _measured(spent: dict[str, dict[str, float]], step: str) -> Iterator[None]:
    """CPU seconds, seconds on the clock, memory before and at most while a step runs."""
    _forget_peak()
    before, cpu, wall = _memory("VmRSS"), time.process_time(), time.perf_counter()
    yield
    spent[step] = {
        "cpu": time.process_time() - cpu,
        "wall": time.perf_counter() - wall,
        "before_mib": before,
        "peak_mib": _memory("VmHWM"),
    }


def _memory(name: str) -> float:
    """A line of ``/proc/self/status`` in MiB (Linux alone; NaN elsewhere)."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return float("nan")
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(name)), float("nan"))


def _forget_peak() -> None:
    """The peak of memory is counted anew from here."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _stopwatch(spent: dict[str, float]) -> None:
    """Take the time of the steps within a fit."""
    from clientcare.model import learning, relationship
    from clientcare.model.training import table

    def timed(owner: Any, name: str, label: Callable[..., str]) -> None:
        inner = getattr(owner, name)

        def outer(*args: Any, **kwargs: Any) -> Any:
            start = time.process_time()
            try:
                return inner(*args, **kwargs)
            finally:
                step = label(*args)
                spent[step] = spent.get(step, 0.0) + time.process_time() - start

        setattr(owner, name, outer)

    timed(relationship, "gather", lambda *_: "past dates")
    timed(table, "rows_at", lambda *_: "of these, features")
    timed(table, "_labels", lambda *_: "of these, outcomes")
    timed(learning.Lessons, "_ask", lambda _self, name, *_: f"head: {name}")
    timed(learning.Lessons, "_level", lambda *_: "level")
    timed(learning.Lessons, "_amounts", lambda *_: "amounts")


def show(facts: dict[str, Any]) -> None:
    """What a person reads."""
    print(f"\n{facts['rows']:,} transactions, {facts['buyers']:,} buyers")
    for step, of in facts["spent"].items():
        print(
            f"  {step:6s} {of['cpu']:7.1f} CPU-s {of['wall']:7.1f} s on the clock, "
            f"memory {of['before_mib']:6,.0f} MiB before, {of['peak_mib']:6,.0f} at most"
        )
    for step, seconds in facts["steps"].items():
        print(f"    {step:22s} {seconds:7.1f} CPU-s")
    for sentence in facts["says"]:
        print(f"  {sentence}")
    print(f"  model {facts['model_id']}, mean churn risk {facts['mean_risk']:.4f}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--buyers", default="100000")
    parser.add_argument("--folder", type=Path, default=Path("fitting-benchmark"))
    parser.add_argument(
        "--data", type=Path, help="a folder with a transactions.parquet, in place of --buyers"
    )
    parser.add_argument("--effort", default="default")
    parser.add_argument("--only-measure", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    if options.only_measure:
        measure(options.only_measure, options.effort)
        return
    if options.data:
        sources = [options.data / "transactions.parquet"]
    else:
        sources = [make(options.folder, int(size)) for size in options.buyers.split(",")]
    for source in sources:
        command = [sys.executable, __file__, "--only-measure", str(source), "--effort", options.effort]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        show(json.loads(done.stdout.splitlines()[-1]))


if __name__ == "__main__":
    main()
