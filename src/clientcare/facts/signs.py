"""Signs of dependence: what a ledger shows of how much a buyer relies on the seller, each from 0 to 1 with its coverage.

None comes from what the seller alone did. Each is on a scale of its own that does not move with the other buyers:

- *breadth*: needs served, over the last dozen days that something was bought or billed for. Of n needs served evenly
  1 - 1/n: none for one, a half for two. What a contract's bills are for counts too: the money is the contract's, the
  need is the buyer's.
- *own voice*: contacts that the buyer starts, trouble, referrals and answers to the seller's own forms (surveys, ratings)
  aside, in the last year; seven a year are full.
- *full price*: the share bought without a discount, over the last dozen purchase days.
- *staying*: of price rises, complaints and changes of owner, the share that the buyer stayed after. Most do, so it counts
  half.
- *commitment*: renewals kept; each halves the way to 1. What binds is no reason to stay, so it counts half.
- *word of mouth*: referrals made; each halves the way to 1. Most people never refer: that nobody was says little.
- *share of wallet*: as the user states it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from clientcare.facts.contacts import Bools, Contacts, Floats, Ints
from clientcare.facts.events import EventTable
from clientcare.facts.kinds import TROUBLE
from clientcare.facts.needs import Needs
from clientcare.facts.purchase_rows import is_purchase
from clientcare.facts.runs import FIXED_POINT
from clientcare.facts.shocks import Shocks
from clientcare.facts.term_lines import renews, stop_days
from clientcare.window import MICROSECONDS_A_DAY

SIGNS = (
    "breadth", "own_voice", "full_price", "staying", "commitment", "word_of_mouth", "share_of_wallet",
)  # fmt: skip
LAST_DAYS = 12
"""A dozen purchase days tell three needs apart, in a buyer's own time: a year of a monthly buyer."""
VOICE_DAYS = 365
VOICES_A_YEAR = 7.0
"""Two-way communication is once a month; who starts more than half of these talks could hardly do more. On simulated firms
12 a year called 2 % of commodity buyers and 60 % of dependents clients, 8 a year 3 to 10 % and 69 to 81 %, 6 a year 17 to
23 % and 81 to 89 %."""
WORTH_OF_DAYS = 2.0
"""So many purchase days' worth of not knowing: two days cover half, six three quarters. Of needs the first day shows
nothing by itself, since one errand is one need: what covers is each further day, or need."""
WORTH_OF_VOICE = 90.0
"""The same in days of being a buyer: after a quarter half of the voice has been heard."""
USUAL = 0.5
"""The most that commitment and staying cover: a contract keeps buyers whether they depend or not, and most stay after one
price rise. At full coverage 42 % of the customers of a simulated shop with two rises were called clients."""
UNSAID = 0.25
"""What a missing referral covers."""
DISCOUNTED = 0.99
"""Below this share of the list price a line was bought at a discount; cents of rounding are none."""


@dataclass(frozen=True, eq=False)
class Signs:
    """Signs of dependence before a date, from tables that hold nothing at or after it.

    Attributes
    ----------
    n_buyers, as_of : int
        As of in microseconds.
    transactions, contracts : EventTable or None
    contacts : Contacts or None
    wallet : float64 array of shape (n_buyers,) or None
        What each buyer spends a year in all, as the user states it.
    share_of_wallet : float64 array of shape (n_buyers,) or None
        The share that the user states, 0 to 1.
    bills : EventTable or None
        Payments of contracts: no purchases, but what they are for is a need.
    until : int64 array of shape (n_buyers,) or None
        The day before which each buyer's last year is looked at; default the day of ``as_of``.
    """

    n_buyers: int
    as_of: int
    transactions: EventTable | None = None
    contacts: Contacts | None = None
    contracts: EventTable | None = None
    wallet: Floats | None = None
    share_of_wallet: Floats | None = None
    bills: EventTable | None = None
    until: Ints | None = None

    @cached_property
    def table(self) -> Mapping[str, tuple[Floats, Floats]]:
        """Value and coverage of each sign, shape (n_buyers,) each; a value is NaN where its coverage is 0."""
        return {name: _masked(*getattr(self, f"_{name}")) for name in SIGNS}

    @property
    def _today(self) -> int:
        return self.as_of // MICROSECONDS_A_DAY

    @cached_property
    def _ends(self) -> Ints:
        """The day before which each buyer's last year is looked at."""
        return np.full(self.n_buyers, self._today, dtype=np.int64) if self.until is None else self.until

    @property
    def _unseen(self) -> tuple[Floats, Floats]:
        return np.full(self.n_buyers, np.nan), np.zeros(self.n_buyers)

    # What was bought

    @cached_property
    def _bought(self) -> Bools:
        assert self.transactions is not None
        return is_purchase(self.transactions)

    @cached_property
    def _lately(self) -> Ints:
        """Rows of the last dozen purchase days of each buyer."""
        assert self.transactions is not None
        rows = np.flatnonzero(self._bought)
        buyer, day = self.transactions.buyer[rows], self.transactions.day[rows]
        new = np.ones(len(rows), dtype=bool)
        new[1:] = (buyer[1:] != buyer[:-1]) | (day[1:] != day[:-1])
        number = np.cumsum(new)
        last = np.zeros(self.n_buyers, dtype=np.int64)
        last[buyer] = number
        return np.asarray(rows[number > last[buyer] - LAST_DAYS])

    def _n_days(self, rows: Ints) -> Floats:
        """Purchase days of each buyer among some rows."""
        assert self.transactions is not None
        key = self.transactions.buyer[rows].astype(np.int64) * 10_000_000 + self.transactions.day[rows]
        days = np.unique(key)
        return np.bincount(days // 10_000_000, minlength=self.n_buyers).astype(np.float64)

    @cached_property
    def served(self) -> Needs:
        """The needs served on each buyer's last dozen days of buying or being billed."""
        return Needs.known(self.n_buyers, (self.transactions, self.bills), LAST_DAYS)

    @property
    def needs(self) -> tuple[Ints, Ints, Ints]:
        """Buyer, need (a code of category) and days of it, of the last dozen days."""
        return self.served.counts

    @property
    def _breadth(self) -> tuple[Floats, Floats]:
        buyer, _, n = self.needs
        if not len(buyer):
            return self._unseen
        total = np.bincount(buyer, n, self.n_buyers)
        weighed = np.rint(n * np.log(np.maximum(n, 1)) * FIXED_POINT)
        some = np.maximum(total, 1)
        nats = np.log(some) - np.bincount(buyer, weighed, self.n_buyers) / FIXED_POINT / some
        chances = np.maximum(np.minimum(self.served.n_days, total - 1), 0.0)
        return np.asarray(1 - np.exp(-np.maximum(nats, 0.0))), chances / (chances + WORTH_OF_DAYS)

    @property
    def _full_price(self) -> tuple[Floats, Floats]:
        reduced = self._reduced
        if reduced is None or self.transactions is None:
            return self._unseen
        rows = self._lately[~np.isnan(reduced[self._lately])]
        buyer = self.transactions.buyer[rows]
        n = np.bincount(buyer, minlength=self.n_buyers)
        n_reduced = np.bincount(buyer[reduced[rows] == 1], minlength=self.n_buyers)
        days = self._n_days(rows)
        return 1 - n_reduced / np.maximum(n, 1), days / (days + WORTH_OF_DAYS)

    @property
    def _reduced(self) -> Floats | None:
        """1 where a line was bought at a discount, 0 where not, NaN unknown; None where no discounts are recorded.

        An empty cell is unknown, not none: a column that began later says nothing of the lines before it.
        """
        assert self.transactions is None or self.transactions.columns is not None
        if self.transactions is None:
            return None
        columns = self.transactions.columns
        if "discount" not in columns:
            return self._below_list_price
        discount = columns["discount"]
        told = np.where(np.isnan(discount), np.nan, (discount != 0).astype(np.float64))
        listed = self._below_list_price
        return told if listed is None else np.where(np.isnan(told), listed, told)

    @property
    def _below_list_price(self) -> Floats | None:
        """The same, told by the list price; None where there is none."""
        assert self.transactions is not None
        columns = self.transactions.columns
        if "list_price" not in columns or "amount" not in columns:
            return None
        quantity = columns.get("quantity")
        worth = columns["list_price"] * (1.0 if quantity is None else quantity)
        known = (worth > 0) & ~np.isnan(columns["amount"])
        return np.where(known, (columns["amount"] < DISCOUNTED * worth).astype(np.float64), np.nan)

    # What was said

    @property
    def asked(self) -> Bools:
        """Contacts that the buyer alone started, bringing no trouble and filling in no form: questions, advice asked."""
        assert self.contacts is not None
        return self.contacts.asked & ~self.contacts.kind(*TROUBLE) & ~self.contacts.on_a_form

    @cached_property
    def n_asked(self) -> Floats:
        """Such contacts of the last year."""
        if self.contacts is None:
            return np.zeros(self.n_buyers)
        end = self._ends[self.contacts.buyer]
        day = self.contacts.events.day
        recent = (day > end - 1 - VOICE_DAYS) & (day <= end)
        return self.contacts.count(self.asked & recent)

    @cached_property
    def _days_known(self) -> Floats:
        """Days since the first purchase, contract or contact, at most a year."""
        first = self._ends.copy()
        contacted = None if self.contacts is None else self.contacts.events
        for events in (self.transactions, self.contracts, contacted):
            if events is not None:
                np.minimum.at(first, events.buyer, events.day.astype(np.int64))
        return np.asarray(np.clip(self._ends - first, 0, VOICE_DAYS).astype(np.float64))

    @property
    def _own_voice(self) -> tuple[Floats, Floats]:
        if self.contacts is None:
            return self._unseen
        days = self._days_known
        a_year = self.n_asked * VOICE_DAYS / np.maximum(days, WORTH_OF_VOICE)
        return np.minimum(a_year / VOICES_A_YEAR, 1.0), days / (days + WORTH_OF_VOICE)

    @cached_property
    def n_referred(self) -> Floats:
        """Referrals made."""
        if self.contacts is None:
            return np.zeros(self.n_buyers)
        return self.contacts.count(
            self.contacts.kept & self.contacts.kind("referral") & ~self.contacts.outbound
        )

    @property
    def _word_of_mouth(self) -> tuple[Floats, Floats]:
        if self.contacts is None:
            return self._unseen
        return 1 - 0.5**self.n_referred, np.where(self.n_referred > 0, 1.0, UNSAID)

    # What was gone through

    @cached_property
    def shocks(self) -> Shocks:
        """Price rises, complaints and changes of owner, and who stayed after them."""
        return Shocks.known(self.n_buyers, self.as_of, self.transactions, self.contacts, self.contracts)

    @property
    def _staying(self) -> tuple[Floats, Floats]:
        n = self.shocks.stayed + self.shocks.left
        return self.shocks.stayed / np.maximum(n, 1), USUAL * (1 - 0.5**n)

    @cached_property
    def n_renewed(self) -> Floats:
        """Terms renewed."""
        if self.contracts is None:
            return np.zeros(self.n_buyers)
        return np.bincount(self.contracts.buyer[renews(self.contracts)], minlength=self.n_buyers).astype(
            float
        )

    @property
    def _commitment(self) -> tuple[Floats, Floats]:
        if self.contracts is None:
            return self._unseen
        over = stop_days(self.contracts) <= self._today
        n_over = np.bincount(self.contracts.buyer[over], minlength=self.n_buyers)
        seen = np.maximum(n_over, self.n_renewed)
        return 1 - 0.5**self.n_renewed, USUAL * (1 - 0.5**seen)

    @property
    def _share_of_wallet(self) -> tuple[Floats, Floats]:
        if self.share_of_wallet is not None:
            return np.clip(self.share_of_wallet, 0.0, 1.0), (~np.isnan(self.share_of_wallet)).astype(float)
        if self.wallet is None or self.transactions is None or "amount" not in self.transactions.columns:
            return self._unseen
        recent = self.transactions.time >= self.as_of - VOICE_DAYS * MICROSECONDS_A_DAY
        cents = np.rint(np.nan_to_num(self.transactions.columns["amount"][recent]) * 100)
        spent = np.bincount(self.transactions.buyer[recent], cents, self.n_buyers) / 100
        days = self._days_known
        known = (self.wallet > 0) & (days > 0)
        a_year = np.maximum(spent, 0.0) * VOICE_DAYS / np.maximum(days, WORTH_OF_VOICE)
        share = a_year / np.where(known, self.wallet, 1.0)
        return np.minimum(share, 1.0), np.where(known, days / (days + WORTH_OF_VOICE), 0.0)


def _masked(value: Floats, coverage: Floats) -> tuple[Floats, Floats]:
    coverage = np.where(np.isnan(value), 0.0, coverage)
    return np.where(coverage > 0, value, np.nan), coverage
