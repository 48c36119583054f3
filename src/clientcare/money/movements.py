"""How money moved between two ends, split to the cent."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

KINDS = ("new", "expansion", "contraction", "lost", "won_back")

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


def kinds_of_buyers(before: Ints, after: Ints, here_before: Flags, here_after: Flags, known: Flags) -> Ints:
    """What became of each buyer: the position in ``KINDS``; shape (n_buyers,).

    Whoever was not here and now is, is new, or won back where ``known`` from before; whoever was here and is no
    longer is lost; of all others the money grew (expansion) or shrank (contraction).
    """
    grew = np.where(after >= before, KINDS.index("expansion"), KINDS.index("contraction"))
    came = np.where(known, KINDS.index("won_back"), KINDS.index("new"))
    kind = np.where(~here_before & here_after, came, grew)
    return np.where(here_before & ~here_after, KINDS.index("lost"), kind).astype(np.int64)


def split_moves(delta: Ints, buyer: Ints, n_buyers: int) -> tuple[Ints, Ints]:
    """Part what each unit's money did into what the buyer's did, and what moved between units of the buyer.

    Parameters
    ----------
    delta, buyer : int64 arrays of shape (n_units,)
        Units of one buyer stand together.

    Returns
    -------
    own, moved : int64 arrays of shape (n_units,)
        They add up to ``delta``; ``moved`` adds up to zero over the units of a buyer.
    """
    total = np.zeros(n_buyers, dtype=np.int64)
    np.add.at(total, buyer, delta)
    against = delta * np.sign(total)[buyer] < 0
    mixed = np.zeros(n_buyers, dtype=bool)
    mixed[buyer[against | ((total == 0)[buyer] & (delta != 0))]] = True
    own = delta.copy()
    for one in np.flatnonzero(
        mixed
    ):  # whoever changed plans within a period: few, and whole numbers as long as need be
        units = slice(*np.searchsorted(buyer, [one, one + 1]))
        own[units] = _shares(delta[units], int(total[one]))
    return own, delta - own


def _shares(delta: Ints, total: int) -> Ints:
    """A total dealt out to the units that moved its way, in proportion, to the cent."""
    sign = 1 if total > 0 else -1
    toward = [max(sign * int(one), 0) if total else 0 for one in delta]
    whole, running, given, shares = sum(toward), 0, 0, []
    for one in toward:
        running += one
        upto = abs(total) * running // whole if whole else 0
        shares.append(sign * (upto - given))
        given = upto
    return np.array(shares, dtype=np.int64)
