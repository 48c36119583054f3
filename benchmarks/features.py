"""What the feature step costs, beside the floor and beside what people use today, in one run.

    python benchmarks/features.py --rows 1e6 --buyers 1e5
    python benchmarks/features.py --rows 1e7 --buyers 1e6 --only floor,stream,dates --repeat 3

Each task runs in a process of its own; CPU seconds are those of the process and its threads (user + system, from the
moment the imports are done), memory is the peak of the process. Ratios are to the floor: DuckDB's ``GROUP BY buyer``
of count, sum, min and max on the same file.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

FAMILIES = ["timing", "rhythm", "spend", "windows", "season", "breadth"]
AS_OF = "2024-10-01"
DATES = [f"{2023 + month // 12}-{month % 12 + 1:02d}-01" for month in range(10, 22)]
FIRST_SECOND = 1_640_995_200  # 2022-01-01
TSFRESH_BUYERS = 2_000


def write_orders(path: Path, n_rows: int, n_buyers: int, text_ids: bool = False, seed: int = 0) -> int:
    """Skewed orders of three years: few buyers buy most, many once; 3 % returns, 20 categories; rows shuffled."""
    rng = np.random.default_rng(seed)
    mean = n_rows / n_buyers
    counts = 1 + rng.poisson(rng.gamma(0.7, 1 / 0.7, n_buyers) * (mean - 1))
    buyer = np.repeat(np.arange(n_buyers, dtype=np.int32), counts)
    start = rng.uniform(0, 1000, n_buyers)
    life = np.minimum(rng.exponential(400, n_buyers) + 1, 1096 - start)
    seconds = ((start[buyer] + rng.random(len(buyer)) * life[buyer]) * 86_400).astype(np.int64)
    level = rng.normal(3, 0.7, n_buyers)
    amount = np.round(np.exp(rng.normal(level[buyer], 0.5)), 2) + 0.01
    amount[rng.random(len(buyer)) < 0.03] *= -1
    category = np.minimum(rng.geometric(0.2, len(buyer)), 20).astype(np.int32) - 1
    order = rng.permutation(len(buyer))
    ids: pa.Array = pa.array(buyer[order].astype(np.int64))
    if text_ids:
        names = pa.array([f"C{number:09d}" for number in range(n_buyers)])
        ids = pa.DictionaryArray.from_arrays(pa.array(buyer[order]), names).cast(pa.string())
    names = pa.array([f"category {number}" for number in range(20)])
    table = pa.table(
        {
            "buyer_id": ids,
            "timestamp": pa.array((seconds[order] + FIRST_SECOND) * 1_000_000, pa.timestamp("us")),
            "amount": amount[order],
            "category": pa.DictionaryArray.from_arrays(pa.array(category[order]), names).cast(pa.string()),
        }
    )
    pq.write_table(table, path, row_group_size=1_000_000)
    return len(buyer)


def floor(path: str, work: str) -> int:
    """Count, sum, first and last of each buyer by DuckDB: what merely touching every row costs."""
    import duckdb

    query = "SELECT buyer_id, count(*), sum(amount), min(timestamp), max(timestamp) FROM read_parquet(?) GROUP BY 1"
    return len(duckdb.connect().execute(query, [path]).fetchnumpy()["buyer_id"])


def stream(path: str, work: str) -> int:
    """All features of transactions, streamed to Parquet."""
    from clientcare.features import write_feature_table

    return write_feature_table(path, as_of=AS_OF, out=work, families=FAMILIES, compression="none").n_rows


def stream_snappy(path: str, work: str) -> int:
    """The same, compressed as by default."""
    from clientcare.features import write_feature_table

    return write_feature_table(path, as_of=AS_OF, out=work, families=FAMILIES).n_rows


def dates(path: str, work: str) -> int:
    """All features of transactions at twelve dates, streamed to Parquet."""
    from clientcare.features import write_feature_table

    return write_feature_table(path, as_of=DATES, out=work, families=FAMILIES, compression="none").n_rows


def memory(path: str, work: str) -> int:
    """All features of transactions in memory: read, through the door, one table."""
    from clientcare.features import feature_table
    from clientcare.history import read_histories

    return len(feature_table(read_histories(path), AS_OF, families=FAMILIES))


def pandas_rfm(path: str, work: str) -> int:
    """Idiomatic pandas, some 25 features: aggregations of days, gaps and windows, merged."""
    import pandas as pd

    now = pd.Timestamp(AS_OF)
    rows = pd.read_parquet(path)
    rows = rows[rows["timestamp"] < now]
    rows["day"] = rows["timestamp"].dt.normalize()
    bought = rows[rows["amount"] > 0]
    days = bought.groupby(["buyer_id", "day"], as_index=False).agg(
        spent=("amount", "sum"), lines=("amount", "size")
    )
    days["gap"] = days.groupby("buyer_id")["day"].diff().dt.days
    by_buyer = days.groupby("buyer_id")
    table = by_buyer.agg(
        n=("day", "size"), first=("day", "min"), last=("day", "max"), total=("spent", "sum"), mean=("spent", "mean"),
        sd=("spent", "std"), largest=("spent", "max"), gap=("gap", "mean"), usual_gap=("gap", "median"),
        gap_sd=("gap", "std"), longest_gap=("gap", "max"), last_amount=("spent", "last"),
    )  # fmt: skip
    for width in (30, 90, 180, 365):
        recent = days[days["day"] >= now - pd.Timedelta(days=width)].groupby("buyer_id")
        table = table.join(recent.agg(**{f"n_{width}": ("day", "size"), f"spent_{width}": ("spent", "sum")}))
    returned = rows[rows["amount"] < 0].groupby("buyer_id")["amount"].agg(["size", "sum"])
    table = table.join(returned).join(bought.groupby("buyer_id")["category"].nunique())
    table["silent"] = (now - table["last"]).dt.days
    table["age"] = (now - table["first"]).dt.days
    table["overdue"] = table["silent"] / table["usual_gap"]
    table.to_parquet(Path(work).with_suffix(".parquet"))
    return len(table)


def tsfresh(path: str, work: str) -> int:
    """The minimal set of tsfresh (10 features of the amounts) for some buyers only; it cannot bear more."""
    import pandas as pd
    from tsfresh import extract_features
    from tsfresh.feature_extraction import MinimalFCParameters

    rows = pd.read_parquet(path, columns=["buyer_id", "timestamp", "amount"])
    rows = rows[rows["buyer_id"].isin(rows["buyer_id"].unique()[:TSFRESH_BUYERS])]
    options = {"default_fc_parameters": MinimalFCParameters(), "disable_progressbar": True, "n_jobs": 0}
    return len(extract_features(rows, column_id="buyer_id", column_sort="timestamp", **options))


def complete_journey(path: str, work: str) -> int:
    """All features of the 1.47 million lines of complete_journey at twelve dates in one call."""
    import os

    import pandas as pd

    from clientcare.features import feature_table
    from clientcare.history import Histories

    folder = Path(os.environ["CLIENTCARE_DATA"]) / "complete_journey"
    histories = Histories(
        pd.read_parquet(folder / "transactions.parquet"), pd.read_parquet(folder / "interactions.parquet")
    )
    started = time.process_time(), time.perf_counter()
    table = feature_table(histories, pd.date_range("2017-02-01", "2018-01-01", freq="MS"))
    cpu, wall = time.process_time() - started[0], time.perf_counter() - started[1]
    print(f"  feature_table alone: {cpu:.1f} CPU s, {wall:.1f} s, {table.shape[1]} features", file=sys.stderr)
    return len(table)


TASKS = {
    task.__name__: task
    for task in (floor, stream, stream_snappy, dates, memory, pandas_rfm, tsfresh, complete_journey)
}


PEERS = {"tsfresh"}
"""Tasks that need nothing of ours, and may need an environment of their own."""


def run_task(name: str, path: str, work: str) -> None:
    """One task in this process; prints its cost as JSON."""
    import pandas as pd

    assert pd  # imports are not part of what is measured
    if name not in PEERS:
        import duckdb

        import clientcare.features

        assert duckdb and clientcare.features
    before, started = _cpu_seconds(), time.perf_counter()
    rows = TASKS[name](path, work)
    wall, cpu = time.perf_counter() - started, _cpu_seconds() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"rows": rows, "cpu": cpu, "wall": wall, "peak_mib": peak}))


def _cpu_seconds() -> float:
    whole = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in whole)


def main() -> None:
    """Make the data, run the tasks, print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=float, default=1e6)
    parser.add_argument("--buyers", type=float, default=1e5)
    parser.add_argument("--text-ids", action="store_true", help="buyer ids as texts")
    parser.add_argument(
        "--only", default="floor,stream,stream_snappy,dates,memory,pandas_rfm", help="tasks, comma between"
    )
    parser.add_argument("--repeat", type=int, default=1, help="runs of each; medians are shown")
    parser.add_argument("--data", type=Path, help="file to use, made where it is not there")
    parser.add_argument("--json", action="store_true", help="one JSON object a task instead of a table")
    parser.add_argument("--peer-python", default=sys.executable, help="interpreter that has tsfresh")
    parser.add_argument("--task", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.task:
        run_task(*options.task)
        return
    with tempfile.TemporaryDirectory() as work:
        path = options.data or Path(work) / "orders.parquet"
        if not path.exists():
            write_orders(path, int(options.rows), int(options.buyers), options.text_ids)
        n_rows = pq.ParquetFile(path).metadata.num_rows
        base: dict[str, float] = {}
        for name in options.only.split(","):
            python = options.peer_python if name in PEERS else sys.executable
            costs = [_in_own_process(python, name, path, Path(work) / "out") for _ in range(options.repeat)]
            cost = {key: float(np.median([one[key] for one in costs])) for key in costs[0]}
            base = base or cost
            _print(name, n_rows, cost, base, options.json)


def _in_own_process(python: str, name: str, path: Path, out: Path) -> dict[str, float]:
    command = [python, __file__, "--task", name, str(path), str(out)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    cost: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return cost


def _print(name: str, n_rows: int, cost: dict[str, float], base: dict[str, float], as_json: bool) -> None:
    if name in PEERS:  # it was given some of the buyers only
        n_rows = int(n_rows * cost["rows"] / base["rows"])
    if as_json:
        print(json.dumps({"task": name, "rows_in": n_rows, **cost}), flush=True)
        return
    print(
        f"{name:16s} {cost['cpu']:8.2f} CPU s ({cost['cpu'] / base['cpu']:5.1f}x) {cost['wall']:8.2f} s "
        f"({cost['wall'] / base['wall']:5.1f}x) {cost['peak_mib']:7.0f} MiB {n_rows / cost['cpu']:12,.0f} rows a CPU s "
        f"{cost['rows']:10,.0f} rows out",
        flush=True,
    )


if __name__ == "__main__":
    main()
