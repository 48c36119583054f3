"""Run the main job on the samples: quality, backtest, the book.

Reads the retailer sample (or your own tables, where they are named), says what is wrong with the data, how far ahead to
ask, whether the model can be believed, and writes the book as Parquet and CSV.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from clientcare.book import in_order
from clientcare.cli.backtest import tell_backtest
from clientcare.cli.check import tell_horizon, tell_quality
from clientcare.cli.modelling import add_model_options, build_model
from clientcare.cli.output import Voice, add_output_options, write_table
from clientcare.cli.tables import TABLES, add_table_options, read_tables
from clientcare.datasets import load_retailer
from clientcare.evaluation import backtest

_HEAD = ["relationship", "stage", "client_probability", "churn_risk", "at_stake", "reason_1"]
_N_SHOWN = 12


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this verb."""
    add_table_options(parser)
    add_model_options(parser)
    parser.set_defaults(effort="quick")
    parser.add_argument("--out", default="out", metavar="FOLDER", help="where book.parquet and book.csv go")
    add_output_options(parser)


def run(options: argparse.Namespace) -> int:
    """Check, backtest, score."""
    own_tables = options.config or any(getattr(options, table) for table in TABLES)
    histories = read_tables(options) if own_tables else load_retailer()
    voice = Voice.of(options)
    tell_quality(voice, histories)
    tell_horizon(voice, histories)
    model = build_model(options, histories)
    result = backtest(model, histories)
    tell_backtest(voice, result)
    book = model.fit(histories).score(histories)
    for ending in ("parquet", "csv"):
        write_table(book, str(Path(options.out) / f"book.{ending}"))
    first = in_order(book)
    if not voice.as_json:
        first = model.explain(histories, buyers=first.index[:_N_SHOWN]).risk_first(first)
    title = "The book: those who are here first, most at stake on top"
    voice.show("book", title, first[_HEAD].round(3), rows=_N_SHOWN)
    voice.say(
        "written",
        f"\nThe book of {len(book):,} buyers is in {options.out}/book.parquet and {options.out}/book.csv.",
        n_buyers=len(book),
        out=options.out,
    )
    return 0
