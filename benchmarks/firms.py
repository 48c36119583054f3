"""Small firms under contract whose law is known: how right the risks are, beside two numbers and the truth.

    python benchmarks/firms.py [--buyers 60] [--firms 20] [--first 0] [--no-contacts]

Terms of a year, renewed or not, seldom broken; a hidden mood that moves from term to term makes buyers leave and, where
contacts are kept, speak less. It is another law than those that ``term_prior.py`` draws. Each firm is asked at two dates,
over 90 days, ``effort="quick"``. "Two numbers" are 15 % where a term ends within the horizon, else 1 %. Beside the log loss
of what came stands the one expected under the true risks, which is free of the chance of the outcomes.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

import clientcare as cc
from clientcare.evaluation.metrics import log_losses
from clientcare.model.members.base import share_of

FIRST, UNTIL = pd.Timestamp("2020-01-01"), pd.Timestamp("2024-07-01")
DATES = tuple(map(pd.Timestamp, ("2023-07-01", "2024-04-01")))
DAYS, HORIZON, NEWCOMERS_DAYS = 365, 90, 1100

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Term:
    """One term and the truth about it."""

    start: pd.Timestamp
    end: pd.Timestamp
    stop: pd.Timestamp | None
    p_end: float
    p_early: float

    def risk(self, as_of: pd.Timestamp) -> tuple[bool, float]:
        """Whether it ends within the horizon, and the true probability of leaving in it."""
        left, early = (self.end - as_of).days, self.p_early * HORIZON / 330
        if left >= HORIZON:
            return False, early
        return True, 1 - (1 - early * left / HORIZON) * (1 - self.p_end)


def firm(seed: int, n_buyers: int, contacts: bool) -> tuple[cc.Histories, dict[str, list[Term]]]:
    """The records of a firm, and the truth of each buyer."""
    rng = np.random.default_rng([11, seed])
    rows: list[tuple[object, ...]] = []
    heard: list[tuple[object, ...]] = []
    truth: dict[str, list[Term]] = {}
    for number in range(n_buyers):
        name, day, mood = f"b{number:04d}", FIRST + _days(rng.integers(0, NEWCOMERS_DAYS)), rng.normal()
        fee = round(float(np.exp(rng.normal(7, 0.6))), 2)
        while day < UNTIL:
            mood = 0.7 * mood + 0.7 * rng.normal()
            p_end, p_early = float(share_of(-1.5 - 1.4 * mood)), 0.08 * float(share_of(-1.2 * mood))
            stop = day + _days(rng.integers(30, 360)) if rng.random() < p_early else None
            term = Term(day, day + _days(DAYS), stop, p_end, p_early)
            truth.setdefault(name, []).append(term)
            rows.append((name, day, term.end, stop if stop is not None and stop < UNTIL else pd.NaT, fee))
            if contacts:
                heard += _contacts(name, day, min(stop or term.end, UNTIL), mood, rng)
            if stop is not None or rng.random() < p_end:
                break
            day = term.end
    terms = pd.DataFrame(rows, columns=["buyer_id", "start", "end", "cancelled_at", "amount"])
    told = pd.DataFrame(heard, columns=["buyer_id", "timestamp", "kind", "direction"]) if contacts else None
    return cc.Histories(contracts=terms, interactions=told, observed_until=UNTIL), truth


def _days(n: float) -> pd.Timedelta:
    return pd.Timedelta(days=int(n))


def _contacts(
    name: str, start: pd.Timestamp, last: pd.Timestamp, mood: float, rng: np.random.Generator
) -> list[tuple[object, ...]]:
    told: list[tuple[object, ...]] = []
    day = start + _days(rng.exponential(18 / np.exp(0.45 * mood)) + 1)
    while day < last:
        told.append((name, day, "question" if rng.random() < 0.6 else "call", "inbound"))
        day += _days(rng.exponential(18 / np.exp(0.45 * mood)) + 1)
    monthly = pd.date_range(start + _days(30), last, freq="30D", inclusive="left")
    return told + [(name, check_in, "check_in", "outbound") for check_in in monthly]


def asked(seed: int, n_buyers: int, contacts: bool) -> pd.DataFrame:
    """Everybody under contract at the two dates: what was said, what came, what was true."""
    histories, truth = firm(seed, n_buyers, contacts)
    rows = []
    for as_of in DATES:
        book = (
            cc.RelationshipModel(horizon=HORIZON, effort="quick")
            .fit(histories, as_of)
            .score(histories, as_of)
        )
        left = cc.ChurnDefinition(HORIZON).label(histories, as_of)
        for name, terms in truth.items():
            here = [term for term in terms if term.start < as_of <= min(term.stop or term.end, term.end)]
            if here:
                one = book.loc[name]
                said = one["churn_risk"], one["churn_risk_low"], one["churn_risk_high"]
                rows.append((*said, float(left[name]), *here[-1].risk(as_of)))
    return pd.DataFrame(rows, columns=["said", "low", "high", "left", "ends", "true"])


def report(told: pd.DataFrame) -> str:
    """The figures of a pool."""
    y, true = told["left"].to_numpy(dtype=np.float64), told["true"].clip(1e-4, 1 - 1e-4).to_numpy()
    lines = [f"{len(told):,} under contract, {int(y.sum())} left"]
    two = np.where(told["ends"], 0.15, 0.01)
    for name, said in (("ours", told["said"].to_numpy()), ("two numbers", two), ("truth", true)):
        sure = true * log_losses(np.ones_like(true), said) + (1 - true) * log_losses(
            np.zeros_like(true), said
        )
        lines.append(
            f"{name:12} log loss {log_losses(y, said).mean():.4f} (expected {sure.mean():.4f}), "
            f"AUC {roc_auc_score(y, said):.3f}"
        )
    inside = (told["low"] <= true) & (true <= told["high"])
    for ends, part in told.groupby("ends"):
        noise = 1.96 * float(np.sqrt((part["true"] * (1 - part["true"])).sum()))
        lines.append(
            f"{'ending' if ends else 'running on':12} expected {part['said'].sum():.1f}, came {int(part['left'].sum())}, "
            f"true {part['true'].sum():.1f} (chance +-{noise:.1f})"
        )
    width = told["high"] - told["low"]
    lines.append(
        f"intervals hold {inside.mean():.1%} (ending {inside[told['ends']].mean():.1%}), median width {width.median():.3f} "
        f"(ending {width[told['ends']].median():.3f})"
    )
    return "\n".join(lines)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--buyers", type=int, default=60)
    parser.add_argument("--firms", type=int, default=20)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--no-contacts", action="store_true")
    given = parser.parse_args()
    seeds = range(given.first, given.first + given.firms)
    print(report(pd.concat(asked(seed, given.buyers, not given.no_contacts) for seed in seeds)), flush=True)


if __name__ == "__main__":
    main()
