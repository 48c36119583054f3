"""Say which contracts come up, with the chance of each, and what each month will keep."""

from __future__ import annotations

import argparse

from clientcare.cli.modelling import add_model_options, model_for
from clientcare.cli.output import Voice, add_output_options, write_table
from clientcare.cli.standing import tell_standing
from clientcare.cli.tables import add_table_options, read_tables
from clientcare.money import renewals


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this verb."""
    add_table_options(parser)
    add_model_options(parser)
    parser.add_argument(
        "--model", metavar="FILE", help="a model file written by 'fit'; without it one is learned first"
    )
    parser.add_argument("--as-of", metavar="DATE", help="default: the end of the data")
    parser.add_argument("--ahead", default="365D", metavar="DAYS", help="how far to look (365D)")
    add_output_options(parser, out="where the list of ends goes (.parquet or .csv)")


def run(options: argparse.Namespace) -> int:
    """Months, then ends."""
    histories = read_tables(options)
    as_of = options.as_of or histories.observed_until
    model = model_for(options, histories, as_of)
    coming = renewals(model, histories, as_of, ahead=options.ahead)
    voice = Voice.of(options)
    tell_standing(voice, histories, as_of, model)
    months = coming.months.round(2).reset_index()
    months["month"] = months["month"].dt.strftime("%Y-%m")
    voice.show("months", f"{coming!r}\nBy month, with 90 % of what may come", months)
    if options.out:
        write_table(coming.ends, options.out)
        voice.say("ends", f"\n{len(coming.ends):,} ends written.", n_ends=len(coming.ends), out=options.out)
    else:
        voice.show("ends", "Soonest first", coming.ends.round({"chance": 3}), rows=20)
    return 0
