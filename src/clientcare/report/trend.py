"""The living base and its money, month by month."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from clientcare.exceptions import ClientcareError, NotEnoughDataError
from clientcare.history import Histories, require_histories
from clientcare.money import revenue
from clientcare.outcomes import StatusRule, status_table
from clientcare.report.canvas import BLUE, GREEN, VERMILION, axes_for, tidy
from clientcare.window import Moment, parse_moment

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass
class TrendDisplay:
    """How many are here, who came and who left, and the money, month by month.

    Attributes
    ----------
    table : DataFrame, index ``month`` (its last day)
        ``living`` at the end of the month, ``came`` and ``left`` within it, ``money`` of the month and ``net_retention`` of
        its opening (NaN where no amounts are known, or too little lies before).

    Examples
    --------
    >>> import clientcare as cc
    >>> firm = cc.datasets.simulate_histories("service_firm", n_buyers=60, random_state=3).histories
    >>> trend = cc.report.TrendDisplay.from_histories(firm, "2024-03-01", n_months=3)
    >>> trend.table.index.strftime("%Y-%m").tolist()
    ['2023-12', '2024-01', '2024-02']
    """

    table: pd.DataFrame
    ax_: Axes | None = field(default=None, init=False)
    figure_: Figure | None = field(default=None, init=False)

    @classmethod
    def from_histories(
        cls, histories: Histories, as_of: Moment | None = None, *, n_months: int = 12, ax: Axes | None = None
    ) -> TrendDisplay:
        """Ask who was here at the end of each whole month before a date, and draw.

        Raises
        ------
        NotEnoughDataError
            Where not two month ends were observed.
        """
        require_histories(histories, "TrendDisplay")
        return cls(trend_table(histories, as_of, n_months)).plot(ax=ax)

    def plot(self, *, ax: Axes | None = None) -> TrendDisplay:
        """Draw; returns self."""
        self.figure_, self.ax_ = axes_for(ax, (7.0, 3.6))
        months = pd.DatetimeIndex(self.table.index).strftime("%Y-%m")
        places = np.arange(len(months))
        self.ax_.plot(places, self.table["living"], color=BLUE, marker="o", linewidth=2, label="here")
        self.ax_.bar(places, self.table["came"], color=GREEN, width=0.5, label="came")
        self.ax_.bar(places, -self.table["left"], color=VERMILION, width=0.5, label="left")
        self.ax_.axhline(0, color="#1b1b1b", linewidth=0.8)
        self.ax_.set_xticks(places, list(months), rotation=45, ha="right", fontsize=8)
        tidy(self.ax_, f"The living base, {months[0]} to {months[-1]}", "", "buyers")
        self.ax_.legend(frameon=False, ncols=3, fontsize=8, loc="upper left")
        return self


def trend_table(
    histories: Histories, as_of: Moment | None, n_months: int, rule: StatusRule | None = None
) -> pd.DataFrame:
    """The months as a table; see :class:`TrendDisplay`.

    With a rule, one and the same tells of all months who was here; without, each date's own past.
    """
    moment = histories.observed_until if as_of is None else parse_moment(as_of, histories.timezone)
    known = histories.known_at(moment)
    last = moment.to_period("M").start_time
    ends = [
        date
        for date in pd.date_range(end=last, periods=n_months + 1, freq="MS")
        if date > known.observed_from
    ]
    if len(ends) < 2:
        raise NotEnoughDataError("TrendDisplay: fewer than two ends of months were observed.")
    living = _living_at(known, ends, rule)
    rows = [(len(now), len(now - before), len(before - now)) for before, now in pairwise(living)]
    index = pd.DatetimeIndex([end - pd.Timedelta(days=1) for end in ends[1:]], name="month")
    table = pd.DataFrame(rows, columns=["living", "came", "left"], index=index)
    return table.join(_money(known).reindex(index))


def _living_at(known: Histories, ends: list[pd.Timestamp], rule: StatusRule | None) -> list[set[Any]]:
    """Who was here at each of several dates."""
    if rule is None:
        told = status_table(known, ends)["status"].astype(object)
        statuses = [told.xs(end, level="as_of") for end in ends]
    else:
        statuses = [rule.told(known.known_at(end), end)["status"].astype(object) for end in ends]
    return [set(status.index[(status != "gone").to_numpy()]) for status in statuses]


def _money(known: Histories) -> pd.DataFrame:
    """Money and what of it was kept; of purchases over a year up to each end, since people pause for months."""
    columns = ["closing", "net_retention"]
    try:
        table = revenue(known, "ME")
        if known.events("contracts") is None:
            table = table.assign(net_retention=revenue(known, "ME", trailing="365D")["net_retention"])
            early = table.index < known.observed_from + pd.Timedelta(days=730)
            table.loc[early, "net_retention"] = np.nan
    except ClientcareError:
        return pd.DataFrame(
            columns=["money", "net_retention"], index=pd.DatetimeIndex([], name="month"), dtype=float
        )
    told = table.loc[table["complete"], columns].rename(columns={"closing": "money"})
    return told.set_axis(pd.DatetimeIndex(told.index, name="month"))
