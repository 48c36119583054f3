"""What every fitted model here has: named positive parameters, their uncertainty, a likelihood."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from scipy.special import ndtri
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from clientcare.btyd.fitting import Floats
from clientcare.exceptions import OptionError, SchemaError


class LikelihoodModel(BaseEstimator):  # type: ignore[misc]
    """Named positive parameters, found by maximum likelihood on their logarithms."""

    _names: ClassVar[tuple[str, ...]] = ()
    boundary_: str | None
    penalty: float

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        return tags

    def _check_options(self) -> None:
        penalty: Any = self.penalty
        try:
            sound = bool(np.isfinite(penalty)) and bool(penalty >= 0)
        except (TypeError, ValueError):
            sound = False
        if not sound:
            raise OptionError(f"{type(self).__name__}: penalty must be a number >= 0 (nats; 0 = none).")

    def __repr__(self, N_CHAR_MAX: int = 700) -> str:
        asked = str(super().__repr__(N_CHAR_MAX))
        if not hasattr(self, "parameters_"):
            return asked
        found = ", ".join(f"{name} = {value:.4g}" for name, value in self.parameters_.items())
        edge = f"; {self.boundary_}" if self.boundary_ else ""
        return f"{asked}: {found}; {self.n_buyers_:,.0f} buyers, log likelihood {self.log_likelihood_:,.1f}{edge}"

    def _note_columns(self, X: Any) -> None:
        """Remember the width of the table, and its column names."""
        self.n_features_in_ = X.shape[1] if isinstance(X, pd.DataFrame) else np.asarray(X).shape[1]
        if isinstance(X, pd.DataFrame):
            self.feature_names_in_ = np.asarray(X.columns, dtype=object)
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_

    def _check_width(self, X: Any, asker: str) -> None:
        expected = getattr(self, "n_features_in_", None)
        if expected is None or isinstance(X, pd.DataFrame) or not hasattr(X, "shape") or len(X.shape) != 2:
            return
        if hasattr(self, "feature_names_in_"):
            return
        if X.shape[1] != expected and X.shape[1] < 3:
            raise SchemaError(
                f"X has {X.shape[1]} features, but {type(self).__name__} is expecting {expected} features as input."
            )

    def _set(
        self, natural: Mapping[str, float], covariance: Floats, log_likelihood: float, n_buyers: float
    ) -> None:
        """Take parameters, the covariance of their logarithms (coefficients last, as they are), and the likelihood."""
        self.parameters_ = {name: float(natural[name]) for name in self._names}
        for name, value in self.parameters_.items():
            setattr(self, f"{name}_", value)
        self.covariance_ = covariance
        errors = np.sqrt(np.maximum(np.diag(covariance), 0.0))
        self.standard_errors_ = {n: float(self.parameters_[n] * errors[i]) for i, n in enumerate(self._names)}
        self.log_likelihood_ = float(log_likelihood)
        self.n_buyers_ = n_buyers
        n_free = len(covariance)
        self.aic_ = 2 * n_free - 2 * self.log_likelihood_
        self.bic_ = n_free * float(np.log(max(n_buyers, 1.0))) - 2 * self.log_likelihood_

    @classmethod
    def from_parameters(cls, **parameters: float) -> Self:
        """A model with given parameters, ready to forecast and to simulate; nothing is fitted.

        Options of the model may be given along.

        Raises
        ------
        OptionError
            Where a parameter is missing, negative, NaN or infinite.

        Examples
        --------
        >>> from clientcare.btyd import BGNBD
        >>> model = BGNBD.from_parameters(r=0.243, alpha=4.414, a=0.793, b=2.426)
        >>> round(float(model.expected_purchases([[2, 30.43, 38.86]], 39)[0]), 3)
        1.226
        """
        model = cls(**{name: value for name, value in parameters.items() if name not in cls._names})
        missing = [name for name in cls._names if name not in parameters]
        if missing:
            raise OptionError(f"{cls.__name__}.from_parameters: {', '.join(missing)} not given.")
        for name in cls._names:
            if not (np.isfinite(parameters[name]) and parameters[name] >= 0):
                raise OptionError(f"{cls.__name__}.from_parameters: {name} must be finite and not negative.")
        n = len(cls._names)
        model._check_options()
        model._set(parameters, np.full((n, n), np.nan), np.nan, 0.0)
        model.boundary_ = None
        return model

    def parameter_table(self, level: float = 0.95) -> pd.DataFrame:
        """Parameters with standard errors and intervals (normal on the log scale).

        Returns
        -------
        DataFrame, index ``parameter``, columns ``value``, ``standard_error``, ``low``, ``high``
            Errors are NaN where the optimum lies on a boundary.
        """
        check_is_fitted(self, "parameters_")
        if not 0 < level < 1:
            raise OptionError(f"{type(self).__name__}.parameter_table: level must lie between 0 and 1.")
        width = float(ndtri((1 + level) / 2))
        errors = np.sqrt(np.maximum(np.diag(self.covariance_), 0.0))[: len(self._names)]
        values = np.array([self.parameters_[name] for name in self._names])
        return pd.DataFrame(
            {
                "value": values,
                "standard_error": values * errors,
                "low": values * np.exp(-width * errors),
                "high": values * np.exp(width * errors),
            },
            index=pd.Index(self._names, name="parameter"),
        )

    def interval(
        self, forecast: str, X: Any, *args: Any, level: float = 0.9, n_draws: int = 200, random_state: int = 0
    ) -> pd.DataFrame:
        """What the uncertainty of the parameters leaves open about a forecast.

        Parameters
        ----------
        forecast : str
            The name of a forecast: 'predict_no_purchase', 'expected_purchases', 'survival', ...
        X, *args
            What that forecast takes.
        level : float
            0.9 leaves five per cent on either side.
        n_draws, random_state : int
            Parameter sets drawn from the normal distribution of their logarithms.

        Returns
        -------
        DataFrame of shape (n_rows, 2), columns ``low`` and ``high``
            Of the expected value, not of the single outcome. NaN where the optimum lies on a boundary.

        Raises
        ------
        OptionError
            Where the model has no such forecast, or the level does not lie between 0 and 1.

        Examples
        --------
        >>> from clientcare.btyd import ShiftedBetaGeometric
        >>> truth = ShiftedBetaGeometric.from_parameters(alpha=0.7, beta=1.2)
        >>> model = ShiftedBetaGeometric().fit(truth.simulate(1000, 7))
        >>> model.interval("survival", [1, 12]).round(2)
            low  high
        0  0.58  0.63
        1  0.13  0.17
        """
        check_is_fitted(self, "parameters_")
        asker = f"{type(self).__name__}.interval"
        if not 0 < level < 1:
            raise OptionError(f"{asker}: level must lie between 0 and 1.")
        if forecast.startswith("_") or not callable(getattr(self, forecast, None)):
            raise OptionError(f"{asker}: {type(self).__name__} has no forecast {forecast!r}.")
        centre = np.atleast_1d(np.asarray(getattr(self, forecast)(X, *args)))
        index = X.index if isinstance(X, (pd.DataFrame, pd.Series)) else None
        if not np.isfinite(self.covariance_).all():
            return pd.DataFrame({"low": np.full(len(centre), np.nan), "high": np.nan}, index=index)
        draws = [
            np.atleast_1d(np.asarray(getattr(self._with_logs(theta), forecast)(X, *args)))
            for theta in draw_logs(self._logs(), self.covariance_, n_draws, random_state)
        ]
        ends = [(1 - level) / 2, (1 + level) / 2]
        low, high = np.quantile(draws, ends, axis=0, method="closest_observation")
        return pd.DataFrame({"low": low, "high": high}, index=index)

    def _logs(self) -> Floats:
        """What ``covariance_`` is the covariance of."""
        return np.log([self.parameters_[name] for name in self._names])

    def _with_logs(self, theta: Floats) -> Self:
        """A copy with other parameters."""
        model = copy.copy(self)
        model.parameters_ = dict(zip(self._names, np.exp(theta).tolist(), strict=True))
        return model


def draw_logs(centre: Floats, covariance: Floats, n_draws: int, random_state: int) -> Floats:
    """Draws from the normal distribution of the log parameters; shape (n_draws, n_parameters)."""
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0))
    noise = np.random.default_rng(random_state).standard_normal((n_draws, len(centre)))
    return np.asarray(centre + np.einsum("ij,kj->ki", root, noise))
