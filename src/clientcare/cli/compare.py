"""Compare two books: what moved between two runs, and whether a pipeline should stop."""

from __future__ import annotations

import argparse

import pandas as pd

from clientcare.cli.output import Voice, add_output_options
from clientcare.exceptions import SourceError
from clientcare.scoring import compare_scores, read_book


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this verb."""
    parser.add_argument("old", metavar="OLD", help="a book written by 'score': .parquet, .csv or a folder")
    parser.add_argument("new", metavar="NEW")
    add_output_options(parser)


def run(options: argparse.Namespace) -> int:
    """Compare, print, and return 3 where something moved that matters."""
    comparison = compare_scores(_read_book(options.old, "OLD"), _read_book(options.new, "NEW"))
    voice = Voice.of(options)
    if voice.as_json:
        print(comparison.to_json())
    else:
        voice.say("comparison", str(comparison))
    return 3 if comparison.exit_code else 0


def _read_book(path: str, name: str) -> pd.DataFrame:
    try:
        return read_book(path)
    except SourceError as cause:
        raise SourceError(f"{name}: {cause}") from cause
