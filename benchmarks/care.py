"""What the care part is worth, where the truth is known or real data is at hand.

    python benchmarks/care.py effect --seeds 40      coverage, signs, false alarms, Qini on planted effects
    python benchmarks/care.py experiments             selections cut into experiments, whose truth a lot knows
    python benchmarks/care.py worlds                  worlds whose honest answer is "none" or "cannot tell"
    python benchmarks/care.py firm                    stages, health tiers and plans of a simulated service firm
    python benchmarks/care.py warning                 lead times, surprises, false alarms beside the recency rule
    python benchmarks/care.py speed                   CPU seconds of the report, the plan and the effect
    python benchmarks/care.py show --log FILE         what runs that were logged say together

Real data is read from the folder that CLIENTCARE_DATA names.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

import numpy as np
import pandas as pd

from clientcare.care import care_effect, care_plan, care_report, early_warning, health_facts
from clientcare.care.health import HealthScore
from clientcare.datasets import simulate_histories
from clientcare.effect.targeting import qini
from clientcare.history import Histories
from clientcare.outcomes.buying import Buying
from clientcare.window import microseconds
from experiments import N_ROWS, STRENGTHS, run_experiments, run_worlds, show_experiments

SETTINGS = {
    "confounded": {"assignment": "confounded"},
    "randomised": {"assignment": "randomised"},
    "no effect": {"assignment": "confounded", "care_effect": 0.0},
    "hopeless": {"assignment": "confounded", "overlap": "hopeless"},
}


def one_world(setting: str, seed: int, n_buyers: int) -> dict:
    """One simulated shop: what was found, and the truth."""
    shop = simulate_histories("retailer", n_buyers, random_state=seed, **SETTINGS[setting])
    dates = shop.care_dates[:3]
    drawn = None
    if setting == "randomised":
        drawn = pd.concat({day: shop.potential_outcomes(day)["was_contacted"].astype(float) for day in dates})
        drawn.index.names = ["as_of", "buyer_id"]
    found = care_effect(
        shop.histories, "check_in", "churn", dates, outcome_from="as_of", randomised=drawn, random_state=seed
    )
    truth = pd.concat({day: shop.potential_outcomes(day)["effect"] for day in dates}).reindex(
        found.rows.index
    )
    kept = found.rows["kept"].to_numpy()
    planted = float(truth[kept].mean()) if kept.any() else float("nan")
    rows = found.rows[kept]
    true_benefit = -truth[kept].to_numpy()
    policies = {"effect": -rows["effect"], "risk": rows["risk"], "value": rows["value"]}
    return {
        "setting": setting,
        "seed": seed,
        "planted": planted,
        "effect": found.effect,
        "low": found.low,
        "high": found.high,
        "naive": found.naive,
        "verdict": found.verdict,
        "kept": found.kept_share,
        "validated": found.validated,
        **{
            f"qini_{name}": qini(true_benefit, score.to_numpy())
            for name, score in policies.items()
            if kept.any()
        },
    }


def run_effect(seeds: range, settings: list[str], n_buyers: int, log: Path | None) -> None:
    results = []
    for seed in seeds:
        for setting in settings:
            results.append(one_world(setting, seed, n_buyers))
            if log is not None:
                with log.open("a") as file:
                    file.write(json.dumps(results[-1]) + "\n")
    show_effect(pd.DataFrame(results))


def show_effect(table: pd.DataFrame) -> None:
    rows = {}
    for setting, part in table.groupby("setting", sort=False):
        covered = (part["low"] <= part["planted"]) & (part["planted"] <= part["high"])
        told = part["verdict"] != "cannot tell"
        rows[setting] = {
            "seeds": len(part),
            "planted": part["planted"].mean(),
            "estimate": part["effect"].mean(),
            "naive": part["naive"].mean(),
            "covered": covered.mean(),
            "interval width": (part["high"] - part["low"]).mean(),
            "naive has wrong sign": (np.sign(part["naive"]) != np.sign(part["planted"])).mean(),
            "calls an effect": part["verdict"].isin(["helps", "harms"]).mean(),
            "cannot tell": (~told).mean(),
            "qini effect > risk": (part["qini_effect"] > part["qini_risk"]).mean(),
            "qini effect > value": (part["qini_effect"] > part["qini_value"]).mean(),
            "mean true qini effect": part["qini_effect"].mean(),
            "mean true qini risk": part["qini_risk"].mean(),
            "validated": part["validated"].mean(),
        }
    print(pd.DataFrame(rows).round(4).to_string())


def run_firm(seeds: range, n_buyers: int) -> None:
    """A service firm whose truth is known: stages, tiers, plans."""
    from clientcare.model import RelationshipModel
    from clientcare.outcomes import ChurnDefinition

    rows = []
    for seed in seeds:
        firm = simulate_histories("service_firm", n_buyers, random_state=seed)
        as_of = firm.observed_until - pd.Timedelta(days=180)
        without = Histories(firm.transactions, contracts=firm.contracts, buyers=firm.buyers,
                            observed_from=firm.observed_from, observed_until=firm.observed_until)  # fmt: skip
        row = {"seed": seed}
        for name, histories in (("with", firm.histories), ("without", without)):
            model = RelationshipModel(horizon="90D", random_state=0).fit(histories, as_of=as_of)
            book = model.score(histories, as_of=as_of)
            row[f"client AUC {name} interactions"] = auc_of(
                firm.truth["is_client"].reindex(book.index), book["client_probability"]
            )
            true_risk = firm.true_churn_risk(as_of, "90D").reindex(book.index)
            row[f"rank correlation with true risk, {name}"] = book["churn_risk"].corr(
                true_risk, method="spearman"
            )
            if name == "with":
                row |= plan_lift(book, histories, as_of, left_within(firm, book.index, as_of, 90), seed)
        past = as_of - pd.Timedelta(days=120)
        health = HealthScore().fit(
            health_facts(firm.histories, past), ChurnDefinition(horizon="90D").label(firm.histories, past)
        )
        facts = health_facts(firm.histories, as_of)
        true_risk = firm.true_churn_risk(as_of, "90D").reindex(facts.index)
        tiers = true_risk.groupby(health.tier(facts), observed=True).mean()
        row |= {f"true churn {tier}": share for tier, share in tiers.items()}
        rows.append(row)
    print(pd.DataFrame(rows).set_index("seed").T.round(3).to_string())


def plan_lift(
    book: pd.DataFrame, histories: Histories, as_of: pd.Timestamp, gone: pd.Series, seed: int
) -> dict:
    """How often planned buyers truly drop out in the quarter after, beside as many drawn at random."""
    plan = care_plan(book, histories, as_of, capacity=max(len(book) // 10, 10))
    rng = np.random.default_rng(seed)
    bound = gone[
        Buying.known(histories, microseconds(as_of)).bound[histories.buyer_ids.get_indexer(gone.index)]
    ]
    hits = gone.reindex(plan["buyer_id"]).mean()
    row = {"plan size": len(plan), "planned who drop out": hits}
    for name, base in (("all", gone), ("under contract", bound)):
        draws = [
            base.iloc[rng.choice(len(base), min(len(plan), len(base)), replace=False)].mean()
            for _ in range(200)
        ]
        row[f"random of {name} who drop out"] = np.mean(draws)
    return row | {"lift over random": hits / row["random of all who drop out"],
                  "lift over random under contract": hits / row["random of under contract who drop out"]}  # fmt: skip


def left_within(world, buyers: pd.Index, as_of: pd.Timestamp, days: int) -> pd.Series:
    gone = world.truth["dropped_out_at"].reindex(buyers)
    return (gone < as_of + pd.Timedelta(days=days)) & (gone >= as_of)


def auc_of(truth: pd.Series, score: pd.Series) -> float:
    from sklearn.metrics import roc_auc_score

    known = truth.notna()
    return float(roc_auc_score(truth[known].astype(bool), score[known]))


def run_warning(names: list[str]) -> None:
    from clientcare.model import RelationshipModel

    for name in names:
        histories, first, every, horizon = warning_case(name)
        dates = pd.date_range(first, histories.observed_until - pd.Timedelta(days=horizon), freq=f"{every}D")
        model = RelationshipModel(horizon=f"{horizon}D", random_state=0).fit(histories, as_of=dates[0])
        risks = pd.concat(
            {d: model.score(histories, as_of=d)["churn_risk"] for d in dates}, names=["as_of", "buyer_id"]
        )
        lines = (0.1, 0.2, 0.3) if name == "service_firm" else (0.3, 0.5, 0.7)
        found = early_warning(risks, histories, lines=lines, horizon=f"{horizon}D")
        print(f"\n{name}: {len(dates)} dates from {dates[0]:%Y-%m-%d}, fitted once before the first")
        print(found)


def warning_case(name: str) -> tuple[Histories, pd.Timestamp, int, int]:
    if name == "service_firm":
        firm = simulate_histories("service_firm", 800, random_state=0)
        return firm.histories, firm.observed_until - pd.Timedelta(days=365), 30, 90
    folder = Path(os.environ["CLIENTCARE_DATA"]) / name
    histories = Histories(pd.read_parquet(folder / "transactions.parquet"))
    first = {"online_retail": "2011-06-01", "cdnow": "1997-10-01"}[name]
    return histories, pd.Timestamp(first), 15 if name == "online_retail" else 30, 90


def run_telco() -> None:
    """A cross-section turned into contracts and attributes: churn_risk beside plain models on the raw
    columns, 5 folds.
    """
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss, roc_auc_score
    from sklearn.model_selection import StratifiedKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

    from clientcare.model import RelationshipModel

    raw = pd.read_parquet(Path(os.environ["CLIENTCARE_DATA"]) / "telco_churn" / "accounts.parquet")
    raw = raw.set_index("buyer_id").sort_index()
    left = raw.pop("churned").astype(bool)
    raw = raw.assign(total_charges=raw["total_charges"].fillna(0.0))
    raw = raw.astype(dict.fromkeys(raw.select_dtypes("bool"), "int64"))
    texts, numbers = (
        make_column_selector(dtype_exclude="number"),
        make_column_selector(dtype_include="number"),
    )
    plain = {
        "logistic regression": make_pipeline(
            make_column_transformer((OneHotEncoder(drop="if_binary"), texts), (StandardScaler(), numbers)),
            LogisticRegression(max_iter=2000),
        ),
        "gradient boosting": make_pipeline(
            make_column_transformer((OrdinalEncoder(), texts), remainder="passthrough"),
            HistGradientBoostingClassifier(random_state=0),
        ),
    }
    guess = pd.DataFrame(index=raw.index, columns=["clientcare", *plain], dtype=float)
    for train, test in StratifiedKFold(5, shuffle=True, random_state=0).split(raw, left):
        for name, model in plain.items():
            guess.iloc[test, guess.columns.get_loc(name)] = model.fit(
                raw.iloc[train], left.iloc[train]
            ).predict_proba(raw.iloc[test])[:, 1]
        model = RelationshipModel(horizon="30D", random_state=0).fit(telco_histories(raw.iloc[train], left))
        book = model.score(telco_histories(raw.iloc[test], left), as_of=TELCO_AS_OF)
        guess.iloc[test, 0] = book["churn_risk"].reindex(raw.index[test]).to_numpy()
    for name in guess:
        print(
            f"{name:20s} AUC {roc_auc_score(left, guess[name]):.4f}  log loss {log_loss(left, guess[name]):.4f}"
        )


TELCO_AS_OF = pd.Timestamp("2020-01-01")


def telco_histories(raw: pd.DataFrame, left: pd.Series) -> Histories:
    """Tenure in months becomes the start of a contract, the label a cancellation in the month after as_of."""
    start = TELCO_AS_OF - pd.to_timedelta((raw["tenure_months"] * 30.4375).round() + 1, unit="D")
    gone = left.reindex(raw.index).to_numpy()
    contracts = pd.DataFrame(
        {
            "buyer_id": raw.index,
            "start": start.to_numpy(),
            "cancelled_at": pd.Series(TELCO_AS_OF + pd.Timedelta(days=15), index=raw.index)
            .where(gone)
            .to_numpy(),
            "amount": raw["monthly_charges"].to_numpy(),
            "plan": raw["contract_type"].to_numpy(),
        }
    )
    return Histories(contracts=contracts, buyers=raw.reset_index(), observed_from=TELCO_AS_OF - pd.Timedelta(days=1),
                     observed_until=TELCO_AS_OF + pd.Timedelta(days=30))  # fmt: skip


def run_speed() -> None:
    shop = simulate_histories("retailer", 20_000, random_state=0)
    histories, as_of = shop.histories, shop.observed_until - pd.Timedelta(days=120)
    spent = {}
    begin = time.process_time()
    report = care_report(histories, as_of)
    spent["care_report"] = time.process_time() - begin
    book = pd.DataFrame({"churn_risk": 0.3, "relationship": "client"}, index=report.buyers.index)
    begin = time.process_time()
    plan = care_plan(book, histories, as_of)
    spent["care_plan"] = time.process_time() - begin
    begin = time.process_time()
    care_plan(book, histories, as_of, capacity=100)
    spent["care_plan, 100 contacts"] = time.process_time() - begin
    print(f"{len(book):,} buyers, {histories.events('transactions').n_rows:,} transactions, "
          f"{histories.events('interactions').n_rows:,} interactions, {len(plan):,} actions")  # fmt: skip
    print(pd.Series(spent, name="CPU seconds").round(2).to_string())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "what", choices=["effect", "experiments", "worlds", "firm", "warning", "telco", "speed", "show"]
    )
    parser.add_argument("--seeds", type=int, default=40)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--settings", nargs="+", default=list(SETTINGS), choices=list(SETTINGS))
    parser.add_argument("--rows", type=int, default=N_ROWS, help="experiments: rows of a selection")
    parser.add_argument(
        "--strengths", type=float, nargs="+", default=list(STRENGTHS), help="experiments: of selections"
    )
    parser.add_argument("--buyers", type=int, default=1200)
    parser.add_argument(
        "--log", type=Path, help="append each world's result as a line of JSON; 'show' reads it back"
    )
    parser.add_argument(
        "--data", nargs="+", help="warning: names of data sets; experiments: a folder of tables by lot"
    )
    options = parser.parse_args()
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    if options.what == "effect":
        run_effect(seeds, options.settings, options.buyers, options.log)
    elif options.what == "experiments":
        folder = Path(options.data[0]) if options.data else None
        run_experiments(folder, seeds, options.rows, tuple(options.strengths), options.log)
    elif options.what == "worlds":
        run_worlds(options.seeds)
    elif options.what == "show":
        table = pd.read_json(options.log, lines=True)
        show_experiments(table) if "rival" in table else show_effect(table)
    elif options.what == "firm":
        run_firm(seeds, options.buyers)
    elif options.what == "warning":
        run_warning(options.data or ["service_firm", "cdnow", "online_retail"])
    elif options.what == "telco":
        run_telco()
    else:
        run_speed()


if __name__ == "__main__":
    main()
