"""Contracts at the door: terms, open ends, cancellations, and what is odd about them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from clientcare.facts.terms import FOREVER
from clientcare.history.door.cells import read_flags
from clientcare.history.door.copies import judge_copies
from clientcare.history.door.dates import LATEST, Times, read_moments
from clientcare.history.door.intake import GivenTable
from clientcare.history.door.quality import Mask
from clientcare.history.door.sheets import Door, Sheet, open_sheet
from clientcare.history.door.words import plain_word
from clientcare.window import MICROSECONDS_A_DAY, UNKNOWN_TIME

KNOWN_FROM = {"cancelled_at": "cancelled_at", "cancel_reason": "reason_at"}
KNOWN_FROM_NOTICE = {"cancelled_at": "notice_at", "cancel_reason": "reason_at"}
"""Where notices are recorded, an end of service is known from the notice on, before it comes."""
NEVER = 2**62
"""When a term is known to have begun that never did, in microseconds."""
NEVER_BEGUN = (
    "incomplete_expired",
    "incomplete",
    "draft",
    "pending",
    "rejected",
    "declined",
    "failed",
    "test",
    "entwurf",
)
"""States of contracts that never came about."""
INTERVALS = {
    "month months monthly m monat monate monatlich mois mensuel mensuelle mes meses mensual mese mesi mensile maand": 1.0,
    "year years yearly annual annually y jahr jahre jährlich an ans annuel annuelle año anual anno annuale jaar": 12.0,
    "quarter quarters quarterly q quartal vierteljahr vierteljährlich trimestre trimestriel trimestral kwartaal": 3.0,
    "halfyear semiannual semiannually biannual halbjahr halbjährlich semestre semestral": 6.0,
    "week weeks weekly w woche wochen wöchentlich semaine hebdomadaire semana semanal": 12.0 / 52.0,
    "day days daily d tag tage täglich jour": 12.0 / 365.0,
}
"""How many months the words for an interval of billing stand for."""
CHURN_FLAGS = ("churned", "is_churned", "churn_flag", "has_churned")
"""Columns of others that say that a term has ended; compared with the dates, never used."""


def read_contracts(given: GivenTable, door: Door) -> Sheet:
    """Read contracts. A term that ends before it starts is set aside; other oddities are kept and counted."""
    sheet = open_sheet(given, door)
    unreadable = sheet.add_numbers("amount", door, always=True)
    for name in ("contract_id", "kind", "plan", "cancel_reason"):
        sheet.add_texts(name)
    judge_copies(sheet, door)
    _leave_out_never_begun(sheet)
    _a_month(sheet)
    amount = sheet.numbers["amount"]
    unreadable |= np.isinf(amount)
    sheet.log.note("unreadable_amount", "kept: amount unknown", unreadable)
    sheet.numbers["amount"] = np.where(unreadable, np.nan, amount)
    sheet.moments["end"] = _read_end(sheet, door)
    sheet.add_moments("cancelled_at", door, always=True)
    sheet.add_moments("notice_at", door)
    if "notice_at" in sheet.moments:
        _complete_notices(sheet)
    if "cancel_reason" in sheet.codes:
        sheet.moments["reason_at"] = _reason_known_at(sheet)
    if sheet.recorded is not None:
        ahead = (sheet.recorded != UNKNOWN_TIME) & (sheet.recorded < sheet.time)
        sheet.moments["signed_at"] = np.where(ahead, sheet.recorded, UNKNOWN_TIME)
    _leave_out_withdrawn(sheet)
    _note_oddities(sheet)
    return sheet


def _leave_out_never_begun(sheet: Sheet) -> None:
    """Contracts whose state says that they never came about; every other state is told by the dates."""
    sheet.add_texts("status")
    codes, levels = sheet.codes.pop("status", None), sheet.levels.pop("status", None)
    if codes is not None and levels is not None:
        never = np.array([*(plain_word(str(level)) in NEVER_BEGUN for level in levels), False], dtype=bool)
        sheet.log.set_aside("never_begun_status", sheet.given.names["status"], never[codes])


def _a_month(sheet: Sheet) -> None:
    """Amounts of a year, a quarter or a week as amounts of a month, where a column says what they are for."""
    sheet.add_texts("interval")
    codes, levels = sheet.codes.pop("interval", None), sheet.levels.pop("interval", None)
    if codes is None or levels is None:
        return
    months = np.array([*(_months_of(str(level)) for level in levels), np.nan])[codes]
    sheet.log.note("unknown_interval", "kept: as an amount of a month", (codes >= 0) & np.isnan(months))
    other = ~np.isnan(months) & (months != 1) & ~np.isnan(sheet.numbers["amount"])
    sheet.log.note("amount_of_an_interval", "kept: as an amount of a month", other)
    amount = sheet.numbers["amount"]
    sheet.numbers["amount"] = np.where(other, np.round(amount / np.where(other, months, 1.0), 6), amount)


def _months_of(word: str) -> float:
    """How many months an interval has; NaN where the word is none.

    Examples
    --------
    >>> _months_of("yearly"), _months_of("3 months"), _months_of("Quartal"), _months_of("soon")
    (12.0, 3.0, 3.0, nan)
    """
    parts = plain_word(word).removeprefix("every_").removeprefix("per_").split("_")
    times = float(parts[0]) if len(parts) == 2 and parts[0].isdigit() else 1.0
    return times * next((n for words, n in INTERVALS.items() if parts[-1] in words.split()), np.nan)


def _leave_out_withdrawn(sheet: Sheet) -> None:
    """Terms cancelled by the moment they start were never in force: left out, save for the time they were signed ahead."""
    start, cancelled = sheet.time, sheet.moments["cancelled_at"]
    withdrawn = (cancelled != UNKNOWN_TIME) & (start != UNKNOWN_TIME) & (cancelled <= start)
    signed = sheet.moments.get("signed_at", np.full(len(start), UNKNOWN_TIME))
    looked_signed = (
        withdrawn & (signed != UNKNOWN_TIME) & (signed < sheet.moments.get("notice_at", cancelled))
    )
    sheet.log.leave_out("cancelled_before_start", "left out: never in force", withdrawn & ~looked_signed)
    sheet.log.note("signed_and_withdrawn", "kept: a term signed ahead until it was withdrawn", looked_signed)
    if sheet.recorded is not None and looked_signed.any():
        sheet.recorded = np.where(looked_signed, NEVER, sheet.recorded)


def _complete_notices(sheet: Sheet) -> None:
    """Give every cancellation the moment it was known from, and every notice the end of service it is for.

    A cancellation without a notice, or before it, is known when it takes effect. A notice without a cancellation ends the
    service with the term.
    """
    notice, cancelled, end = (sheet.moments[name] for name in ("notice_at", "cancelled_at", "end"))
    kept, given, stops = sheet.log.kept, notice != UNKNOWN_TIME, cancelled != UNKNOWN_TIME
    late = given & stops & (notice > cancelled)
    sheet.log.note("notice_after_cancellation", "kept: known when the service ended", kept & late)
    with_term = given & ~stops & (end != UNKNOWN_TIME)
    sheet.log.note("notice_alone", "kept: the service ends with the term", kept & with_term)
    sheet.log.note(
        "notice_without_an_end",
        "kept: under notice, in force until cancelled",
        kept & given & ~stops & ~with_term,
    )
    after_term = (end // MICROSECONDS_A_DAY + 1) * MICROSECONDS_A_DAY
    sheet.moments["cancelled_at"] = np.where(with_term, after_term, cancelled)
    sheet.moments["notice_at"] = np.where(stops & (late | ~given), cancelled, notice)


def _reason_known_at(sheet: Sheet) -> Times:
    """Why a contract was ended is known with the notice or the cancellation; without either, when the term is over."""
    end, known = sheet.moments["end"], sheet.moments["cancelled_at"]
    over = np.where(end == UNKNOWN_TIME, NEVER, (end // MICROSECONDS_A_DAY + 1) * MICROSECONDS_A_DAY)
    return np.where(known == UNKNOWN_TIME, over, sheet.moments.get("notice_at", known))


def _read_end(sheet: Sheet, door: Door) -> Times:
    """The scheduled ends; none, or one from 2200 on, is an open end."""
    cells = sheet.given.column("end")
    if cells is None:
        return np.full(sheet.given.n_rows, UNKNOWN_TIME)
    end, unreadable = read_moments(
        cells, sheet.given.place("end"), door.timezone, door.date_formats.get(sheet.table)
    )
    started = (end != UNKNOWN_TIME) & (sheet.time != UNKNOWN_TIME)
    sheet.log.set_aside("unreadable_end", sheet.given.names["end"], unreadable)
    sheet.log.set_aside("end_before_start", sheet.given.names["end"], started & (end < sheet.time))
    sheet.log.note("far_end", "kept: as open-ended", end >= LATEST)
    return np.where(end >= LATEST, UNKNOWN_TIME, end)


def _note_oddities(sheet: Sheet) -> None:
    log, end, cancelled = sheet.log, sheet.moments["end"], sheet.moments["cancelled_at"]
    kept = log.kept
    amount = sheet.numbers["amount"]
    has_end, has_cancelled = end != UNKNOWN_TIME, cancelled != UNKNOWN_TIME
    log.note("open_ended", "kept: in force until cancelled", kept & ~has_end)
    log.note(
        "cancelled_after_end",
        "kept: in force until its end",
        kept & has_end & has_cancelled & (cancelled > (end // MICROSECONDS_A_DAY + 1) * MICROSECONDS_A_DAY),
    )
    log.note("zero_amount", "kept: as a trial", kept & (amount == 0))
    log.note("negative_amount", "kept: as given", kept & (amount < 0))
    log.note("overlapping_term", "kept: several terms at once", overlapping(sheet))
    if "contract_id" in sheet.codes:
        codes = pd.Series(sheet.codes["contract_id"])
        log.note(
            "doubled_contract_id",
            "kept: each row is a term",
            kept & (codes >= 0) & codes.duplicated(keep=False),
        )
    _note_churn_flags(sheet, kept, has_end | has_cancelled)


def overlapping(sheet: Sheet) -> Mask:
    """Which terms start while an earlier one of the same buyer is running."""
    end, cancelled = (
        np.where(moments == UNKNOWN_TIME, FOREVER, moments)
        for moments in (sheet.moments["end"], sheet.moments["cancelled_at"])
    )
    rows = np.flatnonzero(sheet.log.kept)
    rows = rows[np.lexsort([np.minimum(end, cancelled)[rows], sheet.time[rows], sheet.ids.codes[rows]])]
    buyer = sheet.ids.codes[rows]
    latest = pd.Series(np.minimum(end, cancelled)[rows]).groupby(buyer).cummax().to_numpy()
    found = np.zeros(len(end), dtype=bool)
    found[rows[1:]] = (buyer[1:] == buyer[:-1]) & (sheet.time[rows[1:]] < latest[:-1])
    return found


def _note_churn_flags(sheet: Sheet, kept: Mask, ended: Mask) -> None:
    for name in sheet.given.ignored:
        if name.lower() in CHURN_FLAGS:
            flags, _ = read_flags(sheet.given.cells(name), f"{sheet.table}, column {name!r}")
            contradicts = kept & ~np.isnan(flags) & (flags != ended)
            sheet.log.note("contradictory_churn_flag", "kept: the dates count", contradicts)
