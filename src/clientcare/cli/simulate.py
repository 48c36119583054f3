"""Make histories whose truth is known."""

from __future__ import annotations

import argparse
from pathlib import Path

from clientcare.cli.output import Voice, add_output_options, write_table
from clientcare.datasets import simulate_histories


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this verb."""
    parser.add_argument("--kind", choices=("retailer", "service_firm"), default="retailer")
    parser.add_argument("--n-buyers", type=int, default=1000)
    parser.add_argument("--random-state", type=int, default=0)
    parser.add_argument("--form", choices=("parquet", "csv"), default="parquet", help="the form of the files")
    parser.add_argument("--out", required=True, metavar="FOLDER", help="where the tables and the truth go")
    add_output_options(parser)


def run(options: argparse.Namespace) -> int:
    """Simulate and write one file a table, and the truth beside."""
    simulated = simulate_histories(options.kind, n_buyers=options.n_buyers, random_state=options.random_state)
    voice = Voice.of(options)
    for name in ("transactions", "interactions", "contracts", "buyers", "truth"):
        table = getattr(simulated, name)
        if table is None:
            continue
        target = Path(options.out) / f"{name}.{options.form}"
        write_table(table, str(target))
        voice.say("table", f"{name}: {len(table):,} rows", table=name, n_rows=len(table), out=target)
    return 0
