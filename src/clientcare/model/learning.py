"""What a model learns from the histories' own past: heads, levels, intervals, amounts, and what it says of itself."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clientcare.exceptions import InputError
from clientcare.history.door.paid_until import RULE as PAID_UNTIL
from clientcare.history.histories import Histories
from clientcare.model.learned import Learned
from clientcare.model.members.base import Asked, Floats, Member
from clientcare.model.members.pareto_nbd import LifetimeMember
from clientcare.model.members.registry import members_for
from clientcare.model.outlook import Outlook
from clientcare.model.reasons.typical import usual_values
from clientcare.model.training.amounts import PurchaseAmounts, Standing, came_to_expected
from clientcare.model.training.blend import Blend, expected_purchases
from clientcare.model.training.encoding import FEWEST_BUYERS, columns_by_name
from clientcare.model.training.head import Head, fit_head
from clientcare.model.training.interval import RiskInterval
from clientcare.model.training.labels import own_labels
from clientcare.model.training.level import SeasonalLevel
from clientcare.model.training.own_view import OwnView
from clientcare.model.training.pulse import Pulse, counts_at
from clientcare.model.training.question import Question
from clientcare.model.training.requirements import tables_of
from clientcare.model.training.rhythm import Rhythm
from clientcare.model.training.season import learn_level, said_by
from clientcare.model.training.snapshots import EFFORTS, sample_buyers
from clientcare.model.training.table import Past, columns_of, rows_of
from clientcare.model.training.trust import Trust
from clientcare.model.training.verdict import judgement, standing_in
from clientcare.outcomes import ChurnDefinition, ClientDefinition, DependenceRule, StatusRule
from clientcare.outcomes.own_time import usual_gap_days
from clientcare.progress import ProgressBar
from clientcare.window import MICROSECONDS_A_DAY, day_number, microseconds, timestamp_of

CLIENTS_ASKED = 5_000
"""Of a larger base evenly drawn buyers tell what is usual of clients: an average does not need them all."""
JUDGED = {"quick": 2, "default": 3, "thorough": 3}
"""Past dates that members are judged at, by effort."""
HOW_MUCH = ("gap_days_median", "days_since_last_purchase", "overdue_ratio", "purchase_log_amount_mean")
"""Columns that say how much a buyer buys, beside those of windows no longer than the horizon.

What grows with the length of the record (all purchases so far, those of the last year) says another thing at a past
date, whose record was shorter: with half a year known, counts learned from such columns missed those of a grocer by 9.4
(deviance a buyer) where these miss them by 2.7; with 18 months known both do as well.
"""
HOW_OFTEN = re.compile(r"(?:n_purchases|purchases_per|n_purchases_decayed)_(\d+)d")


@dataclass(frozen=True, eq=False)
class Lessons:
    """A past, and the questions that are asked of it.

    Attributes
    ----------
    past : Past
        Buyers at past dates, and what came after.
    histories : Histories
        Everything known at ``as_of``, of all buyers.
    as_of : Timestamp
    churn : ChurnDefinition
    client : ClientDefinition
        With its horizon fixed.
    effort : str
    random_state : int
    estimator : classifier or None
        Takes the place of the boosted trees.
    """

    past: Past
    histories: Histories
    as_of: pd.Timestamp
    churn: ChurnDefinition
    client: ClientDefinition
    effort: str
    random_state: int
    estimator: Any = None

    @cached_property
    def _seen(self) -> NDArray[np.bool_]:
        return ~np.isnan(self.past.outcomes["care_tie"])

    @cached_property
    def _known(self) -> NDArray[np.bool_]:
        return ~np.isnan(self.past.outcomes["patronage"])

    @property
    def _sees_ties(self) -> bool:
        return bool(self._seen.any()) and self.client.care_tie != "ignored"

    @property
    def _by_dependence(self) -> bool:
        return not self._sees_ties and self.past.asks_more_than_patronage

    def heads(self, labels: pd.Series[Any] | None, bar: ProgressBar) -> dict[str, Head]:
        """An answer to each question: who leaves, who keeps buying, who keeps a tie, who is a client."""
        bar.at(1, "churn")
        heads = {"churn": self._ask("churn")}
        bar.at(2, "patronage")
        heads["patronage"] = self._ask("patronage")
        if self._sees_ties and self._known.any():
            bar.at(3, "care ties")
            heads["care_tie"] = self._ask("care_tie")
        if (self._sees_ties and self._known.any()) or self._by_dependence:
            heads["client"] = self._ask("client")
        if labels is not None:
            heads["client"] = self._ask_labels(labels)
        return heads

    def learned(self, heads: dict[str, Head], labels: pd.Series[Any] | None) -> Learned:
        """All that is kept: the answers, and what turns them into a book."""
        blends = {name: head.blend for name, head in heads.items()}
        status = StatusRule.learn(self.histories, self.as_of, self.client.horizon_days)
        standing = status.told(self.past.histories, self.as_of)["status"].reindex(self.past.buyers_now)
        here = (standing.astype(object) != "gone").to_numpy()
        levels = {name: self._level(name, blends[name]) for name in ("churn", "patronage")}
        learned = Learned(
            churn=self.churn,
            client=self.client,
            encoding=self.past.encoding,
            heads=blends,
            levels=levels,
            interval=_interval(self.past, heads["churn"]),
            amounts=self._amounts(blends["churn"], levels["churn"]),
            rhythm=self._rhythm(),
            usual=usual_values(self.past.now, here),
            usual_client=np.full(len(self.past.encoding.names), np.nan),
            tables=tables_of(self.histories),
            sees_all_ties=self._sees_ties and bool(self._seen[self._known].all()),
            owns_client_head="client" in heads,
            by_own_labels=labels is not None,
            patronage_from_churn=set(blends["patronage"].members) == {"base_rate"} and not self._known.any(),
            learned_outcomes=bool((~np.isnan(self.past.outcomes["churn"])).any()),
            status=status,
            dependence=DependenceRule.learn(self.histories, self.as_of),
            by_dependence=self._by_dependence,
            trust=Trust.earned(heads["churn"].past),
            pulse=self._pulse(),
        )
        return replace(learned, usual_client=self._usual_client(learned, here))

    def _usual_client(self, learned: Learned, here: NDArray[np.bool_]) -> Floats:
        """What is usual of those who are here and likelier clients than not; all NaN where too few are."""
        X = self.past.now[here]
        X = X[:: max(1, len(X) // CLIENTS_ASKED)]
        clients = learned.probabilities(X, self.as_of)["client"] >= 0.5
        if clients.sum() < FEWEST_BUYERS:
            return np.full(self.past.now.shape[1], np.nan)
        return usual_values(X[clients])

    @cached_property
    def _view(self) -> OwnView:
        return OwnView.of(self.past.rows.names, self.churn.horizon_days, self.client.horizon_days)

    def _ask(self, name: str) -> Head:
        span = self.churn.horizon_days if name == "churn" else self.client.horizon_days
        return fit_head(
            Question(
                name,
                self.past.rows,
                self.past.outcomes[name],
                span * MICROSECONDS_A_DAY,
                microseconds(self.as_of),
                self.past.n_snapshots,
                lambda: self._members(name, self.past.by_phase),
                JUDGED[self.effort],
                self.past.bound(name, span),
                None if name == "churn" else self._view,
            )
        )

    def _ask_labels(self, labels: pd.Series[Any]) -> Head:
        """A head for the user's own list: what do the buyers on it look like now?

        Buyers on the list teach whether they are among those drawn to learn churn from or not.
        """
        given = own_labels(labels)
        listed = self.past.known[self.past.known.isin(given.index)]
        outcome = given.reindex(listed).to_numpy(dtype=np.float64, na_value=np.nan)
        if not (np.nansum(outcome) > 0 and np.nansum(1 - outcome) > 0):
            raise InputError(
                "RelationshipModel.fit: labels need clients and customers among the buyers known at as_of; "
                f"found {int(np.nansum(outcome)):,} clients of {int((~np.isnan(outcome)).sum()):,} labelled buyers known; "
                f"{int((~given.index.isin(self.past.known)).sum()):,} of {len(given):,} labels name none of them.\n"
                "Index the labels by buyer_id, of the same kind as histories.buyer_ids."
            )
        listed = sample_buyers(listed[~np.isnan(outcome)], EFFORTS[self.effort], self.random_state)
        some = self.histories.select(listed)
        table = columns_of(some, [self.as_of], self.churn.horizon_days)
        rows = rows_of(table, self.past.encoding, some.buyer_ids)
        outcome = given.reindex(some.buyer_ids).to_numpy(dtype=np.float64, na_value=np.nan)
        members = {name: m for name, m in self._members("client").items() if name in ("linear", "trees")}
        question = Question(
            "client", rows, outcome, 0, microseconds(self.as_of), 1, lambda: members, view=self._view
        )
        return fit_head(question, judge=False)

    def _members(self, name: str, by_phase: bool = False) -> dict[str, Member]:
        horizon, client = self.churn.horizon_days, self.client
        of_churn = name == "churn"
        asked = Asked(
            name,
            horizon if of_churn else client.horizon_days,
            0 if of_churn else client.periods,
            0 if of_churn else client.min_periods,
            horizon if of_churn else client.horizon_days,
            self.effort,
            int(self.random_state),
        )
        return members_for(asked, self.estimator, by_phase)

    def _level(self, name: str, blend: Blend) -> SeasonalLevel:
        member = blend.members.get("lifetime")
        known = member if isinstance(member, LifetimeMember) else None
        now = self.past.now if name == "churn" else self._view.put_on(self.past.now.copy(order="F"))
        definition = self.churn if name == "churn" else self.client
        return learn_level(
            self.past.histories, self.as_of, definition, known, blend.probability(now), said_by(known, now)
        )

    def _amounts(self, churn: Blend, level: SeasonalLevel) -> PurchaseAmounts:
        names = self.past.rows.names
        counted = ((name, HOW_OFTEN.fullmatch(name)) for name in names)
        windows = [name for name, of in counted if of and int(of[1]) <= self.churn.horizon_days]
        amounts = PurchaseAmounts(names, [*HOW_MUCH, *windows], self.churn.horizon_days)
        learned = np.flatnonzero(~np.isnan(self.past.n_purchases))
        rows = self.past.rows
        standing = Standing.of(columns_by_name(rows.X, names, learned))
        of_rows = (self.past.n_purchases[learned], self.past.spend[learned], standing, rows.buyer[learned])
        amounts.fit(rows.X, *of_rows, learned)
        if not level.slope:
            now = np.asfortranarray(self.past.now)
            expected = expected_purchases(churn, now)
            if expected is not None:
                risk = level.applied(churn.probability(now), day_number(self.as_of))
                date = rows.date[learned]
                latest = np.flatnonzero(date == date.max(initial=0))
                came = self.past.n_purchases[learned][latest]
                then = (
                    expected_purchases(churn, np.asfortranarray(rows.X[learned[latest]]))
                    if len(latest)
                    else None
                )
                earned = came_to_expected(came, then, standing.take(latest))
                amounts.anchor(now, risk, Standing.of(columns_by_name(now, names)), expected, earned)
        return amounts

    def _rhythm(self) -> Rhythm:
        column = columns_by_name(self.past.now, self.past.rows.names)
        median, n_gaps = column("gap_days_median"), column("n_repeat_purchases")
        return Rhythm.learn(median, n_gaps, column("log_gap_sd"), self.churn.horizon_days)

    def _pulse(self) -> Pulse:
        """What the base did before each date whose churn was learned from."""
        days, known = self.churn.horizon_days, ~np.isnan(self.past.outcomes["churn"])
        dates = np.unique(self.past.rows.date[known])[-self.past.n_snapshots :]
        return Pulse.of((counts_at(self.histories, timestamp_of(int(date)), days) for date in dates), days)

    def training(self) -> pd.DataFrame:
        """What each question was learned from, a row a past date."""
        rows = []
        for name, outcome in self.past.outcomes.items():
            known = ~np.isnan(outcome)
            for date in np.unique(self.past.rows.date[known])[-self.past.n_snapshots :]:
                here = known & (self.past.rows.date == date)
                stamp = pd.Timestamp(int(date), unit="us")
                rows.append((name, stamp, int(here.sum()), float(outcome[here].mean())))
        return pd.DataFrame(rows, columns=["target", "as_of", "n_buyers", "base_rate"])

    def says(self, learned: Learned, heads: dict[str, Head], training: pd.DataFrame) -> list[str]:
        """What the model says of itself: how it did, what it could not learn, what is to be expected."""
        said = []
        for name, about in (
            ("churn", "churn"),
            ("client" if "client" in heads else "patronage", "who is a client"),
        ):
            said += judgement(heads[name], about)
            taught = bool(training["target"].eq("churn" if name == "churn" else "patronage").any())
            if not taught and name != "client":
                said.append(
                    f"The history is too short for a whole horizon to have been observed ({about}): nothing was "
                    f"learned from outcomes, {standing_in(heads[name].blend)} stands alone."
                )
        gap, asked = usual_gap_days(self.past.histories, self.as_of), self.churn.horizon_days
        if asked < gap:
            said.append(
                f"The usual buyer comes every {gap:.0f} days: churn within {asked} asks who buys soon, not who leaves."
            )
        n_purchases = columns_by_name(self.past.rows.X, self.past.rows.names)("n_purchases")
        if "transactions" in learned.tables and self.histories.bills is None and not (n_purchases > 1).any():
            said.append(
                "No buyer has bought a second time: nothing in the purchases tells who will come back."
            )
        if self.past.is_sample:
            churn = training[training["target"] == "churn"]
            said.append(
                f"Learned from {len(self.past.buyers_now):,} of the {len(self.past.known):,} buyers known, drawn at random: "
                f"{int(churn['n_buyers'].sum()):,} rows of {len(churn)} past snapshots about churn. All are scored."
            )
        said += [
            f"The records have a hole of {(after - first).days} days from {first:%Y-%m-%d} on: no past date was "
            "learned from over it, and right after it everybody looks silent."
            for first, after in self.past.histories.holes_in("transactions")
        ]
        if PAID_UNTIL in set(self.past.histories.quality["rule"]):
            said.append("Contracts count as open-ended: their ends only say until when somebody had paid.")
        said += self._expected(learned)
        if len(self.past.known) < 100:
            said.append(
                f"Only {len(self.past.known)} buyers are known: take every probability as a rough guess."
            )
        return said

    def _expected(self, learned: Learned) -> list[str]:
        """What is to be expected of the buyers learned from, as they stand now."""
        risk = learned.probabilities(self.past.now, self.as_of)["churn"]
        status = learned.status.told(self.past.histories, self.as_of)["status"].reindex(self.past.buyers_now)
        book = pd.DataFrame({"churn_risk": risk, "status": status.array}, index=self.past.buyers_now)
        return Outlook.of(book, learned.trust, self._unlike(learned)).says

    def _unlike(self, learned: Learned) -> list[str]:
        return learned.pulse.unlike(counts_at(self.histories, self.as_of, self.churn.horizon_days))


def _interval(past: Past, churn: Head) -> RiskInterval:
    seen, interval = churn.validation, RiskInterval(len(past.buyers_now), churn.verdict.doubt)
    if seen is None:
        return interval
    repeats = columns_by_name(past.rows.X[seen["row"]], past.rows.names)("n_repeat_purchases")
    names = ("outcome", "probability", "spread", "unsure")
    outcome, probability, spread, unsure = (seen[name].to_numpy() for name in names)
    return interval.fit(outcome, probability, spread, repeats, unsure)
