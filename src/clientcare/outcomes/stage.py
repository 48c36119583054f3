"""The truth table of patronage and care tie: four stages, of which one is a client."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

STAGES = ("dependent client", "repeat customer", "latent client", "one-time customer")
"""In the order of the truth table: patronage with a tie and without, no patronage with a tie and without."""


def stage_of(patronage: Any, care_tie: Any) -> pd.Categorical[str]:
    """The stage of each buyer.

    Where no tie could be seen (NA) patronage decides, so that the two-way class (client where the stage is
    ``dependent client``, customer elsewhere) is always the reduction of the four stages.

    Parameters
    ----------
    patronage : array of bool, shape (n_buyers,)
        Whether they keep buying.
    care_tie : array of bool or nullable boolean, shape (n_buyers,)
        NA = it could not be seen.

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
    """
    buys = np.asarray(patronage, dtype=bool)
    tie = pd.array(care_tie, dtype="boolean")
    tied = np.where(tie.isna(), buys, tie.to_numpy(dtype=bool, na_value=False))
    codes: Any = 2 * ~buys + ~tied
    return pd.Categorical.from_codes(codes, categories=pd.Index(STAGES))
