"""Contacts alone: nothing can be learned, and what facts tell is planned all the same."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import clientcare as cc
from clientcare.cli import main

AS_OF = pd.Timestamp("2024-07-01")


def contacts() -> pd.DataFrame:
    """Twelve people written to every fortnight who answer; ``silent`` has not since February."""
    rows = []
    for number in range(12):
        for days in range(3, 360, 14):
            day = AS_OF - pd.Timedelta(days=days + number)
            rows.append((f"b{number}", day, "email", "outbound"))
            if number or days > 130:
                rows.append((f"b{number}", day + pd.Timedelta(hours=20), "email", "inbound"))
    return pd.DataFrame(rows, columns=["buyer_id", "timestamp", "kind", "direction"])


def test_a_plan_without_a_book_rests_on_facts_and_says_so() -> None:
    histories = cc.Histories(interactions=contacts(), observed_until=AS_OF)
    plan = cc.care_plan(None, histories, AS_OF)

    first = plan.iloc[0]
    assert (first["buyer_id"], first["action"]) == ("b0", "break_silence")
    assert np.isnan(first["churn_risk"])
    assert "no model was asked" in plan.attrs["statement"]
    unread = pd.DataFrame({"churn_risk": np.nan}, index=histories.buyer_ids.rename("buyer_id"))
    pd.testing.assert_frame_equal(plan, cc.care_plan(unread, histories, AS_OF))


def test_who_was_first_seen_later_is_not_in_it() -> None:
    later = pd.DataFrame({"buyer_id": ["new"], "timestamp": [AS_OF], "kind": "email", "direction": "inbound"})
    histories = cc.Histories(interactions=pd.concat([contacts(), later]))
    assert "new" not in set(cc.care_plan(None, histories, AS_OF, max_per_buyer=9)["buyer_id"])


def test_the_verb_prints_card_and_plan_of_contacts_alone(
    tmp_path, capsys: pytest.CaptureFixture[str]
) -> None:
    contacts().to_csv(tmp_path / "crm.csv", index=False)
    assert main(["care", "--interactions", str(tmp_path / "crm.csv"), "--as-of", str(AS_OF.date())]) == 0
    said = capsys.readouterr().out
    assert "Are we taking care?" in said
    assert "no model was asked who leaves" in said
    assert "b0" in said
