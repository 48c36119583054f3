"""CPU seconds of the probability models, beside lifetimes where it is installed.

    python benchmarks/btyd.py                    # 2,357 and 100,000 buyers, imports
    python benchmarks/btyd.py --large            # also 1,000,000 buyers, and a log of 10,000,000 rows
    python benchmarks/btyd.py --json out.json

CPU seconds of this process, median of the repeats. The tables count whole days, as purchase_summary gives them, unless
``continuous`` is said: then no two buyers are alike, which is the hardest case. ``more MB`` is the peak of what a fit or a
forecast allocates beyond the table.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
import tracemalloc
import warnings

import numpy as np

REPEATS = {2_357: 7, 100_000: 3, 1_000_000: 1}


def cpu(work, repeats=1):
    times = []
    for _ in range(repeats):
        start = time.process_time()
        result = work()
        times.append(time.process_time() - start)
    return result, float(np.median(times))


def peak_megabytes(work):
    """The most that was allocated at one time while at work, beyond what was there before."""
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 2**20


def simulated(n_buyers, whole_days):
    from clientcare.btyd import BGNBD

    table = BGNBD.from_parameters(r=0.243, alpha=30.9, a=0.793, b=2.426).simulate(n_buyers, 273, 84)
    table = table.iloc[:, :3]
    if whole_days:
        bought = table["n_repeat_purchases"] > 0
        table["days_first_to_last_purchase"] = np.where(
            bought, np.maximum(1, np.floor(table["days_first_to_last_purchase"])), 0
        )
        table["days_since_first_purchase"] = np.maximum(
            np.floor(table["days_since_first_purchase"]), table["days_first_to_last_purchase"]
        )
    return table


def our_fits(n_buyers, whole_days):
    from clientcare.btyd import BGNBD, MBGNBD, ParetoNBD

    table = simulated(n_buyers, whole_days)
    repeats = REPEATS[n_buyers]
    rows = []
    for model in (BGNBD, MBGNBD, ParetoNBD):
        fitted, seconds = cpu(lambda model=model: model().fit(table), repeats)
        rows.append(
            {
                "model": model.__name__,
                "fit": seconds,
                "no_purchase": cpu(lambda f=fitted: f.predict_no_purchase(table, 90), repeats)[1],
                "expected": cpu(lambda f=fitted: f.expected_purchases(table, 90), repeats)[1],
                "two_of_three_parts": cpu(lambda f=fitted: f.prob_active_in_parts(table, 90, 3, 2))[1],
                "log_likelihood": fitted.log_likelihood_,
                "more_megabytes": max(
                    peak_megabytes(lambda model=model: model().fit(table)),
                    peak_megabytes(lambda f=fitted: f.expected_purchases(table, 90)),
                ),
            }
        )
    return table, rows


def their_fits(table, n_buyers, models):
    try:
        import lifetimes
    except ImportError:
        return {}
    x, recency, age = (table[name].to_numpy(dtype=float) for name in table)
    names = {
        "BGNBD": lifetimes.BetaGeoFitter,
        "MBGNBD": lifetimes.ModifiedBetaGeoFitter,
        "ParetoNBD": lifetimes.ParetoNBDFitter,
    }
    times = {}
    for name in models:
        np.random.seed(0)  # noqa: NPY002  (theirs starts from the global state)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                times[name] = cpu(
                    lambda name=name: names[name]().fit(x, recency, age), 3 if n_buyers <= 2_357 else 1
                )[1]
            except Exception as error:
                times[name] = f"{type(error).__name__}"
    return times


def summary_of_a_log(n_rows):
    """The summary of a log of so many rows, beside one sort of it."""
    from clientcare.btyd import purchase_summary
    from clientcare.facts.events import EventTable

    rng = np.random.default_rng(0)
    n_buyers = n_rows // 5
    buyer = rng.integers(0, n_buyers, n_rows).astype(np.int64)
    time_of = rng.integers(0, 730 * 86_400, n_rows) * 1_000_000
    amount = rng.gamma(2.0, 10.0, n_rows)
    key = buyer * (1 << 43) + time_of // 1_000
    order, sorting = cpu(lambda key=key: np.argsort(key))
    del key

    class SortedLog:
        timezone = None

        def __init__(self):
            import pandas as pd

            counts = np.bincount(buyer, minlength=n_buyers)
            self.buyer_ids = pd.RangeIndex(n_buyers, name="buyer_id")
            self.table = EventTable(
                offsets=np.concatenate([[0], np.cumsum(counts)]),
                buyer=buyer[order].astype(np.int32),
                time=time_of[order],
                columns={"amount": amount[order]},
            )

        def events(self, name):
            return self.table

    log = SortedLog()
    _, summing = cpu(lambda: purchase_summary(log, "1971-06-01"))
    return {"rows": n_rows, "one_argsort": sorting, "summary_of_sorted": summing, "ratio": summing / sorting}


def import_seconds(statement):
    code = f"import time; t = time.process_time(); {statement}; print(time.process_time() - t)"
    runs = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout)
        for _ in range(5)
    ]
    return float(np.median(runs))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--large", action="store_true", help="also 1,000,000 buyers and 10,000,000 rows")
    parser.add_argument(
        "--buyers", type=int, nargs="*", choices=list(REPEATS), help="only bases of these sizes"
    )
    parser.add_argument("--log-rows", type=int, nargs="*", help="only logs of so many rows")
    parser.add_argument("--json", help="write the figures to this file")
    options = parser.parse_args()
    sizes = [2_357, 100_000] + [1_000_000] * options.large if options.buyers is None else options.buyers
    logs = [1_000_000] + [10_000_000] * options.large if options.log_rows is None else options.log_rows
    figures = {
        "imports": {
            name: import_seconds(name)
            for name in (
                "import scipy.optimize, scipy.special",
                "import clientcare.btyd",
                "from clientcare.btyd import ParetoNBD",
                "import sklearn.base, scipy.optimize, scipy.special, pandas",
            )
        },
        "fits": [],
        "summaries": [],
    }
    for name, seconds in figures["imports"].items():
        print(f"{seconds:8.2f}  {name}")
    print(f"\n{'buyers':>10} {'days':>10} {'model':>10} {'fit':>8} {'lifetimes':>10} {'ratio':>6} "
          f"{'P(none)':>8} {'E':>7} {'2 of 3':>7} {'more MB':>8}")  # fmt: skip
    for n_buyers in sizes:
        for whole_days in (True, False):
            table, rows = our_fits(n_buyers, whole_days)
            models = ["BGNBD", "MBGNBD", "ParetoNBD"][: 3 if n_buyers <= 2_357 else 2]
            theirs = their_fits(table, n_buyers, models)
            for row in rows:
                other = theirs.get(row["model"])
                ratio = other / row["fit"] if isinstance(other, float) else float("nan")
                row |= {"buyers": n_buyers, "whole_days": whole_days, "lifetimes": other, "ratio": ratio}
                figures["fits"].append(row)
                shown = f"{other:10.2f}" if isinstance(other, float) else f"{other or '-':>10}"
                print(
                    f"{n_buyers:>10,} {'whole' if whole_days else 'continuous':>10} {row['model']:>10} "
                    f"{row['fit']:8.3f} {shown} {ratio:6.1f} {row['no_purchase']:8.3f} {row['expected']:7.3f} "
                    f"{row['two_of_three_parts']:7.3f} {row['more_megabytes']:8.0f}",
                    flush=True,
                )
    print(f"\n{'log rows':>12} {'argsort':>9} {'summary':>9} {'ratio':>6}")
    for n_rows in logs:
        row = summary_of_a_log(n_rows)
        figures["summaries"].append(row)
        print(
            f"{n_rows:>12,} {row['one_argsort']:9.2f} {row['summary_of_sorted']:9.2f} {row['ratio']:6.2f}",
            flush=True,
        )
    if options.json:
        with open(options.json, "w") as out:
            json.dump(figures, out, indent=1)


if __name__ == "__main__":
    main()
