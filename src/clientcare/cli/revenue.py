"""Say what became of the money: opening, new, expansion, contraction, lost, won back, closing."""

from __future__ import annotations

import argparse

from clientcare.cli.output import Voice, add_output_options, write_table
from clientcare.cli.standing import tell_standing
from clientcare.cli.tables import add_table_options, read_tables
from clientcare.money import revenue

_MONEY = ("opening", "new", "expansion", "contraction", "lost", "won_back", "closing")
_SHARES = ("gross_retention", "net_retention", "logo_retention")


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this verb."""
    add_table_options(parser)
    parser.add_argument(
        "--periods", default="ME", metavar="ME|QE|YE", help="months (default), quarters or years"
    )
    parser.add_argument(
        "--by", metavar="NAME", help="plan, owner, cohort, or an attribute of the buyers: told apart by it"
    )
    parser.add_argument(
        "--source", choices=("contracts", "purchases", "both"), help="what counts (default: what there is)"
    )
    parser.add_argument(
        "--trailing", metavar="DAYS", help="purchases count over so many days up to each end, e.g. 365D"
    )
    add_output_options(parser, out="where the table goes (.parquet or .csv)")


def run(options: argparse.Namespace) -> int:
    """One table."""
    histories = read_tables(options)
    table = revenue(
        histories,
        options.periods,
        options.by,
        source=options.source,
        trailing=options.trailing,
    )
    voice = Voice.of(options)
    tell_standing(voice, histories)
    if options.out:
        write_table(table, options.out)
        voice.say("revenue", f"{len(table):,} rows written.", n_rows=len(table), out=options.out)
    elif not voice.for_people:
        voice.show("revenue", "", table.reset_index())
    else:
        shown = table[[*_MONEY, *_SHARES]].round(dict.fromkeys(_SHARES, 3)).reset_index()
        shown["period"] = shown["period"].dt.strftime("%Y-%m-%d")
        voice.show("revenue", "What became of the money (shares: gross, net, buyers kept)", shown)
    return 0
