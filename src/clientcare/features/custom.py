"""Features of the user's own: in the table, the catalogue, the reasons and the leak test like any other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from clientcare.exceptions import OptionError
from clientcare.facts.runs import Floats
from clientcare.features.catalogue import Feature, add, catalogue_entries, describe, remove
from clientcare.features.shared_runs import SharedRuns
from clientcare.features.snapshot import Snapshot
from clientcare.features.table import column_of, given_columns
from clientcare.history.histories import Histories
from clientcare.window import Moment, parse_moment

TABLES = ("transactions", "interactions", "contracts")


def register_feature(
    compute: Callable[[Snapshot], Any],
    *,
    unit: str,
    nan_meaning: str,
    phrase: str,
    name: str | None = None,
    needs: str | Sequence[str] = "transactions",
) -> Feature:
    """Enter a feature computed by array operations on a snapshot; about as fast as our own.

    Parameters
    ----------
    compute : callable
        ``compute(snapshot)`` gives one number a buyer, an array of shape ``(snapshot.n_buyers,)``; NaN =
        unknown. Its name is the column, the first line of its docstring the summary. See :class:`Snapshot`
        for what it can use.
    unit, nan_meaning, phrase : str
        What it is counted in, what NaN says, and a sentence with names of columns in braces.
    name : str, optional
        The column, where it is not the function's name.
    needs : str or list of str
        Tables and columns (``"transactions.channel"``) without which the column is left out.

    Returns
    -------
    Feature
        Its entry in the catalogue, family ``custom``. :func:`forget_feature` takes it out again.

    Raises
    ------
    OptionError
        Where the name is taken, or something is missing.

    Examples
    --------
    >>> def n_large_purchases(at):
    ...     '''Purchases of 100 or more.'''
    ...     return at.purchases.tally(at.spent >= 100)
    >>> entry = register_feature(
    ...     n_large_purchases,
    ...     unit="purchases",
    ...     nan_meaning="never",
    ...     phrase="{n_large_purchases:.0f} purchases of 100 or more",
    ...     needs=["transactions", "transactions.amount"],
    ... )
    >>> entry.family
    'custom'
    >>> forget_feature("n_large_purchases")
    """
    entry = describe(compute, "custom", unit, needs, nan_meaning, phrase, name)
    add(entry)
    return entry


def register_aggregation(
    name: str,
    table: str,
    aggregate: Callable[[pd.DataFrame], pd.Series[Any]],
    *,
    unit: str,
    nan_meaning: str,
    phrase: str,
    summary: str,
    columns: Sequence[str] = (),
) -> Feature:
    """Enter a feature computed by pandas from the known rows of a table; convenient, and slower.

    Parameters
    ----------
    name : str
        The column.
    table : {"transactions", "interactions", "contracts"}
        The table that is aggregated.
    aggregate : callable
        ``aggregate(frame)`` gets the rows known before ``as_of`` (``buyer_id``, ``timestamp``, the columns)
        and gives a Series indexed by ``buyer_id``. A buyer who is not in it is NaN.
    unit, nan_meaning, phrase, summary : str
        As in :func:`register_feature`; ``summary`` is one line.
    columns : list of str
        Columns of the table without which the feature is left out.

    Raises
    ------
    OptionError
        Where the name is taken, or there is no such table.

    Examples
    --------
    >>> entry = register_aggregation(
    ...     "median_line_amount",
    ...     "transactions",
    ...     lambda rows: rows[rows["amount"] > 0].groupby("buyer_id")["amount"].median(),
    ...     unit="money",
    ...     nan_meaning="no known amount",
    ...     phrase="usually {median_line_amount:,.0f} a line",
    ...     summary="Median amount of a line bought.",
    ...     columns=["amount"],
    ... )
    >>> forget_feature("median_line_amount")
    """
    if table not in TABLES:
        raise OptionError(f"register_aggregation: no table {table!r}; there are {', '.join(TABLES)}.")

    def compute(at: Snapshot) -> Floats:
        result = aggregate(at.frame(table))
        if not isinstance(result, pd.Series):
            raise OptionError(f"feature {name!r}: its function must give a Series indexed by buyer_id.")
        return result.reindex(at.buyer_ids).to_numpy(dtype=np.float64, na_value=np.nan)

    compute.__doc__ = summary
    needs = (table, *(f"{table}.{column}" for column in columns))
    return register_feature(
        compute, unit=unit, nan_meaning=nan_meaning, phrase=phrase, name=name, needs=needs
    )


def register_prediction(
    name: str,
    predict: Callable[[pd.DataFrame], Any],
    *,
    unit: str,
    nan_meaning: str,
    phrase: str,
    summary: str,
) -> Feature:
    """Enter what a fitted model says of a buyer's purchase summary: the hook for probability models.

    Fit the model on facts before every ``as_of`` the table is asked for; the leak test cannot see into it. As
    features of the relationship model such predictions did not pay, so none is entered by default.

    Parameters
    ----------
    name : str
        The column.
    predict : callable
        Gets a DataFrame with ``n_repeat_purchases``, ``days_first_to_last_purchase``,
        ``days_since_first_purchase`` and ``mean_purchase_amount`` (NaN where unknown), one row a buyer with a
        purchase; gives one number each.
    unit, nan_meaning, phrase, summary : str
        As in :func:`register_feature`.

    Examples
    --------
    >>> entry = register_prediction(
    ...     "expected_visits",
    ...     lambda summary: summary["n_repeat_purchases"] * 0.1,
    ...     unit="purchases",
    ...     nan_meaning="no purchase yet",
    ...     phrase="{expected_visits:.1f} purchases expected",
    ...     summary="Purchases that a model expects.",
    ... )
    >>> forget_feature("expected_visits")
    """

    def compute(at: Snapshot) -> Floats:
        bought = at.n_purchases > 0
        out = np.full(at.n_buyers, np.nan)
        if bought.any():
            out[bought] = np.asarray(predict(_purchase_summary(at)[bought]), dtype=np.float64)
        return out

    compute.__doc__ = summary
    return register_feature(compute, unit=unit, nan_meaning=nan_meaning, phrase=phrase, name=name)


def forget_feature(name: str) -> None:
    """Take a feature of the user's own out of the catalogue.

    Raises
    ------
    OptionError
        Where there is none of that name.
    """
    if name not in {entry.name for entry in catalogue_entries("custom")}:
        raise OptionError(f"feature {name!r}: not one of the user's own.")
    remove(name)


def features_that_leak(histories: Histories, as_of: Moment, names: Sequence[str] | None = None) -> list[str]:
    """Features that change when everything at or after a date is taken away, or when other buyers are.

    Parameters
    ----------
    histories : Histories
        Should hold facts on both sides of the date.
    as_of : date
        The date of asking.
    names : list of str, optional
        Columns to look at; default the user's own.

    Returns
    -------
    list of str
        Names of the features that are not what they should be; empty where all is well. The family ``peers``
        looks across buyers on purpose, and is held to the first question alone.

    Examples
    --------
    >>> days = pd.to_datetime(["2024-01-01", "2024-03-01", "2024-01-01"])
    >>> histories = Histories(pd.DataFrame({"buyer_id": [1, 1, 2], "timestamp": days}))
    >>> def n_purchases_ever(at):
    ...     '''A mistake: it counts what is still to come.'''
    ...     return np.bincount(at.histories.events("transactions").buyer)[at.buyers]
    >>> entry = register_feature(
    ...     n_purchases_ever, unit="purchases", nan_meaning="never", phrase="{n_purchases_ever:.0f} in all"
    ... )
    >>> features_that_leak(histories, "2024-02-01")
    ['n_purchases_ever']
    >>> forget_feature("n_purchases_ever")
    """
    moment = parse_moment(as_of, histories.timezone)
    given = given_columns(histories)
    entries = [entry for entry in catalogue_entries() if given.issuperset(entry.needs)]
    entries = [
        entry for entry in entries if (entry.family == "custom" if names is None else entry.name in names)
    ]
    whole = _columns(histories, moment, entries)
    past = _columns(histories.until(moment), moment, entries)
    known = Snapshot(SharedRuns(histories), moment, (30,)).buyer_ids
    half = _columns(histories.select(known[::2]), moment, entries) if len(known) > 1 else None
    leaking = []
    for entry in entries:
        same = np.array_equal(whole[entry.name], past[entry.name], equal_nan=True)
        if half is not None and entry.family != "peers":
            same &= np.array_equal(whole[entry.name][::2], half[entry.name], equal_nan=True)
        if not same:
            leaking.append(entry.name)
    return leaking


def _columns(histories: Histories, moment: pd.Timestamp, entries: Sequence[Feature]) -> dict[str, Floats]:
    windows = tuple(sorted({entry.window for entry in entries if entry.window is not None})) or (30,)
    at = Snapshot(SharedRuns(histories), moment, windows)
    with np.errstate(invalid="ignore", divide="ignore"):
        return {entry.name: np.asarray(column_of(entry, at), dtype=np.float64) for entry in entries}


def _purchase_summary(at: Snapshot) -> pd.DataFrame:
    transactions = at.histories.events("transactions")
    amounts = transactions is not None and "amount" in transactions.columns
    runs = at.priced[0] if amounts else at.purchases
    return pd.DataFrame(
        {
            "n_repeat_purchases": at.n_purchases - 1,
            "days_first_to_last_purchase": at.age - at.silence,
            "days_since_first_purchase": at.age,
            "mean_purchase_amount": at.total_spent / np.maximum(runs.count, 1) if amounts else np.nan,
        },
        index=at.buyer_ids,
    )
