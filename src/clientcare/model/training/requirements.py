"""What a model must be given before it scores: the tables it learned from, and a date the data can speak of."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterable

import pandas as pd

from clientcare.exceptions import BeyondDataWarning, NotEnoughDataError, SchemaError
from clientcare.history.histories import DATED, Histories


def tables_of(histories: Histories) -> list[str]:
    """The tables that were given, dated ones first; a table without rows is given too.

    Examples
    --------
    >>> tables_of(Histories(pd.DataFrame({"buyer_id": [1], "timestamp": ["2024-01-31"]})))
    ['transactions']
    """
    dated = [name for name in DATED if histories.events(name) is not None]
    attributes = histories.buyers is not None and len(histories.buyers.columns) > 0
    return [*dated, *(["buyers"] if attributes else [])]


def require_tables(asker: str, learned: Iterable[str], given: Collection[str]) -> None:
    """Refuse to score without a table that the model learned from.

    Parameters
    ----------
    asker : str
        Who asks, for the message.
    learned, given : names of tables

    Raises
    ------
    SchemaError
    """
    learned = list(learned)
    missing = [name for name in learned if name not in given]
    if missing:
        raise SchemaError(
            f"{asker}: the model learned from {', '.join(learned)}, but no {' and no '.join(missing)} were given.\n"
            "Give these tables too (one without rows says that nothing happened), or fit a model without them."
        )


def warn_beyond_data(
    asker: str, as_of: pd.Timestamp, observed_until: pd.Timestamp, horizon_days: int
) -> None:
    """Warn where a date lies more than a horizon after the last day of the data.

    Warns
    -----
    BeyondDataWarning
    """
    days = (as_of - observed_until).days
    if days > horizon_days:
        warnings.warn(
            f"{asker}: as_of {as_of:%Y-%m-%d} lies {days:,} days after the end of what was observed "
            f"({observed_until:%Y-%m-%d}), more than a horizon of {horizon_days}. Everybody looks as if silent since.\n"
            "Choose an earlier as_of, bring newer data, or state observed_until if nothing happened since.",
            BeyondDataWarning,
            stacklevel=4,
        )


def require_several(asker: str, n_known: int, moment: pd.Timestamp) -> None:
    """Refuse to learn from fewer than two buyers."""
    if n_known < 2:
        known = "only one buyer is" if n_known else "no buyer is"
        raise NotEnoughDataError(
            f"{asker}: {known} known before {moment:%Y-%m-%d}: not enough data.\n"
            "Give histories of several buyers with purchases or contracts before as_of, or choose a later as_of."
        )
