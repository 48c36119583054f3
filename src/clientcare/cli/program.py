"""Which verbs there are, and what an exit code means.

======  ==============================================================================================
code    meaning
======  ==============================================================================================
0       done
2       a mistake in the options or in the input; one message says what, where and how to mend it
3       ``compare`` alone: done, and something moved that a pipeline should stop on
130     interrupted from the keyboard
1       our own fault; please report it
======  ==============================================================================================
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import os
import sys
import traceback
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import NoReturn

from clientcare import __version__
from clientcare.exceptions import ClientcareError, OptionError

VERBS = {
    "demo": "Run the main job on the samples: quality, backtest, the book.",
    "init": "Look at your files, propose how to read them, and write clientcare.toml.",
    "check": "Read the tables, say what was found wrong with them, and suggest a horizon.",
    "features": "Write the feature table as of one or several dates.",
    "fit": "Learn a relationship model and save it.",
    "backtest": "Show how the model would have done at past dates, beside the recency rule.",
    "score": "Score every buyer: class, churn risk with its interval, what to expect, and why.",
    "care": "Print the seller's report card, and write the list of care that is due.",
    "revenue": "Say what became of the money: opening, new, expansion, contraction, lost, won back, closing.",
    "renewals": "Say which contracts come up, with the chance of each, and what each month will keep.",
    "losses": "List who left, with what was known before, and how many losses were a surprise.",
    "report": "Write the whole book as one HTML page that opens offline.",
    "holdout": "Deal out a care experiment: who gets care, who is held out, and what it can find.",
    "effect": "Say what an action did to what came after, or that the data cannot tell.",
    "compare": "Compare two books: what moved between two runs, and whether a pipeline should stop.",
    "simulate": "Make histories whose truth is known.",
    "completion": "Print what a shell needs to complete verbs and options.",
    "forget": "Take a buyer out of the books, plans, features and pages in a folder, and say what was not reached.",
}
"""What each verb does; its module of the same name is loaded when it is asked for, so that help comes at once."""


_NO_ROOM = {errno.ENOSPC, errno.EFBIG, errno.EIO, getattr(errno, "EDQUOT", errno.ENOSPC)}
"""A full disk, a file that may not grow, a broken disk, a quota."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and return its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        options = _parser(given).parse_args(given)
    except ClientcareError as mistake:  # a config that lies about and cannot be read
        print(f"clientcare: {mistake}", file=sys.stderr)
        return 2
    try:
        if "-h" not in given:
            from clientcare.cli.places import require_places  # what verbs need is loaded when one runs

            require_places(options)
        code = int(options.run(options))
        sys.stdout.flush()  # what was printed counts as done only when it has arrived
        return code
    except ClientcareError as mistake:
        print(f"clientcare {options.verb}: {mistake}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"clientcare {options.verb}: interrupted; nothing half-written was published.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as fault:
        if fault.errno not in _NO_ROOM:
            return _own_fault(options.verb, fault, bool(os.environ.get("CLIENTCARE_DEBUG")))
        return _no_room(options.verb, fault)
    except Exception as fault:
        return _own_fault(options.verb, fault, bool(os.environ.get("CLIENTCARE_DEBUG")))


def _no_room(verb: str, fault: OSError) -> int:
    """Standard output, or a folder for temporary files, is on a disk that is full."""
    with contextlib.suppress(OSError):
        print(
            f"clientcare {verb}: something cannot be written ({os.strerror(fault.errno or 0)}); "
            "nothing half-written was published. Free space, and start again.",
            file=sys.stderr,
        )
    return 2


def _own_fault(verb: str, fault: Exception, debug: bool) -> int:
    """Tell of a fault without printing its message, which may carry a cell of the caller's tables."""
    if debug:
        traceback.print_exception(fault)
    where = traceback.extract_tb(fault.__traceback__)[-1]
    print(
        f"clientcare {verb}: an error of our own ({type(fault).__name__} in {os.path.basename(where.filename)}, "
        f"line {where.lineno}). Please report it.\n"
        "CLIENTCARE_DEBUG=1 prints the whole trace; read it before you send it on, it may show parts of your data.",
        file=sys.stderr,
    )
    return 1


class _Parser(argparse.ArgumentParser):
    """Says which option was meant where one is written a little otherwise."""

    def error(self, message: str) -> NoReturn:
        unknown = message.partition("unrecognized arguments: ")[2].split()
        meant = [
            _did_you_mean(word.partition("=")[0], self._options())
            for word in unknown
            if word.startswith("--")
        ]
        super().error(message + "".join(dict.fromkeys(meant)))

    def _options(self) -> list[str]:
        """Names of the options of this parser, and of the verb that was asked for."""
        subs = [action for action in self._actions if isinstance(action, argparse._SubParsersAction)]
        parsers = [self, *(parser for action in subs for parser in action.choices.values())]
        return sorted(
            {name for parser in parsers for action in parser._actions for name in action.option_strings}
        )


def _did_you_mean(word: str, known: Iterable[str]) -> str:
    """The nearest of what is known, as a question; nothing where none is near."""
    near = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f" Did you mean {near[0]!r}?" if near else ""


def _parser(given: Sequence[str]) -> argparse.ArgumentParser:
    """The parser of the verb that is asked for; of the others it knows what they do."""
    parser = _Parser(
        prog="clientcare",
        description="Tell dependent clients from one-time customers, predict who is about to leave, "
        "and say which care is due.",
        epilog="Exit codes: 0 done, 2 a mistake in options or input, 3 compare found movement, 1 our own fault.",
    )
    parser.add_argument("--version", action="version", version=f"clientcare {__version__}")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    asked = next((word for word in given if not word.startswith("-")), None)
    if asked is not None and asked not in VERBS:
        raise OptionError(
            f"no verb {asked!r}.{_did_you_mean(asked, VERBS)} clientcare --help lists them all."
        )
    for name, summary in VERBS.items():
        sub = verbs.add_parser(name, help=summary)
        if name == asked:
            verb = import_module(f"clientcare.cli.{name}")
            sub.description = verb.__doc__
            sub.formatter_class = argparse.RawDescriptionHelpFormatter
            verb.add_options(sub)
            _take_config(sub, given)
            sub.set_defaults(run=verb.run)
    return parser


def _take_config(parser: argparse.ArgumentParser, given: Sequence[str]) -> None:
    """What a config file says of a verb's own options stands as if it had been typed; what is typed wins."""
    options = {action.dest: action for action in parser._actions}
    if "config" not in options:
        return
    from clientcare.cli.tables import config_of, defaults_of

    early = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    early.add_argument("--config")
    named = early.parse_known_args(list(given))[0].config
    verb = parser.prog.split()[-1]
    for name, value in defaults_of(config_of(named)).items():
        if name in options and (name != "out" or verb == "score"):
            options[name].required = False
            parser.set_defaults(**{name: value})
