"""Choosing how regular buyers are: the number k of Erlang phases in a gap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from clientcare.btyd.base import BuyingModel
from clientcare.btyd.beta_geometric import choose_k
from clientcare.btyd.fitting import Floats
from clientcare.btyd.table import Rows
from clientcare.exceptions import OptionError


class RegularBuying(BuyingModel):
    """Adds ``k`` to a model of the Beta-geometric family."""

    _exact_sum = True

    def __init__(
        self,
        k: int | str = "auto",
        penalty: float = 0.0,
        purchase_covariates: tuple[str, ...] = (),
        dropout_covariates: tuple[str, ...] = (),
    ) -> None:
        self.k = k
        self.penalty = penalty
        self.purchase_covariates = purchase_covariates
        self.dropout_covariates = dropout_covariates

    @property
    def _k(self) -> int:
        return int(getattr(self, "k_", 1))

    def _check_options(self) -> None:
        super()._check_options()
        choose_k(self.k, True, type(self).__name__)
        if self.k != "auto":
            self.k_ = int(self.k)

    def _fit_rows(self, rows: Rows) -> None:
        tried: dict[int, float] = {}
        for k in choose_k(self.k, rows.log_gaps is not None, f"{type(self).__name__}.fit"):
            self.k_ = k
            super()._fit_rows(rows)
            tried[k] = self.log_likelihood_
            if len(tried) > 1 and tried[k] < tried[k - 1]:
                break
        best = max(tried, key=lambda k: (tried[k], -k))
        if best != self.k_:
            self.k_ = best
            super()._fit_rows(rows)
        self.log_likelihood_by_k_ = tried

    def _name_boundary(self, rows: Rows, unit: float) -> None:
        if self.k_ == 1:
            super()._name_boundary(rows, unit)
        elif self._leaves_seldom(self.parameters_):
            self.boundary_ = "no drop-out"

    def _set(
        self,
        natural: Mapping[str, float],
        covariance: Floats,
        log_likelihood: float,
        n_buyers: float,
        coefficients: Sequence[Floats] = (),
    ) -> None:
        if not hasattr(self, "k_"):
            raise OptionError(f"{type(self).__name__}.from_parameters: k not given.")
        super()._set(natural, covariance, log_likelihood, n_buyers, coefficients)
