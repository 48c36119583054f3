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

    A sentence is said only where its own number points the way in which the theme moves the risk. Where none does,
    the theme says nothing, and the next one speaks.

    Attributes
    ----------
    name : str
        ``silence``, ``purchases`` ...; a column of an explanation.
    phrases : tuple of str
        Sentences with columns in braces, and in front what must hold: ``"[overdue_ratio > 1] silent ..."``.
        The first that holds and all of whose values are known is said. ``<h>`` is the horizon in a column's
        name, ``<days>`` its length; ``<usual column:form>`` and ``[column < usual]`` compare with the usual
        buyer, ``[column <= usual]`` keeps a number from being said that lies clearly on the other side.
    lowering : tuple of str
        The same where the theme speaks for staying; empty: the same sentences.
    """

    name: str
    phrases: tuple[str, ...]
    lowering: tuple[str, ...] = ()


def _compared(front: str, column: str, said: str, usual: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Sentences of a number below the usual, and above it; alone only where the usual one is not known."""
    front = f"{front}, " if front else ""
    below, above = (
        (f"[{front}{column} {sign} usual] {said}; {usual}", f"[{front}{column} ?= usual] {said}")
        for sign in "<>"
    )
    return below, above


_SPENDS, _SPENDS_MUCH = _compared(
    "",
    "purchase_amount_mean",
    "spends {purchase_amount_mean:,.0f} a purchase",
    "the usual buyer <usual purchase_amount_mean:,.0f>",
)
_SPENT, _SPENT_MUCH = _compared(
    "",
    "total_spent",
    "spent {total_spent:,.0f} in all",
    "the usual buyer <usual total_spent:,.0f>",
)
_FEW_CATEGORIES, _MANY_CATEGORIES = _compared(
    "",
    "n_categories",
    "buys in {n_categories:.0f} categories",
    "the usual buyer in <usual n_categories:.1f>",
)
_FEW_PRODUCTS, _MANY_PRODUCTS = _compared(
    "",
    "n_products",
    "bought {n_products:.0f} different products",
    "the usual buyer <usual n_products:.1f>",
)
_FEW_CHANNELS, _MANY_CHANNELS = _compared(
    "",
    "n_channels",
    "bought through {n_channels:.0f} channels",
    "the usual buyer <usual n_channels:.1f>",
)
_RETURNS_LITTLE, _RETURNS_MUCH = _compared(
    "returned_share > 0.005",
    "returned_share",
    "returned {returned_share:.0%} of what was spent",
    "the usual buyer <usual returned_share:.0%>",
)
_RATES_LOW, _RATES_HIGH = _compared(
    "",
    "satisfaction_mean",
    "rates us {satisfaction_mean:.0%} on average",
    "the usual buyer <usual satisfaction_mean:.0%>",
)
_CHECKED_IN, _NOT_CHECKED_IN = (
    _compared(
        "",
        "days_since_last_check_in",
        said,
        "the usual buyer <usual days_since_last_check_in:,.0f>",
    )[place]
    for place, said in enumerate(
        ("last check-in {days_since_last_check_in:.0f} days ago",
         "no check-in for {days_since_last_check_in:.0f} days")
    )
)  # fmt: skip
_USES_LITTLE, _USES_MUCH = _compared(
    "n_usage_30d > 0",
    "n_usage_30d",
    "used {n_usage_30d:.0f} times in 30 days",
    "the usual buyer <usual n_usage_30d:.1f>",
)
_CONTACT_LATELY, _CONTACT_LONG_AGO = _compared(
    "",
    "days_since_last_contact",
    "last contact {days_since_last_contact:.0f} days ago",
    "the usual buyer <usual days_since_last_contact:,.0f>",
)
_MINUTES_FEW, _MINUTES_MANY = _compared(
    "contact_minutes_90d > 0",
    "contact_minutes_90d",
    "{contact_minutes_90d:.0f} minutes in contact in 90 days",
    "the usual buyer <usual contact_minutes_90d:,.0f>",
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
            "[n_purchases > 1, n_purchases_<h> < usual] bought {n_purchases_<h>:.0f} times in the last <days> days; "
            "the usual buyer <usual n_purchases_<h>:.1f>",
            "[gap_days_median > usual] usually buys every {gap_days_median:.0f} days; "
            "the usual buyer every <usual gap_days_median:,.0f>",
            "[n_purchases > 0, n_purchases <= 1] no second purchase in {days_since_last_purchase:.0f} days",
            "[n_purchases <= 0] no purchase is known",
        ),
        (
            "[overdue_ratio <= 1, n_purchases <= 2] last bought {days_since_last_purchase:.0f} days ago; "
            "bought twice, {gap_days_median:.0f} days apart",
            "[overdue_ratio <= 1] last bought {days_since_last_purchase:.0f} days ago; "
            "usually buys every {gap_days_median:.0f} days",
            "[n_purchases > 1, purchases_<h>_to_usual_ratio > 1.1] bought {n_purchases_<h>:.0f} times "
            "in the last <days> days; usually {purchases_per_<h>:.1f}",
            "[n_purchases > 1, n_purchases_<h> > usual] bought {n_purchases_<h>:.0f} times in the last <days> days; "
            "the usual buyer <usual n_purchases_<h>:.1f>",
            "[n_purchases <= 1, days_since_last_purchase <= <days>] bought for the first time "
            "{days_since_last_purchase:.0f} days ago",
        ),
    ),
    Theme(
        "purchases",
        (
            "[n_purchases > 1, purchases_per_<h> < usual] bought {n_purchases:.0f} times, "
            "{purchases_per_<h>:.1f} in <days> days; the usual buyer <usual purchases_per_<h>:.1f>",
            "[n_purchases > 1, n_purchases < usual] bought {n_purchases:.0f} times in all; "
            "the usual buyer <usual n_purchases:.1f>",
            "[n_purchases > 1, n_purchases_<h> <= 0] bought {n_purchases:.0f} times "
            "in {days_since_first_purchase:.0f} days; nothing in the last <days>",
            "[n_purchases > 1, purchases_<h>_to_usual_ratio <= 0.9] bought {n_purchases:.0f} times "
            "in {days_since_first_purchase:.0f} days; {n_purchases_<h>:.0f} in the last <days>",
            "[n_purchases > 1, n_purchases ?= usual] bought {n_purchases:.0f} times "
            "in {days_since_first_purchase:.0f} days",
            "[n_purchases > 0, n_purchases <= 1, n_purchases < usual] one purchase so far; "
            "the usual buyer <usual n_purchases:.1f>",
            "[n_purchases > 0, n_purchases <= 1] one purchase so far",
        ),
        (
            "[n_purchases > 1, purchases_per_<h> > usual] bought {n_purchases:.0f} times, "
            "{purchases_per_<h>:.1f} in <days> days; the usual buyer <usual purchases_per_<h>:.1f>",
            "[n_purchases > 1, n_purchases > usual] bought {n_purchases:.0f} times in all; "
            "the usual buyer <usual n_purchases:.1f>",
            "[n_purchases > 1, n_purchases ?= usual] bought {n_purchases:.0f} times "
            "in {days_since_first_purchase:.0f} days",
        ),
    ),
    Theme(
        "rhythm",
        (
            *(
                f"[n_purchases > 4, gap_days_mean > {least}, gap_recent_to_mean_ratio > {change}] "
                "lately buys every {gap_days_mean_last_three:.0f} days; every {gap_days_mean:.0f} days on average"
                for least, change in ((10, 1.1), (3.4, 1.4))
            ),
            "[gap_days_mean > usual] buys every {gap_days_mean:.0f} days on average; "
            "the usual buyer every <usual gap_days_mean:,.0f>",
        ),
        (
            *(
                f"[n_purchases > 4, gap_days_mean > {least}, gap_recent_to_mean_ratio <= {change}] "
                "lately buys every {gap_days_mean_last_three:.0f} days; every {gap_days_mean:.0f} days on average"
                for least, change in ((10, 0.9), (3.4, 0.7))
            ),
            "[gap_days_mean < usual] buys every {gap_days_mean:.0f} days on average; "
            "the usual buyer every <usual gap_days_mean:,.0f>",
            "[n_purchases > 2, gap_days_mean ?= usual] buys every {gap_days_mean:.0f} days on average",
        ),
    ),
    Theme(
        "time as a buyer",
        (
            "[n_purchases > 1, days_since_first_purchase < usual] first bought {days_since_first_purchase:.0f} days ago; "
            "the usual buyer <usual days_since_first_purchase:,.0f>",
        ),
        (
            "[n_purchases > 1, days_since_first_purchase > usual] first bought {days_since_first_purchase:.0f} days ago; "
            "the usual buyer <usual days_since_first_purchase:,.0f>",
        ),
    ),
    Theme(
        "returns",
        (*_RETURNS_MUCH, "[n_returns > 0, returned_share >= usual] returned {n_returns:.0f} times"),
        (*_RETURNS_LITTLE, "[n_returns <= 0] returned nothing"),
    ),
    Theme(
        "spend",
        (_SPENDS[0], _SPENT[0], _SPENDS[1], _SPENT[1]),
        (_SPENDS_MUCH[0], _SPENT_MUCH[0], _SPENDS_MUCH[1], _SPENT_MUCH[1]),
    ),
    Theme(
        "season",
        (
            "[n_purchases_<h>_year_ago < usual, n_purchases_<h>_year_ago <= 0] bought nothing in the same season "
            "a year ago; the usual buyer <usual n_purchases_<h>_year_ago:.1f> times",
            "[n_purchases_<h>_year_ago < usual] bought {n_purchases_<h>_year_ago:.0f} times in the same season "
            "a year ago; the usual buyer <usual n_purchases_<h>_year_ago:.1f>",
            "[purchase_share_coming_season < usual] {purchase_share_coming_season:.0%} of earlier purchases fell "
            "in the season that comes now; of the usual buyer's <usual purchase_share_coming_season:.0%>",
        ),
        (
            "[n_purchases_<h>_year_ago > usual] bought {n_purchases_<h>_year_ago:.0f} times in the same season "
            "a year ago; the usual buyer <usual n_purchases_<h>_year_ago:.1f>",
            "[purchase_share_coming_season > usual] {purchase_share_coming_season:.0%} of earlier purchases fell "
            "in the season that comes now; of the usual buyer's <usual purchase_share_coming_season:.0%>",
        ),
    ),
    Theme(
        "breadth",
        (_FEW_CATEGORIES[0], _FEW_PRODUCTS[0], _FEW_CATEGORIES[1], _FEW_PRODUCTS[1], *_FEW_CHANNELS),
        (_MANY_CATEGORIES[0], _MANY_PRODUCTS[0], _MANY_CATEGORIES[1], _MANY_PRODUCTS[1], *_MANY_CHANNELS),
    ),
    Theme(
        "satisfaction",
        (
            "[n_open_complaints > 0] {n_open_complaints:.0f} complaints still open; last rating {satisfaction_last:.0%}",
            "[n_open_complaints > 0] {n_open_complaints:.0f} complaints still open",
            _RATES_LOW[0],
            "[n_ratings > 1, satisfaction_mean <= usual, satisfaction_last <= usual] last rating "
            "{satisfaction_last:.0%}; {satisfaction_mean:.0%} on average",
            "[satisfaction_mean <= usual] the only rating was {satisfaction_mean:.0%}",
            "[n_open_requests > 0] {n_open_requests:.0f} requests still open",
            "[n_requests_90d > 0] {n_requests_90d:.0f} requests for help in 90 days",
            "[n_complaints > 0] {n_complaints:.0f} complaints in all",
            "[n_ratings <= 0, n_ratings < usual] no rating is known",
        ),
        (*_RATES_HIGH, "[n_complaints <= 0] no complaint is known"),
    ),
    Theme(
        "check-ins",
        (*_NOT_CHECKED_IN, "[n_check_ins_kept <= 0] no check-in was ever recorded"),
        _CHECKED_IN,
    ),
    Theme(
        "use",
        (
            "[n_usage_30d < usual, n_usage_30d <= 0] not used in 30 days; the usual buyer <usual n_usage_30d:.1f> times",
            *_USES_LITTLE,
            *_MINUTES_FEW,
        ),
        (*_USES_MUCH, *_MINUTES_MANY),
    ),
    Theme(
        "word of mouth",
        ("[n_referrals_made <= 0, was_referred <= 0] has referred nobody yet",),
        (
            "[n_referrals_made > 0] made {n_referrals_made:.0f} referrals",
            "[was_referred > 0] came by a referral",
        ),
    ),
    Theme(
        "dependence",
        (
            "[undiscounted_sign < usual] bought {undiscounted_sign:.0%} of the lines without a discount; "
            "the usual buyer <usual undiscounted_sign:.0%>",
            "[list_price_paid_sign < usual] bought {list_price_paid_sign:.0%} of the lines at the list price; "
            "the usual buyer <usual list_price_paid_sign:.0%>",
            "[stayed_after_shocks_sign < usual] stayed after {stayed_after_shocks_sign:.0%} of price rises and complaints; "
            "the usual buyer <usual stayed_after_shocks_sign:.0%>",
        ),
        (
            "[undiscounted_sign > usual] bought {undiscounted_sign:.0%} of the lines without a discount; "
            "the usual buyer <usual undiscounted_sign:.0%>",
            "[list_price_paid_sign > usual] bought {list_price_paid_sign:.0%} of the lines at the list price; "
            "the usual buyer <usual list_price_paid_sign:.0%>",
            "[stayed_after_shocks_sign > 0.995] stayed after every price rise and complaint",
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
        ),
    ),
    Theme(
        "contract",
        (
            "[has_contract_in_force > 0, days_under_contract < usual] under contract for {days_under_contract:.0f} days; "
            "the usual buyer <usual days_under_contract:,.0f>",
            "[has_contract_in_force > 0, n_renewals <= 0] under contract for {days_under_contract:.0f} days, "
            "not renewed yet",
            "[has_contract_in_force <= 0] without a contract for {days_since_contract_end:.0f} days",
            "[n_contracts <= 0] never had a contract",
        ),
        (
            "[has_contract_in_force > 0, n_renewals > 0] under contract for {days_under_contract:.0f} days; "
            "renewed {n_renewals:.0f} times",
            "[has_contract_in_force > 0, days_under_contract > usual] under contract for {days_under_contract:.0f} days; "
            "the usual buyer <usual days_under_contract:,.0f>",
            "[has_contract_in_force > 0] under contract for {days_under_contract:.0f} days",
        ),
    ),
    Theme(
        "end of the contract",
        (
            "[is_under_notice > 0] under notice, service ends in {days_to_service_end:.0f} days",
            "[is_under_notice > 0] under notice for {days_since_last_cancellation:.0f} days",
            "[has_contract_in_force > 0, had_renewal_talk <= 0, days_to_contract_end <= <days>] the contract ends in "
            "{days_to_contract_end:.0f} days; no talk of renewing it is on record",
            "[has_contract_in_force > 0, days_to_contract_end <= <days>] the contract ends in "
            "{days_to_contract_end:.0f} days",
            "[has_open_ended_contract > 0] no end is agreed: may leave on any day",
        ),
        (
            "[has_contract_in_force > 0, days_to_contract_end > <days>] bound for {days_to_contract_end:.0f} days more",
            "[has_contract_in_force > 0, n_renewals_signed_ahead > 0] the next term is signed",
            "[has_contract_in_force > 0, had_renewal_talk > 0] the contract ends in {days_to_contract_end:.0f} days; "
            "renewing it was talked about {days_since_renewal_talk:.0f} days ago",
            "[has_open_ended_contract > 0] no end is agreed",
        ),
    ),
    Theme(
        "contact",
        (
            "[n_contacts <= 0, n_contacts < usual] no contact is on record; the usual buyer has <usual n_contacts:.1f>",
            "[n_contacts <= 0] no contact is on record",
            _CONTACT_LONG_AGO[0],
            "[n_contacts < usual] {n_contacts:.0f} contacts in all; the usual buyer <usual n_contacts:.1f>",
            _CONTACT_LONG_AGO[1],
        ),
        (
            _CONTACT_LATELY[0],
            "[n_contacts > usual] {n_contacts:.0f} contacts in all; the usual buyer <usual n_contacts:.1f>",
            _CONTACT_LATELY[1],
        ),
    ),
)
STANDING = "standing"
"""What only some members of the blend can know a buyer by: nothing that a buyer could be told."""
LEVEL = "level of the season"
"""The level of the coming horizon against the past ones: of the base, so no reason of any one buyer."""
OTHER = "other"


def phrases_of(
    theme: str,
    horizon_days: int,
    lowering: bool = False,
    usual: Mapping[str, float] = MappingProxyType({}),
    whom: str = "buyer",
) -> tuple[str, ...]:
    """Sentences for a theme, best first; columns in braces, the numbers of the usual buyer (or client) filled in.

    None for a theme that no sentence of one buyer follows from.
    """
    for known in THEMES:
        if known.name == theme:
            chosen = known.lowering if lowering and known.lowering else known.phrases
            said = resolved([_at(phrase, horizon_days) for phrase in chosen], usual)
            return tuple(phrase.replace("the usual buyer", f"the usual {whom}") for phrase in said)
    if theme in (own := by_name()):  # a feature of the user's own speaks for itself
        phrase = own[theme].phrase
        return tuple(dict.fromkeys((phrase, phrase.split("; ")[0])))
    return ()


def _at(text: str, horizon_days: int) -> str:
    return text.replace("<h>", f"{horizon_days}d").replace("<days>", str(horizon_days))
