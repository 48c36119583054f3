"""What comes up for renewal, month by month, and what of it is expected to stay."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from clientcare.history import Histories
from clientcare.model import RelationshipModel
from clientcare.money import Renewals, renewals
from clientcare.report.canvas import BLUE, INK, PALE, axes_for, tidy
from clientcare.window import Days, Moment

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass
class RenewalsDisplay:
    """A bar a month for what ends, within it what is expected to stay, with 90 % of what may come.

    Attributes
    ----------
    months : DataFrame, index ``month``
        As of :class:`clientcare.money.Renewals`.
    as_of : Timestamp

    Examples
    --------
    >>> import clientcare as cc
    >>> firm = cc.datasets.simulate_histories("service_firm", n_buyers=80, random_state=3).histories
    >>> model = cc.RelationshipModel(horizon="90D", effort="quick", random_state=0).fit(firm, as_of="2024-03-01")
    >>> shown = cc.report.RenewalsDisplay.from_estimator(model, firm, "2024-03-01")
    >>> shown.ax_.get_title(loc="left").startswith("Renewals ahead as of 2024-03-01")
    True
    """

    months: pd.DataFrame
    as_of: pd.Timestamp
    ax_: Axes | None = field(default=None, init=False)
    figure_: Figure | None = field(default=None, init=False)

    @classmethod
    def from_estimator(
        cls,
        model: RelationshipModel,
        histories: Histories,
        as_of: Moment | None = None,
        *,
        ahead: Days = "365D",
        ax: Axes | None = None,
    ) -> RenewalsDisplay:
        """Ask for the renewals, and draw."""
        return cls.from_renewals(renewals(model, histories, as_of, ahead=ahead), ax=ax)

    @classmethod
    def from_renewals(cls, coming: Renewals, *, ax: Axes | None = None) -> RenewalsDisplay:
        """Draw what :func:`clientcare.renewals` returned."""
        return cls(coming.months, coming.as_of).plot(ax=ax)

    def plot(self, *, ax: Axes | None = None) -> RenewalsDisplay:
        """Draw; returns self."""
        self.figure_, self.ax_ = axes_for(ax, (7.0, 3.8))
        table, places = self.months, np.arange(len(self.months))
        expected = table["expected"].to_numpy(dtype=float)
        reach = [
            expected - table["low"].to_numpy(dtype=float),
            table["high"].to_numpy(dtype=float) - expected,
        ]
        self.ax_.bar(places, table["amount"], color=PALE, width=0.8, label="ends")
        self.ax_.bar(places, expected, color=BLUE, width=0.5, label="expected to stay")
        self.ax_.errorbar(
            places,
            expected,
            yerr=np.maximum(reach, 0),
            fmt="none",
            ecolor=INK,
            capsize=3,
            label="90 % of what may come",
        )
        labels = [f"{month:%Y-%m}: {int(n):,}" for month, n in table["n_ends"].items()]
        self.ax_.set_xticks(places, labels, fontsize=8, rotation=45, ha="right", rotation_mode="anchor")
        n_ends = int(table["n_ends"].sum())
        tidy(
            self.ax_,
            f"Renewals ahead as of {self.as_of:%Y-%m-%d}: {n_ends:,} contracts end",
            "month, and how many end",
            "money a month",
        )
        self.ax_.legend(frameon=False, fontsize=8)
        return self
