"""The whole book as one HTML page that opens offline.

The page opens no connection (its content policy forbids all of them), shows every text as text, and runs one script whose
hash the policy names.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import re
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from clientcare.arguments import path_of
from clientcare.book import in_order
from clientcare.care import care_plan, care_report
from clientcare.care.practices import last_owner
from clientcare.durable import replacing
from clientcare.exceptions import InputError, MissingExtraError, NotEnoughDataError
from clientcare.history import Histories, require_histories
from clientcare.model import Explanation, RelationshipModel
from clientcare.places import require_plain_place
from clientcare.progress import ProgressBar
from clientcare.report.backtest_plot import BacktestDisplay
from clientcare.report.canvas import STAGE_COLOURS, require_matplotlib, words_of
from clientcare.report.gaps import GapDisplay
from clientcare.report.relationship_map import RelationshipMapDisplay
from clientcare.report.story import stories
from clientcare.window import Moment, day_number, microseconds, parse_moment

if TYPE_CHECKING:
    from clientcare.evaluation import Backtest

MOST_CONTRIBUTIONS = 6
BUYERS_A_CHUNK = 1_000
"""What a buyer's own page tells is read by the browser a chunk at a time, and only when it is asked for."""
MOST_PLANNED = 2_000
"""Rows of the care plan that the page prints; the full list is what :func:`clientcare.care_plan` returns."""

REASONS = ("reason_1", "reason_2", "reason_3")
_COLUMNS = (
    ("client_probability", "client probability", "percent"),
    ("churn_risk", "churn risk", "percent"),
    ("expected_spend", "expected spend", "amount"),
    ("at_stake", "at stake", "amount"),
    ("next_purchase_due", "next purchase due", "date"),
    ("overdue_ratio", "overdue ratio", "number"),
    ("reason_1", "first reason", "text"),
)


def write_report(
    model: RelationshipModel,
    histories: Histories,
    path: str | os.PathLike[str],
    as_of: Moment | None = None,
    *,
    backtest: Backtest | None = None,
    title: str = "The book",
    hide_ids: bool = False,
) -> Path:
    """Write one HTML file: headline, whether to believe it, report card, the book, each buyer's story, due care.

    Parameters
    ----------
    model : fitted RelationshipModel
    histories : Histories
    path : path
        The file; an older one is replaced in one step.
    as_of : date, optional
        Default: the end of what was observed.
    backtest : Backtest, optional
        A result of :func:`clientcare.backtest` to print and plot; without one the page shows how the model's candidates
        did on the latest complete snapshots.
    title : str
    hide_ids : bool
        Show ``buyer 1``, ``buyer 2`` ... in place of ids, and no owners, in the table, on the buyers' pages, in their
        reasons and in the care plan.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    MissingExtraError
        Without matplotlib or jinja2: ``pip install 'clientcare[report]'``.
    SourceError
        Where the file cannot be written.

    Examples
    --------
    >>> import clientcare as cc, pathlib, tempfile
    >>> histories = cc.datasets.simulate_histories("retailer", n_buyers=80, random_state=0).histories
    >>> model = cc.RelationshipModel(effort="quick").fit(histories)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     page = cc.write_report(model, histories, pathlib.Path(folder) / "book.html")
    ...     page.read_text(encoding="utf-8")[:15]
    '<!doctype html>'
    """
    require_histories(histories, "write_report")
    target = path_of("write_report: path", path)
    require_plain_place("write_report: path", target)
    if not isinstance(model, RelationshipModel):
        raise InputError(
            f"write_report: the model is a fitted RelationshipModel, found {type(model).__name__}."
        )
    if backtest is not None and not hasattr(backtest, "verdict"):
        raise InputError(
            f"write_report: backtest is what cc.backtest returned, found {type(backtest).__name__}."
        )
    with ProgressBar("Page", n_steps=5) as bar:
        moment = histories.observed_until if as_of is None else parse_moment(as_of, histories.timezone)
        page = _page(model, histories.known_at(moment), moment, backtest, title, hide_ids, bar)
        bar.at(4, "writing")
        return _write(target, page)


def _page(
    model: RelationshipModel,
    known: Histories,
    moment: pd.Timestamp,
    backtest: Backtest | None,
    title: str,
    hide_ids: bool,
    bar: ProgressBar,
) -> str:
    bar.at(0, "the book")
    book = model.score(known, as_of=moment)
    book = in_order(book)
    bar.at(1, "due care")
    plan = care_plan(book, known, moment)
    names = _names(book.index, hide_ids)
    bar.at(2, "reasons")
    why = model.explain(known, as_of=moment)
    book = why.risk_first(book)
    if hide_ids:
        book = book.assign(**{reason: book[reason].map(_without_owner) for reason in REASONS})
    groups, chunks = _told(why, known, book, plan, moment)
    data = _table_of_buyers(known, book, names, moment, hide_ids) | {"groups": groups}
    bar.at(3, "plots")
    parts = _read_parts()
    page: str = _template(parts["page.html"]).render(
        title=title,
        as_of=f"{moment:%Y-%m-%d}",
        horizon_days=f"{int(book['horizon_days'].iloc[0]):,}" if len(book) else "0",
        n_buyers=f"{len(book):,}",
        model_id=model.model_id_,
        version=_version(),
        style=_safe(parts["page.css"]),
        script=_safe(parts["page.js"]),
        style_hash=_hash(parts["page.css"]),
        script_hash=_hash(parts["page.js"]),
        data=_safe(_island(data)),
        chunks=[_safe(_island(chunk)) for chunk in chunks],
        headline=_headline(book, plan),
        stages=_stages(book),
        headline_plots=_plots(
            lambda: RelationshipMapDisplay.from_predictions(book),
            "The relationship map: client probability against churn risk, one mark a buyer",
        ),
        **_belief(model, known, backtest),
        **_care(known, moment),
        **_planned(plan, names, hide_ids),
    )
    return page


def _names(buyers: pd.Index, hide_ids: bool) -> dict[Any, str]:
    return {
        buyer: f"buyer {place}" if hide_ids else str(buyer) for place, buyer in enumerate(buyers, start=1)
    }


def _without_owner(reason: Any) -> Any:
    """A reason that names the person who looks after the buyer names nobody any more."""
    return (
        re.sub(r"\bowner is .*", "owner, not shown", reason, flags=re.DOTALL)
        if isinstance(reason, str)
        else reason
    )


def _table_of_buyers(
    known: Histories, book: pd.DataFrame, names: dict[Any, str], moment: pd.Timestamp, hide_ids: bool
) -> dict[str, Any]:
    """What the page's script reads at once: the columns of the table and the interval of the risk."""
    columns: list[dict[str, Any]] = [
        {"name": "buyer_id", "title": "buyer", "form": "text", "values": list(names.values())},
        {"name": "stage", "title": "stage", "form": "text", **_levels(book["stage"])},
    ]
    if not hide_ids and len(book):
        owner = last_owner(known, microseconds(moment)).reindex(book.index)
        if owner.notna().any():
            columns.append(
                {"name": "owner", "title": "owner", "form": "text", **_levels(owner.fillna("(nobody)"))}
            )
    for name, title, form in _COLUMNS:
        cells = _levels(book[name]) if form == "text" else {"values": _cells(book[name], form)}
        columns.append({"name": name, "title": title, "form": form, **cells})
    return {
        "n": len(book),
        "chunk": BUYERS_A_CHUNK,
        "as_of_day": day_number(moment),
        "columns": columns,
        "low": _cells(book["churn_risk_low"], "percent"),
        "high": _cells(book["churn_risk_high"], "percent"),
    }


def _levels(texts: pd.Series[Any]) -> dict[str, Any]:
    """Each different text once, in order, and its place for each buyer."""
    plain = texts.astype(object)
    codes, levels = pd.factorize(plain.where(plain.notna(), "").astype(str), sort=True)
    return {"values": codes.tolist(), "levels": list(levels)}


def _told(
    why: Explanation,
    known: Histories,
    book: pd.DataFrame,
    plan: pd.DataFrame,
    moment: pd.Timestamp,
) -> tuple[list[str], list[list[Any]]]:
    """The names of the contributions; and what each buyer's page tells, by chunks of buyers.

    A buyer is ``[further reasons, [purchase days, our contacts, their contacts, contracts], contributions, due care]``.
    """
    groups, contributions = _contributions(why.churn.reindex(book.index))
    care: dict[Any, list[str]] = {}
    for buyer, reason in zip(plan["buyer_id"].tolist(), plan["reason"].tolist(), strict=True):
        care.setdefault(buyer, []).append(reason)
    further = [
        [reason for reason in row if reason]
        for row in book[list(REASONS[1:])].fillna("").to_numpy(dtype=object).tolist()
    ]
    told = [
        list(parts)
        for parts in zip(
            further,
            stories(known, book.index, moment),
            contributions,
            [care.get(buyer, []) for buyer in book.index.tolist()],
            strict=True,
        )
    ]
    return groups, [told[start : start + BUYERS_A_CHUNK] for start in range(0, len(told), BUYERS_A_CHUNK)]


def _contributions(churn: pd.DataFrame) -> tuple[list[str], list[list[list[float]]]]:
    """The names of the reasons, and each buyer's largest contributions as ``[place of the name, log-odds]``."""
    values = churn.to_numpy(dtype=float)
    order = np.argsort(-np.abs(values), axis=1, kind="stable")[:, :MOST_CONTRIBUTIONS]
    sizes = np.take_along_axis(values, order, axis=1).round(3)
    largest = [
        [[place, size] for place, size in zip(places, row, strict=True) if size]
        for places, row in zip(order.tolist(), sizes.tolist(), strict=True)
    ]
    return [words_of(name) for name in churn.columns], largest


def _cells(values: pd.Series[Any], form: str) -> list[Any]:
    """Values as JSON knows them: rounded to what is shown, unknown as None."""
    if form == "date":
        days = pd.to_datetime(values).to_numpy(dtype="datetime64[D]")
        cells, unknown = days.astype(str).tolist(), np.isnat(days)
    else:
        numbers = values.to_numpy(dtype=float).round(4 if form == "percent" else 2)
        cells, unknown = numbers.tolist(), np.isnan(numbers)
    for place in np.flatnonzero(unknown).tolist():
        cells[place] = None
    return list(cells)


def _headline(book: pd.DataFrame, plan: pd.DataFrame) -> list[dict[str, str]]:
    """The living first; those who had left before stand beside, counted."""
    gone = book["status"].astype(object) == "gone"
    n_gone, book = int(gone.sum()), book[~gone.to_numpy()]
    risk = book["churn_risk"].to_numpy(dtype=float)
    leaving, spread = float(risk.sum()), 1.645 * float(np.sqrt((risk * (1 - risk)).sum()))
    clients = book["relationship"].astype(object) == "client"
    figures = [
        {"name": "buyers here", "value": f"{len(book):,}", "note": f"{n_gone:,} had left before"},
        {
            "name": "clients",
            "value": f"{int(clients.sum()):,}",
            "note": f"{clients.mean():.0%} of those here" if len(book) else "",
        },
        {
            "name": "of those here expected to leave",
            "value": f"{leaving:,.0f}",
            "note": f"{max(leaving - spread, 0):,.0f} to {min(leaving + spread, len(book)):,.0f} by chance alone (90%)",
        },
        {
            "name": "clients more likely than not to leave",
            "value": f"{int((clients & (book['churn_risk'] > 0.5)).sum()):,}",
            "note": "",
        },
    ]
    if book["expected_spend"].notna().any():
        spend = book["expected_spend"].fillna(0)
        figures.append(
            {
                "name": "expected spend",
                "value": f"{spend.sum():,.0f}",
                "note": f"{spend[clients].sum() / max(spend.sum(), 1e-9):.0%} of it from clients",
            }
        )
    if book["at_stake"].notna().any():
        stake = float(book["at_stake"].fillna(0).sum())
        figures.append(
            {"name": "at stake", "value": f"{stake:,.0f}", "note": "risk times what leaving would cost"}
        )
    figures.append({"name": "care actions due", "value": f"{len(plan):,}", "note": ""})
    return figures


def _stages(book: pd.DataFrame) -> list[dict[str, str]]:
    """A row a stage that occurs: how many, how likely to leave, what they are expected to spend."""
    rows = []
    for stage in STAGE_COLOURS:
        here = book[book["stage"].astype(object) == stage]
        if here.empty:
            continue
        spend = here["expected_spend"]
        rows.append(
            {
                "stage": stage,
                "n_buyers": f"{len(here):,}",
                "share": f"{len(here) / len(book):.0%}",
                "risk": f"{here['churn_risk'].mean():.0%}",
                "spend": f"{spend.sum():,.0f}" if spend.notna().any() else "unknown",
            }
        )
    return rows


def _belief(model: RelationshipModel, known: Histories, backtest: Backtest | None) -> dict[str, Any]:
    sentences: list[str] = list(model.says_)
    tables: list[dict[str, Any]] = []
    tried: list[dict[str, Any]] = []
    plots = _plots(
        lambda: GapDisplay.from_histories(known, model.churn_definition_.horizon_days),
        "Gaps between purchases, and the chance to return after a silence",
    )
    if backtest is not None:
        sentences.insert(0, backtest.verdict)
        tables.append(_table("Backtest: model and baselines", backtest.summary().reset_index()))
        plots = (
            _plots(
                lambda: BacktestDisplay.from_backtest(backtest),
                "Backtest: log loss of the model and the baselines by date",
            )
            + plots
        )
    if len(model.candidates_):
        tried.append(
            _table("Every member that was tried, judged on the latest complete snapshots", model.candidates_)
        )
    return {"belief": sentences, "tried": tried, "belief_tables": tables, "belief_plots": plots}


def _table(caption: str, frame: pd.DataFrame) -> dict[str, Any]:
    return {
        "caption": caption,
        "columns": [str(name).replace("_", " ") for name in frame.columns],
        "numbers": [pd.api.types.is_numeric_dtype(kind) for kind in frame.dtypes],
        "rows": [[_cell(value) for value in row] for row in frame.itertuples(index=False)],
    }


def _cell(value: Any) -> str:
    if isinstance(value, (float, np.floating)):
        number = float(value)
        return "" if np.isnan(number) else f"{number:.3f}" if abs(number) < 10.0 else f"{number:,.0f}"
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d}"
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        return f"{value:,}"
    return "" if value is None or value is pd.NaT else str(value)


def _care(known: Histories, moment: pd.Timestamp) -> dict[str, Any]:
    try:
        report = care_report(known, moment)
    except NotEnoughDataError:
        return {"practices": [], "questions": []}
    practices = [
        {
            "name": str(name).replace("_", " "),
            "score": "not seen" if pd.isna(row["score"]) else f"{row['score']:.0f}",
            "meter": 0 if pd.isna(row["score"]) else round(float(row["score"])),
            "before": "" if pd.isna(row["previous"]) else f"{row['previous']:.0f}",
            "counts": row["evidence"],
        }
        for name, row in report.seller.iterrows()
    ]
    questions = [
        {"question": question, "answer": f"{row['answer']}: {row['figures']}"}
        for question, row in report.questions.iterrows()
    ]
    return {"practices": practices, "questions": questions}


def _planned(plan: pd.DataFrame, names: dict[Any, str], hide_ids: bool) -> dict[str, Any]:
    shown = plan.head(MOST_PLANNED)
    note = "Nothing is due." if plan.empty else "One row an action, most urgent first."
    if len(shown) < len(plan):
        note += f" The first {len(shown):,} of {len(plan):,} are shown."
    actions = [
        {
            "due": f"{row['due']:%Y-%m-%d}",
            "buyer": names[row["buyer_id"]],
            "action": str(row["action"]).replace("_", " "),
            "reason": row["reason"],
            "at_stake": "" if pd.isna(row["at_stake"]) else f"{row['at_stake']:,.0f}",
            "owner": "" if hide_ids or pd.isna(row["owner"]) else str(row["owner"]),
        }
        for row in shown.to_dict("records")
    ]
    return {"plan": actions, "plan_note": note, "plan_owners": any(action["owner"] for action in actions)}


def _plots(draw: Callable[[], Any], alt: str) -> list[dict[str, str]]:
    """A plot as a picture inside the page; none where there is too little to draw."""
    plt = require_matplotlib()
    with plt.rc_context({"svg.hashsalt": "clientcare", "svg.fonttype": "path"}):
        try:
            figure = draw().figure_
        except NotEnoughDataError:
            return []
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=110, metadata={"Software": None})
        plt.close(figure)
    return [{"source": "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode(), "alt": alt}]


def _island(data: Any) -> str:
    """JSON that cannot close its own element nor be read as markup."""
    text = json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for char in "<>&":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def _read_parts() -> dict[str, str]:
    folder = files("clientcare.report") / "page_parts"
    return {
        name: (folder / name).read_text(encoding="utf-8") for name in ("page.html", "page.css", "page.js")
    }


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _template(source: str) -> Any:
    try:
        import jinja2
    except ImportError as cause:
        raise MissingExtraError.of("jinja2", "report", "The HTML page") from cause
    return jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(source)


def _safe(text: str) -> Any:
    """Our own style, script and escaped JSON: the three texts that are not to be escaped again."""
    from markupsafe import Markup

    return Markup(text)


def _version() -> str:
    from importlib.metadata import version

    return version("clientcare")


def _write(path: Path, page: str) -> Path:
    """Aside first, then in one step to its place, readable by its owner alone."""
    with replacing(path, 0o600) as file:
        file.write(page.encode("utf-8"))
    return path
