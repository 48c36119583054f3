"""Deal out a care experiment: who gets care, who is held out, and what it can find."""

from __future__ import annotations

import argparse

from clientcare.care import plan_holdout
from clientcare.cli.output import Voice, add_output_options, write_table
from clientcare.scoring import read_book


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this verb."""
    parser.add_argument("book", metavar="BOOK", help="a book written by 'score': .parquet, .csv or a folder")
    parser.add_argument(
        "--smallest-effect", type=float, metavar="SHARE",
        help="the drop in the probability of churn worth finding (default 0.05: 5 points)",
    )  # fmt: skip
    parser.add_argument("--power", type=float, default=0.8, help="the chance of finding it (default 0.8)")
    parser.add_argument("--level", type=float, default=0.9, help="of the interval (default 0.9)")
    parser.add_argument("--share-held-out", type=float, default=0.5, metavar="SHARE")
    parser.add_argument(
        "--n-buyers", type=int, metavar="N", help="how many take part (default: as many as are needed)"
    )
    parser.add_argument("--random-state", type=int, default=0)
    add_output_options(parser, out="where the arms go (.parquet or .csv), for 'effect --arms'")


def run(options: argparse.Namespace) -> int:
    """Plan, say what can be found, write the arms."""
    plan = plan_holdout(
        read_book(options.book),
        smallest_effect=options.smallest_effect,
        power=options.power,
        level=options.level,
        share_held_out=options.share_held_out,
        n_buyers=options.n_buyers,
        random_state=options.random_state,
    )
    voice = Voice.of(options)
    facts = {name: getattr(plan, name) for name in ("n_care", "n_hold_out", "n_needed", "detectable_effect")}
    voice.say("holdout", plan.sentence, **facts)
    strata = plan.assignment.groupby(["stratum", "arm"]).size().unstack(fill_value=0)
    if options.out:
        write_table(plan.assignment, options.out)
        voice.say("arms", f"{len(plan.assignment):,} buyers written.", out=options.out)
    else:
        voice.show("strata", "Buyers by stratum and arm", strata)
    return 0
