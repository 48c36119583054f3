"""From judged tables to sorted events of all buyers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clientcare.facts.billing import bill_rows
from clientcare.facts.events import EventTable, sort_events
from clientcare.facts.terms import rows_in_force
from clientcare.history.door import contracts, interactions, transactions
from clientcare.history.door.attributes import (
    SIGN_UP,
    Written,
    churn_labels,
    read_attributes,
    sign_up_times,
)
from clientcare.history.door.computed import ACTION, computed_at_export
from clientcare.history.door.headlines import headlines, note_spellings, unshared_findings
from clientcare.history.door.ids import Ids, all_ids, same_kind
from clientcare.history.door.intake import GivenTable
from clientcare.history.door.of_today import NO_FEATURES, attributes_of_today, of_today_said
from clientcare.history.door.paid_until import SAID, paid_until, read_as_open_ended
from clientcare.history.door.parents import aliases_with_parents
from clientcare.history.door.quality import Finding, Mask, RowLog
from clientcare.history.door.scope import is_part
from clientcare.history.door.sheets import Door, Sheet, buyer_ids_of
from clientcare.history.door.stretch import judge_stretch
from clientcare.history.door.troubles import of_each, raise_all
from clientcare.history.observed import observed_stretch
from clientcare.window import MICROSECONDS_A_DAY, UNKNOWN_TIME

READERS = {
    "transactions": transactions.read_transactions,
    "interactions": interactions.read_interactions,
    "contracts": contracts.read_contracts,
}
KNOWN_FROM = {
    "transactions": transactions.KNOWN_FROM,
    "interactions": interactions.KNOWN_FROM,
    "contracts": contracts.KNOWN_FROM,
}
VALUE_BEFORE: dict[str, dict[str, float | str]] = {
    "transactions": transactions.VALUE_BEFORE,
    "interactions": interactions.VALUE_BEFORE,
}


@dataclass(frozen=True)
class Assembly:
    """All that the door hands over."""

    buyer_ids: pd.Index
    events: dict[str, EventTable]
    attributes: pd.DataFrame | None
    written: Written | None
    of_today: tuple[str, ...]
    findings: list[Finding]
    says: list[str]
    rows: pd.DataFrame
    set_aside: dict[str, pd.DataFrame]
    first_day: pd.Timestamp
    day_after_last: pd.Timestamp
    holes: pd.DataFrame


def assemble(given: Mapping[str, GivenTable], door: Door) -> Assembly:
    """Read and sort every table, bring ids to one kind, count what is odd between tables."""
    if door.accounts == "parent":
        door = replace(door, aliases=aliases_with_parents(given.get("buyers"), door))
    sheets = of_each(_read, {name: (table, door) for name, table in given.items() if name in READERS})
    for sheet in sheets.values():
        sheet.log.refuse_where_strict()
    buyers = given.get("buyers")
    own, moved = ([], None) if buyers is None else _ids_of_buyers(buyers, door)
    columns, reworded = same_kind([sheet.ids for sheet in sheets.values()] + own)
    for sheet, ids in zip(sheets.values(), columns, strict=False):
        if reworded and sheet.ids.are_numbers and len(sheet.ids.values):
            sheet.log.remark("mixed_id_kinds", "kept: ids of all tables read as text", sheet.given.n_rows)
        sheet.ids = ids
    buyer_ids = all_ids([(sheet.ids, sheet.log.kept) for sheet in sheets.values()])
    events = {name: _sorted(sheet, buyer_ids) for name, sheet in sheets.items()}
    first_day, day_after_last = observed_stretch(events)
    stretch = judge_stretch(sheets, events, day_after_last, door.observed_until is not None)
    day_after_last = stretch.day_after_last
    open_ended = _open_ended(sheets.get("contracts"), door, day_after_last)
    if open_ended:
        events["contracts"] = _sorted(sheets["contracts"], buyer_ids)
    logs = {name: sheet.log for name, sheet in sheets.items()}
    attributes, written = None, None
    of_today: tuple[str, ...] = ()
    if buyers is not None:
        logs["buyers"] = RowLog("buyers", buyers.n_rows, door.strict, buyers.row_numbers)
        if moved is not None:
            _set_merged_aside(buyers, columns[-1], moved, logs["buyers"])
        attributes, written = read_attributes(buyers, columns[-1], logs["buyers"], buyer_ids, door)
        logs["buyers"].refuse_where_strict()
        until = door.observed_until or int(day_after_last.value // 1000)
        attributes = _without_computed(attributes, events, logs["buyers"], door.lasting)
        of_today = _of_today(attributes, events, until, logs["buyers"], door.lasting)
        _note_before_sign_up(sheets, buyer_ids, attributes)
        _note_churn_labels(buyers, columns[-1], logs["buyers"], buyer_ids, events.get("contracts"), until)
    _note_contacts(sheets, events, buyer_ids)
    note_spellings(sheets, buyer_ids)
    rows = _row_counts(given, logs)
    own_ids = columns[-1] if own else None
    events, billed = _without_bills(events)
    if billed:
        logs["transactions"].remark(
            "bill_of_a_contract", "kept as the contract's money: no purchases", billed
        )
    return Assembly(
        buyer_ids=buyer_ids,
        events=events,
        attributes=attributes,
        written=written,
        of_today=of_today,
        findings=unshared_findings(sheets, own_ids)
        + [finding for log in logs.values() for finding in log.findings],
        says=headlines(sheets, own_ids, rows) + [SAID] * open_ended + of_today_said(of_today),
        rows=rows,
        set_aside={name: _rows_set_aside(given[name], log) for name, log in logs.items()},
        first_day=first_day,
        day_after_last=day_after_last,
        holes=stretch.holes,
    )


def _ids_of_buyers(buyers: GivenTable, door: Door) -> tuple[list[Ids], Mask | None]:
    """The ids of the table of buyers, and which of its rows are of accounts that were merged."""
    ids = buyer_ids_of(buyers, door)
    if door.aliases is None:
        return [ids], None
    merged, moved = door.aliases.read(ids, np.full(buyers.n_rows, UNKNOWN_TIME))
    return [merged], moved


def _set_merged_aside(buyers: GivenTable, ids: Ids, moved: Mask, log: RowLog) -> None:
    """Attributes of merged accounts count where the buyer has none of its own: those of the first account."""
    own = np.zeros(len(ids.values) + 1, dtype=bool)
    own[ids.codes[~moved]] = True
    again = pd.Series(ids.codes).where(moved).duplicated().to_numpy()
    log.set_aside("merged_account", buyers.names["buyer_id"], moved & (own[ids.codes] | again))


def _read(name: str, given: tuple[GivenTable, Door]) -> Sheet:
    sheet = READERS[name](*given)
    raise_all(sheet.troubles)
    return sheet


def _open_ended(sheet: Sheet | None, door: Door, day_after_last: pd.Timestamp) -> bool:
    """Read ends that are only until when somebody had paid as open ends; whether that was so."""
    if sheet is None or door.ends == "scheduled":
        return False
    export = door.observed_until or int(day_after_last.value // 1000)
    if isinstance(door.ends, int):
        export = door.ends
    elif door.ends == "auto" and not paid_until(sheet, export):
        return False
    read_as_open_ended(sheet, export)
    return True


def _without_computed(
    attributes: pd.DataFrame, events: Mapping[str, EventTable], log: RowLog, lasting: frozenset[str]
) -> pd.DataFrame:
    """The attributes without those that were worked out of the tables at the export."""
    computed = [
        name for name in computed_at_export(attributes, events, frozenset(SIGN_UP)) if name not in lasting
    ]
    for name in computed:
        log.remark(f"computed_{name}", ACTION, int(attributes[name].notna().sum()))
    return attributes.drop(columns=computed)


def _of_today(
    attributes: pd.DataFrame,
    events: Mapping[str, EventTable],
    until: int,
    log: RowLog,
    lasting: frozenset[str],
) -> tuple[str, ...]:
    """The attributes that say who is here at the export; of a part, what the whole table says was said before."""
    if is_part():
        return ()
    found = attributes_of_today(attributes, events, until, lasting | set(SIGN_UP) | NO_FEATURES)
    for one in found:
        log.remark(one.rule, one.action, int(attributes[one.name].notna().sum()))
    return tuple(one.name for one in found if one.sure)


def _without_bills(events: dict[str, EventTable]) -> tuple[dict[str, EventTable], int]:
    """Transactions that are payments of a contract as a table of their own, and how many these are."""
    transactions, terms = events.get("transactions"), events.get("contracts")
    if transactions is None or terms is None:
        return events, 0
    bills = bill_rows(transactions, terms)
    if not bills.any():
        return events, 0
    apart = {
        "transactions": transactions.take(np.flatnonzero(~bills)).frozen(),
        "bills": transactions.take(np.flatnonzero(bills)).frozen(),
    }
    return {**events, **apart}, int(bills.sum())


def _sorted(sheet: Sheet, buyer_ids: pd.Index) -> EventTable:
    kept = np.flatnonzero(sheet.log.kept)
    columns: dict[str, NDArray[Any]] = {**sheet.numbers, **sheet.codes, **sheet.moments}
    known = sheet.known
    known_from = KNOWN_FROM.get(sheet.table, {})
    if "notice_at" in sheet.moments:
        known_from = contracts.KNOWN_FROM_NOTICE
    value_before = VALUE_BEFORE.get(sheet.table, {})
    events = sort_events(
        len(buyer_ids),
        sheet.ids.positions_in(buyer_ids)[kept].astype(np.int32),
        sheet.time[kept],
        {name: values[kept] for name, values in columns.items()},
        known=None if known is None else known[kept],
        levels=sheet.levels,
        time_columns=frozenset(sheet.moments),
        known_from={name: moment for name, moment in known_from.items() if {name, moment} <= set(columns)},
        value_before={name: value for name, value in value_before.items() if name in columns},
    )
    return events.frozen()


def _note_contacts(
    sheets: Mapping[str, Sheet], events: Mapping[str, EventTable], buyer_ids: pd.Index
) -> None:
    """Count interactions of people who never bought, and those before the first purchase or contract."""
    contacts = sheets.get("interactions")
    bonds = [table for name, table in events.items() if name != "interactions"]
    if contacts is None or not bonds:
        return
    first = np.full(len(buyer_ids) + 1, np.iinfo(np.int64).max)
    for table in bonds:
        bought = (
            ~(table.columns["amount"] <= 0)
            if len(bonds) and "end" not in table.columns
            else np.full(table.n_rows, True)
        )
        np.minimum.at(first, table.buyer[bought], table.time[bought])
    start = first[contacts.ids.positions_in(buyer_ids)]
    stranger = start == np.iinfo(np.int64).max
    kept = contacts.log.kept
    contacts.log.note("contact_of_no_buyer", "kept: contact alone makes no buyer", kept & stranger)
    contacts.log.note(
        "before_first_purchase",
        "kept: before the first purchase or contract",
        kept & ~stranger & (contacts.time < start),
    )


def _note_before_sign_up(sheets: Mapping[str, Sheet], buyer_ids: pd.Index, attributes: pd.DataFrame) -> None:
    signed_up = sign_up_times(attributes)
    if signed_up is None:
        return
    for sheet in sheets.values():
        start = np.append(signed_up, UNKNOWN_TIME)[sheet.ids.positions_in(buyer_ids)]
        early = sheet.log.kept & (sheet.time // MICROSECONDS_A_DAY < start // MICROSECONDS_A_DAY)
        sheet.log.note("before_sign_up", "kept: before the buyer signed up", early)


def _note_churn_labels(
    given: GivenTable, ids: Ids, log: RowLog, buyer_ids: pd.Index, terms: EventTable | None, until: int
) -> None:
    """Count labels of buyers as gone that the contracts do not bear out."""
    labels = churn_labels(given)
    if labels is None or terms is None:
        return
    bound = np.zeros(len(buyer_ids) + 1, dtype=bool)
    bound[terms.buyer[rows_in_force(terms, until)]] = True
    position = ids.positions_in(buyer_ids)
    told = log.kept & (position >= 0) & ~np.isnan(labels)
    log.note(
        "contradictory_churn_label", "kept: the contracts count", told & ((labels == 1) == bound[position])
    )


def _row_counts(given: Mapping[str, GivenTable], logs: Mapping[str, RowLog]) -> pd.DataFrame:
    kept = {name: int(np.count_nonzero(log.kept)) for name, log in logs.items()}
    rows_in = {name: given[name].n_rows + len(given[name].left_out) for name in logs}
    return pd.DataFrame(
        {
            "rows_in": pd.Series(rows_in, dtype=np.int64),
            "rows_kept": pd.Series(kept, dtype=np.int64),
            "rows_set_aside": pd.Series({name: rows_in[name] - kept[name] for name in logs}, dtype=np.int64),
        }
    ).rename_axis("table")


def _rows_set_aside(given: GivenTable, log: RowLog) -> pd.DataFrame:
    """The rows as given, rule and number in front; lines of a file that are no rows come last, as text."""
    rows = np.flatnonzero(~log.kept)
    numbers = rows if log.row_numbers is None else log.row_numbers[rows]
    frame = given.take(rows)
    rules = np.array([*log.rules, ""], dtype=object)[log.rule_of_row[rows]]
    for name, values in (("row_number", numbers.astype(np.int64)), ("rule", rules)):
        frame.insert(0, name if name not in frame else f"clientcare_{name}", values)
    if not given.left_out:
        return frame
    lines = pd.DataFrame(given.left_out, columns=["row_number", "line"]).assign(rule="ragged_line")
    return lines if frame.empty else pd.concat([frame, lines], ignore_index=True)
