"""The questions an owner should ask of the business, answered with the figures of the histories."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from clientcare.care.check_ins import CheckIns
from clientcare.care.complaints import known_resolved
from clientcare.care.practices import RENEWAL_DAYS_AHEAD, n_between
from clientcare.facts.contacts import Contacts, Ints
from clientcare.history.histories import Histories
from clientcare.outcomes.buying import Buying
from clientcare.window import MICROSECONDS_A_DAY, day_number, microseconds

YES, NO = 70.0, 40.0
"""From this many per cent on the answer is yes; below that many it is no; between them it is partly."""

ENDS_AHEAD_DAYS = 90


def self_audit(
    histories: Histories,
    as_of: pd.Timestamp,
    buyers: pd.DataFrame,
    bond: pd.Series[Any],
    period_days: int,
    cadence_days: int,
) -> pd.DataFrame:
    """The self-audit questions with an answer and its figures.

    Parameters
    ----------
    histories : Histories
        Any of its tables may be missing.
    as_of : Timestamp
        Exclusive.
    buyers : DataFrame
        What :func:`clientcare.care.practices.care_practices` gives.
    bond : Series
        What :func:`clientcare.care.practices.in_care` gives.
    period_days, cadence_days : int
        The stretch looked at, and how often a contact is due.

    Returns
    -------
    DataFrame, index ``question``: ``answer`` (yes from 70 % on, no below 40 %, partly between, or cannot be
    seen), ``percent`` (what the answer rests on, NaN where it cannot be seen), ``figures`` (in words) and
    ``would_change`` (what would make the answer a better one).
    """
    moment = microseconds(as_of)
    buying, contacts = Buying.known(histories, moment), Contacts.known(histories, moment)
    here = histories.buyer_ids.get_indexer(buyers.index)
    rows = {
        "Do you look out for their interest beyond the purchase?": _beyond(buyers, period_days),
        "Do they hear that you do?": _hear(histories, as_of, buyers.index, contacts, cadence_days),
        "Do you take the first step?": _first_step(buyers),
        "Is service always good?": _service(buyers, contacts, histories.buyer_ids),
        "Does the relationship deepen?": _deepens(buyers),
        "Would they say they are in your care?": _bond(bond.reindex(buyers.index), period_days),
        "Is communication two-way?": _two_way(buyers),
        "Would they send you a friend?": _refer(buyers),
        "Is nobody surprised at the end of a term?": _ends(buying, contacts, as_of, here),
    }
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["percent", "figures"])
    table.index.name = "question"
    table.insert(0, "answer", [_answer(percent) for percent in table["percent"]])
    asked = zip(map(str, table.index), table["percent"].tolist(), strict=True)
    table["would_change"] = [_would_change(question, percent, len(buyers)) for question, percent in asked]
    return table


def audit_by_group(
    histories: Histories,
    as_of: pd.Timestamp,
    buyers: pd.DataFrame,
    bond: pd.Series[Any],
    groups: pd.Series[Any],
    period_days: int,
    cadence_days: int,
) -> pd.DataFrame:
    """The self-audit of each owner's or segment's own buyers; index (group, ``question``).

    Parameters
    ----------
    histories, as_of, buyers, bond, period_days, cadence_days
        As in :func:`self_audit`.
    groups : Series of texts, indexed by ``buyer_id``
        The group of each buyer; its name is that of the index level.
    """
    mine = groups.reindex(buyers.index)
    tables = {
        group: self_audit(
            histories, as_of, buyers[(mine == group).to_numpy()], bond, period_days, cadence_days
        )
        for group in sorted(mine.unique())
    }
    if not tables:
        index = pd.MultiIndex.from_arrays([[], []], names=[str(groups.name), "question"])
        return self_audit(histories, as_of, buyers, bond, period_days, cadence_days).iloc[:0].set_axis(index)
    joined: pd.DataFrame = pd.concat(tables, names=[str(groups.name), "question"])
    return joined


_REMEDIES = {
    "Do you look out for their interest beyond the purchase?": "a contact not about a sale",
    "Do they hear that you do?": "a contact of your own within the cadence",
    "Do you take the first step?": "a first step in every stretch and kept check-ins",
    "Is service always good?": "better ratings, prompt answers and solved complaints",
    "Does the relationship deepen?": "a relation no shallower than a period ago",
    "Would they say they are in your care?": "a two-way contact",
    "Is communication two-way?": "a stretch in which both speak",
    "Would they send you a friend?": "a referral: ask for one",
    "Is nobody surprised at the end of a term?": "a talk about the end, half a year to a month ahead",
}
"""What a buyer needs for the answer to a question to become a better one."""

_RECORDS = {
    "Do you look out for their interest beyond the purchase?": "advice, training, events and check-ins",
    "Is service always good?": "ratings, answers and closings",
    "Does the relationship deepen?": "an earlier period",
    "Would they send you a friend?": "referrals made and asked for",
    "Is nobody surprised at the end of a term?": "contracts with their ends, and talks about them",
}
"""What is to be recorded where a question cannot be answered; contacts with who started them for all others."""


def _would_change(question: str, percent: float, n_buyers: int) -> str:
    if np.isnan(percent):
        return f"record {_RECORDS.get(question, 'contacts, and who started them')}"
    if percent >= YES:
        return f"holds until it falls below {YES:.0f} %"
    aim, word = (YES, "yes") if percent >= NO else (NO, "partly")
    more = int(np.ceil((aim - percent) / 100 * n_buyers))
    return f"{_REMEDIES[question]} for about {more:,} more of {n_buyers:,} buyers: {word}"


def _answer(percent: float) -> str:
    if np.isnan(percent):
        return "cannot be seen"
    return "yes" if percent >= YES else "no" if percent < NO else "partly"


def _percent(part: float, whole: float) -> float:
    return float(100 * part / whole) if whole else np.nan


def _of(part: float, whole: float) -> str:
    return f"{int(part):,} of {int(whole):,}"


def _beyond(buyers: pd.DataFrame, period_days: int) -> tuple[float, str]:
    if "n_beyond" not in buyers:
        return np.nan, "no care beyond a sale is recorded"
    seen = buyers["beyond"].notna().sum()
    reached = (buyers["n_beyond"] > 0).sum()
    return _percent(reached, seen), (
        f"{_of(reached, seen)} buyers had a contact not about a sale within {period_days} days "
        f"({int(buyers['n_beyond'].sum()):,} such contacts, {int(buyers['n_offers'].sum()):,} offers)"
    )


def _hear(
    histories: Histories,
    as_of: pd.Timestamp,
    here: pd.Index,
    contacts: Contacts | None,
    cadence_days: int,
) -> tuple[float, str]:
    if contacts is None or not contacts.shows_care:
        return np.nan, "no care by the seller is recorded"
    sure = CheckIns(contacts).sure
    here_at = histories.buyer_ids.get_indexer(here)
    known, unasked = (
        pd.Series((microseconds(as_of) - contacts.last_time(rows & sure)) / MICROSECONDS_A_DAY).iloc[here_at]
        for rows in (contacts.heard, contacts.care_by_seller)
    )
    heard, first = int((known <= cadence_days).sum()), int((unasked <= cadence_days).sum())
    never = known.isna().sum()
    middle = (
        f"half of those ever contacted heard within {known.median():.0f} days; "
        if known.notna().any()
        else ""
    )
    return _percent((heard + first) / 2, len(known)), (
        f"{_of(heard, len(known))} buyers heard from you within the last {cadence_days} days, {first:,} of them unasked "
        f"and the others as an answer alone, which counts half; {middle}{never:,} never did"
    )


def _first_step(buyers: pd.DataFrame) -> tuple[float, str]:
    if "n_outbound" not in buyers:
        return np.nan, "no care by the seller is recorded"
    out, both, back = (int(buyers[name].sum()) for name in ("n_outbound", "n_mutual", "n_inbound"))
    kept, missed = (int(buyers[name].sum()) for name in ("n_check_ins_kept", "n_check_ins_missed"))
    percent = float(buyers["proactive"].mean()) if buyers["proactive"].notna().any() else np.nan
    return percent, (
        f"{out:,} contacts were started by you, {both:,} by both, {back:,} by buyers; "
        f"{kept:,} check-ins kept, {missed:,} missed; a first step by you in "
        f"{_of(buyers['n_stretches_first'].sum(), buyers['n_stretches'].sum())} stretches in which one was due"
    )


def _two_way(buyers: pd.DataFrame) -> tuple[float, str]:
    if buyers["two_way"].isna().all():
        return np.nan, "one of the two voices is not recorded"
    both, all_of_them = buyers["n_stretches_both"].sum(), buyers["n_stretches"].sum()
    return float(buyers["two_way"].mean()), (
        f"{_of(both, all_of_them)} stretches in which both spoke; buyers spoke "
        f"{int(buyers['n_buyer_spoke'].sum()):,} times, you {int(buyers['n_seller_spoke'].sum()):,} times"
    )


def _service(buyers: pd.DataFrame, contacts: Contacts | None, buyer_ids: pd.Index[Any]) -> tuple[float, str]:
    percent = float(buyers["service"].mean()) if buyers["service"].notna().any() else np.nan
    parts = []
    if "n_rated" in buyers and buyers["n_rated"].sum():
        rated = buyers["n_rated"].sum()
        mean = float((buyers["mean_satisfaction"] * buyers["n_rated"]).sum() / rated)
        parts.append(f"satisfaction {mean:.2f} of 1 over {int(rated):,} ratings")
    if "n_asked" in buyers and buyers["n_asked"].sum():
        parts.append(
            f"{_of(buyers['n_answered'].sum(), buyers['n_asked'].sum())} contacts by buyers answered"
        )
    if "n_timed" in buyers and buyers["n_timed"].sum():
        parts.append(f"{_of(buyers['n_prompt'].sum(), buyers['n_timed'].sum())} answers within a day")
    if contacts is not None and contacts.trouble.any():
        mine = buyer_ids.isin(buyers.index)[contacts.buyer]
        still_open = (contacts.trouble & (known_resolved(contacts) == 0) & mine).sum()
        parts.append(f"{int(still_open):,} complaints and tickets open")
    if buyers["amount_returned"].sum():
        returned = _percent(buyers["amount_returned"].sum(), buyers["amount_bought"].sum())
        parts.append(f"{returned:.1f} % of what was bought came back")
    return percent, "; ".join(parts) or "no ratings, answers, complaints or returns are recorded"


def _deepens(buyers: pd.DataFrame) -> tuple[float, str]:
    known = buyers["deepening"].dropna()
    if known.empty:
        return np.nan, "no earlier period to compare with"
    deeper = (known >= 50).sum()
    return _percent(
        deeper, len(known)
    ), f"{_of(deeper, len(known))} relations are at least as deep as a period earlier"


def _bond(bond: pd.Series[Any], period_days: int) -> tuple[float, str]:
    known = bond.dropna()
    if known.empty:
        return np.nan, "neither two-way contacts nor contracts are recorded"
    return _percent(known.sum(), len(known)), (
        f"{_of(known.sum(), len(known))} buyers had a two-way contact in {period_days} days or a contract"
    )


def _refer(buyers: pd.DataFrame) -> tuple[float, str]:
    if buyers["word_of_mouth"].isna().all():
        return np.nan, "no referrals are recorded"
    made = (buyers["n_referrals"] > 0).sum()
    return _percent(made, len(buyers)), (
        f"{_of(made, len(buyers))} buyers have referred somebody; "
        f"{int((buyers['n_referrals_asked'] > 0).sum()):,} were ever asked to"
    )


def _ends(buying: Buying, contacts: Contacts | None, as_of: pd.Timestamp, here: Ints) -> tuple[float, str]:
    if buying.contracts is None:
        return np.nan, "no contracts are recorded"
    ahead = buying.covered_until_day - day_number(as_of)
    mine = np.zeros(buying.n_buyers, dtype=bool)
    mine[here] = True
    soon = np.flatnonzero(mine & (ahead <= ENDS_AHEAD_DAYS) & (buying.term_days > ENDS_AHEAD_DAYS))
    if contacts is None or not len(soon):
        return np.nan, f"{len(soon):,} contracts end within {ENDS_AHEAD_DAYS} days; talks " + (
            "are not recorded" if contacts is None else "are not needed yet"
        )
    end = buying.covered_until_day[soon]
    talks = contacts.renewal_talks
    talked = int((n_between(soon, end - RENEWAL_DAYS_AHEAD, end, contacts, talks) > 0).sum())
    return _percent(talked, len(soon)), (
        f"{_of(talked, len(soon))} buyers whose last contract ends within {ENDS_AHEAD_DAYS} days "
        "are known to have been talked to about it"
    )
