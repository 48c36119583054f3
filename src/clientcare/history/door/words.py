"""The field's words for interactions, and the common words of others that are read as them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from clientcare.exceptions import OptionError
from clientcare.facts import kinds
from clientcare.history.door.cells import Codes, Levels
from clientcare.history.door.schema import did_you_mean

KINDS = tuple(kind.name for kind in kinds.KINDS)
"""The kinds of interactions that the features and the care report know by name."""

DIRECTIONS = {
    "inbound": "in incoming received from_client from_customer client customer buyer inbound_contact i",
    "outbound": "out outgoing sent to_client to_customer seller agent company outbound_contact o",
    "mutual": "both two_way internal_external bidirectional meeting",
}


def kind_words(own: Mapping[str, str] | None) -> dict[str, str]:
    """Every word that is read as one of our kinds, the caller's own words before the common ones.

    Raises
    ------
    OptionError
        Where the caller maps to a kind that is not ours.
    """
    words = _table_of({kind.name: kind.words for kind in kinds.KINDS}, KINDS)
    words |= {word: kind for word, (kind, _) in kinds.WORDS_OF_BOTH.items()}
    if own is not None and not isinstance(own, Mapping):
        raise OptionError(
            f"kinds: a {type(own).__name__}, not a mapping of your words to our kinds.\n"
            "Write it as kinds={'coffee': 'check_in'}."
        )
    for theirs, ours in (own or {}).items():
        if ours not in KINDS:
            raise OptionError(
                f"kinds: {ours!r} is not one of our kinds ({', '.join(KINDS)})."
                f"{did_you_mean(str(ours), KINDS)}"
            )
        words[plain_word(theirs)] = ours
    return words


def direction_words() -> dict[str, str]:
    """Every word that is read as a direction."""
    return _table_of(DIRECTIONS, tuple(DIRECTIONS))


def status_words() -> dict[str, str]:
    """Every word that is read as a status."""
    return _table_of(
        {outcome.name: outcome.words for outcome in kinds.OUTCOMES},
        tuple(outcome.name for outcome in kinds.OUTCOMES),
    )


def outcomes_in_kinds(levels: Levels, own: Mapping[str, str] | None) -> dict[int, str]:
    """The outcome that a word written as a kind tells, by its code; the caller's own words tell none."""
    told = {word: outcome for word, (_, outcome) in kinds.WORDS_OF_BOTH.items()}
    for theirs in own or {}:
        told.pop(plain_word(theirs), None)
    words = [told.get(plain_word(level)) for level in levels]
    return {code: word for code, word in enumerate(words) if word is not None}


def plain_word(word: str) -> str:
    """A word in small letters, with underscores for what parts its pieces.

    Examples
    --------
    >>> plain_word(" Check-in  Call ")
    'check_in_call'
    """
    return "_".join("".join(c if c.isalnum() else " " for c in str(word).lower()).split())


def reword(
    codes: Codes, levels: Levels, words: Mapping[str, str], keep_unknown: bool
) -> tuple[Codes, Levels]:
    """Codes into our words; a word that is not known stays as given, or becomes unknown (-1)."""
    ours = [words.get(plain_word(level), level if keep_unknown else None) for level in levels]
    new_levels = sorted({word for word in ours if word is not None})
    place = {word: number for number, word in enumerate(new_levels)}
    renumber = np.array([-1 if word is None else place[word] for word in ours] + [-1], dtype=np.int32)
    return renumber[codes], np.array(new_levels, dtype=object)


def codes_of(levels: Levels, words: tuple[str, ...]) -> list[int]:
    """The codes of some words among the levels."""
    return [number for number, level in enumerate(levels) if level in words]


def _table_of(synonyms: Mapping[str, str], ours: tuple[str, ...]) -> dict[str, str]:
    words = {synonym: word for word, others in synonyms.items() for synonym in others.split()}
    return words | {word: word for word in ours}
