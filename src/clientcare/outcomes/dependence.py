"""Dependence: how much each buyer relies on the seller, 0 to 100, and the sentence that says why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from clientcare.facts.contacts import Bools, Floats
from clientcare.facts.reliance import signs_known
from clientcare.facts.signs import SIGNS, Signs
from clientcare.history.histories import Histories
from clientcare.history.population import known_buyers
from clientcare.outcomes.depends_on import sentences
from clientcare.window import microseconds

WORTH_OF_BASE = 0.5
"""The base's mean is worth half a sign: who shows one sign whole stands two thirds of the way to it."""
LEAST_COVERAGE = 0.25
"""A sign that covers no more than that (a referral nobody made) is none that was seen."""
WELL_COVERED = 0.75
"""One sign over six purchase days or three quarters of a year speaks as two do over a few."""
NEVER_ALONE = ("commitment",)
"""Signs that say nothing without another: who is bound may depend or not."""


@dataclass(frozen=True)
class DependenceRule:
    """Which signs a base can show, and where its buyers stand in the mean; one small part of a model.

    Attributes
    ----------
    seen : tuple of str
        The signs that the records of this base can show at all.
    mean : float
        The mean of the signs over the base, 0 to 1; NaN where nothing was seen.
    """

    seen: tuple[str, ...]
    mean: float

    @classmethod
    def learn(cls, histories: Histories, as_of: pd.Timestamp) -> Self:
        """Look at the signs of a base before a date."""
        signs = signs_known(histories, microseconds(as_of))
        shown = tuple(name for name in SIGNS if _can_be_seen(name, signs))
        rule = cls(shown, float("nan"))
        total, weight = rule._added(signs)
        weighed = float(np.rint(weight.sum() * 2**20))
        mean = float(np.rint(total.sum() * 2**20)) / weighed if weighed else float("nan")
        return cls(shown, mean)

    def get_state(self) -> dict[str, Any]:
        """Everything as texts and numbers."""
        return {"seen": list(self.seen), "mean": self.mean}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """The rule that :meth:`get_state` told of."""
        return cls(tuple(state["seen"]), state["mean"])

    def told(self, histories: Histories, as_of: pd.Timestamp) -> pd.DataFrame:
        """How much each buyer known at a date depends on the seller, and on what.

        A buyer's row depends on their own history and on the rule alone.

        Returns
        -------
        DataFrame indexed by buyer_id
            ``dependence`` (0 to 100: the mean of the signs that were seen, drawn to the base's as far as little was; NaN
            where nothing was), ``depends_on`` (a sentence), ``enough`` (whether at least two signs were seen, or one well).
        """
        signs = signs_known(histories, microseconds(as_of))
        known = known_buyers(histories, as_of)
        index, enough = self.index(signs)
        texts = sentences(signs, self.seen, known, index[known])
        table = {"dependence": index[known], "depends_on": texts, "enough": enough[known]}
        return pd.DataFrame(table, index=histories.buyer_ids.take(known).rename("buyer_id"))

    def index(self, signs: Signs) -> tuple[Floats, Bools]:
        """The index from 0 to 100, and whether enough signs were seen to go by it; shape (n_buyers,) each."""
        total, weight = self._added(signs)
        n_seen, well, free = np.zeros(signs.n_buyers), np.zeros(signs.n_buyers, dtype=bool), weight * 0
        for name in self.seen:
            coverage = signs.table[name][1]
            n_seen += coverage > LEAST_COVERAGE
            if name not in NEVER_ALONE:
                well |= coverage >= WELL_COVERED
                free += coverage
        known = (free > 0) & np.isfinite(self.mean)
        drawn = (total + WORTH_OF_BASE * np.nan_to_num(self.mean)) / (weight + WORTH_OF_BASE)
        return np.where(known, 100 * drawn, np.nan), known & ((n_seen >= 2) | well)

    def _added(self, signs: Signs) -> tuple[Floats, Floats]:
        """The signs times their coverage, and the coverage, added up a buyer."""
        total, weight = np.zeros(signs.n_buyers), np.zeros(signs.n_buyers)
        for name in self.seen:
            value, coverage = signs.table[name]
            total += np.nan_to_num(value) * coverage
            weight += coverage
        return total, weight


def _can_be_seen(name: str, signs: Signs) -> bool:
    """Whether the records of a base show a sign of anybody: of needs there are several, of voices one was heard."""
    value, coverage = signs.table[name]
    if not (coverage > 0).any():
        return False
    if name == "breadth":
        return len(np.unique(signs.needs[1])) > 1
    if name == "full_price":
        return bool((value[coverage > 0] < 1).any())
    if name in ("own_voice", "word_of_mouth"):
        return bool((value[coverage > 0] > 0).any())
    return True
