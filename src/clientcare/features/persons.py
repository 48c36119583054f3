"""The persons within a buyer: does all hang on one, and has that one gone silent?"""

from __future__ import annotations

import numpy as np

from clientcare.facts.persons import Persons
from clientcare.facts.runs import Floats, ratio
from clientcare.features.catalogue import feature
from clientcare.features.contact import contacts
from clientcare.features.snapshot import Snapshot

NEEDS = ("interactions", "interactions.contact_id")
NOBODY = "no person is named who spoke"


def persons(at: Snapshot) -> Persons:
    """Who of the buyers' people spoke, as known at a snapshot."""
    return _within(at, None)


def persons_lately(at: Snapshot) -> Persons:
    """Who of them spoke in the last 365 days."""
    return _within(at, 365)


def _within(at: Snapshot, days: int | None) -> Persons:
    there = contacts(at)
    rows = np.ones(len(there.age), dtype=bool) if days is None else there.age <= days
    found = Persons.known(there.facts, there.runs.row, there.runs.n_runs, rows)
    assert found is not None  # the column is needed by all who ask
    return found


@feature(
    "contact", "persons", needs=NEEDS, nan="never",
    phrase="{n_persons_spoke_365d:.0f} persons spoke with us in the last year",
)  # fmt: skip
def n_persons_spoke_365d(at: Snapshot) -> Floats:
    """Different persons of the buyer who spoke in the last 365 days; 1 = all hangs on one."""
    return at.once(persons_lately).n_persons


@feature(
    "contact", "days", needs=NEEDS, nan=NOBODY,
    phrase="the person we know best has not spoken for {days_since_main_person_spoke:.0f} days; "
    "usually every {main_person_speaks_every_days:.0f}",
)  # fmt: skip
def days_since_main_person_spoke(at: Snapshot) -> Floats:
    """Calendar days since the person spoke who carries the relation: who spoke most often."""
    return np.asarray(at.today - at.once(persons).main.last_day)


@feature(
    "contact", "days", needs=NEEDS, nan="that person spoke on fewer than four days",
    phrase="the person we know best speaks every {main_person_speaks_every_days:.0f} days",
)  # fmt: skip
def main_person_speaks_every_days(at: Snapshot) -> Floats:
    """Median days between the days on which that person spoke."""
    return at.once(persons).main.usual_gap_days


@feature(
    "contact", "ratio", needs=NEEDS, nan="that person spoke on fewer than four days",
    phrase="the person we know best has been silent {main_person_silence_ratio:.1f} times as long as usual",
)  # fmt: skip
def main_person_silence_ratio(at: Snapshot) -> Floats:
    """Days since that person spoke over the usual days between; above 3 that person has fallen silent."""
    return ratio(at.once(days_since_main_person_spoke), at.once(main_person_speaks_every_days))
