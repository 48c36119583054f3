"""The signs of dependence of histories, as they were known at a moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from clientcare.facts.contacts import Contacts, Floats
from clientcare.facts.signs import Signs

if TYPE_CHECKING:
    from clientcare.history.histories import Histories


def signs_known(histories: Histories, as_of: int) -> Signs:
    """The signs of all buyers of some histories, from what was known before a moment (microseconds)."""
    tables = {name: histories.events(name) for name in ("transactions", "contracts")}
    tables["bills"] = histories.bills
    known = {name: None if events is None else events.before(as_of) for name, events in tables.items()}
    return Signs(
        len(histories.buyer_ids),
        as_of,
        known["transactions"],
        Contacts.known(histories, as_of),
        known["contracts"],
        stated(histories.buyers, "wallet"),
        share_stated(histories.buyers),
        known["bills"],
    )


def stated(buyers: pd.DataFrame | None, name: str) -> Floats | None:
    """An attribute as numbers, NaN where unknown; None where it is not given."""
    if buyers is None or name not in buyers.columns:
        return None
    return np.asarray(
        pd.to_numeric(buyers[name], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    )


def share_stated(buyers: pd.DataFrame | None) -> Floats | None:
    """The share of wallet that the user states; what is above 1 is read as per cent."""
    share = stated(buyers, "share_of_wallet")
    return None if share is None else np.where(share > 1, share / 100, share)
