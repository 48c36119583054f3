"""Learn a relationship model and save it."""

from __future__ import annotations

import argparse

from clientcare.cli.modelling import add_model_options, build_model
from clientcare.cli.output import Voice, add_output_options
from clientcare.cli.tables import add_table_options, read_tables, table_sources
from clientcare.history import Histories


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this verb."""
    add_table_options(parser)
    add_model_options(parser)
    parser.add_argument(
        "--as-of", metavar="DATE", help="learn from what was known at this date (default: all)"
    )
    parser.add_argument(
        "--sample-buyers", type=int, metavar="N",
        help="learn from about so many buyers, drawn while the files are read: for tables bigger than memory",
    )  # fmt: skip
    parser.add_argument(
        "--model", "--out", dest="model", required=True, metavar="FILE", help="where the model file goes"
    )
    add_output_options(parser)


def _sample(options: argparse.Namespace) -> Histories:
    """The histories of a sample of the buyers."""
    from clientcare.scoring import sample_histories

    sources, door = table_sources(options)
    return sample_histories(**sources, n_buyers=options.sample_buyers, **door)


def run(options: argparse.Namespace) -> int:
    """Fit and save."""
    histories = _sample(options) if options.sample_buyers else read_tables(options)
    model = build_model(options, histories).fit(histories, as_of=options.as_of)
    model.save(options.model)
    voice = Voice.of(options)
    if options.sample_buyers:
        n = len(histories.buyer_ids)
        voice.say("sample", f"Learned from a sample of {n:,} buyers, drawn by their ids.", n_buyers=n)
    measured = dict.fromkeys(model.candidates_.select_dtypes("float"), 4)
    voice.show(
        "candidates",
        "What was tried, judged on the latest complete snapshots",
        model.candidates_.round(measured),
    )
    for sentence in model.says_:
        voice.say("says", sentence, sentence=sentence)
    voice.say("model", f"\nModel {model.model_id_} written.", model_id=model.model_id_, out=options.model)
    return 0
