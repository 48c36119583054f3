"""What every fitted model here has: named positive parameters, their uncertainty, a likelihood."""

from __future__ import annotations

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

    def _check_options(self) -> None:
        penalty: Any = self.penalty
        try:
            sound = bool(np.isfinite(penalty)) and bool(penalty >= 0)
        except (TypeError, ValueError):
            sound = False
        if not sound:
            raise OptionError(f"{type(self).__name__}: penalty must be a number >= 0 (nats; 0 = none).")

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


def draw_logs(centre: Floats, covariance: Floats, n_draws: int, random_state: int) -> Floats:
    """Draws from the normal distribution of the log parameters; shape (n_draws, n_parameters)."""
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0))
    noise = np.random.default_rng(random_state).standard_normal((n_draws, len(centre)))
    return np.asarray(centre + np.einsum("ij,kj->ki", root, noise))
