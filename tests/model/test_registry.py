"""A member is one class and one line in the registry; what it forgets is found here."""

from __future__ import annotations

import inspect
import pkgutil
from importlib import import_module

import numpy as np
import pandas as pd
import pytest

from clientcare.model import members as room
from clientcare.model.members.base import QUESTIONS, Asked, Member
from clientcare.model.members.outside import OutsideLearner
from clientcare.model.members.registry import (
    KINDS,
    MEMBERS,
    full_weight_of,
    halfway_of,
    members_for,
)

SOURCES = ("snapshots", "present", "terms", "counts")


def all_members() -> set[type[Member]]:
    """Every class of the room that can stand in a blend: those that say what they answer, bases aside."""
    found = set()
    for module in pkgutil.iter_modules(room.__path__):
        for kind in vars(import_module(f"{room.__name__}.{module.name}")).values():
            if inspect.isclass(kind) and issubclass(kind, Member) and "_log_odds" in vars(kind):
                found.add(kind)
    return found


def test_every_member_of_the_room_is_registered():
    bases = {kind for kind in all_members() if any(kind in other.__mro__[1:] for other in KINDS.values())}
    assert all_members() - bases - {Member, OutsideLearner} <= set(MEMBERS)


@pytest.mark.parametrize("kind", MEMBERS)
def test_a_member_says_everything_that_the_model_needs(kind):
    assert kind._learns_from in SOURCES
    assert set(kind._answers) <= set(QUESTIONS)
    assert not kind._answers or kind._name, "a member that is asked needs a name in the blend"
    assert kind._check_fitted.__func__ is not Member._check_fitted.__func__, (
        "a member that may stand in a model file needs a form: _check_fitted"
    )
    assert kind._full > 0


def test_names_are_unique():
    names = [kind._name for kind in MEMBERS if kind._name]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("question", QUESTIONS)
def test_members_are_made_for_a_question_under_their_own_names(question):
    made = members_for(Asked(question, 90))
    assert made
    for name, member in made.items():
        assert type(member)._name == name
        assert (halfway_of(name) is None) == (full_weight_of(name) == 0)


@pytest.mark.parametrize("kind", [kind for kind in MEMBERS if kind._answers or kind.__name__ == "ByStanding"])
def test_a_member_comes_back_from_its_state_to_the_bit(kind):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "days_since_last_purchase": rng.exponential(50, 300),
            "term_age_days": np.where(rng.random(300) < 0.7, rng.uniform(1, 300, 300), np.nan),
            "term_days_left": rng.uniform(1, 300, 300),
        }
    )
    y = rng.random(300) < 0.3
    member = kind().fit(X, y)
    again = kind.from_state(member.get_state())
    np.testing.assert_array_equal(
        again._log_odds(X.to_numpy(dtype=np.float64)), member._log_odds(X.to_numpy(dtype=np.float64))
    )
