"""Static attributes of buyers at the door: one row a buyer, numbers, yes or no, groups and dates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from clientcare.history.door.cells import (
    NO,
    YES,
    encode,
    holds_single_values,
    read_flags,
    read_numbers,
    read_texts,
    truth,
)
from clientcare.history.door.copies import copies
from clientcare.history.door.dates import MISSING_WORDS, impossible, read_moments, sentinel
from clientcare.history.door.ids import Ids
from clientcare.history.door.intake import Cells, GivenTable, as_numpy, is_text
from clientcare.history.door.quality import RowLog
from clientcare.history.door.scope import settled_kind
from clientcare.history.door.sheets import Door
from clientcare.window import UNKNOWN_TIME

OUTCOMES = (
    "churned",
    "is_churned",
    "churn",
    "churn_flag",
    "has_churned",
    "churn_label",
    "attrition",
    "exited",
)
"""Columns that tell how it ended: no attribute of a buyer before the end."""
ALWAYS_TEXTS = ("segment", "owner", "referred_by")
SIGN_UP = (
    "signed_up_at",
    "signup_date",
    "sign_up_date",
    "signup_at",
    "signed_up",
    "registered_at",
    "joined_at",
)
DASHED_DATE = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?\s*(Z|[+-]\d{2}:?\d{2})?)?$"
"""A date beyond doubt: eight digits alone may be a number."""
NEARLY_ALL = 0.9
"""Nine rows in ten: a column of words does not hold so many numbers; with more slips it is none of numbers."""
PLAIN_NUMBER = r"^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$"


@dataclass(frozen=True)
class KindTally:
    """How many cells of an attribute say something, and of these how many are yes or no, numbers and dates.

    Examples
    --------
    >>> (KindTally.of(pa.chunked_array([["1", "2"]])) + KindTally.of(pa.chunked_array([["large", None]]))).kind
    'texts'
    """

    n_told: int = 0
    n_flags: int = 0
    n_numbers: int = 0
    n_dates: int = 0

    @classmethod
    def of(cls, texts: pa.ChunkedArray, form: str | None = None) -> KindTally:
        """Count the cells of an attribute; ``form`` is the one in which dates are written."""
        trimmed = pc.utf8_trim_whitespace(texts.cast(pa.large_string()).drop_null())
        lower = pc.utf8_lower(trimmed)
        told = ~truth(pc.is_in(lower, value_set=pa.array(MISSING_WORDS, pa.large_string())))
        flags = truth(pc.is_in(lower, value_set=pa.array([*YES[:4], *NO[:4]], pa.large_string())))
        numbers = truth(pc.match_substring_regex(trimmed, PLAIN_NUMBER))
        n_dates = _n_dates(trimmed.filter(pa.array(told)), form) if told.any() else 0
        n_told, n_flags, n_numbers = (int(np.count_nonzero(told & some)) for some in (told, flags, numbers))
        return cls(n_told, n_flags, n_numbers, n_dates)

    def __add__(self, other: KindTally) -> KindTally:
        return KindTally(
            self.n_told + other.n_told,
            self.n_flags + other.n_flags,
            self.n_numbers + other.n_numbers,
            self.n_dates + other.n_dates,
        )

    @property
    def is_unanimous(self) -> bool:
        """Whether any cells that say something say the same as all."""
        counts = (self.n_flags, self.n_numbers, self.n_dates)
        return self.n_told > 0 and all(n in (0, self.n_told) for n in counts)

    @property
    def kind(self) -> str:
        """What the attribute is: yes or no, numbers, dates or texts."""
        counts = {"flags": self.n_flags, "numbers": self.n_numbers, "moments": self.n_dates}
        return next(
            (kind for kind, n in counts.items() if self.n_told and n / self.n_told >= NEARLY_ALL), "texts"
        )


@dataclass(frozen=True, eq=False)
class Written:
    """Attributes whose cells are texts, as they were written: what they are depends on whom one asks.

    A number among words is a number where nine in ten of the buyers known write numbers. Buyers who come later must not
    decide that, so the cells are kept, and read again for a date at which not everybody was known.

    Attributes
    ----------
    cells : mapping of attribute to text array of shape (n_buyers,)
        Null where a buyer has no row.
    kinds : mapping of attribute to str
        What all buyers together say it is.
    places : mapping of attribute to str
        What a message calls it.
    door : Door
    """

    cells: Mapping[str, pa.ChunkedArray]
    kinds: Mapping[str, str]
    places: Mapping[str, str]
    door: Door

    def of(self, buyers: NDArray[np.int64]) -> Written:
        """The cells of some buyers alone."""
        return replace(self, cells={name: cells.take(pa.array(buyers)) for name, cells in self.cells.items()})

    def tallies(self, known: NDArray[np.bool_]) -> dict[str, KindTally]:
        """What the cells of the buyers known are, counted; attributes that their name settles left out."""
        spoken, form = pa.array(np.flatnonzero(known)), self.door.date_formats.get("buyers")
        return {
            name: KindTally.of(cells.take(spoken), form)
            for name, cells in self.cells.items()
            if name.lower() not in SIGN_UP
        }

    def as_known(self, attributes: pd.DataFrame, known: NDArray[np.bool_]) -> pd.DataFrame:
        """The attributes as the buyers known say they are; those of buyers not known yet are unknown where that differs."""
        spoken, rows = np.flatnonzero(known), np.arange(len(known))
        changed: dict[str, Any] = {}
        for name in [name for name in self.cells if name in attributes]:
            kind = _kind(self.cells[name], name, spoken, self.door)
            if kind != self.kinds[name]:
                cells = self.cells[name].take(pa.array(np.where(known, rows, 0), mask=~known))
                log = RowLog("buyers", len(known), False)
                changed[name] = _read_as(kind, cells, name, self.places[name], rows, log, self.door)
        return attributes.assign(**changed) if changed else attributes


def read_attributes(
    given: GivenTable, ids: Ids, log: RowLog, buyer_ids: pd.Index, door: Door
) -> tuple[pd.DataFrame, Written]:
    """Attributes in the order of ``buyer_ids``; unknown where a buyer has no row, or rows that contradict.

    Returns
    -------
    attributes : DataFrame of shape (n_buyers, n_attributes), indexed by ``buyer_id``
        Numbers as float64, yes or no as bool (float64 where some are unknown), texts as categories, dates as
        datetime64.
    written : Written
        The cells that other buyers may read otherwise.
    """
    rows = _row_of_buyer(given, ids, log, buyer_ids)
    frame: dict[str, Any] = {}
    texts: dict[str, pa.ChunkedArray] = {}
    kinds: dict[str, str] = {}
    for ours, theirs in given.names.items():
        if ours == "buyer_id":
            continue
        if ours.lower() in OUTCOMES:
            log.remark("outcome_column", "left out of the attributes: it tells how it ended", given.n_rows)
            continue
        cells = given.cells(theirs)
        if not _holds_single_values(cells):
            log.remark(f"nested_{ours}", "left out of the attributes: no single values", given.n_rows)
            continue
        if isinstance(cells, np.ndarray) and ours.lower() not in ALWAYS_TEXTS:
            cells = texts_of(cells)
        settled = settled_kind(ours)
        kind = settled or _kind(cells, ours, rows, door)
        frame[ours] = _read_as(kind, cells, ours, given.place(ours), rows, log, door)
        if settled is None and asks_its_cells(ours, cells):
            place = pa.array(np.where(rows < 0, 0, rows), mask=rows < 0)
            taken = pc.cast(cells, pa.large_string()).take(place)
            texts[ours] = taken if isinstance(taken, pa.ChunkedArray) else pa.chunked_array([taken])
            kinds[ours] = kind
    places = {name: given.place(name) for name in texts}
    return pd.DataFrame(frame, index=buyer_ids), Written(texts, kinds, places, door)


def texts_of(cells: NDArray[Any]) -> pa.ChunkedArray:
    """Cells of mixed types as a file would hold them, so that what they are is asked of them one by one.

    Examples
    --------
    >>> texts_of(np.array([45.0, True, "big", None, pd.Timestamp("2024-01-31")], dtype=object)).to_pylist()
    ['45.0', 'True', 'big', None, '2024-01-31T00:00:00']
    """
    missing = pd.isna(cells)
    texts = [None if gone else _text(cell) for cell, gone in zip(cells, missing, strict=True)]
    return pa.chunked_array([pa.array(texts, pa.large_string())])


def _text(cell: Any) -> str:
    return str(cell.isoformat()) if hasattr(cell, "isoformat") else str(cell)


def churn_labels(given: GivenTable) -> NDArray[np.float64] | None:
    """The column that says who left (1, 0, NaN), where there is one; shape (n_rows,)."""
    for ours, theirs in given.names.items():
        if ours.lower() in OUTCOMES:
            return read_flags(given.cells(theirs), given.place(ours))[0]
    return None


def sign_up_times(attributes: pd.DataFrame) -> NDArray[np.int64] | None:
    """When each buyer signed up, in microseconds, where the attributes tell."""
    for name in SIGN_UP:
        if name in attributes and attributes[name].dtype.kind == "M":
            return attributes[name].to_numpy().astype("datetime64[us]").view(np.int64)
    return None


def _row_of_buyer(given: GivenTable, ids: Ids, log: RowLog, buyer_ids: pd.Index) -> NDArray[np.int64]:
    """The row that speaks of each buyer, -1 where there is none."""
    log.set_aside("missing_buyer", given.names["buyer_id"], ids.codes < 0)
    copied = copies(given, [ids.codes])
    log.set_aside("exact_copy", "all columns", copied)
    distinct = np.flatnonzero(log.kept)
    doubled = np.zeros(given.n_rows, dtype=bool)
    doubled[distinct] = pd.Series(ids.codes[distinct]).duplicated(keep=False).to_numpy()
    log.set_aside("doubled_buyer", given.names["buyer_id"], doubled)
    position = ids.positions_in(buyer_ids)
    log.note("buyer_without_history", "kept: no dated fact, so in no table", log.kept & (position < 0))
    rows = np.full(len(buyer_ids) + 1, -1, dtype=np.int64)
    usable = np.flatnonzero(log.kept & (position >= 0))
    rows[position[usable]] = usable
    return rows[:-1]


def asks_its_cells(name: str, cells: Cells) -> bool:
    """Whether what an attribute is must be asked of its cells: texts under a name that settles nothing."""
    return not isinstance(cells, np.ndarray) and is_text(cells.type) and name.lower() not in ALWAYS_TEXTS


def _kind(cells: Cells, name: str, rows: NDArray[np.int64], door: Door) -> str:
    """``"texts"``, ``"numbers"``, ``"flags"`` or ``"moments"``, as the rows that speak of buyers say."""
    if name.lower() in ALWAYS_TEXTS:
        return "texts"
    kind = _kind_of(cells, name, rows)
    dated = kind == "texts" and _are_dates(cells, door.date_formats.get("buyers"), rows)
    return "moments" if dated else kind


def _read_as(
    kind: str, cells: Cells, name: str, place: str, rows: NDArray[np.int64], log: RowLog, door: Door
) -> Any:
    if kind == "moments":
        moments, unreadable = read_moments(cells, place, door.timezone, door.date_formats.get("buyers"))
        unreadable = unreadable | impossible(moments) | sentinel(moments)
        moments = np.where(unreadable, UNKNOWN_TIME, moments)
        log.note(f"unreadable_{name}", "kept: attribute unknown", unreadable)
        return np.append(moments, UNKNOWN_TIME)[rows].view("datetime64[us]")
    if kind == "texts":
        codes, levels = encode(read_texts(cells, place))
        return pd.Categorical.from_codes(np.append(codes, -1)[rows], categories=pd.Index(levels))
    read = read_flags if kind == "flags" else read_numbers
    values, unreadable = read(cells, place)
    unreadable = unreadable | np.isinf(values)
    log.note(f"unreadable_{name}", "kept: attribute unknown", unreadable)
    chosen = np.append(np.where(unreadable, np.nan, values), np.nan)[rows]
    return chosen.astype(bool) if kind == "flags" and not np.isnan(chosen).any() else chosen


def _are_dates(cells: Cells, form: str | None, rows: NDArray[np.int64]) -> bool:
    """Whether nearly all texts that speak of a buyer with a history are dates: in ISO form, or in the form stated."""
    if isinstance(cells, np.ndarray) or not is_text(cells.type):
        return False
    trimmed = pc.utf8_trim_whitespace(cells.take(pa.array(rows[rows >= 0])).drop_null())
    missing = pc.is_in(pc.utf8_lower(trimmed), value_set=pa.array(MISSING_WORDS, pa.large_string()))
    told = trimmed.filter(pc.invert(missing))
    if not len(told):
        return False
    return _n_dates(told, form) / len(told) >= NEARLY_ALL


def _n_dates(told: pa.ChunkedArray, form: str | None) -> int:
    """How many of some texts are dates: in ISO form, or in the form stated."""
    if form is not None:
        texts = pd.Series(as_numpy(told), dtype=object)
        return int(pd.to_datetime(texts, format=form, errors="coerce").notna().sum())
    return int(np.count_nonzero(truth(pc.match_substring_regex(told, DASHED_DATE))))


def _holds_single_values(cells: Cells) -> bool:
    """Whether cells are texts, numbers, dates and the like; not lists, records, pictures or other objects."""
    if isinstance(cells, np.ndarray):
        return not any(pd.api.types.is_list_like(cell) or isinstance(cell, bytes) for cell in cells)
    return holds_single_values(cells.type)


def _kind_of(cells: Cells, name: str, rows: NDArray[np.int64]) -> str:
    """What the cells of an attribute are; texts that are nearly all numbers, or yes or no, are read as such.

    Decided by the rows that speak of a buyer with a history, and by nine in ten of them: one stray word is unknown for that
    buyer, and nobody else is read otherwise for its sake.
    """
    if isinstance(cells, np.ndarray):
        return "texts"
    kind = cells.type
    if pa.types.is_boolean(kind):
        return "flags"
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "numbers"
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind) or name.lower() in SIGN_UP:
        return "moments"
    if not is_text(kind):
        return "texts"
    spoken = cells.take(pa.array(rows[rows >= 0])).drop_null()
    trimmed = pc.utf8_trim_whitespace(spoken)
    lower = pc.utf8_lower(trimmed)
    told = ~truth(pc.is_in(lower, value_set=pa.array(MISSING_WORDS, pa.large_string())))
    if not told.any():
        return "texts"
    if (
        truth(pc.is_in(lower, value_set=pa.array([*YES[:4], *NO[:4]], pa.large_string())))[told].mean()
        >= NEARLY_ALL
    ):
        return "flags"
    numbers = truth(pc.match_substring_regex(trimmed, PLAIN_NUMBER))[told].mean() >= NEARLY_ALL
    return "numbers" if numbers else "texts"
