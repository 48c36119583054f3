"""Who moved between two dates."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from clientcare.history import Histories
from clientcare.model import RelationshipModel
from clientcare.report.canvas import STAGE_COLOURS, axes_for, tidy
from clientcare.window import Moment

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass
class MigrationDisplay:
    """Stages then and now, as a table of counts; newcomers in a row of their own.

    Attributes
    ----------
    moves : DataFrame of shape (at most 5, at most 5)
        Rows: stage in the old book, and ``new``; columns: stage in the new book, and ``not in this book`` where buyers of
        the old one are missing from it. A stage that neither book knows is left out: with transactions alone no care
        tie can be seen.
    """

    moves: pd.DataFrame
    ax_: Axes | None = field(default=None, init=False)
    figure_: Figure | None = field(default=None, init=False)

    @classmethod
    def from_estimator(
        cls,
        model: RelationshipModel,
        histories: Histories,
        then: Moment,
        now: Moment,
        *,
        ax: Axes | None = None,
    ) -> MigrationDisplay:
        """Score at two dates with one model, and draw."""
        return cls.from_predictions(
            model.score(histories, as_of=then), model.score(histories, as_of=now), ax=ax
        )

    @classmethod
    def from_predictions(
        cls, old_book: pd.DataFrame, new_book: pd.DataFrame, *, ax: Axes | None = None
    ) -> MigrationDisplay:
        """Draw from two books."""
        old, new = old_book["stage"].astype("object"), new_book["stage"].astype("object")
        everybody = old.index.union(new.index, sort=False)
        before, after = (
            old.reindex(everybody).fillna("new"),
            new.reindex(everybody).fillna("not in this book"),
        )
        stages = [stage for stage in STAGE_COLOURS if stage in {*old, *new}]
        gone = ["not in this book"] if (after == "not in this book").any() else []
        counts = pd.crosstab(before, after)
        return cls(counts.reindex(index=[*stages, "new"], columns=[*stages, *gone], fill_value=0)).plot(ax=ax)

    def plot(self, *, ax: Axes | None = None) -> MigrationDisplay:
        """Draw; returns self."""
        self.figure_, self.ax_ = axes_for(ax, (6.4, 4.4))
        table = self.moves.to_numpy(dtype=float)
        totals = table.sum(axis=1, keepdims=True)
        share = np.divide(table, totals, out=np.zeros_like(table), where=totals > 0)
        self.ax_.imshow(share, aspect="auto", cmap="Blues", vmin=0, vmax=1.15)
        for row in range(table.shape[0]):
            for column in range(table.shape[1]):
                dark = share[row, column] > 0.6
                self.ax_.annotate(
                    f"{table[row, column]:,.0f}\n{share[row, column]:.0%}", (column, row), ha="center", va="center",
                    color="white" if dark else "black", fontsize=9,
                )  # fmt: skip
        self.ax_.set_xticks(range(table.shape[1]), [name.replace(" ", "\n") for name in self.moves.columns])
        self.ax_.set_yticks(range(table.shape[0]), list(self.moves.index))
        tidy(self.ax_, "Where buyers moved (count, and share of the row)", "stage now", "stage then")
        return self
