"""Lines of orders: which are no purchases, what they cost, and what they come to together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clientcare.arguments import is_one_of
from clientcare.exceptions import OptionError, SchemaError
from clientcare.history.door.cells import currencies_written
from clientcare.history.door.intake import is_text
from clientcare.history.door.order_lines import OrderLines
from clientcare.history.door.order_states import (
    KNOWN_STATES,
    NEVER,
    STANDS,
    STATUS_WORDS,
    WITHDRAWN,
    meaning_among,
    plain_state,
)
from clientcare.history.door.quality import Mask
from clientcare.history.door.rates import Rates
from clientcare.history.door.sheets import Door, Sheet
from clientcare.window import UNKNOWN_TIME

WITHDRAWN_AT = "withdrawn_at"
"""From when on an order is none, while its table is read."""


def check_statuses(statuses: Mapping[str, str] | None) -> dict[str, str]:
    """The caller's words for states of orders, their meanings checked.

    Raises
    ------
    OptionError
        Where a meaning is not known.
    """
    if statuses is None:
        return {}
    if not isinstance(statuses, Mapping) or not all(
        is_one_of(one, STATUS_WORDS) for one in statuses.values()
    ):
        raise OptionError(f"statuses: must map your words to one of {', '.join(STATUS_WORDS)}.")
    return dict(statuses)


def read_status(sheet: Sheet, door: Door) -> None:
    """Set orders aside that are no purchases; one taken back at a known moment stood until then."""
    sheet.add_texts("status")
    sheet.add_moments("status_at", door)
    codes, levels = sheet.codes.pop("status", None), sheet.levels.pop("status", None)
    at = sheet.moments.pop("status_at", None)
    if codes is None or levels is None:
        return
    words = KNOWN_STATES | {plain_state(word): meaning for word, meaning in door.statuses.items()}
    meaning = np.array(
        [*(meaning_among(plain_state(level), words) for level in levels), STANDS], dtype=object
    )[codes]
    name = sheet.given.names["status"]
    sheet.log.note("unknown_status", "kept: as a purchase", meaning == "")
    sheet.doubted = meaning == ""
    sheet.log.set_aside("no_purchase_status", name, meaning == NEVER)
    taken_back = meaning == WITHDRAWN
    dated = taken_back & (at != UNKNOWN_TIME) if at is not None else np.zeros(len(taken_back), dtype=bool)
    sheet.log.set_aside("cancelled_status", name, taken_back & ~dated)
    if at is not None and dated.any():
        sheet.log.note("cancelled_status", "kept: a purchase until status_at, none from then on", dated)
        sheet.moments[WITHDRAWN_AT] = np.where(dated, np.maximum(at, sheet.time), UNKNOWN_TIME)


def withdraw(sheet: Sheet) -> None:
    """Orders taken back: their amount until then stays beside, and comes to nothing.

    One whose total could be told only after it came has three amounts in turn: that of its lines, its share of the total,
    nothing.
    """
    since = sheet.moments.pop(WITHDRAWN_AT, None)
    if since is None:
        return
    gone = since != UNKNOWN_TIME
    amount = sheet.numbers["amount"]
    told = sheet.moments.get("amount_since", np.full(len(amount), UNKNOWN_TIME))
    of_lines = np.where(told != UNKNOWN_TIME, sheet.numbers.get("amount_before", amount), amount)
    between = gone & (told != UNKNOWN_TIME) & (told < since)
    if between.any():
        sheet.numbers["amount_at_first"] = of_lines
        sheet.moments["amount_before_since"] = np.where(between, told, UNKNOWN_TIME)
    sheet.numbers["amount_before"] = np.where(between, amount, of_lines)
    sheet.moments["amount_since"] = np.where(gone, since, told)
    sheet.numbers["amount"] = np.where(gone, 0.0, amount)


def read_currency(sheet: Sheet, door: Door) -> None:
    """One currency: the one stated, or the only one there is.

    Raises
    ------
    SchemaError
        Where there are several and none is stated.
    """
    sheet.add_texts("currency")
    codes, levels = sheet.codes.pop("currency", None), sheet.levels.pop("currency", None)
    if codes is None or levels is None:
        plain = _written_with(sheet)
        if plain is None:
            return
    else:
        plain = np.array([*(str(level).strip().upper() for level in levels), ""], dtype=object)[codes]
        plain[plain == ""] = None
    if door.rates is not None:
        _convert(sheet, plain, door.rates)
        return
    if door.currency is not None:
        known = pd.notna(plain)
        other = known & (plain != door.currency.strip().upper())
        sheet.log.set_aside("other_currency", _said_in(sheet), other)
        sheet.log.note("missing_currency", "kept: as in the currency stated", ~known)
        return
    known = pd.notna(plain)
    refuse_several(f"{sheet.table}, column {_said_in(sheet)!r}", len(set(plain[sheet.log.kept & known])))
    if known.any() and "currency" in sheet.given.names:
        sheet.log.note("missing_currency", "kept: as in the currency of the others", ~known)


def _said_in(sheet: Sheet) -> str:
    """The column that tells the currency: its own, or that of the amounts."""
    names = sheet.given.names
    return next(names[name] for name in ("currency", "amount", "unit_price") if name in names)


def _written_with(sheet: Sheet) -> NDArray[Any] | None:
    """The currencies whose signs or letters stand in the cells of the amount; None where none does."""
    cells = (
        sheet.given.column("amount") if "amount" in sheet.given.names else sheet.given.column("unit_price")
    )
    if cells is None or isinstance(cells, np.ndarray) or not is_text(cells.type):
        return None
    return currencies_written(cells)


def _convert(sheet: Sheet, currencies: NDArray[Any], rates: Rates) -> None:
    """Amounts in the currency that counts, at the rate that held when the row happened."""
    known = pd.notna(currencies)
    rate = np.where(known, rates.at(currencies, sheet.time), 1.0)
    sheet.log.set_aside("no_rate", _said_in(sheet), np.isnan(rate))
    sheet.log.note("converted_amount", "kept: in the currency stated", ~np.isnan(rate) & (rate != 1.0))
    sheet.log.note("missing_currency", "kept: as in the currency stated", ~known)
    sheet.numbers["amount"] = np.round(sheet.numbers["amount"] * np.nan_to_num(rate, nan=1.0), 6)


def refuse_several(place: str, n_currencies: int) -> None:
    """Refuse amounts in several currencies."""
    if n_currencies > 1:
        raise SchemaError(
            f"{place}: {n_currencies} currencies, whose amounts cannot be added up.\n"
            "State the one to keep, Histories(..., currency='EUR') (the rows of others are set aside and counted), "
            "or what the others are worth in it, Histories(..., currency='EUR', rates={'USD': 0.92})."
        )


def price_lines(sheet: Sheet, door: Door) -> Mask:
    """Amounts from quantity and price of a unit where none is given; which cells are no numbers."""
    unreadable = sheet.add_numbers("unit_price", door)
    price = sheet.numbers.pop("unit_price", None)
    nothing = np.zeros(sheet.given.n_rows, dtype=bool)
    if price is None or "amount" in sheet.given.names:
        return nothing
    unreadable |= np.isinf(price)
    price[np.isinf(price)] = np.nan
    quantity = sheet.numbers.get("quantity", np.ones(len(price)))
    sheet.numbers["amount"] = np.round(price * np.where(np.isnan(quantity), 1.0, quantity), 6)
    sheet.log.note("amount_of_lines", "kept: quantity times unit_price", ~np.isnan(sheet.numbers["amount"]))
    return unreadable


def sign_by_quantity(sheet: Sheet) -> None:
    """A line of fewer than none is a return, whatever the sign of its amount."""
    if "quantity" not in sheet.numbers:
        return
    amount = sheet.numbers["amount"]
    back = sheet.numbers["quantity"] < 0
    sheet.log.note("negative_quantity", "kept: as a return, its amount below zero", back & (amount > 0))
    sheet.log.note("return_of_unknown_amount", "kept: neither purchase nor return", back & np.isnan(amount))
    amount = np.where(back & (amount > 0), -amount, amount)
    sheet.numbers["amount"] = np.where(back & np.isnan(amount), 0.0, amount)


def net_orders(sheet: Sheet) -> None:
    """Vouchers and discounts come off the lines of their order: what is left of it is what was bought.

    Only lines of one buyer, order and moment are netted, so that nothing later changes what was known.
    """
    sheet.numbers["amount"], found = _netted(sheet, sheet.numbers["amount"])
    if "amount_before" in sheet.numbers:
        sheet.numbers["amount_before"] = _netted(sheet, sheet.numbers["amount_before"])[0]
    sheet.log.note("netted_in_order", "kept: taken off the other lines of their order", found)


def _netted(sheet: Sheet, amount: NDArray[np.float64]) -> tuple[NDArray[np.float64], Mask]:
    """Amounts without what came off their orders, and which lines came off."""
    found = np.zeros(len(amount), dtype=bool)
    lines = OrderLines.of(sheet, amount) if (amount < 0).any() else None
    if lines is None or not (lines.amount < 0).any():
        return amount, found
    rows, order = lines.rows, lines.order
    above = np.bincount(order, np.where(lines.amount > 0, lines.amount, 0.0))
    below = np.bincount(order, np.where(lines.amount < 0, lines.amount, 0.0))
    mixed = ((above > 0) & (below < 0))[order]
    if not mixed.any():
        return amount, found
    left = np.round(above + below, 6)
    share = np.divide(np.maximum(left, 0.0), above, out=np.zeros_like(above), where=above > 0)
    share_back = np.divide(np.minimum(left, 0.0), below, out=np.zeros_like(below), where=below < 0)
    netted = lines.amount * np.where(lines.amount > 0, share[order], share_back[order])
    amount = amount.copy()
    amount[rows[mixed]] = netted[mixed] + 0.0
    found[rows[mixed & (lines.amount < 0)]] = True
    return amount, found
