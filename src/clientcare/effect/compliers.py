"""The effect on those who meet an action because they were drawn for it: what a lot says of the action itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from clientcare.effect.doubly_robust import DoublyRobust, doubly_robust
from clientcare.effect.sample import EffectSample
from clientcare.facts.contacts import Floats, Ints


@dataclass(frozen=True)
class ComplierEffect:
    """The effect of the action on buyers who meet it when drawn for care and do not when held out.

    Attributes
    ----------
    effect, low, high : float
        The effect of the assignment over what the assignment did to the taking up, with its interval; NaN ends where
        so few took it up because of the lot that no interval is bounded.
    uptake_care, uptake_hold_out : float
        Share who met the action in each arm.
    """

    effect: float
    low: float
    high: float
    uptake_care: float
    uptake_hold_out: float

    def __str__(self) -> str:
        taken = f"{self.uptake_care:.0%} of those drawn met the action, {self.uptake_hold_out:.0%} of those held out"
        if np.isnan(self.low):
            return f"{taken}: too few because of the lot to tell what it does to those who meet it"
        shown = f"{self.effect:+.4f} [{self.low:+.4f}, {self.high:+.4f}]"
        return f"{taken}; on those who meet it because they were drawn {shown}"


def complier_effect(
    sample: EffectSample, found: DoublyRobust, table: Floats, trim: float, level: float, random_state: int
) -> ComplierEffect | None:
    """The complier average effect of a lot; None from observation, or where nobody knows who met the action.

    The interval holds every effect b for which the assignment does nothing to ``outcome - b * met`` (Anderson and
    Rubin 1949), so that it is right however few took the action up. It needs that the lot acts through the action
    alone, and that nobody avoids the action because they were drawn.

    References
    ----------
    J. D. Angrist, G. W. Imbens, D. B. Rubin (1996), "Identification of causal effects using instrumental variables",
    JASA 91. T. W. Anderson, H. Rubin (1949), Annals of Mathematical Statistics 20.
    """
    if sample.assigned_share is None or sample.met is None:
        return None
    met = sample.met.astype(np.float64)
    taken = doubly_robust(
        sample.treated, met, table, sample.cluster, binary=True, trim=trim, level=level,
        known_propensity=sample.assigned_share, random_state=random_state,
    )  # fmt: skip
    rows = found.kept & taken.kept
    drawn = sample.treated & rows
    held = ~sample.treated & rows
    if not (drawn.any() and held.any()):
        return None
    effect, low, high = _ratio(
        found.pseudo_effect[rows], taken.pseudo_effect[rows], sample.cluster[rows], level
    )
    if sample.binary:  # a chance moves by one at most
        effect, low, high = (float(np.clip(value, -1.0, 1.0)) for value in (effect, low, high))
    return ComplierEffect(effect, low, high, float(met[drawn].mean()), float(met[held].mean()))


def _ratio(outcome: Floats, uptake: Floats, cluster: Ints, level: float) -> tuple[float, float, float]:
    """Ratio of two means and the ends of its Anderson-Rubin interval; NaN ends where it is not bounded."""
    _, code = np.unique(cluster, return_inverse=True)
    n_clusters = int(code.max()) + 1
    if n_clusters < 2:
        return np.nan, np.nan, np.nan
    a, b = float(outcome.mean()), float(uptake.mean())
    sums = np.column_stack([np.bincount(code, weights=outcome - a), np.bincount(code, weights=uptake - b)])
    cover = sums.T @ sums * (n_clusters / (n_clusters - 1)) / len(outcome) ** 2
    reach = float(stdtrit(n_clusters - 1, 0.5 + level / 2)) ** 2
    # (a - b x)^2 <= reach (Vaa - 2 x Vab + x^2 Vbb)
    square = b * b - reach * cover[1, 1]
    if square <= 0:
        return (a / b if b else np.nan), np.nan, np.nan
    middle = a * b - reach * cover[0, 1]
    root = np.sqrt(max(middle**2 - square * (a * a - reach * cover[0, 0]), 0.0))
    return a / b, float((middle - root) / square), float((middle + root) / square)
