"""Score every buyer: class, churn risk with its interval, what to expect, and why.

With --model the tables may be bigger than memory. Without it a model is learned from the same tables first, so that
one command leads from two files to the book.
"""

from __future__ import annotations

import argparse
from typing import Any

from clientcare.book import in_order
from clientcare.cli.modelling import add_model_options, build_model, load_saved, open_model
from clientcare.cli.output import Voice, add_output_options, is_terminal, write_table
from clientcare.cli.tables import add_table_options, read_tables, table_sources, tell
from clientcare.exceptions import OptionError

_N_SHOWN = 20


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this verb."""
    add_table_options(parser)
    add_model_options(parser)
    parser.add_argument("--model", metavar="FILE", help="written by 'fit'; without it one is learned first")
    parser.add_argument(
        "--as-of", metavar="DATE", help="score as of this date (default: the end of the data)"
    )
    parser.add_argument(
        "--in-parts",
        action="store_true",
        help="bigger than memory: partition by buyer, resumable (needs --model, --as-of, --out)",
    )
    add_output_options(parser, out="where the book goes: .parquet or .csv (with --in-parts also a folder)")


def run(options: argparse.Namespace) -> int:
    """Score in memory, or in parts where asked for."""
    return _score_in_parts(options) if options.in_parts else _score_in_memory(options)


def _score_in_memory(options: argparse.Namespace) -> int:
    histories = read_tables(options)
    if options.model:
        model = open_model(options, histories)
    else:
        model = build_model(options, histories).fit(histories, as_of=options.as_of)
    book = model.score(histories, as_of=options.as_of)
    voice = Voice(options.json)
    if options.out:
        write_table(book, options.out)
        voice.say(
            "book",
            f"{len(book):,} buyers written.",
            n_buyers=len(book),
            model_id=model.model_id_,
            out=options.out,
        )
    else:
        first = in_order(book)
        if not options.json:
            explanation = model.explain(histories, buyers=first.index[:_N_SHOWN], as_of=options.as_of)
            first = explanation.risk_first(first)
        columns = ["stage", "churn_risk", "at_stake", "reason_1"]
        voice.show(
            "book",
            f"{len(book):,} buyers; those who are here first, most at stake on top",
            first[columns].round(3),
            rows=_N_SHOWN,
        )
    return 0


def _score_in_parts(options: argparse.Namespace) -> int:
    if not (options.model and options.as_of and options.out):
        raise OptionError(
            "--in-parts needs --model, --as-of and --out: a batch job says what it scores and where to."
        )
    from clientcare.scoring import score_dataset

    voice = Voice(options.json)
    sources, door = table_sources(options)
    tables: dict[str, Any] = {**sources, **door}
    progress = voice.progress if options.json or is_terminal() else None
    result = score_dataset(
        load_saved(options),
        **tables,
        as_of=options.as_of,
        out=options.out,
        on_progress=progress,
    )
    tell(result.says, options, done=f"The book of {result.n_buyers:,} buyers was written all the same")
    voice.say("book", f"{result.n_buyers:,} buyers written.", n_buyers=result.n_buyers, out=options.out)
    return 0
