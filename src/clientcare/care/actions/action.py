"""What an action of care is: who finds it, how it is said, how long it takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from clientcare.care.actions.saying import Facts
from clientcare.care.actions.standing import Due, Standing


@dataclass(frozen=True)
class Action:
    """One action that a plan can hold.

    Attributes
    ----------
    name : str
    find : callable
        For whom it is due at a moment, by when, how urgent, and the facts.
    say : callable
        The reason, from one buyer's facts.
    minutes : int
        How long it takes unless told otherwise.
    growth_share : float
        Share of the buyer's expected spend that it can win, for actions that win something rather than keep it
        (nobody is about to leave): an assumption, small so that keeping comes first. 0 for what keeps.
    follow_up : bool
        Whether it follows up a first purchase; these get few places where the capacity is short.
    """

    name: str
    find: Callable[[Standing], Due]
    say: Callable[[Facts], str]
    minutes: int
    growth_share: float = 0.0
    follow_up: bool = False
