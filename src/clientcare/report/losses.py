"""Losses by quarter, and how many came as a surprise."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from clientcare.history import Histories
from clientcare.model import RelationshipModel
from clientcare.money import LossBook, loss_book
from clientcare.report.canvas import PALE, SKY, VERMILION, axes_for, tidy
from clientcare.window import Days, Moment

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass
class LossBookDisplay:
    """A bar a quarter: losses that were foreseen, those that were a surprise, those that no book knew.

    Attributes
    ----------
    by_quarter : DataFrame, index ``quarter``
        ``foreseen``, ``surprise`` and ``unknown``: counts that add up to the losses.

    Examples
    --------
    >>> import pandas as pd
    >>> import clientcare as cc
    >>> quarters = pd.DataFrame(
    ...     {"n_losses": [4], "n_known": [3], "surprise_rate": [1 / 3]},
    ...     index=pd.DatetimeIndex(["2024-03-31"], name="quarter"),
    ... )
    >>> book = cc.money.LossBook(pd.DataFrame({"surprise": [True, False, False, None]}), quarters)
    >>> cc.report.LossBookDisplay.from_loss_book(book).by_quarter.to_numpy().tolist()
    [[2, 1, 1]]
    """

    by_quarter: pd.DataFrame
    ax_: Axes | None = field(default=None, init=False)
    figure_: Figure | None = field(default=None, init=False)

    @classmethod
    def from_estimator(
        cls,
        model: RelationshipModel,
        histories: Histories,
        as_of: Moment | None = None,
        *,
        since: Days = "365D",
        ax: Axes | None = None,
    ) -> LossBookDisplay:
        """Ask for the loss book, and draw."""
        return cls.from_loss_book(loss_book(model, histories, as_of, since=since), ax=ax)

    @classmethod
    def from_loss_book(cls, book: LossBook, *, ax: Axes | None = None) -> LossBookDisplay:
        """Draw what :func:`clientcare.loss_book` returned."""
        table = book.by_quarter
        surprise = (table["surprise_rate"].fillna(0.0) * table["n_known"]).round().astype("int64")
        return cls(
            pd.DataFrame(
                {
                    "foreseen": table["n_known"].astype("int64") - surprise,
                    "surprise": surprise,
                    "unknown": (table["n_losses"] - table["n_known"]).astype("int64"),
                }
            )
        ).plot(ax=ax)

    def plot(self, *, ax: Axes | None = None) -> LossBookDisplay:
        """Draw; returns self."""
        self.figure_, self.ax_ = axes_for(ax, (6.4, 3.6))
        places, bottom = np.arange(len(self.by_quarter)), np.zeros(len(self.by_quarter))
        for name, colour, label in (
            ("foreseen", SKY, "among the fifth at highest risk"),
            ("surprise", VERMILION, "a surprise"),
            ("unknown", PALE, "not in a book before"),
        ):
            heights = self.by_quarter[name].to_numpy(dtype=float)
            self.ax_.bar(places, heights, bottom=bottom, color=colour, width=0.7, label=label)
            bottom = bottom + heights
        quarters = pd.DatetimeIndex(self.by_quarter.index)
        self.ax_.set_xticks(places, [f"{day.year} Q{(day.month + 2) // 3}" for day in quarters], fontsize=8)
        known, surprises = (
            self.by_quarter[["foreseen", "surprise"]].to_numpy().sum(),
            self.by_quarter["surprise"].sum(),
        )
        rate = (
            f"{surprises:,} of {known:,} that were in a book before a surprise"
            if known
            else "none was in a book before"
        )
        tidy(self.ax_, f"{int(self.by_quarter.to_numpy().sum()):,} losses; {rate}", "", "buyers who left")
        tallest = float(self.by_quarter.sum(axis=1).max()) if len(self.by_quarter) else 0.0
        self.ax_.locator_params(axis="y", integer=True)
        self.ax_.set_ylim(0, 1.25 * max(tallest, 1.0))  # the legend stands above the tallest bar
        self.ax_.legend(frameon=False, fontsize=8, loc="upper left", ncols=3)
        return self
