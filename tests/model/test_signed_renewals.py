"""A renewal that is signed ahead: the end of the term is no longer where the buyer may be lost."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import clientcare as cc

AS_OF = pd.Timestamp("2024-07-01")
DAY = pd.Timedelta(days=1)


@pytest.fixture(scope="module")
def firm() -> cc.Histories:
    """Yearly terms, a fifth lost at each end; renewals are signed up to a hundred days ahead."""
    rng, rows = np.random.default_rng(0), []
    for number in range(400):
        start = pd.Timestamp("2020-01-01") + DAY * int(rng.integers(0, 1500))
        recorded = start - 5 * DAY
        while start < AS_OF + 90 * DAY:
            end = start + 364 * DAY
            rows.append((f"f{number:03d}", start, end, 100.0, recorded))
            if rng.random() < 0.2:
                break
            start = end + DAY
            recorded = start - DAY * int(rng.integers(1, 100))
    columns = ["buyer_id", "start", "end", "amount", "recorded_at"]
    return cc.Histories(contracts=pd.DataFrame(rows, columns=columns), observed_until=AS_OF + 92 * DAY)


def test_a_signed_renewal_lowers_the_risk_to_that_of_an_early_break(firm: cc.Histories) -> None:
    model = cc.RelationshipModel("90D", effort="quick", random_state=0).fit(firm, as_of=AS_OF)
    risk = model.score(firm, as_of=AS_OF)["churn_risk"]
    table = cc.feature_table(firm, AS_OF, families=["contract"]).loc[risk.index]
    bound, signed = table["has_contract_in_force"] == 1, table["n_renewals_signed_ahead"] > 0
    ends = bound & ~signed & (table["days_to_contract_end"] < 90)
    early = bound & ~signed & (table["days_to_contract_end"] >= 90)

    assert min(signed.sum(), ends.sum(), early.sum()) >= 20
    assert risk[ends].mean() == pytest.approx(
        cc.ChurnDefinition(90).label(firm, AS_OF)[ends].mean(), abs=0.12
    )
    assert risk[signed].mean() < risk[early].mean() + 0.02
    assert risk[signed].mean() < risk[ends].mean() / 4


def test_the_list_of_renewals_sees_what_is_signed(firm: cc.Histories) -> None:
    model = cc.RelationshipModel("90D", effort="quick", random_state=0).fit(firm, as_of=AS_OF)
    told = cc.renewals(model, firm, AS_OF, ahead="90D").ends.set_index("buyer_id")
    table = cc.feature_table(firm, AS_OF, families=["contract"])
    ahead = table.index[table["n_renewals_signed_ahead"] > 0].intersection(told.index)

    assert len(ahead) >= 20
    assert (told.loc[ahead, "chance_from"] == "signed").all()
    assert (told.loc[ahead, "chance"] == 1).all()
    assert (told.drop(ahead)["chance"] < 1).all()
