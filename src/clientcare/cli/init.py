"""Look at your files, propose how to read them, and write clientcare.toml."""

from __future__ import annotations

import argparse
from pathlib import Path

from clientcare.cli.output import Voice, add_output_options
from clientcare.cli.tables import CONFIG
from clientcare.durable import replacing
from clientcare.exceptions import ClientcareError, OptionError
from clientcare.history import GuessedOptions, guess_options
from clientcare.history.door.schema import SCHEMAS


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this verb."""
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help="files of any make; TABLE=FILE where the table is known"
    )
    parser.add_argument(
        "--out", metavar="FILE.toml", default=CONFIG, help=f"where to write (default {CONFIG})"
    )
    parser.add_argument("--force", action="store_true", help="write over a file that is there")
    add_output_options(parser)


def run(options: argparse.Namespace) -> int:
    """Tell what was found and asked, try it, and write it down."""
    out = Path(options.out)
    if out.exists() and not (options.force and out.is_file()):
        raise OptionError(f"--out: {out.name!r} is there already. Name another place, or add --force.")
    guessed = guess_options(_named(options.files))
    voice = Voice.of(options)
    voice.show("evidence", "What was found, and why", guessed.evidence)
    for question in guessed.questions:
        voice.say("question", f"? {question}", question=question)
    with replacing(out) as stream:
        stream.write(guessed.to_toml().encode())
    voice.say("written", f"\nWritten to {out}. The same in Python:\n\n{guessed.to_python()}", out=str(out))
    return _tried(guessed, voice, out)


def _named(files: list[str]) -> list[str] | dict[str, str]:
    """Files, or tables with their files where every file names its table."""
    pairs = [file.partition("=") for file in files]
    if all(equals and table in SCHEMAS for table, equals, _ in pairs):
        return {table: file for table, _, file in pairs}
    return files


def _tried(guessed: GuessedOptions, voice: Voice, out: Path) -> int:
    """Read the files as proposed: a proposal that does not do is said so at once."""
    try:
        histories = guessed.read()
    except ClientcareError as trouble:
        voice.say(
            "tried",
            f"Read so, it does not do yet: {trouble}\nMend {out} and run `clientcare check`.",
            ok=False,
        )
        return 2
    voice.say(
        "tried",
        f"Read so: {len(histories.buyer_ids):,} buyers, {histories.observed_from:%Y-%m-%d} to "
        f"{histories.observed_until:%Y-%m-%d}. Next: clientcare check, then clientcare score --out book.parquet.",
        ok=True,
        n_buyers=len(histories.buyer_ids),
    )
    return 0
