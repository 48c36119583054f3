"""Which columns the door knows, table by table, and how the caller's names are read as ours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from clientcare.arguments import is_one_of, shown
from clientcare.exceptions import OptionError, SchemaError
from clientcare.history.door.troubles import raise_all

ColumnMap = Mapping[str, Mapping[str, str | None]]


@dataclass(frozen=True)
class TableSchema:
    """The columns of one table, by what their cells are.

    Attributes
    ----------
    table : str
        The name of the table.
    time : str or None
        The column that dates a row.
    numbers, texts, flags, moments : tuple of str
        Optional columns: measures, names that are counted or compared, yes or no, dates.
    """

    table: str
    time: str | None
    numbers: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    moments: tuple[str, ...] = ()

    @property
    def required(self) -> tuple[str, ...]:
        """The columns no table can do without."""
        return ("buyer_id",) if self.time is None else ("buyer_id", self.time)

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column known here, the required first."""
        return (*self.required, *self.numbers, *self.texts, *self.flags, *self.moments)


SCHEMAS = {
    "transactions": TableSchema(
        "transactions",
        time="timestamp",
        numbers=("amount", "quantity", "unit_price", "list_price", "discount"),
        texts=("order_id", "product_id", "category", "channel", "status", "currency"),
        moments=("status_at", "recorded_at"),
    ),
    "interactions": TableSchema(
        "interactions",
        time="timestamp",
        numbers=("satisfaction", "minutes", "response_hours", "resolution_hours"),
        texts=("kind", "direction", "status", "topic", "owner", "channel", "contact_id", "role"),
        flags=("answered", "resolved"),
        moments=("answered_at", "closed_at", "recorded_at"),
    ),
    "contracts": TableSchema(
        "contracts",
        time="start",
        numbers=("amount",),
        texts=("contract_id", "kind", "plan", "cancel_reason", "interval", "status"),
        moments=("end", "cancelled_at", "notice_at", "recorded_at"),
    ),
    "buyers": TableSchema("buyers", time=None),
}

LIKE_DATA = r"^\d{4}-\d\d-\d\d|^\d{1,2}[./]\d{1,2}[./]\d{2,4}|^-?\d+[.,]\d+$|@.+\."
"""What no column is called, but a cell may hold: a date, an amount, an address."""

LIKELY_NAMES = {
    "buyer_id": (
        *("customerid", "customer", "clientid", "client", "userid", "user", "accountid", "account", "cid"),
        *("memberid", "member", "householdid", "household", "donorid", "custid", "buyer", "customerno", "id"),
    ),
    "timestamp": (
        *("date", "datetime", "time", "invoicedate", "orderdate", "purchasedate", "createdat", "ts", "day"),
        *("transactiondate", "orderedat", "occurredat", "eventdate", "eventtime", "created", "when"),
    ),
    "start": (
        "startdate",
        "startsat",
        "contractstart",
        "validfrom",
        "begin",
        "startedat",
        "timestamp",
        "date",
    ),
}
"""Names (letters and digits alone) under which others keep the required columns: for advice alone."""


def schema_of(table: str) -> TableSchema:
    """The schema of a table.

    Raises
    ------
    OptionError
        Where there is no such table.
    """
    if not is_one_of(table, SCHEMAS):
        raise OptionError(
            f"no table {shown(table)}: there are {', '.join(SCHEMAS)}.{did_you_mean(shown(table), SCHEMAS)}"
        )
    return SCHEMAS[table]


def check_column_map(columns: ColumnMap | None) -> dict[str, dict[str, str | None]]:
    """The column map with its tables and its names on our side checked.

    Raises
    ------
    OptionError
        Where a table or a name on our side is not known.
    """
    if columns is None:
        return {}
    if not isinstance(columns, Mapping) or not all(isinstance(names, Mapping) for names in columns.values()):
        raise OptionError(
            "columns: must map a table to {their name: our name}, "
            "for instance columns={'transactions': {'Customer ID': 'buyer_id'}}."
        )
    turned = {table: _theirs_to_ours(schema_of(table), names) for table, names in columns.items()}
    for table, names in turned.items():
        schema = schema_of(table)
        for ours in names.values():
            if table != "buyers" and ours is not None and ours not in schema.columns:
                raise OptionError(
                    f"columns[{table!r}]: {ours!r} is not one of our names ({', '.join(schema.columns)})."
                    f"{did_you_mean(str(ours), schema.columns)}"
                )
    return turned


def _theirs_to_ours(schema: TableSchema, names: Mapping[str, str | None]) -> dict[str, str | None]:
    """Pairs as {theirs: ours}; a pair written the other way round is turned where our names tell it.

    Which side is ours is told where exactly one side is one of our names.
    """
    return {
        **{
            str(there): here
            for here, there in names.items()
            if there is not None and here in schema.columns and there not in schema.columns
        },
        **{
            here: there
            for here, there in names.items()
            if there is None or here not in schema.columns or there in schema.columns
        },
    }


def read_names(table: str, found: Sequence[str], mapping: Mapping[str, str | None]) -> dict[str, str]:
    """Our name of every column that is known or mapped, and the name it was given under.

    A column that is called as ours save for capitals, blanks and signs ("Buyer ID", "Amount ") is read as ours
    where none bears the very name.

    Parameters
    ----------
    table : str
        The name of the table.
    found : sequence of str
        The names in the table given.
    mapping : mapping of str to str or None
        Their names to ours; None leaves a column out.

    Raises
    ------
    SchemaError
        Where a mapped column is not there, two columns become one, or a required column is missing.
    """
    schema = schema_of(table)
    absent = [name for name in mapping if name not in found]
    told = [_absent(table, absent, mapping, found)] if absent else []
    alike = {_plain(ours): ours for ours in (schema.required if table == "buyers" else schema.columns)}
    taken = {mapping.get(name, name) for name in found}
    near = {name: ours for name in found if (ours := alike.get(_plain(name))) and ours not in taken}
    ours_of = {name: mapping.get(name, near.get(name, name)) for name in found}
    known = {name: ours for name, ours in ours_of.items() if ours is not None}
    if table != "buyers":
        known = {name: ours for name, ours in known.items() if ours in schema.columns}
    given: dict[str, str] = {}
    for name, ours in known.items():
        if ours in given:
            told.append(
                SchemaError(
                    f"{table}: columns {given[ours]!r} and {name!r} would both be {ours!r}.\n"
                    f"Map one of them to None to leave it out: columns={{{table!r}: {{{name!r}: None}}}}."
                )
            )
        given[ours] = name
    meant = {mapping[name] for name in absent}
    missing = [required for required in schema.required if required not in given and required not in meant]
    if missing:
        told.append(_missing(table, missing, [name for name in found if name not in given.values()], found))
    raise_all(told)
    return given


def _absent(
    table: str, absent: Sequence[str], mapping: Mapping[str, str | None], found: Sequence[str]
) -> SchemaError:
    """Columns that the caller maps and that are not there."""
    return SchemaError(
        f"{table}: {', '.join(f'no column {name!r}' for name in absent)}, which columns={{{table!r}: ...}} maps to "
        f"{', '.join(repr(mapping[name]) for name in absent)} (found {_listed(found)})."
        + "".join(did_you_mean(name, found) for name in absent)
    )


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A sentence with the nearest known name, or nothing."""
    lower = {str(one).lower(): str(one) for one in known}
    near = get_close_matches(name.lower(), lower, n=1, cutoff=0.6)
    return f" Did you mean {lower[near[0]]!r}?" if near else ""


def is_ours(table: str, name: object) -> bool:
    """Whether a name is one of our columns of a table, capitals, blanks and signs aside."""
    return isinstance(name, str) and _plain(name) in map(_plain, schema_of(table).columns)


def _plain(name: str) -> str:
    """The letters and digits of a name, all small."""
    return "".join(c for c in name.lower() if c.isalnum())


def _missing(table: str, columns: Sequence[str], free: Sequence[str], found: Sequence[str]) -> SchemaError:
    if any(re.search(LIKE_DATA, name) for name in found):
        absent = ", ".join(f"no column {column!r}" for column in columns)
        return SchemaError(
            f"{table}: {absent}; {len(found)} columns are named by what looks like data, so the first line "
            "is most likely no header.\nWrite the names of the columns into the first line."
        )
    plain = {_plain(name): name for name in reversed(free)}
    likely = {
        column: next((plain[name] for name in LIKELY_NAMES.get(column, ()) if name in plain), None)
        for column in columns
    }
    known = {column: name for column, name in likely.items() if name is not None}
    return SchemaError.missing_column(table, columns, found, known)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(repr(name) for name in names) or "no columns at all"
