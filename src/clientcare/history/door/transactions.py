"""Transactions at the door: purchases, returns, and what is neither."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from clientcare.history.door.cells import truth
from clientcare.history.door.copies import judge_copies
from clientcare.history.door.intake import GivenTable
from clientcare.history.door.order_totals import share_totals
from clientcare.history.door.orders import (
    net_orders,
    price_lines,
    read_currency,
    read_status,
    sign_by_quantity,
    withdraw,
)
from clientcare.history.door.quality import Mask
from clientcare.history.door.sheets import Door, Sheet, open_sheet
from clientcare.history.door.troubles import attempt
from clientcare.window import MICROSECONDS_A_DAY

LASTING_TEXTS = ("order_id", "product_id", "category", "channel")
"""The texts that features look at; the others have done their work at the door."""
KNOWN_FROM = {"amount": "amount_since", "amount_before": "amount_before_since"}
VALUE_BEFORE: dict[str, float | str] = {"amount": "amount_before", "amount_before": "amount_at_first"}
"""An order taken back stood until then; a total on each line looked like amounts of lines until totals could be told."""


def read_transactions(given: GivenTable, door: Door) -> Sheet:
    """Read transactions, and apply the rules on amounts.

    A row without an amount is a purchase of unknown amount, a negative amount a return, an amount of zero
    neither; an infinite (or as good as infinite) or unreadable amount is a fault, and its row is set aside.
    """
    sheet = open_sheet(given, door)
    unreadable = sheet.add_numbers("amount", door, always=True)
    for name in ("quantity", "list_price", "discount"):
        sheet.add_measure(name, door)
    unreadable |= price_lines(sheet, door)
    for text in LASTING_TEXTS:
        sheet.add_texts(text)
    judge_copies(sheet, door)
    read_status(sheet, door)
    attempt(lambda: read_currency(sheet, door), None, sheet.troubles)
    amount = sheet.numbers["amount"]
    name = given.names.get("amount", "amount")
    sheet.log.set_aside("unreadable_amount", name, unreadable)
    sheet.log.set_aside("infinite_amount", name, np.isinf(amount))
    sign_by_quantity(sheet)
    share_totals(sheet, door)
    net_orders(sheet)
    _note_amounts(sheet, unreadable)
    withdraw(sheet)
    sheet.log.note("cancelled_order", "kept: as returns", cancelled_orders(sheet))
    sheet.log.note("same_day_purchase", "kept: one purchase a day", same_day_purchases(sheet))
    return sheet


def cancelled_orders(sheet: Sheet) -> Mask:
    """Which rows belong to an order that takes back: C and digits, and a negative quantity or amount."""
    if "order_id" not in sheet.codes:
        return np.zeros(sheet.given.n_rows, dtype=bool)
    orders = pa.array(sheet.levels["order_id"], pa.large_string())
    marked = np.append(truth(pc.match_substring_regex(orders, r"^C\d")), False)
    below = sheet.numbers.get("quantity", sheet.numbers["amount"]) < 0
    return marked[sheet.codes["order_id"]] & below


def same_day_purchases(sheet: Sheet) -> Mask:
    """Which purchases are further ones of a buyer on a calendar day."""
    bought = sheet.log.kept & ~(sheet.numbers["amount"] <= 0)
    rows = np.flatnonzero(bought)
    days = sheet.time[rows] // MICROSECONDS_A_DAY
    further = pd.Series(sheet.ids.codes[rows] * 1_000_003 + days).duplicated().to_numpy()
    found = np.zeros(len(bought), dtype=bool)
    found[rows[further]] = True
    return found


def _note_amounts(sheet: Sheet, unreadable: Mask) -> None:
    amount, log = sheet.numbers["amount"], sheet.log
    missing = np.isnan(amount) & ~unreadable
    if missing.all():
        log.note("no_amounts", "kept: every row is a purchase of unknown amount", missing)
    else:
        log.note("missing_amount", "kept: a purchase of unknown amount", missing)
    log.note("zero_amount", "kept: neither purchase nor return", amount == 0)
    log.note("return", "kept: lowers net spend, is no purchase", amount < 0)
