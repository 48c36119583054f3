"""Interactions at the door: who reached out, whether there was an answer, how it ended."""

from __future__ import annotations

import numpy as np

from clientcare.exceptions import SchemaError
from clientcare.facts.kinds import kinds_where
from clientcare.history.door.cells import Numbers, read_flags
from clientcare.history.door.copies import judge_copies
from clientcare.history.door.dates import Times
from clientcare.history.door.intake import GivenTable
from clientcare.history.door.quality import Mask, first_true
from clientcare.history.door.sheets import Door, Sheet, open_sheet
from clientcare.history.door.words import (
    KINDS,
    codes_of,
    direction_words,
    kind_words,
    outcomes_in_kinds,
    reword,
    status_words,
)
from clientcare.window import UNKNOWN_TIME

MICROSECONDS_AN_HOUR = 3_600_000_000
ANSWERABLE = kinds_where(lambda kind: kind.answerable)
"""Kinds that ask for an answer, those under a name of the caller's own included."""
RESOLVABLE = kinds_where(lambda kind: kind.resolvable)
"""Kinds that are open until they are resolved, those under a name of the caller's own included."""

KNOWN_FROM = {
    "answered": "answered_at",
    "response_hours": "answered_at",
    "resolved": "closed_at",
    "resolution_hours": "closed_at",
    "satisfaction": "closed_at",
}
VALUE_BEFORE: dict[str, float | str] = {"answered": 0.0, "resolved": 0.0}
"""What was not answered or resolved yet at a date looks as what never was; unknown stays unknown."""


def read_interactions(given: GivenTable, door: Door) -> Sheet:
    """Read interactions: kinds, directions, states in our words; answers and closings with their moments."""
    sheet = open_sheet(given, door)
    for name in ("kind", "direction", "status"):
        sheet.add_texts(name, always=True)
    for name in ("topic", "owner", "channel", "contact_id", "role"):
        sheet.add_texts(name)
    judge_copies(sheet, door)
    _read_words(sheet, door)
    sheet.add_measure("minutes", door)
    _read_satisfaction(sheet, door)
    _read_length(sheet, door, "response_hours", "answered_at", "answered_before_asked")
    _read_length(sheet, door, "resolution_hours", "closed_at", "closed_before_opened")
    own_names = tuple(level for level in sheet.levels["kind"] if level not in KINDS)
    unnamed = sheet.codes["kind"] < 0
    one_sided = ~_is_word(sheet, "direction", "mutual")
    asks = _is_word(sheet, "kind", *ANSWERABLE, *own_names) | unnamed
    _read_outcome(sheet, "answered", "answered_at", asks & one_sided)
    _read_outcome(sheet, "resolved", "closed_at", _is_word(sheet, "kind", *RESOLVABLE, *own_names) | unnamed)
    return sheet


def _read_words(sheet: Sheet, door: Door) -> None:
    log, codes, levels = sheet.log, sheet.codes, sheet.levels
    given = codes["kind"]
    telling = outcomes_in_kinds(levels["kind"], door.kinds)
    told = [np.flatnonzero(given == code) for code in telling]
    canonical = np.append(np.isin(levels["kind"], KINDS), False)
    words = kind_words(door.kinds)
    codes["kind"], levels["kind"] = reword(given, levels["kind"], words, keep_unknown=True)
    ours = np.append(np.isin(levels["kind"], KINDS), False)[codes["kind"]]
    log.note("kind_reworded", "kept: read as one of our kinds", ours & ~canonical[given])
    log.note("unknown_kind", "kept: under its own name", ~ours & (given >= 0))
    log.note("missing_kind", "kept: kind unknown", given < 0)
    for name, known in (("direction", direction_words()), ("status", status_words())):
        given = codes[name]
        codes[name], levels[name] = reword(given, levels[name], known, keep_unknown=False)
        log.note(f"unknown_{name}", f"kept: {name} unknown", (given >= 0) & (codes[name] < 0))
        if name == "direction":
            _note_sides(sheet, given < 0)
    for rows, word in zip(told, telling.values(), strict=True):
        _fill_status(sheet, rows, word)
    log.note("attempted_contact", "kept: as an attempt, no contact", _is_word(sheet, "status", "attempted"))
    log.note("missed_contact", "kept: as missed", _is_word(sheet, "status", "missed"))


def _note_sides(sheet: Sheet, unknown: Mask) -> None:
    """Tell where nobody wrote down who started a contact: taken from its kind where that says so, else unknown."""
    tells = _is_word(sheet, "kind", *kinds_where(lambda kind: kind.starts is not None))
    sheet.log.note("missing_direction", "kept: direction unknown", unknown & ~tells)
    sheet.log.note("direction_by_kind", "kept: started by who usually starts that kind", unknown & tells)


def _fill_status(sheet: Sheet, rows: Times, word: str) -> None:
    """A status for the rows that have none, of a word that the kind told."""
    levels = sheet.levels["status"]
    if word not in levels:
        grown = np.array(sorted([*levels, word]), dtype=object)
        place = np.append(np.searchsorted(grown.astype(str), levels.astype(str)), -1).astype(np.int32)
        sheet.codes["status"], sheet.levels["status"] = place[sheet.codes["status"]], grown
    codes = sheet.codes["status"]
    empty = rows[codes[rows] < 0]
    codes[empty] = codes_of(sheet.levels["status"], (word,))[0]


def _is_word(sheet: Sheet, name: str, *words: str) -> Mask:
    return np.isin(sheet.codes[name], codes_of(sheet.levels[name], words))


def _read_satisfaction(sheet: Sheet, door: Door) -> None:
    """Satisfaction from 0 to 1, from the scale stated; without one only values from 0 to 1 are understood."""
    sheet.add_measure("satisfaction", door)
    if "satisfaction" not in sheet.numbers:
        return
    answers = sheet.numbers["satisfaction"]
    low, high = door.satisfaction_scale or (0.0, 1.0)
    outside = (answers < low) | (answers > high)
    if outside.any() and door.satisfaction_scale is None:
        rows = ", ".join(str(row) for row in first_true(outside))
        raise SchemaError(
            f"{sheet.given.place('satisfaction')}: {np.count_nonzero(outside):,} values lie outside 0 to 1 "
            f"(first row numbers: {rows}).\n"
            "State the lowest and the highest answer: Histories(..., satisfaction_scale=(1, 5)), "
            "in the file of --config satisfaction_scale = [1, 5]."
        )
    sheet.log.note("outside_scale", "kept: satisfaction unknown", outside)
    sheet.numbers["satisfaction"] = np.where(outside, np.nan, (answers - low) / (high - low))


def _read_length(sheet: Sheet, door: Door, hours: str, moment: str, rule: str) -> None:
    """Read how long an answer or a closing took and when it came, each from the other where one lacks."""
    sheet.add_measure(hours, door)
    sheet.add_moments(moment, door)
    if hours not in sheet.numbers and moment not in sheet.moments:
        return
    unknown = np.full(sheet.given.n_rows, UNKNOWN_TIME)
    length, at = sheet.numbers.get(hours, np.full(len(unknown), np.nan)), sheet.moments.get(moment, unknown)
    dated = sheet.time != UNKNOWN_TIME
    stated = dated & (at != UNKNOWN_TIME)
    counted = dated & ~np.isnan(length)
    passed = np.where(stated, at - np.where(dated, sheet.time, 0), 0) / MICROSECONDS_AN_HOUR
    differs = stated & counted & (np.abs(passed - np.where(counted, length, 0.0)) > 1.0)
    sheet.log.note(f"contradictory_{hours}", f"kept: {moment} counts", differs)
    length = np.where(stated, passed, length)
    at = np.where(counted & ~stated, _later(sheet.time, length), at)
    backwards = length < 0
    sheet.log.note(rule, f"kept: {moment} unknown", backwards)
    sheet.numbers[hours] = np.where(backwards, np.nan, length)
    sheet.moments[moment] = np.where(backwards, UNKNOWN_TIME, at)


STATES = {
    "resolved": (
        (
            *(
                "resolved",
                "closed",
                "solved",
                "done",
                "completed",
                "complete",
                "fixed",
                "archived",
                "geschlossen",
            ),
            *(
                "gelöst",
                "erledigt",
                "fermé",
                "résolu",
                "cerrado",
                "resuelto",
                "chiuso",
                "risolto",
                "gesloten",
            ),
        ),
        (
            *(
                "open",
                "new",
                "pending",
                "waiting",
                "reopened",
                "unresolved",
                "offen",
                "neu",
                "ouvert",
                "abierto",
            ),
            *("pendiente", "aperto", "on hold", "on-hold", "in progress", "in bearbeitung", "en cours"),
        ),
    ),
    "answered": (
        ("answered", "replied", "responded", "beantwortet"),
        ("unanswered", "no answer", "no reply", "unbeantwortet"),
    ),
}
"""What service systems write where yes or no is asked for."""


def _later(time: Times, hours: Numbers) -> Times:
    passed = np.clip(np.nan_to_num(hours), -1e6, 1e6)
    since = np.round(passed * MICROSECONDS_AN_HOUR).astype(np.int64)
    return np.asarray(np.where(time == UNKNOWN_TIME, 0, time) + since, dtype=np.int64)


def _read_outcome(sheet: Sheet, flag: str, moment: str, asks: Mask) -> None:
    """Whether it was answered (resolved), as stated or told by its moment.

    Where moments are kept, "no" and nothing written must look the same, for either may turn into a later
    "yes": 0 where the kind asks for an answer, unknown where it does not, whatever was stated. Where none
    are kept, what is stated stands.
    """
    cells = sheet.given.column(flag)
    stated = np.full(sheet.given.n_rows, np.nan)
    if cells is not None:
        stated, unreadable = read_flags(cells, sheet.given.place(flag), *STATES.get(flag, ((), ())))
        sheet.log.note(f"unreadable_{flag}", f"kept: {flag} unknown", unreadable)
        sheet.numbers[flag] = stated
    if moment not in sheet.moments:
        return
    happened = sheet.moments[moment] != UNKNOWN_TIME
    sheet.log.note(f"contradictory_{flag}", f"kept: {moment} counts", happened & (stated == 0))
    sheet.log.note(f"unasked_{flag}", f"kept: {flag} unknown", ~asks & ~happened & (stated == 0))
    known_at_once = np.where(~happened & (stated == 1), 1.0, np.nan)
    sheet.numbers[flag] = np.where(asks, np.where(happened | (stated == 1), 1.0, 0.0), known_at_once)
