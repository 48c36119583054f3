"""How many purchases and how much money the horizon may bring."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from clientcare.history.histories import Histories
from clientcare.model.members.base import Floats
from clientcare.model.training.counts import Counts
from clientcare.model.training.encoding import columns_by_name
from clientcare.model.training.prices import PriceMoves, price_signs, price_windows
from clientcare.window import MICROSECONDS_A_DAY

DAYS_A_MONTH = 365.25 / 12
FEWEST_ROWS = 20
USUAL_MOVE = 0.1


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
    return n_purchases[positions], np.asarray(spend[positions], dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Standing:
    """What is known of a buyer's money and contracts at a date; arrays of shape (n_rows,).

    Attributes
    ----------
    mean_amount, n_amounts : float64
        The mean amount of a purchase so far, returns taken off (NaN: none known), and how many purchases it is
        the mean of.
    under_contract : bool
        Whether a contract is in force.
    monthly_amount : float64
        What the contracts in force bring a month; 0 without one.
    days_left : float64 or None
        Days for which the one contract in force still runs, its end or the end of service under notice; NaN where there is
        none, or are several. None: not known of anybody.
    """

    mean_amount: Floats
    n_amounts: Floats
    under_contract: NDArray[np.bool_]
    monthly_amount: Floats
    days_left: Floats | None = None

    @classmethod
    def of(cls, column: Callable[[str], Floats]) -> Self:
        """Read off the model's columns, each had by its name.

        The mean amount counts what was kept: an order that was cancelled or sent back brought nothing.
        """
        bought, kept = column("total_spent"), column("net_spent")
        with np.errstate(invalid="ignore", divide="ignore"):
            share_kept = np.where(bought > 0, np.clip(kept / bought, 0.0, 1.0), 1.0)
        return cls(
            column("purchase_amount_mean") * share_kept,
            np.nan_to_num(column("n_purchases")),
            column("has_contract_in_force") > 0,
            np.nan_to_num(column("monthly_amount_in_force")),
            np.where(column("n_contracts_in_force") == 1, _days_left(column("days_to_contract_end")), np.nan),
        )

    def take(self, rows: Any) -> Standing:
        """Some of the rows."""
        return Standing(
            self.mean_amount[rows],
            self.n_amounts[rows],
            self.under_contract[rows],
            self.monthly_amount[rows],
            None if self.days_left is None else self.days_left[rows],
        )

    def fees(self, horizon_days: int) -> tuple[Floats, Floats]:
        """What the contracts bring within a horizon of who stays, and of who leaves in it; shape (n_rows,) each."""
        whole = self.monthly_amount * (horizon_days / DAYS_A_MONTH)
        if self.days_left is None:
            return whole, whole / 2
        ends = self.days_left < horizon_days
        return whole, np.where(ends, self.monthly_amount * (self.days_left / DAYS_A_MONTH), whole / 2)


class PurchaseAmounts:
    """Expected purchases and spend of a buyer, given the risk to leave.

    Without a contract, ``expected_purchases = c (1 - churn_risk) (1 + extra)``, ``extra`` being the
    mean number of purchases beyond the first of those who buy at all, and c the factor that brings the
    present total to what the probability model expects. Under contract, silence is no leaving: the
    mean number of purchases of such buyers. ``expected_spend`` is the expected purchases times the
    buyer's own mean amount, drawn towards everybody's where few amounts are known, moved by what the latest
    amounts say of the next ones (:class:`~clientcare.model.training.prices.PriceMoves`), times the share by
    which past horizons came out higher or lower (drawn towards 1 as far as few large buyers made it); plus
    the contracts' monthly amounts over the horizon; who leaves brings them until the end of the term or the service
    where it lies within the horizon, else half of them: who leaves at an unknown day, leaves halfway.

    Parameters
    ----------
    names : list of str
        The model's columns.
    columns : list of str
        Those that say how much a buyer buys.
    horizon_days : int
    """

    def __init__(self, names: list[str], columns: list[str], horizon_days: int) -> None:
        self.names, self.columns = names, [name for name in columns if name in names]
        self.horizon_days = horizon_days
        self.place = [names.index(name) for name in self.columns]
        self.extra, self.bound = Counts(), Counts()
        self.sells, self.has_amounts, self.has_fees = bool(self.columns), False, False
        self.scale = 1.0
        self.prices = PriceMoves(price_windows(names))
        self.common_amount, self.level, self.prior_amounts = float("nan"), 1.0, 1.0

    def fit(
        self,
        X: Floats,
        n_purchases: Floats,
        spend: Floats,
        standing: Standing,
        buyer: NDArray[np.int64] | None = None,
        rows: NDArray[np.int64] | None = None,
    ) -> Self:
        """Learn from past horizons of shape (n_rows,); ``standing`` as known before them, ``buyer`` the same
        number for rows of the same buyer (default: each row is a buyer), ``rows`` those of X that all this is of (default:
        all; of the others no copy is made).
        """
        rows = np.arange(len(X)) if rows is None else rows
        bound = standing.under_contract
        buying = (n_purchases > 0) & ~bound
        self.extra.fit(_cells(X, rows[buying], self.place), n_purchases[buying] - 1)
        self.bound.fit(_cells(X, rows[bound], self.place), n_purchases[bound])
        buyer = np.arange(len(rows)) if buyer is None else buyer
        self._fit_amounts(X, rows, n_purchases, spend, standing, buyer)
        self.has_fees = bool((standing.monthly_amount > 0).any())
        return self

    def anchor(
        self,
        X: Floats,
        churn_risk: Floats,
        standing: Standing,
        expected: Floats,
        came_to_expected: float = 1.0,
    ) -> Self:
        """Bring the total of the present buyers to what the probability model expects of them.

        The counts were learned when a cohort was younger; the probability model ages it. Without
        contract only, and only where no season is known: the probability model has none, and its total would
        undo the season that the risks already hold.

        Parameters
        ----------
        X, churn_risk, standing
            The buyers as they stand now.
        expected : float64 array of shape (n_rows,)
            The probability model's expected purchases; NaN where it does not know a buyer.
        came_to_expected : float
            What came at the latest past date over what it expects there. It takes purchases for random in time
            and is off by a third where they come by the clock.
        """
        self.scale = 1.0
        ours, _ = self.expected(X, churn_risk, standing)
        both = np.isfinite(ours) & np.isfinite(expected) & ~standing.under_contract
        if both.any() and ours[both].sum() > 0:
            ratio = came_to_expected * float(expected[both].sum() / ours[both].sum())
            self.scale = float(np.clip(ratio, 0.5, 2.0))
        return self

    def _fit_amounts(
        self,
        X: Floats,
        rows: NDArray[np.int64],
        n_purchases: Floats,
        spend: Floats,
        standing: Standing,
        buyer: NDArray[np.int64],
    ) -> None:
        mean_amount, n_amounts = standing.mean_amount, standing.n_amounts
        known = ~np.isnan(mean_amount) & (n_amounts > 0)
        self.has_amounts = bool(known.any())
        if known.any():
            self.common_amount = float(np.average(mean_amount[known], weights=n_amounts[known]))
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
        price = self._drawn(mean_amount[later], n_amounts[later], self.prior_amounts)
        column = columns_by_name(X, self.names, rows[later])
        signs = price_signs(column, self.prices.windows)
        self.prices.fit(signs, n_purchases[later], spend[later], price, buyer[later])
        expected = n_purchases[later] * price * self.prices.factor(column)
        self.level = float(spend[later].sum() / expected.sum())
        self.level = _drawn_to_one(self.level, spend[later], expected, buyer[later])

    def _drawn(self, mean_amount: Floats, n_amounts: Floats, prior: float) -> Floats:
        mean = np.where(np.isnan(mean_amount), self.common_amount, mean_amount)
        n = np.where(np.isnan(mean_amount), 0.0, n_amounts)
        return np.asarray((prior * self.common_amount + n * mean) / (prior + n))

    def expected(self, X: Floats, churn_risk: Floats, standing: Standing) -> tuple[Floats, Floats]:
        """Expected purchases and spend; shape (n_rows,) each.

        Purchases are NaN where the histories hold no transactions, spend where no amounts were ever known.
        """
        purchases, spend, _ = self.expected_and_kept(X, churn_risk, standing)
        return purchases, spend

    def expected_and_kept(
        self, X: Floats, churn_risk: Floats, standing: Standing
    ) -> tuple[Floats, Floats, Floats]:
        """Expected purchases, expected spend, and the spend of those who stay; shape (n_rows,) each.

        Who stays brings ``expected_spend / (1 - churn_risk)`` from purchases and the whole of the contracts' amounts;
        who leaves brings nothing more from purchases, and of the contracts what is due until they end
        (:meth:`Standing.fees`).
        """
        unknown, few = np.full(len(X), np.nan), X[:, self.place]
        stays, purchases = np.maximum(1 - churn_risk, 0.0), unknown
        if_stays = unknown
        if self.sells:
            if_stays = self.scale * (1 + self.extra.expected(few))
            purchases = stays * if_stays
        if self.sells and standing.under_contract.any():
            bound = self.bound.expected(few)
            purchases = np.where(standing.under_contract, bound, purchases)
            if_stays = np.where(standing.under_contract, bound, if_stays)
        spend, kept = unknown, unknown
        if (
            self.has_fees and not self.has_amounts
        ):  # a contract that ended brings nothing more; one without amount is unknown
            unpriced = np.isnan(columns_by_name(X, self.names)("monthly_amount_in_force"))
            spend = kept = np.where(standing.under_contract & unpriced, np.nan, 0.0)
        if self.has_amounts:
            price = self._drawn(standing.mean_amount, standing.n_amounts, self.prior_amounts)
            price = price * self.prices.factor(columns_by_name(X, self.names))
            spend = purchases * price * self.level
            kept = if_stays * price * self.level
        fees, of_leavers = standing.fees(self.horizon_days)
        pays = standing.monthly_amount > 0
        return (
            purchases,
            np.where(pays, np.nan_to_num(spend) + fees - churn_risk * (fees - of_leavers), spend),
            np.where(pays, np.nan_to_num(kept) + fees, kept),
        )

    def get_state(self) -> dict[str, Any]:
        """Everything learned, as numbers, texts and arrays."""
        parts = {name: getattr(self, name).get_state() for name in ("extra", "bound", "prices")}
        return dict(vars(self)) | parts

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """The amounts that :meth:`get_state` told of."""
        amounts = cls(list(state["names"]), list(state["columns"]), state["horizon_days"])
        for name, value in state.items():
            if name in ("extra", "bound"):
                value = Counts.from_state(value)
            elif name == "prices":
                value = PriceMoves(list(value["windows"]), np.asarray(value["coefficients"], dtype=float))
            setattr(amounts, name, value)
        return amounts


def _cells(X: Floats, rows: NDArray[np.int64], columns: list[int]) -> Floats:
    """Some rows of some columns, column-major."""
    return X.T[np.array(columns, dtype=np.int64)[:, None], rows].T


def _days_left(to_last_day: Floats) -> Floats:
    """Days with the last day counted; none where that day has come."""
    return np.where(to_last_day > 0, to_last_day + 1, to_last_day)


def came_to_expected(came: Floats, expected: Floats | None, standing: Standing) -> float:
    """What came over what was expected at a past date, of buyers without contract; 1 where nothing can be said.

    Drawn to 1 as far as few purchases tell of it.
    """
    if expected is None:
        return 1.0
    both = np.isfinite(expected) & ~standing.under_contract
    total = float(expected[both].sum())
    return float((came[both].sum() + FEWEST_ROWS) / (total + FEWEST_ROWS)) if total > 0 else 1.0


def _drawn_to_one(level: float, spend: Floats, expected: Floats, buyer: NDArray[np.int64]) -> float:
    """A ratio of totals, less of it the more it rests on single buyers.

    Its standard error is counted over buyers, so that one who spends as much as all others together makes it
    large; amounts a purchase are expected to move by some tenth between horizons.
    """
    if not level > 0:
        return 1.0
    missed = np.bincount(buyer, spend - level * expected)
    error = float(np.sqrt(np.sum(missed**2))) / float(expected.sum()) / level
    return float(level ** (USUAL_MOVE**2 / (USUAL_MOVE**2 + error**2)))
