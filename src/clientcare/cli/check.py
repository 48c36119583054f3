"""Read the tables, say what was found wrong with them, and suggest a horizon."""

from __future__ import annotations

import argparse

from clientcare.cli.output import Voice, add_output_options, write_table
from clientcare.cli.tables import add_table_options, read_tables
from clientcare.exceptions import NotEnoughDataError, OptionError
from clientcare.history import Histories
from clientcare.outcomes import suggest_horizon


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this verb."""
    add_table_options(parser)
    add_output_options(parser, out="also write the quality table here (.parquet or .csv)")
    parser.add_argument(
        "--set-aside", metavar="TABLE=FILE", action="append", default=[],
        help="write the rows of a table that were set aside, e.g. transactions=aside.csv; it holds your raw rows",
    )  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Print the quality table and the suggested horizon."""
    histories = read_tables(options)
    voice = Voice.of(options)
    tell_quality(voice, histories)
    tell_horizon(voice, histories)
    for pair in options.set_aside:
        table, equals, target = pair.partition("=")
        if not equals:
            raise OptionError("--set-aside: not of the form TABLE=FILE, e.g. transactions=aside.csv.")
        write_table(histories.set_aside(table), target)
    if options.out:
        quality = histories.quality.copy()
        quality["first_rows"] = [", ".join(str(row) for row in rows) for rows in quality["first_rows"]]
        write_table(quality, options.out)
    return 0


def tell_quality(voice: Voice, histories: Histories) -> None:
    """How much was read and what was wrong with it."""
    rows = histories.rows
    voice.show("rows", "What was read", rows)
    voice.say(
        "observed",
        f"{len(histories.buyer_ids):,} buyers, observed from {histories.observed_from:%Y-%m-%d} "
        f"until {histories.observed_until:%Y-%m-%d} (exclusive).",
        n_buyers=len(histories.buyer_ids),
        observed_from=histories.observed_from,
        observed_until=histories.observed_until,
    )
    if histories.ignored_columns:
        unread = "; ".join(
            f"{', '.join(names)} of {table}" for table, names in histories.ignored_columns.items()
        )
        words = f"Columns not read: {unread}. If one means the same as one of ours, map it with --column."
        voice.say(
            "ignored_columns",
            words,
            **{table: list(names) for table, names in histories.ignored_columns.items()},
        )
    voice.show("quality", "What was found, and what was done", histories.quality)


def tell_horizon(voice: Voice, histories: Histories) -> None:
    """The suggested horizon with its evidence, or why none can be suggested."""
    try:
        suggestion = suggest_horizon(histories)
    except NotEnoughDataError as reason:
        voice.say("horizon", f"\nSuggested horizon: none. {reason}", days=None, reason=str(reason))
        return
    voice.show("horizon_evidence", "Evidence for the horizon", suggestion.evidence)
    voice.say("horizon", f"\n{suggestion}", days=suggestion.days)
