"""Check-ins as a record shows them: kept, missed, put off, or of an outcome that nobody wrote down."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from clientcare.facts.contacts import CHECK_IN_KINDS, Bools, Contacts
from clientcare.facts.kinds import kinds_where
from clientcare.window import MICROSECONDS_A_DAY

MADE_UP_DAYS = 30
"""What was put off is made up for by a check-in kept within a month: the cadence that care is held to."""

USUALLY_RECORDED = 0.5
"""Where at least half of a firm's check-ins have an outcome, one without is unknown, and not kept."""

IN_PERSON = kinds_where(lambda kind: kind.check_in and kind.face_to_face and not kind.by_phone)
BY_PHONE = kinds_where(lambda kind: kind.check_in and kind.by_phone)
"""Kinds by how both sides were there; ``channel`` says it better where it is written."""

FACE_WORDS = frozenset(
    {"face to face", "in person", "onsite", "on site", "office", "visit", "personal", "vor ort"}
)
VIDEO_WORDS = frozenset(
    {"video", "zoom", "teams", "meet", "webex", "online", "video call", "videocall", "google meet"}
)
PHONE_WORDS = frozenset({"phone", "telephone", "call", "mobile", "tel"})


@dataclass(frozen=True, eq=False)
class CheckIns:
    """What became of check-ins, meetings, visits and calls that the buyer alone did not start; masks of shape (n_rows,)."""

    contacts: Contacts

    @cached_property
    def _agreed(self) -> Bools:
        return self.contacts.kind(*CHECK_IN_KINDS) & ~self.contacts.inbound

    @cached_property
    def unsure(self) -> Bools:
        """Those without an outcome where outcomes are usually written down: nobody knows whether they took place."""
        written = self.contacts.events.columns.get("status")
        if written is None or not self._agreed.any():
            return np.zeros(self.contacts.events.n_rows, dtype=bool)
        blank = np.asarray(written < 0)
        if np.mean(~blank[self._agreed]) < USUALLY_RECORDED:
            return np.zeros(len(blank), dtype=bool)
        return np.asarray(self._agreed & blank & (self.contacts.answered != 1))

    @property
    def told(self) -> Bools:
        """Of these, those with an outcome."""
        written = self.contacts.events.columns.get("status")
        none = np.zeros(self.contacts.events.n_rows, dtype=bool)
        return none if written is None else np.asarray(self._agreed & (written >= 0))

    @cached_property
    def kept(self) -> Bools:
        """Took place, and did not sell."""
        return self.contacts.check_ins & ~self.unsure

    @cached_property
    def moved(self) -> Bools:
        """Put off to another date."""
        return self.contacts.moved & self._agreed

    @cached_property
    def missed(self) -> Bools:
        """Did not take place; or was put off a month ago or more, and not made up for within a month."""
        return self.contacts.missed_check_ins | (self.moved & ~self._made_up)

    @cached_property
    def _made_up(self) -> Bools:
        """Whether a check-in was kept within a month after each row, or a month has not passed yet."""
        time, buyer = self.contacts.time, self.contacts.buyer
        span = MADE_UP_DAYS * MICROSECONDS_A_DAY
        made_up = self.contacts.as_of - time < span
        kept = np.flatnonzero(self.kept)
        place = np.searchsorted(kept, np.arange(len(time)), side="right")
        ahead = np.flatnonzero(place < len(kept))
        following = kept[place[ahead]]
        soon = (buyer[following] == buyer[ahead]) & (time[following] - time[ahead] <= span)
        made_up[ahead] |= soon
        return np.asarray(made_up)

    @cached_property
    def sure(self) -> Bools:
        """All contacts but those whose outcome nobody knows."""
        return ~self.unsure

    @cached_property
    def modes(self) -> dict[str, Bools]:
        """Kept check-ins by mode: face to face, by video, by phone; by their channel where it is written, else by kind."""
        channel = [str(level) for level in self.contacts.events.levels.get("channel", ())]
        said = {
            mode: self.contacts.one_of("channel", *(text for text in channel if _plain(text) in words))
            for mode, words in (("face", FACE_WORDS), ("video", VIDEO_WORDS), ("phone", PHONE_WORDS))
        }
        told = said["face"] | said["video"] | said["phone"]
        return {
            "face": self.kept & (said["face"] | (~told & self.contacts.kind(*IN_PERSON))),
            "video": self.kept & said["video"],
            "phone": self.kept & (said["phone"] | (~told & self.contacts.kind(*BY_PHONE))),
        }


def _plain(text: str) -> str:
    return " ".join("".join(c if c.isalnum() else " " for c in text.lower()).split())
