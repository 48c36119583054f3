"""What a nightly batch costs: Parquet to scored Parquet, default model, reasons on.

    python benchmarks/scoring.py --buyers 5000000 --folder /tmp/scoring

makes 10 transactions a buyer (about), fits the default model on a sample of buyers, scores all of them in a
process of its own and prints CPU seconds per stage, their ratio to the floor (DuckDB: count, sum, first and
last date of each buyer, the same files, one thread) and the peak memory of the scoring process.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

AS_OF = "2024-10-01"


def make(folder: Path, n_buyers: int) -> None:
    """Orders over two years, gamma rates, exponential lifetimes; buyers shuffled over eight files."""
    import duckdb

    target = folder / "orders"
    if target.is_dir():
        return
    target.mkdir(parents=True)
    connection = duckdb.connect(config={"memory_limit": "4GB"})
    connection.execute(f"SET temp_directory = '{folder / 'spill'}'")
    connection.execute("SELECT setseed(0.42)")
    for number in range(8):
        connection.execute(
            f"""
            COPY (
                WITH buyers AS (
                    SELECT b, random() AS u, random() AS v, random() * 600 AS born
                    FROM range({n_buyers * number // 8}, {n_buyers * (number + 1) // 8}) AS t(b)
                ), counted AS (
                    SELECT b, born, least(730 - born, -ln(v) * 500) AS lived,
                           1 + CAST(floor(-ln(u) * 9) AS INTEGER) AS n FROM buyers
                ), rows AS (SELECT b, born, lived, unnest(range(n)) AS i FROM counted)
                SELECT b AS buyer_id,
                       TIMESTAMP '2023-01-01' + to_seconds(CAST((born + CASE WHEN i = 0 THEN 0 ELSE lived * random() END)
                                                                * 86400 AS BIGINT)) AS timestamp,
                       round(5 + 40 * random() * random(), 2) AS amount,
                       'category ' || CAST(floor(20 * random() * random()) AS INTEGER) AS category
                FROM rows ORDER BY hash(b * 31 + i)
            ) TO '{target / f"{number}.parquet"}' (FORMAT parquet)
            """
        )


def fit(folder: Path, n_sample: int) -> Path:
    """The default model, learned from a sample of buyers."""
    file = folder / "model.clientcare"
    if file.exists():
        return file
    import duckdb

    from clientcare.history import Histories
    from clientcare.model import RelationshipModel

    sample = duckdb.sql(
        f"SELECT * FROM '{folder}/orders/*.parquet' WHERE buyer_id % 1000 < 4 AND buyer_id < {n_sample * 250}"
    ).df()
    RelationshipModel(horizon="90D", random_state=0).fit(Histories(sample), as_of=AS_OF).save(file)
    return file


def floor(folder: Path) -> float:
    import duckdb

    connection = duckdb.connect(config={"threads": "1"})
    start = time.process_time()
    query = "SELECT buyer_id, count(*), sum(amount), min(timestamp), max(timestamp) FROM read_parquet(?) GROUP BY buyer_id"
    connection.execute(f"CREATE TABLE f AS {query}", [str(folder / "orders" / "*.parquet")])
    return time.process_time() - start


def score(folder: Path, n_jobs: int, profile: bool) -> None:
    """Run in a process of its own: prints one line of JSON."""
    from clientcare.model import load_model
    from clientcare.scoring import score_dataset

    model = load_model(folder / "model.clientcare")
    spent: dict[str, float] = {}
    if profile:
        _stopwatch(model, spent)
    start, wall = time.process_time(), time.perf_counter()
    result = score_dataset(model, transactions=folder / "orders", out=folder / "book", as_of=AS_OF, n_jobs=n_jobs,
                           memory_limit="1GB")  # fmt: skip
    facts = {
        "rows": result.n_rows["transactions"], "buyers": result.n_buyers, "parts": result.n_parts,
        "cpu": time.process_time() - start, "wall": time.perf_counter() - wall,
        "stages": {**result.cpu_seconds, **spent},
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }  # fmt: skip
    print(json.dumps(facts))


def _stopwatch(model, spent: dict[str, float]) -> None:
    """Take the time of the steps within the model: features, predictions, reasons."""
    from clientcare.model import relationship

    def timed(owner, name: str, label: str) -> None:
        inner = getattr(owner, name)

        def outer(*args, **kwargs):
            start = time.process_time()
            try:
                return inner(*args, **kwargs)
            finally:
                spent[label] = spent.get(label, 0.0) + time.process_time() - start

        setattr(owner, name, outer)

    timed(relationship, "columns_of", "features")
    timed(type(model.learned_), "_answer", "predict")
    timed(type(model.learned_), "probabilities", "predict")
    timed(type(model.learned_.reasons), "top", "reasons")


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--buyers", type=int, default=100_000)
    options.add_argument("--folder", type=Path, default=Path("scoring-benchmark"))
    options.add_argument("--jobs", type=int, default=1)
    options.add_argument("--sample", type=int, default=20_000, help="buyers the model learns from")
    options.add_argument("--only-score", action="store_true", help=argparse.SUPPRESS)
    given = options.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    if given.only_score:
        score(given.folder, given.jobs, profile=given.jobs == 1)
        return
    given.folder.mkdir(parents=True, exist_ok=True)
    make(given.folder, given.buyers)
    fit(given.folder, given.sample)
    lowest = floor(given.folder)
    command = [
        sys.executable,
        __file__,
        "--only-score",
        "--folder",
        str(given.folder),
        "--jobs",
        str(given.jobs),
    ]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    facts = json.loads(done.stdout.splitlines()[-1])
    print(
        f"{facts['rows']:,} transactions, {facts['buyers']:,} buyers scored, "
        f"{facts['parts']} parts, {given.jobs} process(es)"
    )
    print(f"floor (one group-by): {lowest:.1f} CPU-s")
    print(
        f"all: {facts['cpu']:.1f} CPU-s = {facts['cpu'] / lowest:.1f} x floor, {facts['wall']:.0f} s on this machine's clock"
    )
    for stage, seconds in facts["stages"].items():
        print(f"  {stage:10s} {seconds:8.1f} CPU-s  {seconds / lowest:6.1f} x floor")
    print(f"peak memory of the scoring process: {facts['peak_mib']:,.0f} MiB")
    stages = facts["stages"]
    if "features" in stages and "predict" in stages:
        share = (stages["score"] - stages["features"]) / stages["features"]
        print(f"predictions, intervals and reasons together: {share:.2f} x features")


if __name__ == "__main__":
    main()
