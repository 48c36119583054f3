"""Designs of real experiments: branches dealt with together, care that spreads branch by branch, an invitation that
not everybody follows, a table without histories, and looks before the end.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from clientcare.care import care_effect
from clientcare.effect import effect_in_table, plan_holdout
from clientcare.effect.doubly_robust import clustered_mean, doubly_robust
from clientcare.exceptions import NotEnoughDataError, OptionError
from clientcare.history import Histories

AS_OF = pd.Timestamp("2024-03-01")


def bought_before(n: int, rng: np.random.Generator, as_of: pd.Timestamp = AS_OF) -> pd.DataFrame:
    """Three purchases of each buyer within 200 days before a date."""
    ago = rng.integers(1, 200, (n, 3))
    return pd.DataFrame(
        {"buyer_id": np.repeat(np.arange(n), 3), "timestamp": as_of - pd.to_timedelta(ago.ravel(), unit="D")}
    )


def comes_back(buyers: np.ndarray, first: pd.Timestamp, rng: np.random.Generator) -> pd.DataFrame:
    """A purchase of each of the buyers in the 30 days from a date on."""
    days = pd.to_timedelta(rng.integers(0, 30, len(buyers)), unit="D")
    return pd.DataFrame({"buyer_id": buyers, "timestamp": first + days})


def test_branches_drawn_by_lot_need_intervals_of_branches():
    """Thirty branches, half of them drawn, each with a luck of its own; care does nothing."""
    covered = {"branch": [], "buyer": []}
    for seed in range(300):
        rng = np.random.default_rng(seed)
        branch = np.repeat(np.arange(30), 20)
        drawn = rng.permutation(np.arange(30) % 2 == 0)[branch]
        y = (rng.random(600) < np.clip(0.4 + rng.normal(0, 0.12, 30)[branch], 0, 1)).astype(float)
        half, guess = np.full(600, 0.5), np.full(600, y.mean())
        for unit, label in ((branch, "branch"), (np.arange(600), "buyer")):
            found = doubly_robust(
                drawn,
                y,
                np.zeros((600, 1)),
                unit,
                binary=True,
                known_propensity=half,
                known_outcomes=(guess, guess),
            )
            covered[label].append(not found.estimate.excludes_zero())
    assert 0.85 <= np.mean(covered["branch"]) <= 0.95
    assert np.mean(covered["buyer"]) < 0.75  # what ignoring the branches would promise


def test_clusters_are_a_column_or_a_series_and_few_of_them_cannot_tell():
    rng = np.random.default_rng(3)
    n = 600
    owner = pd.Series(rng.integers(0, 24, n), index=pd.RangeIndex(n, name="buyer_id"))
    arms = pd.Series(np.where(owner % 2 == 0, "care", "hold_out"), index=owner.index)
    back = np.flatnonzero(rng.random(n) < 0.5)
    histories = Histories(
        pd.concat([bought_before(n, rng), comes_back(back, AS_OF, rng)]).assign(amount=9.0),
        buyers=pd.DataFrame({"buyer_id": owner.index, "owner": owner.map("o{}".format)}),
        observed_until="2024-07-01",
    )
    asked = {"outcome": "churn", "as_of": AS_OF, "horizon": "30D", "randomised": arms}
    by_column = care_effect(histories, clusters="owner", **asked)
    by_series = care_effect(histories, clusters=owner, **asked)
    assert by_column.n_clusters == by_series.n_clusters == 24
    assert by_column.standard_error == by_series.standard_error
    few = care_effect(histories, clusters=owner % 4, **asked)
    assert few.verdict == "cannot tell" and "only 4 units were dealt with together" in few.sentence
    with pytest.raises(OptionError, match="no column of the buyers' table"):
        care_effect(histories, clusters="branch", **asked)


def test_care_that_spreads_branch_by_branch_is_compared_within_each_date():
    """Twelve steps in a year that gets worse: over all dates together care would look harmful."""
    rng = np.random.default_rng(5)
    n, branches = 1200, 24
    branch = np.arange(n) % branches
    joins = rng.permutation(np.arange(branches) % 4)[branch]  # the date from which a branch gives care
    dates = [AS_OF + pd.Timedelta(days=30 * step) for step in range(4)]
    rows, arms = [bought_before(n, rng)], {}
    for step, date in enumerate(dates):
        care = joins <= step
        stays = 0.75 - 0.15 * step + 0.15 * care
        rows.append(comes_back(np.flatnonzero(rng.random(n) < stays), date, rng))
        arms[date] = pd.Series(care.astype(float), index=pd.RangeIndex(n, name="buyer_id"))
    histories = Histories(pd.concat(rows).assign(amount=9.0), observed_until="2024-08-01")
    found = care_effect(
        histories,
        outcome="churn",
        as_of=dates,
        horizon="30D",
        randomised=pd.concat(arms, names=["as_of", "buyer_id"]),
        clusters=pd.Series(branch, index=pd.RangeIndex(n)),
    )
    assert found.n_dates_left_out == 1  # at the last date everybody has it
    assert found.naive > -0.1  # what counting over all dates says
    assert found.low <= -0.15 <= found.high
    assert found.verdict == "helps"


@pytest.mark.parametrize("by_invitation", [True, False])
def test_an_invitation_that_some_follow_tells_of_those_who_follow(by_invitation):
    rng = np.random.default_rng(11)
    n = 2400
    care = rng.random(n) < 0.5
    follows = rng.random(n) < 0.5
    met = care & follows if by_invitation else follows  # or they come anyway, drawn or not
    back = np.flatnonzero(rng.random(n) < 0.4 + 0.3 * met)
    contacts = pd.DataFrame({"buyer_id": np.flatnonzero(met), "timestamp": AS_OF, "kind": "visit"})
    histories = Histories(
        pd.concat([bought_before(n, rng), comes_back(back, AS_OF, rng)]).assign(amount=9.0),
        contacts,
        observed_until="2024-07-01",
    )
    arms = pd.Series(care.astype(int), index=pd.RangeIndex(n, name="buyer_id"))
    found = care_effect(histories, "visit", "churn", AS_OF, horizon="30D", randomised=arms)
    complier = found.complier
    assert complier.uptake_care == pytest.approx(met[care].mean())
    assert complier.uptake_hold_out == pytest.approx(met[~care].mean())
    if by_invitation:
        assert complier.low <= -0.3 <= complier.high
        assert complier.effect == pytest.approx(found.effect / 0.5, rel=0.15)
        assert "because they were drawn" in repr(found)
    else:
        assert np.isnan(complier.low) and "too few" in str(complier)


def test_from_observation_there_are_no_compliers_and_no_effect_by_buyer_without_proof():
    rng = np.random.default_rng(2)
    n = 500
    called = rng.random(n) < 0.4
    back = np.flatnonzero(rng.random(n) < 0.5)
    contacts = pd.DataFrame({"buyer_id": np.flatnonzero(called), "timestamp": AS_OF, "kind": "call"})
    histories = Histories(
        pd.concat([bought_before(n, rng), comes_back(back, AS_OF, rng)]).assign(amount=9.0),
        contacts.assign(direction="outbound"),
        observed_until="2024-07-01",
    )
    found = care_effect(histories, "call", "churn", AS_OF, horizon="30D", outcome_from="as_of")
    assert found.complier is None and not found.validated
    assert found.effect_by_buyer(histories, AS_OF).isna().all().all()


def experiment(seed: int, n: int = 1200) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {"visits": rng.poisson(3, n), "segment": rng.choice(["a", "b"], n), "arm": rng.integers(0, 2, n)}
    )
    stays = 0.3 + 0.03 * table["visits"].clip(upper=8) + 0.15 * table["arm"]
    return table.assign(stayed=(rng.random(n) < stays).astype(int))


def test_an_experiment_in_a_table_needs_no_histories():
    found = effect_in_table(experiment(0), "arm", "stayed", ["visits", "segment"], randomised=True)
    assert found.randomised and found.verdict == "helps"
    assert found.low <= 0.15 <= found.high
    with pytest.raises(OptionError, match="ask care_effect with histories"):
        found.effect_by_buyer(None, AS_OF)


def test_what_a_table_lacks_is_named():
    table = experiment(1)
    with pytest.raises(OptionError, match="no column 'spend'"):
        effect_in_table(table, "arm", "stayed", ["spend"])
    with pytest.raises(OptionError, match="'maybe' is no arm"):
        effect_in_table(table.assign(arm="maybe"), "arm", "stayed", ["visits"])
    with pytest.raises(OptionError, match="1 outcomes are unknown"):
        effect_in_table(
            table.assign(stayed=table["stayed"].where(table.index > 0)), "arm", "stayed", ["visits"]
        )
    with pytest.raises(NotEnoughDataError):
        effect_in_table(table.assign(arm=0), "arm", "stayed", ["visits"])


def test_looking_before_the_end_keeps_the_promise_only_where_it_is_asked_for():
    """Outcomes come in by twentieths, care does nothing, and somebody looks each time."""
    once, always = [], []
    book = pd.DataFrame({"churn_risk": np.full(600, 0.3)}, index=pd.RangeIndex(600, name="buyer_id"))
    plan = plan_holdout(book, smallest_effect=0.1, n_buyers=600)
    for seed in range(40):
        rng = np.random.default_rng(seed)
        order = rng.permutation(600)
        y = pd.Series((rng.random(600) < 0.3).astype(float), index=book.index)
        alarm = {False: False, True: False}
        for seen in range(60, 601, 30):
            known = y.where(pd.Series(np.isin(np.arange(600), order[:seen]), index=y.index))
            for sequential in alarm:
                alarm[sequential] |= plan.evaluate(known, sequential=sequential).verdict != "no effect seen"
        once.append(alarm[False])
        always.append(alarm[True])
    assert np.mean(always) <= 0.1
    assert np.mean(once) > 0.2  # an interval of one look, looked at nineteen times
    assert "all looks together" in str(plan.evaluate(y, sequential=True))


def test_a_mean_of_one_cluster_has_no_error():
    assert np.isnan(clustered_mean(np.arange(3.0), np.zeros(3, dtype=int), 0.9).error)
