"""Accounts rolled up to their parents, as the table of buyers states them."""

from __future__ import annotations

from clientcare.exceptions import SchemaError
from clientcare.history.door.aliases import Aliases, with_parents
from clientcare.history.door.ids import read_ids
from clientcare.history.door.intake import GivenTable
from clientcare.history.door.sheets import Door, buyer_ids_of
from clientcare.history.door.spellings import folded_ids, plain_ids


def aliases_with_parents(buyers: GivenTable | None, door: Door) -> Aliases | None:
    """The aliases with every account as its parent's.

    Raises
    ------
    SchemaError
        Where the buyers state no parents.
    """
    cells = None if buyers is None else buyers.column("parent_id")
    if buyers is None or cells is None:
        raise SchemaError(
            "buyers: no column 'parent_id', by which accounts='parent' rolls accounts up.\n"
            "Give buyers with a parent_id for each account that has one, or leave the option out."
        )
    parents = plain_ids(read_ids(cells, buyers.place("parent_id")), buyers.place("parent_id"))
    if door.ids == "fold":
        parents = folded_ids(parents)
    return with_parents(door.aliases, buyer_ids_of(buyers, door), parents)
