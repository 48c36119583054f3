"""What buyers are expected to spend: how often, times how much."""

from __future__ import annotations

from typing import Any

import pandas as pd

from clientcare.btyd.base import BuyingModel
from clientcare.btyd.gamma_gamma import GammaGamma


def expected_spend(buying: BuyingModel, spend: GammaGamma, X: pd.DataFrame, horizon: Any) -> pd.Series:
    """Expected spend of each buyer in the coming horizon.

    Parameters
    ----------
    buying : fitted model of buying
    spend : fitted Gamma-Gamma model
    X : DataFrame of :func:`purchase_summary`
    horizon : number of days, text such as '90D', or one a row

    Returns
    -------
    Series of shape (n_buyers,), in the currency of the table

    Examples
    --------
    >>> from clientcare.btyd import BGNBD
    >>> X = pd.DataFrame({"n_repeat_purchases": [2], "days_first_to_last_purchase": [30.43],
    ...                   "days_since_first_purchase": [38.86], "mean_purchase_amount": [20.0]})
    >>> buying = BGNBD.from_parameters(r=0.243, alpha=4.414, a=0.793, b=2.426)
    >>> expected_spend(buying, GammaGamma.from_parameters(p=6.25, q=3.74, v=15.44), X, 39).round(1).tolist()
    [27.9]
    """
    return pd.Series(
        (buying.expected_purchases(X, horizon) * spend.expected_amount(X)).rename("expected_spend")
    )


def discounted_value(
    buying: BuyingModel,
    spend: GammaGamma,
    X: pd.DataFrame,
    yearly_rate: float,
    horizon: Any = None,
    unit_days: float = 1.0,
) -> pd.Series:
    """Expected spend to come, discounted to now; None for ``horizon`` means all time to come.

    Parameters
    ----------
    buying, spend : fitted models
    X : DataFrame of :func:`purchase_summary`
    yearly_rate : float
        0.1 = ten per cent a year.
    horizon : optional
    unit_days : float
        Days in the unit of the table: 1 for days, 7 for weeks.

    Returns
    -------
    Series of shape (n_buyers,), in the currency of the table
    """
    purchases = buying.discounted_purchases(X, yearly_rate, horizon, unit_days)
    return pd.Series((purchases * spend.expected_amount(X)).rename("discounted_value"))
