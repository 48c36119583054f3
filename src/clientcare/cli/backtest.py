"""Show how the model would have done at past dates, beside the recency rule."""

from __future__ import annotations

import argparse

from clientcare.cli.modelling import add_model_options, build_model
from clientcare.cli.output import Voice, add_output_options, write_table
from clientcare.cli.tables import add_table_options, read_tables
from clientcare.evaluation import backtest


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this verb."""
    add_table_options(parser)
    add_model_options(parser)
    parser.add_argument(
        "--as-of", action="append", metavar="DATE", help="repeatable; default: chosen by the data"
    )
    add_output_options(parser, out="also write the whole table here (.parquet or .csv)")


def run(options: argparse.Namespace) -> int:
    """Run the backtest and print it."""
    histories = read_tables(options)
    result = backtest(build_model(options, histories), histories, as_of=options.as_of)
    voice = Voice(options.json)
    voice.show("backtest", "Model against baselines, date by date", result.summary())
    voice.say("verdict", f"\n{result.verdict}", verdict=result.verdict)
    if options.out:
        write_table(result.table, options.out)
    return 0
