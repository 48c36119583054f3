"""A simulated service firm, month by month: care builds goodwill, neglect wears it down.

A month has 30 days and is counted from each buyer's own start, so that one step moves all buyers at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from clientcare.datasets.clocks import FloatArray, IntArray

BoolArray = NDArray[np.bool_]

MONTH = 30
OPEN_ENDED, TERM, TRIAL = 0, 1, 2
CONTRACT_KINDS = ("open_ended", "term", "trial")
PRICE_STEPS = (0.0, 0.03, 0.08)

COUNTED = (
    "check_in_kept", "check_in_missed", "message_answered", "message_unanswered", "ticket_resolved",
    "ticket_open", "email_answered", "email_unanswered", "feedback", "referral", "renewal_talk",
)  # fmt: skip
"""What is counted each month; each count becomes so many contacts."""

_NOISE = 0.12


@dataclass(frozen=True)
class Habits:
    """What stays the same about buyers of a firm and those who look after them; arrays of shape (n,).

    Attributes
    ----------
    is_client : bool array
        The true type.
    bond : float array
        Where goodwill comes to rest under ordinary care: about 1 for clients, -0.5 for customers.
    diligence : float array, 0 to 1
        How reliably the owner holds check-ins and answers.
    term_months : int array
        Length of a term; 0 = open-ended.
    extras_a_month : float array
        Purchases beside the contract.
    """

    is_client: BoolArray
    bond: FloatArray
    diligence: FloatArray
    term_months: IntArray
    extras_a_month: FloatArray

    def take(self, rows: IntArray) -> Habits:
        """Some of the buyers, or some several times."""
        return Habits(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class Standing:
    """Where the relation stands at the beginning of a month; arrays of shape (n,).

    Attributes
    ----------
    goodwill : float array
    contract : int array
        Position in :data:`CONTRACT_KINDS`.
    months_in_term : int array
        Whole months since the running contract began.
    talked : bool array
        Whether the renewal was talked about in this term.
    """

    goodwill: FloatArray
    contract: IntArray
    months_in_term: IntArray
    talked: BoolArray

    def take(self, rows: IntArray) -> Standing:
        """Some of the buyers, or some several times."""
        return Standing(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class Month:
    """What one month brought; arrays of shape (n,).

    Attributes
    ----------
    cancelled : bool array
        Gave notice within the month and left at once.
    cancelled_after : float array, days
        How far into the month.
    lapsed : bool array
        The term, or the trial, ended with the month and was not renewed.
    renewed : bool array
        A new term begins with the next month.
    price_step : float array
        By which share the fee rises with the renewal.
    counts : mapping of name to int array
        Contacts, by :data:`COUNTED`.
    standing : Standing
        At the beginning of the next month, of those who stay.
    """

    cancelled: BoolArray
    cancelled_after: FloatArray
    lapsed: BoolArray
    renewed: BoolArray
    price_step: FloatArray
    counts: dict[str, IntArray]
    standing: Standing


def new_habits(n_buyers: int, share_clients: float, diligence: FloatArray, rng: Generator) -> Habits:
    """People of both types; clients sign for longer."""
    is_client = rng.random(n_buyers) < share_clients
    bond = np.where(is_client, rng.normal(1.0, 0.35, n_buyers), rng.normal(-0.5, 0.45, n_buyers))
    choice = rng.random(n_buyers) + np.where(is_client, 0.15, 0.0)
    term_months = np.select([choice < 0.35, choice < 0.6], [0, 6], 12)
    return Habits(is_client, bond, diligence, term_months, np.full(n_buyers, 0.04))


def first_standing(habits: Habits, rng: Generator) -> Standing:
    """One in four begins with a trial month."""
    n_buyers = len(habits.bond)
    regular = np.where(habits.term_months > 0, TERM, OPEN_ENDED)
    contract = np.where(rng.random(n_buyers) < 0.25, TRIAL, regular)
    goodwill = 0.5 * habits.bond + rng.normal(0.2, 0.3, n_buyers)
    return Standing(goodwill, contract, np.zeros(n_buyers, np.int64), np.zeros(n_buyers, bool))


def one_month(habits: Habits, standing: Standing, rng: Generator, elapsed: Any = 0.0) -> Month:
    """Move all buyers on by a month.

    Parameters
    ----------
    habits, standing : Habits, Standing
        Of the same buyers, all under contract.
    rng : Generator
        Where chance comes from.
    elapsed : float or array of shape (n,), 0 to 1
        Which share of the month is known to have passed without a notice.
    """
    n_buyers = len(standing.goodwill)
    chance = _notice_chance(standing)
    chance = chance * (1.0 - elapsed) / (1.0 - chance * elapsed)
    cancelled = rng.random(n_buyers) < chance
    cancelled_after = MONTH * (elapsed + (1.0 - elapsed) * rng.random(n_buyers))
    counts = _contacts(habits, standing, rng)
    talked = standing.talked | (counts["renewal_talk"] > 0)
    goodwill = _goodwill_after(habits, standing, counts, rng)
    is_over = _is_over(habits, standing)
    price_step = np.array(PRICE_STEPS)[rng.integers(len(PRICE_STEPS), size=n_buyers)]
    stays = rng.random(n_buyers) < _renewal_chance(standing, goodwill, talked, price_step)
    renewed = ~cancelled & is_over & stays
    regular = np.where(habits.term_months > 0, TERM, OPEN_ENDED)
    return Month(
        cancelled=cancelled,
        cancelled_after=cancelled_after,
        lapsed=~cancelled & is_over & ~stays,
        renewed=renewed,
        price_step=np.where(standing.contract == TRIAL, 0.0, price_step),
        counts=counts,
        standing=Standing(
            goodwill=goodwill,
            contract=np.where(renewed, regular, standing.contract),
            months_in_term=np.where(renewed, 0, standing.months_in_term + 1),
            talked=talked & ~renewed,
        ),
    )


def _notice_chance(standing: Standing) -> FloatArray:
    """Chance of a notice within a month: likelier where goodwill is low, rarer within a fixed term."""
    open_ended = _logistic(-3.7 - 1.5 * standing.goodwill)
    in_term = _logistic(-5.4 - 1.5 * standing.goodwill)
    return np.select([standing.contract == OPEN_ENDED, standing.contract == TERM], [open_ended, in_term], 0.0)


def _renewal_chance(
    standing: Standing, goodwill: FloatArray, talked: BoolArray, price_step: FloatArray
) -> FloatArray:
    """Chance that a term or a trial is followed by another contract."""
    of_term = _logistic(0.7 + 1.7 * goodwill + 0.8 * talked - 0.8 * (price_step > 0.05))
    return np.where(standing.contract == TRIAL, _logistic(0.4 + 1.2 * goodwill), of_term)


def _is_over(habits: Habits, standing: Standing) -> BoolArray:
    """Whether the running contract ends with this month."""
    last_month = standing.months_in_term + 1 >= habits.term_months
    return np.asarray((standing.contract == TRIAL) | ((standing.contract == TERM) & last_month))


def _contacts(habits: Habits, standing: Standing, rng: Generator) -> dict[str, IntArray]:
    n_buyers = len(standing.goodwill)

    def some(rate: Any) -> IntArray:
        return np.asarray(rng.poisson(np.broadcast_to(rate, n_buyers)), dtype=np.int64)

    def whether(chance: Any) -> IntArray:
        return np.asarray(rng.random(n_buyers) < chance, dtype=np.int64)

    kept = whether(habits.diligence * np.where(habits.is_client, 0.97, 0.8))
    messages = some(np.where(habits.is_client, 0.7, 0.3))
    answered = rng.binomial(messages, np.minimum(0.55 + 0.45 * habits.diligence, 1.0))
    tickets = some(0.25)
    resolved = rng.binomial(tickets, np.minimum(0.6 + 0.4 * habits.diligence, 1.0))
    emails = some(0.25)
    email_answers = rng.binomial(emails, _logistic(0.2 + standing.goodwill))
    months_left = np.where(standing.contract == TERM, habits.term_months - standing.months_in_term, 99)
    likes_it = habits.is_client & (standing.goodwill > 0.3)
    return {
        "check_in_kept": kept,
        "check_in_missed": 1 - kept,
        "message_answered": answered,
        "message_unanswered": messages - answered,
        "ticket_resolved": resolved,
        "ticket_open": tickets - resolved,
        "email_answered": email_answers,
        "email_unanswered": emails - email_answers,
        "feedback": whether(np.where(habits.is_client, 0.09, 0.03)),
        "referral": whether(np.where(likes_it, 0.06, 0.004)),
        "renewal_talk": whether(np.where(months_left <= 3, 0.5 * habits.diligence, 0.0)),
    }


def _goodwill_after(
    habits: Habits, standing: Standing, counts: dict[str, IntArray], rng: Generator
) -> FloatArray:
    """Goodwill drifts to the bond; care lifts it, silence and unanswered calls wear it down."""
    care = 0.22 * (counts["check_in_kept"] - 0.55) + 0.04 * counts["message_answered"]
    neglect = 0.25 * counts["message_unanswered"] + 0.3 * counts["ticket_open"]
    chance = rng.normal(0.0, _NOISE, len(standing.goodwill))
    return np.asarray(0.8 * standing.goodwill + 0.2 * habits.bond + care - neglect + chance)


def _logistic(values: FloatArray) -> FloatArray:
    return np.asarray(1.0 / (1.0 + np.exp(-values)))


@dataclass(frozen=True)
class FirmHistory:
    """Every buyer's months, hidden and seen; matrices of shape (n_buyers, n_months).

    Attributes
    ----------
    habits : Habits
    acquired : int array of shape (n_buyers,), days
        The first day of the first contract.
    left : float array of shape (n_buyers,), days
        When the last contract stopped; infinite where it runs on when observation ends.
    is_live : bool matrix
        Whether the month was begun under contract.
    goodwill, contract, months_in_term, talked : matrices
        The standing at the beginning of each month.
    cancelled, cancelled_after, lapsed, renewed, price_step : matrices
        What the month brought.
    counts : mapping of name to int matrix
    n_days : int
        Length of observation.
    """

    habits: Habits
    acquired: IntArray
    left: FloatArray
    is_live: BoolArray
    goodwill: NDArray[np.float32]
    contract: NDArray[np.int8]
    months_in_term: NDArray[np.int16]
    talked: BoolArray
    cancelled: BoolArray
    cancelled_after: NDArray[np.float32]
    lapsed: BoolArray
    renewed: BoolArray
    price_step: NDArray[np.float32]
    counts: dict[str, NDArray[np.int16]]
    n_days: int

    def standing(self, rows: IntArray, month: IntArray) -> Standing:
        """The standing of some buyers at the beginning of a month each."""
        return Standing(
            self.goodwill[rows, month].astype(np.float64),
            self.contract[rows, month].astype(np.int64),
            self.months_in_term[rows, month].astype(np.int64),
            self.talked[rows, month],
        )


def run_firm(habits: Habits, acquired: IntArray, n_days: int, rng: Generator) -> FirmHistory:
    """All months of all buyers, until they leave or observation ends."""
    n_buyers = len(acquired)
    n_months = max((n_days - int(acquired.min(initial=0))) // MONTH + 1, 1)
    kinds: dict[str, Any] = {
        "is_live": bool, "goodwill": np.float32, "contract": np.int8, "months_in_term": np.int16,
        "talked": bool, "cancelled": bool, "cancelled_after": np.float32, "lapsed": bool, "renewed": bool,
        "price_step": np.float32,
    }  # fmt: skip
    kept = {name: np.zeros((n_buyers, n_months), dtype=kind) for name, kind in kinds.items()}
    counts = {name: np.zeros((n_buyers, n_months), dtype=np.int16) for name in COUNTED}
    left = np.full(n_buyers, np.inf)
    standing = first_standing(habits, rng)
    rows = np.arange(n_buyers)
    for month in range(n_months):
        begins = acquired[rows] + month * MONTH
        within = begins < n_days
        rows, standing, begins = rows[within], standing.take(np.flatnonzero(within)), begins[within]
        if not len(rows):
            break
        kept["is_live"][rows, month] = True
        for name in ("goodwill", "contract", "months_in_term", "talked"):
            kept[name][rows, month] = getattr(standing, name)
        seen = one_month(habits.take(rows), standing, rng)
        for name in ("cancelled", "cancelled_after", "lapsed", "renewed", "price_step"):
            kept[name][rows, month] = getattr(seen, name)
        for name, values in seen.counts.items():
            counts[name][rows, month] = values
        leaves = np.where(
            seen.cancelled, begins + kept["cancelled_after"][rows, month], begins + float(MONTH)
        )
        gone = seen.cancelled | seen.lapsed
        left[rows[gone]] = leaves[gone]
        rows, standing = rows[~gone], seen.standing.take(np.flatnonzero(~gone))
    left = np.where(left < n_days, left, np.inf)
    return FirmHistory(habits=habits, acquired=acquired, left=left, counts=counts, n_days=n_days, **kept)


def draw_leaving(firm: FirmHistory, rows: IntArray, as_of: float, until: float, rng: Generator) -> FloatArray:
    """When buyers under contract at a date would leave, one drawn future each; infinite if after ``until``.

    Parameters
    ----------
    firm : FirmHistory
        What happened; used up to ``as_of`` alone.
    rows : int array of shape (n,)
        Buyers, each as often as futures are wanted.
    as_of, until : float, days
        From when to when.
    rng : Generator
        Where chance comes from.
    """
    age = as_of - firm.acquired[rows]
    month = (age // MONTH).astype(np.int64)
    standing, habits = firm.standing(rows, month), firm.habits.take(rows)
    begins = (firm.acquired[rows] + month * MONTH).astype(np.float64)
    elapsed = (as_of - begins) / MONTH
    leaves = np.full(len(rows), np.inf)
    open_paths = np.arange(len(rows))
    while len(open_paths):
        seen = one_month(habits, standing, rng, elapsed)
        gone = seen.cancelled | seen.lapsed
        at = np.where(seen.cancelled, begins + seen.cancelled_after, begins + MONTH)
        leaves[open_paths[gone]] = at[gone]
        begins = begins + MONTH
        on = np.flatnonzero(~gone & (begins < until))
        open_paths, habits, standing, begins = (
            open_paths[on],
            habits.take(on),
            seen.standing.take(on),
            begins[on],
        )
        elapsed = np.zeros(len(on))
    return np.where(leaves < until, leaves, np.inf)
