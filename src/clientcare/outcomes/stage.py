"""Stages: one word for what a buyer is and will be, in a tense, never against a count."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

STAGES = (
    "dependent client",
    "repeat customer",
    "kept customer",
    "latent client",
    "fading customer",
    "one-time customer",
    "new buyer",
    "former client",
    "former customer",
)
"""The truth table of patronage and care tie, then those to whom it does not speak yet, or no more."""


def stage_of(
    patronage: Any, care_tie: Any, n_purchases: Any = None, had_contract: Any = None
) -> pd.Categorical[str]:
    """The cell of the truth table of each buyer who is here.

    Where no tie could be seen (NA) patronage decides, so that the two-way class (client where the stage is
    ``dependent client``, customer elsewhere) is always the reduction of the stages. A word never contradicts a count:
    ``repeat customer`` bought twice or more, ``one-time customer`` bought on exactly one day and never had a contract.

    Parameters
    ----------
    patronage : array of bool, shape (n_buyers,)
        Whether they keep buying.
    care_tie : array of bool or nullable boolean, shape (n_buyers,)
        NA = it could not be seen.
    n_purchases : array of int, shape (n_buyers,), optional
        Purchase days so far; without it whoever keeps buying counts as having bought twice, others as once.
    had_contract : array of bool, shape (n_buyers,), optional
        Whether there ever was a contract.

    Returns
    -------
    Categorical of shape (n_buyers,), categories :data:`STAGES`

    References
    ----------
    Dick and Basu (1994), "Customer loyalty: toward an integrated conceptual framework", Journal of the
    Academy of Marketing Science 22(2), 99-113.

    Examples
    --------
    >>> list(stage_of([True, True, False, False], [True, False, True, False]))
    ['dependent client', 'repeat customer', 'latent client', 'one-time customer']
    >>> list(stage_of([False, True], [False, False], n_purchases=[76, 0], had_contract=[False, True]))
    ['fading customer', 'kept customer']
    """
    buys = np.asarray(patronage, dtype=bool)
    tie = pd.array(care_tie, dtype="boolean")
    tied = np.where(tie.isna(), buys, tie.to_numpy(dtype=bool, na_value=False))
    count = np.where(buys, 2, 1) if n_purchases is None else np.asarray(n_purchases)
    bound = np.zeros(len(buys), dtype=bool) if had_contract is None else np.asarray(had_contract, dtype=bool)
    return staged(buys & tied, buys, ~buys & tied, count, bound)


def staged(
    client: NDArray[Any],
    buys: NDArray[Any],
    tied: NDArray[Any],
    n_purchases: NDArray[Any],
    bound: NDArray[Any],
) -> pd.Categorical[str]:
    """The stage of buyers who are here: client first, then patronage, then the tie, each held against the counts."""
    once = (n_purchases <= 1) & ~bound
    stage = np.where(once, "one-time customer", "fading customer").astype(object)
    stage[tied] = "latent client"
    stage[buys & bound] = "kept customer"
    stage[buys & (n_purchases >= 2)] = "repeat customer"
    stage[client] = "dependent client"
    return pd.Categorical(stage, categories=list(STAGES))


def with_tense(
    stage: pd.Categorical[str],
    status: NDArray[Any],
    is_new: NDArray[Any],
    had_tie: NDArray[Any],
    n_purchases: NDArray[Any],
    had_contract: NDArray[Any],
) -> pd.Categorical[str]:
    """The stage in its tense: those who are gone first, then those who only just came, then the truth table.

    Parameters
    ----------
    stage : Categorical
        What the truth table says.
    status : array of str
        ``active``, ``quiet`` or ``gone``.
    is_new, had_tie, had_contract : arrays of bool
        Came lately or never paid; was a client before going; ever had a contract.
    n_purchases : array of int

    Examples
    --------
    >>> table = stage_of([True, True, False], [True, False, False])
    >>> list(with_tense(table, np.array(["active", "gone", "gone"]), np.zeros(3, bool), np.zeros(3, bool),
    ...                 np.array([9, 76, 1]), np.zeros(3, bool)))
    ['dependent client', 'former customer', 'one-time customer']
    """
    told = np.asarray(stage, dtype=object)
    gone, once = status == "gone", (n_purchases == 1) & ~had_contract
    told = np.where(is_new & ~gone, "new buyer", told)
    told = np.where(
        gone, np.where(had_tie, "former client", np.where(once, "one-time customer", "former customer")), told
    )
    return pd.Categorical(told, categories=list(STAGES))
