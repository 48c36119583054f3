"""Why: each buyer's log-odds split into themes, and the largest said in plain sentences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clientcare.model.members.base import Floats
from clientcare.model.reasons.columns import ATTRIBUTE, themes_of
from clientcare.model.reasons.comparison import resolved
from clientcare.model.reasons.phrases import Texts, say_all
from clientcare.model.reasons.themes import LEVEL, STANDING, phrases_of
from clientcare.model.training.blend import Answer
from clientcare.model.training.encoding import OTHER as OTHER_LEVEL

LEAST_SAID = 0.05
"""A contribution smaller than this, in log-odds, is no reason."""
N_REASONS = 3
WORTH_SAYING_FIRST = 0.25
N_SHOWN = 5
"""An explanation prints that many buyers."""


@dataclass(frozen=True, eq=False)
class Explanation:
    """Contributions in log-odds, from the usual buyer to each one.

    Attributes
    ----------
    churn, client : DataFrame of shape (n_buyers, n_themes), log-odds, indexed by buyer_id
        What each theme adds. ``churn_base + churn.sum(axis=1)`` is the log-odds of the book's
        ``churn_risk``, and likewise for ``client`` and ``client_probability`` (within 1e-6).
    churn_base, client_base : float, log-odds
        Where the usual buyer stands.
    sentences : DataFrame of shape (n_buyers, n_themes), texts
        What each theme says of each buyer; empty where it says nothing.
    what_raises : Series of str, indexed by buyer_id
        The sentence of the theme that raises the risk most.
    what_would_change : Series of str, indexed by buyer_id
        Which theme stands most in the way of the other class, and by how much.
    """

    churn: pd.DataFrame
    client: pd.DataFrame
    churn_base: float
    client_base: float
    sentences: pd.DataFrame
    what_would_change: pd.Series[str]

    @property
    def churn_log_odds(self) -> pd.Series[float]:
        """Log-odds of churn, base and contributions added."""
        return (self.churn.sum(axis=1) + self.churn_base).rename("churn_log_odds")

    @property
    def client_log_odds(self) -> pd.Series[float]:
        """Log-odds of being a client, base and contributions added."""
        return (self.client.sum(axis=1) + self.client_base).rename("client_log_odds")

    @cached_property
    def what_raises(self) -> pd.Series[str]:
        """What raises each buyer's risk most, as the book would say it; empty where nothing is worth saying."""
        said = np.full(len(self.churn), "", dtype=object)
        if len(self.churn.columns):
            sentences = self.sentences.to_numpy(dtype=object)
            parts = np.where(sentences != "", self.churn.to_numpy(), 0.0).clip(min=0)
            at = np.arange(len(parts)), parts.argmax(axis=1)
            said = _with_direction(sentences[at], parts[at])
        return pd.Series(said, index=self.churn.index, name="what_raises", dtype=object)

    def risk_first(self, book: pd.DataFrame) -> pd.DataFrame:
        """The book with its reasons in another order: what raises the risk most comes first, where anything does.

        For lists that are headed by the risk. Where the three largest reasons all lower it, the third gives way.
        What raises the risk by less than a quarter of what the largest reason moves stays where it was.

        Parameters
        ----------
        book : DataFrame, indexed by buyer_id
            Of the buyers explained and perhaps others, who keep their reasons.

        Returns
        -------
        DataFrame
            A copy with other ``reason_1`` to ``reason_3``.
        """
        names = [f"reason_{place + 1}" for place in range(N_REASONS)]
        parts = self.churn.where(self.sentences != "", 0.0)
        counts = parts.max(axis=1) >= WORTH_SAYING_FIRST * parts.abs().max(axis=1)
        raising = self.what_raises.where(counts, "").reindex(book.index).fillna("")
        rows = [
            [first, *(reason for reason in reasons if reason != first)][:N_REASONS] if first else reasons
            for first, reasons in zip(raising, book[names].to_numpy(dtype=object).tolist(), strict=True)
        ]
        table = pd.DataFrame(rows, index=book.index, columns=names).astype(book[names].dtypes)
        return book.assign(**{name: table[name] for name in names})

    def __repr__(self) -> str:
        largest = [
            f"{buyer}: log-odds of churn {total:+.2f}; {self._largest(position)}"
            for position, (buyer, total) in enumerate(self.churn_log_odds.head(N_SHOWN).items())
        ]
        left = len(self.churn) - len(largest)
        return "\n".join(
            [
                f"Explanation of {len(self.churn):,} buyers: log-odds of churn; the usual buyer's: {self.churn_base:+.2f}",
                *largest,
                *([f"... {left:,} more"] if left else []),
                "Tables: churn, client, sentences, what_raises, what_would_change",
            ]
        )

    def _largest(self, position: int) -> str:
        """What moves one buyer's risk most, each theme with its part."""
        parts = self.churn.iloc[position]
        names = parts.abs().sort_values(ascending=False, kind="stable").index[:N_REASONS]
        return ", ".join(f"{name} {parts[name]:+.2f}" for name in names)

    def _repr_html_(self) -> str:
        return f"<p>Contributions to the log-odds of churn (base {self.churn_base:.2f})</p>{self.churn.round(2).to_html()}"


class Reasons:
    """Splits and says: knows which column belongs to which theme, and where the usual buyer stands.

    Parameters
    ----------
    names, behind : list of str
        The model's columns, and the feature behind each.
    horizon_days : int
    usual : mapping of column to float
        Of the usual buyer; NaN where that is not known.
    usual_client : mapping of column to float
        Of the usual client, whom clients are compared with; empty where too few clients are known.
    """

    def __init__(
        self,
        names: list[str],
        behind: list[str],
        horizon_days: int,
        usual: Mapping[str, float],
        usual_client: Mapping[str, float] = MappingProxyType({}),
    ) -> None:
        self.names = names
        self.horizon_days = horizon_days
        self.usual = usual
        self.usual_client = usual_client
        self.themes, self.groups = themes_of(names, behind, horizon_days)

    @property
    def n_themes(self) -> int:
        """Number of themes."""
        return len(self.themes)

    def split(self, answer: Answer, final_log_odds: Floats, remainder: str = LEVEL) -> tuple[float, Floats]:
        """Base and parts of shape (n_rows, n_themes) that add up to the final log-odds.

        What the blend cannot say of a buyer, because a member does not know them, belongs to the theme ``contract``,
        since a contract in force or none decides who knows whom, and is ``standing`` where there are no contracts;
        what was added to the blend afterwards is the theme ``remainder``.
        """
        parts = answer.parts.copy(order="F")
        known_by = "contract" if "contract" in self.themes else STANDING
        parts[:, self.themes.index(known_by)] += answer.start - answer.usual
        total = np.full(len(parts), answer.usual)
        for theme in range(self.n_themes):
            total += parts[:, theme]
        parts[:, self.themes.index(remainder)] += final_log_odds - total
        return answer.usual, parts

    def sentences(
        self,
        theme: str,
        column: Callable[[str], Floats],
        part: Floats,
        levels: Mapping[str, str] = MappingProxyType({}),
        clients: NDArray[np.bool_] | None = None,
    ) -> Texts:
        """What a theme says of each row, given what it adds to the log-odds of churn there.

        ``levels`` names the columns whose level the model holds as a digest, as the table at hand writes them.
        Rows that are ``clients`` are compared with the usual client, where one is known.
        """
        if theme.startswith("attribute: "):
            return self._attribute(theme.removeprefix("attribute: "), column, len(part), levels)
        said = np.full(len(part), "", dtype=object)
        apart = np.zeros(len(part), dtype=bool) if clients is None or not self.usual_client else clients
        for whom, usual, here in (("buyer", self.usual, ~apart), ("client", self.usual_client, apart)):
            for lowering in (False, True):
                rows = np.flatnonzero(here & ((part < 0) == lowering))
                if len(rows):
                    phrases = phrases_of(theme, self.horizon_days, lowering, usual, whom)
                    said[rows] = say_all(phrases, _of_rows(column, rows), len(rows))
        return said

    def _attribute(
        self, attribute: str, column: Callable[[str], Floats], n_rows: int, levels: Mapping[str, str]
    ) -> Texts:
        words = attribute.replace("_", " ")
        said = np.full(n_rows, "", dtype=object)
        for name in self.names:
            match = ATTRIBUTE.match(name)
            if match is None or match.group(1) != attribute:
                continue
            if match.group(2) is not None:
                if match.group(2) != OTHER_LEVEL:
                    said[column(name) == 1] = f"{words} is {levels.get(name, match.group(2))}"
            else:
                compared = f"{words} is {{{name}:,.4g}}; the usual buyer <usual {name}:,.4g>"
                phrases = resolved((compared, f"{words} is {{{name}:,.4g}}"), self.usual)
                said = say_all(phrases, column, n_rows)
        return said

    def top(
        self,
        parts: Floats,
        column: Callable[[str], Floats],
        levels: Mapping[str, str] = MappingProxyType({}),
        leaving: NDArray[np.bool_] | None = None,
        clients: NDArray[np.bool_] | None = None,
    ) -> dict[str, Any]:
        """The largest contributions of each row as sentences, each with its direction.

        Of those who are ``leaving`` (likelier gone than not) the reasons are asked why: what raises the risk comes
        first, where it is worth a quarter of what the largest reason moves. Where a theme has nothing to say of a
        buyer, the next one speaks. ``clients`` are compared with the usual client.

        Returns
        -------
        dict of ``reason_1`` ... to object array of shape (n_rows,); empty text where nothing more is
        worth saying
        """
        weight = np.abs(parts)
        if leaving is not None:
            weight[leaving] *= np.where(parts[leaving] < 0, WORTH_SAYING_FIRST, 1.0)
        order = np.argsort(-weight, axis=1, kind="stable")
        said = np.full((len(parts), N_REASONS), "", dtype=object)
        rows = np.arange(len(parts))
        for first in range(0, self.n_themes, N_REASONS):
            further = self._said(
                order[rows, first : first + N_REASONS],
                parts[rows],
                _of_rows(column, rows),
                levels,
                None if clients is None else clients[rows],
            )
            said[rows] = _without_holes(np.column_stack([said[rows], further]))[:, :N_REASONS]
            rows = rows[said[rows, -1] == ""]
            if len(rows) == 0:
                break
        return {f"reason_{place + 1}": said[:, place] for place in range(N_REASONS)}

    def _said(
        self,
        order: NDArray[np.int64],
        parts: Floats,
        column: Callable[[str], Floats],
        levels: Mapping[str, str],
        clients: NDArray[np.bool_] | None,
    ) -> Texts:
        """The sentences of some themes of each row, shape of ``order``; a theme speaks once of all its rows."""
        said = np.full(order.shape, "", dtype=object)
        for theme_number, theme in enumerate(self.themes):
            rows, places = np.nonzero(order == theme_number)
            worth = np.abs(parts[rows, theme_number]) >= LEAST_SAID
            rows, places = rows[worth], places[worth]
            if len(rows) == 0:
                continue
            part = parts[rows, theme_number]
            here = None if clients is None else clients[rows]
            texts = self.sentences(theme, _of_rows(column, rows), part, levels, here)
            said[rows, places] = _with_direction(texts, part)
        return said


def what_would_change(client_base: float, parts: Floats, themes: list[str]) -> Texts:
    """For each buyer the theme that weighs most for the present class, and how far the other class is."""
    total = np.full(len(parts), client_base)
    for theme in range(parts.shape[1]):
        total += parts[:, theme]
    is_client = total >= 0
    weighing = np.where(is_client[:, None], parts, -parts)
    heaviest = weighing.argmax(axis=1)
    needed = np.round(np.abs(total), 1)
    texts = np.array([f"{theme}" for theme in themes], dtype=object)[heaviest]
    aim = np.where(is_client, "customer", "client").astype(object)
    short = np.array([f"{value:.1f}" for value in needed], dtype=object)
    return np.asarray(
        "a " + aim + " if the log-odds moved by " + short + "; most depends on " + texts, dtype=object
    )


def _of_rows(column: Callable[[str], Floats], rows: NDArray[np.int64]) -> Callable[[str], Floats]:
    return lambda name: column(name)[rows]


def _without_holes(said: Texts) -> Texts:
    """Reasons in their order; where a theme has nothing to say of a buyer, the next one moves up."""
    order = np.argsort(said == "", axis=1, kind="stable")
    return np.take_along_axis(said, order, axis=1)


def _with_direction(texts: Texts, parts: Floats) -> Texts:
    led = np.where(parts > 0, "raises the risk: ", "lowers the risk: ").astype(object)
    return np.where((np.abs(parts) >= LEAST_SAID) & (texts != ""), led + texts, "")
