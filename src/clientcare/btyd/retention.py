"""Contracts renewed period by period: the floor under the sBG and the BdW.

A customer leaves at each renewal with a chance of their own (Beta over customers); S(t) is the share still there after t
renewals. Time enters as t^c: c = 1 is the sBG, c above 1 says that everybody's chance to leave grows with age.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from scipy.special import betaln, psi
from sklearn.utils.validation import check_is_fitted

from clientcare.btyd.fitting import Floats, find_optimum
from clientcare.btyd.likelihood import LikelihoodModel
from clientcare.btyd.table import (
    distinct_rows,
    merged_weight,
    read_columns,
    read_weight,
    refuse,
    require_rows,
)
from clientcare.exceptions import NotEnoughDataError, OptionError

RENEWALS = "n_renewals"
ENDED = "ended"


class RetentionModel(LikelihoodModel):
    """Renewal chances that differ between customers, by maximum likelihood."""

    _start: ClassVar[tuple[float, ...]] = ()

    def _shape(self, parameters: Any) -> tuple[float, float, float]:
        """Beta parameters and the power of time."""
        values = tuple(float(v) for v in parameters)
        return (values[0], values[1], values[2] if len(values) > 2 else 1.0)

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Fit by maximum likelihood.

        Parameters
        ----------
        X : DataFrame with ``n_renewals`` and ``ended``, or array of these two columns
            ``n_renewals``: how often the customer renewed. ``ended``: 1 where the next renewal was refused, 0 where the
            customer is still there.
        y : ignored
        sample_weight : array, optional
            How many customers a row stands for.

        Raises
        ------
        BadRowsError
        NotEnoughDataError
            Where nobody left, or nobody has come to a renewal.
        """
        asker = f"{type(self).__name__}.fit"
        self._check_options()
        renewals, ended = self._read(X, asker)
        require_rows(len(renewals), asker)
        weight = read_weight(sample_weight, len(renewals), asker)
        if len(renewals) < 2 or not (weight * ended).sum() or not (weight * renewals).sum():
            raise NotEnoughDataError(
                f"{asker}: needs customers who left and customers who renewed; found n_samples = {len(renewals)}, "
                f"{int(ended.sum())} who left and {int((renewals > 0).sum())} who renewed."
            )
        self._note_columns(X)
        first, kind = distinct_rows([renewals, ended])
        renewals, ended, weight = renewals[first], ended[first], merged_weight(kind, weight)
        total = float(weight.sum())
        optimum = find_optimum([self._objective(renewals, ended, weight)], [np.log(self._start)])
        natural = dict(zip(self._names, np.exp(optimum.theta), strict=True))
        covariance = optimum.covariance(total)
        loss = float(self.penalty) / 2 * float(optimum.theta @ optimum.theta)
        self._set(natural, covariance, loss - optimum.value * total, total)
        alike = optimum.curvature is None or sum(self._shape(self.parameters_.values())[:2]) > 1e4
        self.boundary_ = "no spread of renewal chances: its two parameters without bound" if alike else None
        return self

    def _read(self, X: Any, asker: str) -> tuple[Floats, Floats]:
        columns = read_columns(X, (RENEWALS, ENDED), asker)
        renewals, ended = columns[RENEWALS], columns[ENDED]
        refuse(
            asker, RENEWALS, "a whole number >= 0 (Negative values in data are refused)", ~_whole(renewals)
        )
        refuse(asker, ENDED, "0 or 1", ~np.isin(ended, (0.0, 1.0)))
        return renewals, ended

    def _objective(self, renewals: Floats, ended: Floats, weight: Floats) -> Any:
        total = float(weight.sum())
        names = len(self._names)
        left = ended == 1

        def objective(theta: Floats) -> tuple[float, Floats]:
            values = self._shape(np.exp(theta))
            log_s, by = _log_survival(values, renewals)
            next_s, by_next = _log_survival(values, renewals + 1)
            fall = np.where(left, next_s - log_s, -1.0)
            ratio = np.where(left, np.exp(fall), 0.0)
            with np.errstate(divide="ignore"):
                ll = log_s + np.where(left, np.log(-np.expm1(fall)), 0.0)
            if not np.isfinite(ll).all():
                return 1e300, np.zeros(names)
            slope = [(one - ratio * other) / (1 - ratio) for one, other in zip(by, by_next, strict=True)]
            gradient = np.array([float(weight @ s) for s in slope[:names]])
            loss = float(self.penalty) / 2 * float(theta @ theta)
            return (loss - float(weight @ ll)) / total, (float(self.penalty) * theta - gradient) / total

        return objective

    def survival(self, n_renewals: Any) -> Floats:
        """Share of new customers still there after each number of renewals; 1 at 0."""
        return np.exp(self._log_share(_ages(n_renewals, f"{type(self).__name__}.survival")))

    def prob_renewal(self, n_renewals: Any) -> Floats:
        """Chance of the next renewal, of a customer who has renewed so often; shape as given."""
        ages = _ages(n_renewals, f"{type(self).__name__}.prob_renewal")
        return np.asarray(np.exp(self._log_share(ages + 1) - self._log_share(ages)))

    def prob_leaving(self, n_renewals: Any, periods: int) -> Floats:
        """Chance to leave within the coming periods, of a customer who has renewed so often."""
        ages = _ages(n_renewals, f"{type(self).__name__}.prob_leaving")
        if not (np.isfinite(periods) and periods >= 0 and periods == int(periods)):
            raise OptionError(f"{type(self).__name__}.prob_leaving: periods must be a whole number >= 0.")
        return np.asarray(-np.expm1(self._log_share(ages + periods) - self._log_share(ages)))

    def expected_remaining_life(self, n_renewals: Any, discount: float = 0.0) -> Floats:
        """Expected number of renewals still to come, the next one first and undiscounted; shape as given.

        Parameters
        ----------
        n_renewals : number or array
            How often the customer has renewed.
        discount : float
            Per period; with it this is the discounted expected residual lifetime (DERL).

        Returns
        -------
        array
            Infinite where, without a discount, some customers all but never leave (power times first parameter <= 1).

        References
        ----------
        Fader and Hardie (2010), Customer-base valuation in a contractual setting, Marketing Science 29, 85-93.
        """
        ages = _ages(n_renewals, f"{type(self).__name__}.expected_remaining_life")
        if not (np.isfinite(discount) and discount >= 0):
            raise OptionError(
                f"{type(self).__name__}.expected_remaining_life: discount must be a number >= 0."
            )
        first, _, power = self._shape(self.parameters_.values())
        if discount == 0 and first * power <= 1:
            return np.full(ages.shape, np.inf)
        n_terms = 20_000 if discount == 0 else int(min(20_000, np.ceil(40 / np.log1p(discount))))
        start = self._log_share(ages)
        steps = np.arange(1.0, n_terms + 1)
        total = np.empty(ages.shape)
        for i, age in np.ndenumerate(ages):
            share = np.exp(self._log_share(age + steps) - start[i])
            total[i] = float(share @ np.exp(-(steps - 1) * np.log1p(discount)))
            if discount == 0:
                total[i] += share[-1] * ((age + n_terms) / (first * power - 1) - 0.5)
        return total

    def simulate(self, n_customers: int, n_periods: int, random_state: int = 0) -> pd.DataFrame:
        """Draw customers watched for a number of renewals; columns ``n_renewals`` and ``ended``."""
        check_is_fitted(self, "parameters_")
        rng = np.random.default_rng(random_state)
        share = self.survival(np.arange(1, n_periods + 1))
        renewals = (rng.random(n_customers)[:, None] < share[None, :]).sum(axis=1)
        return pd.DataFrame({RENEWALS: renewals, ENDED: (renewals < n_periods).astype(np.int64)})

    def _log_share(self, ages: Floats) -> Floats:
        check_is_fitted(self, "parameters_")
        return _log_survival(self._shape(self.parameters_.values()), ages)[0]


def _log_survival(values: tuple[float, float, float], ages: Floats) -> tuple[Floats, list[Floats]]:
    """ln S(t) = ln B(a, b + t^c) - ln B(a, b), and its derivatives by ln a, ln b, ln c."""
    a, b, c = values
    with np.errstate(divide="ignore"):
        log_age = np.log(ages)
    powered = np.where(ages > 0, np.exp(c * log_age), 0.0)
    both = psi(a + b + powered)
    in_power = psi(b + powered) - both
    by_c = c * in_power * powered * np.where(ages > 0, log_age, 0.0)
    return betaln(a, b + powered) - betaln(a, b), [
        a * (psi(a + b) - both),
        b * (in_power - psi(b) + psi(a + b)),
        by_c,
    ]


def _whole(values: Floats) -> Any:
    return np.isfinite(values) & (values >= 0) & (values == np.floor(values))


def _ages(n_renewals: Any, asker: str) -> Floats:
    ages = np.atleast_1d(np.asarray(n_renewals, dtype=np.float64))
    if not np.all(_whole(ages)):
        raise OptionError(f"{asker}: n_renewals must be whole numbers >= 0.")
    return ages
