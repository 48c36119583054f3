"""What a care experiment can find: buyers needed, the smallest drop, and what clusters cost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.stats import t

from clientcare.facts.contacts import Floats


@dataclass(frozen=True, eq=False)
class Design:
    """What an experiment among buyers of given risks can find.

    Attributes
    ----------
    risk : float array
    power, level, share_held_out : float
    cluster_sizes : float array or None
        Buyers of each cluster, where whole clusters are dealt out.
    correlation : float
        Within a cluster.

    References
    ----------
    A. Donner, N. Klar (2000), "Design and Analysis of Cluster Randomization Trials in Health Research"; S. M. Eldridge,
    D. Ashby, S. Kerry (2006), "Sample size for cluster randomized trials: effect of coefficient of variation of cluster
    size", International Journal of Epidemiology 35.

    Examples
    --------
    >>> risk = np.full(400, 0.3)
    >>> alone = Design(risk, 0.8, 0.9, 0.5)
    >>> by_owner = Design(risk, 0.8, 0.9, 0.5, np.full(20, 20.0), 0.02)
    >>> round(alone.detectable(400), 3), round(by_owner.detectable(400), 3)
    (0.107, 0.128)
    """

    risk: Floats
    power: float
    level: float
    share_held_out: float
    cluster_sizes: Floats | None = None
    correlation: float = 0.0

    def n_needed(self, drop: float) -> int:
        """The fewest buyers, both arms together, with which a drop is found with the power asked for."""
        n = 4
        while self._reach(n, drop) > drop:
            n = max(n + 1, int(np.ceil(n * min(2.0, (self._reach(n, drop) / drop) ** 2))))
        while n > 4 and self._reach(n - 1, drop) <= drop:
            n -= 1
        return n

    def detectable(self, n_buyers: int) -> float:
        """The smallest drop that so many buyers find; NaN where there is none."""
        most = float(self.risk.mean())
        if self._reach(n_buyers, most) > most:
            return float("nan")
        return float(brentq(lambda drop: self._reach(n_buyers, drop) - drop, 1e-9, most))

    def _reach(self, n_buyers: int, drop: float) -> float:
        """How large a drop must be to be found among so many buyers, were the risks lowered by ``drop``."""
        kept = 1 - drop / float(self.risk.mean())
        held = float(np.mean(self.risk * (1 - self.risk))) / self.share_held_out
        care = float(np.mean(kept * self.risk * (1 - kept * self.risk))) / (1 - self.share_held_out)
        free, inflated = max(n_buyers - 4, 1), 1.0  # two levels and two slopes are estimated
        if self.cluster_sizes is not None:
            weighted = float((self.cluster_sizes**2).sum() / self.cluster_sizes.sum())
            free = max(int(n_buyers / self.cluster_sizes.mean()) - 2, 1)
            inflated = 1 + (weighted - 1) * self.correlation
        quantiles = float(t.ppf(self.power, free) + t.ppf(0.5 + self.level / 2, free))
        return quantiles * float(np.sqrt(inflated * (held + care) / n_buyers))
