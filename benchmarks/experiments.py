"""Selections cut into experiments: what a comparison of what was observed finds, where a lot knows the answer.

    python benchmarks/care.py experiments                      three experiments made up here, with a planted effect
    python benchmarks/care.py experiments --data FOLDER        every table of the folder (.csv, .parquet), each with a
                                                               column ``arm`` (0, 1 by lot), ``outcome`` and covariates
    python benchmarks/care.py worlds                           worlds in which an honest answer is "none" or "cannot tell"

From a table in which ``arm`` was dealt out by lot, rows are left out so that those left look as if somebody had chosen
whom to treat: a treated row stays with a chance in proportion to e(x), another in proportion to 1 - e(x). Whoever is
left has the covariates of the whole, so the truth is what the whole experiment says.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from clientcare.care import care_effect
from clientcare.effect import effect_in_table
from clientcare.history import Histories

STRENGTHS = (0.5, 1.0)
"""Of the selection, in log-odds a standard deviation: people who choose by habit, and people who choose hard."""
LEAST_CHANCE = 0.08
"""A chance of being treated never nearer to 0 or 1: the estimate trims at .05, and the truth is that of everybody."""
N_ROWS = 3000
KINDS = ("best", "worst", "recent", "threshold", "mixture")


Experiment = Callable[[int], tuple[pd.DataFrame, float]]
"""The table of a draw, and what the whole experiment says."""


def simulated_experiments(n_rows: int = N_ROWS) -> dict[str, Experiment]:
    """Experiments with the skew of real ledgers: visits, heavy-tailed spend, silence, a segment. Truth beside.

    Each draw is an experiment of its own. Cut again and again out of one table, the draws would share its luck: of a table
    three times as long as the part cut out, the bias of one such series strays by .6 of a standard error about none.
    """
    return {
        "visit, effect by habit": _drawn_anew(0.35, False, n_rows),
        "visit, none": _drawn_anew(0.0, False, n_rows),
        "spend, heavy tail": _drawn_anew(0.35, True, n_rows),
    }


def _drawn_anew(effect: float, amounts: bool, n_rows: int) -> Experiment:
    truth = float(np.mean([_experiment(10_000 + k, 400_000, effect, amounts)[1] for k in range(4)]))
    return lambda draw: (_experiment(20_000 + draw, 4 * n_rows, effect, amounts)[0], truth)


def _experiment(seed: int, n: int, effect: float, amounts: bool = False) -> tuple[pd.DataFrame, float]:
    rng = np.random.default_rng(seed)
    visits = rng.negative_binomial(1.2, 0.25, n)
    spend = np.exp(rng.normal(3 + 0.3 * np.log1p(visits), 1.1, n))
    silence = rng.exponential(80, n)
    segment = rng.choice(list("abcd"), n, p=[0.5, 0.3, 0.15, 0.05])
    z = np.log1p(visits) - 1.3, np.log(spend) - 3.3, np.log1p(silence) - 3.9
    without = -2.2 + 0.7 * z[0] + 0.25 * z[1] - 0.5 * z[2] + 0.5 * (segment == "b")
    own = effect * (1 + 0.5 * z[0])
    arm = rng.random(n) < 0.5
    chance = [1 / (1 + np.exp(-(without + given * own))) for given in (0, 1)]
    luck = rng.random(n)
    outcome = [(luck < p).astype(float) for p in chance]
    if amounts:
        size = np.exp(rng.normal(3 + 0.4 * z[1], 0.8, n))
        outcome = [made * size for made in outcome]
        cap = np.quantile(np.where(arm, outcome[1], outcome[0]), 0.99)
        outcome = [np.minimum(made, cap) for made in outcome]
    table = pd.DataFrame(
        {
            "visits": visits, "spend": spend, "silence": silence, "segment": segment,
            "arm": arm.astype(int), "outcome": np.where(arm, outcome[1], outcome[0]),
        }
    )  # fmt: skip
    return table, float((outcome[1] - outcome[0]).mean())


def experiments_of(folder: Path) -> dict[str, Experiment]:
    """Every table of a folder, with what its whole experiment says; the same table at each draw."""
    found = {}
    for path in sorted([*folder.glob("*.csv"), *folder.glob("*.parquet")]):
        table = pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
        if {"arm", "outcome"} <= set(table.columns):
            table = table.dropna(subset=["arm", "outcome"])
            whole = effect_in_table(table, "arm", "outcome", covariates_of(table), randomised=True, cap=1.0)
            found[path.stem] = _always(table, whole.effect)
    return found


def _always(table: pd.DataFrame, truth: float) -> Experiment:
    return lambda draw: (table, truth)


def covariates_of(table: pd.DataFrame) -> list[str]:
    """All columns but the arm and the outcome."""
    return [name for name in table.columns if name not in ("arm", "outcome")]


def chances(table: pd.DataFrame, kind: str, strength: float) -> np.ndarray:
    """How likely somebody who chooses would treat each row."""
    numbers = table[covariates_of(table)].select_dtypes("number")
    ranks = numbers.rank(pct=True).to_numpy() - 0.5
    standard = (ranks / ranks.std(axis=0).clip(1e-9)) if ranks.size else np.zeros((len(table), 1))
    usual = (
        table["outcome"]
        .groupby(pd.qcut(numbers.iloc[:, 0], 5, duplicates="drop"), observed=True)
        .transform("mean")
    )
    good = ((usual - usual.mean()) / max(usual.std(), 1e-9)).to_numpy()
    score = {
        "best": good,
        "worst": -good,
        "recent": standard[:, -1],
        "threshold": 1.5 * (standard[:, 0] > 0.5) - 0.5,
        "mixture": standard.mean(axis=1) * np.sqrt(standard.shape[1]),
    }[kind]
    return np.clip(1 / (1 + np.exp(-strength * score)), LEAST_CHANCE, 1 - LEAST_CHANCE)


def cut(table: pd.DataFrame, chance: np.ndarray, n_rows: int, rng: np.random.Generator) -> pd.DataFrame:
    """Rows that look as if the chances had decided who was treated."""
    treated = (table["arm"] == 1).to_numpy()
    share = treated.mean()
    stays = np.where(treated, chance * (1 - share), (1 - chance) * share)
    rows = np.flatnonzero(rng.random(len(table)) < stays / stays.max())
    return table.iloc[rng.choice(rows, min(n_rows, len(rows)), replace=False)].reset_index(drop=True)


def _ours(table: pd.DataFrame, random_state: int) -> dict:
    found = effect_in_table(table, "arm", "outcome", covariates_of(table), random_state=random_state, cap=1.0)
    return {
        "effect": found.effect,
        "low": found.low,
        "high": found.high,
        "verdict": found.verdict,
        "naive": found.naive,
    }


def _double_ml(table: pd.DataFrame, random_state: int) -> dict:
    """The interactive regression of DoubleML with boosted trees, as its manual sets it up."""
    import doubleml
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    numbers = pd.get_dummies(table, dtype=float)
    data = doubleml.DoubleMLData(numbers, "outcome", "arm")
    np.random.seed(random_state)  # noqa: NPY002  the package draws its folds from here
    model = doubleml.DoubleMLIRM(
        data,
        HistGradientBoostingRegressor(max_iter=60, max_depth=3),
        HistGradientBoostingClassifier(max_iter=60, max_depth=3),
    ).fit()
    low, high = model.confint(level=0.9).to_numpy()[0]
    return {"effect": float(model.coef[0]), "low": low, "high": high, "verdict": "", "naive": np.nan}


def rivals() -> dict[str, Callable[[pd.DataFrame, int], dict]]:
    """Ours, and DoubleML where it is installed."""
    try:
        import doubleml  # noqa: F401
    except ImportError:
        return {"clientcare": _ours}
    return {"clientcare": _ours, "DoubleML": _double_ml}


def run_experiments(
    folder: Path | None, draws: range, n_rows: int, strengths: tuple[float, ...], log: Path | None
) -> None:
    """Bias, coverage, wrong signs called, and how often nothing could be told, by experiment and selection."""
    rows = []
    told = simulated_experiments(n_rows) if folder is None else experiments_of(folder)
    for draw in draws:
        for name, experiment in told.items():
            table, truth = experiment(draw)
            for kind in KINDS:
                for strength in strengths:
                    part = cut(
                        table,
                        chances(table, kind, strength),
                        n_rows,
                        np.random.default_rng([draw, KINDS.index(kind)]),
                    )
                    for rival, estimate in rivals().items():
                        row = {
                            "experiment": name, "kind": kind, "strength": strength, "draw": draw, "rival": rival,
                            "truth": truth, **estimate(part, draw),
                        }  # fmt: skip
                        rows.append(row)
                        if log is not None:
                            with log.open("a", encoding="utf-8") as lines:
                                lines.write(json.dumps(row) + "\n")
    show_experiments(pd.DataFrame(rows))


def show_experiments(table: pd.DataFrame) -> None:
    """What the draws say together."""
    for by in (
        ["experiment", "kind", "strength", "rival"],
        ["kind", "rival"],
        ["experiment", "rival"],
        ["rival"],
    ):
        print(_summary(table, by).to_string(), end="\n\n")


def _summary(table: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    def facts(part: pd.DataFrame) -> pd.Series:
        error = part["effect"] - part["truth"]
        half = (part["high"] - part["low"]) / 2 / 1.645
        called = part["verdict"].isin(["helps", "harms"])
        return pd.Series(
            {
                "truth": part["truth"].mean(),
                "naive bias": (part["naive"] - part["truth"]).mean(),
                "bias": error.mean(),
                "bias / s.e.": (error / half).mean(),
                "coverage": ((part["low"] <= part["truth"]) & (part["truth"] <= part["high"])).mean(),
                "wrong sign called": (
                    called & (np.sign(part["effect"]) != np.sign(part["truth"].round(12)))
                ).mean(),
                "called": called.mean(),
                "cannot tell": (part["verdict"] == "cannot tell").mean(),
                "draws": len(part),
            }
        ).round(4)

    return table.groupby(by, sort=False)[list(table.columns)].apply(facts)


# Worlds


def _leaving_world(
    rng: np.random.Generator, hazard: np.ndarray
) -> tuple[pd.DataFrame, np.ndarray, pd.Timestamp]:
    """Buyers who come about every twelve days until they leave; purchases, days of leaving, the first day."""
    start, n = pd.Timestamp("2023-01-01"), len(hazard)
    leaves = rng.exponential(1 / hazard)
    rows = []
    for buyer in range(n):
        day = rng.exponential(12.0)
        while day < min(leaves[buyer], 500):
            rows.append((buyer, start + pd.Timedelta(days=int(day)), 20.0))
            day += 4 + rng.exponential(8.0)
    return pd.DataFrame(rows, columns=["buyer_id", "timestamp", "amount"]), leaves, start


def presence_world(seed: int) -> tuple[Histories, dict]:
    """Meetings that do nothing, and that only those still here can keep: kept meetings are asked for."""
    rng = np.random.default_rng(seed)
    bought, leaves, start = _leaving_world(rng, np.full(900, 1 / 400))
    meetings = [
        (buyer, start + pd.Timedelta(days=int(day)), "meeting", "kept" if day < leaves[buyer] else "missed")
        for buyer in range(900)
        for day in np.sort(rng.choice(np.arange(150, 330), 6, replace=False))
    ]
    contacts = pd.DataFrame(meetings, columns=["buyer_id", "timestamp", "kind", "status"])
    histories = Histories(
        bought, contacts.assign(direction="mutual"), observed_until=start + pd.Timedelta(days=480)
    )
    return histories, {
        "action": "meeting",
        "status": "kept",
        "as_of": [start + pd.Timedelta(days=d) for d in (200, 260)],
    }


def mood_world(seed: int) -> tuple[Histories, dict]:
    """Calls that do nothing, made to those whose bad mood the seller feels and nobody writes down."""
    rng = np.random.default_rng(seed)
    bad = rng.random(1200) < 0.3
    bought, _, start = _leaving_world(rng, np.where(bad, 1 / 260, 1 / 500))
    days = start + pd.to_timedelta([200, 260], unit="D")
    called = [
        (buyer, day + pd.Timedelta(days=int(rng.integers(0, 13))), "call")
        for day in days
        for buyer in np.flatnonzero(rng.random(1200) < np.where(bad, 0.45, 0.25))
    ]
    contacts = pd.DataFrame(called, columns=["buyer_id", "timestamp", "kind"]).assign(direction="outbound")
    histories = Histories(bought, contacts, observed_until=start + pd.Timedelta(days=480))
    return histories, {"action": "call", "status": "attempt", "as_of": list(days)}


def lot_world(seed: int) -> tuple[Histories, dict]:
    """Care by lot that brings three of ten back within ten days, who would have stayed away for two months."""
    rng = np.random.default_rng(seed)
    as_of, n = pd.Timestamp("2024-03-01"), 1200
    care = rng.random(n) < 0.5
    back = rng.random(n) < np.where(care, 0.7, 0.4)
    past = pd.DataFrame(
        {
            "buyer_id": np.repeat(np.arange(n), 3),
            "timestamp": as_of - pd.to_timedelta(rng.integers(1, 200, 3 * n), unit="D"),
        }
    )
    soon = np.where(care & (rng.random(n) < 0.43), rng.integers(1, 11, n), rng.integers(0, 60, n))
    later = pd.DataFrame(
        {"buyer_id": np.flatnonzero(back), "timestamp": as_of + pd.to_timedelta(soon[back], unit="D")}
    )
    contacts = pd.DataFrame({"buyer_id": np.flatnonzero(care), "timestamp": as_of, "kind": "check_in"})
    arms = pd.Series(np.where(care, "care", "hold_out"), index=pd.RangeIndex(n, name="buyer_id"))
    histories = Histories(pd.concat([past, later]).assign(amount=20.0), contacts, observed_until="2024-07-01")
    return histories, {"action": "check_in", "as_of": [as_of], "horizon": "60D", "randomised": arms}


WORLDS = {"presence": presence_world, "mood": mood_world, "lot": lot_world}


def run_worlds(n_worlds: int) -> pd.DataFrame:
    """What is said in each world, and of tables in which nobody could have gone either way."""
    rows = []
    for seed in range(n_worlds):
        for name, world in WORLDS.items():
            histories, asked = world(seed)
            found = care_effect(histories, outcome="churn", random_state=seed, **asked)
            rows.append({"world": name, "verdict": found.verdict, "effect": found.effect})
        table, _ = _experiment(seed, 30_000, 0.35)
        chance = np.where(table["visits"] > table["visits"].median(), 0.97, 0.03)
        part = cut(table, chance, N_ROWS, np.random.default_rng(seed))
        found = effect_in_table(part, "arm", "outcome", covariates_of(part), random_state=seed)
        rows.append({"world": "no overlap", "verdict": found.verdict, "effect": found.effect})
    told = pd.DataFrame(rows)
    print(
        pd.crosstab(told["world"], told["verdict"])
        .assign(mean_effect=told.groupby("world")["effect"].mean())
        .round(3)
    )
    return told
