"""The five practices of care at a glance."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from clientcare.care import CareReport, care_report
from clientcare.care.practices import PRACTICES
from clientcare.history import Histories
from clientcare.report.canvas import BLUE, ORANGE, plain, require_matplotlib
from clientcare.window import Moment

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
    def from_histories(
        cls, histories: Histories, as_of: Moment | None = None, *, ax: Axes | None = None
    ) -> CareRadarDisplay:
        """Ask for the care report as of a date (default: the end of what was observed), and draw it."""
        moment = histories.observed_until if as_of is None else as_of
        return cls.from_report(care_report(histories, moment), ax=ax)

    @classmethod
    def from_report(cls, report: CareReport, *, ax: Axes | None = None) -> CareRadarDisplay:
        """Draw the five practices of a care report; ``ax`` must be polar."""
        seller = report.seller.loc[list(PRACTICES)]
        previous = seller["previous"] if seller["previous"].notna().any() else None
        return cls(seller["score"], previous).plot(ax=ax)

    def plot(self, *, ax: Axes | None = None) -> CareRadarDisplay:
        """Draw; returns self."""
        if ax is None:
            figure, ax = require_matplotlib().subplots(
                figsize=(6.0, 4.8), layout="constrained", subplot_kw={"projection": "polar"}
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
        for side in range(len(now)):  # a practice not seen leaves its two sides open: it is no zero
            ends = [side, (side + 1) % len(now)]
            if np.isfinite(now[ends]).all():
                ax.fill([0, *closed[side : side + 2]], [0, *now[ends]], color=BLUE, alpha=0.12, linewidth=0)
        if self.previous is not None:
            then = self.previous.to_numpy(dtype=float)
            ax.plot(
                closed, np.append(then, then[:1]), color=ORANGE, linestyle="--", label="the period before"
            )
        names = [
            f"{plain(str(name).replace('_', ' '))}\n{'not seen' if np.isnan(score) else f'{score:.0f}'}"
            for name, score in zip(self.scores.index, now, strict=True)
        ]
        polar: Any = ax
        polar.set_theta_zero_location("N")
        polar.set_theta_direction("clockwise")
        polar.set_rlabel_position(np.degrees(np.pi / max(len(now), 1)))
        ax.set_xticks(angles, names, fontsize=10)
        ax.tick_params(axis="x", pad=8)
        for label, angle in zip(ax.get_xticklabels(), angles, strict=True):
            across, up = np.sin(angle), np.cos(angle)
            label.set_horizontalalignment(
                "center" if abs(across) < 0.1 else "left" if across > 0 else "right"
            )
            label.set_verticalalignment("center" if abs(up) < 0.5 else "bottom" if up > 0 else "top")
        ax.set_yticks([25, 50, 75, 100], ["25", "50", "75", "100"], fontsize=8)
        ax.set_ylim(0, 100)
        ax.set_title("Are we taking care? (0 to 100)", loc="left", fontsize=11, pad=16)
        ax.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=2, fontsize=9)
        return self
