"""What purchases may bring in the years ahead: futures of each buyer, drawn from a probability model of buying."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.random import Generator
from numpy.typing import NDArray

from clientcare.btyd import GammaGamma, ParetoNBD, purchase_summary
from clientcare.exceptions import NotEnoughDataError
from clientcare.history import Histories
from clientcare.money.contract_value import discounted_years
from clientcare.money.past_ends import DAYS_A_YEAR

Floats = NDArray[np.float64]
COMMON_MOVE = 0.1
"""What all buyers spend moves together by some tenth from year to year, as amounts a purchase do between horizons."""
FEWEST_REPEATERS = 20
"""Of fewer buyers with a repeat purchase no law of buying is learned."""
FARTHEST = (0.25, 4.0)
"""The level of the probability model is brought to that of the book within these factors."""


@dataclass(frozen=True, eq=False)
class PurchasesToCome:
    """Buyers with purchases, one value a buyer: what is left uncertain once their past is known.

    Attributes
    ----------
    buyer : int array
        Place in the book, ascending.
    alive : float array
        Chance of still buying at all.
    rate_shape, rate_rate : float arrays
        Gamma law of purchases a day, given that.
    leave_shape : float
    leave_rate : float array
        Gamma law of leaving a day, given that.
    amount_p : float
        Shape of a single amount, given the buyer.
    amount_shape, amount_rate : float arrays
        Gamma law of the buyer's own scale.
    level : float
        Factor on the rates.
    common : float array of shape (n_draws,)
        Factor on the money of all buyers in each future.
    """

    buyer: NDArray[np.int64]
    alive: Floats
    rate_shape: Floats
    rate_rate: Floats
    leave_shape: float
    leave_rate: Floats
    amount_p: float
    amount_shape: Floats
    amount_rate: Floats
    level: float
    common: Floats
    assumes: tuple[str, ...]

    def drawn(self, first: int, last: int, years: float, yearly_rate: float, rng: Generator) -> Floats:
        """Discounted money of the buyers in [first, last), one column a future; shape (last - first, n_draws)."""
        rows = np.flatnonzero((self.buyer >= first) & (self.buyer < last))
        shape = (len(rows), len(self.common))
        n, spread = self._purchases(rows, shape, years, rng)
        own = rng.gamma(self.amount_shape[rows, None], 1.0, shape) / self.amount_rate[rows, None]
        money = np.zeros(shape)
        some = n > 0
        money[some] = rng.gamma(self.amount_p * n[some]) / own[some]
        worth = np.ones(shape)
        worth[some] = discounted_years(spread[some], yearly_rate) / spread[some]
        total = np.zeros((last - first, len(self.common)))
        total[self.buyer[rows] - first] = money * worth * self.common[None, :]
        return total

    def _purchases(
        self, rows: NDArray[np.int64], shape: tuple[int, int], years: float, rng: Generator
    ) -> tuple[Floats, Floats]:
        """How many purchases come, and over how many years they are spread."""
        rate = self.level * rng.gamma(self.rate_shape[rows, None], 1.0, shape) / self.rate_rate[rows, None]
        leaves = rng.gamma(self.leave_shape, 1.0, shape) / self.leave_rate[rows, None]
        stays = rng.exponential(1.0, shape) / np.maximum(leaves, 1e-12)
        days = np.minimum(stays, years * DAYS_A_YEAR)
        days = np.where(rng.random(shape) < self.alive[rows, None], days, 0.0)
        n = rng.poisson(np.minimum(rate * days, 1e6)).astype(np.float64)
        return n, days / DAYS_A_YEAR


def purchases_to_come(
    known: Histories, book: pd.DataFrame, moment: pd.Timestamp, n_draws: int, rng: Generator
) -> PurchasesToCome | None:
    """Learn the laws of buying and of amounts as of a date; None where no amounts are known or too few bought twice."""
    events = known.events("transactions")
    if events is None or "amount" not in events.columns:
        return None
    X = purchase_summary(known, moment)
    X = X[X.index.isin(book.index)]
    X = X.iloc[np.argsort(book.index.get_indexer(X.index))]
    x, mean = X["n_repeat_purchases"].to_numpy(dtype=float), X["mean_purchase_amount"].to_numpy(dtype=float)
    if np.count_nonzero((x > 0) & (mean > 0)) < FEWEST_REPEATERS:
        return None
    try:
        buying, amounts = ParetoNBD().fit(X), GammaGamma().fit(X[(x == 0) | (mean > 0)])
    except NotEnoughDataError:
        return None
    of, price = buying.parameters_, amounts.parameters_
    watched = X["days_since_first_purchase"].to_numpy(dtype=float)
    told = (x > 0) & (mean > 0)
    seen, total = np.where(told, x, 0.0), np.where(told, x * np.nan_to_num(mean), 0.0)
    place = book.index.get_indexer(X.index).astype(np.int64)
    horizon = int(book["horizon_days"].iloc[0])
    expected = book["expected_purchases"].to_numpy(dtype=float)[place]
    level = _level(expected, np.asarray(buying.expected_purchases(X, horizon), dtype=float))
    return PurchasesToCome(
        buyer=place,
        alive=np.asarray(buying.p_alive(X), dtype=float),
        rate_shape=of["r"] + x,
        rate_rate=of["alpha"] + watched,
        leave_shape=of["s"],
        leave_rate=of["beta"] + watched,
        amount_p=price["p"],
        amount_shape=price["q"] + price["p"] * seen,
        amount_rate=price["v"] + total,
        level=level,
        common=np.exp(rng.normal(0.0, COMMON_MOVE, n_draws) - COMMON_MOVE**2 / 2),
        assumes=(
            "Purchases come at random at a rate of the buyer's own until the buyer leaves, amounts vary about the buyer's "
            "own mean; no season and no trend.",
        ),
    )


def _level(expected: Floats, said: Floats) -> float:
    both = np.isfinite(expected) & np.isfinite(said)
    if not said[both].sum() > 0:
        return 1.0
    return float(np.clip(expected[both].sum() / said[both].sum(), *FARTHEST))
