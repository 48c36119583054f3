"""Revenue against a checker of its own that goes through the ledger day by day, buyer by buyer, in whole cents."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import clientcare as cc

SINCE, UNTIL = pd.Timestamp("2021-01-01"), pd.Timestamp("2024-01-01")
MOVES = ("new", "expansion", "contraction", "lost", "won_back")
DAY = pd.Timedelta(days=1)


def random_ledger(seed):
    """Terms with breaks, overlaps, price steps, pauses, plans side by side, cancellations, returns a year later, late rows."""
    random = np.random.default_rng(seed)
    prices = [0.0, 9.99, 50.01, 100.1, 333.33, 0.07]
    terms, bought = [], []
    for number in range(int(random.integers(2, 7))):
        buyer = f"b{number}"
        for line in range(int(random.integers(0, 3))):
            start = SINCE + DAY * int(random.integers(-400, 700))
            contract = f"{buyer}-{line}" if random.random() < 0.6 else None
            for _ in range(int(random.integers(1, 5))):
                length = int(random.choice([30, 91, 182, 364, 729]))
                end = start + DAY * length if random.random() < 0.85 else pd.NaT
                cancelled = (
                    start + DAY * int(random.integers(1, length + 40)) if random.random() < 0.2 else pd.NaT
                )
                late = start + DAY * int(random.choice([0, 0, 0, 20, 75]))
                plan = str(random.choice(["basic", "pro"]))
                terms.append(
                    (buyer, contract, plan, start, end, cancelled, float(random.choice(prices)), late)
                )
                pause = int(random.choice([1, 1, 1, -40, 45, 400]))
                start = (start + DAY * length) + DAY * pause
        for _ in range(int(random.integers(0, 9))):
            day = SINCE + DAY * int(random.integers(0, 1095))
            amount = round(float(random.gamma(2, 30)) * (-1 if random.random() < 0.25 else 1), 2)
            bought.append((buyer, day, amount, day + DAY * int(random.choice([0, 0, 0, 40]))))
    names = ["buyer_id", "contract_id", "plan", "start", "end", "cancelled_at", "amount", "recorded_at"]
    contracts = pd.DataFrame(terms, columns=names)
    orders = pd.DataFrame(bought, columns=["buyer_id", "timestamp", "amount", "recorded_at"])
    return orders[orders["timestamp"] < UNTIL], contracts


def in_cents(amount):
    return 0 if pd.isna(amount) else round(amount * 100)


class Ledger:
    """One buyer's rows as plain moments and cents."""

    def __init__(self, orders, contracts):
        self.terms = [
            term
            for term in contracts.itertuples()
            if pd.isna(term.cancelled_at) or term.cancelled_at > term.start  # else it was never in force
        ]
        self.orders = [
            (max(row.timestamp, row.recorded_at), in_cents(row.amount)) for row in orders.itertuples()
        ]
        self.known = {term.Index: max(term.start, term.recorded_at) for term in self.terms}

    def stop(self, term, moment):
        """A cancellation is known from the moment it takes effect; a term runs through the whole of its last day."""
        stop = pd.Timestamp("2200-01-01") if pd.isna(term.end) else term.end + DAY
        cut = not pd.isna(term.cancelled_at) and term.cancelled_at < moment
        return min(stop, term.cancelled_at) if cut else stop

    def terms_at(self, moment):
        """The terms that count at a moment, as known then; of the rows of one contract the one that began last."""
        counting, by_contract = [], {}
        for term in self.terms:
            runs = term.start < moment <= self.stop(term, moment) and self.known[term.Index] < moment
            if runs and pd.isna(term.contract_id):
                counting.append(term)
            elif runs and (
                term.contract_id not in by_contract or term.start >= by_contract[term.contract_id].start
            ):
                by_contract[term.contract_id] = term
        return counting + list(by_contract.values())

    def paid_before(self, moment):
        """Whether money was known before a moment."""
        by_contract = any(term.amount > 0 and self.known[term.Index] < moment for term in self.terms)
        return by_contract or any(cents > 0 and known < moment for known, cents in self.orders)


def by_hand(orders, contracts, freq, months, source):
    """The table of revenue in cents, worked out anew."""
    contracts = contracts if source != "purchases" else contracts.iloc[:0]
    orders = orders if source != "contracts" else orders.iloc[:0]
    bounds = [SINCE, *(last + DAY for last in pd.date_range(SINCE, UNTIL - DAY, freq=freq))]
    rows = [dict.fromkeys(("opening", *MOVES, "closing"), 0) for _ in bounds[1:]]
    for buyer in sorted(set(contracts["buyer_id"]) | set(orders["buyer_id"])):
        ledger = Ledger(orders[orders["buyer_id"] == buyer], contracts[contracts["buyer_id"] == buyer])
        money, here, paid = [], [], []
        for place, moment in enumerate(bounds):
            terms = ledger.terms_at(moment)
            cents = months * sum(in_cents(term.amount) for term in terms)
            if place:
                cents += sum(c for known, c in ledger.orders if bounds[place - 1] <= known < moment)
            paid.append(ledger.paid_before(moment))
            money.append(cents)
            here.append(cents > 0 or (bool(terms) and paid[-1]))
        for place, row in enumerate(rows):
            before, after = money[place], money[place + 1]
            row["opening"] += before
            row["closing"] += after
            if not here[place] and here[place + 1]:
                kind = "won_back" if paid[place] else "new"
            elif here[place] and not here[place + 1]:
                kind = "lost"
            else:
                kind = "expansion" if after > before else "contraction"
            row[kind] += after - before
    return pd.DataFrame(rows)


@pytest.mark.parametrize("source", ["contracts", "purchases", "both"])
@pytest.mark.parametrize(("freq", "months"), [("ME", 1), ("QE", 3), ("YE", 12)])
def test_random_ledgers_agree_with_the_count_by_hand(freq, months, source):
    checked = 0
    for seed in range({"ME": 4, "QE": 6, "YE": 8}[freq]):
        orders, contracts = random_ledger(seed)
        if not len(contracts) or not len(orders):
            continue
        histories = cc.Histories(
            orders, contracts=contracts, observed_from=SINCE, observed_until=UNTIL, exact_copies="keep"
        )
        if histories.bills is not None and histories.bills.n_rows:
            continue
        told = cc.revenue(histories, freq, source=source)
        hand = by_hand(orders, contracts, freq, 1 if source == "contracts" else months, source)
        ours = (told[list(hand.columns)] * 100).round().astype("int64").reset_index(drop=True)
        pd.testing.assert_frame_equal(ours, hand.astype("int64"), check_dtype=False, obj=f"ledger {seed}")
        checked += 1
    assert checked >= 3
