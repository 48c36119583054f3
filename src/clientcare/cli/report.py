"""Write the whole book as one HTML page that opens offline."""

from __future__ import annotations

import argparse

from clientcare.cli.modelling import add_model_options, model_for
from clientcare.cli.output import Voice, add_output_options
from clientcare.cli.tables import add_table_options, read_tables
from clientcare.report import write_report
from clientcare.scoring import read_book


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this verb."""
    add_table_options(parser)
    add_model_options(parser)
    parser.add_argument(
        "--model", metavar="FILE", help="a model file written by 'fit'; without it one is learned first"
    )
    parser.add_argument("--as-of", metavar="DATE", help="default: the end of the data")
    parser.add_argument("--hide-ids", action="store_true", help="show numbers in place of the buyers' ids")
    parser.add_argument(
        "--previous", metavar="BOOK", help="an earlier book written by 'score': tells what moved since"
    )
    parser.add_argument("--out", required=True, metavar="FILE.html")
    add_output_options(parser)


def run(options: argparse.Namespace) -> int:
    """Write the page."""
    histories = read_tables(options)
    as_of = options.as_of or histories.observed_until
    model = model_for(options, histories, as_of)
    write_report(
        model,
        histories,
        options.out,
        as_of=as_of,
        hide_ids=options.hide_ids,
        previous=None if options.previous is None else read_book(options.previous),
        currency=options.currency,
    )
    Voice.of(options).say("page", "Page written.", out=options.out)
    return 0
