"""What the cells of a file raise that only its owner can say: states of orders, refunds, several currencies."""

from __future__ import annotations

import pandas as pd

from clientcare.history.door.order_states import NEVER, STANDS, WITHDRAWN, meaning_of
from clientcare.history.guess.contents import is_number
from clientcare.history.guess.mapping import TableGuess, plain_name

MOST_WORDS = 12
"""A column with more different words is no column of states."""
REFUNDS = ("refund", "erstattet", "rembours", "reembols", "rimbors", "terugbetaal", "disputed", "chargeback")
"""Parts of names of columns that tell how much of an order was given back."""
FIVE, TEN, HUNDRED = 5.0, 10.0, 100.0


def questions_about(guess: TableGuess) -> list[str]:
    """The questions that the cells of one file raise."""
    if guess.table != "transactions":
        return []
    return [*_states(guess), *_other_states(guess), *_refunds(guess)]


def scale_of(guess: TableGuess) -> tuple[tuple[float, float], str] | None:
    """The lowest and the highest answer where satisfaction does not lie between 0 and 1, and why so; else None."""
    name = guess.theirs.get("satisfaction")
    if guess.table != "interactions" or name is None:
        return None
    answers = pd.to_numeric(guess.layout.rows[name], errors="coerce").dropna()
    if answers.empty or answers.between(0, 1).all():
        return None
    least, most = float(answers.min()), float(answers.max())
    top = next((end for end in (FIVE, TEN, HUNDRED) if most <= end), most)
    low = 1.0 if top == FIVE and least >= 1 else min(0.0, least)
    return (low, top), f"the answers of {name!r} run from {least:g} to {most:g}"


def _words(cells: pd.Series) -> pd.Series[int] | None:
    """How often each word stands in a column; None where these are no few words."""
    told = cells.dropna().astype(str).str.strip()
    counts = told[told != ""].value_counts()
    return counts if 0 < len(counts) <= MOST_WORDS else None


def _states(guess: TableGuess) -> list[str]:
    name = guess.theirs.get("status")
    counts = None if name is None else _words(guess.layout.rows[name])
    if counts is None:
        return []
    unknown = [f"{word!r} ({n:,} rows)" for word, n in counts.items() if not meaning_of(str(word))]
    if not unknown:
        return []
    return [
        f"{guess.layout.file.name!r}, {name!r}: is {', '.join(unknown)} a purchase? It counts as one until you say "
        f'statuses = {{ "the word" = "{NEVER}" }} ("{NEVER}": never bought, "{WITHDRAWN}": taken back, "{STANDS}").'
    ]


def _other_states(guess: TableGuess) -> list[str]:
    """Columns that are not read, and some of whose words say that a row is no purchase."""
    said = []
    for name in guess.layout.rows.columns:
        counts = None if str(name) in guess.theirs.values() else _words(guess.layout.rows[name])
        if counts is None:
            continue
        against = [str(word) for word in counts.index if meaning_of(str(word)) in (NEVER, WITHDRAWN)]
        if against:
            said.append(
                f"{guess.layout.file.name!r}, {name!r}: {', '.join(map(repr, against))} reads as no purchase, and is not "
                "looked at. Map this column to 'status', or leave those rows out."
            )
    return said


def _refunds(guess: TableGuess) -> list[str]:
    said = []
    for name in guess.layout.rows.columns:
        plain = plain_name(str(name))
        cells = guess.layout.rows[name]
        if str(name) in guess.theirs.values() or not any(part in plain for part in REFUNDS):
            continue
        if cells.notna().any() and is_number(cells) and cells.astype(str).str.contains("[1-9]").any():
            said.append(
                f"{guess.layout.file.name!r}: {str(name)!r} is not taken off the amounts. Give refunds as rows of their "
                "own, below zero, or an amount that is net of them."
            )
    return said
