"""Histories whose truth is known, and small samples of them."""

from clientcare.datasets.retailer import simulate_pareto_nbd
from clientcare.datasets.samples import load_retailer, load_service_firm
from clientcare.datasets.simulate import simulate_histories
from clientcare.datasets.simulated import SimulatedHistories

__all__ = [
    "SimulatedHistories",
    "load_retailer",
    "load_service_firm",
    "simulate_histories",
    "simulate_pareto_nbd",
]
