"""What the cells of a column are: dates and how they are written, numbers and what parts their decimals."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pandas as pd

from clientcare.history.door.dates import CLOCK_FORMS, DAY_FORMS, ISO_DATE, UNIVERSAL

MOST_CELLS = 2_000
"""So many different cells are looked at; more change no verdict and cost time."""
NEARLY_ALL = 0.9
"""Exports hold notes, totals and empty cells; a column is what nine cells of ten are."""
CURRENCIES = {"€": "EUR", "$": "USD", "£": "GBP", "¥": "JPY", "₹": "INR"}
ENDS_IN_ZONE = r"[T ].*(?:Z|UTC|GMT|[+-]\d{2}:?\d{2})$"
NUMBER_FORMS: dict[str, tuple[float, float]] = {
    "%Y%m%d": (19_000_101, 21_001_231),
    "seconds": (5e8, 4.1e9),
    "milliseconds": (5e11, 4.1e12),
    "spreadsheet": (25_569, 73_050),
}
"""Numbers that dates of the years 1985 to 2099 (spreadsheets: 1970 to 2099) become on different clocks."""
MORE_CLOCKS = (*CLOCK_FORMS, ", %H:%M", ", %H:%M:%S", ", %I:%M %p", ", %I:%M:%S %p")


@dataclass(frozen=True)
class DateWriting:
    """How a column writes dates.

    Attributes
    ----------
    form : str or None
        As in ``strptime``; None for ISO 8601 and true dates, which need no word.
    rival : str or None
        Another form under which every cell is a date as well: only the owner knows which is meant.
    with_zone : bool
        Whether the cells carry a zone.
    """

    form: str | None = None
    rival: str | None = None
    with_zone: bool = False


def date_writing(cells: pd.Series, numbers: bool = False) -> DateWriting | None:
    """How a column writes dates; None where it holds none.

    Parameters
    ----------
    cells : Series
    numbers : bool
        Whether numbers may be dates: only where the name of the column says that they are.
    """
    if pd.api.types.is_datetime64_any_dtype(cells):
        return DateWriting(with_zone=getattr(cells.dtype, "tz", None) is not None)
    texts = _texts(cells)
    with_digits = texts.str.contains(r"\d", regex=True)
    if not len(texts) or with_digits.mean() < NEARLY_ALL:
        return None
    texts = texts[with_digits]  # a last line may say "Total" where the others have a date
    if pd.to_numeric(texts, errors="coerce").notna().mean() >= NEARLY_ALL:
        return _date_number(pd.to_numeric(texts, errors="coerce")) if numbers else None
    with_zone = float(texts.str.contains(ENDS_IN_ZONE, regex=True).mean()) > 0.5
    plain = texts.str.replace(UNIVERSAL, "", regex=True)
    if float(plain.str.match(ISO_DATE).mean()) >= NEARLY_ALL and plain.str.contains("-").any():
        return DateWriting(with_zone=with_zone)
    fitting = [form for day in DAY_FORMS for clock in MORE_CLOCKS if _fits(plain, form := day + clock)]
    if not fitting:
        return None
    most = max(_share(plain, form) for form in fitting)
    best = [form for form in fitting if _share(plain, form) == most]
    return DateWriting(
        best[0], next((form for form in best[1:] if _differs(plain, best[0], form)), None), with_zone
    )


def _date_number(numbers: pd.Series[float]) -> DateWriting | None:
    """Which clock counts so, from the size of its numbers; None where none does."""
    for form, (low, high) in NUMBER_FORMS.items():
        if numbers.between(low, high).mean() >= NEARLY_ALL:
            if form == "%Y%m%d" and _share(numbers.dropna().astype("int64").astype(str), form) < NEARLY_ALL:
                continue
            return DateWriting(form, with_zone=form in ("seconds", "milliseconds"))
    return None


def is_number(cells: pd.Series) -> bool:
    """Whether nearly all cells that hold something hold a number, however it is written."""
    if pd.api.types.is_bool_dtype(cells):
        return False
    if pd.api.types.is_numeric_dtype(cells):
        return True
    texts = _texts(cells)
    return (
        len(texts) > 0
        and float(texts.map(_bare).str.fullmatch(r"[+-]?[\d.,' ]*\d[\d.,' ]*").mean()) >= NEARLY_ALL
    )


def decimal_sign(cells: pd.Series) -> str | None:
    """What parts the decimals, where the plain reading ("1234.5") would not do; None where it does."""
    if pd.api.types.is_numeric_dtype(cells):
        return None
    texts = _texts(cells)
    bare = texts.map(_bare)
    if float(texts.str.fullmatch(r"[+-]?\d+(\.\d+)?").mean()) == 1:
        return None
    comma = int(bare.str.contains(r",\d{1,2}$", regex=True).sum())
    point = int(bare.str.contains(r"\.\d{1,2}$", regex=True).sum())
    return "," if comma > point else "."


def currency_of(cells: pd.Series) -> str | None:
    """The currency whose sign or letters stand in the cells, where it is one alone."""
    if pd.api.types.is_numeric_dtype(cells):
        return None
    texts = _texts(cells)
    signs = {CURRENCIES[sign] for sign in CURRENCIES if texts.str.contains(re.escape(sign), regex=True).any()}
    letters = {str(code) for code in texts.str.extract(r"\b([A-Z]{3})\b")[0].dropna().unique()}
    found = signs | letters
    return found.pop() if len(found) == 1 else None


def _texts(cells: pd.Series) -> pd.Series[str]:
    held = cells.dropna().astype("string").str.strip()
    return held[held != ""].drop_duplicates().head(MOST_CELLS).astype(str)


def _bare(text: str) -> str:
    """A written number without currency, brackets and blanks."""
    bare = re.sub(r"[A-Za-z€$£¥₹\s\u00a0]", "", text)
    return f"-{bare[1:-1]}" if bare.startswith("(") and bare.endswith(")") else bare


def _share(texts: pd.Series[str], form: str) -> float:
    return float(pd.to_datetime(texts, format=form, errors="coerce").notna().mean())


def _fits(texts: pd.Series[str], form: str) -> bool:
    return _share(texts.head(20), form) >= NEARLY_ALL and _share(texts, form) >= NEARLY_ALL


def _differs(texts: pd.Series[str], form: str, other: str) -> bool:
    first = pd.to_datetime(texts, format=form, errors="coerce")
    second = pd.to_datetime(texts, format=other, errors="coerce")
    return bool((first != second).any())
