"""Say what an action did to what came after, or that the data cannot tell."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any

import pandas as pd

from clientcare.care import CareEffect, care_effect
from clientcare.cli.output import Voice, add_output_options, write_table
from clientcare.cli.tables import add_table_options, read_tables
from clientcare.exceptions import InputError, SchemaError, SourceError
from clientcare.history import Histories
from clientcare.scoring.export import unguard_formulas

_FACTS = (
    "verdict", "effect", "low", "high", "naive", "naive_low", "naive_high", "randomised", "n_rows", "n_treated",
    "n_buyers", "n_clusters", "kept_share", "e_value", "validated",
)  # fmt: skip


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this verb."""
    add_table_options(parser)
    group = parser.add_argument_group("what is asked")
    group.add_argument(
        "--action", action="append", metavar="KIND",
        help="a kind of interaction (repeatable), or 'proactive' (default check_in)",
    )  # fmt: skip
    group.add_argument(
        "--outcome",
        choices=("churn", "client", "spend", "purchases"),
        default="churn",
        help="(default churn)",
    )
    group.add_argument(
        "--as-of", action="append", required=True, metavar="DATE", help="repeatable; all buyers known at each"
    )
    group.add_argument(
        "--status", choices=("contact", "attempt", "kept"), default="contact",
        help="what took place (default), every try, or what is written down as kept",
    )  # fmt: skip
    group.add_argument("--window", default="14D", help="how long the action may take (default 14D)")
    group.add_argument("--horizon", default="90D", help="how long the outcome is watched (default 90D)")
    group.add_argument(
        "--arms", metavar="FILE", help="who was given care by lot, as 'holdout' wrote it; compares the arms"
    )
    group.add_argument(
        "--clusters",
        metavar="COLUMN",
        help="column of the buyers' table: what was dealt with together (owner, branch)",
    )
    group.add_argument("--level", type=float, default=0.9, help="of the intervals (default 0.9)")
    group.add_argument("--random-state", type=int, default=0)
    add_output_options(parser, out="also write the effect found of each row (.parquet or .csv)")


def run(options: argparse.Namespace) -> int:
    """Estimate, check, say."""
    histories = read_tables(options)
    actions = options.action or ["check_in"]
    found = care_effect(
        histories,
        actions[0] if len(actions) == 1 else actions,
        options.outcome,
        options.as_of,
        status=options.status,
        window=options.window,
        horizon=options.horizon,
        randomised=_arms(options.arms, histories) if options.arms else None,
        clusters=options.clusters,
        level=options.level,
        random_state=options.random_state,
    )
    voice = Voice.of(options)
    tell_effect(voice, found)
    if options.out:
        write_table(found.rows, options.out)
        voice.say("rows", f"\n{len(found.rows):,} rows written.", n_rows=len(found.rows), out=options.out)
    return 0


def tell_effect(voice: Voice, found: CareEffect) -> None:
    """The finding, and what it rests on."""
    facts = {name: getattr(found, name) for name in _FACTS}
    voice.say("effect", found.sentence, sentence=found.sentence, reasons=list(found.reasons), **facts)
    if found.complier is not None:
        voice.say("complier", f"\n{found.complier}".capitalize() + ".", **asdict(found.complier))
    voice.show("placebos", "Effects that must be zero", found.placebos.round(4))
    voice.show("overlap", "Who could have gone either way", found.overlap)
    voice.show(
        "balance", "Differences of the groups before and after weighting", found.balance.round(3), rows=10
    )
    gains = found.targeting[["qini", "low", "high"]]
    voice.show("targeting", "What following the effect by buyer is worth", gains.round(5))


def _arms(path: str, histories: Histories) -> pd.Series[Any]:
    """The arm of each buyer of the histories; unknown for those who took no part."""
    try:
        table = (
            pd.read_parquet(path).reset_index()
            if path.endswith(".parquet")
            else unguard_formulas(pd.read_csv(path, dtype=str, keep_default_na=False))
        )
    except (OSError, ValueError) as cause:
        raise SourceError(f"--arms: the file cannot be read ({type(cause).__name__}).") from None
    missing = [name for name in ("buyer_id", "arm") if name not in table]
    if missing:
        raise SchemaError(
            f"--arms: the file lacks {' and '.join(map(repr, missing))}. Give what 'clientcare holdout --out' wrote."
        )
    arms = pd.Series(table["arm"].to_numpy(), index=table["buyer_id"].astype(str))
    arms = arms[~arms.index.duplicated()].reindex(histories.buyer_ids.astype(str))
    if arms.isna().all():
        raise InputError("--arms: the file names no buyer of these tables.")
    return arms.set_axis(histories.buyer_ids)
