"""Cells read as moments: microseconds since 1970-01-01 on the seller's wall clock.

Dates, datetimes and ISO texts are read; numbers are not (19970101 would become a moment in 1970). A moment
with a zone is placed on the wall clock of the stated zone; without one stated there is no telling which day
it is.
"""

from __future__ import annotations

import re
from datetime import date, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from clientcare.exceptions import OptionError, SchemaError
from clientcare.history.door.intake import Cells, as_numpy, is_text
from clientcare.history.door.quality import Mask, first_true
from clientcare.history.door.scope import judges_a_column
from clientcare.window import MICROSECONDS_A_DAY, UNKNOWN_TIME, microseconds

Times = NDArray[np.int64]

_ISO = re.compile(r"\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?)?")
"""A date as ISO 8601 writes it, with or without a time of day."""
MISSING_WORDS = ("", "nan", "nat", "none", "null", "na", "n/a", "<na>")
EARLIEST = microseconds(pd.Timestamp("1900-01-01"))
LATEST = microseconds(pd.Timestamp("2200-01-01"))
FIVE_YEARS = 5 * 365 * MICROSECONDS_A_DAY
FROM_NUMBERS = (
    "State what the numbers count: date_format='%Y%m%d' for year-month-day, 'seconds' or 'milliseconds' since 1970, "
    "'spreadsheet' for the days of one."
)
DAY_FORMS = (
    *("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d", "%Y.%m.%d", "%Y-%m"),
    *(
        "%d/%m/%y",
        "%m/%d/%y",
        "%d.%m.%y",
        "%d %b %Y",
        "%d-%b-%Y",
        "%b %d, %Y",
        "%d %B %Y",
        "%B %d, %Y",
        "%Y-%m-%d",
    ),
)
CLOCK_FORMS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
COMMON_FORMS = tuple(day + clock for day in DAY_FORMS for clock in CLOCK_FORMS)
"""How dates are often written: looked through for advice alone."""
ISO_DATE = r"^\d{4}-?\d{2}-?\d{2}([T ]\d{2}(:?\d{2}(:?\d{2}([.,]\d+)?)?)?\s*(Z|[+-]\d{2}(:?\d{2})?)?)?$"
SHORT_PARTS = (
    (r"^(\d{4}-)(\d-)", "\\10\\2"),
    (r"^(\d{4}-\d{2}-)(\d)(\D|$)", "\\10\\2\\3"),
    (r"^(\d{4}-\d{2}-\d{2}[T ])(\d:)", "\\10\\2"),
)
"""Months, days and hours of one digit are the same with a zero before."""
FIRST_OF_1900 = microseconds(pd.Timestamp("1900-01-01"))
QUARTER_HOUR = 900_000_000
LARGEST_OFFSET = 14 * 4 * QUARTER_HOUR
"""No wall clock is further from UTC: the first moment of 1970 on any of them is a whole quarter of an hour."""
ROUND_1970 = 365 * MICROSECONDS_A_DAY
"""Where other rows lie within a year of it, the first day of 1970 is a day like others."""
FIRST_WEEKS = 60 * MICROSECONDS_A_DAY
"""Seconds of these years, read as milliseconds, fall on the third week of 1970."""
CLOCKS = {"seconds": 1_000_000, "milliseconds": 1_000, "spreadsheet": MICROSECONDS_A_DAY}
"""Numbers that are dates: since 1970 in UTC, or the days of a spreadsheet; microseconds in one."""
SPREADSHEET_EPOCH = microseconds(pd.Timestamp("1899-12-30"))
UNIVERSAL = r"\s*(UTC|GMT)$"
ENDS_IN_ZONE = r"[T ].*(Z|[+-]\d{2}(:?\d{2})?)$"


def check_timezone(timezone: str | tzinfo | None) -> str | None:
    """The name of a time zone, known to exist, of its name or its object.

    Raises
    ------
    OptionError
        Where it does not.
    """
    if timezone is None:
        return None
    name = str(timezone) if isinstance(timezone, tzinfo) else timezone
    try:
        ZoneInfo(name)
        known = True
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        known = False
    if not known:
        raise OptionError("timezone: no such time zone. Write it as 'Europe/London' or 'UTC'.")
    return name


def check_date_format(date_format: str) -> None:
    """See that a format can be read.

    Raises
    ------
    OptionError
        Where it has marks that mean nothing.
    """
    if isinstance(date_format, str) and date_format in CLOCKS:
        return
    trouble = not isinstance(date_format, str)
    try:
        datetime.strptime("", date_format)
    except ValueError as cause:
        trouble = "does not match" not in str(cause)
    except TypeError:
        trouble = True
    if trouble:
        raise OptionError(
            "date_format: not a format of dates. Write it as '%d/%m/%Y' or '%Y-%m-%d %H:%M:%S'; for numbers as "
            f"one of {', '.join(CLOCKS)}."
        )


def read_moments(
    cells: Cells, place: str, timezone: str | None, date_format: str | None = None
) -> tuple[Times, Mask]:
    """Moments, and which cells hold something that is no date.

    Parameters
    ----------
    cells : column
        Dates, datetimes, ISO texts, or texts in ``date_format``.
    place : str
        How a message calls the column.
    timezone : str, optional
        The zone of the seller, needed where moments have one.
    date_format : str, optional
        How texts are written, as in ``strptime``; a text that is not written so is no date. Or what numbers
        count: ``"seconds"`` or ``"milliseconds"`` since 1970 in UTC, ``"spreadsheet"`` for days.

    Returns
    -------
    int64 array and bool array, both of shape (n_rows,)
        ``UNKNOWN_TIME`` where there is no date; True where there is something else instead.

    Raises
    ------
    SchemaError
        Where the column holds numbers, moments with a zone and no zone is stated, or texts of another form in
        more than half of its rows.
    """
    if isinstance(cells, np.ndarray):
        cells = _as_texts(cells)
    kind = cells.type
    n_rows = len(cells)
    if pa.types.is_null(kind):
        return np.full(n_rows, UNKNOWN_TIME), np.zeros(n_rows, dtype=bool)
    if date_format in CLOCKS and (is_text(kind) or _is_number(kind)):
        return _from_clock(cells, place, timezone, str(date_format))
    if date_format is not None and pa.types.is_integer(kind):
        cells = cells.cast(pa.large_string())
        kind = cells.type
    if is_text(kind):
        return _from_texts(cells, place, timezone, date_format)
    if pa.types.is_date(kind):
        cells = cells.cast(pa.timestamp("ms")).cast(pa.timestamp("s"))
    elif not pa.types.is_timestamp(kind):
        raise _not_dates(cells, place)
    zone = cells.type.tz if pa.types.is_timestamp(cells.type) else None
    times = _numbers_of(cells)
    if zone is not None:
        known = times != UNKNOWN_TIME
        times = np.where(known, _on_wall_clock(times, known, place, timezone), UNKNOWN_TIME)
    _refuse_nanoseconds(times, place)
    return times, np.zeros(n_rows, dtype=bool)


def impossible(times: Times) -> Mask:
    """Which moments are before 1900 or from 2200 on."""
    return np.asarray((times != UNKNOWN_TIME) & ((times < EARLIEST) | (times >= LATEST)), dtype=bool)


def sentinel(times: Times) -> Mask:
    """Which moments are what a machine writes where it has no date: the first day of 1900, or the start of 1970.

    The start of 1970 counts wherever the wall clock stands, and only where no other row is of those days.
    """
    known = times != UNKNOWN_TIME
    moments = np.where(known, times, -1)
    at_start = known & (np.abs(moments) <= LARGEST_OFFSET) & (moments % QUARTER_HOUR == 0)
    if at_start.any() and (known & ~at_start & (np.abs(moments) <= ROUND_1970)).any():
        at_start[:] = False
    return np.asarray(at_start | (times == FIRST_OF_1900), dtype=bool)


def isolated(times: Times, usable: Mask, late: bool = True) -> Mask:
    """Which rows lie in a small cluster far from all others, most likely slips of the pen.

    A cluster of at most a tenth of the rows counts as isolated where the gap that parts it from the rest is
    longer than five years and longer than the whole stretch of the rest.

    Parameters
    ----------
    times : int64 array of shape (n_rows,)
        Moments.
    usable : bool array of shape (n_rows,)
        The rows to look at.
    late : bool
        Look for a cluster after the rest, else before it.
    """
    nothing = np.zeros(len(times), dtype=bool)
    used = times[usable] if late else -times[usable]
    if len(used) < 10 or int(used.max()) - int(used.min()) <= FIVE_YEARS:
        return nothing
    ordered = np.sort(used)
    last_of_rest = np.arange(len(ordered) - 1 - len(ordered) // 10, len(ordered) - 1)
    gap = ordered[last_of_rest + 1] - ordered[last_of_rest]
    far = (gap > FIVE_YEARS) & (gap > ordered[last_of_rest] - ordered[0])
    if not far.any():
        return nothing
    border = ordered[last_of_rest[np.argmax(far)]]
    return np.asarray(usable & ((times if late else -times) > border), dtype=bool)


def _as_texts(cells: NDArray[np.object_]) -> pa.ChunkedArray:
    """Mixed cells as texts, each date in ISO form and every number as something that is no date."""
    missing = pd.isna(cells)
    texts = [
        None
        if gone
        else cell
        if isinstance(cell, str)
        else cell.isoformat()
        if isinstance(cell, date)
        else "?"
        for cell, gone in zip(cells, missing, strict=True)
    ]
    return pa.chunked_array([pa.array(texts, type=pa.large_string())])


def _from_texts(
    texts: pa.ChunkedArray, place: str, timezone: str | None, date_format: str | None
) -> tuple[Times, Mask]:
    if date_format is None:
        try:
            times = _numbers_of(texts.cast(pa.timestamp("us")))
        except pa.ArrowInvalid:
            pass
        else:
            _refuse_nanoseconds(times, place)
            return times, np.zeros(len(times), dtype=bool)
    trimmed = pc.utf8_trim_whitespace(texts)
    if date_format is None:
        trimmed = pc.replace_substring_regex(trimmed, UNIVERSAL, "Z")
        for short, padded in SHORT_PARTS:
            trimmed = pc.replace_substring_regex(trimmed, short, padded)
    missing = _truth(pc.is_in(pc.utf8_lower(trimmed), value_set=pa.array(MISSING_WORDS, pa.large_string())))
    missing |= _truth(pc.is_null(texts))
    zoned = _truth(pc.match_substring_regex(trimmed, ENDS_IN_ZONE)) & ~missing
    form = ~missing if date_format else _truth(pc.match_substring_regex(trimmed, ISO_DATE))
    times = np.full(len(texts), UNKNOWN_TIME)
    plain = form & ~zoned
    times[plain] = _parsed(trimmed, plain, date_format, utc=False)
    zoned &= form
    if zoned.any():
        times[zoned] = _parsed(trimmed, zoned, date_format, utc=True)
        times = np.where(
            zoned & (times != UNKNOWN_TIME), _on_wall_clock(times, zoned, place, timezone), times
        )
    _refuse_nanoseconds(times, place)
    unreadable = ~missing & (times == UNKNOWN_TIME)
    if _mostly(unreadable, missing):
        raise _other_form(texts, unreadable, place, date_format)
    return times, unreadable


def _from_clock(cells: pa.ChunkedArray, place: str, timezone: str | None, clock: str) -> tuple[Times, Mask]:
    """Numbers that count from a known moment on."""
    texts = pc.utf8_trim_whitespace(cells) if is_text(cells.type) else cells.cast(pa.large_string())
    missing = _truth(pc.is_in(pc.utf8_lower(texts), value_set=pa.array(MISSING_WORDS, pa.large_string())))
    missing |= _truth(pc.is_null(texts))
    numbers = np.array(pd.to_numeric(pd.Series(texts.to_numpy(), dtype=object), errors="coerce"), dtype=float)
    with np.errstate(invalid="ignore"):
        counted = np.round(numbers * CLOCKS[clock])
        known = np.isfinite(counted) & (np.abs(counted) < 2**62)
    times = np.where(known, np.where(known, counted, 0).astype(np.int64), UNKNOWN_TIME)
    unreadable = ~missing & ~known
    if _mostly(unreadable, missing):
        raise _other_form(texts, unreadable, place, clock)
    if clock == "spreadsheet":
        return np.where(known, times + SPREADSHEET_EPOCH, UNKNOWN_TIME), unreadable
    if known.any():
        _refuse_another_unit(times[known], place, clock)
        times = np.where(known, _on_wall_clock(times, known, place, timezone), UNKNOWN_TIME)
    return times, unreadable


def _refuse_another_unit(times: Times, place: str, clock: str) -> None:
    """Refuse numbers that all fall within the first weeks of 1970, or far beyond today, on the clock that was named."""
    other = "seconds" if clock == "milliseconds" else "milliseconds"
    if len(times) > 1 and (np.all(np.abs(times) < FIRST_WEEKS) or np.all(times > LATEST)):
        raise SchemaError(
            f"{place}: counted in {clock}, all {len(times):,} dates fall on the first weeks of 1970 or far beyond 2200.\n"
            f"They count something else: date_format={other!r}."
        )


def _parsed(texts: pa.ChunkedArray, rows: Mask, date_format: str | None, utc: bool) -> Times:
    chosen = pd.Series(texts.filter(pa.array(rows)).to_numpy(), dtype=object)
    moments = pd.to_datetime(chosen, format=date_format or "ISO8601", errors="coerce", utc=utc)
    if moments.dt.tz is not None:
        moments = moments.dt.tz_convert("UTC").dt.tz_localize(None)
    times = np.array(moments.to_numpy().astype("datetime64[us]").view(np.int64))
    if date_format is None and not utc:
        for row in np.flatnonzero(times == UNKNOWN_TIME).tolist():
            times[row] = _far_away(chosen.iloc[row])
    return times


def _far_away(text: str) -> int:
    """A date of a year that nanoseconds cannot reach, which pandas 2 reads as none beside a text that is none."""
    if not _ISO.fullmatch(text) or 1678 <= int(text[:4]) <= 2261:
        return UNKNOWN_TIME
    try:
        return int(np.datetime64(text.replace(" ", "T"), "us").astype(np.int64))
    except ValueError:
        return UNKNOWN_TIME


def _on_wall_clock(times: Times, zoned: Mask, place: str, timezone: str | None) -> Times:
    """Moments counted in UTC as the seller's wall clock showed them."""
    if timezone is None:
        rows = ", ".join(str(row) for row in first_true(zoned))
        raise SchemaError(
            f"{place}: {np.count_nonzero(zoned):,} dates have a time zone (first row numbers: {rows}), so "
            "which day they fall on depends on where the seller is.\n"
            "State the seller's zone: Histories(..., timezone='Europe/London')."
        )
    if all_midnight(times[zoned]):
        return times
    moments = pd.DatetimeIndex(np.where(zoned, times, 0).view("datetime64[us]"), tz="UTC")
    local = moments.tz_convert(timezone).tz_localize(None)
    return np.asarray(local.to_numpy().astype("datetime64[us]").view(np.int64))


def all_midnight(times: Times) -> bool:
    """Whether moments counted in UTC were dates: two or more, and each of them midnight."""
    known = times[times != UNKNOWN_TIME]
    return len(known) > 1 and not (known % MICROSECONDS_A_DAY).any()


def are_zoned(cells: Cells) -> bool:
    """Whether the first cell filled states a zone."""
    if isinstance(cells, np.ndarray):
        first = next((cell for cell in cells if not pd.isna(cell)), None)
        return getattr(first, "tzinfo", None) is not None
    if pa.types.is_timestamp(cells.type):
        return cells.type.tz is not None
    if not is_text(cells.type):
        return False
    filled = cells.filter(pc.not_equal(pc.fill_null(cells, ""), "")).slice(0, 1)
    return bool(_truth(pc.match_substring_regex(pc.utf8_trim_whitespace(filled), ENDS_IN_ZONE)).any())


def _numbers_of(stamps: pa.ChunkedArray) -> Times:
    return np.asarray(stamps.to_numpy().astype("datetime64[us]")).view(np.int64)


def _refuse_nanoseconds(times: Times, place: str) -> None:
    """Refuse a column whose dates all fall on the first seconds of 1970: numbers read as nanoseconds."""
    known = times[times != UNKNOWN_TIME]
    if len(known) > 1 and np.all((known >= 0) & (known < 100_000_000)) and known.any():
        raise SchemaError(
            f"{place}: all {len(known):,} dates fall on the first seconds of 1970, so these were numbers.\n"
            "Turn the numbers into dates, for instance pd.to_datetime(column.astype(str), format='%Y%m%d')."
        )


def _not_dates(cells: pa.ChunkedArray, place: str) -> SchemaError:
    rows = ", ".join(str(row) for row in first_true(~_truth(pc.is_null(cells))))
    kind = "numbers" if _is_number(cells.type) else f"cells of type {cells.type}"
    return SchemaError(
        f"{place}: {len(cells) - cells.null_count:,} {kind}, not dates (first row numbers: {rows}).\n{FROM_NUMBERS}"
    )


def _other_form(texts: pa.ChunkedArray, unreadable: Mask, place: str, date_format: str | None) -> SchemaError:
    rows = ", ".join(str(row) for row in first_true(unreadable))
    form = "in the date_format stated" if date_format else "an ISO date (year-month-day)"
    odd = pd.Series(texts.filter(pa.array(unreadable)).slice(0, 1000).to_pylist(), dtype=object).str.strip()
    if pd.to_numeric(odd, errors="coerce").notna().all():
        way_out = FROM_NUMBERS
    else:
        fitting = " or ".join(f"date_format={form!r}" for form in COMMON_FORMS if _fits(odd, form))
        way_out = "State how the dates are written, for instance " + (
            f"{fitting}, which all that were looked at fit." if fitting else "date_format='%d/%m/%Y %H:%M'."
        )
    return SchemaError(
        f"{place}: {np.count_nonzero(unreadable):,} texts are not {form} (first row numbers: {rows}).\n{way_out}"
    )


def _mostly(unreadable: Mask, missing: Mask) -> bool:
    """Whether more than half of the cells that are filled cannot be read, and these are enough to tell."""
    n_told = int(np.count_nonzero(~missing))
    return bool(2 * np.count_nonzero(unreadable) > n_told) and judges_a_column(n_told)


def _fits(texts: pd.Series[Any], form: str) -> bool:
    return bool(pd.to_datetime(texts, format=form, errors="coerce").notna().all())


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _truth(mask: pa.ChunkedArray) -> Mask:
    return np.array(as_numpy(pc.fill_null(mask, False)), dtype=bool)
