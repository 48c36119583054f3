"""Client or customer: what it was to be a client, seen afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from clientcare.arguments import is_number, is_one_of
from clientcare.exceptions import OptionError
from clientcare.facts.reliance import signs_known
from clientcare.history.histories import Histories, require_histories
from clientcare.history.population import in_force
from clientcare.outcomes.care_tie import care_tie
from clientcare.outcomes.dependence import DependenceRule
from clientcare.outcomes.own_time import part_days
from clientcare.outcomes.paying import ever_paid
from clientcare.outcomes.seen import (
    BoolArray,
    label_snapshots,
    n_parts_with_purchase,
    part_ends,
)
from clientcare.outcomes.stage import stage_of
from clientcare.outcomes.status import StatusRule
from clientcare.window import Days, Moment, Window, microseconds, parse_days, parse_moment, parse_moments

MOST_PERIODS = 60
"""A part has 60 days at least where the horizon is the base's own: more parts than that look ten years ahead."""
CARE_TIE_RULES = ("when_seen", "required", "ignored")


@dataclass(frozen=True)
class ClientDefinition:
    """A client keeps buying, and stands in a two-way bond with the seller.

    *Patronage*: purchases in at least ``min_periods`` of the ``periods`` equal parts of [as_of, as_of +
    horizon), or a contract in force at the end of every part; nobody keeps buying who never paid. *Care tie*: a two-way
    exchange (an answered check-in, a kept meeting, feedback, a referral) in at least ``min_periods`` of the parts: it
    recurs, and the buyer takes part. A contract is patronage, not a tie. Where contracts alone are recorded, it takes
    the tie's place that a contract was renewed at least once, or kept through the horizon with no end that binds.
    *Dependence*: a client has come to rely on the seller. Where at least two signs of it are recorded (see
    :class:`clientcare.outcomes.DependenceRule`) a client's dependence at the horizon's end is at least
    ``min_dependence``; check-ins that the seller keeps up make nobody a client who asks for nothing. Where no tie could be
    seen (transactions alone) dependence stands in for it: asked in whole of who was well seen, in proportion of whom less
    was seen, until of buyers who show nothing but that they keep coming patronage alone decides.

    Parameters
    ----------
    horizon : str, int or Timedelta, whole days, optional
        Default: the base's own time, as known at the date of asking (of several dates, at the first): each part holds at
        least one usual gap between purchases, and 60 days. It does not depend on how far ahead churn is asked for.
    periods : int, at least 1
        Into how many equal parts the horizon is divided. A day belongs to part
        ``days since as_of * periods // horizon_days``.
    min_periods : int, 1 to ``periods``
        In how many of them a client buys, and in how many both sides meet.
    care_tie : {"when_seen", "required", "ignored"}
        ``"when_seen"``: patronage and tie where a tie could be seen, patronage alone where not.
        ``"required"``: nobody is a client whose tie was not seen. ``"ignored"``: patronage alone.
    min_dependence : float, 0 to 100
        How much a client depends on the seller at least, where that can be seen; 0: it is not asked.

    Examples
    --------
    >>> import pandas as pd
    >>> from clientcare.history import Histories
    >>> transactions = pd.DataFrame({
    ...     "buyer_id": ["ann", "ann", "ann", "bob", "bob"],
    ...     "timestamp": ["2024-01-03", "2024-02-05", "2024-03-20", "2024-01-10", "2024-02-06"],
    ...     "amount": [20.0, 25.0, 30.0, 9.0, 9.0],
    ... }).astype({"timestamp": "datetime64[us]"})
    >>> histories = Histories(transactions, observed_until="2024-05-01")
    >>> ClientDefinition("90D").label(histories, as_of="2024-02-01")
    buyer_id
    ann     True
    bob    False
    Name: is_client, dtype: bool
    """

    horizon: Days | None = None
    periods: int = 3
    min_periods: int = 2
    care_tie: str = "when_seen"
    min_dependence: float = 50

    def __post_init__(self) -> None:
        if self.horizon is not None:
            object.__setattr__(self, "horizon", f"{parse_days(self.horizon)}D")
        _require_count("periods", self.periods, MOST_PERIODS if self.horizon is None else self.horizon_days)
        _require_count("min_periods", self.min_periods, self.periods)
        if not is_one_of(self.care_tie, CARE_TIE_RULES):
            raise OptionError(f"ClientDefinition: care_tie must be one of {', '.join(CARE_TIE_RULES)}.")
        if not (is_number(self.min_dependence) and 0 <= self.min_dependence <= 100):
            raise OptionError("ClientDefinition: min_dependence must be a number from 0 (not asked) to 100.")

    @property
    def horizon_days(self) -> int:
        """Length of the horizon in days.

        Raises
        ------
        OptionError
            Where it is still to be read from a base.
        """
        if self.horizon is None:
            raise OptionError(
                "ClientDefinition: the horizon is the base's own time, which is not known without one.\n"
                "Ask for definition.fixed(histories, as_of), or state one: ClientDefinition(horizon='180D')."
            )
        return parse_days(self.horizon)

    def fixed(self, histories: Histories, as_of: Moment) -> ClientDefinition:
        """The definition with its horizon stated: where it was not, by the base's own time as known at a date.

        Examples
        --------
        >>> visits = pd.to_datetime(["2020-03-01", "2021-03-03", "2022-03-01", "2023-03-08"])
        >>> patients = pd.DataFrame({"buyer_id": "ann", "timestamp": visits, "amount": 90.0})
        >>> ClientDefinition().fixed(Histories(patients), "2023-06-01").horizon
        '1104D'
        """
        if self.horizon is not None:
            return self
        require_histories(histories, "ClientDefinition")
        moment = parse_moment(as_of, histories.timezone)
        return replace(self, horizon=self.periods * part_days(histories, moment))

    def label(self, histories: Histories, as_of: Moment | Iterable[Moment]) -> pd.Series[bool]:
        """Who was a client in the horizon, of the buyers known at each date.

        Returns
        -------
        Series of bool, named ``is_client``
            Indexed by ``buyer_id``, or by (``as_of``, ``buyer_id``) for several dates. No missing values.

        Raises
        ------
        NotObservedError
            Where a horizon reaches past what was observed.
        OptionError
            Where a care tie is required and no table could show one.
        """
        return self._over_dates(
            histories, as_of, "is_client", lambda one, window: one._is_client(histories, window)
        )

    def patronage(self, histories: Histories, as_of: Moment | Iterable[Moment]) -> pd.Series[bool]:
        """Who kept buying, or kept a contract, through the horizon.

        Returns
        -------
        Series of bool, named ``patronage``, indexed like :meth:`label`

        Raises
        ------
        NotObservedError
        """
        return self._over_dates(
            histories, as_of, "patronage", lambda one, window: one._patronage(histories, window)
        )

    def care_tie_seen(self, histories: Histories, as_of: Moment | Iterable[Moment]) -> pd.Series[bool]:
        """Who had a care tie in the horizon.

        Returns
        -------
        Series of the nullable type ``boolean``, named ``care_tie``, indexed like :meth:`label`
            NA where no tie could have been seen: no interactions are recorded, or none that could make a tie
            (campaigns alone), and the buyer never had a contract; of those who had one it says then whether they stayed
            bound of their own will.

        Raises
        ------
        NotObservedError
        """
        return self._over_dates(
            histories, as_of, "care_tie", lambda one, window: one._seen_tie(histories, window)
        )

    def stage(self, histories: Histories, as_of: Moment | Iterable[Moment]) -> pd.Series[str]:
        """Each buyer's cell of the truth table of patronage and care tie, as this definition reads the tie.

        Returns
        -------
        Series of categories, named ``stage``, indexed like :meth:`label`
            ``label`` is true exactly where the stage is ``dependent client``. Whoever never paid is a ``new buyer``.

        Raises
        ------
        NotObservedError
        OptionError
        """
        return self._over_dates(
            histories,
            as_of,
            "stage",
            lambda one, window: one._stage(histories, window),
        )

    def to_dict(self) -> dict[str, Any]:
        """The definition as plain values, for a model file."""
        values = {name: value for name, value in asdict(self).items() if name != "horizon"}
        days = None if self.horizon is None else self.horizon_days
        return {"definition": "client", "horizon_days": days, **values}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ClientDefinition:
        """The definition back from :meth:`to_dict`.

        Raises
        ------
        OptionError
            Where the values describe something else.
        """
        fields = {"definition", "horizon_days", "periods", "min_periods", "care_tie", "min_dependence"}
        if values.get("definition") != "client" or set(values) != fields:
            raise OptionError("ClientDefinition: these values describe no client definition.")
        names = ("horizon_days", "periods", "min_periods", "care_tie", "min_dependence")
        return cls(*(values[name] for name in names))

    def _over_dates(
        self,
        histories: Histories,
        as_of: Moment | Iterable[Moment],
        name: str,
        see: Callable[[ClientDefinition, Window], Any],
    ) -> pd.Series[Any]:
        require_histories(histories, "ClientDefinition")
        one = self
        if self.horizon is None and (moments := parse_moments(as_of, histories.timezone)[0]):
            one = self.fixed(histories, min(moments))
        return label_snapshots(
            histories, as_of, one.horizon_days, "ClientDefinition", name, lambda window: see(one, window)
        )

    def _patronage(self, histories: Histories, window: Window) -> BoolArray:
        buying = n_parts_with_purchase(histories, window, self.periods) >= self.min_periods
        kept = np.ones(len(histories.buyer_ids), dtype=bool)
        for moment in part_ends(window, self.periods):
            kept &= in_force(histories, moment)
        return np.asarray((buying | kept) & ever_paid(histories, microseconds(window.end)))

    def _stage(self, histories: Histories, window: Window) -> Any:
        facts = StatusRule.learn(histories, window.end, self.horizon_days).told(histories, window.end)
        n_purchases = facts["n_purchases"].reindex(histories.buyer_ids, fill_value=0).to_numpy()
        had_contract = (
            facts["had_contract"].reindex(histories.buyer_ids, fill_value=False).to_numpy(dtype=bool)
        )
        tie = self._tie_as_read(histories, window)
        stage = stage_of(self._patronage(histories, window), tie, n_purchases, had_contract)
        stage[~ever_paid(histories, microseconds(window.end))] = "new buyer"
        return stage

    def _seen_tie(self, histories: Histories, window: Window) -> Any:
        return care_tie(histories, window, self.periods, self.min_periods).array

    def _tie_as_read(self, histories: Histories, window: Window) -> Any:
        """The tie as it enters the label: NA where this definition lets patronage decide."""
        if self.care_tie == "ignored":
            return pd.array([pd.NA] * len(histories.buyer_ids), dtype="boolean")
        tie = self._seen_tie(histories, window)
        if self.care_tie == "when_seen":
            return self._held_to_dependence(histories, window, tie, stands_in=True)
        if tie.isna().all() and len(tie):
            raise OptionError(
                "ClientDefinition: care_tie='required', but no table shows two-way contacts or contracts.\n"
                "Give interactions or contracts, or use care_tie='when_seen'."
            )
        return self._held_to_dependence(histories, window, tie.fillna(False), stands_in=False)

    def _held_to_dependence(self, histories: Histories, window: Window, tie: Any, stands_in: bool) -> Any:
        """The tie, where signs of dependence are recorded: none without it, and where no tie can be seen, dependence."""
        if not self.min_dependence:
            return tie
        signs = signs_known(histories, microseconds(window.end))
        rule = DependenceRule.learn(histories, window.end)
        index, enough = rule.index(signs)
        held = tie.copy()
        unseen = np.asarray(tie.isna())
        by_contact = enough & ~unseen & (signs.contacts is not None)
        held[by_contact & ~(index >= self.min_dependence)] = False
        if stands_in:
            bound = np.zeros(signs.n_buyers, dtype=bool)
            if signs.contracts is not None:
                bound[signs.contracts.buyer] = True
            replaced = unseen & np.isfinite(index) & ~bound
            held[replaced] = rule.stands_in(signs, self.min_dependence)[replaced]
        return held

    def _is_client(self, histories: Histories, window: Window) -> BoolArray:
        tie = self._tie_as_read(histories, window).to_numpy(dtype=bool, na_value=True)
        return np.asarray(self._patronage(histories, window) & tie)


def _require_count(name: str, value: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not 1 <= value <= most:
        raise OptionError(f"ClientDefinition: {name} must be a whole number from 1 to {most}.")
