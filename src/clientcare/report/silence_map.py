"""Frequency against silence: where clients are and where risk is."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from clientcare.features import feature_table
from clientcare.history import Histories
from clientcare.model import RelationshipModel
from clientcare.report.canvas import axes_for, tidy
from clientcare.window import Moment

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass
class SilenceMapDisplay:
    """Mean probability by number of purchases and days of silence.

    Attributes
    ----------
    n_purchases, days_since_last_purchase, probability : arrays of shape (n_buyers,)
    name : str
        What the probability is of.
    """

    n_purchases: NDArray[np.float64]
    days_since_last_purchase: NDArray[np.float64]
    probability: NDArray[np.float64]
    name: str = "churn risk"
    ax_: Axes | None = field(default=None, init=False)
    figure_: Figure | None = field(default=None, init=False)

    @classmethod
    def from_estimator(
        cls,
        model: RelationshipModel,
        histories: Histories,
        as_of: Moment | None = None,
        *,
        column: str = "churn_risk",
        ax: Axes | None = None,
    ) -> SilenceMapDisplay:
        """Score the buyers and draw one column of the book (``churn_risk`` or ``client_probability``)."""
        book = model.score(histories, as_of=as_of)
        moment = histories.observed_until if as_of is None else as_of
        timing = feature_table(histories, as_of=moment, families=["timing"]).reindex(book.index)
        return cls.from_predictions(
            timing["n_purchases"],
            timing["days_since_last_purchase"],
            book[column],
            name=column.replace("_", " "),
            ax=ax,
        )

    @classmethod
    def from_predictions(
        cls,
        n_purchases: ArrayLike,
        days_since_last_purchase: ArrayLike,
        probability: ArrayLike,
        *,
        name: str = "churn risk",
        ax: Axes | None = None,
    ) -> SilenceMapDisplay:
        """Draw from numbers already at hand."""
        return cls(
            np.asarray(n_purchases, dtype=float),
            np.asarray(days_since_last_purchase, dtype=float),
            np.asarray(probability, dtype=float),
            name,
        ).plot(ax=ax)

    def plot(self, *, ax: Axes | None = None) -> SilenceMapDisplay:
        """Draw; returns self. A cell with fewer than three buyers stays empty."""
        self.figure_, self.ax_ = axes_for(ax, (6.8, 4.2))
        seen = np.isfinite(self.n_purchases) & np.isfinite(self.days_since_last_purchase)
        counts, silence, risk = (
            self.n_purchases[seen],
            self.days_since_last_purchase[seen],
            self.probability[seen],
        )
        steps = [1, 2, 3, 4, 6, 9, 14, 22, 35, np.inf]
        edges = (
            np.unique(np.quantile(silence, np.linspace(0, 1, 11)).round())
            if len(silence)
            else np.array([0.0, 1.0])
        )
        rows = np.digitize(counts, steps) - 1
        columns = np.clip(np.digitize(silence, edges[1:-1], right=True), 0, max(len(edges) - 2, 0))
        cells = pd.DataFrame({"row": rows, "column": columns, "risk": risk}).groupby(["row", "column"])[
            "risk"
        ]
        table = (
            cells.mean()
            .where(cells.size() >= 3)
            .unstack()
            .reindex(index=range(9), columns=range(max(len(edges) - 1, 1)))
        )
        image = self.ax_.imshow(
            table.to_numpy(dtype=float), origin="lower", aspect="auto", cmap="cividis", vmin=0, vmax=1
        )
        labels = [
            f"{low:.0f}" if high == low + 1 else f"{low:.0f}-{high - 1:.0f}"
            for low, high in pairwise(steps[:-1])
        ]
        self.ax_.set_yticks(range(9), [*labels, "35+"])
        self.ax_.set_xticks(
            range(len(edges) - 1), [f"{low:.0f}-{high:.0f}" for low, high in pairwise(edges)],
            rotation=45, ha="right",
        )  # fmt: skip
        tidy(
            self.ax_,
            f"Mean {self.name} by frequency and silence",
            "days since last purchase (tenths of the buyers; white: fewer than three)",
            "purchase days so far",
        )
        self.figure_.colorbar(image, ax=self.ax_, label=f"{self.name} (0 to 1)")
        return self
