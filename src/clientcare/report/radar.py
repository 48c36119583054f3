"""The five practices of care at a glance."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from clientcare.report.canvas import BLUE, ORANGE, plain, require_matplotlib

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass
class CareRadarDisplay:
    """Scores of the practices, 0 to 100, around a circle; the previous period dashed.

    Attributes
    ----------
    scores, previous : Series of shape (n_practices,)
        Indexed by practice; NaN where the practice could not be seen (drawn as a gap, and named so).
    """

    scores: pd.Series
    previous: pd.Series | None = None
    ax_: Axes | None = field(default=None, init=False)
    figure_: Figure | None = field(default=None, init=False)

    @classmethod
    def from_report(cls, report: Any, *, ax: Axes | None = None) -> CareRadarDisplay:
        """Draw the seller's row of a care report; ``ax`` must be polar."""
        seller = report.seller
        seller = seller.drop(index="overall", errors="ignore")
        previous = seller["previous"] if seller["previous"].notna().any() else None
        return cls(seller["score"], previous).plot(ax=ax)

    def plot(self, *, ax: Axes | None = None) -> CareRadarDisplay:
        """Draw; returns self."""
        if ax is None:
            figure, ax = require_matplotlib().subplots(
                figsize=(5.6, 5.0), layout="constrained", subplot_kw={"projection": "polar"}
            )
            self.figure_ = figure
        else:
            self.figure_ = ax.figure  # type: ignore[assignment]
        assert ax is not None
        self.ax_ = ax
        angles = np.linspace(0, 2 * np.pi, len(self.scores), endpoint=False)
        closed = np.append(angles, angles[:1])
        now = self.scores.to_numpy(dtype=float)
        ax.plot(closed, np.append(now, now[:1]), color=BLUE, linewidth=2, marker="o", label="this period")
        ax.fill(closed, np.append(np.nan_to_num(now), np.nan_to_num(now[:1])), color=BLUE, alpha=0.12)
        if self.previous is not None:
            then = self.previous.to_numpy(dtype=float)
            ax.plot(
                closed, np.append(then, then[:1]), color=ORANGE, linestyle="--", label="the period before"
            )
        names = [
            f"{plain(str(name).replace('_', ' '))}\n{'not seen' if np.isnan(score) else f'{score:.0f}'}"
            for name, score in zip(self.scores.index, now, strict=True)
        ]
        ax.set_xticks(angles, names, fontsize=9)
        ax.tick_params(axis="x", pad=12)
        ax.set_yticks([25, 50, 75, 100], ["25", "50", "75", "100"], fontsize=7)
        ax.set_ylim(0, 100)
        ax.set_title("Are we taking care? (0 to 100)", loc="left", fontsize=11)
        ax.legend(frameon=False, loc="lower right", bbox_to_anchor=(1.15, -0.1), fontsize=9)
        return self
