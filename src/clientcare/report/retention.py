"""Cohorts: of those who came in a month, how many still buy so many months later."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from clientcare.history import Histories
from clientcare.report.canvas import axes_for, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass
class RetentionDisplay:
    """The retention triangle.

    Attributes
    ----------
    retention : DataFrame of shape (n_cohorts, n_months)
        Share of a cohort (rows: month of first purchase) that bought in the k-th month after; NaN where not yet observed.
    n_buyers : Series of shape (n_cohorts,)
    """

    retention: pd.DataFrame
    n_buyers: pd.Series
    ax_: Axes | None = field(default=None, init=False)
    figure_: Figure | None = field(default=None, init=False)

    @classmethod
    def from_histories(cls, histories: Histories, *, ax: Axes | None = None) -> RetentionDisplay:
        """Count the cohorts and draw."""
        events = histories.events("transactions")
        if events is None:
            return cls(pd.DataFrame(), pd.Series(dtype=int)).plot(ax=ax)
        amount = events.columns.get("amount")
        bought = np.ones(events.n_rows, dtype=bool) if amount is None else ~(amount <= 0)
        month = events.time[bought].view("datetime64[us]").astype("datetime64[M]").astype(int)
        frame = pd.DataFrame({"buyer": events.buyer[bought], "month": month}).drop_duplicates()
        frame["cohort"] = frame.groupby("buyer")["month"].transform("min")
        frame["age"] = frame["month"] - frame["cohort"]
        counts = frame.groupby(["cohort", "age"]).size().unstack(fill_value=0)
        last = histories.observed_until.to_datetime64().astype("datetime64[M]").astype(int)
        full = counts.reindex(columns=range(int(counts.columns.max()) + 1), fill_value=0).astype(float)
        observed = full.index.to_numpy()[:, None] + full.columns.to_numpy()[None, :] < last
        retention = (full.div(full[0], axis=0)).where(observed)
        retention.index = [str(np.datetime64(int(cohort), "M")) for cohort in retention.index]
        sizes = pd.Series(counts[0].to_numpy(), index=retention.index)
        return cls(retention, sizes).plot(ax=ax)

    def plot(self, *, ax: Axes | None = None) -> RetentionDisplay:
        """Draw; returns self."""
        self.figure_, self.ax_ = axes_for(ax, (7.0, 4.6))
        later = self.retention.iloc[:, 1:].dropna(how="all").dropna(how="all", axis=1)
        tidy(
            self.ax_,
            "Share of each month's newcomers who bought again",
            "months after the first purchase",
            "month of the first purchase",
        )
        if later.empty:
            return self
        top = float(np.nanmax(later.to_numpy())) if later.notna().any(axis=None) else 1.0
        image = self.ax_.imshow(later.to_numpy(dtype=float), aspect="auto", cmap="cividis", vmin=0, vmax=top)
        step = max(1, len(later) // 14)
        names = [f"{cohort} ({self.n_buyers[cohort]:,})" for cohort in later.index]
        self.ax_.set_yticks(range(0, len(later), step), names[::step])
        months = max(1, later.shape[1] // 12)
        self.ax_.set_xticks(range(0, later.shape[1], months), [str(age) for age in later.columns[::months]])
        self.figure_.colorbar(image, ax=self.ax_, label="share who bought in that month")
        return self
