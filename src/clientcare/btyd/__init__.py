"""Probability models of buying and leaving: exact, free of the time unit, always finite.

They are what analysts trust where the data are short. Each is a scikit-learn estimator over the table that
:func:`purchase_summary` gives; names are loaded on first use, so that importing this package costs little.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

_HOMES = {
    "purchase_summary": "summary",
    "NBD": "nbd",
    "BGNBD": "bg_nbd",
    "BGCNBD": "bg_nbd",
    "MBGNBD": "mbg_nbd",
    "MBGCNBD": "mbg_nbd",
    "ParetoNBD": "pareto_nbd",
    "BGBB": "bg_bb",
    "GammaGamma": "gamma_gamma",
    "ShiftedBetaGeometric": "shifted_beta_geometric",
    "BetaDiscreteWeibull": "beta_discrete_weibull",
    "expected_spend": "value",
    "discounted_value": "value",
    "check_frequency": "checks",
    "check_forecast": "checks",
    "check_tracking": "checks",
}

__all__ = [
    "BGBB",
    "BGCNBD",
    "BGNBD",
    "MBGCNBD",
    "MBGNBD",
    "NBD",
    "BetaDiscreteWeibull",
    "GammaGamma",
    "ParetoNBD",
    "ShiftedBetaGeometric",
    "check_forecast",
    "check_frequency",
    "check_tracking",
    "discounted_value",
    "expected_spend",
    "purchase_summary",
]

if TYPE_CHECKING:
    from clientcare.btyd.beta_discrete_weibull import BetaDiscreteWeibull
    from clientcare.btyd.bg_bb import BGBB
    from clientcare.btyd.bg_nbd import BGCNBD, BGNBD
    from clientcare.btyd.checks import check_forecast, check_frequency, check_tracking
    from clientcare.btyd.gamma_gamma import GammaGamma
    from clientcare.btyd.mbg_nbd import MBGCNBD, MBGNBD
    from clientcare.btyd.nbd import NBD
    from clientcare.btyd.pareto_nbd import ParetoNBD
    from clientcare.btyd.shifted_beta_geometric import ShiftedBetaGeometric
    from clientcare.btyd.summary import purchase_summary
    from clientcare.btyd.value import discounted_value, expected_spend


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'clientcare.btyd' has no attribute {name!r}")
    value = getattr(import_module(f"clientcare.btyd.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
