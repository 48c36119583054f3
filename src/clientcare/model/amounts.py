"""How many purchases and how much money the horizon may bring."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from clientcare.history.histories import Histories
from clientcare.model.design import Design, weighted_terms
from clientcare.model.member import Floats
from clientcare.window import MICROSECONDS_A_DAY

DAYS_A_MONTH = 365.25 / 12
RIDGE = 0.001


def bought_in_horizon(
    histories: Histories, positions: NDArray[np.int64], as_of: int, horizon_days: int
) -> tuple[Floats, Floats]:
    """Purchase days of some buyers within [as_of, as_of + horizon), and what they paid less returns.

    Parameters
    ----------
    histories : Histories
    positions : int array of shape (n_buyers,)
        Positions in ``histories.buyer_ids``.
    as_of : int
        Microseconds since 1970.
    horizon_days : int

    Returns
    -------
    n_purchases, spend : float64 arrays of shape (n_buyers,)
        ``spend`` is NaN where something was bought at unknown amounts only.
    """
    n_all = len(histories.buyer_ids)
    events = histories.events("transactions")
    if events is None:
        return np.zeros(len(positions)), np.zeros(len(positions))
    inside = (events.time >= as_of) & (events.time < as_of + horizon_days * MICROSECONDS_A_DAY)
    rows = np.flatnonzero(inside)
    buyer, day = events.buyer[rows].astype(np.int64), events.day[rows].astype(np.int64)
    amount = events.columns["amount"][rows] if "amount" in events.columns else np.full(len(rows), np.nan)
    bought = ~(amount <= 0)
    first = np.ones(int(bought.sum()), dtype=bool)
    first[1:] = (np.diff(buyer[bought]) != 0) | (np.diff(day[bought]) != 0)
    n_purchases = np.bincount(buyer[bought][first], minlength=n_all).astype(np.float64)
    known = ~np.isnan(amount)
    spend = np.bincount(buyer[known], amount[known], minlength=n_all)
    n_known = np.bincount(buyer[known & bought], minlength=n_all)
    spend = np.where((n_purchases > 0) & (n_known == 0), np.nan, spend)
    return n_purchases[positions], spend[positions]


class PurchaseAmounts:
    """Expected purchases and spend of a buyer, given the risk that nothing is bought.

    ``expected_purchases = (1 - churn_risk) x (1 + exp(linear terms))``, the second factor being the
    mean number of purchases of those who buy at all (a Poisson regression of the purchases beyond the
    first). ``expected_spend`` is that times the buyer's own mean amount, drawn towards everybody's
    where few amounts are known, times the share by which past horizons came out higher or lower than that.

    Parameters
    ----------
    columns : sequence of str
        The features that say how much a buyer buys.
    """

    def __init__(self, names: list[str], columns: list[str]) -> None:
        self.names, self.columns = names, [name for name in columns if name in names]
        self.place = [names.index(name) for name in self.columns]

    def fit(
        self, X: Floats, n_purchases: Floats, spend: Floats, mean_amount: Floats, n_amounts: Floats
    ) -> Self:
        """Learn from past horizons of shape (n_rows,); ``mean_amount`` and ``n_amounts`` as known
        before them.
        """
        buying = n_purchases > 0
        self.usable = bool(buying.sum() >= 20) and bool(self.columns)
        self.mean_extra = float(n_purchases[buying].mean() - 1) if buying.any() else 0.0
        if self.usable:
            self.design = Design().fit(X[np.ix_(buying, self.place)])
            Z = self.design.transform(X[np.ix_(buying, self.place)])
            self.intercept, self.coefficients = _fit_poisson(Z, n_purchases[buying] - 1, RIDGE * len(Z))
        self._fit_amounts(n_purchases, spend, mean_amount, n_amounts)
        return self

    def _fit_amounts(
        self, n_purchases: Floats, spend: Floats, mean_amount: Floats, n_amounts: Floats
    ) -> None:
        known = ~np.isnan(mean_amount) & (n_amounts > 0)
        self.has_amounts = bool(known.any())
        self.common_amount = (
            float(np.average(mean_amount[known], weights=n_amounts[known])) if known.any() else np.nan
        )
        self.level = 1.0
        self.prior_amounts = 1.0
        later = known & (n_purchases > 0) & ~np.isnan(spend)
        if not later.any():
            return
        least = np.inf
        for prior in (0.25, 0.5, 1.0, 2.0, 4.0, 8.0):
            expected = n_purchases[later] * self._drawn(mean_amount[later], n_amounts[later], prior)
            level = float(spend[later].sum() / expected.sum())
            error = float(np.sum(np.abs(spend[later] - level * expected)))
            if error < least:
                least, self.prior_amounts, self.level = error, prior, level

    def _drawn(self, mean_amount: Floats, n_amounts: Floats, prior: float) -> Floats:
        mean = np.where(np.isnan(mean_amount), self.common_amount, mean_amount)
        n = np.where(np.isnan(mean_amount), 0.0, n_amounts)
        return np.asarray((prior * self.common_amount + n * mean) / (prior + n))

    def expected(
        self, X: Floats, churn_risk: Floats, mean_amount: Floats, n_amounts: Floats
    ) -> tuple[Floats, Floats]:
        """Expected purchases and spend; shape (n_rows,) each, spend NaN where no amounts were ever known."""
        extra = np.full(len(X), self.mean_extra)
        if self.usable:
            terms = self.design.transform(X[:, self.place])
            extra = np.exp(np.minimum(self.intercept + weighted_terms(terms, self.coefficients), 8.0))
        purchases = (1 - churn_risk) * (1 + extra)
        amount = self._drawn(mean_amount, n_amounts, self.prior_amounts) * self.level
        return purchases, purchases * amount if self.has_amounts else np.full(len(X), np.nan)

    def get_state(self) -> dict[str, Any]:
        """Everything learned, as numbers, texts and arrays."""
        state = dict(vars(self))
        if "design" in state:
            state["design"] = self.design.get_state()
        return state

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """The amounts that :meth:`get_state` told of."""
        amounts = cls(list(state["names"]), list(state["columns"]))
        for name, value in state.items():
            setattr(amounts, name, Design.from_state(value) if name == "design" else value)
        return amounts


def _fit_poisson(Z: Floats, y: Floats, penalty: float, n_steps: int = 50) -> tuple[float, Floats]:
    """Poisson regression with a ridge, by damped Newton steps; the total over the rows is kept."""
    beta = np.zeros(Z.shape[1] + 1)
    beta[0] = np.log(max(float(y.mean()), 1e-3))
    full = np.column_stack([np.ones(len(Z)), Z])
    ridge = np.full(len(beta), penalty)
    ridge[0] = 0.0

    def loss(b: Floats) -> float:
        eta = np.minimum(full @ b, 20.0)
        return float(np.sum(np.exp(eta) - y * eta) + ridge @ b**2 / 2)

    now = loss(beta)
    for _ in range(n_steps):
        mean = np.exp(np.minimum(full @ beta, 20.0))
        gradient = full.T @ (mean - y) + ridge * beta
        hessian = full.T @ (full * mean[:, None]) + np.diag(ridge + 1e-8)
        step, length = np.linalg.solve(hessian, gradient), 1.0
        while length > 1e-4 and loss(beta - length * step) > now:
            length /= 2
        beta = beta - length * step
        before, now = now, loss(beta)
        if before - now < 1e-8 * max(1.0, abs(now)):
            break
    return float(beta[0]), beta[1:]
