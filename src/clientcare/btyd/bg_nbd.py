"""BG/NBD, and BG/CNBD-k for regular buyers: one may leave after each repeat purchase."""

from __future__ import annotations

from clientcare.btyd.beta_geometric import BetaGeometricModel
from clientcare.btyd.regular import RegularBuying


class BGNBD(BetaGeometricModel):
    """Poisson buying with Gamma(r, alpha) rates; after each repeat purchase a Beta(a, b) chance to leave.

    A buyer who bought once cannot have left: ``p_alive`` is 1 for all of them. Where one-time buyers matter,
    :class:`MBGNBD` or :class:`ParetoNBD` is the better choice.

    Parameters
    ----------
    penalty : float, default 0.0
        Nats, see :class:`NBD`; 0 is maximum likelihood.
    purchase_covariates, dropout_covariates : sequence of str
        Static numeric columns: alpha = alpha0 exp(-z'c), a = a0 exp(z'd), b = b0 exp(z'e).

    Attributes
    ----------
    r_, alpha_, a_, b_ : float
        ``alpha_`` in the unit of the table's time.
    boundary_ : str or None
        The simpler model that the optimum turned out to be, if it lies at the edge.
    log_likelihood_, aic_, bic_, standard_errors_, covariance_, coefficient_table_

    References
    ----------
    Fader, Hardie and Lee (2005), "Counting your customers" the easy way, Marketing Science 24, 275-284.

    Examples
    --------
    >>> model = BGNBD.from_parameters(r=0.243, alpha=4.414, a=0.793, b=2.426)
    >>> model.predict_no_purchase([[2, 30.43, 38.86], [0, 0, 38.86]], 39).round(4)
    array([0.4454, 0.8554])
    """


class BGCNBD(RegularBuying, BetaGeometricModel):
    """BG/NBD for regular buyers: gaps are Erlang-k, with k by likelihood or given.

    Parameters
    ----------
    k : 'auto' or int, default 'auto'
        Phases a gap; 1 is the BG/NBD. 'auto' takes the likeliest of 1 to 4.
    penalty, purchase_covariates, dropout_covariates
        As for :class:`BGNBD`.

    Notes
    -----
    One k for all buyers makes a forecast sure of itself: where buyers differ in regularity it calls a buyer who is
    late lost too soon. Judge it on a later period before you rely on it.

    References
    ----------
    Platzer and Reutterer (2016), Ticking away the moments, Marketing Science 35, 779-799.
    """
