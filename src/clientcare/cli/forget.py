"""Take a buyer out of the books, plans, features and pages in a folder, and say what was not reached."""

from __future__ import annotations

import argparse

from clientcare.cli.output import Voice, add_output_options
from clientcare.forgetting import forget_buyer


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this verb."""
    parser.add_argument("id", metavar="ID", help="the buyer, as the books write it")
    parser.add_argument(
        "folder", metavar="FOLDER", help="where books, plans, features and pages lie; folders below too"
    )
    add_output_options(parser)


def run(options: argparse.Namespace) -> int:
    """Forget, and return 2 where something may still hold the buyer."""
    done = forget_buyer(options.id, options.folder)
    voice = Voice.of(options)
    n_gone = int(done.changed["n_gone"].sum())
    voice.say(
        "forgotten",
        f"Forgotten in {len(done.changed):,} of {done.n_files:,} files ({n_gone:,} entries).",
        n_files=done.n_files, n_changed=len(done.changed), n_gone=n_gone,
    )  # fmt: skip
    if len(done.changed):
        voice.show("changed", "What was changed", done.changed)
    if len(done.unreached):
        voice.show("unreached", "What was not reached, and may still hold the buyer", done.unreached)
    return 2 if len(done.unreached) else 0
