"""What all plots share: the axes to draw on, and colours that survive colour blindness and a grey printer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clientcare.exceptions import MissingExtraError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe & Ito (2008), told apart under the three common colour blindnesses; ordered here from dark to light, so that a
# grey print keeps the order too.
INK = "#1b1b1b"
BLUE = "#0072b2"
VERMILION = "#d55e00"
GREEN = "#009e73"
ORANGE = "#e69f00"
SKY = "#56b4e9"
PALE = "#d9d9d9"
MOST_LETTERS = 28
STAGE_COLOURS = {
    "dependent client": BLUE,
    "repeat customer": GREEN,
    "kept customer": SKY,
    "latent client": ORANGE,
    "fading customer": VERMILION,
    "new buyer": "#cc79a7",
    "one-time customer": PALE,
    "former client": "#7f7f7f",
    "former customer": "#b0b0b0",
}
STAGE_MARKERS = {
    "dependent client": "o",
    "repeat customer": "s",
    "kept customer": "D",
    "latent client": "^",
    "fading customer": "v",
    "new buyer": "P",
    "one-time customer": "x",
    "former client": "x",
    "former customer": "x",
}


def require_matplotlib() -> Any:
    """matplotlib's figure module, imported on use.

    Raises
    ------
    MissingExtraError
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError as cause:
        raise MissingExtraError.of("matplotlib", "plot", "A plot") from cause
    return plt


def axes_for(ax: Axes | None, size: tuple[float, float] = (6.4, 4.0)) -> tuple[Figure, Axes]:
    """The axes given, or new ones of a size in inches."""
    if ax is not None:
        return ax.figure, ax  # type: ignore[return-value]
    figure, new = require_matplotlib().subplots(figsize=size, layout="constrained")
    return figure, new


def tidy(ax: Axes, title: str, x: str, y: str) -> None:
    """Title to the left, labels with units, and no lines that carry nothing."""
    ax.set_title(plain(title), loc="left", fontsize=11)
    ax.set_xlabel(x)
    ax.set_ylabel(y)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)


def plain(text: object) -> str:
    """A text that matplotlib shows as it is: a dollar sign starts no formula, a control character nothing."""
    shown = "".join(char if char.isprintable() else " " for char in str(text))
    return shown.replace("\\", "\\\\").replace("$", r"\$")[:120]


def words_of(theme: object) -> str:
    """How a picture calls what contributed to a probability: in words, and short enough for a margin."""
    words = str(theme).removeprefix("attribute: ").replace("_", " ")
    return words if len(words) <= MOST_LETTERS else words[: MOST_LETTERS - 1] + "\u2026"
