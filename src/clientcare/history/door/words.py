"""The field's words for interactions, and the common words of others that are read as them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from clientcare.exceptions import OptionError
from clientcare.history.door.cells import Codes, Levels
from clientcare.history.door.schema import did_you_mean

KINDS = (
    *("check_in", "meeting", "call", "email", "message", "visit", "support_ticket", "complaint", "feedback"),
    *(
        "referral",
        "onboarding",
        "training",
        "advice",
        "event",
        "campaign",
        "usage",
        "renewal_talk",
        "invoice",
        "other",
    ),
)
"""The kinds of interactions that the features and the care report know by name."""

SYNONYMS = {
    "check_in": "checkin check_in_call check_in_meeting touch_base review account_review status_call "
    "health_check qbr quarterly_business_review business_review",
    "meeting": "appointment video_call videocall conference zoom teams_meeting meeting_held consultation",
    "call": "phone phone_call telephone calls outbound_call inbound_call tel",
    "email": "e_mail mail emails newsletter_reply",
    "message": "sms text text_message chat live_chat whatsapp dm direct_message letter note",
    "visit": "site_visit on_site onsite store_visit house_call home_visit",
    "support_ticket": "ticket support support_case case incident helpdesk service_request "
    "support_request issue bug",
    "complaint": "complaints grievance escalation claim",
    "feedback": "survey nps csat review_left rating feedback_form testimonial",
    "referral": "referred introduction recommendation refer_a_friend word_of_mouth",
    "onboarding": "kickoff kick_off welcome implementation setup",
    "training": "workshop course lesson webinar_training coaching",
    "advice": "consulting recommendation_given guidance counsel",
    "event": "webinar conference_visit roadshow open_day invitation",
    "campaign": "newsletter promotion promo mailing marketing marketing_email ad advert catalogue mailshot",
    "usage": "feature_usage login log_in session product_usage app_open use",
    "renewal_talk": "renewal renewal_meeting renewal_call renewal_conversation contract_review",
    "invoice": "bill billing invoice_sent statement payment_reminder dunning",
    "other": "misc miscellaneous",
}

DIRECTIONS = {
    "inbound": "in incoming received from_client from_customer client customer buyer inbound_contact i",
    "outbound": "out outgoing sent to_client to_customer seller agent company outbound_contact o",
    "mutual": "both two_way internal_external bidirectional meeting",
}

STATUSES = {
    "kept": "done completed complete held attended took_place closed occurred show success successful",
    "missed": "no_show noshow not_held cancelled canceled skipped failed absent unattended",
    "scheduled": "planned booked upcoming open pending future",
}


def kind_words(own: Mapping[str, str] | None) -> dict[str, str]:
    """Every word that is read as one of our kinds, the caller's own words before the common ones.

    Raises
    ------
    OptionError
        Where the caller maps to a kind that is not ours.
    """
    words = _table_of(SYNONYMS, KINDS)
    if own is not None and not isinstance(own, Mapping):
        raise OptionError(
            f"kinds: a {type(own).__name__}, not a mapping of your words to our kinds.\n"
            "Write it as kinds={'coffee': 'check_in'}."
        )
    for theirs, ours in (own or {}).items():
        if ours not in KINDS:
            raise OptionError(
                f"kinds: {ours!r} is not one of our kinds ({', '.join(KINDS)})."
                f"{did_you_mean(str(ours), KINDS)}"
            )
        words[plain_word(theirs)] = ours
    return words


def direction_words() -> dict[str, str]:
    """Every word that is read as a direction."""
    return _table_of(DIRECTIONS, tuple(DIRECTIONS))


def status_words() -> dict[str, str]:
    """Every word that is read as a status."""
    return _table_of(STATUSES, tuple(STATUSES))


def plain_word(word: str) -> str:
    """A word in small letters, with underscores for what parts its pieces.

    Examples
    --------
    >>> plain_word(" Check-in  Call ")
    'check_in_call'
    """
    return "_".join("".join(c if c.isalnum() else " " for c in str(word).lower()).split())


def reword(
    codes: Codes, levels: Levels, words: Mapping[str, str], keep_unknown: bool
) -> tuple[Codes, Levels]:
    """Codes into our words; a word that is not known stays as given, or becomes unknown (-1)."""
    ours = [words.get(plain_word(level), level if keep_unknown else None) for level in levels]
    new_levels = sorted({word for word in ours if word is not None})
    place = {word: number for number, word in enumerate(new_levels)}
    renumber = np.array([-1 if word is None else place[word] for word in ours] + [-1], dtype=np.int32)
    return renumber[codes], np.array(new_levels, dtype=object)


def codes_of(levels: Levels, words: tuple[str, ...]) -> list[int]:
    """The codes of some words among the levels."""
    return [number for number, level in enumerate(levels) if level in words]


def _table_of(synonyms: Mapping[str, str], ours: tuple[str, ...]) -> dict[str, str]:
    words = {synonym: word for word, others in synonyms.items() for synonym in others.split()}
    return words | {word: word for word in ours}
