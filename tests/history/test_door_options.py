"""Every function that reads tables names the options of the door, and refuses what is none."""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter, signature
from typing import Any

import pytest

import clientcare as cc
from clientcare.history import DoorOptions, Histories
from clientcare.scoring import score_partition

READERS: list[Callable[..., Any]] = [
    cc.read_histories,
    cc.score_dataset,
    cc.write_feature_table,
    score_partition,
    cc.spark.score,
    cc.spark.features,
]
TABLES = {"transactions", "interactions", "contracts", "buyers"}


def test_the_options_are_those_of_histories() -> None:
    assert set(DoorOptions.__annotations__) == set(signature(Histories).parameters) - TABLES - {"columns"}


@pytest.mark.parametrize("reader", READERS, ids=lambda one: f"{one.__module__}.{one.__name__}")
def test_a_signature_names_every_option_with_its_default(reader: Callable[..., Any]) -> None:
    shown, own = signature(reader).parameters, signature(Histories).parameters

    assert not [one for one in shown.values() if one.kind is Parameter.VAR_KEYWORD]
    for name in (*DoorOptions.__annotations__, "columns"):
        assert shown[name].default == own[name].default


@pytest.mark.parametrize("reader", READERS[:4], ids=lambda one: one.__name__)
def test_a_name_that_is_no_option_is_refused_at_once(reader: Callable[..., Any]) -> None:
    with pytest.raises(TypeError, match=r"no option 'timezon'. Did you mean 'timezone'"):
        reader(timezon="UTC")
