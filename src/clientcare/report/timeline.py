"""One buyer's story: purchases, contacts, contract, and both probabilities through time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from clientcare.exceptions import OptionError
from clientcare.facts.contacts import Contacts
from clientcare.history import Histories
from clientcare.model import RelationshipModel
from clientcare.report.canvas import BLUE, GREEN, INK, ORANGE, VERMILION, axes_for, tidy
from clientcare.window import Moment, microseconds, parse_moment

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass
class TimelineDisplay:
    """Events of one buyer above a time axis, churn risk and client probability below.

    Attributes
    ----------
    purchases, contacts : DataFrame
        ``timestamp`` and ``amount``; ``timestamp`` and ``side`` (who began: ``us``, ``them`` or ``both``) of contacts that
        took place and whose side is known.
    contracts : DataFrame
        ``start`` and ``end``.
    scores : DataFrame indexed by date
        ``churn_risk`` and ``client_probability``.
    """

    purchases: pd.DataFrame
    contacts: pd.DataFrame
    contracts: pd.DataFrame
    scores: pd.DataFrame
    title: str = "One buyer"
    ax_: Axes | None = field(default=None, init=False)
    figure_: Figure | None = field(default=None, init=False)

    @classmethod
    def from_estimator(
        cls,
        model: RelationshipModel,
        histories: Histories,
        buyer: Any,
        as_of: Moment | None = None,
        *,
        n_dates: int = 12,
        ax: Axes | None = None,
    ) -> TimelineDisplay:
        """Score one buyer at dates through their history with the model as it stands, and draw.

        The model may have learned from days after some of these dates: the curve tells the story, it is no backtest.
        """
        until = histories.observed_until if as_of is None else parse_moment(as_of, histories.timezone)
        known = histories.until(until)
        tables = {name: _rows_of(getattr(known, name), buyer) for name in ("transactions", "contracts")}
        contacts = _contacts_of(known, buyer, until)
        starts = [
            frame[when].min() for frame, when in _moments(tables | {"contacts": contacts}) if len(frame)
        ]
        if not starts:
            raise OptionError(
                "TimelineDisplay: no such buyer before as_of. Ask for an id that is in the book's index."
            )
        dates = (
            pd.date_range(min(starts).normalize() + pd.Timedelta(days=1), until, periods=n_dates)
            .floor("D")
            .unique()
        )
        alone = histories.select([buyer])
        books = [model.score(alone, as_of=date) for date in dates]
        scores = pd.concat(
            [
                book[["churn_risk", "client_probability"]].set_axis([date] * len(book))
                for date, book in zip(dates, books, strict=True)
            ]
        )
        return cls(tables["transactions"], contacts, tables["contracts"], scores, str(buyer)).plot(ax=ax)

    @classmethod
    def from_predictions(
        cls, histories: Histories, buyer: Any, books: Sequence[pd.DataFrame], *, ax: Axes | None = None
    ) -> TimelineDisplay:
        """Draw from books already at hand, one for each date: last month's, this month's ...

        Parameters
        ----------
        histories : Histories
            Events at or after the latest book's ``as_of`` are not drawn.
        buyer : buyer id
        books : sequence of DataFrames
            Books as :meth:`clientcare.RelationshipModel.score` returns them; those that do not know the buyer are left out.
        ax : matplotlib axes, optional

        Raises
        ------
        OptionError
            Where no book knows the buyer.
        """
        rows = [
            book.loc[[buyer], ["as_of", "churn_risk", "client_probability"]]
            for book in books
            if buyer in book.index
        ]
        if not rows:
            raise OptionError(
                "TimelineDisplay: no such buyer in any of the books. Ask for an id of their index."
            )
        scores = pd.concat(rows).set_index("as_of").sort_index()
        known = histories.until(scores.index[-1])
        tables = (
            _rows_of(known.transactions, buyer),
            _contacts_of(known, buyer, scores.index[-1]),
            _rows_of(known.contracts, buyer),
        )
        return cls(*tables, scores, str(buyer)).plot(ax=ax)

    def plot(self, *, ax: Axes | None = None) -> TimelineDisplay:
        """Draw; returns self."""
        self.figure_, self.ax_ = axes_for(ax, (7.6, 3.8))
        ax = self.ax_
        ax.plot(
            self.scores.index, self.scores["churn_risk"], color=VERMILION, linewidth=2, label="churn risk"
        )
        ax.plot(
            self.scores.index, self.scores["client_probability"], color=BLUE, linewidth=2, linestyle="--",
            label="client probability",
        )  # fmt: skip
        if len(self.purchases):
            returns = self.purchases["amount"].to_numpy(dtype=float) < 0
            when = self.purchases["timestamp"].to_numpy()
            ax.plot(
                when[~returns],
                np.full((~returns).sum(), 1.12),
                "|",
                color=INK,
                markersize=11,
                label="purchase",
            )
            ax.plot(
                when[returns], np.full(returns.sum(), 1.12), "x", color=ORANGE, markersize=6, label="return"
            )
        if len(self.contacts):
            ours = (self.contacts["side"] == "us").to_numpy()
            when = self.contacts["timestamp"].to_numpy()
            ax.plot(
                when[ours], np.full(ours.sum(), 1.25), "v", color=GREEN, markersize=5, label="contact by us"
            )
            ax.plot(
                when[~ours],
                np.full((~ours).sum(), 1.25),
                "^",
                color=BLUE,
                markersize=5,
                label="contact by them, or by both",
            )
        for term in self.contracts.to_dict("records"):
            end = self.scores.index.max() if pd.isna(term["end"]) else term["end"]
            ax.hlines(1.36, term["start"], end, color=INK, linewidth=4, alpha=0.5)
        if len(self.contracts):
            ax.plot([], [], color=INK, linewidth=4, alpha=0.5, label="contract")
        ax.set_ylim(-0.02, 1.45)
        ax.set_yticks([0, 0.25, 0.5, 0.75, 1.0])
        tidy(ax, f"{self.title} through time", "", "probability (0 to 1)")
        ax.legend(frameon=False, ncols=4, fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.1))
        return self


def _rows_of(frame: pd.DataFrame | None, buyer: Any) -> pd.DataFrame:
    return pd.DataFrame() if frame is None else frame[frame["buyer_id"] == buyer]


def _contacts_of(known: Histories, buyer: Any, moment: pd.Timestamp) -> pd.DataFrame:
    """When a buyer and the seller were in contact, and who began, as the facts have it."""
    contacts = Contacts.known(known, microseconds(moment))
    if contacts is None or buyer not in known.buyer_ids:
        return pd.DataFrame({"timestamp": pd.DatetimeIndex([]), "side": pd.Series(dtype=object)})
    side = np.select(
        [contacts.mutual, contacts.outbound, contacts.inbound], ["both", "us", "them"], default=""
    )
    rows = (contacts.buyer == known.buyer_ids.get_loc(buyer)) & contacts.kept & (side != "")
    when = np.asarray(contacts.time)[rows].astype("datetime64[us]")
    return pd.DataFrame({"timestamp": when, "side": side[rows].astype(object)})


def _moments(tables: dict[str, pd.DataFrame]) -> list[tuple[pd.DataFrame, str]]:
    names = {"transactions": "timestamp", "contacts": "timestamp", "contracts": "start"}
    return [(tables[name], when) for name, when in names.items()]
