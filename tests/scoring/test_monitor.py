"""Two runs compared: what moved, and when nothing happened it says so."""

import json

import numpy as np
import pandas as pd
import pytest

from clientcare.exceptions import InputError, SchemaError
from clientcare.scoring import compare_scores


def book(n=2000, seed=0, **change):
    rng = np.random.default_rng(seed)
    risk = rng.beta(2, 3, n)
    frame = {
        "churn_risk": risk,
        "client_probability": 1 - risk,
        "expected_spend": np.where(rng.random(n) < 0.1, np.nan, rng.gamma(2, 50, n)),
        "stage": np.where(risk < 0.3, "dependent client", "one-time customer"),
        "model_id": "m",
        "horizon_days": 90,
        **change,
    }
    return pd.DataFrame(frame, index=pd.RangeIndex(n, name="buyer_id"))


def test_the_same_book_twice_is_nothing():
    found = compare_scores(book(), book())
    assert found.exit_code == 0 and found.share_moved == 0
    assert (found.drift["psi"] == 0).all() and (found.drift["verdict"] == "as before").all()
    assert "No column moved" in str(found)


def test_two_samples_of_one_distribution_are_called_as_before_in_nearly_all_runs():
    """Small books swing a lot by chance: PSI far above 0.1, and still no alarm."""
    large = 0
    alarms = 0
    for seed in range(60):
        old, new = book(60, seed), book(60, seed + 1000)
        found = compare_scores(old.drop(columns="stage"), new, random_state=seed)
        large += (found.drift["psi"] > 0.1).any()
        alarms += bool(found.alarms)
    assert large > 20
    assert alarms <= 3


@pytest.mark.parametrize(
    ("new", "said"),
    [(book().rename(index=str), "written alike"), (book().iloc[:1000], "50.0% of the old book's buyers")],
)
def test_buyers_who_are_gone_are_an_alarm(new, said):
    found = compare_scores(book(), new)
    assert found.exit_code == 3 and said in found.alarms[0]


def test_a_few_buyers_gone_and_many_new_ones_are_none():
    assert compare_scores(book().iloc[:500], book().iloc[20:]).exit_code == 0


def test_a_shift_that_matters_is_an_alarm():
    new = book()
    found = compare_scores(book(), new.assign(churn_risk=np.clip(new["churn_risk"] + 0.3, 0, 1)))
    assert found.drift.loc["churn_risk", "verdict"] == "moved"
    assert found.exit_code == 3 and "churn_risk moved" in found.alarms[0]
    assert found.drift.loc["expected_spend", "verdict"] == "as before"


def test_a_shift_above_chance_that_does_not_matter_is_only_noted():
    old, new = book(200_000, 1), book(200_000, 2)
    found = compare_scores(old, new.assign(churn_risk=new["churn_risk"] + 0.01), moved_limit=1.0)
    assert found.drift.loc["churn_risk", "verdict"] == "shifted a little"
    assert found.exit_code == 0 and any("shifted a little" in note for note in found.notes)


def test_more_unknown_values_are_a_drift_too():
    new = book()
    new.loc[new.index[:1000], "expected_spend"] = np.nan
    assert compare_scores(book(), new).drift.loc["expected_spend", "verdict"] == "moved"


def test_moved_stages_are_counted_from_old_to_new():
    old = book(10, stage="repeat customer")
    new = old.assign(stage=["dependent client"] * 4 + ["repeat customer"] * 6).iloc[1:]
    found = compare_scores(old, new)
    assert found.moved.loc["repeat customer", "dependent client"] == 3
    assert found.moved.loc["repeat customer", "repeat customer"] == 6
    assert found.share_moved == pytest.approx(3 / 9) and found.exit_code == 3
    assert found.buyers == {"n_old": 10, "n_new": 9, "n_both": 9, "n_gone": 1, "n_added": 0}


def test_risks_that_came_true_are_no_alarm_and_risks_that_did_not_are():
    old = book(5000)
    rng = np.random.default_rng(5)
    true = pd.Series(rng.random(5000) < old["churn_risk"], index=old.index)
    good = compare_scores(old, old, outcomes=true)
    assert good.exit_code == 0 and abs(good.calibration["z"]) < 3
    assert [row["n"] for row in good.calibration["by_decile"]] == [500] * 10
    assert sum(row["observed"] * row["n"] for row in good.calibration["by_decile"]) == pytest.approx(
        true.sum()
    )
    bad = compare_scores(
        old, old, outcomes=pd.Series(rng.random(5000) < old["churn_risk"] / 2, index=old.index)
    )
    assert bad.exit_code == 3 and "foretold" in bad.alarms[0]


def test_texts_never_seen_before_are_counted():
    old = pd.DataFrame({"channel": ["web"] * 90 + ["shop"] * 10, "n": 1.0})
    new = pd.DataFrame({"channel": ["web"] * 80 + ["app"] * 15 + [None] * 5, "n": 1.0})
    found = compare_scores(book(100), book(100), features=(old, new))
    assert found.unseen.loc["channel"].tolist() == [0.15, 1]
    assert found.exit_code == 3 and "channel" in found.alarms[0] and "app" not in found.to_json()


def test_a_feature_that_is_gone_is_refused():
    with pytest.raises(SchemaError, match="'n'"):
        compare_scores(book(5), book(5), features=(pd.DataFrame({"n": [1.0]}), pd.DataFrame({"m": [1.0]})))


def test_another_model_or_horizon_is_noted():
    found = compare_scores(book(), book(model_id="other", horizon_days=30))
    assert [note.split(":")[0] for note in found.notes[:2]] == ["Another model", "Another horizon"]


def test_json_is_one_line_that_any_parser_takes():
    line = compare_scores(book(50), book(50, 1), outcomes=pd.Series(True, index=range(50))).to_json()
    facts = json.loads(line, parse_constant=lambda name: pytest.fail(name))
    assert (
        "\n" not in line
        and facts["exit_code"] in (0, 3)
        and set(facts["drift"]["churn_risk"]) == {"psi", "noise", "verdict"}
    )


@pytest.mark.parametrize("bad", [pd.DataFrame(), pd.DataFrame({"x": [1]}), None])
def test_what_is_no_book_is_refused(bad):
    with pytest.raises(InputError, match="no book"):
        compare_scores(bad, book())


def test_a_buyer_twice_is_refused():
    with pytest.raises(InputError, match="twice"):
        compare_scores(book(), pd.concat([book(5), book(5)]))


def test_why_a_stage_moved_is_the_first_cause_that_the_rows_tell():
    names = ["stays", "gone", "back", "new", "near", "depends", "class", "listed", "fades"]
    old = pd.DataFrame(
        {
            "stage": ["repeat customer", "kept customer", "former customer", "new buyer", "repeat customer",
                      "repeat customer", "dependent client", "repeat customer", "repeat customer"],
            "status": ["active", "quiet", "gone"] + ["active"] * 6,
            "client_probability": [0.1, 0.1, 0.1, 0.1, 0.48, 0.3, 0.8, 0.2, 0.1],
            "dependence": [20.0, 20.0, 20.0, 20.0, 50.0, 30.0, 60.0, np.nan, 20.0],
            "evidence": "transactions", "model_id": "m", "churn_risk": 0.2,
        },
        index=pd.Index(names, name="buyer_id"),
    )  # fmt: skip
    new = old.assign(
        stage=["repeat customer", "former customer", "repeat customer", "repeat customer", "dependent client",
               "dependent client", "repeat customer", "dependent client", "fading customer"],
        status=["active", "gone", "active"] + ["active"] * 6,
        client_probability=[0.1, 0.1, 0.1, 0.1, 0.52, 0.7, 0.3, 1.0, 0.1],
        dependence=[20.0, 20.0, 20.0, 20.0, 50.0, 60.0, 61.0, np.nan, 20.0],
        evidence=["transactions"] * 7 + ["transactions; your list", "transactions"],
    )  # fmt: skip
    found = compare_scores(old, new)
    assert sorted(found.causes["cause"]) == sorted(
        [
            "gone", "came back", "no longer new", "the class, close to the border", "dependence moved",
            "the class, by its probability", "your own list changed", "still here: what is expected to go on",
        ]
    )  # fmt: skip
    assert found.causes["n_buyers"].sum() == 8
    assert "Why: " in repr(found)
    assert compare_scores(old, old).causes.empty
    other = compare_scores(old, new.assign(model_id="n")).causes.set_index("cause")["n_buyers"]
    assert other.loc[["another model"]].sum() == 4
