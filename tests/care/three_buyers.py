"""Three buyers of a small service firm, small enough to compute every figure by hand.

As of 2024-07-01 with a period of 90 days ([2024-04-02, 2024-07-01)) and a cadence of 30 days, the stretches
counted back are [06-01, 07-01), [05-02, 06-01) and [04-02, 05-02).
"""

from __future__ import annotations

import pandas as pd

from clientcare.history import Histories

AS_OF = "2024-07-01"


def at(*days: str) -> pd.DatetimeIndex:
    return pd.to_datetime(list(days))


TRANSACTIONS = pd.DataFrame(
    [
        ("ada", "2023-10-01", 100.0, "soap"),
        ("ada", "2024-02-10", 60.0, "soap"),
        ("ada", "2024-05-10", 90.0, "soap"),
        ("ada", "2024-06-10", 50.0, "tea"),
        ("ada", "2024-06-12", -20.0, "tea"),
        ("bob", "2024-01-15", 40.0, "soap"),
        ("cyd", "2024-06-20", 10.0, "tea"),
    ],
    columns=["buyer_id", "timestamp", "amount", "category"],
).assign(timestamp=lambda t: pd.to_datetime(t["timestamp"]))

INTERACTIONS = pd.DataFrame(
    [
        # buyer, when, kind, direction, status, answered, answered_at, satisfaction, closed_at
        ("ada", "2024-04-10", "check_in", "outbound", "kept", 1.0, "2024-04-11", None, None),
        ("ada", "2024-05-05", "meeting", "mutual", "kept", None, None, 0.9, None),
        ("ada", "2024-06-03", "check_in", "outbound", "missed", None, None, None, None),
        ("ada", "2024-06-05", "email", "inbound", None, 1.0, "2024-06-05 10:00", None, None),
        ("ada", "2024-06-20", "campaign", "outbound", None, None, None, None, None),
        ("ada", "2024-06-25", "referral", "inbound", None, None, None, None, None),
        ("bob", "2024-02-01", "check_in", "outbound", "kept", 0.0, None, None, None),
        ("bob", "2024-05-20", "complaint", "inbound", None, None, None, 0.2, "2024-07-05"),
        ("bob", "2024-05-21", "complaint", "inbound", None, None, None, 0.4, "2024-06-01"),
        ("bob", "2024-06-29", "email", "inbound", None, 1.0, "2024-07-03", None, None),
        ("bob", "2024-06-15", "campaign", "outbound", None, None, None, None, None),
    ],
    columns=[
        "buyer_id", "timestamp", "kind", "direction", "status",
        "answered", "answered_at", "satisfaction", "closed_at",
    ],
).assign(
    topic=lambda t: t["kind"].map({"meeting": "Renewal of the contract"}),
    timestamp=lambda t: pd.to_datetime(t["timestamp"]),
    answered_at=lambda t: pd.to_datetime(t["answered_at"], format="ISO8601"),
    closed_at=lambda t: pd.to_datetime(t["closed_at"], format="ISO8601"),
)  # fmt: skip

CONTRACTS = pd.DataFrame(
    {
        "buyer_id": ["ada"],
        "start": at("2023-10-01"),
        "end": at("2024-07-20"),
        "cancelled_at": at("2024-07-10"),
        "amount": [30.0],
    }
)

BUYERS = pd.DataFrame(
    {
        "buyer_id": ["ada", "bob", "cyd"],
        "segment": ["firm", "home", "home"],
        "referred_by": [None, None, "ada"],
    }
)


def three_buyers() -> Histories:
    return Histories(
        TRANSACTIONS,
        interactions=INTERACTIONS,
        contracts=CONTRACTS,
        buyers=BUYERS,
        observed_from="2023-10-01",
        observed_until="2024-08-01",
    )
