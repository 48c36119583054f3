"""How an id is spelled: what spreadsheets and libraries did to it, and what is no buyer at all."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clientcare.exceptions import SchemaError
from clientcare.history.door.cells import truth
from clientcare.history.door.ids import Ids
from clientcare.history.door.intake import as_numpy, dictionary_of
from clientcare.history.door.quality import Mask, first_true

WHOLE_AS_DECIMAL = r"^([-+]?(?:0|[1-9]\d*))\.0+$"
"""A whole number that was written as a decimal because its column had gaps: 1001.0 is 1001."""
SPREADSHEET = r"^[+-]?\d([.,]\d+)?[eE]\+\d{1,2}$"
"""A long number as a spreadsheet shows it, its last digits lost."""
INVISIBLE = re.compile(r"[\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff\u0000-\u001f\u007f-\u009f]")

TOTALS = (
    *("total", "totals", "grand total", "subtotal", "sub total", "sub-total", "sum", "sum total", "overall"),
    *("gesamt", "gesamtsumme", "summe", "zwischensumme", "total general", "total général", "totale"),
    *("totaal", "eindtotaal", "suma", "suma total", "total geral"),
)
SUBTOTAL = r"^(sub-?totale?|sub totale?|zwischensumme|grand total|gesamtsumme|sous-total|suma parcial|tussentotaal)[ :]"
GUESTS = (
    *("guest", "guests", "guest user", "guest customer", "guest checkout", "walk-in", "walk in", "walkin"),
    *("walk-in customer", "walk in customer", "walkin customer", "cash customer", "cash sale", "cash"),
    *("anonymous", "anonymous customer", "unknown", "unknown customer", "no customer", "default customer"),
    *("general customer", "house account", "over the counter", "gast", "laufkunde", "laufkundschaft"),
    *("barverkauf", "unbekannt", "invité", "client de passage", "inconnu", "invitado", "desconocido"),
    *("client comptoir", "client divers", "cliente ocasional", "cliente de paso", "cliente generico"),
    *("cliente genérico", "cliente occasionale", "passante", "losse klant", "diverse", "diversekunde"),
    *("cliente general", "consumidor final", "publico en general", "público en general", "ospite"),
)


def plain_ids(ids: Ids, place: str) -> Ids:
    """Ids with whole numbers written as decimals read as these numbers.

    Raises
    ------
    SchemaError
        Where ids are written as a spreadsheet shows long numbers: their last digits are lost.
    """
    if ids.are_numbers or not len(ids.values):
        return ids
    lost = _rows(ids, truth(pc.match_substring_regex(ids.values, SPREADSHEET)))
    if lost.any():
        rows = ", ".join(map(str, first_true(lost)))
        raise SchemaError(
            f"{place}: {np.count_nonzero(lost):,} ids are written as a spreadsheet shows long numbers (with E+), "
            f"so their last digits are lost (first row numbers: {rows}).\n"
            "Export the table anew with this column as text."
        )
    if not truth(pc.match_substring_regex(ids.values, WHOLE_AS_DECIMAL)).any():
        return ids
    return _respelled(ids, pc.replace_substring_regex(ids.values, WHOLE_AS_DECIMAL, r"\1"))


def folded_ids(ids: Ids) -> Ids:
    """Ids without what eyes do not tell apart: capitals, blanks around, invisible signs, Unicode forms."""
    return ids if ids.are_numbers else _respelled(ids, fold(ids.values))


def fold(texts: Any) -> Any:
    """Texts in small letters, one Unicode form, without invisible signs and blanks around.

    Examples
    --------
    >>> fold(pa.array([" Ann@X.example", " ANN@x.example"])).to_pylist()
    ['ann@x.example', 'ann@x.example']
    """
    blanks_once = pc.replace_substring_regex(texts.cast(pa.large_string()), r"[\x00-\x20\x7f]+", " ")
    folded = pc.utf8_lower(pc.utf8_trim_whitespace(blanks_once))
    exotic = np.flatnonzero(~truth(pc.string_is_ascii(texts)) & ~truth(pc.is_null(texts)))
    if not len(exotic):
        return folded
    cells = folded.to_numpy(zero_copy_only=False).astype(object)
    cells[exotic] = [_folded(text) for text in texts.take(pa.array(exotic)).to_pylist()]
    return pa.array(cells, pa.large_string())


def spelled_apart(values: Any) -> Mask:
    """Which of some distinct ids differ from another of them by their spelling alone."""
    if (isinstance(values, np.ndarray) and values.dtype.kind == "i") or not len(values):
        return np.zeros(len(values), dtype=bool)
    coded = dictionary_of(pa.chunked_array([fold(pa.array(values, pa.large_string()))]))
    codes = as_numpy(coded.indices)
    return np.asarray(np.bincount(codes)[codes] > 1, dtype=bool)


def rows_of_words(ids: Ids, words: Sequence[str]) -> Mask:
    """Which rows have one of some words for an id, whatever its capitals."""
    if ids.are_numbers or not len(ids.values):
        return np.zeros(len(ids.codes), dtype=bool)
    short = pc.less_equal(pc.utf8_length(ids.values), max(map(len, words)) + 4)
    lower = pc.utf8_lower(pc.utf8_trim_whitespace(pc.if_else(short, ids.values, "")))
    plain = pc.utf8_trim(lower, characters=" :.()<>[]*_")
    return _rows(ids, truth(pc.is_in(plain, value_set=pa.array(words, pa.large_string()))))


def totals_of_something(ids: Ids) -> Mask:
    """Which rows name a subtotal of something for an id: "Subtotal A1", "Zwischensumme Mai"."""
    if ids.are_numbers or not len(ids.values):
        return np.zeros(len(ids.codes), dtype=bool)
    lower = pc.utf8_lower(pc.utf8_trim_whitespace(ids.values))
    return _rows(ids, truth(pc.match_substring_regex(lower, SUBTOTAL)))


def _rows(ids: Ids, of_value: Mask) -> Mask:
    return np.append(of_value, False)[ids.codes]


def _respelled(ids: Ids, values: Any) -> Ids:
    """The same rows under other spellings; ids that became the same are one."""
    coded = dictionary_of(pa.chunked_array([values]))
    places = np.append(as_numpy(coded.indices).astype(np.int64), -1)
    return Ids(places[ids.codes], coded.dictionary, ids.padded)


def _folded(text: str) -> str:
    plain = INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
    return unicodedata.normalize("NFKC", " ".join(plain.split()).casefold())
