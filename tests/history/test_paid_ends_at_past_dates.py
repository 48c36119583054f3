"""Ends that say until when was paid: a past date knows the same of everybody, whichever later export tells of it."""

from __future__ import annotations

import numpy as np
import pandas as pd

import clientcare as cc
from clientcare.history.door.paid_until import RULE

AS_OF = pd.Timestamp("2023-05-20")
EXPORTS = [pd.Timestamp(date) for date in ("2023-09-12", "2024-06-12")]


def exported(at: pd.Timestamp) -> cc.Histories:
    """Subscribers who pay month by month, as a billing system would have written them at a date."""
    rng, rows = np.random.default_rng(5), []
    for number in range(300):
        start = pd.Timestamp("2021-06-12") + pd.Timedelta(days=int(rng.integers(0, 1000)))
        n_paid = int(rng.geometric(0.06))
        if start >= at:
            continue
        paid = [start + pd.DateOffset(months=month) for month in range(1, n_paid + 1)]
        rows.append((f"s{number:03d}", start, next((date for date in paid if date >= at), paid[-1])))
    terms = pd.DataFrame(rows, columns=["buyer_id", "start", "end"])
    return cc.Histories(contracts=terms, observed_until=at)


def test_a_past_date_is_the_same_in_every_later_export():
    early, late = map(exported, EXPORTS)
    assert all(RULE in set(one.quality["rule"]) for one in (early, late))
    tables = [cc.feature_table(one.until(AS_OF), AS_OF, families=["contract"]) for one in (early, late)]
    assert len(tables[0]) > 150
    pd.testing.assert_frame_equal(*tables)


def test_no_past_date_sees_until_when_somebody_went_on_paying():
    late = exported(EXPORTS[1])
    table = cc.feature_table(late.until(AS_OF), AS_OF, families=["contract"])
    under = table[table["has_contract_in_force"] == 1]
    assert (under["has_open_ended_contract"] == 1).all()
    assert under["days_to_contract_end"].isna().all()
    left = cc.ChurnDefinition("90D").label(late, AS_OF).reindex(under.index)
    assert 0 < left.sum() < len(left)
