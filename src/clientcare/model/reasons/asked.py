"""Whom an explanation is asked of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from clientcare.arguments import listed
from clientcare.exceptions import InputError
from clientcare.history.histories import Histories
from clientcare.history.population import known_buyers


def known_ids(past: Histories, moment: pd.Timestamp, buyers: Iterable[Any] | str | int) -> pd.Index:
    """The buyers asked for (a list, or one id), in the order of the histories; refused where some are not known."""
    asked = pd.Index(listed("explain: buyers", buyers, "buyer ids")).unique()
    if len(asked) == 0:
        raise InputError("explain: an empty list. Ask for at least one buyer, or for all: buyers=None.")
    places = past.buyer_ids.get_indexer(asked)
    known = np.zeros(len(past.buyer_ids) + 1, dtype=bool)  # the last stands for who is not there: place -1
    known[known_buyers(past, moment)] = True
    n_unknown = int(np.count_nonzero(~known[places]))
    if n_unknown:
        raise InputError(
            f"explain: {n_unknown:,} of {len(asked):,} buyers asked for are not known at {moment:%Y-%m-%d}.\n"
            "Ask for buyers in the index of score(histories, as_of)."
        )
    return past.buyer_ids.take(np.sort(places))
