"""What each buyer may bring within the coming years, as a range, with what it assumes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clientcare.arguments import is_number, require_seed
from clientcare.exceptions import NotEnoughDataError, OptionError
from clientcare.history import Histories, require_histories
from clientcare.model import RelationshipModel
from clientcare.money.contract_value import ContractsToCome, contracts_to_come
from clientcare.money.purchase_value import PurchasesToCome, purchases_to_come
from clientcare.window import Moment, parse_moment

N_DRAWS = 400
"""Futures drawn for each buyer: the ends of an interval that holds 90 % rest on twenty draws each."""
LEVEL = (0.05, 0.95)
MOST_YEARS = 20
BLOCK = 5000
"""Buyers drawn at once: some 16 MB a table of futures."""
COLUMNS = ("value", "low", "high", "from_contracts", "from_purchases")
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class BuyerValues:
    """What buyers may bring within stated years.

    Attributes
    ----------
    as_of : Timestamp
    years, yearly_rate : float
    table : DataFrame, index ``buyer_id``, highest value first
        ``value`` (expected, discounted to ``as_of``), ``low`` and ``high`` (90 % of what the buyer may bring),
        ``from_contracts`` and ``from_purchases`` (the two parts of ``value``).
    total, total_low, total_high : float
        Of all buyers together.
    assumes : tuple of str
        What the figures rest on, in sentences.
    """

    as_of: pd.Timestamp
    years: float
    yearly_rate: float
    table: pd.DataFrame
    total: float
    total_low: float
    total_high: float
    assumes: tuple[str, ...]

    def __repr__(self) -> str:
        lines = [
            f"Value as of {self.as_of:%Y-%m-%d}: {len(self.table):,} buyers may bring {self.total_low:,.0f} to "
            f"{self.total_high:,.0f} within {self.years:g} years (expected {self.total:,.0f}, discounted at "
            f"{self.yearly_rate:.0%} a year).",
            *(f"- {sentence}" for sentence in self.assumes),
        ]
        return "\n".join(lines)


def buyer_value(
    model: RelationshipModel,
    histories: Histories,
    as_of: Moment | None = None,
    *,
    years: float = 3.0,
    yearly_rate: float = 0.1,
    random_state: int = 0,
) -> BuyerValues:
    """Discounted value of each buyer within stated years, with an interval.

    Contracts bring their amount a month until they are left: within the model's horizon with the chance that the model
    gives, later as past terms were left, at their ends and between. Purchases come as a probability model of buying and
    one of amounts say (Pareto/NBD and Gamma-Gamma), their level brought to what the model expects within its horizon.
    Futures are drawn for each buyer, and the interval holds 90 % of them: it is about what a single buyer brings, and is
    wide.

    Parameters
    ----------
    model : RelationshipModel
        Fitted.
    histories : Histories
    as_of : date, optional
        Nothing at or after it is seen; default: the end of what was observed.
    years : float
        How far to look; more than the history is long is said.
    yearly_rate : float
        What money a year later is worth less.
    random_state : int
        The draws behind the intervals.

    Returns
    -------
    BuyerValues

    Raises
    ------
    OptionError
        Where years or the rate make no sense.
    NotEnoughDataError
        Where no amounts are known.

    Examples
    --------
    >>> import clientcare as cc
    >>> firm = cc.datasets.simulate_histories("service_firm", n_buyers=80, random_state=3).histories
    >>> model = cc.RelationshipModel(horizon="90D", effort="quick", random_state=0).fit(firm, as_of="2024-03-01")
    >>> worth = cc.buyer_value(model, firm, "2024-03-01", years=2)
    >>> worth.table.columns.tolist()
    ['value', 'low', 'high', 'from_contracts', 'from_purchases']
    """
    require_histories(histories, "buyer_value")
    require_seed("buyer_value: random_state", random_state)
    if not (is_number(years) and 0 < years <= MOST_YEARS):
        raise OptionError(f"buyer_value: years lies above 0 and is at most {MOST_YEARS}.")
    if not (is_number(yearly_rate) and 0 <= yearly_rate < 1):
        raise OptionError("buyer_value: yearly_rate lies in [0, 1); 0.1 is ten per cent a year.")
    moment = histories.observed_until if as_of is None else parse_moment(as_of, histories.timezone)
    known = histories.until(moment)
    book = model.score(known, as_of=moment).sort_index()
    rng = np.random.default_rng(random_state)
    terms = contracts_to_come(known, book, moment, N_DRAWS, rng)
    bought = purchases_to_come(known, book, moment, N_DRAWS, rng)
    if terms is None and bought is None:
        raise NotEnoughDataError(
            "buyer_value: no contract in force has an amount, and too few buyers bought twice at known amounts.\n"
            "Give transactions or contracts with a column 'amount'."
        )
    columns, total = _drawn(terms, bought, len(book), (float(years), float(yearly_rate)), rng)
    table = pd.DataFrame(columns, index=book.index)
    assumes = [sentence for part in (terms, bought) if part is not None for sentence in part.assumes]
    seen = (moment - known.observed_from) / pd.Timedelta(days=365.25)
    if years > seen:
        assumes.append(f"The history is {seen:.1f} years long: what comes after that was never seen.")
    low, high = np.quantile(total, LEVEL)
    return BuyerValues(
        as_of=moment,
        years=float(years),
        yearly_rate=float(yearly_rate),
        table=table.sort_values("value", ascending=False, kind="stable"),
        total=float(total.mean()),
        total_low=float(low),
        total_high=float(high),
        assumes=(*assumes, "Nobody new comes, and prices stay as they are."),
    )


def _drawn(
    terms: ContractsToCome | None,
    bought: PurchasesToCome | None,
    n_buyers: int,
    ahead: tuple[float, float],
    rng: np.random.Generator,
) -> tuple[dict[str, Floats], Floats]:
    """The columns of the table, and the money of all buyers in each future; block after block, so that memory is bounded."""
    columns = {name: np.zeros(n_buyers) for name in COLUMNS}
    total = np.zeros(N_DRAWS)
    for first in range(0, n_buyers, BLOCK):
        last = min(first + BLOCK, n_buyers)
        both = np.zeros((last - first, N_DRAWS))
        for name, part in (("from_contracts", terms), ("from_purchases", bought)):
            if part is not None:
                money = part.drawn(first, last, *ahead, rng)
                columns[name][first:last] = money.mean(axis=1)
                both += money
        columns["value"][first:last] = both.mean(axis=1)
        columns["low"][first:last], columns["high"][first:last] = np.quantile(both, LEVEL, axis=1)
        total += both.sum(axis=0)
    return columns, total
