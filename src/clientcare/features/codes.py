"""What a buyer bought, by a coded column: category, product, channel."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from clientcare.facts.runs import FIXED_POINT, Floats, Runs, where
from clientcare.features.by_age import Array, largest


@dataclass(frozen=True, eq=False)
class Codes:
    """One row for each buyer and code (category, product ...): how many rows, how long ago first and last."""

    runs: Runs
    n_rows: Array
    first_age: Array
    last_age: Array

    @cached_property
    def n_codes(self) -> Floats:
        """Distinct codes of each buyer."""
        return self.runs.count.astype(np.float64)

    @cached_property
    def total(self) -> Floats:
        """Rows of each buyer with a known code."""
        return self.runs.sum(self.n_rows)

    @cached_property
    def entropy(self) -> Floats:
        """Shannon entropy of a buyer's rows over the codes, in nats; NaN without a known code."""
        counts = np.arange(largest(self.n_rows) + 1, dtype=np.float64)
        weighed = np.rint(counts * np.log(np.maximum(counts, 1)) * FIXED_POINT)
        total = np.maximum(self.total, 1)
        nats = np.log(total) - self.runs.sum(weighed[self.n_rows]) / FIXED_POINT / total
        return where(self.total > 0, np.where(self.n_codes == 1, 0.0, nats))

    @cached_property
    def top_share(self) -> Floats:
        """Share of a buyer's rows that fall on the code bought most; NaN without a known code."""
        return self.runs.max(self.n_rows) / np.maximum(self.total, 1)
