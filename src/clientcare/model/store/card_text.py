"""The model card for people: the same values as lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def card_lines(card: Mapping[str, Any], level: int = 0) -> Iterator[str]:
    """The lines of a card, nested values indented."""
    if level == 0:
        yield "clientcare model card"
        yield "====================="
    for name, value in card.items():
        label = f"{'  ' * level}{str(name).replace('_', ' ')}:"
        if isinstance(value, Mapping):
            yield label
            yield from card_lines(value, level + 1)
        elif isinstance(value, (list, tuple)):
            yield label
            for item in value:
                if isinstance(item, Mapping):
                    yield f"{'  ' * (level + 1)}- " + ", ".join(
                        f"{key}: {_shown(part)}" for key, part in item.items()
                    )
                else:
                    yield f"{'  ' * (level + 1)}- {_shown(item)}"
        else:
            yield f"{label} {_shown(value)}"


def _shown(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value).replace("\n", " ")
