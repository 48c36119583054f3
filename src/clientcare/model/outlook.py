"""How good tonight's book will be: what to expect of it before outcomes are in, with bands that past dates have earned."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clientcare.book import in_order
from clientcare.exceptions import InputError
from clientcare.model.members.base import Floats, log_odds_of, share_of
from clientcare.model.training.trust import Trust

N_TENTHS = 10
CELLS_A_TENTH = 100
"""Buyers of nearly one risk are drawn together: a book of a million costs no more than one of a few thousand."""
N_DRAWS = 2_000
MOST_ON_TOP = 100
"""The plan's top is the first tenth of the living in the book's own order, at most so many."""
BAND, JOINT = 0.90, 0.97
EXPECTED = "To expect of these"
"""How the sentence begins that tells what to expect."""
LEAST = 1e-6
TENTHS = tuple(f"leavers_tenth_{tenth}" for tenth in range(1, N_TENTHS + 1))
FIGURES = ("log_loss", "auc", "leavers", "hits", *TENTHS)
"""What is expected of a book; tenth 1 holds the lowest risks."""
COLUMNS = ("expected", "low", "high", "joint_low", "joint_high")


@dataclass(frozen=True, eq=False, repr=False)
class Outlook:
    """What to expect of a book, told before anything of it can be known.

    It speaks of the living (``status`` active or quiet). The bands hold chance and what past dates were off by: nine of ten
    figures lie within ``low`` to ``high``, and in 97 of 100 books all of them within ``joint_low`` to ``joint_high``.

    Attributes
    ----------
    figures : DataFrame indexed by figure
        ``expected``, ``low``, ``high``, ``joint_low``, ``joint_high`` of ``log_loss``, ``auc``, ``leavers`` (how many),
        ``hits`` (how many of the plan's top leave) and ``leavers_tenth_1`` (the lowest risks) to ``leavers_tenth_10``.
    n_buyers, n_gone, n_top : int
        The living; those who are gone; how many of the living stand on top of the book's order.
    n_dates : int
        Past dates that the bands were earned at; 0: none could be judged, and what other businesses were off by stands in.
    about : dict
        ``as_of``, ``horizon_days`` and ``model_id`` of the book.
    unlike : list of str
        In what the base at hand is unlike anything that was learned from, and what to do; empty where it is not.
    """

    figures: pd.DataFrame
    n_buyers: int
    n_gone: int
    n_top: int
    n_dates: int
    about: dict[str, Any]
    unlike: list[str]

    @classmethod
    def of(cls, book: pd.DataFrame, trust: Trust, unlike: Iterable[str] = ()) -> Self:
        """Of a book, given how far past dates were off."""
        living = _living(book)
        risk = living["churn_risk"].to_numpy(np.float64)
        top = _on_top(living)
        cells = _Cells.of(risk, top)
        drawn = _drawn(cells, trust)
        about = {
            "as_of": f"{pd.Timestamp(book['as_of'].iloc[0]):%Y-%m-%d}"
            if len(book) and "as_of" in book
            else None,
            "horizon_days": int(book["horizon_days"].iloc[0])
            if len(book) and "horizon_days" in book
            else None,
            "model_id": str(book["model_id"].iloc[0]) if len(book) and "model_id" in book else None,
        }
        return cls(
            _bands(drawn),
            len(living),
            len(book) - len(living),
            int(top.sum()),
            trust.n_dates,
            about,
            list(unlike),
        )

    def came(self, book: pd.DataFrame, outcomes: pd.Series[Any]) -> pd.Series[float]:
        """The same figures as they came, given who left; indexed by figure.

        Parameters
        ----------
        book : DataFrame
            The very book that the outlook speaks of.
        outcomes : Series of bool indexed by buyer_id
            ``ChurnDefinition.label`` at its ``as_of``.

        Raises
        ------
        InputError
            Where a living buyer has no outcome: figures of some cannot be held against bands of all.
        """
        living = _living(book)
        y = outcomes.astype("Float64").reindex(living.index).to_numpy(np.float64, na_value=np.nan)
        if np.isnan(y).any():
            raise InputError(
                f"outcomes: {int(np.isnan(y).sum()):,} of the {len(living):,} living buyers of the book have none. "
                "Label at the as_of of the book, over all of its histories."
            )
        cells = _Cells.of(living["churn_risk"].to_numpy(np.float64), _on_top(living))
        left = np.bincount(cells.of_buyer, weights=y, minlength=cells.n).astype(np.float64)
        return pd.Series(_figures(cells, left[None, :])[:, 0], index=pd.Index(FIGURES, name="figure"))

    def outside(self, came: pd.Series[float]) -> list[str]:
        """Which figures lie outside the joint band, as sentences; empty where all lie within."""
        said = []
        for name in FIGURES:
            bands, value = self._row(name), float(came[name])
            low, high = bands["joint_low"], bands["joint_high"]
            if np.isfinite(value) and np.isfinite(low) and not low - LEAST <= value <= high + LEAST:
                now, least, most = (_figure(name, one) for one in (value, low, high))
                said.append(f"{_words(name)}: {now} came, {least} to {most} was to be expected.")
        return said

    def _row(self, name: str) -> dict[str, float]:
        values = self.figures.loc[name, list(COLUMNS)].to_numpy(dtype=np.float64)
        return dict(zip(COLUMNS, values.tolist(), strict=True))

    @property
    def says(self) -> list[str]:
        """What a reader should know, in plain sentences."""
        if not self.n_buyers:
            return list(self.unlike)
        row = {name: [_figure(name, self._row(name)[one]) for one in COLUMNS[:3]] for name in FIGURES[:3]}
        parts = [f"{_words(name)} {now} ({low} to {high})" for name, (now, low, high) in row.items()]
        rests = (
            f"bands of 90 % earned at {self.n_dates} past date{'s' if self.n_dates > 1 else ''}"
            if self.n_dates
            else "no past date could be judged: bands of 90 % from what other businesses were off by"
        )
        return [f"{EXPECTED} {self.n_buyers:,} buyers: {'; '.join(parts)}; {rests}.", *self.unlike]

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values; unknown is None."""
        figures = {
            name: {column: _plain(value) for column, value in self._row(name).items()} for name in FIGURES
        }
        counts = {
            "n_buyers": self.n_buyers,
            "n_gone": self.n_gone,
            "n_top": self.n_top,
            "n_dates": self.n_dates,
        }
        return {**self.about, **counts, "unlike": list(self.unlike), "figures": figures}

    def to_json(self) -> str:
        """All of it as one line of JSON."""
        return json.dumps(self.to_dict(), allow_nan=False)

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> Self:
        """What :meth:`to_dict` told.

        Raises
        ------
        InputError
            Where it is not that.
        """
        try:
            rows = [[np.nan if told["figures"][name][column] is None else float(told["figures"][name][column])
                     for column in COLUMNS] for name in FIGURES]  # fmt: skip
            n_buyers, n_gone, n_top, n_dates = (
                int(told[name]) for name in ("n_buyers", "n_gone", "n_top", "n_dates")
            )
            about = {name: told[name] for name in ("as_of", "horizon_days", "model_id")}
            unlike = [str(one) for one in told["unlike"]]
        except (KeyError, TypeError, ValueError) as cause:
            raise InputError("outlook: not what model.outlook told of a book.") from cause
        return cls(_table(np.array(rows)), n_buyers, n_gone, n_top, n_dates, about, unlike)

    def __repr__(self) -> str:
        return "\n".join([*self.says, self.figures.round(4).to_string()])


def _living(book: pd.DataFrame) -> pd.DataFrame:
    """Those who are here and of whom a risk is said."""
    living = book[book["status"] != "gone"] if "status" in book else book
    return living[living["churn_risk"].notna()]


def _on_top(living: pd.DataFrame) -> NDArray[np.bool_]:
    """The first tenth of the living in the book's own order."""
    n_top = min(MOST_ON_TOP, -(-len(living) // N_TENTHS))
    return np.asarray(living.index.isin(in_order(living).index[:n_top]))


@dataclass(frozen=True, eq=False)
class _Cells:
    """Buyers of one tenth and nearly one risk, those on top of the order apart; ascending by risk."""

    of_buyer: NDArray[np.int64]
    size: Floats
    risk: Floats
    tenth: NDArray[np.int64]
    on_top: NDArray[np.bool_]
    lost_if_left: Floats
    lost_if_stayed: Floats

    @property
    def n(self) -> int:
        """How many."""
        return len(self.size)

    @classmethod
    def of(cls, risk: Floats, top: NDArray[np.bool_]) -> _Cells:
        p = np.clip(risk, LEAST, 1 - LEAST)
        rank = np.empty(len(p), dtype=np.int64)
        rank[np.argsort(p, kind="stable")] = np.arange(len(p))
        n_cells = N_TENTHS * CELLS_A_TENTH
        place = rank * n_cells // max(len(p), 1)
        keys, of_buyer = np.unique(2 * place + top, return_inverse=True)
        size = np.bincount(of_buyer, minlength=len(keys)).astype(np.float64)

        def mean(values: Floats) -> Floats:
            return np.asarray(np.bincount(of_buyer, weights=values, minlength=len(keys)) / size)

        place = keys // 2
        return cls(
            of_buyer,
            size,
            mean(p),
            place // CELLS_A_TENTH,
            keys % 2 == 1,
            mean(-np.log(p)),
            mean(-np.log1p(-p)),
        )


def _drawn(cells: _Cells, trust: Trust) -> Floats:
    """Figures of books that could come; shape (n_figures, n_draws). The same for the same book, wherever it is asked."""
    rng = np.random.default_rng(0)
    spread = np.sqrt(trust.freedom / rng.chisquare(trust.freedom, N_DRAWS))[:, None]
    level, slope = rng.standard_normal((2, N_DRAWS, 1)) * spread
    tenths = rng.standard_normal((N_DRAWS, N_TENTHS)) * spread
    log_odds = log_odds_of(cells.risk, LEAST)
    middle = np.average(log_odds, weights=cells.size * cells.risk * (1 - cells.risk)) if cells.n else 0.0
    off = (
        trust.level * level + trust.slope * slope * (log_odds - middle) + trust.tenth * tenths[:, cells.tenth]
    )
    left = rng.binomial(cells.size.astype(np.int64), share_of(log_odds + off)).astype(np.float64)
    return _figures(cells, left)


def _figures(cells: _Cells, left: Floats) -> Floats:
    """The figures, given how many of each cell left; ``left`` has shape (n_draws, n_cells)."""
    n, stayed = max(cells.size.sum(), 1.0), cells.size - left
    loss = (left @ cells.lost_if_left + stayed @ cells.lost_if_stayed) / n
    below = np.cumsum(stayed, axis=1) - stayed / 2
    pairs = left.sum(axis=1) * stayed.sum(axis=1)
    auc = np.where(pairs > 0, (left * below).sum(axis=1) / np.maximum(pairs, 1.0), np.nan)
    by_tenth = [left[:, cells.tenth == tenth].sum(axis=1) for tenth in range(N_TENTHS)]
    return np.stack([loss, auc, left.sum(axis=1), left[:, cells.on_top].sum(axis=1), *by_tenth])


def _bands(drawn: Floats) -> pd.DataFrame:
    """Means, a 90 % band of each figure alone, and the band that holds all of them in 97 of 100 books."""
    known = np.isfinite(drawn).all(axis=0)
    values = drawn[:, known]
    if values.shape[1] < N_DRAWS // 2:
        values = np.where(np.isfinite(drawn), drawn, 0.5)
    ranks = np.argsort(np.argsort(values, axis=1, kind="stable"), axis=1, kind="stable") + 0.5
    tail = np.minimum(ranks, values.shape[1] - ranks).min(axis=0) / values.shape[1]
    share = float(np.quantile(tail, 1 - JOINT))
    edges = [(1 - BAND) / 2, (1 + BAND) / 2, share, 1 - share]
    found = np.quantile(values, edges, axis=1)
    return _table(np.column_stack([values.mean(axis=1), *found]))


def _table(values: Floats) -> pd.DataFrame:
    return pd.DataFrame(values, index=pd.Index(FIGURES, name="figure"), columns=list(COLUMNS))


def _words(name: str) -> str:
    if name in TENTHS:
        return f"leavers in tenth {TENTHS.index(name) + 1} of risk"
    return {"log_loss": "log loss", "auc": "AUC", "leavers": "leavers", "hits": "leavers on top of the list"}[
        name
    ]


def _figure(name: str, value: float) -> str:
    return f"{value:.3f}" if name in ("log_loss", "auc") else f"{value:,.0f}"


def _plain(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None
