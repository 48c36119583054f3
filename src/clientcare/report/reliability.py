"""Does 30 % risk mean that 30 of 100 leave?"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clientcare.history import Histories
from clientcare.model import RelationshipModel
from clientcare.outcomes import ChurnDefinition
from clientcare.report.canvas import BLUE, PALE, axes_for, tidy
from clientcare.window import Moment

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass
class ReliabilityDisplay:
    """Observed share against predicted probability, in groups of equal size, with 90 % intervals and counts.

    Attributes
    ----------
    predicted, observed, low, high : arrays of shape (n_bins,)
        Mean prediction, observed share, and the Wilson interval of that share.
    n_buyers : array of shape (n_bins,)
    name : str
        What was predicted.

    References
    ----------
    Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference. JASA 22.
    """

    predicted: NDArray[np.float64]
    observed: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    n_buyers: NDArray[np.int64]
    name: str = "churn"
    ax_: Axes | None = field(default=None, init=False)
    figure_: Figure | None = field(default=None, init=False)

    @classmethod
    def from_estimator(
        cls,
        model: RelationshipModel,
        histories: Histories,
        as_of: Moment,
        *,
        n_bins: int = 10,
        ax: Axes | None = None,
    ) -> ReliabilityDisplay:
        """Score as of a past date whose horizon was observed, and hold the risks against what happened."""
        book = model.score(histories, as_of=as_of)
        happened = ChurnDefinition(horizon=int(book["horizon_days"].iloc[0])).label(histories, as_of=as_of)
        return cls.from_predictions(happened.reindex(book.index), book["churn_risk"], n_bins=n_bins, ax=ax)

    @classmethod
    def from_predictions(
        cls,
        happened: ArrayLike,
        probability: ArrayLike,
        *,
        n_bins: int = 10,
        name: str = "churn",
        ax: Axes | None = None,
    ) -> ReliabilityDisplay:
        """Group the predictions into ``n_bins`` of equal size, and draw."""
        y, p = np.asarray(happened, dtype=float), np.asarray(probability, dtype=float)
        groups = [group for group in np.array_split(np.argsort(p, kind="stable"), n_bins) if len(group)]
        n = np.array([len(group) for group in groups])
        predicted = np.array([p[group].mean() for group in groups])
        observed = np.array([y[group].mean() for group in groups])
        low, high = wilson_interval(observed, n)
        return cls(predicted, observed, low, high, n, name).plot(ax=ax)

    def plot(self, *, ax: Axes | None = None) -> ReliabilityDisplay:
        """Draw; returns self."""
        self.figure_, self.ax_ = axes_for(ax, (5.2, 4.6))
        self.ax_.plot([0, 1], [0, 1], color=PALE, linewidth=1.5, zorder=0)
        errors = np.maximum(np.vstack([self.observed - self.low, self.high - self.observed]), 0)
        self.ax_.errorbar(
            self.predicted, self.observed, yerr=errors, fmt="o", color=BLUE, ecolor=BLUE, capsize=3
        )
        few, many = int(self.n_buyers.min()), int(self.n_buyers.max())
        count = f"{few:,}" if few == many else f"{few:,} to {many:,}"
        tidy(
            self.ax_,
            f"Predicted and observed {self.name}",
            f"predicted {self.name} (probability)",
            f"observed {self.name} (share)",
        )
        self.ax_.annotate(
            f"{count} buyers a point; bars: 90% interval;\nline: exactly as predicted",
            (0.03, 0.95),
            xycoords="axes fraction",
            va="top",
            fontsize=9,
        )
        self.ax_.set(xlim=(0, 1), ylim=(0, 1))
        return self


def wilson_interval(
    share: NDArray[np.float64], n: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The 90 % Wilson interval of an observed share; arrays of the shape given."""
    z = 1.6448536269514722
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return centre - half, centre + half
