"""Whether the page can be believed, the report card, and the plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from clientcare.care import care_report
from clientcare.exceptions import NotEnoughDataError
from clientcare.history import Histories
from clientcare.model import RelationshipModel
from clientcare.report.backtest_plot import BacktestDisplay
from clientcare.report.gaps import GapDisplay
from clientcare.report.page_frame import plots, table_of
from clientcare.report.page_headline import money

if TYPE_CHECKING:
    from clientcare.evaluation import Backtest

MOST_PLANNED = 2_000
"""Rows of the care plan that the page prints; the full list is what :func:`clientcare.care_plan` returns."""


def belief_of(model: RelationshipModel, known: Histories, backtest: Backtest | None) -> dict[str, Any]:
    """What the model says of itself, the backtest, and what was tried."""
    sentences: list[str] = list(model.says_)
    tables: list[dict[str, Any]] = []
    tried: list[dict[str, Any]] = []
    pictures = plots(
        lambda: GapDisplay.from_histories(known, model.churn_definition_.horizon_days),
        "Gaps between purchases, and the chance to return after a silence",
    )
    if backtest is not None:
        sentences.insert(0, backtest.verdict)
        tables.append(table_of("Backtest: model and baselines", backtest.summary().reset_index()))
        pictures = (
            plots(
                lambda: BacktestDisplay.from_backtest(backtest),
                "Backtest: log loss of the model and the baselines by date",
            )
            + pictures
        )
    if len(model.candidates_):
        tried.append(
            table_of(
                "Every member that was tried, judged on the latest complete snapshots", model.candidates_
            )
        )
    return {"belief": sentences, "tried": tried, "belief_tables": tables, "belief_plots": pictures}


def card_of(known: Histories, moment: pd.Timestamp) -> dict[str, Any]:
    """Practices and questions; nothing where not one can be seen in these tables."""
    try:
        report = care_report(known, moment)
    except NotEnoughDataError:
        return {"practices": [], "questions": [], "unseen": ""}
    if report.seller["score"].isna().all():
        return {"practices": [], "questions": [], "unseen": ""}
    practices = [
        {
            "name": str(name).replace("_", " "),
            "score": f"{row['score']:.0f}",
            "meter": round(float(row["score"])),
            "before": "" if pd.isna(row["previous"]) else f"{row['previous']:.0f}",
            "counts": row["evidence"],
        }
        for name, row in report.seller.iterrows()
        if not pd.isna(row["score"])
    ]
    missing = [str(name).replace("_", " ") for name in report.seller.index[report.seller["score"].isna()]]
    questions = [
        {"question": question, "answer": f"{row['answer']}: {row['figures']}"}
        for question, row in report.questions.iterrows()
    ]
    return {"practices": practices, "questions": questions, "unseen": ", ".join(missing)}


def plan_of(
    plan: pd.DataFrame, book: pd.DataFrame, names: dict[Any, str], hide_ids: bool, unit: str
) -> dict[str, Any]:
    """The rows of the plan, each with the place of its buyer in the book."""
    shown = plan.head(MOST_PLANNED)
    note = "Nothing is due." if plan.empty else "One row an action, most urgent first."
    if len(shown) < len(plan):
        note += f" The first {len(shown):,} of {len(plan):,} are shown."
    place = book.index.get_indexer(pd.Index(shown["buyer_id"]))
    actions = [
        {
            "place": int(row_place),
            "due": f"{row['due']:%Y-%m-%d}",
            "buyer": names[row["buyer_id"]],
            "action": str(row["action"]).replace("_", " "),
            "reason": row["reason"],
            "at_stake": "" if pd.isna(row["at_stake"]) else money(row["at_stake"], unit),
            "owner": "" if hide_ids or pd.isna(row["owner"]) else str(row["owner"]),
        }
        for row, row_place in zip(shown.to_dict("records"), place, strict=True)
    ]
    return {"plan": actions, "plan_note": note, "plan_owners": any(action["owner"] for action in actions)}
