"""Which accounts are one buyer, settled before tables are split by buyer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from clientcare.exceptions import OptionError
from clientcare.history.door.aliases import Aliases
from clientcare.history.door.intake import take_in
from clientcare.history.door.parents import aliases_with_parents
from clientcare.history.door.sheets import Door
from clientcare.history.sources.databases import import_duckdb, locked_config
from clientcare.history.sources.scans import FileScan, RaggedLines, Scan
from clientcare.history.sources.streams import StreamScan


def settled_accounts(
    scans: Mapping[str, Scan], door: Mapping[str, Any], columns: Mapping[str, Any] | None
) -> tuple[dict[str, Any], dict[str, str] | None]:
    """The options of the door with every merged account named, and for each one that stands for all of its buyer.

    Raises
    ------
    OptionError
        Where parents are asked of buyers that stream and can be read only once.
    SchemaError
        Where the buyers state no parents.
    """
    spelling = door.get("ids", "exact")
    aliases = Aliases.of(door.get("merge_ids"), spelling)
    options = dict(door)
    if door.get("accounts") == "parent":
        stated = Door(ids=spelling, aliases=aliases)
        buyers = scans.get("buyers")
        rows = None if buyers is None else _all_rows(buyers)
        mapping = dict((columns or {}).get("buyers", {}))
        aliases = aliases_with_parents(None if rows is None else take_in("buyers", rows, mapping), stated)
        options["accounts"] = "own"
    if aliases is None:
        return options, None
    options["merge_ids"] = aliases.table()
    return options, aliases.one_of_each()


def _all_rows(scan: Scan) -> Any:
    if isinstance(scan, StreamScan):
        raise OptionError(
            "accounts: buyers that stream are read once, and parents are needed before. Give buyers as a table or a file."
        )
    if isinstance(scan, FileScan):
        scan = replace(scan, ragged=RaggedLines(), trouble=[])  # counted when the rows are split
    connection = import_duckdb("Work that is bigger than memory").connect(config=locked_config())
    try:
        scan.register(connection, "buyers", Path("."))
        return connection.sql("SELECT * FROM buyers").to_arrow_table()
    finally:
        connection.close()
