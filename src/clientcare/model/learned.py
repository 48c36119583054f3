"""What a model has learned, and all that it says from it: the book and its explanation."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clientcare.book import BY_DEPENDENCE, labels_of, make_book, relationship_of, stage_from, with_own_list
from clientcare.facts.term_lines import latest_amount
from clientcare.features.own_gaps import sum_of_log_gaps
from clientcare.history.histories import Histories
from clientcare.model.members.base import Floats, log_odds_of
from clientcare.model.members.registry import KINDS
from clientcare.model.reasons.explanation import Explanation, Reasons, what_would_change
from clientcare.model.reasons.themes import LEVEL, STANDING
from clientcare.model.training.amounts import DAYS_A_MONTH, PurchaseAmounts, Standing
from clientcare.model.training.blend import LEAST, Answer, Blend
from clientcare.model.training.due import NextPurchase, next_purchase
from clientcare.model.training.encoding import Encoding, columns_by_name
from clientcare.model.training.interval import RiskInterval
from clientcare.model.training.level import SeasonalLevel
from clientcare.model.training.own_view import OwnView
from clientcare.model.training.pulse import Pulse
from clientcare.model.training.rhythm import Rhythm
from clientcare.model.training.trust import Trust
from clientcare.outcomes import ChurnDefinition, ClientDefinition, DependenceRule, StatusRule
from clientcare.outcomes.former import were_clients
from clientcare.window import day_number, microseconds


@dataclass(frozen=True, eq=False)
class Learned:
    """Everything that scores depend on; made by fitting or read from a file, never changed.

    Attributes
    ----------
    churn, client : definitions of what is asked
    encoding : Encoding
        From the feature table to the columns of X.
    heads : dict of name to Blend
        ``churn`` and ``patronage``; ``care_tie`` and ``client`` where ties could be seen, or the user gave labels.
    levels : dict of name to SeasonalLevel
        Of ``churn`` and ``patronage``.
    interval : RiskInterval
    amounts : PurchaseAmounts
    rhythm : Rhythm
        The usual gap of all buyers, towards which that of each is drawn.
    usual : float64 array of shape (n_columns,)
        Of the usual buyer, by column of X; NaN where too few have a value.
    usual_client : float64 array of shape (n_columns,)
        The same of the usual client; all NaN where too few are known.
    tables : list of str
        The tables learned from.
    sees_all_ties : bool
        Whether care ties could be seen of every buyer.
    owns_client_head : bool
        Whether being a client has a head of its own; patronage decides otherwise.
    by_own_labels : bool
        Whether that head learned from the user's own list.
    patronage_from_churn : bool
        Whether no patronage was ever observed, so that it follows from the churn risk.
    learned_outcomes : bool
        Whether any horizon had been observed whole.
    status : StatusRule
        What tells active, quiet and gone apart, counted on the base's own past.
    dependence : DependenceRule
        Which signs of dependence the base shows, and their mean.
    by_dependence : bool
        Whether dependence stands in for a tie that could not be seen.
    trust : Trust
        How far the churn risks of past dates were off.
    pulse : Pulse
        What the base did before the dates that were learned from.
    """

    churn: ChurnDefinition
    client: ClientDefinition
    encoding: Encoding
    heads: dict[str, Blend]
    levels: dict[str, SeasonalLevel]
    interval: RiskInterval
    amounts: PurchaseAmounts
    rhythm: Rhythm
    usual: Floats
    usual_client: Floats
    tables: list[str]
    sees_all_ties: bool
    owns_client_head: bool
    by_own_labels: bool
    patronage_from_churn: bool
    learned_outcomes: bool
    status: StatusRule
    dependence: DependenceRule
    by_dependence: bool
    trust: Trust
    pulse: Pulse

    @cached_property
    def reasons(self) -> Reasons:
        """The themes that columns stand for, and their sentences."""
        usual = dict(zip(self.encoding.names, self.usual.tolist(), strict=True))
        of_client = dict(zip(self.encoding.names, self.usual_client.tolist(), strict=True))
        if np.isnan(self.usual_client).all():
            of_client = {}
        return Reasons(self.encoding.names, self.encoding.behind, self.churn.horizon_days, usual, of_client)

    def column(self, X: Floats, name: str) -> Floats:
        """One column of X; all NaN where the model has none of that name."""
        return columns_by_name(X, self.encoding.names)(name)

    def book(
        self,
        X: Floats,
        past: Histories,
        buyers: pd.Index,
        moment: pd.Timestamp,
        model_id: str,
        labels: pd.Series[Any] | None = None,
        levels: Mapping[str, str] = MappingProxyType({}),
    ) -> pd.DataFrame:
        """One row a buyer of X, shape (n_rows, n_columns), as they stand at a moment, and as their past tells it.

        ``levels`` names the levels of attributes that the model holds as digests (:meth:`Encoding.words`). ``labels``,
        the user's own list, outrank what was learned of the class; a status stays a fact.
        """
        status = self.status.told(past, moment).reindex(buyers)
        churn = self._answer("churn", X)
        said = self.probabilities(X, moment, {"churn": churn})
        silence, n_gaps = self.column(X, "days_since_last_purchase"), self.column(X, "n_repeat_purchases")
        gap = self.rhythm.usual_gap_days(
            self.column(X, "gap_days_median"), n_gaps, self.column(X, "log_gap_sd")
        )
        purchases, spend, kept = self.amounts.expected_and_kept(
            X, said["churn"], Standing.of(columns_by_name(X, self.encoding.names))
        )
        fee = self._fee_of_renewal(past, status, moment)
        spend = np.where(fee > 0, np.nan_to_num(spend) + (1 - said["churn"]) * fee, spend)
        kept = np.where(fee > 0, np.nan_to_num(kept) + fee, kept)
        low, high = self.interval.bounds(said["churn"], churn.spread, n_gaps, self.heads["churn"].unsure(X))
        _, parts = self._split("churn", {"churn": churn}, said)
        reasons = self.reasons.top(
            parts,
            columns_by_name(X, self.encoding.names),
            levels,
            said["churn"] >= 0.5,
            said["client"] >= 0.5,
        )
        listed = labels_of(labels, buyers)
        is_here = status["status"].ne("gone").to_numpy()
        coming = self._next_purchase(X, moment, is_here)
        said["client"] = np.where(is_here & ~np.isnan(listed), listed, said["client"])
        were = were_clients(past, moment, self.client, self.dependence)[past.buyer_ids.get_indexer(buyers)]
        had_tie = np.where(np.isnan(listed), were, listed == 1)
        stage = stage_from(
            said["client"], said["patronage"], said["care_tie"], status, had_tie, said["churn"]
        )
        depends = self.dependence.told(past, moment).reindex(buyers)
        columns: dict[str, Any] = {
            "relationship": relationship_of(stage, said["client"]),
            "client_probability": said["client"],
            "status": status["status"].array,
            "status_since": status["status_since"].to_numpy(),
            "stage": stage,
            "dependence": depends["dependence"].to_numpy(),
            "depends_on": depends["depends_on"].to_numpy(dtype=object),
            "evidence": with_own_list(self._evidence(X, depends["enough"].to_numpy(dtype=bool)), listed),
            "churn_risk": said["churn"],
            "churn_risk_low": low,
            "churn_risk_high": high,
            "expected_purchases": purchases,
            "next_purchase_due": coming.due,
            "expected_spend": spend,
            "spend_if_stays": kept,
            "at_stake": kept - spend,
            "overdue_ratio": silence / gap,
            **reasons,
            "as_of": moment,
            "horizon_days": self.churn.horizon_days,
            "model_id": model_id,
            "next_purchase_low": coming.low,
            "next_purchase_high": coming.high,
        }
        return make_book(columns, buyers)

    def _fee_of_renewal(self, past: Histories, status: pd.DataFrame, moment: pd.Timestamp) -> Floats:
        """What a renewal would bring within the horizon, of those whose last term ended within the grace; 0 of others."""
        contracts = past.events("contracts")
        if contracts is None:
            return np.zeros(len(status))
        amount = latest_amount(contracts.before(microseconds(moment)))[
            past.buyer_ids.get_indexer(status.index)
        ]
        lapsed = (
            status["status"].eq("active") & status["had_contract"] & ~status["under_contract"].astype(bool)
        )
        return np.asarray(
            np.where(lapsed, np.nan_to_num(amount), 0.0) * (self.churn.horizon_days / DAYS_A_MONTH)
        )

    def _next_purchase(self, X: Floats, moment: pd.Timestamp, is_here: NDArray[np.bool_]) -> NextPurchase:
        """When each buyer who is here buys next, by their own rhythm drawn to that of all."""
        days, n_gaps = self.churn.horizon_days, self.column(X, "n_repeat_purchases")
        logs = sum_of_log_gaps(self.column(X, "gap_log_mean_shrunk"), n_gaps, days)
        law = self.rhythm.next_gap(logs, n_gaps, self.column(X, "log_gap_sd"))
        return next_purchase(moment, self.column(X, "days_since_last_purchase"), *law, days, is_here)

    @cached_property
    def _view(self) -> OwnView:
        return OwnView.of(self.encoding.names, self.churn.horizon_days, self.client.horizon_days)

    def _answer(self, head: str, X: Floats) -> Answer:
        with nullcontext(X) if head == "churn" else self._view.over(X) as seen:
            return self.heads[head].split(seen, self.reasons.groups, self.reasons.n_themes)

    def _said(self, head: str, X: Floats) -> Floats:
        with nullcontext(X) if head == "churn" else self._view.over(X) as seen:
            return self.heads[head].probability(seen)

    def probabilities(
        self, X: Floats, moment: pd.Timestamp, answers: Mapping[str, Answer] = MappingProxyType({})
    ) -> dict[str, Floats]:
        """Churn, patronage, care tie and client, made to tell one story; heads that have answered are not asked
        again.
        """
        said = {
            name: answers[name].probability if name in answers else self._said(name, X) for name in self.heads
        }
        for name, level in self.levels.items():
            said[name] = level.applied(said[name], day_number(moment))
        if self.patronage_from_churn:
            times = self.client.horizon_days / self.churn.horizon_days
            said["patronage"] = (1 - said["churn"]) ** times
        unseen = np.full(len(X), np.nan)
        if "care_tie" in said and not self.sees_all_ties:
            said["care_tie"] = np.where(self.column(X, "n_contracts") > 0, said["care_tie"], np.nan)
        said.setdefault("care_tie", unseen)
        said.setdefault("client", said["patronage"])
        if self.by_own_labels:
            return said
        if self.client.horizon_days == self.churn.horizon_days:
            said["client"] = np.minimum(said["client"], 1 - said["churn"])
        said["client"] = np.minimum(said["client"], np.maximum(said["patronage"], 0.0))
        return said

    def _evidence(self, X: Floats, enough: NDArray[np.bool_]) -> NDArray[np.object_]:
        """What each buyer's row rests on: the tables that could speak of them, and whether outcomes
        were learned.
        """
        bought = self.column(X, "n_purchases") > 0
        bound = self.column(X, "n_contracts") > 0
        parts = [
            ("transactions", bought | ~bound),
            ("interactions", np.ones(len(X), dtype=bool)),
            ("contracts", bound),
        ]
        evidence: Any = np.full(len(X), "", dtype=object)
        for name, speaks in parts:
            if name in self.tables:
                evidence = np.where(speaks, np.where(evidence == "", name, evidence + f"+{name}"), evidence)
        if self.by_dependence:
            evidence = np.where(enough & ~bound, evidence + BY_DEPENDENCE, evidence)
        return np.asarray(evidence + ("" if self.learned_outcomes else "; short history"), dtype=object)

    def explanation(
        self,
        X: Floats,
        index: pd.Index,
        moment: pd.Timestamp,
        levels: Mapping[str, str] = MappingProxyType({}),
    ) -> Explanation:
        """What the scores of each buyer of X are made of."""
        answers = {
            head: self._answer(head, X)
            for head in ("churn", "client" if self.owns_client_head else "patronage")
        }
        said = self.probabilities(X, moment, answers)
        themes = self.reasons.themes
        churn_base, churn = self._split("churn", answers, said)
        client_base, client = self._split("client", answers, said)
        column = columns_by_name(X, self.encoding.names)
        sentences = {
            theme: self.reasons.sentences(theme, column, churn[:, at], levels, said["client"] >= 0.5)
            for at, theme in enumerate(themes)
        }
        spoken = [
            theme
            for theme in themes
            if np.any(churn[:, themes.index(theme)]) or np.any(client[:, themes.index(theme)])
        ]
        return Explanation(
            pd.DataFrame(churn, index=index, columns=themes)[spoken],
            pd.DataFrame(client, index=index, columns=themes)[spoken],
            churn_base,
            client_base,
            pd.DataFrame(sentences, index=index)[spoken],
            pd.Series(what_would_change(client_base, client, themes), index=index, name="what_would_change"),
        )

    def _split(
        self, name: str, answers: Mapping[str, Answer], said: dict[str, Floats]
    ) -> tuple[float, Floats]:
        """Base and parts of a probability; what was done after the blend is a part of its own."""
        final = log_odds_of(said[name], LEAST)
        if name == "churn":
            return self.reasons.split(answers["churn"], final, LEVEL)
        if self.owns_client_head:
            return self.reasons.split(answers["client"], final, STANDING)
        if not self.patronage_from_churn:
            return self.reasons.split(answers["patronage"], final, STANDING)
        base, parts = self._split("churn", answers, said)
        parts = -parts
        parts[:, self.reasons.themes.index(STANDING)] += final + base - parts.sum(axis=1)
        return -base, parts

    def get_state(self) -> dict[str, Any]:
        """Everything as numbers, texts and arrays: no code, no buyers."""
        return {
            "churn": self.churn.to_dict(),
            "client": self.client.to_dict(),
            "encoding": self.encoding.get_state(),
            "heads": {name: blend.get_state() for name, blend in self.heads.items()},
            "amounts": self.amounts.get_state(),
            "rhythm": self.rhythm.get_state(),
            "usual": self.usual,
            "usual_client": self.usual_client,
            "levels": {name: level.get_state() for name, level in self.levels.items()},
            "interval": self.interval.get_state(),
            "tables": list(self.tables),
            "sees_all_ties": self.sees_all_ties,
            "owns_client_head": self.owns_client_head,
            "by_own_labels": self.by_own_labels,
            "patronage_from_churn": self.patronage_from_churn,
            "learned_outcomes": self.learned_outcomes,
            "status": self.status.get_state(),
            "dependence": self.dependence.get_state(),
            "by_dependence": self.by_dependence,
            "trust": self.trust.get_state(),
            "pulse": self.pulse.get_state(),
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """What :meth:`get_state` told of, to the bit."""
        return cls(
            churn=ChurnDefinition.from_dict(state["churn"]),
            client=ClientDefinition.from_dict(state["client"]),
            encoding=Encoding.from_state(state["encoding"]),
            heads={name: Blend.from_state(head, KINDS) for name, head in state["heads"].items()},
            levels={name: SeasonalLevel.from_state(level) for name, level in state["levels"].items()},
            interval=RiskInterval(**state["interval"]),
            amounts=PurchaseAmounts.from_state(state["amounts"]),
            rhythm=Rhythm(**state["rhythm"]),
            usual=state["usual"],
            usual_client=state["usual_client"],
            tables=list(state["tables"]),
            sees_all_ties=state["sees_all_ties"],
            owns_client_head=state["owns_client_head"],
            by_own_labels=state["by_own_labels"],
            patronage_from_churn=state["patronage_from_churn"],
            learned_outcomes=state["learned_outcomes"],
            status=StatusRule.from_state(state["status"]),
            dependence=DependenceRule.from_state(state["dependence"]),
            by_dependence=state["by_dependence"],
            trust=Trust(**state["trust"]),
            pulse=Pulse(**state["pulse"]),
        )
