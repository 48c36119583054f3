"""Why one buyer has this risk."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from clientcare.history import Histories
from clientcare.model import Explanation, RelationshipModel
from clientcare.report.canvas import BLUE, INK, VERMILION, axes_for, plain, tidy, words_of
from clientcare.window import Moment

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass
class ReasonsDisplay:
    """Contributions to one buyer's log-odds, from the usual buyer to this one.

    Attributes
    ----------
    contributions : Series of shape (n_reasons,), log-odds
        Largest in size first; what is left is summed under the name ``all else``.
    base : float, log-odds
        Where the usual buyer stands.
    """

    contributions: pd.Series
    base: float
    name: str = "churn"
    ax_: Axes | None = field(default=None, init=False)
    figure_: Figure | None = field(default=None, init=False)

    @classmethod
    def from_estimator(
        cls,
        model: RelationshipModel,
        histories: Histories,
        buyer: Any,
        as_of: Moment | None = None,
        *,
        most: int = 8,
        ax: Axes | None = None,
    ) -> ReasonsDisplay:
        """Explain one buyer's churn risk, and draw."""
        explanation = model.explain(histories, buyers=[buyer], as_of=as_of)
        return cls.from_predictions(explanation, buyer, most=most, ax=ax)

    @classmethod
    def from_predictions(
        cls, explanation: Explanation, buyer: Any, *, most: int = 8, ax: Axes | None = None
    ) -> ReasonsDisplay:
        """Draw one buyer of an explanation already at hand.

        Parameters
        ----------
        explanation : Explanation
            What :meth:`clientcare.RelationshipModel.explain` returned.
        buyer : buyer id
        most : int
            So many contributions are drawn one by one, the rest as ``all else``.
        ax : matplotlib axes, optional
        """
        row = explanation.churn.loc[buyer]
        order = row.abs().sort_values(ascending=False, kind="stable").index
        kept = row[order[:most]]
        rest = float(row[order[most:]].sum())
        if abs(rest) > 1e-12:
            kept = pd.concat([kept, pd.Series({"all else": rest})])
        return cls(kept, float(explanation.churn_base)).plot(ax=ax)

    def plot(self, *, ax: Axes | None = None) -> ReasonsDisplay:
        """Draw; returns self."""
        self.figure_, self.ax_ = axes_for(ax, (6.8, 0.42 * len(self.contributions) + 1.6))
        ends = self.base + np.cumsum(self.contributions.to_numpy(dtype=float))
        starts = np.concatenate([[self.base], ends[:-1]])
        rows = np.arange(len(ends))[::-1]
        widths = ends - starts
        colours = np.where(widths > 0, VERMILION, BLUE)
        self.ax_.barh(rows, widths, left=starts, color=colours.tolist(), height=0.62)
        for row, start, width in zip(rows, starts, widths, strict=True):
            self.ax_.annotate(
                f"{width:+.2f}", (start + width, row), xytext=(4 if width >= 0 else -4, 0), textcoords="offset points",
                ha="left" if width >= 0 else "right", va="center", fontsize=8,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
            )  # fmt: skip
        self.ax_.set_yticks(rows, [plain(words_of(name)) for name in self.contributions.index])
        final = float(ends[-1]) if len(ends) else self.base
        self.ax_.axvline(self.base, color=INK, linewidth=0.8, linestyle=":")
        self.ax_.axvline(final, color=INK, linewidth=1.2, zorder=0)
        low, high = min(self.base, *ends), max(self.base, *ends)
        room = 0.15 * max(high - low, 0.1)
        self.ax_.set_xlim(low - room, high + room)
        tidy(
            self.ax_,
            f"Why: {self.name} {_probability(self.base):.0%} for the usual buyer, {_probability(final):.0%} here",
            "log-odds of churn; dotted: the usual buyer, line: this one", "",
        )  # fmt: skip
        return self


def _probability(log_odds: float) -> float:
    return 1.0 / (1.0 + float(np.exp(-log_odds)))
