"""The first buyers of a book as a list that fits a terminal."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
import pandas as pd

_ID, _STAGE, _RISK, _STAKE = 16, 17, 6, 10
_GAP = 2
LEAST_REASON = 20
"""Narrower than this a reason is a column of single words; the list then grows past the terminal instead."""


def list_of_buyers(book: pd.DataFrame, width: int = 80) -> str:
    """Id, stage, risk, what is at stake and the first reason, which goes on below itself where it is long.

    Parameters
    ----------
    book : DataFrame
        Buyers in the order in which they are to be shown.
    width : int
        Columns of the terminal; no line is wider.

    Returns
    -------
    str

    Examples
    --------
    >>> import pandas as pd
    >>> book = pd.DataFrame(
    ...     {"stage": ["fading customer"], "churn_risk": [0.83], "at_stake": [1200.4], "reason_1": ["silent for 90 days"]},
    ...     index=pd.Index(["a"], name="buyer_id"),
    ... )
    >>> print(list_of_buyers(book))
    buyer             stage                risk    at stake  first reason
    a                 fading customer      83 %       1,200  silent for 90 days
    """
    left = _ID + _STAGE + _RISK + _STAKE + 4 * _GAP
    room = max(width - left, LEAST_REASON)
    lines = [_line("buyer", "stage", "risk", "at stake", "first reason")]
    for row in book.reset_index().to_dict("records"):
        reason = textwrap.wrap(_plain(row["reason_1"]), room) or [""]
        lines.append(
            _line(
                _plain(row["buyer_id"]),
                str(row["stage"]),
                _percent(row["churn_risk"]),
                _amount(row["at_stake"]),
                reason[0],
            )
        )
        lines += [" " * left + more for more in reason[1:]]
    return "\n".join(lines)


def _line(buyer: str, stage: str, risk: str, stake: str, reason: str) -> str:
    cut = buyer if len(buyer) <= _ID else buyer[: _ID - 1] + "\u2026"
    gap = " " * _GAP
    return (
        f"{cut:<{_ID}}{gap}{stage:<{_STAGE}}{gap}{risk:>{_RISK}}{gap}{stake:>{_STAKE}}{gap}{reason}".rstrip()
    )


def _plain(value: Any) -> str:
    """A text on one line, without what a terminal would obey."""
    text = "" if value is None or value is pd.NA or value is pd.NaT else str(value)
    return "".join(char if char.isprintable() else " " for char in text)


def _percent(value: Any) -> str:
    return "" if np.isnan(value) else f"{100 * value:.0f} %"


def _amount(value: Any) -> str:
    return "" if np.isnan(value) else f"{value:,.0f}" if abs(value) < 1e9 else f"{value:.3g}"
