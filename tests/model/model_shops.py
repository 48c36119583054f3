"""Small histories for the model's tests."""

from __future__ import annotations

import numpy as np
import pandas as pd

from clientcare.history import Histories

START = pd.Timestamp("2020-01-01")


def shop_tables(n_buyers=150, n_days=600, seed=0, with_contacts=False):
    """Buyers with rates of their own who leave at some time; orders and contacts as tables."""
    rng = np.random.default_rng(seed)
    begin = rng.uniform(0, n_days * 0.6, n_buyers)
    rate = rng.gamma(1.0, 1 / 30, n_buyers)
    end = np.minimum(begin + rng.exponential(300, n_buyers), n_days)
    rows = []
    for buyer in range(n_buyers):
        extra = rng.poisson(rate[buyer] * max(end[buyer] - begin[buyer], 0))
        days = np.append(begin[buyer], rng.uniform(begin[buyer], max(end[buyer], begin[buyer] + 1e-6), extra))
        rows.append(
            pd.DataFrame(
                {
                    "buyer_id": f"b{buyer:04d}",
                    "day": np.floor(days),
                    "amount": rng.lognormal(3, 0.5, len(days)),
                }
            )
        )
    orders = pd.concat(rows, ignore_index=True)
    orders["timestamp"] = START + pd.to_timedelta(orders.pop("day"), unit="D")
    tables = {"transactions": orders.sample(frac=1, random_state=seed).reset_index(drop=True)}
    if with_contacts:
        n = 4 * n_buyers
        buyer = rng.integers(0, n_buyers, n)
        tables["interactions"] = pd.DataFrame(
            {
                "buyer_id": [f"b{b:04d}" for b in buyer],
                "timestamp": START
                + pd.to_timedelta(rng.uniform(begin[buyer], end[buyer] + 1).clip(max=n_days - 1), unit="D"),
                "kind": rng.choice(["check_in", "email", "complaint"], n),
                "direction": rng.choice(["inbound", "outbound", "mutual"], n),
            }
        )
    return tables


def histories_of(tables, **options):
    return Histories(**tables, observed_from=START, observed_until=START + pd.Timedelta(days=600), **options)


def firm_tables(n_buyers=250, seed=0):
    """Contracts alone: renewed by the year or not, with a plan that matters."""
    rng = np.random.default_rng(seed)
    rows = []
    plan = rng.choice(["gold", "basic"], n_buyers)
    for buyer in range(n_buyers):
        begin = START + pd.Timedelta(days=int(rng.integers(0, 330)))
        for _ in range(6):
            end = begin + pd.Timedelta(days=90)
            rows.append((f"f{buyer:04d}", begin, end, 50.0 if plan[buyer] == "gold" else 20.0, plan[buyer]))
            begin = end
            if rng.random() > (0.95 if plan[buyer] == "gold" else 0.6):
                break
    contracts = pd.DataFrame(rows, columns=["buyer_id", "start", "end", "amount", "plan"])
    buyers = pd.DataFrame({"buyer_id": [f"f{b:04d}" for b in range(n_buyers)], "plan": plan})
    return {"contracts": contracts[contracts["start"] < START + pd.Timedelta(days=600)], "buyers": buyers}
