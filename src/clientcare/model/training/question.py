"""What one head is asked: rows, outcomes, and what it may see of them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clientcare.model.members.base import Floats, Member
from clientcare.model.training.bound import Bound
from clientcare.model.training.own_view import OwnView
from clientcare.model.training.rows import Rows

JUDGED_DATES = 3
"""Past dates judged, a whole outcome apart; the quick effort judges two."""

Members = Callable[[], dict[str, Member]]


@dataclass(frozen=True, eq=False)
class Question:
    """What one head is asked.

    Attributes
    ----------
    name : str
        churn, patronage, care_tie or client.
    rows : Rows
        All rows of past snapshots whose outcome is known, and of the present.
    outcome : float64 array of shape (n_rows,)
        1, 0, or NaN where it is not known.
    span_us : int
        How long after a row's date its outcome is known, in microseconds.
    as_of : int
        Now, in microseconds.
    n_snapshots : int
        How many past snapshots are pooled.
    members : callable
        Makes the unfitted members by name.
    n_judged : int
        How many past dates the members are judged at, where there are as many.
    bound : Bound or None
        Those under contract at dates of their own, where the question is about terms.
    view : OwnView or None
        What the question may see of the rows; None: everything.
    """

    name: str
    rows: Rows
    outcome: Floats
    span_us: int
    as_of: int
    n_snapshots: int
    members: Members
    n_judged: int = JUDGED_DATES
    bound: Bound | None = None
    view: OwnView | None = None

    def seen(self) -> AbstractContextManager[Any]:
        """While it lasts, the rows are as the question may see them."""
        return nullcontext() if self.view is None else self.view.over(self.rows.X)

    def take(self, rows: NDArray[np.int64]) -> Rows:
        """A copy of some rows, as the question may see them."""
        taken = self.rows.take(rows)
        if self.view is not None:
            self.view.put_on(taken.X)
        return taken
