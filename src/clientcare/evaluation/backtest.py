"""Would it have been right? The model put back in time, date by date, beside its baselines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import ClassifierMixin, clone

from clientcare.arguments import is_number, is_whole, listed, require_seed
from clientcare.evaluation.baselines import Scorer, baseline
from clientcare.evaluation.groups import came_of_groups, separates
from clientcare.evaluation.metrics import MEASURES, interval, log_losses, measure, resample_buyers
from clientcare.evaluation.standing import standing_at
from clientcare.exceptions import InputError, NotEnoughDataError, OptionError
from clientcare.history.histories import Histories, require_histories
from clientcare.outcomes import ChurnDefinition, ClientDefinition
from clientcare.progress import ProgressBar
from clientcare.window import Moment, parse_moments

TARGETS = {"churn": "churn_risk", "client": "client_probability"}


@dataclass(frozen=True)
class Backtest:
    """What a backtest found.

    Attributes
    ----------
    table : DataFrame
        One row a date, model, target (``churn`` or ``client``) and population (``all``, ``here``: not
        gone by the rule over facts, or ``active``:
        bought within the horizon before, or under contract). ``n_buyers``, ``base_rate`` (the share
        with the outcome), each measure of :data:`~clientcare.evaluation.MEASURES` with ``_low`` and
        ``_high``, and ``gain``: how much lower the log loss is than the first baseline's, with its
        interval over the same resampled buyers (NaN for that baseline itself).
    horizon_days, client_horizon_days : int
    baseline : str
        The one that gains are counted from.
    confidence : float
        The share of resamples between low and high.
    notes : list of str
        What could not be measured, and why.
    groups : DataFrame
        What came of those who were here, by the model's class and by third of dependence, a date and group a row:
        ``n_buyers``, ``stayed`` with ``stayed_low`` and ``stayed_high`` (90 %), ``referred``, ``spend``.
    """

    table: pd.DataFrame
    horizon_days: int
    client_horizon_days: int
    baseline: str
    confidence: float
    notes: list[str]
    groups: pd.DataFrame = field(default_factory=pd.DataFrame)

    def summary(self) -> pd.DataFrame:
        """Means over the dates; index (target, population, model), best log loss first."""
        measures = [name for name in MEASURES if name in self.table]
        means = self.table.groupby(["target", "population", "model"], sort=False)[
            ["n_buyers", "base_rate", *measures, "gain"]
        ].mean()
        means.insert(0, "n_dates", self.table.groupby(["target", "population", "model"], sort=False).size())
        return means.sort_values(["target", "population", "log_loss"], kind="stable")

    @property
    def verdict(self) -> str:
        """Plain sentences: does the model beat the baseline, date by date."""
        return " ".join(
            [
                *(self._verdict_on(target) for target in TARGETS if self._rows(target).size),
                *self._on_dependence(),
                *self.notes,
            ]
        )

    def _on_dependence(self) -> list[str]:
        """Whether who depends more stays more, said either way."""
        rows = self.groups[self.groups["by"] == "dependence"] if len(self.groups) else self.groups
        if not len(rows):
            return []
        apart = [separates(one) for _, one in rows.groupby("as_of")]
        means = rows.groupby("group", sort=False)["stayed"].mean()
        told = ", ".join(f"{share:.0%}" for share in means)
        how = (
            f"apart beyond chance on {sum(apart)} of {len(apart)} dates"
            if any(apart)
            else "not apart beyond chance"
        )
        return [f"Of the thirds by dependence, from the least to the most, {told} stayed ({how})."]

    def _rows(self, target: str) -> pd.DataFrame:
        table = self.table
        return table[
            (table["model"] == "model") & (table["target"] == target) & (table["population"] == "all")
        ]

    def _verdict_on(self, target: str) -> str:
        rows = self._rows(target)
        clearly, ahead = int((rows["gain_low"] > 0).sum()), int((rows["gain"] > 0).sum())
        n_dates, worse = len(rows), int((rows["gain_high"] < 0).sum())
        about = "churn" if target == "churn" else "who is a client"
        if rows["gain"].isna().all():
            return (
                f"On {about}, the model was judged alone: log loss {rows['log_loss'].mean():.4f} on average."
            )
        if n_dates == 1:
            how = f"{'beats' if ahead else 'does not beat'} {self.baseline} on the only date"
            if rows["gain_low"].notna().all():
                how += f" ({'' if clearly or worse else 'not '}beyond chance)"
        elif ahead == n_dates:
            how = f"beats {self.baseline} on all {n_dates} dates ({clearly} of them beyond chance)"
        elif ahead == 0:
            how = f"does not beat {self.baseline} on any of {n_dates} dates ({worse} of them worse beyond chance)"
        else:
            behind = ", ".join(f"{date:%Y-%m-%d}" for date in rows.loc[rows["gain"] <= 0, "as_of"])
            how = f"beats {self.baseline} on {ahead} of {n_dates} dates, not on {behind}"
        gain = rows["gain"].mean()
        lower = "higher" if gain < 0 else "lower"
        return f"On {about}, the model {how}; log loss is {lower} by {abs(gain):.4f} on average."

    def _repr_html_(self) -> str:
        shown = self.summary().round(4)
        return f"<p>{escape(self.verdict)}</p>{shown.to_html()}"

    def __repr__(self) -> str:
        return f"{self.verdict}\n{self.summary().round(4).to_string()}"


def backtest(
    model: Any,
    histories: Histories,
    as_of: Moment | Iterable[Moment] | None = None,
    *,
    baselines: Sequence[str | Scorer] = ("recency",),
    n_bootstrap: int = 200,
    confidence: float = 0.9,
    random_state: int = 0,
) -> Backtest:
    """Fit the model as of past dates, score the buyers known then, and compare with what happened.

    At each date a fresh copy of the model sees what was known at that date and nothing else; labels
    are taken from the horizon after it.

    Parameters
    ----------
    model : RelationshipModel, or any object with ``fit(histories, as_of)`` and ``score(histories, as_of)``
        ``score`` gives a DataFrame indexed by buyer_id with ``churn_risk`` and, if it can,
        ``client_probability``. ``model.horizon`` is asked for, where it is there; else 90 days. Cloned for
        each date, never changed.
    histories : Histories
    as_of : date or dates, optional
        Default: up to four, a horizon apart, the latest whose churn horizon is observed. Dates whose
        client horizon is not observed yet are judged on churn alone.
    baselines : sequence of str or objects
        ``"recency"``, ``"two_numbers"`` (share of leavers where a term ends within the horizon, and of the others under
        contract), ``"base_rate"`` (one share for all of them), ``"pareto_nbd"``, ``"mbg_nbd"``, ``"bg_nbd"``, or objects
        with ``fit`` and ``score``.
        Gains are counted from the first.
    n_bootstrap : int
        Resamples of buyers for the intervals; 0 for none.
    confidence : float
        The share of resamples between low and high.
    random_state : int

    Returns
    -------
    Backtest
        ``.table``, ``.summary()``, ``.verdict``.

    Raises
    ------
    NotObservedError
        Where the churn horizon of a date asked for is not observed.
    NotEnoughDataError
        Where no past date has both a history and an observed horizon.
    OptionError
        Where ``confidence`` or ``n_bootstrap`` make no sense, or two baselines bear one name.
    InputError
        Where what is given is no histories, has no ``fit`` or ``score``, or does not answer for every buyer known at a date.

    Examples
    --------
    >>> from clientcare.datasets import simulate_histories
    >>> from clientcare.model import RelationshipModel
    >>> histories = simulate_histories("retailer", n_buyers=60, random_state=0).histories
    >>> model = RelationshipModel(horizon="60D", effort="quick", random_state=0)
    >>> result = backtest(model, histories, as_of="2023-10-01", n_bootstrap=20)
    >>> result.table["model"].unique().tolist()
    ['model', 'recency']
    """
    require_histories(histories, "backtest")
    if not (is_number(confidence) and 0 < confidence < 1):
        raise OptionError("backtest: confidence must lie between 0 and 1, for instance 0.9.")
    if not is_whole(n_bootstrap):
        raise OptionError("backtest: n_bootstrap must be a whole number from 0 (no intervals) on.")
    require_seed("backtest: random_state", random_state)
    baselines = listed("backtest: baselines", baselines, "baselines")
    churn = ChurnDefinition(getattr(model, "horizon", "90D"))
    dates = (
        default_dates(histories, churn.horizon_days)
        if as_of is None
        else parse_moments(as_of, histories.timezone)[0]
    )
    if not dates:
        raise NotEnoughDataError(
            f"backtest: the histories are observed from {histories.observed_from:%Y-%m-%d} to "
            f"{histories.observed_until:%Y-%m-%d}; that holds no date with some history before it and a whole horizon of "
            f"{churn.horizon_days} days after it.\nShorten the horizon, or give a longer history."
        )
    client = client_definition_of(model, histories, min(dates))
    names = [
        each if isinstance(each, str) else getattr(each, "name", type(each).__name__) for each in baselines
    ]
    if len({"model", *names}) <= len(names):
        raise OptionError(f"backtest: the model and its baselines need names of their own, found {names}.")
    rows: list[dict[str, Any]] = []
    groups: list[dict[str, Any]] = []
    notes: list[str] = []
    with ProgressBar("Backtest", n_steps=len(dates)) as bar:
        for n_done, date in enumerate(dates):
            bar.at(n_done, f"as of {date:%Y-%m-%d}")
            contestants: dict[str, Any] = {"model": _fresh(model, client)}
            contestants |= {
                name: baseline(given, churn, client) for name, given in zip(names, baselines, strict=True)
            }
            past = histories.until(date)
            books = {name: _book_of(name, scorer, past, date) for name, scorer in contestants.items()}
            groups += came_of_groups(histories, date, books["model"], churn)
            rows += _judge(
                histories, date, books, churn, client, names, n_bootstrap, confidence, random_state, notes
            )
    return Backtest(
        pd.DataFrame(rows),
        churn.horizon_days,
        client.horizon_days,
        names[0] if names else "nothing",
        confidence,
        list(dict.fromkeys(notes)),
        pd.DataFrame(groups),
    )


def _book_of(name: str, scorer: Any, past: Histories, date: pd.Timestamp) -> pd.DataFrame:
    """What a contestant, fitted as of a date, says of the buyers known then."""
    if isinstance(scorer, (ClassifierMixin, type)) or not all(
        callable(getattr(scorer, verb, None)) for verb in ("fit", "score")
    ):
        raise InputError(
            f"backtest: {name!r} is no object with fit(histories, as_of) and score(histories, as_of).\n"
            "Give a RelationshipModel or an object of yours with both; a scikit-learn classifier over a feature table is "
            "judged by cross_val_score(..., cv=SnapshotSplit(...))."
        )
    scorer.fit(past, date)
    book = scorer.score(past, date)
    found = list(book.columns) if isinstance(book, pd.DataFrame) else type(book).__name__
    if not isinstance(book, pd.DataFrame) or not set(TARGETS.values()) & set(book.columns):
        raise InputError(
            f"backtest: what {name!r} scores has no column 'churn_risk' or 'client_probability' (found {found}).\n"
            "score(histories, as_of) gives a DataFrame with a probability a buyer, indexed by buyer_id."
        )
    return book


def _probabilities(books: dict[str, pd.DataFrame], column: str, buyers: pd.Index) -> dict[str, Any]:
    """What each contestant that answers the question says of the buyers, in their order."""
    said = {}
    for name, book in books.items():
        if column not in book:
            continue
        said[name] = book[column].reindex(buyers).to_numpy(dtype=np.float64)
        n_bad = int(np.count_nonzero(~((said[name] >= 0) & (said[name] <= 1))))
        if n_bad:
            raise InputError(
                f"backtest: of {n_bad:,} of {len(buyers):,} buyers {name!r} gives no {column!r} between 0 and 1.\n"
                "score must answer for every buyer known at as_of, with their buyer_id as index."
            )
    return said


def client_definition_of(model: Any, histories: Histories, first: pd.Timestamp) -> ClientDefinition:
    """The model's own definition of a client, or the usual one; one for all dates, as known at the first."""
    client = getattr(model, "client", None) or ClientDefinition()
    return client.fixed(histories, first)


def _fresh(model: Any, client: ClientDefinition) -> Any:
    """A copy of the model, to be fitted, that answers about the clients it is judged by."""
    copy = clone(model, safe=False)
    if hasattr(copy, "client") and hasattr(copy, "set_params"):
        copy.set_params(client=client)
    return copy


def default_dates(histories: Histories, horizon_days: int, n_most: int = 4) -> list[pd.Timestamp]:
    """The latest dates with an observed horizon after them, a horizon apart, and history enough to
    learn before them.

    Enough is: the newest complete snapshot before the date has a horizon, and at least 60 days, of
    history itself. Where no date has that, one date with any history is taken.
    """
    horizon = pd.Timedelta(days=horizon_days)
    least = pd.Timedelta(days=max(horizon_days, 60))
    dates = [histories.observed_until - (step + 1) * horizon for step in range(n_most)]
    holes = histories.holes_in("transactions")
    whole = [date for date in dates if not any(a < date + horizon and date < b for a, b in holes)]
    dates = whole or dates
    enough = [date for date in dates if date - horizon - least >= histories.observed_from]
    if not enough and dates[0] - pd.Timedelta(days=14) >= histories.observed_from:
        return [dates[0]]
    return enough[::-1]


def _judge(
    histories: Histories,
    date: pd.Timestamp,
    books: dict[str, pd.DataFrame],
    churn: ChurnDefinition,
    client: ClientDefinition,
    names: list[str],
    n_bootstrap: int,
    confidence: float,
    random_state: int,
    notes: list[str],
) -> list[dict[str, Any]]:
    standing = standing_at(histories, date, churn.horizon_days)
    rows: list[dict[str, Any]] = []
    for target, definition in (("churn", churn), ("client", client)):
        end = date + pd.Timedelta(days=definition.horizon_days)
        if target == "client" and end > histories.observed_until:
            notes.append("Who is a client is not measured on dates whose client horizon is not observed yet.")
            continue
        outcome = definition.label(histories.until(end), date)
        answers = _probabilities(books, TARGETS[target], standing.index)
        for population in ("all", "here", "active"):
            chosen = standing if population == "all" else standing[standing[population]]
            y = outcome.reindex(chosen.index).to_numpy(dtype=np.float64)
            if len(y) == 0:
                continue
            draws = resample_buyers(len(y), n_bootstrap, random_state) if n_bootstrap else None
            here = standing.index.isin(chosen.index)
            given = {name: probability[here] for name, probability in answers.items()}
            for name, probability in given.items():
                row: dict[str, Any] = {
                    "as_of": date,
                    "model": name,
                    "target": target,
                    "population": population,
                }
                row |= {"n_buyers": len(y), "base_rate": float(y.mean())}
                worth = chosen["value"].to_numpy() if target == "churn" else None
                row |= measure(y, probability, worth, draws=draws, confidence=confidence)
                row |= _gain(
                    y, probability, given.get(names[0]) if names else None, name, names, draws, confidence
                )
                rows.append(row)
    return rows


def _gain(
    y: Any, probability: Any, reference: Any, name: str, names: list[str], draws: Any, confidence: float
) -> dict[str, float]:
    """How much lower the log loss is than the first baseline's, on the same resampled buyers."""
    if reference is None or name == names[0]:
        return {"gain": np.nan, "gain_low": np.nan, "gain_high": np.nan}
    gains = log_losses(y, reference) - log_losses(y, probability)
    if draws is None:
        return {"gain": float(gains.mean()), "gain_low": np.nan, "gain_high": np.nan}
    resampled = np.array([float(draw @ gains) / len(gains) for draw in draws])
    low, high = interval(resampled, confidence)
    return {"gain": float(gains.mean()), "gain_low": low, "gain_high": high}
