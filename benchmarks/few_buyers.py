"""Few buyers: is the model ever clearly worse than the best of recency and the probability models?

    python benchmarks/few_buyers.py --data FOLDER [--only cdnow,...] [--sizes 30,100,300,3000] [--samples 5]
    python benchmarks/few_buyers.py --simulated 600,30000

Random samples of the buyers known at the newest date of ``accuracy.py`` (churn) stand for small businesses. Of each
sample the model and its rivals are fitted on what was known then, and compared on the same buyers: the difference in
log loss to the rival that did best on average over the samples of that size, with a 90 % interval from resampling
samples and buyers within them. Sizes that no real history reaches are simulated, each sample a world of its own: bases
drawn from a Pareto/NBD, measured beside a fit of the model that made them, and retailers, of whom buyer, time and amount
are shown as of the real ones.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import clientcare as cc
from accuracy import HORIZON_DAYS, USUAL_HORIZON_DAYS, as_markdown, dates_of, load
from clientcare.datasets import simulate_histories, simulate_pareto_nbd
from clientcare.evaluation.baselines import baseline
from clientcare.evaluation.metrics import log_losses
from clientcare.exceptions import ClientcareError

RIVALS = ("recency", "pareto_nbd", "mbg_nbd", "bg_nbd")
N_RESAMPLES = 500
FIRST_SEED = 10

World = tuple[cc.Histories, pd.Timestamp]
"""Histories, and the date at which they are asked about."""


def losses_of(histories: cc.Histories, date: pd.Timestamp, horizon_days: int) -> dict[str, np.ndarray]:
    """Log loss of each buyer by contestant, fitted and asked at one date."""
    churn, client = cc.ChurnDefinition(horizon_days), cc.ClientDefinition(2 * horizon_days)
    past, y = histories.until(date), churn.label(histories, date)
    scorers: dict[str, Any] = {"clientcare": cc.RelationshipModel(horizon=horizon_days, client=client)}
    scorers |= {name: baseline(name, churn, client) for name in RIVALS}
    losses = {}
    for name, scorer in scorers.items():
        try:
            p = scorer.fit(past, date).score(past, date)["churn_risk"].reindex(y.index).to_numpy(dtype=float)
        except ClientcareError:
            p = np.full(len(y), np.nan)
        p = np.where(np.isfinite(p), p, 0.5)
        losses[name] = log_losses(y.to_numpy(dtype=float), p)
    return losses


def compared(
    data: str, n_buyers: int, samples: list[dict[str, np.ndarray]], rival: str | None = None
) -> dict[str, Any]:
    """One row of the table; the rival is the best in the mean where none is named."""
    mean = {
        name: float(np.mean([sample[name].mean() for sample in samples])) for name in ("clientcare", *RIVALS)
    }
    best = rival or min(RIVALS, key=lambda name: mean[name])
    leads = [sample["clientcare"] - sample[best] for sample in samples]
    rng = np.random.default_rng(0)
    draws = [
        np.mean(
            [rng.choice(leads[at], len(leads[at])).mean() for at in rng.integers(0, len(leads), len(leads))]
        )
        for _ in range(N_RESAMPLES)
    ]
    low, high = np.quantile(draws, [0.05, 0.95])
    return {
        "data": data, "buyers": n_buyers, "samples": len(samples), "clientcare": mean["clientcare"], "rival": best,
        "its log loss": mean[best], "points": 1000 * (mean["clientcare"] - mean[best]), "points, low": 1000 * low,
        "points, high": 1000 * high, "clearly worse": "yes" if low > 0 else "no",
    }  # fmt: skip


def pareto_nbd(n_buyers: int, seed: int) -> World:
    """Buyers who follow a Pareto/NBD and nothing else."""
    world = simulate_pareto_nbd(n_buyers, random_state=seed)
    return world.histories, pd.Timestamp("2022-12-01")


def retailer(n_buyers: int, seed: int) -> World:
    """So many of the buyers that a simulated shop knows a horizon before its end."""
    shop = simulate_histories("retailer", n_buyers * 5 // 4, random_state=seed, with_interactions=False)
    histories = cc.Histories(
        shop.transactions[["buyer_id", "timestamp", "amount"]],
        observed_from=shop.observed_from,
        observed_until=shop.observed_until,
    )
    date = shop.observed_until - pd.Timedelta(days=USUAL_HORIZON_DAYS)
    return next(samples_of(histories, date, USUAL_HORIZON_DAYS, n_buyers, [seed])), date


SIMULATED: dict[str, tuple[Callable[[int, int], World], str | None]] = {
    "simulated Pareto/NBD": (pareto_nbd, "pareto_nbd"),
    "simulated retailer": (retailer, None),
}
"""By name: what makes a world, and the rival it is compared with (None: the best)."""


def samples_of(
    histories: cc.Histories, date: pd.Timestamp, horizon_days: int, n_buyers: int, seeds: Iterable[int]
) -> Iterator[cc.Histories]:
    """So many of the buyers known at a date, drawn at random, once a seed."""
    known = cc.ChurnDefinition(horizon_days).label(histories, date).index
    for seed in seeds:
        drawn = np.random.default_rng(1000 * n_buyers + seed).choice(len(known), n_buyers, replace=False)
        yield histories.select(known[np.sort(drawn)])


def simulated_row(name: str, n_buyers: int, n_samples: int) -> dict[str, Any]:
    """One row of the table, of worlds made for it."""
    world, rival = SIMULATED[name]
    samples = []
    for seed in range(FIRST_SEED, FIRST_SEED + n_samples):
        histories, date = world(n_buyers, seed)
        samples.append(losses_of(histories, date, USUAL_HORIZON_DAYS))
    return compared(name, n_buyers, samples, rival)


def real_rows(name: str, folder: Path, sizes: list[int], n_samples: int) -> Iterator[dict[str, Any]]:
    """A row for each size that a data set reaches."""
    histories = load(folder / name, plain=True)
    days = HORIZON_DAYS.get(name, USUAL_HORIZON_DAYS)
    date = dates_of(histories, days, days)[0]
    n_known = len(cc.ChurnDefinition(days).label(histories, date))
    for size in sizes:
        if size <= n_known:
            drawn = samples_of(histories, date, days, size, range(n_samples))
            yield compared(name, size, [losses_of(some, date, days) for some in drawn])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, help="the folder of the real data sets")
    parser.add_argument("--only", default="cdnow,grocery_elog,online_retail,complete_journey")
    parser.add_argument("--sizes", default="30,100,300,3000")
    parser.add_argument("--simulated", default="600", help="sizes of simulated bases")
    parser.add_argument("--worlds", default=",".join(SIMULATED), help="which bases are simulated")
    parser.add_argument("--samples", type=int, default=5)
    options = parser.parse_args()
    rows = []

    def add(row: dict[str, Any]) -> None:
        rows.append(row)
        table = as_markdown(pd.DataFrame([row]))
        print(table if len(rows) == 1 else table.splitlines()[-1], flush=True)

    for size in _numbers(options.simulated):
        for name in _names(options.worlds):
            add(simulated_row(name, size, options.samples))
    for name in _names(options.only) if options.data else ():
        for row in real_rows(name, options.data, _numbers(options.sizes), options.samples):
            add(row)
    print("\n" + as_markdown(pd.DataFrame(rows)))


def _names(given: str) -> list[str]:
    return [name for name in given.split(",") if name]


def _numbers(given: str) -> list[int]:
    return [int(number) for number in _names(given)]


if __name__ == "__main__":
    main()
