"""The headline: those who are here, in people and in money, and their stages."""

from __future__ import annotations

import numpy as np
import pandas as pd

from clientcare.report.canvas import STAGE_COLOURS


def headline_of(book: pd.DataFrame, plan: pd.DataFrame, unit: str) -> list[dict[str, str]]:
    """The living first; those who had left before stand beside, counted."""
    gone = book["status"].astype(object) == "gone"
    n_gone, book = int(gone.sum()), book[~gone.to_numpy()]
    risk = book["churn_risk"].to_numpy(dtype=float)
    leaving, spread = float(risk.sum()), 1.645 * float(np.sqrt((risk * (1 - risk)).sum()))
    clients = book["relationship"].astype(object) == "client"
    figures = [
        {"name": "buyers here", "value": f"{len(book):,}", "note": f"{n_gone:,} had left before"},
        {
            "name": "clients",
            "value": f"{int(clients.sum()):,}",
            "note": f"{clients.mean():.0%} of those here" if len(book) else "",
        },
        {
            "name": "of those here expected to leave",
            "value": f"{leaving:,.0f}",
            "note": f"{max(leaving - spread, 0):,.0f} to {min(leaving + spread, len(book)):,.0f} by chance of leaving alone "
            "(90 %)",
        },
        {
            "name": "clients more likely than not to leave",
            "value": f"{int((clients & (book['churn_risk'] > 0.5)).sum()):,}",
            "note": "",
        },
    ]
    days = f"in {int(book['horizon_days'].iloc[0]):,} days" if len(book) else ""
    at_stake = book["at_stake"].fillna(0).to_numpy(dtype=float)
    losses = np.divide(at_stake, risk, out=np.zeros(len(book)), where=risk > 0)
    swing = 1.645 * float(np.sqrt((risk * (1 - risk) * losses**2).sum()))
    if book["expected_spend"].notna().any():
        spend = book["expected_spend"].fillna(0)
        total = float(spend.sum())
        figures.append(
            {
                "name": f"expected spend {days}",
                "value": money(total, unit),
                "note": f"{_range(total, swing, total + float(at_stake.sum()), unit)}; "
                f"{spend[clients].sum() / max(total, 1e-9):.0%} of it from clients",
            }
        )
    if book["at_stake"].notna().any():
        stake = float(at_stake.sum())
        figures.append(
            {
                "name": f"money at risk {days}",
                "value": money(stake, unit),
                "note": f"{_range(stake, swing, float(losses.sum()), unit)}; risk times what leaving would cost",
            }
        )
    figures.append({"name": "care actions due", "value": f"{len(plan):,}", "note": ""})
    return figures


MEANS = {
    "dependent client": "keeps buying, and there is a two-way bond (or none can be seen in these tables)",
    "repeat customer": "keeps buying, without a bond",
    "kept customer": "keeps a contract, without a bond",
    "latent client": "a bond, but no steady buying",
    "fading customer": "bought before or had a contract; neither steady buying nor a bond to come",
    "one-time customer": "bought on one day, and never had a contract",
    "new buyer": "came lately, or never paid anything: too early for a word",
    "former client": "gone, and there was a bond: of silences as long, fewer than one in ten ended",
    "former customer": "gone, without a bond: of silences as long, fewer than one in ten ended",
}
"""What each stage says, in half a sentence."""


def stage_words(book: pd.DataFrame) -> list[dict[str, str]]:
    """What the stages mean that occur in a book."""
    here = set(book["stage"].astype(object))
    return [{"stage": stage, "means": MEANS[stage]} for stage in STAGE_COLOURS if stage in here]


def stages_of(book: pd.DataFrame, unit: str) -> list[dict[str, str]]:
    """A row a stage that occurs: how many, how likely to leave, what they are expected to spend."""
    rows = []
    for stage in STAGE_COLOURS:
        here = book[book["stage"].astype(object) == stage]
        if here.empty:
            continue
        spend = here["expected_spend"]
        rows.append(
            {
                "stage": stage,
                "n_buyers": f"{len(here):,}",
                "share": f"{len(here) / len(book):.0%}",
                "risk": f"{here['churn_risk'].mean():.0%}",
                "spend": money(spend.sum(), unit) if spend.notna().any() else "unknown",
            }
        )
    return rows


def money(amount: float, unit: str) -> str:
    """An amount with its currency."""
    return f"{amount:,.0f} {unit}".strip()


def _range(amount: float, swing: float, most: float, unit: str) -> str:
    """What the chance of each buyer's leaving leaves open, 90 % of it."""
    return f"{max(amount - swing, 0):,.0f} to {money(min(amount + swing, most), unit)} by chance of leaving alone (90 %)"
