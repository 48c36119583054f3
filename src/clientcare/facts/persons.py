"""The persons within a buyer: how many there are, who speaks most, and whether that one has gone silent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clientcare.facts.contacts import Bools, Contacts, Floats
from clientcare.facts.events import Array
from clientcare.facts.voice import Voice

COLUMN = "contact_id"
"""The column of the interactions that names the person spoken with."""

ROLES = ("champion", "sponsor", "decision maker", "executive", "owner", "ceo", "director")
"""Roles whose holder decides, or speaks for the relation where others decide, however seldom they speak."""


@dataclass(frozen=True, eq=False)
class Persons:
    """Who of a buyer's people spoke; arrays of shape (n_buyers,).

    Attributes
    ----------
    n_persons : float array
        How many different persons spoke.
    main : Voice
        When the main person of each buyer spoke: who spoke on most occasions.
    others_last_day : float array
        Calendar day on which anybody else of the buyer last spoke; NaN without one.
    lead : Voice
        The same of the one with a role that decides who spoke most often; unknown where nobody has such a role.
    lead_others_last_day : float array
        Calendar day on which anybody but the lead last spoke.
    """

    n_persons: Floats
    main: Voice
    others_last_day: Floats
    lead: Voice
    lead_others_last_day: Floats

    @classmethod
    def of(cls, buyer: Array, day: Array, person: Array, leads: Bools, n_buyers: int) -> Persons:
        """From the buyer, the day and the person of each time somebody spoke, sorted by buyer and day.

        Examples
        --------
        >>> who = Persons.of(np.zeros(4, int), np.arange(4), np.array([0, 0, 1, 0]), np.zeros(4, bool), 1)
        >>> who.n_persons, who.main.last_day, who.others_last_day
        (array([2.]), array([3.]), array([2.]))
        """
        keys, group = np.unique(np.stack([buyer, person]), axis=1, return_inverse=True)
        group = np.asarray(group).reshape(-1)
        n_groups = keys.shape[1]
        often = np.bincount(group, minlength=n_groups)
        decides = np.bincount(group, weights=leads, minlength=n_groups) > 0
        main = _first_of_each(keys[0], often)[group]
        lead = (_first_of_each(keys[0], often * decides) & decides)[group]
        return cls(
            np.bincount(keys[0], minlength=n_buyers).astype(np.float64),
            Voice.of(buyer[main], day[main], n_buyers),
            _last_day(buyer, day, ~main, n_buyers),
            Voice.of(buyer[lead], day[lead], n_buyers),
            _last_day(buyer, day, ~lead, n_buyers),
        )

    @classmethod
    def known(cls, contacts: Contacts, buyer: Array, n_buyers: int, rows: Bools) -> Persons | None:
        """Of some contacts in which the buyer spoke; None where no person is ever named.

        Parameters
        ----------
        contacts : Contacts
        buyer : int array of shape (n_rows,)
            The place of each contact's buyer.
        n_buyers : int
        rows : bool array of shape (n_rows,)
        """
        codes = contacts.events.columns.get(COLUMN)
        if codes is None or COLUMN not in contacts.events.levels:
            return None
        spoke = rows & contacts.voiced & (codes >= 0)
        leads = contacts.one_of("role", *_roles_that_lead(contacts))[spoke]
        return cls.of(buyer[spoke], contacts.events.day[spoke], codes[spoke], leads, n_buyers)


def _first_of_each(buyer: Array, weight: Array) -> Bools:
    """Which group of each buyer weighs most, the first of equals; shape (n_groups,)."""
    order = np.lexsort((np.arange(len(buyer)), -weight, buyer))
    is_first = np.ones(len(buyer), dtype=bool)
    is_first[1:] = buyer[order][1:] != buyer[order][:-1]
    first = np.zeros(len(buyer), dtype=bool)
    first[order[is_first]] = True
    return first


def _last_day(buyer: Array, day: Array, rows: Bools, n_buyers: int) -> Floats:
    last = np.full(n_buyers, np.nan)
    last[buyer[rows]] = day[rows]  # days ascend within a buyer, the last one stays
    return last


def _roles_that_lead(contacts: Contacts) -> list[str]:
    """The texts for roles that carry the relation, however they are spelled."""
    return [
        role
        for role in map(str, contacts.events.levels.get("role", ()))
        if role.strip().lower().replace("-", " ").replace("_", " ") in ROLES
    ]
