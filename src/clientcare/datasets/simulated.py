"""What a simulation returns: histories as a seller would have them, and the truth beside."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import pandas as pd

from clientcare.exceptions import NotObservedError, OptionError
from clientcare.history.histories import Histories
from clientcare.window import Days, Moment, parse_days, parse_moment


class TrueProcess(Protocol):
    """What a simulated world can tell about probabilities; days count from ``observed_from``."""

    @property
    def knows(self) -> tuple[str, ...]:
        """What the probabilities can be conditional on, the least first."""

    def known(self, as_of: float) -> Any:
        """Positions of the buyers known at a day."""

    def churn_risk(self, as_of: float, horizon_days: int, knowing: str) -> Any:
        """Their probabilities of churn."""

    def client_probability(
        self, as_of: float, horizon_days: int, periods: int, min_periods: int, knowing: str
    ) -> Any:
        """Their probabilities of being a client."""

    def potential_outcomes(self, as_of: float, horizon_days: int, knowing: str) -> dict[str, Any]:
        """Their probabilities of churn with and without the contact of a wave of care."""


@dataclass(eq=False, repr=False)
class SimulatedHistories:
    """Simulated tables, the histories made of them, and the truth nobody could see.

    Attributes
    ----------
    kind : str
        ``"retailer"``, ``"service_firm"``, ``"rival"`` or ``"pareto_nbd"``.
    transactions, interactions, contracts, buyers : DataFrame or None
        Tables in canonical columns, as a seller would have them.
    truth : DataFrame, indexed by ``buyer_id``
        The hidden facts: ``is_client`` (the true type), ``acquired_at``, ``dropped_out_at`` (NaT: still
        there when observation ended), ``purchases_a_year`` and ``drop_outs_a_year`` while they stay,
        ``tie_strength`` (a shop: contacts a year that the buyer starts; a firm: the goodwill that ordinary
        care comes to), and ``care_strength`` (a shop: how strongly a contact works) or ``owner_diligence``
        (a firm); beside a rival ``dependence`` (0 to 1), ``n_needs``, ``discount_share``, ``changes_owner``.
    observed_from, observed_until : Timestamp
        The stretch that was simulated.
    care_dates : tuple of Timestamp
        The dates of waves of care, where care was planted.
    """

    kind: str
    transactions: pd.DataFrame | None
    interactions: pd.DataFrame | None
    contracts: pd.DataFrame | None
    buyers: pd.DataFrame | None
    truth: pd.DataFrame
    observed_from: pd.Timestamp
    observed_until: pd.Timestamp
    process: TrueProcess
    care_dates: tuple[pd.Timestamp, ...] = ()

    def __repr__(self) -> str:
        names = ("transactions", "interactions", "contracts", "buyers")
        tables = {name: getattr(self, name) for name in names}
        rows = ", ".join(f"{len(table):,} {name}" for name, table in tables.items() if table is not None)
        return (
            f"SimulatedHistories of a {self.kind}: {rows}; the truth of {len(self.truth):,} buyers; "
            f"from {self.observed_from:%Y-%m-%d} until {self.observed_until:%Y-%m-%d}"
        )

    @cached_property
    def histories(self) -> Histories:
        """The tables, through the door."""
        return Histories(
            self.transactions,
            self.interactions,
            self.contracts,
            self.buyers,
            observed_from=self.observed_from,
            observed_until=self.observed_until,
        )

    def true_churn_risk(
        self, as_of: Moment, horizon: Days = "90D", knowing: str | None = None
    ) -> pd.Series[float]:
        """The true probability of churn within the horizon, of every buyer known at a date.

        Parameters
        ----------
        as_of : date
            Where the horizon begins.
        horizon : str or int
            How long it is.
        knowing : {"history", "parameters", "state"}, optional
            What the probability is conditional on; by default the least that the world can answer for,
            ``"history"`` for a shop, ``"state"`` for a service firm. ``"history"``: what a seller could see
            before ``as_of``, and the laws of the population; no score made of the same facts can be better
            in the long run. ``"parameters"``: also each buyer's own type and rates. ``"state"``: also
            whether they have left already. The service firm knows ``"state"`` alone (by drawing futures).

        Returns
        -------
        Series of float, named ``true_churn_risk``, indexed by ``buyer_id``
            Given the contacts of care made before ``as_of``, and none after.

        Raises
        ------
        OptionError
            Where a world cannot tell under that knowledge.
        NotObservedError
            Where ``as_of`` lies outside the simulated stretch.
        """
        day = self._day(as_of)
        risk = self.process.churn_risk(day, parse_days(horizon), knowing or self.process.knows[0])
        return self._series(day, risk, "true_churn_risk")

    def true_client_probability(
        self,
        as_of: Moment,
        horizon: Days = "180D",
        periods: int = 3,
        min_periods: int = 2,
        knowing: str | None = None,
    ) -> pd.Series[float]:
        """The true probability of being a client within the horizon, of every buyer known at a date.

        As :class:`clientcare.ClientDefinition` has it: buying in ``min_periods`` of ``periods`` equal parts
        (or a contract kept), and a care tie where the world records contacts; how much they depend is asked of a
        ``rival`` world alone (elsewhere ``min_dependence=0``). A mean over drawn futures, the
        same for the same question.

        Returns
        -------
        Series of float, named ``true_client_probability``, indexed by ``buyer_id``

        Raises
        ------
        OptionError
        NotObservedError
        """
        day = self._day(as_of)
        probability = self.process.client_probability(
            day, parse_days(horizon), periods, min_periods, knowing or self.process.knows[0]
        )
        return self._series(day, probability, "true_client_probability")

    def potential_outcomes(
        self, as_of: Moment, horizon: Days = "90D", knowing: str = "state"
    ) -> pd.DataFrame:
        """What a wave of care would do to each buyer known at its date: churn risk with and without the
        contact.

        Parameters
        ----------
        as_of : date, one of ``care_dates``
            The wave.
        horizon : str or int
            Over how many days from the wave's date churn is asked about.
        knowing : {"state", "parameters", "history"}
            As in :meth:`true_churn_risk`.

        Returns
        -------
        DataFrame indexed by ``buyer_id``
            ``propensity`` (the chance of being contacted), ``was_contacted``, ``churn_risk_if_contacted``,
            ``churn_risk_if_not``, and ``effect``, their difference (negative: the contact keeps buyers).

        Raises
        ------
        OptionError
            Where no wave was planted at that date.
        """
        if parse_moment(as_of) not in self.care_dates:
            raise OptionError(
                "potential_outcomes: no care was planted at that date; "
                f"there are {len(self.care_dates)} waves, see care_dates.\n"
                "Plant some: simulate_histories('retailer', assignment='randomised')."
            )
        day = self._day(as_of)
        columns = self.process.potential_outcomes(day, parse_days(horizon), knowing)
        table = pd.DataFrame(columns, index=self.truth.index.take(self.process.known(day)))
        return table.assign(effect=table["churn_risk_if_contacted"] - table["churn_risk_if_not"])

    def _day(self, as_of: Moment) -> float:
        moment = parse_moment(as_of)
        if not self.observed_from <= moment <= self.observed_until:
            raise NotObservedError(
                f"as_of {moment:%Y-%m-%d} lies outside the simulated stretch, "
                f"{self.observed_from:%Y-%m-%d} to {self.observed_until:%Y-%m-%d}."
            )
        return (moment - self.observed_from) / pd.Timedelta(days=1)

    def _series(self, day: float, values: Any, name: str) -> pd.Series[float]:
        index = self.truth.index.take(np.asarray(self.process.known(day)))
        return pd.Series(values, index=index, name=name)
