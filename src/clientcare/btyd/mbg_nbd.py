"""MBG/NBD, and MBG/CNBD-k for regular buyers: one may leave after every purchase, the first included."""

from __future__ import annotations

from clientcare.btyd.beta_geometric import BetaGeometricModel
from clientcare.btyd.regular import RegularBuying


class MBGNBD(BetaGeometricModel):
    """Poisson buying with Gamma(r, alpha) rates; after every purchase, the first too, a Beta(a, b) chance to leave.

    Parameters
    ----------
    penalty, purchase_covariates, dropout_covariates
        As for :class:`BGNBD`.

    Attributes
    ----------
    r_, alpha_, a_, b_ : float
        ``alpha_`` in the unit of the table's time.
    boundary_, log_likelihood_, aic_, bic_, standard_errors_, covariance_, coefficient_table_

    References
    ----------
    Batislam, Denizel and Filiztekin (2007), Empirical validation and comparison of models for customer base analysis,
    International Journal of Research in Marketing 24, 201-209.

    Examples
    --------
    >>> model = MBGNBD.from_parameters(r=0.525, alpha=6.183, a=0.891, b=1.614)
    >>> model.p_alive([[0, 0, 38.86]]).round(2)
    array([0.39])
    """

    _leaves_at_once = True


class MBGCNBD(RegularBuying, BetaGeometricModel):
    """MBG/NBD for regular buyers: gaps are Erlang-k, with k by likelihood or given.

    Parameters
    ----------
    k : 'auto' or int, default 'auto'
        Phases a gap; 1 is the MBG/NBD. 'auto' takes the likeliest of 1 to 4.
    penalty, purchase_covariates, dropout_covariates
        As for :class:`BGNBD`.

    Notes
    -----
    See :class:`BGCNBD` on what one k for all buyers does.

    References
    ----------
    Platzer and Reutterer (2016), Ticking away the moments, Marketing Science 35, 779-799.
    """

    _leaves_at_once = True
