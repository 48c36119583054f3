"""Show how the model would have done at past dates, beside the recency rule."""

from __future__ import annotations

import argparse

from clientcare.cli.modelling import add_model_options, build_model
from clientcare.cli.output import Voice, add_output_options, write_table
from clientcare.cli.tables import add_table_options, read_tables
from clientcare.evaluation import Backtest, backtest

_SHOWN = ["base_rate", "log_loss", "gain", "auc", "calibration_error", "bias", "lift_at_10"]
_BY_DATE = ["as_of", "model", "n_buyers", "base_rate", "log_loss", "log_loss_low", "log_loss_high", "auc"]


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
    voice = Voice.of(options)
    tell_backtest(voice, result)
    if options.out:
        write_table(result.table, options.out)
    return 0


def tell_backtest(voice: Voice, result: Backtest) -> None:
    """Churn date by date, the means over the dates for both targets, and the verdict."""
    churn = result.table.query("target == 'churn' and population == 'all'")
    by_date = churn[_BY_DATE].sort_values(["as_of", "model"]).set_index(["as_of", "model"])
    voice.show(
        "backtest_by_date", "Past dates, model against baselines (churn, all buyers)", by_date.round(4)
    )
    voice.show(
        "backtest", "Means over the dates (gain: log loss below recency)", result.summary()[_SHOWN].round(4)
    )
    if len(result.groups):
        told = result.groups.set_index(["as_of", "by", "group"]).round(3)
        voice.show("groups", "What came of those who were here, by class and by third of dependence", told)
    voice.say("verdict", f"\n{result.verdict}", verdict=result.verdict)
