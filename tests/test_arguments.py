"""A grossly wrong argument is refused at the door of a public function, in one clear message of our own."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import clientcare as cc
from clientcare.arguments import is_number, is_one_of, is_whole, listed, path_of
from clientcare.exceptions import ClientcareError, OptionError

WRONG = {
    "text": "nonsense", "number": 3.7, "nan": float("nan"), "thing": object(), "list": [1, 2], "mapping": {"a": 1},
    "table": pd.DataFrame({"a": [1]}), "array": np.arange(3), "series": pd.Series([1, 2]), "function": len,
}  # fmt: skip
NO_NUMBER = [kind for kind in WRONG if kind != "number"]
NO_TEXT = [kind for kind in WRONG if kind != "text"]
NO_TABLE = [kind for kind in WRONG if kind != "table"]
NO_SERIES = [kind for kind in WRONG if kind not in ("series", "table")]


@pytest.fixture(scope="module")
def firm():
    return cc.datasets.simulate_histories("service_firm", n_buyers=60, random_state=0).histories


@pytest.fixture(scope="module")
def book(firm):
    risk = np.random.default_rng(0).uniform(0.1, 0.6, len(firm.buyer_ids))
    return pd.DataFrame({"churn_risk": risk, "as_of": firm.observed_until}, index=firm.buyer_ids)


DOORS = {
    "select(buyer_ids)": (lambda f, b, x: f.select(x), ["thing", "number", "nan", "function"]),
    "set_aside(table)": (lambda f, b, x: f.set_aside(x), list(WRONG)),
    "events(table)": (lambda f, b, x: f.events(x), list(WRONG)),
    "Histories(on_bad_rows)": (lambda f, b, x: cc.Histories(f.transactions, on_bad_rows=x), list(WRONG)),
    "Histories(decimal)": (lambda f, b, x: cc.Histories(f.transactions, decimal=x), list(WRONG)),
    "ClientDefinition(care_tie)": (lambda f, b, x: cc.ClientDefinition("90D", care_tie=x), list(WRONG)),
    "suggest_horizon(coverage)": (lambda f, b, x: cc.suggest_horizon(f, coverage=x), list(WRONG)),
    "fit(effort)": (lambda f, b, x: cc.RelationshipModel(effort=x).fit(f), list(WRONG)),
    "fit(random_state)": (lambda f, b, x: cc.RelationshipModel(random_state=x).fit(f), list(WRONG)),
    "load_model(path)": (lambda f, b, x: cc.load_model(x), list(WRONG)),
    "backtest(n_bootstrap)": (
        lambda f, b, x: cc.backtest(cc.RelationshipModel(), f, n_bootstrap=x), list(WRONG)
    ),
    "backtest(confidence)": (
        lambda f, b, x: cc.backtest(cc.RelationshipModel(), f, confidence=x), list(WRONG)
    ),
    "backtest(baselines)": (
        lambda f, b, x: cc.backtest(cc.RelationshipModel(), f, baselines=x), ["number", "thing", "function"]
    ),
    "care_plan(by)": (lambda f, b, x: cc.care_plan(b, f, by=x), list(WRONG)),
    "care_plan(warning_line)": (lambda f, b, x: cc.care_plan(b, f, warning_line=x), list(WRONG)),
    "care_plan(max_per_buyer)": (lambda f, b, x: cc.care_plan(b, f, max_per_buyer=x), list(WRONG)),
    "care_plan(minutes)": (lambda f, b, x: cc.care_plan(b, f, minutes=x), list(WRONG)),
    "care_effect(outcome)": (
        lambda f, b, x: cc.care_effect(f, "check_in", x, "2023-06-01"), NO_SERIES
    ),
    "care_effect(outcome_from)": (
        lambda f, b, x: cc.care_effect(f, as_of="2023-06-01", outcome_from=x), list(WRONG)
    ),
    "care_effect(randomised)": (
        lambda f, b, x: cc.care_effect(f, as_of="2023-06-01", randomised=x), NO_SERIES
    ),
    "care_effect(features)": (lambda f, b, x: cc.care_effect(f, as_of="2023-06-01", features=x), NO_TABLE),
    "care_effect(trim)": (lambda f, b, x: cc.care_effect(f, as_of="2023-06-01", trim=x), NO_NUMBER),
    "plan_holdout(power)": (lambda f, b, x: cc.plan_holdout(b, power=x), list(WRONG)),
    "plan_holdout(n_buyers)": (lambda f, b, x: cc.plan_holdout(b, n_buyers=x), list(WRONG)),
    "plan_holdout(random_state)": (lambda f, b, x: cc.plan_holdout(b, random_state=x), list(WRONG)),
    "compare_scores(outcomes)": (lambda f, b, x: cc.compare_scores(b, b, outcomes=x), NO_SERIES),
    "compare_scores(features)": (lambda f, b, x: cc.compare_scores(b, b, features=x), list(WRONG)),
    "compare_scores(moved_limit)": (lambda f, b, x: cc.compare_scores(b, b, moved_limit=x), NO_NUMBER),
    "write_report(model)": (lambda f, b, x: cc.write_report(x, f, "book.html"), list(WRONG)),
    "write_report(path)": (lambda f, b, x: cc.write_report(cc.RelationshipModel(), f, x), NO_TEXT),
    "simulate_histories(random_state)": (
        lambda f, b, x: cc.datasets.simulate_histories("retailer", 10, random_state=x), list(WRONG)
    ),
    "simulate_histories(n_buyers)": (lambda f, b, x: cc.datasets.simulate_histories("retailer", x), list(WRONG)),
    "early_warning(lines)": (
        lambda f, b, x: cc.care.early_warning(
            pd.concat({f.observed_from: b["churn_risk"]}, names=["as_of", "buyer_id"]), f, lines=x
        ),
        list(WRONG),
    ),
    "care_practices(period_days)": (
        lambda f, b, x: cc.care.care_practices(f, "2024-01-01", period_days=x), list(WRONG)
    ),
    "read_book(path)": (lambda f, b, x: cc.scoring.read_book(x), list(WRONG)),
    "BGNBD.fit(X)": (lambda f, b, x: cc.btyd.BGNBD().fit(x), list(WRONG)),
}  # fmt: skip


@pytest.mark.parametrize(
    ("door", "kind"), [(door, kind) for door, (_, kinds) in DOORS.items() for kind in kinds]
)
def test_a_grossly_wrong_argument_is_refused_at_the_door(door, kind, firm, book):
    with pytest.raises(ClientcareError) as refused:
        DOORS[door][0](firm, book, WRONG[kind])
    assert "object at 0x" not in str(refused.value)


def test_what_numbers_and_texts_are():
    assert is_number(np.float32(0.5))
    assert not any(map(is_number, (float("inf"), float("nan"), True, "0.5", None, np.array([0.5]))))
    assert is_whole(np.int64(3))
    assert not any(map(is_whole, (3.0, True, "3", -1)))
    assert not is_one_of(pd.Series(["a"]), ("a", "b"))


def test_a_path_may_be_a_text_or_a_path_and_a_single_id_is_a_list_of_one(tmp_path):
    assert path_of("x", str(tmp_path)) == path_of("x", tmp_path) == tmp_path
    assert listed("x", "one", "ids") == ["one"]
    assert listed("x", pd.Index([1, 2]), "ids") == [1, 2]
    with pytest.raises(OptionError, match="x: must be a path, such as 'folder/file', found bytes"):
        path_of("x", b"here")
