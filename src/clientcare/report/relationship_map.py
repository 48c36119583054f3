"""Everybody on one map: who depends on us, who is leaving, and how much is at stake."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from clientcare.history import Histories
from clientcare.model import RelationshipModel
from clientcare.report.canvas import INK, STAGE_COLOURS, STAGE_MARKERS, axes_for, tidy
from clientcare.window import Moment

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_POINTS = 5_000


@dataclass
class RelationshipMapDisplay:
    """Client probability against churn risk; area = expected spend, shape and colour = stage.

    Attributes
    ----------
    book : DataFrame of shape (n_buyers, >= 4)
        ``client_probability``, ``churn_risk``, ``expected_spend``, ``stage``.
    when : str
        The date and the horizon of the book, for the title; empty where a book does not tell them.
    """

    book: pd.DataFrame
    when: str = ""
    ax_: Axes | None = field(default=None, init=False)
    figure_: Figure | None = field(default=None, init=False)

    @classmethod
    def from_estimator(
        cls,
        model: RelationshipModel,
        histories: Histories,
        as_of: Moment | None = None,
        *,
        ax: Axes | None = None,
    ) -> RelationshipMapDisplay:
        """Score, and draw."""
        return cls.from_predictions(model.score(histories, as_of=as_of), ax=ax)

    @classmethod
    def from_predictions(cls, book: pd.DataFrame, *, ax: Axes | None = None) -> RelationshipMapDisplay:
        """Draw a book. Of more than 5,000 buyers every k-th is drawn, and the plot says so."""
        told = book[["client_probability", "churn_risk", "expected_spend", "stage"]]
        return cls(told, _when(book)).plot(ax=ax)

    def plot(self, *, ax: Axes | None = None) -> RelationshipMapDisplay:
        """Draw; returns self."""
        self.figure_, self.ax_ = axes_for(ax, (6.6, 4.8))
        every = int(np.ceil(len(self.book) / MOST_POINTS)) if len(self.book) else 1
        shown = self.book.iloc[::every]
        spend = shown["expected_spend"].fillna(0).to_numpy(dtype=float)
        top = float(np.quantile(spend, 0.99)) if len(spend) else 0.0
        area = 8 + 120 * np.clip(spend / top, 0, 1) if top > 0 else np.full(len(spend), 14.0)
        for stage, colour in STAGE_COLOURS.items():
            here = (shown["stage"].astype("object") == stage).to_numpy()
            if not here.any():
                continue
            hollow: dict[str, Any] = (
                {} if STAGE_MARKERS[stage] == "x" else {"edgecolor": INK, "linewidth": 0.3}
            )
            self.ax_.scatter(
                shown["churn_risk"].to_numpy()[here], shown["client_probability"].to_numpy()[here], s=area[here],
                color=colour if stage != "one-time customer" else "#8c8c8c", marker=STAGE_MARKERS[stage],
                alpha=0.65, label=f"{stage} ({int((self.book['stage'].astype('object') == stage).sum()):,})", **hollow,
            )  # fmt: skip
        note = "" if every == 1 else f" (every {every}th buyer drawn)"
        tidy(
            self.ax_,
            f"The relationship map{self.when}{note}",
            "churn risk (probability to leave within the horizon)",
            "client probability",
        )
        self.ax_.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
        legend = self.ax_.legend(frameon=False, fontsize=9, loc="upper right", title="area = expected spend")
        for handle in legend.legend_handles:
            if handle is not None and hasattr(handle, "set_sizes"):
                handle.set_sizes([40.0])
        return self


def _when(book: pd.DataFrame) -> str:
    """When a book was made, how far it looks and of how many it tells."""
    if book.empty or not {"as_of", "horizon_days"} <= set(book.columns):
        return ""
    days = int(book["horizon_days"].iloc[0])
    return f", {book['as_of'].iloc[0]:%Y-%m-%d}, next {days} days, {len(book):,} buyers"
