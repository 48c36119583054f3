"""The seller's own report card: five practices from 0 to 100, by buyer, by owner or segment, and for the
seller.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from string import Formatter
from typing import Any

import numpy as np
import pandas as pd

from clientcare.care.practices import MEASURES, WHOLE, care_practices, in_care, in_relation, last_owner
from clientcare.care.record import recorded_less
from clientcare.care.self_audit import audit_by_group, self_audit
from clientcare.exceptions import OptionError
from clientcare.history.histories import Histories, require_histories
from clientcare.window import Days, Moment, microseconds, parse_days, parse_moment

OVERALL = "overall"


@dataclass(frozen=True, eq=False, repr=False)
class CareReport:
    """What :func:`care_report` found.

    Attributes
    ----------
    seller : DataFrame, index ``practice``
        ``score`` (0 to 100, mean over the buyers for whom it could be seen), ``coverage`` (share of buyers
        for whom it could), ``n_buyers_seen``, ``n_buyers``, ``previous`` (the score one period earlier),
        ``trend`` (score less previous), ``record`` (how much of what it rests on was written down, against the period
        before; where that fell by half and more the score is at most what it was, and ``evidence`` says so) and
        ``evidence`` (the counts behind, in words).
    by : DataFrame or None, index (group, ``practice``)
        The same for each owner or segment; None where none was asked for.
    buyers : DataFrame, index ``buyer_id``
        The measures of each buyer, ``overall``, and the counts behind.
    questions : DataFrame, index ``question``
        The self-audit: ``answer`` (yes, partly, no, cannot be seen), the ``figures`` it rests on, and what
        ``would_change`` it.
    as_of : Timestamp
    period_days, cadence_days : int
    grouped_by : str or None
    questions_by : DataFrame or None, index (group, ``question``)
        The self-audit of each owner's or segment's own buyers; None where no group was asked for.
    """

    seller: pd.DataFrame
    by: pd.DataFrame | None
    buyers: pd.DataFrame
    questions: pd.DataFrame
    as_of: pd.Timestamp
    period_days: int
    cadence_days: int
    grouped_by: str | None = field(default=None)
    questions_by: pd.DataFrame | None = field(default=None)

    @property
    def title(self) -> str:
        """One line that says what the report speaks of."""
        return (
            f"Care report as of {self.as_of:%Y-%m-%d}: {self.period_days} days, a contact due every "
            f"{self.cadence_days} days, {len(self.buyers):,} buyers"
        )

    def __repr__(self) -> str:
        card = self.seller[["score", "trend", "coverage", "evidence"]].copy()
        card["score"], card["trend"] = card["score"].round(1), card["trend"].round(1)
        card["coverage"] = card["coverage"].round(3)
        lines = [f"{row.Index} {row.answer}: {row.figures}" for row in self.questions.itertuples()]
        return "\n".join([self.title, "", card.to_string(max_colwidth=100), "", *lines])

    def _repr_html_(self) -> str:
        shown = self.seller[["score", "previous", "trend", "coverage", "evidence"]]
        card = _html_table(
            shown, {"score": "{:.1f}", "previous": "{:.1f}", "trend": "{:+.1f}", "coverage": "{:.0%}"}
        )
        questions = _html_table(self.questions, {"percent": "{:.1f}"})
        return f"<p>{escape(self.title)}</p>{card}{questions}"


def care_report(
    histories: Histories,
    as_of: Moment,
    period: Days = "90D",
    cadence: Days = "30D",
    by: str | pd.Series[Any] | None = None,
) -> CareReport:
    """Are we taking care? Five practices, two-way communication and word of mouth, each from 0 to 100.

    The score of a group, and of the seller, is the mean over its buyers for whom the practice could be seen;
    ``coverage`` is their share. ``overall`` is the mean of the five practices and of two-way communication, as far
    as they are known; where a measure that was known one period earlier no longer is, it is at most what it was
    then, and so is a measure of which much less was written down: to record less
    raises nothing. The formulas stand with the functions of :mod:`clientcare.care.measures`.

    The buyers are those in relation at any moment of the period: who left within it counts until then, who was gone
    before does not.

    Parameters
    ----------
    histories : Histories
        Any of its tables may be missing; what cannot be seen then is NaN.
    as_of : date
        Exclusive; only what was known before it is used.
    period : days, default 90
        The stretch looked at; the trend compares with the stretch of the same length before it.
    cadence : days, default 30
        How often a buyer should at least hear from the seller.
    by : str or Series, optional
        A column of the buyers' table (``"segment"``), ``"owner"`` (of the buyers' table, else of the latest
        contact), or a Series indexed by ``buyer_id``.

    Returns
    -------
    CareReport

    Raises
    ------
    InputError
        Where the histories are none.
    OptionError
        Where ``by`` names no column of the buyers' table, or the cadence is longer than the period.

    Examples
    --------
    >>> import pandas as pd
    >>> from clientcare.history import Histories
    >>> day = pd.to_datetime(["2024-01-02", "2024-01-02"])
    >>> bought = pd.DataFrame({"buyer_id": ["a", "b"], "timestamp": day, "amount": 9.0})
    >>> talked = pd.DataFrame({"buyer_id": ["a"], "timestamp": pd.to_datetime(["2024-05-20"])})
    >>> talked = talked.assign(kind="check_in", direction="outbound")
    >>> report = care_report(Histories(bought, interactions=talked), "2024-06-01")
    >>> report.buyers["communicated"].round(1).to_dict()
    {'a': 33.3, 'b': 0.0}
    >>> float(report.seller.loc["communicated", "score"].round(1))
    16.7
    """
    require_histories(histories, "care_report")
    moment = parse_moment(as_of, histories.timezone)
    histories = histories.until(moment)
    period_days, cadence_days = parse_days(period, "period"), parse_days(cadence, "cadence")
    if cadence_days > period_days:
        raise OptionError(
            f"care_report: {cadence_days} days of cadence do not fit into a period of {period_days}.\n"
            "Lengthen the period, or shorten the cadence."
        )
    buyers = _with_overall(histories, moment, period_days, cadence_days)
    before = _before(histories, moment, period_days, cadence_days)
    groups = None if by is None else _groups(histories, moment, by)
    bond = in_care(histories, moment, period_days)
    return CareReport(
        seller=_card(buyers, before),
        by=None if groups is None else _cards(buyers, before, groups),
        buyers=buyers,
        questions=self_audit(histories, moment, buyers, bond, period_days, cadence_days),
        as_of=moment,
        period_days=period_days,
        cadence_days=cadence_days,
        grouped_by=None if groups is None else str(groups.name),
        questions_by=None
        if groups is None
        else audit_by_group(histories, moment, buyers, bond, groups, period_days, cadence_days),
    )


def _with_overall(
    histories: Histories, as_of: pd.Timestamp, period_days: int, cadence_days: int
) -> pd.DataFrame:
    """The measures of the buyers in relation within the period, and their mean."""
    here = in_relation(histories, as_of, period_days)
    buyers = care_practices(histories, as_of, period_days, cadence_days).loc[here]
    buyers.insert(len(MEASURES), OVERALL, buyers[list(WHOLE)].mean(axis=1))
    return buyers


def _before(
    histories: Histories, as_of: pd.Timestamp, period_days: int, cadence_days: int
) -> pd.DataFrame | None:
    """The same table one period earlier; None where that period was not observed in full."""
    earlier = as_of - pd.Timedelta(days=period_days)
    if earlier - pd.Timedelta(days=period_days) < histories.observed_from:
        return None
    return _with_overall(histories, earlier, period_days, cadence_days)


def _card(buyers: pd.DataFrame, before: pd.DataFrame | None) -> pd.DataFrame:
    """One row a measure, for all buyers of a table."""
    measures = [*MEASURES, OVERALL]
    scores = buyers[measures]
    previous = scores.iloc[:0].mean() if before is None else before[measures].mean()
    mean = scores.mean()
    record = {measure: recorded_less(buyers, before, measure) for measure in MEASURES}
    for measure, (_, said) in record.items():
        if said and not np.isnan(previous[measure]):
            mean[measure] = np.fmin(mean[measure], previous[measure])
    mean[OVERALL], previous[OVERALL] = mean[list(WHOLE)].mean(), previous[list(WHOLE)].mean()
    if (mean[list(WHOLE)].isna() & previous[list(WHOLE)].notna()).any():
        mean[OVERALL] = np.fmin(mean[OVERALL], previous[OVERALL])
    told = [evidence(buyers, measure) for measure in measures]
    lessened = [record[measure][1] if measure in record else "" for measure in measures]
    card = pd.DataFrame(
        {
            "score": mean,
            "coverage": scores.notna().sum() / max(len(buyers), 1),
            "n_buyers_seen": scores.notna().sum(),
            "n_buyers": len(buyers),
            "previous": previous,
            "trend": mean - previous,
            "record": [record[measure][0] if measure in record else np.nan for measure in measures],
            "evidence": [
                f"{less}; {text}" if less else text for less, text in zip(lessened, told, strict=True)
            ],
        }
    )
    card.index.name = "practice"
    return card


def _cards(buyers: pd.DataFrame, before: pd.DataFrame | None, groups: pd.Series[Any]) -> pd.DataFrame:
    """A card for each group, groups in the order of their names; buyers of no group under ``(unknown)``."""
    mine = groups.reindex(buyers.index)
    theirs = None if before is None else groups.reindex(before.index)
    cards = {}
    for group in sorted(mine.unique()):
        earlier = None if before is None or theirs is None else before[(theirs == group).to_numpy()]
        cards[group] = _card(buyers[(mine == group).to_numpy()], earlier)
    if not cards:
        index = pd.MultiIndex.from_arrays([[], []], names=[str(groups.name), "practice"])
        return _card(buyers, None).iloc[:0].set_axis(index)
    joined: pd.DataFrame = pd.concat(cards, names=[str(groups.name), "practice"])
    return joined


def _groups(histories: Histories, as_of: pd.Timestamp, by: str | pd.Series[Any]) -> pd.Series[Any]:
    if isinstance(by, pd.Series):
        groups = by.reindex(histories.buyer_ids).rename(str(by.name or "group"))
    elif isinstance(by, str) and histories.buyers is not None and by in histories.buyers and by != "owner":
        groups = histories.buyers[by].reindex(histories.buyer_ids)
    elif isinstance(by, str) and by == "owner":
        groups = last_owner(histories, microseconds(as_of))
    else:
        found = (
            "no buyers' table" if histories.buyers is None else ", ".join(map(repr, histories.buyers.columns))
        )
        raise OptionError(
            f"care_report: by={by!r} is no column of the buyers' table (found {found}).\n"
            "Name one of its columns, 'owner', or give a Series indexed by buyer_id."
        )
    named: pd.Series[Any] = groups.astype(object).where(groups.notna(), "(unknown)").astype(str)
    return named


_EVIDENCE: Mapping[str, tuple[str, ...]] = {
    "communicated": (
        "{n_stretches_in_touch} of {n_stretches} stretches with word from the seller, {n_stretches_unasked} of them unasked",
    ),
    "proactive": (
        "{n_stretches_first} of {n_stretches} stretches with a first step by the seller",
        "{n_check_ins_kept} check-ins kept, {n_check_ins_missed} missed",
        "{n_by_face} face to face, {n_by_video} by video, {n_by_phone} by phone",
        "{n_check_ins_moved} put off",
        "{n_check_ins_unsure} without an outcome",
        "{n_outbound} contacts by the seller, {n_mutual} mutual, {n_inbound} by buyers",
        "{n_ends_foreseen} of {n_ends} ends talked about in time",
    ),
    "deepening": ("{n_deeper} buyers deeper than before, {n_shallower} shallower",),
    "service": (
        "{n_rated} ratings",
        "{n_answered} of {n_asked} answered",
        "{n_prompt} of {n_timed} within a day",
        "{n_resolved} of {n_trouble} complaints and tickets resolved",
        "{amount_returned} of {amount_bought} bought came back",
    ),
    "beyond": ("{n_beyond} contacts beyond a sale, {n_offers} offers", "{n_beyond_missed} missed"),
    "two_way": (
        "{n_stretches_both} of {n_stretches} stretches in which both spoke",
        "buyers spoke {n_buyer_spoke} times, the seller {n_seller_spoke} times",
    ),
    "word_of_mouth": (
        "{n_referrers} buyers made {n_referrals} referrals",
        "asked {n_referrals_asked} times for one",
    ),
}


def evidence(buyers: pd.DataFrame, measure: str) -> str:
    """The counts behind a measure, in words; clauses that count nothing are left out."""
    if measure == OVERALL:
        return _what_is_averaged(buyers)
    if not buyers[measure].notna().any():
        return "cannot be seen in these histories"
    sums = {
        name: float(buyers[name].sum()) for name in map(str, buyers) if name.startswith(("n_", "amount_"))
    }
    sums["n_deeper"] = float((buyers["deepening"] > 50).sum())
    sums["n_shallower"] = float((buyers["deepening"] < 50).sum())
    sums["n_referrers"] = float((buyers["n_referrals"] > 0).sum())
    clauses = []
    for clause in _EVIDENCE[measure]:
        names = [name for _, name, _, _ in Formatter().parse(clause) if name]
        if not names or any(sums.get(name, 0.0) for name in names):
            clauses.append(clause.format(**{name: f"{sums.get(name, 0.0):,.0f}" for name in names}))
    return "; ".join(clauses) or "nothing happened"


def _what_is_averaged(buyers: pd.DataFrame) -> str:
    """Which practices the overall score rests on: those that can be seen."""
    seen = [practice for practice in WHOLE if buyers[practice].notna().any()]
    if not seen:
        return "cannot be seen in these histories"
    if len(seen) == len(WHOLE):
        return "mean of the five practices and two-way communication"
    return (
        f"mean of {' and '.join(seen)} alone" if len(seen) < 3 else f"mean of {len(seen)} of the six measures"
    )


def _html_table(frame: pd.DataFrame, formats: dict[str, str]) -> str:
    def cell(name: str, value: Any) -> str:
        if isinstance(value, float) and np.isnan(value):
            return "–"
        return escape(formats[name].format(value) if name in formats else str(value))

    head = "".join(f"<th>{escape(str(name))}</th>" for name in (frame.index.name, *frame.columns))
    rows = (
        f"<tr><th>{escape(str(label))}</th>"
        + "".join(f"<td>{cell(name, value)}</td>" for name, value in zip(frame.columns, values, strict=True))
        + "</tr>"
        for label, *values in frame.itertuples()
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
