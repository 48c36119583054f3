"""A table under the rules that all dated tables share: buyer, moment, when it was recorded, exact copies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from clientcare.exceptions import SchemaError
from clientcare.history.door.aliases import Aliases
from clientcare.history.door.cells import Codes, Levels, Numbers, encode, read_numbers, read_texts
from clientcare.history.door.dates import (
    Times,
    all_midnight,
    are_zoned,
    impossible,
    isolated,
    read_moments,
    sentinel,
)
from clientcare.history.door.ids import Ids, read_ids
from clientcare.history.door.intake import GivenTable
from clientcare.history.door.quality import Mask, RowLog
from clientcare.history.door.rates import Rates
from clientcare.history.door.schema import schema_of
from clientcare.history.door.scope import is_part
from clientcare.history.door.spellings import (
    GUESTS,
    TOTALS,
    folded_ids,
    plain_ids,
    rows_of_words,
    totals_of_something,
)
from clientcare.history.door.troubles import attempt
from clientcare.window import UNKNOWN_TIME

LARGEST_NUMBER = 1e100
"""Beyond it a number is none: what a machine writes where it has no number, and whose square is infinite."""
LEAST_IDS = 20
"""Of few buyers one may well have most rows."""
SHARE_OF_GUESTS = 0.1
TIMES_THE_NEXT = 5
"""An id with a tenth of all rows and five times those of the next is an account for many rather than the best buyer."""


@dataclass(frozen=True)
class Door:
    """What the caller stated about all tables.

    Attributes
    ----------
    strict : bool
        Raise where rows would be set aside.
    timezone : str or None
        The seller's zone.
    date_formats : mapping of table to str
        How texts write dates, where not as in ISO 8601.
    observed_from, observed_until : int or None
        The stretch stated, in microseconds.
    exact_copies : "set_aside" or "keep"
        What is done with rows that equal an earlier row in every column.
    isolated_dates : "set_aside" or "keep"
        What is done with a few rows far after all others.
    kinds : mapping of str to str
        The caller's words for kinds of interactions.
    satisfaction_scale : pair of float or None
        The lowest and the highest answer.
    decimal : "." or "," or None
        What parts the decimals of numbers written as texts.
    ids : "exact" or "fold"
        Whether ids that differ by spelling alone are one.
    guests : "set_aside" or "keep"
        What is done with accounts that stand for whoever came by.
    statuses : mapping of str to str
        The caller's words for states of orders.
    currency : str or None
        The one currency that counts.
    rates : Rates or None
        What other currencies are worth in it.
    aliases : Aliases or None
        Which ids stand for which buyer.
    accounts : "own" or "parent"
        Whether accounts are rolled up to their parents.
    amounts : "auto", "line", "order" or AmountsRead
        Whether an amount is that of a line, or the total of its order on each of its lines.
    lasting : frozenset of str
        Attributes that held at every date, whatever they look like.
    ends : "auto", "scheduled", "paid_until" or int
        Whether the ends of contracts are agreed ends, or until when somebody had paid at the export (at a moment).
    """

    strict: bool = False
    timezone: str | None = None
    date_formats: Mapping[str, str] = field(default_factory=dict)
    observed_from: int | None = None
    observed_until: int | None = None
    exact_copies: str = "set_aside"
    isolated_dates: str = "set_aside"
    kinds: Mapping[str, str] = field(default_factory=dict)
    satisfaction_scale: tuple[float, float] | None = None
    decimal: str | None = None
    ids: str = "exact"
    guests: str = "set_aside"
    statuses: Mapping[str, str] = field(default_factory=dict)
    currency: str | None = None
    amounts: Any = "auto"
    rates: Rates | None = None
    aliases: Aliases | None = None
    accounts: str = "own"
    ends: str | int = "auto"
    lasting: frozenset[str] = frozenset()


@dataclass
class Sheet:
    """A dated table, read and judged row by row, not yet sorted.

    Attributes
    ----------
    given : GivenTable
        The table as given.
    log : RowLog
        What was found, and which rows were set aside.
    ids : Ids
        Whom each row is about.
    time : int64 array of shape (n_rows,)
        When it happened.
    recorded : int64 array of shape (n_rows,) or None
        When it was recorded, ``UNKNOWN_TIME`` where not stated.
    numbers, codes, moments : dict of name to array of shape (n_rows,)
        The other columns.
    levels : dict of name to array of texts
        The texts behind the codes.
    troubles : list of SchemaError
        Columns that cannot be read; a column of unknowns stands in for each.
    doubted : bool array of shape (n_rows,) or None
        Rows taken as purchases for want of a meaning of their state.
    """

    given: GivenTable
    log: RowLog
    ids: Ids
    time: Times
    recorded: Times | None = None
    numbers: dict[str, Numbers] = field(default_factory=dict)
    codes: dict[str, Codes] = field(default_factory=dict)
    levels: dict[str, Levels] = field(default_factory=dict)
    moments: dict[str, Times] = field(default_factory=dict)
    troubles: list[SchemaError] = field(default_factory=list)
    doubted: Mask | None = None

    @property
    def table(self) -> str:
        """The name of the table."""
        return self.given.table

    @property
    def known(self) -> Times | None:
        """When each row could first be known; None where nothing was recorded late."""
        if self.recorded is not None and np.any(self.recorded > self.time):
            return np.maximum(self.time, self.recorded)
        return (
            self.time if "amount_since" in self.moments else None
        )  # what changes later is no prefix of a run

    def add_numbers(self, name: str, door: Door, always: bool = False) -> Mask:
        """Read a column of numbers and tell which cells are none; with ``always``, NaN where not given."""
        cells = self.given.column(name)
        nothing = np.zeros(self.given.n_rows, dtype=bool)
        if cells is None:
            if always:
                self.numbers[name] = np.full(self.given.n_rows, np.nan)
            return nothing
        numbers, unreadable = attempt(
            lambda: read_numbers(cells, self.given.place(name), door.decimal),
            (np.full(self.given.n_rows, np.nan), nothing),
            self.troubles,
        )
        self.numbers[name] = np.where(np.abs(numbers) > LARGEST_NUMBER, np.inf, numbers)
        return unreadable

    def add_measure(self, name: str, door: Door) -> None:
        """Read a column of numbers that no row stands or falls with: what is no finite number is unknown."""
        unreadable = self.add_numbers(name, door)
        if name in self.numbers:
            unreadable |= np.isinf(self.numbers[name])
            self.numbers[name][unreadable] = np.nan
            self.log.note(f"unreadable_{name}", f"kept: {name} unknown", unreadable)

    def add_texts(self, name: str, always: bool = False) -> None:
        """Read a column of texts as codes; with ``always``, all unknown where not given."""
        cells = self.given.column(name)
        if cells is not None:
            self.codes[name], self.levels[name] = attempt(
                lambda: encode(read_texts(cells, self.given.place(name))),
                (np.full(self.given.n_rows, -1, dtype=np.int32), np.array([], dtype=object)),
                self.troubles,
            )
        elif always:
            self.codes[name] = np.full(self.given.n_rows, -1, dtype=np.int32)
            self.levels[name] = np.array([], dtype=object)

    def add_moments(self, name: str, door: Door, always: bool = False) -> None:
        """Read a column of dates; what is no date, or an impossible one, is unknown."""
        times = attempt(lambda: read_side_moments(self.given, self.log, name, door), None, self.troubles)
        if times is not None:
            self.moments[name] = times
        elif always:
            self.moments[name] = np.full(self.given.n_rows, UNKNOWN_TIME)


def open_sheet(given: GivenTable, door: Door) -> Sheet:
    """A table with its buyers and moments read and the shared rules applied, in the order of their weight."""
    log = RowLog(given.table, given.n_rows, door.strict, given.row_numbers)
    _count_lines_left_out(given, log)
    if not given.n_rows and not given.left_out:
        log.remark("empty_table", "kept: nothing of this kind happened", 0)
    for rule, action, n_rows in given.remarks:
        log.remark(rule, action, n_rows)
    when = schema_of(given.table).time or "timestamp"
    time_cells = given.column(when)
    assert time_cells is not None
    buyer, moment = given.names["buyer_id"], given.names[when]
    troubles: list[SchemaError] = []
    nothing = np.zeros(given.n_rows, dtype=bool)
    ids = attempt(
        lambda: buyer_ids_of(given, door),
        Ids(np.full(given.n_rows, -1, dtype=np.int64), np.empty(0, dtype=np.int64), nothing),
        troubles,
    )
    time, unreadable = attempt(
        lambda: read_moments(
            time_cells, given.place(when), door.timezone, door.date_formats.get(given.table)
        ),
        (np.full(given.n_rows, UNKNOWN_TIME), nothing),
        troubles,
    )
    if door.aliases is not None:
        ids, moved = door.aliases.read(ids, time)
        log.note("merged_account", "kept: as rows of the buyer whom the account stands for", moved)
    log.set_aside("missing_buyer", buyer, ids.codes < 0)
    set_aside_no_buyers(log, ids, buyer, door)
    log.note("padded_buyer", "kept: ids begin or end with a blank", ids.padded)
    log.set_aside("missing_timestamp", moment, (time == UNKNOWN_TIME) & ~unreadable)
    log.set_aside("unreadable_timestamp", moment, unreadable)
    log.set_aside("impossible_date", moment, impossible(time))
    log.set_aside("sentinel_date", moment, sentinel(time))
    dated = (time != UNKNOWN_TIME) & ~impossible(time) & ~sentinel(time)
    if door.timezone not in (None, "UTC") and are_zoned(time_cells) and all_midnight(time[dated]):
        log.note("midnight_utc", "kept: as dates, for every moment is midnight UTC", dated)
    recorded = attempt(lambda: read_side_moments(given, log, "recorded_at", door), None, troubles)
    if door.observed_until is not None:
        outside = dated & (time >= door.observed_until)
        if given.table == "contracts" and recorded is not None:  # signed, and begins later
            outside &= (recorded == UNKNOWN_TIME) | (recorded >= door.observed_until)
        log.set_aside("outside_observed", moment, outside)
    elif door.isolated_dates == "set_aside":
        log.set_aside("isolated_date", moment, isolated(time, dated))
    log.note("isolated_early_date", "kept: far before all others", isolated(time, dated, late=False))
    if door.observed_from is not None:
        log.note(
            "before_observed_from", "kept: before the observed stretch", dated & (time < door.observed_from)
        )
    sheet = Sheet(given, log, ids, time, troubles=troubles)
    if recorded is not None:
        _note_recorded(sheet, recorded)
    return sheet


def buyer_ids_of(given: GivenTable, door: Door) -> Ids:
    """The ids of the buyers of a table, spelled as the caller asked for."""
    cells = given.column("buyer_id")
    assert cells is not None
    ids = plain_ids(read_ids(cells, given.place("buyer_id")), given.place("buyer_id"))
    return folded_ids(ids) if door.ids == "fold" else ids


def set_aside_no_buyers(log: RowLog, ids: Ids, column: str, door: Door) -> None:
    """Set total lines aside, and accounts that stand for whoever came by."""
    log.set_aside("total_row", column, rows_of_words(ids, TOTALS) | totals_of_something(ids))
    guests = rows_of_words(ids, GUESTS)
    if door.guests == "keep":
        log.note("guest_account", "kept: as one buyer", guests)
    else:
        log.set_aside("guest_account", column, guests)
    log.note("one_id_of_many", "kept: as one buyer; perhaps a number for guests", of_one_among_many(ids))


def of_one_among_many(ids: Ids) -> Mask:
    """The rows of an id that alone holds a share of all rows that no buyer among many has."""
    nobody = np.zeros(len(ids.codes), dtype=bool)
    if len(ids.values) < LEAST_IDS or is_part():
        return nobody
    counts = np.bincount(ids.codes[ids.codes >= 0], minlength=len(ids.values))
    first, second = np.argsort(counts)[[-1, -2]]
    if counts[first] < SHARE_OF_GUESTS * counts.sum() or counts[first] < TIMES_THE_NEXT * counts[second]:
        return nobody
    return np.asarray(ids.codes == first)


def read_side_moments(given: GivenTable, log: RowLog, name: str, door: Door) -> Times | None:
    """Dates that no row stands or falls with, or None where the column was not given."""
    cells = given.column(name)
    if cells is None:
        return None
    times, unreadable = read_moments(
        cells, given.place(name), door.timezone, door.date_formats.get(given.table)
    )
    unreadable = unreadable | impossible(times) | sentinel(times)
    log.note(f"unreadable_{name}", f"kept: {name} unknown", unreadable)
    return np.where(unreadable, UNKNOWN_TIME, times)


def _note_recorded(sheet: Sheet, recorded: Times) -> None:
    stated = (recorded != UNKNOWN_TIME) & (sheet.time != UNKNOWN_TIME)
    sheet.log.note("late_recorded", "kept: unknown before it was recorded", stated & (recorded > sheet.time))
    action = "kept: a term signed ahead" if sheet.table == "contracts" else "kept: known when it happened"
    sheet.log.note("early_recorded", action, stated & (recorded < sheet.time))
    sheet.recorded = recorded


def _count_lines_left_out(given: GivenTable, log: RowLog) -> None:
    """Count lines of a file with too many or too few cells; they are no rows, and are kept as text."""
    if given.left_out:
        numbers = [number for number, _ in given.left_out]
        broken = np.zeros(given.n_rows + len(numbers), dtype=bool)
        broken[numbers] = True
        lines = RowLog(given.table, len(broken), log.strict)
        lines.set_aside("ragged_line", "all columns", broken)
        log.broken += lines.broken
        log.remark("ragged_line", "set aside", len(numbers), numbers[:5])
