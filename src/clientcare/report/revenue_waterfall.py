"""What became of the money, from the opening to the closing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from clientcare.history import Histories
from clientcare.money import revenue
from clientcare.report.canvas import BLUE, GREEN, INK, VERMILION, axes_for, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STEPS = ("new", "won_back", "expansion", "contraction", "lost")


@dataclass
class RevenueWaterfallDisplay:
    """The bridge from the first opening to the last closing of a table of revenue.

    Attributes
    ----------
    steps : Series of shape (7,)
        ``opening``, what moved in all periods, ``closing``.
    """

    steps: pd.Series[Any]
    ax_: Axes | None = field(default=None, init=False)
    figure_: Figure | None = field(default=None, init=False)

    @classmethod
    def from_histories(
        cls, histories: Histories, *, periods: str = "ME", ax: Axes | None = None
    ) -> RevenueWaterfallDisplay:
        """Ask for the revenue, and draw."""
        return cls.from_revenue(revenue(histories, periods), ax=ax)

    @classmethod
    def from_revenue(cls, table: pd.DataFrame, *, ax: Axes | None = None) -> RevenueWaterfallDisplay:
        """Draw a table of :func:`clientcare.revenue` that is not told by group."""
        moved = {name: float(table[name].sum()) for name in STEPS}
        ends = {"opening": float(table["opening"].iloc[0]), "closing": float(table["closing"].iloc[-1])}
        return cls(pd.Series({"opening": ends["opening"], **moved, "closing": ends["closing"]})).plot(ax=ax)

    def plot(self, *, ax: Axes | None = None) -> RevenueWaterfallDisplay:
        """Draw; returns self."""
        self.figure_, self.ax_ = axes_for(ax, (7.0, 4.0))
        values = self.steps.to_numpy(dtype=float)
        inner = values[1:-1]
        level = values[0] + np.concatenate([[0.0], np.cumsum(inner)[:-1]])
        places = np.arange(len(values))
        bottoms = np.concatenate([[0.0], level, [0.0]])
        colours = [BLUE, *(GREEN if one >= 0 else VERMILION for one in inner), BLUE]
        self.ax_.bar(places, values, bottom=bottoms, color=colours, width=0.7)
        for place, value, bottom in zip(places, values, bottoms, strict=True):
            self.ax_.text(
                float(place), max(bottom, bottom + value), f"{value:+,.0f}" if 0 < place < 6 else f"{value:,.0f}",
                ha="center", va="bottom", fontsize=8, color=INK,
            )  # fmt: skip
        self.ax_.set_xticks(places, [str(name).replace("_", " ") for name in self.steps.index])
        self.ax_.margins(y=0.12)  # room for the figures above the bars
        tidy(self.ax_, "What became of the money", "", "money a period")
        return self
