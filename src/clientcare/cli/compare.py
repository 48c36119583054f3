"""Compare two books: what moved between two runs, and whether a pipeline should stop."""

from __future__ import annotations

import argparse

import pandas as pd

from clientcare.cli.output import Voice, add_output_options
from clientcare.exceptions import SourceError
from clientcare.scoring import compare_scores


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this verb."""
    parser.add_argument("old", metavar="OLD.parquet")
    parser.add_argument("new", metavar="NEW.parquet")
    add_output_options(parser)


def run(options: argparse.Namespace) -> int:
    """Compare, print, and return 3 where something moved that matters."""
    comparison = compare_scores(_read_book(options.old, "OLD"), _read_book(options.new, "NEW"))
    if options.json:
        print(comparison.to_json())
    else:
        Voice(False).say("comparison", str(comparison))
    return 3 if comparison.exit_code else 0


def _read_book(path: str, name: str) -> pd.DataFrame:
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as cause:
        raise SourceError(
            f"{name}: no book that can be read there (a Parquet file written by 'score')."
        ) from cause
