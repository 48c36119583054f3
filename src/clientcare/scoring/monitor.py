"""What moved between two runs, measured against what would move by chance alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clientcare.arguments import is_number, is_whole, require_seed
from clientcare.exceptions import InputError, OptionError, SchemaError
from clientcare.model.outlook import Outlook
from clientcare.scoring.stage_moves import causes_of_moves

SCORES = ("churn_risk", "client_probability", "expected_purchases", "expected_spend", "overdue_ratio")
STOP = 3
"""The exit code of a comparison that a pipeline should stop on."""

N_BINS = 10


@dataclass(frozen=True, repr=False)
class ScoreComparison:
    """Two runs compared. No buyer's id or value is in it, counts and shares alone.

    Attributes
    ----------
    buyers : dict
        ``n_old``, ``n_new``, ``n_both``, ``n_gone``, ``n_added``.
    moved : DataFrame of shape (stages, stages)
        Buyers in both runs: rows the old stage, columns the new one.
    share_moved : float
        Share of them whose stage changed; NaN where there are none.
    drift : DataFrame indexed by column
        ``psi``, ``noise`` (what the PSI of two samples of these sizes from one distribution stays below in
        99 of 100 runs, over all columns together) and ``verdict``: ``"as before"`` (within the noise),
        ``"shifted a little"`` or ``"moved"`` (above the noise and above ``psi_limit``).
    unseen : DataFrame indexed by column
        ``share`` of the new rows whose text was not among the old ones, and ``n_unseen_texts``.
    calibration : dict
        Empty without outcomes; else ``n``, ``predicted``, ``observed``, ``z`` and ``by_decile``.
    alarms, notes : list of str
        What a pipeline should stop on, and what is worth knowing.
    causes : DataFrame
        Why they moved: ``old`` stage, ``new`` stage, ``cause`` (your list, gone, came back, no longer new, another model,
        close to the border, dependence, the class), ``n_buyers``.
    """

    buyers: dict[str, int]
    moved: pd.DataFrame
    share_moved: float
    drift: pd.DataFrame
    unseen: pd.DataFrame
    calibration: dict[str, Any] = field(default_factory=dict)
    alarms: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    causes: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def exit_code(self) -> int:
        """0 where nothing stands in the way of using the new book, 3 where there is an alarm."""
        return STOP if self.alarms else 0

    def to_json(self) -> str:
        """All of it as one line of JSON; unknown is null."""
        facts = {
            "event": "comparison",
            "exit_code": self.exit_code,
            "alarms": self.alarms,
            "notes": self.notes,
            "buyers": self.buyers,
            "share_moved": self.share_moved,
            "moved": {
                str(old): {str(new): int(n) for new, n in row.items()} for old, row in self.moved.iterrows()
            },
            "causes": self.causes.to_dict("records"),
            "drift": self.drift.to_dict("index"),
            "unseen": self.unseen.to_dict("index"),
            "calibration": self.calibration,
        }
        return json.dumps(_plain(facts), allow_nan=False)

    def __repr__(self) -> str:
        verdict = (
            "Stop: " + " ".join(self.alarms)
            if self.alarms
            else "Nothing happened that a pipeline should stop on."
        )
        lines = [verdict, *self.notes]
        share = "" if np.isnan(self.share_moved) else f", {self.share_moved:.1%} of them in another stage"
        lines.append(
            f"{self.buyers['n_both']:,} buyers in both runs{share}; {self.buyers['n_added']:,} added, "
            f"{self.buyers['n_gone']:,} gone."
        )
        if len(self.causes):
            by_cause = (
                self.causes.groupby("cause")["n_buyers"].sum().sort_values(ascending=False, kind="stable")
            )
            lines.append("Why: " + ", ".join(f"{cause} {n:,}" for cause, n in by_cause.items()) + ".")
        if len(self.drift):
            lines.append(self.drift.round(4).to_string())
        return "\n".join(lines)


def compare_scores(
    old: pd.DataFrame,
    new: pd.DataFrame,
    *,
    outcomes: pd.Series[Any] | None = None,
    outlook: Outlook | None = None,
    features: tuple[pd.DataFrame, pd.DataFrame] | None = None,
    psi_limit: float = 0.1,
    moved_limit: float = 0.25,
    unseen_limit: float = 0.05,
    calibration_limit: float = 0.02,
    n_bootstrap: int = 500,
    random_state: int = 0,
) -> ScoreComparison:
    r"""Compare two books: who moved, whether scores and features drifted, whether the old risks came true.

    The population stability index of a column over the bins :math:`b` (tenths of the old run, and one for
    unknown) is :math:`\sum_b (q_b - p_b) \ln (q_b / p_b)`, half a row added to each bin. Its noise level is
    the 99th percentile over samples of both sizes drawn from the pooled bins, at a level shared by all
    columns, so that it can say "nothing happened". The rule of thumb 0.1 alone would cry wolf on small
    books and sleep on large ones; a drift is an alarm only above both.

    Parameters
    ----------
    old, new : DataFrame indexed by buyer_id
        Books.
    outcomes : Series of bool indexed by buyer_id, optional
        ``ChurnDefinition.label`` at the ``as_of`` of the old book, once its horizon is over.
    outlook : Outlook, optional
        What was to be expected of the old book (``model.outlook(old)``); default: what :func:`read_book` found with it.
        Given outcomes too, there is an alarm where a figure that came lies outside the band that holds all of them in 97 of
        100 books.
    features : pair of DataFrame, optional
        Feature tables of both runs; texts among them are looked through for unseen ones.
    psi_limit, moved_limit, unseen_limit, calibration_limit : float
        From where on there is an alarm: PSI; share of buyers in another stage, and of old buyers who are gone
        (whoever was known once stays known); share of rows with an unseen text; distance of mean risk from
        the share that left.
    n_bootstrap : int
        Samples behind the noise levels.
    random_state : int

    Returns
    -------
    ScoreComparison

    Raises
    ------
    InputError
        Where one is no book or has no rows.

    References
    ----------
    .. [1] Siddiqi, N. (2006). Credit Risk Scorecards. Wiley. The index and its rule of thumb.
    .. [2] Yurdakul, B., Naranjo, J. (2020). Statistical properties of the population stability index.
       Journal of Risk Model Validation 14(4). Why its noise level depends on the sizes.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> buyers = pd.RangeIndex(1000, name="buyer_id")
    >>> book = pd.DataFrame({"churn_risk": rng.random(1000), "stage": "repeat customer"}, index=buyers)
    >>> compare_scores(book, book).exit_code
    0
    >>> compare_scores(book, book.assign(churn_risk=book["churn_risk"] ** 3)).drift.loc["churn_risk", "verdict"]
    'moved'
    """
    for name, book in (("old", old), ("new", new)):
        if not isinstance(book, pd.DataFrame) or "churn_risk" not in book or not len(book):
            raise InputError(
                f"{name}: no book with rows and a column 'churn_risk'. Give what model.score returned."
            )
        if not book.index.is_unique:
            raise InputError(
                f"{name}: {int(book.index.duplicated().sum()):,} buyers stand there twice. Give one book."
            )
    limits = (psi_limit, moved_limit, unseen_limit, calibration_limit)
    if not (all(map(is_number, limits)) and is_whole(n_bootstrap, least=1)):
        raise OptionError(
            "compare_scores: the limits must be numbers, and n_bootstrap a whole number from 1 on."
        )
    require_seed("compare_scores: random_state", random_state)
    if outcomes is not None and not isinstance(outcomes, pd.Series):
        raise InputError(f"outcomes: must be a Series indexed by buyer_id, found {type(outcomes).__name__}.")
    if features is not None and not _are_two_tables(features):
        raise InputError(
            "features: must be the feature tables (DataFrames) of the old and the new run, as a pair."
        )
    rng = np.random.default_rng(random_state)
    both = old.index.intersection(new.index)
    buyers = {
        "n_old": len(old), "n_new": len(new), "n_both": len(both),
        "n_gone": len(old) - len(both), "n_added": len(new) - len(both),
    }  # fmt: skip
    moved = _moves(old, new, both)
    n_moved = int(moved.to_numpy().sum() - np.trace(moved.to_numpy()))
    share_moved = n_moved / len(both) if len(both) and len(moved) else float("nan")
    pairs = dict(_numeric_pairs(old, new, features))
    drift = _drift(pairs, psi_limit, n_bootstrap, rng)
    unseen = _unseen(features)
    calibration = {} if outcomes is None else _calibration(old["churn_risk"], outcomes)
    outlook = outlook if outlook is not None else _told_beside(old)
    if outlook is not None and calibration:
        calibration["expected"] = outlook.to_dict()["figures"]
    alarms = [
        *_gone(buyers, moved_limit),
        *_alarms(share_moved, moved_limit, drift, unseen, unseen_limit, calibration, calibration_limit),
        *_beyond(old, outcomes, outlook),
    ]
    notes = [*_notes(old, new, drift), *([] if outlook is None else outlook.unlike)]
    causes = causes_of_moves(old, new)
    return ScoreComparison(buyers, moved, share_moved, drift, unseen, calibration, alarms, notes, causes)


def _told_beside(old: pd.DataFrame) -> Outlook | None:
    """What was to be expected of the old book, where its file told it."""
    told = old.attrs.get("outlook")
    return Outlook.from_dict(told) if isinstance(told, dict) else None


def _beyond(old: pd.DataFrame, outcomes: pd.Series[Any] | None, outlook: Outlook | None) -> Iterator[str]:
    """What came and lies outside what was to be expected."""
    if outcomes is not None and outlook is not None:
        for sentence in outlook.outside(outlook.came(old, outcomes)):
            yield f"Outside what was to be expected of the old book: {sentence}"


def _are_two_tables(features: Any) -> bool:
    return (
        isinstance(features, (tuple, list))
        and len(features) == 2
        and all(isinstance(table, pd.DataFrame) for table in features)
    )


def _moves(old: pd.DataFrame, new: pd.DataFrame, both: pd.Index) -> pd.DataFrame:
    if "stage" not in old or "stage" not in new:
        return pd.DataFrame()
    before, after = old.loc[both, "stage"].astype(str), new.loc[both, "stage"].astype(str)
    stages = sorted({*before.unique(), *after.unique()})
    table = pd.crosstab(before.to_numpy(), after.to_numpy()) if len(both) else pd.DataFrame()
    return table.reindex(index=stages, columns=stages, fill_value=0).rename_axis(index="old", columns="new")


def _numeric_pairs(
    old: pd.DataFrame, new: pd.DataFrame, features: tuple[pd.DataFrame, pd.DataFrame] | None
) -> Iterator[tuple[str, tuple[NDArray[np.float64], NDArray[np.float64]]]]:
    tables = [(old[[name for name in SCORES if name in old]], new)]
    if features is not None:
        missing = [str(name) for name in features[0].columns if name not in features[1]]
        if missing:
            raise SchemaError(
                f"features: the new run lacks {', '.join(map(repr, missing))}, which the old one had."
            )
        tables.append(features)
    for before, after in tables:
        for name in before.columns:
            if name in after and pd.api.types.is_numeric_dtype(before[name].dtype):
                yield str(name), (before[name].to_numpy(np.float64), after[name].to_numpy(np.float64))


def _drift(
    pairs: dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]],
    psi_limit: float,
    n_bootstrap: int,
    rng: np.random.Generator,
) -> pd.DataFrame:
    rows = {}
    level = 1 - 0.01 / max(len(pairs), 1)
    for name, (before, after) in pairs.items():
        counts = _binned(before, after)
        psi = float(_psi(counts[0], counts[1]))
        noise = _noise_level(counts, level, n_bootstrap, rng)
        verdict = "as before" if psi <= noise else "moved" if psi > psi_limit else "shifted a little"
        rows[name] = {"psi": psi, "noise": noise, "verdict": verdict}
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["psi", "noise", "verdict"])
    return table.rename_axis("column")


def _binned(before: NDArray[np.float64], after: NDArray[np.float64]) -> NDArray[np.int64]:
    """Rows of both runs in tenths of the old one; the last bin holds the unknown. Shape (2, n_bins)."""
    known = before[np.isfinite(before)]
    edges = np.unique(np.quantile(known, np.linspace(0, 1, N_BINS + 1)[1:-1])) if len(known) else np.empty(0)
    n_bins = len(edges) + 2

    def counted(values: NDArray[np.float64]) -> NDArray[np.int64]:
        bins = np.where(np.isnan(values), n_bins - 1, np.searchsorted(edges, values, side="left"))
        return np.bincount(bins, minlength=n_bins)

    return np.stack([counted(before), counted(after)])


def _psi(old: NDArray[Any], new: NDArray[Any]) -> NDArray[np.float64]:
    """Over the last axis; half a row is added to each bin."""
    n_bins = old.shape[-1]
    p = (old + 0.5) / (old.sum(-1, keepdims=True) + n_bins / 2)
    q = (new + 0.5) / (new.sum(-1, keepdims=True) + n_bins / 2)
    found: NDArray[np.float64] = np.sum((q - p) * np.log(q / p), axis=-1)
    return found


def _noise_level(
    counts: NDArray[np.int64], level: float, n_bootstrap: int, rng: np.random.Generator
) -> float:
    """The PSI that two samples of these sizes from one distribution stay below at that level.

    For more extreme levels than the samples can tell, the tail of the fitting scaled chi-squared law is
    taken.
    """
    from scipy import stats

    pooled = counts.sum(axis=0) / counts.sum()
    first = rng.multinomial(int(counts[0].sum()), pooled, size=n_bootstrap)
    second = rng.multinomial(int(counts[1].sum()), pooled, size=n_bootstrap)
    sampled = _psi(first, second)
    mean, variance = float(sampled.mean()), float(sampled.var())
    if variance == 0.0 or mean == 0.0:
        return mean
    freedom = 2 * mean**2 / variance
    return float(max(np.quantile(sampled, 0.99), stats.chi2.ppf(level, freedom) * mean / freedom))


def _unseen(features: tuple[pd.DataFrame, pd.DataFrame] | None) -> pd.DataFrame:
    rows = {}
    if features is not None:
        before, after = features
        for name in before.columns:
            if not pd.api.types.is_numeric_dtype(before[name].dtype):
                known = set(before[name].dropna().unique())
                new = after[name].astype(object)
                strange = new.notna() & ~new.isin(list(known))
                rows[str(name)] = {
                    "share": float(strange.mean()),
                    "n_unseen_texts": int(new[strange].nunique()),
                }
    return pd.DataFrame.from_dict(rows, orient="index", columns=["share", "n_unseen_texts"]).rename_axis(
        "column"
    )


def _calibration(risk: pd.Series[Any], outcomes: pd.Series[Any]) -> dict[str, Any]:
    """Risks of the old run beside what came; buyers without an outcome are left out and counted."""
    both = risk.index.intersection(outcomes.dropna().index)
    if not len(both):
        raise InputError(
            "outcomes: no buyer of the old book is among them. Label at the as_of of the old book."
        )
    p, y = risk.loc[both].to_numpy(np.float64), outcomes.loc[both].to_numpy(np.float64)
    spread = float(np.sqrt(np.sum(p * (1 - p))))
    tenth = np.minimum(
        (np.argsort(np.argsort(p, kind="stable"), kind="stable") * N_BINS) // len(p), N_BINS - 1
    )
    groups = pd.DataFrame({"tenth": tenth, "predicted": p, "observed": y}).groupby("tenth")
    by_decile = groups.mean().assign(n=groups.size()).reset_index()
    return {
        "n": len(both),
        "n_without_outcome": len(risk) - len(both),
        "predicted": float(p.mean()),
        "observed": float(y.mean()),
        "z": float((y.sum() - p.sum()) / spread) if spread else 0.0,
        "by_decile": by_decile.to_dict("records"),
    }


def _gone(buyers: dict[str, int], limit: float) -> Iterator[str]:
    share = buyers["n_gone"] / buyers["n_old"]
    if not buyers["n_both"]:
        yield "No buyer of the old book is in the new one: see that the ids of both are written alike."
    elif share > limit:
        yield f"{share:.1%} of the old book's buyers are not in the new one (limit {limit:.0%})."


def _alarms(
    share_moved: float,
    moved_limit: float,
    drift: pd.DataFrame,
    unseen: pd.DataFrame,
    unseen_limit: float,
    calibration: dict[str, Any],
    calibration_limit: float,
) -> Iterator[str]:
    if share_moved > moved_limit:
        yield f"{share_moved:.1%} of the buyers are in another stage (limit {moved_limit:.0%})."
    for name, row in drift[drift["verdict"] == "moved"].iterrows():
        yield f"{name} moved: PSI {row['psi']:.3f}, by chance at most {row['noise']:.3f}."
    for name, row in unseen[unseen["share"] > unseen_limit].iterrows():
        yield f"{name}: {row['share']:.1%} of the rows hold texts that were not there before."
    if calibration:
        gap = calibration["observed"] - calibration["predicted"]
        if abs(gap) > calibration_limit and abs(calibration["z"]) > 3:
            yield f"The old run foretold {calibration['predicted']:.1%} leaving, {calibration['observed']:.1%} left."


def _notes(old: pd.DataFrame, new: pd.DataFrame, drift: pd.DataFrame) -> Iterator[str]:
    for name, what in (("model_id", "Another model"), ("horizon_days", "Another horizon")):
        if name in old and name in new and old[name].iloc[0] != new[name].iloc[0]:
            yield f"{what}: the runs are not of one kind."
    for name in drift.index[drift["verdict"] == "shifted a little"]:
        yield f"{name} shifted a little: more than chance, less than matters."
    if len(drift) and (drift["verdict"] == "as before").all():
        yield "No column moved more than it would by chance."


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value
