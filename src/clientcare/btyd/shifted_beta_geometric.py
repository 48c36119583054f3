"""sBG: contracts whose renewal chance differs between customers and stays the same for each."""

from __future__ import annotations

from clientcare.btyd.retention import RetentionModel


class ShiftedBetaGeometric(RetentionModel):
    """Each customer leaves at each renewal with a constant chance, Beta(alpha, beta) over customers.

    Parameters
    ----------
    penalty : float, default 0.0
        Nats taken for each half squared log-distance of a parameter from 1.

    Attributes
    ----------
    alpha_, beta_ : float
    log_likelihood_, aic_, bic_, standard_errors_, covariance_, boundary_

    References
    ----------
    Fader and Hardie (2007), How to project customer retention, Journal of Interactive Marketing 21, 76-90.

    Examples
    --------
    >>> model = ShiftedBetaGeometric.from_parameters(alpha=0.668, beta=3.806)
    >>> model.survival([1, 2, 7]).round(3)
    array([0.851, 0.747, 0.489])
    """

    _names = ("alpha", "beta")
    _start = (1.0, 1.0)

    def __init__(self, penalty: float = 0.0) -> None:
        self.penalty = penalty
