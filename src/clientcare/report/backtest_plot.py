"""The model beside its baselines, date by date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from clientcare.evaluation import backtest
from clientcare.history import Histories
from clientcare.model import RelationshipModel
from clientcare.report.canvas import BLUE, GREEN, INK, ORANGE, VERMILION, axes_for, tidy
from clientcare.window import Moment

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLOURS = (BLUE, VERMILION, GREEN, ORANGE, INK)
_MARKERS = ("o", "s", "^", "D", "v")


@dataclass
class BacktestDisplay:
    """One metric over time, with its interval, for the model and each baseline.

    Attributes
    ----------
    table : DataFrame
        Columns ``as_of``, ``model``, ``value``, ``low``, ``high``.
    metric : str
    """

    table: pd.DataFrame
    metric: str = "log_loss"
    ax_: Axes | None = field(default=None, init=False)
    figure_: Figure | None = field(default=None, init=False)

    @classmethod
    def from_estimator(
        cls,
        model: RelationshipModel,
        histories: Histories,
        as_of: Sequence[Moment] | None = None,
        *,
        metric: str = "log_loss",
        target: str = "churn",
        ax: Axes | None = None,
    ) -> BacktestDisplay:
        """Backtest the model at past dates (see :func:`clientcare.backtest`), and draw."""
        return cls.from_backtest(backtest(model, histories, as_of=as_of), metric=metric, target=target, ax=ax)

    @classmethod
    def from_backtest(
        cls,
        result: Any,
        *,
        metric: str = "log_loss",
        target: str = "churn",
        population: str = "all",
        ax: Axes | None = None,
    ) -> BacktestDisplay:
        """Draw one metric of a backtest for one target and population.

        Parameters
        ----------
        result : Backtest
            What :func:`clientcare.backtest` returned.
        metric : str
            Any column of ``result.table`` with a number, e.g. ``log_loss``, ``brier``, ``auc``, ``lift``.
        target : {"churn", "client"}
        population : str
            ``all``, or a part of the buyers that the table knows, e.g. ``one_time``.
        ax : matplotlib axes, optional
        """
        rows = result.table
        rows = rows[(rows["target"] == target) & (rows["population"] == population)]
        table = pd.DataFrame(
            {
                "as_of": rows["as_of"], "model": rows["model"], "value": rows[metric],
                "low": rows.get(f"{metric}_low", rows[metric]), "high": rows.get(f"{metric}_high", rows[metric]),
            }
        )  # fmt: skip
        return cls(table, metric).plot(ax=ax)

    def plot(self, *, ax: Axes | None = None) -> BacktestDisplay:
        """Draw; returns self. The models stand a little apart so that their intervals can be told."""
        self.figure_, self.ax_ = axes_for(ax, (6.4, 4.0))
        dates = sorted(self.table["as_of"].unique())
        names = list(dict.fromkeys(self.table["model"]))
        for number, name in enumerate(names):
            rows = self.table[self.table["model"] == name].sort_values("as_of")
            x = [dates.index(date) + (number - (len(names) - 1) / 2) * 0.08 for date in rows["as_of"]]
            value = rows["value"].to_numpy(dtype=float)
            spread = [value - rows["low"].to_numpy(dtype=float), rows["high"].to_numpy(dtype=float) - value]
            self.ax_.errorbar(
                x,
                value,
                yerr=spread,
                fmt=f"{_MARKERS[number % 5]}-",
                color=_COLOURS[number % 5],
                capsize=3,
                label=name,
            )
        turned: dict[str, Any] = {"rotation": 45, "ha": "right"} if len(dates) > 5 else {}
        self.ax_.set_xticks(range(len(dates)), [f"{pd.Timestamp(date):%Y-%m-%d}" for date in dates], **turned)
        better = (
            "higher is better" if self.metric in {"auc", "average_precision", "lift"} else "lower is better"
        )
        name = self.metric.replace("_", " ")
        tidy(self.ax_, f"Backtest: {name} ({better})", "as of", name)
        self.ax_.legend(frameon=False, title="bars: interval")
        return self
