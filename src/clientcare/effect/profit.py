"""Deciding with money: what contacting the riskiest or the most responsive buyers earns, and how many to
contact.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from clientcare.book import churn_risk_of, numbers_by_buyer
from clientcare.exceptions import InputError, NotEnoughDataError, OptionError
from clientcare.facts.contacts import Floats, Ints


@dataclass(frozen=True)
class ExpectedMaximumProfit:
    """What :func:`empc` found.

    Attributes
    ----------
    profit : float
        Expected maximum profit a buyer of the whole base (EMPC), in the money of ``value``.
    share : float
        Share of the base to contact, on average over what the offer's success may be.
    """

    profit: float
    share: float


def empc(
    churned: Any,
    churn_risk: Any,
    *,
    alpha: float = 6.0,
    beta: float = 14.0,
    value: float = 200.0,
    offer: float = 10.0,
    contact: float = 1.0,
) -> ExpectedMaximumProfit:
    """Expected maximum profit of a retention campaign that contacts the riskiest buyers first (EMPC).

    Everybody contacted costs ``contact``; a leaver takes the offer with a probability g, stays and is worth
    ``value`` less the offer; everybody else takes the offer and would have stayed anyway. The profit a buyer
    of the base, with the buyers above a line contacted, is ``(g (value - offer) - contact) pi F1 - (offer +
    contact) (1 - pi) F0``, with pi the share of leavers and F1, F0 the shares of leavers and stayers above
    the line. For each g the best line is taken; g is spread as Beta(``alpha``, ``beta``). The integral is
    exact: between two corners of the convex hull of the ROC curve one line is best, and profit is linear in
    g.

    Parameters
    ----------
    churned : array of 0 and 1, shape (n_buyers,)
        What happened.
    churn_risk : array of shape (n_buyers,)
        The score that ranks; higher is riskier.
    alpha, beta : float
        Of the probability that a leaver takes the offer; mean ``alpha / (alpha + beta)``, 0.3 by default.
    value, offer, contact : float
        What a kept buyer is worth, what the offer and the contact cost.

    Returns
    -------
    ExpectedMaximumProfit

    Raises
    ------
    NotEnoughDataError
        Where nobody or everybody left.
    OptionError
        Where costs or shapes make no sense.

    References
    ----------
    T. Verbraken, W. Verbeke, B. Baesens (2013), "A novel profit maximizing metric for measuring
    classification performance of customer churn prediction models", IEEE Transactions on Knowledge and Data
    Engineering 25(5), with the defaults used here.

    Examples
    --------
    >>> found = empc([1, 1, 0, 0], [0.9, 0.8, 0.2, 0.1])
    >>> round(found.profit, 4), round(found.share, 4)
    (28.0, 0.5)
    """
    from scipy.special import betainc

    left, risk = _paired(churned, churn_risk)
    if min(alpha, beta, value, contact) <= 0 or offer < 0 or value <= offer:
        raise OptionError(
            "empc: alpha, beta, value and contact must be above 0, and the offer between 0 and the value."
        )
    pi = float(left.mean())
    above1, above0 = _hull(left, risk)
    gain, cost = (value - offer) * pi, offer + contact
    # the g at which the next corner becomes as good as this one, ascending along the hull
    step1, step0 = np.diff(above1), np.diff(above0)
    turn = (contact * pi * step1 + cost * (1 - pi) * step0) / np.where(step1 > 0, gain * step1, np.nan)
    turn = np.where(np.isnan(turn), np.inf, turn)
    edges = np.clip(np.concatenate([[0.0], turn, [1.0]]), 0.0, 1.0)
    edges = np.maximum.accumulate(edges)
    mass = np.diff(betainc(alpha, beta, edges))
    moment = alpha / (alpha + beta) * np.diff(betainc(alpha + 1, beta, edges))
    fixed = contact * pi * above1 + cost * (1 - pi) * above0
    profit = (gain * above1 * moment - fixed * mass).sum()
    share = ((pi * above1 + (1 - pi) * above0) * mass).sum()
    return ExpectedMaximumProfit(float(profit), float(share))


def _hull(left: Floats, risk: Floats) -> tuple[Floats, Floats]:
    """Corners of the upper convex hull of the ROC curve: shares of leavers and of stayers above each line,
    ascending.
    """
    order = np.argsort(-risk, kind="stable")
    ranked, truth = risk[order], left[order]
    last = np.concatenate([ranked[1:] != ranked[:-1], [True]])
    tp = np.concatenate([[0.0], np.cumsum(truth)[last]])
    fp = np.concatenate([[0.0], np.cumsum(1 - truth)[last]])
    corners: list[int] = []
    for i in range(len(tp)):
        while len(corners) >= 2:
            a, b = corners[-2], corners[-1]
            if (tp[b] - tp[a]) * (fp[i] - fp[a]) > (tp[i] - tp[a]) * (fp[b] - fp[a]):
                break
            corners.pop()
        corners.append(i)
    kept = np.array(corners)
    return tp[kept] / tp[-1], fp[kept] / fp[-1]


def _paired(churned: Any, churn_risk: Any) -> tuple[Floats, Floats]:
    try:
        left, risk = np.asarray(churned, dtype=np.float64), np.asarray(churn_risk, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError("empc: outcomes must be 0 or 1 and risks known, found what is no number.") from None
    if left.shape != risk.shape or left.ndim != 1:
        raise InputError(f"empc: outcomes of shape {left.shape} and risks of shape {risk.shape} do not pair.")
    if np.isnan(left).any() or np.isnan(risk).any() or not np.isin(left, (0, 1)).all():
        raise InputError("empc: outcomes must be 0 or 1 and risks known.")
    if left.min(initial=1) == left.max(initial=0) or not len(left):
        raise NotEnoughDataError("empc: nobody or everybody left, so nothing can be ranked.")
    return left, risk


@dataclass(frozen=True, eq=False, repr=False)
class ProfitCurve:
    """What :func:`profit_curve` found.

    Attributes
    ----------
    curve : DataFrame, index ``n_contacted`` (0, 1, ..., all)
        ``share``, ``cost``, ``value_kept``, ``profit``; all expected, cumulated over the buyers in their
        order.
    order : Index
        The buyers, first to contact first.
    best_n, best_share, best_profit : int, float, float
        Where the profit is highest within the budget.
    budget : float or None
    """

    curve: pd.DataFrame
    order: pd.Index
    best_n: int
    best_share: float
    best_profit: float
    budget: float | None

    @property
    def chosen(self) -> pd.Index:
        """The buyers to contact."""
        return self.order[: self.best_n]

    @property
    def sentence(self) -> str:
        """The decision in plain words."""
        limit = "" if self.budget is None else f" within a budget of {self.budget:,.2f}"
        if not self.best_n:
            return f"No contact pays for itself{limit}."
        return (
            f"Contact the first {self.best_n:,} of {len(self.order):,} buyers ({self.best_share:.0%}){limit}: "
            f"an expected profit of {self.best_profit:,.2f}."
        )

    def __repr__(self) -> str:
        return self.sentence

    def _repr_html_(self) -> str:
        return f"<p>{escape(self.sentence)}</p>"


def profit_curve(
    book: pd.DataFrame,
    *,
    effect: pd.Series[Any] | float,
    value: pd.Series[Any] | float | str = "expected_spend",
    contact_cost: float = 1.0,
    offer_cost: float = 0.0,
    budget: float | None = None,
    order_by: str = "profit",
) -> ProfitCurve:
    """What contacting one buyer after the other is expected to earn, and where to stop.

    The expected profit of one contact is ``effect * value - contact_cost - offer_cost * (1 - churn_risk +
    effect)``: a buyer takes the offer who is kept or would have stayed.

    Parameters
    ----------
    book : DataFrame, index ``buyer_id``
        With ``churn_risk``.
    effect : Series by ``buyer_id``, or float
        The drop in the probability of churn that a contact brings. A single number is taken as a share of
        the risk: 0.3 says that three of ten leavers would stay.
    value : column of the book, Series or float
        What a kept buyer is worth; unknown counts as 0.
    contact_cost, offer_cost : float
        Of each contact, and of each offer taken.
    budget : float, optional
        The most that contacts and offers may cost.
    order_by : {"profit", "effect", "risk", "value"}
        Who comes first.

    Raises
    ------
    OptionError
        Where an option has no meaning.
    InputError
        Where the book is no table with one row a buyer, or lacks a column.

    Examples
    --------
    >>> book = pd.DataFrame({"churn_risk": [0.8, 0.5, 0.1]}, index=["a", "b", "c"])
    >>> curve = profit_curve(book, effect=0.3, value=100.0, contact_cost=10.0)
    >>> curve.best_n, round(curve.best_profit, 2), list(curve.chosen)
    (2, 19.0, ['a', 'b'])
    """
    risk = np.nan_to_num(churn_risk_of(book, "profit_curve"))
    if contact_cost < 0 or offer_cost < 0 or (budget is not None and budget < 0):
        raise OptionError("profit_curve: costs and budget cannot be negative.")
    drop = effect * risk if isinstance(effect, (int, float)) else _aligned(effect, book, "effect")
    drop = np.clip(drop, -1.0, risk)
    worth = _worth(value, book)
    cost = contact_cost + offer_cost * np.clip(1 - risk + drop, 0, 1)
    profit = drop * worth - cost
    orders = {"profit": profit, "effect": drop, "risk": risk, "value": worth}
    if order_by not in orders:
        raise OptionError(f"profit_curve: order_by={order_by!r} is not known. Use one of {list(orders)}.")
    order = np.lexsort((np.arange(len(risk)), -orders[order_by]))
    return _curve(book.index, order, cost, drop * worth, budget)


def _curve(index: pd.Index, order: Ints, cost: Floats, kept: Floats, budget: float | None) -> ProfitCurve:
    def running(values: Floats) -> Floats:
        return np.concatenate([[0.0], np.cumsum(values[order])])

    spent, saved = running(cost), running(kept)
    n = np.arange(len(order) + 1)
    curve = pd.DataFrame(
        {"share": n / max(len(order), 1), "cost": spent, "value_kept": saved, "profit": saved - spent},
        index=pd.Index(n, name="n_contacted"),
    )
    allowed = np.ones(len(n), dtype=bool) if budget is None else spent <= budget + 1e-9
    best = int(np.argmax(np.where(allowed, saved - spent, -np.inf)))
    return ProfitCurve(
        curve,
        index.take(order),
        best,
        float(curve["share"].iloc[best]),
        float(curve["profit"].iloc[best]),
        budget,
    )


def _aligned(series: pd.Series[Any], book: pd.DataFrame, name: str) -> Floats:
    return np.nan_to_num(numbers_by_buyer(series, book.index, "profit_curve", name))


def _worth(value: pd.Series[Any] | float | str, book: pd.DataFrame) -> Floats:
    if isinstance(value, str):
        if value not in book:
            raise InputError(
                f"profit_curve: the book has no column {value!r}; give value as a number or a Series."
            )
        return _aligned(book[value], book, value)
    return (
        _aligned(value, book, "value") if isinstance(value, pd.Series) else np.full(len(book), float(value))
    )
