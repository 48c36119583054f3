"""The forms of the members: what each kind keeps, and how its arrays must fit together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from clientcare.model.members.base import Member
from clientcare.model.members.type_mixture import PHASES
from clientcare.model.store.valid.forms import (
    array,
    flag,
    items,
    mapping,
    named,
    number,
    plain,
    refuse,
    rising,
    same,
    text,
    texts,
    whole,
)

MOST_LOG_ODDS = 1e3
"""Of an intercept or a coefficient: beyond it a probability is 0 or 1 to the last bit."""
MOST_TREES = 10_000
N_NODES = (3, 5, 7)
MOST_DAYS = 36_500
MOST_RATE = 100.0
"""Steps a day: eight phases at a gap of less than a tenth of a day."""
MOST_PARTS = 24
"""Of a horizon that somebody may be asked to have bought in."""
GAMMA_LAWS = ("r", "alpha", "s", "beta")

Check = Callable[[dict[str, Any], dict[str, Any], list[str], str], None]


def check_member(
    name: str, state: Any, kinds: Mapping[str, type[Member]], names: list[str], where: str
) -> None:
    """One member of a blend: its kind, its options, and what it learned over the model's columns.

    Raises
    ------
    ModelFileError
    """
    kind, inner = items(state, where, 2)
    kind = text(kind, f"{where} ({name})", kinds)
    parts = mapping(inner, where, ("params", "fitted"))
    params = mapping(parts["params"], f"{where}.params", kinds[kind]._get_param_names())
    plain(params, f"{where}.params")
    _check_params(params, f"{where}.params")
    fitted = dict(mapping(parts["fitted"], f"{where}.fitted"))
    classes = fitted.pop("classes_", None)
    if not isinstance(classes, np.ndarray) or classes.dtype != bool or classes.tolist() != [False, True]:
        raise refuse(where, "tells other outcomes apart than yes and no")
    columns = texts(fitted.pop("columns_", None), f"{where}.columns_")
    if columns and columns != names:
        raise refuse(where, "was learned over other columns than the model's")
    if not columns and kind != "BaseRate":
        raise refuse(where, "was learned over no columns")
    CHECKS.get(kind, _plain_member)(params, fitted, names, where)


def _check_params(params: dict[str, Any], where: str) -> None:
    """Options that how long a loop runs depends on."""
    for name in ("horizon_days", "rhythm_days"):
        if name in params:
            whole(params[name], f"{where}.{name}", 1, MOST_DAYS)
    if "periods" in params:
        periods = whole(params["periods"], f"{where}.periods", 0, MOST_PARTS)
        whole(params["min_periods"], f"{where}.min_periods", min(periods, 1), periods)


def _plain_member(params: dict[str, Any], fitted: dict[str, Any], names: list[str], where: str) -> None:
    plain(fitted, where)


def _check_rule(params: dict[str, Any], fitted: dict[str, Any], names: list[str], where: str) -> None:
    mapping(fitted, where, ("position_", "mean_", "spread_", "intercept_", "coefficients_"))
    column = text(params["column"], f"{where}.column")
    same(fitted["position_"], names.index(column) if column in names else 0, f"{where}.position_")
    number(fitted["mean_"], f"{where}.mean_")
    number(fitted["spread_"], f"{where}.spread_", 1e-9)
    number(fitted["intercept_"], f"{where}.intercept_", -MOST_LOG_ODDS, MOST_LOG_ODDS)
    array(fitted["coefficients_"], f"{where}.coefficients_", "f", (2,), -MOST_LOG_ODDS, MOST_LOG_ODDS)


def _check_base_rate(params: dict[str, Any], fitted: dict[str, Any], names: list[str], where: str) -> None:
    mapping(fitted, where, ("intercept_",))
    number(fitted["intercept_"], f"{where}.intercept_", -MOST_LOG_ODDS, MOST_LOG_ODDS)


def _check_linear(params: dict[str, Any], fitted: dict[str, Any], names: list[str], where: str) -> None:
    mapping(fitted, where, ("design_", "intercept_", "coefficients_"))
    number(params["C"], f"{where}.C", 1e-9)
    number(fitted["intercept_"], f"{where}.intercept_", -MOST_LOG_ODDS, MOST_LOG_ODDS)
    n_terms = check_design(fitted["design_"], len(names), f"{where}.design_")
    array(fitted["coefficients_"], f"{where}.coefficients_", "f", (n_terms,), -MOST_LOG_ODDS, MOST_LOG_ODDS)


def check_design(state: Any, n_columns: int, where: str) -> int:
    """Terms over so many columns; how many they are."""
    names = (
        "kinks",
        "products",
        "low",
        "high",
        "mean",
        "spread",
        "used",
        "flagged",
        "source",
        "centre",
        "scale",
    )
    state = mapping(state, where, names)
    last = n_columns - 1
    kinked, multiplied = [], []
    for kink in items(state["kinks"], f"{where}.kinks", most=1_000):
        column, positions = items(kink, f"{where}.kinks", 2)
        at = [number(one, f"{where}.kinks") for one in items(positions, f"{where}.kinks", most=100)]
        kinked += [whole(column, f"{where}.kinks", 0, last)] * len(at)
    for pair in items(state["products"], f"{where}.products", most=10_000):
        first, second = items(pair, f"{where}.products", 2)
        multiplied.append(whole(first, f"{where}.products", 0, last))
        whole(second, f"{where}.products", 0, last)
    low, high, mean, spread = (
        array(state[name], f"{where}.{name}", "f", (n_columns,)) for name in ("low", "high", "mean", "spread")
    )
    if (low > high).any() or (spread < 0).any() or ((mean < low - 1e-6) | (mean > high + 1e-6)).any():
        raise refuse(where, "has bounds that cross")
    used = array(state["used"], f"{where}.used", "i", (None,), 0, last)
    rising(used, f"{where}.used")
    same(used.tolist(), np.flatnonzero(spread > 1e-9).tolist(), f"{where}.used")
    flagged = array(state["flagged"], f"{where}.flagged", "i", (None,), 0, last)
    if len(set(flagged.tolist())) != len(flagged):
        raise refuse(f"{where}.flagged", "names a column twice")
    source = [*used.tolist(), *flagged.tolist(), *kinked, *multiplied]
    found = array(state["source"], f"{where}.source", "i", (len(source),), 0, last)
    same(found.tolist(), source, f"{where}.source")
    array(state["centre"], f"{where}.centre", "f", (len(source),))
    array(state["scale"], f"{where}.scale", "f", (len(source),), 1e-12)
    return len(source)


def _check_trees(params: dict[str, Any], fitted: dict[str, Any], names: list[str], where: str) -> None:
    """Every node but the root has one parent, which stands before it: a tree, and no way round in it."""
    parts = ("feature_", "left_", "right_", "missing_left_", "threshold_", "value_")
    mapping(fitted, where, ("baseline_", *parts))
    number(fitted["baseline_"], f"{where}.baseline_", -MOST_LOG_ODDS, MOST_LOG_ODDS)
    feature = array(fitted["feature_"], f"{where}.feature_", "i", (None, None), -1, len(names) - 1)
    n_trees, n_nodes = feature.shape
    if n_trees > MOST_TREES or n_nodes not in N_NODES:
        raise refuse(where, "has trees of another size than ours")
    left, right = (
        array(fitted[name], f"{where}.{name}", "i", feature.shape, 0, n_nodes - 1)
        for name in ("left_", "right_")
    )
    array(fitted["missing_left_"], f"{where}.missing_left_", "i", feature.shape, 0, 1)
    array(fitted["threshold_"], f"{where}.threshold_", "f", feature.shape, -1e300, 1e300, endless=True)
    array(fitted["value_"], f"{where}.value_", "f", feature.shape, -MOST_LOG_ODDS, MOST_LOG_ODDS)
    inner = feature >= 0
    place = np.arange(n_nodes)
    if (inner & ((left <= place) | (right <= place))).any():
        raise refuse(where, "has a tree whose branches lead back")
    children = np.zeros((n_trees, n_nodes), dtype=np.int64)
    for side in (left, right):
        for node in range(n_nodes):
            rows = np.flatnonzero(inner[:, node])
            children[rows, side[rows, node]] += 1
    if (children > 1).any():
        raise refuse(where, "has a tree whose branches meet again")
    if ((children == 0) & inner)[:, 1:].any():
        raise refuse(where, "has a branch that hangs on no tree")


def _check_probability(
    params: dict[str, Any], fitted: dict[str, Any], names: list[str], where: str, own: str, n_drivers: range
) -> None:
    mapping(fitted, where, ("place_", "intercept_", "usable_", "design_", "coefficients_", own))
    for name, place in mapping(fitted["place_"], f"{where}.place_").items():
        if names[whole(place, f"{where}.place_", 0, len(names) - 1)] != name:
            raise refuse(f"{where}.place_", "names a column that stands elsewhere")
    number(fitted["intercept_"], f"{where}.intercept_", -MOST_LOG_ODDS, MOST_LOG_ODDS)
    if not flag(fitted["usable_"], f"{where}.usable_"):
        raise refuse(where, "is a member that was not fitted")
    design = mapping(fitted["design_"], f"{where}.design_")
    n_columns = len(items(_listed(named(design, "low", where)), f"{where}.design_.low"))
    if n_columns not in n_drivers:
        raise refuse(f"{where}.design_", "rests on another number of columns than it reads")
    n_terms = check_design(design, n_columns, f"{where}.design_")
    array(fitted["coefficients_"], f"{where}.coefficients_", "f", (n_terms,), -1e6, 1e6)


def _listed(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray) and value.ndim == 1 else value


def _require_columns(kind: type[Any], place: Mapping[str, Any], where: str) -> None:
    for name in kind._reads:
        named(place, name, f"{where}.place_")


def _check_lifetime(params: dict[str, Any], fitted: dict[str, Any], names: list[str], where: str) -> None:
    from clientcare.model.members.pareto_nbd import LifetimeMember

    _check_probability(params, fitted, names, where, "parameters_", range(3, 4))
    _require_columns(LifetimeMember, fitted["place_"], where)
    laws = mapping(fitted["parameters_"], f"{where}.parameters_", GAMMA_LAWS)
    for name, value in laws.items():
        number(value, f"{where}.parameters_.{name}", 1e-12, 1e12)


def _check_rhythm(params: dict[str, Any], fitted: dict[str, Any], names: list[str], where: str) -> None:
    from clientcare.model.members.buyer_types import CONTACTS, RhythmMember

    given = sum(all(name in fitted.get("place_", ()) for name in pair) for pair in CONTACTS)
    n_drivers = 4 + 2 * given
    _check_probability(params, fitted, names, where, "types_", range(n_drivers, n_drivers + 1))
    _require_columns(RhythmMember, fitted["place_"], where)
    check_types(fitted["types_"], f"{where}.types_")


def check_types(state: Any, where: str) -> None:
    """Types of buyer: steps that rise, rates of a day, shares that make one whole."""
    state = mapping(state, where, ("phases", "step_rate", "leaving_rate", "contact_rate", "share"))
    phases = array(state["phases"], f"{where}.phases", "i", (None,), 1, max(PHASES))
    if not 1 <= len(phases) <= 10_000 or not set(phases.tolist()) <= set(PHASES):
        raise refuse(f"{where}.phases", "has other numbers of steps than ours")
    rising(phases, f"{where}.phases", strictly=False)
    shape = phases.shape
    array(state["step_rate"], f"{where}.step_rate", "f", shape, 1e-12, MOST_RATE)
    array(state["leaving_rate"], f"{where}.leaving_rate", "f", shape, 1e-12, MOST_RATE)
    array(state["contact_rate"], f"{where}.contact_rate", "f", shape, 0.0, 1e4)
    share = array(state["share"], f"{where}.share", "f", shape, 0.0, 1.0)
    if abs(float(share.sum()) - 1.0) > 1e-6:
        raise refuse(f"{where}.share", "does not add up to the whole")


def _check_by_standing(params: dict[str, Any], fitted: dict[str, Any], names: list[str], where: str) -> None:
    from clientcare.model.members.by_standing import LEARNERS, SIDES
    from clientcare.model.members.rules import BaseRate
    from clientcare.model.members.terms import AGE, LEFT

    mapping(fitted, where, ("age_", "left_", "sides_"))
    text(params["kind"], f"{where}.kind", LEARNERS)
    for own, column in (("age_", AGE), ("left_", LEFT)):
        same(fitted[own], names.index(column) if column in names else -1, f"{where}.{own}")
    kinds = {params["kind"]: LEARNERS[params["kind"]], "BaseRate": BaseRate}
    for side, state in mapping(fitted["sides_"], f"{where}.sides_", SIDES).items():
        check_member(side, state, kinds, names, f"{where}.sides_.{side}")


def _places(names: list[str], fitted: dict[str, Any], where: str) -> None:
    """The columns of terms stand where the member says."""
    from clientcare.model.members.terms import AGE, LEFT

    for own, column in (("age_", AGE), ("left_", LEFT)):
        same(fitted[own], names.index(column) if column in names else -1, f"{where}.{own}")
    if not flag(fitted["usable_"], f"{where}.usable_"):
        raise refuse(where, "is a member that was not fitted")


def _check_two_numbers(params: dict[str, Any], fitted: dict[str, Any], names: list[str], where: str) -> None:
    mapping(fitted, where, ("age_", "left_", "usable_", "levels_"))
    _places(names, fitted, where)
    array(fitted["levels_"], f"{where}.levels_", "f", (2,), -MOST_LOG_ODDS, MOST_LOG_ODDS)


def _check_term(params: dict[str, Any], fitted: dict[str, Any], names: list[str], where: str) -> None:
    """Both hazards over the same terms: facts, two for each voice, three of the phase, each with its flag."""
    from clientcare.model.members.terms import FACTS, MOST_PHASES, VOICES

    lists = ("voices_", "facts_", "groups_")
    mapping(fitted, where, ("age_", "left_", "usable_", *lists, "expected_", "hazards_"))
    _places(names, fitted, where)
    for own, columns in (("voices_", VOICES), ("facts_", FACTS)):
        same(fitted[own], [names.index(name) for name in columns if name in names], f"{where}.{own}")
    for place in items(fitted["groups_"], f"{where}.groups_", most=len(names)):
        whole(place, f"{where}.groups_", 0, len(names) - 1)
    n_groups = len(fitted["groups_"])
    shape = (len(fitted["voices_"]), n_groups + 1, MOST_PHASES)
    array(fitted["expected_"], f"{where}.expected_", "f", shape, 0.0, 1e9)
    n_terms = len(fitted["facts_"]) + 2 * len(fitted["voices_"]) + 3
    for hazard in items(fitted["hazards_"], f"{where}.hazards_", 2):
        names_of = ("intercept", "levels", "mean", "spread", "low", "high", "flagged", "coefficients")
        hazard = mapping(hazard, f"{where}.hazards_", names_of)
        number(hazard["intercept"], f"{where}.hazards_", -MOST_LOG_ODDS, MOST_LOG_ODDS)
        array(hazard["levels"], f"{where}.hazards_", "f", (n_groups,), -MOST_LOG_ODDS, MOST_LOG_ODDS)
        for name in ("mean", "low", "high"):
            array(hazard[name], f"{where}.hazards_", "f", (n_terms,))
        array(hazard["spread"], f"{where}.hazards_", "f", (n_terms,), 0.0)
        array(hazard["flagged"], f"{where}.hazards_", "i", (n_terms,), 0, 1)
        weights = (2 * n_terms,)
        array(hazard["coefficients"], f"{where}.hazards_", "f", weights, -MOST_LOG_ODDS, MOST_LOG_ODDS)


CHECKS: dict[str, Check] = {
    "RecencyRule": _check_rule,
    "OverdueRule": _check_rule,
    "BaseRate": _check_base_rate,
    "RidgeLogistic": _check_linear,
    "ShallowBoosting": _check_trees,
    "LifetimeMember": _check_lifetime,
    "RhythmMember": _check_rhythm,
    "TwoNumbers": _check_two_numbers,
    "TermMember": _check_term,
    "ByStanding": _check_by_standing,
}
"""The form of each kind of member; one without a form here must at least be plain and bounded."""
