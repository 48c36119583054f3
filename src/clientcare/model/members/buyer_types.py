"""The rhythm member: what types of buyer, found in the histories, say of the horizon; it needs no past outcomes."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Self

import numpy as np

from clientcare.features.own_gaps import sum_of_log_gaps
from clientcare.model.members.base import Asked, Floats, State
from clientcare.model.members.pareto_nbd import (
    AGE,
    COUNT,
    SILENCE,
    STRETCH,
    Columns,
    ProbabilityMember,
    pareto_parameters,
)
from clientcare.model.members.recall import Recall
from clientcare.model.members.type_mixture import BuyerTypes, Outlook, Signs, check_types, find_types

MEAN_LOG_GAP = "gap_log_mean_shrunk"
CONTACTS = (
    ("n_inbound_contacts", "days_since_last_inbound_contact"),
    ("n_mutual_contacts", "days_since_last_mutual_contact"),
)
"""Contacts that the buyer took part in: signs of life."""
FIRST_CONTACT = "days_since_first_contact"
LAWS = ("r", "alpha", "s", "beta")
"""What a Pareto/NBD is made of."""


class RhythmMember(ProbabilityMember):
    """A mixture of buyers at random and buyers in a rhythm, whose contacts are signs of life as their purchases are.

    Where all buy at random it says what :class:`LifetimeMember` says. Where some buy in a rhythm, it knows their silence for
    what it is: a gap that is not over, or an end. See :mod:`clientcare.model.members.type_mixture`.

    Parameters
    ----------
    horizon_days, periods, min_periods : int
        See :class:`ProbabilityMember`.
    rhythm_days : int
        The horizon that the columns of own gaps were built with.

    Attributes
    ----------
    types_ : dict of str to array
        The types found: see :class:`clientcare.model.members.type_mixture.BuyerTypes`.
    """

    _name = "rhythm"
    _reads = (COUNT, STRETCH, AGE, MEAN_LOG_GAP)
    _reads_where_given = (
        *ProbabilityMember._reads_where_given,
        *(name for pair in CONTACTS for name in pair),
        FIRST_CONTACT,
    )

    def __init__(
        self, horizon_days: int = 90, periods: int = 0, min_periods: int = 0, rhythm_days: int = 90
    ) -> None:
        super().__init__(horizon_days, periods, min_periods)
        self.rhythm_days = rhythm_days

    @classmethod
    def _for(cls, asked: Asked) -> Self:
        return cls(asked.horizon_days, asked.periods, asked.min_periods, asked.rhythm_days)

    def _fit_known(self, columns: Columns) -> bool:
        signs = self._signs(columns)
        laws = pareto_parameters(np.column_stack([signs.n_repeats, signs.last_purchase_days, signs.age_days]))
        if not laws:
            return False
        self.types_ = {
            name: values.copy()
            for name, values in _types(*vars(signs).values(), *(laws[name] for name in LAWS)).items()
        }
        return True

    def _signs(self, columns: Columns) -> Signs:
        """Where there were contacts before the first purchase, how many came after it is not known, but for none."""
        n_repeats, last_purchase, age = (columns[name] for name in (COUNT, STRETCH, AGE))
        n_contacts, last_contact = np.zeros(len(age)), np.full(len(age), -np.inf)
        for count, silence in CONTACTS:
            if count in columns and silence in columns:
                n_contacts = n_contacts + columns[count]
                last_contact = np.fmax(last_contact, np.minimum(age - columns[silence], age))
        if FIRST_CONTACT in columns:
            n_contacts[columns[FIRST_CONTACT] > age] = np.nan
            n_contacts[(columns[FIRST_CONTACT] >= 0) & (last_contact < 0)] = 0.0
        last_sign = np.maximum(last_purchase, last_contact)
        log_gaps = sum_of_log_gaps(columns[MEAN_LOG_GAP], n_repeats, self.rhythm_days)
        return Signs(n_repeats, last_purchase, last_sign, age, log_gaps, n_contacts)

    def _answer(self, columns: Columns, outlook: Outlook) -> Floats:
        return self._types.answer(self._signs(columns), outlook)

    @property
    def _types(self) -> BuyerTypes:
        return BuyerTypes(**self.types_)

    def _ask(self, columns: Columns) -> Floats:
        if self.periods:
            return self._answer(
                columns, self._types.activity(self.horizon_days, self.periods, self.min_periods)
            )
        return 1 - self._answer(columns, self._types.activity(self.horizon_days))

    def _expect(self, columns: Columns) -> Floats:
        return self._answer(columns, self._types.purchases(self.horizon_days))

    def _drivers(self, columns: Columns) -> tuple[Floats, list[str]]:
        given = [name for pair in CONTACTS if all(name in columns for name in pair) for name in pair]
        names = [COUNT, SILENCE, AGE, MEAN_LOG_GAP, *given]
        told = {**columns, SILENCE: columns[AGE] - columns[STRETCH]}
        return np.column_stack([told[name] for name in names]), names

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The member that :meth:`get_state` told of, bit for bit."""
        member = super().from_state(state)
        if hasattr(member, "types_"):
            member.types_ = {name: np.asarray(values) for name, values in member.types_.items()}
        return member

    @classmethod
    def _check_fitted(
        cls, params: dict[str, Any], fitted: dict[str, Any], names: list[str], where: str
    ) -> None:
        given = sum(all(name in fitted.get("place_", ()) for name in pair) for pair in CONTACTS)
        n_drivers = 4 + 2 * given
        cls._check_probability(fitted, names, where, "types_", n_drivers)
        check_types(fitted["types_"], f"{where}.types_")


def _found(*told: Any) -> dict[str, Any]:
    """The types behind the signs and the four numbers of the laws."""
    n_signs = len(fields(Signs))
    laws = dict(zip(LAWS, told[n_signs:], strict=True))
    return dict(vars(find_types(Signs(*told[:n_signs]), laws)))


_types = Recall(_found)
