"""Who wishes not to be contacted, or not yet, as the table of buyers says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clientcare.history.histories import Histories

Bools = NDArray[np.bool_]

YES = (
    "yes y true t 1 x on ja oui si sí sim set checked do_not_contact do_not_call do_not_email do_not_mail dnc no_contact "
    "not_contact never opted_out opt_out optout opted_out_of_email unsubscribed unsubscribe withdrawn revoked blocked "
    "blacklisted blocklisted objected suppressed stop gdpr_objection"
)
"""Words of a column ``do_not_contact`` that say yes, in small letters."""

NO = (
    "no n false f 0 off nein non nao não none null nan na n_a unset unchecked opted_in opt_in optin subscribed subscribe "
    "active allowed may_be_contacted contact ok okay consent consented granted"
)
"""Words that say no; an empty cell says no too."""


def may_not_be_contacted(histories: Histories) -> Bools:
    """Who must not be contacted (``do_not_contact`` in the buyers' table); shape (n_buyers,).

    A word that cannot be read counts as yes: who meant it would mind more than who did not.

    Examples
    --------
    >>> buyers = pd.DataFrame({"buyer_id": ["a", "b", "c", "d"], "do_not_contact": ["Opted out", "no", None, "see file"]})
    >>> bought = pd.DataFrame({"buyer_id": list("abcd"), "timestamp": pd.Timestamp("2024-01-02"), "amount": 1.0})
    >>> may_not_be_contacted(Histories(bought, buyers=buyers)).tolist()
    [True, False, False, True]
    """
    said = _said(histories)
    if said is None:
        return np.zeros(len(histories.buyer_ids), dtype=bool)
    return np.asarray((said != "") & ~said.isin(NO.split()), dtype=bool)


def unreadable_wishes(histories: Histories) -> Bools:
    """Whose ``do_not_contact`` holds a word that is neither a yes nor a no; shape (n_buyers,)."""
    said = _said(histories)
    if said is None:
        return np.zeros(len(histories.buyer_ids), dtype=bool)
    return np.asarray((said != "") & ~said.isin([*NO.split(), *YES.split()]), dtype=bool)


def not_yet(histories: Histories, as_of: pd.Timestamp) -> Bools:
    """Who must not be contacted before a day that lies ahead (``contact_after`` in the buyers' table); shape
    (n_buyers,).
    """
    column = _attribute(histories, "contact_after")
    if column is None:
        return np.zeros(len(histories.buyer_ids), dtype=bool)
    after = pd.to_datetime(column, errors="coerce")
    if after.dt.tz is not None:
        after = after.dt.tz_localize(None)
    return (after >= as_of.tz_localize(None)).to_numpy(dtype=bool)


def _said(histories: Histories) -> pd.Series[Any] | None:
    """What ``do_not_contact`` says of each buyer, in plain small letters; empty where nothing is written."""
    column = _attribute(histories, "do_not_contact")
    if column is None:
        return None
    text = column.astype(object).where(column.notna(), "").astype(str).str.strip().str.lower()
    text = text.str.replace(r"\.0$", "", regex=True).str.replace("'", "", regex=False)
    plain = text.str.replace(r"[^\w]+", "_", regex=True).str.strip("_")
    return plain.where(plain.ne("") | text.eq(""), "sign")


def _attribute(histories: Histories, name: str) -> pd.Series[Any] | None:
    if histories.buyers is None or name not in histories.buyers:
        return None
    return histories.buyers[name].reindex(histories.buyer_ids)
