"""Kinds of contacts and what comes of them: one row a kind, one row an outcome.

All that is asked of a kind anywhere (who usually starts it, whether it sells, whether it waits for an answer)
is a column of its row. A new kind is a new row, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Side = Literal["inbound", "outbound", "mutual"]
Purpose = Literal["care", "sale", "bill", "use"]


@dataclass(frozen=True)
class Kind:
    """One kind of contact.

    Attributes
    ----------
    name : str
    words : str
        What others call it, in small letters, apart by spaces.
    starts : {"inbound", "outbound", "mutual"} or None
        Who usually starts it; None where either side may: then a contact without a direction has none.
    purpose : {"care", "sale", "bill", "use"}
        What it is for. Use (a log-in, a page viewed) is no contact; a sale and a bill are contacts, not care.
    answerable, resolvable : bool
        Whether it waits for an answer; whether it stays open until it is resolved.
    face_to_face : bool
        Whether both sides are there at once, in a room or on a line, where it was kept.
    by_phone : bool
        Whether on a line, where no ``channel`` says otherwise.
    check_in : bool
        Whether it counts as a check-in where the seller takes part in starting it.
    beyond : bool
        Whether it is value beyond the sale where the seller takes part in starting it.
    """

    name: str
    words: str
    starts: Side | None
    purpose: Purpose = "care"
    answerable: bool = False
    resolvable: bool = False
    face_to_face: bool = False
    by_phone: bool = False
    check_in: bool = False
    beyond: bool = False


KINDS = (
    Kind(
        "check_in",
        "checkin check_in_call check_in_meeting touch_base review account_review status_call health_check qbr "
        "quarterly_business_review business_review",
        starts="outbound", answerable=True, face_to_face=True, check_in=True, beyond=True,
    ),
    Kind(
        "meeting",
        "appointment video_call videocall conference zoom teams_meeting meeting_held consultation",
        starts="mutual", face_to_face=True, check_in=True,
    ),
    Kind(
        "call",
        "phone phone_call telephone calls outbound_call inbound_call tel",
        starts="mutual", answerable=True, face_to_face=True, by_phone=True, check_in=True,
    ),
    Kind("email", "e_mail mail emails newsletter_reply", starts=None, answerable=True),
    Kind(
        "message",
        "sms text text_message chat live_chat whatsapp dm direct_message letter note",
        starts=None, answerable=True,
    ),
    Kind(
        "visit",
        "site_visit on_site onsite store_visit house_call home_visit",
        starts="mutual", face_to_face=True, check_in=True, beyond=True,
    ),
    Kind(
        "support_ticket",
        "ticket support support_case case incident helpdesk service_request support_request issue bug",
        starts="inbound", answerable=True, resolvable=True,
    ),
    Kind(
        "complaint",
        "complaints grievance escalation claim",
        starts="inbound", answerable=True, resolvable=True,
    ),
    Kind(
        "feedback",
        "survey nps csat review_left rating feedback_form testimonial",
        starts="inbound", answerable=True, beyond=True,
    ),
    Kind(
        "referral",
        "referred introduction recommendation refer_a_friend word_of_mouth",
        starts="inbound", beyond=True,
    ),
    Kind(
        "onboarding",
        "kickoff kick_off welcome implementation setup",
        starts="outbound", face_to_face=True, beyond=True,
    ),
    Kind(
        "training",
        "workshop course lesson webinar_training coaching",
        starts="outbound", face_to_face=True, beyond=True,
    ),
    Kind(
        "advice",
        "consulting recommendation_given guidance counsel",
        starts="outbound", answerable=True, face_to_face=True, beyond=True,
    ),
    Kind("event", "webinar conference_visit roadshow open_day invitation", starts="outbound", beyond=True),
    Kind(
        "campaign",
        "newsletter promotion promo mailing marketing marketing_email ad advert catalogue mailshot",
        starts="outbound", purpose="sale",
    ),
    Kind(
        "coupon_redemption",
        "coupon coupon_redeemed redemption voucher voucher_redeemed",
        starts="inbound", purpose="sale",
    ),
    Kind(
        "usage",
        "feature_usage login log_in session product_usage app_open use page_view pageview page_viewed web_visit "
        "website_visit email_open email_opened mail_opened opened email_click email_clicked link_clicked clicked "
        "download downloaded",
        starts="inbound", purpose="use",
    ),
    Kind(
        "renewal_talk",
        "renewal renewal_meeting renewal_call renewal_conversation contract_review",
        starts="outbound", answerable=True, face_to_face=True,
    ),
    Kind(
        "invoice",
        "bill billing invoice_sent statement payment_reminder dunning",
        starts="outbound", purpose="bill",
    ),
    Kind("other", "misc miscellaneous", starts=None, answerable=True, resolvable=True),
)  # fmt: skip
"""Every kind that is known by name. A talk about the renewal is care: nobody should be surprised at the end."""


@dataclass(frozen=True)
class Outcome:
    """What became of a contact.

    Attributes
    ----------
    name : str
    words : str
        What CRMs, dialers and mailers call it, in small letters, apart by spaces.
    took_place : bool
        Whether the other side was reached.
    """

    name: str
    words: str
    took_place: bool


OUTCOMES = (
    Outcome(
        "kept",
        "done completed complete held attended took_place closed occurred show success successful finished resolved",
        took_place=True,
    ),
    Outcome(
        "reached",
        "connected sent delivered received left_message_with_person spoke spoke_with contacted talked",
        took_place=True,
    ),
    Outcome("answered", "replied responded reply accepted picked_up", took_place=True),
    Outcome(
        "missed",
        "no_show noshow not_held cancelled canceled cancelled_by_client canceled_by_client cancelled_by_customer "
        "canceled_by_customer cancelled_by_buyer skipped absent unattended declined did_not_attend dna no_showed "
        "abgesagt nicht_erschienen",
        took_place=False,
    ),
    Outcome(
        "rescheduled",
        "re_scheduled postponed moved moved_to_later shifted re_dated redated new_date delayed put_off adjourned",
        took_place=False,
    ),
    Outcome(
        "scheduled",
        "planned booked upcoming open pending future not_started deferred in_progress waiting "
        "waiting_on_someone_else waiting_for_someone_else to_do todo queued draft",
        took_place=False,
    ),
    Outcome(
        "attempted",
        "attempt no_answer not_answered did_not_answer unanswered unanswered_call noanswer busy "
        "line_busy left_voicemail left_a_voicemail "
        "left_voice_mail voicemail voice_mail "
        "left_vm answering_machine machine left_live_message left_message wrong_number bad_number invalid_number "
        "disconnected number_disconnected not_reached unreached unreachable not_available unavailable failed "
        "bounced bounce hard_bounce soft_bounce hard_bounced soft_bounced undelivered "
        "undeliverable not_delivered rejected blocked dropped "
        "abandoned spam",
        took_place=False,
    ),
    Outcome(
        "used",
        "opened open_email email_opened read clicked click viewed unsubscribed unsubscribe opted_out",
        took_place=True,
    ),
)
"""Every outcome that is known by name. ``attempted``: tried, and nobody was reached. ``used``: a mail sent to
many was opened, clicked or signed off from; that is use, as a log-in is. ``rescheduled``: agreed upon and put off."""

WORDS_OF_BOTH = {
    "missed_call": ("call", "attempted"),
    "voicemail": ("call", "attempted"),
    "left_voicemail": ("call", "attempted"),
    "call_attempt": ("call", "attempted"),
    "attempted_call": ("call", "attempted"),
    "email_bounced": ("email", "attempted"),
    "bounced_email": ("email", "attempted"),
    "no_show": ("meeting", "missed"),
}
"""Words written as a kind that tell the outcome too."""

RENEWAL_TOPICS = (
    "renew renewal renewals renewing extension extend prolongation prolong next_term new_term contract_talk contract_review "
    "contract_discussion contract_end end_of_contract end_of_term contract_extension verlängerung vertragsverlängerung"
)
"""Words of a topic that speak of the end of a term and what follows it."""

NOTICE_TOPICS = (
    "notice cancellation cancelation cancel cancelling termination terminate churn exit exit_interview save_call win_back "
    "winback retention leaving why_you_leave kündigung"
)
"""Words of a topic that speak of a notice that was given."""


def plain_topic(topic: str) -> str:
    """A topic in small letters, its words apart by one underscore.

    Examples
    --------
    >>> plain_topic(" Check-In "), plain_topic("SALES")
    ('check_in', 'sales')
    """
    return "_".join("".join(c if c.isalnum() else " " for c in topic.lower()).split())


def topic_speaks_of(topic: str, words: str) -> bool:
    """Whether a topic holds one of some words, however it is written.

    Examples
    --------
    >>> topic_speaks_of("Re: Contract-Renewal talk", RENEWAL_TOPICS), topic_speaks_of("Monthly check-in", RENEWAL_TOPICS)
    (True, False)
    """
    plain = f"_{plain_topic(topic)}_"
    return any(f"_{word}_" in plain for word in words.split())


NAMES = tuple(kind.name for kind in KINDS)
"""The names of the kinds."""


def kinds_where(asked: Callable[[Kind], bool]) -> tuple[str, ...]:
    """The names of the kinds whose row answers yes.

    Examples
    --------
    >>> kinds_where(lambda kind: kind.purpose == "bill")
    ('invoice',)
    """
    return tuple(kind.name for kind in KINDS if asked(kind))


def kinds_started(side: Side) -> tuple[str, ...]:
    """The names of the kinds that a side usually starts.

    Examples
    --------
    >>> kinds_started("mutual")
    ('meeting', 'call', 'visit')
    """
    return kinds_where(lambda kind: kind.starts == side)


TROUBLE = kinds_where(lambda kind: kind.resolvable and kind.starts == "inbound")
"""Complaints and tickets: what a buyer brings to be resolved."""
