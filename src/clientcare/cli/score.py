"""Score every buyer: class, churn risk with its interval, what to expect, and why.

With --model the tables may be bigger than memory. Without it a model is learned from the same tables first, so that
one command leads from two files to the book.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from typing import Any

from clientcare.book import in_order
from clientcare.cli.lists import list_of_buyers
from clientcare.cli.modelling import add_model_options, build_model, load_saved, open_model
from clientcare.cli.output import Voice, add_output_options, is_terminal, write_json, write_table
from clientcare.cli.standing import tell_standing
from clientcare.cli.tables import add_table_options, read_tables, table_sources, tell
from clientcare.exceptions import OptionError
from clientcare.history.sources.databases import is_address
from clientcare.history.sources.files import files_of
from clientcare.model.outlook import EXPECTED, Outlook
from clientcare.model.training.requirements import require_tables
from clientcare.scoring.companions import outlook_beside
from clientcare.scoring.last_night import n_buyers_there, require_not_emptied, shrunk_said
from clientcare.scoring.outputs import output_of

_N_SHOWN = 20

_TOLD = (
    "relationship",
    "status",
    "stage",
    "churn_risk",
    "churn_risk_low",
    "churn_risk_high",
    "at_stake",
    "reason_1",
)
"""What a program is told of each buyer: never a risk without its interval."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this verb."""
    add_table_options(parser)
    add_model_options(parser)
    parser.add_argument("--model", metavar="FILE", help="written by 'fit'; without it one is learned first")
    parser.add_argument(
        "--as-of", metavar="DATE", help="score as of this date (default: the end of the data)"
    )
    parser.add_argument(
        "--in-parts",
        action="store_true",
        help="bigger than memory: partition by buyer, resumable (needs --model, --as-of, --out)",
    )
    parser.add_argument(
        "--allow-empty", action="store_true", help="publish a book of nobody over one that holds buyers"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="say what would be read and written, and do nothing"
    )
    add_output_options(
        parser,
        out="where the book goes: .parquet, .csv or .xlsx (with --in-parts .parquet, .csv or a folder)",
    )


def run(options: argparse.Namespace) -> int:
    """Score in memory, or in parts where asked for."""
    if options.dry_run:
        return _say_what_would_be_done(options)
    return _score_in_parts(options) if options.in_parts else _score_in_memory(options)


def _score_in_memory(options: argparse.Namespace) -> int:
    voice = Voice.of(options)
    histories = read_tables(options)
    if options.model:
        model = open_model(options, histories)
    else:
        model = build_model(options, histories).fit(histories, as_of=options.as_of)
    book = model.score(histories, as_of=options.as_of)
    first = in_order(book)
    outlook = model.outlook(book, model.unlike(histories, options.as_of))
    tell_standing(voice, histories, options.as_of, model)
    said = [*(one for one in model.says_ if not one.startswith(EXPECTED)), *outlook.says]
    for sentence in dict.fromkeys(said) if voice.for_people else ():
        print(sentence, file=sys.stderr)
    if options.out:
        before = n_buyers_there(Path(options.out))
        require_not_emptied(before, len(book), options.allow_empty)
        tell(shrunk_said(before, len(book)), options)
        write_table(book, options.out, {"outlook": outlook.to_dict()})
        beside = outlook_beside(Path(options.out))
        write_json(beside, outlook.to_json())
        voice.say(
            "book",
            f"{len(book):,} buyers written to {options.out}, {_asked(book)}. The outlook is in {beside.name} beside it.",
            n_buyers=len(book),
            model_id=model.model_id_,
            out=options.out,
            outlook=str(beside),
        )
    elif voice.for_people:
        explanation = model.explain(histories, buyers=first.index[:_N_SHOWN], as_of=options.as_of)
        print(f"{len(book):,} buyers, {_asked(book)}.\nThose who are here first, most at stake on top.\n")
        print(list_of_buyers(explanation.risk_first(first).head(_N_SHOWN), _width()))
        if len(book) > _N_SHOWN:
            print(f"... {len(book) - _N_SHOWN:,} more; --out book.csv writes all, with every column")
    else:
        voice.show("book", "", first[list(_TOLD)].round(3), rows=_N_SHOWN)
    if voice.as_json:
        voice.say("outlook", "", **outlook.to_dict())
    return 0


def _asked(book: Any) -> str:
    """The date and the horizon that a book speaks of."""
    if book.empty:
        return "nobody is known"
    return f"as of {book['as_of'].iloc[0]:%Y-%m-%d}, for the {int(book['horizon_days'].iloc[0]):,} days from then"


def _width() -> int:
    """As wide as the terminal, and 80 columns where there is none."""
    return max(60, min(shutil.get_terminal_size((80, 24)).columns, 120))


def _say_what_would_be_done(options: argparse.Namespace) -> int:
    """Open what is named as far as a start would, and tell; nothing is scored or written."""
    sources, _ = table_sources(options)
    model = load_saved(options) if options.model else None
    if model is not None:
        require_tables("--model", model.tables_, frozenset(sources))
    if options.in_parts:
        _require_all_named(options)
    voice = Voice.of(options)
    for table, source in sources.items():
        named = source if isinstance(source, list) else [source]
        files = [file for one in named if not is_address(one) for file in files_of(table, one)]
        n_bytes = sum(file.stat().st_size for file in files)
        places = f"{len(files):,} files, {n_bytes:,} bytes" if files else "a database"
        voice.say(
            "would_read", f"Would read {table}: {places}.", table=table, n_files=len(files), n_bytes=n_bytes
        )
    learned = "learned first from these tables" if model is None else f"{model.model_id_}"
    voice.say("would_use", f"The model: {learned}.", model_id=None if model is None else model.model_id_)
    there = bool(options.out) and Path(options.out).exists()
    place = f"{options.out}{', in place of what is there' if there else ''}" if options.out else "the screen"
    voice.say(
        "would_write",
        f"Would write the book to {place}. Nothing was done (--dry-run).",
        out=options.out,
        replaces=there,
    )
    return 0


def _require_all_named(options: argparse.Namespace) -> None:
    if not (options.model and options.as_of and options.out):
        raise OptionError(
            "--in-parts needs --model, --as-of and --out: a batch job says what it scores and where to."
        )


def _score_in_parts(options: argparse.Namespace) -> int:
    _require_all_named(options)
    from clientcare.scoring import score_dataset

    voice = Voice.of(options)
    sources, door = table_sources(options)
    tables: dict[str, Any] = {**sources, **door}
    progress = voice.progress if voice.as_json or is_terminal() else None
    result = score_dataset(
        load_saved(options),
        **tables,
        as_of=options.as_of,
        out=options.out,
        on_progress=progress,
        allow_empty=options.allow_empty,
    )
    tell(result.says, options, done=f"The book of {result.n_buyers:,} buyers was written all the same")
    voice.say("book", f"{result.n_buyers:,} buyers written.", n_buyers=result.n_buyers, out=options.out)
    if "outlook" in result.manifest:
        outlook = Outlook.from_dict(result.manifest["outlook"])
        if not is_address(options.out):
            beside = outlook_beside(output_of(options.out).place)
            write_json(beside, outlook.to_json())
            voice.say("outlook_file", f"The outlook is in {beside.name} beside it.", file=str(beside))
        voice.say("outlook", "\n".join(outlook.says), **outlook.to_dict())
    return 0
