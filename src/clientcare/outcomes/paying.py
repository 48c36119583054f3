"""Who ever paid: a trial at no price makes nobody more than a new buyer."""

from __future__ import annotations

import numpy as np

from clientcare.facts.purchase_rows import is_purchase
from clientcare.facts.terms import stops_at
from clientcare.history.histories import Histories
from clientcare.outcomes.seen import BoolArray


def ever_paid(histories: Histories, moment: int) -> BoolArray:
    """Who purchased, or had a contract in force that is not at price zero, before a moment; shape (n_buyers,).

    An amount that is not known counts as paid.
    """
    paid = np.zeros(len(histories.buyer_ids), dtype=bool)
    transactions, contracts = histories.events("transactions"), histories.events("contracts")
    if transactions is not None:
        known = transactions.before(moment)
        paid[known.buyer[is_purchase(known)]] = True
    if contracts is not None:
        known = contracts.before(moment)
        begun = stops_at(known, moment) > known.time
        amount = known.columns.get("amount")
        paid[known.buyer[begun if amount is None else begun & ~(amount <= 0)]] = True
    return paid
