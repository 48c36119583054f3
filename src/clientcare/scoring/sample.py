"""A sample of buyers, drawn while the tables are read: what a model learns from where the tables do not fit in memory."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Unpack

import pyarrow as pa

from clientcare.arguments import is_whole
from clientcare.exceptions import InputError, NotEnoughDataError, OptionError
from clientcare.history import Histories
from clientcare.history.door.schema import ColumnMap, check_column_map, read_names
from clientcare.history.options import DoorOptions, shows_door_options
from clientcare.history.sources.files import CsvForm
from clientcare.history.sources.partition import Partitions, partition_tables, suggest_partitions
from clientcare.history.sources.scans import scan_of
from clientcare.history.sources.settled import settled_options
from clientcare.progress import ProgressBar
from clientcare.scoring.outliers import latest_plausible_days, without_later_rows
from clientcare.scoring.pushdown import expanded_where_by_day

N_BUYERS = 100_000
"""A model learns from at most some 64,000 rows a question, and a date takes a few thousand buyers: more teach nothing."""
FEWEST_PARTS = 64
"""The sample is a whole number of parts: of so many, a part is a hundredth and a half of the buyers."""


@shows_door_options
def sample_histories(
    transactions: Any = None,
    interactions: Any = None,
    contracts: Any = None,
    buyers: Any = None,
    *,
    n_buyers: int = N_BUYERS,
    columns: ColumnMap | None = None,
    n_partitions: int | None = None,
    memory_limit: str = "1GB",
    encoding: str | Mapping[str, str] = "utf-8",
    delimiter: str | Mapping[str, str] | None = None,
    skip_lines: int | Mapping[str, int] = 0,
    **door: Unpack[DoorOptions],
) -> Histories:
    """The histories of a sample of the buyers of tables that need not fit in memory.

    For whatever learns or reports from a sample: ``RelationshipModel.fit``, :func:`backtest`, :func:`care_report`,
    :func:`write_report`. Whether a buyer is drawn is decided by a hash of the id alone, so that the same buyers are
    drawn each night, from every table, and whatever the order of the rows. What the door decides by a whole table
    (ends of contracts, totals of orders, rows dated long after all others) is decided by the whole table here too.

    Parameters
    ----------
    transactions, interactions, contracts, buyers : source, optional
        A Parquet or CSV file, a glob, a folder, a list of these, a database address ``"url#table"``, a
        :class:`DatabaseQuery`, or a table in memory.
    n_buyers : int
        The sample is the smallest number of parts with at least so many buyers; all of them where there are fewer.
    columns : mapping, optional
        As for :class:`Histories`.
    n_partitions : int, optional
        Parts that the buyers are split into; default at least 64, and so many that each is small.
    memory_limit : str
        What DuckDB may use while it splits the tables.
    encoding, delimiter, skip_lines
        How CSV files are written.
    **door
        All other options of :class:`Histories`.

    Returns
    -------
    Histories
        ``quality`` speaks of the rows of the sample.

    Raises
    ------
    InputError
        Where no table is given.
    OptionError
        Where an argument makes no sense.
    SourceError
        Where a source cannot be read.
    NotEnoughDataError
        Where no row can be used.
    MissingExtraError
        Where DuckDB is not installed (``pip install 'clientcare[duckdb]'``).

    Examples
    --------
    >>> import pandas as pd
    >>> days = pd.to_datetime(["2024-01-01"] * 1000)
    >>> orders = pd.DataFrame({"buyer_id": range(1000), "timestamp": days, "amount": 9.0})
    >>> some = sample_histories(orders, n_buyers=100)
    >>> 100 <= len(some.buyer_ids) < 150
    True
    """
    if not is_whole(n_buyers) or n_buyers < 1:
        raise OptionError("sample_histories: n_buyers must be a whole number, 1 or more.")
    if n_partitions is not None and not (is_whole(n_partitions) and 1 <= n_partitions <= 10_000):
        raise OptionError("sample_histories: n_partitions must be a whole number from 1 to 10,000.")
    given = {
        "transactions": transactions,
        "interactions": interactions,
        "contracts": contracts,
        "buyers": buyers,
    }
    sources = {table: source for table, source in given.items() if source is not None}
    if not set(sources) - {"buyers"}:
        raise InputError("sample_histories: no table given. Give transactions, interactions or contracts.")
    mapping = check_column_map(columns)
    scans = {
        table: scan_of(table, source, CsvForm.of(table, encoding, delimiter, skip_lines))
        for table, source in sources.items()
    }
    for table, scan in scans.items():
        read_names(table, scan.names, mapping.get(table, {}))
    n_parts = n_partitions or max(FEWEST_PARTS, suggest_partitions(scans))
    with (
        ProgressBar("Drawing a sample", n_steps=2) as bar,
        tempfile.TemporaryDirectory(prefix="clientcare.") as work,
    ):
        bar.at(0, "splitting the tables by buyer")
        parts = partition_tables(
            scans,
            Path(work) / "split",
            n_parts,
            columns=mapping,
            memory_limit=memory_limit,
            lasting=False,
            strict=door.get("on_bad_rows") == "raise",
            fold=door.get("ids") == "fold",
        )
        bar.at(1, "reading the sample")
        options = settled_options(parts, {**door, "columns": mapping})
        tables = _taken(parts, options, n_buyers)
    rows, expanded = expanded_where_by_day(tables, options)
    if not any(table.num_rows for name, table in tables.items() if name != "buyers"):
        raise NotEnoughDataError(
            "sample_histories: no row can be used.\nGive at least one row with a buyer and a date."
        )
    return Histories(**rows, **{"isolated_dates": "keep", **expanded})


def _taken(parts: Partitions, options: Mapping[str, Any], n_buyers: int) -> dict[str, pa.Table]:
    """The rows of the first parts that hold enough buyers together."""
    latest = latest_plausible_days(parts, options)
    pieces: dict[str, list[pa.Table]] = {table: [] for table in parts.tables}
    n_found, number = 0, 0
    while number < parts.n_partitions and n_found < n_buyers:
        tables, _ = without_later_rows(parts.read(number), latest, options)
        n_found += _n_buyers(tables, options)
        for table, rows in tables.items():
            pieces[table].append(rows)
        number += 1
    return {table: pa.concat_tables(rows) for table, rows in pieces.items()}


def _n_buyers(tables: Mapping[str, pa.Table], options: Mapping[str, Any]) -> int:
    """Different ids in the dated tables of a part."""
    found: set[Any] = set()
    for table, rows in tables.items():
        if table != "buyers":
            theirs = read_names(table, rows.column_names, dict((options.get("columns") or {}).get(table, {})))
            found.update(rows.column(theirs["buyer_id"]).unique().to_pylist())
    return len(found)
