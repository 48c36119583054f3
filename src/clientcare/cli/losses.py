"""List who left, with what was known before, and how many losses were a surprise."""

from __future__ import annotations

import argparse

from clientcare.cli.modelling import add_model_options, model_for
from clientcare.cli.output import Voice, add_output_options, write_table
from clientcare.cli.standing import tell_standing
from clientcare.cli.tables import add_table_options, read_tables
from clientcare.money import loss_book
from clientcare.money.loss_book import NOT_STATED


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this verb."""
    add_table_options(parser)
    add_model_options(parser)
    parser.add_argument(
        "--model", metavar="FILE", help="a model file written by 'fit'; without it one is learned first"
    )
    parser.add_argument("--as-of", metavar="DATE", help="default: the end of the data")
    parser.add_argument("--since", default="365D", metavar="DAYS", help="how far back losses are told (365D)")
    add_output_options(parser, out="where the list of losses goes (.parquet or .csv)")


def run(options: argparse.Namespace) -> int:
    """Quarters, then losses."""
    histories = read_tables(options)
    as_of = options.as_of or histories.observed_until
    model = model_for(options, histories, as_of)
    book = loss_book(model, histories, as_of, since=options.since)
    voice = Voice.of(options)
    tell_standing(voice, histories, as_of, model)
    voice.show("quarters", f"{book!r}\nBy quarter", book.by_quarter.round(3))
    if (book.by_reason.index != NOT_STATED).any():
        voice.show("reasons", "By stated reason", book.by_reason.round(3))
    if options.out:
        write_table(book.losses, options.out)
        voice.say(
            "losses", f"\n{len(book.losses):,} losses written.", n_losses=len(book.losses), out=options.out
        )
    else:
        columns = [
            "left_at",
            "place_180d",
            "place_90d",
            "place_30d",
            "reason_90d",
            "stated_reason",
            "surprise",
        ]
        voice.show(
            "losses",
            "Latest first; place: share of the living at a lower risk then",
            book.losses[columns].assign(
                **{name: book.losses[name].round(2) for name in columns if name.startswith("place")}
            ),
            rows=20,
        )
    return 0
