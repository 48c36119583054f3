"""A simulated service firm as a data set: contracts, contacts, extras, and the truth behind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.random import Generator

from clientcare.datasets.clocks import FloatArray, IntArray
from clientcare.datasets.firm_world import (
    CONTRACT_KINDS,
    MONTH,
    OPEN_ENDED,
    TRIAL,
    FirmHistory,
    draw_leaving,
    new_habits,
    run_firm,
)
from clientcare.datasets.shop_tables import Naming
from clientcare.datasets.simulated import SimulatedHistories
from clientcare.exceptions import OptionError

_OWNER_DILIGENCE = (0.95, 0.9, 0.8, 0.7, 0.55, 0.4)
_INDUSTRIES = ("education", "finance", "health", "manufacturing", "retail")
_SIZES = ("large", "medium", "small")
_PLANS = ("basic", "plus", "premium")
_N_FUTURES = 400


@dataclass(frozen=True)
class FirmProcess:
    """The laws of a simulated service firm, asked about its buyers by drawing futures."""

    firm: FirmHistory
    random_state: int
    knows: tuple[str, ...] = ("state",)

    def known(self, as_of: float) -> IntArray:
        """Positions of the buyers whose first contract began before a day."""
        return np.flatnonzero(self.firm.acquired < as_of)

    def churn_risk(self, as_of: float, horizon_days: int, knowing: str) -> FloatArray:
        """Probability of nothing bought in the horizon and no contract at its end; shape (n_known,)."""
        known, rows, leaves = self._futures(as_of, horizon_days, knowing)
        until = as_of + horizon_days
        stays = np.minimum(leaves, until) - as_of
        silent = np.exp(-self.firm.habits.extras_a_month[rows] * stays / MONTH)
        return self._mean(known, rows, np.where(leaves < until, silent, 0.0), has_left=1.0)

    def client_probability(
        self, as_of: float, horizon_days: int, periods: int, min_periods: int, knowing: str
    ) -> FloatArray:
        """Probability of a contract kept through the horizon; shape (n_known,).

        The few who would patronise by extras alone, without a contract, are left aside, and so is dependence
        (``ClientDefinition(min_dependence=0)``).
        """
        known, rows, leaves = self._futures(as_of, horizon_days, knowing)
        return self._mean(known, rows, np.where(np.isinf(leaves), 1.0, 0.0), has_left=0.0)

    def potential_outcomes(self, as_of: float, horizon_days: int, knowing: str) -> dict[str, Any]:
        """No waves of care are planted in a service firm."""
        raise OptionError("potential_outcomes: no care was planted.")

    def _futures(
        self, as_of: float, horizon_days: int, knowing: str
    ) -> tuple[IntArray, IntArray, FloatArray]:
        if knowing not in self.knows:
            raise OptionError("a service firm can tell its true probabilities with knowing='state' alone.")
        known = self.known(as_of)
        live = known[self.firm.left[known] >= as_of]
        rows = np.repeat(live, _N_FUTURES)
        rng = np.random.default_rng([self.random_state, int(as_of * 1000), horizon_days])
        return known, rows, draw_leaving(self.firm, rows, as_of, as_of + horizon_days, rng)

    def _mean(self, known: IntArray, rows: IntArray, values: FloatArray, has_left: float) -> FloatArray:
        means = np.full(len(self.firm.acquired), has_left)
        means[rows[::_N_FUTURES]] = values.reshape(-1, _N_FUTURES).mean(axis=1)
        return means[known]


def simulate_service_firm(
    n_buyers: int, random_state: int, start: pd.Timestamp, n_days: int, *, share_clients: float
) -> SimulatedHistories:
    """A firm with contracts, looked after by six owners of unequal diligence; see ``simulate_histories``."""
    people, living, decoration = np.random.default_rng(random_state).spawn(3)
    acquired = np.sort(people.integers(max(n_days - 60, 1), size=n_buyers))
    owner = people.integers(len(_OWNER_DILIGENCE), size=n_buyers)
    habits = new_habits(n_buyers, share_clients, np.array(_OWNER_DILIGENCE)[owner], people)
    firm = run_firm(habits, acquired, n_days, living)
    naming = Naming.of(start, n_buyers, "F")
    return SimulatedHistories(
        kind="service_firm",
        transactions=_extras(firm, naming, decoration),
        interactions=_contacts(firm, naming, owner, decoration),
        contracts=_contracts(firm, naming, decoration),
        buyers=_buyers(naming, owner, decoration),
        truth=_truth(firm, naming),
        observed_from=start,
        observed_until=start + pd.Timedelta(days=n_days),
        process=FirmProcess(firm, random_state),
    )


def _contracts(firm: FirmHistory, naming: Naming, rng: Generator) -> pd.DataFrame:
    """One row a term; a renewal is a further row. The last day written is the last day of the term."""
    plan = rng.integers(len(_PLANS), size=len(firm.acquired))
    fee = np.round(np.array([90.0, 220.0, 480.0])[plan] * rng.lognormal(0.0, 0.25, len(plan)), 2)
    begins = firm.is_live & (firm.months_in_term == 0)
    buyer, month = np.nonzero(begins)
    kind = firm.contract[buyer, month]
    term = np.where(kind == TRIAL, 1, firm.habits.term_months[buyer])
    first_day = firm.acquired[buyer] + month * MONTH
    last_day = np.where(kind == OPEN_ENDED, np.inf, first_day + term * MONTH - 1.0)
    next_day = np.where(np.append(buyer[1:] == buyer[:-1], False), np.append(first_day[1:], 0), np.inf)
    left = firm.left[buyer]
    cancelled = np.where((left < next_day) & (left < last_day + 1.0), left, np.inf)
    steps = np.cumsum(np.log1p(np.where(firm.renewed, firm.price_step, 0.0)), axis=1)
    steps = np.concatenate([np.zeros((len(steps), 1)), steps[:, :-1]], axis=1)
    amount = np.where(kind == TRIAL, 0.0, np.round(fee[buyer] * np.exp(steps[buyer, month]), 2))
    width = len(str(len(buyer)))
    table = pd.DataFrame(
        {
            "buyer_id": naming.ids.take(buyer),
            "start": naming.moments(first_day.astype(np.float64)),
            "end": naming.moments(last_day),
            "cancelled_at": naming.moments(cancelled),
            "amount": amount,
            "kind": pd.Categorical.from_codes(kind.astype(np.int64), pd.Index(CONTRACT_KINDS)),
            "plan": pd.Categorical.from_codes(plan[buyer], pd.Index(_PLANS)),
        }
    ).sort_values(["start", "buyer_id"], kind="stable", ignore_index=True)
    table.insert(1, "contract_id", [f"K{number:0{width}d}" for number in range(1, len(table) + 1)])
    return table


def _extras(firm: FirmHistory, naming: Naming, rng: Generator) -> pd.DataFrame:
    """A set-up fee at the start, and now and then a piece of work beside the contract."""
    stays = np.minimum(firm.left, firm.n_days) - firm.acquired
    n_extras = rng.poisson(firm.habits.extras_a_month * stays / MONTH)
    buyer = np.repeat(np.arange(len(stays)), n_extras)
    day = firm.acquired[buyer] + rng.random(len(buyer)) * stays[buyer]
    buyer = np.concatenate([np.arange(len(stays)), buyer])
    day = np.concatenate([firm.acquired + 0.4, day])
    is_setup = np.arange(len(buyer)) < len(stays)
    amount = np.where(is_setup, 150.0, np.round(300.0 * rng.lognormal(0.0, 0.6, len(buyer)), 2))
    order = np.argsort(day, kind="stable")
    return pd.DataFrame(
        {
            "buyer_id": naming.ids.take(buyer[order]),
            "timestamp": naming.moments(day[order]),
            "amount": amount[order],
            "category": pd.Categorical.from_codes(
                np.where(is_setup, 1, 0)[order].astype(np.int64), pd.Index(["project", "setup"])
            ),
        }
    )


def _contacts(firm: FirmHistory, naming: Naming, owner: IntArray, rng: Generator) -> pd.DataFrame:
    """One row a contact, each count spread over its month; nothing after a buyer left."""
    shapes: dict[str, dict[str, Any]] = {
        "check_in_kept": {"kind": "check_in", "direction": "mutual", "status": "kept", "channel": "phone"},
        "check_in_missed": {
            "kind": "check_in",
            "direction": "outbound",
            "status": "missed",
            "channel": "phone",
        },
        "message_answered": {"kind": "message", "direction": "inbound", "answered": 1.0, "channel": "email"},
        "message_unanswered": {
            "kind": "message",
            "direction": "inbound",
            "answered": 0.0,
            "channel": "email",
        },
        "ticket_resolved": {
            "kind": "support_ticket",
            "direction": "inbound",
            "resolved": 1.0,
            "channel": "web",
        },
        "ticket_open": {"kind": "support_ticket", "direction": "inbound", "resolved": 0.0, "channel": "web"},
        "email_answered": {"kind": "email", "direction": "outbound", "answered": 1.0, "channel": "email"},
        "email_unanswered": {"kind": "email", "direction": "outbound", "answered": 0.0, "channel": "email"},
        "feedback": {"kind": "feedback", "direction": "inbound", "channel": "web"},
        "referral": {"kind": "referral", "direction": "inbound", "channel": "phone"},
        "renewal_talk": {
            "kind": "renewal_talk",
            "direction": "mutual",
            "status": "kept",
            "channel": "meeting",
        },
    }
    parts = [_contact_rows(firm, name, rng).assign(**shape) for name, shape in shapes.items()]
    rows = pd.concat(parts, ignore_index=True)
    rows = rows[rows["day"] < np.minimum(firm.left, firm.n_days)[rows["buyer"]]]
    rows = rows.sort_values(["day", "buyer", "kind"], kind="stable", ignore_index=True)
    rows = _with_answers(rows, firm.n_days, rng)
    owners = np.array([f"owner-{number}" for number in range(1, len(_OWNER_DILIGENCE) + 1)], dtype=object)
    return pd.DataFrame(
        {
            "buyer_id": naming.ids.take(rows["buyer"].to_numpy()),
            "timestamp": naming.moments(rows["day"].to_numpy()),
            "kind": rows["kind"],
            "direction": rows["direction"],
            "status": rows["status"],
            "channel": rows["channel"],
            "owner": owners[owner[rows["buyer"].to_numpy()]],
            "satisfaction": rows["satisfaction"],
            "minutes": rows["minutes"],
            "answered": rows["answered"],
            "answered_at": naming.moments(rows["answered_at"].to_numpy()),
            "resolved": rows["resolved"],
            "closed_at": naming.moments(rows["closed_at"].to_numpy()),
        }
    )


def _contact_rows(firm: FirmHistory, name: str, rng: Generator) -> pd.DataFrame:
    """Buyer, day and goodwill of every contact of one kind."""
    buyer, month = np.nonzero(firm.counts[name])
    times = firm.counts[name][buyer, month]
    buyer, month = np.repeat(buyer, times), np.repeat(month, times)
    into = rng.random(len(buyer)) * MONTH
    if name.startswith("check_in"):
        into = 10.0 + 8.0 * rng.random(len(buyer))
    day = firm.acquired[buyer] + month * MONTH + into
    return pd.DataFrame(
        {"buyer": buyer, "day": day, "goodwill": firm.goodwill[buyer, month].astype(np.float64)}
    )


def _with_answers(rows: pd.DataFrame, n_days: int, rng: Generator) -> pd.DataFrame:
    """When contacts were answered and closed, how long they took, how satisfied the buyer said to be."""
    n_rows = len(rows)
    waited = rng.gamma(1.3, 0.6, size=n_rows)
    answered_at = np.where(rows["answered"] == 1.0, rows["day"] + waited, np.inf)
    closed_at = np.where(rows["resolved"] == 1.0, rows["day"] + 3.0 * waited, np.inf)
    felt = np.clip(0.62 + 0.17 * rows["goodwill"].to_numpy() + rng.normal(0.0, 0.1, n_rows), 0.0, 1.0)
    asked = rng.random(n_rows) < 0.3
    rated = (
        (rows["kind"] == "feedback")
        | (asked & (rows["resolved"] == 1.0))
        | (asked & (rows["status"] == "kept"))
    )
    rated &= ~((rows["resolved"] == 1.0) & (closed_at >= n_days))
    long_talk = np.round(rng.gamma(4.0, 6.0, size=n_rows) + 5.0)
    return rows.assign(
        answered=np.where(answered_at >= n_days, np.minimum(rows["answered"], 0.0), rows["answered"]),
        answered_at=np.where(answered_at < n_days, answered_at, np.inf),
        resolved=np.where(closed_at >= n_days, np.minimum(rows["resolved"], 0.0), rows["resolved"]),
        closed_at=np.where(closed_at < n_days, closed_at, np.inf),
        satisfaction=np.where(rated, np.round(felt, 2), np.nan),
        minutes=np.where(rows["status"] == "kept", long_talk, np.nan),
    )


def _buyers(naming: Naming, owner: IntArray, rng: Generator) -> pd.DataFrame:
    n_buyers = len(owner)
    return pd.DataFrame(
        {
            "buyer_id": naming.ids,
            "owner": [f"owner-{number + 1}" for number in owner],
            "industry": pd.Categorical.from_codes(
                rng.integers(len(_INDUSTRIES), size=n_buyers), pd.Index(_INDUSTRIES)
            ),
            "segment": pd.Categorical.from_codes(rng.integers(len(_SIZES), size=n_buyers), pd.Index(_SIZES)),
        }
    )


def _truth(firm: FirmHistory, naming: Naming) -> pd.DataFrame:
    habits = firm.habits
    return pd.DataFrame(
        {
            "is_client": habits.is_client,
            "acquired_at": naming.moments(firm.acquired.astype(np.float64)),
            "dropped_out_at": naming.moments(firm.left),
            "tie_strength": habits.bond,
            "owner_diligence": habits.diligence,
            "purchases_a_year": habits.extras_a_month * 365.25 / MONTH,
        },
        index=naming.ids.rename("buyer_id"),
    )
