"""The options that name the caller's tables, the same for every verb, and reading them."""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from clientcare.exceptions import InputError, OptionError, SourceError
from clientcare.history import Histories, read_histories
from clientcare.history.door.schema import schema_of
from clientcare.history.sources.databases import is_address
from clientcare.history.sources.files import files_of, read_source

TABLES = ("transactions", "interactions", "contracts", "buyers")
_AT_THE_DOOR = ("timezone", "observed_from", "observed_until", "on_bad_rows")
_WRITING = (
    "ids",
    "guests",
    "currency",
    "amounts",
    "ends",
    "lasting_attributes",
    "accounts",
    "merge_ids",
    "rates",
    "date_format",
    "decimal",
    "encoding",
    "delimiter",
    "skip_lines",
    "exact_copies",
    "isolated_dates",
)
_BY_TABLE = ("date_format", "encoding", "delimiter", "skip_lines")
"""Options that may be one for all tables, or one for each: ``--date-format transactions=%d.%m.%Y``."""
_OF_VERBS = ("horizon", "model", "out", "effort", "as_of")
"""Options of the verbs that a config may hold too; the command line wins."""
CONFIG = "clientcare.toml"
"""Read by itself where it lies in the folder one stands in."""


def add_table_options(parser: argparse.ArgumentParser) -> None:
    """``--transactions``, ``--column``, ``--config`` and what else the door asks for."""
    group = parser.add_argument_group("your tables (Parquet or CSV: a file, a 'glob*', or a folder)")
    for table in TABLES:
        group.add_argument(f"--{table}", metavar="FILES")
    group.add_argument(
        "--column",
        action="append",
        default=[],
        metavar="TABLE.OURS=THEIRS",
        help="a column of yours under our name, e.g. transactions.buyer_id='Customer ID' (repeatable)",
    )
    group.add_argument(
        "--config",
        metavar="FILE.toml",
        help="these options from a file; the command line wins (clientcare.toml, or [tool.clientcare] of "
        "pyproject.toml, is read by itself)",
    )
    group.add_argument("--timezone", help="the zone whose calendar days count, e.g. Europe/London")
    group.add_argument("--observed-from", metavar="DATE", help="the data are complete from this day on")
    group.add_argument(
        "--observed-until", metavar="DATE", help="the data are complete up to this day (exclusive)"
    )
    group.add_argument(
        "--on-bad-rows",
        choices=("quarantine", "raise"),
        help="set unusable rows aside and count them (default), or refuse the table, every rule told at once",
    )
    group.add_argument(
        "--strict",
        action="store_true",
        help="stop where more than 1 %% of rows or money was set aside, or tables share no buyer",
    )
    for name, words in (
        ("ids", "exact (default), or fold: ids that differ in capitals or blanks alone are one"),
        ("guests", "guest accounts: set_aside (default) or keep"),
        ("currency", "the one currency that counts, e.g. EUR"),
        ("amounts", "auto (default), line, or order: the total of the order on each line"),
        (
            "ends",
            "of contracts: auto (default), scheduled, paid_until, or the date of the export they were paid at",
        ),
        (
            "lasting_attributes",
            "attributes of the buyers that held at every date, whatever they look like: NAME,NAME",
        ),
        ("accounts", "own (default), or parent: rolled up to the parent_id of the buyers"),
        ("merge_ids", "a file with columns alias, buyer_id and, where accounts change hands, since"),
        ("rates", "a file with columns currency, rate and, where rates move, timestamp (needs --currency)"),
        ("date_format", "how texts write dates, e.g. %%d.%%m.%%Y"),
        ("decimal", "what parts decimals in texts: . or ,"),
        ("encoding", "how CSV files encode texts, e.g. cp1252"),
        ("delimiter", "what parts the cells of CSV files"),
        ("skip_lines", "lines above the header of CSV files"),
        ("exact_copies", "set_aside (default) or keep"),
        ("isolated_dates", "set_aside (default) or keep"),
    ):
        by_table = "; TABLE=VALUE for one table (repeatable)" if name in _BY_TABLE else ""
        group.add_argument(
            f"--{name.replace('_', '-')}", metavar="VALUE", help=words + by_table,
            action="append" if name in _BY_TABLE else "store",
        )  # fmt: skip
    group.add_argument(
        "--satisfaction-scale", nargs=2, type=float, metavar=("LOW", "HIGH"), help="lowest and highest rating"
    )
    group.add_argument(
        "--kind", action="append", default=[], metavar="YOURS=OURS",
        help="a word of yours for a kind of contact, e.g. coffee=check_in (repeatable)",
    )  # fmt: skip
    group.add_argument(
        "--order-status", action="append", default=[], metavar="YOURS=MEANING",
        help="a word of yours for the status of an order: never, withdrawn or stands, e.g. parked=never (repeatable)",
    )  # fmt: skip


def read_tables(options: argparse.Namespace) -> Histories:
    """The histories that the options name."""
    sources, door = table_sources(options)
    histories = read_histories(**sources, **door)
    tell(histories.says, options)
    return histories


def files_named(options: argparse.Namespace) -> list[tuple[str, Path]]:
    """Every file of a table that the options name, and of which table it is; and the config that is read by itself."""
    if not hasattr(options, "transactions"):
        return []
    own = [(CONFIG, Path(CONFIG))] if Path(CONFIG).is_file() and not options.config else []
    if options.verb == "demo" and not (options.config or any(getattr(options, table) for table in TABLES)):
        return own
    sources, _ = table_sources(options)
    return own + [
        (table, file)
        for table, source in sources.items()
        for one in (source if isinstance(source, list) else [source])
        if not is_address(one)
        for file in files_of(table, one)
    ]


def tell(said: Sequence[str], options: argparse.Namespace, done: str = "Nothing was done") -> None:
    """What heads everything, on the error stream; with ``--strict`` it ends the run.

    Parameters
    ----------
    said : sequence of str
    options : Namespace
    done : str
        What was done until then.

    Raises
    ------
    InputError
        With ``--strict``, where anything is said.
    """
    if said and options.strict:
        raise InputError("\n".join([*said, f"{done} (--strict)."]))
    for sentence in said:
        print(f"clientcare {options.verb}: {sentence}", file=sys.stderr)


def table_sources(options: argparse.Namespace) -> tuple[dict[str, Any], dict[str, Any]]:
    """Where each table lies, and the options for the door (column map, time zone ...).

    Raises
    ------
    OptionError
        Where no table is named or a column map cannot be read.
    """
    config = config_of(options.config)
    named = {table: getattr(options, table) or config.get(table) for table in TABLES}
    sources: dict[str, Any] = {table: source for table, source in named.items() if source is not None}
    if not sources:
        raise OptionError(
            "no table named. Give at least --transactions FILES (or --interactions with --contracts), "
            "or name them in --config FILE.toml."
        )
    said = {name: getattr(options, name) or config.get(name) for name in _AT_THE_DOOR}
    door: dict[str, Any] = {name: value for name, value in said.items() if value is not None}
    columns = _column_map(options.column, config.get("columns", {}))
    if columns:
        door["columns"] = columns
    for name in ("kinds", "statuses", "satisfaction_scale", *_WRITING):
        if name in config:
            door[name] = tuple(config[name]) if isinstance(config[name], list) else config[name]
    return sources, _with_lists_read(door | _written_on_the_line(options))


def _with_lists_read(door: dict[str, Any]) -> dict[str, Any]:
    """The tables of accounts and of rates, which are options of the door, read where they are named as files."""
    for name in ("merge_ids", "rates"):
        if isinstance(door.get(name), str):
            door[name] = read_source(name, door[name]).table.to_pandas()
    return door


def _written_on_the_line(options: argparse.Namespace) -> dict[str, Any]:
    """How cells and files are written, as flags say it."""
    said: dict[str, Any] = {}
    for name in _WRITING:
        value = getattr(options, name)
        if value is not None:
            said[name] = _by_table(name, value) if name in _BY_TABLE else value
    if options.satisfaction_scale is not None:
        said["satisfaction_scale"] = tuple(options.satisfaction_scale)
    if options.order_status:
        pairs = [pair.partition("=") for pair in options.order_status]
        if not all(yours and ours for yours, _, ours in pairs):
            raise OptionError(
                "--order-status: not of the form YOURS=MEANING, e.g. --order-status parked=never."
            )
        said["statuses"] = {yours: ours for yours, _, ours in pairs}
    if options.kind:
        pairs = [pair.partition("=") for pair in options.kind]
        if not all(yours and ours for yours, _, ours in pairs):
            raise OptionError("--kind: not of the form YOURS=OURS, e.g. --kind coffee=check_in.")
        said["kinds"] = {yours: ours for yours, _, ours in pairs}
    return said


def _by_table(name: str, values: list[str]) -> Any:
    """One value for all tables, or ``TABLE=VALUE`` for each."""
    read: Callable[[str], Any] = _whole_number if name == "skip_lines" else str
    named = {
        table: read(value)
        for table, equals, value in (one.partition("=") for one in values)
        if table in TABLES and equals
    }
    if named and len(named) < len(values):
        raise OptionError(
            f"--{name.replace('_', '-')}: give one value for all tables, or TABLE=VALUE for each."
        )
    return named or read(values[-1])


def _whole_number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise OptionError("--skip-lines: must be a whole number, e.g. 3 or transactions=3.") from None


def _column_map(pairs: list[str], from_config: dict[str, Any]) -> dict[str, dict[str, str]]:
    """``{"transactions": {"Customer ID": "buyer_id"}}`` from ``transactions.buyer_id=Customer ID``."""
    if not _maps_texts_by_table(from_config):
        raise OptionError(
            "--config: columns must be tables of texts, e.g. [columns.transactions] and below it "
            'buyer_id = "Customer ID".'
        )
    ours = {table: _ours_to_theirs(table, names) for table, names in from_config.items()}
    for pair in pairs:
        left, equals, theirs = pair.partition("=")
        table, dot, name = left.partition(".")
        if not (equals and dot and theirs and name) or table not in TABLES:
            raise OptionError(
                f"--column {pair!r}: not of the form TABLE.OURS=THEIRS with TABLE one of {', '.join(TABLES)}, "
                "e.g. --column transactions.buyer_id=CustomerID."
            )
        ours.setdefault(table, {})[name] = theirs
    return {table: {theirs: name for name, theirs in names.items()} for table, names in ours.items()}


def _ours_to_theirs(table: str, names: dict[str, str]) -> dict[str, str]:
    """Our names to theirs; a pair written the other way round, as in Python, is turned where it can be told."""
    known = schema_of(table).columns
    return dict(
        (there, here) if here not in known and there in known else (here, there)
        for here, there in names.items()
    )


def _maps_texts_by_table(columns: Any) -> bool:
    return isinstance(columns, dict) and all(
        isinstance(names, dict) and all(isinstance(theirs, str) for theirs in names.values())
        for names in columns.values()
    )


def config_of(path: str | None) -> dict[str, Any]:
    """The options of a config file: the one named, else what lies in the folder one stands in, else none."""
    if path:
        return _checked_config("--config", _toml_of("--config", Path(path)))
    if Path(CONFIG).is_file():
        return _checked_config(CONFIG, _toml_of(CONFIG, Path(CONFIG)))
    if Path("pyproject.toml").is_file():
        try:
            project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
        except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError):
            return {}  # somebody else's file, which this verb was not asked to judge
        return _checked_config(
            "[tool.clientcare] of pyproject.toml", project.get("tool", {}).get("clientcare", {})
        )
    return {}


def defaults_of(config: dict[str, Any]) -> dict[str, Any]:
    """What a config says of the options of verbs."""
    return {name: config[name] for name in _OF_VERBS if name in config}


def _toml_of(place: str, path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as cause:
        raise SourceError(f"{place}: the file cannot be read ({type(cause).__name__}).") from cause
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as cause:
        raise OptionError(f"{place}: the file is no valid TOML. Check quotes and brackets.") from cause


def _checked_config(place: str, config: dict[str, Any]) -> dict[str, Any]:
    """Tables and door options at the top, ``[columns.transactions] ours = "theirs"``."""
    known = {
        *TABLES,
        *_AT_THE_DOOR,
        *_WRITING,
        *_OF_VERBS,
        "kinds",
        "statuses",
        "satisfaction_scale",
        "columns",
    }
    unknown = sorted(set(config) - known)
    if unknown:
        raise OptionError(f"{place}: no option {unknown[0]!r}. Known: {', '.join(sorted(known))}.")
    for name in (*TABLES, "encoding", "delimiter"):
        value = config.get(name, "")
        by_table = isinstance(value, dict) and name in _BY_TABLE
        several = name in TABLES and isinstance(value, list) and all(isinstance(one, str) for one in value)
        if not (isinstance(value, str) or by_table or several):
            raise OptionError(f"{place}: {name} must be a text in quotes.")
    if not isinstance(config.get("kinds", {}), dict):
        raise OptionError(f'{place}: kinds must be a table of texts, e.g. kinds = {{ coffee = "check_in" }}.')
    return config
