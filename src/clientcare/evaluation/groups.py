"""What came of clients and of customers, and of the thirds of dependence: did they stay, refer others, spend?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from clientcare.facts.contacts import Contacts
from clientcare.history.histories import Histories
from clientcare.outcomes.buying import Buying
from clientcare.outcomes.churn import ChurnDefinition
from clientcare.window import microseconds

THIRDS = ("least dependent third", "middle third", "most dependent third")
FEWEST = 3
"""Below three buyers there are no thirds."""
Z = {0.8: 1.2816, 0.9: 1.6449, 0.95: 1.96, 0.99: 2.5758}


def came_of_groups(
    histories: Histories, date: pd.Timestamp, book: pd.DataFrame, churn: ChurnDefinition, z: float = Z[0.9]
) -> list[dict[str, Any]]:
    """Of the buyers who were here at a date, what came within the horizon, by class and by third of dependence.

    Parameters
    ----------
    histories : Histories
        With the horizon observed.
    date : Timestamp
    book : DataFrame indexed by buyer_id
        As it was made at the date: ``relationship``, ``status``, ``dependence``; what is missing gives no rows.
    churn : ChurnDefinition
    z : float
        Standard errors to either side of the share that stayed (Wilson's interval).

    Returns
    -------
    list of dict
        ``as_of``, ``by`` (``class`` or ``dependence``), ``group``, ``n_buyers``, ``stayed`` with ``stayed_low`` and
        ``stayed_high``, ``referred`` (the share who referred somebody; NaN where no referral is recorded), ``spend`` (mean
        of purchases less returns; NaN where no amounts are known).
    """
    groups = _groups(book)
    if not groups:
        return []
    came = _came(histories.until(date + pd.Timedelta(days=churn.horizon_days)), date, churn)
    rows = []
    for by, group, buyers in groups:
        seen = came.reindex(buyers)
        n, stayed = len(seen), float(seen["stayed"].mean())
        low, high = wilson(stayed, n, z)
        rows.append(
            {
                "as_of": date, "by": by, "group": group, "n_buyers": n, "stayed": stayed, "stayed_low": low,
                "stayed_high": high, "referred": float(seen["referred"].mean()), "spend": float(seen["spend"].mean()),
            }
        )  # fmt: skip
    return rows


def wilson(share: float, n: int, z: float) -> tuple[float, float]:
    """Wilson's interval of a share.

    Examples
    --------
    >>> low, high = wilson(0.9, 100, 1.6449)
    >>> round(low, 3), round(high, 3)
    (0.84, 0.939)
    """
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * float(np.sqrt(share * (1 - share) / n + z * z / (4 * n * n)))
    return middle - half, middle + half


def separates(rows: pd.DataFrame) -> bool:
    """Whether, at one date, the interval of the most dependent third lies above that of the least dependent.

    Examples
    --------
    >>> rows = pd.DataFrame({"group": list(THIRDS), "stayed_low": [0.5, 0.6, 0.8], "stayed_high": [0.6, 0.7, 0.9]})
    >>> separates(rows)
    True
    """
    most = rows.loc[rows["group"] == THIRDS[2], "stayed_low"].to_numpy(dtype=np.float64)
    least = rows.loc[rows["group"] == THIRDS[0], "stayed_high"].to_numpy(dtype=np.float64)
    return bool(most[0] > least[0])


def _groups(book: pd.DataFrame) -> list[tuple[str, str, pd.Index]]:
    """The groups among those who were here; by dependence only who shows any."""
    here = book[book["status"].astype(str) != "gone"] if "status" in book else book
    groups = []
    if "relationship" in here:
        for name in ("client", "customer"):
            some = here.index[here["relationship"].astype(str) == name]
            groups += [("class", name, some)] if len(some) else []
    if "dependence" in here:
        known = here["dependence"].dropna().sort_values(kind="stable")
        if known.nunique() >= FEWEST:
            parts = np.array_split(np.arange(len(known)), len(THIRDS))
            groups += [
                ("dependence", name, known.index[part]) for name, part in zip(THIRDS, parts, strict=True)
            ]
    return groups


def _came(histories: Histories, date: pd.Timestamp, churn: ChurnDefinition) -> pd.DataFrame:
    """Of each buyer known at a date, what came until the end of what the histories hold."""
    start, end = microseconds(date), microseconds(histories.observed_until)
    stayed = ~churn.label(histories, date)
    referred = np.full(len(histories.buyer_ids), np.nan)
    contacts = Contacts.known(histories, end)
    if contacts is not None:
        referrals = contacts.kept & contacts.kind("referral") & ~contacts.outbound
        if referrals.any():
            within = referrals & (contacts.time >= start)
            referred = (contacts.count(within) > 0).astype(np.float64)
    spend = Buying.known(histories, end).net_spend(start, end)
    told = pd.DataFrame({"referred": referred, "spend": spend}, index=histories.buyer_ids)
    return told.reindex(stayed.index).assign(stayed=stayed)
