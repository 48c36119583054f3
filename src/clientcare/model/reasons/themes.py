"""Features of one theme speak once: the words for each theme. Which theme a column has, its feature says itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from clientcare.features.catalogue import by_name
from clientcare.model.reasons.comparison import resolved


@dataclass(frozen=True)
class Theme:
    """One thing that many columns say.

    Attributes
    ----------
    name : str
        ``silence``, ``purchases`` ...; a column of an explanation.
    phrases : tuple of str
        Sentences with columns in braces, and in front what must hold: ``"[overdue_ratio > 1] silent ..."``.
        The first that holds and all of whose values are known is said. ``<h>`` is the horizon in a column's
        name, ``<days>`` its length; ``<usual column:form>`` and ``[column < usual]`` compare with the usual
        buyer, and only in the direction in which the theme moves the risk. Where none holds, nothing is said.
    lowering : tuple of str
        The same where the theme speaks for staying; empty: the same sentences.
    """

    name: str
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
_USE = (
    "[n_usage_30d > 0] used {n_usage_30d:.0f} times in 30 days",
    "[contact_minutes_90d > 0] {contact_minutes_90d:.0f} minutes in contact in 90 days",
)
_UNBOUND = (
    "without a contract for {days_since_contract_end:.0f} days",
    "had the first contract {days_since_first_contract:.0f} days ago",
    "never had a contract",
)
_CONTACT = (
    "last contact {days_since_last_contact:.0f} days ago; {n_contacts:.0f} in all",
    "no contact was ever recorded",
)

THEMES = (
    Theme(
        "silence",
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
            "[n_purchases > 1, days_since_last_purchase > <days>] bought {n_purchases:.0f} times; "
            "last {days_since_last_purchase:.0f} days ago",
            "[n_purchases > 1] last bought {days_since_last_purchase:.0f} days ago",
            "[days_since_last_purchase < usual] bought for the first time {days_since_last_purchase:.0f} days ago; "
            "the usual buyer last bought <usual days_since_last_purchase:,.0f> days ago",
            "bought for the first time {days_since_last_purchase:.0f} days ago",
            "no purchase is known",
        ),
    ),
    Theme(
        "purchases",
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
    Theme(
        "rhythm",
        (
            "[n_purchases > 4, gap_recent_to_mean_ratio > 1.1] lately buys every {gap_days_mean_last_three:.0f} days; "
            "every {gap_days_mean:.0f} days on average",
            "[gap_days_mean > usual] buys every {gap_days_mean:.0f} days on average; "
            "the usual buyer every <usual gap_days_mean:,.0f>",
            "[n_purchases <= 1] no rhythm of purchases yet",
        ),
        (
            "[n_purchases > 4, gap_recent_to_mean_ratio <= 0.9] lately buys every {gap_days_mean_last_three:.0f} days; "
            "every {gap_days_mean:.0f} days on average",
            "[gap_days_mean < usual] buys every {gap_days_mean:.0f} days on average; "
            "the usual buyer every <usual gap_days_mean:,.0f>",
            *_RHYTHM,
        ),
    ),
    Theme(
        "time as a buyer",
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
    Theme(
        "returns",
        (
            "[returned_share > 0.005] returned {returned_share:.0%} of what was spent; "
            "the usual buyer <usual returned_share:.0%>",
            "[returned_share > 0.005] returned {returned_share:.0%} of what was spent",
            "[n_returns > 0] returned {n_returns:.0f} times, less than 1% of what was spent",
            "returned nothing",
        ),
    ),
    Theme(
        "spend",
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
    Theme(
        "season",
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
    Theme(
        "breadth",
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
    Theme(
        "satisfaction",
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
    Theme(
        "check-ins",
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
    Theme(
        "use",
        (
            "[n_usage_30d < usual, n_usage_30d <= 0] not used in 30 days; the usual buyer <usual n_usage_30d:.1f> times",
            "[n_usage_30d < usual] used {n_usage_30d:.0f} times in 30 days; the usual buyer <usual n_usage_30d:.1f>",
            *_USE,
        ),
        (
            "[n_usage_30d > usual] used {n_usage_30d:.0f} times in 30 days; the usual buyer <usual n_usage_30d:.1f>",
            *_USE,
        ),
    ),
    Theme(
        "word of mouth",
        (
            "[n_referrals_made > 0] made {n_referrals_made:.0f} referrals",
            "[was_referred > 0] came by a referral",
            "has referred nobody yet",
        ),
    ),
    Theme(
        "dependence",
        (
            "[undiscounted_sign < usual] bought {undiscounted_sign:.0%} of the lines without a discount; "
            "the usual buyer <usual undiscounted_sign:.0%>",
            "[list_price_paid_sign < usual] bought {list_price_paid_sign:.0%} of the lines at the list price; "
            "the usual buyer <usual list_price_paid_sign:.0%>",
            "[stayed_after_shocks_sign < 1] stayed after {stayed_after_shocks_sign:.0%} of price rises and complaints",
            "no price rise or complaint has tried them yet",
        ),
        (
            "[undiscounted_sign > usual] bought {undiscounted_sign:.0%} of the lines without a discount; "
            "the usual buyer <usual undiscounted_sign:.0%>",
            "[list_price_paid_sign > usual] bought {list_price_paid_sign:.0%} of the lines at the list price; "
            "the usual buyer <usual list_price_paid_sign:.0%>",
            "[stayed_after_shocks_sign > 0] stayed after {stayed_after_shocks_sign:.0%} of price rises and complaints",
            "no price rise or complaint has tried them yet",
        ),
    ),
    Theme(
        "price",
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
    Theme(
        "contract",
        (
            "[is_under_notice > 0] under notice, service ends in {days_to_service_end:.0f} days",
            "[is_under_notice > 0] under notice for {days_since_last_cancellation:.0f} days",
            "[has_contract_in_force > 0, days_to_contract_end <= <days>] the contract ends in "
            "{days_to_contract_end:.0f} days; under contract for {days_under_contract:.0f} days",
            "[has_contract_in_force > 0] under contract for {days_under_contract:.0f} days, "
            "and for {days_to_contract_end:.0f} more",
            "[has_contract_in_force > 0] under contract for {days_under_contract:.0f} days, with no end agreed",
            *_UNBOUND,
        ),
        (
            "[has_contract_in_force > 0, days_to_contract_end > <days>] under contract for {days_under_contract:.0f} days, "
            "and for {days_to_contract_end:.0f} more",
            "[has_contract_in_force > 0, n_renewals > 0] under contract for {days_under_contract:.0f} days; "
            "renewed {n_renewals:.0f} times",
            "[has_contract_in_force > 0] under contract for {days_under_contract:.0f} days",
            *_UNBOUND,
        ),
    ),
    Theme(
        "contact",
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


def phrases_of(
    theme: str, horizon_days: int, lowering: bool = False, usual: Mapping[str, float] = MappingProxyType({})
) -> tuple[str, ...]:
    """Sentences for a theme, best first; columns in braces, the numbers of the usual buyer filled in."""
    for known in THEMES:
        if known.name == theme:
            chosen = known.lowering if lowering and known.lowering else known.phrases
            return resolved([_at(phrase, horizon_days) for phrase in chosen], usual)
    if theme == STANDING:
        return (
            "[has_contract_in_force > 0] under contract: judged without the rhythm of purchases",
            "[n_purchases > 0] judged without the rhythm of purchases",
            "no purchase yet: judged without a rhythm of purchases",
        )
    if theme == LEVEL:
        return (
            f"{'more' if lowering else 'fewer'} buyers than before are expected back in the next {horizon_days} days",
        )
    if theme in (own := by_name()):  # a feature of the user's own speaks for itself
        phrase = own[theme].phrase
        return tuple(dict.fromkeys((phrase, phrase.split("; ")[0])))
    return ("other features together",)


def _at(text: str, horizon_days: int) -> str:
    return text.replace("<h>", f"{horizon_days}d").replace("<days>", str(horizon_days))
