"""What comes up: every end of a contract ahead, its chance of renewal and its amount, and what months will bring."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clientcare.exceptions import NotEnoughDataError
from clientcare.facts.contacts import Contacts
from clientcare.history import Histories, require_histories
from clientcare.model import RelationshipModel
from clientcare.money.groups import owners_of
from clientcare.money.past_ends import PastEnds, Terms, moved_together, renewal_grace_days
from clientcare.window import MICROSECONDS_A_DAY, Days, Moment, microseconds, parse_days, parse_moment

N_DRAWS = 4000
"""Draws behind an interval: its ends move by less than a hundredth of its width from one seed to the next."""
LEVEL = (0.05, 0.95)


@dataclass(frozen=True)
class Renewals:
    """What comes up, as of a date.

    Attributes
    ----------
    as_of : Timestamp
    ends : DataFrame, one row an end of a contract, soonest first
        ``buyer_id``, ``end`` (the last day), ``amount`` (a month; NaN: not recorded), ``plan``, ``chance`` (that the buyer
        is under contract after it), ``chance_from`` (``signed``: a further term is recorded; ``cancelled``; ``model``;
        ``past ends``: beyond the model's horizon, the share of past ends that were followed by a term), ``owner``,
        ``last_word`` (when the buyer last spoke; what was sent to a buyer, and a call that reached nobody, is none).
    months : DataFrame, index ``month`` (its last day)
        ``n_ends``, ``amount`` (a month, all that comes up), ``expected`` (of it kept), ``low`` and ``high`` (90 % of
        what may come), ``n_expected``, ``n_low``, ``n_high`` (the same, counted).
    """

    as_of: pd.Timestamp
    ends: pd.DataFrame
    months: pd.DataFrame

    def __repr__(self) -> str:
        total, kept = self.ends["amount"].sum(), self.months["expected"].sum()
        return (
            f"Renewals as of {self.as_of:%Y-%m-%d}: {len(self.ends):,} contracts end, {total:,.0f} a month; "
            f"{kept:,.0f} of it expected to stay"
        )


def renewals(
    model: RelationshipModel,
    histories: Histories,
    as_of: Moment | None = None,
    *,
    ahead: Days = "365D",
    random_state: int = 0,
) -> Renewals:
    """Every end of a contract ahead, and what the months will bring.

    The chance of an end within the model's horizon is one less the buyer's churn risk; of later ends it is the share of
    past ends of the plan that were followed by a term, drawn to that of all plans where few were seen, times the chance
    that the term is not cancelled before. The interval of a
    month holds the chance of single ends, the moves that all ends of a month have made together in the past, and how
    well the share is known from as many ends as were seen.

    Parameters
    ----------
    model : RelationshipModel
        Fitted.
    histories : Histories
        With contracts.
    as_of : date, optional
        Nothing at or after it is seen; default: the end of what was observed.
    ahead : days
        How far to look.
    random_state : int
        The draws behind the intervals.

    Returns
    -------
    Renewals

    Raises
    ------
    NotEnoughDataError
        Where no contract that is known has an end.

    Examples
    --------
    >>> import clientcare as cc
    >>> firm = cc.datasets.simulate_histories("service_firm", n_buyers=80, random_state=3).histories
    >>> model = cc.RelationshipModel(horizon="90D", effort="quick", random_state=0).fit(firm, as_of="2024-03-01")
    >>> coming = cc.renewals(model, firm, "2024-03-01")
    >>> coming.months.columns.tolist()
    ['n_ends', 'amount', 'expected', 'low', 'high', 'n_expected', 'n_low', 'n_high']
    """
    require_histories(histories, "renewals")
    moment = histories.observed_until if as_of is None else parse_moment(as_of, histories.timezone)
    days = parse_days(ahead, "ahead")
    known = histories.until(moment)
    terms = Terms.of(known)
    if terms is None or not terms.has_end.any():
        raise NotEnoughDataError(
            "renewals: no contract that is known has an end.\nGive contracts with a column 'end' (its last day)."
        )
    now = microseconds(moment)
    past = PastEnds.of(terms, now)
    ends = _ends_ahead(terms, known, now, days)
    _add_chances(ends, terms, past, model, histories, moment)
    ends = ends.sort_values(["end", "_buyer", "_row"], ignore_index=True)
    months = _by_month(ends, past, random_state)
    return Renewals(moment, ends.drop(columns=["_buyer", "_row"]), months)


def _ends_ahead(terms: Terms, known: Histories, now: int, days: int) -> pd.DataFrame:
    """The ends that lie ahead of contracts in force, without chances."""
    last = now + days * 86_400_000_000
    rows = np.flatnonzero(terms.in_force(now) & (terms.stop >= now) & (terms.stop < last))
    buyer = terms.buyer[rows]
    owner, last_word = owners_of(known), _last_words(known)
    return pd.DataFrame(
        {
            "buyer_id": known.buyer_ids.take(buyer),
            "end": (terms.stop[rows] - 1)
            .astype("datetime64[us]")
            .astype("datetime64[D]")
            .astype("datetime64[us]"),
            "amount": terms.amount[rows],
            "plan": [terms.plans[code] for code in terms.plan[rows]],
            "chance": np.nan,
            "chance_from": "past ends",
            "owner": np.asarray(owner, dtype=object)[buyer],
            "last_word": last_word[buyer].astype("datetime64[us]"),
            "_buyer": buyer,
            "_row": rows,
        }
    )


def _add_chances(
    ends: pd.DataFrame,
    terms: Terms,
    past: PastEnds,
    model: RelationshipModel,
    histories: Histories,
    moment: pd.Timestamp,
) -> None:
    rows = ends["_row"].to_numpy()
    days_ahead = (terms.stop[rows] - microseconds(moment)) / MICROSECONDS_A_DAY
    chance = past.chance(terms.plan[rows], days_ahead)
    source = np.full(len(ends), "past ends", dtype=object)
    book = model.score(histories, as_of=moment)
    risk = book["churn_risk"].reindex(ends["buyer_id"]).to_numpy(dtype=float)
    within = terms.stop[rows] < microseconds(moment) + int(book["horizon_days"].iloc[0]) * 86_400_000_000
    told = within & np.isfinite(risk)
    chance[told], source[told] = 1 - risk[told], "model"
    given_up = terms.cancelled[rows]
    chance[given_up], source[given_up] = 0.0, "cancelled"
    signed = terms.followed(rows, renewal_grace_days(terms, rows))
    chance[signed], source[signed] = 1.0, "signed"
    ends["chance"], ends["chance_from"] = chance, source


def _last_words(known: Histories) -> NDArray[np.int64]:
    """The moment at which each buyer last spoke; not a time where that never was."""
    latest = np.full(len(known.buyer_ids), np.iinfo(np.int64).min, dtype=np.int64)
    events = known.events("interactions")
    if events is not None:
        contacts = Contacts(events, np.iinfo(np.int64).max)
        rows = contacts.kept & (contacts.voiced | ~contacts.outbound)
        np.maximum.at(latest, events.buyer[rows], events.time[rows])
    return latest


def _by_month(ends: pd.DataFrame, past: PastEnds, random_state: int) -> pd.DataFrame:
    """Totals of each month, with 90 % of what may come."""
    random = np.random.default_rng(random_state)
    label = ends["end"].dt.to_period("M")
    found: list[dict[str, Any]] = []
    for number in range(_month_number(label.min()), _month_number(label.max()) + 1) if len(ends) else ():
        month = pd.Period(ordinal=number, freq="M")
        of = ends[label == month]
        chance, amount = of["chance"].to_numpy(), np.nan_to_num(of["amount"].to_numpy())
        shift = random.normal(0.0, past.together_sd, (N_DRAWS, 1))
        stays = random.random((N_DRAWS, len(of))) < moved_together(chance, shift[:, 0]).T
        money = np.quantile(stays @ amount, LEVEL)
        count = _shortest(stays.sum(axis=1))
        found.append(
            {
                "month": month.end_time.normalize(),
                "n_ends": len(of),
                "amount": float(amount.sum()),
                "expected": float((chance * amount).sum()),
                "low": float(money[0]),
                "high": float(money[1]),
                "n_expected": float(chance.sum()),
                "n_low": float(count[0]),
                "n_high": float(count[1]),
            }
        )
    columns = ["n_ends", "amount", "expected", "low", "high", "n_expected", "n_low", "n_high"]
    if not found:
        return pd.DataFrame(columns=columns, index=pd.DatetimeIndex([], name="month"))
    return pd.DataFrame(found).set_index("month")


def _shortest(counts: NDArray[np.int64]) -> tuple[int, int]:
    """The shortest run of whole numbers that holds at least 90 % of the draws; of several the likeliest.

    Quantiles of a few ends would hold nearly all of them: a whole number is counted in on both sides.

    Examples
    --------
    >>> _shortest(np.array([3] * 5 + [4] * 60 + [5] * 35))
    (4, 5)
    """
    below = np.concatenate([[0], np.cumsum(np.bincount(counts))])
    wanted = (LEVEL[1] - LEVEL[0]) * len(counts)
    for width in range(1, len(below)):
        held = below[width:] - below[:-width]
        if held.max() >= wanted - 1e-9:
            low = int(np.argmax(held))
            return low, low + width - 1
    return 0, len(below) - 2


def _month_number(month: Any) -> int:
    return int(month.ordinal)
