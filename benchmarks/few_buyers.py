"""Few buyers: is the model ever clearly worse than the best of recency and the probability models?

    python benchmarks/few_buyers.py --data FOLDER [--only cdnow,...] [--sizes 30,100,300,3000] [--samples 5]

Random samples of the buyers known at the newest date of ``accuracy.py`` (churn) stand for small businesses. Of each
sample the model and its rivals are fitted on what was known then, and compared on the same buyers: the difference in
log loss to the rival that did best on average over the samples of that size, with a 90 % interval from resampling
samples and buyers within them. Bases simulated from a Pareto/NBD are measured beside
a fit of the model that made them.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import clientcare as cc
from accuracy import HORIZON_DAYS, USUAL_HORIZON_DAYS, as_markdown, dates_of, load
from clientcare.datasets import simulate_pareto_nbd
from clientcare.evaluation.baselines import baseline
from clientcare.evaluation.metrics import log_losses
from clientcare.exceptions import ClientcareError

RIVALS = ("recency", "pareto_nbd", "mbg_nbd", "bg_nbd")
N_RESAMPLES = 500
SIMULATED = 600


def losses_of(histories: cc.Histories, date: pd.Timestamp, horizon_days: int) -> dict[str, np.ndarray]:
    """Log loss of each buyer by contestant, fitted and asked at one date."""
    churn, client = cc.ChurnDefinition(horizon_days), cc.ClientDefinition(2 * horizon_days)
    past, y = histories.until(date), churn.label(histories, date)
    scorers: dict[str, Any] = {"clientcare": cc.RelationshipModel(horizon=horizon_days)}
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


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--only", default="cdnow,grocery_elog,online_retail,complete_journey")
    parser.add_argument("--sizes", default="30,100,300,3000")
    parser.add_argument("--samples", type=int, default=5)
    options = parser.parse_args()
    rows = []
    worlds = [
        simulate_pareto_nbd(SIMULATED, random_state=10 + seed).histories for seed in range(options.samples)
    ]
    samples = [losses_of(world, pd.Timestamp("2022-12-01"), USUAL_HORIZON_DAYS) for world in worlds]
    rows.append(compared("simulated Pareto/NBD", SIMULATED, samples, "pareto_nbd"))
    print(as_markdown(pd.DataFrame(rows)), flush=True)
    for name in [name for name in options.only.split(",") if name]:
        histories = load(options.data / name, plain=True)
        days = HORIZON_DAYS.get(name, USUAL_HORIZON_DAYS)
        date = dates_of(histories, days, days)[0]
        known = cc.ChurnDefinition(days).label(histories, date).index
        for size in (int(size) for size in options.sizes.split(",")):
            if size > len(known):
                continue
            samples = []
            for seed in range(options.samples):
                drawn = np.random.default_rng(1000 * size + seed).choice(len(known), size, replace=False)
                samples.append(losses_of(histories.select(known[np.sort(drawn)]), date, days))
            rows.append(compared(name, size, samples))
            print(as_markdown(pd.DataFrame(rows[-1:])).splitlines()[-1], flush=True)
    print("\n" + as_markdown(pd.DataFrame(rows)))


if __name__ == "__main__":
    main()
