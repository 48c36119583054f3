"""A small firm with all four tables, and its book made comparable."""

import numpy as np
import pandas as pd

AS_OF = "2023-10-01"


def firm(n_buyers=160, seed=0):
    """Purchases, contacts and contracts of some buyers over two years; ids are whole numbers."""
    rng = np.random.default_rng(seed)
    n_orders = 1 + rng.poisson(8, n_buyers)
    buyer = np.repeat(np.arange(n_buyers), n_orders)
    start = pd.Timestamp("2022-01-01")
    begun = rng.integers(0, 400, n_buyers)[buyer]
    day = begun + (rng.random(len(buyer)) * (690 - begun)).astype(int)
    transactions = pd.DataFrame({
        "buyer_id": buyer * 7 + 1000,
        "timestamp": start + pd.to_timedelta(day * 86_400 + rng.integers(0, 86_400, len(day)), unit="s"),
        "amount": np.round(rng.gamma(2.0, 20.0, len(day)), 2),
        "category": rng.choice(["tea", "cups", "=sum", "<b>"], len(day)),
    })  # fmt: skip
    caller = rng.integers(0, n_buyers, n_buyers * 4)
    interactions = pd.DataFrame({
        "buyer_id": caller * 7 + 1000,
        "timestamp": start + pd.to_timedelta(rng.integers(0, 690 * 86_400, len(caller)), unit="s"),
        "kind": rng.choice(["check_in", "email", "complaint", "referral"], len(caller)),
        "direction": rng.choice(["inbound", "outbound", "mutual"], len(caller)),
        "answered": rng.choice([0.0, 1.0], len(caller)),
    })  # fmt: skip
    signer = np.flatnonzero(rng.random(n_buyers) < 0.4)
    signed = start + pd.to_timedelta(rng.integers(0, 500, len(signer)), unit="D")
    contracts = pd.DataFrame({
        "buyer_id": signer * 7 + 1000,
        "start": signed,
        "end": signed + pd.Timedelta(days=365),
        "amount": 30.0,
        "plan": rng.choice(["a", "b"], len(signer)),
    })  # fmt: skip
    return {"transactions": transactions, "interactions": interactions, "contracts": contracts}


def plain(book):
    """A book as values alone, sorted, so that files and tables of any make can be compared with it."""
    frame = book.reset_index().sort_values("buyer_id", ignore_index=True)
    for name in frame.columns:
        column = frame[name]
        if isinstance(column.dtype, pd.CategoricalDtype) or not (
            pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_datetime64_any_dtype(column.dtype)
        ):
            frame[name] = column.astype(object).where(column.notna(), None)
        elif pd.api.types.is_datetime64_any_dtype(column.dtype):
            frame[name] = column.astype("datetime64[us]")
    return frame
