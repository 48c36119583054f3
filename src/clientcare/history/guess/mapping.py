"""Which table a file is, and which of its columns are ours."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import pandas as pd

from clientcare.history.door.schema import SCHEMAS, schema_of
from clientcare.history.guess.concepts import CONCEPTS, weight_of
from clientcare.history.guess.contents import NEARLY_ALL, date_writing, is_number
from clientcare.history.guess.layout import Layout
from clientcare.history.guess.names import NAMES, SIGNS

MONEY = 4
"""More than a state and a kind of document say for a list of contacts."""
WHOLE, PART = 3, 1
"""A required column that is there says as much about a table as three names that merely sound like it."""


@dataclass(frozen=True)
class TableGuess:
    """One file as one of our tables.

    Attributes
    ----------
    table : str
    theirs : mapping of str to str
        Our names to theirs.
    lacking : tuple of str
        Required columns for which nothing fits.
    layout : Layout
    score : int
        How much speaks for this table.
    """

    table: str
    theirs: dict[str, str]
    lacking: tuple[str, ...]
    layout: Layout
    score: int


def guess_table(layout: Layout, table: str | None = None) -> TableGuess:
    """The table that a file most likely is, or the file as the table that is named."""
    guesses = [_as_table(layout, name) for name in ([table] if table else NAMES)]
    return max(guesses, key=lambda guess: (not guess.lacking, guess.score + _money_beside(guess)))


def _money_beside(guess: TableGuess) -> int:
    """What a column of money says: beside a buyer and a date it is a purchase, whatever else stands there."""
    is_bill = guess.table == "transactions" and "amount" in guess.theirs and not guess.lacking
    return MONEY if is_bill else 0


def _as_table(layout: Layout, table: str) -> TableGuess:
    theirs: dict[str, str] = {}
    plain = {plain_name(str(name)): str(name) for name in reversed(layout.rows.columns)}
    for ours, words in NAMES[table].items():
        if ours not in schema_of(table).columns and table != "buyers":
            continue
        fitting = [plain[word] for word in words.split() if word in plain]
        chosen = next(
            (
                name
                for name in fitting
                if name not in theirs.values() and _may_be(ours, table, layout.rows[name])
            ),
            None,
        )
        if chosen is not None:
            theirs[ours] = chosen
    theirs |= _by_their_words(layout, table, theirs)
    if "timestamp" in SCHEMAS[table].columns and "timestamp" not in theirs:
        theirs |= _only_date(layout, theirs)
    if "amount" in theirs and _is_amount_of_a_piece(table, theirs):
        theirs["unit_price"] = theirs.pop("amount")
    lacking = tuple(ours for ours in schema_of(table).required if ours not in theirs)
    return TableGuess(table, theirs, lacking, layout, _score(table, theirs, plain))


def _by_their_words(layout: Layout, table: str, theirs: dict[str, str]) -> dict[str, str]:
    """Columns of ours that no list of names told, by the words of the names that are left: the surest pairs first."""
    taken = set(theirs.values())
    pairs = sorted(
        (-weight_of(ours, table, plain_name(str(name))), order, place, ours, str(name))
        for order, ours in enumerate(CONCEPTS.get(table, {}))
        for place, name in enumerate(layout.rows.columns)
        if ours not in theirs and str(name) not in taken
    )
    found: dict[str, str] = {}
    for weight, _, _, ours, name in pairs:
        if (
            weight < 0
            and ours not in found
            and name not in found.values()
            and _may_be(ours, table, layout.rows[name])
        ):
            found[ours] = name
    return found


def plain_name(name: str) -> str:
    """Small letters, digits and low lines alone: ``"Numéro de commande"`` is ``"numero_de_commande"``.

    Examples
    --------
    >>> plain_name("Invoice Date"), plain_name("Montant TTC (€)"), plain_name("createdAt")
    ('invoice_date', 'montant_ttc', 'created_at')
    """
    parted = "".join(
        f"_{c}" if c.isupper() and place and name[place - 1].islower() else c for place, c in enumerate(name)
    )
    bare = unicodedata.normalize(
        "NFKD", parted.replace("ß", "ss").replace("ł", "l").replace("ø", "o").lower()
    )
    letters = "".join(c if c.isalnum() and c.isascii() else "_" for c in bare if not unicodedata.combining(c))
    return "_".join(
        part for part in letters.split("_") if part and part not in ("of", "de", "du", "do", "di", "the")
    )


def _may_be(ours: str, table: str, cells: pd.Series) -> bool:
    """Whether the cells of a column can be what its name says."""
    schema = schema_of(table)
    if cells.notna().sum() == 0:
        return ours not in schema.required
    if ours == "satisfaction" or ours in schema.numbers:
        return is_number(cells)
    if ours == schema.time or ours in schema.moments:
        return date_writing(cells, numbers=True) is not None
    if ours == "order_id":
        return _may_be_orders(cells)
    if ours == "buyer_id":
        return date_writing(cells) is None
    return True


def _may_be_orders(cells: pd.Series) -> bool:
    """Whether cells name orders: with digits, and, where the column is just called "Name", in one word ("#1001")."""
    texts = cells.dropna().astype("string").str.strip()
    form = r"^\S*\d\S*$" if plain_name(str(cells.name)) == "name" else r"\d"
    return bool(texts.str.contains(form, regex=True).mean() >= NEARLY_ALL) and date_writing(cells) is None


def _only_date(layout: Layout, theirs: dict[str, str]) -> dict[str, str]:
    """The one column of dates that is left, where there is one alone."""
    dates = [
        str(name) for name in layout.rows.columns
        if str(name) not in theirs.values() and not is_number(layout.rows[name]) and date_writing(layout.rows[name])
    ]  # fmt: skip
    return {"timestamp": dates[0]} if len(dates) == 1 else {}


def _is_amount_of_a_piece(table: str, theirs: dict[str, str]) -> bool:
    """A price beside a quantity is the price of one piece, where the door knows such a column."""
    knows = "unit_price" in schema_of(table).columns and "unit_price" not in theirs
    return knows and "quantity" in theirs and plain_name(theirs["amount"]) in ("price", "sale_amount")


def _score(table: str, theirs: dict[str, str], plain: dict[str, str]) -> int:
    signs = SIGNS.get(table, ())
    sounds = sum(any(sign in name for sign in signs) for name in plain)
    found = sum(WHOLE if ours in schema_of(table).required else PART for ours in theirs)
    return found + 2 * sounds
