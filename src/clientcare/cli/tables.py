"""The options that name the caller's tables, the same for every verb, and reading them."""

from __future__ import annotations

import argparse
import tomllib
from pathlib import Path
from typing import Any

from clientcare.exceptions import OptionError, SourceError
from clientcare.history import Histories, read_histories
from clientcare.history.door.schema import schema_of
from clientcare.history.sources.databases import is_address
from clientcare.history.sources.files import files_of, require_other_place

TABLES = ("transactions", "interactions", "contracts", "buyers")
_AT_THE_DOOR = ("timezone", "observed_from", "observed_until", "on_bad_rows")
_IN_CONFIG_ALONE = (
    "satisfaction_scale", "kinds", "date_format", "decimal", "encoding", "delimiter", "exact_copies", "isolated_dates"
)  # fmt: skip


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
        "--config", metavar="FILE.toml", help="these options from a file; the command line wins"
    )
    group.add_argument("--timezone", help="the zone whose calendar days count, e.g. Europe/London")
    group.add_argument("--observed-from", metavar="DATE", help="the data are complete from this day on")
    group.add_argument(
        "--observed-until", metavar="DATE", help="the data are complete up to this day (exclusive)"
    )
    group.add_argument(
        "--on-bad-rows",
        choices=("quarantine", "raise"),
        help="set unusable rows aside and count them (default), or stop at the first rule they break",
    )


def read_tables(options: argparse.Namespace) -> Histories:
    """The histories that the options name."""
    sources, door = table_sources(options)
    if getattr(options, "out", None):
        for table, source in sources.items():
            if not is_address(source):
                require_other_place(Path(options.out), table, files_of(table, source))
    return read_histories(**sources, **door)


def table_sources(options: argparse.Namespace) -> tuple[dict[str, str], dict[str, Any]]:
    """Where each table lies, and the options for the door (column map, time zone ...).

    Raises
    ------
    OptionError
        Where no table is named or a column map cannot be read.
    """
    config = _read_config(options.config) if options.config else {}
    named = {table: getattr(options, table) or config.get(table) for table in TABLES}
    sources = {table: str(source) for table, source in named.items() if source is not None}
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
    for name in _IN_CONFIG_ALONE:
        if name in config:
            door[name] = tuple(config[name]) if isinstance(config[name], list) else config[name]
    return sources, door


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


def _read_config(path: str) -> dict[str, Any]:
    """A TOML file of options: tables and door options at the top, ``[columns.transactions] ours = "theirs"``."""
    try:
        config = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as cause:
        raise SourceError(f"--config: the file cannot be read ({type(cause).__name__}).") from cause
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as cause:
        raise OptionError("--config: the file is no valid TOML. Check quotes and brackets.") from cause
    known = {*TABLES, *_AT_THE_DOOR, *_IN_CONFIG_ALONE, "columns"}
    unknown = sorted(set(config) - known)
    if unknown:
        raise OptionError(f"--config: no option {unknown[0]!r}. Known: {', '.join(sorted(known))}.")
    for name in (*TABLES, "encoding", "delimiter"):
        if not isinstance(config.get(name, ""), str):
            raise OptionError(f"--config: {name} must be a text in quotes.")
    if not isinstance(config.get("kinds", {}), dict):
        raise OptionError('--config: kinds must be a table of texts, e.g. kinds = { coffee = "check_in" }.')
    return config
