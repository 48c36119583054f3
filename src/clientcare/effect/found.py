"""What an action was found to do, with everything the finding rests on."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from clientcare.effect.compliers import ComplierEffect
from clientcare.effect.nuisance import LogScale
from clientcare.effect.sample import effect_features
from clientcare.effect.targeting import EffectByBuyer
from clientcare.exceptions import OptionError
from clientcare.history.histories import Histories
from clientcare.window import Moment, parse_moments


@dataclass(frozen=True, eq=False, repr=False)
class CareEffect:
    """What :func:`care_effect` found.

    Attributes
    ----------
    effect, low, high, standard_error : float
        Average effect of the action on the outcome over the rows kept, with its interval; rows of a buyer, or of a
        cluster where there are any, may move together.
    naive, naive_low, naive_high : float
        Difference of the raw means: what counting says.
    verdict : str
        ``"helps"``, ``"harms"``, ``"no effect seen"`` or ``"cannot tell"``.
    sentence : str
        The finding in plain words.
    reasons : tuple of str
        Why the data cannot tell; empty otherwise.
    randomised : bool
        Whether the action was given by lot.
    with_action, without_action : float
        Mean outcome if everybody kept had, or had not, met the action.
    n_rows, n_treated, n_buyers : int
        Rows (dates times buyers), those that met the action, and different buyers.
    kept_share : float
        Share of rows that could have gone either way.
    overlap : DataFrame
        Rows with and without the action by propensity.
    balance : DataFrame
        Standardised differences of the features before and after weighting.
    e_value, e_value_of_interval : float
        How strongly (as a risk ratio) something unseen would have to go with action and outcome to explain
        the effect, or the interval's nearer end, away; 1 where the interval holds zero, NaN where it has no
        meaning.
    placebos : DataFrame, index ``placebo``
        Effects that must be zero: on the horizon before the action, and of a shuffled action.
    rows : DataFrame, index (``as_of``, ``buyer_id``)
        ``treated``, ``outcome``, ``propensity``, ``kept``, ``effect``, ``effect_error`` (by a rule not
        fitted on the buyer), ``risk`` (outcome guessed without the action), ``value`` (the year before),
        ``pseudo_effect``.
    targeting : DataFrame, index ``policy``
        Qini and gain of following the effect, the risk, the value, risk times value, or chance.
    validated : bool
        Whether following the effect by buyer beats chance on buyers it was not fitted on, and the data can
        tell at all.
    strongest_seen : float
        By how much (as a risk ratio) the strongest confounder that was seen could bend a comparison that left it
        out; what is claimed must stand an unseen one as strong. 1 by lot.
    n_clusters : int
        Units that were dealt with together: owners, branches; else the buyers.
    n_dates_left_out : int
        Dates at which the lot gave everybody the same arm: nothing can be compared there.
    complier : ComplierEffect or None
        By lot, where contacts show who met the action: the effect on those who meet it because they were drawn.
    level : float
        Of the intervals.
    binary, lower_is_better : bool
        Whether the outcome is 0 or 1, and whether less of it is wished for.
    """

    effect: float
    low: float
    high: float
    standard_error: float
    naive: float
    naive_low: float
    naive_high: float
    verdict: str
    sentence: str
    reasons: tuple[str, ...]
    randomised: bool
    with_action: float
    without_action: float
    n_rows: int
    n_treated: int
    n_buyers: int
    kept_share: float
    overlap: pd.DataFrame
    balance: pd.DataFrame
    e_value: float
    e_value_of_interval: float
    placebos: pd.DataFrame
    rows: pd.DataFrame
    targeting: pd.DataFrame
    validated: bool
    strongest_seen: float
    n_clusters: int
    n_dates_left_out: int
    complier: ComplierEffect | None
    level: float
    binary: bool
    lower_is_better: bool
    _rule: EffectByBuyer = field(repr=False)
    _scale: LogScale = field(repr=False)
    _action: Any = field(repr=False)
    _status: str = field(repr=False)

    def effect_by_buyer(
        self, histories: Histories, as_of: Moment, features: pd.DataFrame | None = None
    ) -> pd.DataFrame:
        """The effect expected of the action on each buyer known at a date.

        Returns
        -------
        DataFrame, index ``buyer_id``
            ``effect``, ``low``, ``high`` at the level of the estimate. NaN for everybody where the rule did not prove
            itself on buyers it had not seen (``validated``): a rule learned from noise is noise.

        Raises
        ------
        OptionError
            Where the effect was found in a table without histories.
        """
        if self._action is None:
            raise OptionError(
                "effect_by_buyer: this effect was found in a table; ask care_effect with histories for an effect by buyer."
            )
        moments, _ = parse_moments(as_of, histories.timezone)
        table = effect_features(histories, moments, self._action, features, self._status)
        value, error = self._rule.predict(self._scale.transform(table))
        if not self.validated:
            value, error = np.full(len(table), np.nan), np.full(len(table), np.nan)
        reach = float(ndtri(0.5 + self.level / 2)) * error
        index = table.index.get_level_values("buyer_id")
        return pd.DataFrame({"effect": value, "low": value - reach, "high": value + reach}, index=index)

    def benefit_by_buyer(self, histories: Histories, as_of: Moment) -> pd.Series[Any]:
        """The effect turned so that more is better (the drop in churn, or the gain), what a plan ranks by."""
        effect = self.effect_by_buyer(histories, as_of)["effect"]
        return (-effect if self.lower_is_better else effect).rename("benefit")

    def __repr__(self) -> str:
        lines = [
            self.sentence,
            f"  effect {self.effect:+.4f} [{self.low:+.4f}, {self.high:+.4f}], naive {self.naive:+.4f} "
            f"[{self.naive_low:+.4f}, {self.naive_high:+.4f}]",
            f"  {self.n_rows:,} rows of {self.n_buyers:,} buyers, {self.n_treated:,} with the action, "
            f"{self.kept_share:.0%} could have gone either way, E-value {self.e_value:.2f}",
            *([f"  {self.complier}"] if self.complier else []),
            self.placebos.round(4).to_string(),
            self.targeting[["qini", "low", "high"]].round(5).to_string(),
        ]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        tables = (
            self.placebos.round(4),
            self.overlap,
            self.balance.head(10).round(3),
            self.targeting.round(5),
        )
        return f"<p>{escape(self.sentence)}</p>" + "".join(table.to_html() for table in tables)
