"""Lines of orders: which are no purchases, what they cost, and what they come to together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clientcare.arguments import is_one_of
from clientcare.exceptions import OptionError, SchemaError
from clientcare.history.door.quality import Mask
from clientcare.history.door.rates import Rates
from clientcare.history.door.sheets import Door, Sheet
from clientcare.window import UNKNOWN_TIME

WITHDRAWN = "withdrawn"
NEVER = "never"
STANDS = "stands"
STATUS_WORDS = {
    WITHDRAWN: (
        *(
            "cancelled",
            "canceled",
            "cancel",
            "cancellation",
            "void",
            "voided",
            "refunded",
            "refund",
            "reversed",
        ),
        *("fully refunded", "charged back", "chargeback", "returned", "return to sender", "storniert"),
        *("storno", "erstattet", "annule", "annulé", "annulée", "remboursé", "remboursée", "anulado"),
        *("cancelado", "cancelada", "reembolsado", "annullato", "rimborsato", "geannuleerd", "terugbetaald"),
    ),
    NEVER: (
        *("pending", "pending payment", "payment pending", "awaiting payment", "draft", "checkout draft"),
        *("test", "failed", "payment failed", "declined", "rejected", "expired", "abandoned", "on hold"),
        *(
            "unpaid",
            "error",
            "trash",
            "quote",
            "quotation",
            "incomplete",
            "requires payment method",
            "entwurf",
        ),
        *("ausstehend", "fehlgeschlagen", "brouillon", "en attente", "pendiente", "borrador", "bozza"),
    ),
    STANDS: (
        *("completed", "complete", "paid", "partially paid", "partially refunded", "fulfilled", "shipped"),
        *("delivered", "processing", "closed", "invoiced", "captured", "succeeded", "success", "settled"),
        *("confirmed", "approved", "ok", "partially fulfilled", "authorized", "authorised", "posted", "done"),
        *("bezahlt", "abgeschlossen", "versendet", "payé", "payée", "terminé", "pagado", "pagato", "betaald"),
    ),
}
"""States of orders in a dozen shops' words: taken back later, never bought, standing."""
FEW_ORDERS = 20
"""Orders of several lines below which a repeated total cannot be told from chance."""
ALMOST_ALL = 0.98
"""Share of orders of several lines that state one amount on each, beyond which it is the order's total."""
MOST_LINES = 50
"""Beyond it, lines of several buyers under one name are no order but a run of bills."""
COMMONEST = 0.5
"""Where one amount is that of more orders, a price list of one price explains them as well."""


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
    words = {_plain(word): meaning for meaning, some in STATUS_WORDS.items() for word in some}
    words |= {_plain(word): meaning for word, meaning in door.statuses.items()}
    meaning = np.array([*(words.get(_plain(level), "") for level in levels), STANDS], dtype=object)[codes]
    name = sheet.given.names["status"]
    sheet.log.note("unknown_status", "kept: as a purchase", meaning == "")
    sheet.log.set_aside("no_purchase_status", name, meaning == NEVER)
    taken_back = meaning == WITHDRAWN
    dated = taken_back & (at != UNKNOWN_TIME) if at is not None else np.zeros(len(taken_back), dtype=bool)
    sheet.log.set_aside("cancelled_status", name, taken_back & ~dated)
    if at is not None and dated.any():
        sheet.log.note("cancelled_status", "kept: a purchase until status_at, none from then on", dated)
        sheet.moments["withdrawn_at"] = np.where(dated, np.maximum(at, sheet.time), UNKNOWN_TIME)


def withdraw(sheet: Sheet) -> None:
    """Orders taken back: their amount until then stays beside, and comes to nothing."""
    if "withdrawn_at" in sheet.moments:
        gone = sheet.moments["withdrawn_at"] != UNKNOWN_TIME
        sheet.numbers["amount_before"] = sheet.numbers["amount"].copy()
        sheet.numbers["amount"] = np.where(gone, 0.0, sheet.numbers["amount"])


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
        return
    plain = np.array([*(str(level).strip().upper() for level in levels), ""], dtype=object)[codes]
    plain[plain == ""] = None
    if door.rates is not None:
        _convert(sheet, plain, door.rates)
        return
    if door.currency is not None:
        known = pd.notna(plain)
        other = known & (plain != door.currency.strip().upper())
        sheet.log.set_aside("other_currency", sheet.given.names["currency"], other)
        sheet.log.note("missing_currency", "kept: as in the currency stated", ~known)
        return
    refuse_several(sheet.given.place("currency"), len(set(plain[sheet.log.kept & pd.notna(plain)])))


def _convert(sheet: Sheet, currencies: NDArray[Any], rates: Rates) -> None:
    """Amounts in the currency that counts, at the rate that held when the row happened."""
    known = pd.notna(currencies)
    rate = np.where(known, rates.at(currencies, sheet.time), 1.0)
    sheet.log.set_aside("no_rate", sheet.given.names["currency"], np.isnan(rate))
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
    amount = sheet.numbers["amount"]
    lines = _order_of_line(sheet) if (amount < 0).any() else None
    if lines is None or not (lines.kept_amount < 0).any():
        return
    rows, order = lines.rows, lines.order
    above = np.bincount(order, np.where(lines.kept_amount > 0, lines.kept_amount, 0.0))
    below = np.bincount(order, np.where(lines.kept_amount < 0, lines.kept_amount, 0.0))
    mixed = ((above > 0) & (below < 0))[order]
    if not mixed.any():
        return
    left = np.round(above + below, 6)
    share = np.divide(np.maximum(left, 0.0), above, out=np.zeros_like(above), where=above > 0)
    share_back = np.divide(np.minimum(left, 0.0), below, out=np.zeros_like(below), where=below < 0)
    netted = lines.kept_amount * np.where(lines.kept_amount > 0, share[order], share_back[order])
    amount = amount.copy()
    amount[rows[mixed]] = netted[mixed] + 0.0
    found = np.zeros(len(amount), dtype=bool)
    found[rows[mixed & (lines.kept_amount < 0)]] = True
    sheet.log.note("netted_in_order", "kept: taken off the other lines of their order", found)
    sheet.numbers["amount"] = amount


def share_totals(sheet: Sheet, door: Door) -> None:
    """A total that stands on every line of its order counts once: each line gets an equal share."""
    lines = _order_of_line(sheet)
    if lines is None or door.amounts == "line":
        return
    tally = OrderTally.of(lines.order, lines.kept_amount)
    if tally.n_several < FEW_ORDERS and door.amounts == "auto":
        lines, tally = _whoever_they_name(sheet, lines, tally)
    if door.amounts != "order" and not tally.repeats:
        return
    count = np.bincount(lines.order)[lines.order]
    several = count > 1
    amount = sheet.numbers["amount"].copy()
    amount[lines.rows[several]] = lines.kept_amount[several] / count[several]
    found = np.zeros(len(amount), dtype=bool)
    found[lines.rows[several]] = True
    sheet.log.note("order_total_repeated", "kept: the total is counted once an order", found)
    sheet.numbers["amount"] = amount


def _whoever_they_name(sheet: Sheet, lines: _Lines, tally: OrderTally) -> tuple[_Lines, OrderTally]:
    """Lines by order alone, where the lines of small orders name several buyers and state one total."""
    by_order = _order_of_line(sheet, by_buyer=False)
    if by_order is None or np.bincount(by_order.order).max() > MOST_LINES:
        return lines, tally
    whole = OrderTally.of(by_order.order, by_order.kept_amount)
    return (by_order, whole) if whole.repeats else (lines, tally)


class OrderTally:
    """Orders of several lines, how many of them state one amount on each, and the amounts."""

    def __init__(self, n_several: int, n_same: int, amounts: dict[float, int]) -> None:
        self.n_several, self.n_same, self.amounts = n_several, n_same, amounts

    @classmethod
    def of(cls, order: NDArray[np.int64], amount: NDArray[np.float64]) -> OrderTally:
        """Count the orders of some lines."""
        by_order = pd.Series(amount).groupby(order)
        several = by_order.size() > 1
        low, high = by_order.min()[several], by_order.max()[several]
        same = low[(low == high) & (low > 0)]
        amounts, times = np.unique(same.to_numpy(), return_counts=True)
        return cls(int(several.sum()), len(same), dict(zip(amounts.tolist(), times.tolist(), strict=True)))

    def __add__(self, other: OrderTally) -> OrderTally:
        amounts = dict(self.amounts)
        for one, n in other.amounts.items():
            amounts[one] = amounts.get(one, 0) + n
        return OrderTally(self.n_several + other.n_several, self.n_same + other.n_same, amounts)

    @property
    def repeats(self) -> bool:
        """Whether these are totals: almost every order states one amount, and not all the same one."""
        if self.n_several < FEW_ORDERS or self.n_same < ALMOST_ALL * self.n_several:
            return False
        return max(self.amounts.values()) <= COMMONEST * self.n_same


class _Lines:
    """The lines that belong to orders: positions in the table, number of the order, amount."""

    def __init__(
        self, rows: NDArray[np.int64], order: NDArray[np.int64], amount: NDArray[np.float64]
    ) -> None:
        self.rows, self.order, self.kept_amount = rows, order, amount


def _order_of_line(sheet: Sheet, by_buyer: bool = True) -> _Lines | None:
    """Lines of one buyer, order, moment of buying and moment of recording; None where no order is named."""
    if "order_id" not in sheet.codes:
        return None
    amount = sheet.numbers["amount"]
    rows = np.flatnonzero(sheet.log.kept & (sheet.codes["order_id"] >= 0) & ~np.isnan(amount))
    if not len(rows) or np.bincount(sheet.codes["order_id"][rows]).max() == 1:
        return None
    key = pd.DataFrame(
        {
            "buyer": sheet.ids.codes[rows] if by_buyer else 0,
            "order": sheet.codes["order_id"][rows],
            "time": sheet.time[rows],
            "recorded": 0 if sheet.recorded is None else sheet.recorded[rows],
        }
    )
    order = key.groupby(list(key.columns), sort=False).ngroup().to_numpy().astype(np.int64)
    return _Lines(rows, order, amount[rows])


def _plain(word: str) -> str:
    return " ".join(str(word).strip().casefold().replace("_", " ").replace("-", " ").split())
