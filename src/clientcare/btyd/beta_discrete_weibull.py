"""BdW: contracts whose renewal chance also changes with age."""

from __future__ import annotations

from clientcare.btyd.retention import RetentionModel


class BetaDiscreteWeibull(RetentionModel):
    """Discrete Weibull lifetimes, Beta(gamma, delta) over customers, S(t) = B(gamma, delta + t^c) / B(gamma, delta).

    c = 1 is the sBG; c above 1: each customer's chance to leave grows with age, c below 1: it falls.

    Parameters
    ----------
    penalty : float, default 0.0
        Nats taken for each half squared log-distance of a parameter from 1.

    Attributes
    ----------
    gamma_, delta_, c_ : float
    log_likelihood_, aic_, bic_, standard_errors_, covariance_, boundary_

    References
    ----------
    Fader, Hardie, Liu, Davin and Steenburgh (2018), "How to project customer retention" revisited, Journal of
    Interactive Marketing 43, 1-16.

    Examples
    --------
    >>> model = BetaDiscreteWeibull.from_parameters(gamma=0.2143, delta=1.4266, c=1.7236)
    >>> model.survival([1, 7, 12]).round(2)
    array([0.87, 0.49, 0.4 ])
    """

    _names = ("gamma", "delta", "c")
    _start = (0.5, 1.0, 1.0)

    def __init__(self, penalty: float = 0.0) -> None:
        self.penalty = penalty
