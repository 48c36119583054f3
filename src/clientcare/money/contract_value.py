"""What contracts in force may bring in the years ahead: futures of each, drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.random import Generator
from numpy.typing import NDArray

from clientcare.facts.term_lines import follows, superseded
from clientcare.facts.terms import FOREVER
from clientcare.history import Histories
from clientcare.money.past_ends import (
    DAYS_A_YEAR,
    PastEnds,
    Terms,
    breaks_of_open_terms,
    moved_together,
    renewal_grace_days,
)
from clientcare.window import MICROSECONDS_A_DAY, microseconds

Floats = NDArray[np.float64]
MONTHS_A_YEAR = 12


@dataclass(frozen=True, eq=False)
class ContractsToCome:
    """Contracts in force at a date, one value a contract.

    Attributes
    ----------
    buyer : int array
        Place of the buyer in the book.
    amount : float array
        A month.
    days_left, length : float array
        Until the end (infinite where none), and of a further term.
    first_chance, later_chance : float array
        Of a renewal at the first end, and at later ones.
    risk : float array
        Of a break within the horizon.
    later_breaks : float array
        A day, after the horizon.
    shift : float array of shape (n_draws,)
        How all chances move together in each future, in log-odds.
    """

    buyer: NDArray[np.int64]
    amount: Floats
    days_left: Floats
    length: Floats
    first_chance: Floats
    later_chance: Floats
    risk: Floats
    later_breaks: Floats
    shift: Floats
    horizon_days: int
    assumes: tuple[str, ...]

    def drawn(self, first: int, last: int, years: float, yearly_rate: float, rng: Generator) -> Floats:
        """Discounted money of the buyers in [first, last), one column a future; shape (last - first, n_draws)."""
        rows = np.flatnonzero((self.buyer >= first) & (self.buyer < last))
        shape = (len(rows), len(self.shift))
        stays = rng.random(shape) < moved_together(self.first_chance[rows], self.shift[None, :])
        again = moved_together(self.later_chance[rows], self.shift[None, :])
        further = np.floor(np.log(1 - rng.random(shape)) / np.log(np.clip(again, 1e-9, 1 - 1e-9)))
        with np.errstate(invalid="ignore"):
            end = self.days_left[rows, None] + np.where(stays, (1 + further) * self.length[rows, None], 0.0)
        breaks = rng.random(shape) < self.risk[rows, None]
        within = rng.random(shape) * self.horizon_days
        after = self.horizon_days + rng.exponential(1.0, shape) / self.later_breaks[rows, None]
        days = np.minimum(np.minimum(end, np.where(breaks, within, after)), years * DAYS_A_YEAR)
        money = self.amount[rows, None] * MONTHS_A_YEAR * discounted_years(days / DAYS_A_YEAR, yearly_rate)
        total = np.zeros((last - first, len(self.shift)))
        np.add.at(total, self.buyer[rows] - first, money)
        return total


def discounted_years(years: Floats, yearly_rate: float) -> Floats:
    """What one unit of money a year, paid without pause for so many years, is worth now.

    Examples
    --------
    >>> discounted_years(np.array([1.0, 10.0]), 0.0).tolist()
    [1.0, 10.0]
    >>> discounted_years(np.array([1.0, 10.0]), 0.1).round(2).tolist()
    [0.95, 6.45]
    """
    force = float(np.log1p(yearly_rate))
    return years if force == 0 else np.asarray(-np.expm1(-force * years) / force)


def contracts_to_come(
    known: Histories, book: pd.DataFrame, moment: pd.Timestamp, n_draws: int, rng: Generator
) -> ContractsToCome | None:
    """Lay out the contracts in force at a date; None where none has an amount."""
    terms = Terms.of(known)
    if terms is None:
        return None
    now, horizon = microseconds(moment), int(book["horizon_days"].iloc[0]) if len(book) else 0
    in_force = terms.in_force(now) & (terms.amount > 0)
    in_force &= ~superseded(terms.events, follows(terms.events), in_force)
    rows = np.flatnonzero(in_force)
    if not len(rows):
        return None
    past = PastEnds.of(terms, now)
    open_ended = terms.stop[rows] == FOREVER
    left = np.where(open_ended, np.inf, (terms.stop[rows] - now) / MICROSECONDS_A_DAY)
    length = np.where(open_ended, 0.0, (terms.stop[rows] - terms.start[rows]) / MICROSECONDS_A_DAY)
    buyers = known.buyer_ids.take(terms.buyer[rows])
    risk = book["churn_risk"].reindex(buyers).to_numpy(dtype=float)
    later = past.chance(terms.plan[rows])
    soon = left < horizon
    first = np.where(soon & np.isfinite(risk), 1 - risk, later)
    first[terms.cancelled[rows]] = 0.0
    first[terms.followed(rows, renewal_grace_days(terms, rows)) & ~open_ended] = 1.0
    breaks = np.where(open_ended, breaks_of_open_terms(terms, now), past.breaks_a_day)
    usual = -np.expm1(-breaks * horizon)
    return ContractsToCome(
        buyer=book.index.get_indexer(buyers).astype(np.int64),
        amount=terms.amount[rows],
        days_left=left,
        length=length,
        first_chance=first,
        later_chance=later,
        risk=np.where(soon, 0.0, np.where(np.isfinite(risk), risk, usual)),
        later_breaks=breaks,
        shift=rng.normal(0.0, past.together_sd, n_draws),
        horizon_days=horizon,
        assumes=(
            "Contracts bring their present amount a month until they are left: within the model's horizon with the chance "
            f"that the model gives, later {past.share:.0%} of ends are renewed, as {past.n_ends:,} past ends were, for a "
            "term of the same length.",
        ),
    )
