"""Accounts that are one buyer, or became another's: ids read as the buyer whom they stand for at the moment of a row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from clientcare.exceptions import OptionError
from clientcare.history.door.dates import Times
from clientcare.history.door.ids import Ids, read_ids
from clientcare.history.door.spellings import fold, plain_ids
from clientcare.window import UNKNOWN_TIME

MOST_STEPS = 100
"""A chain of accounts merged again and again is followed so far; a longer one is a circle."""


@dataclass(frozen=True, eq=False)
class Aliases:
    """Which id stands for which buyer, and from when on.

    Attributes
    ----------
    alias, buyer : arrays of texts of shape (n_rules,)
        Sorted by alias and moment.
    since : int64 array of shape (n_rules,)
        From which moment a rule holds; ``UNKNOWN_TIME`` where always.
    """

    alias: NDArray[np.object_]
    buyer: NDArray[np.object_]
    since: NDArray[np.int64]

    @classmethod
    def of(cls, given: Any, spelling: str = "exact") -> Aliases | None:
        """Aliases as the caller gives them.

        Parameters
        ----------
        given : mapping of id to id, DataFrame, or None
            A table has columns ``alias`` and ``buyer_id``, and ``since`` where an account changes hands: rows of the
            alias from that moment on are the buyer's.
        spelling : {"exact", "fold"}
            As the door's option ``ids``.

        Raises
        ------
        OptionError
            Where it is no such table, contradicts itself, or goes round in a circle.

        Examples
        --------
        >>> aliases = Aliases.of({"a2": "a1"})
        >>> aliases.followed(np.array(["a2", "b"], dtype=object), np.array([0, 0])).tolist()
        ['a1', 'b']
        """
        if given is None:
            return None
        table = _as_table(given)
        alias, buyer = (_texts(table[name], spelling) for name in ("alias", "buyer_id"))
        moments = pd.to_datetime(table["since"], errors="coerce").to_numpy().astype("datetime64[us]")
        if (pd.notna(table["since"]).to_numpy() & np.isnat(moments)).any():
            raise OptionError(
                "merge_ids: every `since` must be a date, or missing where a rule always holds."
            )
        if pd.isna(alias).any() or pd.isna(buyer).any():
            raise OptionError("merge_ids: an alias or a buyer_id is missing.")
        since = moments.view(np.int64)
        order = np.lexsort((since, pd.Series(alias).rank(method="dense").to_numpy()))
        found = cls(alias[order], buyer[order], since[order])
        doubled = (found.alias[1:] == found.alias[:-1]) & (found.since[1:] == found.since[:-1])
        if (doubled & (found.buyer[1:] != found.buyer[:-1])).any():
            raise OptionError("merge_ids: one alias stands for two buyers from the same moment on.")
        found._require_no_circle()
        return found

    def followed(self, ids: NDArray[np.object_], times: Times) -> NDArray[np.object_]:
        """The buyer whom each id stands for at a moment, through as many rules as it takes."""
        names, first = np.unique(self.alias.astype(str), return_index=True)
        places = {name: place for place, name in enumerate(names)}
        moments = np.unique(self.since)
        rank = np.searchsorted(moments, times, side="right")
        rules = np.repeat(np.arange(len(names)), np.diff([*first, len(self.alias)])) * (len(moments) + 1)
        rules = rules + np.searchsorted(moments, self.since, side="right")
        found = ids.copy()
        for _ in range(MOST_STEPS):
            place = np.array([places.get(one, -1) for one in found], dtype=np.int64)
            rule = np.searchsorted(rules, place * (len(moments) + 1) + rank, side="right") - 1
            known = (place >= 0) & (rule >= first[place.clip(0)])
            if not known.any():
                return found
            found = np.where(known, self.buyer[rule.clip(0)], found)
        raise _circle()

    def read(self, ids: Ids, times: Times) -> tuple[Ids, NDArray[np.bool_]]:
        """Ids as the buyers whom they stand for, and which rows changed hands."""
        texts = ids.as_texts().values.to_numpy(zero_copy_only=False).astype(object)
        some = np.append(np.isin(texts.astype(str), self.alias.astype(str)), False)
        rows = np.flatnonzero(some[ids.codes])
        moved = np.zeros(len(ids.codes), dtype=bool)
        if not len(rows):
            return ids, moved
        before = texts[ids.codes[rows]]
        after = self.followed(before, times[rows])
        moved[rows] = before != after
        every, codes = np.append(texts, after), ids.codes.copy()
        codes[rows] = len(texts) + np.arange(len(rows))
        return _of_texts(every, codes, ids), moved

    def one_of_each(self) -> dict[str, str]:
        """For each id that is named one id that stands for all that may ever be the same buyer."""
        head: dict[str, str] = {}

        def top(one: str) -> str:
            while head.setdefault(one, one) != one:
                one = head[one]
            return one

        for alias, buyer in zip(self.alias, self.buyer, strict=True):
            head[top(alias)] = top(buyer)
        return {one: top(one) for one in list(head)}

    def table(self) -> pd.DataFrame:
        """The rules as a table that :meth:`of` reads."""
        since = np.where(self.since == UNKNOWN_TIME, np.datetime64("NaT"), self.since.view("datetime64[us]"))
        return pd.DataFrame({"alias": self.alias, "buyer_id": self.buyer, "since": since})

    def _require_no_circle(self) -> None:
        named = np.unique(self.alias.astype(str)).astype(object)
        for moment in np.unique(self.since):
            self.followed(named, np.full(len(named), moment))


def _as_table(given: Any) -> pd.DataFrame:
    if isinstance(given, Mapping):
        return pd.DataFrame(
            {"alias": list(given), "buyer_id": list(given.values()), "since": pd.NaT}, dtype=object
        )
    if isinstance(given, pd.DataFrame) and {"alias", "buyer_id"} <= set(given.columns):
        table = given.reset_index(drop=True)
        return table if "since" in table else table.assign(since=None)
    raise OptionError(
        "merge_ids: must map ids to the buyers whom they stand for, {'a2': 'a1'}, or be a table with columns "
        "'alias', 'buyer_id' and, where an account changes hands, 'since'."
    )


def _texts(column: pd.Series[Any], spelling: str) -> NDArray[np.object_]:
    """Ids as the door spells them."""
    ids = read_ids(column.to_numpy(dtype=object), "merge_ids").as_texts()
    ids = plain_ids(ids, "merge_ids")
    values = fold(ids.values) if spelling == "fold" else ids.values
    named = np.full(len(values) + 1, None, dtype=object)
    named[:-1] = values.to_numpy(zero_copy_only=False)
    return named[ids.codes]


def _of_texts(texts: NDArray[np.object_], codes: NDArray[np.int64], like: Ids) -> Ids:
    """Ids of distinct texts, whole numbers again where those given were and all still are."""
    places, distinct = pd.factorize(texts)
    spelled: Any = pa.array(distinct, pa.large_string())
    if like.are_numbers and all(str(one).lstrip("-").isdigit() for one in distinct):
        spelled = np.array([int(one) for one in distinct], dtype=np.int64)
    codes = np.append(places, -1)[codes].astype(np.int64)
    return Ids(codes, spelled, like.padded)


def _circle() -> OptionError:
    return OptionError(
        "merge_ids: accounts stand for each other in a circle. Say which of them is the buyer."
    )


def with_parents(aliases: Aliases | None, children: Ids, parents: Ids) -> Aliases | None:
    """Aliases with every account as its parent's: from the columns ``buyer_id`` and ``parent_id`` of the buyers.

    Raises
    ------
    OptionError
        Where accounts are each other's parents.
    """
    child, parent = (ids.as_texts() for ids in (children, parents))
    rows = np.flatnonzero((child.codes >= 0) & (parent.codes >= 0))
    names = child.values.to_numpy(zero_copy_only=False).astype(object)[child.codes[rows]]
    above = parent.values.to_numpy(zero_copy_only=False).astype(object)[parent.codes[rows]]
    own = names != above
    if not own.any():
        return aliases
    table = pd.DataFrame({"alias": names[own], "buyer_id": above[own], "since": np.datetime64("NaT", "us")})
    if aliases is not None:
        table = pd.concat([table[~table["alias"].isin(aliases.alias)], aliases.table()])
    return Aliases.of(table.drop_duplicates())
