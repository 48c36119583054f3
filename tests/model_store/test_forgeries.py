"""Forged states behind good seals: every one is refused, or is a valid model; none ends in another error."""

from __future__ import annotations

import copy
import os
import random
import time
import warnings

import numpy as np
import pytest

import clientcare as cc
from clientcare.datasets import simulate_histories
from clientcare.exceptions import ModelFileError
from clientcare.model.store import versions
from clientcare.model.store.file import read_with_version, write_model_file
from clientcare.model.store.fingerprint import fingerprint

N_FORGERIES = 10_000 if os.environ.get("CLIENTCARE_TESTS") == "full" else 300
SHARES = ("client_probability", "churn_risk", "churn_risk_low", "churn_risk_high")


@pytest.fixture(scope="module", params=["retailer", "service_firm"])
def honest(request, tmp_path_factory):
    """A saved model, its state and card as they stand in the file, some buyers, and their honest book."""
    world = simulate_histories(request.param, n_buyers=250, random_state=3)
    histories = getattr(world, "histories", world)
    model = cc.RelationshipModel(effort="quick", keep_levels=["segment"]).fit(histories)
    file = tmp_path_factory.mktemp("forged") / "m.clientcare"
    model.save(file)
    _, state, card = read_with_version(file)
    some = histories.select(histories.buyer_ids[:25])
    return file, state, card, some, cc.load_model(file).score(some)


def places(value, path=()):
    """Every place in a state, containers included."""
    yield path, value
    entries = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, (list, tuple))
        else ()
    )
    for key, one in entries:
        yield from places(one, (*path, key))


def put(state, path, value):
    """The state with another value at a place."""
    if not path:
        return value
    if isinstance(state, dict):
        return {**state, path[0]: put(state[path[0]], path[1:], value)}
    changed = list(state)
    changed[path[0]] = put(changed[path[0]], path[1:], value)
    return changed if isinstance(state, list) else tuple(changed)


ODD = (
    None,
    True,
    "x",
    "",
    [],
    {},
    -1,
    0,
    7,
    1 << 40,
    1e300,
    -1e300,
    float("nan"),
    float("inf"),
    0.5,
    [1.0],
    {"a": 1},
)


def forged_array(array, rng):
    kind = rng.randrange(9)
    flat = array.ravel()
    if kind == 0:
        return array[: len(array) // 2].copy()
    if kind == 1:
        return np.concatenate([array, array])
    if kind == 2:
        return flat.reshape(1, -1) if array.ndim == 1 else flat.copy()
    if kind == 3:
        return array.astype(rng.choice([np.float32, np.int32, np.float64, np.int64, bool]))
    changed = array.copy()
    if not changed.size or changed.dtype.kind not in "fi":
        return np.array(["x"])
    place = rng.randrange(changed.size)
    if changed.dtype.kind == "f":
        changed.ravel()[place] = rng.choice(
            [np.nan, np.inf, -np.inf, 1e300, -1e300, 0.0, -flat[place], flat[place] + 1e-9]
        )
    else:
        changed.ravel()[place] = rng.choice([-1, -2, 0, 1, 6, 7, 300, 1 << 40])
    return changed if kind < 7 else changed[::-1].copy()


def forged(state, rng):
    """One place of the learned state or beside it, changed in one of many ways."""
    everywhere = list(places(state))
    path, value = rng.choice(everywhere[1:])
    if isinstance(value, np.ndarray):
        return put(state, path, forged_array(value, rng))
    if isinstance(value, dict) and value and rng.random() < 0.7:
        key = rng.choice(list(value))
        kept = {name: one for name, one in value.items() if name != key}
        return put(state, path, rng.choice([kept, {**value, "more": 1}, {**kept, f"{key}_": value[key]}]))
    if isinstance(value, list) and value and rng.random() < 0.7:
        shuffled = list(value)
        rng.shuffle(shuffled)
        return put(state, path, rng.choice([value[:-1], [*value, value[0]], shuffled, value * 2]))
    if isinstance(value, (int, float)) and not isinstance(value, bool) and rng.random() < 0.6:
        return put(state, path, rng.choice([-value, value * 1.5, value * 1e12, value + 1, 0 * value]))
    if rng.random() < 0.3:
        return put(state, path, copy.deepcopy(rng.choice(everywhere)[1]))
    return put(state, path, rng.choice(ODD))


def test_no_forgery_is_anything_but_refused_or_valid(honest, tmp_path):
    """Half of the forgers also know how a model's name is made, and put theirs in state and card."""
    _, state, card, some, book = honest
    rng = random.Random(len(card["columns"]))
    target = tmp_path / "m.clientcare"
    refused = loaded = 0
    for number in range(N_FORGERIES // 2):
        try:
            changed = forged(state, rng)
            named = dict(card)
            knows = number % 2 and isinstance(changed.get("learned"), dict)
            if knows:
                changed = {**changed, "model_id": fingerprint(changed["learned"])}
                named["model_id"] = changed["model_id"]
            write_model_file(target, changed, named)
        except (ModelFileError, OverflowError, TypeError, ValueError):
            continue  # not even a file can be made of it
        started = time.process_time()
        try:
            model = cc.load_model(target)
        except ModelFileError:
            refused += 1
            assert time.process_time() - started < 1.0
            continue
        loaded += 1
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            told = model.score(some)
        if not knows:
            assert told.equals(book), "another book under the same name"
        for name in SHARES:
            assert told[name].dropna().between(0, 1).all()
        assert (told["churn_risk_low"].fillna(0) <= told["churn_risk_high"].fillna(1)).all()
        assert not np.isinf(told.select_dtypes("float").to_numpy()).any()
    assert refused > N_FORGERIES * 0.3
    assert loaded + refused > N_FORGERIES * 0.4


CHANGES = {
    "a tree that leads back to its root": (("trees",), "left_", lambda a: _at(a, (0, 0), 0)),
    "a tree whose branches meet": (("trees",), "right_", lambda a: _at(a, (0, 0), 1)),
    "a tree that asks a column that is not there": (("trees",), "feature_", lambda a: _at(a, (0, 0), 10_000)),
    "coefficients of another number": (("linear",), "coefficients_", lambda a: a[:-1].copy()),
    "a coefficient that is not known": (("linear",), "coefficients_", lambda a: _at(a, 0, np.nan)),
}


def _at(array, place, value):
    changed = array.copy()
    changed[place] = value
    return changed


@pytest.mark.parametrize("name", CHANGES)
def test_a_member_that_does_not_fit_together_is_refused_by_its_place(name, honest, tmp_path):
    _, state, card, _, _ = honest
    (member,), part, change = CHANGES[name]
    path = ("learned", "heads", "churn", "members", member, 1, "fitted")
    fitted = state["learned"]["heads"]["churn"]["members"][member][1]["fitted"]
    for side, (_, inner) in fitted.get("sides_", {}).items():  # a learner apart for the bound and the others
        if part in inner["fitted"]:
            path = (*path, "sides_", side, 1, "fitted")
            break
    if path[-1] == "fitted" and "sides_" in fitted and "sides_" not in path:
        pytest.skip("too few of either outcome on both sides: shares stand in")
    path, value = (*path, part), state
    for step in path:
        value = value[step]
    changed = put(state, path, change(value))
    changed["model_id"] = fingerprint(changed["learned"])
    write_model_file(tmp_path / "m", changed, {**card, "model_id": changed["model_id"]})
    with pytest.raises(ModelFileError, match=r"heads\.churn\.members"):
        cc.load_model(tmp_path / "m")


@pytest.mark.parametrize(
    ("path", "value", "match"),
    [
        (("learned", "interval", "doubt"), 1.5, "doubt"),
        (("learned", "interval", "widening"), 0.1, "widening"),
        (("learned", "status", "chances"), [0.1, *[0.9] * 10], "rises"),
        (("learned", "heads", "churn", "shift"), 50.0, "shift"),
        (("learned", "heads", "churn", "weights"), {}, "weights"),
        (("learned", "rhythm", "between"), 0.0, "between"),
        (("learned", "usual"), np.zeros(2), "usual"),
        (("learned", "usual_client"), np.zeros(2), "usual_client"),
        (("learned", "encoding", "names"), ["a"], "names"),
        (("learned", "owns_client_head"), "yes", "owns_client_head"),
    ],
)
def test_a_range_is_held(path, value, match, honest, tmp_path):
    _, state, card, _, _ = honest
    changed = put(state, path, value)
    changed["model_id"] = fingerprint(changed["learned"])
    write_model_file(tmp_path / "m", changed, {**card, "model_id": changed["model_id"]})
    with pytest.raises(ModelFileError, match=match):
        cc.load_model(tmp_path / "m")


def test_one_number_changed_is_another_model(honest, tmp_path):
    _, state, card, _, _ = honest
    changed = put(
        state, ("learned", "interval", "widening"), 2.0 + state["learned"]["interval"]["widening"] / 4
    )
    write_model_file(tmp_path / "m", changed, card)
    with pytest.raises(ModelFileError, match="fingerprint"):
        cc.load_model(tmp_path / "m")


def test_a_card_that_says_another_thing_is_refused(honest, tmp_path):
    _, state, card, _, _ = honest
    write_model_file(tmp_path / "m", state, {**card, "says": ["Beats everything."]})
    with pytest.raises(ModelFileError, match="card"):
        cc.load_model(tmp_path / "m")


def test_a_file_of_the_version_before_is_brought_forward(honest, tmp_path, monkeypatch):
    """Levels stood in it as written, and rare ones had no flag."""
    world = simulate_histories("retailer", n_buyers=250, random_state=3)
    histories = getattr(world, "histories", world)
    model = cc.RelationshipModel(effort="quick", keep_levels=True).fit(histories)
    state = model.get_state()
    assert not state["learned"]["encoding"]["others"]
    for name in ("dependence", "by_dependence", "trust", "pulse", "usual_client"):
        del state["learned"][name]
    del state["learned"]["client"]["min_dependence"]
    for name in ("kept", "others"):
        del state["learned"]["encoding"][name]
    del state["params"]["keep_levels"]
    state["model_id"] = fingerprint(state["learned"])
    with monkeypatch.context() as earlier:
        earlier.setattr(versions, "SCHEMA_VERSION", 2)
        write_model_file(tmp_path / "m", state, {**model.card(), "model_id": state["model_id"]})
    old = cc.load_model(tmp_path / "m")
    assert old.keep_levels is True
    one, other = old.score(histories), model.score(histories)
    later = ["model_id", "dependence", "depends_on", "evidence", "reason_1", "reason_2", "reason_3"]
    assert one["reason_1"].str.contains("the usual buyer").any()
    assert not one["reason_1"].str.contains("the usual client").any()
    differ = [name for name in one.columns.drop(later) if not one[name].equals(other[name])]
    assert set(differ) <= {"stage"}, "who depends little is no client for the new file alone"
    assert old.client_definition_.min_dependence == 0
    old.save(tmp_path / "again")
    assert cc.load_model(tmp_path / "again").model_id_ == old.model_id_
