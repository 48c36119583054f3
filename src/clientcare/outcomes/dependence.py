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
CONFIRMING = ("staying", "commitment")
"""Signs that only confirm what others say: most buyers stay after one price rise and renew whether they depend or not. They
count as far as the other signs speak for the buyer, in whole from half of the scale on. At full weight nine renewals and
one complaint made dependent clients of buyers who had not got in touch once in a year."""
LEAST_OTHER_DAYS = 0.05
"""Needs can be seen where a twentieth of the days bring another need than the day before. Below that a base sells each buyer
one thing (a plan, a membership): a change of plan is no second need, and having one plan says nothing."""
WHOLE_DEMAND = 11 / 13
"""What a dozen purchase days cover of one sign. Where less was seen, less is asked in proportion: that buyers keep coming is
the sign then. With yearly and half-yearly patients of three needs and buyers of one need beside buyers of several this kept
85 to 96 % of the patients and 6 to 11 % of those who depend on nothing; the whole demand from the start kept 17 to 62 %."""


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

    def stands_in(self, signs: Signs, least: float) -> Bools:
        """Whether each buyer who keeps coming depends enough to be a client, where no tie can be seen; shape (n_buyers,).

        ``least`` is asked in whole of who was well seen, and in proportion of whom less was seen: of a buyer of whom nothing
        shows but that they keep coming, nothing more is asked. A sign that cannot be seen is not a no.
        """
        index, _ = self.index(signs)
        asked = least * np.minimum(self._added(signs)[1] / WHOLE_DEMAND, 1.0)
        return np.asarray(np.isnan(index) | (index >= asked))

    def _added(self, signs: Signs) -> tuple[Floats, Floats]:
        """The signs times their coverage, and the coverage, added up a buyer; confirming ones as far as others speak."""
        total, weight = self._of([name for name in self.seen if name not in CONFIRMING], signs)
        more, confirming = self._of([name for name in self.seen if name in CONFIRMING], signs)
        spoken = np.where(weight > 0, np.minimum(2 * total / np.where(weight > 0, weight, 1.0), 1.0), 1.0)
        return total + spoken * more, weight + spoken * confirming

    @staticmethod
    def _of(names: list[str], signs: Signs) -> tuple[Floats, Floats]:
        total, weight = np.zeros(signs.n_buyers), np.zeros(signs.n_buyers)
        for name in names:
            value, coverage = signs.table[name]
            total += np.nan_to_num(value) * coverage
            weight += coverage
        return total, weight


def _can_be_seen(name: str, signs: Signs) -> bool:
    """Whether the records of a base show a sign of anybody: needs come in turn, a voice was heard."""
    value, coverage = signs.table[name]
    if not (coverage > 0).any():
        return False
    if name == "breadth":
        return bool(signs.served.share_of_other_days >= LEAST_OTHER_DAYS)
    if name == "full_price":
        return bool((value[coverage > 0] < 1).any())
    if name in ("own_voice", "word_of_mouth"):
        return bool((value[coverage > 0] > 0).any())
    return True
