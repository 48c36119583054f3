"""Every leaver with what was known before, and whether the loss was a surprise."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from clientcare.history import Histories, require_histories
from clientcare.model import RelationshipModel
from clientcare.money.stated_reasons import stated_reasons
from clientcare.window import Days, Moment, parse_days, parse_moment

LEADS = (180, 90, 30)
"""Days before the loss at which is asked what was known: half a year to act, a quarter, the last moment."""
STEP_DAYS = 30
"""Books are made a month apart; of each lead the latest book that was there counts."""
NOT_STATED = "(not stated)"
TOP_SHARE = 0.2
"""Who stood among the fifth of the living at highest risk was no surprise: so many a firm can look after."""


@dataclass(frozen=True)
class LossBook:
    """Who left, and what was known.

    Attributes
    ----------
    losses : DataFrame, index ``buyer_id``, latest first
        ``left_at``; ``stated_reason`` and ``stated_in`` (what is written down: ``contract``, its ``cancel_reason``, or
        ``last contact``, what the buyer's last contact within 90 days before was about; None: nothing); for each lead
        ``risk_180d``, ``risk_90d``, ``risk_30d`` and ``place_180d`` ... (the share of the living at a lower risk then;
        NaN: not known then); ``reason_180d`` ... (the first reason of the book then); ``surprise`` (in none of the books
        among the fifth at highest risk; missing where in none of them).
    by_quarter : DataFrame, index ``quarter`` (its last day)
        ``n_losses``, ``n_known`` (in at least one book before), ``surprise_rate`` of these.
    by_reason : DataFrame, index ``stated_reason``, most losses first
        The same by what is written down; ``(not stated)`` last.
    """

    losses: pd.DataFrame
    by_quarter: pd.DataFrame
    by_reason: pd.DataFrame = field(default_factory=pd.DataFrame)

    def __repr__(self) -> str:
        known = self.losses["surprise"].dropna().astype(float)
        rate = f"{known.mean():.0%} of {len(known):,} a surprise" if len(known) else "none seen before"
        return f"LossBook: {len(self.losses):,} losses; {rate}"


def loss_book(
    model: RelationshipModel, histories: Histories, as_of: Moment | None = None, *, since: Days = "365D"
) -> LossBook:
    """Every loss of a stretch, with what was known 180, 90 and 30 days before.

    Who left is a matter of facts: buyers whose ``status`` is gone, and since when. What was known is told by a model with
    the same settings that is fitted as of the first of these dates, so that it has seen none of the losses. Beside it
    stands the reason that the buyer or the seller wrote down, where one is.

    Parameters
    ----------
    model : RelationshipModel
        Fitted; its rule tells who is gone.
    histories : Histories
    as_of : date, optional
        Nothing at or after it is seen; default: the end of what was observed.
    since : days
        How far back losses are told.

    Returns
    -------
    LossBook

    Raises
    ------
    NotEnoughDataError
        Where the histories are too short to have learned anything before the losses.

    Examples
    --------
    >>> import clientcare as cc
    >>> firm = cc.datasets.simulate_histories("service_firm", n_buyers=80, random_state=3).histories
    >>> model = cc.RelationshipModel(horizon="90D", effort="quick", random_state=0).fit(firm, as_of="2024-03-01")
    >>> book = cc.loss_book(model, firm, "2024-03-01", since="90D")
    >>> sorted(book.by_quarter.columns)
    ['n_known', 'n_losses', 'surprise_rate']
    """
    require_histories(histories, "loss_book")
    moment = histories.observed_until if as_of is None else parse_moment(as_of, histories.timezone)
    days = parse_days(since, "since")
    known = histories.until(moment)
    start = moment - pd.Timedelta(days=days)
    book = model.score(known, as_of=moment)
    gone = book[(book["status"] == "gone") & (book["status_since"] >= start)]
    losses = pd.DataFrame({"left_at": gone["status_since"]})
    losses = losses.join(stated_reasons(known, losses["left_at"]))
    first = start - pd.Timedelta(days=max(LEADS))
    then = clone(model).fit(known.until(first), as_of=first)
    dates = pd.date_range(first, moment, freq=f"{STEP_DAYS}D")
    needed = {lead: _latest(dates, losses["left_at"], lead) for lead in LEADS}
    asked = sorted({date for of in needed.values() for date in of})
    books = {date: _living(then.score(known, as_of=dates[date])) for date in asked}
    for lead, of in needed.items():
        for name in ("risk", "place", "reason"):
            values = [_cell(books[date], buyer, name) for buyer, date in zip(losses.index, of, strict=True)]
            losses[f"{name}_{lead}d"] = pd.Series(
                values, index=losses.index, dtype=object if name == "reason" else float
            )
    places = losses[[f"place_{lead}d" for lead in LEADS]].max(axis=1)
    losses["surprise"] = (places < 1 - TOP_SHARE).astype("boolean").mask(places.isna())
    losses = losses.sort_values("left_at", ascending=False, kind="stable")
    return LossBook(losses, _by_quarter(losses), _by_reason(losses))


def _latest(dates: pd.DatetimeIndex, left_at: pd.Series[Any], lead: int) -> list[int]:
    """Of each loss the position of the latest date at least so many days before."""
    before = (left_at - pd.Timedelta(days=lead)).to_numpy(dtype="datetime64[us]")
    places = np.searchsorted(dates.to_numpy(dtype="datetime64[us]"), before, side="right") - 1
    return [int(place) for place in np.maximum(places, 0)]


def _living(book: pd.DataFrame) -> pd.DataFrame:
    """Risk, place among the living, and first reason of a book."""
    living = book[book["status"] != "gone"]
    place = (living["churn_risk"].rank(method="average") - 1) / max(len(living) - 1, 1)
    return pd.DataFrame({"risk": living["churn_risk"], "place": place, "reason": living["reason_1"]})


def _cell(table: pd.DataFrame, buyer: Any, name: str) -> Any:
    return table.at[buyer, name] if buyer in table.index else (None if name == "reason" else np.nan)


def _by_quarter(losses: pd.DataFrame) -> pd.DataFrame:
    """How many losses of each quarter were a surprise."""
    return _counted(losses, losses["left_at"].dt.to_period("Q").dt.end_time.dt.normalize().rename("quarter"))


def _by_reason(losses: pd.DataFrame) -> pd.DataFrame:
    """The same by what is written down, most losses first."""
    told = _counted(losses, losses["stated_reason"].fillna(NOT_STATED))
    unstated = (told.index == NOT_STATED).astype(int)
    told = told.assign(unstated=unstated, most=-told["n_losses"]).sort_index()
    return told.sort_values(["unstated", "most"], kind="stable").drop(columns=["unstated", "most"])


def _counted(losses: pd.DataFrame, by: pd.Series[Any]) -> pd.DataFrame:
    grouped = losses["surprise"].astype("Float64").groupby(by)
    return pd.DataFrame(
        {
            "n_losses": grouped.size(),
            "n_known": grouped.count(),
            "surprise_rate": grouped.mean().astype(float),
        }
    )
