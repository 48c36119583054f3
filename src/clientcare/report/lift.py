"""How much of what is lost is found when only some buyers can be looked after."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clientcare.history import Histories
from clientcare.model import RelationshipModel
from clientcare.outcomes import ChurnDefinition
from clientcare.report.canvas import BLUE, INK, PALE, VERMILION, axes_for, tidy
from clientcare.window import Moment

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass
class LiftDisplay:
    """Cumulative gain: share of the leavers, and of their money, among the buyers of highest risk.

    Attributes
    ----------
    share_contacted : array of shape (n_buyers + 1,)
    share_of_leavers : array of shape (n_buyers + 1,)
    share_of_value : array of shape (n_buyers + 1,) or None
        None where no value was given.
    """

    share_contacted: NDArray[np.float64]
    share_of_leavers: NDArray[np.float64]
    share_of_value: NDArray[np.float64] | None = None
    ax_: Axes | None = field(default=None, init=False)
    figure_: Figure | None = field(default=None, init=False)

    @classmethod
    def from_estimator(
        cls, model: RelationshipModel, histories: Histories, as_of: Moment, *, ax: Axes | None = None
    ) -> LiftDisplay:
        """Score as of a past date whose horizon was observed; value is the spend that was expected of each buyer."""
        book = model.score(histories, as_of=as_of)
        happened = ChurnDefinition(horizon=int(book["horizon_days"].iloc[0])).label(histories, as_of=as_of)
        value = book["expected_spend"] / (1 - book["churn_risk"]).clip(lower=0.01)
        known = value if value.notna().any() else None
        return cls.from_predictions(happened.reindex(book.index), book["churn_risk"], value=known, ax=ax)

    @classmethod
    def from_predictions(
        cls, happened: ArrayLike, risk: ArrayLike, *, value: ArrayLike | None = None, ax: Axes | None = None
    ) -> LiftDisplay:
        """Rank by risk, and draw. With ``value`` a second curve ranks by risk times value and counts money."""
        y, p = np.asarray(happened, dtype=float), np.asarray(risk, dtype=float)
        money = None
        if value is not None:
            worth = np.nan_to_num(np.asarray(value, dtype=float))
            money = _gain(y * worth, p * worth)
        return cls(np.linspace(0, 1, len(y) + 1), _gain(y, p), money).plot(ax=ax)

    def plot(self, *, ax: Axes | None = None) -> LiftDisplay:
        """Draw; returns self."""
        self.figure_, self.ax_ = axes_for(ax, (5.2, 4.6))
        self.ax_.plot([0, 1], [0, 1], color=PALE, linewidth=1.5, label="in any order")
        self.ax_.plot(
            self.share_contacted, self.share_of_leavers, color=BLUE, linewidth=2, label="leavers, by risk"
        )
        if self.share_of_value is not None:
            self.ax_.plot(
                self.share_contacted, self.share_of_value, color=VERMILION, linewidth=2, linestyle="--",
                label="their money, by risk x value",
            )  # fmt: skip
        tenth = float(np.interp(0.1, self.share_contacted, self.share_of_leavers))
        self.ax_.plot([0.1], [tenth], "o", color=INK)
        self.ax_.annotate(
            f"riskiest 10%: {tenth:.0%} of the leavers",
            (0.1, tenth),
            xytext=(0.2, max(tenth - 0.12, 0.22)),
            va="center",
            fontsize=9,
            arrowprops={"arrowstyle": "-", "color": INK, "linewidth": 0.6},
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1},
        )
        tidy(
            self.ax_,
            "What contacting the riskiest would reach",
            "share of buyers contacted, riskiest first",
            "share found",
        )
        self.ax_.legend(frameon=False, loc="lower right")
        self.ax_.set(xlim=(0, 1), ylim=(0, 1.02))
        return self


def _gain(found: NDArray[np.float64], rank_by: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cumulative share of ``found`` in descending order of ``rank_by``; NaN where there is nothing to find."""
    ordered = found[np.argsort(-rank_by, kind="stable")]
    total = ordered.sum()
    return np.concatenate([[0.0], np.cumsum(ordered)]) / (total if total > 0 else np.nan)
