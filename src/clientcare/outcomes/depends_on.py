"""The sentence that says on what a buyer depends."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from clientcare.facts.contacts import Floats, Ints
from clientcare.facts.signs import SIGNS, Signs

MOST_NEEDS = 3
"""Needs that are named; the others are counted."""
LEANS_ON = "depends on you for"
MUCH = 50.0
"""Below half of the scale, where no dependence stands in for a tie either, a buyer is said to buy, not to depend."""
FULL = 0.9
"""Who buys nine lines in ten without a discount pays the full price."""


def sentences(signs: Signs, seen: Collection[str], buyers: Ints, index: Floats) -> NDArray[np.object_]:
    """What each of some buyers depends on the seller for, in words; empty where no sign speaks for it.

    Of somebody who depends little, needs are said to be bought: a word never says more than the index.

    Parameters
    ----------
    signs : Signs
    seen : collection of str
        The signs that the base can show.
    buyers : int64 array of shape (n,)
        Positions.
    index : float64 array of shape (n,)
        Their dependence, 0 to 100.

    Returns
    -------
    object array of shape (n,)
    """
    spoken = [name for name in SIGNS if name in seen]
    told = [_SPEAKERS[name](signs) for name in spoken]
    said = np.full(len(buyers), "", dtype=object)
    for clauses in told:
        here = clauses[buyers]
        joined = np.where(said == "", here, said + np.where(here == "", "", "; " + here))
        said = np.asarray(joined, dtype=object)
    little = ~(index >= MUCH)
    said[little] = [text.replace(LEANS_ON, "buys", 1) for text in said[little]]
    return np.array([text[:1].upper() + text[1:] for text in said], dtype=object)


def _empty(signs: Signs) -> NDArray[np.object_]:
    return np.full(signs.n_buyers, "", dtype=object)


def _breadth(signs: Signs) -> NDArray[np.object_]:
    said, (buyer, need, n) = _empty(signs), signs.needs
    if signs.transactions is None or not len(buyer):
        return said
    names = np.array([str(level) for level in signs.transactions.levels["category"]], dtype=object)
    order = np.lexsort((need, -n, buyer))
    buyer, need = buyer[order], need[order]
    starts = np.flatnonzero(np.append(True, buyer[1:] != buyer[:-1]))
    n_needs = np.diff(np.append(starts, len(buyer)))
    starts, n_needs = starts[n_needs > 1], n_needs[n_needs > 1]
    named = names[need[starts]]
    for place in range(1, MOST_NEEDS):
        here = n_needs > place
        named[here] = named[here] + ", " + names[need[starts[here] + place]]
    for more in np.unique(n_needs[n_needs > MOST_NEEDS]).tolist():
        named[n_needs == more] += f" and {more - MOST_NEEDS} more"
    said[buyer[starts]] = f"{LEANS_ON} " + named
    return said


def _own_voice(signs: Signs) -> NDArray[np.object_]:
    return _counted(signs, signs.n_asked, "got in touch {n} of their own accord in the last year")


def _full_price(signs: Signs) -> NDArray[np.object_]:
    value, coverage = signs.table["full_price"]
    said = _empty(signs)
    said[(coverage >= 0.5) & (value >= FULL)] = "pays the full price"
    return said


def _staying(signs: Signs) -> NDArray[np.object_]:
    said = _empty(signs)
    kinds = (
        (signs.shocks.price_rises, "a price rise", "price rises"),
        (signs.shocks.complaints, "a complaint", "complaints"),
        (signs.shocks.owner_changes, "a change of owner", "changes of owner"),
    )
    for buyer in np.flatnonzero(signs.shocks.stayed):
        parts = [one if n[buyer] == 1 else f"{n[buyer]:.0f} {many}" for n, one, many in kinds if n[buyer]]
        said[buyer] = "stayed after " + " and ".join(parts)
    return said


def _commitment(signs: Signs) -> NDArray[np.object_]:
    return _counted(signs, signs.n_renewed, "renewed {n}")


def _word_of_mouth(signs: Signs) -> NDArray[np.object_]:
    return _counted(signs, signs.n_referred, "referred others {n}")


def _share_of_wallet(signs: Signs) -> NDArray[np.object_]:
    value, coverage = signs.table["share_of_wallet"]
    said = _empty(signs)
    here = (coverage > 0) & (value > 0)
    each, which = np.unique(value[here], return_inverse=True)
    words = np.array([f"spends {one:.0%} of the wallet with you" for one in each], dtype=object)
    said[here] = words[which] if len(each) else said[here]
    return said


def _counted(signs: Signs, counts: NDArray[np.float64], words: str) -> NDArray[np.object_]:
    said = _empty(signs)
    for n in np.unique(counts[counts > 0]).astype(int).tolist():
        said[counts == n] = words.format(n="once" if n == 1 else "twice" if n == 2 else f"{n:,} times")
    return said


_SPEAKERS = {
    "breadth": _breadth,
    "own_voice": _own_voice,
    "full_price": _full_price,
    "staying": _staying,
    "commitment": _commitment,
    "word_of_mouth": _word_of_mouth,
    "share_of_wallet": _share_of_wallet,
}
