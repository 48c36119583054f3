"""The whole book as one HTML page that opens offline.

The page opens no connection (its content policy forbids all of them), shows every text as text, and runs one script whose
hash the policy names.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from clientcare.arguments import path_of
from clientcare.book import in_order
from clientcare.care import care_plan
from clientcare.durable import replacing
from clientcare.exceptions import InputError, OptionError
from clientcare.history import Histories, require_histories
from clientcare.model import RelationshipModel
from clientcare.places import require_plain_place
from clientcare.progress import ProgressBar
from clientcare.report.page_buyers import REASONS, names_of, table_of_buyers, told_of_buyers, without_owner
from clientcare.report.page_frame import hash_of, island, plots, read_parts, safe, template_of, version_of
from clientcare.report.page_headline import headline_of, stage_words, stages_of
from clientcare.report.page_money import renewals_ahead, the_silent, trend_of
from clientcare.report.page_moves import moves_of
from clientcare.report.page_sections import belief_of, card_of, plan_of
from clientcare.report.relationship_map import RelationshipMapDisplay
from clientcare.window import Moment, parse_moment

if TYPE_CHECKING:
    from clientcare.evaluation import Backtest


def write_report(
    model: RelationshipModel,
    histories: Histories,
    path: str | os.PathLike[str],
    as_of: Moment | None = None,
    *,
    backtest: Backtest | None = None,
    title: str = "The book",
    hide_ids: bool = False,
    previous: pd.DataFrame | None = None,
    currency: str | None = None,
) -> Path:
    """Write one HTML file: headline, what moved, money, whether to believe it, report card, the book, due care.

    The book can be searched and filtered by stage, owner and segment (buyers' attributes ``owner`` and ``segment``); the
    plan and the table by group follow, and what is seen can be taken away as CSV or printed.

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
        Show ``buyer 1``, ``buyer 2`` ... in place of ids, and neither names nor owners, in the table, on the buyers'
        pages, in their reasons, among the renewals and in the care plan.
    previous : DataFrame, optional
        An earlier book: the page then tells what moved since.
    currency : str, optional
        What stands beside every amount, for instance ``"EUR"``; default: the buyers' attribute ``currency`` where it has
        one value.

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
    if previous is not None and not (
        isinstance(previous, pd.DataFrame) and {"as_of", "churn_risk"} <= set(previous.columns)
    ):
        raise InputError("write_report: previous is an earlier book, as model.score(...) returned it.")
    with ProgressBar("Page", n_steps=5) as bar:
        moment = histories.observed_until if as_of is None else parse_moment(as_of, histories.timezone)
        known = histories.known_at(moment)
        unit = _unit(known, currency)
        page = _page(model, known, moment, backtest, title, hide_ids, previous, unit, bar)
        bar.at(4, "writing")
        return _write(target, page)


def _unit(known: Histories, currency: str | None) -> str:
    """What stands beside every amount."""
    if currency is not None:
        if not isinstance(currency, str) or not currency.strip() or len(currency) > 8:
            raise OptionError("write_report: currency is a short text, for instance 'EUR'.")
        return currency.strip()
    if known.buyers is None or "currency" not in known.buyers:
        return ""
    stated = known.buyers["currency"].dropna().astype(str).str.strip().unique()
    return str(stated[0])[:8] if len(stated) == 1 else ""


def _page(
    model: RelationshipModel,
    known: Histories,
    moment: pd.Timestamp,
    backtest: Backtest | None,
    title: str,
    hide_ids: bool,
    previous: pd.DataFrame | None,
    unit: str,
    bar: ProgressBar,
) -> str:
    bar.at(0, "the book")
    book = in_order(model.score(known, as_of=moment))
    bar.at(1, "due care")
    plan = care_plan(book, known, moment)
    names = names_of(book.index, hide_ids)
    bar.at(2, "reasons")
    why = model.explain(known, as_of=moment)
    book = why.risk_first(book)
    if hide_ids:
        book = book.assign(**{reason: book[reason].map(without_owner) for reason in REASONS})
    groups, chunks = told_of_buyers(why, known, book, plan, moment)
    data = table_of_buyers(known, book, names, moment, hide_ids) | {"groups": groups, "unit": unit}
    bar.at(3, "money and plots")
    parts = read_parts()
    page: str = template_of(parts["page.html"]).render(
        title=title,
        as_of=f"{moment:%Y-%m-%d}",
        horizon_days=f"{int(book['horizon_days'].iloc[0]):,}" if len(book) else "0",
        n_buyers=f"{len(book):,}",
        model_id=model.model_id_,
        version=version_of(),
        unit=unit,
        style=safe(parts["page.css"]),
        script=safe(parts["page.js"]),
        style_hash=hash_of(parts["page.css"]),
        script_hash=hash_of(parts["page.js"]),
        data=safe(island(data)),
        chunks=[safe(island(chunk)) for chunk in chunks],
        headline=headline_of(book, plan, unit),
        stages=stages_of(book, unit),
        stage_words=stage_words(book),
        headline_plots=plots(
            lambda: RelationshipMapDisplay.from_predictions(book),
            "The relationship map: client probability against churn risk, one mark a buyer",
        ),
        moves=moves_of(book, previous, names, unit),
        trend=trend_of(model, known, moment, unit),
        renewals=renewals_ahead(model, known, moment, names, unit),
        silent=the_silent(book, names, unit),
        **belief_of(model, known, backtest),
        **card_of(known, moment),
        **plan_of(plan, book, names, hide_ids, unit),
    )
    return page


def _write(path: Path, page: str) -> Path:
    """Aside first, then in one step to its place, readable by its owner alone."""
    with replacing(path, 0o600) as file:
        file.write(page.encode("utf-8"))
    return path
