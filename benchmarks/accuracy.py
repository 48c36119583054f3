"""How right the model is on real histories, beside recency, the probability models and plain machine learning.

    python benchmarks/accuracy.py --data FOLDER [--only cdnow,grocery_elog] [--out FOLDER] [--plain]

Every folder in FOLDER that holds a ``transactions.parquet`` is one data set (``interactions``, ``contracts`` and
``accounts`` beside it are shown to the model; ``--plain`` shows it buyer, time and amount alone). Two questions, asked of
every buyer who bought before a date: will they buy nothing in the horizon H (churn); will they buy in at least two of
the three thirds of 2H (client)? Dates go back from the end of the data, H apart, four at most, as long as the newest
complete snapshot before a date has max(H, 60) days of history itself. Everything is fitted on what was known at the
date. Figures are means over the dates; log loss decides (0.001 = one point). Rivals that are not installed are left
out, and said so.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

import clientcare as cc
from clientcare.btyd import purchase_summary
from clientcare.evaluation.metrics import calibration_error_by_chance
from clientcare.exceptions import ClientcareError

HORIZON_DAYS = {"complete_journey": 30}
USUAL_HORIZON_DAYS = 90
MOST_DATES = 4
FLOOR = {
    ("cdnow", "churn"): 0.3542,
    ("grocery_elog", "churn"): 0.2468,
    ("online_retail", "churn"): 0.5945,
    ("complete_journey", "churn"): 0.2997,
    ("cadf_ltv", "churn"): 0.1813,
    ("cdnow", "client"): 0.2306,
    ("grocery_elog", "client"): 0.2414,
    ("complete_journey", "client"): 0.3304,
    ("cadf_ltv", "client"): 0.0573,
}
"""Log loss, on the same dates, of the plain mean of Pareto/NBD, ridge regression and shallow trees over 48 timing and
money features: measured once, before this package was written."""


SHOWN = ("recency", "pareto_nbd", "lifetimes BG/NBD", "LightGBM, ten RFM", "logistic, ten RFM")


def load(folder: Path, plain: bool) -> cc.Histories:
    """One data set at the door."""
    transactions = pd.read_parquet(folder / "transactions.parquet")
    transactions = transactions[transactions["buyer_id"].notna()]
    if plain:
        return cc.Histories(transactions[["buyer_id", "timestamp", "amount"]])
    tables = {}
    for name, file in (("interactions", "interactions"), ("contracts", "contracts"), ("buyers", "accounts")):
        path = folder / f"{file}.parquet"
        if path.exists():
            tables[name] = pd.read_parquet(path)
    return cc.Histories(transactions, **tables)


def dates_of(histories: cc.Histories, horizon_days: int, span_days: int) -> list[pd.Timestamp]:
    """The dates at which a question with this span is asked, newest first."""
    end = histories.observed_until.normalize()
    if end < histories.observed_until:
        end += pd.Timedelta(days=1)
    least = pd.Timedelta(days=span_days + max(horizon_days, 60))
    dates = [end - pd.Timedelta(days=span_days + step * horizon_days) for step in range(MOST_DATES)]
    return [date for date in dates if date - least >= histories.observed_from.normalize()]


class TenFeatures:
    """Plain machine learning: ten RFM features of the newest complete snapshot and a classifier as it comes."""

    def __init__(self, horizon_days: int) -> None:
        self.horizon_days = horizon_days
        self.definitions = {
            "churn_risk": cc.ChurnDefinition(horizon_days),
            "client_probability": cc.ClientDefinition(2 * horizon_days),
        }

    def table(self, histories: cc.Histories, date: pd.Timestamp) -> pd.DataFrame:
        days = self.horizon_days
        table = cc.feature_table(
            histories, date, families=["timing", "rhythm", "windows", "spend"], windows=[days, 2 * days]
        )
        names = ["n_purchases", "days_since_last_purchase", "days_since_first_purchase", f"purchases_per_{days}d",
                 "gap_days_mean", f"n_purchases_{days}d", f"n_purchases_{2 * days}d", "total_spent",
                 "purchase_amount_mean", "purchase_amount_last"]  # fmt: skip
        return table.reindex(columns=names)

    def fit(self, histories: cc.Histories, as_of: Any = None) -> TenFeatures:
        moment = pd.Timestamp(as_of)
        past = histories.until(moment)
        self.fitted_ = {}
        for name, definition in self.definitions.items():
            date = moment - pd.Timedelta(days=definition.horizon_days)
            if date <= past.observed_from:
                continue
            y = definition.label(past, date)
            if y.nunique() == 2:
                X = self.table(past, date).loc[y.index]
                self.fitted_[name] = self.learn(X, y.to_numpy(dtype=bool))
        return self

    def score(self, histories: cc.Histories, as_of: Any = None) -> pd.DataFrame:
        X = self.table(histories.until(as_of), pd.Timestamp(as_of))
        said = {name: ask(X) for name, ask in self.fitted_.items()}
        return pd.DataFrame(said, index=X.index)

    def learn(self, X: pd.DataFrame, y: np.ndarray) -> Any:
        raise NotImplementedError


class LogisticTen(TenFeatures):
    """Logistic regression on the signed logs of the ten."""

    def learn(self, X: pd.DataFrame, y: np.ndarray) -> Any:
        logs = _signed_log(X)
        low, high = logs.quantile(0.01), logs.quantile(0.99)
        mean, spread = logs.mean().fillna(0.0), logs.std().replace(0.0, 1.0).fillna(1.0)

        def design(table: pd.DataFrame) -> np.ndarray:
            Z = ((_signed_log(table).clip(low, high, axis=1) - mean) / spread).fillna(0.0)
            r = Z["days_since_last_purchase"].to_numpy()[:, None]
            n = Z.iloc[:, 5].to_numpy()[:, None]
            return np.hstack([Z.to_numpy(), np.maximum(r - np.array([-1.0, 0.0, 1.0]), 0), n * n, n * r])

        learner = LogisticRegression(C=0.1, max_iter=1000).fit(design(X), y)
        return lambda table: learner.predict_proba(design(table))[:, 1]


def _signed_log(table: pd.DataFrame) -> pd.DataFrame:
    return np.sign(table) * np.log1p(table.abs())


class LightGBMTen(TenFeatures):
    """LightGBM with its own defaults on the ten."""

    def learn(self, X: pd.DataFrame, y: np.ndarray) -> Any:
        import lightgbm

        learner = lightgbm.LGBMClassifier(verbose=-1, n_jobs=1, random_state=0).fit(X, y)
        return lambda table: learner.predict_proba(table)[:, 1]


class LifetimesBG:
    """BG/NBD as lifetimes fits it; P(no purchase) = 1 - P(alive) (1 - P(0 purchases | alive))."""

    def __init__(self, horizon_days: int) -> None:
        self.horizon_days = horizon_days

    def fit(self, histories: cc.Histories, as_of: Any = None) -> LifetimesBG:
        import lifetimes

        table = purchase_summary(histories.until(as_of), as_of)
        self.model_ = lifetimes.BetaGeoFitter(penalizer_coef=0.0)
        self.model_.fit(*(table.iloc[:, column] for column in range(3)))
        return self

    def score(self, histories: cc.Histories, as_of: Any = None) -> pd.DataFrame:
        table = purchase_summary(histories.until(as_of), as_of)
        x, recency, age = (table.iloc[:, column].to_numpy(dtype=float) for column in range(3))
        r, alpha = (float(self.model_.params_[name]) for name in ("r", "alpha"))
        alive = np.asarray(self.model_.conditional_probability_alive(x, recency, age))
        silent = ((alpha + age) / (alpha + age + self.horizon_days)) ** (r + x)
        return pd.DataFrame({"churn_risk": 1 - alive * (1 - silent)}, index=table.index)


class Careful:
    """A rival that may fail to fit: then it has no score at that date, and the reason is printed."""

    def __init__(self, name: str, rival: Any) -> None:
        self.name, self.rival, self.failed = name, rival, False

    def fit(self, histories: cc.Histories, as_of: Any = None) -> Careful:
        try:
            with warnings.catch_warnings(), contextlib.ExitStack() as stack:
                warnings.simplefilter("ignore")
                stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
                self.rival.fit(histories, as_of)
        except ImportError:
            self.failed = True
        except Exception as error:
            self.failed = True
            print(f"  {self.name} as of {pd.Timestamp(as_of):%Y-%m-%d}: {type(error).__name__}")
        return self

    def score(self, histories: cc.Histories, as_of: Any = None) -> pd.DataFrame:
        return pd.DataFrame() if self.failed else self.rival.score(histories, as_of)


def contestants(horizon_days: int, effort: str) -> dict[str, Any]:
    """Everything that is measured, by name."""
    from clientcare.evaluation.baselines import baseline

    churn, client = cc.ChurnDefinition(horizon_days), cc.ClientDefinition(2 * horizon_days)
    rivals: dict[str, Any] = {
        "clientcare": cc.RelationshipModel(horizon=horizon_days, client=client, effort=effort)
    }
    for name in ("recency", "bg_nbd", "mbg_nbd", "pareto_nbd"):
        rivals[name] = Careful(name, baseline(name, churn, client))
    rivals["lifetimes BG/NBD"] = Careful("lifetimes BG/NBD", LifetimesBG(horizon_days))
    rivals["LightGBM, ten RFM"] = Careful("LightGBM, ten RFM", LightGBMTen(horizon_days))
    rivals["logistic, ten RFM"] = Careful("logistic, ten RFM", LogisticTen(horizon_days))
    return rivals


def measured(name: str, histories: cc.Histories, effort: str) -> list[dict[str, Any]]:
    """All rows of one data set: question x date x population x contestant."""
    days = HORIZON_DAYS.get(name, USUAL_HORIZON_DAYS)
    asked = {"churn": dates_of(histories, days, days), "client": dates_of(histories, days, 2 * days)}
    rows = []
    for date in sorted({date for dates in asked.values() for date in dates}):
        past, books, seconds = histories.until(date), {}, {}
        for who, scorer in contestants(days, effort).items():
            start = time.process_time()
            books[who] = scorer.fit(past, date).score(past, date)
            seconds[who] = time.process_time() - start
        for target, column, definition in (
            ("churn", "churn_risk", cc.ChurnDefinition(days)),
            ("client", "client_probability", cc.ClientDefinition(2 * days)),
        ):
            if date in asked[target]:
                y = definition.label(histories, date)
                silence = cc.feature_table(past, date, families=["timing"])["days_since_last_purchase"]
                active = silence.reindex(y.index).le(days).to_numpy()
                for who, book in books.items():
                    if column in book:
                        p = book[column].reindex(y.index).to_numpy(dtype=float)
                        rows += _measures(
                            name, target, date, who, y.to_numpy(dtype=float), p, active, seconds[who]
                        )
    return rows


def _measures(
    name: str,
    target: str,
    date: pd.Timestamp,
    who: str,
    y: np.ndarray,
    p: np.ndarray,
    active: np.ndarray,
    cpu: float,
) -> list[dict[str, Any]]:
    rows = []
    for population, chosen in (("all", np.isfinite(p)), ("active", np.isfinite(p) & active)):
        if not chosen.any():
            continue
        o, q = y[chosen], p[chosen]
        rows.append({
            "data": name, "target": target, "population": population, "model": who, "date": date, "n_buyers": len(o),
            "observed": o.mean(), "log_loss": cc.evaluation.log_loss(o, q), "auc": cc.evaluation.auc(o, q),
            "brier": cc.evaluation.brier(o, q), "calibration_error": cc.evaluation.calibration_error(o, q),
            "by_chance": calibration_error_by_chance(q), "bias": cc.evaluation.bias(o, q), "cpu_seconds": cpu,
        })  # fmt: skip
    return rows


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """Means over the dates, the best log loss of each task first."""
    keys = ["data", "target", "population", "model"]
    means = rows.groupby(keys, sort=False)[
        [
            "n_buyers",
            "observed",
            "log_loss",
            "auc",
            "brier",
            "calibration_error",
            "by_chance",
            "bias",
            "cpu_seconds",
        ]
    ].mean()
    means.insert(0, "n_dates", rows.groupby(keys, sort=False).size())
    return means.reset_index().sort_values(["data", "target", "population", "log_loss"], kind="stable")


def headline(means: pd.DataFrame) -> pd.DataFrame:
    """One line a task, over all buyers: ours, the best rival of each kind, the floor; log loss."""
    lines = []
    for (data, target), task in means[means["population"] == "all"].groupby(["data", "target"], sort=False):
        loss = task[task["n_dates"] == task["n_dates"].max()].set_index("model")["log_loss"]
        floor = FLOOR.get((data, target), np.nan)
        lifetime = loss.reindex(["bg_nbd", "mbg_nbd", "pareto_nbd"]).min()
        rivals = loss.drop("clientcare")
        lines.append({
            "data": data, "target": target, "dates": int(task["n_dates"].max()), "clientcare": loss["clientcare"],
            "floor": floor, "points against floor": 1000 * (loss["clientcare"] - floor),
            "best rival": rivals.idxmin(), "its log loss": rivals.min(),
            "points against probability models": 1000 * (loss["clientcare"] - lifetime),
            **{name: loss.get(name, np.nan) for name in SHOWN},
        })  # fmt: skip
    return pd.DataFrame(lines)


def as_markdown(table: pd.DataFrame) -> str:
    """A Markdown table; four digits, points with one."""

    def shown(column: str, value: Any) -> str:
        if isinstance(value, float):
            return (
                "" if np.isnan(value) else f"{value:+.1f}" if column.startswith("points") else f"{value:.4f}"
            )
        return str(value)

    head = [f"| {' | '.join(map(str, table.columns))} |", "|" + "---|" * len(table.columns)]
    body = [
        f"| {' | '.join(shown(column, value) for column, value in zip(table.columns, row, strict=True))} |"
        for row in table.itertuples(index=False)
    ]
    return "\n".join([*head, *body])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--only", default="", help="data sets, separated by commas")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    parser.add_argument("--effort", default="default")
    parser.add_argument("--plain", action="store_true", help="buyer, time and amount alone")
    options = parser.parse_args()
    chosen = [name for name in options.only.split(",") if name]
    options.out.mkdir(parents=True, exist_ok=True)
    label = "accuracy_plain" if options.plain else "accuracy"
    for folder in sorted(path.parent for path in options.data.glob("*/transactions.parquet")):
        if chosen and folder.name not in chosen:
            continue
        try:
            rows = measured(folder.name, load(folder, options.plain), options.effort)
        except ClientcareError as error:
            print(f"{folder.name}: {error}")
            continue
        if rows:
            pd.DataFrame(rows).to_csv(
                options.out / f"{label}_{folder.name}.csv", index=False, float_format="%.6g"
            )
            print(as_markdown(headline(summary(pd.DataFrame(rows)))), flush=True)
    everything = [pd.read_csv(path) for path in sorted(options.out.glob(f"{label}_*.csv"))
                  if label != "accuracy" or "accuracy_plain" not in path.name]  # fmt: skip
    if everything:
        means = summary(pd.concat(everything, ignore_index=True))
        text = f"# Accuracy on real histories\n\n{as_markdown(headline(means))}\n\n## All measures\n\n{as_markdown(means)}\n"
        (options.out / f"{label}.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
