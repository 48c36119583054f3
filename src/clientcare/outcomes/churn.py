"""Churn: what it was for a buyer to leave, seen afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from clientcare.exceptions import OptionError
from clientcare.history.histories import Histories
from clientcare.history.population import in_force
from clientcare.outcomes.seen import BoolArray, label_snapshots, n_parts_with_purchase
from clientcare.window import Days, Moment, Window, parse_days


@dataclass(frozen=True)
class ChurnDefinition:
    """Churned in the horizon: nothing bought in [as_of, as_of + horizon), and no contract in force at its
    end.

    One rule for contractual, non-contractual and mixed buyers: without a contract the second half is always
    true, and a buyer whose contract runs on has not left, however silent. It is an observation over a stated
    stretch, not a verdict for ever: a longer horizon calls fewer buyers churned.

    Parameters
    ----------
    horizon : str, int or Timedelta, whole days
        ``"90D"``, ``90`` or ``"13W"``. :func:`suggest_horizon` reads one from the rhythm of the buyers.

    Examples
    --------
    >>> import pandas as pd
    >>> from clientcare.history import Histories
    >>> transactions = pd.DataFrame({
    ...     "buyer_id": ["ann", "ann", "bob"],
    ...     "timestamp": pd.to_datetime(["2024-01-03", "2024-02-20", "2024-01-10"]),
    ...     "amount": [20.0, 25.0, 9.0],
    ... })
    >>> histories = Histories(transactions, observed_until="2024-03-02")
    >>> ChurnDefinition("30D").label(histories, as_of="2024-02-01")
    buyer_id
    ann    False
    bob     True
    Name: churned_in_horizon, dtype: bool
    """

    horizon: Days = "90D"

    def __post_init__(self) -> None:
        object.__setattr__(self, "horizon", f"{parse_days(self.horizon)}D")

    @property
    def horizon_days(self) -> int:
        """Length of the horizon in days."""
        return parse_days(self.horizon)

    def label(self, histories: Histories, as_of: Moment | Iterable[Moment]) -> pd.Series[bool]:
        """Who churned in the horizon, of the buyers known at each date.

        Parameters
        ----------
        histories : Histories
            All facts up to the end of the last horizon; contracts count as they were finally known by then.
        as_of : date, or several
            Where each horizon begins.

        Returns
        -------
        Series of bool, named ``churned_in_horizon``
            Indexed by ``buyer_id``, or by (``as_of``, ``buyer_id``) for several dates. No missing values.

        Raises
        ------
        NotObservedError
            Where a horizon reaches past what was observed: silence that nobody watched is no churn.
        """
        return label_snapshots(
            histories,
            as_of,
            self.horizon_days,
            "ChurnDefinition",
            "churned_in_horizon",
            lambda window: _left(histories, window),
        )

    def to_dict(self) -> dict[str, Any]:
        """The definition as plain values, for a model file."""
        return {"definition": "churn", "horizon_days": self.horizon_days}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ChurnDefinition:
        """The definition back from :meth:`to_dict`.

        Raises
        ------
        OptionError
            Where the values describe something else.
        """
        if values.get("definition") != "churn" or not isinstance(values.get("horizon_days"), int):
            raise OptionError("ChurnDefinition: these values describe no churn definition.")
        return cls(values["horizon_days"])


def _left(histories: Histories, window: Window) -> BoolArray:
    silent = n_parts_with_purchase(histories, window, 1) == 0
    return np.asarray(silent & ~in_force(histories, window.end))
