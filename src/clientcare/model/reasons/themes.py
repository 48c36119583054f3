"""Features that say the same thing speak once: the ideas behind the columns, and the words for them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from clientcare.model.reasons.comparison import resolved


@dataclass(frozen=True)
class Idea:
    """One thing that many columns say.

    Attributes
    ----------
    name : str
        ``silence``, ``purchases`` ...; a column of an explanation.
    columns : str
        A pattern of the columns that say it.
    phrases : tuple of str
        Sentences with columns in braces, and in front what must hold: ``"[overdue_ratio > 1] silent ..."``.
        The first that holds and all of whose values are known is said. ``<h>`` is the horizon in a column's
        name, ``<days>`` its length; ``<usual column:form>`` and ``[column < usual]`` compare with the usual
        buyer, and only in the direction in which the idea moves the risk.
    lowering : tuple of str
        The same where the idea speaks for staying; empty: the same sentences.
    """

    name: str
    columns: str
    phrases: tuple[str, ...]
    lowering: tuple[str, ...] = ()


_RHYTHM = (
    "buys every {gap_days_mean:.0f} days on average",
    "no rhythm of purchases yet",
)
_SPEND = (
    "spends {purchase_amount_mean:,.0f} a purchase; {total_spent:,.0f} in all",
    "no amounts are known",
)
_SEASON = (
    "bought {n_purchases_<h>_year_ago:.0f} times in the same season a year ago",
    "{purchase_share_coming_season:.0%} of earlier purchases fell in the season that comes now",
    "no whole year has been seen yet",
)
_BREADTH = (
    "buys in {n_categories:.0f} categories",
    "bought {n_products:.0f} different products",
    "bought through {n_channels:.0f} channels",
    "what was bought is not known",
)
_USE = ("used {n_usage_30d:.0f} times in 30 days", "no use is known")
_CONTACT = (
    "last contact {days_since_last_contact:.0f} days ago; {n_contacts:.0f} in all",
    "no contact was ever recorded",
)

IDEAS = (
    Idea(
        "silence",
        r"days_since_(last|previous)_purchase|silence_share.*|active_share_of_age|overdue_.*|days_overdue"
        r"|share_of_gaps_outlasted|longest_silence_days|n_months_in_a_row|n_purchases_<h>.*|n_active_thirds_<h>"
        r"|purchases_<h>_to_usual_ratio|n_purchases_decayed_<h>|active_period_share_<h>|n_active_periods_<h>",
        (
            "[overdue_ratio > 1, n_purchases <= 2] silent for {days_since_last_purchase:.0f} days; "
            "bought twice, {gap_days_median:.0f} days apart",
            "[overdue_ratio > 1] silent for {days_since_last_purchase:.0f} days; "
            "usually buys every {gap_days_median:.0f} days",
            "[n_purchases > 1, n_purchases_<h> <= 0] bought nothing in the last <days> days; "
            "usually {purchases_per_<h>:.1f} times",
            "[n_purchases > 1, purchases_<h>_to_usual_ratio <= 0.9] bought {n_purchases_<h>:.0f} times "
            "in the last <days> days; usually {purchases_per_<h>:.1f}",
            "[n_purchases > 1, days_since_last_purchase > usual] last bought {days_since_last_purchase:.0f} days ago; "
            "the usual buyer <usual days_since_last_purchase:,.0f>",
            "[n_purchases > 1, n_purchases_<h> < usual] bought {n_purchases_<h>:.0f} times in the last <days> days; "
            "the usual buyer <usual n_purchases_<h>:.1f>",
            "[gap_days_median > usual] usually buys every {gap_days_median:.0f} days; "
            "the usual buyer every <usual gap_days_median:,.0f>",
            "[n_purchases > 1] bought {n_purchases_<h>:.0f} times in the last <days> days",
            "[n_purchases > 1] last bought {days_since_last_purchase:.0f} days ago",
            "no second purchase in {days_since_last_purchase:.0f} days",
            "no purchase is known",
        ),
        (
            "[overdue_ratio <= 1, n_purchases <= 2] last bought {days_since_last_purchase:.0f} days ago; "
            "bought twice, {gap_days_median:.0f} days apart",
            "[overdue_ratio <= 1] last bought {days_since_last_purchase:.0f} days ago; "
            "usually buys every {gap_days_median:.0f} days",
            "[n_purchases > 1, purchases_<h>_to_usual_ratio > 1.1] bought {n_purchases_<h>:.0f} times "
            "in the last <days> days; usually {purchases_per_<h>:.1f}",
            "[n_purchases > 1, days_since_last_purchase < usual] last bought {days_since_last_purchase:.0f} days ago; "
            "the usual buyer <usual days_since_last_purchase:,.0f>",
            "[n_purchases > 1, n_purchases_<h> > usual] bought {n_purchases_<h>:.0f} times in the last <days> days; "
            "the usual buyer <usual n_purchases_<h>:.1f>",
            "[n_purchases > 1, n_purchases_<h> > 0] bought {n_purchases_<h>:.0f} times in the last <days> days",
            "[n_purchases > 1] last bought {days_since_last_purchase:.0f} days ago",
            "[days_since_last_purchase < usual] bought for the first time {days_since_last_purchase:.0f} days ago; "
            "the usual buyer last bought <usual days_since_last_purchase:,.0f> days ago",
            "bought for the first time {days_since_last_purchase:.0f} days ago",
            "no purchase is known",
        ),
    ),
    Idea(
        "purchases",
        r"n_purchases.*|n_repeat_purchases|purchases_per_.*|n_active_.*|active_period_share.*|n_months_in_a_row_longest"
        r"|purchases_.*_to_usual_ratio|n_orders|n_purchase_lines|lines_per_purchase",
        (
            "[n_purchases > 1, purchases_per_<h> < usual] bought {n_purchases:.0f} times "
            "in {days_since_first_purchase:.0f} days; "
            "the usual buyer <usual n_purchases:.1f> in <usual days_since_first_purchase:,.0f>",
            "[n_purchases > 1, n_purchases < usual] bought {n_purchases:.0f} times in all; "
            "the usual buyer <usual n_purchases:.1f>",
            "[n_purchases > 1, n_purchases_<h> <= 0] bought {n_purchases:.0f} times "
            "in {days_since_first_purchase:.0f} days; nothing in the last <days>",
            "[n_purchases > 1, purchases_<h>_to_usual_ratio <= 0.9] bought {n_purchases:.0f} times "
            "in {days_since_first_purchase:.0f} days; {n_purchases_<h>:.0f} in the last <days>",
            "[n_purchases > 1] bought {n_purchases:.0f} times in {days_since_first_purchase:.0f} days",
            "[n_purchases > 0, n_purchases < usual] one purchase so far; the usual buyer <usual n_purchases:.1f>",
            "[n_purchases > 0] one purchase so far",
            "no purchase is known",
        ),
        (
            "[n_purchases > 1, purchases_per_<h> > usual] bought {n_purchases:.0f} times "
            "in {days_since_first_purchase:.0f} days; "
            "the usual buyer <usual n_purchases:.1f> in <usual days_since_first_purchase:,.0f>",
            "[n_purchases > 1, n_purchases > usual] bought {n_purchases:.0f} times in all; "
            "the usual buyer <usual n_purchases:.1f>",
            "[n_purchases > 1] bought {n_purchases:.0f} times in {days_since_first_purchase:.0f} days",
            "[n_purchases > 0] one purchase so far",
            "no purchase is known",
        ),
    ),
    Idea(
        "rhythm",
        r"gap_.*|log_gap_sd|days_first_to_second_purchase|weekend_purchase_share|favourite_weekday_share",
        (
            "[n_purchases > 4, gap_recent_to_mean_ratio > 1.1] lately buys every {gap_days_mean_last_three:.0f} days; "
            "every {gap_days_mean:.0f} days on average",
            "[gap_days_mean > usual] buys every {gap_days_mean:.0f} days on average; "
            "the usual buyer every <usual gap_days_mean:,.0f>",
            *_RHYTHM,
        ),
        (
            "[n_purchases > 4, gap_recent_to_mean_ratio <= 0.9] lately buys every {gap_days_mean_last_three:.0f} days; "
            "every {gap_days_mean:.0f} days on average",
            "[gap_days_mean < usual] buys every {gap_days_mean:.0f} days on average; "
            "the usual buyer every <usual gap_days_mean:,.0f>",
            *_RHYTHM,
        ),
    ),
    Idea(
        "time as a buyer",
        r"days_since_first_purchase|days_first_to_last_purchase",
        (
            *(
                f"[days_since_first_purchase {beside} usual] first bought {{days_since_first_purchase:.0f}} days ago; "
                "the usual buyer <usual days_since_first_purchase:,.0f>"
                for beside in "<>"
            ),
            "first bought {days_since_first_purchase:.0f} days ago",
            "no purchase is known",
        ),
    ),
    Idea(
        "returns",
        r"n_returns|returned_.*|days_since_last_return|net_spent",
        (
            "[returned_share > 0.005] returned {returned_share:.0%} of what was spent; "
            "the usual buyer <usual returned_share:.0%>",
            "[returned_share > 0.005] returned {returned_share:.0%} of what was spent",
            "[n_returns > 0] returned {n_returns:.0f} times, less than 1% of what was spent",
            "returned nothing",
        ),
    ),
    Idea(
        "spend",
        r"spent_.*|total_spent|purchase_.*amount.*|largest_purchase_share|n_items|items_per_purchase",
        (
            "[purchase_amount_mean < usual] spends {purchase_amount_mean:,.0f} a purchase; "
            "the usual buyer <usual purchase_amount_mean:,.0f>",
            "[total_spent < usual] spent {total_spent:,.0f} in all; the usual buyer <usual total_spent:,.0f>",
            *_SPEND,
        ),
        (
            "[purchase_amount_mean > usual] spends {purchase_amount_mean:,.0f} a purchase; "
            "the usual buyer <usual purchase_amount_mean:,.0f>",
            "[total_spent > usual] spent {total_spent:,.0f} in all; the usual buyer <usual total_spent:,.0f>",
            *_SPEND,
        ),
    ),
    Idea(
        "season",
        r".*_year_ago|.*season|.*time_of_year|year_end_purchase_share|n_active_years",
        (
            "[n_purchases_<h>_year_ago < usual, n_purchases_<h>_year_ago <= 0] bought nothing in the same season "
            "a year ago; the usual buyer <usual n_purchases_<h>_year_ago:.1f> times",
            "[n_purchases_<h>_year_ago < usual] bought {n_purchases_<h>_year_ago:.0f} times in the same season "
            "a year ago; the usual buyer <usual n_purchases_<h>_year_ago:.1f>",
            *_SEASON,
        ),
        (
            "[n_purchases_<h>_year_ago > usual] bought {n_purchases_<h>_year_ago:.0f} times in the same season "
            "a year ago; the usual buyer <usual n_purchases_<h>_year_ago:.1f>",
            *_SEASON,
        ),
    ),
    Idea(
        "breadth",
        r".*categor.*|.*product.*|n_channels.*|top_channel_share",
        (
            "[n_categories < usual] buys in {n_categories:.0f} categories; the usual buyer in <usual n_categories:.1f>",
            "[n_products < usual] bought {n_products:.0f} different products; the usual buyer <usual n_products:.1f>",
            *_BREADTH,
        ),
        (
            "[n_categories > usual] buys in {n_categories:.0f} categories; the usual buyer in <usual n_categories:.1f>",
            "[n_products > usual] bought {n_products:.0f} different products; the usual buyer <usual n_products:.1f>",
            *_BREADTH,
        ),
    ),
    Idea(
        "satisfaction",
        r"satisfaction.*|n_ratings|n_feedback.*|.*complaint.*|.*ticket.*|n_escal.*|resolution.*|resolved.*",
        (
            "[n_open_complaints > 0] {n_open_complaints:.0f} complaints still open; last rating {satisfaction_last:.0%}",
            "[n_open_complaints > 0] {n_open_complaints:.0f} complaints still open",
            "[satisfaction_mean < usual] rates us {satisfaction_mean:.0%} on average; "
            "the usual buyer <usual satisfaction_mean:.0%>",
            "[n_ratings > 1] last rating {satisfaction_last:.0%}; {satisfaction_mean:.0%} on average",
            "the only rating was {satisfaction_last:.0%}",
            "[n_open_requests > 0] {n_open_requests:.0f} requests still open",
            "[n_requests_90d > 0] {n_requests_90d:.0f} requests for help in 90 days",
            "[n_complaints > 0] {n_complaints:.0f} complaints in all",
            "no rating and no complaint is known",
        ),
        (
            "[satisfaction_mean > usual] rates us {satisfaction_mean:.0%} on average; "
            "the usual buyer <usual satisfaction_mean:.0%>",
            "rates us {satisfaction_mean:.0%} on average",
            "[n_requests_90d > 0] {n_requests_90d:.0f} requests for help in 90 days",
            "[n_complaints > 0] {n_complaints:.0f} complaints in all",
            "no complaint is known",
        ),
    ),
    Idea(
        "check-ins",
        r".*check_in.*",
        (
            "[days_since_last_check_in > usual] no check-in for {days_since_last_check_in:.0f} days; "
            "the usual buyer <usual days_since_last_check_in:,.0f>",
            "no check-in for {days_since_last_check_in:.0f} days",
            "no check-in was ever recorded",
        ),
        (
            "[days_since_last_check_in < usual] last check-in {days_since_last_check_in:.0f} days ago; "
            "the usual buyer <usual days_since_last_check_in:,.0f>",
            "last check-in {days_since_last_check_in:.0f} days ago",
            "no check-in was ever recorded",
        ),
    ),
    Idea(
        "use",
        r"n_usage.*|contact_minutes.*|days_since_last_usage",
        (
            "[n_usage_30d < usual] used {n_usage_30d:.0f} times in 30 days; the usual buyer <usual n_usage_30d:.1f>",
            *_USE,
        ),
        (
            "[n_usage_30d > usual] used {n_usage_30d:.0f} times in 30 days; the usual buyer <usual n_usage_30d:.1f>",
            *_USE,
        ),
    ),
    Idea(
        "word of mouth",
        r".*referr.*",
        (
            "[n_referrals_made > 0] made {n_referrals_made:.0f} referrals",
            "[was_referred > 0] came by a referral",
            "has referred nobody yet",
        ),
    ),
    Idea(
        "price",
        r"price_.*|n_price_rises|monthly_amount_in_force",
        (
            *(
                f"[monthly_amount_in_force > 0, monthly_amount_in_force {beside} usual] "
                "{monthly_amount_in_force:,.0f} a month under contract; "
                "the usual buyer <usual monthly_amount_in_force:,.0f>"
                for beside in "<>"
            ),
            "[monthly_amount_in_force > 0] {monthly_amount_in_force:,.0f} a month under contract",
            "no monthly amount is due now",
        ),
    ),
    Idea(
        "contract",
        r".*contract.*|.*renewal.*|term_days_mean|cancellation.*|days_since_last_cancellation",
        (
            "[has_contract_in_force > 0] the contract ends in {days_to_contract_end:.0f} days; "
            "under contract for {days_under_contract:.0f} days",
            "[has_contract_in_force > 0] under contract for {days_under_contract:.0f} days, with no end agreed",
            "without a contract for {days_since_contract_end:.0f} days",
            "had the first contract {days_since_first_contract:.0f} days ago",
            "never had a contract",
        ),
    ),
    Idea(
        "contact",
        r".*contact.*|.*outbound.*|.*inbound.*|.*mutual.*|proactive_share|.*reply.*|answered.*|response_.*"
        r"|non_sales_share|n_beyond.*|.*unanswered.*|.*missed.*",
        (
            "[days_since_last_contact > usual] last contact {days_since_last_contact:.0f} days ago; "
            "the usual buyer <usual days_since_last_contact:,.0f>",
            "[n_contacts < usual] {n_contacts:.0f} contacts in all; the usual buyer <usual n_contacts:.1f>",
            *_CONTACT,
        ),
        (
            "[days_since_last_contact < usual] last contact {days_since_last_contact:.0f} days ago; "
            "the usual buyer <usual days_since_last_contact:,.0f>",
            "[n_contacts > usual] {n_contacts:.0f} contacts in all; the usual buyer <usual n_contacts:.1f>",
            *_CONTACT,
        ),
    ),
)
STANDING = "standing"
"""What only some members of the blend can know a buyer by: a contract in force, or no purchase yet."""
LEVEL = "level of the season"
"""The level of the coming horizon against the past ones."""
OTHER = "other"
ATTRIBUTE = re.compile(r"(?:days_since_)?buyer_(\w+)(?: = (.*))?\Z")


def ideas_of(
    names: Sequence[str], behind: Sequence[str], horizon_days: int
) -> tuple[list[str], NDArray[np.int64]]:
    """The ideas that some columns speak of, and which idea each column belongs to.

    Parameters
    ----------
    names, behind : sequence of str
        The columns, and the feature behind each (a flag's attribute).
    horizon_days : int
        What ``<h>`` stands for in the patterns.

    Returns
    -------
    ideas : list of str
        In the order of :data:`IDEAS`, attributes after them, ``standing``, the level and ``other`` last.
    groups : int64 array of shape (n_columns,)

    Examples
    --------
    >>> ideas, groups = ideas_of(["n_purchases", "overdue_ratio", "buyer_plan = gold"], [""] * 3, 90)
    >>> [ideas[group] for group in groups]
    ['purchases', 'silence', 'attribute: plan']
    """
    patterns = [(idea.name, re.compile(_at(idea.columns, horizon_days) + r"\Z")) for idea in IDEAS]
    found = []
    for name in names:
        attribute = ATTRIBUTE.match(name)
        if attribute:
            found.append(f"attribute: {attribute.group(1)}")
        else:
            found.append(next((idea for idea, pattern in patterns if pattern.match(name)), OTHER))
    attributes = sorted({idea for idea in found if idea.startswith("attribute: ")})
    ideas = [*(idea.name for idea in IDEAS if idea.name in found), *attributes, STANDING, LEVEL, OTHER]
    place = {idea: number for number, idea in enumerate(ideas)}
    return ideas, np.array([place[idea] for idea in found], dtype=np.int64)


def phrases_of(
    idea: str, horizon_days: int, lowering: bool = False, usual: Mapping[str, float] = MappingProxyType({})
) -> tuple[str, ...]:
    """Sentences for an idea, best first; columns in braces, the numbers of the usual buyer filled in."""
    for known in IDEAS:
        if known.name == idea:
            chosen = known.lowering if lowering and known.lowering else known.phrases
            return resolved([_at(phrase, horizon_days) for phrase in chosen], usual)
    if idea == STANDING:
        return (
            "[has_contract_in_force > 0] under contract: judged without the rhythm of purchases",
            "[n_purchases > 0] judged without the rhythm of purchases",
            "no purchase yet: judged without a rhythm of purchases",
        )
    if idea == LEVEL:
        return (
            f"{'more' if lowering else 'fewer'} buyers than before are expected back in the next {horizon_days} days",
        )
    return ("other features together",)


def _at(text: str, horizon_days: int) -> str:
    return text.replace("<h>", f"{horizon_days}d").replace("<days>", str(horizon_days))
