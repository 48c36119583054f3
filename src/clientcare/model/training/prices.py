"""How the amount of a purchase moves: what the latest purchases say of the next ones."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from clientcare.model.members.base import Floats

PENALTY = 0.002
"""Ridge, for each row learned from: a move seen in a few hundred purchases is believed, one in twenty is not."""
FEWEST_ROWS = 40
FARTHEST_SIGN = 1.5
"""Latest amounts beyond 4.5 times the mean say no more than this: one large order is no level."""
FARTHEST_MOVE = 1.0
"""The next amounts are expected at 0.37 to 2.7 times the mean at most."""
MOST_TIMES = 10.0
"""A horizon that brought more than ten times the usual amount a purchase teaches as if it had been ten."""
WINDOW = re.compile(r"spent_(\d+)d")

Column = Callable[[str], Floats]


def price_windows(names: list[str]) -> list[int]:
    """The windows in days in which both money and purchases are counted, ascending."""
    found = (WINDOW.fullmatch(name) for name in names)
    return sorted(int(one[1]) for one in found if one and f"n_purchases_{one[1]}d" in names)


def price_signs(column: Column, windows: list[int]) -> Floats:
    """How the latest amounts stand to the buyer's mean, on the scale of logarithms; shape (n_rows, n_windows + 1).

    Of each window the mean amount, one purchase at the overall mean mixed in; last the latest purchase alone. 0 where
    nothing is known.
    """
    mean = column("purchase_amount_mean")
    signs = np.zeros((len(mean), len(windows) + 1))
    with np.errstate(invalid="ignore", divide="ignore"):
        for place, days in enumerate(windows):
            spent, n = (
                np.nan_to_num(column(f"spent_{days}d")),
                np.nan_to_num(column(f"n_purchases_{days}d")),
            )
            signs[:, place] = np.log((np.maximum(spent, 0.0) + mean) / ((n + 1) * mean))
        signs[:, -1] = np.log((column("purchase_amount_last") + mean) / (2 * mean))
    signs[~np.isfinite(signs)] = 0.0
    return np.clip(signs, -FARTHEST_SIGN, FARTHEST_SIGN)


@dataclass
class PriceMoves:
    """By which factor the next amounts differ from a buyer's mean amount, learned from past horizons.

    ``factor = exp(c . signs)``: a Poisson regression of ``spend / mean amount`` with the number of purchases as
    exposure, so that large buyers teach no more than small ones. Learned only where, on buyers held out, it lowers the
    absolute error of money.
    """

    windows: list[int]
    coefficients: Floats = field(default_factory=lambda: np.zeros(0))

    def fit(
        self, signs: Floats, n_purchases: Floats, spend: Floats, price: Floats, buyer: NDArray[np.int64]
    ) -> Self:
        """Learn from rows that bought; ``price`` is what a purchase was expected to bring."""
        self.coefficients = np.zeros(0)
        usable = (price > 0) & (n_purchases > 0) & (spend >= 0)
        if np.count_nonzero(usable) < FEWEST_ROWS:
            return self
        signs, n, money, price = signs[usable], n_purchases[usable], spend[usable], price[usable]
        times = np.minimum(money / price, MOST_TIMES * n)
        held = buyer[usable] % 2 == 1
        if not 0 < np.count_nonzero(held) < len(held):
            return self
        level, trial = _regress(signs[~held], times[~held], n[~held])
        usual = n[held] * price[held]
        plain = usual * (times[~held].sum() / n[~held].sum())
        moved = usual * np.exp(level) * _factor(signs[held], trial)
        if np.abs(money[held] - moved).sum() < np.abs(money[held] - plain).sum():
            _, self.coefficients = _regress(signs, times, n)
        return self

    def factor(self, column: Column) -> Floats | float:
        """What a buyer's mean amount is multiplied by; 1 where nothing was learned."""
        if not len(self.coefficients):
            return 1.0
        return _factor(price_signs(column, self.windows), self.coefficients)

    def get_state(self) -> dict[str, Any]:
        """Windows and coefficients."""
        return asdict(self)


def _factor(signs: Floats, coefficients: Floats) -> Floats:
    """Summed term by term, so that a row's bytes do not depend on the rows beside it."""
    said = np.zeros(len(signs))
    for place, coefficient in enumerate(coefficients):
        said += signs[:, place] * coefficient
    return np.asarray(np.exp(np.clip(said, -FARTHEST_MOVE, FARTHEST_MOVE)))


def _regress(signs: Floats, times: Floats, exposure: Floats, n_steps: int = 30) -> tuple[float, Floats]:
    """Level and coefficients of a Poisson regression with an exposure and a ridge, by Newton steps."""
    full = np.column_stack([np.ones(len(signs)), signs])
    beta = np.zeros(full.shape[1])
    beta[0] = np.log(max(float(times.sum() / exposure.sum()), 1e-3))
    ridge = np.full(len(beta), PENALTY * len(signs))
    ridge[0] = 0.0
    for _ in range(n_steps):
        mean = exposure * np.exp(np.clip(full @ beta, -5.0, 5.0))
        gradient = full.T @ (mean - times) + ridge * beta
        step = np.linalg.solve(full.T @ (full * mean[:, None]) + np.diag(ridge + 1e-8), gradient)
        beta = beta - step
        if float(np.abs(step).max()) < 1e-9:
            break
    return float(beta[0]), beta[1:]
