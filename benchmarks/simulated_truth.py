"""The model against the truth, where the truth is known.

    python benchmarks/simulated_truth.py [--quick] [--seeds 4] [--first 1000]

Simulated worlds are scored at a date that the model does not see beyond, beside the recency rule and the true
probabilities (those that follow from what a seller can see; for the service firm, from the hidden state as well, which
nobody can reach). Printed a world: log loss of churn and how far above the truth's own it lies (by what happened, and as
expected under the true risks, which is free of the chance of the outcomes), error of the
churn risk by tenth against what happened and against the true risk, the share of true risks within the model's
interval, the area under the curve of ``client_probability`` against the true type of the buyers, and the same for the
label of the definition. With several seeds each world is made so often, and figures are means, the share within the
interval by tenth of risk too: within one make the errors of a tenth are much the same.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator

import numpy as np
import pandas as pd

import clientcare as cc
from clientcare.datasets import SimulatedHistories, simulate_histories, simulate_pareto_nbd
from clientcare.evaluation.baselines import RecencyBaseline
from clientcare.evaluation.metrics import auc, log_loss

HORIZON = "90D"


def worlds(n_buyers: int, seed: int) -> Iterator[tuple[str, SimulatedHistories, str, bool]]:
    """Name, world, date, and whether its interactions are shown to the model."""
    shop = simulate_histories("retailer", n_buyers, random_state=1 + seed)
    firm = simulate_histories("service_firm", n_buyers, random_state=2 + seed)
    yield "Pareto/NBD, 600 buyers", simulate_pareto_nbd(600, random_state=3 + seed), "2022-12-01", False
    yield "Pareto/NBD", simulate_pareto_nbd(n_buyers, random_state=4 + seed), "2022-12-01", False
    silent_shop = simulate_histories("retailer", n_buyers, random_state=1 + seed, with_interactions=False)
    yield "retailer, no contacts", silent_shop, "2023-12-01", False
    yield "retailer", shop, "2023-12-01", True
    yield "service firm, no contacts", firm, "2023-12-01", False
    yield "service firm", firm, "2023-12-01", True


def histories_of(world: SimulatedHistories, with_interactions: bool) -> cc.Histories:
    """All that was observed, with or without the contacts."""
    return cc.Histories(
        world.transactions,
        world.interactions if with_interactions else None,
        world.contracts,
        world.buyers,
        observed_from=world.observed_from,
        observed_until=world.observed_until,
    )


def judge(name: str, world: SimulatedHistories, as_of: str, with_interactions: bool) -> dict[str, object]:
    """One row of the table."""
    histories = histories_of(world, with_interactions)
    churn, client = cc.ChurnDefinition(HORIZON), cc.ClientDefinition("180D")
    churned, is_client = churn.label(histories, as_of), client.label(histories, as_of)
    past = histories.until(as_of)
    began = time.process_time()
    book = cc.RelationshipModel(horizon=HORIZON, client=client, random_state=0).fit(past).score(past)
    seconds = time.process_time() - began
    recency = RecencyBaseline(churn, client).fit(past).score(past)
    truth = world.true_churn_risk(as_of, HORIZON).reindex(book.index)
    churned, is_client = churned.reindex(book.index), is_client.reindex(book.index)
    risk = book["churn_risk"]
    tenth = pd.qcut(risk.rank(method="first"), 10, labels=False)
    inside = (book["churn_risk_low"] <= truth) & (truth <= book["churn_risk_high"])
    by_tenth = inside.groupby(tenth).mean()
    own = log_loss(churned, truth)
    row: dict[str, object] = {
        "world": name,
        "buyers": len(book),
        "log loss": log_loss(churned, risk),
        "recency": log_loss(churned, recency["churn_risk"]),
        "truth": own,
        "above truth": log_loss(churned, risk) / own - 1.0,
        "above truth, expected": _cross_entropy(truth, risk) / _cross_entropy(truth, truth) - 1.0,
        "error by tenth, seen": _error(tenth, risk, churned),
        "error by tenth, true": _error(tenth, risk, truth),
        "inside interval": inside.mean(),
        **{f"inside, tenth {number + 1}": share for number, share in by_tenth.items()},
        "client AUC, label": auc(is_client, book["client_probability"]),
        "recency's": auc(is_client, recency["client_probability"]),
        "CPU s": round(seconds, 1),
    }
    if "is_client" in world.truth:
        true_type = world.truth["is_client"].reindex(book.index)
        row["client AUC, true type"] = auc(true_type, book["client_probability"])
        row["recency's "] = auc(true_type, recency["client_probability"])
    return row


def _cross_entropy(truth: pd.Series, said: pd.Series) -> float:
    p = said.clip(1e-6, 1 - 1e-6)
    return float(-(truth * np.log(p) + (1 - truth) * np.log1p(-p)).mean())


def _error(tenth: pd.Series, predicted: pd.Series, seen: pd.Series) -> float:
    return float(np.abs(predicted.groupby(tenth).mean() - seen.groupby(tenth).mean()).mean())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="800 buyers a world in place of 3,000")
    parser.add_argument("--seeds", type=int, default=1, help="how often each world is made")
    parser.add_argument(
        "--first", type=int, default=0, help="added to every seed: worlds that nobody looked at"
    )
    options = parser.parse_args()
    rows = []
    for make in range(options.seeds):
        for name, world, as_of, with_interactions in worlds(
            800 if options.quick else 3000, options.first + 10 * make
        ):
            rows.append(judge(name, world, as_of, with_interactions))
            print(pd.Series(rows[-1]).to_string(float_format="{:.4f}".format), end="\n\n", flush=True)
    means = pd.DataFrame(rows).groupby("world", sort=False).mean(numeric_only=True)
    print(means.round(4).T.to_string())


if __name__ == "__main__":
    main()
