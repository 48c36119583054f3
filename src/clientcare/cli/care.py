"""Print the seller's report card, and write the list of care that is due."""

from __future__ import annotations

import argparse

from clientcare.care import care_plan, care_report
from clientcare.cli.modelling import add_model_options, model_for
from clientcare.cli.output import Voice, add_output_options, write_table
from clientcare.cli.standing import tell_standing
from clientcare.cli.tables import add_table_options, read_tables
from clientcare.history import Histories
from clientcare.scoring.workbook import by_owner

_DECIMALS = {"score": 1, "previous": 1, "trend": 1, "coverage": 3}


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this verb."""
    add_table_options(parser)
    add_model_options(parser)
    parser.add_argument(
        "--model", metavar="FILE", help="a model file written by 'fit'; without it one is learned first"
    )
    parser.add_argument("--as-of", metavar="DATE", help="default: the end of the data")
    parser.add_argument(
        "--capacity",
        type=_capacity,
        metavar="N",
        help="how many contacts can be made (20), or how many hours there are (12h); the best set is picked",
    )
    add_output_options(
        parser, out="where the plan goes (.parquet, .csv, or .xlsx with the report card and a sheet an owner)"
    )


def _capacity(text: str) -> int | str:
    """A number of contacts, or a length of time as it was written."""
    return int(text) if text.strip().isdigit() else text


def _can_be_learned(histories: Histories) -> bool:
    """Whether anything says who stays: contacts alone do not."""
    return any(histories.events(table) is not None for table in ("transactions", "contracts"))


def run(options: argparse.Namespace) -> int:
    """Report card, then plan."""
    histories = read_tables(options)
    as_of = options.as_of or histories.observed_until
    model = model_for(options, histories, as_of) if options.model or _can_be_learned(histories) else None
    report = care_report(histories, as_of)
    book = model.score(histories, as_of=as_of) if model is not None else None
    plan = care_plan(book, histories, as_of, capacity=options.capacity)
    voice = Voice.of(options)
    tell_standing(voice, histories, as_of, model)
    voice.show("report", "Are we taking care? (0-100)", report.seller.round(_DECIMALS))
    voice.say("statement", f"\n{plan.attrs['statement']}", statement=plan.attrs["statement"])
    if options.out:
        card = report.seller.round(_DECIMALS)
        write_table(plan, options.out, sheets={"report card": card, **by_owner(plan)})
        voice.say("plan", f"\n{len(plan):,} actions written.", n_actions=len(plan), out=options.out)
    else:
        voice.show("plan", f"{len(plan):,} actions due, most at stake first", plan, rows=20)
    return 0
