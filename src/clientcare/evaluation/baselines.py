"""What every model is measured against."""

from __future__ import annotations

from typing import Any, Protocol, Self

import numpy as np
import pandas as pd
from sklearn.base import clone

from clientcare import btyd
from clientcare.btyd import purchase_summary
from clientcare.exceptions import OptionError
from clientcare.features import feature_table
from clientcare.history.histories import Histories
from clientcare.history.population import known_buyers
from clientcare.model.members.base import Floats, share_of
from clientcare.model.members.rules import RecencyRule
from clientcare.model.members.terms import AGE, LEFT, STEP_DAYS, TwoNumbers
from clientcare.model.training.bound import past_dates
from clientcare.model.training.snapshots import plan_snapshots
from clientcare.model.training.term_facts import term_facts
from clientcare.outcomes import ChurnDefinition, ClientDefinition
from clientcare.window import Moment, parse_moment


class Scorer(Protocol):
    """Anything a backtest can judge: fitted on histories up to a date, it scores the buyers known then."""

    def fit(self, histories: Histories, as_of: Moment | None = None) -> Any:
        """Learn from what happened before ``as_of``."""

    def score(self, histories: Histories, as_of: Moment | None = None) -> pd.DataFrame:
        """Columns ``churn_risk`` and ``client_probability``, indexed by buyer_id."""


class RecencyBaseline:
    """The rule everybody knows: a logistic curve over the log of the days since the last purchase.

    Learned on the newest snapshot whose outcome is complete. Buyers without any purchase (contracts
    alone) share one level.

    Parameters
    ----------
    churn : ChurnDefinition
    client : ClientDefinition
    """

    def __init__(self, churn: ChurnDefinition, client: ClientDefinition) -> None:
        self.churn = churn
        self.client = client

    def fit(self, histories: Histories, as_of: Moment | None = None) -> Self:
        """Learn from the newest snapshot before ``as_of`` whose horizon was observed."""
        moment = histories.observed_until if as_of is None else parse_moment(as_of, histories.timezone)
        past = histories.until(moment)
        self.rules_ = {
            name: self._rule(past, moment, definition)
            for name, definition in (("churn_risk", self.churn), ("client_probability", self.client))
        }
        return self

    def _rule(self, past: Histories, moment: pd.Timestamp, definition: Any) -> RecencyRule | float:
        plan = plan_snapshots(
            moment, past.observed_from, definition.horizon_days, 1, 1, 1, holes=past.holes_in("transactions")
        )
        if not plan.dates:
            return 0.5
        labels = definition.label(past, plan.dates[0])
        if len(labels) == 0 or labels.nunique() < 2:
            return 0.5 if len(labels) == 0 else (float(labels.sum()) + 0.5) / (len(labels) + 1)
        return RecencyRule().fit(_recency(past, plan.dates[0]).loc[labels.index], labels.to_numpy(dtype=bool))

    def score(self, histories: Histories, as_of: Moment | None = None) -> pd.DataFrame:
        """Churn risk and client probability of the buyers known at ``as_of``."""
        moment = histories.observed_until if as_of is None else parse_moment(as_of, histories.timezone)
        table = _recency(histories.until(moment), moment)
        scores = {
            name: np.full(len(table), rule) if isinstance(rule, float) else rule.predict_proba(table)[:, 1]
            for name, rule in self.rules_.items()
        }
        return pd.DataFrame(scores, index=table.index)


class LifetimeBaseline:
    """A probability model of buying and leaving, fitted on all buyers as of the date.

    Buyers without a purchase get the mean answer.

    Parameters
    ----------
    churn : ChurnDefinition
    client : ClientDefinition
    model : unfitted model of :mod:`clientcare.btyd`
    """

    def __init__(self, churn: ChurnDefinition, client: ClientDefinition, model: Any) -> None:
        self.churn = churn
        self.client = client
        self.model = model

    def fit(self, histories: Histories, as_of: Moment | None = None) -> Self:
        """Fit on what was bought before ``as_of``."""
        moment = histories.observed_until if as_of is None else parse_moment(as_of, histories.timezone)
        self.model_ = clone(self.model).fit(purchase_summary(histories.until(moment), moment))
        return self

    def score(self, histories: Histories, as_of: Moment | None = None) -> pd.DataFrame:
        """Churn risk and client probability of the buyers known at ``as_of``."""
        moment = histories.observed_until if as_of is None else parse_moment(as_of, histories.timezone)
        past, client = histories.until(moment), self.client
        summary = purchase_summary(past, moment)
        scores = pd.DataFrame(
            {
                "churn_risk": self.model_.predict_no_purchase(summary, self.churn.horizon_days),
                "client_probability": self.model_.prob_active_in_parts(
                    summary, client.horizon_days, client.periods, client.min_periods
                ),
            },
            index=summary.index,
        )
        known = past.buyer_ids.take(known_buyers(past, moment))
        return scores.reindex(known).fillna(scores.mean())


class TermsBaseline:
    """Where people are bound: the share of leavers where a term ends within the horizon, and that of the others.

    Counted at monthly dates over the longest usual term and a year before, on as_of's day of the month. Who is not under
    contract, and who is a client, is answered by recency.

    Parameters
    ----------
    churn : ChurnDefinition
    client : ClientDefinition
    by_end : bool
        False: one share for all who are bound, the base rate.
    """

    def __init__(self, churn: ChurnDefinition, client: ClientDefinition, by_end: bool = True) -> None:
        self.churn = churn
        self.client = client
        self.by_end = by_end

    def fit(self, histories: Histories, as_of: Moment | None = None) -> Self:
        """Count leavers at past dates whose horizon was observed before ``as_of``."""
        moment = histories.observed_until if as_of is None else parse_moment(as_of, histories.timezone)
        past, days = histories.until(moment), self.churn.horizon_days
        self.recency_ = RecencyBaseline(self.churn, self.client).fit(histories, moment)
        facts, left = [], []
        for date in past_dates(past, moment):
            here = self._facts(past, date)
            if len(here) and date + pd.Timedelta(days=days) <= moment:
                facts.append(here)
                left.append(self.churn.label(past, date).reindex(here.index).to_numpy(dtype=bool))
        self.rule_ = None
        if facts:
            overlap = max(1.0, days / STEP_DAYS)
            rule = TwoNumbers(days, overlap)
            rule.columns_, rule.classes_ = [AGE, LEFT], np.array([False, True])
            rule._fit(pd.concat(facts).to_numpy(dtype=np.float64), np.concatenate(left).astype(np.float64))
            self.rule_ = rule
        return self

    def _facts(self, histories: Histories, date: pd.Timestamp) -> pd.DataFrame:
        facts = term_facts(histories, date)[[AGE, LEFT]].astype(np.float64)
        return facts if self.by_end else facts.assign(**{LEFT: np.nan})

    def score(self, histories: Histories, as_of: Moment | None = None) -> pd.DataFrame:
        """Churn risk and client probability of the buyers known at ``as_of``."""
        moment = histories.observed_until if as_of is None else parse_moment(as_of, histories.timezone)
        past = histories.until(moment)
        scores = self.recency_.score(past, moment)
        facts = self._facts(past, moment)
        if self.rule_ is not None and len(facts):
            risk = share_of(self.rule_._log_odds(facts.to_numpy(dtype=np.float64)))
            scores.loc[facts.index, "churn_risk"] = risk
        return scores


LIFETIME_MODELS = {"pareto_nbd": "ParetoNBD", "mbg_nbd": "MBGNBD", "bg_nbd": "BGNBD"}
TERM_RULES = {"two_numbers": True, "base_rate": False}


def _recency(histories: Histories, as_of: pd.Timestamp) -> pd.DataFrame:
    table = feature_table(histories, as_of, families=["timing"])
    column = "days_since_last_purchase"
    known: Floats = table[column].to_numpy(np.float64) if column in table else np.full(len(table), np.nan)
    return pd.DataFrame({column: known}, index=table.index)


def baseline(name: str | Scorer, churn: ChurnDefinition, client: ClientDefinition) -> Scorer:
    """A baseline by name, or the caller's own object with ``fit`` and ``score``.

    Raises
    ------
    OptionError
        Where the name is not known.
    """
    if not isinstance(name, str):
        return name
    if name == "recency":
        return RecencyBaseline(churn, client)
    if name in TERM_RULES:
        return TermsBaseline(churn, client, TERM_RULES[name])
    if name in LIFETIME_MODELS:
        return LifetimeBaseline(churn, client, getattr(btyd, LIFETIME_MODELS[name])())
    names = ", ".join(map(repr, [*TERM_RULES, *LIFETIME_MODELS]))
    raise OptionError(
        f"backtest: no baseline {name!r}; there are 'recency', {names}, or your own object with fit and score."
    )
