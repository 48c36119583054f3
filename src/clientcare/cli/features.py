"""Write the feature table as of one or several dates."""

from __future__ import annotations

import argparse

from clientcare.cli.output import Voice, add_output_options, write_table
from clientcare.cli.tables import add_table_options, read_tables
from clientcare.features import feature_catalogue, feature_table


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this verb."""
    add_table_options(parser)
    parser.add_argument(
        "--as-of", action="append", metavar="DATE", help="repeatable; default: the end of the data"
    )
    parser.add_argument("--family", action="append", metavar="NAME", help="only these families (repeatable)")
    parser.add_argument("--catalogue", action="store_true", help="print what there is, with units, and stop")
    add_output_options(parser, out="where the table goes (.parquet or .csv)")


def run(options: argparse.Namespace) -> int:
    """Build the features and write or print them."""
    voice = Voice.of(options)
    if options.catalogue:
        voice.show("catalogue", "Features", feature_catalogue())
        return 0
    histories = read_tables(options)
    dates = options.as_of or [histories.observed_until]
    table = feature_table(histories, as_of=dates if len(dates) > 1 else dates[0], families=options.family)
    if options.out:
        write_table(table, options.out)
        voice.say(
            "features",
            f"{len(table):,} rows of {table.shape[1]} features written.",
            n_rows=len(table),
            n_features=table.shape[1],
            out=options.out,
        )
    else:
        voice.show("features", f"{table.shape[1]} features of {len(table):,} buyers", table, rows=10)
    return 0
