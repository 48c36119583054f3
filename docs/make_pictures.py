"""Draw every display on real data into ``docs/pictures``: ``python docs/make_pictures.py`` with ``CLIENTCARE_DATA`` set.

``sales``, ``backtest``, ``care`` or ``money`` as arguments draw that part alone.

Sales plots show the UCI Online Retail set (CC0 in the R package onlineretail; Chen, Sain and Guo 2012); plots of care
show the simulated service firm, for no public set records care.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt

import clientcare as cc
from clientcare import report
from clientcare.datasets import load_service_firm

FOLDER = Path(__file__).parent / "pictures"


def keep(name: str, display: object) -> None:
    """Save a display's figure and let go of it."""
    display.figure_.savefig(FOLDER / f"{name}.png", dpi=80, metadata={"Software": None})  # type: ignore[attr-defined]
    plt.close("all")
    print(name)


def sales() -> None:
    """What needs purchases alone."""
    shop = cc.read_histories(Path(os.environ["CLIENTCARE_DATA"]) / "online_retail" / "transactions.parquet")
    keep("gaps", report.GapDisplay.from_histories(shop))
    keep("retention", report.RetentionDisplay.from_histories(shop))
    then, now = "2011-06-01", "2011-09-01"
    model = cc.RelationshipModel(horizon="90D", effort="quick", random_state=0).fit(shop, as_of=now)
    keep("silence_map", report.SilenceMapDisplay.from_estimator(model, shop, now))
    keep("reliability", report.ReliabilityDisplay.from_estimator(model, shop, now))
    keep("lift", report.LiftDisplay.from_estimator(model, shop, now))
    keep("relationship_map", report.RelationshipMapDisplay.from_predictions(model.score(shop, as_of=now)))
    keep("migration", report.MigrationDisplay.from_estimator(model, shop, then, now))


def backtest() -> None:
    """The model beside recency, at past dates."""
    shop = cc.read_histories(Path(os.environ["CLIENTCARE_DATA"]) / "online_retail" / "transactions.parquet")
    model = cc.RelationshipModel(horizon="60D", effort="quick", random_state=0)
    keep("backtest", report.BacktestDisplay.from_backtest(cc.backtest(model, shop)))


def care() -> None:
    """What needs interactions and contracts."""
    firm = load_service_firm()
    model = cc.RelationshipModel(horizon="90D", random_state=0).fit(firm)
    risky = model.score(firm).query("relationship == 'client'").sort_values("churn_risk").index[-1]
    keep("timeline", report.TimelineDisplay.from_estimator(model, firm, risky))
    keep("reasons", report.ReasonsDisplay.from_estimator(model, firm, risky))
    keep("care_radar", report.CareRadarDisplay.from_report(cc.care_report(firm, firm.observed_until)))


def money() -> None:
    """What became of the money, what comes up, and who was there."""
    firm = load_service_firm()
    model = cc.RelationshipModel(horizon="90D", effort="quick", random_state=0).fit(firm, as_of="2024-01-01")
    keep("revenue_waterfall", report.RevenueWaterfallDisplay.from_histories(firm))
    keep("trend", report.TrendDisplay.from_histories(firm))
    keep("renewals", report.RenewalsDisplay.from_estimator(model, firm))
    keep("losses", report.LossBookDisplay.from_estimator(model, firm))


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    parts = {"sales": sales, "backtest": backtest, "care": care, "money": money}
    for part in sys.argv[1:] or parts:
        parts[part]()
