"""How long buyers usually stay away, and what a silence means here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clientcare.history import Histories
from clientcare.outcomes import suggest_horizon
from clientcare.report.canvas import INK, ORANGE, SKY, VERMILION, axes_for, tidy
from clientcare.window import day_number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_SAID = 3
"""More lines of words would cover the bars."""


@dataclass
class GapDisplay:
    """Distribution of the gaps between purchase days, the suggested horizon, and the chance of return by silence.

    Attributes
    ----------
    gap_days : array of shape (n_gaps,), days
        Gaps between consecutive purchase days of the same buyer, all buyers together.
    silence_days, chance_of_return : arrays of shape (n_silences,)
        After so many days without a purchase, the share of buyers who bought again within the horizon.
    horizon_days : int
        The horizon marked.
    over_a_hole : bool array of shape (n_gaps,)
        Gaps over a hole in the records, where purchases may be missing: drawn apart, and no part of the line.
    holes : list of (Timestamp, Timestamp)
        The holes in the transactions: the first day of each, and the first day after it.
    """

    gap_days: NDArray[np.float64]
    silence_days: NDArray[np.float64]
    chance_of_return: NDArray[np.float64]
    horizon_days: int
    over_a_hole: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=bool))
    holes: list[tuple[pd.Timestamp, pd.Timestamp]] = field(default_factory=list)
    ax_: Axes | None = field(default=None, init=False)
    figure_: Figure | None = field(default=None, init=False)

    @classmethod
    def from_histories(
        cls, histories: Histories, horizon_days: int | None = None, *, ax: Axes | None = None
    ) -> GapDisplay:
        """Measure and draw.

        Parameters
        ----------
        histories : Histories
        horizon_days : int, optional
            The horizon to judge silences by; by default the one that the histories suggest.
        ax : matplotlib axes, optional
        """
        events = histories.events("transactions")
        if events is None:
            nothing: NDArray[Any] = np.zeros(0)
            return cls(nothing, nothing, nothing, int(horizon_days or 1)).plot(ax=ax)
        holes = histories.holes_in("transactions")
        gaps, over, runs = _gaps(histories, holes)
        horizon_days = horizon_days or suggest_horizon(histories).days
        silence, chance = _return_by_silence(gaps[~over], runs, horizon_days)
        return cls(gaps, silence, chance, int(horizon_days), over, holes).plot(ax=ax)

    def plot(self, *, ax: Axes | None = None) -> GapDisplay:
        """Draw; returns self."""
        self.figure_, self.ax_ = axes_for(ax)
        top = max(
            float(np.quantile(self.gap_days, 0.99)) if len(self.gap_days) else 0.0, self.horizon_days * 1.2
        )
        width = int(np.ceil(top / 50))  # whole days, so that every bar counts as many days as its neighbour
        over = self.over_a_hole if len(self.over_a_hole) else np.zeros(len(self.gap_days), dtype=bool)
        parts, colours, names = [self.gap_days[~over]], [SKY], ["watched throughout"]
        if over.any():
            parts, colours = [*parts, self.gap_days[over]], [*colours, ORANGE]
            names.append("over a hole in the records")
        self.ax_.hist(
            parts,
            bins=np.arange(0.5, top + width, width).tolist(),
            stacked=True,
            color=colours,
            label=names,
            edgecolor="white",
            linewidth=0.3,
        )
        self.ax_.axvline(self.horizon_days, color=INK, linestyle="--", linewidth=1.2)
        self.ax_.annotate(
            f" horizon {self.horizon_days} days",
            (self.horizon_days, 0.97),
            xycoords=("data", "axes fraction"),
            va="top",
        )
        tidy(
            self.ax_,
            "Gaps between purchases, and who returns after a silence",
            "days from one purchase to the next; days of silence",
            "gaps (count)" if width == 1 else f"gaps (count in {width} days)",
        )
        self._mark_holes(over)
        right = self.ax_.twinx()
        right.plot(self.silence_days, self.chance_of_return, color=VERMILION, linewidth=2)
        right.set_ylim(0, 1)
        right.set_ylabel(f"line: returned within {self.horizon_days} days more (share)", color=VERMILION)
        right.spines["top"].set_visible(False)
        self.ax_.set_xlim(0, top)
        return self

    def _mark_holes(self, over: NDArray[np.bool_]) -> None:
        """Say in words where records are missing; the axis counts days, and shows no dates."""
        assert self.ax_ is not None
        said = [
            f"no records for {(after - first).days} days from {first:%Y-%m-%d}" for first, after in self.holes
        ]
        if said:
            shown = [
                *said[:MOST_SAID],
                *([f"and {len(said) - MOST_SAID} more"] if len(said) > MOST_SAID else []),
            ]
            self.ax_.text(0.99, 0.97, "\n".join(shown), transform=self.ax_.transAxes, va="top", ha="right")
        if over.any():
            self.ax_.legend(loc="center right", frameon=False)


def _gaps(
    histories: Histories, holes: list[tuple[pd.Timestamp, pd.Timestamp]]
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]]:
    """All gaps in days, which of them lie over a hole, and the silences still running when observation ended."""
    events = histories.events("transactions")
    assert events is not None
    amount = events.columns.get("amount")
    bought = np.ones(events.n_rows, dtype=bool) if amount is None else ~(amount <= 0)
    buyer, day = events.buyer[bought], events.day[bought].astype(np.int64)
    same = buyer[1:] == buyer[:-1]
    start, gaps = day[:-1][same], (day[1:] - day[:-1])[same]
    over = np.zeros(len(gaps), dtype=bool)
    for first, after in holes:
        over |= (start < day_number(after)) & (start + gaps > day_number(first))
    last = np.append(~same, True) if len(buyer) else np.zeros(0, dtype=bool)
    end = histories.observed_until.to_datetime64().astype("datetime64[D]").astype(np.int64)
    some = gaps > 0
    return gaps[some].astype(np.float64), over[some], (end - day[last]).astype(np.float64)


def _return_by_silence(
    gaps: NDArray[np.float64], running: NDArray[np.float64], horizon_days: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of the silences that reached s days and were watched for a horizon longer, the share that ended within it."""
    silences = np.unique(np.linspace(0, max(2 * horizon_days, 14), 60).round())
    ended, open_ = np.sort(gaps), np.sort(running)
    returned = np.searchsorted(ended, silences + horizon_days, "right") - np.searchsorted(
        ended, silences, "right"
    )
    longer = len(ended) - np.searchsorted(ended, silences + horizon_days, "right")
    watched = len(open_) - np.searchsorted(open_, silences + horizon_days, "left")
    asked = returned + longer + watched
    return silences, np.where(asked >= 10, returned / np.maximum(asked, 1), np.nan)
